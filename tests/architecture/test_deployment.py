"""The Dockerfile and compose.yaml hold together: with the command line, with the settings, and with what is safe."""

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from sqlalchemy import make_url

from intake import broker_check
from intake.cli import app
from intake.settings import PREFIX, Settings
from intake.step_worker import GRACE_SECONDS
from intake.store.keys import parse_keys
from intake.store.s3_address import parse_s3_address
from tests.compose import REQUIRED, environment_of, read_services

OURS = {"web", "worker", "dispatch"}
SECRET = re.compile(r"PASSWORD|SECRET|KEY|AUTH")
CHOSEN = re.compile(r"\$\{(\w+):-([^}]*)\}")
# How the parts find one another, how often they look, and what needs a folder of the machine: docs/deployment.md.
NOT_FOR_AN_OFFICE = {"forms", "lease_seconds", "sweep_seconds", "beat_seconds"}
OTHERWISE = {"hosts", "workers"}  # in a container, other than on a machine of one's own
OF_A_SERVICE = {
    "build", "cap_drop", "command", "configs", "cpu_shares", "depends_on", "deploy", "entrypoint", "environment",
    "healthcheck", "image", "init", "ports", "read_only", "restart", "security_opt", "shm_size", "stop_grace_period",
    "tmpfs", "volumes",
}  # fmt: skip
NAMES = {"AWS_ACCESS_KEY_ID"}  # of a key, which is no secret


@pytest.fixture(scope="module")
def text(repository: Path) -> str:
    return (repository / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services(repository: Path) -> dict[str, Any]:
    return read_services(repository / "compose.yaml")


def test_the_linter_of_dockerfiles_finds_nothing(repository: Path) -> None:
    linter = Path(sys.executable).parent / "hadolint"
    found = subprocess.run(
        [linter, "--no-color", repository / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_is_pinned_has_a_health_check_and_is_not_run_by_root(repository: Path) -> None:
    lines = (repository / "Dockerfile").read_text(encoding="utf-8").splitlines()
    [base] = [line for line in lines if line.startswith("FROM ")]
    assert re.fullmatch(r"FROM python:3\.\d+\.\d+-slim-bookworm", base)
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert not {"root", "0"} & set(users)
    assert lines.index(f"USER {users[0]}") > max(number for number, line in enumerate(lines) if line.startswith("RUN "))


def test_what_the_image_is_built_of_is_there_and_nothing_else_reaches_the_builder(repository: Path) -> None:
    """A word that .dockerignore lacks would show only when somebody builds."""
    lines = (repository / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert not [name for name in copied if not (repository / name).exists()]
    ignored, *let_through = (repository / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored == "*"
    assert {word.removeprefix("!") for word in let_through if word.startswith("!")} == copied
    program = (repository / "scripts" / "setup").read_text(encoding="utf-8")
    assert "requirements.lock" in program
    assert {'ENTRYPOINT ["postroom"]', "VOLUME /var/lib/postroom"} <= set(lines)


def test_nothing_is_misspelt_in_compose_yaml(text: str, services: dict[str, Any]) -> None:
    """Docker refuses a word it does not know; by the Compose specification, as far as we use it."""
    whole = yaml.safe_load(text)
    assert {key for key in whole if not key.startswith("x-")} == {"name", "services", "configs", "volumes"}
    for name, service in services.items():
        assert set(service) <= OF_A_SERVICE, name
        assert set(service.get("healthcheck", {})) <= {
            "test",
            "interval",
            "timeout",
            "retries",
            "start_period",
            "disable",
        }
        for how in service.get("depends_on", {}).values():
            assert how["condition"] in {"service_started", "service_healthy", "service_completed_successfully"}
        for place in service.get("volumes", ()):
            assert re.fullmatch(r"[a-z]+:/[\w./-]+", place), name
        for config in service.get("configs", ()):
            assert config["source"] in whole["configs"]
        if limits := service.get("deploy", {}).get("resources", {}).get("limits"):
            assert set(limits) <= {"memory", "cpus", "pids"}
        for variable, value in (service.get("environment") or {}).items():
            assert isinstance(value, str), f"{variable} of {name}"
            assert value.count("${") == len(re.findall(r"\$\{\w+(:[-?][^}]*)?\}", value)), variable


def test_our_services_run_commands_that_there_are(services: dict[str, Any]) -> None:
    group = typer.main.get_command(app)
    known = set(group.commands)  # type: ignore[attr-defined]
    built = {name for name, service in services.items() if "build" in service}
    assert built == OURS
    for name in OURS:
        assert services[name]["command"][0] in known
        assert "entrypoint" not in services[name]


def test_every_setting_of_ours_exists_and_can_be_used(services: dict[str, Any]) -> None:
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    for name in OURS:
        environment = environment_of(services[name])
        ours = {variable for variable in environment if variable.startswith(PREFIX)}
        assert ours - known == set()
        values = {variable.removeprefix(PREFIX).lower(): environment[variable] for variable in ours & known}
        settings = Settings(**values)  # type: ignore[arg-type]
        assert broker_check.unfit(settings.broker) == ""
        assert parse_s3_address(settings.store).endpoint == "http://store:8333"
        assert parse_keys(settings.key.get_secret_value())
        assert {make_url(settings.database).host, make_url(settings.broker).host, "store"} <= set(services)


def test_whatever_an_office_may_choose_is_passed_on_and_is_as_everywhere_if_it_chooses_nothing(
    services: dict[str, Any],
) -> None:
    passed = {name: value for service in OURS for name, value in services[service]["environment"].items()}
    wanted = {field: PREFIX + field.upper() for field in Settings.model_fields if field not in NOT_FOR_AN_OFFICE}
    assert {variable for variable in wanted.values() if variable not in passed} == set()
    usual = Settings.model_construct()
    for field, variable in wanted.items():
        if (given := CHOSEN.fullmatch(passed[variable])) and field not in OTHERWISE:
            assert given[1] == variable
            value = Settings(**{field: given[2]})  # type: ignore[arg-type]
            assert getattr(value, field) == getattr(usual, field), variable


def test_all_parts_agree_by_when_post_is_to_be_done_and_where_events_go(services: dict[str, Any]) -> None:
    """Workers say when a task is due, the site whether its batch is late; events are sent by whichever is there."""
    for field in Settings.model_fields:
        if field in ("target_days", "holidays", "event_source", "settle_seconds") or field.startswith("webhook_"):
            assert {services[name]["environment"].get(PREFIX + field.upper()) for name in OURS} != {None}
            assert len({services[name]["environment"].get(PREFIX + field.upper()) for name in OURS}) == 1, field


def test_no_secret_has_a_default(text: str, services: dict[str, Any]) -> None:
    for service in services.values():
        for variable, value in (service.get("environment") or {}).items():
            if SECRET.search(variable) and variable not in NAMES:
                assert REQUIRED.fullmatch(str(value)), variable
    assert not [found for found in re.findall(r"\$\{(\w+):-[^}]+\}", text) if SECRET.search(found)]
    # Addresses hold passwords, too.
    assert re.findall(r"://[\w-]*:(?!\$\{\w+:\?)[^@\s/]*@", text) == []


def test_what_must_be_set_is_told_at_the_top(text: str) -> None:
    head = text.split("\nname:", maxsplit=1)[0]
    assert {name for name in set(REQUIRED.findall(text)) if name not in head} == set()


def test_only_this_machine_reaches_the_api_and_nobody_the_rest(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"web"}
    [port] = published["web"]
    assert port == f"127.0.0.1:8000:{services['web']['environment']['POSTROOM_PORT']}"


def test_every_service_is_looked_at_started_again_and_waited_for(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] in ("unless-stopped", "on-failure")
        if name in OURS:
            assert int(service["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert services[needed]["healthcheck"]["test"]
            else:
                assert services[needed]["restart"] == "on-failure"
    # The image's own look is for `web`, the only one that answers requests.
    assert {name for name in OURS if "healthcheck" not in services[name]} == {"web"}
    others = set(services) - OURS - {"bucket"}
    assert {name for name in others if "healthcheck" not in services[name]} == set()


def test_our_containers_may_do_as_little_as_possible(services: dict[str, Any]) -> None:
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert not service.get("privileged")


def test_every_image_of_others_is_pinned_and_the_broker_never_throws_away(services: dict[str, Any]) -> None:
    for name in set(services) - OURS:
        assert re.fullmatch(r"[\w/]+:\d+\.\d+[\w.-]*", services[name]["image"]), name
    words = services["broker"]["command"]
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"


def test_what_must_last_lies_in_volumes_that_there_are(text: str, services: dict[str, Any]) -> None:
    declared = set(yaml.safe_load(text)["volumes"])
    used = {place.split(":")[0] for service in services.values() for place in service.get("volumes", ())}
    assert used == declared
    assert {"database", "store", "web"} == {name for name, service in services.items() if service.get("volumes")}


def test_the_sizing_table_follows_from_the_measured_figures(repository: Path) -> None:
    text = (repository / "docs" / "deployment.md").read_text(encoding="utf-8")
    figures = [float(cells[2].split()[0]) for cells in rows_below(text, "| measured 2026-11")]
    seconds, share, memory, database, record, store = figures
    table = rows_below(text, "| pieces a day")
    assert len(table) > 4
    for cells in table:
        pieces = int(cells[1].replace(",", ""))
        cores = math.ceil(2 * pieces * seconds / share / (8 * 3600 * 0.7))
        kilobytes = (pieces * 250 * (database + record), 2 * pieces * 250 * store)
        expected = [cores, cores, math.ceil(cores * memory + 2), *(round(kilo / 1e6) for kilo in kilobytes)]
        assert [int(cell.replace(",", "").split()[0]) for cell in cells[2:7]] == expected


def rows_below(text: str, head: str) -> list[list[str]]:
    """The cells of a table's rows, what stands before the first bar included."""
    lines = text[text.index(head) :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.split("|")] for line in lines]
