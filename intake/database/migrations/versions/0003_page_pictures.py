"""Pictures of pages, for people to look at."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "page_pictures",
        sa.Column("page_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("dpi", sa.Integer(), nullable=True),
        sa.Column("transform", sa.JSON(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(sha256 IS NULL) = (problem IS NOT NULL)", name="ck_page_pictures_problem"),
        sa.ForeignKeyConstraint(["page_id"], ["pages.id"], name="fk_page_pictures_page_id"),
        sa.PrimaryKeyConstraint("page_id", name="pk_page_pictures"),
    )
    op.create_index("ix_page_pictures_sha256", "page_pictures", ["sha256"])


def downgrade() -> None:
    op.drop_table("page_pictures")
