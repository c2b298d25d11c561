"""Which role has which right, as the documentation says it."""

from pathlib import Path

import pytest

from intake.api_keys import parse_api_keys
from schemas.people import RIGHTS, Right, Role, may


def test_the_table_of_the_documentation_is_the_one_that_counts(repository: Path) -> None:
    text = (repository / "docs" / "site.md").read_text(encoding="utf-8")
    lines = text[text.index("| right |") :].split("\n\n", maxsplit=1)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    roles = [Role(name) for name in rows[0][1:]]
    told = {
        role: frozenset(Right(row[0].replace(" ", "_")) for row in rows[2:] if row[1 + number] == "yes")
        for number, role in enumerate(roles)
    }
    assert told == dict(RIGHTS)
    assert {row[0].replace(" ", "_") for row in rows[2:]} == {right.value for right in Right}


@pytest.mark.parametrize(
    ("role", "right", "expected"),
    [
        (Role.OPERATOR, Right.ADD_BATCHES, True),
        (Role.OPERATOR, Right.SEE_DOCUMENTS, False),
        (Role.CASEWORKER, Right.KEY, True),
        (Role.CASEWORKER, Right.ADJUDICATE, False),
        (Role.INTEGRATOR, Right.SEE_DOCUMENTS, False),
        (Role.AUDITOR, Right.MEND_BATCHES, False),
        (Role.ADMIN, Right.KEY, False),
    ],
)
def test_a_role_may_what_it_is_for(role: Role, right: Right, expected: bool) -> None:
    assert may(role, right) is expected


@pytest.mark.parametrize("name", ["nobody", "api", "sweep", "reconcile"])
def test_no_program_may_stand_in_the_audit_under_a_name_that_means_something_else(name: str) -> None:
    with pytest.raises(ValueError, match="under which the program itself acts"):
        parse_api_keys(f"{name}:{'k' * 32}")
