"""Celery's way to Redis, made to live with what is no message.

Whoever may write to the Redis can put anything into a queue, and Celery takes what it cannot even take apart for a
reason to end the worker.
"""

import logging
from typing import Any, Final

from kombu.transport import redis

_LOG: Final = logging.getLogger("celery.postroom")
_NO_MESSAGE: Final = (ValueError, TypeError, LookupError, AttributeError)


class Transport(redis.Transport):
    """Throws away what was put into a queue and is no message."""

    def on_readable(self, fileno: int) -> None:  # type: ignore[override]  # what kombu itself declares
        """Take what lies ready at this socket."""
        try:
            super().on_readable(fileno)  # type: ignore[no-untyped-call]
        except _NO_MESSAGE as error:
            _tell(error)  # it could not even be taken apart, and has left the queue

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        except _NO_MESSAGE as error:
            _tell(error)
            self._let_go(message)

    def _let_go(self, message: Any) -> None:
        """It counts as being worked on by now, and would keep the place of another for ever."""
        properties = message.get("properties") if isinstance(message, dict) else None
        tag = properties.get("delivery_tag") if isinstance(properties, dict) else None
        if isinstance(tag, str):
            for channel in self.channels:
                channel.basic_reject(tag, requeue=False)


def _tell(error: Exception) -> None:
    """Its content stays out of the log: nobody knows whose it is."""
    _LOG.warning("What lay in the queue is no message, and was thrown away: %s.", type(error).__name__)
