"""Sets of real handwriting, as lines with known text: names in running hand, hand-drawn characters, postal digits.

Each set lies in a folder of its own, as its makers laid it out; a line of single characters is put together as
`extract.read` puts together the cells of a comb, from the characters of one writer.
"""

import csv
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.random import Generator, default_rng

from extract.ink import STRONG, ink_of
from extract.page import Grey
from schemas.errors import MailError

DIGITS = "0123456789"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SEED = 20  # the same sample every time
_GAP, _MARGIN, _PAPER = 8, 6, 255
_SHORTEST, _LONGEST = 5, 8  # characters in a row: as many as postcodes, account numbers and dates have
_USPS_SCALE = 4  # 16 pixels high as they come

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of handwriting: its picture (dark on light), what it says, and who wrote it ("" if nobody noted it)."""

    pixels: Grey
    text: str
    writer: str


@dataclass(frozen=True, slots=True, eq=False)
class HandwritingSet:
    """Lines of one kind. alphabet: the characters a field for it would allow; "" for any."""

    name: str
    alphabet: str
    lines: tuple[Line, ...]


class NoSet(MailError):
    """A set is not there, or cannot be opened; the message says which and what was looked for."""


def load_sets(folder: Path, most_lines: int) -> tuple[list[HandwritingSet], list[str]]:
    """The sets found in `folder`, at most so many lines of each, and a sentence for every one that is not there."""
    found: list[HandwritingSet] = []
    missing: list[str] = []
    for load in (_names, _characters, _postal_digits):
        try:
            found.extend(load(folder, most_lines))
        except NoSet as error:
            missing.append(str(error))
    return found, missing


# --- DHSD: German place and street names -----------------------------------------------------------------------------


def _names(folder: Path, most_lines: int) -> Iterator[HandwritingSet]:
    listing = folder / "dhsd" / "dev.csv"
    if not listing.is_file():
        raise NoSet(f"DHSD names: {listing} is not there")
    with listing.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # None of the readers knows the German ß, in which most streets end: names without it show how they read.
    for name, wanted in (
        ("DHSD names", rows),
        ("DHSD names without ß", [row for row in rows if "ß" not in row["text"]]),
    ):
        writers: dict[str, list[dict[str, str]]] = {}
        for row in wanted:
            writers.setdefault(row["writer_id"], []).append(row)
        chosen = _evenly(list(writers.values()), most_lines, default_rng(_SEED))
        lines = [(listing.parent / row["file_name"], row["text"], row["writer_id"]) for row in chosen]
        yield HandwritingSet(name, "", tuple(Line(_line([_on_white(path)]), *known) for path, *known in lines))


def _evenly(groups: Sequence[list[Item]], most: int, random: Generator) -> list[Item]:
    """At most so many items, about as many of each group."""
    mixed = [[group[place] for place in random.permutation(len(group))] for group in groups]
    rounds = (group[turn] for turn in range(max(map(len, mixed), default=0)) for group in mixed if turn < len(group))
    return [item for item, _ in zip(rounds, range(most), strict=False)]


def _on_white(path: Path) -> Grey:
    """A picture on white paper, whether or not it has a transparent ground."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise NoSet(f"{path} cannot be opened as a picture")
    if picture.ndim == 2:
        return np.asarray(picture, np.uint8)
    grey = cv2.cvtColor(picture[..., :3], cv2.COLOR_BGR2GRAY)
    if picture.shape[2] == 4:
        cover = picture[..., 3].astype(np.float64) / _PAPER
        grey = np.rint(grey * cover + _PAPER * (1 - cover))
    return np.asarray(grey, np.uint8)


# --- Chars74K: characters drawn by hand ------------------------------------------------------------------------------


def _characters(folder: Path, most_lines: int) -> Iterator[HandwritingSet]:
    root = folder / "chars74k_hand" / "data" / "characters"
    if not root.is_dir():
        raise NoSet(f"Hand-drawn characters: {root} is not there")
    drawn: dict[str, dict[str, Grey]] = {}
    for path in sorted(root.glob("[0-9A-Z]/*.png")):
        drawn.setdefault(path.stem.rpartition("-")[2], {})[path.parent.name] = _on_white(path)
    for kind, alphabet in (("digits", DIGITS), ("capitals", CAPITALS)):
        random = default_rng(_SEED)
        single = [
            [
                Line(_line([pixels]), character, writer)
                for character, pixels in characters.items()
                if character in alphabet
            ]
            for writer, characters in drawn.items()
        ]
        yield HandwritingSet(f"Drawn {kind}, single", alphabet, tuple(_evenly(single, most_lines, random)))
        rows = [
            _row(characters, alphabet, writer, random)
            for writer, characters in _repeated(list(drawn.items()), most_lines)
        ]
        yield HandwritingSet(f"Drawn {kind}, in a row", alphabet, tuple(rows))


def _repeated(items: Sequence[Item], count: int) -> Iterator[Item]:
    for turn in range(count if items else 0):
        yield items[turn % len(items)]


def _row(characters: dict[str, Grey], alphabet: str, writer: str, random: Generator) -> Line:
    """Some characters of one writer, drawn by lot, side by side."""
    known = sorted(set(characters) & set(alphabet))
    text = "".join(random.choice(known, int(random.integers(_SHORTEST, _LONGEST + 1))))
    return Line(_line([characters[character] for character in text]), text, writer)


def _line(characters: Sequence[Grey]) -> Grey:
    """Characters side by side: each without its empty columns, the line without its empty rows."""
    cut = [_without_empty_columns(pixels) for pixels in characters]
    spaced = [np.pad(pixels, ((0, 0), (0, _GAP)), constant_values=_PAPER) for pixels in cut]
    line = np.concatenate(spaced, axis=1)[:, :-_GAP]
    rows = np.flatnonzero(ink_of(line, STRONG).any(axis=1))
    if len(rows):
        line = line[rows[0] : rows[-1] + 1]
    return np.asarray(np.pad(line, _MARGIN, constant_values=_PAPER), np.uint8)


def _without_empty_columns(pixels: Grey) -> Grey:
    columns = np.flatnonzero(ink_of(pixels, STRONG).any(axis=0))
    return pixels[:, columns[0] : columns[-1] + 1] if len(columns) else pixels


# --- USPS: digits of ZIP codes ---------------------------------------------------------------------------------------


def _postal_digits(folder: Path, most_lines: int) -> Iterator[HandwritingSet]:
    files = sorted((folder / "usps").rglob("*.h5"))
    if not files:
        raise NoSet(f"USPS digits: no .h5 file below {folder / 'usps'}")
    try:
        open_hdf5: Callable[[Path, str], Any] = importlib.import_module("h5py").File
    except ImportError as error:
        raise NoSet("USPS digits: the package h5py is needed to open them") from error
    try:
        with open_hdf5(files[0], "r") as file:
            # The digits kept for testing; nobody may have learnt from them. 1.0 is ink.
            pictures, truth = np.asarray(file["test/data"]), np.asarray(file["test/target"])
    except (OSError, KeyError) as error:
        raise NoSet(f"USPS digits: {files[0]} is not the file expected") from error
    random = default_rng(_SEED)
    order = list(random.permutation(len(truth)))
    lines: list[Line] = []
    while len(order) >= _LONGEST and len(lines) < most_lines:
        chosen = [order.pop() for _ in range(int(random.integers(_SHORTEST, _LONGEST + 1)))]
        digits = [_enlarged(pictures[place].reshape(16, 16)) for place in chosen]
        lines.append(Line(_line(digits), "".join(str(truth[place]) for place in chosen), ""))
    yield HandwritingSet("USPS digits, in a row", DIGITS, tuple(lines))


def _enlarged(ink: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> Grey:
    grey = np.clip((1.0 - ink) * _PAPER, 0, _PAPER).astype(np.float32)
    side = 16 * _USPS_SCALE
    return np.asarray(np.clip(cv2.resize(grey, (side, side), interpolation=cv2.INTER_CUBIC), 0, _PAPER), np.uint8)
