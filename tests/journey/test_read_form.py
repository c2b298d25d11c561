"""Post is made, and read by the real journey: forms known, every page in one document, values right."""

from collections.abc import Callable
from pathlib import Path

import pytest

from extract.page import PageImage
from extract.unpack import unpack
from intake.records import to_record
from intake.synthetic.fonts import missing_packages
from intake.synthetic.truth import DocumentTruth, load_truth
from intake.synthetic.write import write_post
from intake.wiring import open_workshop
from intake.worker import Stopwatch, Workshop, WorkshopSettings
from schemas.extraction import Document, FieldValue
from schemas.field import FieldKind, FieldStatus
from schemas.form_type import FormType, load_form_types
from schemas.json_schema import form_schema, record_schema
from schemas.page import PageLabel
from tests.schema_check import faults_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_packages()), reason=f"fonts are missing: {', '.join(missing_packages())}"),
]

# One batch in one file: a form of one side, one of two, a letter, parted by separator sheets.
SEED, DOCUMENTS = 25, 3


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journey") / "post"
    write_post(folder, DOCUMENTS, seed=SEED, ageing="light")
    return folder


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    return open_workshop(WorkshopSettings((), None), Stopwatch())


def pages_of(path: Path) -> list[PageImage]:
    return [page for page in unpack(path.read_bytes()) if isinstance(page, PageImage)]


@pytest.fixture(scope="module")
def read(post: Path, workshop: Workshop) -> dict[str, list[Document]]:
    """The documents of every file."""
    return {path.name: workshop.read(pages_of(path)) for path in sorted(post.iterdir()) if path.suffix != ".jsonl"}


@pytest.fixture(scope="module")
def truths(post: Path) -> list[DocumentTruth]:
    return list(load_truth(post))


def document_of(truth: DocumentTruth, read: dict[str, list[Document]]) -> Document:
    (found,) = [found for found in read[truth.file] if found.pages[0].number == truth.pages[0]]
    return found


def test_every_page_is_in_exactly_one_document_under_its_right_label(
    read: dict[str, list[Document]], truths: list[DocumentTruth]
) -> None:
    found = sorted((file, page.number) for file, documents in read.items() for one in documents for page in one.pages)
    assert found == sorted((truth.file, page) for truth in truths for page in truth.pages)
    labels = {(file, page.number): page.label for file, every in read.items() for one in every for page in one.pages}
    expected = {(truth.file, number): page.label for truth in truths for number, page in truth.pages_truth.items()}
    assert labels == expected


def test_every_form_is_known_with_its_edition_and_its_pages(
    read: dict[str, list[Document]], truths: list[DocumentTruth]
) -> None:
    forms = [truth for truth in truths if truth.kind == "form"]
    assert forms
    for truth in forms:
        document = document_of(truth, read)
        assert (document.form_type, document.edition) == (truth.form_type, truth.edition)
        content = [page for page in document.pages if page.label is PageLabel.CONTENT]
        assert [page.number for page in content] == truth.pages
        for page in content:
            assert page.turned == truth.pages_truth[page.number].turned
            assert page.residual is None or page.residual < 3


def agree(field: FieldValue, truth: DocumentTruth) -> bool:
    wanted = truth.fields[field.spec.name].value
    value = list(field.value) if isinstance(field.value, tuple) else field.value
    return value == wanted or (not value and not wanted)


def share_right(
    read: dict[str, list[Document]], truths: list[DocumentTruth], which: Callable[[FieldValue], bool]
) -> float:
    seen = [
        agree(field, truth)
        for truth in truths
        if truth.kind == "form"
        for field in document_of(truth, read).fields
        if which(field)
    ]
    assert seen
    return sum(seen) / len(seen)


def test_most_values_are_right(read: dict[str, list[Document]], truths: list[DocumentTruth]) -> None:
    assert share_right(read, truths, lambda field: True) >= 0.7
    assert share_right(read, truths, lambda field: field.spec.kind is FieldKind.CHOICE) >= 0.9
    assert share_right(read, truths, lambda field: field.spec.kind is FieldKind.SIGNATURE) >= 0.9


def test_every_field_of_the_form_is_there_once_and_says_where_it_stands_or_why_it_does_not(
    read: dict[str, list[Document]],
) -> None:
    forms: dict[str, FormType] = {form.id: form for form in load_form_types()}
    for document in (one for documents in read.values() for one in documents if one.form_type):
        assert document.form_type is not None
        assert [field.spec.name for field in document.fields] == [f.name for f in forms[document.form_type].fields]
        for field in document.fields:
            if field.status is FieldStatus.NOT_FOUND:
                assert (field.page, field.area) == (None, None)
            else:
                assert field.page in [page.number for page in document.pages]
                assert field.area is not None
                left, top, right, bottom = field.area.as_list()
                assert 0 <= left < right <= 1
                assert 0 <= top < bottom <= 1


def test_reading_the_same_bytes_twice_gives_equal_documents(
    read: dict[str, list[Document]], truths: list[DocumentTruth], workshop: Workshop, post: Path
) -> None:
    (name, *_) = [truth.file for truth in truths if truth.kind == "form"]
    assert workshop.read(pages_of(post / name)) == read[name]


def test_every_record_is_as_its_published_schema_says(read: dict[str, list[Document]]) -> None:
    schemas = {form.id: form_schema(form) for form in load_form_types()}
    for file, documents in read.items():
        for document in documents:
            record = to_record(document, name=file, sha256="0" * 64).model_dump_json()
            assert faults_of(record, record_schema()) == []
            assert faults_of(record, schemas.get(document.form_type or "", {})) == []
