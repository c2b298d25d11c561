"""Steps as a network would answer them, written down by hand."""

from collections.abc import Mapping, Sequence

import numpy as np

from extract.decoding.alphabet import Floats

BLANK = "\0"
SURE = 0.9999
CLASSES = BLANK + "".join(map(chr, range(33, 127))) + "£éí "

Doubt = Mapping[str, float]


def steps_of(writing: Sequence[str | Doubt], classes: str = CLASSES) -> Floats:
    """(steps, classes): every character at one sure step and a blank after it; a mapping says what one step sees.

    What a step leaves over is shared by all classes, so that nothing is quite impossible.
    """
    rows: list[Doubt] = []
    for seen in writing:
        rows += [seen] if isinstance(seen, Mapping) else [{seen: SURE}, {BLANK: SURE}]
    steps = np.zeros((len(rows), len(classes)), np.float32)
    for number, seen in enumerate(rows):
        steps[number] = (1.0 - sum(seen.values())) / len(classes)
        for character, likely in seen.items():
            steps[number, classes.index(character)] += likely
    return steps
