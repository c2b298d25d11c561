"""What the API tells of batches, and the retry of what was set aside."""

from uuid import uuid4

from sqlalchemy import select

from intake import steps
from intake.database.tables import FileRow, StepRow
from intake.service import Service
from schemas.errors import Cause
from schemas.extraction import Failure
from schemas.states import StepName
from tests.integration.api.caller import Caller, problem_of
from tests.integration.database.small_world import unpack

BROKEN = Failure(Cause.DAMAGED, "The file is cut off.", "Ask for it to be scanned again.")
EMPTY = {"in_work": 0, "in_review": 0, "published": 0, "quarantined": 0, "rejected": 0}


def set_aside(service: Service, name: StepName, **subject: int) -> None:
    """Let a worker give up the step of that file or piece."""
    now = service.database.now()
    with service.database.write() as session:
        step = session.scalars(select(StepRow.id).filter_by(name=name, **subject)).one()
        claim = steps.claim_one(session, step, "worker-1", now)
        assert claim is not None
        steps.quarantine(session, claim, BROKEN, now)


def number_of(service: Service, name: str) -> int:
    with service.database.read() as session:
        return session.scalars(select(FileRow.id).where(FileRow.name == name)).one()


def test_a_batch_shows_where_everything_in_it_stands_and_why(caller: Caller, service: Service) -> None:
    batch = caller.upload().json()["batch_id"]
    set_aside(service, StepName.UNPACK, file_id=number_of(service, "second.pdf"))
    with service.database.write() as session:
        unpack(session, number_of(service, "first.tif"), pieces=2, pages=3)
    shown = caller.get(f"/v1/batches/{batch}").json()
    assert shown["counts"] == {
        "files": EMPTY | {"in_work": 2, "quarantined": 1},
        "pages": EMPTY | {"in_work": 6},
        "pieces": EMPTY | {"in_work": 2},
    }
    first, second, third = shown["files"]
    assert (first["state"], first["pages"], first["pieces"]) == ("in_work", 6, 2)
    assert (second["state"], second["cause"], second["problem"], second["remedy"]) == (
        "quarantined",
        "damaged",
        "The file is cut off.",
        "Ask for it to be scanned again.",
    )
    assert (third["state"], third["pages"], third["cause"]) == ("in_work", None, None)


def test_files_of_a_batch_come_a_page_at_a_time_in_their_order(caller: Caller) -> None:
    batch = caller.upload({f"{number}.tif": bytes([number]) for number in range(5)}).json()["batch_id"]
    names, after = [], None
    for _ in range(3):
        given = {"limit": 2} | ({"after": after} if after else {})
        shown = caller.get(f"/v1/batches/{batch}", params=given).json()
        names += [file["name"] for file in shown["files"]]
        after = shown["next"]
    assert names == [f"{number}.tif" for number in range(5)]
    assert after is None


def test_batches_are_listed_newest_first_and_none_is_missed_while_others_come_in(caller: Caller) -> None:
    made = [caller.upload({"a.tif": bytes([number])}, name=str(number)).json()["batch_id"] for number in range(5)]
    first = caller.get("/v1/batches", params={"limit": 3}).json()
    caller.upload({"a.tif": b"later"}, name="later")
    rest = caller.get("/v1/batches", params={"limit": 3, "after": first["next"]}).json()
    assert [batch["id"] for batch in first["batches"] + rest["batches"]] == made[::-1]
    assert rest["next"] is None
    assert first["batches"][0]["files"] == EMPTY | {"in_work": 1}


def test_what_does_not_exist_is_not_found(caller: Caller) -> None:
    batch = caller.upload().json()["batch_id"]
    problem_of(caller.get(f"/v1/batches/{uuid4()}"), 404, "not_found")
    problem_of(caller("POST", f"/v1/batches/{batch}/files/{uuid4()}/retry"), 404, "not_found")
    other = caller.upload().json()["files"][0]["id"]
    problem_of(caller("POST", f"/v1/batches/{batch}/files/{other}/retry"), 404, "not_found")
    problem_of(caller.get("/v1/batches", params={"after": str(uuid4())}), 422, "invalid_request")
    problem_of(caller.get(f"/v1/batches/{batch}", params={"after": other}), 422, "invalid_request")


def test_a_file_in_quarantine_is_retried_once(caller: Caller, service: Service) -> None:
    receipt = caller.upload().json()
    retry = f"/v1/batches/{receipt['batch_id']}/files/{receipt['files'][1]['id']}/retry"
    problem_of(caller("POST", retry), 409, "not_in_quarantine")
    set_aside(service, StepName.UNPACK, file_id=number_of(service, "second.pdf"))
    response = caller("POST", retry)
    assert response.status_code == 200
    assert (response.json()["state"], response.json()["cause"]) == ("in_work", None)
    problem_of(caller("POST", retry), 409, "not_in_quarantine")


def test_pieces_of_a_file_in_quarantine_are_retried_with_it(caller: Caller, service: Service) -> None:
    receipt = caller.upload({"a.tif": b"x"}).json()
    with service.database.write() as session:
        pieces = unpack(session, number_of(service, "a.tif"), pieces=2)
    for piece in pieces:
        set_aside(service, StepName.READ, piece_id=piece)
    shown = caller.get(f"/v1/batches/{receipt['batch_id']}").json()
    assert shown["counts"]["pieces"] == EMPTY | {"quarantined": 2}
    response = caller("POST", f"/v1/batches/{receipt['batch_id']}/files/{receipt['files'][0]['id']}/retry")
    assert response.json()["state"] == "in_work"
    shown = caller.get(f"/v1/batches/{receipt['batch_id']}").json()
    assert shown["counts"]["pieces"] == EMPTY | {"in_work": 2}
