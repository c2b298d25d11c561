"""The first tables.

A migration never imports our code: it must still make the same tables when the code has moved on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers rows by itself for INTEGER keys only.
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)

_MAIL_STATES = ("in_work", "in_review", "published", "quarantined", "rejected")
_DOCUMENT_STATES = ("review", "complete", "failed", "published")
_STEPS = ("unpack", "read", "publish")
_STEP_STATES = ("ready", "running", "waiting", "done", "quarantined", "cancelled")
_TASKS = ("confirm", "key", "double_key", "adjudicate", "sample", "identify")
_TASK_STATES = ("open", "claimed", "done", "withdrawn")
_LABELS = ("content", "blank", "separator", "failed")
_KINDS = ("text", "date", "integer", "money", "choice", "signature", "barcode")
_STATUSES = ("accepted", "review", "confirmed", "corrected", "blank", "unreadable", "not_found")
_CAUSES = (
    "empty",
    "unknown_format",
    "damaged",
    "encrypted",
    "too_large",
    "too_slow",
    "crashed",
    "not_accessible",
    "no_space",
    "failed",
)
# What was once written there stays as it was.
_APPEND_ONLY = ("audit", "revisions")
_TABLES = (
    "audit_head",
    "audit",
    "sequences",
    "outbox",
    "revisions",
    "records",
    "idempotency_keys",
    "steps",
    "tasks",
    "fields",
    "pages",
    "documents",
    "pieces",
    "files",
    "batches",
)


def upgrade() -> None:
    _mail()
    _readings()
    _work()
    _records()
    _audit()
    for table in _APPEND_ONLY:
        _refuse_changes(table)
    op.bulk_insert(sa.table("sequences", sa.column("name"), sa.column("value")), [{"name": "publication", "value": 0}])
    head = sa.table("audit_head", sa.column("id"), sa.column("length"), sa.column("hash"))
    op.bulk_insert(head, [{"id": 1, "length": 0, "hash": "0" * 64}])


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")


def _one_of(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=f"ck_{table}_{column}")


def _small_index(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def _refuse_changes(table: str) -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION '% is never changed', TG_TABLE_NAME; END $$"
        )
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


def _mail() -> None:
    op.create_table(
        "batches",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("operator", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("expected_files", sa.Integer(), nullable=True),
        sa.Column("expected_pages", sa.Integer(), nullable=True),
        sa.Column("expected_pieces", sa.Integer(), nullable=True),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.CheckConstraint("file_count >= 0", name="ck_batches_file_count"),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        sa.UniqueConstraint("public_id", name="uq_batches_public_id"),
    )
    op.create_table(
        "files",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", _BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=1024), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", _BIG, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=True),
        sa.Column("piece_count", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(20), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.CheckConstraint("length(sha256) = 64", name="ck_files_sha256"),
        sa.CheckConstraint("position >= 1", name="ck_files_position"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_files_batch_id"),
        _one_of("files", "state", _MAIL_STATES),
        _one_of("files", "cause", _CAUSES),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.UniqueConstraint("batch_id", "position", name="uq_files_batch_id_position"),
        sa.UniqueConstraint("public_id", name="uq_files_public_id"),
    )
    op.create_index("ix_files_sha256", "files", ["sha256"])
    op.create_index("ix_files_state_state_since", "files", ["state", "state_since"])
    op.create_table(
        "pieces",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", _BIG, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("cause", sa.String(20), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.CheckConstraint("ordinal >= 1", name="ck_pieces_ordinal"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_pieces_file_id"),
        _one_of("pieces", "state", _MAIL_STATES),
        _one_of("pieces", "cause", _CAUSES),
        sa.PrimaryKeyConstraint("id", name="pk_pieces"),
        sa.UniqueConstraint("file_id", "ordinal", name="uq_pieces_file_id_ordinal"),
        sa.UniqueConstraint("public_id", name="uq_pieces_public_id"),
    )
    op.create_index("ix_pieces_file_id_state", "pieces", ["file_id", "state"])
    op.create_index("ix_pieces_state_state_since", "pieces", ["state", "state_since"])
    op.create_table(
        "documents",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("piece_id", _BIG, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("form_type", sa.String(length=100), nullable=True),
        sa.Column("edition", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("regions", sa.JSON(), nullable=False),
        sa.Column("failures", sa.JSON(), nullable=False),
        sa.CheckConstraint("ordinal >= 1", name="ck_documents_ordinal"),
        sa.ForeignKeyConstraint(["piece_id"], ["pieces.id"], name="fk_documents_piece_id"),
        _one_of("documents", "state", _DOCUMENT_STATES),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("piece_id", "ordinal", name="uq_documents_piece_id_ordinal"),
    )
    op.create_index("ix_documents_form_type_state", "documents", ["form_type", "state"])
    op.create_table(
        "pages",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("file_id", _BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("piece_id", _BIG, nullable=True),
        sa.Column("document_id", _BIG, nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("label", sa.String(20), nullable=True),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.CheckConstraint("number >= 1", name="ck_pages_number"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_pages_document_id"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_pages_file_id"),
        sa.ForeignKeyConstraint(["piece_id"], ["pieces.id"], name="fk_pages_piece_id"),
        _one_of("pages", "state", _MAIL_STATES),
        _one_of("pages", "label", _LABELS),
        sa.PrimaryKeyConstraint("id", name="pk_pages"),
        sa.UniqueConstraint("file_id", "number", name="uq_pages_file_id_number"),
    )
    op.create_index("ix_pages_document_id", "pages", ["document_id"])
    op.create_index("ix_pages_piece_id", "pages", ["piece_id"])
    op.create_index("ix_pages_state_state_since", "pages", ["state", "state_since"])


def _readings() -> None:
    op.create_table(
        "fields",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("document_id", _BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("field_class", sa.String(length=100), nullable=False),
        sa.Column("value", sa.JSON(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("readings", sa.JSON(), nullable=False),
        sa.Column("decision", sa.JSON(), nullable=False),
        sa.CheckConstraint("confidence IS NULL OR (confidence >= 0 AND confidence <= 1)", name="ck_fields_confidence"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_fields_document_id"),
        _one_of("fields", "kind", _KINDS),
        _one_of("fields", "status", _STATUSES),
        sa.PrimaryKeyConstraint("id", name="pk_fields"),
        sa.UniqueConstraint("document_id", "name", name="uq_fields_document_id_name"),
    )
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
        _one_of("tasks", "kind", _TASKS),
        _one_of("tasks", "state", _TASK_STATES),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("document_id", "field", "kind", "ordinal", name="uq_tasks_document_id_field_kind_ordinal"),
    )
    _small_index("ix_tasks_open", "tasks", ["kind", "state_since", "id"], "state IN ('open', 'claimed')")


def _work() -> None:
    op.create_table(
        "steps",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("file_id", _BIG, nullable=True),
        sa.Column("piece_id", _BIG, nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", _BIG, nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("not_before", _MOMENT, nullable=True),
        sa.Column("cause", sa.String(20), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(name = 'unpack' AND file_id IS NOT NULL AND piece_id IS NULL)"
            " OR (name <> 'unpack' AND file_id IS NULL AND piece_id IS NOT NULL)",
            name="ck_steps_subject",
        ),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="ck_steps_lease"),
        sa.CheckConstraint("(state = 'waiting') = (not_before IS NOT NULL)", name="ck_steps_wait"),
        sa.CheckConstraint("state <> 'quarantined' OR problem IS NOT NULL", name="ck_steps_reason"),
        sa.CheckConstraint("attempts >= 0 AND fence >= attempts", name="ck_steps_attempts"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_steps_file_id"),
        sa.ForeignKeyConstraint(["piece_id"], ["pieces.id"], name="fk_steps_piece_id"),
        _one_of("steps", "name", _STEPS),
        _one_of("steps", "state", _STEP_STATES),
        _one_of("steps", "cause", _CAUSES),
        sa.PrimaryKeyConstraint("id", name="pk_steps"),
        sa.UniqueConstraint("file_id", "name", "round", name="uq_steps_file_id_name_round"),
        sa.UniqueConstraint("piece_id", "name", "round", name="uq_steps_piece_id_name_round"),
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )
    _small_index("ix_steps_quarantined", "steps", ["state_since", "id"], "state = 'quarantined'")
    _small_index("ix_steps_ready", "steps", ["name", "state_since", "id"], "state = 'ready'")
    _small_index("ix_steps_running", "steps", ["id"], "state = 'running'")
    _small_index("ix_steps_waiting", "steps", ["not_before", "id"], "state = 'waiting'")
    op.create_table(
        "idempotency_keys",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("batch_id", _BIG, nullable=True),
        sa.Column("answer_status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_idempotency_keys_batch_id"),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency_keys"),
        sa.UniqueConstraint("scope", "key", name="uq_idempotency_keys_scope_key"),
    )
    op.create_index("ix_idempotency_keys_batch_id", "idempotency_keys", ["batch_id"])
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _records() -> None:
    op.create_table(
        "records",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", _BIG, nullable=False),
        sa.Column("latest_revision", sa.Integer(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_records_document_id"),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
        sa.UniqueConstraint("document_id", name="uq_records_document_id"),
    )
    op.create_index("ix_records_public_id", "records", ["public_id"])
    op.create_table(
        "revisions",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("record_id", _BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sequence", _BIG, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", _MOMENT, nullable=False),
        sa.CheckConstraint("length(body_sha256) = 64", name="ck_revisions_body_sha256"),
        sa.CheckConstraint("number >= 1", name="ck_revisions_number"),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_revisions_record_id"),
        sa.PrimaryKeyConstraint("id", name="pk_revisions"),
        sa.UniqueConstraint("record_id", "number", name="uq_revisions_record_id_number"),
        sa.UniqueConstraint("sequence", name="uq_revisions_sequence"),
    )
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
    _small_index("ix_outbox_not_sent", "outbox", ["id"], "sent_at IS NULL")
    op.create_table(
        "sequences",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sequences"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", _BIG, autoincrement=False, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(hash) = 64 AND length(prev_hash) = 64", name="ck_audit_hashes"),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    op.create_index("ix_audit_subject_sequence", "audit", ["subject", "sequence"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("length", _BIG, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
