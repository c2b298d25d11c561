"""Add a batch: files that come piece by piece over lines that break, or all at once in a plain form.

The pieces come by the tus protocol, version 1.0 (tus.io): creation, HEAD for the offset, PATCH for the next piece,
expiration and termination. The batch is made at the end, by one `receive`: its answer is the acknowledgement.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date
from email.utils import format_datetime
from typing import Annotated, Any, Final, NoReturn

import anyio
from anyio import to_thread
from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from extract.unpack import format_of
from intake.api.callers import Caller
from intake.api.form import FIELDS
from intake.api.front_desk import AtDesk, FrontDesk
from intake.api.problem import ProblemCode, Refused
from intake.api.upload import Door, sender_of, take_in
from intake.office import batches as office
from intake.receive import Arrival, Receipt, receive, received_before
from intake.store.room import refuse_when_low
from intake.uploads import NotWanted, Upload, UploadBusy, UploadGone, Uploads, Writing, WrongOffset
from review_ui.site.batch_view import size_in_words
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.policy import CSRF_FIELD, AsPerson, SiteRoute, allows, require_token_in_form
from review_ui.site.shell import render, see_other
from schemas.errors import MailError, Unreadable
from schemas.people import Right

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_CHANNEL: Final = "site"
_TUS: Final = "1.0.0"
_EXTENSIONS: Final = "creation,expiration,termination"
_PIECE_TYPE: Final = "application/offset+octet-stream"
_WRITTEN_AT_ONCE: Final = 256 * 1024
_SECONDS_WITHOUT_A_BYTE: Final = 60.0
_LARGEST_FORM: Final = 4096 * 1024 * 1024  # the form has limits of its own, and says which was met
_NAMES_TOLD: Final = 5
_MOST_ASKED: Final = 1000

UploadId = str


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HandOver(_Sent):
    """The files that make the batch, in their order. key: of the page's own making; asked twice, received once."""

    uploads: list[str] = Field(min_length=1, max_length=_MOST_ASKED)
    name: str = Field(default="", max_length=255)
    received_on: str = Field(default="", max_length=10)
    key: str = Field(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")


class Digests(_Sent):
    """SHA-256 of files somebody has chosen."""

    sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(max_length=_MOST_ASKED)


@router.get("/batches/new")
@allows(Right.ADD_BATCHES)
def add_batch(request: Request, site: AtSite, desk: AtDesk) -> Response:
    """The page with the form."""
    return _page(request, site, desk)


@router.post("/batches/form")
@allows(Right.ADD_BATCHES, streams=True, own_token=True, body_bytes=_LARGEST_FORM)
async def hand_over_form(request: Request, site: AtSite, desk: AtDesk, person: AsPerson) -> Response:
    """All files at once in a form, for a browser that runs no script."""

    def check(fields: Mapping[str, str], files: Sequence[tuple[str, bytes]]) -> None:
        require_token_in_form(request, fields.get(CSRF_FIELD))
        _require_scans(files)

    door = Door(_CHANNEL, FIELDS | {CSRF_FIELD}, check)
    try:
        receipt = await take_in(request, desk, Caller(person.actor), "", door)
    except NotWanted as error:
        return _page(request, site, desk, 422, str(error))
    except Refused as error:
        if error.code in (ProblemCode.TOO_LARGE, ProblemCode.NO_FILE, ProblemCode.INVALID_REQUEST):
            words = "Choose at least one file." if error.code is ProblemCode.NO_FILE else _in_words(error)
            return _page(request, site, desk, error.status, words)
        raise
    return see_other(_address(receipt))


@router.post("/batches")
@allows(Right.ADD_BATCHES)
def hand_over(desk: AtDesk, site: AtSite, person: AsPerson, asked: HandOver) -> Response:
    """Make a batch of files that were sent before. The answer comes only once all of it is on disk and committed."""
    service = site.service
    sender = sender_of(
        {"name": asked.name, "received_on": asked.received_on}, Caller(person.actor), asked.key, _CHANNEL
    )
    try:
        once = tuple(dict.fromkeys(asked.uploads))  # named twice it is still one file
        arrivals = _arrivals(site.uploads, once, person.actor)
        receipt = receive(
            service.database, service.store, arrivals, sender, low_water_bytes=service.settings.low_water_bytes
        )
    except UploadGone as error:
        # Asked again, for instance because the first answer was lost on the way: the files have gone into the batch.
        earlier = received_before(service.database, person.actor, asked.key)
        if earlier is None:
            _refuse(error)
        receipt = earlier
    for id in asked.uploads:
        with suppress(UploadGone):
            site.uploads.give_up(id, person.actor)
    files = [{"name": file.name, "duplicates": file.duplicates} for file in receipt.files]
    answer = {"address": _address(receipt), "files": files}
    return JSONResponse(answer, 201 if receipt.is_new else 200)


@router.post("/uploads/known")
@allows(Right.ADD_BATCHES, quiet=True)
def known(site: AtSite, digests: Digests) -> Response:
    """Which of those files were received before, and where."""
    with site.service.database.read() as session:
        found = office.known_already(session, digests.sha256)
    return JSONResponse(
        {
            sha256: {
                "name": name,
                "batch": batch.name or f"Batch {batch.id}",
                "address": f"/batches/{batch.public_id}",
                "received_on": batch.received_on.isoformat(),
            }
            for sha256, (batch, name) in found.items()
        }
    )


@router.options("/uploads")
@allows(Right.ADD_BATCHES, streams=True)
def abilities(site: AtSite) -> Response:
    """What of the protocol is spoken here."""
    most = str(site.uploads.room.file_bytes)
    return _answer(204, **{"Tus-Version": _TUS, "Tus-Extension": _EXTENSIONS, "Tus-Max-Size": most})


@router.post("/uploads")
@allows(Right.ADD_BATCHES, streams=True)
def begin(
    site: AtSite,
    person: AsPerson,
    upload_length: Annotated[int, Header(ge=0)],
    upload_metadata: Annotated[str, Header(max_length=8192)] = "",
) -> Response:
    """Announce a file. What is too large, or there is no room for, is refused before any of it is sent."""
    service = site.service
    # Once in the spool and once in the store.
    refuse_when_low(service.store, 2 * upload_length, low_water_bytes=service.settings.low_water_bytes)
    try:
        upload = site.uploads.begin(person.actor, _name_in(upload_metadata), upload_length)
    except NotWanted as error:
        _refuse(error, 413)
    return _standing(upload, 201, Location=f"/uploads/{upload.id}")


@router.head("/uploads/{upload_id}")
@allows(Right.ADD_BATCHES, own=True, quiet=True, gives_page=False)
def standing(site: AtSite, person: AsPerson, upload_id: UploadId) -> Response:
    """How much of the file is here: after a broken line the sender goes on from there."""
    try:
        upload = site.uploads.find(upload_id, person.actor)
    except UploadGone as error:
        _refuse(error)
    return _standing(upload, 200, **{"Upload-Length": str(upload.length), "Cache-Control": "no-store"})


@router.patch("/uploads/{upload_id}")
@allows(Right.ADD_BATCHES, own=True, streams=True, body_bytes=_LARGEST_FORM)
async def go_on(
    request: Request,
    site: AtSite,
    person: AsPerson,
    upload_id: UploadId,
    upload_offset: Annotated[int, Header()] = -1,
    content_type: Annotated[str, Header()] = "",
) -> Response:
    """The next piece of the file. The offset in the answer is on the disk; so is what comes before a line breaks."""
    try:
        await to_thread.run_sync(site.uploads.find, upload_id, person.actor)
        if content_type != _PIECE_TYPE:
            raise Refused(415, ProblemCode.INVALID_REQUEST, f"A piece has the type {_PIECE_TYPE}.")
        writing = await to_thread.run_sync(site.uploads.go_on, upload_id, person.actor, upload_offset)
        try:
            await _write(request, writing)
        finally:
            with anyio.CancelScope(shield=True):
                upload = await to_thread.run_sync(writing.close)
    except (UploadGone, WrongOffset, UploadBusy, NotWanted) as error:
        _refuse(error, 415)
    return _standing(upload, 204)


@router.delete("/uploads/{upload_id}")
@allows(Right.ADD_BATCHES, own=True)
def give_up(site: AtSite, person: AsPerson, upload_id: UploadId) -> Response:
    """The file is not wanted after all."""
    try:
        site.uploads.give_up(upload_id, person.actor)
    except UploadGone as error:
        _refuse(error)
    return _answer(204)


async def _write(request: Request, writing: Writing) -> None:
    """The whole body. Raises what `Writing.write` raises; a sender who goes away or falls silent ends it early."""
    waiting = bytearray()
    pieces = aiter(request.stream())
    try:
        while True:
            with anyio.fail_after(_SECONDS_WITHOUT_A_BYTE):
                piece = await anext(pieces, None)
            waiting += piece or b""
            if waiting and (piece is None or len(waiting) >= _WRITTEN_AT_ONCE):
                await to_thread.run_sync(writing.write, bytes(waiting))
                waiting.clear()
            if piece is None:
                return
    except (ClientDisconnect, TimeoutError):
        if waiting:
            await to_thread.run_sync(writing.write, bytes(waiting))
        raise


def _arrivals(uploads: Uploads, ids: Sequence[str], owner: str) -> Iterator[Arrival]:
    for id in ids:
        upload, stream = uploads.open(id, owner)
        with stream:
            yield Arrival(upload.name, stream)


def _require_scans(files: Sequence[tuple[str, bytes]]) -> None:
    """Raise NotWanted naming the files that are no scans, by their first bytes."""
    wrong = []
    for name, beginning in files:
        try:
            format_of(beginning)
        except Unreadable as error:
            wrong.append(f"{name or 'A file without a name'}: {error.problem}")
    if wrong:
        more = f" And {len(wrong) - _NAMES_TOLD} more." if len(wrong) > _NAMES_TOLD else ""
        raise NotWanted(f"Nothing was received. {' '.join(wrong[:_NAMES_TOLD])}{more} Leave them out and try again.")


def _name_in(metadata: str) -> str:
    """The file name out of the header Upload-Metadata: pairs of a key and its value in base64, parted by commas."""
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return base64.b64decode(value, validate=True).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                break
    return ""


def _standing(upload: Upload, status: int, **headers: str) -> Response:
    expires = format_datetime(upload.expires_at.astimezone(UTC), usegmt=True)
    return _answer(status, **{"Upload-Offset": str(upload.offset), "Upload-Expires": expires}, **headers)


def _answer(status: int, **headers: str) -> Response:
    return Response(status_code=status, headers={"Tus-Resumable": _TUS, **headers})


def _refuse(error: MailError, not_wanted: int = 422) -> NoReturn:
    """As a problem that our script shows beside the file."""
    status, code = {
        UploadGone: (404, ProblemCode.NOT_FOUND),
        WrongOffset: (409, ProblemCode.WRONG_OFFSET),
        UploadBusy: (423, ProblemCode.BUSY),
    }.get(type(error), (not_wanted, ProblemCode.NOT_WANTED))
    raise Refused(status, code, str(error), headers={"Tus-Resumable": _TUS}) from error


def _in_words(error: Refused) -> str:
    """What the form's own reader found wrong; sizes as people say them."""
    if error.faults:
        return " ".join(fault.problem for fault in error.faults)
    return str(error)


def _address(receipt: Receipt) -> str:
    return f"/batches/{receipt.batch_id}?done={'received' if receipt.is_new else 'again'}"


def _page(request: Request, site: SiteDesk, desk: FrontDesk, status: int = 200, problem: str = "") -> Response:
    limits = desk.limits
    today: date = site.service.database.now().astimezone().date()
    values: dict[str, Any] = {
        "problem": problem,
        "today": today.isoformat(),
        "most_files": limits.files_per_request,
        "file_bytes": limits.bytes_per_file,
        "file_size": size_in_words(limits.bytes_per_file),
        "all_size": size_in_words(limits.bytes_per_request),
    }
    return render(request, "site/upload.html", status, **values)
