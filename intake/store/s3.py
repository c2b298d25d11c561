"""A shelf that is part of a bucket of any S3-compatible service."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from io import FileIO
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import ClientError

from intake.store.errors import StoreFull
from intake.store.s3_requests import PART_BYTES, Overtaken, Taken, download, md5, parts_of, troubles_translated, upload
from intake.store.shelf import Entry, NewHead, NotOnShelf, checked_name
from schemas.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# Touching an object makes the service copy it. Half the age of an orphan: what is younger is in no danger.
_YOUNG = timedelta(hours=12)
# The most that a service copies as one part is 5 GiB.
_COPIED_PART_BYTES = 1024 * 1024 * 1024


class S3Shelf:
    """Keeps `<prefix><name>`. An object appears whole or not at all, so nothing is renamed.

    A draft is an unnamed file on this machine, which vanishes with its writer; uploading starts when it is complete,
    for only then its name is known. To look at the age of an object and to remove it are two requests: a file put again
    between the two, a day or more after it became an orphan, could be lost. On a bucket with versions it can be
    brought back; removing orphans is best done when little comes in.
    """

    def __init__(self, client: "S3Client", bucket: str, prefix: str, *, young: timedelta = _YOUNG) -> None:
        """young: what was put or touched since is not touched again."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._young = young

    @contextmanager
    def draft(self) -> Iterator["S3Draft"]:
        """An unnamed file in the folder for temporary files (TMPDIR)."""
        with _spool() as spool:
            yield S3Draft(self, spool)

    def open(self, name: str) -> BinaryIO:
        """Streamed; a connection that breaks is taken up again."""
        return download(self._client, self._bucket, self._key(name), name)

    def head(self, name: str, length: int) -> bytes:
        """Of the object, by a range."""
        with troubles_translated(name):
            try:
                asked = f"bytes=0-{length - 1}"
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(name), Range=asked)
                return answer["Body"].read()
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "InvalidRange":
                    raise
                return b""  # an object without bytes has no first ones

    def size(self, name: str) -> int:
        """As the service says."""
        with troubles_translated(name):
            return self._client.head_object(Bucket=self._bucket, Key=self._key(name))["ContentLength"]

    def touch(self, name: str, *, size: int) -> bool:
        """Copy the object onto itself if it is no longer young; its age is by the clock of the service."""
        key = self._key(name)
        try:
            with troubles_translated(name):
                found = self._client.head_object(Bucket=self._bucket, Key=key)
                if found["ContentLength"] != size:
                    return False
                now = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
                if now - found["LastModified"] >= self._young:
                    self._copy_onto_itself(key, found["ETag"])
        except NotOnShelf:
            return False
        return True

    def entries(self) -> Iterator[Entry]:
        """A thousand from each request, in the order of names."""
        with troubles_translated():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for found in page.get("Contents", []):
                    yield Entry(found["Key"].removeprefix(self._prefix), found["LastModified"])

    def remove(self, name: str, *, older_than: datetime) -> bool:
        """Look once more, then remove."""
        key = self._key(name)
        try:
            with troubles_translated(name):
                if self._client.head_object(Bucket=self._bucket, Key=key)["LastModified"] >= older_than:
                    return False
                self._client.delete_object(Bucket=self._bucket, Key=key)
        except NotOnShelf:
            return False
        return True

    def change_head(self, name: str, new: NewHead) -> bool:
        """Write an object with the final head, the rest of which the service copies; then remove the old one.

        At most 8 MiB go over the line, however long the object is. The interim head is not needed.
        """
        try:
            return self._with_new_head(name, new)
        except Overtaken:
            return False

    def _with_new_head(self, name: str, new: NewHead) -> bool:
        key, target = self._key(name), self._key(new.name)
        with troubles_translated(name):
            found = self._client.head_object(Bucket=self._bucket, Key=key)
            size, version, asked = found["ContentLength"], found["ETag"], f"bytes=0-{PART_BYTES - 1}"
            first = self._client.get_object(Bucket=self._bucket, Key=key, Range=asked, IfMatch=version)["Body"].read()
            if not first.startswith(new.expected):
                return False
            first = new.final + first[len(new.final) :]
            if size == len(first):
                self._client.put_object(Bucket=self._bucket, Key=target, Body=first, ContentMD5=md5(first))
            else:
                with parts_of(self._client, self._bucket, target, only_new=False) as parts:
                    parts.part(first)
                    for start, last in _ranges(len(first), size):
                        parts.copied_part(key, version, start, last)
            # Unless somebody else has written it anew meanwhile, and perhaps removed what it was written from.
            if target != key and self._client.head_object(Bucket=self._bucket, Key=key)["ETag"] == version:
                self._client.delete_object(Bucket=self._bucket, Key=key)
        return True

    def remove_unfinished(self, *, older_than: datetime) -> int:
        """Call off uploads in parts that were begun before `older_than`; the service charges for them until then."""
        removed = 0
        with troubles_translated():
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for begun in page.get("Uploads", []):
                    if begun["Initiated"] < older_than:
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=begun["Key"], UploadId=begun["UploadId"]
                        )
                        removed += 1
        return removed

    def free_bytes(self) -> int:
        """Of the folder for temporary files: a service does not tell, and an upload passes through there."""
        return shutil.disk_usage(tempfile.gettempdir()).free

    def keep(self, name: str, spool: FileIO, size: int, *, over_unsound: bool) -> None:
        """Upload unless it is there already; another writer of the same bytes may be first."""
        if not over_unsound and self.touch(name, size=size):
            return
        with troubles_translated(name):
            try:
                spool.seek(0)
                upload(self._client, self._bucket, self._key(name), spool, only_new=not over_unsound)
            except Taken:
                if not self.touch(name, size=size):
                    spool.seek(0)
                    upload(self._client, self._bucket, self._key(name), spool, only_new=False)

    def _key(self, name: str) -> str:
        return self._prefix + checked_name(name)

    def _copy_onto_itself(self, key: str, version: str) -> None:
        self._client.copy_object(
            Bucket=self._bucket,
            Key=key,
            CopySource={"Bucket": self._bucket, "Key": key},
            CopySourceIfMatch=version,
            MetadataDirective="REPLACE",  # without a change a copy onto itself is refused
        )


class S3Draft:
    """A file on this machine on its way to the service."""

    def __init__(self, shelf: S3Shelf, spool: FileIO) -> None:
        self._shelf = shelf
        self._spool = spool

    def write(self, piece: bytes) -> None:
        """To the spool."""
        with _full_disk_translated():
            rest = memoryview(piece)
            while rest:
                rest = rest[self._spool.write(rest) :]

    def set_head(self, head: bytes) -> None:
        """In the spool; writing goes on at its end."""
        with _full_disk_translated():
            self._spool.seek(0)
            self._spool.write(head)
            self._spool.seek(0, 2)

    def keep(self, name: str, *, over_unsound: bool = False) -> None:
        """Upload it; the service answers when it is durable there."""
        self._shelf.keep(name, self._spool, self._spool.tell(), over_unsound=over_unsound)


def _spool() -> FileIO:
    """A file without a name, gone when it is closed or its process dies."""
    with _full_disk_translated():
        return tempfile.TemporaryFile(prefix="postroom-", buffering=0)


@contextmanager
def _full_disk_translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFull("the disk for files on their way to the store is full") from error
        raise Unavailable(f"the disk for files on their way does not answer: {error.strerror}") from error


def _ranges(start: int, size: int) -> Iterator[tuple[int, int]]:
    """First and last byte of each part that the service is to copy."""
    for first in range(start, size, _COPIED_PART_BYTES):
        yield first, min(first + _COPIED_PART_BYTES, size) - 1
