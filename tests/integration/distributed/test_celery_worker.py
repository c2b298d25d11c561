"""`celery -A intake.celery_app worker` as people expect it to work: a real worker, a real Redis, a real PostgreSQL."""

import base64
import json
import os
import pickle
import signal
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import select

from intake import ledger
from intake.celery_broker import QUEUE, TASK
from intake.database.tables import StepRow
from intake.service import Service
from schemas.states import StepName, StepState
from tests.integration.distributed.plant import Plant, Program, hand_over, only_step, published, scan, wait_until
from tests.redis_server import RedisServer

GATED = 666  # see scripted_celery


def nudge(stranger: Celery, *args: Any, task: str = TASK, **options: Any) -> None:
    stranger.send_task(task, args=args, queue=QUEUE, **options)


def wait_for_step(service: Service, name: StepName, state: StepState) -> StepRow:
    wait_until(lambda: (step := only_step(service)).name == name and step.state == state)
    return only_step(service)


def all_steps(service: Service) -> list[StepRow]:
    with service.database.read() as session:
        return list(session.scalars(select(StepRow).order_by(StepRow.id)).all())


def test_what_is_received_is_published_and_a_second_nudge_does_nothing(plant: Plant, service: Service) -> None:
    hand_over(service, [scan(number) for number in range(6)])
    worker, dispatcher = plant.ready_worker(), plant.dispatcher()
    wait_until(lambda: published(service) == 6)
    assert dispatcher.stop() == 0
    before = [(step.id, step.state, step.fence, step.state_since) for step in all_steps(service)]
    assert {state for _, state, _, _ in before} == {StepState.DONE}
    stranger = plant.stranger()
    for step, _, _, _ in before:
        nudge(stranger, step)
    done_again = f"Task {TASK}"
    wait_until(lambda: worker.said().count(f"{done_again}[") >= 2 * 2 * len(before))  # received, and succeeded
    assert [(step.id, step.state, step.fence, step.state_since) for step in all_steps(service)] == before
    assert worker.stop() == 0
    with service.database.read() as session:
        assert ledger.take(session).difference == 0


class Touch:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.mark, "w"))


def forged(redis_server: RedisServer, stranger: Celery, mark: str) -> None:
    """Everything somebody with access to the broker might put into the queue, and what only looks like a message."""
    for args in ([], ["1"], [None], [-1], [True], [10**30], [1, 2], [{"id": 1}], [1.5], [[1]]):
        nudge(stranger, *args)
    nudge(stranger, 1, task="os.system")
    nudge(stranger, 1, task="celery.backend_cleanup")
    stranger.send_task(TASK, kwargs={"step_id": "x", "more": 1}, queue=QUEUE)
    stranger.conf.task_serializer = "pickle"
    nudge(stranger, Touch(mark), serializer="pickle")
    properties = {"delivery_info": {"exchange": "", "routing_key": QUEUE}, "body_encoding": "base64"}
    good_headers = {"lang": "py", "task": TASK, "id": "1", "root_id": "1", "argsrepr": "()", "kwargsrepr": "{}"}
    pickled = {**properties, "delivery_tag": "p"}
    body = base64.b64encode(pickle.dumps(([Touch(mark)], {}, {}))).decode()
    raw: list[Any] = [
        {"a": 1},
        [1, 2],
        "text",
        None,
        {"body": "", "headers": {}, "properties": {}},
        {"body": "e30=", "headers": {}, "properties": {**properties, "delivery_tag": "1"}},
        {"body": "!", "headers": good_headers, "properties": {**properties, "delivery_tag": "2"}},
        {"body": "e30=", "headers": {"task": TASK}, "properties": {**properties, "delivery_tag": "3"}},
        {"body": "W10=", "headers": good_headers, "properties": {**properties, "delivery_tag": "4"},
         "content-type": "application/json", "content-encoding": "utf-8"},
        {"body": "bnVsbA==", "headers": {**good_headers, "retries": "x", "eta": "never", "timelimit": 3},
         "properties": {**properties, "delivery_tag": "5"},
         "content-type": "application/json", "content-encoding": "utf-8"},
        {"body": body, "headers": good_headers, "properties": pickled,
         "content-type": "application/x-python-serialize", "content-encoding": "binary"},
    ]  # fmt: skip
    with redis_server.client() as client:
        for message in raw:
            client.lpush(QUEUE, json.dumps(message))
        client.lpush(QUEUE, b"\xff\xfe no text", "{", "")


def test_forged_messages_have_no_effect_and_do_not_end_the_worker(
    plant: Plant, service: Service, redis_server: RedisServer
) -> None:
    hand_over(service, [scan(1)])
    worker = plant.ready_worker("--concurrency=1")
    before = only_step(service)
    mark = plant.folder / "unpickled"
    # More of each than the worker takes ahead: none of them may keep a place for ever.
    for _ in range(3):
        forged(redis_server, plant.stranger(), str(mark))
    with redis_server.client() as client:
        wait_until(lambda: client.llen(QUEUE) == 0)
    step = only_step(service)
    assert (step.id, step.state, step.fence) == (before.id, StepState.READY, 0)
    nudge(plant.stranger(), before.id)
    wait_until(lambda: only_step(service).name == StepName.READ)
    assert not mark.exists()
    assert worker.process.poll() is None


def test_sigterm_lets_the_step_in_hand_end(plant: Plant, service: Service) -> None:
    worker = reading(plant, service)
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_for("Warm shutdown")
    (plant.folder / "host-1" / "open").touch()
    assert worker.process.wait(60) == 0
    done = [step for step in all_steps(service) if step.name == StepName.READ]
    assert [(step.state, step.attempts) for step in done] == [(StepState.DONE, 1)]


def test_sigterm_gives_back_what_would_take_too_long_and_charges_nothing(plant: Plant, service: Service) -> None:
    worker = reading(plant, service)
    assert worker.stop() == 0
    step = only_step(service)
    assert (step.name, step.state, step.attempts) == (StepName.READ, StepState.READY, 0)
    assert step.lease_until is None


def reading(plant: Plant, service: Service) -> Program:
    """A worker in the middle of a page that does not end by itself; nobody else is there."""
    hand_over(service, [scan(1, width=GATED)])
    worker, dispatcher = plant.ready_worker(), plant.dispatcher()
    wait_until((plant.folder / "host-1" / "begun").exists)
    assert dispatcher.stop() == 0
    return worker


def test_what_a_killed_process_had_in_hand_comes_back(plant: Plant, service: Service) -> None:
    worker = reading(plant, service)
    for child in worker.children():
        os.kill(child, signal.SIGKILL)
    # Nobody dispatches: the worker itself brings the step back, once the lease has passed.
    step = wait_for_step(service, StepName.READ, StepState.READY)
    assert step.attempts == 1
    (plant.folder / "host-1" / "open").touch()
    plant.dispatcher()
    wait_until(lambda: published(service) == 0 and not open_steps(service))
    [read] = [step for step in all_steps(service) if step.name == StepName.READ]
    assert (read.state, read.attempts) == (StepState.DONE, 2)
    assert worker.process.poll() is None


def open_steps(service: Service) -> list[StepRow]:
    return [step for step in all_steps(service) if step.state != StepState.DONE]


def test_the_settings_are_those_that_lose_nothing(plant: Plant, service: Service) -> None:
    plant.ready_worker()
    answer = plant.celery("inspect", "conf", "--json")
    [conf] = json.loads(answer.stdout).values()
    expected = {
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 2,
        "broker_connection_retry": True,
        "worker_soft_shutdown_timeout": 30,
        "broker_connection_max_retries": None,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
    }
    assert {name: conf.get(name) for name in expected} == expected
    assert conf["worker_max_tasks_per_child"] > 0
    assert conf["worker_max_memory_per_child"] > 0
    limit = conf["task_time_limit"]
    assert limit < 30 * 60  # RabbitMQ closes the channel of who takes longer
    assert conf["broker_transport_options"]["visibility_timeout"] >= 2 * limit


def test_celery_shows_its_workers(plant: Plant, service: Service) -> None:
    plant.ready_worker()
    status = plant.celery("status")
    assert status.returncode == 0
    assert "1 node online" in status.stdout
    assert TASK in plant.celery("inspect", "registered").stdout


@pytest.mark.parametrize("command", ["worker", "status"])
def test_without_a_broker_celery_says_what_is_missing(plant: Plant, command: str) -> None:
    del plant.settings["POSTROOM_BROKER_URL"]
    answer = plant.celery(command)
    assert answer.returncode == 1
    assert "POSTROOM_BROKER_URL is not set" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_redis_that_throws_keys_away_is_refused(plant: Plant) -> None:
    with RedisServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as forgetful:
        plant.settings["POSTROOM_BROKER_URL"] = forgetful.url
        for program, code in ((plant.worker(), 1), (plant.dispatcher(), 5)):
            assert program.process.wait(60) == code
            assert "maxmemory-policy noeviction" in program.said()
            assert "Traceback" not in program.said()


def test_a_pool_of_threads_is_refused(plant: Plant) -> None:
    worker = plant.worker("--pool=threads")
    assert worker.process.wait(60) == 1
    assert "steps need processes of their own" in worker.said()


def test_a_worker_that_takes_no_messages_while_some_wait_ends_itself(plant: Plant, service: Service) -> None:
    """Celery's own command stands for what a lost connection does now and then: alive, answering, consuming nothing."""
    worker = plant.ready_worker()
    assert plant.celery("control", "cancel_consumer", QUEUE).returncode == 0
    hand_over(service, [scan(1)])
    dispatcher = plant.dispatcher()
    worker.process.wait(60)
    assert "Messages wait in the broker and do not come" in worker.said()
    plant.ready_worker(home="host-2")  # as whatever keeps workers running would
    wait_until(lambda: published(service) == 1)
    assert dispatcher.process.poll() is None
