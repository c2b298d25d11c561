"""The processes of compose.yaml without Docker: its commands, settings and looks at health, beside PostgreSQL, Redis
and an S3 service. Nothing is a double: the pages are read by the engines that read everywhere.

The hosts share no folder: what one receives, another reads out of the store. Where the tests may, each host has a name
of its own, as a container has.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from intake.database.tables import StepRow
from intake.service import open_service
from intake.settings import load_settings
from schemas.states import StepName
from tests.compose import API_KEY, environment_of, read_services
from tests.integration.api.caller import as_parts
from tests.integration.distributed.plant import PROGRAMS, Plant, Program, open_steps, scan, wait_until
from tests.integration.store_places import CREDENTIALS, new_bucket, object_server

PUBLISHED, QUARANTINED = 12, 2
WORKERS = ("host-1", "host-2")
HOSTS = {"web": "web", "dispatch": "dispatch", **dict.fromkeys(WORKERS, "worker")}
AS_A_HOST = ("unshare", "--uts", "sh", "-c", 'hostname "$HOSTNAME" && exec "$0" "$@"')
# Where things lie, and how much of this machine they may take: no more of compose.yaml is set otherwise here.
ELSEWHERE = {"POSTROOM_PORT": "0", "POSTROOM_WORKERS": "1", "POSTROOM_LOW_WATER_BYTES": "0"}


@pytest.fixture(scope="module")
def services(repository: Path) -> dict[str, Any]:
    return read_services(repository / "compose.yaml")


def started(plant: Plant, service: dict[str, Any], host: str) -> Program:
    """A process of that service, with its entry point and its settings, in a folder of its own."""
    command = (str(PROGRAMS / "postroom"), *service["command"])
    own_name = AS_A_HOST if os.geteuid() == 0 else ()
    places = {name: plant.settings[name] for name in plant.settings if name.endswith("_URL")}
    settings = environment_of(service) | places | ELSEWHERE
    settings |= {**CREDENTIALS, "POSTROOM_HOME": str(plant.folder / host), "HOSTNAME": host}
    return plant.run(*own_name, *command, home=host, **settings)


def test_what_one_host_receives_is_read_by_two_others(
    plant: Plant, services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with object_server() as endpoint:
        plant.settings["POSTROOM_STORE_URL"] = new_bucket(endpoint, "post")
        programs = {host: started(plant, services[service], host) for host, service in HOSTS.items()}
        web = programs["web"]
        for host in ("web", "dispatch"):
            programs[host].wait_for('"event": "ready"')
        found = re.search(r'"address": "http://0\.0\.0\.0:(\d+)"', web.said())
        assert found is not None
        for host in WORKERS:
            programs[host].wait_for(" ready.")
        if os.geteuid() == 0:
            for host in WORKERS:
                assert looked_at(services["worker"], plant, host) == 0
        with httpx.Client(
            base_url=f"http://localhost:{found[1]}",
            headers={"Authorization": f"Bearer {API_KEY}"},
            timeout=60,
            trust_env=False,
        ) as client:
            batch = upload(client)
            expected = {"published": PUBLISHED, "quarantined": QUARANTINED}
            wait_until(lambda: states(client, batch) == expected, 180)
        monkeypatch.setenv("POSTROOM_KEY", environment_of(services["web"])["POSTROOM_KEY"])
        for name, value in plant.settings.items():
            monkeypatch.setenv(name, value)
        service = open_service(load_settings())
        wait_until(lambda: all(step.name == StepName.UNPACK for step in open_steps(service)))
        reconciled = {"command": ["reconcile", "--json"], "environment": services["web"]["environment"]}
        assert started(plant, reconciled, "web").process.wait(180) == 0
        with service.database.read() as session:
            did = session.scalars(select(StepRow.worker)).all()
        pids = {str(pid): host for host in WORKERS for pid in programs[host].children()}
        assert {pids[name.split("/")[1]] for name in did if name} == set(WORKERS)
        for host in HOSTS:
            assert not received_files(plant.folder / host)
        service.close()
        assert {host: program.stop() for host, program in programs.items()} == dict.fromkeys(HOSTS, 0)


def looked_at(service: dict[str, Any], plant: Plant, host: str) -> int:
    """What the health check of that service, asked on that host, says with its exit code."""
    kind, command = service["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    environment = plant.environment(plant.folder / host, HOSTNAME=host)
    environment["PATH"] = os.pathsep.join([str(PROGRAMS), environment["PATH"]])
    asking = ["sh", "-c", command.replace("$$", "$")]
    return subprocess.run(asking, cwd=plant.folder / host, env=environment, capture_output=True, check=False).returncode


def upload(client: httpx.Client) -> str:
    files = {f"{number}.tif": scan(number) for number in range(PUBLISHED)}
    files |= {f"letter-{number}.txt": f"Dear Sir {number}".encode() for number in range(QUARANTINED)}
    answer = client.post("/v1/batches", files=as_parts(files))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["batch_id"])


def states(client: httpx.Client, batch: str) -> dict[str, int]:
    """How many files of the batch are in each state."""
    found = [file["state"] for file in client.get(f"/v1/batches/{batch}").json()["files"]]
    return {state: found.count(state) for state in set(found)}


def received_files(home: Path) -> list[Path]:
    """What lies in the work folder of a host."""
    return [path for path in home.rglob("*") if path.is_file()]
