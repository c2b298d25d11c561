"""Webhooks in words: what is told, where it stands, and how the last attempt to deliver it ended."""

from collections.abc import Mapping
from typing import Final

from review_ui.site.state_words import StateWords
from schemas.delivery import DeliveryOutcome, DeliveryState
from schemas.events import EventType

EVENTS: Final[Mapping[EventType, str]] = {
    EventType.BATCH_RECEIVED: "Batch received",
    EventType.BATCH_COMPLETED: "Batch completed",
    EventType.RECORD_PUBLISHED: "Record published",
    EventType.RECORD_CORRECTED: "Record corrected",
    EventType.PIECE_QUARANTINED: "Piece set aside",
    EventType.WEBHOOK_TEST: "Test",
}
DELIVERIES: Final[Mapping[DeliveryState, StateWords]] = {
    DeliveryState.WAITING: StateWords("Waiting", "govuk-tag--yellow", "in-review"),
    DeliveryState.SENDING: StateWords("Being sent", "govuk-tag--blue", "in-work"),
    DeliveryState.DELIVERED: StateWords("Delivered", "govuk-tag--green", "published"),
    DeliveryState.DEAD: StateWords("Dead letter", "govuk-tag--red", "quarantined"),
}
_ENDED: Final[Mapping[DeliveryOutcome, str]] = {
    DeliveryOutcome.DELIVERED: "It was taken.",
    DeliveryOutcome.REFUSED_ADDRESS: "Its name leads to an address events may not be sent to.",
    DeliveryOutcome.NO_CONNECTION: "No connection: its name is not known, nobody listens, or its certificate is wrong.",
    DeliveryOutcome.TOO_SLOW: "It did not answer in time.",
    DeliveryOutcome.BROKEN_ANSWER: "What it answered could not be read.",
    DeliveryOutcome.REDIRECTED: "It named another address, which is not followed",
    DeliveryOutcome.GONE: "It wants nothing more",
    DeliveryOutcome.REJECTED: "It did not take it",
    DeliveryOutcome.CANNOT_SIGN: "Its secret cannot be opened: the key it was sealed with is missing in POSTROOM_KEY.",
    DeliveryOutcome.LOST: "The sending program ended before it had an answer.",
    DeliveryOutcome.SWITCHED_OFF: "The receiver was turned off.",
}


def ended(outcome: DeliveryOutcome | None, status: int | None) -> str:
    """How the last attempt ended, with what was answered where that tells more; "" if none has ended yet."""
    if outcome is None:
        return ""
    words = _ENDED[outcome]
    if words.endswith("."):
        return words
    return f"{words}." if status is None else f"{words} (answer {status})."
