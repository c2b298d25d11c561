"""The screens about mail: adding a batch, batches, what was set aside, documents, the day."""

from typing import Final

from playwright.sync_api import FilePayload, Page
from sqlalchemy import select

from intake.database.tables import BatchRow, DocumentRow, FileRow, PieceRow
from schemas.people import Role
from tests.site import post
from tests.site.screens import Screen, at
from tests.site.served import SignedIn, Site

# As a sender may name a file who means us ill.
HOSTILE_NAME: Final = "<img src=x onerror=alert(1)>'\"&.tif"
FIRST, SECOND = "Monday, first bag", "Monday, second bag"


def furnish(site: Site) -> None:
    """Two batches that were read: forms with fields for people, blank backs, a separator, failures; made once."""
    with site.service.database.read() as session:
        if session.scalars(select(BatchRow.id).where(BatchRow.name == FIRST)).one_or_none() is not None:
            return
    operator = site.someone(Role.OPERATOR)
    first = [
        ("scan-0001.tif", post.scan(0, back=True)),
        ("scan-0002.tif", post.scan(1, separator=True)),
        ("scan-0003.tif", post.scan(0, sure=True)),
        ("minutes of the meeting.docx", b"PK\x03\x04 and so on"),
        (HOSTILE_NAME, post.scan(1, note="another one")),
        ("scan-0004.tif", post.scan(1, sure=True)),
    ]
    second = [("scan-0101.tif", post.scan(1, sure=True, note="second")), ("scan-0102.tif", post.scan(0, sure=True))]
    post.hand_in(site.service, operator, first, FIRST)
    post.hand_in(site.service, operator, second, SECOND)
    post.read_all(site.service)


def batch_of(site: Site, name: str) -> str:
    """The path of the batch of that name."""
    furnish(site)
    with site.service.database.read() as session:
        return f"/batches/{session.scalars(select(BatchRow.public_id).where(BatchRow.name == name)).one()}"


def first_document(site: Site) -> int:
    """The number of a document that waits for people."""
    furnish(site)
    with site.service.database.read() as session:
        query = select(DocumentRow.id).join(PieceRow).join(FileRow).join(BatchRow)
        query = query.where(BatchRow.name == FIRST, FileRow.name == "scan-0001.tif")
        return session.scalars(query.order_by(DocumentRow.id).limit(1)).one()


def _today(site: Site, _: SignedIn | None) -> str:
    furnish(site)
    return "/today"


def _batches(site: Site, _: SignedIn | None) -> str:
    furnish(site)
    return "/batches?which=all"


def _batch(site: Site, _: SignedIn | None) -> str:
    return batch_of(site, FIRST)


def _set_aside(site: Site, _: SignedIn | None) -> str:
    furnish(site)
    return "/set-aside"


def _documents(site: Site, _: SignedIn | None) -> str:
    furnish(site)
    return "/documents"


def _document(site: Site, _: SignedIn | None) -> str:
    return f"/documents/{first_document(site)}"


def _document_out(site: Site) -> int:
    """The number of a document whose record is published."""
    furnish(site)
    with site.service.database.read() as session:
        query = select(DocumentRow.id).join(PieceRow).join(FileRow).join(BatchRow)
        return session.scalars(query.where(BatchRow.name == FIRST, FileRow.name == "scan-0004.tif")).one()


def _correct(site: Site, _: SignedIn | None) -> str:
    return f"/documents/{_document_out(site)}/fields/3/correct"


def _correct_ticks(site: Site, _: SignedIn | None) -> str:
    return f"/documents/{_document_out(site)}/fields/4/correct"


def _corrected(site: Site, person: SignedIn | None) -> str:
    document = _document_out(site)
    assert person is not None
    number = "2"
    data = {"revision": "1", "text": "63.00", "reason": "The applicant rang: it was a pound more."}
    person.post(f"/documents/{document}/fields/{number}/correct", data)
    return f"/documents/{document}?done=corrected"


def _key_no_such_day(page: Page) -> None:
    _see_pictures(page)
    page.get_by_label("What stands there").fill("31.02.2026")
    page.get_by_label("Why").fill("The applicant rang.")
    page.get_by_role("button", name="Publish the correction").click()
    page.get_by_text("It stands there like that all the same").wait_for()
    _see_pictures(page)


def _see_pictures(page: Page) -> None:
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    for _ in range(200):
        if page.evaluate(
            "document.images.length && [...document.images].every(image => image.complete && image.naturalWidth)"
        ):
            return
        page.wait_for_timeout(50)
    raise AssertionError("the pictures do not come")


def _choose_files(page: Page) -> None:
    scans: list[FilePayload] = [
        {"name": "scan-0201.tif", "mimeType": "image/tiff", "buffer": post.scan(1, note="new")},
        {"name": "scan-0001.tif", "mimeType": "image/tiff", "buffer": post.scan(0, back=True)},
        {"name": "minutes.tif", "mimeType": "image/tiff", "buffer": b"PK\x03\x04 and so on"},
    ]
    page.locator("#files").set_input_files(scans)
    page.get_by_text("2 of 2 files sent, 1 not taken.").wait_for()
    page.get_by_text("Received before as").wait_for()


def _open_reject(page: Page) -> None:
    page.locator(".failure summary").first.click()
    page.get_by_label("Why is it no mail of ours").first.wait_for()


def _stand_still(page: Page) -> None:
    """What refreshes itself would be exchanged while it is looked at."""
    page.route("**/today/numbers", lambda route: route.abort())


def _open_table(page: Page) -> None:
    _stand_still(page)
    page.evaluate("document.querySelector('.chart-table').open = true")


def _unfold(page: Page) -> None:
    _see_pictures(page)
    page.evaluate("document.querySelector('.field-more').open = true")


OF_MAIL: Final = (
    Screen("today", Role.SUPERVISOR, _today, _stand_still),
    Screen("today-table", Role.SUPERVISOR, _today, _open_table),
    Screen("batches", Role.OPERATOR, _batches),
    Screen("batches-late", Role.OPERATOR, at("/batches?which=late")),
    Screen("batch", Role.SUPERVISOR, _batch, _see_pictures),
    Screen("batch-reject", Role.OPERATOR, _batch, _open_reject),
    Screen("set-aside", Role.OPERATOR, _set_aside),
    Screen("add-batch", Role.OPERATOR, at("/batches/new")),
    Screen("add-batch-chosen", Role.OPERATOR, at("/batches/new"), _choose_files),
    Screen("documents", Role.SUPERVISOR, _documents),
    Screen("documents-nothing", Role.AUDITOR, at("/documents?name=no+such+file")),
    Screen("documents-wrong", Role.SUPERVISOR, at("/documents?received_from=monday")),
    Screen("document", Role.SUPERVISOR, _document, _see_pictures),
    Screen("document-unfolded", Role.CASEWORKER, _document, _unfold),
    Screen("document-corrected", Role.SUPERVISOR, _corrected, _see_pictures),
    Screen("correct", Role.SENIOR, _correct, _see_pictures),
    Screen("correct-ticks", Role.SENIOR, _correct_ticks, _see_pictures),
    Screen("correct-doubtful", Role.SUPERVISOR, _correct, _key_no_such_day),
)
