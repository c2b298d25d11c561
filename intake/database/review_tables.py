"""Tables of what people are asked, and what they did."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import BIG, Base, JsonObject, Key, Prose
from schemas.review import Act, Outcome, Queue, ReferReason, ReviewMode
from schemas.states import TaskKind, TaskState

_IS_OPEN = text("state IN ('open', 'claimed')")
_IS_CLAIMED = text("state = 'claimed'")
_IS_SOMEBODYS = text("state IN ('claimed', 'done')")


class TaskRow(Base):
    """One field for one person, or one whole document if `field` is ""; claimed with a lease and a fence like a step.

    ordinal:     1; 2 and more where several people get a task of one kind for the same field.
    mode:        how the class of field is put to people.
    field_class, form_type: of the field and its document, to choose by.
    rank:        0 for ordinary post; what is lower comes first, whatever its target.
    due_at:      by when the piece should be done.
    version:     raised with every change but that of a draft.
    person_id:   who holds it or did it, or held it last.  holder: on which of their screens; None once
                 it was given up there.
    draft:       what they have keyed so far, and not sent.
    entry:       where they are asked once more, what they keyed first.
    note:        why it was referred, in the words of whoever referred it.
    settled_at:  when the field got its value by it; None if by another task, or not yet.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("document_id", "field", "kind", "ordinal"),
        Index(
            "ix_tasks_open",
            "queue",
            "rank",
            "due_at",
            "id",
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        Index("ix_tasks_held", "person_id", "id", sqlite_where=_IS_CLAIMED, postgresql_where=_IS_CLAIMED),
        # Whatever a page asks for: nobody gets a second task of the same field.
        Index(
            "uq_tasks_one_each",
            "document_id",
            "field",
            "person_id",
            unique=True,
            sqlite_where=_IS_SOMEBODYS,
            postgresql_where=_IS_SOMEBODYS,
        ),
        CheckConstraint("ordinal >= 1", name="ordinal"),
        CheckConstraint("(state = 'claimed') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("state <> 'claimed' OR person_id IS NOT NULL", name="person"),
    )

    id: Mapped[Key]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    field: Mapped[str] = mapped_column(String(100), default="")
    kind: Mapped[TaskKind]
    ordinal: Mapped[int] = mapped_column(default=1)
    mode: Mapped[ReviewMode] = mapped_column(default=ReviewMode.CONFIRM)
    queue: Mapped[Queue] = mapped_column(default=Queue.READING)
    field_class: Mapped[str] = mapped_column(String(100), default="")
    form_type: Mapped[str | None] = mapped_column(String(100))
    rank: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    state: Mapped[TaskState] = mapped_column(default=TaskState.OPEN)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(BIG)
    holder: Mapped[str | None] = mapped_column(String(64))
    fence: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    draft: Mapped[JsonObject | None]
    entry: Mapped[JsonObject | None]
    note: Mapped[Prose] = mapped_column(default="")
    settled_at: Mapped[datetime | None]


class EntryRow(Base):
    """What one person did with one task. The database refuses to change or delete it: taking back is an entry as well.

    key:    made by whoever sends it; sent twice, it takes effect once.
    person: the name at that time.  role: in which they did it.
    value, text: what was keyed, normalised and as written; `text` is the note where a task was referred.
    status: what the field is by this entry alone; None where it says nothing of it.
    fence:  of the claim under which it was made.
    before: what it changed, as it was: to be put back if the entry is taken back.
    undoes: the entry that this one takes back.
    """

    __tablename__ = "entries"
    __table_args__ = (
        Index("ix_entries_task_id_person_id", "task_id", "person_id"),
        Index("ix_entries_person_id_id", "person_id", "id"),
        CheckConstraint("(action = 'undo') = (undoes IS NOT NULL)", name="undo"),
        CheckConstraint("(action = 'refer') = (reason IS NOT NULL)", name="refer"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(64), unique=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    person_id: Mapped[int] = mapped_column(BIG)
    person: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    action: Mapped[Act]
    outcome: Mapped[Outcome]
    reason: Mapped[ReferReason | None]
    status: Mapped[str | None] = mapped_column(String(20))
    value: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    text: Mapped[Prose] = mapped_column(default="")
    fence: Mapped[int]
    before: Mapped[JsonObject] = mapped_column(default=dict)
    undoes: Mapped[int | None] = mapped_column(ForeignKey("entries.id"), unique=True)
