"""Who may ask, what every answer looks like, what is described, measured and logged."""

import json
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, update

from intake import steps, tallies
from intake.api.app import create_app
from intake.api.policy import PolicedRoute, Policy, policy_of
from intake.database.tables import StepRow
from intake.dispatch import Dispatcher
from intake.presence import Presence
from intake.reconciliation import reconcile
from intake.service import Service
from intake.step_runner import Effects, StepRunner, nobody
from intake.steps import Claim
from schemas.errors import Cause, Unreadable
from schemas.scopes import Scope
from schemas.states import StepName
from tests.integration.api.caller import FILES, Caller, problem_of

CLOSED = ["/v1/batches", f"/v1/batches/{uuid4()}", "/v1/openapi.json", "/metrics"]
OPEN = ["/health/live", "/health/ready"]
PLACES = CLOSED + OPEN


def test_every_route_has_a_policy(caller: Caller) -> None:
    assert len(caller.app.routes) >= 8
    for route in caller.app.routes:
        assert isinstance(route, PolicedRoute), route
        assert isinstance(policy_of(route.endpoint), Policy | Scope)
    paths = {route.path for route in caller.app.routes if isinstance(route, PolicedRoute)}
    assert {"/v1/batches", "/v1/openapi.json", "/health/live", "/health/ready", "/metrics"} <= paths


def test_a_route_without_a_policy_cannot_be_declared() -> None:
    with pytest.raises(LookupError, match="open_door has no policy"):

        @APIRouter(route_class=PolicedRoute).get("/open")
        def open_door() -> str:
            return "come in"


def test_a_route_added_to_the_app_itself_needs_a_policy_too(caller: Caller) -> None:
    with pytest.raises(LookupError, match="has no policy"):
        caller.app.get("/open")(lambda: "come in")


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7", "nonsense"])
def test_other_machines_are_refused_everywhere(caller: Caller, peer: str) -> None:
    stranger = Caller(caller.app, peer)
    for place in CLOSED:
        assert "POSTROOM_API_KEYS" in problem_of(stranger.get(place), 403, "not_this_machine")["detail"]
    problem_of(stranger.upload(), 403, "not_this_machine")
    problem_of(stranger("POST", f"/v1/batches/{uuid4()}/files/{uuid4()}/retry"), 403, "not_this_machine")
    assert caller.get("/v1/batches").json()["batches"] == []


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_served_under_any_of_its_own_addresses(caller: Caller, peer: str) -> None:
    assert Caller(caller.app, peer).get("/v1/batches").status_code == 200


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
def test_what_a_proxy_on_this_machine_passes_on_is_refused(caller: Caller, header: str) -> None:
    problem_of(caller.get("/v1/batches", headers={header: "127.0.0.1"}), 403, "not_this_machine")


@pytest.mark.parametrize(
    "host",
    ["postroom.example", "localhost.example:8000", "127.0.0.1.example", "127.0.0.2", "localhost:", "localhost:x",
     "[::2]", "evil@localhost", "localhost, evil", "", "::1", "192.0.2.7:8000"],
)  # fmt: skip
def test_any_other_name_of_the_host_is_refused(caller: Caller, host: str) -> None:
    for place in (*CLOSED, "/nowhere"):
        problem_of(caller.get(place, headers={"Host": host}), 421, "wrong_host")
    # Whoever watches over the service may call it by its bare address: the answer says nothing but states.
    for place in OPEN:
        assert caller.get(place, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:9", "127.0.0.1:8000", "[::1]:8000", "[::1]"]
)
def test_our_own_names_are_served(caller: Caller, host: str) -> None:
    assert caller.get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_cannot_hand_anything_over(caller: Caller, headers: dict[str, str]) -> None:
    files = [("files", ("a.tif", b"x"))]
    problem_of(caller("POST", "/v1/batches", files=files, headers=headers), 403, "cross_site")
    assert caller.get("/v1/batches").json()["batches"] == []


def test_our_own_pages_can(caller: Caller) -> None:
    headers = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}
    assert caller("POST", "/v1/batches", files=[("files", ("a.tif", b"x"))], headers=headers).status_code == 201


def test_no_answer_invites_other_sites_and_all_forbid_being_kept(caller: Caller) -> None:
    for place in (*PLACES, "/nowhere"):
        headers = caller.get(place, headers={"Origin": "https://evil.example"}).headers
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/openapi.json", 404, "not_found"),
        ("GET", "/v1/batches/", 404, "not_found"),
        ("DELETE", "/v1/batches", 405, "wrong_method"),
        ("OPTIONS", "/v1/batches", 405, "wrong_method"),
        ("POST", "/health/live", 405, "wrong_method"),
        ("BREW", "/metrics", 405, "wrong_method"),
        ("GET", "/v1/batches/17", 422, "invalid_request"),
        ("GET", "/v1/batches?limit=0", 422, "invalid_request"),
        ("GET", "/v1/batches?limit=201", 422, "invalid_request"),
        ("GET", "/v1/batches?after=first", 422, "invalid_request"),
    ],
)
def test_every_error_is_a_problem(caller: Caller, method: str, path: str, status: int, code: str) -> None:
    response = caller(method, path)
    problem_of(response, status, code)
    if status == 405:
        assert ("GET" in response.headers["allow"]) == (path != "/nowhere")


def test_a_wrong_method_is_told_all_the_right_ones(caller: Caller) -> None:
    assert caller("DELETE", "/v1/batches").headers["allow"] == "GET, POST"


def broken_app(service: Service, error: Exception) -> FastAPI:
    app = create_app(service)

    def fail() -> None:
        raise error

    fail.__policy__ = Policy.KNOWN  # type: ignore[attr-defined]
    app.get("/fail")(fail)
    return app


def test_an_error_of_ours_tells_the_sender_and_the_log_nothing_of_what_was_written(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = Caller(broken_app(service, ValueError("Jane Doe, /srv/post"))).get("/fail")
    problem = problem_of(response, 500, "failed")
    assert "Jane" not in response.text + caplog.text
    assert "/srv" not in response.text
    told = f"request_failed request_id={problem['request_id']} error=ValueError place=tests.integration.api.test_doors:"
    assert told in caplog.text


def test_the_log_holds_ids_and_neither_names_nor_content_nor_addresses_as_sent(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        files = {"Jane-Doe.tif": b"content-of-the-letter" * 100}
        receipt = caller.upload(files, key="key-of-Jane", name="name-of-Jane").json()
        caller.get(f"/v1/batches/{receipt['batch_id']}")
        caller.get("/v1/batches/Jane-Doe?after=Jane-Doe")
        caller.get("/Jane-Doe")
        caller.upload({"Jane-Doe.tif": b"other"}, key="key-of-Jane")
        caller.upload(received_on="Jane-Doe")
    lines = [record.getMessage() for record in caplog.records if record.name == "postroom"]
    assert len(lines) == 6
    assert lines[0].startswith("request method=POST route=/v1/batches status=201 ")
    assert receipt["batch_id"] in lines[0]
    assert lines[1].startswith("request method=GET route=/v1/batches/{batch_id} status=200 ")
    assert receipt["batch_id"] in lines[1]
    assert lines[3].startswith("request method=GET route=none status=404 ")
    # What the caller's own library says is none of the service's doing.
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    for secret in ("Jane", "letter"):
        assert secret not in "".join(ours)


def samples(caller: Caller) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics by its name and the values of its labels."""
    response = caller.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(response.text)
    return {(item.name, *item.labels.values()): item.value for family in families for item in family.samples}


def test_metrics_tell_where_mail_and_steps_stand_and_what_was_asked(caller: Caller) -> None:
    caller.upload()
    caller.get("/nowhere/Jane-Doe")
    time.sleep(0.01)
    found = samples(caller)
    assert found["postroom_mail", "files", "in_work"] == len(FILES)
    assert found["postroom_mail", "pieces", "published"] == 0
    assert 0 < found["postroom_mail_oldest_seconds", "files", "in_work"] < 60
    assert found["postroom_mail_oldest_seconds", "files", "quarantined"] == 0
    assert found["postroom_steps", "unpack", "ready"] == len(FILES)
    assert found["postroom_steps", "read", "quarantined"] == 0
    assert 0 < found["postroom_oldest_ready_step_seconds",] < 60
    assert found["postroom_store_free_bytes",] > 0
    assert found["postroom_database_up",] == 1
    assert found["postroom_requests_total", "POST", "/v1/batches", "201"] == 1
    assert found["postroom_requests_total", "GET", "none", "404"] == 1
    assert found["postroom_request_seconds_count", "POST", "/v1/batches"] == 1


def test_metrics_tell_what_other_processes_did(service: Service) -> None:
    caller = Caller(create_app(service, dispatcher=Dispatcher(service.database, Mailbox(), window=8)))
    caller.upload()
    worker = Presence(service.database, "worker-1", 10.0)

    def refuse(claim: Claim) -> Effects:
        raise Unreadable("It is damaged.", cause=Cause.DAMAGED, remedy="Scan it again.")

    bodies = {StepName.UNPACK: worker.watched(refuse)}
    StepRunner(service.database, bodies, "worker-1", watcher=worker.counting(nobody)).run_next()
    worker.beat()
    reconcile(service.database, "anna")
    with service.database.write() as session:
        tallies.add(session, {tallies.attempt("read", "failed"): 2, tallies.LEASES_LOST: 1})
    found = samples(caller)
    assert found["postroom_received_total", "files"] == len(FILES)
    assert found["postroom_received_total", "pieces"] == 0
    assert found["postroom_records_published_total",] == 0
    assert found["postroom_step_attempts_total", "quarantined", "unpack"] == 1
    assert found["postroom_step_attempts_total", "done", "unpack"] == 0
    assert found["postroom_wasted_attempts_total", "failed"] == 2
    assert found["postroom_wasted_attempts_total", "worker_lost"] == 1
    assert found["postroom_step_seconds_count", "unpack"] == 1
    assert 0 < found["postroom_step_seconds_sum", "unpack"] < 60
    assert found["postroom_step_seconds_bucket", "+Inf", "unpack"] == 1
    assert found["postroom_step_seconds_bucket", "120.0", "unpack"] == 1  # each holds those before it
    assert found["postroom_workers", "idle"] == 1
    assert found["postroom_workers", "working"] == 0
    assert found["postroom_quarantine", "damaged"] == 1
    assert found["postroom_quarantine", "encrypted"] == 0
    assert found["postroom_reconcile_difference",] == 0
    assert abs(found["postroom_reconcile_last_timestamp_seconds",] - time.time()) < 60
    assert found["postroom_dispatcher_window",] == 8
    assert ("postroom_broker_messages",) not in found  # it was never asked


class Mailbox:
    """A broker nobody reads from."""

    def waiting(self) -> int:
        return 5

    def nudge(self, step_ids: Sequence[int]) -> None:
        raise AssertionError("there is no room for more")


def test_metrics_tell_how_full_the_broker_was_when_last_asked(service: Service) -> None:
    dispatcher = Dispatcher(service.database, Mailbox(), window=5)
    dispatcher.fill()
    assert samples(Caller(create_app(service, dispatcher=dispatcher)))["postroom_broker_messages",] == 5


def test_the_database_is_not_counted_again_for_a_second_scrape_at_once(caller: Caller) -> None:
    before = samples(caller)
    caller.upload()
    assert samples(caller)["postroom_mail", "files", "in_work"] == before["postroom_mail", "files", "in_work"] == 0


def test_live_and_ready_when_all_is_well(caller: Caller) -> None:
    assert caller.get("/health/live").json() == {"status": "live"}
    assert caller.get("/health/ready").json() == {"status": "ready"}


def make_older(service: Service, seconds: float) -> None:
    """As if the ready steps had been ready for so long."""
    with service.database.write() as session:
        moment = service.database.now() - timedelta(seconds=seconds)
        session.execute(update(StepRow).values(state_since=moment))


def test_ready_fails_when_work_waits_and_nobody_is_at_work(caller: Caller, service: Service) -> None:
    caller.upload()
    assert caller.get("/health/ready").status_code == 200
    make_older(service, 3600)
    response = caller.get("/health/ready")
    problem = problem_of(response, 503, "not_ready")
    assert [fault["place"] for fault in problem["errors"]] == ["progress"]
    assert "retry-after" in response.headers
    assert caller.get("/health/live").status_code == 200


@pytest.mark.parametrize(("lease", "status"), [(timedelta(minutes=1), 200), (timedelta(minutes=-1), 503)])
def test_a_long_queue_is_ready_as_long_as_a_living_worker_is_at_it(
    caller: Caller, service: Service, lease: timedelta, status: int
) -> None:
    caller.upload()
    make_older(service, 3600)
    with service.database.write() as session:
        assert steps.claim(session, [StepName.UNPACK], "worker-1", service.database.now(), lease) is not None
        assert len(session.scalars(select(StepRow.id).where(StepRow.state == "ready")).all()) == 2
    assert caller.get("/health/ready").status_code == status


def test_ready_fails_on_tables_of_another_version(caller: Caller, service: Service) -> None:
    with service.database.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    problem = problem_of(caller.get("/health/ready"), 503, "not_ready")
    assert [fault["place"] for fault in problem["errors"]] == ["database"]


def test_ready_fails_when_the_folder_for_uploads_is_gone(caller: Caller, service: Service) -> None:
    (service.settings.home / "uploads").rmdir()
    problem = problem_of(caller.get("/health/ready"), 503, "not_ready")
    assert [fault["place"] for fault in problem["errors"]] == ["store"]


def operations(caller: Caller) -> dict[tuple[str, str], dict[str, Any]]:
    paths = caller.get("/v1/openapi.json").json()["paths"]
    return {(method, path): operation for path, found in paths.items() for method, operation in found.items()}


def test_the_description_names_every_route_and_every_error_as_a_problem(caller: Caller) -> None:
    described = caller.get("/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert "HTTPValidationError" not in str(described)
    found = operations(caller)
    routes = {
        (method.lower(), route.path)
        for route in caller.app.routes
        if isinstance(route, PolicedRoute)
        for method in route.methods
    }
    assert set(found) == routes
    for operation in found.values():
        assert {"403", "421", "500"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            if status >= "4":
                assert list(response["content"]) == ["application/problem+json"]
                assert response["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
    assert {"200", "201", "400", "408", "413", "422", "503", "507"} <= set(found["post", "/v1/batches"]["responses"])
    assert {"404", "409"} <= set(found["post", "/v1/batches/{batch_id}/files/{file_id}/retry"]["responses"])


def test_every_reference_of_the_description_leads_somewhere(caller: Caller) -> None:
    described = caller.get("/v1/openapi.json").json()

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    names = {reference.removeprefix("#/components/schemas/") for reference in references(described)}
    assert names <= set(described["components"]["schemas"])
    assert "Problem" in names


def test_nothing_in_the_description_is_loaded_from_elsewhere(caller: Caller, tmp_path: Path) -> None:
    text = caller.get("/v1/openapi.json").text
    # What a webhook's address looks like is described with an address; nothing else names one.
    described = json.loads(text)
    for name in ("NewWebhook", "WebhookChange"):
        assert "://" in json.dumps(described["components"]["schemas"][name]["properties"].pop("url"))
    assert "://" not in json.dumps(described)
    assert str(tmp_path) not in text
