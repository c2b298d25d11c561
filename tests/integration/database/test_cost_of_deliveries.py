"""What an event costs does not grow with those that were delivered: no statement on its way goes through them all."""

import random
import re
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import func, insert, select, text

from intake.database.engine import Database
from intake.database.tables import DeliveryRow, OutboxRow, WebhookRow
from intake.events import deliveries
from intake.events.deliveries import Claim, Patience
from intake.events.sending import Answer
from schemas.delivery import DeliveryOutcome, DeliveryState
from tests.integration.database.test_cost_of_a_piece import noted
from tests.integration.database.test_webhooks import DAY, HOUR, MINUTE, Post

URL: Final = "http://127.0.0.1:9/"
DELIVERED: Final = 5_000
PATIENCE: Final = Patience(DAY, HOUR)
# The index of what is still to be handed on is read whole, and nothing else.
_SCAN: Final = re.compile(
    r"SCAN (deliveries|its|earlier|outbox)\b(?! USING (COVERING )?INDEX ix_outbox_not_sent)"
    r"|Seq Scan on (deliveries|outbox)\b"
    # In the order of its key, from the first row on, until something fits.
    r"|Index Scan using pk_(deliveries|outbox) on .*(?:\n(?!\s+Index Cond)|\Z)"
)


@pytest.fixture
def post(database: Database) -> Post:
    """Two receivers that have had thousands of events, and a few that nobody has had."""
    post = Post(database)
    for _ in range(2):
        post.add(URL)
    long_ago = post.now - 2 * HOUR
    with post.database.write() as session:
        had = [
            {"event": "batch.received", "subject": f"batches/{number}", "data": {}, "created_at": long_ago,
             "sent_at": long_ago}
            for number in range(DELIVERED)
        ]  # fmt: skip
        session.execute(insert(OutboxRow), had)
        moments = dict.fromkeys(("state_since", "since", "not_before", "created_at"), long_ago)
        webhooks = session.scalars(select(WebhookRow.id)).all()
        for event, subject in session.execute(select(OutboxRow.id, OutboxRow.subject)).all():
            rows = [
                {"webhook_id": webhook, "outbox_id": event, "subject": subject, "state": DeliveryState.DELIVERED,
                 "attempts": 1, "outcome": DeliveryOutcome.DELIVERED, "status": 204, **moments}
                for webhook in webhooks
            ]  # fmt: skip
            session.execute(insert(DeliveryRow), rows)
    post.publish(4)
    with post.database.write() as session:
        session.execute(text("ANALYZE"))  # as the server does by itself sooner or later
    return post


def plans(database: Database, statements: dict[str, Any]) -> dict[str, str]:
    """How the database goes about each statement, its tables being as full as they are."""
    explain = "EXPLAIN (COSTS OFF) " if database.is_postgresql else "EXPLAIN QUERY PLAN "
    found = {}
    with database.write() as session:
        for statement, parameters in statements.items():
            if re.match(r"SELECT|INSERT|UPDATE|DELETE", statement):
                rows = session.connection().exec_driver_sql(explain + statement, parameters).all()
                found[statement] = "\n".join(str(row[-1]) for row in rows)
        session.rollback()
    return found


def scans(database: Database, statements: dict[str, Any]) -> dict[str, str]:
    return {statement: plan for statement, plan in plans(database, statements).items() if _SCAN.search(plan)}


def claimed(post: Post, webhook: int) -> Claim:
    with post.database.write() as session:
        claim = deliveries.claim(session, webhook, post.now, MINUTE)
    assert claim is not None
    return claim


def settled(post: Post, claim: Claim, answer: Answer) -> DeliveryState | None:
    chance = random.Random(7)  # noqa: S311  # spreads waits, no secret
    with post.database.write() as session:
        return deliveries.settle(session, claim, answer, post.now, PATIENCE, chance)


def test_handing_on_and_sending_go_through_nothing_that_was_delivered(post: Post) -> None:
    with noted(post.database) as statements:
        assert deliveries.fan_out(post.database) == 4
        assert deliveries.fan_out(post.database) == 0
        with post.database.read() as session:
            first, second = deliveries.due(session, post.now)
        answers = {
            DeliveryState.DELIVERED: Answer(DeliveryOutcome.DELIVERED, 204),
            DeliveryState.WAITING: Answer(DeliveryOutcome.REJECTED, 500),
            DeliveryState.DEAD: Answer(DeliveryOutcome.GONE, 410),
        }
        for state, answer in answers.items():
            assert settled(post, claimed(post, first), answer) is state
        assert claimed(post, second).attempt == 1
    assert sum("deliveries" in statement for statement in statements) >= 5
    assert scans(post.database, statements) == {}


def test_looking_after_what_is_sent_goes_through_nothing_that_was_delivered(post: Post) -> None:
    deliveries.fan_out(post.database)
    with post.database.write() as session:
        first, _ = session.scalars(select(WebhookRow.id).order_by(WebhookRow.id)).all()
    claimed(post, first)
    later = post.now + timedelta(minutes=5)
    with noted(post.database) as statements:
        assert deliveries.bring_back(post.database, later) == 1
        assert deliveries.give_up_on_the_away(post.database, later, PATIENCE) == 0
        assert deliveries.prune(post.database, later - DAY) == 0
        assert deliveries.prune(post.database, later - HOUR) == deliveries.AT_ONCE
        with post.database.read() as session:
            assert deliveries.nobody_delivers(session, later)
            waiting, oldest, dead = deliveries.standings(session)
            assert (waiting, oldest, dead) == (8, post.now, 0)
    assert scans(post.database, statements) == {}
    with post.database.read() as session:
        query = select(func.count()).where(DeliveryRow.state == DeliveryState.DELIVERED)
        assert session.scalars(query).one() == 2 * DELIVERED - deliveries.AT_ONCE
