"""The gallery: the picture of any page, from the store, or made on the spot where nobody has looked at it yet."""

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from extract.limits import DEFAULT_LIMITS, Limits
from extract.page import Grey
from intake.pictures import rows
from intake.pictures.errors import PictureMissing
from intake.pictures.rows import KeptPicture, WantedPage
from intake.pictures.snippet import CONTEXT, Snippet, area_of, cut
from intake.pictures.upright import of_jpeg, thumbnail
from intake.pictures.workbench import NewPicture, NoPicture, Workbench
from intake.service import Service
from intake.store.errors import BlobDamaged, BlobMissing
from intake.store.room import refuse_when_low
from schemas.errors import Interrupted
from schemas.geometry import PageArea

_DECODED_AT_ONCE: Final = 12  # pages of 4 megabytes; the next tasks are mostly of the same few
_NOT_READ: Final = "This page has not been read yet: its picture is made afterwards."
_ORIGINAL_LOST: Final = "The original of this page is missing from the file store, or damaged."


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as it stands upright. `dpi` is of the paper: so many pixels are an inch of it."""

    jpeg: bytes
    width: int
    height: int
    dpi: int


class Pictures:
    """Pictures of the pages of a service; safe to share between threads. Close it at the end.

    Where nothing else is said, methods raise PictureMissing with the reason in words, and Unavailable if database or
    store do not answer. A page number that nothing has raises PictureMissing as well.
    """

    def __init__(
        self, service: Service, limits: Limits = DEFAULT_LIMITS, *, workbench: Workbench | None = None
    ) -> None:
        """workbench: where pictures are made, closed with this; None for one of its own."""
        self._service, self._limits = service, limits
        self._workbench = workbench or Workbench(limits)
        self._decoded: OrderedDict[str, Grey] = OrderedDict()
        self._decoded_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process that decodes originals, if one was started."""
        self._workbench.close()

    def page(self, page_id: int) -> PagePicture:
        """The whole page, about 200 dots per inch of the paper."""
        kept = self._kept(page_id)
        return PagePicture(self._bytes(kept), kept.width, kept.height, kept.dpi)

    def thumbnail(self, page_id: int, width: int) -> bytes:
        """The whole page as a JPEG `width` pixels wide."""
        return thumbnail(self._bytes(self._kept(page_id)), width)

    def snippet(self, page_id: int, box: PageArea | Sequence[float], context: float = CONTEXT) -> Snippet:
        """The part of the page around `box`, which is in fractions of the page; see `snippet.cut`."""
        kept = self._kept(page_id)
        area = box if isinstance(box, PageArea) else area_of(box)
        return cut(self._pixels(kept), kept.dpi, area, context)

    def make(self, pages: Sequence[WantedPage]) -> int:
        """Make the pictures of these pages of one file, so that nobody needs to wait for them; how many there are now.

        What cannot be made is noted with its reason. Raises PictureMissing if the original cannot be had.
        """
        return sum(isinstance(made, KeptPicture) for made in self._make(pages))

    def _kept(self, page_id: int) -> KeptPicture:
        with self._service.database.read() as session:
            found = rows.find(session, page_id)
        if isinstance(found, KeptPicture):
            return found
        if found is None:
            raise PictureMissing("There is no such page.")
        if isinstance(found, str):
            raise PictureMissing(found)
        if not found.is_read_or_set_aside:
            raise PictureMissing(_NOT_READ)
        [made] = self._make([found])
        if isinstance(made, str):
            raise PictureMissing(made)
        return made

    def _make(self, pages: Sequence[WantedPage]) -> list[KeptPicture | str]:
        """For each page its picture, or why there is none. All are of one file."""
        content = self._original(pages[0].sha256)
        wanted = {page.number: page for page in pages}
        done: dict[int, KeptPicture | str] = {}
        transforms = {page.number: page.transform for page in pages}
        for made in list(self._workbench.make(content, transforms)):
            done[made.number] = self._keep(wanted[made.number], made)
        return [done.get(page.number, "The original has no such page.") for page in pages]

    def _keep(self, page: WantedPage, made: NewPicture | NoPicture) -> KeptPicture | str:
        if isinstance(made, NoPicture):
            reason = f"{made.error.problem} {made.error.remedy}".strip()
            # What was stopped from outside may go well another time.
            if not isinstance(made.error, Interrupted):
                self._note(page, reason)
            return reason
        store = self._service.store
        # Pictures can be made again: the room that is left is for what is received.
        refuse_when_low(store, len(made.jpeg), low_water_bytes=self._service.settings.low_water_bytes)
        stored = store.put(io.BytesIO(made.jpeg))
        kept = KeptPicture(stored.sha256, made.width, made.height, made.dpi)
        self._note(page, kept)
        return kept

    def _note(self, page: WantedPage, found: KeptPicture | str) -> None:
        database = self._service.database
        now = database.now()
        with database.write() as session:
            rows.note(session, page, found, now)

    def _original(self, sha256: str) -> bytes:
        try:
            if self._service.store.size(sha256) > self._limits.file_bytes:
                raise PictureMissing("The original is larger than a file may be.")
            with self._service.store.open(sha256) as stream:
                return stream.read()
        except (BlobMissing, BlobDamaged) as error:
            raise PictureMissing(_ORIGINAL_LOST) from error

    def _bytes(self, kept: KeptPicture) -> bytes:
        try:
            with self._service.store.open(kept.sha256) as stream:
                content = stream.read()
        except (BlobMissing, BlobDamaged) as error:
            raise PictureMissing("The picture of this page is missing from the file store, or damaged.") from error
        if hashlib.sha256(content).hexdigest() != kept.sha256:
            raise PictureMissing("The picture of this page is damaged.")
        return content

    def _pixels(self, kept: KeptPicture) -> Grey:
        with self._decoded_lock:
            if kept.sha256 in self._decoded:
                self._decoded.move_to_end(kept.sha256)
                return self._decoded[kept.sha256]
        pixels = of_jpeg(self._bytes(kept))
        with self._decoded_lock:
            self._decoded[kept.sha256] = pixels
            while len(self._decoded) > _DECODED_AT_ONCE:
                self._decoded.popitem(last=False)
        return pixels
