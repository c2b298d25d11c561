"""Roles of people, and which role has which right: the only place that says so."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person is here for; everybody has exactly one."""

    OPERATOR = "operator"  # hands over batches and looks after what fails
    CASEWORKER = "caseworker"  # keys fields
    SENIOR = "senior"  # a caseworker who also settles what others refer or disagree on
    SUPERVISOR = "supervisor"  # sees that the day's post gets done
    INTEGRATOR = "integrator"  # connects the systems that receive the records
    AUDITOR = "auditor"  # looks at everything and changes nothing
    ADMIN = "admin"  # looks after people and the service


class Right(StrEnum):
    """One thing a person may do."""

    SEE_TODAY = "see_today"  # where today's post stands
    SEE_BATCHES = "see_batches"  # what was handed over, and how far it is
    ADD_BATCHES = "add_batches"
    MEND_BATCHES = "mend_batches"  # try again, or refuse, what the machine gave up on
    KEY = "key"  # take tasks and key fields
    ADJUDICATE = "adjudicate"  # settle what others refer or disagree on
    CORRECT = "correct"  # put right what was published, with a reason
    SEE_DOCUMENTS = "see_documents"  # any document with its pages, and the search for them
    SEE_QUEUES = "see_queues"  # how many tasks wait, and who works on which
    MANAGE_QUEUES = "manage_queues"  # take a task back from somebody, change what is urgent
    SEE_RECORDS = "see_records"  # records and deliveries as the receiving systems get them
    MANAGE_WEBHOOKS = "manage_webhooks"  # see where events go, send dead letters again, turn a receiver off or on
    EXPORT = "export"  # take records and originals out, many at once
    SEE_AUDIT = "see_audit"
    MANAGE_PEOPLE = "manage_people"
    OWN_ACCOUNT = "own_account"  # one's own password and sessions


_EVERYBODY: Final = frozenset({Right.OWN_ACCOUNT})
_CASEWORKER: Final = _EVERYBODY | {Right.KEY, Right.SEE_DOCUMENTS}

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.OPERATOR: _EVERYBODY | {Right.SEE_TODAY, Right.SEE_BATCHES, Right.ADD_BATCHES, Right.MEND_BATCHES},
    Role.CASEWORKER: _CASEWORKER,
    Role.SENIOR: _CASEWORKER | {Right.ADJUDICATE, Right.CORRECT, Right.SEE_TODAY, Right.SEE_BATCHES, Right.SEE_QUEUES},
    Role.SUPERVISOR: _EVERYBODY
    | {
        Right.SEE_TODAY,
        Right.SEE_BATCHES,
        Right.ADD_BATCHES,
        Right.MEND_BATCHES,
        Right.CORRECT,
        Right.SEE_DOCUMENTS,
        Right.SEE_QUEUES,
        Right.MANAGE_QUEUES,
        Right.SEE_RECORDS,
        Right.MANAGE_WEBHOOKS,
        Right.EXPORT,
        Right.SEE_AUDIT,
    },
    Role.INTEGRATOR: _EVERYBODY | {Right.SEE_RECORDS},
    Role.AUDITOR: _EVERYBODY
    | {
        Right.SEE_TODAY,
        Right.SEE_BATCHES,
        Right.SEE_DOCUMENTS,
        Right.SEE_QUEUES,
        Right.SEE_RECORDS,
        Right.EXPORT,
        Right.SEE_AUDIT,
    },
    Role.ADMIN: _EVERYBODY
    | {
        Right.SEE_TODAY,
        Right.SEE_BATCHES,
        Right.MEND_BATCHES,
        Right.SEE_DOCUMENTS,
        Right.SEE_QUEUES,
        Right.SEE_RECORDS,
        Right.MANAGE_WEBHOOKS,
        Right.SEE_AUDIT,
        Right.MANAGE_PEOPLE,
    },
}


def may(role: Role, right: Right) -> bool:
    """Whether people of that role have the right."""
    return right in RIGHTS[role]


class LinkPurpose(StrEnum):
    """What a one-time link is for."""

    FIRST_PERSON = "first_person"  # makes the first admin of a new service
    INVITATION = "invitation"  # somebody who has no password yet
    NEW_PASSWORD = "new_password"  # noqa: S105  # a word, no password: somebody who has forgotten theirs
