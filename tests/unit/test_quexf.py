"""What a queXF banding says, and what is refused. The bandings are written here."""

import cv2
import numpy as np
import pytest

from intake import quexf, quexf_print
from schemas.errors import NotAForm
from schemas.field import FieldKind
from schemas.geometry import Box

CORNERS = (
    "<tlx>180</tlx><tly>180</tly><trx>2300</trx><try>180</try>"
    "<brx>2300</brx><bry>3328</bry><blx>180</blx><bly>3328</bly>"
)


def box(left: int, top: int, right: int, bottom: int, code: str = "", label: str = "") -> str:
    place = f"<tlx>{left}</tlx><tly>{top}</tly><brx>{right}</brx><bry>{bottom}</bry>"
    return f"<box>{place}<value>{code}</value><label>{label}</label></box>"


def group(type: int, variable: str, *boxes: str, order: int = 1, label: str = "A question : ") -> str:
    return (
        f"<boxgroup><type>{type}</type><width>1</width><varname>{variable}</varname><sortorder>{order}</sortorder>"
        f"<label>{label}</label>{''.join(boxes)}</boxgroup>"
    )


def page(*groups: str, corners: str = CORNERS) -> str:
    return f"<page><id>00000101</id>{corners}<rotation>0</rotation>{''.join(groups)}</page>"


def banding(*pages: str) -> bytes:
    return f"<?xml version='1.0'?><queXF><questionnaire><id>1</id>{''.join(pages)}</questionnaire></queXF>".encode()


def read(*pages: str) -> quexf.Banding:
    return quexf.read_banding(banding(*pages), "form.xml")


YES_NO = group(1, "Q1", box(500, 500, 560, 560, "1", "Yes"), box(500, 600, 560, 660, "2", "No"))


def test_a_single_choice_has_a_zone_for_every_box_named_by_its_label() -> None:
    form = read(page(YES_NO))
    (field,) = quexf.fields(form)
    assert (field.name, field.kind, field.several, field.options) == ("Q1", FieldKind.CHOICE, False, ("Yes", "No"))
    assert field.label == "A question"
    assert [(zone.option, zone.box) for zone in quexf.zones(form)] == [
        ("Yes", Box(500, 500, 560, 560)),
        ("No", Box(500, 600, 560, 660)),
    ]
    assert quexf.codes(form) == {"Q1": {"Yes": "1", "No": "2"}}


def test_a_multiple_choice_allows_several_answers() -> None:
    (field,) = quexf.fields(read(page(YES_NO.replace("<type>1<", "<type>2<"))))
    assert field.several


def test_boxes_without_a_label_are_named_by_code_and_equal_labels_by_number() -> None:
    boxes = (box(1, 1, 9, 9, "7"), box(11, 1, 19, 9, "8", "Other"), box(21, 1, 29, 9, "9", "Other"), box(31, 1, 39, 9))
    (field,) = quexf.fields(read(page(group(1, "Q1", *boxes))))
    assert field.options == ("7", "Other", "Other (2)", "box 4")


def test_character_boxes_become_one_comb_with_a_cell_for_each() -> None:
    (zone,) = quexf.zones(read(page(group(3, "NAME", box(426, 100, 496, 194), box(356, 100, 426, 194)))))
    assert zone.box == Box(356, 100, 496, 194)
    assert zone.cells == (Box(360, 104, 422, 190), Box(430, 104, 492, 190))
    assert zone.lines == 1


def test_character_boxes_on_two_rows_become_two_combs() -> None:
    cells = [box(left, top, left + 70, top + 94) for top in (300, 100) for left in (356, 426)]
    assert [zone.box.top for zone in quexf.zones(read(page(group(3, "NAME", *cells))))] == [100, 300]


def test_numbers_barcodes_and_long_texts_have_their_kinds() -> None:
    one = box(100, 100, 900, 400)
    form = read(page(group(4, "N", one, order=1), group(5, "B", one, order=2), group(6, "T", one, order=3)))
    assert [(field.name, field.kind) for field in quexf.fields(form)] == [
        ("N", FieldKind.INTEGER),
        ("B", FieldKind.BARCODE),
        ("T", FieldKind.TEXT),
    ]
    assert quexf.fields(form)[0].alphabet == "0123456789"
    assert [len(zone.cells) for zone in quexf.zones(form)] == [1, 0, 0]


def test_fields_stand_in_the_order_of_the_questionnaire() -> None:
    form = read(page(group(6, "SECOND", box(1, 1, 9, 9), order=2), group(6, "FIRST", box(1, 1, 9, 9), order=1)))
    assert [field.name for field in quexf.fields(form)] == ["FIRST", "SECOND"]


def test_groups_that_share_a_variable_become_one_field() -> None:
    more = group(1, "Q1", box(500, 500, 560, 560, "3", "Maybe"), order=2)
    form = read(page(YES_NO), page(more))
    (field,) = quexf.fields(form)
    assert field.options == ("Yes", "No", "Maybe")
    assert [(zone.page, zone.option) for zone in quexf.zones(form)] == [(1, "Yes"), (1, "No"), (2, "Maybe")]


def test_boxes_that_belong_to_no_variable_yet_are_left_out() -> None:
    assert len(quexf.fields(read(page(YES_NO, group(0, "", box(1, 1, 9, 9)))))) == 1


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (b"", "not readable as XML"),
        (b"plain text", "not readable as XML"),
        (b"<html/>", "not a queXF banding"),
        (b"<queXF><questionnaire/></queXF>", "has no page"),
        (banding(page()), "no group of boxes"),
        (banding(page(group(1, "", box(1, 1, 9, 9)))), "no <varname>"),
        (banding(page(group(9, "Q1", box(1, 1, 9, 9)))), "Q1: unknown type"),
        (banding(page(group(1, "Q1"))), "Q1: the group has no box"),
        (banding(page(group(1, "Q1", box(9, 1, 1, 9)))), "Q1: .* is no box"),
        (banding(page(group(1, "Q1", box(1, 1, 9, 9).replace("<tly>1<", "<tly>one<")))), "<tly> in <box>"),
    ],
)
def test_what_is_no_banding_is_refused_with_file_and_reason(xml: bytes, reason: str) -> None:
    with pytest.raises(NotAForm, match=f"form.xml: .*{reason}|form.xml: {reason}"):
        quexf.read_banding(xml, "form.xml")


@pytest.mark.parametrize(
    "door",
    [
        '<!DOCTYPE queXF [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE queXF [<!ENTITY secret SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE queXF SYSTEM "http://example.org/quexf.dtd">',
    ],
)
def test_a_document_type_is_refused_unread(door: str) -> None:
    xml = banding(page(YES_NO)).replace(b"<queXF>", door.encode() + b"<queXF>", 1)
    with pytest.raises(NotAForm, match="DOCTYPE"):
        quexf.read_banding(xml, "form.xml")


def test_a_variable_of_two_kinds_is_refused() -> None:
    with pytest.raises(NotAForm, match="Q1: used for groups of different types"):
        quexf.fields(read(page(YES_NO, group(3, "Q1", box(1, 1, 9, 9)))))


def test_a_blank_of_another_number_of_pages_is_refused() -> None:
    sheet = np.full((100, 100), 255, np.uint8)
    with pytest.raises(NotAForm, match=r"blank.pdf: it has 2 pages, but form.xml describes 1"):
        quexf_print.references(read(page(YES_NO)), [sheet, sheet], "blank.pdf")


def test_a_box_outside_the_page_is_refused() -> None:
    with pytest.raises(NotAForm, match=r"form.xml: Q1: a box lies outside page 1 of blank.pdf"):
        quexf_print.references(read(page(YES_NO, corners="")), [np.full((600, 600), 255, np.uint8)], "blank.pdf")


def test_a_page_without_corner_marks_is_refused() -> None:
    with pytest.raises(NotAForm, match=r"blank.pdf: page 1 shows no corner marks"):
        quexf_print.references(read(page(YES_NO)), [np.full((3508, 2480), 255, np.uint8)], "blank.pdf")


def test_tints_of_the_blank_turn_white_and_letters_stay() -> None:
    sheet = np.full((700, 700), 220, np.uint8)
    sheet[10, 10] = 60
    (reference,) = quexf_print.references(read(page(YES_NO, corners="")), [sheet], "blank.pdf")
    assert reference[10, 10] == 60
    assert reference[50, 50] == 255


def test_boxes_move_onto_their_print_and_lost_ones_with_the_nearest_group() -> None:
    sheet = np.full((900, 900), 255, np.uint8)
    for top in (500, 600):
        cv2.rectangle(sheet, (503, top - 8), (563, top + 52), 0, 1)
    lost = group(3, "Q2", box(300, 700, 370, 790), order=2)
    moved = quexf_print.on_the_print(read(page(YES_NO, lost, corners="")), [sheet])
    assert [zone.box for zone in quexf.zones(moved)] == [
        Box(503, 492, 563, 552),
        Box(503, 592, 563, 652),
        Box(303, 692, 373, 782),
    ]
