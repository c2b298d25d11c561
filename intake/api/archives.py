"""The route that gives a whole batch out as one archive."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from intake import audit
from intake.api.front_desk import AsCaller, AtDesk
from intake.api.policy import PolicedRoute, policy
from intake.api.problem import ProblemCode, Refused
from intake.exports import archive
from intake.exports.archive import Contents
from intake.service import Service
from intake.store.errors import BlobMissing
from schemas.scopes import Scope

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1/batches", tags=["batches"])

MEDIA_TYPE: Final = "application/zip"
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The archive, as it is made.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/{batch_id}/archive", response_class=StreamingResponse, responses=_ANSWER)
@policy(Scope.BATCHES_READ, Scope.RECORDS_READ)
def give_archive(desk: AtDesk, caller: AsCaller, batch_id: UUID) -> StreamingResponse:
    """The whole batch as a zip: the originals byte for byte, every published revision of its records as JSON lines, and
    a manifest with the SHA-256 of each.

    It is made while it is sent. A connection that breaks off leaves a file that no program takes for a whole zip.
    """
    contents = taken_out(desk.service, batch_id, caller.name)
    return streamed(desk.service, contents)


def taken_out(service: Service, batch_id: UUID, actor: str) -> Contents:
    """What goes into the archive; that somebody takes it is in the audit from then on. Raises Refused."""
    with service.database.read() as session:
        contents = archive.contents_of(session, batch_id)
    if contents is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "There is no such batch.")
    try:
        archive.check(service.store, contents)
    except BlobMissing as error:
        detail = "An original of this batch is missing from the file store: tell whoever runs the service."
        raise Refused(404, ProblemCode.NOT_FOUND, detail) from error
    details: audit.Details = {"files": len(contents.originals), "until": contents.until}
    with service.database.write() as session:
        audit.append(session, service.database.now(session), actor, "batch downloaded", f"batch:{contents.id}", details)
    return contents


def streamed(service: Service, contents: Contents) -> StreamingResponse:
    """The archive, to be saved and never shown."""
    parts = archive.stream(service.database, service.store, contents, service.database.now())
    headers = {
        "Content-Disposition": f'attachment; filename="batch-{contents.batch}.zip"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(parts, headers=headers, media_type=MEDIA_TYPE)
