"""Workers, tallies and reconciliations: what an operator watches."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("idle_since", _MOMENT, nullable=True),
        sa.Column("step", sa.String(length=20), nullable=True),
        sa.Column("steps_done", sa.Integer(), nullable=False),
        sa.CheckConstraint("step IN ('unpack', 'read', 'publish')", name="ck_workers_name"),
        sa.PrimaryKeyConstraint("name", name="pk_workers"),
    )
    op.create_table(
        "tallies",
        sa.Column("metric", sa.String(length=40), nullable=False),
        sa.Column("labels", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("metric", "labels", name="pk_tallies"),
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.Column("difference", sa.Integer(), nullable=False),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.CheckConstraint("difference >= 0", name="ck_reconciliations_difference"),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliations"),
    )


def downgrade() -> None:
    for table in ("reconciliations", "tallies", "workers"):
        op.drop_table(table)
