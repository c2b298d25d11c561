"""Classify: which edition of which form type a page shows, which way up, or none. Never a guess.

All known forms are compared at 10 dpi, where a page is a few thousand grey cells; only the few best are laid onto the
page properly. Editions that differ in a date in the corner are told apart by exactly the places where they differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from extract import answers, registration
from extract.answers import Print
from extract.page import Grey, PageImage
from extract.registration import Fit, Reference, View
from extract.sheet import Match
from schemas.errors import NoFit, NotAForm
from schemas.form_type import Edition, FormType

# All lengths of the reading stages are written for this frame.
_REFERENCE_DPI = 300
_SKETCH_DPI = 10
_SKETCH_BLUR = 1.0
_SKETCH_HEIGHT, _SKETCH_WIDTH = 162, 135  # room for 14 x 11 inches and a shift; factors of 2, 3 and 5
_TURNS = (0, 90, 180, 270)
# Copiers and "fit to page" change the size.
_SCALES = (0.92, 0.96, 1.0, 1.04, 1.08)
# Worth laying onto the page: correlation at 10 dpi at least this. Then so many may fail before the page counts as of no
# known form; relatives of a form that fitted do not count.
_WORTH_A_TRY = 0.15
_FAILURES = 3
# A fit so good that no other form needs to be tried.
_CERTAIN = 0.75
# Mean correlation of the print's patches at which a page is that form. Of 360 archive scans the forms scored 0.55 and
# more, nearly all over 0.75; of the 120 others, which share letterhead and instructions, none was found to fit at all.
LIKENESS_OF_A_FORM = 0.5
# Two editions are close relatives if the one's page fits the other's print at least so well.
_RELATIVES = 0.55
# Where relatives differ: patches of 48 px at 100 dpi whose print correlates less than this.
_DIFFERENT = 0.75
_DIFFERENCES_AT_MOST = 12
# The patches that differ most at first sight are looked at closely; a patch of less contrast is paper.
_CLOSER_LOOKS = 60
_PRINTED = 20
# Prints prepared for taking off pages that are kept, 34 MB each.
_PRINTS_KEPT = 4
_PATCH = 48
_SLACK = 3


def load_catalogue(form_types: Sequence[FormType]) -> "Catalogue":
    """The catalogue of these form types, their reference images read from disk.

    Raises NotAForm naming the file if a reference image is no picture or an edition is not drawn at 300 dpi.
    """
    return Catalogue(
        [
            Candidate(form_type, edition, page.number, _reference_image(edition, page.image))
            for form_type in form_types
            for edition in form_type.editions
            for page in edition.pages
        ]
    )


def _reference_image(edition: Edition, path: Path) -> Grey:
    if edition.dpi != _REFERENCE_DPI:
        raise NotAForm(f"{path.parent / edition.id}.toml: the dpi of an edition must be {_REFERENCE_DPI}")
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise NotAForm(f"{path}: the reference image cannot be read")
    return np.asarray(pixels, np.uint8)


class Candidate:
    """One reference page of one edition, prepared when first needed."""

    def __init__(self, form_type: FormType, edition: Edition, page: int, pixels: Grey) -> None:
        self.form_type = form_type
        self.edition = edition
        self.page = page
        self.is_tall = pixels.shape[0] >= pixels.shape[1]
        self.pixels = pixels
        self.sketch = _spectrum(_sketch(pixels, edition.dpi))

    @cached_property
    def reference(self) -> Reference:
        return registration.prepare(self.pixels, self.edition.dpi)

    @cached_property
    def seen(self) -> View:
        """The blank form looked at as if it were a page."""
        return registration.view(PageImage(self.pixels, self.edition.dpi, self.page))

    @property
    def blank(self) -> Print:
        return _print_of(self)


@lru_cache(maxsize=_PRINTS_KEPT)
def _print_of(candidate: Candidate) -> Print:
    """Four masks of the size of a page: a batch mostly holds few editions, so only some are kept."""
    return answers.prepare(candidate.pixels)


class Catalogue:
    """All form types known to this process, ready to be recognised.

    Holds prepared references and, for close relatives, where they differ; both are made once, when first needed.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = tuple(candidates)
        self._tall = np.array([candidate.is_tall for candidate in self.candidates], np.bool_)
        if self.candidates:
            self._sketches = np.stack([candidate.sketch for candidate in self.candidates])
        self._differences: dict[tuple[int, int], _Difference | None] = {}

    def recognise(self, page: View) -> Match | None:
        """The form a page shows, seen as it was scanned, or None for a page of no known form."""
        if not self.candidates:
            return None
        best: tuple[float, Candidate, int, View, Fit] | None = None
        failures = 0
        for candidate, turned in self._worth_a_try(page):
            if failures == _FAILURES or (best is not None and best[0] >= _CERTAIN):
                break
            if best is not None and best[0] >= LIKENESS_OF_A_FORM and self._relatives(best[1], candidate):
                continue  # told apart below, by where they differ
            upright = registration.turned(page, turned)
            try:
                fit = registration.align(upright, candidate.reference)
            except NoFit:
                failures += 1
                continue
            if best is None or fit.likeness > best[0]:
                best = fit.likeness, candidate, turned, upright, fit
        if best is None or best[0] < LIKENESS_OF_A_FORM:
            return None
        _, candidate, turned, upright, fit = best
        candidate, fit = self._among_relatives(candidate, upright, fit)
        return Match(
            candidate.form_type, candidate.edition, candidate.page, turned, candidate.reference, candidate.blank, fit
        )

    def _worth_a_try(self, page: View) -> list[tuple[Candidate, int]]:
        """The few candidates, each with a turn, that look like the page at 10 dpi; the likeliest first."""
        sketch = _sketch(page.fine, registration.FINE_DPI)
        best = np.full((len(self.candidates), len(_TURNS)), -1.0)
        for scale in _SCALES:
            size = round(sketch.shape[1] * scale), round(sketch.shape[0] * scale)
            sized = np.asarray(cv2.resize(sketch, size, interpolation=cv2.INTER_LINEAR), np.float32)
            for column, turned in enumerate(_TURNS):
                upright = np.rot90(sized, -turned // 90)
                alike = self._tall == (upright.shape[0] >= upright.shape[1])
                if alike.any():
                    likeness = _likeness(self._sketches[alike], _spectrum(upright))
                    best[alike, column] = np.maximum(best[alike, column], likeness)
        order = np.argsort(-best, axis=None, kind="stable")
        places = (np.unravel_index(int(place), best.shape) for place in order)
        return [(self.candidates[row], _TURNS[column]) for row, column in places if best[row, column] >= _WORTH_A_TRY]

    def _relatives(self, one: Candidate, other: Candidate) -> bool:
        return one.form_type.id == other.form_type.id and self._difference(one, other) is not None

    def _difference(self, one: Candidate, other: Candidate) -> "_Difference | None":
        """Where `other` differs from `one`, in `one`'s frame; None if they are no relatives."""
        key = self.candidates.index(one), self.candidates.index(other)
        if key not in self._differences:
            self._differences[key] = _difference(one.reference, other.reference, other.seen)
        return self._differences[key]

    def _among_relatives(self, candidate: Candidate, upright: View, fit: Fit) -> tuple[Candidate, Fit]:
        """The relative of `candidate`, or itself, whose print stands on the page where the relatives differ.

        Leads are only comparable from one point of view, so the winner is asked again until it beats all others.
        """
        beaten = {candidate}
        while True:
            seen = registration.warp_fine(upright, candidate.reference, fit)
            leads = [
                (difference.lead(seen), other)
                for other in self.candidates
                if other not in beaten and other.page == candidate.page
                if other.form_type.id == candidate.form_type.id
                if (difference := self._difference(candidate, other)) is not None
            ]
            lead, other = max(leads, key=lambda entry: entry[0], default=(0.0, candidate))
            if lead <= 0.0:
                return candidate, fit
            try:
                fit = registration.align(upright, other.reference)
            except NoFit:  # the relative's own print does not fit: keep the one that does
                return candidate, fit
            candidate = other
            beaten.add(other)


@dataclass(frozen=True, slots=True, eq=False)
class _Difference:
    """Patches at 100 dpi where two relatives differ: places, the print of the one and of the other."""

    places: tuple[tuple[int, int], ...]
    mine: tuple[Grey, ...]
    theirs: tuple[Grey, ...]

    def lead(self, seen: Grey) -> float:
        """How much better the page shows the other's print than the one's, summed over the places (median-robust)."""
        leads = []
        for (left, top), mine, theirs in zip(self.places, self.mine, self.theirs, strict=True):
            window = seen[top - _SLACK : top + _PATCH + _SLACK, left - _SLACK : left + _PATCH + _SLACK]
            leads.append(_best(window, theirs) - _best(window, mine))
        return float(np.mean(leads)) if leads else 0.0


def _best(window: Grey, patch: Grey) -> float:
    found = float(cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED).max())
    return found if np.isfinite(found) else 0.0


def _difference(one: Reference, other: Reference, other_seen: View) -> _Difference | None:
    try:
        fit = registration.align(other_seen, one)
    except NoFit:
        return None
    if fit.likeness < _RELATIVES:
        return None
    theirs = registration.warp_fine(other_seen, one, fit)
    mine = one.fine
    found = []
    for left, top in _most_unlike(mine, theirs):
        place = slice(top, top + _PATCH), slice(left, left + _PATCH)
        if min(float(mine[place].std()), float(theirs[place].std())) < _PRINTED:
            continue  # print on one side only is more often a worn rule than a different edition
        window = mine[top - _SLACK : top + _PATCH + _SLACK, left - _SLACK : left + _PATCH + _SLACK]
        likeness = _best(window, theirs[place])
        if likeness < _DIFFERENT:
            found.append((likeness, left, top))
    kept = sorted(found)[:_DIFFERENCES_AT_MOST]
    return _Difference(
        places=tuple((left, top) for _, left, top in kept),
        mine=tuple(mine[top : top + _PATCH, left : left + _PATCH] for _, left, top in kept),
        theirs=tuple(theirs[top : top + _PATCH, left : left + _PATCH] for _, left, top in kept),
    )


def _most_unlike(mine: Grey, theirs: Grey) -> list[tuple[int, int]]:
    """(left, top) of the patches in which two pictures differ most, roughly; the few that are worth a closer look."""
    apart = cv2.absdiff(cv2.GaussianBlur(mine, (0, 0), 1.5), cv2.GaussianBlur(theirs, (0, 0), 1.5))
    mean = cv2.boxFilter(apart.astype(np.float32), -1, (_PATCH, _PATCH), anchor=(0, 0))
    height, width = mine.shape
    tops = np.arange(_SLACK, height - _PATCH - _SLACK, _PATCH // 2)
    lefts = np.arange(_SLACK, width - _PATCH - _SLACK, _PATCH // 2)
    grid = np.asarray(mean)[np.ix_(tops, lefts)]
    order = np.argsort(-grid, axis=None, kind="stable")[:_CLOSER_LOOKS]
    return [(int(lefts[place % len(lefts)]), int(tops[place // len(lefts)])) for place in order]


def _sketch(pixels: Grey, dpi: int) -> NDArray[np.float32]:
    """Ink against its surroundings at 10 dpi."""
    fine = registration.resample(pixels, dpi, min(dpi, registration.FINE_DPI))
    return registration.ink_sketch(fine, min(dpi, registration.FINE_DPI), _SKETCH_DPI, _SKETCH_BLUR)


def _spectrum(sketch: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The Fourier transform of a sketch, of zero mean and unit length, so that a product is a correlation."""
    ink = sketch[:_SKETCH_HEIGHT, :_SKETCH_WIDTH]
    ink = ink - ink.mean()
    length = float(np.linalg.norm(ink)) or 1.0
    return np.fft.rfft2(ink / length, (_SKETCH_HEIGHT, _SKETCH_WIDTH)).astype(np.complex64)


def _likeness(references: NDArray[np.complex64], page: NDArray[np.complex64]) -> NDArray[np.float32]:
    """For each reference the best correlation (-1 to 1) of its sketch with the page's over all shifts."""
    surfaces = np.fft.irfft2(page[None] * references.conj(), (_SKETCH_HEIGHT, _SKETCH_WIDTH))
    return np.asarray(surfaces.max(axis=(1, 2)), np.float32)
