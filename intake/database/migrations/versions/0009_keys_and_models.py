"""Keys of programs that call, as digests; and the model files that have ever read here."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_IN_USE = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.CheckConstraint("length(digest) = 64", name="ck_api_keys_digest"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.create_index("ix_api_keys_in_use", "api_keys", ["name"], sqlite_where=_IN_USE, postgresql_where=_IN_USE)
    op.create_table(
        "model_files",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("recipe", sa.String(length=100), nullable=False),
        sa.Column("noted_at", _MOMENT, nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name="ck_model_files_sha256"),
        sa.PrimaryKeyConstraint("sha256", name="pk_model_files"),
    )


def downgrade() -> None:
    op.drop_table("model_files")
    op.drop_table("api_keys")
