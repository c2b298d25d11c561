"""The quarantine over the API, and from the command line on the same data."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from intake.cli import app
from intake.service import Service
from schemas.states import StepName
from tests.integration.api.caller import Caller, problem_of
from tests.integration.api.test_reading import EMPTY, number_of, set_aside

RUN = CliRunner()


@pytest.fixture
def batch(caller: Caller, service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Three files, two of them in quarantine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSTROOM_HOME", str(service.settings.home))
    batch: str = caller.upload().json()["batch_id"]
    for name in ("first.tif", "second.pdf"):
        set_aside(service, StepName.UNPACK, file_id=number_of(service, name))
    return batch


def files_of(caller: Caller, batch: str) -> dict[str, int]:
    counts: dict[str, int] = caller.get(f"/v1/batches/{batch}").json()["counts"]["files"]
    return counts


def test_it_is_listed_a_page_at_a_time_and_by_cause(caller: Caller, batch: str) -> None:
    first = caller.get("/v1/quarantine", params={"limit": 1}).json()
    rest = caller.get("/v1/quarantine", params={"after": first["next"]}).json()
    found = first["set_aside"] + rest["set_aside"]
    assert [(each["name"], each["cause"], each["step"]) for each in found] == [
        ("first.tif", "damaged", "unpack"),
        ("second.pdf", "damaged", "unpack"),
    ]
    assert rest["next"] is None
    assert {each["batch_id"] for each in found} == {batch}
    assert found[0]["remedy"] == "Ask for it to be scanned again."
    assert caller.get("/v1/quarantine", params={"cause": "encrypted"}).json()["set_aside"] == []
    problem_of(caller.get("/v1/quarantine", params={"cause": "bad luck"}), 422, "invalid_request")


def test_one_is_retried_and_the_other_rejected(caller: Caller, batch: str) -> None:
    first, second = (each["id"] for each in caller.get("/v1/quarantine").json()["set_aside"])
    retried = caller("POST", f"/v1/quarantine/{first}/retry")
    assert retried.status_code == 200
    assert (retried.json()["state"], [each["id"] for each in retried.json()["changed"]]) == ("in_work", [first])
    rejected = caller("POST", f"/v1/quarantine/{second}/reject", json={"reason": "Addressed to another."})
    assert (rejected.status_code, rejected.json()["state"]) == (200, "rejected")
    assert files_of(caller, batch) == EMPTY | {"in_work": 2, "rejected": 1}
    shown = next(file for file in caller.get(f"/v1/batches/{batch}").json()["files"] if file["id"] == second)
    assert shown["problem"] == "Rejected: Addressed to another."
    for verb, body in (("retry", None), ("reject", {"reason": "x"})):
        problem_of(caller("POST", f"/v1/quarantine/{second}/{verb}", json=body), 409, "not_in_quarantine")
        problem_of(caller("POST", f"/v1/quarantine/{uuid4()}/{verb}", json=body), 409, "not_in_quarantine")


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "a\tb"}, {"reason": "x" * 501}, [], 7]
)
def test_a_rejection_without_a_reason_changes_nothing(caller: Caller, batch: str, body: object) -> None:
    [first, _] = (each["id"] for each in caller.get("/v1/quarantine").json()["set_aside"])
    problem_of(caller("POST", f"/v1/quarantine/{first}/reject", json=body), 422, "invalid_request")
    assert files_of(caller, batch) == EMPTY | {"in_work": 1, "quarantined": 2}


def listed() -> list[dict[str, str]]:
    answer = RUN.invoke(app, ["quarantine", "list", "--json"])
    assert answer.exit_code == 0, answer.output
    found: list[dict[str, str]] = json.loads(answer.stdout)
    return found


def test_the_command_line_lists_it_for_people_and_for_programs(batch: str) -> None:
    assert [each["name"] for each in listed()] == ["first.tif", "second.pdf"]
    assert set(listed()[0]) >= {"id", "step_id", "cause", "problem", "remedy", "since"}
    text = RUN.invoke(app, ["quarantine", "list"], env={"COLUMNS": "150"}).output
    assert "In quarantine: 2" in text
    assert "Ask for it to be scanned again." in text
    assert RUN.invoke(app, ["quarantine", "list", "--cause", "encrypted"]).output == "In quarantine: 0\n"


def test_the_command_line_retries_and_rejects(caller: Caller, batch: str) -> None:
    first, second = listed()
    answer = RUN.invoke(app, ["quarantine", "retry", str(first["step_id"]), "999999"])
    assert answer.exit_code == 1, answer.output
    assert files_of(caller, batch) == EMPTY | {"in_work": 2, "quarantined": 1}
    answer = RUN.invoke(app, ["quarantine", "reject", second["id"], "--reason", "Not ours."])
    assert answer.exit_code == 0, answer.output
    assert files_of(caller, batch) == EMPTY | {"in_work": 2, "rejected": 1}
    assert listed() == []


def test_the_command_line_takes_all_or_all_of_one_cause(caller: Caller, batch: str) -> None:
    assert RUN.invoke(app, ["quarantine", "retry", "--all", "--cause", "encrypted"]).exit_code == 0
    assert len(listed()) == 2
    assert RUN.invoke(app, ["quarantine", "retry", "--all", "--cause", "damaged"]).exit_code == 0
    assert files_of(caller, batch) == EMPTY | {"in_work": 3}


@pytest.mark.parametrize(
    "wrong",
    [["retry"], ["retry", "--all", "17"], ["retry", "17", "--cause", "damaged"], ["retry", "first.tif"],
     ["reject", "17"], ["reject", "--all", "--reason", " "]],
)  # fmt: skip
def test_wrong_use_of_the_command_line_changes_nothing(caller: Caller, batch: str, wrong: list[str]) -> None:
    assert RUN.invoke(app, ["quarantine", *wrong]).exit_code == 2
    assert files_of(caller, batch) == EMPTY | {"in_work": 1, "quarantined": 2}
