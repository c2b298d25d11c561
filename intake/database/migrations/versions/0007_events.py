"""Events of every kind in the outbox, webhooks and deliveries, and when a batch is complete."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_NOT_SENT = "sent_at IS NULL"
_WAITING = "state = 'waiting'"
_OPEN = "state IN ('waiting', 'sending')"
_SENDING = "state = 'sending'"

_WEBHOOK_STATES = ("active", "disabled", "removed")
_DELIVERY_STATES = ("waiting", "sending", "delivered", "dead")
_OUTCOMES = (
    "delivered",
    "refused_address",
    "no_connection",
    "too_slow",
    "broken_answer",
    "redirected",
    "gone",
    "rejected",
    "cannot_sign",
    "lost",
    "switched_off",
)


def upgrade() -> None:
    op.create_table(
        "completions",
        sa.Column("batch_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("completed_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_completions_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", name="pk_completions"),
    )
    op.create_index("ix_files_batch_id_state", "files", ["batch_id", "state"])
    _make_outbox_anew()
    op.create_table(
        "webhooks",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("with_record", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_until", _MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", _MOMENT, nullable=True),
        sa.Column("paused_until", _MOMENT, nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        _one_of("webhooks", "state", _WEBHOOK_STATES),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        sa.UniqueConstraint("public_id", name="uq_webhooks_public_id"),
    )
    op.create_index("ix_webhooks_state", "webhooks", ["state"])
    op.create_table(
        "deliveries",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", _BIG, nullable=False),
        sa.Column("outbox_id", _BIG, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("not_before", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        _one_of("deliveries", "state", _DELIVERY_STATES),
        _one_of("deliveries", "outcome", _OUTCOMES),
        sa.CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="ck_deliveries_lease"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id"),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name="fk_deliveries_outbox_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("public_id", name="uq_deliveries_public_id"),
        sa.UniqueConstraint("webhook_id", "outbox_id", name="uq_deliveries_webhook_id_outbox_id"),
    )
    _index("ix_deliveries_waiting", "deliveries", ["webhook_id", "not_before", "id"], _WAITING)
    _index("ix_deliveries_open", "deliveries", ["webhook_id", "subject", "id"], _OPEN)
    _index("ix_deliveries_sending", "deliveries", ["lease_until"], _SENDING)
    op.create_index("ix_deliveries_outbox_id", "deliveries", ["outbox_id"])
    op.create_index("ix_deliveries_webhook_id_state", "deliveries", ["webhook_id", "state", "state_since"])
    op.create_index("ix_deliveries_state", "deliveries", ["state", "state_since"])
    # Held by whoever hands events on to receivers: one at a time, or their order would be lost.
    op.execute("INSERT INTO sequences (name, value) VALUES ('fan-out', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM sequences WHERE name = 'fan-out'")
    op.drop_table("deliveries")
    op.drop_table("webhooks")
    op.execute(
        "CREATE TEMPORARY TABLE kept AS SELECT id, revision_id, event, created_at, sent_at FROM outbox"
        " WHERE revision_id IS NOT NULL"
    )
    op.drop_table("outbox")
    op.create_table(
        "outbox",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("revision_id", _BIG, nullable=False),
        sa.Column("event", sa.String(length=100), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_outbox_revision_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("revision_id", name="uq_outbox_revision_id"),
    )
    op.execute(
        "INSERT INTO outbox (id, revision_id, event, created_at, sent_at)"
        " SELECT id, revision_id, event, created_at, sent_at FROM kept"
    )
    _outbox_is_there()
    op.drop_index("ix_files_batch_id_state", "files")
    op.drop_table("completions")


def _make_outbox_anew() -> None:
    """SQLite cannot let a column be empty that never was."""
    op.execute("CREATE TEMPORARY TABLE kept AS SELECT id, revision_id, event, created_at, sent_at FROM outbox")
    op.drop_table("outbox")
    op.create_table(
        "outbox",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("revision_id", _BIG, nullable=True),
        sa.Column("event", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.CheckConstraint("(revision_id IS NULL) = (subject IS NOT NULL)", name="ck_outbox_subject"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_outbox_revision_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("public_id", name="uq_outbox_public_id"),
        sa.UniqueConstraint("revision_id", name="uq_outbox_revision_id"),
    )
    new_id = "gen_random_uuid()" if _is_postgresql() else "lower(hex(randomblob(16)))"
    op.execute(
        "INSERT INTO outbox (id, public_id, revision_id, event, created_at, sent_at)"
        " SELECT id, NEW_ID, revision_id, event, created_at, sent_at FROM kept".replace("NEW_ID", new_id)
    )
    _outbox_is_there()


def _outbox_is_there() -> None:
    _index("ix_outbox_not_sent", "outbox", ["id"], _NOT_SENT)
    op.execute("DROP TABLE kept")
    if _is_postgresql():
        op.execute(
            "SELECT setval(pg_get_serial_sequence('outbox', 'id'), greatest((SELECT max(id) FROM outbox), 1),"
            " (SELECT count(*) FROM outbox) > 0)"
        )


def _is_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _one_of(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=f"ck_{table}_{column}")


def _index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
