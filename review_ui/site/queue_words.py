"""The queues in words, for people who choose one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.review import Queue


@dataclass(frozen=True, slots=True)
class QueueWords:
    """name: as a heading. what: what waits there. begin: on the button."""

    name: str
    what: str
    begin: str


QUEUE_WORDS: Final[Mapping[Queue, QueueWords]] = {
    Queue.READING: QueueWords("To read", "Fields that could not be read surely enough", "Start reading"),
    Queue.BUSINESS: QueueWords("To check", "It is clear what stands there, but it breaks a rule", "Start checking"),
    Queue.IDENTIFY: QueueWords("To identify", "Documents of no form we recognised", "Start identifying"),
    Queue.REFERRED: QueueWords("Referred", "What colleagues handed on, with their reason", "Start deciding"),
    Queue.ADJUDICATION: QueueWords("To decide", "Two people keyed different things", "Start deciding"),
}
