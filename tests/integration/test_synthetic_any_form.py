"""Forms that were derived from scans are filled from their declaration alone, and their truth holds on the paper."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytesseract
import pytest
import typer
from numpy.random import PCG64, Generator
from PIL import Image
from typer.testing import CliRunner

from extract.page import Grey
from intake.commands.synthesise import synthesise
from intake.synthetic.answers import Answer
from intake.synthetic.any_document import invent_any_document
from intake.synthetic.any_form import answer_any_form
from intake.synthetic.archive import archived
from intake.synthetic.archive_wear import invent_archive_wear
from intake.synthetic.clerk import Clerk, Writing, invent_clerk
from intake.synthetic.fill import blank_page
from intake.synthetic.fill_any import AnyFilled, fill_any_form
from intake.synthetic.fonts import MORE_HANDWRITING, MORE_OFFICE, MORE_TYPEWRITERS, has, missing_packages, writable
from intake.synthetic.slots import slots
from intake.synthetic.truth import BoxTruth, load_truth
from intake.synthetic.wear import Ageing, Colour, Scanner
from intake.synthetic.write import write_post
from schemas.field import FieldKind
from schemas.form_type import SHIPPED_FORMS, Edition, FormType, load_form_type
from schemas.page import PageLabel

pytestmark = pytest.mark.skipif(
    bool(missing_packages(any_form=True)), reason=f"fonts are missing: {', '.join(missing_packages(any_form=True))}"
)

FORM = load_form_type(SHIPPED_FORMS / "fara-short-form")
FLATBED = Scanner(300, Colour.BILEVEL, 90, black_backing=False)


def random_of(seed: int) -> Generator:
    return Generator(PCG64(seed))


def typist(seed: int = 0) -> Clerk:
    """Somebody at a PDF form, in the most common face, who writes nothing by pen."""
    clerks = (invent_clerk(random_of(number)) for number in range(seed, seed + 400))
    return next(
        replace(clerk, numbers_by_pen=False)
        for clerk in clerks
        if clerk.hand.face == MORE_OFFICE[0] and not clerk.hand.is_capitals
    )


def filled(edition: Edition, seed: int, clerk: Clerk, **given: Answer) -> AnyFilled:
    random = random_of(seed)
    answers = answer_any_form(FORM, edition, random) | given
    blanks = {page.number: blank_page(page.image).copy() for page in edition.pages}
    return fill_any_form(FORM, edition, answers, clerk, blanks, random)


def new_ink(edition: Edition, pages: tuple[Grey, ...], left: int, top: int, right: int, bottom: int) -> float:
    blank = blank_page(edition.pages[0].image)[top:bottom, left:right]
    return float((cv2.subtract(blank, pages[0][top:bottom, left:right]) > 60).mean())


@pytest.mark.parametrize("edition", FORM.editions, ids=lambda edition: edition.id)
def test_every_zone_of_a_derived_blank_has_free_paper_inside_it(edition: Edition) -> None:
    for zone in edition.zones:
        if zone.option or zone.turn or FORM.by_name[zone.field].kind is FieldKind.DATE:
            continue
        for slot in slots(edition.pages[0].image, zone):
            assert zone.box.left <= slot.box.left < slot.box.right <= zone.box.right
            assert zone.box.top <= slot.box.top < slot.box.bottom <= zone.box.bottom
            # Free: what is printed there are rules at the most.
            paper = blank_page(edition.pages[0].image)[slot.box.top + 8 : slot.box.bottom - 8]
            assert (paper[:, slot.box.left + 8 : slot.box.right - 8] < 128).mean() < 0.06, zone.field


@pytest.mark.parametrize("seed", range(4))
def test_tick_boxes_hold_ink_where_the_truth_says_so(seed: int) -> None:
    edition = FORM.edition("nsd-6-2011-03")
    clerk = invent_clerk(random_of(seed))
    quiet = {"foreign_principals": Answer(None), "connection_other": Answer(None), "received": Answer(None)}
    made = filled(edition, seed, clerk, connection=Answer(("agent",)), **quiet)
    for option, state in made.form.fields["connection"].boxes:
        box = next(zone.box for zone in edition.zones_of("connection") if zone.option == option).grown(-5)
        share = new_ink(edition, made.form.pages, box.left, box.top, box.right, box.bottom)
        assert (share > 0.03) == (state in (BoxTruth.TICKED, BoxTruth.CANCELLED)), (option, state, share)


def test_tesseract_reads_what_the_truth_says_was_typed() -> None:
    edition, right = FORM.edition("nsd-6-2014-03"), 0
    for seed in range(4):
        made = filled(edition, seed, typist(seed), occupation=Answer(text := "Trade Commissioner", (text,)))
        box = edition.zones_of("occupation")[0].box.grown(-4)
        read = pytesseract.image_to_string(
            made.form.pages[0][box.top : box.bottom, box.left : box.right], config="--psm 6"
        )
        right += "Trade Commissioner" in read
        assert made.form.fields["occupation"].answer.value == text
        assert not made.form.fields["occupation"].is_handwritten
    assert right >= 3


def test_a_receipt_is_dated_as_the_field_expects_it() -> None:
    spec = FORM.by_name["received"]
    ways = set()
    for seed in range(30):
        made = filled(FORM.edition("nsd-6-2017-05"), seed, typist(), received=Answer("2013-02-09", ("09",)))
        answer = made.form.fields["received"].answer
        assert answer.value == "2013-02-09"
        matched = [place for place, pattern in enumerate(spec.patterns) if re.search(pattern, answer.text)]
        assert len(matched) == 1
        ways.add(matched[0])
    assert ways == {0, 1}


def test_an_answer_left_out_leaves_no_ink_in_its_box() -> None:
    edition = FORM.edition("nsd-6-2014-03")
    nothing = dict.fromkeys(("residence_address", "name", "received", "business_address"), Answer(None))
    made = filled(edition, 3, typist(), **nothing)
    box = edition.zones_of("residence_address")[0].box
    assert new_ink(edition, made.form.pages, box.left, box.top + 60, box.right, box.bottom - 20) == 0
    assert made.form.fields["residence_address"].answer.value is None


@pytest.mark.parametrize(
    "face", MORE_HANDWRITING + MORE_OFFICE + MORE_TYPEWRITERS, ids=lambda face: Path(face.file).stem
)
def test_a_face_writes_only_letters_that_it_has(face: object) -> None:
    text = "Søren Núñez, 28 Świat & ## 14º № Ω"
    assert all(has(face, letter) for letter in writable(face, text))  # type: ignore[arg-type]
    assert "ren N" in writable(face, text)  # type: ignore[arg-type]


def test_heavier_ageing_leaves_less_of_the_page_as_it_was() -> None:
    page = blank_page(FORM.editions[-1].pages[0].image)
    wrong = []
    for level in Ageing:
        shares = []
        for seed in range(6):
            wear = replace(invent_archive_wear(level, random_of(seed)), turned=0)
            scan = archived(page, wear, FLATBED, (), random_of(seed))
            assert set(np.unique(scan.pixels)) == {0, 255}
            shares.append(float((scan.pixels != page).mean()))
        wrong.append(float(np.median(shares)))
    assert wrong == sorted(wrong)
    assert wrong[0] < 0.12


def test_a_page_that_nothing_happens_to_stays_where_it_is() -> None:
    page = blank_page(FORM.editions[-1].pages[0].image)
    still = replace(
        invent_archive_wear(Ageing.LIGHT, random_of(1)),
        skew=0.0, shear=0.0, stretch=(1.0, 1.0), shift=(0.0, 0.0), warp=0.2, curl=0.0, spread=0.0, copies=0,
        blur=0.45, noise=4.0, threshold=0.5, specks=0, streaks=0, edges=0, turned=0, is_dithered=False,
    )  # fmt: skip
    scan = archived(page, still, FLATBED, (), random_of(1))
    assert (scan.pixels != page).mean() < 0.02


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    write_post(tmp_path / "one", 3, seed=9, forms=[FORM])
    write_post(tmp_path / "two", 3, seed=9, forms=[FORM], workers=2)
    digests = [
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / name).iterdir()}
        for name in ("one", "two")
    ]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 4


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "post"
    command = typer.Typer()
    command.command()(synthesise)
    arguments = [str(folder), "--documents", "8", "--seed", "2", "--degree", "light", "--form-type", FORM.id]
    answer = CliRunner().invoke(command, arguments)
    assert answer.exit_code == 0, answer.output
    return folder


def test_the_command_makes_post_of_the_form_type_asked_for(post: Path) -> None:
    truths = load_truth(post)
    assert {truth.form_type for truth in truths} == {FORM.id}
    assert len({truth.edition for truth in truths}) > 2
    assert all(set(truth.fields) == set(FORM.by_name) for truth in truths)
    assert {page.label for truth in truths for page in truth.pages_truth.values()} == {PageLabel.CONTENT}


def test_most_of_an_archive_is_black_and_white_at_300_dots_per_inch(post: Path) -> None:
    modes = []
    for path in post.glob("*.tif"):
        with Image.open(path) as picture:
            modes.append((picture.mode, picture.info["compression"], round(float(picture.info["dpi"][0]))))
    assert modes.count(("1", "group4", 300)) > len(modes) / 2


def test_an_unknown_form_type_is_refused(tmp_path: Path) -> None:
    command = typer.Typer()
    command.command()(synthesise)
    answer = CliRunner().invoke(command, [str(tmp_path / "post"), "--form-type", "no-such-form"])
    assert answer.exit_code == 2
    assert not (tmp_path / "post").exists()


@pytest.mark.parametrize("id", ["change-of-keeper", "licence-renewal", "fee-refund"])
def test_forms_with_cells_and_signatures_can_be_filled_from_their_declaration_too(id: str) -> None:
    form: FormType = load_form_type(SHIPPED_FORMS / id)
    for seed in range(3):
        made = invent_any_document(form, Ageing.LIGHT, random_of(seed))
        written = {spec.name for spec in form.fields if spec.kind is not FieldKind.BARCODE}
        assert set(made.fields) == written
        assert made.edition in {edition.id for edition in form.editions}


@pytest.mark.parametrize("number", range(3))
def test_typed_post_holds_no_word_and_no_number_by_hand(number: int) -> None:
    def by_hand(writing: Writing) -> set[str]:
        made = [invent_any_document(FORM, Ageing.LIGHT, random_of(8 * number + seed), writing) for seed in range(8)]
        return {name for one in made for name, truth in one.fields.items() if truth.is_handwritten}

    ticked = {spec.name for spec in FORM.fields if spec.kind is FieldKind.CHOICE}
    assert by_hand(Writing.MIXED) - ticked
    assert not by_hand(Writing.TYPED) - ticked
