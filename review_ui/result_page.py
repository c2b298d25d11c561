"""The result page: one HTML file and a folder of pictures that show what was read, and where on the paper it stands."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from intake.measure.match import load_records
from review_ui.document_view import FIELD_STATES, document_view, is_leftover
from review_ui.overview import overview_of
from review_ui.pictures import Picture, WantedPages, write_pictures
from review_ui.view_models import DocumentView, State
from schemas.field import FieldStatus
from schemas.form_type import FormType, load_form_types
from schemas.record import Record

PAGE_NAME = "result.html"
PICTURES_NAME = "pages"

_TEMPLATES = Path(__file__).parent / "templates"
_LEGEND = (FieldStatus.ACCEPTED, FieldStatus.REVIEW, FieldStatus.BLANK, FieldStatus.UNREADABLE)


def write_result_page(
    records_path: Path,
    sources: Iterable[Path],
    folder: Path,
    *,
    forms: Sequence[FormType] | None = None,
    remark: str = "",
) -> Path:
    """Write `result.html` and the pictures of all pages into `folder`; returns the page's path.

    sources: the files that were read, wherever they lie now; they are found by their SHA-256, whatever their names.
             Pages of files that are not among them are shown without a picture.
    forms:   where labels and titles come from; the form types of the program if None.
    remark:  a sentence for the head of the page.
    Meant for some hundred documents: it is one page. Raises OSError if something cannot be read or written, NoTruth
    naming the line if the records are none.
    """
    records = load_records(records_path)
    pictures_folder = folder / PICTURES_NAME
    pictures_folder.mkdir(parents=True, exist_ok=True)
    pictures = write_pictures(_wanted(records, sources), pictures_folder)
    known = {form.id: form for form in (load_form_types() if forms is None else forms)}
    page = folder / PAGE_NAME
    page.write_text(result_page(records, known, pictures, remark=remark), encoding="utf-8")
    return page


def result_page(
    records: Sequence[Record],
    forms: Mapping[str, FormType],
    pictures: Mapping[tuple[str, int], Picture],
    *,
    remark: str = "",
) -> str:
    """The HTML of the page; everything that comes from outside is escaped."""
    views = [
        (record, document_view(record, number, forms, pictures, PICTURES_NAME))
        for number, record in enumerate(records, start=1)
    ]
    script = (_TEMPLATES / "result.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("result.html").render(
        overview=overview_of(records, forms),
        documents=_those(views, are_leftover=False),
        leftovers=_those(views, are_leftover=True),
        legend=_legend(),
        remark=remark,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _those(views: Sequence[tuple[Record, DocumentView]], *, are_leftover: bool) -> list[DocumentView]:
    return [view for record, view in views if is_leftover(record) == are_leftover]


def _legend() -> list[State]:
    return [FIELD_STATES[status] for status in _LEGEND]


def _wanted(records: Sequence[Record], sources: Iterable[Path]) -> list[WantedPages]:
    """The pages to show, file by file, for those files of the records that are among the sources."""
    transforms: dict[str, dict[int, tuple[float, ...]]] = {}
    for record in records:
        for page in record.pages:
            if record.source.sha256 is not None and page.transform is not None:
                transforms.setdefault(record.source.sha256, {})[page.number] = tuple(page.transform)
    paths: dict[str, Path] = {}
    for path in sources:
        with path.open("rb") as file:
            paths[hashlib.file_digest(file, "sha256").hexdigest()] = path
    return [WantedPages(paths[sha256], sha256, pages) for sha256, pages in transforms.items() if sha256 in paths]
