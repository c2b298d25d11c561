"""Takes decisions again from a record alone: what was seen is on it, and the standards are named on every decision."""

from collections.abc import Mapping

from extract.decide import Decision, Facts, Judged, decide
from extract.standards import Standards
from schemas.extraction import Value
from schemas.field import CheckResult, FieldStatus
from schemas.record import Record, RecordField

# What a person said, or another program over the API, is no decision of the machine.
_BY_OTHERS = ("person:", "caller")
_PERSONS_ONLY = frozenset({FieldStatus.CONFIRMED, FieldStatus.CORRECTED})


def facts_of(record: Record, field: RecordField) -> Facts:
    """All that the decision about one field rested on."""
    read = field.readings[0] if field.readings else None
    problems = next((page.problems for page in record.pages if page.number == field.page), [])
    return Facts(
        form_type=record.form_type or "",
        field_class=field.field_class,
        kind=field.kind,
        value=_value(field),
        has_page=field.page is not None,
        was_read=read is not None,
        problem=field.problem,
        reader=None if read is None else read.reader,
        marks=[Judged(mark.option, mark.state, mark.reason) for mark in field.marks],
        checks=[CheckResult(check.name, check.passed, check.message) for check in field.checks],
        features=field.features,
        page_problems=problems,
    )


def decide_again(record: Record, standards: Standards) -> Mapping[str, Decision]:
    """For every field that no person has spoken about, the decision under these standards."""
    return {
        name: decide(facts_of(record, field), standards)
        for name, field in record.fields.items()
        if field.status not in _PERSONS_ONLY and not field.decided_by.startswith(_BY_OTHERS)
    }


def differences(record: Record, standards: Standards) -> list[str]:
    """The fields whose decision under these standards is not the recorded one."""
    return [name for name, made in decide_again(record, standards).items() if made != _recorded(record.fields[name])]


def under(record: Record, standards: Standards) -> Record:
    """The record as it would have been decided under these standards; for measuring, never for delivery.

    What was read stays as it is, and so does what a person said.
    """
    made = decide_again(record, standards)
    fields = {name: _decided(field, made.get(name)) for name, field in record.fields.items()}
    return record.model_copy(update={"fields": fields})


def _decided(field: RecordField, made: Decision | None) -> RecordField:
    if made is None:
        return field
    return field.model_copy(
        update={
            "status": made.status,
            "confidence": made.confidence,
            "score": made.score,
            "reasons": list(made.reasons),
            "decided_by": made.decided_by,
        }
    )


def _recorded(field: RecordField) -> Decision:
    return Decision(field.status, field.confidence, tuple(field.reasons), field.decided_by, field.score)


def _value(field: RecordField) -> Value:
    return tuple(field.value) if isinstance(field.value, list) else field.value
