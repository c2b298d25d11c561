"""What a page of records costs does not grow with the records that are stored: no statement reads a whole table.

Times say more about the machine than about the code: `scripts/bench-records` takes them.
"""

import re
from typing import Any
from uuid import uuid4

from intake.api.app import create_app
from intake.service import Service
from tests.integration.api.caller import Caller
from tests.integration.database.review_world import FORM, SURE, World
from tests.integration.database.test_cost_of_a_piece import noted, plans_of
from tests.integration.database.test_record_rows import record

# What the statement itself made before, or looks at once, is no table.
_SCAN = re.compile(r"^\s*(SCAN (?!CONSTANT|of_batch|ours|anon)|.*Seq Scan)", re.M)


_WAYS: list[tuple[str, dict[str, Any]]] = [
    ("", {"after": 1}), ("", {"after": 1, "form_type": FORM.id}), ("", {"after": 1, "status": "review"}),
    ("", {"after": 0, "batch": str(uuid4())}), ("/{id}", {}), ("/{id}/revisions", {}), ("/{id}/revisions/1", {}),
    ("/{id}/fields/name/provenance", {}),
]  # fmt: skip


def test_no_way_to_read_records_reads_a_whole_table(both: Service) -> None:
    world, caller = World(both.database), Caller(create_app(both))
    world.read(*(record("complete", {"name": SURE}, form_type=FORM.id) for _ in range(3)))
    world.publish()
    id = caller.get("/v1/records").json()["records"][0]["record_id"]
    with noted(both.database) as statements:
        for path, asked in _WAYS:
            assert caller.get("/v1/records" + path.format(id=id), params=asked).status_code == 200
    plans = {statement: plan for statement, plan in plans_of(both.database, statements).items() if plan}
    assert len(plans) > len(_WAYS)
    small = ("FROM api_keys", "FROM sequences")
    scans = {
        statement: plan
        for statement, plan in plans.items()
        if _SCAN.search(plan) and not any(table in statement for table in small)
    }
    assert scans == {}
