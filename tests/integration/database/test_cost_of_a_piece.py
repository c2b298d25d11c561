"""What a piece costs the database does not grow with the pieces that are there: no statement on its way reads a table.

Times say more about the machine than about the code: `scripts/bench-service cost` takes them. Here the database tells
how it goes about each statement.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import event, text

from extract.limits import DEFAULT_LIMITS
from intake.database.engine import Database
from intake.journey import Journey
from intake.receive import Arrival, Sender, receive
from intake.step_runner import StepRunner
from intake.store.opening import open_store
from intake.summary import FileResult
from tests.integration.database.test_record_rows import FIELD, record

FILES = 3


@contextmanager
def noted(database: Database) -> Iterator[dict[str, Any]]:
    """Every statement that is sent meanwhile, with the values it was sent with last."""
    statements: dict[str, Any] = {}

    def note(_connection, _cursor, statement: str, parameters: Any, _context, many: bool) -> None:
        statements[statement] = parameters[0] if many else parameters

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def test_no_statement_on_the_way_of_a_piece_reads_a_whole_table(database: Database, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    accepted = record("complete", {"day": FIELD | {"status": "accepted"}}).model_dump_json().encode()
    # The database is what is looked at: nothing is unpacked, and what was read is known.
    sandbox: Any = SimpleNamespace(count_pages=lambda content, limits: 1)
    desk: Any = SimpleNamespace(read_content=lambda name, content: FileResult(name, (accepted,), 1, {}, (), ()))
    runner = StepRunner(database, Journey(database, store, sandbox, desk, DEFAULT_LIMITS).bodies, "worker-1")
    with noted(database) as statements:
        arrivals = [Arrival(f"{number}.tif", io.BytesIO(bytes([number]))) for number in range(FILES)]
        receive(database, store, arrivals, Sender("anna", "test", date(2026, 3, 2), key="tray-4"))
        assert runner.run_until_idle() == 3 * FILES
    plans = {statement: plan for statement, plan in plans_of(database, statements).items() if plan}
    assert len(plans) > 25  # all of receiving, unpacking, reading and publishing is in it
    scans = {
        statement: plan for statement, plan in plans.items() if re.search(r"^SCAN (?!CONSTANT)|Seq Scan", plan, re.M)
    }
    assert scans == {}


def plans_of(database: Database, statements: dict[str, Any]) -> dict[str, str]:
    """How the database would go about each statement, were its tables full; "" where it has nothing to look for."""
    explain = "EXPLAIN (COSTS OFF) " if database.is_postgresql else "EXPLAIN QUERY PLAN "
    plans = {}
    with database.write() as session:
        connection = session.connection()
        if database.is_postgresql:
            # The tables are nearly empty, where reading them whole is the cheapest way.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, parameters in statements.items():
            if re.match(r"SELECT|INSERT|UPDATE|DELETE|WITH", statement):
                rows = connection.exec_driver_sql(explain + statement, parameters).all()
                plans[statement] = "\n".join(str(row[-1]) for row in rows)
        session.rollback()
    return plans
