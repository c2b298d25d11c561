"""The description of the API (OpenAPI 3.1) at /v1/openapi.json."""

from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request

from intake.api.policy import PolicedRoute, Policy, policy, policy_of, scopes_of
from intake.api.problem import MEDIA_TYPE, Problem

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1", tags=["description"])

_REFERENCE: Final = "#/components/schemas/{model}"
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
# What any route may answer with, then what single ones may.
_KEY: Final = (
    "A key of the service (`postroom keys add`, or POSTROOM_API_KEYS). As long as there are none, programs on its own"
    " machine need none."
)
# Of whoever shows a key: it takes the database to know it.
_OF_CALLERS: Final = {
    429: "The key was used too often: try again after Retry-After seconds.",
    503: "The database or the store does not answer: try again after Retry-After seconds.",
}
_EVERYWHERE: Final = {
    401: "Callers from elsewhere, or through a proxy, need a key: Authorization: Bearer KEY.",
    403: "The key lacks the scope; or no keys are set, so that only this machine is served; or a page of another site"
    " wants to change something.",
    421: "The service was called by a name that is not its own.",
    500: "The service failed.",
}
_WITH_DATABASE: Final = {503: "The database or the store does not answer: try again after Retry-After seconds."}
_WITH_INPUT: Final = {422: "The request is not as it should be."}
_WITH_BODY: Final = {400: "The body is no JSON in UTF-8."}
_NOT_SET_ASIDE: Final = {409: "Nothing is in quarantine under this id."}
_OF_WEBHOOK: Final = _WITH_DATABASE | _WITH_INPUT | {404: "There is no such webhook or delivery."}
_OF_RECORD: Final = _WITH_DATABASE | _WITH_INPUT | {404: "There is no such record, revision, field or picture."}
_OF_ROUTES: Final = {
    "/v1/batches": _WITH_DATABASE | _WITH_INPUT,
    "/v1/batches/{batch_id}": _WITH_DATABASE | _WITH_INPUT | {404: "There is no such batch."},
    "/v1/batches/{batch_id}/archive": _WITH_DATABASE
    | _WITH_INPUT
    | {404: "There is no such batch, or an original of it is missing."},
    "/v1/batches/{batch_id}/files/{file_id}/retry": _WITH_DATABASE
    | _WITH_INPUT
    | {404: "There is no such batch or file.", 409: "The file is not in quarantine."},
    "/v1/records": _WITH_DATABASE | _WITH_INPUT | {409: "The cursor is ahead of all that was ever published."},
    "/v1/records/{record_id}": _OF_RECORD,
    "/v1/records/{record_id}/revisions": _OF_RECORD,
    "/v1/records/{record_id}/revisions/{revision}": _OF_RECORD,
    "/v1/records/{record_id}/fields/{name}/provenance": _OF_RECORD,
    "/v1/records/{record_id}/fields/{name}/snippet": _OF_RECORD,
    "/v1/pieces": _WITH_DATABASE | _WITH_INPUT,
    "/v1/pieces/{piece_id}": _WITH_DATABASE | _WITH_INPUT | {404: "There is no such piece."},
    "/v1/form-types/{form_type}": _WITH_INPUT | {404: "There is no such form type."},
    "/v1/form-types/{form_type}/schema": _WITH_INPUT | {404: "There is no such form type."},
    "/v1/schemas/events/{event}": _WITH_INPUT | {404: "That is no name of an event."},
    "/v1/quarantine": _WITH_DATABASE | _WITH_INPUT,
    "/v1/quarantine/{subject_id}/retry": _WITH_DATABASE | _WITH_INPUT | _NOT_SET_ASIDE,
    "/v1/quarantine/{subject_id}/reject": _WITH_DATABASE | _WITH_INPUT | _WITH_BODY | _NOT_SET_ASIDE,
    "/v1/records/{record_id}/corrections": _WITH_DATABASE | _WITH_INPUT | {404: "There is no such record."},
    "/v1/webhooks": _WITH_DATABASE | _WITH_INPUT,
    "/v1/webhooks/{webhook_id}": _OF_WEBHOOK,
    "/v1/webhooks/{webhook_id}/secret/rotate": _OF_WEBHOOK,
    "/v1/webhooks/{webhook_id}/test": _OF_WEBHOOK,
    "/v1/webhooks/{webhook_id}/deliveries": _OF_WEBHOOK,
    "/v1/webhooks/{webhook_id}/deliveries/replay": _OF_WEBHOOK | _WITH_BODY,
    "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": _OF_WEBHOOK,
    "/health/ready": {503: "Something fails: `errors` says what."},
}
_OF_WEBHOOK_CHANGES: Final = {
    **_WITH_BODY,
    412: "It was changed since it was looked at.",
    428: "The header If-Match is missing.",
}
_OF_CORRECTIONS: Final = {
    **_WITH_BODY,
    409: "The document is being worked on again: its next revision is under way.",
    412: "There is a newer revision than the one in If-Match.",
    422: "A field, a value or the reason is wrong, a value fails a check, or the key was used for another request.",
    428: "The header If-Match is missing.",
}
_OF_UPLOADS: Final = {
    400: "The body is no multipart form, or is cut off.",
    408: "Nothing came for too long.",
    413: "The request, a file or a field is larger than it may be, or there are too many files.",
    422: "A field is wrong, there is no file, or the key was used before with other files.",
    507: "There is no room for more.",
}


@router.get("/openapi.json")
@policy(Policy.KNOWN)
async def describe(request: Request) -> dict[str, Any]:
    """This description."""
    app: FastAPI = request.app
    return described(app)


def described(app: FastAPI) -> dict[str, Any]:
    """What the routes say of themselves, with every error a route may answer with."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template=_REFERENCE)
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": _KEY}}
    policies = {
        (route.path, method.lower()): (policy_of(route.endpoint), sorted(scopes_of(route.endpoint)))
        for route in app.routes
        if isinstance(route, PolicedRoute)
        for method in route.methods or ()
    }
    for path, operations in found["paths"].items():
        for method in _METHODS & operations.keys():
            chosen, scopes = policies[path, method]
            _describe_errors(
                path, method, operations[method]["responses"], {} if chosen is Policy.ANYBODY else _OF_CALLERS
            )
            if chosen is Policy.ANYBODY:
                del operations[method]["responses"]["401"]
            else:
                operations[method]["security"] = [{"key": [scope.value for scope in scopes]}, {}]
    app.openapi_schema = found
    return found


def _describe_errors(path: str, method: str, responses: dict[str, Any], more: dict[int, str]) -> None:
    errors = _EVERYWHERE | more | _OF_ROUTES.get(path, {})
    if path == "/v1/batches" and method == "post":
        errors = errors | _OF_UPLOADS
        responses["200"]["content"] = responses["201"]["content"]
    if path == "/v1/records/{record_id}/corrections" and method == "post":
        errors = errors | _OF_CORRECTIONS
    if path == "/v1/webhooks" and method == "post":
        errors = errors | _WITH_BODY | {409: "There are as many webhooks as there may be."}
    if path == "/v1/webhooks/{webhook_id}" and method == "patch":
        errors = errors | _OF_WEBHOOK_CHANGES
    for replaced in [status for status in responses if status.startswith(("4", "5"))]:
        del responses[replaced]
    for status, description in sorted(errors.items()):
        problem = {"schema": {"$ref": _REFERENCE.format(model="Problem")}}
        responses[str(status)] = {"description": description, "content": {MEDIA_TYPE: problem}}
        if status in (429, 503, 507):
            seconds = {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}
            responses[str(status)]["headers"] = {"Retry-After": seconds}
