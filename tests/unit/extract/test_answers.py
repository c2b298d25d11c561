"""What people wrote is parted from what was printed; strokes and places are drawn here, so the truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from extract import answers
from extract.answers import Answers, InkLine
from extract.page import Grey
from schemas.geometry import Box

WIDTH, HEIGHT = 1300, 700
LEFT_ZONE, RIGHT_ZONE = Box(100, 210, 600, 330), Box(600, 210, 1100, 330)
RULE = Box(100, 300, 1100, 305)  # a printed rule to write on
LETTER = ImageFont.load_default(46)


def blank_form() -> Image.Image:
    picture = Image.new("L", (WIDTH, HEIGHT), 255)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((RULE.left, RULE.top, RULE.right - 1, RULE.bottom - 1), fill=0)
    pen.text((100, 150), "Surname of the keeper", font=ImageFont.load_default(38), fill=0)
    pen.text((110, 222), "Mr", font=ImageFont.load_default(30), fill=0)
    return picture


BLANK: Grey = np.asarray(blank_form(), np.uint8)
PRINT = answers.prepare(BLANK)


def page(*, shift: tuple[int, int] = (0, 0)) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A page with the form's print on it, misplaced by some pixels as after aligning, to write on."""
    picture = Image.new("L", (WIDTH, HEIGHT), 255)
    picture.paste(Image.fromarray(BLANK), shift)
    return picture, ImageDraw.Draw(picture)


def found(picture: Image.Image, *zones: Box) -> Answers:
    return answers.find_answers(np.asarray(picture, np.uint8), PRINT, zones)


def lines(picture: Image.Image, *zones: Box) -> list[list[InkLine]]:
    return answers.lines_of_zones(found(picture, *zones), zones)


def kept(answer: Answers, place: Box) -> Grey:
    """1 where ink within `place` was taken for an answer."""
    return np.asarray(answer.labels[place.top : place.bottom, place.left : place.right] > 0, np.uint8)


@pytest.mark.parametrize("shift", [(0, 0), (1, -1), (-2, 2)])
def test_an_empty_form_holds_no_answers_even_if_it_lies_a_little_off(shift: tuple[int, int]) -> None:
    picture, _ = page(shift=shift)
    assert lines(picture, LEFT_ZONE, RIGHT_ZONE) == [[], []]


def test_no_zones_hold_no_lines() -> None:
    picture, _ = page()
    assert lines(picture) == []


def test_a_word_clear_of_the_print_is_found_where_it_stands_and_alone() -> None:
    picture, pen = page(shift=(1, 1))
    pen.text((250, 228), "JONES", font=LETTER, fill=0)
    truth = Box(*pen.textbbox((250, 228), "JONES", font=LETTER))
    (line,), rest = lines(picture, LEFT_ZONE, RIGHT_ZONE)
    assert rest == []
    # The letters' own ink: PIL's box may be a pixel or two larger.
    assert (line.box.left, line.box.top) == pytest.approx((truth.left, truth.top), abs=3)
    assert (line.box.right, line.box.bottom) == pytest.approx((truth.right, truth.bottom), abs=3)
    printed, _ = page(shift=(1, 1))
    written = int((np.asarray(picture) < 128).sum()) - int((np.asarray(printed) < 128).sum())
    assert int((line.pixels < 128).sum()) == written


def test_a_stroke_that_crosses_a_rule_stays_whole_and_the_rule_goes() -> None:
    picture, pen = page(shift=(1, 1))
    stroke = Box(300, 240, 308, 325)  # the tail of a letter, down through the rule
    pen.rectangle((stroke.left, stroke.top, stroke.right - 1, stroke.bottom - 1), fill=0)
    answer = found(picture, LEFT_ZONE)
    assert float(kept(answer, stroke).mean()) > 0.95
    assert kept(answer, Box(330, 290, 600, 320)).sum() == 0
    assert kept(answer, Box(100, 290, 280, 320)).sum() == 0


def test_a_letter_that_stands_on_a_rule_keeps_its_foot() -> None:
    picture, pen = page()
    pen.rectangle((400, 240, 407, 299), fill=0)  # an L, its foot upon the rule
    pen.rectangle((400, 292, 427, 299), fill=0)
    answer = found(picture, LEFT_ZONE)
    assert float(kept(answer, Box(400, 240, 408, 290)).mean()) == 1.0
    assert float(kept(answer, Box(400, 292, 428, 299)).mean()) > 0.8


def test_specks_are_no_answer_but_a_small_word_is() -> None:
    picture, pen = page()
    for x in (250, 380, 520):
        pen.rectangle((x, 250, x + 3, 253), fill=0)
    assert lines(picture, LEFT_ZONE) == [[]]
    pen.text((420, 240), "no", font=ImageFont.load_default(30), fill=0)
    assert [len(zone) for zone in lines(picture, LEFT_ZONE)] == [1]


def test_a_word_over_the_edge_of_a_zone_goes_to_the_zone_that_holds_most_of_it() -> None:
    picture, pen = page()
    pen.text((400, 228), "ABERYSTWYTH", font=LETTER, fill=0)  # three fifths of it left of the edge at 600
    whole = pen.textlength("ABERYSTWYTH", LETTER)
    assert 400 + whole * 0.55 < 600 < 400 + whole
    (line,), right = lines(picture, LEFT_ZONE, RIGHT_ZONE)
    assert right == []
    assert line.box.width == pytest.approx(whole, abs=8)


def test_a_word_that_runs_out_of_all_zones_stays_with_its_line() -> None:
    picture, pen = page()
    pen.text((960, 228), "LLANELLI CF", font=LETTER, fill=0)  # the zone ends at 1100
    ((line,),) = lines(picture, RIGHT_ZONE)
    assert line.box.right > 1180


def test_two_lines_of_a_zone_come_from_top_to_bottom_each_with_its_own_ink() -> None:
    zone = Box(100, 360, 1100, 600)
    picture, pen = page()
    pen.text((700, 380), "FIRST", font=LETTER, fill=0)
    pen.text((150, 450), "SECOND LINE", font=LETTER, fill=0)
    ((first, second),) = lines(picture, zone)
    assert (first.box.left, second.box.left) == pytest.approx((700, 150), abs=8)
    assert first.box.bottom <= second.box.top
    together = int((first.pixels < 128).sum() + (second.pixels < 128).sum())
    assert together == int((np.asarray(picture)[360:600] < 128).sum())


def test_a_lone_dash_is_an_answer_and_dashes_above_writing_are_dirt() -> None:
    picture, pen = page()
    pen.rectangle((400, 262, 440, 267), fill=0)
    ((dash,),) = lines(picture, LEFT_ZONE)
    assert dash.box == Box(400, 262, 441, 268)
    below = Box(100, 360, 1100, 600)
    pen.rectangle((400, 380, 440, 385), fill=0)
    pen.text((150, 450), "WRITTEN", font=LETTER, fill=0)
    ((only,),) = lines(picture, below)
    assert only.box.top > 440


def test_a_stamp_set_on_its_side_is_known_and_is_in_no_line() -> None:
    zone = Box(100, 350, 1200, 690)
    picture, pen = page()
    pen.text((150, 450), "WRITTEN HERE", font=LETTER, fill=0)
    word = Image.new("L", (300, 50), 255)
    ImageDraw.Draw(word).text((4, 2), "RECEIVED 24", font=ImageFont.load_default(40), fill=0)
    picture.paste(word.transpose(Image.Transpose.ROTATE_90), (1000, 370))
    answer = found(picture, zone)
    stamp = [number for number in range(1, len(answer.stats)) if answer.stats[number, 0] >= 990 and answer.run[number]]
    assert len(stamp) >= 8
    assert all(answer.sideways[number] for number in stamp)
    ((line,),) = answers.lines_of_zones(answer, [zone])
    assert line.box.right < 900


def test_faint_pencil_is_ink_on_a_stain_as_on_clean_paper_and_the_stain_is_not() -> None:
    random = np.random.default_rng(2)
    paper = np.full((600, 800), 235.0)
    rows, columns = np.mgrid[:600, :800]
    paper -= 60 * np.exp(
        -((rows - 300) ** 2 + (columns - 550) ** 2) / (2 * 120.0**2)
    )  # a coffee stain, soft at its edge
    pencil = np.zeros((600, 800), np.bool_)
    for left in (100, 200, 480, 600):
        pencil[250:330, left : left + 5] = True
    paper[pencil] -= 70
    grey = (paper + random.normal(0, 2, paper.shape)).clip(0, 255).astype(np.uint8)
    flat, level = answers.flattened(grey)
    ink = flat <= level
    assert float(ink[pencil].mean()) > 0.98
    assert float(ink[~pencil].mean()) < 0.001


def test_black_and_white_is_told_from_grey() -> None:
    assert answers.has_two_levels(BLANK)
    assert not answers.has_two_levels(np.full((700, 1300), 200, np.uint8))


UPPER_ZONE, LOWER_ZONE = Box(100, 360, 1100, 500), Box(100, 500, 1100, 640)


def block(*, last_top: int) -> Image.Image:
    """Two lines in the upper zone and a third one at a height of our choice, mostly in the lower zone."""
    picture, pen = page()
    for top, text in ((370, "Harbour House"), (425, "12 Quay Street"), (last_top, "Drewsport DR4 7QT")):
        pen.text((150, top), text, font=ImageFont.load_default(36), fill=0)
    return picture


def test_a_line_that_runs_over_the_edge_of_its_zone_stays_with_the_lines_it_continues() -> None:
    upper, lower = lines(block(last_top=480), UPPER_ZONE, LOWER_ZONE)
    assert (len(upper), len(lower)) == (3, 0)
    assert upper[-1].overflow > 0.5


def test_a_line_that_stands_in_the_zone_below_is_that_zone_s() -> None:
    upper, lower = lines(block(last_top=540), UPPER_ZONE, LOWER_ZONE)
    assert (len(upper), len(lower)) == (2, 1)


def test_writing_of_another_zone_that_reaches_in_is_counted_as_foreign() -> None:
    answer = found(block(last_top=480), UPPER_ZONE, LOWER_ZONE)
    upper, lower = answers.lines_of_zones(answer, [UPPER_ZONE, LOWER_ZONE])
    reaching = (answer.labels[500:640] > 0).sum()
    assert answers.foreign_ink(answer, LOWER_ZONE, lower) == reaching > 500
    assert answers.foreign_ink(answer, UPPER_ZONE, upper) == 0


def test_a_small_word_in_the_column_of_a_stamp_is_no_part_of_the_stamp() -> None:
    zone = Box(100, 350, 1200, 690)
    picture, pen = page()
    stamp = Image.new("L", (330, 44), 255)
    ImageDraw.Draw(stamp).text((4, 0), "OCT 24 2007", font=ImageFont.load_default(40), fill=0)
    picture.paste(stamp.rotate(90, expand=True, fillcolor=255), (700, 355))
    pen.rectangle((700, 500, 744, 545), fill=255)
    pen.text((640, 508), "U.K. ONLY", font=ImageFont.load_default(34), fill=0)
    answer = found(picture, zone)
    (word,) = answers.lines_of_zones(answer, [zone])[0]
    assert word.box.left == pytest.approx(642, abs=6)
    assert word.box.height < 40
    assert answers.is_stamped(answer, zone)
    assert not answers.is_stamped(answer, RIGHT_ZONE)


def test_writing_as_near_as_a_further_line_is_counted_as_adjacent_by_both_and_farther_away_by_none() -> None:
    for last_top, is_near in ((490, True), (560, False)):
        answer = found(block(last_top=last_top), UPPER_ZONE, LOWER_ZONE)
        upper, lower = answers.lines_of_zones(answer, [UPPER_ZONE, LOWER_ZONE])
        assert (len(upper), len(lower)) == (2, 1)
        assert [answers.adjacent_ink(answer, own) > 500 for own in (upper, lower)] == [is_near] * 2
        assert [answers.adjacent_ink(answer, own) > 0 for own in (upper, lower)] == [is_near] * 2


def test_lines_of_one_answer_and_no_lines_have_nothing_adjacent() -> None:
    answer = found(block(last_top=480), UPPER_ZONE, LOWER_ZONE)
    upper, lower = answers.lines_of_zones(answer, [UPPER_ZONE, LOWER_ZONE])
    assert answers.adjacent_ink(answer, upper) == answers.adjacent_ink(answer, lower) == 0


def test_a_word_behind_a_wide_gap_is_counted_beside_the_line_and_one_of_the_next_column_is_not() -> None:
    end = 210 + round(LETTER.getlength("Springfield"))
    zone = Box(200, 380, end + 20, 460)
    for gap, is_near in ((85, True), (150, False)):
        picture, pen = page()
        pen.text((210, 400), "Springfield", font=LETTER, fill=0)
        pen.text((end + gap, 400), "TX", font=LETTER, fill=0)
        answer = found(picture, zone)
        (own,) = answers.lines_of_zones(answer, [zone])
        assert (answers.beside_ink(answer, own) > 100) is is_near
        assert (answers.beside_ink(answer, own) > 0) is is_near
    assert answers.beside_ink(answer, []) == 0


def test_a_word_that_hangs_on_the_line_above_makes_a_shape_too_tall_for_a_letter() -> None:
    zone = Box(200, 380, 700, 540)
    for tail_ends, is_tall in ((450, False), (500, True)):
        picture, pen = page()
        pen.text((210, 400), "Springfield", font=LETTER, fill=0)
        pen.rectangle((230, 430, 233, tail_ends), fill=0)
        answer = found(picture, zone)
        (own,) = answers.lines_of_zones(answer, [zone])
        tallest = answers.tallest_shape(answer, own)
        assert tallest is not None
        assert (tallest > 2) is is_tall
    assert answers.tallest_shape(answer, []) is None


def crossed_by_a_stamp(zone: Box, *, top: int, text: str = "OCT 24 2007 NY") -> Answers:
    picture, pen = page()
    stamp = Image.new("L", (330, 44), 255)
    ImageDraw.Draw(stamp).text((4, 0), text, font=ImageFont.load_default(40), fill=0)
    picture.paste(stamp.rotate(90, expand=True, fillcolor=255), (700, top))
    pen.rectangle((742, 400, 745, 415), fill=0)  # a piece of its letters beside it
    return found(picture, zone)


def test_a_stamp_that_goes_on_beyond_a_zone_leaves_it_as_empty_as_it_was() -> None:
    zone = Box(100, 380, 1200, 480)
    answer = crossed_by_a_stamp(zone, top=355)
    assert answers.is_stamped(answer, zone)
    assert answers.stray_ink(answer, zone, []) == 0
    assert answers.foreign_ink(answer, zone, []) == 0


def with_a_short_line(zone: Box, *, left: int, text: str = "") -> Answers:
    """A stamp of two lines that is set across the zone; the short one lies within it. At the left an answer."""
    picture = Image.fromarray(crossed_by_a_stamp(zone, top=355).pixels)
    line = Image.new("L", (80, 34), 255)
    ImageDraw.Draw(line).text((2, -2), "UNIT", font=ImageFont.load_default(30), fill=0)
    picture.paste(line.rotate(90, expand=True, fillcolor=255), (left, 385))
    ImageDraw.Draw(picture).text((150, 400), text, font=LETTER, fill=0)
    return found(picture, zone, Box(100, 480, 1200, 690))


def test_a_short_line_beside_a_stamp_s_longer_one_is_in_no_answer_and_speaks_against_none() -> None:
    zone = Box(100, 380, 1200, 480)
    answer = with_a_short_line(zone, left=664, text="WRITTEN")
    ((line,),) = answers.lines_of_zones(answer, [zone])
    assert line.box.right < 500
    assert answers.foreign_ink(answer, zone, [line]) == 0


def test_a_short_line_that_stands_away_from_a_stamp_speaks_against_the_answer() -> None:
    zone = Box(100, 380, 1200, 480)
    answer = with_a_short_line(zone, left=620, text="WRITTEN")
    (own,) = answers.lines_of_zones(answer, [zone])
    others = [line for line in own if line.box.right > 500]
    assert others or answers.foreign_ink(answer, zone, own) > 300


@pytest.mark.parametrize("left", [664, 620])
def test_where_nothing_else_stands_a_short_line_beside_a_stamp_may_be_an_answer(left: int) -> None:
    zone = Box(100, 380, 1200, 480)
    answer = with_a_short_line(zone, left=left)
    assert len(answer.stamps) == 1
    assert answers.stray_ink(answer, zone, []) > 300


@pytest.mark.parametrize("left", [672, 740])
def test_short_words_in_rows_beside_a_stamp_lose_no_letter_to_it(left: int) -> None:
    zones = [Box(100, top, 1200, top + 44) for top in (380, 424, 468)]
    picture = Image.fromarray(crossed_by_a_stamp(zones[0], top=355).pixels)
    for zone in zones:
        ImageDraw.Draw(picture).text((left, zone.top + 2), "7b", font=ImageFont.load_default(32), fill=0)
    of_zones = answers.lines_of_zones(found(picture, *zones), zones)
    assert [line.box.width for own in of_zones for line in own] == [35] * 3


@pytest.mark.parametrize(("answer", "left"), [("CA", 645), ("CA", 716), ("No", 642), ("2", 668), ("5", 672)])
def test_short_answers_in_rows_beside_a_stamp_leave_a_doubt(answer: str, left: int) -> None:
    zones = [Box(100, top, 1200, top + 48) for top in (380, 428, 476)]
    picture = Image.fromarray(crossed_by_a_stamp(zones[0], top=355).pixels)
    for zone in zones:
        ImageDraw.Draw(picture).text((left, zone.top + 2), answer, font=ImageFont.load_default(36), fill=0)
    seen = found(picture, *zones)
    for zone, own in zip(zones, answers.lines_of_zones(seen, zones), strict=True):
        # At least a line that can be read, or ink that speaks against there being none.
        assert own or answers.stray_ink(seen, zone, own) + answers.foreign_ink(seen, zone, own) > 60


@pytest.mark.parametrize("characters", ["253", "MFM"])
def test_single_characters_in_rows_beside_a_stamp_stay_in_their_lines(characters: str) -> None:
    zones = [Box(100, top, 1200, top + 54) for top in (400, 454, 508)]
    picture = Image.fromarray(crossed_by_a_stamp(zones[0], top=355, text="JUN-2,1998 FARA").pixels)
    for zone, character in zip(zones, characters, strict=True):
        ImageDraw.Draw(picture).text((450, zone.top + 8), "WRITTEN", font=ImageFont.load_default(32), fill=0)
        ImageDraw.Draw(picture).text((677, zone.top + 8), character, font=ImageFont.load_default(34), fill=0)
    seen = found(picture, *zones, Box(60, 340, 90, 690))
    for zone, own in zip(zones, answers.lines_of_zones(seen, zones), strict=True):
        reached = max(line.box.right for line in own)
        assert reached > 670 or answers.foreign_ink(seen, zone, own) > 60


def with_an_edge(*, rise: int = 14, thick: int = 5, waves: int = 0, top: int | None = None, size: int = 46) -> Answers:
    """A page with a stroke from one side to the other, and a word at this height on it."""
    picture, pen = page()
    across = range(100, 1200, 2)
    stroke = [(x, 480 + rise * (1200 - x) / 1100 + waves * np.sin(x / 25)) for x in across]
    pen.line(stroke, fill=0, width=thick)
    if top is not None:
        pen.text((600, top), "WEST", font=ImageFont.load_default(size), fill=0)
    return found(picture, ALL_BELOW)


ALL_BELOW = Box(60, 360, 1250, 640)


@pytest.mark.parametrize(
    ("rise", "thick", "waves", "counts"),
    [(14, 5, 0, False), (26, 5, 0, False), (0, 14, 0, True), (60, 5, 0, True), (0, 4, 20, True), (0, 4, 8, True)],
)
def test_the_edge_of_a_copy_that_lies_a_little_aslant_is_no_writing(
    rise: int, thick: int, waves: int, *, counts: bool
) -> None:
    answer = with_an_edge(rise=rise, thick=thick, waves=waves)
    assert (answers.stray_ink(answer, ALL_BELOW, []) > 2_000) is counts


@pytest.mark.parametrize(("top", "size"), [(448, 46), (458, 46), (474, 46), (462, 26), (458, 30)])
def test_where_letters_hang_on_a_long_stroke_or_it_runs_through_them_it_counts(top: int, size: int) -> None:
    answer = with_an_edge(top=top, size=size)
    assert answers.stray_ink(answer, ALL_BELOW, []) > 2_000
    # Without it the letters count alone.
    assert 100 < answers.stray_ink(answer, ALL_BELOW, [], with_edges=False) < 1_500


@pytest.mark.parametrize(("waves", "rise"), [(20, 0), (8, 0), (0, 60)])
def test_a_long_scrawl_is_no_edge(waves: int, rise: int) -> None:
    answer = with_an_edge(waves=waves, rise=rise, thick=4)
    assert answers.stray_ink(answer, ALL_BELOW, [], with_edges=False) > 2_000


def test_a_stack_of_letters_within_one_zone_may_be_an_answer() -> None:
    zone = Box(100, 340, 1200, 690)
    answer = crossed_by_a_stamp(zone, top=355)
    assert answers.is_stamped(answer, zone)
    assert answers.stray_ink(answer, zone, []) > 1_000


@pytest.mark.parametrize("left", [655, 690, 720])
def test_a_short_answer_that_a_stamp_was_set_on_keeps_the_zone_from_being_empty(left: int) -> None:
    zone = Box(100, 380, 1200, 480)
    picture = Image.fromarray(crossed_by_a_stamp(zone, top=355).pixels)
    ImageDraw.Draw(picture).text((left, 420), "n/a", font=ImageFont.load_default(36), fill=0)
    assert answers.stray_ink(found(picture, zone), zone, []) > 300


def test_writing_beside_a_stamp_is_still_counted() -> None:
    zone = Box(100, 380, 1200, 480)
    answer = crossed_by_a_stamp(zone, top=355)
    picture = answer.pixels.copy()
    picture[420:450, 300:304] = 0
    assert answers.stray_ink(answers.find_answers(picture, PRINT, [zone]), zone, []) > 100


@pytest.mark.parametrize(("thick", "away", "counts"), [(3, 10, False), (3, 22, True), (9, 10, True)])
def test_thin_pieces_near_print_are_its_worn_edge_and_others_are_not(thick: int, away: int, *, counts: bool) -> None:
    zone = Box(100, 308, 1100, 400)
    picture, pen = page()
    for x in range(300, 420, 30):  # dashes below the rule, as of its own ink
        top = RULE.bottom + away
        pen.rectangle((x, top, x + 24, top + thick - 1), fill=0)
    answer = found(picture, zone)
    assert (answers.stray_ink(answer, zone, []) > 0) is counts
    assert (answers.foreign_ink(answer, zone, []) > 0) is counts


@pytest.mark.parametrize(("side", "counts"), [(4, False), (8, True)])
def test_a_speck_near_a_printed_word_is_a_blot_of_it_unless_it_is_as_thick_as_a_pen(side: int, *, counts: bool) -> None:
    picture, pen = page()
    word = Box(*pen.textbbox((110, 222), "Mr", font=ImageFont.load_default(30)))
    pen.rectangle((word.right + 5, 240, word.right + 4 + side, 239 + side), fill=0)
    assert (answers.stray_ink(found(picture, LEFT_ZONE), LEFT_ZONE, []) > 0) is counts


def test_a_dash_near_print_stays_in_its_line() -> None:
    picture, pen = page()
    pen.text((300, 240), "NO", font=LETTER, fill=0)
    pen.rectangle((375, 286, 395, 289), fill=0)  # a low dash on the rule's edge
    ((line,),) = lines(picture, LEFT_ZONE)
    assert line.box.right > 390


def test_ink_where_one_more_figure_would_stand_hems_a_number_in() -> None:
    zone = Box(600, 360, 1100, 470)
    for drawn, hemmed in ((None, 0), ((690, 395, 692, 400), 18), ((640, 395, 660, 400), 0)):
        picture, pen = page()
        pen.text((700, 380), "7807", font=LETTER, fill=0)
        if drawn:
            pen.rectangle(drawn, fill=0)
        answer = found(picture, zone)
        ((line,),) = answers.lines_of_zones(answer, [zone])
        assert answers.end_ink(answer, [line]) == hemmed


def test_print_hems_a_number_in_as_well() -> None:
    zone = Box(100, 210, 600, 330)
    picture, pen = page()
    pen.text((156, 215), "7807", font=LETTER, fill=0)
    answer = found(picture, zone)
    ((line,),) = answers.lines_of_zones(answer, [zone])
    assert answers.end_ink(answer, [line]) > 30


@pytest.mark.parametrize(
    ("rule", "typed_on_it", "hemmed"),
    [
        ((685, 340, 689, 440), None, False),  # a rule beside the number, as long as its box
        ((685, 340, 689, 440), (687, 388, 692, 410), True),  # a 1 that was typed on it
        ((685, 340, 689, 440), (680, 399, 684, 403), False),  # its own ragged edge
        ((685, 386, 689, 412), None, True),  # no longer than a figure, so that it may be one
    ],
)
def test_an_upright_rule_hides_a_figure_only_where_it_is_thicker(
    rule: tuple[int, int, int, int], typed_on_it: tuple[int, int, int, int] | None, *, hemmed: bool
) -> None:
    zone = Box(600, 360, 1100, 470)
    picture, pen = page()
    pen.text((700, 380), "7807", font=LETTER, fill=0)
    answer = found(picture, zone)
    ((line,),) = answers.lines_of_zones(answer, [zone])
    pixels = answer.pixels.copy()  # print is ink, but no shape of an answer
    for drawn in (rule, typed_on_it):
        if drawn:
            left, top, right, bottom = drawn
            pixels[top : bottom + 1, left : right + 1] = 0
    assert (answers.end_ink(replace(answer, pixels=pixels), [line]) > 30) is hemmed


@pytest.mark.parametrize("at_left", [True, False])
def test_a_number_at_the_edge_of_the_page_has_nothing_beside_it_there(*, at_left: bool) -> None:
    zone = Box(600, 360, 1100, 470)
    picture, pen = page()
    pen.text((700, 380), "7807", font=LETTER, fill=0)
    answer = found(picture, zone)
    ((line,),) = answers.lines_of_zones(answer, [zone])
    own = answer.stats[line.shapes]
    edge = int(own[:, 0].min()), int((own[:, 0] + own[:, 2]).max())
    columns = slice(edge[0], None) if at_left else slice(None, edge[1])
    moved = answer.stats.copy()
    moved[:, 0] -= edge[0] if at_left else 0
    cut = replace(answer, stats=moved, pixels=answer.pixels[:, columns], labels=answer.labels[:, columns])
    assert answers.end_ink(cut, [line]) == 0


def test_the_room_of_a_faded_figure_is_a_wide_gap() -> None:
    zone = Box(600, 360, 1100, 470)
    widest = []
    for parts in (((700, "37807"),), ((700, "37"), (700 + round(LETTER.getlength("378")), "07"))):
        picture, pen = page()
        for left, figures in parts:
            pen.text((left, 380), figures, font=LETTER, fill=0)
        answer = found(picture, zone)
        ((line,),) = answers.lines_of_zones(answer, [zone])
        widest.append(answers.widest_gap(answer, [line]))
    assert widest[0] < 0.3
    assert widest[1] > 0.6
    assert answers.widest_gap(answer, []) == 0.0
