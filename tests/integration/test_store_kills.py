"""Writers that are killed at random moments: what they acknowledged is there, and nothing half-written is seen."""

import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake.store.opening import open_store
from tests.integration.store_places import NEW_KEY, OLD_KEY

KILLS = 30
KILLS_WHILE_KEYS_CHANGE = 10
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

# Puts one file after the other and says so after each: its seed and number, from which the bytes follow.
WRITER = """
import hashlib, io, random, sys
from intake.store.opening import open_store
root, keys, seed = sys.argv[1:]
store, chance = open_store(root, keys), random.Random(seed)
print("ready", flush=True)
for number in range(10**6):
    size = chance.choice((10, 3000, 70_000, 400_000, 2_000_000))
    store.put(io.BytesIO(hashlib.shake_256(f"{seed}-{number}".encode()).digest(size)))
    print(seed, number, size, flush=True)
"""

# Brings every file under one key and then under the other, for ever.
CHANGER = """
import sys
from intake.store.opening import open_store
root, first, second, seed = sys.argv[1:]
stores = [open_store(root, f"{first},{second}"), open_store(root, f"{second},{first}")]
digests = list(stores[0].digests())
print("ready", flush=True)
while True:
    for store in stores:
        for digest in digests:
            store.rewrap(digest)
"""


@dataclass(frozen=True)
class Victim:
    """A process that is going to be killed, and the file it writes its acknowledgements to."""

    process: "subprocess.Popen[bytes]"
    spoken: Path

    def kill_after(self, seconds: float) -> list[str]:
        """Wait until it is ready and so long, then SIGKILL; the lines it spoke, the last perhaps cut off left out."""
        deadline = time.monotonic() + 60
        while not self.spoken.read_bytes().startswith(b"ready\n"):
            assert self.process.poll() is None, "it died before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(seconds)
        assert self.process.poll() is None, "it died before it was killed"
        self.process.kill()
        self.process.wait()
        return self.spoken.read_text().split("\n")[1:-1]


def start(program: str, arguments: Sequence[str], spoken: Path) -> Victim:
    with spoken.open("wb") as output:
        return Victim(subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=output), spoken)


@pytest.mark.slow
def test_whatever_moment_a_writer_is_killed_every_acknowledged_file_is_there_byte_for_byte(tmp_path: Path) -> None:
    chance = random.Random(20261122)  # noqa: S311
    places = [(tmp_path / "plain", ""), (tmp_path / "sealed", NEW_KEY)]
    writers: list[Victim] = []
    spoken: dict[Path, list[str]] = {root: [] for root, _ in places}
    for seed in range(KILLS + 1):
        # Two at once, two by two in the same store.
        if seed < KILLS:
            root, keys = places[seed // 2 % 2]
            writers.append(start(WRITER, [str(root), keys, str(seed)], tmp_path / f"spoken-{seed}"))
        if seed > 0:
            lines = writers[seed - 1].kill_after(chance.uniform(0, 0.2))
            spoken[places[(seed - 1) // 2 % 2][0]] += lines
    for root, keys in places:
        store = open_store(str(root), keys)
        acknowledged = [_content(line) for line in spoken[root]]
        assert len(acknowledged) > KILLS
        for content in acknowledged:
            with store.open(hashlib.sha256(content).hexdigest()) as stream:
                assert stream.read() == content
        there = list(store.digests())
        for digest in there:
            store.verify(digest)
        kept = [path for path in root.rglob("*") if len(path.name) == 64]
        assert len(kept) == len(there) <= len(acknowledged) + KILLS
        store.remove_orphans(lambda digests: digests, older_than=LONG_AGO)
        assert list(root.rglob("*.part")) == []


def _content(line: str) -> bytes:
    seed, number, size = line.split()
    return hashlib.shake_256(f"{seed}-{number}".encode()).digest(int(size))


@pytest.mark.slow
def test_whatever_moment_a_change_of_keys_is_killed_every_file_can_be_read_and_the_change_finished(
    tmp_path: Path,
) -> None:
    chance = random.Random(4)  # noqa: S311
    root = tmp_path / "files"
    writer = start(WRITER, [str(root), OLD_KEY, "1"], tmp_path / "spoken")
    contents = [_content(line) for line in writer.kill_after(0.5)]
    changers = [
        start(CHANGER, [str(root), NEW_KEY, OLD_KEY, str(seed)], tmp_path / f"spoken-{seed}") for seed in range(2)
    ]
    for seed in range(2, KILLS_WHILE_KEYS_CHANGE + 2):
        changers[seed - 2].kill_after(chance.uniform(0, 0.2))
        if seed < KILLS_WHILE_KEYS_CHANGE:
            changers.append(start(CHANGER, [str(root), NEW_KEY, OLD_KEY, str(seed)], tmp_path / f"spoken-{seed}"))
    store = open_store(str(root), f"{NEW_KEY},{OLD_KEY}")
    before = list(store.digests())
    assert len(before) == len(set(before)) >= len(contents) > 0
    for digest in before:
        store.verify(digest)
        store.rewrap(digest)
    only_new = open_store(str(root), NEW_KEY)
    for content in contents:
        with only_new.open(hashlib.sha256(content).hexdigest()) as stream:
            assert stream.read() == content
    for digest in before:
        only_new.verify(digest)
    assert sorted(only_new.digests()) == sorted(before)


# How much memory a process takes at most while 200 MB go in and come out again, over what it took before, in MiB.
MEMORY = """
import resource, sys
from intake.store.opening import open_store
from tests.integration.store_places import LongStream
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
store = open_store(sys.argv[1], sys.argv[2])
store.put(LongStream(1000))
before = peak()
stored = store.put(LongStream(200_000_000))
assert stored.bytes == 200_000_000
store.verify(stored.sha256)
print(peak() - before)
"""


@pytest.mark.slow
def test_memory_stays_flat_while_200_megabytes_go_in_sealed_and_come_out(tmp_path: Path, repository: Path) -> None:
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "files"), NEW_KEY]
    done = subprocess.run(
        command,
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 8
