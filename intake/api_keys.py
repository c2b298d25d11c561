"""API keys: who calls from another machine. They are kept and compared as digests only."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SHORTEST_KEY: Final = 32  # characters; 16 random bytes written in hexadecimal
LOCAL_CALLER: Final = "api"  # the name of whoever calls from this machine without a key
NOBODY: Final = "nobody"  # who acts where it is not known who did: a sign-in that failed
_OURS: Final = frozenset({LOCAL_CALLER, NOBODY, "sweep", "reconcile"})  # under which the program stands in the audit
MAKE_ONE: Final = "openssl rand -hex 32"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]+")  # what can stand in a header and in a list parted by commas


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is accepted: the name of the caller it stands for, and the SHA-256 of the key."""

    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """All keys that are accepted; one caller may have several, so that a key can be changed without an interruption."""

    keys: tuple[ApiKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys)

    def whose(self, key: str) -> str | None:
        """The name of the caller that this key stands for; None if it is no key of ours.

        Every key is compared, in constant time and by digest: how long it takes tells nothing about any of them.
        """
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found = None
        for known in self.keys:
            if hmac.compare_digest(known.digest, digest):
                found = known.name
        return found


def parse_api_keys(text: str) -> ApiKeys:
    """The keys of a list "name:key" parted by commas; none if it is empty.

    Raises ValueError saying which entry is wrong by its place, never by its text, and what to do.
    """
    keys = tuple(_parsed(text))
    if len({key.digest for key in keys}) < len(keys):
        raise ValueError(f"two entries have the same key; make one for each caller with: {MAKE_ONE}")
    return ApiKeys(keys)


def _parsed(text: str) -> Iterator[ApiKey]:
    entries = [entry.strip() for entry in text.split(",")] if text.strip() else []
    for place, entry in enumerate(entries, 1):
        name, colon, key = entry.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise ValueError(
                f"entry {place} is not name:key, the name of up to 64 letters, digits, points, dashes and underscores"
            )
        if name in _OURS:
            raise ValueError(f"entry {place} has the name {name}, under which the program itself acts; take another")
        if len(key) < SHORTEST_KEY:
            raise ValueError(
                f"the key of entry {place} is shorter than {SHORTEST_KEY} characters; make one with: {MAKE_ONE}"
            )
        if not _KEY.fullmatch(key):
            raise ValueError(
                f"the key of entry {place} holds signs that no header can carry; make one with: {MAKE_ONE}"
            )
        yield ApiKey(name, hashlib.sha256(key.encode()).digest())
