"""What this machine has and lacks: each finding says the command that mends it."""

import importlib
import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from extract.engines.inference import preferred_backend
from extract.engines.models import file_sha256, model_folder, read_manifest
from extract.engines.tesseract import TesseractReader
from intake import bubblewrap
from intake.finding import Finding
from intake.form_choice import chosen_form_types
from intake.sandbox import Sandbox
from intake.wiring import use_one_thread
from schemas.errors import MailError

_LANGUAGES = ("eng", "cym", "osd")
_ENOUGH_DISK_BYTES = 1024**3
# They own the same folder `cv2` as opencv-python: whichever was installed last wins, and removing one breaks the other.
_OPENCV_TWINS = ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


def findings() -> Iterator[Finding]:
    """Look at everything the reading of post needs here, one finding each."""
    yield from _tesseract()
    yield from _models()
    yield _opencv()
    yield _intake()
    yield _inference()
    yield _threads()
    yield from _sandbox()
    yield _form_types()
    yield _disk(Path.cwd())


def _tesseract() -> Iterator[Finding]:
    if shutil.which("tesseract") is None:
        packages = "tesseract-ocr " + " ".join(f"tesseract-ocr-{language}" for language in _LANGUAGES)
        yield Finding("tesseract", False, "not installed", f"sudo apt-get install -y {packages}")
        return
    for language in _LANGUAGES:
        name = f"tesseract {language}"
        try:
            yield Finding(name, True, TesseractReader(language).name)
        except MailError as error:
            yield Finding(name, False, str(error), f"sudo apt-get install -y tesseract-ocr-{language}")


def _models() -> Iterator[Finding]:
    folder = model_folder()
    try:
        listed = read_manifest(folder)
    except MailError as error:
        yield Finding("models", False, str(error), "make setup")
        return
    for name, entry in sorted(listed.items()):
        path = folder / entry.file
        if not path.is_file():
            yield Finding(f"model {name}", False, f"{path} is missing", "make setup")
        elif file_sha256(path) != entry.sha256:
            yield Finding(f"model {name}", False, f"{path} is not the file that was built", f"rm {path} && make setup")
        else:
            yield Finding(f"model {name}", True, f"{entry.source} {entry.version}, {entry.recipe}")


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _opencv() -> Finding:
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        return Finding("opencv", False, f"cannot be loaded: {error}", "sudo apt-get install -y libgl1 libglib2.0-0")
    twins = [twin for twin in _OPENCV_TWINS if _version(twin) is not None]
    if twins:
        mend = f"pip uninstall -y {' '.join(twins)} && pip install --force-reinstall --no-deps opencv-python"
        return Finding("opencv", False, f"{', '.join(twins)} is installed beside opencv-python", mend)
    return Finding("opencv", True, f"opencv-python {_version('opencv-python')}")


def _intake() -> Finding:
    version = _version("intake")
    if version is None:
        return Finding("package intake", True, "the unrelated distribution of this name is not installed")
    detail = f"the unrelated distribution intake {version} hides our package of that name"
    return Finding("package intake", False, detail, "pip uninstall -y intake")


def _inference() -> Finding:
    try:
        return Finding("inference", True, f"{preferred_backend()} runs the readers")
    except MailError as error:
        return Finding("inference", False, str(error), "unset POSTROOM_INFERENCE")


def _threads() -> Finding:
    cores = len(os.sched_getaffinity(0))
    try:
        use_one_thread()
    except MailError as error:
        return Finding("threads", False, str(error), "make setup")
    return Finding("threads", True, f"{cores} workers of one thread each on this machine")


def _sandbox() -> Iterator[Finding]:
    try:
        with Sandbox() as sandbox:
            held = sandbox.protection
    except MailError as error:
        yield Finding("sandbox", False, str(error), "make setup")
        return
    reasons = [] if held.bubblewrap else [bubblewrap.why_not()]
    yield Finding("sandbox", True, "; ".join([*held.sentences(), *reasons]))
    if shutil.which("bwrap") is None:
        yield Finding("sandbox bubblewrap", False, "not installed", "sudo apt-get install -y bubblewrap")
    if not held.own_network:
        mend = "sudo sysctl kernel.unprivileged_userns_clone=1 (or run as root, or allow user namespaces)"
        yield Finding("sandbox network", False, "no network namespace of its own", mend)


def _form_types() -> Finding:
    try:
        known = chosen_form_types([Path(folder)] if (folder := os.environ.get("POSTROOM_FORMS")) else [], None)
    except MailError as error:
        return Finding("form types", False, str(error), "postroom forms check FOLDER")
    return Finding("form types", True, ", ".join(form.id for form in known) or "none")


def _disk(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    detail = f"{free / 1024**3:.1f} GiB free in {place}"
    if free < _ENOUGH_DISK_BYTES:
        return Finding("disk space", False, detail, f"make room: df -h {place}")
    return Finding("disk space", True, detail)
