"""The dispatcher's way into the broker, through Celery and kombu: Redis or RabbitMQ, as the URL says."""

from collections.abc import Sequence

from kombu.exceptions import ChannelError, OperationalError

from intake.celery_app import QUEUE, TASK, app
from schemas.errors import Unavailable


class CeleryBroker:
    """A `Broker`. One connection, opened when it is first needed and again when it was lost."""

    def waiting(self) -> int:
        """How many messages no worker has taken yet. Raises Unavailable if the broker does not answer."""
        try:
            with app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1)
                return int(connection.default_channel.queue_declare(QUEUE, passive=True).message_count)
        except ChannelError:
            return 0  # no message has made the queue yet, or the last one was taken
        except (OperationalError, OSError) as error:
            raise Unavailable(f"the broker does not answer: {type(error).__name__}") from error

    def nudge(self, step_ids: Sequence[int]) -> None:
        """Send one message for each step. Raises Unavailable; some may have been sent then, which does no harm."""
        try:
            with app.producer_or_acquire() as producer:
                for step_id in step_ids:
                    app.send_task(TASK, args=[step_id], queue=QUEUE, producer=producer, retry=False)
        except (OperationalError, OSError) as error:
            raise Unavailable(f"the broker does not answer: {type(error).__name__}") from error
