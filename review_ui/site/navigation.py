"""Where the navigation leads, and who sees which of it. A screen that is not there has no place in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from intake.people.person import Person
from schemas.people import Right, Role


@dataclass(frozen=True, slots=True)
class Item:
    """One place in the navigation."""

    label: str
    path: str
    right: Right


ITEMS: Final = (
    Item("Today", "/today", Right.SEE_TODAY),
    Item("Batches", "/batches", Right.SEE_BATCHES),
    Item("Key", "/key", Right.KEY),
    Item("Documents", "/documents", Right.SEE_DOCUMENTS),
    Item("Webhooks", "/webhooks", Right.MANAGE_WEBHOOKS),
    Item("People", "/people", Right.MANAGE_PEOPLE),
    Item("Audit", "/audit", Right.SEE_AUDIT),
)
_ACCOUNT: Final = "/account"
# Where people begin who do not begin with the first place they see.
_BEGINS: Final = {Role.CASEWORKER: "/key", Role.OPERATOR: "/batches"}


def those_there(paths: Collection[str]) -> tuple[Item, ...]:
    """The places whose path is among those the site has."""
    return tuple(item for item in ITEMS if item.path in paths)


def seen_by(person: Person, items: Sequence[Item]) -> list[Item]:
    """The places that person may go to."""
    return [item for item in items if person.may(item.right)]


def home_of(person: Person, items: Sequence[Item]) -> str:
    """Where that person begins."""
    seen = [item.path for item in seen_by(person, items)]
    begin = _BEGINS.get(person.role, "")
    return begin if begin in seen else next(iter(seen), _ACCOUNT)
