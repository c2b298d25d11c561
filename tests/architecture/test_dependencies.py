"""What may be installed: every dependency has a reason, every package a hash, and no registry is named."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

LOCKS = ("requirements.lock", "requirements-dev.lock")

# Distributions that own the folder cv2: two of them side by side overwrite each other's files.
OPENCV = {"opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"}


def locked(lock: Path) -> dict[str, str]:
    """The entries of a lock file, hashes included, by the name of the distribution."""
    entries = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip())
    return {re.split(r"[=\s;@]", entry, maxsplit=1)[0]: entry for entry in entries}


def requirement_lines(pyproject: Path) -> list[str]:
    """The lines of pyproject.toml that name a dependency of ours, comments included."""
    section = pyproject.read_text(encoding="utf-8").split("\n[project.scripts]")[0].split("\ndependencies = [")[1]
    return [line for line in section.splitlines() if line.startswith('  "')]


def test_every_dependency_says_what_it_is_here_for(repository: Path) -> None:
    lines = requirement_lines(repository / "pyproject.toml")
    declared = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert len(lines) == len(declared["dependencies"]) + sum(map(len, declared["optional-dependencies"].values()))
    assert [line for line in lines if not re.search(r'",  # \w.{9,}', line)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry_and_no_place_on_a_machine(repository: Path, name: str) -> None:
    text = (repository / name).read_text(encoding="utf-8")
    assert re.findall(r".*(?:://|^-|find-links|index-url|file:| @ |\s/).*", text, flags=re.MULTILINE) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_one_exact_version_and_a_hash(repository: Path, name: str) -> None:
    entries = locked(repository / name)
    assert len(entries) > 50
    loose = [entry for entry in entries.values() if not re.match(r"\S+==\S+ .*\\\n +--hash=sha256:[0-9a-f]{64}", entry)]
    assert loose == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_holds_a_package_that_must_not_stand_beside_ours(repository: Path, name: str) -> None:
    names = set(locked(repository / name))
    assert names & OPENCV == {"opencv-python"}
    assert not names & {"intake", "extract", "schemas", "torch", "openvino-telemetry", "pymupdf"}


def test_the_lock_for_developers_holds_the_same_versions_as_the_lock_for_running(repository: Path) -> None:
    running, developing = (locked(repository / name) for name in LOCKS)
    assert {name: developing.get(name) for name in running} == running


def test_every_declared_dependency_is_locked(repository: Path) -> None:
    declared = [re.findall(r'"([\w-]+)', line)[0] for line in requirement_lines(repository / "pyproject.toml")]
    assert set(declared) - set(locked(repository / "requirements-dev.lock")) == set()


def test_only_one_distribution_installed_here_owns_the_folder_of_opencv() -> None:
    installed = {str(distribution.metadata["Name"]).lower() for distribution in importlib.metadata.distributions()}
    assert installed & OPENCV == {"opencv-python"}, "run `make clean setup`"
    assert "intake" not in installed, "PyPI's unrelated `intake` hides our package of that name"
