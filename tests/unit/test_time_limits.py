"""Lease, heartbeat, patience and the broker's limits fit into one another, and the documentation says the same."""

from pathlib import Path

from extract.limits import DEFAULT_LIMITS
from intake import celery_app, patience, steps
from intake.heartbeat import BEATS_PER_LEASE
from intake.settings import Settings
from intake.step_worker import GRACE_SECONDS

RABBITMQ_WAITS_SECONDS = 30 * 60  # consumer_timeout: then it closes the channel of who has not acknowledged


def test_whatever_gets_stuck_is_ended_within_five_minutes() -> None:
    limits = DEFAULT_LIMITS
    assert limits.seconds_to_read(1) + patience.GRACE_SECONDS < 300  # reading, at any page
    assert limits.seconds_per_file < 300  # unpacking


def test_who_knows_more_about_a_step_loses_patience_first() -> None:
    one_page, last = DEFAULT_LIMITS.seconds_to_read(1), patience.LONGEST_SECONDS + patience.GRACE_SECONDS
    assert DEFAULT_LIMITS.seconds_per_page < one_page < last < celery_app.HARD_LIMIT_SECONDS < RABBITMQ_WAITS_SECONDS
    # Redis hands a message to another worker only when nobody can be at work on it any more.
    redis = celery_app.transport_options("redis://localhost")
    assert redis["visibility_timeout"] >= 2 * celery_app.HARD_LIMIT_SECONDS


def test_a_worker_that_lives_keeps_its_step_even_if_signs_of_life_are_lost() -> None:
    lease = Settings.model_construct().lease_seconds
    assert lease == steps.LEASE.total_seconds()
    assert BEATS_PER_LEASE >= 3
    assert lease < DEFAULT_LIMITS.seconds_to_read(1)  # renewed: what a dead worker had comes back sooner than that
    assert lease > GRACE_SECONDS


def test_the_documentation_names_the_same_limits(repository: Path) -> None:
    text = " ".join((repository / "docs" / "deployment.md").read_text(encoding="utf-8").split())
    limits, lease = DEFAULT_LIMITS, steps.LEASE.total_seconds()
    for said in (
        f"for {lease:g} seconds and renews it every {lease / BEATS_PER_LEASE:g}",
        f"for {limits.seconds_to_read(1):g} seconds",
        f"{limits.seconds_to_begin:g} seconds and {limits.seconds_to_read_page:g} more for each page",
        f"at most {patience.LONGEST_SECONDS // 60} minutes",
        f"after {celery_app.HARD_LIMIT_SECONDS // 60} minutes",
    ):
        assert said in text
