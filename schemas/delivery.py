"""The states of webhooks and of what is delivered to them."""

from enum import StrEnum


class WebhookState(StrEnum):
    """Whether events are sent to a receiver."""

    ACTIVE = "active"
    DISABLED = "disabled"  # by somebody, or because the receiver answered that it is gone
    REMOVED = "removed"  # nothing shows it any more


class DeliveryState(StrEnum):
    """Where an event stands on its way to one receiver."""

    WAITING = "waiting"  # to be sent, for the first time or again
    SENDING = "sending"  # claimed: a deliverer holds the lease
    DELIVERED = "delivered"  # the receiver said that it has it
    DEAD = "dead"  # given up; can be replayed


class DeliveryOutcome(StrEnum):
    """How one attempt ended."""

    DELIVERED = "delivered"
    REFUSED_ADDRESS = "refused_address"  # the name leads where we may not go
    NO_CONNECTION = "no_connection"  # no such name, nobody listens, or its certificate is wrong
    TOO_SLOW = "too_slow"
    BROKEN_ANSWER = "broken_answer"  # no HTTP, or more of it than is read
    REDIRECTED = "redirected"  # never followed
    GONE = "gone"  # 410: it wants nothing more
    REJECTED = "rejected"  # any other answer that does not say yes
    CANNOT_SIGN = "cannot_sign"  # what it is signed with cannot be opened: POSTROOM_KEY lacks the key
    LOST = "lost"  # the deliverer ended before it had noted how
    SWITCHED_OFF = "switched_off"  # its webhook is disabled or removed
