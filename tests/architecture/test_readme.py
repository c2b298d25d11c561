"""The README's commands, files and pictures exist."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from intake.default_command import WithDefault
from review_ui.cli import app


@pytest.fixture(scope="module")
def readme(repository: Path) -> str:
    text = (repository / "README.md").read_text(encoding="utf-8")
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


def test_every_make_command_of_the_readme_is_a_target(readme: str, repository: Path) -> None:
    named = set(re.findall(r"(?:^ *|`)make ([\w-]+)", readme, flags=re.MULTILINE))
    targets = set(re.findall(r"^([\w-]+):", (repository / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert {"demo", "test", "bench"} <= named
    assert named - targets == set()


def test_every_postroom_command_of_the_readme_exists_with_its_options(readme: str) -> None:
    lines = re.findall(r"(?:^ +|`)postroom ([a-z][^`#\n]*)", readme, flags=re.MULTILINE)
    assert {"read", "show", "forms", "synthesise", "doctor"} <= {line.split()[0] for line in lines}
    for line in lines:
        command = get_command(app)
        words = line.split()
        while hasattr(command, "commands"):
            needs_no_name = isinstance(command, WithDefault) and words[0] not in command.commands
            command = command.commands[command.default if needs_no_name else words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_every_exit_code_of_the_readme_is_documented_by_the_command_too(readme: str) -> None:
    described = get_command(app).commands["read"].help or ""
    in_readme = set(re.findall(r"^\| (\d+) \|", readme, flags=re.MULTILINE))
    assert in_readme == set(re.findall(r"\b(\d+)\b", described.split("Exit codes:")[1]))


def test_every_file_the_readme_names_is_there(readme: str, repository: Path) -> None:
    named = re.findall(r"`((?:schemas|extract|intake|review_ui|docs)/[\w/.]+)`", readme)
    named += re.findall(r"\]\(([\w/.]+)\)", readme)
    assert "extract/pipeline.py" in named
    assert [path for path in named if not (repository / path).exists()] == []


def test_the_picture_of_the_readme_is_small(repository: Path) -> None:
    assert (repository / "docs" / "images" / "result.png").stat().st_size < 300_000
