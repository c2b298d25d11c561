"""From the settings to a store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from intake.store import Store
from intake.store.errors import KeyUnusable, NotAStore
from intake.store.keys import parse_keys
from intake.store.local import LocalShelf
from intake.store.plain import PlainStore
from intake.store.sealed import SealedStore, check_keys
from intake.store.shelf import Shelf


def open_store(url: str, keys: str = "") -> Store:
    """The store that POSTROOM_STORE_URL and POSTROOM_KEY ask for, looked at once so that a mistake shows at start.

    Any number of threads may share a store; a process opens its own (connections do not survive a fork).

    url:  a path or file:// for a local folder (made when something is put), s3:// for a bucket, which must exist.
    keys: empty for files as they come; otherwise they are sealed.
    Raises NotAStore, KeyUnusable (also for sealed files and no key) or Unavailable.
    """
    plain, sealed = _shelves(url)
    if keys.strip():
        at_hand = parse_keys(keys)
        check_keys(sealed, at_hand)
        return SealedStore(sealed, at_hand, PlainStore(plain))
    if next(sealed.entries(), None) is not None:
        raise KeyUnusable("the store holds sealed files, and POSTROOM_KEY is empty; give it the key")
    return PlainStore(plain)


def _shelves(url: str) -> tuple[Shelf, Shelf]:
    """One for files as they came and one for sealed files: which of the two a file is, its place says, never its bytes,
    for the bytes of a file as it came are the sender's."""
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        # Loading boto3 takes a good part of a second, which an office with a local folder need not wait for.
        from intake.store.s3 import S3Shelf  # noqa: PLC0415
        from intake.store.s3_address import parse_s3_address, s3_client  # noqa: PLC0415

        address = parse_s3_address(url)
        client = s3_client(address)
        plain = S3Shelf(client, address.bucket, f"{address.prefix}plain/")
        return plain, S3Shelf(client, address.bucket, f"{address.prefix}sealed/")
    root = _local_path(url, scheme)
    return LocalShelf(root), LocalShelf(root / "sealed")


def _local_path(url: str, scheme: str) -> Path:
    if scheme == "file":
        parts = urlsplit(url)
        if parts.netloc not in {"", "localhost"} or not parts.path:
            raise NotAStore(
                "POSTROOM_STORE_URL with file:// must name a folder of this machine, as in file:///srv/post"
            )
        return Path(unquote(parts.path))
    if "://" in url or not url.strip():
        raise NotAStore("POSTROOM_STORE_URL must be a folder, file:///folder or s3://bucket/prefix")
    return Path(url)
