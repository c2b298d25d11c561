"""Notes: what was worked out about form types, kept in a folder for the next process that needs it.

Losing the folder costs time only. It is void as soon as the code that worked it out changes.
"""

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import extract

_FOLDER = "postroom"


class NoteFolder:
    """A `extract.candidate.Book` in a folder. A folder that cannot be read or written is like an empty one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look_up(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def note(self, name: str, content: bytes) -> None:
        """Written beside and then renamed, so that nobody ever finds half a note."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(content)
            os.replace(file.name, self._folder / name)


def open_notes() -> NoteFolder:
    """The notes of this version of the program, in the user's cache folder; those of other versions are thrown away."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _FOLDER
    folder = home / _code_digest()
    if not folder.exists():
        with suppress(OSError):
            for old in home.glob("notes-*"):
                shutil.rmtree(old, ignore_errors=True)
    return NoteFolder(folder)


@cache
def _code_digest() -> str:
    """A folder name that changes with `extract`: whatever changes there may change what is noted."""
    digest = hashlib.sha256()
    for path in sorted(Path(extract.__path__[0]).glob("*.py")):
        digest.update(path.read_bytes())
    return f"notes-{digest.hexdigest()[:16]}"
