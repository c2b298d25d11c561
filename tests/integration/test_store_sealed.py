"""Files encrypted at rest: damage of every kind is found, and keys change without a failed read."""

import hashlib
import io
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intake.store import Store, Survey, Swept
from intake.store.errors import BlobDamaged, KeyUnusable
from intake.store.keys import parse_keys
from intake.store.local import LocalShelf
from intake.store.opening import open_store
from intake.store.plain import PlainStore
from intake.store.sealed import SealedStore
from schemas.errors import MailError
from tests.integration.store_places import NEW_KEY, OLD_KEY, content_of, sha256_of

CONTENT = content_of(200_000)
DIGEST = sha256_of(CONTENT)
A_LATER_DAY = datetime.now(UTC) + timedelta(days=2)
WRONG_KEY = "2026a:" + NEW_KEY.partition(":")[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "files"


def put(store: Store, content: bytes) -> str:
    return store.put(io.BytesIO(content)).sha256


def read(store: Store, sha256: str) -> bytes:
    with store.open(sha256) as stream:
        return stream.read()


def sealed_files(root: Path) -> list[Path]:
    return sorted(path for path in (root / "sealed").glob("??/??/*"))


def test_neither_content_nor_digest_nor_name_of_a_known_document_is_on_the_disk(root: Path) -> None:
    letter = b"To the keeper of the register: this canary must not sing. " * 3000
    put(open_store(str(root), OLD_KEY), letter)
    (kept,) = sealed_files(root)
    assert sha256_of(letter) not in str(kept)
    raw = kept.read_bytes()
    assert b"canary" not in raw
    assert hashlib.sha256(letter).digest() not in raw
    assert [path for path in root.rglob("*") if path.is_file() and path.name != "lock"] == [kept]


def test_a_bit_flipped_anywhere_is_found(root: Path) -> None:
    store = open_store(str(root), OLD_KEY)
    put(store, CONTENT)
    (kept,) = sealed_files(root)
    sound = kept.read_bytes()
    places = sorted({*range(264), *range(264, len(sound), 997), len(sound) - 1})
    for place in places:
        with kept.open("r+b") as file:
            file.seek(place)
            file.write(bytes([sound[place] ^ (1 << place % 8)]))
        with pytest.raises((BlobDamaged, KeyUnusable), match=DIGEST):
            store.verify(DIGEST)
        with kept.open("r+b") as file:
            file.seek(place)
            file.write(sound[place : place + 1])
    store.verify(DIGEST)


@pytest.mark.parametrize("left", [0, 10, 264, 265, 264 + 65552, 264 + 2 * 65552, 264 + 3 * 65552, -1])
def test_a_sealed_file_cut_off_is_found(root: Path, left: int) -> None:
    store = open_store(str(root), OLD_KEY)
    put(store, CONTENT)
    (kept,) = sealed_files(root)
    kept.write_bytes(kept.read_bytes()[:left])
    with pytest.raises(BlobDamaged, match=DIGEST):
        read(store, DIGEST)


def test_swapped_pieces_are_found(root: Path) -> None:
    store = open_store(str(root), OLD_KEY)
    put(store, CONTENT)
    (kept,) = sealed_files(root)
    raw = kept.read_bytes()
    first, second = raw[264 : 264 + 65552], raw[264 + 65552 : 264 + 2 * 65552]
    kept.write_bytes(raw[:264] + second + first + raw[264 + 2 * 65552 :])
    with pytest.raises(BlobDamaged, match=DIGEST):
        read(store, DIGEST)


def test_another_sealed_file_in_its_place_is_found_before_a_byte_is_handed_out(root: Path) -> None:
    store = open_store(str(root), OLD_KEY)
    put(store, CONTENT)
    (kept,) = sealed_files(root)
    other = put(store, b"another letter")
    (second,) = set(sealed_files(root)) - {kept}
    kept.write_bytes(second.read_bytes())
    with pytest.raises(BlobDamaged, match="another file lies in its place"):
        store.open(DIGEST)
    store.verify(other)


def test_a_sealed_file_whose_head_is_damaged_is_mended_by_putting_it_again(root: Path) -> None:
    store = open_store(str(root), OLD_KEY)
    put(store, CONTENT)
    (kept,) = sealed_files(root)
    raw = kept.read_bytes()
    kept.write_bytes(raw[:50] + b"xxx" + raw[53:])
    put(store, CONTENT)
    store.verify(DIGEST)


def test_a_wrong_or_missing_key_is_found_when_the_store_is_opened(root: Path) -> None:
    put(open_store(str(root), OLD_KEY), CONTENT)
    for keys in (WRONG_KEY, NEW_KEY):
        with pytest.raises(KeyUnusable, match="opens none of the files"):
            open_store(str(root), keys)
    with pytest.raises(KeyUnusable, match="POSTROOM_KEY is empty"):
        open_store(str(root))


def test_one_damaged_file_does_not_keep_the_store_from_opening(root: Path) -> None:
    store = open_store(str(root), OLD_KEY)
    for seed in range(3):
        put(store, content_of(100, seed))
    sealed_files(root)[0].write_bytes(b"")
    assert len(list(open_store(str(root), OLD_KEY).digests())) == 2


def test_no_file_is_taken_for_an_orphan_that_no_key_opens(root: Path) -> None:
    """With a key taken out of the settings too early, every file under it would look like nobody's."""
    put(open_store(str(root), OLD_KEY), CONTENT)
    put(open_store(str(root / "other"), NEW_KEY), b"an orphan")
    (orphan,) = sealed_files(root / "other")
    beside = root / "sealed" / orphan.relative_to(root / "other" / "sealed")
    beside.parent.mkdir(parents=True, exist_ok=True)
    orphan.rename(beside)
    store = _opened_without_looking(root, NEW_KEY)
    assert store.orphans(lambda _: (), older_than=A_LATER_DAY).unknown == 1
    assert store.remove_orphans(lambda _: (), older_than=A_LATER_DAY) == Swept(1, 0, 1)
    assert read(open_store(str(root), OLD_KEY), DIGEST) == CONTENT


def _opened_without_looking(root: Path, keys: str) -> Store:
    """As a service that was running when the keys were taken away from another one."""
    return SealedStore(LocalShelf(root / "sealed"), parse_keys(keys), PlainStore(LocalShelf(root)))


def test_keys_change_step_by_step_and_the_old_one_can_go(root: Path) -> None:
    contents = [content_of(size) for size in (0, 5, 70_000, 200_000)]
    for content in contents:
        put(open_store(str(root), OLD_KEY), content)
    bodies = sorted(path.read_bytes()[264:] for path in sealed_files(root))
    writes_new = open_store(str(root), f"{NEW_KEY},{OLD_KEY}")
    assert writes_new.put(io.BytesIO(b"new post")).key_id == "2026b"
    assert writes_new.put(io.BytesIO(contents[2])).key_id == "2026a", (
        "what is here stays as it is until it is rewrapped"
    )
    reads_new = open_store(str(root), f"{OLD_KEY},{NEW_KEY}")
    for digest in list(writes_new.digests()):
        assert writes_new.rewrap(digest) == "2026b"
        assert writes_new.rewrap(digest) == "2026b", "twice is harmless"
        reads_new.verify(digest)
    only_new = open_store(str(root), NEW_KEY)
    for content in [*contents, b"new post"]:
        assert read(only_new, sha256_of(content)) == content
        only_new.verify(sha256_of(content))
    assert len(sealed_files(root)) == 5
    left = sorted(path.read_bytes()[264:] for path in sealed_files(root))
    assert set(bodies) < set(left), "the content is not written anew"
    old = _opened_without_looking(root, OLD_KEY)
    assert not old.exists(DIGEST)


def test_what_came_before_there_was_a_key_is_read_and_sealed_by_rewrapping(root: Path) -> None:
    before = put(open_store(str(root)), CONTENT)
    store = open_store(str(root), NEW_KEY)
    assert read(store, before) == CONTENT
    assert store.size(before) == len(CONTENT)
    assert store.rewrap(before) == "2026b"
    assert read(store, before) == CONTENT
    assert list(store.digests()) == [before]
    assert [path.name for path in root.glob("??/??/*")] == []


def test_second_copies_that_a_killed_change_of_keys_left_are_removed_with_the_orphans(root: Path) -> None:
    put(open_store(str(root)), CONTENT)
    (plain,) = root.glob("??/??/*")
    put(open_store(str(root), OLD_KEY), CONTENT)
    (old,) = sealed_files(root)
    old_bytes = old.read_bytes()
    store = open_store(str(root), f"{NEW_KEY},{OLD_KEY}")
    store.rewrap(DIGEST)
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_bytes(old_bytes)
    assert plain.exists()
    assert len(sealed_files(root)) == 2
    assert store.orphans(lambda digests: digests, older_than=A_LATER_DAY) == Survey(3, (), 2, 0)
    assert store.remove_orphans(lambda digests: digests, older_than=A_LATER_DAY) == Swept(2, 0, 0)
    assert store.remove_orphans(lambda digests: digests, older_than=A_LATER_DAY) == Swept(0, 0, 0)
    assert read(open_store(str(root), NEW_KEY), DIGEST) == CONTENT


def test_a_file_that_looks_like_a_sealed_one_is_only_a_file(root: Path) -> None:
    """A sender may send anything, also a sealed file: what is sealed, its place says."""
    put(open_store(str(root / "elsewhere"), OLD_KEY), CONTENT)
    (kept,) = sealed_files(root / "elsewhere")
    hostile = kept.read_bytes()
    store = open_store(str(root / "here"))
    assert read(store, put(store, hostile)) == hostile
    later = open_store(str(root / "here"), OLD_KEY)
    assert read(later, sha256_of(hostile)) == hostile


class EndlessReader(threading.Thread):
    """Reads every file again and again until told to stop, and remembers what went wrong."""

    def __init__(self, store: Store, contents: dict[str, bytes]) -> None:
        super().__init__()
        self._store = store
        self._contents = contents
        self.is_over = threading.Event()
        self.troubles: list[str] = []
        self.reads = 0

    def run(self) -> None:
        while not self.is_over.is_set():
            for digest, content in self._contents.items():
                try:
                    if read(self._store, digest) != content:
                        self.troubles.append(f"other bytes for {digest}")
                except MailError as trouble:
                    self.troubles.append(str(trouble))
                self.reads += 1


def rewrap_all(url: str, keys: str, digests: Iterable[str]) -> None:
    store = open_store(url, keys)
    for digest in digests:
        store.rewrap(digest)


def test_reading_while_two_threads_change_all_keys_never_fails(root: Path) -> None:
    contents = {sha256_of(content): content for content in (content_of(3000, seed) for seed in range(40))}
    for content in contents.values():
        put(open_store(str(root), OLD_KEY), content)
    reader = EndlessReader(open_store(str(root), f"{NEW_KEY},{OLD_KEY}"), contents)
    reader.start()
    for keys in (f"{NEW_KEY},{OLD_KEY}", f"{OLD_KEY},{NEW_KEY}", f"{NEW_KEY},{OLD_KEY}"):
        changers = [threading.Thread(target=rewrap_all, args=(str(root), keys, contents)) for _ in range(2)]
        for changer in changers:
            changer.start()
        for changer in changers:
            changer.join()
    reader.is_over.set()
    reader.join()
    assert reader.troubles == []
    assert reader.reads > len(contents)
    only_new = open_store(str(root), NEW_KEY)
    for digest in contents:
        only_new.verify(digest)
    assert len(sealed_files(root)) == len(contents)
