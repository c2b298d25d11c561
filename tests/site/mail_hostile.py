"""Where names of files and batches, and what was read, come onto pages."""

from typing import Final

from sqlalchemy import select, update

from intake import quarantine
from intake.database.tables import BatchRow, DocumentRow, FieldRow, FileRow, StepRow
from schemas.people import Role
from tests.site import mail_screens
from tests.site.hostile import HostileScreen
from tests.site.payloads import PAYLOADS
from tests.site.post import hand_in
from tests.site.served import SignedIn, Site

_SHOWN_AT_ONCE: Final = 20


def _names(site: Site, person: SignedIn) -> list[str]:
    """A file and a batch of each name; the files cannot be opened, so that they are set aside too."""
    mail_screens.furnish(site)
    files = [(payload, f"no scan {number}".encode()) for number, payload in enumerate(PAYLOADS)]
    receipt = hand_in(site.service, person.person, files, PAYLOADS[0])
    for number, payload in enumerate(PAYLOADS[1:]):
        hand_in(site.service, person.person, [("x.tif", f"none {number}".encode())], payload)
    with site.service.database.write() as session:
        for row in session.scalars(select(StepRow).where(StepRow.file_id.is_not(None), StepRow.state == "ready")):
            row.state, row.cause, row.problem, row.remedy = "quarantined", "damaged", "It is cut off.", "Scan it again."
        session.execute(
            update(FileRow)
            .where(FileRow.state == "in_work")
            .values(state="quarantined", cause="damaged", problem="It is cut off.", remedy="Scan it again.")
        )
    batch = f"/batches/{receipt.batch_id}"
    pages = [f"{batch}?after={after}" for after in range(0, len(PAYLOADS), _SHOWN_AT_ONCE)]
    with site.service.database.read() as session:
        last = session.scalars(select(StepRow.id).order_by(StepRow.id.desc()).limit(1)).one()
        assert len(quarantine.listed(session)) > len(PAYLOADS)
    return [*pages, "/batches?which=all", "/set-aside", f"/set-aside?after={last - 60}"]


def _documents(site: Site, _: SignedIn) -> list[str]:
    """Each payload as the value of a field, as what was written, as a reading and a reason; some as names of files."""
    mail_screens.furnish(site)
    with site.service.database.write() as session:
        documents = session.scalars(select(DocumentRow.id).where(DocumentRow.form_type.is_not(None))).all()
        fields = session.scalars(
            select(FieldRow).where(FieldRow.document_id.in_(documents)).order_by(FieldRow.id)
        ).all()
        for number, field in enumerate(fields):
            payload = PAYLOADS[number % len(PAYLOADS)]
            field.value, field.text = payload, payload[::-1]
            field.readings = [{"text": payload, "reader": "reader/1", "score": 0.5}]
            failed = {"name": "rule", "passed": False, "message": payload}
            field.decision = {**field.decision, "reasons": [payload], "checks": [failed], "problem": payload}
        names = session.scalars(select(FileRow).order_by(FileRow.id)).all()
        for file, payload in zip(names, PAYLOADS, strict=False):
            file.name = payload
        session.scalars(select(BatchRow)).first().name = PAYLOADS[3]  # type: ignore[union-attr]
    return ["/documents", "/documents?name=%3Cscript%3E", *(f"/documents/{document}" for document in documents)]


HOSTILE_MAIL: Final = (
    HostileScreen("names-of-mail", Role.SUPERVISOR, _names),
    HostileScreen("what-was-read", Role.SUPERVISOR, _documents),
)
