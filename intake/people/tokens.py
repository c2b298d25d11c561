"""Secrets that stand for somebody: made here, held by a browser or in a link, kept by us as digests only."""

import hashlib
import hmac
import secrets
from typing import Final

_BYTES: Final = 32


def new_token() -> str:
    """A secret nobody can guess, of letters that can stand in an address."""
    return secrets.token_urlsafe(_BYTES)


def digest_of(token: str) -> str:
    """What is kept of it. It is random: a plain SHA-256 can not be turned back."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def csrf_token(token: str) -> str:
    """What a page sends back to prove that it is ours: whoever cannot read the cookie cannot know it."""
    return hmac.new(token.encode("utf-8", "surrogateescape"), b"csrf", hashlib.sha256).hexdigest()


def is_csrf_token(given: str, token: str) -> bool:
    """Whether it is the one that goes with the cookie, compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), csrf_token(token).encode())
