"""Candidate: one page of a blank form that a scan may show, with what is worked out about it when first needed.

What is worked out can be noted in a book that outlives the process: decoding a reference image and finding its distinct
print takes longer than reading a page.
"""

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from extract import answers, references
from extract.answers import Print
from extract.page import Grey
from extract.references import Reference, Spots
from extract.shortlist import compact
from extract.views import View
from schemas.form_type import Edition, FormType

# Drawings (8.4 MB each), prints prepared for taking off pages (as much) and references (1.3 MB) that are kept: a batch
# mostly holds few editions. Without them a drawing and its print, which the book has, are there again in 25 ms, a
# twentieth of a page's time.
_DRAWINGS_KEPT, _PRINTS_KEPT, _REFERENCES_KEPT = 2, 2, 32
_QUICKLY = 1  # the level of compression: an eighth of the time of the usual one, and prints are mostly paper


class Book(Protocol):
    """Keeps things from one process to the next; forgetting them costs time, never correctness."""

    def look_up(self, name: str) -> bytes | None:
        """What was noted under this name; None if nothing was, or it is lost."""
        ...

    def note(self, name: str, content: bytes) -> None:
        """Keep it, if that is possible."""
        ...


class Candidate:
    """One reference page of one edition.

    sketch, spots: what is compared with every page, or every one that looks like it.
    drawing: gives the pixels of the blank form, (height, width) uint8.
    book:    where what is worked out is noted, under names that begin with `digest`, which must say for certain which
             drawing it is; None for nowhere.
    """

    def __init__(
        self,
        form_type: FormType,
        edition: Edition,
        page: int,
        drawing: Callable[[], Grey],
        *,
        book: Book | None = None,
        digest: str = "",
    ) -> None:
        self.form_type = form_type
        self.edition = edition
        self.page = page
        self._drawing = drawing
        self._book = book
        self._digest = digest
        looks = self._noted("looks", self._looks)
        height, width = looks["shape"].tolist()
        self.sketch: NDArray[np.int8] = looks["sketch"]
        self.spots = Spots((height, width), looks["corners"], looks["prints"])

    @property
    def reference(self) -> Reference:
        return _reference_of(self)

    @property
    def drawing(self) -> Grey:
        """The blank form, (height, width) uint8."""
        return _drawing_of(self)

    @property
    def blank(self) -> Print:
        return _print_of(self)

    def _looks(self) -> Mapping[str, NDArray[Any]]:
        """The little that shows of most pages that they are something else."""
        spots = self.reference.spots
        return {
            "sketch": compact(self.reference.sketch),
            "shape": np.array(spots.shape),
            "corners": spots.corners,
            "prints": spots.prints,
        }

    def _noted(self, what: str, work_out: Callable[[], Mapping[str, NDArray[Any]]]) -> Mapping[str, NDArray[Any]]:
        """The arrays of that name from the book, or worked out now and noted."""
        if self._book is None:
            return work_out()
        name = f"{self._digest}-{self.edition.dpi}-{what}"
        found = _unpacked(self._book.look_up(name))
        if found is None:
            found = work_out()
            self._book.note(name, _packed(found))
        return found


@lru_cache(maxsize=_DRAWINGS_KEPT)
def _drawing_of(candidate: Candidate) -> Grey:
    return candidate._drawing()


@lru_cache(maxsize=_REFERENCES_KEPT)
def _reference_of(candidate: Candidate) -> Reference:
    def work_out() -> Mapping[str, NDArray[Any]]:
        made = references.prepare(candidate.drawing, candidate.edition.dpi)
        return {"shape": np.array(made.shape), "fine": made.fine, "patches": made.patches}

    known = candidate._noted("reference", work_out)
    height, width = known["shape"].tolist()
    return references.reference((height, width), candidate.edition.dpi, known["fine"], known["patches"])


@lru_cache(maxsize=_PRINTS_KEPT)
def _print_of(candidate: Candidate) -> Print:
    return Print(candidate._noted("print", lambda: {"flags": answers.prepare(candidate.drawing).flags})["flags"])


def seen(candidate: Candidate) -> View:
    """The blank form looked at as if it were a page."""
    return references.seen(candidate.reference)


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return zlib.compress(out.getvalue(), _QUICKLY)


def _unpacked(noted: bytes | None) -> Mapping[str, NDArray[Any]] | None:
    """None for nothing, or for something that was cut short: it is worked out anew."""
    if noted is None:
        return None
    try:
        with np.load(io.BytesIO(zlib.decompress(noted)), allow_pickle=False) as arrays:
            return dict(arrays)
    except (zlib.error, zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError):
        return None
