"""What can go wrong in the file store, sorted by what to do next."""

from schemas.errors import MailError, Unavailable


class StoreFull(Unavailable):
    """There is no room for more. Nothing was kept; it works again when there is room (507 to a sender)."""


class BlobMissing(MailError):
    """Nothing lies under this address. Trying again gives the same answer; the alarm is the caller's to raise."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"the file {sha256} is not in the store")
        self.sha256 = sha256


class BlobDamaged(MailError):
    """What lies under this address is not what was received. A backup is needed; none of it may be believed."""

    def __init__(self, sha256: str, how: str) -> None:
        super().__init__(f"the file {sha256} is damaged in the store: {how}")
        self.sha256 = sha256


class KeyUnusable(MailError):
    """POSTROOM_KEY is wrong or lacks a key. The message says how to mend it, and never holds a key."""


class NotAStore(MailError):
    """POSTROOM_STORE_URL does not say where to keep files. The message says how to mend it."""
