"""Indexes for those who look at the day in numbers and for batches by their date."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_READ = sa.text("name = 'read' AND state = 'done'")


def upgrade() -> None:
    op.create_index("ix_batches_received_on", "batches", ["received_on"])
    op.create_index("ix_batches_received_at", "batches", ["received_at"])
    op.create_index("ix_steps_read", "steps", ["state_since", "piece_id"], sqlite_where=_READ, postgresql_where=_READ)


def downgrade() -> None:
    op.drop_index("ix_steps_read", "steps")
    op.drop_index("ix_batches_received_at", "batches")
    op.drop_index("ix_batches_received_on", "batches")
