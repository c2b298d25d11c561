"""The gate for pages: what can be read passes, what nobody could read is stopped with the reason."""

import time

import cv2
import numpy as np
import pytest

from extract.fit import Fit
from extract.page import Grey, PageImage
from extract.quality import Quality, features, measure, of_place, problems
from extract.views import resample


def printed(dpi: int = 300) -> PageImage:
    """A page of print: lines of letters, 3 mm high, and rules."""
    pixels = np.full((11 * dpi, 8 * dpi), 235, np.uint8)
    for line in range(40):
        place = (dpi // 2, round((1 + line / 4.2) * dpi))
        cv2.putText(
            pixels, "The quick brown fox jumps over it", place, 0, dpi / 210, 20, max(1, dpi // 90), cv2.LINE_AA
        )
    return PageImage(pixels, dpi, 1)


PAGE = printed()


def why(pixels: Grey, dpi: int = 300) -> str:
    page = PageImage(np.asarray(pixels, np.uint8), dpi, 1)
    return " ".join(problems(measure(page, resample(page.pixels, dpi, 100))))


def test_plain_print_passes_in_grey_in_black_and_white_and_at_fax_resolution() -> None:
    assert why(PAGE.pixels) == ""
    assert why(np.where(PAGE.pixels < 128, 0, 255)) == ""
    assert why(printed(200).pixels, 200) == ""


def test_a_soft_a_faint_and_a_grainy_page_still_pass() -> None:
    assert why(cv2.GaussianBlur(PAGE.pixels, (0, 0), 1.5)) == ""
    assert why(255 - (255 - PAGE.pixels) // 3) == ""
    grain = np.random.default_rng(1).normal(0, 8, PAGE.pixels.shape)
    assert why(np.clip(PAGE.pixels + grain, 0, 255)) == ""


def half_tone(pixels: Grey) -> Grey:
    """The page through the 4 x 4 screen of Bayer (1973), as a scanner set to photographs gives it."""
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) * 16 + 8
    high, wide = pixels.shape
    screen = np.tile(order, (high // 4 + 1, wide // 4 + 1))[:high, :wide]
    return np.asarray(np.where(pixels * 0.7 > screen, 255, 0), np.uint8)


@pytest.mark.parametrize(
    ("ruined", "reason"),
    [
        (cv2.GaussianBlur(PAGE.pixels, (0, 0), 6), "too blurred"),
        (235 - (235 - PAGE.pixels) // 9, "too faint"),
        (half_tone(PAGE.pixels), "too speckled"),
        (np.random.default_rng(1).integers(0, 256, PAGE.pixels.shape), "too speckled"),
    ],
)
def test_a_ruined_page_is_stopped_with_the_reason(ruined: Grey, reason: str) -> None:
    assert reason in why(ruined)


def test_a_page_scanned_too_coarsely_is_stopped() -> None:
    assert "too coarsely" in why(printed(72).pixels, 72)


def test_a_form_half_beyond_the_scan_is_stopped_and_a_lost_margin_is_not() -> None:
    def cut(down: float) -> dict[str, float]:
        fit = Fit(np.array([[1.0, 0, 0], [0, 1.0, down]]), np.zeros((2, 2, 2), np.float32), 1.0, 3.0, 1.0)
        return of_place(fit, (3300, 2550), (3300, 2550))

    assert problems(cut(1800)) == ("A large part of the page was cut off: scan it again.",)
    assert cut(1800)[Quality.CUT_OFF] == pytest.approx(1800 / 3300, abs=0.07)
    assert problems(cut(60)) == ()
    assert cut(0) == {"cut_off": 0.0, "residual": 1.0}  # 3 pixels at 300 dpi are 1 at 100


def test_what_was_not_measured_is_no_problem_and_no_feature() -> None:
    assert problems({}) == ()
    assert features({"dpi": 300.0, "blur": 1.2}) == {"blur": 1.2}


def test_a_few_specks_on_an_empty_page_are_neither_faint_nor_blurred() -> None:
    pixels = np.full((3300, 2550), 235, np.uint8)
    pixels[1000:1080, 1000:1080] = 20
    assert why(pixels) == ""


def test_a_page_of_one_grey_is_no_error() -> None:
    flat = np.full((1100, 850), 255, np.uint8)
    assert measure(PageImage(flat, 100, 1), flat) == {Quality.DPI: 100.0, Quality.SPECKLE: 0.0}


def test_measuring_takes_a_few_milliseconds() -> None:
    seen = resample(PAGE.pixels, 300, 100)
    times = []
    for _ in range(7):
        begun = time.perf_counter()
        measure(PAGE, seen)
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.01
