"""The counts at the head of the result page; each total is counted apart from its parts, so that a loss would show."""

from collections import Counter
from collections.abc import Mapping, Sequence

from review_ui.document_view import ACCEPTED, TO_REVIEW, edition_title, form_title, is_leftover
from review_ui.view_models import Count, KindRow, Overview, Sum
from schemas.field import FieldStatus
from schemas.form_type import FormType
from schemas.page import PageLabel
from schemas.record import Record


def overview_of(records: Sequence[Record], forms: Mapping[str, FormType]) -> Overview:
    """What was read, in numbers that add up."""
    labels = Counter(page.label for record in records for page in record.pages)
    statuses = Counter(field.status for record in records for field in record.fields.values())
    return Overview(
        records=_records(records),
        pages=Sum(
            "Pages",
            sum(len(record.source.pages) for record in records),
            (
                Count("with content", labels[PageLabel.CONTENT]),
                Count("blank", labels[PageLabel.BLANK]),
                Count("separator sheets", labels[PageLabel.SEPARATOR]),
                Count("failed", labels[PageLabel.FAILED]),
            ),
        ),
        fields=Sum(
            "Fields",
            sum(len(record.fields) for record in records),
            (
                Count("accepted", sum(statuses[status] for status in ACCEPTED)),
                Count("to review", statuses[FieldStatus.REVIEW]),
                Count("blank", statuses[FieldStatus.BLANK]),
                Count("unreadable", statuses[FieldStatus.UNREADABLE]),
                Count("not found", statuses[FieldStatus.NOT_FOUND]),
            ),
        ),
        kinds=_kinds(records, forms),
    )


def _records(records: Sequence[Record]) -> Sum:
    documents = [record for record in records if not is_leftover(record)]
    by_status = Counter(record.status for record in documents)
    parts = (
        Count("complete", by_status["complete"]),
        Count("to review", by_status["review"]),
        Count("failed", by_status["failed"]),
    )
    return Sum("Documents", len(documents), parts)


def _kinds(records: Sequence[Record], forms: Mapping[str, FormType]) -> tuple[KindRow, ...]:
    rows: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if not is_leftover(record):
            rows.setdefault((form_title(record, forms), edition_title(record, forms)), []).append(record)
    known_first = sorted(rows.items(), key=lambda row: (row[1][0].form_type is None, row[0]))
    return tuple(_kind(title, edition, held) for (title, edition), held in known_first)


def _kind(title: str, edition: str, records: Sequence[Record]) -> KindRow:
    statuses = [field.status for record in records for field in record.fields.values()]
    return KindRow(
        title=title,
        edition=edition,
        documents=len(records),
        accepted=sum(status in ACCEPTED for status in statuses),
        to_review=sum(status in TO_REVIEW for status in statuses),
        blank=statuses.count(FieldStatus.BLANK),
    )
