"""What was freed between things still in use goes back to the system."""

import subprocess
import sys

# In a process of its own: what other tests left behind must not count.
BETWEEN = """
import ctypes
from pathlib import Path
from extract import freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
blocks = [libc.malloc(100_000) for _ in range(1000)]
for block in blocks:
    ctypes.memset(block, 1, 100_000)
for place, block in enumerate(blocks):
    if place % 10:  # every tenth stays, so that the heap cannot shrink from its end
        libc.free(block)
before = resident()
freed_memory.give_back()
print((before - resident()) // 1_000_000)
"""


def test_gaps_between_what_is_still_in_use_are_given_back() -> None:
    ended = subprocess.run([sys.executable, "-c", BETWEEN], capture_output=True, text=True, check=True)
    assert int(ended.stdout) >= 70


# Freeing one block of 30 MB has the library keep all that is smaller in its heap from then on.
LARGE = """
import ctypes
from pathlib import Path
from extract import freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
freed_memory.give_back_large_pieces()
libc.free(libc.malloc(30_000_000))
blocks = [libc.malloc(size) for _ in range(10) for size in (8_000_000, 10_000)]
for block in blocks[::2]:
    ctypes.memset(block, 1, 8_000_000)
before = resident()
for block in blocks[::2]:
    libc.free(block)
print((before - resident()) // 1_000_000)
"""


def test_a_large_piece_goes_back_when_it_is_freed_whatever_was_freed_before() -> None:
    ended = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    assert int(ended.stdout) >= 75
