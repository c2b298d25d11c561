"""Fits a calibration: per class of field a rising curve and the score from which values may be accepted unseen."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import Final

from extract.bounds import upper_bound
from extract.calibrate import Calibration, Curve, models_of
from intake.measure.evidence import Case

# Each set of values that is tested for a threshold is so many times as large as the one before. Finer steps would
# stop at the first error although a larger set with that one error may well pass.
_STEP: Final = 1.25
# The first set holds at least this share of the values: with much evidence one early error then closes nothing.
_FIRST: Final = 0.25

Pair = tuple[float, bool]  # the raw score of a value, and whether it is right


@dataclass(frozen=True, slots=True)
class Block:
    """Values of neighbouring scores, from `score` upwards, that share one probability."""

    score: float
    values: int
    right: int

    @property
    def share(self) -> float:
        """The share that was right."""
        return self.right / self.values

    @property
    def cautious_share(self) -> float:
        """What to expect of the next value (Laplace's rule of succession): few values never make certain."""
        return (self.right + 1) / (self.values + 2)


def fit(cases: Iterable[Case], ceiling: float, *, per_form_type: bool = False) -> Calibration:
    """The calibration that `cases` give; the same cases in any order give the same.

    ceiling: the error of accepted values that must not be exceeded, per class of field.
    per_form_type: one set of curves for each form type alone, instead of one for all of them together.
    """
    used = [case for case in cases if case.score is not None]
    by_form: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for case in used:
        by_form[case.form_type if per_form_type else ""][case.field_class].append((case.score or 0.0, case.is_right))
    curves = {
        form_type: {name: fit_curve(pairs, ceiling) for name, pairs in sorted(classes.items())}
        for form_type, classes in sorted(by_form.items())
    }
    return Calibration(
        version=_version(used, ceiling),
        curves=curves.get("", {}),
        form_types=frozenset() if per_form_type else frozenset(case.form_type for case in used),
        own=curves if per_form_type else {},
        readers=frozenset(models_of(case.reader) for case in used if case.reader is not None),
    )


def fit_curve(pairs: Sequence[Pair], ceiling: float) -> Curve:
    """The curve of one class of field. Raises ValueError without a single value."""
    if not pairs:
        raise ValueError("a curve needs at least one value")
    blocks = pool(pool(_levels(pairs), lambda block: block.share), lambda block: block.cautious_share)
    return Curve(
        scores=tuple(block.score for block in blocks),
        probabilities=tuple(round(block.cautious_share, 6) for block in blocks),
        evidence=len(pairs),
        threshold=threshold(pairs, ceiling),
    )


def pool(blocks: Iterable[Block], height: Callable[[Block], float]) -> list[Block]:
    """Merge neighbours until each is higher than the one before (pool adjacent violators: Ayer and others 1955)."""
    pooled: list[Block] = []
    for block in blocks:
        last = block
        while pooled and height(pooled[-1]) >= height(last):
            before = pooled.pop()
            last = Block(before.score, before.values + last.values, before.right + last.right)
        pooled.append(last)
    return pooled


def threshold(pairs: Sequence[Pair], ceiling: float) -> float | None:
    """The lowest score from which the error is below `ceiling` with 95 % confidence; None if there is no such score.

    Sets of the highest scores are tested one after the other, each larger than the last, until the first fails. Their
    sizes depend on the scores alone, not on what is right, so that no choice among them was made by looking at the
    answers, and the confidence of each single test holds for the result (fixed-sequence testing). It takes the values
    for independent of one another, which those of one document are only nearly.
    """
    levels = _levels(pairs)[::-1]
    found: float | None = None
    values = wrong = 0
    wanted = max(fewest_values(ceiling), _FIRST * len(pairs))
    for place, level in enumerate(levels):
        values += level.values
        wrong += level.values - level.right
        is_last = place == len(levels) - 1
        if values < wanted and not is_last:
            continue
        if upper_bound(wrong, values) >= ceiling:
            break
        found, wanted = level.score, values * _STEP
    return found


def fewest_values(ceiling: float) -> int:
    """How many values without an error it takes to show that the error is below `ceiling`."""
    low, high = 0, 1
    while upper_bound(0, high) >= ceiling:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if upper_bound(0, middle) >= ceiling else (low, middle)
    return high


def as_toml(calibration: Calibration, notes: Sequence[str] = ()) -> str:
    """The calibration as `extract.calibrate.load_calibration` reads it, `notes` as comments above."""
    lines = [f"# {note}" for note in notes]
    lines += [
        f"version = {_quoted(calibration.version)}",
        "# The models whose scores these are; a value read with others is not accepted.",
        f"readers = {_list(map(_quoted, sorted(calibration.readers)))}",
        "# The form types the general curves were fitted on and hold for.",
        f"form_types = {_list(map(_quoted, sorted(calibration.form_types)))}",
    ]
    lines += _tables("", calibration.curves)
    for form_type, curves in sorted(calibration.own.items()):
        lines += _tables(f"form.{_quoted(form_type)}.", curves)
    return "\n".join(lines) + "\n"


def _levels(pairs: Iterable[Pair]) -> list[Block]:
    """One block per score, the lowest first."""
    levels = []
    for score, group in groupby(sorted(pairs), key=lambda pair: pair[0]):
        answers = [right for _, right in group]
        levels.append(Block(score, len(answers), sum(answers)))
    return levels


def _version(cases: Sequence[Case], ceiling: float) -> str:
    """The number of values and a digest of all that the calibration follows from."""
    facts = sorted((case.form_type, case.field_class, case.score, case.is_right, case.reader or "") for case in cases)
    digest = sha256(json.dumps([ceiling, facts]).encode()).hexdigest()
    return f"{len(cases)}-{digest[:8]}"


def _tables(prefix: str, curves: Mapping[str, Curve]) -> list[str]:
    lines = []
    for name, curve in sorted(curves.items()):
        lines += ["", f"[{prefix}class.{_quoted(name)}]", f"evidence = {curve.evidence}"]
        if curve.threshold is not None:
            lines.append(f"threshold = {curve.threshold}")
        lines.append(f"scores = {_list(map(str, curve.scores))}")
        lines.append(f"probabilities = {_list(map(str, curve.probabilities))}")
    return lines


def _list(parts: Iterable[str]) -> str:
    return f"[{', '.join(parts)}]"


def _quoted(text: str) -> str:
    # A JSON string without letters beyond ASCII is a basic string of TOML as well.
    return json.dumps(text)
