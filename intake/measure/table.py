"""The measures as tables on a terminal: counts and shares only, nothing of what people wrote."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from extract.bounds import lower_bound
from extract.decide import EMPTY
from extract.policy import TYPED
from intake.measure.measures import Kind, Measures, Tally, share
from intake.summary import Summary


def print_measures(measures: Measures, summary: Summary | None, console: Console) -> None:
    """Headline figures, then accuracy per field, form type, writing; confusions; speed by stage."""
    groups = measures.groups
    console.print(_tallies("Fields", ("Form type", "Field"), groups["field"].items()))
    console.print(_tallies("Form types", ("Form type", "Edition"), groups["form type"].items()))
    console.print(_tallies("Writing", ("Answer",), groups["writing"].items()))
    console.print(_tallies("Classes of field", ("Class",), by_class(measures)))
    console.print(_beliefs(measures))
    console.print(_tallies("Decisions", ("Decided",), groups["decision"].items()))
    console.print(_confusion(measures))
    if summary is not None and summary.pages_received:
        console.print(_stages(summary))
    for line in headlines(measures, summary):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def headlines(measures: Measures, summary: Summary | None) -> list[str]:
    """The figures that matter most, one sentence each."""
    every = measures.all
    right_editions, editions = measures.editions
    lines = [
        f"Forms: {measures.documents}, {measures.typed} of the right form type,"
        f" {right_editions} of {editions} of the right edition where it is known",
        f"Fields: {percent(every.accuracy)} of {every.fields} right",
        f"Accepted without a person: {percent(every.accepted)};"
        f" {every.wrong_taken} of those {every.taken} wrong ({percent(every.error_among_accepted)},"
        f" below {percent(every.error_bound)} with 95 % confidence)",
        f"Forms nobody needs to touch: {documents(measures.untouched, measures)}",
        f"Forms with at most one field to key: {documents(measures.nearly_untouched, measures)}",
        f"Confidence off by {percent(measures.belief.calibration_error)} on average, Brier score"
        f" {number(measures.belief.brier)}, over the {measures.belief.fields} values that have one",
        f"Character error rate: {percent(every.character_error_rate)} of {every.characters} characters on forms",
    ]
    errors, characters = measures.letters
    if characters:
        lines.append(f"Character error rate: {percent(share(errors, characters))} of {characters} on letters")
    if measures.labels:
        right = sum(count for (is_, given), count in measures.labels.items() if is_ == given)
        right_turned, turned = measures.turned
        lines.append(
            f"Pages: {right} of {sum(measures.labels.values())} with the right label,"
            f" {right_turned} of {turned} content pages turned the right way up"
        )
    if measures.poor_pages:
        lines.append(f"Pages too poor to be read: {measures.poor_pages}")
    if summary is not None and summary.wall_seconds:
        lines.append(
            f"Speed: {summary.pages_received / summary.wall_seconds:.2f} pages/s with {summary.workers} workers;"
            f" peak memory {mebibytes(summary.peak_memory_bytes)} per worker,"
            f" {mebibytes(summary.sandbox_peak_memory_bytes)} per sandbox"
        )
    return lines


def documents(count: int, measures: Measures) -> str:
    """So many of all forms, and what share of all such post that proves."""
    bound = lower_bound(count, measures.documents)
    return f"{count} of {measures.documents} ({percent(share(count, measures.documents))}, above {percent(bound)})"


def by_class(measures: Measures) -> list[tuple[tuple[str], Tally]]:
    """Rows of a table, by class of field."""
    rows = sorted(measures.groups["class"].items())
    return [((class_name(name),), tally) for (name,), tally in rows]


def number(value: float | None) -> str:
    """A figure that is no share; "-" for none."""
    return "-" if value is None else f"{value:.4f}"


def percent(number: float | None) -> str:
    """A share in per cent, with more digits where it is small or near everything; "-" for none."""
    if number is None:
        return "-"
    digits = 2 if 0 < number < 0.01 or 0.99 < number < 1 else 1
    return f"{100 * number:.{digits}f} %"


def mebibytes(number: int) -> str:
    return f"{number / 2**20:.0f} MiB"


def class_name(field_class: str) -> str:
    """A class of field for people: what was taken for empty is named as such."""
    if field_class.startswith(EMPTY):
        return f"empty: {field_class.removeprefix(EMPTY)}"
    return f"typed: {field_class.removeprefix(TYPED)}" if field_class.startswith(TYPED) else field_class


def kind_name(kind: Kind) -> str:
    """A form type and its edition in words."""
    form_type, edition = kind
    if form_type is None:
        return "no known form"
    return form_type if edition is None else f"{form_type}, {edition}"


def _tallies(title: str, headings: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], Tally]]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading)
    for heading in ("Fields", "Right", "Characters wrong", "Accepted", "Wrong among them", "At most (95 %)"):
        table.add_column(heading, justify="right")
    for key, tally in rows:
        table.add_row(
            *(escape(part) for part in key),
            str(tally.fields),
            percent(tally.accuracy),
            percent(tally.character_error_rate),
            percent(tally.accepted),
            str(tally.wrong_taken),
            percent(tally.error_bound) if tally.taken else "-",
        )
    return table


def _beliefs(measures: Measures) -> Table:
    table = Table(title="Confidence", title_justify="left")
    table.add_column("Class")
    for heading in ("Values with one", "Off by", "Brier score"):
        table.add_column(heading, justify="right")
    for name, belief in [*measures.beliefs.items(), ("", measures.belief)]:
        off, brier = percent(belief.calibration_error), number(belief.brier)
        table.add_row(escape(class_name(name) or "all"), str(belief.fields), off, brier)
    return table


def _confusion(measures: Measures) -> Table:
    table = Table(title="What documents were taken for", title_justify="left")
    table.add_column("It is")
    table.add_column("Taken for")
    table.add_column("Documents", justify="right")
    for (is_, read_as), count in measures.confusion.items():
        row = [escape(kind_name(is_)), escape(kind_name(read_as)), str(count)]
        table.add_row(*row, style="" if is_same_kind(is_, read_as) else "red")
    return table


def is_same_kind(is_: Kind, read_as: Kind) -> bool:
    """Whether a document was taken for what it is; an edition that nobody knows cannot be wrong."""
    return is_[0] == read_as[0] and is_[1] in (None, read_as[1])


def _stages(summary: Summary) -> Table:
    table = Table(title="Time by stage", title_justify="left")
    table.add_column("Stage")
    table.add_column("Seconds per page", justify="right")
    table.add_column("Share", justify="right")
    in_all = sum(summary.seconds.values())
    for name, seconds in sorted(summary.seconds.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{seconds / summary.pages_received:.4f}", percent(share(seconds, in_all)))
    return table
