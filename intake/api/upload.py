"""Takes an upload in: the whole body onto the disk first, then through `receive`, which acknowledges it."""

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from anyio import to_thread
from starlette.requests import Request

from extract.unpack import MARK_WITHIN_BYTES
from intake.api.callers import Caller
from intake.api.form import FIELDS, Form, SpooledFile, UploadLimits, too_large
from intake.api.front_desk import FrontDesk
from intake.api.problem import Fault, ProblemCode, Refused
from intake.api.spool import Spool
from intake.receive import Arrival, Receipt, Sender, receive
from intake.store.room import refuse_when_low

_PIECE_BYTES: Final = 1024 * 1024  # fed at once: fewer, longer visits to the disk
_LONGEST_NAME: Final = 255  # of a batch
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Door:
    """How files come in by one way.

    channel: as it stands on the batch.
    fields:  of the form, beside its files.
    check:   looks at the fields, and at every file with its first bytes, before anything is received; may raise.
    """

    channel: str = "api"
    fields: Collection[str] = FIELDS
    check: Callable[[Mapping[str, str], Sequence[tuple[str, bytes]]], None] | None = None


API: Final = Door()


async def take_in(request: Request, desk: FrontDesk, caller: Caller, key: str, door: Door = API) -> Receipt:
    """Receive the files of a form; what is returned is on disk and in the database.

    key: an Idempotency-Key, "" for none. Raises what the check of the door raises, Refused, ClientDisconnect if the
    sender goes away before the end, and what `receive` raises: then nothing was received.
    """
    announced = _announced_bytes(request, desk.limits)
    # Once in the spool and once in the store.
    await to_thread.run_sync(_refuse_when_low, desk, 2 * announced)
    spool = await to_thread.run_sync(Spool, desk.spool_folder)
    try:
        form = Form(request.headers.get("content-type", ""), spool, desk.limits, door.fields)
        await _feed(request, form, desk)
        fields, files = form.finish()
        if door.check is not None:
            await to_thread.run_sync(door.check, fields, _beginnings(spool, files))
        sender = sender_of(fields, caller, key, door.channel)
    except BaseException:
        spool.close()
        raise
    # From here on the spool is the thread's own: it goes on reading even if this task is cut off.
    return await to_thread.run_sync(partial(_receive, desk, spool, files, sender), limiter=desk.receiving)


def _receive(desk: FrontDesk, spool: Spool, files: Sequence[SpooledFile], sender: Sender) -> Receipt:
    service = desk.service
    low_water_bytes = service.settings.low_water_bytes
    with closing(spool):
        arrivals = _arrivals(spool, files)
        return receive(service.database, service.store, arrivals, sender, low_water_bytes=low_water_bytes)


def _beginnings(spool: Spool, files: Sequence[SpooledFile]) -> list[tuple[str, bytes]]:
    """Every file with as many of its first bytes as tell what it is."""
    beginnings = []
    for file in files:
        with spool.window(file.start, min(file.length, MARK_WITHIN_BYTES)) as stream:
            beginnings.append((file.name, stream.read()))
    return beginnings


def _arrivals(spool: Spool, files: Sequence[SpooledFile]) -> Iterator[Arrival]:
    for file in files:
        with spool.window(file.start, file.length) as stream:
            yield Arrival(file.name, stream)


async def _feed(request: Request, form: Form, desk: FrontDesk) -> None:
    """The whole body, some of it at a time. Raises what `Form.feed` raises, and Refused if the sender falls silent."""
    waiting = bytearray()
    pieces = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(desk.limits.seconds_without_a_byte):
                piece = await anext(pieces, None)
        except TimeoutError:
            raise Refused(408, ProblemCode.TOO_SLOW, "Nothing came for too long. Nothing was received.") from None
        waiting += piece or b""
        if piece is None or len(waiting) >= _PIECE_BYTES:
            await to_thread.run_sync(_feed_piece, desk, form, bytes(waiting))
            waiting.clear()
        if piece is None:
            return


def _feed_piece(desk: FrontDesk, form: Form, piece: bytes) -> None:
    _refuse_when_low(desk, len(piece))
    form.feed(piece)


def _refuse_when_low(desk: FrontDesk, incoming_bytes: int) -> None:
    service = desk.service
    refuse_when_low(service.store, incoming_bytes, low_water_bytes=service.settings.low_water_bytes)


def _announced_bytes(request: Request, limits: UploadLimits) -> int:
    """How long the body says it is; 0 if it does not say. Raises Refused if that is too much."""
    given = request.headers.get("content-length", "")
    announced = int(given) if given.isascii() and given.isdigit() else 0
    if announced > limits.bytes_per_request:
        raise too_large(f"A request may have at most {limits.bytes_per_request} bytes.")
    return announced


def sender_of(fields: Mapping[str, str], caller: Caller, key: str, channel: str) -> Sender:
    """Who hands over. Raises Refused naming every field that is wrong."""
    faults = []
    name, day = fields.get("name", ""), fields.get("received_on", "")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        faults.append(Fault(place="body.name", problem=f"It may have at most {_LONGEST_NAME} printable characters."))
    received_on = _day(day) if day else None
    if day and received_on is None:
        faults.append(Fault(place="body.received_on", problem="It must be a day, as in 2026-03-02."))
    if faults:
        raise Refused(422, ProblemCode.INVALID_REQUEST, "The form is not as it should be.", faults=faults)
    return Sender(caller.name, channel, received_on, name, key)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
