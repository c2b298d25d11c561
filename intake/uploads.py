"""Files that come in pieces, over lines that break: each lies in the spool until its batch is handed over.

Of every upload there are two files: the bytes, and a description with the offset that was acknowledged. A piece is on
the disk before its offset is told, so that a sender who is told an offset need never send what lies before it again.
"""

import fcntl
import json
import os
import re
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, NoReturn, Self
from uuid import uuid4

from extract.unpack import MARK_WITHIN_BYTES, format_of
from intake.api.spool import SPOOL_FOLDER, full_disk_named
from intake.database.engine import Clock
from intake.event_log import tell_error
from intake.store.local import fsync_folder
from schemas.errors import MailError, Unreadable

LIFE: Final = timedelta(hours=24)  # of an upload, from its latest byte
_FOLDER: Final = "resumable"
_ID: Final = re.compile(r"[0-9a-f]{32}")
_OURS_ALONE: Final = 0o700
_LONGEST_NAME: Final = 1024
_KEEP_EVERY_BYTES: Final = 8 * 1024 * 1024  # of one long piece: so much at most is sent twice


def folder_below(home: Path) -> Path:
    """Where they lie, below the data folder."""
    return home.absolute() / SPOOL_FOLDER / _FOLDER


class UploadGone(MailError):
    """There is no such upload of this person: it was never begun, handed over, given up, or has expired."""


class WrongOffset(MailError):
    """The piece does not follow on what is here; ask where to go on."""


class UploadBusy(MailError):
    """Another request is just writing to this upload."""


class NotWanted(MailError):
    """The file cannot be taken: the message says why, and what to do, to whoever chose it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way. offset: how many of its `length` bytes are on the disk. owner: whose it is."""

    id: str
    owner: str
    name: str
    length: int
    offset: int
    touched_at: datetime

    @property
    def is_whole(self) -> bool:
        return self.offset == self.length

    @property
    def expires_at(self) -> datetime:
        return self.touched_at + LIFE


@dataclass(frozen=True, slots=True)
class UploadRoom:
    """How much one person may have on its way at once. file_bytes: of one file."""

    files: int = 2_000
    bytes: int = 2048 * 1024 * 1024
    file_bytes: int = 50 * 1024 * 1024


class Uploads:
    """The uploads below one folder. Safe to share between threads and processes of one machine."""

    def __init__(self, folder: Path, clock: Clock, room: UploadRoom | None = None) -> None:
        self._folder, self._clock, self.room = folder, clock, room or UploadRoom()
        # By id, as first read: whose it is and how long never changes, so it need not be read again.
        self._met: dict[str, Upload] = {}
        folder.mkdir(mode=_OURS_ALONE, parents=True, exist_ok=True)

    def begin(self, owner: str, name: str, length: int) -> Upload:
        """A new upload without a byte. Raises NotWanted before anything is sent, and StoreFull."""
        if length == 0:
            raise NotWanted("The file is empty (0 bytes).")
        if length > self.room.file_bytes:
            raise NotWanted(too_large(length, self.room.file_bytes))
        if not self._has_room(owner, length):
            self.sweep()
            if not self._has_room(owner, length):
                raise NotWanted("Too much is on its way already: hand over this batch, then begin the next.")
        upload = Upload(uuid4().hex, owner, name[:_LONGEST_NAME], length, 0, self._clock())
        with full_disk_named():
            self._bytes_of(upload.id).touch(0o600)
            self._note(upload)
        self._met[upload.id] = upload
        return upload

    def find(self, id: str, owner: str) -> Upload:
        """Where it stands. Raises UploadGone."""
        upload = self._described(id)
        if upload is None or upload.owner != owner or upload.expires_at < self._clock():
            raise UploadGone("This upload is not here any more: send the file again.")
        return upload

    def go_on(self, id: str, owner: str, offset: int) -> "Writing":
        """Write at the end of it, for one request at a time; whatever comes until it is closed is kept.

        Raises UploadGone, WrongOffset, UploadBusy.
        """
        self.find(id, owner)
        file = self._locked(id)
        try:
            upload = self.find(id, owner)  # it may have grown, or gone, before the lock was ours
            if upload.offset != offset:
                raise WrongOffset("The piece does not follow on what is here.")
            # Bytes behind the acknowledged offset may be anything after a power cut.
            file.truncate(offset)
            file.seek(offset)
        except BaseException:
            file.close()
            raise
        return Writing(self, upload, file)

    def open(self, id: str, owner: str) -> tuple[Upload, BinaryIO]:
        """A whole file, to be read. Raises UploadGone, also for one of which bytes are missing."""
        upload = self.find(id, owner)
        if not upload.is_whole:
            raise UploadGone(f"Of this file only {upload.offset} of {upload.length} bytes are here: send the rest.")
        try:
            return upload, self._bytes_of(id).open("rb")
        except FileNotFoundError as error:  # given up this very moment
            raise UploadGone("This upload is not here any more: send the file again.") from error

    def give_up(self, id: str, owner: str) -> None:
        """Remove it. Raises UploadGone."""
        self.remove(self.find(id, owner).id)

    def sweep(self) -> int:
        """Remove what nobody has sent a byte of for too long, unless somebody is just writing to it; how many."""
        now = self._clock()
        removed = sum(self._expire(id, now) for id in self._ids())
        self._clear(now - LIFE)
        return removed

    def keep(self, upload: Upload) -> Upload:
        """Acknowledge what of it is on the disk by now; for `Writing`. UploadGone: it was given up meanwhile."""
        kept = replace(upload, touched_at=self._clock())
        with full_disk_named():
            self._note(kept)
        if not self._bytes_of(upload.id).exists():
            # Described without its bytes it would take up room of its owner for a day.
            self._description_of(upload.id).unlink(missing_ok=True)
            raise UploadGone("This upload was given up while it was sent.")
        return kept

    def remove(self, id: str) -> None:
        """Take it away, whatever it is; for `Writing`, and for whoever has handed it over."""
        # The bytes first: whoever is just writing finds them gone and describes them no more, see `keep`; and what is
        # described but was half removed by somebody who died is swept later.
        for path in (self._bytes_of(id), self._description_of(id)):
            with suppress(FileNotFoundError):
                path.unlink()

    def _expire(self, id: str, now: datetime) -> bool:
        """Remove it if its time is over; whether it was."""
        if not self._is_over(id, now):
            return False
        try:
            with self._locked(id):
                if not self._is_over(id, now):  # somebody wrote to it before the lock was ours
                    return False
                self.remove(id)
        except UploadBusy:
            return False
        except UploadGone:  # half removed by somebody who died
            self.remove(id)
        return True

    def _is_over(self, id: str, now: datetime) -> bool:
        upload = self._described(id)
        return upload is not None and upload.expires_at < now

    def _has_room(self, owner: str, length: int) -> bool:
        """Whether one more of that length may be on its way for them."""
        before = self._met
        found = ((id, before.get(id) or self._described(id)) for id in self._ids())
        met = {id: upload for id, upload in found if upload is not None}
        others = [upload.length for upload in met.values() if upload.owner == owner]
        self._met = met  # only now: another thread may add to it
        return len(others) < self.room.files and sum(others) + length <= self.room.bytes

    def _clear(self, before: datetime) -> None:
        """Remove bytes without a description, and drafts of one, that a process left behind when it was killed."""
        for path in self._folder.iterdir():
            if path.suffix == ".json" or (path.with_suffix(".json").exists() and path.suffix == ".part"):
                continue
            with suppress(FileNotFoundError):
                if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                    path.unlink()

    def _note(self, upload: Upload) -> None:
        """Write the description in one step: it says the old offset or the new one."""
        path = self._description_of(upload.id)
        draft = path.with_suffix(f".{uuid4().hex}")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(upload) | {"touched_at": upload.touched_at.isoformat()}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        fsync_folder(self._folder)

    def _ids(self) -> list[str]:
        """Of all that are described, whoever they belong to."""
        return [name.removesuffix(".json") for name in os.listdir(self._folder) if name.endswith(".json")]

    def _described(self, id: str) -> Upload | None:
        if not _ID.fullmatch(id):
            return None
        try:
            said = json.loads(self._description_of(id).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return Upload(**said | {"touched_at": datetime.fromisoformat(said["touched_at"])})

    def _locked(self, id: str) -> BinaryIO:
        """The bytes, open to be written, and ours alone until they are closed."""
        try:
            file = self._bytes_of(id).open("r+b")
        except FileNotFoundError as error:
            raise UploadGone("This upload is not here any more: send the file again.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise UploadBusy("Another request is just sending this file.") from error
        return file

    def _bytes_of(self, id: str) -> Path:
        return self._folder / f"{id}.part"

    def _description_of(self, id: str) -> Path:
        return self._folder / f"{id}.json"


class Writing:
    """An upload that is being written to. Close it at the end."""

    def __init__(self, uploads: Uploads, upload: Upload, file: BinaryIO) -> None:
        self.upload, self._uploads, self._file = upload, uploads, file
        self._not_kept = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, piece: bytes) -> None:
        """Add it. Raises StoreFull; and NotWanted for more bytes than announced, or where the first ones are those of
        no scan: then the upload is gone.
        """
        before, after = self.upload.offset, self.upload.offset + len(piece)
        if after > self.upload.length:
            self._refuse("More came than the file has: send it again.")
        with full_disk_named():
            self._file.write(piece)
        self.upload = replace(self.upload, offset=after)
        looked_at = min(MARK_WITHIN_BYTES, self.upload.length)
        if before < looked_at <= after:
            self._look_at(looked_at)
        self._not_kept += len(piece)
        if self._not_kept >= _KEEP_EVERY_BYTES:
            self._keep()

    def close(self) -> Upload:
        """Keep what came, and let others write; where the upload stands now."""
        if not self._file.closed:
            try:
                self._keep()
            finally:
                self._file.close()
        return self.upload

    def _keep(self) -> None:
        with full_disk_named():
            self._file.flush()
            os.fsync(self._file.fileno())
        self.upload, self._not_kept = self._uploads.keep(self.upload), 0

    def _look_at(self, length: int) -> None:
        self._file.flush()
        try:
            format_of(os.pread(self._file.fileno(), length, 0))
        except Unreadable as error:
            self._refuse(f"{error.problem} {error.remedy}")

    def _refuse(self, why: str) -> NoReturn:
        self._uploads.remove(self.upload.id)
        self._file.close()
        raise NotWanted(why)


def keep_clearing(uploads: Uploads, every_seconds: float, stop: threading.Event) -> None:
    """Remove what has expired every so often until `stop` is set; where that is not possible the next round tries."""
    while not stop.is_set():
        try:
            uploads.sweep()
        except (MailError, OSError, ValueError) as error:  # the last of a description that was damaged on the disk
            tell_error("expired_uploads_wait", error)
        stop.wait(every_seconds)


def too_large(size: int, limit: int) -> str:
    """What is said of a file of that many bytes."""
    mebibyte = 1024 * 1024
    return (
        f"The file has {size / mebibyte:,.0f} MB, where at most {limit / mebibyte:,.0f} MB are allowed."
        " Split it, or scan at 300 dpi with compression."
    )
