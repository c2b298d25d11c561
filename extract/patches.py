"""Patches of print, each looked for near where it should be on a page."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.affine import Float
from extract.page import Grey

PATCH = 48  # about 12 mm at 100 dpi: two lines of print
SEARCH = 9  # the affine map is right to about 2 mm
# With fewer patches found than this the page is something else.
HARDLY_ANY = 6


def prints_of(fine: Grey, corners: NDArray[np.int32]) -> list[Grey]:
    return [fine[top : top + PATCH, left : left + PATCH] for left, top in corners.tolist()]


def match(
    warped: Grey, prints: Sequence[Grey] | Grey, corners: NDArray[np.int32], search: int, margin: int = 0
) -> tuple[Float, Float, Float]:
    """Centres (n, 2), displacements (n, 2) and correlations (n,) of square patches of print, within `search` pixels.

    corners: left and top of each patch; `warped` has `margin` pixels more on every side.
    """
    count = len(corners)
    side = prints[0].shape[0] if count else 0
    moves = np.zeros((count, 2), np.float32)
    scores = np.zeros(count, np.float32)
    for index, (left, top) in enumerate(corners.tolist()):
        x, y = left + margin - search, top + margin - search
        window = warped[y : y + side + 2 * search, x : x + side + 2 * search]
        surface = cv2.matchTemplate(window, prints[index], cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(surface)
        scores[index] = score if np.isfinite(score) else 0.0
        moves[index] = np.subtract(_peak(surface, x, y), search)
    return (corners + side / 2).astype(np.float32).reshape(-1, 2), moves, scores


def _peak(surface: cv2.typing.MatLike, x: int, y: int) -> tuple[float, float]:
    """The peak to a fraction of a pixel, by a parabola through its neighbours."""

    def vertex(before: float, at: float, after: float) -> float:
        bend = before - 2 * at + after
        return 0.0 if bend >= 0 else 0.5 * (before - after) / bend

    last = surface.shape[0] - 1
    dx = vertex(*surface[y, x - 1 : x + 2].tolist()) if 0 < x < last else 0.0
    dy = vertex(*surface[y - 1 : y + 2, x].tolist()) if 0 < y < last else 0.0
    return x + dx, y + dy
