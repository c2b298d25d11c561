"""The routes about batches: hand one over, see where it stands, retry what was set aside."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from starlette.requests import Request

from intake.api import batch_queries
from intake.api.front_desk import AsCaller, AtDesk
from intake.api.policy import PolicedRoute, policy
from intake.api.upload import take_in
from intake.api.views import BatchList, BatchView, FileView, ReceiptView
from intake.api.watch import note
from schemas.scopes import Scope

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1/batches", tags=["batches"])

_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "additionalProperties": False,
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "TIFF, PDF, PNG or JPEG, each part with a file name.",
                        },
                        "name": {
                            "type": "string",
                            "maxLength": 255,
                            "description": "What people call this batch.",
                            "examples": ["Monday, second bag"],
                        },
                        "received_on": {
                            "type": "string",
                            "format": "date",
                            "description": "The day the mail arrived; today if it is not given.",
                            "examples": ["2026-03-02"],
                        },
                    },
                }
            }
        },
    }
}

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="A key of your own making: sent again with the same files, the same receipt comes back.",
        examples=["2026-03-02/bag-2"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many batches at most.")]
FileLimit = Annotated[int, Query(ge=1, le=1000, description="How many files at most.")]
After = Annotated[UUID | None, Query(description="`next` of the page before.")]


@router.post("", status_code=201, openapi_extra=_FORM, responses={200: {"description": "It had been received before."}})
@policy(Scope.BATCHES_WRITE)
async def hand_over(
    request: Request, response: Response, desk: AtDesk, caller: AsCaller, idempotency_key: Key = None
) -> ReceiptView:
    """Hand a batch over. The receipt comes only once every file is on disk and every row in the database.

    Without a receipt it is not known whether the batch was received: send it again with the same Idempotency-Key.
    """
    receipt = await take_in(request, desk, caller, idempotency_key or "")
    note(request.scope, "batch_id", receipt.batch_id)
    response.status_code = 201 if receipt.is_new else 200
    response.headers["Location"] = f"{router.prefix}/{receipt.batch_id}"
    return ReceiptView.model_validate(receipt)


@router.get("")
@policy(Scope.BATCHES_READ)
def list_batches(desk: AtDesk, limit: Limit = 50, after: After = None) -> BatchList:
    """All batches, the newest first."""
    with desk.service.database.read() as session:
        return batch_queries.batch_list(session, limit, after)


@router.get("/{batch_id}")
@policy(Scope.BATCHES_READ)
def show_batch(desk: AtDesk, batch_id: UUID, limit: FileLimit = 1000, after: After = None) -> BatchView:
    """One batch: where its files, pages and pieces stand, and why what is in quarantine is there."""
    with desk.service.database.read() as session:
        return batch_queries.batch_view(session, batch_id, limit, after)


@router.post("/{batch_id}/files/{file_id}/retry")
@policy(Scope.QUARANTINE_WRITE)
def retry_file(desk: AtDesk, caller: AsCaller, batch_id: UUID, file_id: UUID) -> FileView:
    """Try a file again that is in quarantine, or those of its pieces that are."""
    return batch_queries.retry_file(desk.service.database, batch_id, file_id, caller.name)
