"""Single conversations with an S3-compatible service: their failures, a download that goes on, an upload in parts."""

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypedDict

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from intake.store.checked import as_stream
from intake.store.errors import StoreFull
from intake.store.shelf import NotOnShelf
from schemas.errors import Unavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

# Parts of an upload: small enough to hold one in memory, and 10,000 of them, the most allowed, make 80 GiB.
PART_BYTES = 8 * 1024 * 1024
_MISSING = {"NoSuchKey", "404", "NoSuchVersion", "NotFound"}
_NO_ROOM = {"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "507"}
_TAKEN = {"PreconditionFailed", "412"}
_TRIED_AT_ONCE = {"ConditionalRequestConflict", "409"}
_NOT_KNOWN = {"NotImplemented", "501"}
_RESUMES = 5


class Taken(Exception):
    """The name was taken by another writer while this one was writing."""


class Overtaken(Unavailable):
    """The object is another by now than that which was looked at: whoever looks again finds what it has become."""


@contextmanager
def troubles_translated(name: str = "") -> Iterator[None]:
    """Turn what the service says into what the caller can act on; name: what is asked for, by its name on the shelf."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "without a code")
        if code in _MISSING and name:
            raise NotOnShelf(name) from error
        if code in _TAKEN:
            raise Overtaken("a file was changed by somebody else") from error
        if code in _NO_ROOM:
            raise StoreFull("the service that keeps the files has no room") from error
        raise Unavailable(f"the service that keeps the files answers {code}") from error
    except NoCredentialsError as error:
        raise Unavailable(
            "no credentials for the service that keeps the files; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from error
    except BotoCoreError as error:
        # Its message may hold a URL; the name of its class says as much as we need.
        raise Unavailable(f"the service that keeps the files does not answer: {type(error).__name__}") from error


class Download(io.RawIOBase):
    """An object as a stream; a connection that breaks is taken up again at the same byte of the same version."""

    def __init__(self, client: "S3Client", bucket: str, key: str, name: str) -> None:
        self._client, self._bucket, self._key, self._name = client, bucket, key, name
        with troubles_translated(name):
            answer = client.get_object(Bucket=bucket, Key=key)
        self._body = answer["Body"]
        self._version = answer["ETag"]
        self._offset = 0
        self._resumes_left = _RESUMES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As io.RawIOBase says. Raises Unavailable when the connection broke too often, or too late to go on."""
        room = memoryview(buffer).cast("B")
        while True:
            try:
                piece = self._body.read(len(room))
                break
            except (BotoCoreError, OSError) as error:
                if not self._resumes_left:
                    raise Unavailable("the connection to the service that keeps the files keeps breaking") from error
                self._resume()
        room[: len(piece)] = piece
        self._offset += len(piece)
        return len(piece)

    def close(self) -> None:
        self._body.close()
        super().close()

    def _resume(self) -> None:
        self._resumes_left -= 1
        self._body.close()
        rest = f"bytes={self._offset}-"
        try:
            with troubles_translated(self._name):
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=rest, IfMatch=self._version)
        except (NotOnShelf, Overtaken) as error:
            # Brought under another key, and so another name: whoever opens it again finds it there.
            raise Unavailable("a file was changed while it was read, and its connection broke") from error
        self._body = answer["Body"]


def download(client: "S3Client", bucket: str, key: str, name: str) -> BinaryIO:
    """An object as a buffered stream, read forward. Raises NotOnShelf."""
    return as_stream(Download(client, bucket, key, name))


def upload(client: "S3Client", bucket: str, key: str, source: io.FileIO, *, only_new: bool) -> None:
    """Write an object whole or not at all, in parts if it is long; the service checks the MD5 of each part.

    only_new: fail if the key exists by then, where the service knows how to say so. Raises Taken.
    """
    piece = source.read(PART_BYTES)
    if len(piece) < PART_BYTES:

        def put(*, on_condition: bool) -> None:
            if on_condition:
                client.put_object(Bucket=bucket, Key=key, Body=piece, ContentMD5=md5(piece), IfNoneMatch="*")
            else:
                client.put_object(Bucket=bucket, Key=key, Body=piece, ContentMD5=md5(piece))

        _if_new(put, only_new=only_new)
        return
    with parts_of(client, bucket, key, only_new=only_new) as send:
        while piece:
            send.part(piece)
            piece = b""  # not two parts in memory at once
            piece = source.read(PART_BYTES)


class _Upload(TypedDict):
    Bucket: str
    Key: str
    UploadId: str


class Parts:
    """An upload in parts that is under way."""

    def __init__(self, client: "S3Client", bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        self.id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        self.done: list[CompletedPartTypeDef] = []

    def part(self, piece: bytes) -> None:
        """Send one part; all but the last have at least 5 MiB, says S3."""
        number = len(self.done) + 1
        answer = self._client.upload_part(
            Bucket=self._bucket, Key=self._key, UploadId=self.id, PartNumber=number, Body=piece, ContentMD5=md5(piece)
        )
        self.done.append({"PartNumber": number, "ETag": answer["ETag"]})

    def copied_part(self, source: str, version: str, first: int, last: int) -> None:
        """Let the service copy bytes `first` to `last`, both included, of another object of the same bucket."""
        number = len(self.done) + 1
        answer = self._client.upload_part_copy(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self.id,
            PartNumber=number,
            CopySource={"Bucket": self._bucket, "Key": source},
            CopySourceIfMatch=version,
            CopySourceRange=f"bytes={first}-{last}",
        )
        self.done.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})


@contextmanager
def parts_of(client: "S3Client", bucket: str, key: str, *, only_new: bool) -> Iterator[Parts]:
    """An upload in parts: completed on leaving, called off when something was raised. Raises Taken."""
    parts = Parts(client, bucket, key)
    try:
        yield parts

        def complete(*, on_condition: bool) -> None:
            which: _Upload = {"Bucket": bucket, "Key": key, "UploadId": parts.id}
            if on_condition:
                client.complete_multipart_upload(**which, MultipartUpload={"Parts": parts.done}, IfNoneMatch="*")
            else:
                client.complete_multipart_upload(**which, MultipartUpload={"Parts": parts.done})

        _if_new(complete, only_new=only_new)
    except BaseException:
        try:
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=parts.id)
        except (BotoCoreError, ClientError):
            pass  # what went wrong before says more; an upload left open is called off with the orphans
        raise


class _Write(Protocol):
    def __call__(self, *, on_condition: bool) -> None: ...


def _if_new(write: _Write, *, only_new: bool) -> None:
    """Write on the condition that the key is new, or without one where the service knows no conditions."""
    if not only_new:
        write(on_condition=False)
        return
    try:
        write(on_condition=True)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code in _TAKEN or code in _TRIED_AT_ONCE:
            raise Taken from error
        if code not in _NOT_KNOWN:
            raise
        write(on_condition=False)


def md5(piece: bytes) -> str:
    """As the header Content-MD5 wants it (RFC 1864): against damage on the way, not against people."""
    return base64.b64encode(hashlib.md5(piece, usedforsecurity=False).digest()).decode("ascii")
