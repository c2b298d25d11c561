"""Roles in words, for people who choose one."""

from collections.abc import Mapping
from typing import Final

from schemas.people import Role

# Label, and what they do here.
ROLE_WORDS: Final[Mapping[Role, tuple[str, str]]] = {
    Role.OPERATOR: ("Operator", "Hands over batches and looks after what fails"),
    Role.CASEWORKER: ("Caseworker", "Keys fields"),
    Role.SENIOR: ("Senior caseworker", "Keys fields, and settles what others refer or disagree on"),
    Role.SUPERVISOR: ("Supervisor", "Sees that the day’s post gets done"),
    Role.INTEGRATOR: ("Integrator", "Connects the systems that receive the records"),
    Role.AUDITOR: ("Auditor", "Looks at everything, changes nothing"),
    Role.ADMIN: ("Admin", "Looks after people and the service"),
}
