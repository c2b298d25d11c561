"""A page drawn, then moved by a known amount, is laid back onto the blank form to within a pixel."""

import cv2
import numpy as np
import pytest

from extract import references, registration, views
from extract.fit import Fit, to_page, warp
from extract.page import Grey
from extract.references import Reference
from schemas.errors import NoFit
from tests.drawn_form import HEIGHT, PLACES, WIDTH, draw_form, draw_letter, filled, moved, moving, page_of

# A scanner feeds crooked by a degree or two, off by millimetres; copiers and "fit to page" change the size.
MOVES = (
    {},
    {"turn": 1.2, "shift": (25.0, -18.0)},
    {"turn": -0.8, "scale": 0.97, "shift": (-12.0, 30.0)},
    {"scale": 1.03},
)
ANSWERS = {place: f"ANSWER NO {number}" for number, place in enumerate(PLACES)}


@pytest.fixture(scope="module")
def blank() -> Grey:
    return draw_form()


@pytest.fixture(scope="module")
def reference(blank: Grey) -> Reference:
    return references.prepare(blank, 300)


@pytest.fixture(scope="module")
def fit(blank: Grey, reference: Reference) -> Fit:
    """How a filled page, moved by the second move, lies."""
    return registration.align(views.view(page_of(moved(filled(blank, ANSWERS), **MOVES[1]))), reference)


def furthest_miss(fit: Fit, reference: Reference, truth: np.ndarray, to_scan: float = 1.0) -> float:
    """The most (pixels of the scan) by which any of a grid of points misses where arithmetic says it went."""
    points = [(x, y) for x in range(150, WIDTH, 220) for y in range(120, HEIGHT - 200, 220)]
    return max(
        float(np.hypot(*(np.array(to_page(fit, reference, x, y)) - to_scan * (truth @ [x, y, 1.0])))) for x, y in points
    )


@pytest.mark.parametrize("move", MOVES, ids=str)
def test_a_filled_page_moved_by_a_known_amount_is_found_within_a_pixel(
    move: dict[str, float], blank: Grey, reference: Reference
) -> None:
    page = page_of(moved(filled(blank, ANSWERS), **move))
    found = registration.align(views.view(page), reference)
    assert furthest_miss(found, reference, moving(**move)) < 1.0
    assert found.residual_pixels < 1.0


def test_a_scan_of_another_resolution_is_found_within_a_pixel_of_300_dpi(blank: Grey, reference: Reference) -> None:
    at_200 = np.asarray(cv2.resize(blank, None, fx=2 / 3, fy=2 / 3, interpolation=cv2.INTER_AREA))
    found = registration.align(views.view(page_of(at_200, 200)), reference)
    # Pixel centres: x at 300 dpi lies at (x + 0.5) * 2 / 3 - 0.5 at 200 dpi.
    truth = np.array([[1.0, 0.0, -0.25], [0.0, 1.0, -0.25]])
    assert furthest_miss(found, reference, truth, 2 / 3) < 2 / 3  # pixels at 200 dpi


@pytest.mark.parametrize("other", ["letter", "paper", "black"])
def test_a_page_that_is_not_the_form_does_not_fit(other: str, reference: Reference) -> None:
    pixels = {
        "letter": draw_letter(),
        "paper": np.full((HEIGHT, WIDTH), 255, np.uint8),
        "black": np.zeros((HEIGHT, WIDTH), np.uint8),
    }[other]
    with pytest.raises(NoFit):
        registration.align(views.view(page_of(pixels)), reference)


def test_half_a_form_still_fits_and_a_mere_letterhead_does_not(blank: Grey, reference: Reference) -> None:
    for rows, fits in ((1000, True), (500, False)):  # the boxes begin at row 470
        torn = blank.copy()
        torn[rows:] = 255
        if fits:
            assert registration.align(views.view(page_of(torn)), reference).residual_pixels < 1
        else:
            with pytest.raises(NoFit, match=r"only .* of the form's print fits"):
                registration.align(views.view(page_of(torn)), reference)


def test_the_warped_page_shows_the_print_where_the_blank_has_it(blank: Grey, reference: Reference, fit: Fit) -> None:
    page = page_of(moved(filled(blank, ANSWERS), **MOVES[1]))
    warped = warp(page, reference, fit)
    assert warped.shape == blank.shape
    # A pixel of print may be blurred by one pixel, but not be gone.
    near = np.lib.stride_tricks.sliding_window_view(np.pad(warped, 1, constant_values=255), (3, 3)).min(axis=(2, 3))
    assert float((near[blank < 128] < 160).mean()) > 0.995


def test_a_point_goes_to_the_page_where_the_warp_took_it_from(blank: Grey, reference: Reference, fit: Fit) -> None:
    dotted = np.full_like(blank, 255)
    places = [(300, 400), (1240, 1000), (2200, 1650), (511, 1023)]  # the last lies where tiles of the warp meet
    for x, y in places:
        there_x, there_y = (round(value) for value in to_page(fit, reference, x, y))
        dotted[there_y - 4 : there_y + 5, there_x - 4 : there_x + 5] = 0
    back = warp(page_of(dotted), reference, fit)
    for x, y in places:
        rows, columns = np.nonzero(back[y - 20 : y + 21, x - 20 : x + 21] < 128)
        assert (float(columns.mean()) - 20, float(rows.mean()) - 20) == pytest.approx((0, 0), abs=1.0)


def test_paper_outside_the_scan_is_white(reference: Reference) -> None:
    page = page_of(np.zeros((HEIGHT, WIDTH), np.uint8))
    shifted = Fit(np.array([[1.0, 0.0, 100.0], [0.0, 1.0, 0.0]]), np.zeros((2, 2, 2), np.float32), 1.0, 0.0, 1.0)
    warped = warp(page, reference, shifted)
    assert warped[:, : WIDTH - 101].max() == 0
    assert warped[:, WIDTH - 99 :].min() == 255


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_page_that_lies_turned_is_found_as_if_it_had_been_turned_before(
    turned: int, blank: Grey, reference: Reference
) -> None:
    scanned = np.ascontiguousarray(np.rot90(filled(blank, ANSWERS), turned // 90))  # counter-clockwise
    upright = views.turned(views.view(page_of(scanned)), turned)
    assert furthest_miss(registration.align(upright, reference), reference, moving()) < 0.5


def test_the_same_page_lies_the_same_way_twice(blank: Grey, reference: Reference, fit: Fit) -> None:
    again = registration.align(views.view(page_of(moved(filled(blank, ANSWERS), **MOVES[1]))), reference)
    assert np.array_equal(again.affine, fit.affine)
    assert np.array_equal(again.mesh, fit.mesh)
