"""Keys from the setting: what is taken, what is refused, and that no message tells a secret."""

import base64
import hashlib
import hmac

import pytest

from intake.store.errors import KeyUnusable
from intake.store.keys import Key, parse_keys

SECRET = bytes(range(32))
OTHER = bytes(range(100, 132))


def encoded(secret: bytes) -> str:
    return base64.b64encode(secret).decode()


def hkdf(secret: bytes, purpose: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt, one block, written from its section 2."""
    return hmac.new(hmac.new(bytes(32), secret, "sha256").digest(), purpose + b"\x01", "sha256").digest()


def test_the_first_key_writes_and_all_can_be_asked_for() -> None:
    keys = parse_keys(f"2026b:{encoded(OTHER)}, 2026a:{encoded(SECRET)}")
    assert (keys.newest.id, keys.newest.secret) == ("2026b", OTHER)
    found = keys.named("2026a")
    assert found is not None
    assert found.secret == SECRET
    assert keys.named("2025") is None


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("", "not of the form id:base64"),
        (encoded(SECRET), "not of the form id:base64"),
        (f":{encoded(SECRET)}", "the id of key number 1"),
        (f"a key:{encoded(SECRET)}", "the id of key number 1"),
        (f"{'a' * 33}:{encoded(SECRET)}", "the id of key number 1"),
        (f"a:{encoded(SECRET)},b:{encoded(SECRET)[:-3]}", "key number 2 in POSTROOM_KEY is not base64"),
        (f"a:{encoded(SECRET[:31])}", "has 31 bytes and must have 32"),
        (f"a:{encoded(SECRET * 2)}", "has 64 bytes and must have 32"),
        (f"a:{encoded(bytes(32))}", "is not random"),
        (f"a:{encoded(SECRET)},a:{encoded(OTHER)}", "two keys by the same id"),
        (f"a:{encoded(SECRET)},b:{encoded(SECRET)}", "the same key under two ids"),
        (f"a:{encoded(SECRET)},", "key number 2 in POSTROOM_KEY is not of the form"),
    ],
)
def test_a_key_that_cannot_protect_anything_is_refused_in_a_sentence_without_it(setting: str, reason: str) -> None:
    with pytest.raises(KeyUnusable, match=reason) as refusal:
        parse_keys(setting)
    assert encoded(SECRET)[:8] not in str(refusal.value)


def test_a_key_does_not_show_its_secret() -> None:
    shown = repr(parse_keys(f"a:{encoded(SECRET)}"))
    assert "a" in shown
    assert str(SECRET) not in shown
    assert encoded(SECRET) not in shown


def test_the_name_of_a_file_is_the_hmac_of_its_digest_under_a_key_of_its_own() -> None:
    digest = hashlib.sha256(b"a letter").digest()
    expected = hmac.new(hkdf(SECRET, b"postroom: name files, version 1"), digest, "sha256").hexdigest()
    assert Key("a", SECRET).name_of(digest.hex()) == expected
    assert Key("b", OTHER).name_of(digest.hex()) != expected
