"""The form of a sealed file, version 1: AES-256-GCM, a data key for each file, authenticated pieces of 64 KiB.

    offset  bytes  what
    0           8  "POSTROOM"
    8           1  version of this form: 1
    9           7  nonce prefix, random
    16        124  slot: the data key, wrapped
    140       124  a second slot, all zeros except while the key is changed
    264            pieces, each 65,536 bytes of the file and a tag of 16; only the last may be shorter, even empty

    a slot      32  id of the key that wraps, ASCII, filled up with zeros
                12  nonce, random
                64  data key (32) and SHA-256 of the file (32), encrypted
                16  tag

A slot is authenticated with the first 16 bytes and its key id, a piece with the first 16 bytes. The nonce of a piece is
the prefix, its number (4 bytes, from 0, most significant first) and 1 for the last piece or 0: so a piece that is
changed, swapped, repeated or left out is found, and so is a file cut off, even between two pieces (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015). Two slots let the key be changed in place: at every
moment one of them is whole.
"""

import io
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intake.store.checked import as_stream
from intake.store.errors import BlobDamaged, KeyUnusable
from intake.store.keys import KEY_BYTES, Key, Keys, is_key_id

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MAGIC = b"POSTROOM\x01"
_PREFIX_BYTES = 7
_FIXED_BYTES = len(_MAGIC) + _PREFIX_BYTES
_ID_BYTES, _NONCE_BYTES, _TAG_BYTES, _DIGEST_BYTES = 32, 12, 16, 32
_SLOT_BYTES = _ID_BYTES + _NONCE_BYTES + KEY_BYTES + _DIGEST_BYTES + _TAG_BYTES
_EMPTY_SLOT = bytes(_SLOT_BYTES)

HEAD_BYTES = _FIXED_BYTES + 2 * _SLOT_BYTES
_PLAIN_PIECE_BYTES = 64 * 1024
_SEALED_PIECE_BYTES = _PLAIN_PIECE_BYTES + _TAG_BYTES


@dataclass(frozen=True)
class Opened:
    """What a head says once a key has opened it.

    slot:   which of the two slots the key opened, 0 or 1.
    key_id: of that key.
    sha256: of the file as received.
    """

    fixed: bytes
    slot: int
    key_id: str
    data_key: bytes
    sha256: str


class Sealer:
    """Seals a stream: takes plain bytes, hands on sealed pieces, and at the end knows the head to put before them."""

    def __init__(self, hand_on: Callable[[bytes], None]) -> None:
        """hand_on: gets a placeholder for the head first, then the pieces in order."""
        self._hand_on = hand_on
        self._data_key = secrets.token_bytes(KEY_BYTES)
        self._cipher = AESGCM(self._data_key)
        self._fixed = _MAGIC + os.urandom(_PREFIX_BYTES)
        self._waiting = bytearray()
        self._number = 0
        hand_on(bytes(HEAD_BYTES))

    def write(self, piece: bytes) -> None:
        """Seal all but what might be the last piece."""
        self._waiting += piece
        while len(self._waiting) > _PLAIN_PIECE_BYTES:
            self._seal(bytes(self._waiting[:_PLAIN_PIECE_BYTES]), is_last=False)
            del self._waiting[:_PLAIN_PIECE_BYTES]

    def finish(self, key: Key, sha256: str) -> bytes:
        """Seal the last piece; return the head, with the data key wrapped by `key`."""
        self._seal(bytes(self._waiting), is_last=True)
        return self._fixed + _wrapped(self._fixed, key, self._data_key, sha256) + _EMPTY_SLOT

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        nonce = _piece_nonce(self._fixed, self._number, is_last=is_last)
        self._hand_on(self._cipher.encrypt(nonce, piece, self._fixed))
        self._number += 1


def open_head(head: bytes, keys: Keys, *, named: str) -> Opened:
    """Open the first slot that a key at hand opens.

    named: what errors call the file: its digest, or its name on the shelf where the digest is not known.
    Raises KeyUnusable if the keys it is sealed with are not at hand, BlobDamaged if it is no sealed file or none opens.
    """
    if len(head) < HEAD_BYTES or not head.startswith(_MAGIC):
        raise BlobDamaged(named, "it does not begin as a sealed file does")
    fixed, slots = head[:_FIXED_BYTES], _slots(head)
    for place, slot in enumerate(slots):
        key = keys.named(_key_id(slot))
        secret = _unwrapped(fixed, slot, key) if key else None
        if key and secret:
            return Opened(fixed, place, key.id, secret[:KEY_BYTES], secret[KEY_BYTES:].hex())
    if all(keys.named(_key_id(slot)) is None for slot in slots):
        which = " or ".join(filter(is_key_id, map(_key_id, slots)))
        raise KeyUnusable(f"the file {named} is sealed with {_a_key(which)} is not in POSTROOM_KEY")
    raise BlobDamaged(named, "its data key does not open, or POSTROOM_KEY holds another key under the same id")


def check_slots(head: bytes, keys: Keys, *, named: str) -> None:
    """Raise BlobDamaged unless both slots are empty or open: what reading alone would not notice in the second."""
    for slot in _slots(head):
        key = keys.named(_key_id(slot))
        if slot != _EMPTY_SLOT and (key is None or _unwrapped(head[:_FIXED_BYTES], slot, key) is None):
            raise BlobDamaged(named, "a slot for its data key holds something that does not open")


def rewrapped_heads(head: bytes, opened: Opened, key: Key) -> tuple[bytes, bytes]:
    """The head that both the old keys and `key` open, then the one that only `key` opens."""
    slots = list(_slots(head))
    keep = opened.slot
    if opened.key_id != key.id:
        keep = 1 - opened.slot
        slots[keep] = _wrapped(opened.fixed, key, opened.data_key, opened.sha256)
    interim = opened.fixed + slots[0] + slots[1]
    slots[1 - keep] = _EMPTY_SLOT
    return interim, opened.fixed + slots[0] + slots[1]


def plain_size(sealed_bytes: int) -> int:
    """How many bytes were received, from the size of the sealed file. Raises ValueError for what is too short."""
    body = sealed_bytes - HEAD_BYTES
    number = max(1, -(-body // _SEALED_PIECE_BYTES))
    if body < number * _TAG_BYTES:
        raise ValueError("too short for a sealed file")
    return body - number * _TAG_BYTES


def unsealed(source: BinaryIO, opened: Opened) -> BinaryIO:
    """The plain bytes of a sealed file whose head has just been read from `source`, read forward; closes `source`.

    Raises BlobDamaged while reading; every byte handed out has been authenticated, but only the end proves it whole.
    """
    return as_stream(_Unsealed(source, opened))


class _Unsealed(io.RawIOBase):
    """Opens one piece after the other; whether a piece is the last shows when nothing comes after it."""

    def __init__(self, source: BinaryIO, opened: Opened) -> None:
        self._source = source
        self._opened = opened
        self._cipher = AESGCM(opened.data_key)
        self._number = 0
        self._next = source.read(_SEALED_PIECE_BYTES)
        self._plain = memoryview(b"")
        self._at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As io.RawIOBase says. Raises BlobDamaged."""
        if not self._plain and not self._at_end:
            self._plain = memoryview(self._open_next())
        room = memoryview(buffer).cast("B")
        count = min(len(room), len(self._plain))
        room[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def close(self) -> None:
        self._source.close()
        super().close()

    def _open_next(self) -> bytes:
        sealed, self._next = self._next, self._source.read(_SEALED_PIECE_BYTES)
        self._at_end = not self._next
        nonce = _piece_nonce(self._opened.fixed, self._number, is_last=self._at_end)
        self._number += 1
        try:
            return self._cipher.decrypt(nonce, sealed, self._opened.fixed)
        except InvalidTag as error:  # also what is shorter than a tag
            raise BlobDamaged(self._opened.sha256, f"piece {self._number} does not open, or is not the last") from error


def _wrapped(fixed: bytes, key: Key, data_key: bytes, sha256: str) -> bytes:
    """A slot."""
    key_id = key.id.encode("ascii").ljust(_ID_BYTES, b"\0")
    nonce = os.urandom(_NONCE_BYTES)
    return key_id + nonce + key.wrapping.encrypt(nonce, data_key + bytes.fromhex(sha256), fixed + key_id)


def _unwrapped(fixed: bytes, slot: bytes, key: Key) -> bytes | None:
    """Data key and digest, None if `key` does not open the slot."""
    key_id, nonce, secret = slot[:_ID_BYTES], slot[_ID_BYTES:][:_NONCE_BYTES], slot[_ID_BYTES + _NONCE_BYTES :]
    try:
        return key.wrapping.decrypt(nonce, secret, fixed + key_id)
    except InvalidTag:
        return None


def _slots(head: bytes) -> tuple[bytes, bytes]:
    return head[_FIXED_BYTES:][:_SLOT_BYTES], head[_FIXED_BYTES + _SLOT_BYTES : HEAD_BYTES]


def _key_id(slot: bytes) -> str:
    """The id in a slot; empty for an empty slot, and something no key is called by for a damaged one."""
    return slot[:_ID_BYTES].rstrip(b"\0").decode("latin-1")


def _a_key(which: str) -> str:
    """In words: by the ids that a head names, none if it is damaged. They say which key to bring back."""
    return f"the key {which}, which" if which else "a key that"


def _piece_nonce(fixed: bytes, number: int, *, is_last: bool) -> bytes:
    return fixed[len(_MAGIC) :] + number.to_bytes(4, "big") + bytes([is_last])
