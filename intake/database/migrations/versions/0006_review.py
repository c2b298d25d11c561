"""Tasks with queue, mode, target, version and draft; and what people did, which is never changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)

_KINDS = ("confirm", "key", "double_key", "adjudicate", "sample", "identify")
_STATES = ("open", "claimed", "done", "withdrawn")
_MODES = ("confirm", "blind", "double")
_QUEUES = ("reading", "business", "referred", "adjudication", "identify")
_ACTS = ("value", "blank", "unreadable", "not_found", "refer", "skip", "identify", "undo")
_OUTCOMES = ("settled", "again", "second", "adjudication", "referred", "skipped", "identified", "undone")
_REASONS = (
    "hard_to_read",
    "wrong_place",
    "two_answers",
    "changed_by_hand",
    "wrong_form",
    "needs_a_decision",
    "other",
)
_IS_OPEN = "state IN ('open', 'claimed')"
_KEEPING = (
    "CREATE TEMPORARY TABLE kept AS"
    " SELECT id, document_id, field, kind, ordinal, state, state_since, created_at, fence, entry FROM tasks"
)


def upgrade() -> None:
    # Made anew on both databases: SQLite cannot add what is never empty, nor take a column away. A task that was
    # claimed is open again: there was no screen on which anybody could have claimed it.
    op.execute(_KEEPING)
    op.drop_table("tasks")
    _new_tasks()
    op.execute(
        "INSERT INTO tasks (id, document_id, field, kind, ordinal, mode, queue, field_class, form_type, rank,"
        " due_at, state, state_since, created_at, fence, version, entry, note)"
        " SELECT kept.id, kept.document_id, kept.field, kept.kind, kept.ordinal, 'confirm',"
        " CASE WHEN kept.kind = 'identify' THEN 'identify' ELSE 'reading' END, coalesce(fields.field_class, ''),"
        " documents.form_type, 0, kept.created_at, CASE WHEN kept.state = 'claimed' THEN 'open' ELSE kept.state END,"
        " kept.state_since, kept.created_at, kept.fence, 0, kept.entry, ''"
        " FROM kept JOIN documents ON documents.id = kept.document_id"
        " LEFT JOIN fields ON fields.document_id = kept.document_id AND fields.name = kept.field"
    )
    _forget_kept()
    op.create_table(
        "entries",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("task_id", _BIG, nullable=False),
        sa.Column("person_id", _BIG, nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(20), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=True),
        sa.Column("value", sa.JSON(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("undoes", _BIG, nullable=True),
        sa.CheckConstraint("(action = 'undo') = (undoes IS NOT NULL)", name="ck_entries_undo"),
        sa.CheckConstraint("(action = 'refer') = (reason IS NOT NULL)", name="ck_entries_refer"),
        _one_of("entries", "action", _ACTS),
        _one_of("entries", "outcome", _OUTCOMES),
        _one_of("entries", "reason", _REASONS),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_entries_task_id"),
        sa.ForeignKeyConstraint(["undoes"], ["entries.id"], name="fk_entries_undoes"),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.UniqueConstraint("key", name="uq_entries_key"),
        sa.UniqueConstraint("undoes", name="uq_entries_undoes"),
    )
    op.create_index("ix_entries_task_id_person_id", "entries", ["task_id", "person_id"])
    op.create_index("ix_entries_person_id_id", "entries", ["person_id", "id"])
    _refuse_changes("entries")


def downgrade() -> None:
    op.drop_table("entries")
    op.execute(_KEEPING)
    op.drop_table("tasks")
    _old_tasks()
    op.execute(
        "INSERT INTO tasks (id, document_id, field, kind, ordinal, state, state_since, created_at, fence, entry)"
        " SELECT id, document_id, field, kind, ordinal, CASE WHEN state = 'claimed' THEN 'open' ELSE state END,"
        " state_since, created_at, fence, entry FROM kept"
    )
    _forget_kept()


def _forget_kept() -> None:
    op.execute("DROP TABLE kept")
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('tasks', 'id'), greatest((SELECT max(id) FROM tasks), 1),"
            " (SELECT count(*) FROM tasks) > 0)"
        )


def _one_of(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=f"ck_{table}_{column}")


def _index(name: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, "tasks", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _new_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("document_id", _BIG, nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("queue", sa.String(20), nullable=False),
        sa.Column("field_class", sa.String(length=100), nullable=False),
        sa.Column("form_type", sa.String(length=100), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("person_id", _BIG, nullable=True),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("draft", sa.JSON(), nullable=True),
        sa.Column("entry", sa.JSON(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("settled_at", _MOMENT, nullable=True),
        sa.CheckConstraint("(state = 'claimed') = (lease_until IS NOT NULL)", name="ck_tasks_lease"),
        sa.CheckConstraint("ordinal >= 1", name="ck_tasks_ordinal"),
        sa.CheckConstraint("state <> 'claimed' OR person_id IS NOT NULL", name="ck_tasks_person"),
        _one_of("tasks", "kind", _KINDS),
        _one_of("tasks", "state", _STATES),
        _one_of("tasks", "mode", _MODES),
        _one_of("tasks", "queue", _QUEUES),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_tasks_document_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("document_id", "field", "kind", "ordinal", name="uq_tasks_document_id_field_kind_ordinal"),
    )
    _index("ix_tasks_open", ["queue", "rank", "due_at", "id"], _IS_OPEN)
    _index("ix_tasks_held", ["person_id", "id"], "state = 'claimed'")
    _index("uq_tasks_one_each", ["document_id", "field", "person_id"], "state IN ('claimed', 'done')", unique=True)


def _old_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("document_id", _BIG, nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("person", sa.String(length=200), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("entry", sa.JSON(), nullable=True),
        sa.CheckConstraint("(state = 'claimed') = (lease_until IS NOT NULL)", name="ck_tasks_lease"),
        sa.CheckConstraint("ordinal >= 1", name="ck_tasks_ordinal"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_tasks_document_id"),
        _one_of("tasks", "kind", _KINDS),
        _one_of("tasks", "state", _STATES),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("document_id", "field", "kind", "ordinal", name="uq_tasks_document_id_field_kind_ordinal"),
    )
    _index("ix_tasks_open", ["kind", "state_since", "id"], _IS_OPEN)


def _refuse_changes(table: str) -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END"
        )
