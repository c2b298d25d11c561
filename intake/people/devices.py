"""Browsers in which somebody has signed in before: attempts there are counted apart from those of strangers.

Who guesses for one name from many addresses makes everybody wait who tries that name, its owner too. So a browser is
given a proof that its person signed in there, for later (OWASP's device cookies). It frees nobody from the password,
and guessing with it is slowed down like any other.

A proof is made with what is kept of the password. So it ends with the password, only we can make one, and nothing needs
to be kept of it. It tells nothing about the password: what is kept of that is salted.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Final

from intake.database.tables import PersonRow

LASTS: Final = timedelta(days=180)
_PEOPLE_IN_A_BROWSER: Final = 8  # at most: a cookie has little room
_BETWEEN: Final = ":"
_PROOF: Final = re.compile(r"(?P<said>(?P<issued>[0-9]{1,11})\.[A-Za-z0-9_-]{22})\.(?P<mac>[0-9a-f]{64})", re.ASCII)


def proof_of(row: PersonRow | None, proofs: str, now: datetime) -> str | None:
    """The one of a browser's proofs that is of that person, and good; None if there is none."""
    if row is None or row.password_hash is None:
        return None
    return next((proof for proof in _parted(proofs) if _is_good(proof, row.id, row.password_hash, now)), None)


def with_proof_of(row: PersonRow, proofs: str, now: datetime, replaced: str | None = None) -> str:
    """What a browser holds from now on in which that person has just signed in: a new proof before those of others.

    replaced: the proof of theirs that it had.
    """
    if row.password_hash is None:
        return proofs
    said = f"{int(now.timestamp())}.{secrets.token_urlsafe(16)}"
    new = f"{said}.{_mac(said, row.id, row.password_hash)}"
    others = [proof for proof in _parted(proofs) if proof != replaced]
    return _BETWEEN.join([new, *others][:_PEOPLE_IN_A_BROWSER])


def _parted(proofs: str) -> list[str]:
    """What could be a proof, by its looks."""
    return [proof for proof in proofs.split(_BETWEEN)[:_PEOPLE_IN_A_BROWSER] if _PROOF.fullmatch(proof)]


def _is_good(proof: str, person_id: int, kept: str, now: datetime) -> bool:
    found = _PROOF.fullmatch(proof)
    if found is None or int(found["issued"]) + LASTS.total_seconds() <= now.timestamp():
        return False
    return hmac.compare_digest(found["mac"], _mac(found["said"], person_id, kept))


def _mac(said: str, person_id: int, kept: str) -> str:
    return hmac.new(kept.encode(), f"device of {person_id}: {said}".encode(), hashlib.sha256).hexdigest()
