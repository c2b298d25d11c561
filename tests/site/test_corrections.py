"""Correcting what was published, on the page of its document: beside the paper, with a reason, and never unseen."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from intake import corrections
from intake.api_keys import LOCAL_CALLER
from intake.corrections import Corrector, Wanted
from intake.database.tables import (
    AuditRow,
    CorrectionRow,
    DocumentRow,
    FieldRow,
    FileRow,
    PieceRow,
    RecordRow,
    RevisionRow,
)
from intake.review.answers import Answer
from intake.review.settling import BY_A_CALLER
from schemas.people import Role
from schemas.record import Record
from schemas.review import Act
from tests.site import mail_screens
from tests.site.served import SignedIn, Site

MakePerson = Callable[[Role], SignedIn]
OLD, NEW = "CERYS MORGAN", "CERYS MORGANS"


@pytest.fixture
def document(site: Site) -> int:
    """One that is out, and that nobody had to look at."""
    mail_screens.furnish(site)
    with site.service.database.read() as session:
        query = select(DocumentRow.id).join(PieceRow).join(FileRow).where(FileRow.name == "scan-0004.tif")
        return session.scalars(query).one()


def number_of(site: Site, document: int, name: str) -> int:
    with site.service.database.read() as session:
        query = select(FieldRow.ordinal).where(FieldRow.document_id == document, FieldRow.name == name)
        return session.scalars(query).one()


def latest(site: Site) -> Record:
    with site.service.database.read() as session:
        query = select(RevisionRow.body).order_by(RevisionRow.sequence.desc()).limit(1)
        return Record.model_validate_json(session.scalars(query).one())


def send(who: SignedIn, address: str, **filled: Any) -> httpx.Response:
    return who.post(address, {"revision": "1", "reason": "She rang.", "text": NEW} | filled)


def test_a_senior_corrects_a_field_and_everybody_sees_who_did_and_why(
    site: Site, document: int, person: MakePerson
) -> None:
    senior, auditor = person(Role.SENIOR), person(Role.AUDITOR)
    address = f"/documents/{document}/fields/{number_of(site, document, 'claimant_name')}/correct"
    assert address in senior.get(f"/documents/{document}").text
    form = senior.get(address)
    assert OLD in form.text
    assert senior.get(address.replace("correct", "snippet.png")).headers["content-type"] == "image/png"
    answer = send(senior, address)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/documents/{document}?done=corrected")
    field = latest(site).fields["claimant_name"]
    assert (latest(site).revision, field.value, field.status, field.entries[-1].by) == (2, NEW, "corrected", "senior")
    page = auditor.get(f"/documents/{document}").text
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert f"Corrected by {senior.person.shown_as} : She rang." in words
    assert f"{OLD} {NEW}" in words
    assert "/correct" not in page
    with site.service.database.read() as session:
        said = session.scalars(select(AuditRow.actor).where(AuditRow.action == "record corrected")).all()
        assert said == [senior.person.actor]
        looks = select(AuditRow).where(AuditRow.actor == senior.person.actor, AuditRow.action == "looked at")
        assert len(session.scalars(looks).all()) == 2


def corrected_by(site: Site, document: int, caller: str, name: str, text: str, reason: str) -> None:
    """As a program does it over the API."""
    with site.service.database.write() as session:
        record = session.scalars(select(RecordRow).where(RecordRow.document_id == document)).one()
        by = Corrector(caller, BY_A_CALLER)
        wanted = Wanted({name: Answer(Act.VALUE, text, sure=True)}, reason, by, record.latest_revision)
        now = site.service.database.now(session)
        corrections.correct(session, site.desk.rules, record.public_id, wanted, now)


def words_on(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def row_of(page: str, number: int) -> str:
    """What the row of a field says."""
    [row] = re.findall(rf'<tr [^>]*id="field-{number}".*?</tr>', page, re.DOTALL)
    return words_on(row)


def test_a_correction_over_the_api_is_said_to_come_from_another_system_with_its_key_and_reason(
    site: Site, document: int, person: MakePerson
) -> None:
    auditor, name = person(Role.AUDITOR), number_of(site, document, "claimant_name")
    assert send(person(Role.SENIOR), f"/documents/{document}/fields/{name}/correct").status_code == 303
    corrected_by(site, document, "benefits-ledger", "claimant_name", "CERYS MORRIS", "She <moved>.")
    page = auditor.get(f"/documents/{document}").text
    row = row_of(page, name)
    assert "Corrected by another system" in row
    assert "With the key benefits-ledger: She &lt;moved&gt;." in row
    assert "decided by another system" in row
    assert "by a person" not in row
    assert "Corrected by another system, with the key benefits-ledger : She &lt;moved&gt;." in words_on(page)


def test_a_program_without_a_key_is_one_on_this_machine(site: Site, document: int, person: MakePerson) -> None:
    auditor, name = person(Role.AUDITOR), number_of(site, document, "claimant_name")
    corrected_by(site, document, LOCAL_CALLER, "claimant_name", NEW, "She rang.")
    page = auditor.get(f"/documents/{document}").text
    assert "A program on this machine: She rang." in row_of(page, name)
    assert "Corrected by another system, a program on this machine : She rang." in words_on(page)


def test_what_cannot_be_right_comes_back_with_its_reason_and_what_was_filled_in(
    site: Site, document: int, person: MakePerson
) -> None:
    supervisor = person(Role.SUPERVISOR)
    address = f"/documents/{document}/fields/{number_of(site, document, 'paid_on')}/correct"
    for filled, words in (
        ({"text": "31.02.2026"}, "There is no such day in the calendar."),
        ({"text": " "}, "Nothing is keyed."),
        ({"text": "03.02.2026"}, "This is what the record says already."),
        ({"text": "04.02.2026", "reason": " "}, "Say why it is corrected"),
    ):
        answer = send(supervisor, address, **filled)
        assert (answer.status_code, words in answer.text) == (422, True), filled
        assert f'value="{filled["text"]}"' in answer.text
    doubtful = send(supervisor, address, text="31.02.2026")
    assert "It stands there like that all the same" in doubtful.text
    assert send(supervisor, address, text="31.02.2026", sure="yes").status_code == 303
    assert latest(site).fields["paid_on"].text == "31.02.2026"


def test_of_two_who_correct_the_same_revision_the_second_is_told(site: Site, document: int, person: MakePerson) -> None:
    address = f"/documents/{document}/fields/{number_of(site, document, 'claimant_name')}/correct"
    assert send(person(Role.SENIOR), address).status_code == 303
    late = send(person(Role.SENIOR), address, text="CERYS MORRIS")
    assert (late.status_code, "latest revision of this record is 2" in late.text) == (409, True)
    assert latest(site).fields["claimant_name"].value == NEW
    with site.service.database.read() as session:
        assert len(session.scalars(select(CorrectionRow)).all()) == 1


def test_ticks_and_what_is_not_there_are_corrected_too(site: Site, document: int, person: MakePerson) -> None:
    senior = person(Role.SENIOR)
    reason = f"/documents/{document}/fields/{number_of(site, document, 'reason')}/correct"
    assert "Paid twice" in senior.get(reason).text
    assert send(senior, reason, option=["Application withdrawn"]).status_code == 303
    phone = f"/documents/{document}/fields/{number_of(site, document, 'phone')}/correct"
    assert send(senior, phone, what="unreadable", revision="2").status_code == 303
    fields = latest(site).fields
    assert (fields["reason"].value, fields["phone"].status) == (["Application withdrawn"], "unreadable")


def test_only_what_is_out_can_be_corrected(site: Site, person: MakePerson) -> None:
    senior, waiting = person(Role.SENIOR), mail_screens.first_document(site)
    assert "/correct" not in senior.get(f"/documents/{waiting}").text
    assert senior.get(f"/documents/{waiting}/fields/1/correct").status_code == 409
    assert senior.get("/documents/999999/fields/1/correct").status_code == 404
    for odd in ("0", "9" * 30, "x"):
        assert senior.get(f"/documents/{odd}/fields/1/correct").status_code in (404, 422)
        assert senior.get(f"/documents/{odd}").status_code in (404, 422)


def test_a_record_is_corrected_by_keys_alone(
    site: Site, document: int, person: MakePerson, open_page: Callable[[SignedIn], Page]
) -> None:
    page = open_page(person(Role.SENIOR))
    page.goto(f"/documents/{document}")
    number = number_of(site, document, "claimant_name")
    page.locator(f'a[href="/documents/{document}/fields/{number}/correct"]').focus()
    page.keyboard.press("Enter")
    page.get_by_label("What stands there").focus()
    page.keyboard.type(NEW)
    page.keyboard.press("Tab")
    page.keyboard.type("She rang.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The record is corrected")).to_be_visible()
    expect(page.get_by_text("She rang.").first).to_be_visible()
