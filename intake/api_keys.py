"""API keys: who calls from another machine. They are kept and compared as digests only."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.scopes import EVERYTHING, Scope

SHORTEST_KEY: Final = 32  # characters; 16 random bytes written in hexadecimal
LOCAL_CALLER: Final = "api"  # the name of whoever calls from this machine without a key
NOBODY: Final = "nobody"  # who acts where it is not known who did: a sign-in that failed
_OURS: Final = frozenset({LOCAL_CALLER, NOBODY, "sweep", "reconcile"})  # under which the program stands in the audit
MAKE_ONE: Final = "openssl rand -hex 32"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WHO: Final = re.compile(r"(?P<name>[^\[\]:]*)(\[(?P<scopes>[a-z:+]*)\])?:(?P<key>.*)", re.DOTALL)
_KEY: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]+")  # what can stand in a header and in a list parted by commas


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is accepted: the name of the caller it stands for, the SHA-256 of the key, and what it opens."""

    name: str
    digest: bytes
    scopes: frozenset[Scope] = EVERYTHING

    @property
    def shown(self) -> str:
        """Whose it is and what it opens, for people; nothing of what it opens if that is everything."""
        return self.name if self.scopes == EVERYTHING else f"{self.name}[{'+'.join(sorted(self.scopes))}]"


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """All keys that are accepted; one caller may have several, so that a key can be changed without an interruption."""

    keys: tuple[ApiKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys)

    def find(self, key: str) -> ApiKey | None:
        """The key that this one is; None if it is no key of ours.

        Every key is compared, in constant time and by digest: how long it takes tells nothing about any of them.
        """
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found = None
        for known in self.keys:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found


def parse_api_keys(text: str) -> ApiKeys:
    """The keys of a list "name:key" or "name[scope+scope]:key" parted by commas; none if it is empty.

    A key without named scopes opens everything.

    Raises ValueError saying which entry is wrong by its place, never by its text, and what to do.
    """
    keys = tuple(_parsed(text))
    if len({key.digest for key in keys}) < len(keys):
        raise ValueError(f"two entries have the same key; make one for each caller with: {MAKE_ONE}")
    return ApiKeys(keys)


def require_name(name: str) -> None:
    """Raise ValueError, saying why, if no caller can have that name."""
    if not _NAME.fullmatch(name):
        raise ValueError("a caller's name is up to 64 letters, digits, points, dashes and underscores")
    if name in _OURS:
        raise ValueError(f"{name} is a name under which the program itself acts; take another")


def _parsed(text: str) -> Iterator[ApiKey]:
    entries = [entry.strip() for entry in text.split(",")] if text.strip() else []
    for place, entry in enumerate(entries, 1):
        parts = _WHO.fullmatch(entry)
        if parts is None or not _NAME.fullmatch(parts["name"]):
            raise ValueError(
                f"entry {place} is not name:key or name[scope+scope]:key, the name of up to 64 letters, digits, points,"
                " dashes and underscores"
            )
        name, key = parts["name"], parts["key"]
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
        yield ApiKey(name, hashlib.sha256(key.encode()).digest(), _scopes(place, parts["scopes"]))


def _scopes(place: int, listed: str | None) -> frozenset[Scope]:
    """What an entry opens; everything where it does not say. Raises ValueError for a word that is no scope."""
    if listed is None:
        return EVERYTHING
    try:
        return frozenset(map(Scope, listed.split("+")))
    except ValueError:
        raise ValueError(f"entry {place} names a scope there is not; there are {', '.join(Scope)}") from None
