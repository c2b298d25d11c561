"""Answers that the steps of a network may spell: scores, places, and how they stand on paper."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from extract.decoding.alphabet import Floats, folding
from extract.decoding.automaton import Constraint

_NEVER = 1e-30


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer that a line may hold.

    text:       the answer, without what the constraint ignores.
    written:    the same with what stands on paper between its characters: "AB12 CDE" for "AB12CDE".
    score:      natural logarithm of its probability, summed over all its paths. All texts that the steps can spell,
                allowed or not, add up to 1: exp(score) near 1 says that the network saw this and nothing else.
    characters: for each character of `text` the highest probability at the steps that spell it, 0 to 1; what counts
                for the same character is added up.
    ranges:     for each character of `text` the first step that spells it and the step behind the last.
    fits:       whether it fits the constraint; False only for what was read without any.
    """

    text: str
    written: str
    score: float
    characters: tuple[float, ...]
    ranges: tuple[tuple[int, int], ...]
    fits: bool = True


@dataclass(frozen=True, slots=True)
class Spelt:
    """The characters a search found, and the step each of them begins at."""

    text: str
    begins: tuple[int, ...]


def candidate_of(
    spelling: Spelt, score: float, steps: Floats, seen: Floats, classes: str, constraint: Constraint
) -> Candidate:
    """What a search found, with scores and places. `seen` are the steps as the constraint's alphabet adds them up."""
    fold = folding(classes, constraint.automaton.alphabet, constraint.ignores)
    text, characters, ranges = [], [], []
    limits = (*spelling.begins[1:], len(steps))
    for symbol, begin, limit in zip(spelling.text, spelling.begins, limits, strict=True):
        column = fold.symbols.index(symbol)
        likely = seen[begin : max(limit, begin + 1), column + 1]
        own = np.flatnonzero(likely >= seen[begin : begin + len(likely), 0])
        peak = int(likely.argmax())
        characters.append(min(float(likely[peak]), 1.0))
        ranges.append((begin, begin + (int(own[-1]) if len(own) else peak) + 1))
        text.append(_as_on_paper(steps[begin + peak], classes, fold.classes[column]) if constraint.verbatim else symbol)
    found = Candidate("".join(text), "", score, tuple(characters), tuple(ranges))
    return replace(found, written=_with_gaps(found, steps, classes, constraint.ignores))


def _as_on_paper(step: Floats, classes: str, counted: Sequence[int]) -> str:
    """The likeliest of the classes that count for one character."""
    return classes[max(counted, key=lambda index: float(step[index]))]


def _with_gaps(found: Candidate, steps: Floats, classes: str, ignores: str) -> str:
    """The text with the ignored characters that are the likeliest class at a step between two of its characters."""
    gaps = [index for index, character in enumerate(classes) if index and character in ignores]
    if not gaps or not found.text:
        return found.text
    likeliest = steps.argmax(axis=1)
    written = found.text[0]
    for place, character in enumerate(found.text[1:], 1):
        between = likeliest[found.ranges[place - 1][1] - 1 : found.ranges[place][0]].tolist()
        written += next((classes[index] for index in between if index in gaps), "") + character
    return written


def free(steps: Floats, classes: str) -> Candidate:
    """What stands there without any constraint: the likeliest class at each step, equal neighbours one, blanks none.

    The score is that of the likeliest path alone; see `forward` for the whole of a text.
    """
    if not len(steps):
        return Candidate("", "", 0.0, (), (), fits=False)
    likeliest, likely = steps.argmax(axis=1), steps.max(axis=1)
    begins = np.flatnonzero(np.diff(likeliest, prepend=-1))
    ends = np.append(begins[1:], len(steps))
    highest = np.maximum.reduceat(likely, begins)
    runs = [
        (classes[likeliest[begin]], min(float(top), 1.0), (int(begin), int(end)))
        for begin, end, top in zip(begins, ends, highest, strict=True)
        if likeliest[begin]
    ]
    while runs and runs[0][0] == " ":
        runs.pop(0)
    while runs and runs[-1][0] == " ":
        runs.pop()
    text = "".join(character for character, _, _ in runs)
    score = float(np.log(np.maximum(likely, _NEVER)).sum())
    return Candidate(
        text, text, score, tuple(top for _, top, _ in runs), tuple(place for _, _, place in runs), fits=False
    )


def forward(steps: Floats, classes: str, text: str) -> float:
    """Natural logarithm of the probability that the steps spell exactly `text`, summed over all its paths.

    The forward recursion of Graves and others 2006, over the text with a blank around each character. Minus infinity
    if the text holds a character that is no class, or has too few steps.
    """
    places = [classes.find(character, 1) for character in text]
    if min(places, default=1) < 1:
        return -np.inf
    labels = np.zeros(2 * len(text) + 1, np.intp)
    labels[1::2] = places
    # A character may follow the one before it without a blank, unless they are equal.
    skips = np.zeros(len(labels))
    skips[3::2] = labels[3::2] != labels[1:-2:2]
    likely = steps[:, labels].astype(np.float64)
    shares = np.zeros(len(labels) + 2)  # two zeros in front, so that every place has two before it
    shares[2] = 1.0
    if len(likely) == 0:
        return 0.0 if not text else -np.inf
    shares[2:4] = likely[0, :2]
    scale = 0.0
    for row in likely[1:]:
        shares[2:] = (shares[2:] + shares[1:-1] + shares[:-2] * skips) * row
        top = float(shares.max())
        if top <= 0.0:
            return -np.inf
        shares /= top
        scale += np.log(top)
    return float(np.log(max(float(shares[-1] + (shares[-2] if text else 0.0)), _NEVER)) + scale)
