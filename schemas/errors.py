"""Errors, sorted by what the person or program that meets them should do next."""

from enum import StrEnum


class Cause(StrEnum):
    """Why a file or page could not be read: a closed list, counted in every summary."""

    EMPTY = "empty"  # no bytes at all
    UNKNOWN_FORMAT = "unknown_format"  # not a TIFF, PDF, PNG or JPEG, whatever its name says
    DAMAGED = "damaged"  # the format is right but the bytes are cut off or inconsistent
    ENCRYPTED = "encrypted"  # a PDF that asks for a password
    TOO_LARGE = "too_large"  # more bytes, pixels or pages than the limits allow
    TOO_SLOW = "too_slow"  # the limited child, or the worker itself, ran past its time
    CRASHED = "crashed"  # the limited child died: a hostile or very broken file
    NOT_ACCESSIBLE = "not_accessible"  # missing, a folder without rights, an I/O error
    NO_SPACE = "no_space"  # nothing more can be written here
    FAILED = "failed"  # our own fault: a stage raised something it should not have


class MailError(Exception):
    """Base of all errors of this project. `str()` of it is a sentence for a person, without field content."""


class Unreadable(MailError):
    """The mail itself is at fault; trying again gives the same answer. A person must look.

    cause:  which of the closed list.
    remedy: what the operator can do about it, one sentence.
    page:   the page number in the file, None if the whole file is concerned.
    """

    def __init__(self, problem: str, *, cause: Cause, remedy: str, page: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cause = cause
        self.remedy = remedy
        self.page = page


class Interrupted(Unreadable):
    """What read the mail was stopped from outside, by the system or a person: another attempt may go well.

    Who has no other attempt treats it as Unreadable.
    """


class Unavailable(MailError):
    """Something we depend on did not answer. Trying again later may work."""


class NotAForm(MailError):
    """A folder of form types holds something that is no valid form type; the message says file and reason."""


class NoFit(MailError):
    """A page could not be laid onto a reference page with a residual that can be trusted."""

    def __init__(self, problem: str, *, residual_pixels: float) -> None:
        super().__init__(problem)
        self.residual_pixels = residual_pixels
