"""The dispatcher's way into a real Redis: what it says of the queue, and that a dead broker holds nobody up."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from celery import Celery

from intake import celery_app
from intake.celery_broker import QUEUE, CeleryBroker
from schemas.errors import Unavailable
from tests.redis_server import RedisServer


@pytest.fixture
def broker(redis_server: RedisServer) -> Iterator[CeleryBroker]:
    with redis_server.client() as client:
        client.flushall()
    app = Celery("test", broker=redis_server.url, set_as_current=False)
    app.conf.task_default_queue = QUEUE
    options = celery_app.transport_options(redis_server.url)
    assert options["socket_timeout"] <= 5
    assert options["socket_connect_timeout"] <= 5
    app.conf.broker_transport_options = options | {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    broker = CeleryBroker(app)
    yield broker
    broker.close()


def test_what_was_sent_waits(broker: CeleryBroker) -> None:
    assert broker.waiting() == 0
    broker.nudge([1, 2, 3])
    assert broker.waiting() == 3


def test_a_broker_that_was_emptied_is_sent_to_as_before(broker: CeleryBroker, redis_server: RedisServer) -> None:
    broker.nudge([1])
    with redis_server.client() as client:
        client.flushall()
    assert broker.waiting() == 0
    broker.nudge([2])
    assert broker.waiting() == 1


def test_a_broker_that_was_killed_and_started_again_is_sent_to_as_before(
    broker: CeleryBroker, redis_server: RedisServer
) -> None:
    broker.nudge([1])
    redis_server.kill()
    with pytest.raises(Unavailable):
        broker.nudge([2])
    with pytest.raises(Unavailable):
        broker.waiting()
    redis_server.start()
    broker.nudge([3])
    assert broker.waiting() == 1


def test_a_broker_that_hangs_holds_nobody_up(broker: CeleryBroker, redis_server: RedisServer) -> None:
    assert broker.waiting() == 0
    os.kill(redis_server.process.pid, signal.SIGSTOP)
    try:
        for ask in (broker.waiting, lambda: broker.nudge([1])):
            asked = time.monotonic()
            with pytest.raises(Unavailable):
                ask()
            assert time.monotonic() - asked < 30  # far from the minutes that the libraries would wait
    finally:
        os.kill(redis_server.process.pid, signal.SIGCONT)
    deadline = time.monotonic() + 20
    while True:
        try:
            broker.nudge([2])
            break
        except Unavailable:
            assert time.monotonic() < deadline
    assert broker.waiting() >= 1
