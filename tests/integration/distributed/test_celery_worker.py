"""`celery -A intake.celery_app worker` as people expect it to work: a real worker, a real Redis, a real PostgreSQL."""

import base64
import json
import os
import pickle
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from celery import Celery

from intake import ledger
from intake.api.app import create_app
from intake.celery_broker import QUEUE, TASK
from intake.database.tables import StepRow
from intake.service import Service
from schemas.states import StepName, StepState
from tests.integration.api.caller import Caller
from tests.integration.distributed.conftest import new_plant
from tests.integration.distributed.plant import (
    PROGRAMS,
    Plant,
    Program,
    hand_over,
    open_steps,
    published,
    scan,
    steps_of,
    wait_until,
)
from tests.integration.distributed.scripted_pages import GATED
from tests.postgresql_server import PostgresqlServer
from tests.redis_server import RedisServer


@dataclass(frozen=True)
class Running:
    """A worker that runs from the first test to the last, with the service it works for."""

    plant: Plant
    service: Service
    worker: Program
    redis: RedisServer

    @property
    def begun(self) -> Path:
        """There while a page waits for `open`."""
        return self.plant.folder / "host-1" / "begun"

    @property
    def open(self) -> Path:
        return self.plant.folder / "host-1" / "open"


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresqlServer) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("one-worker")
    with RedisServer() as redis, new_plant(folder, postgresql_server, redis.url) as plant:
        service = plant.open()
        yield Running(plant, service, plant.ready_worker(), redis)
        service.close()


@pytest.fixture
def running(one_worker: Running) -> Running:
    """The worker, with nothing to do."""
    one_worker.begun.unlink(missing_ok=True)
    one_worker.open.unlink(missing_ok=True)
    assert not open_steps(one_worker.service)
    return one_worker


def nudge(stranger: Celery, *args: Any, task: str = TASK, **options: Any) -> None:
    stranger.send_task(task, args=args, queue=QUEUE, **options)


def all_states(service: Service) -> list[tuple[object, ...]]:
    return [(step.id, step.state, step.fence, step.state_since) for step in steps_of(service)]


def test_what_is_received_is_published_and_a_second_nudge_does_nothing(running: Running) -> None:
    service, worker = running.service, running.worker
    before = published(service)
    with running.plant.dispatching(service):
        hand_over(service, [scan(number) for number in range(6)])
        wait_until(lambda: published(service) == before + 6)
    states = all_states(service)
    wait_until(lambda: worker.said().count('"celery.worker.strategy"') == worker.said().count("succeeded in"))
    said = worker.said().count("succeeded in")
    for step in steps_of(service):
        nudge(running.plant.stranger(), step.id)
    wait_until(lambda: worker.said().count("succeeded in") == said + len(states))
    assert all_states(service) == states
    with service.database.read() as session:
        assert ledger.take(session).difference == 0


class Touch:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.mark, "w"))


def forge(redis_server: RedisServer, stranger: Celery, mark: str) -> None:
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


def test_forged_messages_have_no_effect_and_do_not_end_the_worker(running: Running) -> None:
    service, plant = running.service, running.plant
    before = published(service)
    hand_over(service, [scan(100)])
    [step] = open_steps(service)
    mark = plant.folder / "unpickled"
    # More of each than the worker takes ahead: none of them may keep a place for ever.
    for _ in range(3):
        forge(running.redis, plant.stranger(), str(mark))
    with running.redis.client() as client:
        wait_until(lambda: client.llen(QUEUE) == 0)
    [still] = open_steps(service)
    assert (still.id, still.state, still.fence) == (step.id, StepState.READY, 0)
    assert not mark.exists()
    with plant.dispatching(service):
        wait_until(lambda: published(service) == before + 1)
    assert running.worker.process.poll() is None


def test_what_a_killed_process_had_in_hand_comes_back(running: Running) -> None:
    service = running.service
    with running.plant.dispatching(service):
        hand_over(service, [scan(200, width=GATED)])
        wait_until(running.begun.exists)
    for child in running.worker.children():
        os.kill(child, signal.SIGKILL)
    running.open.touch()
    # Nobody dispatches: the worker itself brings the step back, once the lease has passed.
    wait_until(lambda: [(step.state, step.attempts) for step in open_steps(service)] == [(StepState.READY, 1)])
    with running.plant.dispatching(service):
        wait_until(lambda: not open_steps(service))
    read = steps_of(service, StepRow.name == StepName.READ)[-1]
    assert (read.state, read.attempts) == (StepState.DONE, 2)
    assert running.worker.process.poll() is None


def test_celery_shows_the_worker_with_the_settings_that_lose_nothing(running: Running) -> None:
    status = running.plant.celery("status")
    assert (status.returncode, "1 node online" in status.stdout) == (0, True)
    [conf] = json.loads(running.plant.celery("inspect", "conf", "--json").stdout).values()
    expected = {
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 2,
        "worker_soft_shutdown_timeout": 30,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_connection_retry": True,
        "broker_connection_max_retries": None,
    }
    assert {name: conf.get(name) for name in expected} == expected
    assert conf["worker_max_tasks_per_child"] > 0
    assert conf["worker_max_memory_per_child"] > 0
    limit = conf["task_time_limit"]
    assert limit < 30 * 60  # RabbitMQ closes the channel of who takes longer
    assert conf["broker_transport_options"]["visibility_timeout"] >= 2 * limit


def test_its_processes_give_way_and_the_one_that_passes_messages_on_does_not(running: Running) -> None:
    priority = partial(os.getpriority, os.PRIO_PROCESS)
    assert priority(running.worker.process.pid) == priority(0)
    assert {priority(child) - priority(0) for child in running.worker.children()} == {5}


def test_flower_shows_the_worker_and_what_it_did(running: Running) -> None:
    service, before = running.service, published(running.service)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ("flower", "--address=127.0.0.1", f"--port={port}")
    flower = running.plant.run(
        str(PROGRAMS / "celery"), "-A", "intake.celery_app", *command, home="desk", FLOWER_UNAUTHENTICATED_API="true"
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        flower.wait_for("Connected to redis")
        with running.plant.dispatching(service):
            wait_until(lambda: "host-1" in str(client.get("/api/workers").json()))
            hand_over(service, [scan(300)])
            wait_until(lambda: published(service) == before + 1)
        done = {"taskname": TASK, "state": "SUCCESS"}
        wait_until(lambda: len(client.get("/api/tasks", params=done).json()) >= 3)
        [task, *_] = client.get("/api/tasks", params=done).json().values()
        assert task["worker"].startswith("host-1@")
    assert flower.stop() == 0


def test_sigterm_lets_the_step_in_hand_end(plant: Plant, service: Service) -> None:
    worker = reading(plant, service)
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_for("Warm shutdown")
    (plant.folder / "host-1" / "open").touch()
    assert worker.process.wait(180) == 0
    [read] = steps_of(service, StepRow.name == StepName.READ)
    assert (read.state, read.attempts) == (StepState.DONE, 1)


def test_sigterm_gives_back_what_would_take_too_long_and_charges_nothing(plant: Plant, service: Service) -> None:
    worker = reading(plant, service)
    assert worker.stop() == 0
    [read] = steps_of(service, StepRow.name == StepName.READ)
    assert (read.state, read.attempts, read.lease_until) == (StepState.READY, 0, None)


def reading(plant: Plant, service: Service) -> Program:
    """A worker in the middle of a page that does not end by itself."""
    hand_over(service, [scan(1, width=GATED)])
    worker = plant.ready_worker()
    with plant.dispatching(service):
        wait_until((plant.folder / "host-1" / "begun").exists)
    return worker


def places_of_faults(caller: Caller) -> set[str]:
    return {fault["place"] for fault in caller.get("/health/ready").json().get("errors", ())}


def test_a_worker_that_takes_no_messages_while_some_wait_ends_itself(plant: Plant, service: Service) -> None:
    """Celery's own command stands for what a lost connection does now and then: alive, answering, consuming nothing."""
    plant.settings["POSTROOM_BEAT_SECONDS"] = "0.5"
    worker = plant.ready_worker()
    standing_still = Caller(create_app(service, stalled_seconds=5))
    assert standing_still.get("/health/ready").status_code == 200
    assert plant.celery("control", "cancel_consumer", QUEUE).returncode == 0
    with plant.dispatching(service):
        hand_over(service, [scan(1)])
        wait_until(lambda: "progress" in places_of_faults(standing_still))
        worker.process.wait(180)
        assert "Messages wait in the broker and do not come" in worker.said()
        plant.ready_worker(home="host-2")  # as whatever keeps workers running would
        wait_until(lambda: published(service) == 1)
    wait_until(lambda: standing_still.get("/health/ready").status_code == 200)


@pytest.mark.parametrize("command", ["worker", "status"])
def test_without_a_broker_celery_says_what_is_missing(plant: Plant, command: str) -> None:
    del plant.settings["POSTROOM_BROKER_URL"]
    answer = plant.celery(command)
    assert answer.returncode == 1
    assert "POSTROOM_BROKER_URL is not set" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_what_cannot_be_relied_on_is_refused(plant: Plant) -> None:
    threads = plant.worker("--pool=threads", home="threads")
    with RedisServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as forgetful:
        plant.settings["POSTROOM_BROKER_URL"] = forgetful.url
        ours = plant.run(sys.executable, "-m", "intake.cli", "worker", home="ours")  # which becomes Celery's
        for program, code in ((plant.worker(), 1), (ours, 1), (plant.dispatcher(), 5)):
            assert program.process.wait(180) == code
            assert "maxmemory-policy noeviction" in program.said()
            assert "Traceback" not in program.said()
    assert threads.process.wait(180) == 1
    assert "steps need processes of their own" in threads.said()
