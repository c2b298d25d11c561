"""What an entry comes to: whether it stands, is asked for again, or goes to another person. Pure rules, no database."""

from collections.abc import Sequence
from dataclasses import dataclass

from intake.review.answers import Keyed, same
from schemas.field import FieldStatus
from schemas.review import Outcome, ReviewMode
from schemas.states import TaskKind


@dataclass(frozen=True, slots=True)
class Asked:
    """How the person was asked, and what else is known of the field.

    machine: what the machine read; None if it read nothing.
    before:  what the same person keyed when they were asked first; None if this is the first time.
    others:  what other people keyed for this field, in other tasks that stand.
    """

    kind: TaskKind
    mode: ReviewMode
    machine: Keyed | None = None
    before: Keyed | None = None
    others: Sequence[Keyed] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of an entry; `stands`: what the field is from now on, None while it is open."""

    outcome: Outcome
    stands: Keyed | None = None


def judge(asked: Asked, keyed: Keyed) -> Verdict:
    """What comes of `keyed`."""
    if asked.kind is TaskKind.DOUBLE_KEY:
        return _second(asked, keyed) if asked.mode is ReviewMode.BLIND else _double(asked, keyed)
    if asked.kind is TaskKind.KEY and asked.mode is ReviewMode.BLIND:
        return _blind(asked, keyed)
    return Verdict(Outcome.SETTLED, keyed)


def _blind(asked: Asked, keyed: Keyed) -> Verdict:
    """As the machine read it, or twice the same: it stands. Once something else: once more. Then a second person."""
    if asked.machine is not None and same(keyed, asked.machine):
        return Verdict(Outcome.SETTLED, asked.machine)
    if asked.before is None:
        return Verdict(Outcome.AGAIN)
    if same(keyed, asked.before):
        return Verdict(Outcome.SETTLED, keyed)
    return Verdict(Outcome.SECOND)


def _second(asked: Asked, keyed: Keyed) -> Verdict:
    """The second person, after one who did not agree with themselves."""
    if asked.machine is not None and same(keyed, asked.machine):
        return Verdict(Outcome.SETTLED, asked.machine)
    if any(same(keyed, other) for other in asked.others):
        return Verdict(Outcome.SETTLED, keyed)
    return Verdict(Outcome.ADJUDICATION)


def _double(asked: Asked, keyed: Keyed) -> Verdict:
    """Two people; the machine has no voice, but where they agree its spelling is taken if it says the same."""
    if not asked.others:
        return Verdict(Outcome.SECOND)
    if not same(keyed, asked.others[0]):
        return Verdict(Outcome.ADJUDICATION)
    is_machines = asked.machine is not None and same(keyed, asked.machine)
    return Verdict(Outcome.SETTLED, asked.machine if is_machines else asked.others[0])


def status_of(stands: Keyed, machine: Keyed | None) -> FieldStatus:
    """The status of a field that people settled."""
    if stands.status is not None:
        return stands.status
    agrees = machine is not None and machine.status is None and machine.value == stands.value and not stands.problem
    return FieldStatus.CONFIRMED if agrees else FieldStatus.CORRECTED
