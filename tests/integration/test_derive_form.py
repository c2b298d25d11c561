"""From filled scans to a blank: the print of a drawn form comes back, what was written on it does not."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from extract.page import Grey
from intake.cli import app
from schemas.form_type import load_form_type
from schemas.geometry import Box
from tests.drawn_form import PLACES, draw_form, draw_letter, filled, moved

_WORDS = "SMITH JOHN LLANELLI SWANSEA 01554 POLECAT STOAT 2019 JONES K4471 SEVEN MAIR OWEN 1312 BANGOR FFION"
ANSWERS = _WORDS.split()
SCANS = 8


def answered(number: int) -> dict[Box, str]:
    """No two scans answer a question alike."""
    return {place: ANSWERS[(number * 5 + index * 3) % len(ANSWERS)] for index, place in enumerate(PLACES)}


def written_on(blank: Grey, number: int) -> Grey:
    """Nobody starts a line exactly where others do."""
    return filled(blank, answered(number), start=(12 + number * 11 % 60, 8 + number * 7 % 18))


def scanned(pixels: Grey, number: int) -> Grey:
    """A little crooked and off, with the noise of a scanner: another one each time."""
    random = np.random.default_rng(number)
    turn, across, down = random.uniform(-0.6, 0.6), *random.uniform(-12, 12, 2)
    noise = random.normal(0, 6, pixels.shape)
    return (moved(pixels, turn=turn, shift=(across, down)) + noise).clip(0, 255).astype(np.uint8)


def save(path: Path, *pages: Grey) -> Path:
    pictures = [Image.fromarray(page) for page in pages]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], dpi=(300, 300), compression="tiff_lzw")
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["forms", "derive", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def blank() -> Grey:
    return draw_form()


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory, blank: Grey) -> Path:
    """A folder of form types with one edition derived from eight scans; a letter has strayed among them."""
    folder = tmp_path_factory.mktemp("derived")
    scans = [save(folder / f"{n}.tif", scanned(written_on(blank, n), n)) for n in range(SCANS)]
    scans.append(save(folder / "letter.tif", draw_letter()))
    (folder / "notes.tif").write_text("no picture at all")
    common = ("--id", "ferrets", "--edition", "k-11", "--title", "FORM K 11", "--output", folder / "forms")
    answer = run(*scans, folder / "notes.tif", *common)
    assert answer.exit_code == 0, answer.output
    (folder / "answer.txt").write_text(answer.output)
    return folder


def ink_near(pixels: Grey, reach: int) -> Grey:
    return np.asarray(cv2.dilate((pixels < 128).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)


def laid_on(blank: Grey, derived: Grey) -> Grey:
    """The derived blank moved onto the true one, whose frame is that of the scan it was derived on."""
    points = cv2.ORB_create(3000)
    (there, seen), (here, wanted) = points.detectAndCompute(derived, None), points.detectAndCompute(blank, None)
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(seen, wanted)
    source = np.array([there[pair.queryIdx].pt for pair in pairs])
    target = np.array([here[pair.trainIdx].pt for pair in pairs])
    back, _ = cv2.estimateAffine2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=2.0)
    size = blank.shape[1], blank.shape[0]
    return np.asarray(cv2.warpAffine(derived, back, size, borderValue=(255,)), np.uint8)


def test_the_print_comes_back_and_the_answers_do_not(forms: Path, blank: Grey) -> None:
    image = forms / "forms" / "ferrets" / "k-11-1.png"
    with Image.open(image) as picture:
        assert picture.mode == "1"
        derived = laid_on(blank, np.asarray(picture.convert("L"), np.uint8))
    print_ = blank < 128
    assert float(ink_near(derived, 2)[print_].mean()) >= 0.9
    written = np.zeros_like(blank)
    for number in range(SCANS):
        written |= (written_on(blank, number) < 128).astype(np.uint8)
    written &= 1 - ink_near(blank, 4)
    assert float((derived < 128)[written > 0].mean()) <= 0.02
    # Nothing was invented anywhere else either.
    assert int(((derived < 128) & (ink_near(blank, 4) == 0)).sum()) <= 0.02 * int(print_.sum())


def test_what_was_used_and_refused_is_told_with_a_warning(forms: Path) -> None:
    told = (forms / "answer.txt").read_text()
    residuals = re.findall(r"used +(\d\.\d\d) px off +\S*/\d\.tif", told)
    assert len(residuals) == SCANS
    assert all(float(residual) < 2 for residual in residuals)
    assert re.search(r"refused .*letter\.tif", told)
    assert re.search(r"missing .*notes\.tif: ", told)
    assert "8 scans used, 1 refused, 1 could not be read." in told
    assert "Look at the image before you use it" in told


def test_the_folder_is_a_valid_form_type_without_fields(forms: Path) -> None:
    form = load_form_type(forms / "forms" / "ferrets")
    (edition,) = form.editions
    assert (form.fields, form.pages) == ((), 1)
    assert (edition.id, edition.title, edition.dpi, edition.zones) == ("k-11", "FORM K 11", 300, ())
    assert [page.number for page in edition.pages] == [1]
    # The examples that stand there as comments are valid once the comment signs are gone.
    description, places = (forms / "forms" / "ferrets" / name for name in ("form.toml", "k-11.toml"))
    copy = forms / "tried" / "ferrets"
    copy.mkdir(parents=True)
    (copy / "k-11-1.png").write_bytes((forms / "forms" / "ferrets" / "k-11-1.png").read_bytes())
    for file in (description, places):
        text = re.sub(r"^# (?=[a-z]+ = |\[\[)", "", file.read_text(), flags=re.MULTILINE)
        (copy / file.name).write_text(text)
    tried = load_form_type(copy)
    assert [zone.field for zone in tried.editions[0].zones] == [spec.name for spec in tried.fields] == ["surname"]


def few(folder: Path, tmp_path: Path, *further: str | Path) -> Result:
    """The command on two scans, which is quick, into a folder of its own."""
    title = ("--id", "ferrets", "--title", "FORM K 12", "--output", tmp_path / "forms")
    return run(folder / "0.tif", folder / "1.tif", *title, *further)


def test_zones_are_carried_over_to_where_the_new_blank_has_them(forms: Path, blank: Grey, tmp_path: Path) -> None:
    # The sibling is the drawn form itself, so its zones are known; the new blank lies as the anchor was scanned.
    sibling = tmp_path / "forms" / "ferrets"
    sibling.mkdir(parents=True)
    Image.fromarray(blank).save(sibling / "k-10-1.png")
    names = [f"answer_{number}" for number in range(len(PLACES))]
    head = 'id = "ferrets"\ntitle = "Ferrets"\n'
    (sibling / "form.toml").write_text(head + "".join(f'[[field]]\nname = "{name}"\nkind = "text"\n' for name in names))
    zones = "".join(
        f'[[zone]]\nfield = "{name}"\nbox = [{box.left}, {box.top}, {box.right}, {box.bottom}]\nlines = 1\n'
        f"cells = [[{box.left}, {box.top}, {box.left + 50}, {box.bottom}]]\n"
        for name, box in zip(names, PLACES, strict=True)
    )
    page = '[[page]]\nnumber = 1\nimage = "k-10-1.png"\n'
    (sibling / "k-10.toml").write_text(f'id = "k-10"\ntitle = "FORM K 10"\ndpi = 300\n{page}{zones}')

    answer = few(forms, tmp_path, "--edition", "k-12", "--zones-from", sibling / "k-10.toml")
    assert answer.exit_code == 0, answer.output
    assert "12 zones carried over" in answer.output
    carried = load_form_type(sibling).edition("k-12")
    derived = cv2.imread(str(carried.pages[0].image), cv2.IMREAD_GRAYSCALE)
    assert [zone.field for zone in carried.zones] == names
    for zone in carried.zones:
        assert zone.lines == 1
        assert zone.cells[0].height == pytest.approx(110, abs=1)
        # The printed frame of 4 pixels lies just inside the edges of the zone: mostly ink along all four.
        box = zone.box
        inside = derived[box.top : box.bottom + 1, box.left : box.right + 1] < 128
        for edge in (inside[1:3].max(axis=0), inside[-4:-1].max(axis=0)):
            assert float(edge.mean()) > 0.9
        for edge in (inside[:, 1:3].max(axis=1), inside[:, -4:-1].max(axis=1)):
            assert float(edge.mean()) > 0.9


def test_a_blank_is_replaced_and_places_erased_only_when_asked(forms: Path, tmp_path: Path) -> None:
    assert few(forms, tmp_path, "--edition", "k-11").exit_code == 0
    image = tmp_path / "forms" / "ferrets" / "k-11-1.png"
    description = image.with_name("k-11.toml")
    description.write_text(description.read_text() + "# mine\n")
    before = image.read_bytes()

    again = few(forms, tmp_path, "--edition", "k-11")
    assert again.exit_code == 1
    assert "--replace" in again.output
    assert image.read_bytes() == before

    erasing = few(forms, tmp_path, "--edition", "k-11", "--replace", "--erase", "0,0,2480,450")
    assert erasing.exit_code == 0, erasing.output
    with Image.open(image) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels[:450].min() == 255
    assert pixels[450:].min() == 0
    assert description.read_text().endswith("# mine\n")
    assert description.read_text().count("[[page]]") == 1


def test_the_second_page_joins_the_edition_of_the_first(blank: Grey, tmp_path: Path) -> None:
    back = draw_form(title="Page 2 of 2")
    scans = [save(tmp_path / f"{n}.tif", written_on(blank, n), written_on(back, n)) for n in (0, 1)]
    common = ("--id", "ferrets", "--edition", "k-11", "--title", "K", "--output", tmp_path / "forms")
    for page in ("1", "2"):
        answer = run(*scans, *common, "--page", page)
        assert answer.exit_code == 0, answer.output
    assert "says pages = 1: make it 2" in answer.output
    front_page, back_page = load_form_type(tmp_path / "forms" / "ferrets").edition("k-11").pages
    assert (front_page.number, back_page.number) == (1, 2)
    for page, truth, other in ((front_page, blank, back), (back_page, back, blank)):
        derived = cv2.imread(str(page.image), cv2.IMREAD_GRAYSCALE)
        only_here = (truth < 128) & (ink_near(other, 3) == 0)  # the words that one side has and the other has not
        assert float((derived < 128)[only_here].mean()) > 0.9


def test_wrong_use_is_refused_before_a_scan_is_opened(forms: Path, tmp_path: Path) -> None:
    assert few(forms, tmp_path, "--edition", "k-11", "--erase", "1,2,3").exit_code == 2
    for edition in ("../k", "form", ""):
        refused = few(forms, tmp_path, "--edition", edition)
        assert refused.exit_code == 1
        assert refused.output.startswith("postroom: ")
    assert not (tmp_path / "forms").exists()


def test_one_scan_or_a_page_that_is_not_there_gives_a_clear_refusal(forms: Path, tmp_path: Path) -> None:
    common = ("--id", "ferrets", "--edition", "k-11", "--title", "K", "--output", tmp_path / "forms")
    alone = run(forms / "0.tif", *common)
    assert alone.exit_code == 1
    assert "At least two scans are needed" in alone.output
    second = few(forms, tmp_path, "--edition", "k-11", "--page", "2")
    assert second.exit_code == 1
    assert "It has no page 2." in second.output
    assert not (tmp_path / "forms").exists()
