"""The consumer of the README, run as it stands there: killed again and again, it misses nothing and doubles nothing."""

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from intake import kept_keys
from intake.database.tables import RecordRow, RevisionRow
from intake.service import Service
from schemas.scopes import Scope
from tests.integration.database.review_world import FORM, SURE, World
from tests.integration.database.small_world import NOW
from tests.integration.database.test_record_rows import record
from tests.site.served import served

KILLS = int(os.environ.get("POSTROOM_CONSUMER_KILLS", "5"))


def program(repository: Path, folder: Path) -> Path:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    [found] = re.findall(r"(?:^    import json, sqlite3.*\n)(?:^    .*\n|^\n(?=    ))+", readme, re.M)
    file = folder / "consumer.py"
    file.write_text(re.sub(r"^    ", "", found, flags=re.M), encoding="utf-8")
    return file


def copied(file: Path) -> list[tuple[str, int, str]]:
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as copy:
        return copy.execute("SELECT id, revision, body FROM records ORDER BY rowid").fetchall()


def test_a_consumer_that_is_killed_again_and_again_has_everything_once(
    both: Service, repository: Path, tmp_path: Path
) -> None:
    world, copy = World(both.database), tmp_path / "copy.db"
    chance = random.Random(7)  # noqa: S311  # a seeded test
    with both.database.write() as session:
        _, key = kept_keys.add(session, "register", {Scope.RECORDS_READ}, "olga", NOW)
    with served(both) as site:
        command = [sys.executable, str(program(repository, tmp_path)), site.url, key, str(copy)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for _ in range(KILLS):
            consumer = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
            world.read(*(record("complete", {"name": SURE}, form_type=FORM.id) for _ in range(30)))
            world.publish()
            time.sleep(chance.random() * 0.2)
            consumer.kill()
            consumer.wait()
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
    with both.database.read() as session:
        query = select(RecordRow.public_id, RevisionRow.number, RevisionRow.body).join(
            RecordRow, RevisionRow.record_id == RecordRow.id
        )
        ours = session.execute(query.order_by(RevisionRow.sequence)).all()
    assert len(ours) == 30 * KILLS
    assert [(id, revision, json.loads(body)) for id, revision, body in copied(copy)] == [
        (id, revision, json.loads(body)) for id, revision, body in ours
    ]
