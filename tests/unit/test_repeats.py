"""Evidence that is given twice counts once: the same contents in other wear, or the same paper."""

from dataclasses import replace

from extract.score import Expected
from intake.measure.evidence import is_held_out
from intake.measure.match import Match, Matches
from intake.measure.repeats import without_repeats
from intake.measure.truth import TrueDocument
from schemas.field import FieldKind
from schemas.record import Record, RecordSource

FIVE = ("Ann", "Lee", "2 May 1990", "EC1A 1BB", "12")


def document(file: str, *values: str, sha256: str | None = None, form_type: str = "a-form", pages: int = 1) -> Match:
    """A document with these values in its fields, and the record of it."""
    fields = {f"field {place}": Expected(FieldKind.TEXT, value) for place, value in enumerate(values)}
    held = list(range(1, pages + 1))
    truth = TrueDocument(file, tuple(held), form_type, None, fields)
    source = RecordSource(name=file, sha256=sha256, pages=held)
    return Match(truth, Record(record_id=file, status="review", source=source, form_type=form_type), ())


def kept(*truths: tuple[Match, ...]) -> tuple[list[list[str]], int]:
    """The files that count, per truth, and how many do not."""
    counted, left_out = without_repeats([Matches(matches, ()) for matches in truths])
    return [[match.truth.file for match in matches.matches] for matches in counted], left_out


def test_the_same_contents_at_another_degree_of_ageing_count_once() -> None:
    light = (document("1.tif", *FIVE, sha256="aa"), document("2.tif", *FIVE[:4], "13", sha256="bb"))
    heavy = (document("1.tif", *FIVE, sha256="cc"), document("2.tif", *FIVE[:4], "14", sha256="dd"))
    assert kept(light, heavy) == ([["1.tif", "2.tif"], ["2.tif"]], 1)


def test_the_same_contents_within_one_truth_count_once_wherever_they_lie() -> None:
    assert kept((document("1.tif", *FIVE), document("2.pdf", *FIVE), document("3.tif", *FIVE))) == ([["1.tif"]], 2)


def test_another_form_type_with_the_same_answers_is_another_document() -> None:
    assert kept((document("1.tif", *FIVE), document("2.tif", *FIVE, form_type="b-form")))[1] == 0


def test_few_answers_may_well_be_the_same_by_chance() -> None:
    # Four of the five are filled in.
    assert kept((document("1.tif", *FIVE[:4], ""), document("2.tif", *FIVE[:4], "")))[1] == 0


def test_the_same_paper_asked_for_the_same_fields_counts_once_however_little_is_on_it() -> None:
    once = document("1.tif", "Ann", sha256="aa")
    assert kept((once,), (document("copy.tif", "Ann", sha256="aa"),)) == ([["1.tif"], []], 1)
    assert kept((once,), (document("1.tif", "Ann", "Lee", sha256="aa"),))[1] == 0  # asked for more
    assert kept((once, document("1.tif", "Ann", sha256="aa", pages=2)))[1] == 0  # other pages of the file


def test_a_document_that_nothing_was_read_from_does_not_stand_for_its_repeat() -> None:
    unread = replace(document("1.tif", *FIVE), record=None)
    assert kept((unread,), (document("2.tif", *FIVE),), (document("3.tif", *FIVE),)) == ([["1.tif"], ["2.tif"], []], 1)


def test_letters_hold_no_fields_and_are_never_repeats() -> None:
    assert kept((document("1.tif", sha256="aa"), document("2.tif", sha256="aa")))[1] == 0


def test_files_of_one_name_in_two_folders_are_held_out_by_what_they_hold() -> None:
    parts = []
    for number in range(200):
        name = f"post-{number:04d}.tif"
        matches = [document(name, sha256=f"{degree}{number:063d}") for degree in ("a", "b")]
        parts.append([is_held_out(match.record) for match in matches if match.record is not None])
    apart = sum(one is not other for one, other in parts)
    # Three in four are held out: of two hundred pairs three in eight fall apart, by chance within these.
    assert 50 < apart < 100
    assert 265 < sum(one + other for one, other in parts) < 335
