"""Downloads from the site: of a batch and of a search, for those who may, each in the audit."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from intake.database.tables import AuditRow
from intake.service import open_service
from intake.settings import Settings
from schemas.people import Role
from tests.site import mail_screens
from tests.site.served import SignedIn, Site, copy_of, served


@pytest.fixture(scope="module")
def office(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    service = open_service(Settings(home=copy_of(empty_home, tmp_path_factory.mktemp("office")), low_water_bytes=0))
    with served(service) as site:
        mail_screens.furnish(site)
        yield site
    service.close()


def signed_in(site: Site, role: Role) -> SignedIn:
    return site.sign_in(site.someone(role))


def lines(text: str) -> list[str]:
    return [json.loads(line)["source"]["name"] for line in text.splitlines()]


def test_a_whole_batch_is_downloaded_with_hashes_that_hold(office: Site) -> None:
    batch = mail_screens.batch_of(office, mail_screens.FIRST)
    answer = signed_in(office, Role.SUPERVISOR).get(f"{batch}/archive.zip")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        sums = [line.split("  ", 1) for line in packed.read("SHA256SUMS").decode().splitlines()]
        assert len(sums) == 8  # six files, the records and the manifest
        for sha256, path in sums:
            assert hashlib.sha256(packed.read(path)).hexdigest() == sha256
        assert len(lines(packed.read("records.jsonl").decode())) == 2


def test_the_records_of_a_batch_and_of_a_search_are_downloaded(office: Site) -> None:
    auditor = signed_in(office, Role.AUDITOR)
    batch = mail_screens.batch_of(office, mail_screens.SECOND)
    assert sorted(lines(auditor.get(f"{batch}/records.jsonl").text)) == ["scan-0101.tif", "scan-0102.tif"]
    table = auditor.get(f"{batch}/records.csv?form_type=fee-refund")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline=""), strict=True))
    assert sorted(row["claimant_name"] for row in rows) == ["ANGUS WILSON", "CERYS MORGAN"]
    assert "attachment" in table.headers["content-disposition"]
    found = auditor.get("/documents/records.jsonl", params={"name": "scan-0101", "form_type": "fee-refund"})
    assert lines(found.text) == ["scan-0101.tif"]
    table = auditor.get("/documents/records.csv", params={"name": "scan-01", "form_type": "fee-refund"})
    assert len(table.text.splitlines()) == 3
    every = auditor.get("/documents/records.jsonl").text
    assert len(lines(every)) == 4
    said = select(AuditRow.subject).where(AuditRow.action == "records downloaded")
    with office.service.database.read() as session:
        assert session.scalars(said).all() == ["batch:2", "batch:2", *["documents:found"] * 3]


def test_pages_lead_to_downloads_only_those_who_may_have_them(office: Site) -> None:
    batch = mail_screens.batch_of(office, mail_screens.FIRST)
    supervisor = signed_in(office, Role.SUPERVISOR)
    assert f"{batch}/archive.zip" in supervisor.get(batch).text
    assert f"{batch}/records.csv?form_type=fee-refund" in supervisor.get(batch).text
    assert "/documents/records.csv?" in supervisor.get("/documents?form_type=fee-refund").text
    operator, senior = signed_in(office, Role.OPERATOR), signed_in(office, Role.SENIOR)
    assert "archive.zip" not in operator.get(batch).text
    assert "records.jsonl" not in senior.get("/documents").text
    assert operator.get(f"{batch}/archive.zip").status_code == 403


def test_what_cannot_be_downloaded_says_why(office: Site) -> None:
    auditor = signed_in(office, Role.AUDITOR)
    batch = mail_screens.batch_of(office, mail_screens.FIRST)
    nothing = "/batches/00000000-0000-4000-8000-000000000000"
    for path, status in (
        (f"{nothing}/archive.zip", 404), (f"{nothing}/records.jsonl", 404), (f"{batch}/records.csv", 422),
        (f"{batch}/records.csv?form_type=none", 422), ("/documents/records.csv", 422),
        ("/documents/records.jsonl?state=lost", 422), ("/documents/records.csv?form_type=-", 422),
    ):  # fmt: skip
        assert auditor.get(path).status_code == status, path
