"""Batches, documents and the day: what the pages show is what is there, and what may be done can be done."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select

from intake import audit
from intake.database.tables import (
    AuditRow,
    DocumentRow,
    FieldRow,
    FileRow,
    PageRow,
    PieceRow,
    RecordRow,
    RevisionRow,
    TaskRow,
)
from intake.service import open_service
from intake.settings import Settings
from schemas.people import Role
from schemas.review import ReviewMode
from schemas.states import MailState
from tests.site import mail_screens, post
from tests.site.browser import open_page
from tests.site.served import SignedIn, Site, copy_of, served

MakePerson = Callable[[Role], SignedIn]


@pytest.fixture(scope="module")
def office(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with post that was read, for tests that only look."""
    service = open_service(Settings(home=copy_of(empty_home, tmp_path_factory.mktemp("office")), low_water_bytes=0))
    with served(service) as site:
        mail_screens.furnish(site)
        yield site
    service.close()


def signed_in(site: Site, role: Role) -> SignedIn:
    return site.sign_in(site.someone(role))


def words_of(html: str) -> str:
    """What a person reads of it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.split("<main")[1]))


def test_every_number_of_the_day_leads_to_a_list_of_as_many(office: Site) -> None:
    supervisor = signed_in(office, Role.SUPERVISOR)
    page = supervisor.get("/today").text
    rows = re.findall(
        r'href="(/documents\?state=\w+)">[^<]+</a></th>\s*<td[^>]*>[\d,]+</td>\s*<td[^>]*>([\d,]+)</td>', page
    )
    assert len(rows) == 4
    for address, count in rows:
        assert re.search(rf"\b{count} pieces? of mail", supervisor.get(address).text), address
    assert "Adds up: everything received is in exactly one place." in page
    assert "1 file or piece is set aside" in words_of(page)
    assert "minutes of the meeting.docx" in supervisor.get("/set-aside").text


def test_the_numbers_of_the_day_add_up_to_what_was_received(office: Site) -> None:
    page = signed_in(office, Role.AUDITOR).get("/today").text
    table = page[page.index("<tbody") : page.index("</tfoot>")]
    rows = [
        [int(count.replace(",", "")) for count in re.findall(r"--numeric\">([\d,]+)<", row)]
        for row in table.split("<tr")[1:]
    ]
    *parts, total = rows
    assert len(parts) == len(MailState)
    assert [sum(column) for column in zip(*parts, strict=True)] == total == [8, 7, 9]


def test_whoever_may_not_see_documents_is_not_led_to_them(office: Site) -> None:
    operator = signed_in(office, Role.OPERATOR)
    assert "/documents" not in operator.get("/today").text
    assert "/documents/" not in operator.get(mail_screens.batch_of(office, mail_screens.FIRST)).text
    for path in ("/documents", "/documents/1", "/documents/1/original", "/documents/1/record.json"):
        assert operator.get(path).status_code == 403
    assert operator.get("/documents/1/pages/1/picture.jpg").status_code == 403


def test_the_page_of_a_batch_tells_what_became_of_every_page(office: Site) -> None:
    page = signed_in(office, Role.SUPERVISOR).get(mail_screens.batch_of(office, mail_screens.FIRST)).text
    found = dict(re.findall(r'data-count="(\w+)">([\d,]+)<', page))
    assert found == {
        "unpacking": "0", "reading": "0", "in_review": "3", "publishing": "0", "published": "2", "quarantined": "1",
        "rejected": "0", "files": "6", "pages": "7", "pages_content": "5", "pages_blank": "1", "pages_separator": "1",
        "pages_failed": "0", "pages_none": "0",
    }  # fmt: skip
    assert "The content is no TIFF, PDF, PNG or JPEG" in page
    assert "Hand over the scan itself" in page
    assert page.count("/thumbnail.jpg") == 7
    assert mail_screens.HOSTILE_NAME not in page


def test_a_thumbnail_is_too_small_to_be_read(office: Site) -> None:
    operator = signed_in(office, Role.OPERATOR)
    with office.service.database.read() as session:
        page = session.scalars(select(PageRow.id).limit(1)).one()
    answer = operator.get(f"/pages/{page}/thumbnail.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.content) < 12_000
    assert operator.get("/pages/999999/thumbnail.jpg").status_code == 404


def search(who: SignedIn, **asked: str) -> list[str]:
    """The files found."""
    answer = who.get("/documents", params=asked)
    assert answer.status_code == 200, answer.text
    return re.findall(r'name-cell">([^<]+?)(?:, piece \d+)?</td>', answer.text)


def test_documents_are_found_by_everything_they_are_known_by(office: Site) -> None:
    auditor = signed_in(office, Role.AUDITOR)
    with office.service.database.read() as session:
        piece, file = session.execute(
            select(PieceRow, FileRow).join(FileRow).where(FileRow.name == "scan-0003.tif")
        ).one()
        document = session.scalars(select(DocumentRow.id).where(DocumentRow.piece_id == piece.id)).one()
    one = ["scan-0003.tif"]
    for control in (str(piece.public_id), f"#{document}"):
        assert search(auditor, control=control) == one
    # By its digest every file that has the same bytes is found.
    assert search(auditor, control=file.sha256[:12]) == ["scan-0102.tif", *one]
    assert search(auditor, name="N-0003") == one
    assert search(auditor, batch="second bag") == ["scan-0102.tif", "scan-0101.tif"]
    assert len(search(auditor, form_type="fee-refund")) == 7
    assert len(search(auditor, state="in_review")) == 3
    assert search(auditor, received_to="2020-01-01") == []
    assert len(search(auditor, received_from="2020-01-01", form_type="fee-refund", state="published")) == 4
    assert search(auditor, name="<script>alert(1)</script>") == []


@pytest.mark.parametrize(
    ("asked", "said"), [({"received_from": "monday"}, "Enter a day"), ({"state": "lost"}, "Choose one of the states")]
)
def test_a_search_that_makes_no_sense_says_so(office: Site, asked: dict[str, str], said: str) -> None:
    answer = signed_in(office, Role.AUDITOR).get("/documents", params=asked)
    assert answer.status_code == 422
    assert said in answer.text


def document_in(site: Site, state: MailState) -> int:
    with site.service.database.read() as session:
        query = select(DocumentRow.id).join(PieceRow).where(PieceRow.state == state, DocumentRow.form_type.is_not(None))
        return session.scalars(query.order_by(DocumentRow.id).limit(1)).one()


def looks(site: Site, document: int) -> list[tuple[str, str]]:
    with site.service.database.read() as session:
        query = select(AuditRow.action, AuditRow.actor).where(AuditRow.subject == f"document:{document}")
        return [tuple(row) for row in session.execute(query.order_by(AuditRow.sequence))]


def test_the_page_of_a_document_shows_all_that_is_known_and_every_look_is_written_down(office: Site) -> None:
    supervisor, document = signed_in(office, Role.SUPERVISOR), document_in(office, MailState.IN_REVIEW)
    before = len(looks(office, document))
    page = supervisor.get(f"/documents/{document}").text
    text = words_of(page)
    for shown in (
        "ANGUS WILSON",
        "2026-01-25",
        "As written: 25.01.2026",
        "99.9 % sure",
        "The two readers differ: I or l.",
    ):
        assert shown in text
    assert "ANGUS WlLSON" in text, "what the other reader saw"
    assert "tesseract/5" in text
    assert page.count('class="box ') == 13, "every field is outlined"
    assert "read it: 1 document, 2 fields for people" in text
    picture = supervisor.get(f"/documents/{document}/pages/1/picture.jpg")
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert picture.headers["Cache-Control"] == "no-store"
    # The picture belongs to the same look.
    assert looks(office, document)[before:] == [("looked at", supervisor.person.actor)]
    assert supervisor.get(f"/documents/{document}/pages/3/picture.jpg").status_code == 404
    assert supervisor.get("/documents/999999").status_code == 404


def test_a_picture_that_is_asked_for_by_itself_is_a_look_too(office: Site) -> None:
    auditor, document = signed_in(office, Role.AUDITOR), document_in(office, MailState.PUBLISHED)
    assert auditor.get(f"/documents/{document}/pages/1/picture.jpg").status_code == 200
    assert looks(office, document)[-1] == ("looked at", auditor.person.actor)


def test_the_original_comes_byte_for_byte_and_no_browser_opens_it(office: Site) -> None:
    supervisor = signed_in(office, Role.SUPERVISOR)
    with office.service.database.read() as session:
        file, document = session.execute(
            select(FileRow, DocumentRow.id)
            .join(PieceRow, PieceRow.file_id == FileRow.id)
            .join(DocumentRow, DocumentRow.piece_id == PieceRow.id)
            .where(FileRow.name == mail_screens.HOSTILE_NAME)
        ).one()
    answer = supervisor.get(f"/documents/{document}/original")
    assert hashlib.sha256(answer.content).hexdigest() == file.sha256
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="_img src_x onerror_alert_1_____.tif";')
    assert looks(office, document)[-1] == ("original downloaded", supervisor.person.actor)


def test_a_record_comes_as_it_was_published_or_as_it_stands(office: Site) -> None:
    supervisor = signed_in(office, Role.SUPERVISOR)
    published, waiting = document_in(office, MailState.PUBLISHED), document_in(office, MailState.IN_REVIEW)
    with office.service.database.read() as session:
        bodies = set(session.scalars(select(RevisionRow.body)))
    answer = supervisor.get(f"/documents/{published}/record.json")
    assert answer.text in bodies
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert supervisor.get(f"/documents/{published}/record.json?revision=2").status_code == 404
    draft = json.loads(supervisor.get(f"/documents/{waiting}/record.json").text)
    assert (draft["status"], draft["fields"]["amount"]["value"]) == ("review", "125.75")


def test_no_keyer_sees_here_what_they_may_have_to_key_blind(site: Site) -> None:
    """The canary stands in a field on which two people are asked who must not see what was read."""
    mail_screens.furnish(site)
    document, canary = document_in(site, MailState.IN_REVIEW), "CANARY 4711"
    with site.service.database.write() as session:
        task = session.scalars(
            select(TaskRow).where(TaskRow.document_id == document, TaskRow.field == "account_holder")
        ).one()
        task.mode = ReviewMode.DOUBLE
        field = session.scalars(
            select(FieldRow).where(FieldRow.document_id == document, FieldRow.name == "account_holder")
        ).one()
        field.value, field.text = canary, canary
        field.readings = [{**reading, "text": canary} for reading in field.readings]
        # It was published before, and then opened again.
        now = site.service.database.now(session)
        out = RecordRow(public_id="0" * 36, document_id=document, latest_revision=1, created_at=now)
        session.add(out)
        session.flush()
        body = json.dumps({"account_holder": canary})
        kept = {"status": "complete", "body": body, "body_sha256": "0" * 64, "published_at": now}
        session.add(RevisionRow(record_id=out.id, number=1, sequence=4711, **kept))
    for role, sees in ((Role.CASEWORKER, False), (Role.SENIOR, False), (Role.SUPERVISOR, True), (Role.AUDITOR, True)):
        who = signed_in(site, role)
        answers = [who.get(f"/documents/{document}"), who.get(f"/documents/{document}/record.json")]
        assert any(canary in answer.text for answer in answers) is sees, role
        assert answers[1].status_code == (200 if sees else 403)
        assert ("You may be asked to key this field" in answers[0].text) is not sees


def failed_file(site: Site) -> tuple[str, str]:
    """The path of the batch that has a file set aside, and the file's id."""
    path = mail_screens.batch_of(site, mail_screens.FIRST)
    with site.service.database.read() as session:
        return path, str(session.scalars(select(FileRow.public_id).where(FileRow.state == MailState.QUARANTINED)).one())


def state_of(site: Site, file: str) -> tuple[MailState, str | None]:
    with site.service.database.read() as session:
        [row] = [row for row in session.scalars(select(FileRow)) if str(row.public_id) == file]
        return row.state, row.problem


def test_what_was_set_aside_can_be_tried_again_and_rejected_by_those_who_may(site: Site) -> None:
    path, file = failed_file(site)
    senior, operator = signed_in(site, Role.SENIOR), signed_in(site, Role.OPERATOR)
    assert "Try again" not in senior.get(path).text
    assert senior.post(f"{path}/retry", {"subject": file}).status_code == 403
    other = mail_screens.batch_of(site, mail_screens.SECOND)
    assert operator.post(f"{other}/retry", {"subject": file}).headers["Location"] == f"{other}?done=gone"
    assert (
        operator.post(f"{path}/reject", {"subject": file, "reason": " "}).headers["Location"] == f"{path}?done=reason"
    )
    assert "give a reason" in operator.get(f"{path}?done=reason").text
    assert state_of(site, file)[0] is MailState.QUARANTINED
    assert operator.post(f"{path}/retry", {"subject": file}).headers["Location"] == f"{path}?done=retried"
    assert state_of(site, file)[0] is MailState.IN_WORK
    assert operator.post(f"{path}/retry", {"subject": file}).headers["Location"] == f"{path}?done=gone"
    post.read_all(site.service)
    answer = operator.post(f"{path}/reject", {"subject": file, "reason": "No scan, and nobody knows whose."})
    assert answer.headers["Location"] == f"{path}?done=rejected"
    assert state_of(site, file) == (MailState.REJECTED, "Rejected: No scan, and nobody knows whose.")
    with site.service.database.read() as session:
        actors = session.scalars(select(AuditRow.actor).where(AuditRow.action.in_(("step retried", "rejected")))).all()
    assert actors == [operator.person.actor] * 2


def events_of(who: SignedIn, path: str, count: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    with who.client.stream("GET", f"{path}/events", headers={"Accept": "text/event-stream"}) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        for line in stream.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == count:
                return found
    return found


def test_the_counts_of_a_batch_are_told_as_they_change(site: Site) -> None:
    operator = signed_in(site, Role.OPERATOR)
    receipt = post.hand_in(site.service, operator.person, [("a.tif", post.scan(0))])
    path = f"/batches/{receipt.batch_id}"
    [first] = events_of(operator, path, 1)
    assert first["moving"] is True
    post.read_all(site.service)
    [then] = events_of(operator, path, 1)
    assert then["moving"] is False
    assert (first["counts"]["unpacking"], then["counts"]["in_review"]) == (1, 1)  # type: ignore[index]
    assert first["shape"] != then["shape"]


def test_an_open_page_of_a_batch_follows_what_happens(site: Site, browser: Browser) -> None:
    operator = signed_in(site, Role.OPERATOR)
    receipt = post.hand_in(site.service, operator.person, [("a.tif", post.scan(0, back=True)), ("b.tif", b"no scan")])
    page, watched = open_page(browser, site, operator)
    page.goto(f"/batches/{receipt.batch_id}")
    expect(page.locator('[data-count="unpacking"]')).to_have_text("2")
    expect(page.get_by_text("these numbers follow by themselves")).to_be_visible()
    post.read_all(site.service)
    expect(page.locator('[data-count="in_review"]')).to_have_text("1")
    expect(page.locator('[data-count="quarantined"]')).to_have_text("1")
    expect(page.locator(".whole-bar li")).to_have_text(["1 waiting for people", "1 set aside"])
    assert page.locator(".whole-bar rect").count() == 2
    expect(page.locator(".thumbnail img")).to_have_count(2)
    expect(page.get_by_text("What to do: Hand over the scan itself")).to_be_visible()
    assert watched.complaints == []


def test_the_fields_on_the_paper_are_reached_and_followed_by_keyboard(office: Site, browser: Browser) -> None:
    page, watched = open_page(browser, office, signed_in(office, Role.SUPERVISOR))
    page.goto(f"/documents/{document_in(office, MailState.IN_REVIEW)}")
    page.locator("#place-1").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    assert focused(page) == "place-3"
    page.keyboard.press("Enter")
    assert focused(page) == "field-3"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "place-3"
    larger = page.get_by_role("button", name="Larger")
    width = page.locator(".paper").first.bounding_box()
    larger.click()
    enlarged = page.locator(".paper").first.bounding_box()
    assert width and enlarged and enlarged["width"] > 1.3 * width["width"]  # noqa: PT018
    assert watched.complaints == []


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_the_page_of_the_day_refreshes_itself_and_can_be_paused(site: Site, browser: Browser) -> None:
    supervisor = signed_in(site, Role.SUPERVISOR)
    page, watched = open_page(browser, site, supervisor)
    page.clock.install()
    page.goto("/today")
    expect(page.locator(".figure-count").first).to_have_text("0")
    expect(page.get_by_text("Nothing needs attention")).to_be_visible()
    post.hand_in(site.service, supervisor.person, [("a.tif", post.scan(0, sure=True))])
    post.read_all(site.service)
    site.desk.day_book._until = 0.0
    page.clock.run_for(10_500)
    expect(page.locator(".figure-count").first).to_have_text("1")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("These numbers stand still.")).to_be_visible()
    assert watched.complaints == []


def test_the_audit_holds_after_all_of_it(office: Site) -> None:
    with office.service.database.read() as session:
        assert audit.verify(session) is None
        assert session.scalars(select(func.count()).select_from(AuditRow)).one() > 10
