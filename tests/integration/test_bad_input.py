"""Bad input gets a clear error that names the file, the cause and what to do, and the rest of the run goes on.

The journey itself is a double here (`scripted_workshop`); files, sandbox, workers, output and exit codes are real.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas
from rich.console import Console

from extract.limits import DEFAULT_LIMITS, Limits
from intake.commands.read import ExitCode, run_and_report
from intake.gather import gather
from intake.run import Order

# Workers are processes of their own and find the doubles by name, on the path they inherit.
sys.path.insert(0, str(Path(__file__).parent))
import scripted_workshop


@dataclass(frozen=True)
class Run:
    """One run: its exit code, what it told the operator, its records by file name."""

    code: ExitCode
    told: str
    records: dict[str, list[dict[str, Any]]]
    raw: bytes


def read(
    output: Path, *paths: Path, workers: int = 1, workshop: str = "open_workshop", limits: Limits = DEFAULT_LIMITS
) -> Run:
    screen = io.StringIO()
    order = Order(gather(paths), workers, limits, workshop=f"scripted_workshop:{workshop}")
    code = run_and_report(order, output, Console(file=screen, width=200))
    raw = output.read_bytes() if output.is_file() else b""
    records: dict[str, list[dict[str, Any]]] = {}
    for line in raw.splitlines():
        record = json.loads(line)
        records.setdefault(record["source"]["name"], []).append(record)
    return Run(code, screen.getvalue(), records, raw)


def page(width: int, height: int = 800) -> Image.Image:
    return Image.new("1", (width, height), 1)


def tiff(*widths: int) -> bytes:
    file = io.BytesIO()
    first, *others = [page(width) for width in widths]
    first.save(file, "TIFF", save_all=True, append_images=others, compression="group4")
    return file.getvalue()


def truncated_tiff() -> bytes:
    whole = tiff(600, 600, 600)
    return whole[: len(whole) * 2 // 3 - 20]


def encrypted_pdf() -> bytes:
    file = io.BytesIO()
    drawing = canvas.Canvas(file, encrypt=pdfencrypt.StandardEncryption("a password"))
    drawing.drawString(72, 72, "Text")
    drawing.save()
    return file.getvalue()


def huge_png() -> bytes:
    file = io.BytesIO()
    page(30_000, 30_000).save(file, "PNG")
    return file.getvalue()


def pdf_of_5000_pages() -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(5000):
        document.new_page(595, 842)
    file = io.BytesIO()
    document.save(file)
    document.close()
    return file.getvalue()


BAD: dict[str, tuple[Callable[[], bytes], str, str, str]] = {
    # name: (content, cause, part of what is said, part of the remedy)
    "letter.tif": (lambda: b"Dear Sir or Madam,", "unknown_format", "plain text", "TIFF, PDF, PNG or JPEG"),
    "empty.tif": (lambda: b"", "empty", "0 bytes", "again"),
    "cut.tif": (truncated_tiff, "damaged", "cut off", "Scan the paper again"),
    "locked.pdf": (encrypted_pdf, "encrypted", "password", "without a password"),
    "huge.png": (huge_png, "too_large", "30000 x 30000", "300 dpi"),
    "long.pdf": (pdf_of_5000_pages, "too_large", "5000 pages", "--max-pages"),
}


@pytest.fixture(scope="module")
def bad_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run over every bad file, a missing one, and a good one at the end."""
    folder = tmp_path_factory.mktemp("scans")
    for name, (content, *_) in BAD.items():
        (folder / name).write_bytes(content())
    (folder / "z-good.tif").write_bytes(tiff(600))
    return read(folder.parent / "bad-run.jsonl", folder, folder / "missing.tif", workers=2)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_cause_and_remedy(bad_run: Run, name: str) -> None:
    _, cause, said, remedy = BAD[name]
    lines = bad_run.told.splitlines()
    places = [place for place, line in enumerate(lines) if f"/{name}" in line]
    assert places
    assert said in lines[places[0]]
    assert f"({cause})" in lines[places[0]]
    assert remedy in lines[places[0] + 1]
    failure = bad_run.records[name][-1]["failures"][0]
    assert failure["cause"] == cause
    assert said in failure["problem"]
    assert bad_run.records[name][-1]["status"] == "failed"


def test_a_missing_file_is_named_too(bad_run: Run) -> None:
    assert "missing.tif: It cannot be opened: No such file" in bad_run.told
    assert bad_run.records["missing.tif"][0]["source"]["sha256"] is None


def test_the_good_file_of_a_bad_run_is_read_and_the_exit_code_says_that_some_failed(bad_run: Run) -> None:
    assert bad_run.code is ExitCode.SOME_FAILED == 1
    (record,) = bad_run.records["z-good.tif"]
    assert record["failures"] == []
    assert record["pages"][0]["label"] == "content"


def test_the_pages_before_the_cut_are_read(bad_run: Run) -> None:
    labels = [page["label"] for record in bad_run.records["cut.tif"] for page in record["pages"]]
    assert labels[0] == "content"
    assert set(labels[1:]) == {"failed"}


def test_the_counts_of_a_bad_run_add_up(bad_run: Run) -> None:
    assert "Files: 8 received = 1 read, 1 partly read, 6 failed" in bad_run.told
    assert "Does not add up" not in bad_run.told


def test_more_pages_are_read_when_they_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "four.tif").write_bytes(tiff(600, 600, 600, 600))
    assert (
        read(tmp_path / "r.jsonl", tmp_path / "four.tif", limits=Limits(pages_per_file=3)).code is ExitCode.SOME_FAILED
    )
    assert read(tmp_path / "r.jsonl", tmp_path / "four.tif", limits=Limits(pages_per_file=4)).code is ExitCode.ALL_READ


def test_one_worker_and_two_give_the_same_bytes_in_the_order_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, widths in enumerate([(600,) * 9, (601,), (602, scripted_workshop.IS_BLANK), (603,)]):
        (tmp_path / "in" / f"{number}.tif").write_bytes(tiff(*widths))
    one = read(tmp_path / "1.jsonl", tmp_path / "in", workers=1)
    two = read(tmp_path / "2.jsonl", tmp_path / "in", workers=2)
    assert one.raw == two.raw
    assert list(two.records) == ["0.tif", "1.tif", "2.tif", "3.tif"]
    assert one.code is ExitCode.ALL_READ == 0
    assert "13 received = 12 content, 1 blank" in one.told


def test_a_worker_that_is_killed_costs_its_file_only(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(600, scripted_workshop.KILLS_ITS_WORKER))
    (tmp_path / "b.tif").write_bytes(tiff(600))
    run = read(tmp_path / "r.jsonl", tmp_path / "a.tif", tmp_path / "b.tif")
    assert run.code is ExitCode.SOME_FAILED
    assert run.records["a.tif"][0]["failures"][0]["cause"] == "crashed"
    assert run.records["a.tif"][0]["source"]["pages"] == [1, 2]
    assert "fewer --workers" in run.told
    assert run.records["b.tif"][0]["status"] == "review"


def test_a_worker_that_gets_stuck_costs_its_file_and_the_time_allowed_for_it_only(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(600, scripted_workshop.NEVER_ENDS))
    (tmp_path / "b.tif").write_bytes(tiff(600))
    (tmp_path / "c.tif").write_bytes(tiff(scripted_workshop.NEVER_ENDS))
    limits = Limits(seconds_to_begin=3.0, seconds_to_read_page=0.5)
    started = time.monotonic()
    run = read(tmp_path / "r.jsonl", *(tmp_path / f"{name}.tif" for name in "abc"), limits=limits)
    assert 4.0 + 3.5 < time.monotonic() - started < 60
    assert run.code is ExitCode.SOME_FAILED
    assert run.records["b.tif"][0]["status"] == "review"
    (stuck,) = run.records["a.tif"]
    assert (stuck["status"], stuck["source"]["pages"]) == ("failed", [1, 2])
    assert stuck["source"]["sha256"] == hashlib.sha256(tiff(600, scripted_workshop.NEVER_ENDS)).hexdigest()
    assert stuck["failures"][0]["cause"] == "too_slow"
    assert "took longer than 4 s" in stuck["failures"][0]["problem"]
    assert "took longer than 3.5 s" in run.records["c.tif"][0]["failures"][0]["problem"]
    assert "4 received = 1 content, 0 blank, 0 separator, 3 failed" in run.told
    assert "Does not add up" not in run.told


def test_a_stage_that_raises_fails_its_file_without_telling_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(600, scripted_workshop.RAISES, 600))
    run = read(tmp_path / "r.jsonl", tmp_path / "a.tif")
    (record,) = run.records["a.tif"]
    assert record["status"] == "failed"
    assert [page["label"] for page in record["pages"]] == ["failed"] * 3
    assert "ValueError" in record["failures"][0]["problem"]
    assert scripted_workshop.WRITTEN not in run.told + run.raw.decode()


def test_a_page_the_journey_forgets_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(600, scripted_workshop.IS_FORGOTTEN))
    run = read(tmp_path / "r.jsonl", tmp_path / "a.tif")
    assert run.code is ExitCode.DOES_NOT_ADD_UP == 4
    assert "Does not add up" in run.told
    assert "a.tif" in run.told


@pytest.mark.parametrize(("workshop", "said"), [("lacks_a_model", "run `make setup`"), ("dies", "postroom doctor")])
def test_a_machine_that_is_not_ready_is_told_so_at_once(tmp_path: Path, workshop: str, said: str) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(600))
    run = read(tmp_path / "r.jsonl", tmp_path / "a.tif", workshop=workshop)
    assert run.code is ExitCode.NOT_READY == 5
    assert said in run.told


_FILE_OF_LIMITED_SIZE = """
import resource, sys
from pathlib import Path
sys.path[:] = {path!r}
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from rich.console import Console
from intake.commands.read import run_and_report
from intake.gather import gather
from intake.run import Order
order = Order(gather([Path({scans!r})]), 1, workshop="scripted_workshop:open_workshop")
sys.exit(run_and_report(order, Path({output!r}), Console(stderr=True, width=200)))
"""


def test_a_full_disk_is_told_and_what_was_written_stays_whole_lines(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for number in range(9):
        (tmp_path / "scans" / f"{number}.tif").write_bytes(tiff(600))
    output = tmp_path / "r.jsonl"
    code = _FILE_OF_LIMITED_SIZE.format(path=sys.path, scans=str(tmp_path / "scans"), output=str(output))
    # Without compiled modules: they would be cut off at the limit, too, and break later runs.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == ExitCode.CANNOT_WRITE == 3, run.stderr
    lines = output.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert 1 < len(lines) < 9
    assert all(json.loads(line)["status"] == "review" for line in lines)
    assert f"r.jsonl: cannot be written: File too large. It holds {len(lines)} whole records" in run.stderr
    assert "Make room" in run.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_really_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (tmp_path / "many.tif").write_bytes(tiff(*[600] * 40))
        run = read(small / "r.jsonl", tmp_path / "many.tif")
        assert run.code is ExitCode.CANNOT_WRITE
        assert "No space left on device" in run.told
        assert all(record["status"] == "review" for record in run.records["many.tif"])
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_an_output_that_cannot_be_made_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(600))
    run = read(tmp_path / "no-such-folder" / "r.jsonl", tmp_path / "a.tif")
    assert run.code is ExitCode.CANNOT_WRITE
    assert "--output" in run.told


def test_a_folder_that_may_not_be_opened_is_named_and_its_neighbours_are_read(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0)
    (open_folder / "good.tif").write_bytes(tiff(600))
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)  # root may open everything
    try:
        found = gather([open_folder])
        inside = gather([closed / "folder"])
    finally:
        if was_root:
            os.seteuid(0)
        closed.chmod(0o755)
    assert [file.path.name for file in found] == ["good.tif", "closed"]
    refused = found[1].failure
    assert refused is not None
    assert refused.cause == "not_accessible"
    assert "Permission denied" in refused.problem
    assert "rights" in refused.remedy
    assert inside[0].failure is not None
