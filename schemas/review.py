"""What people do with a field the machine could not settle: how they are asked, from which queue, what they answer."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ReviewMode(StrEnum):
    """How a class of field is put to people; a form type or the office's policy says which."""

    CONFIRM = "confirm"  # one person sees the machine's value, and agrees or corrects
    BLIND = "blind"  # one person keys without seeing it; a second only where the two do not agree
    DOUBLE = "double"  # two people key it, neither sees anything; a third decides where they differ


class Queue(StrEnum):
    """Where a task waits. Each is a list of its own, the oldest first within priority and target."""

    READING = "reading"  # it could not be read surely
    BUSINESS = "business"  # it is clear what stands there, but a check fails
    REFERRED = "referred"  # a keyer handed it on to somebody with more experience
    ADJUDICATION = "adjudication"  # two people keyed different things
    IDENTIFY = "identify"  # nobody knows yet what kind of document it is


class Act(StrEnum):
    """What a person did with a task."""

    VALUE = "value"  # keyed or accepted what stands there
    BLANK = "blank"  # nothing stands there
    UNREADABLE = "unreadable"  # something stands there that nobody could read
    NOT_FOUND = "not_found"  # the place itself is not on the pages
    REFER = "refer"
    SKIP = "skip"
    IDENTIFY = "identify"
    UNDO = "undo"


ANSWERS: Final = frozenset({Act.VALUE, Act.BLANK, Act.UNREADABLE, Act.NOT_FOUND})


class Outcome(StrEnum):
    """What came of it."""

    SETTLED = "settled"  # the field has its value
    AGAIN = "again"  # the same person is asked once more
    SECOND = "second"  # it stands once another person has keyed it too
    ADJUDICATION = "adjudication"  # a third person decides
    REFERRED = "referred"
    SKIPPED = "skipped"
    IDENTIFIED = "identified"
    UNDONE = "undone"


class ReferReason(StrEnum):
    """Why somebody hands a task on."""

    HARD_TO_READ = "hard_to_read"
    WRONG_PLACE = "wrong_place"
    TWO_ANSWERS = "two_answers"
    CHANGED_BY_HAND = "changed_by_hand"
    WRONG_FORM = "wrong_form"
    NEEDS_A_DECISION = "needs_a_decision"
    OTHER = "other"


REASON_WORDS: Final[Mapping[ReferReason, str]] = {
    ReferReason.HARD_TO_READ: "I cannot read it, somebody else may",
    ReferReason.WRONG_PLACE: "The picture does not show this field",
    ReferReason.TWO_ANSWERS: "There is more than one answer",
    ReferReason.CHANGED_BY_HAND: "Something was crossed out or changed",
    ReferReason.WRONG_FORM: "This is another form, or the pages do not belong together",
    ReferReason.NEEDS_A_DECISION: "The rules do not say what to do",
    ReferReason.OTHER: "Another reason",
}
