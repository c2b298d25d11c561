"""A queXF form becomes a form type: one drawn here, and queXF's own where it is at hand."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from reportlab.pdfgen.canvas import Canvas
from typer.testing import CliRunner

from extract.page import Grey
from intake.commands.import_quexf import import_form
from schemas.errors import Cause, NotAForm, Unreadable
from schemas.field import FieldKind
from schemas.form_type import FormType, load_form_type
from schemas.geometry import Box

WIDTH, HEIGHT = 2480, 3508
TICKS = [(Box(1500, 700, 1560, 760), "1", "Yes"), (Box(1700, 700, 1760, 760), "2", "No")]
CELLS = [Box(356 + 71 * step, 1000, 427 + 71 * step, 1094) for step in range(6)]
BANDING = f"""<?xml version="1.0"?>
<queXF><questionnaire><id>4</id><page><id>00000401</id>
<tlx>180</tlx><tly>180</tly><trx>2300</trx><try>180</try><brx>2300</brx><bry>3328</bry><blx>180</blx><bly>3328</bly>
<boxgroup><type>1</type><varname>KEEPER</varname><sortorder>1</sortorder><label>Are you the keeper? &amp; more</label>
{
    "".join(
        f"<box><tlx>{b.left}</tlx><tly>{b.top}</tly><brx>{b.right}</brx><bry>{b.bottom}</bry>"
        f"<value>{code}</value><label>{label}</label></box>"
        for b, code, label in TICKS
    )
}</boxgroup>
<boxgroup><type>3</type><varname>PLATE</varname><sortorder>2</sortorder><label>Registration mark</label>
{
    "".join(
        f"<box><tlx>{b.left}</tlx><tly>{b.top}</tly><brx>{b.right}</brx><bry>{b.bottom}</bry><value/><label/></box>"
        for b in CELLS
    )
}</boxgroup></page></questionnaire></queXF>"""


def blank_pdf(*, shift: tuple[float, float] = (0, 0), turn: float = 0.0) -> bytes:
    """The form as a PDF, drawn in pixels at 300 dpi from the top left; moved and turned as a print and scan would."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=(WIDTH * 72 / 300, HEIGHT * 72 / 300))
    canvas.scale(72 / 300, -72 / 300)
    canvas.translate(shift[0], shift[1] - HEIGHT)
    canvas.rotate(turn)
    canvas.setLineWidth(6)
    for x, y, right, down in ((177, 177, 1, 1), (2303, 177, -1, 1), (2303, 3331, -1, -1), (177, 3331, 1, -1)):
        canvas.line(x - 3 * right, y, x + 236 * right, y)
        canvas.line(x, y - 3 * down, x, y + 236 * down)
    canvas.setLineWidth(3)
    for box in [box for box, _, _ in TICKS] + CELLS:
        canvas.rect(box.left, box.top, box.width, box.height)
    canvas.save()
    return file.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    banding, blank = tmp_path / "form.xml", tmp_path / "blank.pdf"
    banding.write_text(BANDING, encoding="utf-8")
    blank.write_bytes(blank_pdf())
    return banding, blank


def outline_ink(reference: Grey, box: Box) -> float:
    """The lowest share of ink along any of the four sides of `box`, looked for up to 6 pixels off."""
    ink = reference < 160
    across, down = slice(box.left, box.right), slice(box.top, box.bottom)
    sides = [ink[place - 6 : place + 7, across].mean(axis=1).max() for place in (box.top, box.bottom)]
    sides += [ink[down, place - 6 : place + 7].mean(axis=0).max() for place in (box.left, box.right)]
    return float(min(sides))


def reference_of(form: FormType, page: int) -> Grey:
    image = cv2.imread(str(form.editions[0].pages[page - 1].image), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return np.asarray(image, np.uint8)


def test_the_imported_form_loads_with_its_fields_and_zones(files: tuple[Path, Path], tmp_path: Path) -> None:
    folder, fields, zones = import_form(*files, "keeper", tmp_path / "forms")
    form = load_form_type(folder)
    assert (form.id, form.pages, fields, zones) == ("keeper", 1, 2, 3)
    assert [(field.name, field.kind, field.options) for field in form.fields] == [
        ("KEEPER", FieldKind.CHOICE, ("Yes", "No")),
        ("PLATE", FieldKind.TEXT, ()),
    ]
    assert form.by_name["KEEPER"].label == "Are you the keeper? & more"
    assert len(form.editions[0].zones_of("PLATE")[0].cells) == 6
    assert "Yes = 1, No = 2" in (folder / "form.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("shift", "turn"), [((0, 0), 0.0), ((40, -30), 0.0), ((-25, 35), 0.6)])
def test_the_zones_lie_on_the_printed_boxes_however_the_blank_was_scanned(
    tmp_path: Path, shift: tuple[float, float], turn: float
) -> None:
    banding, blank = tmp_path / "form.xml", tmp_path / "blank.pdf"
    banding.write_text(BANDING, encoding="utf-8")
    blank.write_bytes(blank_pdf(shift=shift, turn=turn))
    form = load_form_type(import_form(banding, blank, "keeper", tmp_path / "forms")[0])
    reference = reference_of(form, 1)
    assert reference.shape == (HEIGHT, WIDTH)
    assert all(outline_ink(reference, zone.box) > 0.8 for zone in form.editions[0].zones)


def test_a_form_that_is_there_already_is_not_overwritten(files: tuple[Path, Path], tmp_path: Path) -> None:
    import_form(*files, "keeper", tmp_path / "forms")
    with pytest.raises(NotAForm, match="keeper: is there already"):
        import_form(*files, "keeper", tmp_path / "forms")


@pytest.mark.parametrize("id", ["../keeper", "a/b", ".hidden", ""])
def test_an_id_that_is_no_plain_folder_name_is_refused(files: tuple[Path, Path], tmp_path: Path, id: str) -> None:
    with pytest.raises(NotAForm, match="cannot be the id"):
        import_form(*files, id, tmp_path / "forms")


def test_a_refused_import_leaves_nothing_behind(files: tuple[Path, Path], tmp_path: Path) -> None:
    files[1].write_bytes(b"%PDF-1.4 cut off")
    with pytest.raises(Unreadable, match=r"blank.pdf: .*damaged") as caught:
        import_form(*files, "keeper", tmp_path / "forms")
    assert caught.value.cause is Cause.DAMAGED
    assert not (tmp_path / "forms").exists()


def test_a_missing_file_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"nowhere.xml: No such file"):
        import_form(tmp_path / "nowhere.xml", files[1], "keeper", tmp_path / "forms")


def test_the_command_says_what_it_made_and_fails_with_one_sentence(files: tuple[Path, Path], tmp_path: Path) -> None:
    from intake.cli import app  # noqa: PLC0415  the whole command line is slow to import

    arguments = ["forms", "import-quexf", *map(str, files), "--id", "keeper", "--output", str(tmp_path / "forms")]
    made = CliRunner().invoke(app, arguments)
    assert (made.exit_code, "2 fields in 3 zones" in made.output) == (0, True)
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code != 0
    assert "is there already" in again.output


@pytest.mark.data
@pytest.mark.parametrize("blank", ["test_original.pdf", "test_blank.pdf"])
def test_quexfs_own_form_is_imported_with_every_zone_in_place(shared_data: Path, tmp_path: Path, blank: str) -> None:
    folder = shared_data / "quexf" / "doc"
    made, fields, _ = import_form(folder / "test_original.xml", folder / blank, "quexf-test", tmp_path)
    form = load_form_type(made)
    xml = (folder / "test_original.xml").read_text(encoding="utf-8")
    assert fields == len(form.fields) == xml.count("<boxgroup>")
    ticks = [zone for zone in form.editions[0].zones if zone.option]
    assert len(ticks) == 24
    # The scanned blank has lost half of some lines of its boxes.
    needed = 0.8 if blank == "test_original.pdf" else 0.35
    for zone in ticks:
        assert outline_ink(reference_of(form, zone.page), zone.box) >= needed, zone
