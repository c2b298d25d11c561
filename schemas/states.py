"""The states mail, its documents, steps and tasks can be in, and the moves between them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from schemas.errors import MailError


class ForbiddenMove(MailError):
    """A file or piece cannot go from the state it is in to the one asked for; the message names both."""


class MailState(StrEnum):
    """Where a file, a page or a piece stands: received mail is always in exactly one of these."""

    IN_WORK = "in_work"  # a step of the machine is to come, or under way
    IN_REVIEW = "in_review"  # people have tasks open on it
    PUBLISHED = "published"  # its records are out
    QUARANTINED = "quarantined"  # the machine gave up, and says why; an operator retries or rejects it
    REJECTED = "rejected"  # it is no mail of ours, or cannot be used: refused at the door, or by a person


MOVES: Final[Mapping[MailState, frozenset[MailState]]] = {
    MailState.IN_WORK: frozenset(
        {MailState.IN_REVIEW, MailState.PUBLISHED, MailState.QUARANTINED, MailState.REJECTED},
    ),
    MailState.IN_REVIEW: frozenset({MailState.IN_WORK, MailState.REJECTED}),
    MailState.QUARANTINED: frozenset({MailState.IN_WORK, MailState.REJECTED}),
    # A correction: the next revision is reviewed and published like the first.
    MailState.PUBLISHED: frozenset({MailState.IN_WORK, MailState.IN_REVIEW}),
    MailState.REJECTED: frozenset(),
}

# A file stands where the piece stands that is furthest from being done.
FURTHEST_FROM_DONE: Final = (
    MailState.IN_WORK,
    MailState.IN_REVIEW,
    MailState.QUARANTINED,
    MailState.PUBLISHED,
    MailState.REJECTED,
)


def move(now: MailState, to: MailState) -> MailState:
    """Return `to`, or raise ForbiddenMove if nothing can go there from `now`."""
    if to not in MOVES[now]:
        raise ForbiddenMove(f"{now} -> {to}")
    return to


class DocumentState(StrEnum):
    """What became of one document: the status its record will carry, and whether it is out."""

    REVIEW = "review"  # a person must look at one field at least
    COMPLETE = "complete"  # nobody must look, and it is not out yet
    FAILED = "failed"  # there is nothing to look at but the reason
    PUBLISHED = "published"  # the latest revision of its record says all we know


class StepName(StrEnum):
    """The steps of the machine, each well under a minute."""

    UNPACK = "unpack"  # one file becomes pages and pieces
    READ = "read"  # one piece becomes documents with fields, each decided
    PUBLISH = "publish"  # the documents of one piece become records


class StepState(StrEnum):
    """Where a step stands. Only a ready step can be claimed."""

    READY = "ready"
    RUNNING = "running"  # claimed: a worker holds the lease
    WAITING = "waiting"  # it failed, and becomes ready again at `not_before`
    DONE = "done"
    QUARANTINED = "quarantined"  # it failed as often as it may; an operator can retry it
    CANCELLED = "cancelled"  # its file or piece was rejected


OPEN_STEPS: Final = (StepState.READY, StepState.RUNNING, StepState.WAITING)


class TaskKind(StrEnum):
    """What one person is asked to do."""

    CONFIRM = "confirm"  # see the machine's value, and agree or correct
    KEY = "key"  # key blind: the machine's value is hidden
    DOUBLE_KEY = "double_key"  # a second person keys blind
    ADJUDICATE = "adjudicate"  # a third person decides between two entries
    SAMPLE = "sample"  # a quality sample of what was accepted
    IDENTIFY = "identify"  # say what kind of document this is


class TaskState(StrEnum):
    """Where a task for a person stands."""

    OPEN = "open"
    CLAIMED = "claimed"  # one person holds the lease
    DONE = "done"
    WITHDRAWN = "withdrawn"  # not needed any more: the piece was rejected or read again


OPEN_TASKS: Final = (TaskState.OPEN, TaskState.CLAIMED)
