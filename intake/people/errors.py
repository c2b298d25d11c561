"""Why something about people cannot be done. Each message is a sentence for whoever asked."""

from schemas.errors import MailError


class NoSuchPerson(MailError):
    """Nobody has that name or number."""


class NameTaken(MailError):
    """Somebody else signs in with that name."""


class UnfitName(MailError):
    """That cannot be a name to sign in with."""


class UnfitShownName(UnfitName):
    """That cannot be the name others see."""


class UnfitPassword(MailError):
    """The password is too easy to guess, or too long."""


class WrongPassword(UnfitPassword):
    """Whoever wants another password did not know the current one."""


class LinkUnusable(MailError):
    """The link was used, is too old, or never was one. Which of them is not told."""


class LastAdmin(MailError):
    """Without this person nobody could look after people any more."""
