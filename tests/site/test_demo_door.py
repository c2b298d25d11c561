"""The door of the demo: who comes in by its links, and who tries a link that is none, stand in the audit."""

import json

import httpx
from sqlalchemy import select

from intake.database.tables import AuditRow
from review_ui.site.demo_door import DemoDoor
from schemas.people import Role
from tests.site.served import Site, form_token


def audited(site: Site) -> list[tuple[str, str, str, object]]:
    """What was done after the people were made."""
    with site.service.database.read() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action != "person made").order_by(AuditRow.sequence))
        return [(row.actor, row.action, row.subject, json.loads(row.details)) for row in rows]


def come_in(client: httpx.Client, link: str) -> int:
    token = form_token(client.get("/sign-in").text)
    return client.post(link, data={"csrf_token": token}).status_code


def test_coming_in_by_a_link_and_trying_a_used_one_are_audited(site: Site) -> None:
    owen = site.make_person(Role.OPERATOR, "owen")
    door = DemoDoor()
    site.app.router.routes[:0] = door.router().routes
    link = door.link_for(owen)
    first, second = site.client(), site.client()
    assert first.get(link).status_code == 200  # looking is no coming in
    assert audited(site) == []
    assert come_in(first, link) == 303
    assert come_in(second, link) == 404
    assert "postroom_session" not in second.cookies
    assert audited(site) == [
        (owen.actor, "signed in", owen.actor, {"by": "demo"}),
        ("nobody", "sign-in failed", "people", {"cause": "unknown link"}),
    ]
