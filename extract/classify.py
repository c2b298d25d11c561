"""Classify: which edition of which form type a page shows, which way up, or none. Never a guess.

All known forms are compared at 10 dpi; only the few best are laid onto the page properly. Editions that differ in a
date in the corner are told apart by exactly the places where they differ.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from extract import registration, rough_map, views
from extract.candidate import Book, Candidate, seen
from extract.fit import Fit, warp_fine
from extract.page import Grey
from extract.relatives import Difference, difference
from extract.sheet import Match
from extract.shortlist import Likely, Shortlist, alike
from extract.views import View
from schemas.errors import NoFit, NotAForm
from schemas.form_type import Edition, FormType

# All lengths of the reading stages are written for this frame.
_REFERENCE_DPI = 300
# Worth laying onto the page: correlation at 10 dpi at least this. Then so many may fail before the page counts as of no
# known form; relatives of a form that fitted do not count.
_WORTH_A_TRY = 0.25
_FAILURES = 4
# A fit so good that no other form needs to be tried.
_CERTAIN = 0.75
# Mean correlation of the print's patches at which a page is that form. Of 360 archive scans the forms scored 0.55 and
# more, nearly all over 0.75; of the 120 others, which share letterhead and instructions, none was found to fit at all.
LIKENESS_OF_A_FORM = 0.5
# Blank forms whose sketches correlate less than this are no relatives: those that are have 0.86 and more.
_KIN = 0.6


def load_catalogue(form_types: Sequence[FormType], book: Book | None = None) -> "Catalogue":
    """The catalogue of these form types. Reference images are only decoded when they are needed for the first time.

    book: where what is worked out about them is kept from one process to the next; without one all are decoded now.

    Raises NotAForm naming the file if a reference image is no picture or an edition is not drawn at 300 dpi.
    """
    return Catalogue(
        [
            _candidate(form_type, edition, page.number, page.image, book)
            for form_type in form_types
            for edition in form_type.editions
            for page in edition.pages
        ]
    )


def _candidate(form_type: FormType, edition: Edition, page: int, path: Path, book: Book | None) -> Candidate:
    if edition.dpi != _REFERENCE_DPI:
        raise NotAForm(f"{path.parent / edition.id}.toml: the dpi of an edition must be {_REFERENCE_DPI}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if book is not None else ""
    return Candidate(form_type, edition, page, partial(_decoded, path), book=book, digest=digest)


def _decoded(path: Path) -> Grey:
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise NotAForm(f"{path}: the reference image cannot be read")
    return np.asarray(pixels, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A candidate that fits the page, turned so that it stands upright."""

    candidate: Candidate
    turned: int
    upright: View
    fit: Fit


class Catalogue:
    """All form types known to this process, ready to be recognised.

    Prepares references and, for close relatives, where they differ; each is made once, when first needed.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = tuple(candidates)
        self._shortlist = Shortlist([candidate.sketch for candidate in self.candidates])
        self._differences: dict[tuple[Candidate, Candidate], Difference | None] = {}

    def recognise(self, page: View) -> Match | None:
        """The form a page shows, seen as it was scanned, or None for a page of no known form."""
        best = self._best(page)
        if best is None or best.fit.likeness < LIKENESS_OF_A_FORM:
            return None
        best = self._among_relatives(best)
        found = best.candidate
        return Match(
            form_type=found.form_type,
            edition=found.edition,
            page=found.page,
            turned=best.turned,
            reference=found.reference,
            drawing=found.drawing,
            blank=found.blank,
            fit=best.fit,
        )

    def _best(self, page: View) -> _Found | None:
        """The candidate whose print fits the page best, of the few that look like it."""
        best: _Found | None = None
        failures = 0
        for likely in self._shortlist.likeliest(page.sketch):
            if failures == _FAILURES or likely.likeness < _WORTH_A_TRY:
                break
            if best is not None and best.fit.likeness >= _CERTAIN:
                break
            candidate = self.candidates[likely.number]
            if best is not None and best.fit.likeness >= LIKENESS_OF_A_FORM and self._relatives(best, candidate):
                continue  # told apart below, by where they differ
            found = _laid(page, candidate, likely)
            if found is None:
                failures += 1
            elif best is None or found.fit.likeness > best.fit.likeness:
                best = found
        return best

    def _relatives(self, found: _Found, other: Candidate) -> bool:
        one = found.candidate
        return one.form_type.id == other.form_type.id and self._difference(one, other) is not None

    def _difference(self, one: Candidate, other: Candidate) -> Difference | None:
        """Where `other` differs from `one`, in `one`'s frame; None if they are no relatives."""
        if (one, other) not in self._differences:
            are_kin = alike(one.sketch, other.sketch) >= _KIN
            self._differences[one, other] = difference(one.reference, seen(other)) if are_kin else None
        return self._differences[one, other]

    def _among_relatives(self, found: _Found) -> _Found:
        """The relative of what was found, or itself, whose print stands on the page where the relatives differ.

        Leads are only comparable from one point of view, so the winner is asked again until it beats all others.
        """
        beaten = {found.candidate}
        while True:
            mine = found.candidate
            upright = warp_fine(found.upright, mine.reference, found.fit)
            leads = [
                (apart.lead(upright), other)
                for other in self.candidates
                if other not in beaten and other.page == mine.page and other.form_type.id == mine.form_type.id
                if (apart := self._difference(mine, other)) is not None
            ]
            lead, other = max(leads, key=lambda entry: entry[0], default=(0.0, mine))
            if lead <= 0.0:
                return found
            try:
                fit = registration.align(found.upright, other.reference)
            except NoFit:  # the relative's own print does not fit: keep the one that does
                return found
            found = _Found(other, found.turned, found.upright, fit)
            beaten.add(other)


def _laid(page: View, candidate: Candidate, likely: Likely) -> _Found | None:
    """The page laid onto a candidate; None if it does not fit."""
    upright = views.turned(page, likely.turned)
    try:
        begin = rough_map.roughly(upright, candidate.spots, likely.start)
        fit = registration.refine(upright, candidate.reference, begin)
    except NoFit:
        return None
    return _Found(candidate, likely.turned, upright, fit)
