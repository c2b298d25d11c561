"""Who did something, in words: the audit and the batches hold numbers of people and names of machines."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.api_keys import LOCAL_CALLER
from intake.database.tables import PersonRow

_PERSON: Final = re.compile(r"person:(\d{1,15})")
_WORKER: Final = re.compile(r".+/[\w-]+")  # host/something: see `intake.service.worker_name`
_MACHINE: Final = "Postroom"
_OTHERS: Final = {"sweep": _MACHINE, "reconcile": _MACHINE, LOCAL_CALLER: "A program on this machine"}


def names_of(session: Session, actors: Collection[str]) -> Mapping[str, str]:
    """What people call each of these actors."""
    ids = {int(found[1]) for actor in actors if (found := _PERSON.fullmatch(actor))}
    people: dict[int, str] = {}
    if ids:
        rows = session.execute(select(PersonRow.id, PersonRow.shown_as).where(PersonRow.id.in_(ids)))
        people = {row.id: row.shown_as for row in rows}
    return {actor: _name(actor, people) for actor in actors}


def _name(actor: str, people: Mapping[int, str]) -> str:
    if found := _PERSON.fullmatch(actor):
        return people.get(int(found[1]), f"Person {found[1]}")
    if actor in _OTHERS:
        return _OTHERS[actor]
    return _MACHINE if _WORKER.fullmatch(actor) else actor
