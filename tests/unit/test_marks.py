"""Tick boxes and signatures, drawn here so that the truth is known."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

from extract.marks import judge_choice, judge_mark, judge_signature
from extract.page import Grey
from schemas.geometry import Box
from schemas.reading import Mark, MarkState

DPI = 300
SIDE = 60
BOXES = {name: Box(left, 120, left + SIDE, 120 + SIDE) for name, left in (("yes", 150), ("no", 450), ("maybe", 750))}


def blank_form(*, outline: bool = True) -> Grey:
    """Three printed boxes with a word beside each; without `outline` the words alone."""
    page = np.full((300, 1100), 255, np.uint8)
    for name, box in BOXES.items():
        if outline:
            cv2.rectangle(page, (box.left, box.top), (box.right - 1, box.bottom - 1), 0, 2)
        cv2.putText(page, name, (box.right + 15, box.bottom - 8), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 0, 2)
    return page


def stroke(page: Grey, name: str, *points: tuple[float, float], thick: int = 6, grey: int = 0) -> None:
    """Draw a pen stroke through points given as shares of the box's sides."""
    box = BOXES[name]
    places = [(round(box.left + x * box.width), round(box.top + y * box.height)) for x, y in points]
    for start, end in pairwise(places):
        cv2.line(page, start, end, grey, thick, cv2.LINE_AA)


def cross(page: Grey, name: str) -> None:
    stroke(page, name, (-0.15, -0.1), (1.1, 1.15))
    stroke(page, name, (1.05, -0.1), (-0.05, 1.2))


def scribble(page: Grey, name: str) -> None:
    stroke(page, name, *[(-0.2 if step % 2 else 1.2, step / 9) for step in range(10)], thick=7)


def fill(page: Grey, name: str) -> None:
    box = BOXES[name]
    page[box.top + 3 : box.bottom - 3, box.left + 3 : box.right - 3] = 0


def states(marks: tuple[Mark, ...]) -> dict[str, MarkState]:
    return {mark.option: mark.state for mark in marks}


def judged(
    page: Grey, reference: Grey | None = None, *, several: bool = False
) -> tuple[dict[str, MarkState], tuple[str, ...]]:
    reference = blank_form() if reference is None else reference
    marks, chosen = judge_choice(page, reference, list(BOXES.items()), DPI, several=several)
    return states(marks), chosen


def state_of(page: Grey, name: str, reference: Grey | None = None) -> MarkState:
    reference = blank_form() if reference is None else reference
    return judge_mark(page, reference, BOXES[name], option=name, dpi=DPI).state


def moved(page: Grey, dx: float, dy: float) -> Grey:
    shifted = cv2.warpAffine(page, np.array([[1, 0, dx], [0, 1, dy]], np.float32), page.shape[::-1], borderValue=255)
    return np.asarray(shifted, np.uint8)


def test_three_empty_boxes_are_no_answer() -> None:
    found, chosen = judged(blank_form())
    assert set(found.values()) == {MarkState.EMPTY}
    assert chosen == ()


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (5, -5), (-5, 5), (3.5, 4.5)])
def test_a_cross_is_an_answer_even_where_the_page_lies_five_pixels_off(dx: float, dy: float) -> None:
    page = blank_form()
    cross(page, "no")
    found, chosen = judged(moved(page, dx, dy))
    assert chosen == ("no",)
    assert found["yes"] is found["maybe"] is MarkState.EMPTY


def test_a_tick_that_leaves_the_box_is_an_answer() -> None:
    page = blank_form()
    stroke(page, "yes", (0.15, 0.5), (0.4, 0.85), (1.4, -0.5))
    assert judged(page)[1] == ("yes",)


def test_a_typewriter_x_is_an_answer() -> None:
    page = blank_form()
    box = BOXES["maybe"]
    cv2.putText(page, "X", (box.left + 12, box.bottom - 12), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0, 4)
    assert judged(page)[1] == ("maybe",)


def test_a_box_filled_solid_is_an_answer_where_no_other_is_ticked() -> None:
    page = blank_form()
    fill(page, "yes")
    assert judged(page)[1] == ("yes",)


@pytest.mark.parametrize("cancel", [scribble, fill])
def test_a_box_scribbled_out_beside_a_cross_is_cancelled(cancel: Callable[[Grey, str], None]) -> None:
    page = blank_form()
    cancel(page, "yes")
    cross(page, "no")
    found, chosen = judged(page)
    assert found["yes"] is MarkState.CANCELLED
    assert chosen == ("no",)


@pytest.mark.parametrize("cancel", [scribble, fill])
def test_where_several_are_asked_a_filled_box_beside_a_cross_is_a_doubt(cancel: Callable[[Grey, str], None]) -> None:
    page = blank_form()
    cancel(page, "yes")
    cross(page, "no")
    found, chosen = judged(page, several=True)
    assert found["yes"] is MarkState.DOUBTFUL
    assert chosen == ("no",)


def test_two_plain_ticks_where_one_is_asked_are_both_doubtful() -> None:
    page = blank_form()
    cross(page, "yes")
    cross(page, "maybe")
    found, chosen = judged(page)
    assert (found["yes"], found["no"], found["maybe"]) == (MarkState.DOUBTFUL, MarkState.EMPTY, MarkState.DOUBTFUL)
    assert chosen == ()


def test_two_plain_ticks_where_several_are_asked_are_both_answers() -> None:
    page = blank_form()
    cross(page, "yes")
    cross(page, "maybe")
    assert judged(page, several=True)[1] == ("yes", "maybe")


def test_a_lone_scribble_over_the_edge_is_doubtful() -> None:
    page = blank_form()
    stroke(page, "yes", *[(-0.4 if step % 2 else 1.4, step / 11) for step in range(12)], thick=8)
    assert state_of(page, "yes") is MarkState.DOUBTFUL


def test_a_line_drawn_through_the_box_from_outside_is_doubtful() -> None:
    page = blank_form()
    stroke(page, "no", (-3, 0.4), (4, 0.6))
    assert state_of(page, "no") is MarkState.DOUBTFUL


def test_a_speck_of_dirt_is_nothing() -> None:
    page = blank_form()
    box = BOXES["yes"]
    cv2.circle(page, (box.left + 25, box.top + 30), 3, 0, -1)
    assert state_of(page, "yes") is MarkState.EMPTY


def test_faint_pencil_is_doubtful_not_blank() -> None:
    page = blank_form()
    stroke(page, "yes", (0.15, 0.5), (0.4, 0.85), (0.9, 0.1), grey=205)
    assert state_of(page, "yes") is MarkState.DOUBTFUL


def test_a_thicker_box_line_is_no_ink() -> None:
    page = blank_form()
    for box in BOXES.values():
        cv2.rectangle(page, (box.left, box.top), (box.right - 1, box.bottom - 1), 0, 9)
    assert set(judged(page)[0].values()) == {MarkState.EMPTY}


def test_a_thicker_box_line_does_not_make_a_cross_fuller() -> None:
    thin = blank_form()
    cross(thin, "no")
    thick = thin.copy()
    box = BOXES["no"]
    cv2.rectangle(thick, (box.left, box.top), (box.right - 1, box.bottom - 1), 0, 11)
    shares = [judge_mark(page, blank_form(), box, option="no", dpi=DPI).ink_share for page in (thin, thick)]
    assert shares[1] == pytest.approx(shares[0], abs=0.08)


def test_dirt_on_the_edge_of_the_box_is_nothing() -> None:
    page = blank_form()
    box = BOXES["yes"]
    cv2.line(page, (box.left + 10, box.top + 8), (box.left + 45, box.top + 8), 0, 4)
    assert state_of(page, "yes") is MarkState.EMPTY


def test_a_form_without_printed_boxes_is_judged_at_the_expected_place() -> None:
    page = blank_form(outline=False)
    cross(page, "no")
    assert judged(page, blank_form(outline=False))[1] == ("no",)


def test_a_tinted_reference_judges_like_a_white_one() -> None:
    tinted = np.where(blank_form() > 200, 220, blank_form()).astype(np.uint8)
    for box in BOXES.values():
        tinted[box.top + 2 : box.bottom - 2, box.left + 2 : box.right - 2] = 255
    page = blank_form()
    cross(page, "no")
    assert judged(page, tinted)[1] == ("no",)


def test_a_page_that_is_not_this_form_here_is_doubtful_not_blank() -> None:
    page = np.full((300, 1100), 255, np.uint8)
    cv2.line(page, (0, 20), (1100, 20), 0, 3)
    assert set(judged(page)[0].values()) == {MarkState.DOUBTFUL}


def test_a_mark_says_how_much_ink_and_where() -> None:
    page = blank_form()
    fill(page, "no")
    mark = judge_mark(page, blank_form(), BOXES["no"], option="no", dpi=DPI)
    assert mark.ink_share > 0.95
    assert f"{mark.ink_share:.0%} of the box is ink" in mark.reason
    assert mark.area.as_list() == [round(450 / 1100, 5), 0.4, round(510 / 1100, 5), 0.6]


@pytest.mark.parametrize("dpi", [200, 300])
def test_a_cross_is_seen_at_every_usual_resolution(dpi: int) -> None:
    page, blank = blank_form(), blank_form()
    cross(page, "no")
    size = (round(1100 * dpi / 300), round(300 * dpi / 300))
    small, small_blank = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (page, blank))
    zones = [(name, box.scaled(dpi / 300)) for name, box in BOXES.items()]
    assert judge_choice(small, small_blank, zones, dpi, several=False)[1] == ("no",)


def screened(page: Grey) -> Grey:
    """The page as a scanner gives it that draws grey paper in black dots, a third of the pixels."""
    dots = np.zeros((3, 3), np.uint8)
    dots[[0, 1, 2], [0, 2, 1]] = 1
    tiles = np.tile(dots, (page.shape[0] // 3 + 1, page.shape[1] // 3 + 1))[: page.shape[0], : page.shape[1]]
    return np.where(tiles > 0, 0, page).astype(np.uint8)


def test_a_cross_is_seen_among_the_dots_of_a_screened_page_and_the_empty_boxes_too() -> None:
    page = blank_form()
    cross(page, "no")
    found, chosen = judged(screened(page))
    assert chosen == ("no",)
    assert found["yes"] is found["maybe"] is MarkState.EMPTY


def test_a_level_line_beside_a_tick_is_stray_and_alone_a_doubt() -> None:
    page = blank_form()
    stroke(page, "yes", (0.3, 0.6), (0.7, 0.6), thick=3)
    assert state_of(page, "yes") is MarkState.DOUBTFUL
    cross(page, "no")
    found, chosen = judged(page)
    assert found["yes"] is MarkState.STRAY
    assert chosen == ("no",)


def test_a_slash_is_no_level_line() -> None:
    page = blank_form()
    stroke(page, "yes", (0.1, 0.9), (0.9, 0.1))
    assert state_of(page, "yes") is MarkState.TICKED


def test_a_line_beside_the_box_takes_nothing_from_the_tick_in_it() -> None:
    page = blank_form()
    stroke(page, "yes", (0.3, 0.5), (0.45, 0.7), (0.75, 0.3))
    box = BOXES["yes"]
    cv2.line(page, (box.left - 8, 0), (box.left - 8, 299), 0, 4)
    assert judged(page)[1] == ("yes",)


def flourish(page: Grey, name: str) -> None:
    """A hook in the box that comes from far above it and ends far beside it."""
    stroke(page, name, (0, -1.3), (0.3, 0.2), (0.3, 0.75), (0.6, 0.7), (2.6, -1.2), thick=8)


def test_a_hook_with_a_long_tail_is_an_answer_where_no_other_box_holds_one() -> None:
    page = blank_form()
    flourish(page, "no")
    assert judged(page)[1] == ("no",)
    cross(page, "yes")
    found, chosen = judged(page)
    assert found["no"] is MarkState.DOUBTFUL
    assert chosen == ("yes",)


def test_two_hooks_with_long_tails_are_both_doubtful() -> None:
    page = blank_form()
    flourish(page, "no")
    flourish(page, "maybe")
    found, chosen = judged(page, several=True)
    assert found["no"] is found["maybe"] is MarkState.DOUBTFUL
    assert chosen == ()


def test_a_thick_cross_beside_thin_ones_is_an_answer_and_not_scribbled_out() -> None:
    page = blank_form()
    for name, thick in (("yes", 3), ("no", 8)):
        stroke(page, name, (0.05, 0.05), (0.95, 0.95), thick=thick)
        stroke(page, name, (0.05, 0.95), (0.95, 0.05), thick=thick)
    assert judged(page, several=True)[1] == ("yes", "no")


def test_the_edge_of_a_shadow_and_a_fold_are_no_pencil() -> None:
    page = np.where(blank_form() > 200, 235, blank_form()).astype(np.uint8)
    box = BOXES["yes"]
    page[box.top + 30 :, :] = np.minimum(page[box.top + 30 :, :], 190)
    cv2.line(page, (BOXES["no"].left - 100, 150), (BOXES["no"].right + 40, 150), 160, 3)
    assert set(judged(page)[0].values()) == {MarkState.EMPTY}


def test_a_box_printed_too_faintly_to_count_as_ink_is_still_found() -> None:
    page = np.where(blank_form() < 200, 205, 245).astype(np.uint8)
    cross(page, "no")
    found, chosen = judged(moved(page, 3, -3))
    assert chosen == ("no",)
    assert found["yes"] is found["maybe"] is MarkState.EMPTY


def test_a_solid_fill_says_so() -> None:
    page = blank_form()
    fill(page, "yes")
    assert judge_mark(page, blank_form(), BOXES["yes"], option="yes", dpi=DPI).reason.startswith("Filled solid")


def test_the_score_falls_with_the_ink_and_is_nought_in_doubt() -> None:
    scores = []
    for thick in (14, 8, 5, 4):
        page = blank_form()
        stroke(page, "yes", (0.25, 0.25), (0.75, 0.75), thick=thick)
        stroke(page, "yes", (0.25, 0.75), (0.75, 0.25), thick=thick)
        mark = judge_mark(page, blank_form(), BOXES["yes"], option="yes", dpi=DPI)
        assert mark.state is MarkState.TICKED
        scores.append(mark.score)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1] > 0
    assert judge_mark(blank_form(), blank_form(), BOXES["yes"], option="yes", dpi=DPI).score > 0.9
    page = blank_form()
    stroke(page, "yes", (-3, 0.4), (4, 0.6))
    assert judge_mark(page, blank_form(), BOXES["yes"], option="yes", dpi=DPI).score == 0.0


SIGNING = Box(20, 20, 980, 280)


def signing_box() -> Grey:
    page = np.full((300, 1000), 255, np.uint8)
    cv2.line(page, (40, 220), (960, 220), 0, 3)
    cv2.putText(page, "Signature", (40, 270), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2)
    return page


def test_joined_loops_are_a_signature() -> None:
    page = signing_box()
    along = np.linspace(0, 1, 300)
    points = np.stack([200 + 500 * along, 150 - 60 * np.sin(along * 40) * (1 - along / 2)], axis=1).astype(np.int32)
    cv2.polylines(page, [points], isClosed=False, color=0, thickness=5)
    seen = judge_signature(moved(page, 4, -4), signing_box(), SIGNING, DPI)
    assert seen.present
    assert not seen.doubtful


@pytest.mark.parametrize("what", ["ring", "shadow", "marker"])
def test_a_cup_ring_or_a_shadow_is_no_signature_but_a_thick_pen_writes_one(what: str) -> None:
    page = signing_box()
    if what == "ring":
        cv2.circle(page, (600, 330), 280, (110,), 30)
        page = np.asarray(cv2.GaussianBlur(page, (0, 0), 6), np.uint8)
    elif what == "shadow":
        fold = np.full(page.shape, 255, np.uint8)
        cv2.line(fold, (400, 0), (560, 300), (120,), 120)
        page = np.minimum(page, cv2.GaussianBlur(fold, (0, 0), 15))
    else:
        points = np.array([[200 + 5 * x, 130 - round(70 * np.sin(x / 5))] for x in range(100)], np.int32)
        cv2.polylines(page, [points], isClosed=False, color=0, thickness=14)
    seen = judge_signature(page, signing_box(), SIGNING, DPI)
    assert (seen.present, seen.doubtful) == ((True, False) if what == "marker" else (False, True)), seen.reason


def test_one_thin_arc_is_no_signature() -> None:
    page = signing_box()
    cv2.ellipse(page, (1100, 250), (280, 240), 0, 180, 220, (0,), 5)
    seen = judge_signature(page, signing_box(), SIGNING, DPI)
    assert (seen.present, seen.doubtful) == (False, True), seen.reason


def test_an_unsigned_box_is_no_signature_wherever_its_line_lies() -> None:
    for dx, dy in ((0, 0), (5, 5), (-5, -4)):
        seen = judge_signature(moved(signing_box(), dx, dy), signing_box(), SIGNING, DPI)
        assert (seen.present, seen.doubtful, seen.ink_share) == (False, False, 0.0)


def test_a_date_alone_is_no_signature_but_worth_a_look() -> None:
    page = signing_box()
    cv2.putText(page, "12 04 2018", (200, 180), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 3)
    seen = judge_signature(page, signing_box(), SIGNING, DPI)
    assert not seen.present
    assert seen.doubtful


def test_a_line_of_the_fax_is_no_signature() -> None:
    page = signing_box()
    cv2.line(page, (0, 100), (1000, 106), 0, 3)
    seen = judge_signature(page, signing_box(), SIGNING, DPI)
    assert not seen.present
    assert not seen.doubtful


def test_specks_are_no_signature() -> None:
    page = signing_box()
    for x in range(100, 900, 200):
        cv2.circle(page, (x, 100), 3, 0, -1)
    seen = judge_signature(page, signing_box(), SIGNING, DPI)
    assert not seen.present
    assert not seen.doubtful
