"""Boxes on a page come in the order a person reads them."""

from extract.reading_order import reading_order, rows
from schemas.geometry import Box

LINE, STEP = 40, 60


def line(left: int, right: int, number: int) -> Box:
    return Box(left, number * STEP, right, number * STEP + LINE)


def flat(boxes: list[Box]) -> list[int]:
    return [place for run in reading_order(boxes) for place in run.places]


def test_no_boxes_have_no_order() -> None:
    assert reading_order([]) == []


def test_lines_of_one_column_are_read_from_top_to_bottom() -> None:
    assert flat([line(0, 900, 2), line(0, 900, 0), line(0, 900, 1)]) == [1, 2, 0]


def test_two_columns_are_read_one_after_the_other_below_their_heading() -> None:
    heading = line(0, 1900, 0)
    left = [line(0, 900, number) for number in range(1, 7)]
    right = [line(1000, 1900, number) for number in range(1, 7)]
    mixed = [heading, *(box for pair in zip(left, right, strict=True) for box in pair)]
    assert [mixed[place] for place in flat(mixed)] == [heading, *left, *right]


def test_text_across_the_page_between_two_parts_of_columns_parts_them() -> None:
    first = [line(0, 900, number) for number in range(5)], [line(1000, 1900, number) for number in range(5)]
    across = [line(0, 1900, 5)]
    second = [line(0, 900, number) for number in range(6, 11)], [line(1000, 1900, number) for number in range(6, 11)]
    order = [*first[0], *first[1], *across, *second[0], *second[1]]
    assert [sorted(order)[place] for place in flat(sorted(order))] == order


def test_labels_and_short_answers_of_a_form_are_read_row_by_row() -> None:
    boxes = [line(left, left + 150 + 350 * (number == 0), number) for number in range(6) for left in (0, 800)]
    assert flat(boxes) == list(range(12))


def test_numbers_before_the_items_of_a_list_are_no_column() -> None:
    boxes = [box for number in range(6) for box in (line(0, 40, number), line(100, 1500, number))]
    assert flat(boxes) == list(range(12))


def test_boxes_a_little_off_level_are_one_row() -> None:
    boxes = [Box(500, 4, 600, 44), Box(0, 0, 100, 40), Box(0, 60, 100, 100)]
    assert rows(boxes, range(3)) == [[1, 0], [2]]


def test_a_long_line_across_the_gutter_does_not_tear_rows_that_are_no_columns_apart() -> None:
    columns = [line(left, left + 900, number) for number in range(5) for left in (0, 1000)]
    answers = [line(0, 300 if number % 2 else 1200, number) for number in range(6, 12)]
    runs = reading_order([*columns, *answers])
    assert [len(run.places) for run in runs] == [5, 5, 6]
