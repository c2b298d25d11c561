"""RabbitMQ instead of Redis: same worker, same dispatcher, by its URL alone. Not part of what `make setup` installs."""

import signal
from pathlib import Path

import pytest

from intake import ledger
from tests.integration.distributed.conftest import new_plant
from tests.integration.distributed.plant import hand_over, published, scan, wait_until
from tests.postgresql_server import PostgresqlServer
from tests.rabbitmq_server import find_rabbitmq, rabbitmq_server


def test_with_rabbitmq_what_is_received_is_published_and_what_a_dead_worker_had_comes_back(
    tmp_path: Path, postgresql_server: PostgresqlServer
) -> None:
    program = find_rabbitmq()
    if program is None:
        pytest.skip("RabbitMQ is not installed here: apt-get install rabbitmq-server")
    with rabbitmq_server(program) as url, new_plant(tmp_path, postgresql_server, url) as plant:
        service = plant.open()
        worker, dispatcher = plant.ready_worker(), plant.dispatcher()
        hand_over(service, [scan(number) for number in range(6)])
        wait_until(lambda: published(service) == 6)
        worker.process.send_signal(signal.SIGKILL)
        hand_over(service, [scan(number) for number in range(10, 16)])
        plant.ready_worker(home="host-2")
        wait_until(lambda: published(service) == 12)
        # Confirmed by most of its nodes before a nudge counts as sent.
        queues = plant.celery("inspect", "active_queues")
        assert "'x-queue-type': 'quorum'" in queues.stdout
        assert dispatcher.stop() == 0
        with service.database.read() as session:
            assert ledger.take(session).difference == 0
        service.close()
