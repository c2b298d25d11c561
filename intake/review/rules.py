"""The rules of review: the form types, how each class of field is put to people, and how long things may take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from intake.form_choice import chosen_form_types
from intake.policy_choice import chosen_policy
from intake.settings import Settings
from intake.working_days import Deadline
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import FormType
from schemas.review import ReviewMode

_DEFAULT: Final = "default"
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Rules:
    """What review goes by.

    modes:    of the office's policy, by class of field; "default" for all others.
    deadline: by when a piece is to be done.
    lease:    how long a task belongs to a screen that gives no sign of life.
    settle:   how long a piece waits to be published, so that something can still be taken back.
    """

    forms: Mapping[str, FormType] = field(default_factory=dict)
    modes: Mapping[str, ReviewMode] = field(default_factory=dict)
    deadline: Deadline = field(default_factory=Deadline)
    lease: timedelta = timedelta(minutes=10)
    settle: timedelta = timedelta(0)

    def mode_of(self, form_type: str | None, field_class: str) -> ReviewMode:
        """How a field of this class is put to people: as its form type says, else as the policy does."""
        form = self.forms.get(form_type or "")
        said = form.review if form is not None else {}
        for modes in (said, self.modes):
            if mode := modes.get(field_class) or modes.get(_DEFAULT):
                return mode
        return ReviewMode.CONFIRM

    def due_at(self, received_on: date) -> datetime:
        """The end of the day by which what was received on that day is to be done."""
        return datetime.combine(self.deadline.due_on(received_on) + _DAY, time(), UTC)

    def spec_of(self, form_type: str | None, name: str, kind: FieldKind) -> FieldSpec:
        """What the form asks there; a bare field of that kind where the form type is not known here any more."""
        form = self.forms.get(form_type or "")
        spec = form.by_name.get(name) if form is not None else None
        return spec if spec is not None and spec.kind is kind else FieldSpec(name, kind, label=name)


def open_rules(settings: Settings) -> Rules:
    """The rules as the settings, the policy and the form types say. Raises NotAForm or Unavailable."""
    forms = chosen_form_types([] if settings.forms is None else [settings.forms], None)
    return Rules(
        forms={form.id: form for form in forms},
        modes=chosen_policy().review,
        deadline=settings.deadline,
        lease=timedelta(seconds=settings.review_lease_seconds),
        settle=timedelta(seconds=settings.settle_seconds),
    )
