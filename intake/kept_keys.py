"""Keys of programs that the database keeps: made here, shown once, kept as digests, revoked at any time.

Those of POSTROOM_API_KEYS stand beside them: the environment is for the first key, and for machines set up by files.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session

from intake import audit
from intake.api_keys import ApiKey, ApiKeys, require_name
from intake.database.engine import Database
from intake.database.tables import ApiKeyRow
from schemas.errors import MailError, Unavailable
from schemas.scopes import Scope

_KEY_BYTES: Final = 32
_BEGINS: Final = "pr_"  # so that a key that was left lying about is known for what it is


class NoSuchKey(MailError):
    """No key in use has this number, or this name."""


class KeptKey(NamedTuple):
    """A key as people see it; the key itself is known to its holder only."""

    id: int
    name: str
    scopes: Sequence[str]
    created_at: datetime
    revoked_at: datetime | None


def add(session: Session, name: str, scopes: Collection[Scope], actor: str, now: datetime) -> tuple[KeptKey, str]:
    """A new key for the caller `name`, and the text of it, which nobody can find out later.

    Raises ValueError if the name cannot be one, or no scope is given.
    """
    require_name(name)
    if not scopes:
        raise ValueError("a key opens something: name a scope")
    key = _BEGINS + secrets.token_urlsafe(_KEY_BYTES)
    words = sorted(scope.value for scope in scopes)
    row = ApiKeyRow(name=name, digest=_digest(key), scopes=words, created_at=now)
    session.add(row)
    session.flush()
    audit.append(session, now, actor, "key made", f"key:{row.id}", {"caller": name, "scopes": " ".join(words)})
    return _kept(row), key


def listed(session: Session) -> Sequence[KeptKey]:
    """Every key there ever was, the oldest first."""
    return [_kept(row) for row in session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.id))]


def revoke(session: Session, which: str, actor: str, now: datetime) -> Sequence[KeptKey]:
    """Let nobody in any more with the key of that number, or with any of that name. Raises NoSuchKey."""
    is_meant = ApiKeyRow.id == int(which) if which.isascii() and which.isdecimal() else ApiKeyRow.name == which
    rows = session.scalars(
        update(ApiKeyRow)
        .where(is_meant, ApiKeyRow.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiKeyRow)
        .execution_options(synchronize_session=False)
    ).all()
    if not rows:
        raise NoSuchKey("No key in use has that number or name.")
    for row in rows:
        audit.append(session, now, actor, "key revoked", f"key:{row.id}", {"caller": row.name})
    return [_kept(row) for row in rows]


def in_use(session: Session) -> bool:
    """Whether there is a key that opens anything."""
    return bool(session.scalars(select(exists().where(ApiKeyRow.revoked_at.is_(None)))).one())


@dataclass
class KeyRing:
    """All keys that are accepted: those of the environment, and those the database keeps. Safe to share by threads.

    While the database is away what was known last holds: there is little to be had then, but to be told that it is.
    """

    database: Database
    environment: ApiKeys
    _were_any: bool | None = field(default=None, init=False)  # None: not known yet
    _known: dict[str, ApiKey] = field(default_factory=dict, init=False, repr=False)  # of the database, by digest

    def asks(self) -> bool:
        """Whether callers need a key. From the first key that was ever made they do: when the last one is revoked,
        nobody is let in, rather than everybody on this machine. Raises Unavailable if that cannot be known."""
        if not self.environment and not self._were_any:
            try:
                with self.database.read() as session:
                    self._were_any = bool(session.scalars(_ANY).one())
            except Unavailable:
                if self._were_any is None:
                    raise
        return bool(self.environment) or bool(self._were_any)

    def find(self, key: str) -> ApiKey | None:
        """The key that this one is; None if it is no key of ours, or no more. Raises Unavailable if nobody can tell."""
        found = self.environment.find(key)
        return self._kept(_digest(key)) if found is None else found

    def _kept(self, digest: str) -> ApiKey | None:
        try:
            with self.database.read() as session:
                row = session.execute(_OF_DIGEST, {"given": digest}).one_or_none()
        except Unavailable:
            if digest in self._known:
                return self._known[digest]
            raise
        if row is None:
            self._known.pop(digest, None)
            return None
        # A word that a later version took away, or an earlier one does not know, opens nothing.
        scopes = frozenset(scope for scope in Scope if scope.value in row.scopes)
        self._known[digest] = ApiKey(row.name, bytes.fromhex(row.digest), scopes)
        return self._known[digest]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _kept(row: ApiKeyRow) -> KeptKey:
    return KeptKey(row.id, row.name, row.scopes, row.created_at, row.revoked_at)


_ANY: Final = select(exists().where(ApiKeyRow.id.is_not(None)))
_OF_DIGEST: Final = select(ApiKeyRow.name, ApiKeyRow.digest, ApiKeyRow.scopes).where(
    ApiKeyRow.digest == bindparam("given"), ApiKeyRow.revoked_at.is_(None)
)
