"""Rejects carry the natural key of their row, so that an erasure finds them by it.

Rejects that are there already stay as they are: their key is unknown (null).
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; PostgreSQL must not sample it into its statistics, where an erasure would not reach it."""
    op.add_column("rejects", sa.Column("source_id", sa.Text))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE rejects ALTER COLUMN source_id SET STATISTICS 0")
