"""Who is signed in, as everything else gets to know it."""

from dataclasses import dataclass

from intake.database.tables import PersonRow
from schemas.people import Right, Role, may


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account. `name` is what they sign in with, `shown_as` what others read."""

    id: int
    name: str
    shown_as: str
    role: Role

    @property
    def actor(self) -> str:
        """How they stand in the audit and in the log: by number, never by name."""
        return actor_of(self.id)

    def may(self, right: Right) -> bool:
        return may(self.role, right)


def person_of(row: PersonRow) -> Person:
    """The person of that row."""
    return Person(row.id, row.name, row.shown_as, row.role)


def actor_of(person_id: int) -> str:
    """How the person of that number stands in the audit; also the subject of what is done to them."""
    return f"person:{person_id}"
