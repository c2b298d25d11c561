"""Where mail stands, in words and colours: the same on every page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.errors import Cause
from schemas.page import PageLabel
from schemas.states import DocumentState, MailState


@dataclass(frozen=True, slots=True)
class StateWords:
    """label: what is read. tag: the class of its tag. style: the class of its part in a bar or chart."""

    label: str
    tag: str
    style: str


STATES: Final[Mapping[MailState, StateWords]] = {
    MailState.PUBLISHED: StateWords("Published", "govuk-tag--green", "published"),
    MailState.IN_REVIEW: StateWords("Waiting for people", "govuk-tag--yellow", "in-review"),
    MailState.IN_WORK: StateWords("In work", "govuk-tag--blue", "in-work"),
    MailState.QUARANTINED: StateWords("Set aside", "govuk-tag--red", "quarantined"),
    MailState.REJECTED: StateWords("Rejected", "govuk-tag--grey", "rejected"),
}
DOCUMENT_STATES: Final[Mapping[DocumentState, StateWords]] = {
    DocumentState.REVIEW: StateWords("Waiting for people", "govuk-tag--yellow", "in-review"),
    DocumentState.COMPLETE: StateWords("Complete", "govuk-tag--blue", "in-work"),
    DocumentState.FAILED: StateWords("Could not be read", "govuk-tag--red", "quarantined"),
    DocumentState.PUBLISHED: StateWords("Published", "govuk-tag--green", "published"),
}
LABELS: Final[Mapping[PageLabel | None, str]] = {
    PageLabel.CONTENT: "content",
    PageLabel.BLANK: "blank",
    PageLabel.SEPARATOR: "separator",
    PageLabel.FAILED: "failed",
    None: "not read yet",
}
CAUSES: Final[Mapping[Cause, str]] = {
    Cause.EMPTY: "Empty file",
    Cause.UNKNOWN_FORMAT: "Wrong type of file",
    Cause.DAMAGED: "Damaged file",
    Cause.ENCRYPTED: "Needs a password",
    Cause.TOO_LARGE: "Too large",
    Cause.TOO_SLOW: "Took too long",
    Cause.CRASHED: "Stopped the reader",
    Cause.NOT_ACCESSIBLE: "Could not be opened",
    Cause.NO_SPACE: "No room left",
    Cause.FAILED: "Fault of this program",
}
