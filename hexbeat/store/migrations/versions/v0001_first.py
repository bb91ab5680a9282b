"""The first schema: events and their versions, batches, files, rejects, the store's state.

The tables are written out here, not taken from hexbeat.store.schema: a migration must make tomorrow what it makes
today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE = sa.text("superseded_at IS NULL")
_CLOSED = sa.text("superseded_batch IS NOT NULL")
# What must not be sampled into PostgreSQL's statistics, where an erasure would not reach it.
_UNSAMPLED = {
    "events": ("event_id", "source_id", "lon", "lat", "h3_10", "h3_11", "note"),
    "rejects": ("raw",),
}


def upgrade() -> None:
    """Make the tables and their indexes, and the one row of state."""
    _make_events()
    _make_batches()
    _make_rejects()
    op.create_table(
        "store_state",
        sa.Column("one", sa.SmallInteger, sa.CheckConstraint("one = 1", name="store_state_one"), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("rewritten", sa.BigInteger, nullable=False),
        sa.Column("erasure_pending", sa.Boolean, nullable=False),
    )
    op.execute("INSERT INTO store_state (one, version, rewritten, erasure_pending) VALUES (1, 0, 0, FALSE)")
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _UNSAMPLED.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("row_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("layer", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("lon", sa.Float(53), nullable=False),
        sa.Column("lat", sa.Float(53), nullable=False),
        sa.Column("occurred_from", sa.BigInteger, nullable=False),
        sa.Column("occurred_to", sa.BigInteger, nullable=False),
        sa.Column("time_precision", sa.Text, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("reported_by", sa.Text, nullable=False),
        sa.Column("status", sa.Text),
        *(sa.Column(f"h3_{resolution:02d}", sa.BigInteger, nullable=False) for resolution in (8, 9, 10, 11)),
        sa.Column("ward_code", sa.Text, nullable=False),
        sa.Column("scope", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("superseded_at", sa.BigInteger),
        sa.Column("superseded_batch", sa.BigInteger),
        sa.CheckConstraint("occurred_to >= occurred_from", name="events_interval"),
        sa.CheckConstraint("quantity >= 1", name="events_quantity"),
        sa.CheckConstraint("(superseded_at IS NULL) = (superseded_batch IS NULL)", name="events_superseded"),
        sqlite_autoincrement=True,
    )
    _index_some("events_one_live", ["source", "source_id"], _LIVE, unique=True)
    _index_some("events_scope", ["source", "scope"], _LIVE)
    op.create_index("events_event_id", "events", ["event_id"])
    op.create_index("events_batch", "events", ["batch_id"])
    _index_some("events_superseded_batch", ["superseded_batch"], _CLOSED)


def _index_some(name: str, columns: list[str], rows: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, "events", columns, unique=unique, sqlite_where=rows, postgresql_where=rows)


def _make_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("batch_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("new", "updated", "unchanged", "removed", "rejected")
        ),
        sa.Column("undone_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "batch_files",
        sa.Column("batch_id", sa.BigInteger, sa.ForeignKey("batches.batch_id"), primary_key=True),
        sa.Column("file_no", sa.Integer, primary_key=True),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("snapshot", sa.Boolean, nullable=False),
        sa.Column("tally", sa.Text, nullable=False),
    )


def _make_rejects() -> None:
    op.create_table(
        "rejects",
        sa.Column("reject_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("batch_id", sa.BigInteger, sa.ForeignKey("batches.batch_id"), nullable=False),
        sa.Column("file_no", sa.Integer, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("rejects_batch", "rejects", ["batch_id"])
