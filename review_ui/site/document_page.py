"""A document as its page shows it: every field at its place on the paper, what was read and by whom, what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from intake.api_keys import LOCAL_CALLER
from intake.corrections import Correction, Stood
from intake.office.documents import Entered, Happened, Whole
from intake.review.answers import NOT_SIGNED, SIGNED
from intake.review.settling import BY_A_CALLER
from review_ui.document_view import FIELD_STATES, document_view
from review_ui.pictures import Picture
from review_ui.view_models import DocumentView, FieldView, PageView, State
from schemas.field import FieldStatus
from schemas.form_type import FormType
from schemas.record import RecordCheck, RecordField, RecordReading
from schemas.review import REASON_WORDS, Act, Outcome

_HIDDEN: Final = State("hidden", "●", "Hidden until keyed")
_BY_A_SYSTEM: Final = State("accepted", "✓", "Corrected by another system")
_DECIDERS: Final[Mapping[str, str]] = {BY_A_CALLER: "another system"}
_ACTIONS: Final[Mapping[str, str]] = {
    "unpacked": "opened the file and counted its pages",
    "read": "read it",
    "published": "published it",
    "quarantined": "set it aside",
    "step retried": "had it tried again",
    "rejected": "rejected it",
    "looked at": "looked at it",
    "original downloaded": "downloaded the original",
    "record downloaded": "downloaded the record",
    "record corrected": "corrected the record",
}


_ACTS: Final[Mapping[Act, str]] = {
    Act.VALUE: "keyed the value",
    Act.BLANK: "said it is blank",
    Act.UNREADABLE: "said nobody can read it",
    Act.NOT_FOUND: "said the place is not on the pages",
    Act.REFER: "handed it on",
    Act.SKIP: "left it to somebody else",
    Act.IDENTIFY: "said which form it is",
    Act.UNDO: "took it back",
}
_OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.AGAIN: "asked once more",
    Outcome.SECOND: "a second person is to key it too",
    Outcome.ADJUDICATION: "a third person is to decide",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one reader saw. score: its own, not a probability."""

    reader: str
    text: str
    score: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check said."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True, slots=True)
class Keyed:
    """What one person did with the field. text: what they keyed, "" for nothing."""

    at: datetime
    who: str
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What is told of a correction over the API. with_what: the key it came with, in words."""

    with_what: str
    reason: str


@dataclass(frozen=True, slots=True)
class FieldPart:
    """A field with all that its row can unfold.

    is_hidden: whoever looks may have to key it without seeing it.
    sent:      the correction it has from another system; None if it has its value from elsewhere.
    """

    name: str
    view: FieldView
    readings: tuple[Seen, ...]
    checks: tuple[Checked, ...]
    keyed: tuple[Keyed, ...]
    decided_by: str
    waits: bool
    is_hidden: bool
    sent: Sent | None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a correction, before and after in words; both "" where whoever looks may not see them."""

    field: str
    old: str
    new: str
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class CorrectionPart:
    """Who corrected what, when and why. with_what: the key of the system that sent it, in words; "" for a person."""

    revision: int
    at: datetime
    who: str
    with_what: str
    reason: str
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """The page. parts: of every field, by its number; corrections: by the number of the revision they made."""

    view: DocumentView
    pages: tuple[PageView, ...]
    parts: Mapping[int, FieldPart]
    elsewhere: tuple[FieldView, ...]
    events: tuple[Event, ...]
    corrections: Mapping[int, CorrectionPart]
    to_look_at: int
    hidden: int


def document_page(
    whole: Whole,
    made: Sequence[Correction],
    forms: Mapping[str, FormType],
    names: Mapping[str, str],
    *,
    hides_blind: bool,
) -> DocumentPage:
    """names: what people call those who did something.

    hides_blind: whether fields that people must key without seeing the machine's value are hidden.
    """
    sha256 = whole.record.source.sha256 or ""
    pictures = {
        (sha256, page.number): Picture(f"{page.number}/picture.jpg", 0, 0)
        for page in whole.record.pages
        if page.number in whole.pages and page.transform is not None
    }
    view = document_view(whole.record, 1, forms, pictures, f"/documents/{whole.id}/pages")
    hidden = whole.blind if hides_blind else frozenset()
    numbers = dict(enumerate(whole.record.fields, 1))
    sent = _sent(whole, made, names)
    pages = tuple(replace(page, fields=_shown(page.fields, numbers, hidden, sent)) for page in view.pages)
    elsewhere = _shown(view.elsewhere, numbers, hidden, sent)
    every = [field for page in pages for field in page.fields] + list(elsewhere)
    labels = {numbers[field.number]: field.label for field in every}
    parts = {field.number: _part(field, numbers[field.number], whole, hidden, sent, names) for field in every}
    return DocumentPage(
        view=view,
        pages=pages,
        parts=parts,
        elsewhere=elsewhere,
        events=_events(whole, names),
        corrections={each.revision: _correction(each, labels, hidden, names) for each in made},
        to_look_at=len(whole.asked),
        hidden=sum(part.is_hidden for part in parts.values()),
    )


def _correction(
    made: Correction, labels: Mapping[str, str], hidden: frozenset[str], names: Mapping[str, str]
) -> CorrectionPart:
    changes = [
        FieldChange(
            labels.get(each.field, each.field),
            "" if each.field in hidden else in_words(each.old),
            "" if each.field in hidden else in_words(each.new),
            each.field in hidden,
        )
        for each in made.changes
    ]
    who = names.get(made.by.actor, made.by.actor)
    with_what = _with_what(made, names)
    return CorrectionPart(made.revision, made.at, who, with_what, made.reason, tuple(changes))


def _sent(whole: Whole, made: Sequence[Correction], names: Mapping[str, str]) -> Mapping[str, Sent]:
    """By field, the correction over the API that its value is from."""
    last = {change.field: each for each in made for change in each.changes}
    return {
        name: Sent(_with_what(each, names), each.reason)
        for name, each in last.items()
        if name in whole.record.fields and whole.record.fields[name].decided_by == BY_A_CALLER
    }


def _with_what(made: Correction, names: Mapping[str, str]) -> str:
    """The key that a correction came with, in words; "" where a person made it."""
    if made.by.role != BY_A_CALLER:
        return ""
    actor = made.by.actor
    return "a program on this machine" if actor == LOCAL_CALLER else f"with the key {names.get(actor, actor)}"


def in_words(stood: Stood) -> str:
    """What a field said, as one would say it."""
    match stood.value:
        case None:
            return stood.text or FIELD_STATES[FieldStatus(stood.status)].words.lower()
        case bool(is_signed):
            return SIGNED if is_signed else NOT_SIGNED
        case list(options):
            return ", ".join(options) or "nothing ticked"
    return str(stood.value)


def _shown(
    fields: Sequence[FieldView], numbers: Mapping[int, str], hidden: frozenset[str], sent: Mapping[str, Sent]
) -> tuple[FieldView, ...]:
    return tuple(
        _blinded(field) if numbers[field.number] in hidden else _told(field, is_sent=numbers[field.number] in sent)
        for field in fields
    )


def _told(field: FieldView, *, is_sent: bool) -> FieldView:
    """Who corrected it, where that was no person."""
    is_corrected = field.state == FIELD_STATES[FieldStatus.CORRECTED]
    return replace(field, state=_BY_A_SYSTEM) if is_sent and is_corrected else field


def _blinded(field: FieldView) -> FieldView:
    """Only where it stands: nothing of what the machine read, and nothing that follows from it."""
    return replace(field, value="", text="", state=_HIDDEN, confidence="", faults=(), passed=(), marks=())


def _part(
    view: FieldView,
    name: str,
    whole: Whole,
    hidden: frozenset[str],
    sent: Mapping[str, Sent],
    names: Mapping[str, str],
) -> FieldPart:
    field: RecordField = whole.record.fields[name]
    is_hidden = name in hidden
    return FieldPart(
        name=name,
        view=view,
        readings=() if is_hidden else tuple(map(_seen, field.readings)),
        checks=() if is_hidden else tuple(map(_check, field.checks)),
        keyed=() if is_hidden else tuple(_keyed(each, names) for each in whole.entered if each.field == name),
        decided_by="" if is_hidden else _DECIDERS.get(field.decided_by, field.decided_by),
        waits=name in whole.asked,
        is_hidden=is_hidden,
        sent=None if is_hidden else sent.get(name),
    )


def _seen(reading: RecordReading) -> Seen:
    return Seen(reading.reader, reading.text, f"{reading.score:.2f}")


def _check(check: RecordCheck) -> Checked:
    return Checked(check.name.replace("_", " "), check.passed, check.message)


def _keyed(entered: Entered, names: Mapping[str, str]) -> Keyed:
    what = _ACTS[entered.act]
    if entered.reason is not None:
        what = f"{what}: {REASON_WORDS[entered.reason]}"
    if entered.outcome in _OUTCOMES:
        what = f"{what}; {_OUTCOMES[entered.outcome]}"
    return Keyed(entered.at, names.get(entered.actor, entered.actor), what, entered.text)


def _events(whole: Whole, names: Mapping[str, str]) -> tuple[Event, ...]:
    """What happened and what people did, in one order; nothing of what they keyed."""
    labels = {name: name.replace("_", " ") for name in whole.record.fields}
    events = [_event(each, names) for each in whole.history]
    for each in whole.entered:
        on = f" in “{labels.get(each.field, each.field)}”" if each.field else ""
        events.append(Event(each.at, names.get(each.actor, each.actor), _ACTS[each.act] + on))
    return tuple(sorted(events, key=lambda event: event.at))


def _event(happened: Happened, names: Mapping[str, str]) -> Event:
    what = _ACTIONS.get(happened.action, happened.action)
    details = happened.details
    if happened.action == "unpacked":
        what = f"opened the file: {_many(details.get('pages'), 'page')}"
    elif happened.action == "read":
        what = (
            f"read it: {_many(details.get('documents'), 'document')}, {_many(details.get('tasks'), 'field')} for people"
        )
    return Event(happened.at, names.get(happened.actor, happened.actor), what)


def _many(count: object, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
