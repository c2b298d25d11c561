"""What records and truth together say about how far values can be trusted: one case per field of a record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from extract.decide import EMPTY, weighed_as
from extract.score import Read, is_right
from extract.standards import Standards
from intake.measure.match import Match, Matches
from intake.replay import facts_of
from schemas.field import FieldKind, FieldStatus
from schemas.form_type import FormType
from schemas.record import Record, RecordField

# What the machine decided on by a rule of its own, without weighing how sure it is.
_UNREAD: Final = frozenset({FieldStatus.NOT_FOUND, FieldStatus.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Case:
    """One field of one record, and whether it is right.

    form_type:   what the record says: the one that the decision went by.
    field_class: as it is weighed: "blank:" and the kind of field for what was taken for empty.
    features:    what is weighed; None if something else decides: a failed check, a doubtful mark, or a value that was
                 not understood.
    reader:      None if no reader read it: ticks, signatures, empty places.
    is_held_out: not for fitting weights and curves, but for testing what may be accepted.
    """

    form_type: str
    field_class: str
    features: Mapping[str, float] | None
    reader: str | None
    is_right: bool
    is_held_out: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether the record says that nothing is written there."""
        return self.field_class.startswith(EMPTY)

    def score(self, standards: Standards) -> float | None:
        """The score it has under these standards; None if it is not decided by one."""
        return None if self.features is None else standards.score(self.form_type, self.field_class, self.features)

    def is_accepted(self, standards: Standards, score: float | None) -> bool:
        """Whether the value would be taken on its score."""
        return score is not None and not standards.objection(self.form_type, self.field_class, score, self.reader)


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
    """Whether a record is one of the three in four that are not for fitting; documents of one file go together."""
    name = record.source.sha256 or record.source.name
    return sha256(name.encode()).digest()[0] % 4 != 0


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
    facts = facts_of(record, found)
    weighed = weighed_as(facts)
    passed = all(check.passed for check in found.checks)
    yield Case(
        form_type=form_type.id,
        field_class=weighed or (found.field_class or spec.field_class),
        features=found.features if passed and weighed is not None and found.features else None,
        reader=None if weighed is not None and weighed.startswith(EMPTY) else facts.reader,
        is_right=is_right,
        is_held_out=is_held_out(record),
    )


def is_self_checking(case: Case) -> bool:
    """Whether the value proves itself and is no evidence about any other."""
    return case.field_class == FieldKind.BARCODE.value
