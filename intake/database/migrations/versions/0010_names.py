"""Names of people in an index of their own, to be looked through without reading the fields."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NAMES = sa.text("field_class = 'name' AND length(text) <= 200")


def upgrade() -> None:
    columns = ["document_id", "text", "field_class"]
    op.create_index("ix_fields_names", "fields", columns, sqlite_where=_NAMES, postgresql_where=_NAMES)


def downgrade() -> None:
    op.drop_index("ix_fields_names", "fields")
