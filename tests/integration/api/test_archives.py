"""A whole batch over the API: proven by its own manifest, and written into the audit."""

import hashlib
import io
import json
import zipfile
from uuid import uuid4

from sqlalchemy import select

from intake.database.tables import AuditRow
from intake.service import Service
from tests.integration.api.caller import FILES, Caller, problem_of


def test_a_batch_is_given_out_whole_with_a_manifest_that_proves_it(caller: Caller, service: Service) -> None:
    batch = caller.upload(name="Monday").json()["batch_id"]
    answer = caller.get(f"/v1/batches/{batch}/archive")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="batch-{batch}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        manifest = json.loads(packed.read("manifest.json"))
        held = {each["name"]: packed.read(each["path"]) for each in manifest["originals"]}
        assert packed.read("records.jsonl") == b""
    assert held == FILES
    digests = [each["sha256"] for each in manifest["originals"]]
    assert digests == [hashlib.sha256(content).hexdigest() for content in FILES.values()]
    assert (manifest["batch"]["id"], manifest["batch"]["name"]) == (batch, "Monday")
    with service.database.read() as session:
        said = session.scalars(select(AuditRow).where(AuditRow.action == "batch downloaded")).one()
    assert (said.actor, said.subject, json.loads(said.details)) == ("api", "batch:1", {"files": 3, "until": 0})


def test_a_batch_that_is_not_there_or_has_lost_an_original_is_not_given_out(caller: Caller, service: Service) -> None:
    problem_of(caller.get(f"/v1/batches/{uuid4()}/archive"), 404, "not_found")
    batch = caller.upload().json()["batch_id"]
    [kept] = [
        file for file in service.settings.home.rglob("*") if file.is_file() and file.read_bytes() == FILES["first.tif"]
    ]
    kept.unlink()
    refused = problem_of(caller.get(f"/v1/batches/{batch}/archive"), 404, "not_found")
    assert "missing from the file store" in refused["detail"]
