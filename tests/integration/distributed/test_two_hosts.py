"""The processes of compose.yaml without Docker: one web host, two worker hosts, PostgreSQL, Redis and an S3 service.

The hosts share no folder: what one receives, another reads out of the store.
"""

import re
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from intake.database.tables import StepRow
from intake.service import open_service
from intake.settings import load_settings
from schemas.states import StepName
from tests.integration.api.caller import as_parts
from tests.integration.distributed.plant import Plant, open_steps, scan, wait_until
from tests.integration.store_places import CREDENTIALS, NEW_KEY, new_bucket, object_server

PUBLISHED, QUARANTINED = 40, 2
HOSTS = ("host-1", "host-2")


def test_what_one_host_receives_is_read_by_two_others(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with object_server() as endpoint:
        plant.settings |= {
            "POSTROOM_STORE_URL": new_bucket(endpoint, "post"),
            "POSTROOM_KEY": NEW_KEY,
            "POSTROOM_PORT": "0",
            "POSTROOM_LOW_WATER_BYTES": "0",
        }
        web = plant.run(sys.executable, "-m", "intake.cli", "serve", home="web")
        for home in HOSTS:
            plant.worker("--concurrency=1", home=home)
        web.wait_for('"event": "ready"')
        found = re.search(r'"address": "(http:[^"]+)"', web.said())
        assert found is not None
        for program in plant.programs[1:]:
            program.wait_for(" ready.")
        batch = upload(found[1])
        for name, value in plant.environment(plant.folder / "web").items():
            if name.startswith("POSTROOM_"):
                monkeypatch.setenv(name, value)
        service = open_service(load_settings())
        wait_until(lambda: states(found[1], batch) == {"published": PUBLISHED, "quarantined": QUARANTINED}, 180)
        wait_until(lambda: all(step.name == StepName.UNPACK for step in open_steps(service)))
        assert plant.run(sys.executable, "-m", "intake.cli", "reconcile", "--json").process.wait(180) == 0
        with service.database.read() as session:
            did = session.scalars(select(StepRow.worker)).all()
        pids = {str(pid): host for host, program in zip(HOSTS, plant.programs[1:], strict=False)
                for pid in program.children()}  # fmt: skip
        assert {pids[name.split("/")[1]] for name in did if name} == set(HOSTS)
        for host in (*HOSTS, "web"):
            assert not received_files(plant.folder / host)
        service.close()
        assert [program.stop() for program in plant.programs[:3]] == [0, 0, 0]


def upload(address: str) -> str:
    files = {f"{number}.tif": scan(number) for number in range(PUBLISHED)}
    files |= {f"letter-{number}.txt": f"Dear Sir {number}".encode() for number in range(QUARANTINED)}
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        answer = client.post("/v1/batches", files=as_parts(files))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["batch_id"])


def states(address: str, batch: str) -> dict[str, int]:
    """How many files of the batch are in each state."""
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        found = [file["state"] for file in client.get(f"/v1/batches/{batch}").json()["files"]]
    return {state: found.count(state) for state in set(found)}


def received_files(home: Path) -> list[Path]:
    """What lies in the work folder of a host."""
    return [path for path in home.rglob("*") if path.is_file()]
