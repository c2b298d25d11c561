"""Answers on any form obey its declaration; texts are invented from expressions; figures and free places are found."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import PCG64, Generator

from intake.synthetic.any_form import answer_any_form
from intake.synthetic.digits import FIGURES, write_figures
from intake.synthetic.pattern import invent_match
from intake.synthetic.slots import printed_lines
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import Edition, FormType, Zone
from schemas.geometry import Box

FEW = settings(max_examples=20, deadline=None)  # a busy machine is no fault
SEEDS = st.integers(0, 2**32)
PLACE = Box(100, 100, 900, 300)


def random_of(seed: int) -> Generator:
    return Generator(PCG64(seed))


def form_of(*specs: FieldSpec, cells: int = 0) -> FormType:
    boxes = tuple(Box(100 + 60 * place, 100, 150 + 60 * place, 160) for place in range(cells))
    zones = []
    for spec in specs:
        for option in spec.options or ("",):
            zones.append(Zone(spec.name, 1, PLACE, option=option, cells=boxes))
    return FormType("claim", "Claim", 1, specs, (), (Edition("one", "One", 300, (), tuple(zones)),))


@pytest.mark.parametrize(
    "pattern",
    [
        r"[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]\d{1,3}[A-Z]{3}",
        r"[A-CEGHJ-PR-TW-Z]{2}\s?(?:\d{2}){3}[A-D]",
        r"^RF \d{6}-\d$",
        r"(?P<year>19|20)\d\d[^A-Z]",
        r"\w+@\w+\.example",
    ],
)
def test_an_invented_text_is_matched_by_its_expression(pattern: str) -> None:
    random = random_of(5)
    texts = {invent_match(pattern, random) for _ in range(30)}
    assert all(re.fullmatch(pattern, text) for text in texts)
    assert len(texts) > 15


def test_an_expression_that_looks_ahead_is_refused() -> None:
    with pytest.raises(ValueError, match="no text could be invented"):
        invent_match(r"(?!0)\d", random_of(1))


@FEW
@given(SEEDS)
def test_an_answer_has_the_letters_and_the_form_that_the_field_demands(seed: int) -> None:
    number = FieldSpec("claim_no", FieldKind.TEXT, family="identifier", alphabet="0123456789", required=True)
    code = FieldSpec("scheme", FieldKind.TEXT, pattern_full=r"[XYZ]-\d{3}", required=True)
    answers = answer_any_form(form := form_of(number, code), form.editions[0], random_of(seed))
    assert answers["claim_no"].text.isdigit()
    assert re.fullmatch(r"[XYZ]-\d{3}", answers["scheme"].text)


@FEW
@given(SEEDS)
def test_an_answer_in_cells_is_no_longer_than_the_cells(seed: int) -> None:
    fields = (
        FieldSpec("surname", FieldKind.TEXT, family="name", required=True),
        FieldSpec("born", FieldKind.DATE, required=True),
    )
    answers = answer_any_form(form := form_of(*fields, cells=8), form.editions[0], random_of(seed))
    assert len(answers["surname"].text) <= 8
    assert re.fullmatch(r"\d{8}", answers["born"].text)


@pytest.mark.parametrize(("day_first", "order"), [(True, "dmy"), (False, "mdy")])
def test_a_date_of_figures_stands_in_the_order_of_the_field(day_first: bool, order: str) -> None:
    spec = FieldSpec("signed", FieldKind.DATE, day_first=day_first, required=True)
    form = form_of(spec)
    seen = 0
    for seed in range(60):
        answer = answer_any_form(form, form.editions[0], random_of(seed))["signed"]
        year, month, day = str(answer.value).split("-")
        if not (figures := re.fullmatch(r"(\d+)[-/.](\d+)[-/.](\d{4})", answer.text)):
            continue
        seen += 1
        written = dict(zip(order, (int(figure) for figure in figures.groups()), strict=True))
        assert written == {"d": int(day), "m": int(month), "y": int(year)}
    assert seen > 20


def test_what_other_means_is_written_where_other_is_ticked_and_hardly_elsewhere() -> None:
    ticks = FieldSpec("link", FieldKind.CHOICE, options=("owner", "other"))
    form = form_of(ticks, FieldSpec("link_other", FieldKind.TEXT, label="Other (specify)"))
    for seed in range(30):
        answers = answer_any_form(form, form.editions[0], random_of(seed))
        if answers["link"].value == ("other",):
            assert answers["link_other"].text
    filled = [bool(answer_any_form(form, form.editions[0], random_of(seed))["link_other"].text) for seed in range(60)]
    assert 0.2 < np.mean(filled) < 0.8


def test_fields_without_a_place_and_barcodes_have_no_answer() -> None:
    barcode, text = FieldSpec("code", FieldKind.BARCODE), FieldSpec("name", FieldKind.TEXT)
    form = form_of(barcode, text)
    bare = FormType(form.id, form.title, 1, (*form.fields, FieldSpec("lost", FieldKind.TEXT)), (), form.editions)
    assert answer_any_form(bare, form.editions[0], random_of(1)).keys() == {"name"}


@pytest.mark.parametrize("figure", sorted(FIGURES))
def test_a_figure_stands_on_its_line_and_is_as_tall_as_asked(figure: str) -> None:
    for seed in range(12):
        ink = write_figures(figure, 90, 5, random_of(seed))
        rows = np.flatnonzero((ink.cover > 127).any(axis=1))
        assert 60 < rows[-1] - rows[0] < 130
        assert abs(rows[-1] - ink.baseline) < 30


def test_no_figure_is_cut_off_at_the_edge_of_its_picture() -> None:
    for seed in range(40):
        cover = write_figures("0123456789", 80, 6, random_of(seed)).cover
        rim = np.concatenate([cover[0], cover[-1], cover[:, 0], cover[:, -1]])
        assert not rim.any()


def test_lines_of_print_are_found_and_rules_are_not() -> None:
    paper = np.full((200, 800), 255, np.uint8)
    paper[5:9, :] = 0  # the rule above
    for left in range(20, 200, 24):
        paper[40:66, left : left + 12] = 0  # letters
        paper[100:124, left + 30 : left + 40] = 0  # a second line
    lines = printed_lines(paper, Box(1000, 2000, 1800, 2200))
    assert [(line.box.top, line.box.bottom, line.baseline) for line in lines] == [
        (2040, 2066, 2066),
        (2100, 2124, 2124),
    ]
    assert lines[0].box.left == 1020
    assert lines[0].box.right == 1000 + 20 + 24 * 7 + 12


@FEW
@given(SEEDS)
def test_no_form_comes_in_before_its_edition_was_printed(seed: int) -> None:
    stamped = FieldSpec("received", FieldKind.DATE, family="stamp", required=True)
    form = form_of(stamped)
    (edition,) = form.editions
    for id_, earliest in (("one-2014-03", "2014"), ("one", "1990"), ("one-2031", "2031")):
        answer = answer_any_form(form, replace(edition, id=id_), random_of(seed))["received"]
        assert earliest <= str(answer.value) <= max("2025-03-14", f"{earliest}-12-31")
