"""Uploads in pieces: what was acknowledged is there, whatever broke in between; what cannot be taken is told early."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intake import background
from intake.service import open_service
from intake.settings import Settings
from intake.uploads import (
    LIFE,
    NotWanted,
    UploadBusy,
    UploadGone,
    UploadRoom,
    Uploads,
    Writing,
    WrongOffset,
    folder_below,
)

SCAN = b"II*\0" + bytes(range(256)) * 20
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Callable[[], Uploads]:
    """The uploads as another process, or this one after a crash, would open them."""
    return lambda: Uploads(tmp_path / "uploads", clock, UploadRoom(files=3, bytes=20_000, file_bytes=10_000))


def test_a_file_sent_in_pieces_is_the_file(opened: Callable[[], Uploads]) -> None:
    upload = opened().begin("person:1", "scan.tif", len(SCAN))
    for start in range(0, len(SCAN), 700):
        with opened().go_on(upload.id, "person:1", start) as writing:
            writing.write(SCAN[start : start + 700])
    whole, stream = opened().open(upload.id, "person:1")
    with stream:
        assert stream.read() == SCAN
    assert whole.is_whole


def test_what_was_not_acknowledged_is_sent_again(opened: Callable[[], Uploads], tmp_path: Path) -> None:
    upload = opened().begin("person:1", "scan.tif", len(SCAN))
    with opened().go_on(upload.id, "person:1", 0) as writing:
        writing.write(SCAN[:1000])
    # As after a power cut: the file had grown, but nobody had been told.
    with (tmp_path / "uploads" / f"{upload.id}.part").open("ab") as file:
        file.write(bytes(500))
    assert opened().find(upload.id, "person:1").offset == 1000
    with opened().go_on(upload.id, "person:1", 1000) as writing:
        writing.write(SCAN[1000:])
    with opened().open(upload.id, "person:1")[1] as stream:
        assert stream.read() == SCAN


def send_a_part(writing: Writing) -> None:
    with writing:
        writing.write(SCAN[:1200])
        raise ConnectionError


def test_a_piece_that_breaks_off_is_kept_as_far_as_it_came(opened: Callable[[], Uploads]) -> None:
    upload = opened().begin("person:1", "scan.tif", len(SCAN))
    with pytest.raises(ConnectionError):
        send_a_part(opened().go_on(upload.id, "person:1", 0))
    assert opened().find(upload.id, "person:1").offset == 1200


def test_pieces_must_follow_on_each_other_one_at_a_time(opened: Callable[[], Uploads]) -> None:
    upload = opened().begin("person:1", "scan.tif", len(SCAN))
    with pytest.raises(WrongOffset):
        opened().go_on(upload.id, "person:1", 7)
    with opened().go_on(upload.id, "person:1", 0), pytest.raises(UploadBusy):
        opened().go_on(upload.id, "person:1", 0)
    opened().go_on(upload.id, "person:1", 0).close()


@pytest.mark.parametrize("id", ["", "../../etc/passwd", "0" * 32, "x"])
def test_what_is_not_there_is_gone(opened: Callable[[], Uploads], id: str) -> None:
    with pytest.raises(UploadGone):
        opened().find(id, "person:1")


def test_nobody_sees_the_uploads_of_others(opened: Callable[[], Uploads]) -> None:
    upload = opened().begin("person:1", "scan.tif", len(SCAN))
    for attempt in (
        lambda: opened().find(upload.id, "person:2"),
        lambda: opened().go_on(upload.id, "person:2", 0),
        lambda: opened().open(upload.id, "person:2"),
        lambda: opened().give_up(upload.id, "person:2"),
    ):
        with pytest.raises(UploadGone):
            attempt()


def test_a_file_of_which_bytes_are_missing_cannot_be_handed_over(opened: Callable[[], Uploads]) -> None:
    upload = opened().begin("person:1", "scan.tif", len(SCAN))
    with opened().go_on(upload.id, "person:1", 0) as writing:
        writing.write(SCAN[:10])
    with pytest.raises(UploadGone, match=f"only 10 of {len(SCAN)}"):
        opened().open(upload.id, "person:1")


def test_a_file_that_is_too_large_or_empty_is_refused_before_a_byte_is_sent(opened: Callable[[], Uploads]) -> None:
    with pytest.raises(NotWanted, match=r"2,048 MB, where at most 0 MB are allowed\. Split it"):
        opened().begin("person:1", "film.tif", 2**31)
    with pytest.raises(NotWanted, match="empty"):
        opened().begin("person:1", "nothing.tif", 0)


def test_nobody_fills_the_disk_with_what_is_never_handed_over(opened: Callable[[], Uploads]) -> None:
    for _ in range(2):
        opened().begin("person:1", "scan.tif", 9_000)
    with pytest.raises(NotWanted, match="on its way already"):
        opened().begin("person:1", "scan.tif", 9_000)
    opened().begin("person:1", "scan.tif", 100)
    with pytest.raises(NotWanted, match="on its way already"):
        opened().begin("person:1", "scan.tif", 100)
    opened().begin("person:2", "scan.tif", 9_000)


def test_the_wrong_type_is_told_from_the_first_bytes(opened: Callable[[], Uploads], tmp_path: Path) -> None:
    upload = opened().begin("person:1", "report.tif", 5_000)
    writing = opened().go_on(upload.id, "person:1", 0)
    writing.write(b"PK\x03\x04" + bytes(96))
    with pytest.raises(NotWanted, match="a ZIP archive or office document"):
        writing.write(bytes(924))
    writing.close()
    assert list((tmp_path / "uploads").iterdir()) == []
    with pytest.raises(UploadGone):
        opened().find(upload.id, "person:1")


def test_more_bytes_than_announced_are_not_taken(opened: Callable[[], Uploads]) -> None:
    upload = opened().begin("person:1", "scan.tif", 100)
    with opened().go_on(upload.id, "person:1", 0) as writing, pytest.raises(NotWanted, match="More came"):
        writing.write(SCAN)


def test_what_nobody_goes_on_with_expires(opened: Callable[[], Uploads], clock: Clock, tmp_path: Path) -> None:
    old, kept = (opened().begin("person:1", "scan.tif", len(SCAN)) for _ in range(2))
    clock.now = NOW + LIFE - timedelta(minutes=1)
    with opened().go_on(kept.id, "person:1", 0) as writing:
        writing.write(SCAN[:10])
    clock.now = NOW + LIFE + timedelta(minutes=1)
    with pytest.raises(UploadGone):
        opened().find(old.id, "person:1")
    assert opened().sweep() == 1
    assert {path.stem for path in (tmp_path / "uploads").iterdir()} == {kept.id}


def test_what_is_just_being_written_does_not_expire(opened: Callable[[], Uploads], clock: Clock) -> None:
    upload = opened().begin("person:1", "scan.tif", len(SCAN))
    with opened().go_on(upload.id, "person:1", 0) as writing:
        writing.write(SCAN[:10])
        clock.now = NOW + LIFE + timedelta(minutes=1)  # a very slow line
        assert opened().sweep() == 0
        writing.write(SCAN[10:])
    with opened().open(upload.id, "person:1")[1] as stream:
        assert stream.read() == SCAN


def test_what_expired_takes_up_no_room(opened: Callable[[], Uploads], clock: Clock) -> None:
    uploads = opened()
    for _ in range(2):
        uploads.begin("person:1", "scan.tif", 9_000)
    clock.now = NOW + LIFE + timedelta(minutes=1)
    uploads.begin("person:1", "scan.tif", 9_000)


def test_a_file_is_begun_without_reading_about_those_before_it(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    read_text = Path.read_text

    def noting(path: Path, encoding: str | None = None, errors: str | None = None) -> str:
        read.append(path.name)
        return read_text(path, encoding, errors)

    monkeypatch.setattr(Path, "read_text", noting)
    one, other = (Uploads(tmp_path / "uploads", clock) for _ in range(2))
    for number in range(40):
        one.begin("person:1", f"{number}.tif", 1_000)
    assert read == []
    for number in range(40):
        other.begin("person:2", f"{number}.tif", 1_000)
        one.begin("person:1", f"{number}.tif", 1_000)
    assert len(read) < 3 * 40  # each of them once, by the one who did not begin it


def test_what_expired_is_cleared_although_nobody_begins_anything(tmp_path: Path) -> None:
    clock = Clock()
    service = open_service(Settings(home=tmp_path / "home"), clock)
    uploads = Uploads(folder_below(service.settings.home), clock)
    upload = uploads.begin("person:1", "scan.tif", len(SCAN))
    clock.now = NOW + LIFE + timedelta(minutes=1)
    stop = threading.Event()
    clearing = threading.Thread(target=background._expired_uploads(service), args=(stop,))
    clearing.start()
    try:
        for _ in range(1_000):
            if not list(folder_below(service.settings.home).iterdir()):
                break
            time.sleep(0.01)
    finally:
        stop.set()
        clearing.join()
        service.close()
    assert not list(folder_below(service.settings.home).glob(f"{upload.id}.*"))


def test_what_is_given_up_while_it_is_sent_does_not_come_back(opened: Callable[[], Uploads], tmp_path: Path) -> None:
    upload = opened().begin("person:1", "scan.tif", 10_000)
    writing = opened().go_on(upload.id, "person:1", 0)
    writing.write(SCAN[:1200])
    opened().give_up(upload.id, "person:1")
    with pytest.raises(UploadGone):
        writing.close()
    assert list((tmp_path / "uploads").iterdir()) == []
    # Nor does it take up the room of its owner.
    for _ in range(2):
        opened().begin("person:1", "scan.tif", 10_000)


def test_what_a_killed_process_left_without_a_description_is_removed_a_day_later(
    opened: Callable[[], Uploads], tmp_path: Path, clock: Clock
) -> None:
    upload = opened().begin("person:1", "scan.tif", len(SCAN))
    folder = tmp_path / "uploads"
    left = [folder / f"{'a' * 32}.part", folder / f"{upload.id}.{'b' * 32}"]
    for path in left:
        path.touch()
    for name in folder.iterdir():
        os.utime(name, (NOW.timestamp(), NOW.timestamp()))
    clock.now = NOW + LIFE - timedelta(seconds=1)
    opened().sweep()
    assert [path.exists() for path in left] == [True, True]
    clock.now = NOW + LIFE + timedelta(seconds=1)
    opened().keep(upload)  # still being sent
    opened().sweep()
    assert [path.exists() for path in left] == [False, False]
    assert opened().find(upload.id, "person:1").offset == 0
