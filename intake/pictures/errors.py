"""What stands in the place of a picture that cannot be had."""

from schemas.errors import MailError


class PictureMissing(MailError):
    """There is no picture of this page; the message says why, in words for whoever wanted to look at it."""
