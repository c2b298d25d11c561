"""What records and truth together say about how far scores can be trusted: one case per field of a record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from extract.calibrate import Calibration
from extract.score import Read, is_right
from intake.measure.match import Match, Matches
from schemas.field import FieldStatus
from schemas.form_type import FormType
from schemas.record import Record, RecordField

# What the machine decided on by a rule of its own, without weighing how sure it is.
_UNREAD: Final = frozenset({FieldStatus.NOT_FOUND, FieldStatus.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Case:
    """One field of one record, and whether it is right.

    form_type:   what the record says: the one that the decision went by.
    score:       what a threshold is compared with; None if something else decides: a failed check, a doubtful mark, a
                 value that was not understood, or that nothing is written there.
    reader:      None if no reader read it: ticks and signatures.
    is_blank:    the record says, on no score, that nothing is written there.
    is_held_out: not for fitting.
    """

    form_type: str
    field_class: str
    score: float | None
    reader: str | None
    is_blank: bool
    is_right: bool
    is_held_out: bool = False

    def is_accepted(self, calibration: Calibration) -> bool:
        """Whether the value would be taken on its score alone."""
        return self.score is not None and not calibration.objection(
            self.form_type, self.field_class, self.score, self.reader
        )


def cases(matches: Matches, form_types: Sequence[FormType]) -> Iterator[Case]:
    """Every field that records say anything about and whose truth is known.

    A form taken for another, or read where there was none, counts: all of its fields are wrong.
    """
    known = {form_type.id: form_type for form_type in form_types}
    for match in matches.matches:
        if match.record is not None and match.record.form_type in known:
            yield from _of_match(match, match.record, known[match.record.form_type])
    for record in matches.unasked:
        if record.form_type in known:
            for name, found in record.fields.items():
                yield from _case(record, known[record.form_type], name, found, is_right=False)


def is_held_out(record: Record) -> bool:
    """Whether a record belongs to the half that is not for fitting; all documents of one file are of the same half."""
    name = record.source.sha256 or record.source.name
    return sha256(name.encode()).digest()[0] % 2 == 1


def _of_match(match: Match, record: Record, form_type: FormType) -> Iterator[Case]:
    is_mistaken = match.truth.form_type != form_type.id
    for name, found in record.fields.items():
        expected = match.truth.fields.get(name)
        if is_mistaken:
            yield from _case(record, form_type, name, found, is_right=False)
        elif expected is not None:
            value = tuple(found.value) if isinstance(found.value, list) else found.value
            right = is_right(expected, Read(value, found.text, found.status))
            yield from _case(record, form_type, name, found, is_right=right)


def _case(record: Record, form_type: FormType, name: str, found: RecordField, *, is_right: bool) -> Iterator[Case]:
    spec = form_type.by_name.get(name)
    if spec is None or found.status in _UNREAD:
        return
    passed = all(check.passed for check in found.checks)
    yield Case(
        form_type=form_type.id,
        field_class=spec.field_class,
        score=found.score if passed else None,
        reader=found.readings[0].reader if found.readings else None,
        is_blank=found.status is FieldStatus.BLANK and found.score is None,
        is_right=is_right,
        is_held_out=is_held_out(record),
    )
