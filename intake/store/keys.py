"""The keys that files are sealed with: from the setting to what the seal needs."""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from intake.store.errors import KeyUnusable

KEY_BYTES = 32
_MAKE_ONE = "make a key with `openssl rand -base64 32`"
_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")


@dataclass(frozen=True)
class Key:
    """One key-encryption key. Its secret never shows in a representation, a message or a log.

    id:     what names it in the settings and in every file sealed with it, at most 32 letters.
    secret: 32 random bytes.
    """

    id: str
    secret: bytes = field(repr=False)

    @cached_property
    def wrapping(self) -> AESGCM:
        """The cipher that wraps data keys; a key of its own, derived by HKDF (RFC 5869)."""
        return AESGCM(self._derived(b"postroom: wrap data keys, version 1"))

    @cached_property
    def hiding(self) -> AESGCM:
        """The cipher that hides the secrets of webhooks in the database."""
        return AESGCM(self._derived(b"postroom: hide webhook secrets, version 1"))

    def name_of(self, sha256: str) -> str:
        """Under which name the shelf keeps the file of this digest: HMAC-SHA256, in hexadecimal.

        The digest itself as a name would let whoever sees a list of names confirm that a document he holds, or can
        guess (a printed letter in which only a postcode is unknown), is among our post. The digest stands in the
        database and, encrypted, inside the sealed file.
        """
        return hmac.new(self._naming, bytes.fromhex(sha256), hashlib.sha256).hexdigest()

    @cached_property
    def _naming(self) -> bytes:
        return self._derived(b"postroom: name files, version 1")

    def _derived(self, purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(self.secret)


@dataclass(frozen=True)
class Keys:
    """All keys at hand, the one used for writing first. Never empty.

    To rotate without stopping: give every process `old,new` (all can read the new one), then `new,old` (all write
    with it), rewrap every file, then give `new` alone.
    """

    all: tuple[Key, ...]

    @property
    def newest(self) -> Key:
        """The key that files are sealed with now."""
        return self.all[0]

    def named(self, key_id: str) -> Key | None:
        """The key of this id; None if it is not at hand."""
        return next((key for key in self.all if key.id == key_id), None)


def is_key_id(text: str) -> bool:
    """Whether a key can be called so."""
    return _ID.fullmatch(text) is not None


def parse_keys(setting: str) -> Keys:
    """The keys in POSTROOM_KEY: `id:base64`, several with commas between. Raises KeyUnusable with what to mend."""
    keys = tuple(_parsed(place, part.strip()) for place, part in enumerate(setting.split(","), start=1))
    ids = [key.id for key in keys]
    if len(set(ids)) != len(ids):
        raise KeyUnusable("POSTROOM_KEY names two keys by the same id; give each key an id of its own")
    if len({key.secret for key in keys}) != len(keys):
        raise KeyUnusable(f"POSTROOM_KEY holds the same key under two ids; {_MAKE_ONE}")
    return Keys(keys)


def _parsed(place: int, part: str) -> Key:
    """One `id:base64`. Its messages name the key by its place, for what stands before the colon may be the secret."""
    which = f"key number {place} in POSTROOM_KEY"
    key_id, colon, encoded = part.partition(":")
    if not colon:
        raise KeyUnusable(f"{which} is not of the form id:base64, for example 2026a:... ; {_MAKE_ONE}")
    if not is_key_id(key_id):
        raise KeyUnusable(f"the id of {which} must be 1 to 32 letters, digits, points, hyphens or underscores")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyUnusable(f"{which} is not base64; {_MAKE_ONE}") from error
    if len(secret) != KEY_BYTES:
        raise KeyUnusable(f"{which} has {len(secret)} bytes and must have {KEY_BYTES}; {_MAKE_ONE}")
    # 32 random bytes with fewer than 16 different ones do not happen: this is a placeholder or a typed pattern.
    if len(set(secret)) < KEY_BYTES // 2:
        raise KeyUnusable(f"{which} is not random; {_MAKE_ONE}")
    return Key(key_id, secret)
