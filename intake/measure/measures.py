"""The numbers: every field of every document compared, then counted in groups."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from extract.bounds import upper_bound
from extract.decide import weighed_as
from extract.score import Expected, Read, character_errors, distance, is_right
from intake.measure.match import Match, Matches
from intake.measure.reliability import Reliability, reliability
from intake.measure.truth import TrueDocument, edition_title
from intake.replay import facts_of
from schemas.form_type import FormType
from schemas.page import PageLabel
from schemas.record import Record, RecordField


@dataclass(frozen=True, slots=True)
class Outcome:
    """One field of one document, compared.

    field: None if the record does not have it. field_class: as it was weighed.
    """

    match: Match
    name: str
    expected: Expected
    field: RecordField | None
    read: Read
    is_right: bool
    characters: int
    character_errors: int
    field_class: str = ""


@dataclass(slots=True)
class Tally:
    """Fields counted. taken: accepted or blank, so that nobody looks at them."""

    fields: int = 0
    right: int = 0
    taken: int = 0
    wrong_taken: int = 0
    characters: int = 0
    character_errors: int = 0

    def add(self, outcome: Outcome) -> None:
        self.fields += 1
        self.right += outcome.is_right
        self.taken += outcome.read.is_taken
        self.wrong_taken += outcome.read.is_taken and not outcome.is_right
        self.characters += outcome.characters
        self.character_errors += outcome.character_errors

    @property
    def accuracy(self) -> float | None:
        """The share read right; None if there is no field."""
        return share(self.right, self.fields)

    @property
    def accepted(self) -> float | None:
        """The share nobody needs to look at; None if there is no field."""
        return share(self.taken, self.fields)

    @property
    def error_among_accepted(self) -> float | None:
        """The share of wrong ones among those nobody looks at; None if there are none."""
        return share(self.wrong_taken, self.taken)

    @property
    def error_bound(self) -> float:
        """The error among the accepted is below this with 95 % confidence."""
        return upper_bound(self.wrong_taken, self.taken)

    @property
    def character_error_rate(self) -> float | None:
        """Characters to mend per true character; None if nothing was written."""
        return share(self.character_errors, self.characters)


Kind = tuple[str | None, str | None]  # form type and title of the edition


@dataclass(frozen=True)
class Measures:
    """What a run is worth.

    groups:     tallies by heading ("field", "form type", "class", "writing", "decision", "all"), then by what it says.
    confusion:  documents by (what it is, what it was taken for).
    documents, found, typed, untouched: forms; of them with a record; of the right form type; that nobody must touch.
    nearly_untouched: of the forms those of which nobody must look at more than one field.
    editions:   of the forms whose edition is known: (of the right edition, all).
    letters:    characters to mend and characters of the letters, over whole pages in reading order.
    labels:     pages by (true label, label given).
    turned:     of the content pages: (found to lie as they lie, all).
    belief:     how far confidences can be believed: of all fields, and by class of field.
    poor_pages: pages that are too poor to be read.
    """

    outcomes: Sequence[Outcome]
    matches: Matches
    groups: Mapping[str, Mapping[tuple[str, ...], Tally]]
    confusion: Mapping[tuple[Kind, Kind], int]
    documents: int
    found: int
    typed: int
    editions: tuple[int, int]
    untouched: int
    nearly_untouched: int
    letters: tuple[int, int]
    labels: Mapping[tuple[PageLabel, PageLabel | None], int]
    turned: tuple[int, int]
    belief: Reliability
    beliefs: Mapping[str, Reliability]
    poor_pages: int

    @property
    def all(self) -> Tally:
        return self.groups["all"].get((), Tally())

    @property
    def misses(self) -> list[Outcome]:
        """The fields read wrong on documents that were recognised, those nobody would have looked at first."""
        wrong = [outcome for outcome in self.outcomes if not outcome.is_right and is_recognised(outcome.match)]
        return sorted(wrong, key=lambda outcome: not outcome.read.is_taken)

    @property
    def unrecognised(self) -> list[Match]:
        """The forms that were not taken for what they are: none of their fields can be right but by luck."""
        return [match for match in self.matches.matches if match.truth.fields and not is_recognised(match)]


def share(part: float, whole: float) -> float | None:
    """`part` of `whole`, None of nothing."""
    return part / whole if whole else None


def is_recognised(match: Match) -> bool:
    """Whether the record is of the true form type."""
    return match.record is not None and match.record.form_type == match.truth.form_type


def measure(matches: Matches, form_types: Sequence[FormType]) -> Measures:
    """Compare everything and count it."""
    classes = {(form.id, spec.name): spec.field_class for form in form_types for spec in form.fields}
    outcomes = [outcome for match in matches.matches for outcome in _outcomes(match, classes)]
    forms = [match for match in matches.matches if match.truth.fields]
    editions = [match for match in forms if match.truth.edition is not None]
    return Measures(
        outcomes=outcomes,
        matches=matches,
        groups=_groups(outcomes),
        confusion=_confusion(matches, form_types),
        documents=len(forms),
        found=sum(match.record is not None for match in forms),
        typed=sum(is_recognised(match) for match in forms),
        editions=(sum(_kind(match.record, form_types) == _true(match.truth) for match in editions), len(editions)),
        untouched=sum(fields_to_key(match) == 0 for match in forms),
        nearly_untouched=sum(fields_to_key(match) <= 1 for match in forms),
        letters=_letters(matches.matches),
        labels=_labels(matches.matches),
        turned=_turned(matches.matches),
        belief=reliability(_beliefs(outcomes)),
        beliefs=_by_class(outcomes),
        poor_pages=_poor_pages(matches.matches),
    )


def _outcomes(match: Match, classes: Mapping[tuple[str, str], str]) -> Iterator[Outcome]:
    fields = match.record.fields if match.record is not None else {}
    for name, expected in match.truth.fields.items():
        found = fields.get(name)
        read = Read() if found is None else _read(found)
        errors, characters = character_errors(expected, read)
        right = is_right(expected, read)
        field_class = _class_of(match, name, found, classes)
        yield Outcome(match, name, expected, found, read, right, characters, errors, field_class)


def _class_of(match: Match, name: str, found: RecordField | None, classes: Mapping[tuple[str, str], str]) -> str:
    """The class a field was weighed as; where nothing was weighed, the one that its form type names."""
    if match.record is not None and found is not None and found.field_class:
        return weighed_as(facts_of(match.record, found)) or found.field_class
    return classes.get((match.truth.form_type or "", name), "")


def _read(found: RecordField) -> Read:
    value = tuple(found.value) if isinstance(found.value, list) else found.value
    return Read(value, found.text, found.status)


def _groups(outcomes: Iterable[Outcome]) -> dict[str, dict[tuple[str, ...], Tally]]:
    groups: dict[str, dict[tuple[str, ...], Tally]] = {
        "all": {}, "form type": {}, "field": {}, "class": {}, "writing": {}, "decision": {},
    }  # fmt: skip
    for outcome in outcomes:
        truth = outcome.match.truth
        form_type = truth.form_type or ""
        for heading, key in (
            ("all", ()),
            ("form type", (form_type, truth.edition or "")),
            ("field", (form_type, outcome.name)),
            ("class", (outcome.field_class,)),
            ("writing", (_writing(outcome.expected),)),
            ("decision", (outcome.read.status.value if outcome.read.status else "no record",)),
        ):
            groups[heading].setdefault(key, Tally()).add(outcome)
    return groups


def _writing(expected: Expected) -> str:
    if expected.handwritten:
        return "handwritten"
    return "typed" if expected.is_filled else "left empty"


def _true(truth: TrueDocument) -> Kind:
    return truth.form_type, truth.edition


def _kind(record: Record | None, form_types: Sequence[FormType]) -> Kind:
    if record is None:
        return None, None
    return record.form_type, edition_title(form_types, record.form_type, record.edition)


def _confusion(matches: Matches, form_types: Sequence[FormType]) -> dict[tuple[Kind, Kind], int]:
    """Documents, forms and letters, without the pages that belong to none."""
    counts: Counter[tuple[Kind, Kind]] = Counter()
    for match in matches.matches:
        if match.truth.fields or match.truth.lines:
            counts[_true(match.truth), _kind(match.record, form_types)] += 1
    for record in matches.unasked:
        counts[("no document", None), _kind(record, form_types)] += 1
    return dict(sorted(counts.items(), key=str))


def fields_to_key(match: Match) -> int:
    """How many fields of the truth a person must look at: all that are neither accepted nor blank."""
    fields = match.record.fields if match.record is not None else {}
    return sum(name not in fields or not _read(fields[name]).is_taken for name in match.truth.fields)


def _poor_pages(matches: Iterable[Match]) -> int:
    poor = {
        (record.record_id, page.number)
        for match in matches
        for record in match.neighbours
        for page in record.pages
        if page.problems
    }
    return len(poor)


def _beliefs(outcomes: Iterable[Outcome]) -> list[tuple[float, bool]]:
    return [
        (outcome.field.confidence, outcome.is_right)
        for outcome in outcomes
        if outcome.field is not None and outcome.field.confidence is not None
    ]


def _by_class(outcomes: Iterable[Outcome]) -> dict[str, Reliability]:
    members: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        members.setdefault(outcome.field_class, []).append(outcome)
    found = {name: reliability(_beliefs(members[name])) for name in sorted(members)}
    return {name: belief for name, belief in found.items() if belief.fields}


def _letters(matches: Iterable[Match]) -> tuple[int, int]:
    errors = characters = 0
    for match in matches:
        if not match.truth.lines:
            continue
        true = " ".join(" ".join(match.truth.lines).split())
        pages = set(match.truth.pages)
        regions = [region for record in match.neighbours for region in record.regions if region.page in pages]
        read = " ".join(line.text for region in regions for line in region.lines)
        errors += distance(true, " ".join(read.split()))
        characters += len(true)
    return errors, characters


def _labels(matches: Iterable[Match]) -> dict[tuple[PageLabel, PageLabel | None], int]:
    counts: Counter[tuple[PageLabel, PageLabel | None]] = Counter()
    for match in matches:
        given = {page.number: page.label for record in match.neighbours for page in record.pages}
        counts.update((label, given.get(number)) for number, label in match.truth.labels.items())
    return dict(sorted(counts.items(), key=str))


def _turned(matches: Iterable[Match]) -> tuple[int, int]:
    right = pages = 0
    for match in matches:
        given = {page.number: page.turned for record in match.neighbours for page in record.pages}
        for number, turned in match.truth.turned.items():
            if match.truth.labels[number] is PageLabel.CONTENT:
                right += given.get(number) == turned
                pages += 1
    return right, pages
