"""Writes a calibration as the file that `extract.calibrate.load_calibration` reads."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from extract.calibrate import FORMAT, Calibration, Curves
from intake.output import CannotWrite


def as_toml(calibration: Calibration, notes: Sequence[str] = ()) -> str:
    """The calibration as text, `notes` as comments above."""
    lines = [f"# {note}" for note in notes]
    lines += [
        f"format = {FORMAT}",
        f"version = {_quoted(calibration.version)}",
        "# The models whose readings these are; a value read with others is not accepted.",
        f"readers = {_list(map(_quoted, sorted(calibration.readers)))}",
        "# The form types the general curves were fitted on and hold for.",
        f"form_types = {_list(map(_quoted, sorted(calibration.form_types)))}",
    ]
    if calibration.classes:
        lines += [
            "",
            "# The classes of field that each of them gave values of; they hold for no others of it.",
            "[classes]",
        ]
    for form_type, names in sorted(calibration.classes.items()):
        lines.append(f"{_quoted(form_type)} = {_list(map(_quoted, sorted(names)))}")
    lines += _tables("", calibration.curves)
    for form_type, curves in sorted(calibration.own.items()):
        lines += _tables(f"form.{_quoted(form_type)}.", curves)
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """Replace the file at once: a calibration that is half written would close or open the wrong classes.

    Raises CannotWrite.
    """
    begun = path.with_name(f".{path.name}.begun")
    try:
        begun.write_text(text, encoding="utf-8")
        os.replace(begun, path)
    except OSError as error:
        begun.unlink(missing_ok=True)
        raise CannotWrite(f"{path}: cannot be written: {error.strerror}. Name another file with --output.") from error


def _tables(prefix: str, curves: Curves) -> list[str]:
    lines = []
    for name, curve in sorted(curves.items()):
        table = f"{prefix}class.{_quoted(name)}"
        lines += [
            "",
            f"[{table}]",
            f"evidence = {curve.evidence}",
            f"scores = {_list(map(str, curve.scores))}",
            f"probabilities = {_list(map(str, curve.probabilities))}",
            "# Of the values tested: with at least this score, so many, so many of them wrong.",
            f"tested = {_list(f'[{step.score}, {step.values}, {step.wrong}]' for step in curve.tested)}",
            f"intercept = {curve.weighing.intercept}",
            f"[{table}.weights]",
        ]
        for feature, weight in sorted(curve.weighing.weights.items()):
            parts = [f"mean = {weight.mean}", f"scale = {weight.scale}", f"weight = {weight.weight}"]
            parts += [] if weight.absent is None else [f"absent = {weight.absent}"]
            lines.append(f"{_quoted(feature)} = {{ {', '.join(parts)} }}")
    return lines


def _list(parts: Iterable[str]) -> str:
    return f"[{', '.join(parts)}]"


def _quoted(text: str) -> str:
    # A JSON string without letters beyond ASCII is a basic string of TOML as well.
    return json.dumps(text)
