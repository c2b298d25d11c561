"""A store whose files are encrypted at rest; how a sealed file looks is told in `seal.py`."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO

from intake.store import Known, LeftOut, Stored, Survey, Swept, nobody
from intake.store.checked import checked, read_through
from intake.store.errors import BlobDamaged, BlobMissing, KeyUnusable
from intake.store.keys import Keys
from intake.store.orphans import Shelved, remove_unneeded, survey
from intake.store.plain import PlainStore
from intake.store.seal import (
    HEAD_BYTES,
    Opened,
    Sealer,
    check_slots,
    open_head,
    plain_size,
    rewrapped_heads,
    unsealed,
)
from intake.store.shelf import NewHead, NotOnShelf, Shelf, checked_name, pieces
from schemas.errors import Unavailable

# While a file is brought under another key its name changes: who looked under both at the wrong moments looks again.
_LOOKS = 3
# One damaged file must not keep the service from starting.
_FILES_TRIED = 20
_THE_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Place:
    """Where a sealed file was found, and what its head says."""

    name: str
    head: bytes
    opened: Opened


class SealedStore:
    """Seals what is put with the newest key, and reads what is sealed with any key at hand.

    The name of a sealed file says nothing to whoever has no key: see `Key.name_of`. What was put before the office had
    a key lies on `plain`; it is read from there, and `rewrap` seals it.
    """

    def __init__(self, shelf: Shelf, keys: Keys, plain: PlainStore) -> None:
        self._shelf = shelf
        self._keys = keys
        self._plain = plain

    def put(self, stream: BinaryIO) -> Stored:
        """Keep what is left in `stream`, sealed; see Store. Plain bytes touch no disk."""
        digest, count = hashlib.sha256(), 0
        with self._shelf.draft() as draft:
            sealer = Sealer(draft.write)
            for piece in pieces(stream):
                digest.update(piece)
                sealer.write(piece)
                count += len(piece)
            sha256 = digest.hexdigest()
            head = sealer.finish(self._keys.newest, sha256)
            already = self._touched(sha256, count)
            if already is None:
                draft.set_head(head)
                # What lies under the name now, if anything, was just found to be unsound.
                draft.keep(self._keys.newest.name_of(sha256), over_unsound=True)
        return Stored(sha256, count, already or self._keys.newest.id)

    def open(self, sha256: str) -> BinaryIO:
        """The plain bytes; see Store. Raises KeyUnusable if a key is lacking."""
        checked_name(sha256)
        for _ in range(_LOOKS):
            for key in self._keys.all:
                try:
                    return self._open_named(key.name_of(sha256), sha256)
                except NotOnShelf:
                    continue
            if self._plain.exists(sha256):
                return self._plain.open(sha256)
        raise BlobMissing(sha256)

    def verify(self, sha256: str) -> None:
        """Authenticate and hash it all, and both places for the data key; see Store."""
        read_through(self.open(sha256))
        place = self._found(sha256)
        if place is not None:
            check_slots(place.head, self._keys, named=sha256)

    def size(self, sha256: str) -> int:
        """From the size on the shelf; see Store."""
        checked_name(sha256)
        for _ in range(_LOOKS):
            for key in self._keys.all:
                try:
                    return plain_size(self._shelf.size(key.name_of(sha256)))
                except NotOnShelf:
                    continue
                except ValueError as error:
                    raise BlobDamaged(sha256, "it is too short") from error
            if self._plain.exists(sha256):
                return self._plain.size(sha256)
        raise BlobMissing(sha256)

    def exists(self, sha256: str) -> bool:
        """See Store."""
        try:
            self.size(sha256)
        except BlobMissing:
            return False
        except BlobDamaged:
            return True
        return True

    def digests(self, left_out: LeftOut = nobody) -> Iterator[str]:
        """From the heads, one small read for each file; see Store."""
        for entry in self._shelf.entries():
            digest = self._digest_of(entry.name, left_out)
            if digest is not None:
                yield digest
        yield from self._plain.digests()

    def orphans(self, known: Known, *, older_than: datetime) -> Survey:
        """See Store."""
        sealed, plain = self._shelved()
        return survey(sealed, known, older_than=older_than) + survey(plain, known, older_than=older_than)

    def remove_orphans(self, known: Known, *, older_than: datetime) -> Swept:
        """See Store. A change of keys that was killed can leave a file under two names; one of them goes."""
        sealed, plain = self._shelved()
        removed = remove_unneeded(sealed, known, older_than=older_than)
        return removed + remove_unneeded(plain, known, older_than=older_than)

    def rewrap(self, sha256: str) -> str:
        """Wrap the data key with the newest key and give the file its new name; the content stays as it is.

        A file that was put before there was a key is sealed. Also mends what an interrupted rewrapping left.
        """
        newest = self._keys.newest
        for _ in range(_LOOKS):
            place = self._found(sha256)
            try:
                if place is None:
                    self._seal_plain(sha256)
                    return newest.id
                interim, final = rewrapped_heads(place.head, place.opened, newest)
                new = NewHead(place.head, interim, final, newest.name_of(sha256))
                is_done = place.head == final and place.name == new.name
                if is_done or self._shelf.change_head(place.name, new):
                    return newest.id
            except (NotOnShelf, BlobMissing):
                continue  # brought under the newest key by somebody else, it may be
        if not self.exists(sha256):
            raise BlobMissing(sha256)
        raise Unavailable(f"the key of the file {sha256} is being changed by somebody else")

    def free_bytes(self) -> int:
        """See Store."""
        return self._shelf.free_bytes()

    def _open_named(self, name: str, sha256: str) -> BinaryIO:
        source = self._shelf.open(name)
        try:
            opened = _opened_for(source.read(HEAD_BYTES), self._keys, sha256)
            return checked(unsealed(source, opened), sha256)
        except BaseException:
            source.close()
            raise

    def _found(self, sha256: str) -> _Place | None:
        """Where the sealed file lies, newest key first; None if it is not there, or not sealed."""
        checked_name(sha256)
        for key in self._keys.all:
            name = key.name_of(sha256)
            try:
                head = self._shelf.head(name, HEAD_BYTES)
            except NotOnShelf:
                continue
            return _Place(name, head, _opened_for(head, self._keys, sha256))
        return None

    def _touched(self, sha256: str, count: int) -> str | None:
        """Touch the file if it is here already, sound as far as its head and size say; the id of its key, or None."""
        for key in self._keys.all:
            name = key.name_of(sha256)
            try:
                size = self._shelf.size(name)
                opened = _opened_for(self._shelf.head(name, HEAD_BYTES), self._keys, sha256)
                is_whole = plain_size(size) == count
            except (NotOnShelf, ValueError, BlobDamaged, KeyUnusable):
                continue
            if is_whole and self._shelf.touch(name, size=size):
                return opened.key_id
        return None

    def _digest_of(self, name: str, left_out: LeftOut = nobody) -> str | None:
        """The digest that the head of a file tells; None if it is gone, or no key at hand opens it: `left_out` is told
        why."""
        try:
            return open_head(self._shelf.head(name, HEAD_BYTES), self._keys, named=name).sha256
        except NotOnShelf:
            return None
        except (BlobDamaged, KeyUnusable) as error:
            left_out(error)
            return None

    def _shelved(self) -> tuple[Shelved, Shelved]:
        """What is sealed, and what was put before there was a key."""
        sealed = Shelved(self._shelf, self._digest_of, lambda name: plain_size(self._shelf.size(name)), self._is_spare)
        return sealed, self._plain.shelved(self._is_sealed)

    def _is_sealed(self, sha256: str) -> bool:
        """Whether the file lies here under the newest key, as far as its head says."""
        return self._digest_of(self._keys.newest.name_of(sha256)) == sha256

    def _is_spare(self, name: str, sha256: str) -> bool:
        return name != self._keys.newest.name_of(sha256) and self._is_sealed(sha256)

    def _seal_plain(self, sha256: str) -> None:
        """Put what lies on the plain shelf once more, sealed, and only then take it away there."""
        with self._plain.open(sha256) as stream:
            self.put(stream)
        self._plain.remove(sha256, older_than=_THE_END_OF_TIME)


def _opened_for(head: bytes, keys: Keys, sha256: str) -> Opened:
    """An opened head that speaks of this very file. Raises BlobDamaged also for another file put in its place."""
    opened = open_head(head, keys, named=sha256)
    if opened.sha256 != sha256:
        raise BlobDamaged(sha256, "another file lies in its place")
    return opened


def check_keys(shelf: Shelf, keys: Keys) -> None:
    """Raise KeyUnusable if files lie on the shelf and the keys open none of the first: a wrong key, found at start.

    Without this a mistyped key would show as one missing file after the other, since the names come from the key.
    """
    names = [entry.name for entry in islice(shelf.entries(), _FILES_TRIED)]
    if names and not any(_opens(shelf, name, keys) for name in names):
        raise KeyUnusable("POSTROOM_KEY opens none of the files in the store; give it the key they were sealed with")


def _opens(shelf: Shelf, name: str, keys: Keys) -> bool:
    try:
        open_head(shelf.head(name, HEAD_BYTES), keys, named=name)
    except (NotOnShelf, BlobDamaged, KeyUnusable):
        return False
    return True
