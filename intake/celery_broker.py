"""A way into the broker, through Celery and kombu: Redis or RabbitMQ, as the URL says."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from kombu.exceptions import KombuError

from intake import broker_check
from schemas.errors import Unavailable

TASK: Final = "postroom.step"
QUEUE: Final = "postroom"


class CeleryBroker:
    """A `Broker`. One connection, opened when it is first needed and again when it was lost. Not for several threads.

    Nothing here waits for longer than a broker may take to answer.
    """

    def __init__(self, app: Any) -> None:
        """app: of Celery, with the settings of the broker."""
        self._app = app
        self._connection: Any = None
        self._queue: Any = None
        self._producer: Any = None

    def waiting(self) -> int:
        """How many messages no worker has taken yet. Raises Unavailable if the broker does not answer."""
        with self._answering():
            return int(self._queue.queue_declare().message_count)

    def nudge(self, step_ids: Sequence[int]) -> None:
        """Send one message for each step. Raises Unavailable; some may have been sent then, which does no harm."""
        with self._answering():
            for step_id in step_ids:
                self._app.send_task(TASK, args=[step_id], queue=QUEUE, producer=self._producer, retry=False)

    def close(self) -> None:
        """Leave the broker; it is connected to again when it is needed."""
        connection, self._connection, self._queue, self._producer = self._connection, None, None, None
        if connection is not None:
            with suppress(KombuError, OSError, *connection.connection_errors, *connection.channel_errors):
                connection.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        connection: Any = self._connection or self._app.connection_for_write()
        try:
            if self._connection is None:
                self._open(connection)
            yield
        except (KombuError, OSError, *connection.connection_errors, *connection.channel_errors) as error:
            self.close()
            raise Unavailable(f"the broker does not answer: {type(error).__name__}") from error

    def _open(self, connection: Any) -> None:
        if problem := broker_check.unfit(self._app.conf.broker_url):
            raise Unavailable(problem)
        self._connection = connection
        channel = connection.channel()
        self._queue = self._app.amqp.queues[QUEUE](channel)
        self._queue.declare()
        self._producer = self._app.amqp.Producer(channel, auto_declare=False)
