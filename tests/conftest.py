"""What every test may ask for, and the settings every test runs under."""

import os
from pathlib import Path

# One thread per process, as in production: read by the engines' libraries when they are first imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_THREAD_LIMIT"] = "1"

import pytest
from hypothesis import settings

# How long an example takes says more about the machine's load than about the code.
settings.register_profile("postroom", deadline=None)
settings.load_profile("postroom")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return REPOSITORY


@pytest.fixture
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No setting of this machine counts: none of the environment, and none of a .env. Returns where the test runs."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("POSTROOM_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def own_home(no_settings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only setting is a data folder, which is not there yet."""
    home = no_settings / "home"
    monkeypatch.setenv("POSTROOM_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real scanned forms, which is no part of the repository; skips the test where there is none."""
    chosen = os.environ.get("POSTROOM_TEST_DATA", "")
    folder = Path(chosen) if chosen else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of scanned forms is not here; name it in POSTROOM_TEST_DATA")
    return folder
