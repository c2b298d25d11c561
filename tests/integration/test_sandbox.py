"""Hostile bytes: the child may crash, hang or eat memory; the worker gets a named refusal, and lives."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from extract.limits import Limits, UnreadablePage
from extract.page import PageImage
from intake import bubblewrap, protection
from intake.sandbox import Sandbox
from schemas.errors import Cause, Interrupted, Unreadable

QUICK = Limits(seconds_per_page=1.0, seconds_per_file=3.0)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def good_file() -> bytes:
    file = io.BytesIO()
    Image.new("1", (600, 800), 1).save(file, "TIFF", compression="group4")
    return file.getvalue()


def descendants(pid: int) -> set[int]:
    """All processes below this one."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return {*children, *(below for child in children for below in descendants(child))}


def pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, the first being the catalogue."""
    parts, places = [b"%PDF-1.4\n"], []
    for number, body in enumerate(objects, 1):
        places.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = sum(map(len, parts))
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table))
    parts.append(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return b"".join(parts)


def stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(data), data)


def pdf_with_a_page_that_never_ends() -> bytes:
    """Three pages; the second draws a form that draws ten forms that draw ten forms ... and so on."""
    levels = 13
    kids = b"[3 0 R 4 0 R 3 0 R]"
    forms = []
    for level in range(levels):
        inner = 5 + level + 1
        body = b"/F Do " * 10 if level < levels - 1 else b"0 0 9 9 re f "
        resources = b"/Resources << /XObject << /F %d 0 R >> >>" % inner if level < levels - 1 else b""
        forms.append(stream(b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] " + resources, body))
    start = 5 + levels
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids %s /Count 3 >>" % kids,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
        b" /Resources << /XObject << /F 5 0 R >> >> >>" % start,
        *forms,
        stream(b"", b"/F Do"),
    )


def test_pages_come_out_as_they_went_in(sandbox: Sandbox) -> None:
    grey = np.random.default_rng(7).integers(0, 256, (700, 501), np.uint8)
    for pixels in (grey, np.where(grey > 127, 255, 0).astype(np.uint8)):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", dpi=(100, 100))
        (page,) = sandbox.open_pages(file.getvalue())
        assert isinstance(page, PageImage)
        assert np.array_equal(page.pixels, pixels)
        assert page.dpi == 100


def test_a_page_that_never_ends_is_stopped_and_the_pages_around_it_are_read(sandbox: Sandbox) -> None:
    started = time.monotonic()
    first, second, third = sandbox.open_pages(pdf_with_a_page_that_never_ends(), QUICK)
    assert isinstance(first, PageImage)
    assert isinstance(second, UnreadablePage)
    assert second.error.cause in {Cause.TOO_SLOW, Cause.CRASHED}
    assert second.error.page == 2
    assert isinstance(third, PageImage)
    assert time.monotonic() - started < 15


def test_a_picture_bomb_meets_the_memory_limit_and_not_the_machine(sandbox: Sandbox) -> None:
    # 36 megapixels are allowed, and 5 kB of file hold them, but this child may use less memory than they need.
    side = 6000
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    small = Limits(memory_bytes=260 * 1024 * 1024)
    (page,) = sandbox.open_pages(content, small)
    assert isinstance(page, UnreadablePage)
    assert page.error.cause is Cause.TOO_LARGE
    assert "memory" in page.error.problem


def test_a_dead_template_is_replaced_and_the_next_file_is_read() -> None:
    with Sandbox() as sandbox:
        assert len(list(sandbox.open_pages(good_file()))) == 1
        sandbox._template.kill()
        sandbox._template.wait()
        assert len(list(sandbox.open_pages(good_file()))) == 1


def test_a_child_killed_from_outside_is_told_from_one_that_its_file_kills(sandbox: Sandbox) -> None:
    file = io.BytesIO()
    paper = Image.new("1", (2480, 3508), 1)
    paper.save(file, "TIFF", save_all=True, append_images=[paper] * 2)
    _ = sandbox.protection
    before = descendants(sandbox._template.pid)
    pages = sandbox.open_pages(file.getvalue())
    first = next(pages)
    for child in descendants(sandbox._template.pid) - before:
        os.kill(child, signal.SIGKILL)
    second, third = pages
    assert isinstance(second, UnreadablePage)
    assert isinstance(second.error, Interrupted)
    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert not isinstance(third, UnreadablePage)


def test_a_reader_who_stops_after_the_first_page_leaves_no_child_behind(sandbox: Sandbox) -> None:
    file = io.BytesIO()
    paper = Image.new("1", (2480, 3508), 1)
    paper.save(file, "TIFF", save_all=True, append_images=[paper] * 30)
    _ = sandbox.protection
    before = descendants(sandbox._template.pid)
    pages = iter(sandbox.open_pages(file.getvalue()))
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert descendants(sandbox._template.pid) == before


def test_a_limited_process_opens_no_file_and_no_socket_and_starts_no_process() -> None:
    probe = """
import os, socket, sys
from intake import bubblewrap, protection
if sys.argv[1] == "nobody":
    protection.leave_network(); protection.become_nobody()
protection.gain_nothing()
protection.deny_files(protection.landlock_version())
protection.limit(2 ** 30, 5)
def refused(attempt):
    try:
        attempt()
    except OSError:
        return True
    return False
attempts = {
    "read": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "write": lambda: os.open("/tmp/never", os.O_WRONLY | os.O_CREAT),
    "connect": lambda: socket.socket().connect(("127.0.0.1", 80)),
    "datagram": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 53)),
    "pipe": os.pipe,
}
if sys.argv[1] == "nobody":
    attempts["fork"] = os.fork
    attempts["root"] = lambda: os.setuid(0)
print([name for name, attempt in attempts.items() if not refused(attempt)])
"""
    user = "nobody" if os.geteuid() == 0 else "same"
    code = f"import sys; sys.path[:] = {sys.path!r}\n" + probe
    answer = subprocess.run([sys.executable, "-c", code, user], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_what_protects_us_is_said_in_words(sandbox: Sandbox) -> None:
    held = sandbox.protection
    assert held.other_user == (os.geteuid() == 0)
    assert held.landlock == protection.landlock_version()
    assert held.bubblewrap == (bubblewrap.why_not() == "")
    assert len(held.sentences()) == 5


def test_a_named_pipe_among_the_scans_stops_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scan.tif")
    with pytest.raises(Unreadable, match="no regular file"):
        list(sandbox.open_pages(tmp_path / "scan.tif"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.tif"))
        with pytest.raises(Unreadable):
            list(sandbox.open_pages(tmp_path / "socket.tif"))
