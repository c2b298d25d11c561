"""The routes about form types and schemas: what kinds of document are known here, and what their records look like."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from pydantic import Field

from intake.api.front_desk import AtDesk, FrontDesk
from intake.api.policy import PolicedRoute, Policy, policy
from intake.api.problem import ProblemCode, Refused
from intake.api.views import PublicView
from schemas.events import EventType
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import FormType
from schemas.json_schema import as_text, event_schema, form_id, form_schema, record_schema

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1", tags=["form types"])

_SCHEMA: Final = "application/schema+json"
_A_SCHEMA: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {_SCHEMA: {"schema": {"type": "object"}}}}}

FormTypeId = Annotated[str, Path(max_length=100, description="`id` of the form type.")]


class EditionView(PublicView):
    """One printed version."""

    id: str = Field(examples=["nsd-6-2011-03"])
    title: str = Field(description="The words by which the form names its own version.")


class FormTypeSummary(PublicView):
    """A kind of document."""

    id: str = Field(examples=["fara-short-form"])
    title: str
    pages: int = Field(description="How many sides a complete one has.")
    editions: tuple[EditionView, ...]
    schema_id: str = Field(description="The `$id` of the JSON Schema of its records.")


class FormFieldView(PublicView):
    """One thing a form asks."""

    name: str
    kind: FieldKind
    label: str = Field(description="The words printed on the form.")
    field_class: str = Field(description="The class of field that decisions go by.")
    is_required: bool = Field(description="Whether an empty answer is a fault.")
    options: tuple[str, ...] = Field(description="Of a choice, in printed order.")
    takes_several: bool = Field(description="Whether more than one tick is a valid answer.")


class FormTypeView(FormTypeSummary):
    """A kind of document with all it asks."""

    fields: tuple[FormFieldView, ...]


class FormTypeList(PublicView):
    """Every kind of document known here, by id."""

    form_types: tuple[FormTypeSummary, ...]


@router.get("/form-types")
@policy(Policy.KNOWN)
def list_form_types(desk: AtDesk) -> FormTypeList:
    """The kinds of document that are known here."""
    forms = desk.rules.forms
    return FormTypeList(form_types=tuple(FormTypeSummary(**_head(forms[id])) for id in sorted(forms)))


@router.get("/form-types/{form_type}")
@policy(Policy.KNOWN)
def show_form_type(desk: AtDesk, form_type: FormTypeId) -> FormTypeView:
    """One kind of document: its editions and fields."""
    form = _form(desk, form_type)
    return FormTypeView(fields=tuple(map(_field, form.fields)), **_head(form))


@router.get("/form-types/{form_type}/schema", response_class=Response, responses=_A_SCHEMA)
@policy(Policy.KNOWN)
def show_form_schema(desk: AtDesk, form_type: FormTypeId) -> Response:
    """The JSON Schema (draft 2020-12) of the records of one kind of document."""
    return Response(as_text(form_schema(_form(desk, form_type))), media_type=_SCHEMA)


@router.get("/schemas/record", response_class=Response, responses=_A_SCHEMA)
@policy(Policy.KNOWN)
def show_record_schema() -> Response:
    """The JSON Schema (draft 2020-12) of any record."""
    return Response(as_text(record_schema()), media_type=_SCHEMA)


@router.get("/schemas/events/{event}", response_class=Response, responses=_A_SCHEMA)
@policy(Policy.KNOWN)
def show_event_schema(event: EventType) -> Response:
    """The JSON Schema (draft 2020-12) of what events of one kind carry as their `data`."""
    return Response(as_text(event_schema(event)), media_type=_SCHEMA)


def _form(desk: FrontDesk, form_type: str) -> FormType:
    form = desk.rules.forms.get(form_type)
    if form is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "There is no such form type.")
    return form


def _head(form: FormType) -> dict[str, Any]:
    editions = tuple(EditionView(id=edition.id, title=edition.title) for edition in form.editions)
    return {
        "id": form.id, "title": form.title, "pages": form.pages, "editions": editions, "schema_id": form_id(form.id)
    }  # fmt: skip


def _field(spec: FieldSpec) -> FormFieldView:
    return FormFieldView(
        name=spec.name,
        kind=spec.kind,
        label=spec.label,
        field_class=spec.field_class,
        is_required=spec.required,
        options=spec.options,
        takes_several=spec.several,
    )
