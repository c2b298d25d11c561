"""The report: one HTML page with the figures and, for every miss, the snippet, what was read and what is true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from extract.bounds import lower_bound
from extract.score import normalised
from intake.measure import chart, table
from intake.measure.match import Match
from intake.measure.measures import Measures, Outcome, Tally, share
from intake.measure.snippets import WHOLE_PAGE, Place, pictures
from intake.summary import Summary
from schemas.extraction import Value
from schemas.field import FieldStatus
from schemas.form_type import FormType
from schemas.geometry import PageArea
from schemas.page import PageLabel
from schemas.record import RecordPage

_TEMPLATES: Final = Path(__file__).parent
DEFAULT_SNIPPETS: Final = 100

Pieces = list[tuple[str, bool]]  # parts of a text, each with whether it differs


@dataclass(frozen=True, slots=True)
class Miss:
    """One field that was read wrong, in words. status: "not in the record" if it is not there at all."""

    picture: str | None
    label: str
    name: str
    read: Pieces
    truth: Pieces
    status: str
    confidence: str
    reasons: Sequence[str]
    source: str
    form_type: str
    is_taken: bool
    is_handwritten: bool


@dataclass(frozen=True, slots=True)
class Stranger:
    """A form, or a page of one, that was not taken for what it is."""

    picture: str | None
    source: str
    truth: str
    read_as: str
    reasons: Sequence[str]


def render(
    measures: Measures,
    summary: Summary | None,
    form_types: Sequence[FormType],
    files: Mapping[str, Path],
    *,
    most_snippets: int = DEFAULT_SNIPPETS,
    title: str = "",
) -> str:
    """The report as HTML that needs nothing but itself.

    files: where the file of a record's `source.name` lies; without it a miss has no picture.
    """
    placed = [(outcome, _place_of_field(outcome, files)) for outcome in measures.misses]
    # What stands at no known place would only push what can be seen out of the report.
    shown = [(outcome, place) for outcome, place in placed if place is not None][:most_snippets]
    is_shown = {id(outcome) for outcome, _ in shown}
    rest = [outcome for outcome, _ in placed if id(outcome) not in is_shown]
    strangers = [*((match, None) for match in measures.unrecognised), *_unread_pages(measures)]
    pages = [_place_of_page(match, number, files) for match, number in strangers[:most_snippets]]
    drawn = _drawn([*(place for _, place in shown), *pages])
    of_pages = drawn[len(shown) :] + [None] * (len(strangers) - len(pages))
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=table.percent, mebibytes=table.mebibytes, kind=table.kind_name, number=table.number
    )
    environment.globals.update(
        place_of=chart.place_of, is_same_kind=table.is_same_kind, share=share, lower_bound=lower_bound
    )
    labels = {(form.id, spec.name): spec.label for form in form_types for spec in form.fields}
    return environment.get_template("report.html").render(
        title=title,
        measures=measures,
        fields=_by_form_type(measures),
        summary=summary,
        misses=[_miss(outcome, picture, labels) for (outcome, _), picture in zip(shown, drawn, strict=False)],
        rest=[_miss(outcome, None, labels) for outcome in rest],
        strangers=[
            _stranger(match, number, picture) for (match, number), picture in zip(strangers, of_pages, strict=True)
        ],
        classes=table.by_class(measures),
        dots=chart.dots(measures.belief.bins),
        dots_of={table.class_name(name): chart.dots(belief.bins) for name, belief in measures.beliefs.items()},
        beliefs={table.class_name(name): belief for name, belief in measures.beliefs.items()},
        ticks=chart.TICKS,
        side=chart.SIDE,
    )


def _by_form_type(measures: Measures) -> dict[str, list[tuple[tuple[str], Tally]]]:
    """For every form type its fields, each as a row of a table."""
    tables: dict[str, list[tuple[tuple[str], Tally]]] = {}
    for (form_type, name), tally in measures.groups["field"].items():
        tables.setdefault(form_type, []).append(((name,), tally))
    return tables


def _miss(outcome: Outcome, picture: str | None, labels: Mapping[tuple[str, str], str]) -> Miss:
    form_type = outcome.match.truth.form_type or ""
    field = outcome.field
    read, truth = differences(in_words(_seen(outcome)), in_words(_true(outcome)))
    return Miss(
        picture=picture,
        label=labels.get((form_type, outcome.name)) or outcome.name,
        name=outcome.name,
        read=read,
        truth=[("on a page that was never scanned", False)] if outcome.expected.missing else truth,
        status="not in the record" if field is None else field.status.value,
        confidence="unknown" if field is None or field.confidence is None else table.percent(field.confidence),
        reasons=() if field is None else field.reasons,
        source=_source(outcome.match, None if field is None else field.page),
        form_type=form_type,
        is_taken=outcome.read.is_taken,
        is_handwritten=outcome.expected.handwritten,
    )


def _seen(outcome: Outcome) -> Value:
    """The value read; the text where there is none, as there may be words that make no value."""
    return outcome.read.text if outcome.read.value is None else outcome.read.value


def _true(outcome: Outcome) -> Value:
    """As written, where the value read is no more than that or there is none; the true value else."""
    expected, value = outcome.expected, outcome.expected.value
    if expected.text and outcome.read.value is None:
        return expected.text
    is_plain = isinstance(value, str) and expected.text is not None and normalised(expected.text) == normalised(value)
    return expected.text if is_plain else value


def in_words(value: Value) -> str:
    """A value as the report shows it; "" if there is none."""
    match value:
        case None:
            return ""
        case bool():
            return "signed" if value else "not signed"
        case tuple():
            return ", ".join(value)
    return str(value)


def differences(read: str, truth: str) -> tuple[Pieces, Pieces]:
    """Both texts in pieces that are the same in both, or not."""
    one: Pieces = []
    other: Pieces = []
    # Without the heuristic for long texts, which takes frequent letters for noise.
    for kind, start, end, true_start, true_end in SequenceMatcher(None, read, truth, autojunk=False).get_opcodes():
        if end > start:
            one.append((read[start:end], kind != "equal"))
        if true_end > true_start:
            other.append((truth[true_start:true_end], kind != "equal"))
    return one, other


def _unread_pages(measures: Measures) -> list[tuple[Match, int]]:
    """Pages of recognised forms whose fields are said to be missing, although they were scanned."""
    lost = {id(miss.match): miss.match for miss in measures.misses if miss.read.status is FieldStatus.NOT_FOUND}
    pages = []
    for match in lost.values():
        read = set() if match.record is None else {field.page for field in match.record.fields.values()}
        content = [number for number, label in match.truth.labels.items() if label is PageLabel.CONTENT]
        pages += [(match, number) for number in content if number not in read]
    return pages


def _stranger(match: Match, number: int | None, picture: str | None) -> Stranger:
    """A form, or one page of it."""
    record = match.record
    of_page = [page for of in match.neighbours for page in of.pages if number in (None, page.number)]
    notes = [] if record is None else [failure.problem for failure in record.failures]
    notes += [f"Page {page.number}: {page.note}." for page in of_page if page.note]
    return Stranger(
        picture=picture,
        source=_source(match, number),
        truth=table.kind_name((match.truth.form_type, match.truth.edition)),
        read_as=_read_as(match, number),
        reasons=notes,
    )


def _read_as(match: Match, number: int | None) -> str:
    if match.record is None:
        return "no record"
    if number is not None:
        return "a page without answers" if number in match.record.source.pages else "a page of another document"
    return table.kind_name((match.record.form_type, match.record.edition))


def _drawn(places: Sequence[Place | None]) -> list[str | None]:
    """For every place its picture; None where no place is known."""
    found = iter(pictures([place for place in places if place is not None]))
    return [None if place is None else next(found) for place in places]


def _source(match: Match, page: int | None) -> str:
    name = match.truth.file if match.record is None else match.record.source.name
    numbers = match.truth.pages if page is None else (page,)
    if not numbers:
        return name
    return f"{name}, page{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _place_of_field(outcome: Outcome, files: Mapping[str, Path]) -> Place | None:
    field = outcome.field
    page = None if field is None else _page(outcome.match, field.page)
    if field is None or field.box is None or page is None:
        return None
    return _place(outcome.match, page, PageArea(*field.box), files)


def _place_of_page(match: Match, number: int | None, files: Mapping[str, Path]) -> Place | None:
    """The page of this number, or the first of the document; be it part of its own record or of another one's."""
    pages = [page for record in match.neighbours for page in record.pages]
    wanted = match.truth.pages if number is None else (number,)
    ours = (page for page in pages if not wanted or page.number in wanted)
    page = min(ours, key=lambda page: page.number, default=None)
    return None if page is None else _place(match, page, WHOLE_PAGE, files)


def _place(match: Match, page: RecordPage, area: PageArea, files: Mapping[str, Path]) -> Place | None:
    file = None if match.record is None else files.get(match.record.source.name)
    return None if file is None or page.transform is None else Place(file, page, area)


def _page(match: Match, number: int | None) -> RecordPage | None:
    pages = () if match.record is None else match.record.pages
    return next((page for page in pages if page.number == number), None)
