"""What makes a password, how it is kept, and that refusing takes as long whether the name exists or not."""

import time

import pytest

from intake.people import passwords, tokens
from intake.people.errors import UnfitPassword

GOOD = "correct horse battery"


@pytest.mark.parametrize(
    "password",
    [GOOD, "x1y2z3x1y2z3", "            a b c d", "p" * 99 + "abc", "ことばをならべたあいことば"],
)  # fmt: skip
def test_length_is_all_that_is_asked_of_a_password(password: str) -> None:
    passwords.require_fit(password, "anna")


@pytest.mark.parametrize(
    ("password", "why"),
    [("", "12"), ("elevenchars", "12"), ("x" * 201, "200"), ("aaaaaaaaaaaaaa", "guess"), ("abababababab", "guess"),
     ("annajonesannajones", "guess"), ("annajones2026", "guess"), ("AnnaJones1234", "guess")],
)  # fmt: skip
def test_what_is_too_easy_to_guess_is_refused_with_what_to_do(password: str, why: str) -> None:
    with pytest.raises(UnfitPassword, match=why) as refused:
        passwords.require_fit(password, "annajones")
    assert not password or password not in str(refused.value)


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    first, second = passwords.hashed(GOOD), passwords.hashed(GOOD)
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert passwords.is_right(first, GOOD)
    assert not passwords.is_right(first, GOOD + " ")
    assert not passwords.is_right(first, "")
    assert not passwords.is_out_of_date(first)
    assert passwords.is_out_of_date("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21l$aGFzaA")


def test_the_same_letters_from_another_keyboard_are_the_same_password() -> None:
    kept = passwords.hashed("Pass word with \u00e4")
    assert passwords.is_right(kept, "Pass word with a\u0308")


def test_nobodys_password_is_never_right_and_takes_as_long_to_refuse() -> None:
    kept = passwords.hashed(GOOD)

    def fastest(of: str | None) -> float:
        """Of five: what the machine does besides only makes it slower."""
        times = []
        for _ in range(5):
            began = time.perf_counter()
            assert not passwords.is_right(of, "a wrong password")
            times.append(time.perf_counter() - began)
        return min(times)

    assert 0.5 < fastest(None) / fastest(kept) < 2
    assert not passwords.is_right(None, GOOD)


def test_what_is_too_long_to_be_a_password_is_not_hashed_whole() -> None:
    began = time.perf_counter()
    assert not passwords.is_right(passwords.hashed(GOOD), "x" * 50_000_000)
    assert time.perf_counter() - began < 10


def test_the_token_against_forged_forms_goes_with_one_secret_only() -> None:
    one, other = tokens.new_token(), tokens.new_token()
    assert len(one) >= 43
    assert tokens.is_csrf_token(tokens.csrf_token(one), one)
    assert not tokens.is_csrf_token(tokens.csrf_token(one), other)
    for wrong in ("", "x", one, tokens.csrf_token(one)[:-1], tokens.csrf_token(one).upper() + "\udcff"):
        assert not tokens.is_csrf_token(wrong, one)
    assert one not in tokens.csrf_token(one)
