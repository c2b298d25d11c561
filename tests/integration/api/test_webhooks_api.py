"""Webhooks over the API: added, changed against what was looked at, rotated, tested, replayed, removed."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from intake.api.app import create_app
from intake.database.tables import WebhookRow
from intake.service import Service
from tests.integration.api.caller import Caller, problem_of

URL = "https://127.0.0.1:9443/hook"


@pytest.fixture
def caller(service: Service) -> Caller:
    settings = service.settings.model_copy(update={"webhook_allow": "127.0.0.1"})
    return Caller(create_app(Service(settings, service.database, service.store)))


def test_a_webhook_is_added_with_a_secret_that_is_shown_once(caller: Caller, service: Service) -> None:
    made = caller("POST", "/v1/webhooks", json={"url": URL, "types": ["record.published"]})
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    path = made.headers["location"]
    shown = caller.get(path)
    assert (shown.json()["url"], shown.json()["state"], shown.headers["etag"]) == (URL, "active", made.headers["etag"])
    assert secret not in shown.text + caller.get("/v1/webhooks").text
    rotated = caller("POST", f"{path}/secret/rotate").json()
    assert rotated["secret"] != secret
    assert rotated["two_secrets_until"] is not None
    with service.database.read() as session:
        assert session.scalars(select(WebhookRow.created_by)).one() == "api"


def test_it_is_changed_against_what_was_looked_at(caller: Caller) -> None:
    made = caller("POST", "/v1/webhooks", json={"url": URL})
    path, tag = made.headers["location"], made.headers["etag"]
    problem_of(caller("PATCH", path, json={"active": False}), 428, "needs_if_match")
    off = caller("PATCH", path, json={"active": False}, headers={"If-Match": tag})
    assert (off.json()["state"], off.json()["reason"]) == ("disabled", "Somebody switched it off.")
    problem_of(caller("PATCH", path, json={"active": True}, headers={"If-Match": tag}), 412, "superseded")
    assert caller("DELETE", path).status_code == 204
    problem_of(caller.get(path), 404, "not_found")


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://example.org/", "https://localhost/", "https://[::1]/"])
def test_an_address_that_is_not_public_is_refused(caller: Caller, url: str) -> None:
    refused = problem_of(caller("POST", "/v1/webhooks", json={"url": url}), 422, "forbidden_address")
    assert [fault["place"] for fault in refused["errors"]] == ["body.url"]
    assert caller.get("/v1/webhooks").json() == {"webhooks": []}


def test_a_test_stands_among_its_deliveries_and_what_is_on_its_way_is_not_replayed(caller: Caller) -> None:
    path = caller("POST", "/v1/webhooks", json={"url": URL}).headers["location"]
    sent = caller("POST", f"{path}/test")
    assert (sent.status_code, sent.json()["event"], sent.json()["state"]) == (202, "webhook.test", "waiting")
    assert caller.get(f"{path}/deliveries").json() == {"deliveries": [sent.json()], "next": None}
    assert caller("POST", f"{path}/deliveries/{sent.json()['id']}/replay").json() == {"replayed": 0}
    dead = {"dead_since": "2026-01-01T00:00:00Z"}
    assert caller("POST", f"{path}/deliveries/replay", json=dead).json() == {"replayed": 0}
    problem_of(caller("POST", f"{path}/deliveries/{uuid4()}/replay"), 404, "not_found")
