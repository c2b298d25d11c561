"""A cascade of readers: a quick one first, a careful one only where the quick one is not sure."""

from collections.abc import Sequence

from extract.engines import LineRead, LineReader
from extract.page import Grey

# The quick reader's answer is kept if every character scores at least this.
_SURE = 0.97


class CascadeReader:
    """Reads each line with `quick`; a line it is not sure of is read again with `careful`, whose answer then counts."""

    def __init__(self, quick: LineReader, careful: LineReader, *, sure: float = _SURE) -> None:
        self.name = f"{quick.name}>{careful.name}"
        self._quick = quick
        self._careful = careful
        self._sure = sure

    def read(self, lines: Sequence[Grey], alphabet: str = "") -> list[LineRead]:
        """One answer per line image, in the same order; see `LineReader`."""
        found = self._quick.read(lines, alphabet)
        doubtful = [index for index, line in enumerate(found) if min(line.characters, default=0.0) < self._sure]
        again = self._careful.read([lines[index] for index in doubtful], alphabet)
        for index, line in zip(doubtful, again, strict=True):
            found[index] = line
        return found
