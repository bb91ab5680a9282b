"""Documents that everybody who uses the store shares: plans, settings, releases, profiles and the like."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and the number that rises with every change of it."""
    op.create_table(
        "shared_documents",
        sa.Column(
            "document_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("superseded_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("shared_documents_revision", "shared_documents", ["kind", "name", "revision"], unique=True)
    in_force = sa.text("superseded_at IS NULL")
    op.create_index(
        "shared_documents_one_live",
        "shared_documents",
        ["kind", "name"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )
    op.add_column("store_state", sa.Column("documents", sa.BigInteger, nullable=False, server_default="0"))
