"""The form of a sealed file: read here by other code, written from its description alone."""

import hashlib
import hmac
import io

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intake.store.errors import BlobDamaged, KeyUnusable
from intake.store.keys import Key, Keys
from intake.store.seal import (
    HEAD_BYTES,
    Sealer,
    check_slots,
    open_head,
    plain_size,
    rewrapped_heads,
    unsealed,
)

OLD, NEW = Key("2026a", bytes(range(32))), Key("2026b", bytes(range(100, 132)))
SEALED_PIECE = 65536 + 16
SIZES = [0, 1, 65535, 65536, 65537, 131072, 150000]


def content_of(size: int) -> bytes:
    return hashlib.shake_256(b"a letter").digest(size)


def seal(content: bytes, key: Key = OLD, *, step: int = 50000) -> bytes:
    written: list[bytes] = []
    sealer = Sealer(written.append)
    for start in range(0, len(content), step):
        sealer.write(content[start : start + step])
    head = sealer.finish(key, hashlib.sha256(content).hexdigest())
    assert written[0] == bytes(len(head))
    return head + b"".join(written[1:])


def unseal(sealed: bytes, *keys: Key) -> bytes:
    opened = open_head(sealed[:HEAD_BYTES], Keys(keys or (OLD,)), named="it")
    with unsealed(io.BytesIO(sealed[HEAD_BYTES:]), opened) as stream:
        return stream.read()


def unseal_by_the_description(sealed: bytes, secret: bytes) -> bytes:
    """Written from the table at the top of seal.py and RFC 5869, with none of our code."""
    assert sealed[:9] == b"POSTROOM\x01"
    slot = sealed[16:140]
    wrapping = hmac.new(
        hmac.new(bytes(32), secret, "sha256").digest(), b"postroom: wrap data keys, version 1\x01", "sha256"
    ).digest()
    unwrapped = AESGCM(wrapping).decrypt(slot[32:44], slot[44:], sealed[:16] + slot[:32])
    body, plain = sealed[264:], b""
    pieces = [body[start : start + SEALED_PIECE] for start in range(0, len(body), SEALED_PIECE)]
    for number, piece in enumerate(pieces):
        nonce = sealed[9:16] + number.to_bytes(4, "big") + (b"\1" if number == len(pieces) - 1 else b"\0")
        plain += AESGCM(unwrapped[:32]).decrypt(nonce, piece, sealed[:16])
    assert unwrapped[32:] == hashlib.sha256(plain).digest()
    return plain


@pytest.mark.parametrize("size", SIZES)
def test_a_sealed_file_opens_to_what_was_sealed(size: int) -> None:
    sealed = seal(content_of(size))
    assert unseal(sealed) == content_of(size)
    assert unseal_by_the_description(sealed, OLD.secret) == content_of(size)
    assert plain_size(len(sealed)) == size


def test_sealing_the_same_bytes_twice_gives_two_files_that_share_nothing() -> None:
    first, second = seal(content_of(2000)), seal(content_of(2000))
    assert first[HEAD_BYTES:][:32] not in second
    assert content_of(2000)[:32] not in first


@pytest.mark.parametrize("cut", [1, 16, 17, SEALED_PIECE, SEALED_PIECE + 1])
def test_a_file_cut_off_is_found_even_between_two_pieces(cut: int) -> None:
    sealed = seal(content_of(65536 * 3))
    with pytest.raises(BlobDamaged):
        unseal(sealed[:-cut])


def test_a_file_cut_off_after_its_head_is_found() -> None:
    with pytest.raises(BlobDamaged):
        unseal(seal(content_of(10))[:HEAD_BYTES])
    with pytest.raises(ValueError, match="too short"):
        plain_size(HEAD_BYTES)


def test_pieces_swapped_repeated_left_out_or_added_are_found() -> None:
    sealed = seal(content_of(65536 * 3))
    head, body = sealed[:HEAD_BYTES], sealed[HEAD_BYTES:]
    first, second, third = (body[start : start + SEALED_PIECE] for start in range(0, len(body), SEALED_PIECE))
    for other in (second + first + third, first + first + third, first + third, body + third, body + b"x"):
        with pytest.raises(BlobDamaged):
            unseal(head + other)


def test_a_piece_of_another_file_is_found() -> None:
    one, other = seal(content_of(100)), seal(content_of(100))
    with pytest.raises(BlobDamaged):
        unseal(one[:HEAD_BYTES] + other[HEAD_BYTES:])


def test_another_key_does_not_open_and_the_message_says_whether_it_lacks_or_is_wrong() -> None:
    sealed = seal(content_of(100))
    with pytest.raises(KeyUnusable, match="the key 2026a, which is not in POSTROOM_KEY"):
        unseal(sealed, NEW)
    with pytest.raises(BlobDamaged, match="another key under the same id"):
        unseal(sealed, Key(OLD.id, NEW.secret))


def test_an_id_that_was_damaged_is_not_told() -> None:
    sealed = bytearray(seal(content_of(100)))
    sealed[16] = 0xFF
    with pytest.raises(KeyUnusable, match="with a key that is not in POSTROOM_KEY"):
        unseal(bytes(sealed))


def test_what_is_no_sealed_file_is_said_to_be_none() -> None:
    for head in (b"", b"%PDF-1.7", bytes(HEAD_BYTES), b"POSTROOM\x02" + bytes(HEAD_BYTES)):
        with pytest.raises(BlobDamaged, match="does not begin"):
            open_head(head, Keys((OLD,)), named="it")


def test_a_new_key_opens_the_file_after_the_first_change_and_the_old_one_not_after_the_last() -> None:
    sealed = seal(content_of(100))
    head, body = sealed[:HEAD_BYTES], sealed[HEAD_BYTES:]
    interim, final = rewrapped_heads(head, open_head(head, Keys((OLD,)), named="it"), NEW)
    assert unseal(interim + body, OLD) == unseal(interim + body, NEW) == unseal(final + body, NEW) == content_of(100)
    with pytest.raises(KeyUnusable):
        unseal(final + body, OLD)


def test_a_key_changed_twice_comes_back_to_the_first_place() -> None:
    sealed = seal(content_of(100))
    head = sealed[:HEAD_BYTES]
    for key in (NEW, OLD):
        head = rewrapped_heads(head, open_head(head, Keys((OLD, NEW)), named="it"), key)[1]
    assert head[140:] == bytes(124)
    assert unseal(head + sealed[HEAD_BYTES:]) == content_of(100)


def test_a_change_of_key_cut_off_anywhere_leaves_a_file_that_opens_and_can_be_mended() -> None:
    sealed = seal(content_of(100))
    head, body = sealed[:HEAD_BYTES], sealed[HEAD_BYTES:]
    both = Keys((NEW, OLD))
    interim, final = rewrapped_heads(head, open_head(head, both, named="it"), NEW)
    for before, after in ((head, interim), (interim, final)):
        for written in range(0, HEAD_BYTES, 31):
            torn = after[:written] + before[written:]
            assert unseal(torn + body, NEW, OLD) == content_of(100)
            mended = rewrapped_heads(torn, open_head(torn, both, named="it"), NEW)[1]
            check_slots(mended, Keys((NEW,)), named="it")
            assert unseal(mended + body, NEW) == content_of(100)


def test_rubbish_in_the_second_slot_is_found_by_looking_for_it() -> None:
    sealed = seal(content_of(100))
    check_slots(sealed[:HEAD_BYTES], Keys((OLD,)), named="it")
    with pytest.raises(BlobDamaged, match="a slot"):
        check_slots(sealed[:200] + b"x" + sealed[201:HEAD_BYTES], Keys((OLD,)), named="it")
