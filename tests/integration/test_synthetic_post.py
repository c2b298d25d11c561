"""A folder of synthetic post: the same seed gives the same bytes, the truth adds up, the files can be opened."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
import typer
from PIL import Image, ImageSequence
from typer.testing import CliRunner

from intake.commands.synthesise import synthesise
from intake.synthetic.fonts import missing_packages
from intake.synthetic.truth import BoxTruth, load_truth
from intake.synthetic.write import write_post
from schemas.errors import NotAForm
from schemas.form_type import SHIPPED_FORMS, load_form_type
from schemas.page import PageLabel

pytestmark = pytest.mark.skipif(bool(missing_packages()), reason=f"fonts are missing: {', '.join(missing_packages())}")

SEED = 4


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty documents of an ordinary day."""
    folder = tmp_path_factory.mktemp("synthetic") / "post"
    write_post(folder, 20, seed=SEED, ageing="medium")
    return folder


def bytes_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def pages_of(path: Path) -> list[np.ndarray]:
    """The pages of a file as grey levels, opened by libraries that did not write it where there is a choice."""
    if path.suffix == ".pdf":
        with pypdfium2.PdfDocument(path) as document:
            return [page.render(scale=1.0, grayscale=True).to_numpy().copy() for page in document]
    with Image.open(path) as pictures:
        return [np.asarray(picture.convert("L")) for picture in ImageSequence.Iterator(pictures)]


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    write_post(tmp_path / "one", 3, seed=9, ageing="heavy")
    write_post(tmp_path / "two", 3, seed=9, ageing="heavy", workers=2)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_another_seed_gives_other_post(tmp_path: Path) -> None:
    write_post(tmp_path / "one", 1, seed=9)
    write_post(tmp_path / "two", 1, seed=10)
    assert set(bytes_of(tmp_path / "one").values()).isdisjoint(bytes_of(tmp_path / "two").values())


def test_every_page_of_every_file_is_in_the_truth_once(post: Path) -> None:
    named = Counter((truth.file, page) for truth in load_truth(post) for page in truth.pages)
    found = {(path.name, number) for path in post.glob("post-*") for number in range(1, len(pages_of(path)) + 1)}
    assert set(named) == found
    assert set(named.values()) == {1}


def test_paper_is_bright_and_ink_is_dark_in_every_kind_of_file(post: Path) -> None:
    for path in post.glob("post-*"):
        for page in pages_of(path):
            assert np.median(page) > 190, path.name


def test_a_post_of_twenty_documents_holds_twenty(post: Path) -> None:
    kinds = Counter(truth.kind for truth in load_truth(post))
    assert kinds["form"] + kinds["letter"] == 20


def test_the_truth_speaks_of_fields_editions_and_options_that_the_form_types_have(post: Path) -> None:
    for truth in load_truth(post):
        if truth.form_type is None:
            assert (truth.edition, truth.fields) == (None, {})
            continue
        form = load_form_type(SHIPPED_FORMS / truth.form_type)
        assert truth.edition in {edition.id for edition in form.editions}
        assert list(truth.fields) == [spec.name for spec in form.fields]
        for spec in form.fields:
            entry = truth.fields[spec.name]
            assert tuple(entry.boxes) == (() if entry.missing else spec.options)
            ticked = [option for option, state in entry.boxes.items() if state is BoxTruth.TICKED]
            assert not entry.boxes or entry.value == ticked


def test_a_day_of_post_has_letters_blanks_separators_and_turned_pages(post: Path) -> None:
    truths = load_truth(post)
    pages = [page for truth in truths for page in truth.pages_truth.values()]
    assert {page.label for page in pages} == {PageLabel.CONTENT, PageLabel.BLANK, PageLabel.SEPARATOR}
    assert {truth.kind for truth in truths} == {"form", "letter", "leftover"}
    assert {truth.form_type for truth in truths} == {None, "change-of-keeper", "fee-refund", "licence-renewal"}
    assert len({page.turned for page in pages}) > 1
    handwritten = [entry.handwritten for truth in truths for entry in truth.fields.values() if entry.text]
    assert 0.3 < np.mean(handwritten) < 0.9


def test_black_and_white_tiffs_are_group_4_with_their_resolution(post: Path) -> None:
    compressions = set()
    for path in post.glob("*.tif"):
        with Image.open(path) as picture:
            compressions.add((picture.mode, picture.info["compression"]))
            assert 190 <= float(picture.info["dpi"][0]) <= 300
    assert ("1", "group4") in compressions
    assert compressions <= {("1", "group4"), ("L", "jpeg"), ("L", "tiff_lzw")}


def test_no_file_holds_a_date_of_its_making(post: Path) -> None:
    for path in post.glob("*.pdf"):
        assert b"Date" not in path.read_bytes()


def test_a_folder_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not empty"):
        write_post(tmp_path, 1, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_form_type_at_another_resolution_is_refused_by_name(tmp_path: Path) -> None:
    form = load_form_type(SHIPPED_FORMS / "fee-refund")
    coarse = replace(form, editions=tuple(replace(edition, dpi=200) for edition in form.editions))
    with pytest.raises(NotAForm, match=r"fee-refund.*200 dpi"):
        write_post(tmp_path, 1, seed=1, forms=[coarse])


def test_the_command_says_what_it_wrote_and_refuses_a_used_folder(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(synthesise)
    arguments = [str(tmp_path / "post"), "--documents", "1", "--seed", "3", "--ageing", "light", "--json"]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    counts = json.loads(first.stdout)
    assert counts["documents"] == 1
    assert Path(counts["truth"]).is_file()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 2


@pytest.mark.parametrize(
    ("end", "number", "code"),
    [
        (os.kill, signal.SIGTERM, 143),
        (os.killpg, signal.SIGINT, 130),  # as a terminal does: to every process at once
        (os.kill, signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_whoever_makes_post_takes_its_processes_along(
    tmp_path: Path, end: Callable[[int, int], None], number: signal.Signals, code: int
) -> None:
    run = [sys.executable, "-m", "intake.cli", "synthesise", str(tmp_path / "post")]
    run += ["--documents", "500", "--workers", "2"]
    with subprocess.Popen(run, start_new_session=True, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("post/*")) and time.monotonic() < deadline:  # until the first file is there
            time.sleep(0.05)
        working = _session(process.pid)
        end(process.pid, number)
        told = process.communicate(timeout=30)[1]
    assert len(working) >= 3  # itself and its two, at least
    assert process.returncode == code, told
    assert "Traceback" not in told
    assert number == signal.SIGKILL or "leaked" not in told
    deadline = time.monotonic() + 10
    while _session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _session(process.pid) == []


def test_processes_that_are_just_starting_say_nothing_of_ctrl_c(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "intake.cli", "synthesise", str(tmp_path / "post")]
    run += ["--documents", "500", "--workers", "2"]
    with subprocess.Popen(run, start_new_session=True, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while len(_session(process.pid)) < 4 and time.monotonic() < deadline:  # its two, and the tracker of resources
            time.sleep(0.02)
        time.sleep(0.3)  # as long as they are loading what they need
        os.killpg(process.pid, signal.SIGINT)
        told = process.communicate(timeout=30)[1]
    assert process.returncode == 130, told
    assert "Traceback" not in told


def _session(leader: int) -> list[int]:
    """The processes of the session that `leader` started."""
    answer = subprocess.run(["ps", "-o", "pid=", "-s", str(leader)], capture_output=True, text=True, check=False)
    return [int(word) for word in answer.stdout.split()]
