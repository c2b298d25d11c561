"""Hostile and broken files through the service: each ends in a named state, within its limits, and the worker lives.

`POSTROOM_HOSTILE=full` runs all of them under the limits of a real worker: 300 malformed files instead of every
fifth, 1,000 mutants instead of 200, and bombs that may burn as long as they are allowed to.
"""

import csv
import io
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from PIL import Image
from reportlab.pdfgen import canvas

from extract.limits import DEFAULT_LIMITS, Limits, UnreadablePage
from intake.sandbox import Sandbox
from schemas.errors import Cause, Unreadable
from schemas.states import MailState
from tests.integration import hostile_run
from tests.integration.bombs import BOMBS
from tests.integration.hostile_run import HostileRun

IS_FULL: Final = os.environ.get("POSTROOM_HOSTILE") == "full"
# A page that needs longer on this machine than a quick test may take is hostile enough.
SECONDS_PER_PAGE: Final = DEFAULT_LIMITS.seconds_per_page if IS_FULL else 3.0
LONGEST_BOMB_SECONDS: Final = 30.0
MOST_BYTES: Final = int(1.6 * 2**30)
MUTANTS: Final = 1000 if IS_FULL else 120
READ: Final = {MailState.PUBLISHED, MailState.IN_REVIEW}
# Not hostile to a program that looks at pixels only, or harmless because little of them is looked at.
HARMLESS: Final = {
    "PNG of more rows than it says", "PDF of 1000000 objects", "PDF whose tables go round", "PDF that wants to act",
    "JBIG2 of 2^30 symbols",
}  # fmt: skip


def check(run: HostileRun, capsys: pytest.CaptureFixture[str], title: str, most_seconds: float) -> None:
    """Every file has a state with a name and, in quarantine, a cause; nothing went beyond its limits."""
    with capsys.disabled():
        print(f"\n{title}\n{run.table()}")
    assert run.worker_ended == 0
    for outcome in run.outcomes:
        assert outcome.state in READ | {MailState.QUARANTINED}, outcome
        assert (outcome.state is MailState.QUARANTINED) == (outcome.cause is not None), outcome
        assert outcome.cause is not Cause.FAILED, outcome
    assert run.seconds <= most_seconds
    assert run.child_bytes <= MOST_BYTES
    assert run.tree_bytes <= MOST_BYTES


@pytest.mark.slow
def test_every_bomb_is_refused_by_name_and_costs_no_more_than_it_may(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ((name, make()) for name, make in BOMBS.items())
    run = hostile_run.run(tmp_path / "home", files, seconds_per_page=SECONDS_PER_PAGE)
    with capsys.disabled():
        print("".join(f"\n    {outcome.name:38} {outcome.word:14} {outcome.problem}" for outcome in run.outcomes))
    check(run, capsys, f"{len(BOMBS)} bombs", LONGEST_BOMB_SECONDS)
    assert len(run.outcomes) == len(BOMBS) >= 20
    assert {outcome.name for outcome in run.outcomes if outcome.state in READ} <= HARMLESS


@pytest.mark.slow
@pytest.mark.data
def test_every_malformed_file_ends_in_a_result_or_a_named_refusal(
    tmp_path: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = _malformed(shared_data)[:: 1 if IS_FULL else 8]
    files = ((name, (shared_data / "malformed" / name).read_bytes()) for name in names)
    run = hostile_run.run(tmp_path / "home", files, seconds_per_page=SECONDS_PER_PAGE)
    check(run, capsys, f"{len(names)} malformed files, read by a double", DEFAULT_LIMITS.seconds_per_file)
    assert [outcome.name for outcome in run.outcomes] == names
    # pdfium and Pillow alone open 191 of 300; far fewer would mean that we refuse what can be read.
    assert sum(outcome.state in READ for outcome in run.outcomes) >= len(names) / 2


@pytest.mark.slow
@pytest.mark.data
def test_what_can_be_unpacked_of_malformed_files_does_no_harm_to_the_real_reader(
    tmp_path: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = _malformed(shared_data)[:: 5 if IS_FULL else 30]
    files = ((name, (shared_data / "malformed" / name).read_bytes()) for name in names)
    run = hostile_run.run(tmp_path / "home", files, workshop=hostile_run.REAL, seconds_per_page=SECONDS_PER_PAGE)
    with capsys.disabled():
        print(f"\n{len(names)} malformed files, read by the real reader\n{run.table()}")
    assert run.worker_ended == 0
    for outcome in run.outcomes:
        assert outcome.state in READ | {MailState.QUARANTINED}, outcome
        assert outcome.cause is not Cause.FAILED, outcome


def _malformed(shared_data: Path) -> list[str]:
    with (shared_data / "malformed" / "index.csv").open(newline="") as index:
        names = [row["file"] for row in csv.DictReader(index)]
    assert len(names) == 300
    return names


def seeds() -> list[bytes]:
    """Small good files of every kind that is accepted, in the ways that scanners write them."""
    paper = Image.radial_gradient("L").resize((248, 351))
    bits = paper.convert("1")
    found = []
    for format, picture, how in (
        ("TIFF", bits, {"compression": "group4"}),
        ("TIFF", bits, {"compression": "group3"}),
        ("TIFF", paper, {"compression": "tiff_lzw"}),
        ("TIFF", paper, {"compression": "tiff_adobe_deflate", "save_all": True, "append_images": [bits, paper]}),
        ("TIFF", paper, {"compression": "jpeg"}),
        ("TIFF", paper.convert("RGB"), {"compression": "packbits"}),
        ("PNG", bits, {}),
        ("PNG", paper, {"dpi": (300, 300)}),
        ("PNG", paper.convert("RGB").quantize(16), {}),
        ("JPEG", paper, {"dpi": (200, 200)}),
        ("JPEG", paper.convert("RGB"), {"progressive": True}),
        ("PDF", paper, {"save_all": True, "append_images": [paper]}),
        ("PDF", bits, {"resolution": 300}),
    ):
        file = io.BytesIO()
        picture.save(file, format, **how)
        found.append(file.getvalue())
    file = io.BytesIO()
    drawing = canvas.Canvas(file, pageCompression=1)
    for line in range(20):
        drawing.drawString(72, 720 - 20 * line, "Dear Sir or Madam")
    drawing.save()
    return [*found, file.getvalue()]


def mutants(count: int) -> Iterator[bytes]:
    """Seeds with 1, 4 or 32 bytes changed; one in five is cut off, too."""
    chance, sources = random.Random(20261125), seeds()  # noqa: S311  # seeded, no secret
    for number in range(count):
        content = bytearray(sources[number % len(sources)])
        for _ in range(chance.choice((1, 4, 32))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        yield bytes(content[: chance.randrange(len(content))] if chance.random() < 0.2 else content)


@pytest.mark.slow
def test_every_mutant_of_a_good_file_is_read_or_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    limits = Limits(seconds_per_page=SECONDS_PER_PAGE)
    with Sandbox() as sandbox:
        _ = sandbox.protection
        template, words = sandbox._template.pid, Counter[str]()
        assert {_word(sandbox, seed, limits) for seed in seeds()} == {"read"}
        for mutant in mutants(MUTANTS):
            words[_word(sandbox, mutant, limits)] += 1
        assert sandbox._template.pid == template
        assert sandbox.peak_memory_bytes <= MOST_BYTES
    with capsys.disabled():
        print(f"\n{MUTANTS} mutants: {dict(words.most_common())}, at most {sandbox.peak_memory_bytes / 2**20:.0f} MiB")
    assert words.total() == MUTANTS
    assert set(words) <= {"read", *Cause} - {Cause.FAILED}
    assert words["read"] > MUTANTS / 10


def _word(sandbox: Sandbox, content: bytes, limits: Limits) -> str:
    """ "read" if at least one page became pixels, else the cause of the first refusal."""
    try:
        pages = list(sandbox.open_pages(content, limits))
    except Unreadable as refusal:
        return refusal.cause
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    refusals = [page.error.cause for page in pages if isinstance(page, UnreadablePage)]
    return refusals[0] if len(refusals) == len(pages) else "read"
