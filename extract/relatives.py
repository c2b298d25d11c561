"""Relatives: editions of a form that differ in a date or a line are told apart by exactly the places that differ."""

from dataclasses import dataclass

import cv2
import numpy as np

from extract import registration
from extract.fit import warp_fine
from extract.page import Grey
from extract.references import Reference
from extract.views import View
from schemas.errors import NoFit

# Two editions are close relatives if the one's page fits the other's print at least so well.
_RELATIVES = 0.55
# Where relatives differ: patches of 48 px at 100 dpi whose print correlates less than this.
_DIFFERENT = 0.75
_DIFFERENCES_AT_MOST = 12
# The patches that differ most at first sight are looked at closely; a patch of less contrast is paper.
_CLOSER_LOOKS = 60
_PRINTED = 20
_PATCH = 48
_SLACK = 3
# A relative that trails by so much in the places that differ most cannot be the one.
_FIRST_PLACES, _HOPELESS = 4, -0.25


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Patches at 100 dpi where two relatives differ: places, the print of the one and of the other.

    The places that differ most come first. No places: the two cannot be told apart.
    """

    places: tuple[tuple[int, int], ...]
    mine: tuple[Grey, ...]
    theirs: tuple[Grey, ...]

    def lead(self, seen: Grey) -> float:
        """How much better the page shows the other's print than the one's, on average over the places.

        Once the other trails hopelessly, the places that are left are not looked at.
        """
        leads: list[float] = []
        for (left, top), mine, theirs in zip(self.places, self.mine, self.theirs, strict=True):
            if len(leads) == _FIRST_PLACES and float(np.mean(leads)) < _HOPELESS:
                break
            window = seen[top - _SLACK : top + _PATCH + _SLACK, left - _SLACK : left + _PATCH + _SLACK]
            leads.append(_best(window, theirs) - _best(window, mine))
        return float(np.mean(leads)) if leads else 0.0


def difference(one: Reference, other: View) -> Difference | None:
    """Where another blank form, looked at as if it were a page, differs from `one`, in its frame.

    None if they are no relatives.
    """
    try:
        fit = registration.align(other, one)
    except NoFit:
        return None
    if fit.likeness < _RELATIVES:
        return None
    theirs = warp_fine(other, one, fit)
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
    return Difference(
        places=tuple((left, top) for _, left, top in kept),
        mine=tuple(mine[top : top + _PATCH, left : left + _PATCH] for _, left, top in kept),
        theirs=tuple(theirs[top : top + _PATCH, left : left + _PATCH].copy() for _, left, top in kept),
    )


def _best(window: Grey, patch: Grey) -> float:
    found = float(cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED).max())
    return found if np.isfinite(found) else 0.0


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
