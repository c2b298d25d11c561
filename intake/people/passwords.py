"""Passwords: what makes one, how it is kept, how it is compared."""

import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from intake.people.errors import UnfitPassword

SHORTEST: Final = 12
LONGEST: Final = 200  # longer ones protect nothing more, and cost time to hash

_HASHER: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
# Each takes 64 MiB while it lasts: however many sign in at once, that many are hashed side by side.
_AT_ONCE: Final = threading.Semaphore(2)
# Of a password nobody has. Comparing with it takes as long as with any other, so that how long an answer takes does
# not tell whether a name exists.
_NOBODYS: Final = "$argon2id$v=19$m=65536,t=3,p=4$2u4eRsoagB4ykNuRXvWEVQ$LiPa0AjEOhtQowyDniWnilstmSjaGkv86Va34jDbd0o"


def require_fit(password: str, name: str) -> None:
    """Raise UnfitPassword, with what to do, unless it may become the password of whoever has that name.

    What it is made of is not asked: length is what makes guessing hard (NIST SP 800-63B).
    """
    if len(password) < SHORTEST:
        raise UnfitPassword(f"Enter a password of {SHORTEST} characters or more. Three or four words make a good one.")
    if len(password) > LONGEST:
        raise UnfitPassword(f"Enter a password of {LONGEST} characters or fewer.")
    plain = password.casefold()
    if len(set(plain)) < 4 or not plain.replace(name.casefold(), "").strip(" 0123456789"):
        raise UnfitPassword("Enter a password that is harder to guess: not your name, and not one sign over and over.")


def hashed(password: str) -> str:
    """What is kept of it: Argon2id, with its parameters and a salt of its own."""
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def is_right(kept: str | None, password: str) -> bool:
    """Whether it is the password `kept` was made of; never if `kept` is None. Takes as long whatever the answer."""
    with _AT_ONCE:
        try:
            _HASHER.verify(kept or _NOBODYS, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_out_of_date(kept: str) -> bool:
    """Whether it was made with other parameters than ours: to be made again when the password is at hand."""
    return _HASHER.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """The same letters typed on another keyboard are the same password. What is longer than any password is cut."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1])
