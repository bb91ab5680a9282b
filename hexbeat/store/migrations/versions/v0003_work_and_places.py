"""Work done (visits), reference places, and the loads by which either came in.

Both have a version of their own (`store_state.work`), so that recording a visit does not discard cached results that
were computed from events.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE = sa.text("superseded_at IS NULL")
_IN_FORCE = sa.text("superseded_load IS NULL")
# What must not be sampled into PostgreSQL's statistics, where an erasure would not reach it.
_UNSAMPLED = ("visit_id", "plan_id", "stop_id", "ref", "team", "place", "cell", "lon", "lat", "started_at")


def upgrade() -> None:
    """Make the tables and their indexes, and the counter."""
    op.add_column("store_state", sa.Column("work", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "work_loads",
        sa.Column("load_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("tally", sa.Text, nullable=False),
        sa.Column("undone_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    _make_visits()
    _make_places()
    if op.get_bind().dialect.name == "postgresql":
        for column in _UNSAMPLED:
            op.execute(f"ALTER TABLE visits ALTER COLUMN {column} SET STATISTICS 0")


def _make_visits() -> None:
    op.create_table(
        "visits",
        sa.Column("row_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("visit_id", sa.Text, nullable=False),
        sa.Column("plan_id", sa.Text),
        sa.Column("stop_id", sa.Text),
        sa.Column("ref", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("cell", sa.Text, nullable=False),
        sa.Column("ward_code", sa.Text, nullable=False),
        sa.Column("lon", sa.Float(53), nullable=False),
        sa.Column("lat", sa.Float(53), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("needles", sa.BigInteger),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("load_id", sa.BigInteger, sa.ForeignKey("work_loads.load_id")),
        sa.Column("replaces", sa.BigInteger),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("superseded_at", sa.BigInteger),
        sa.CheckConstraint("minutes >= 0", name="visits_minutes"),
        sa.CheckConstraint("needles >= 0", name="visits_needles"),
        sa.CheckConstraint("kind IN ('patrol', 'sweep')", name="visits_kind"),
        sa.CheckConstraint("outcome IN ('done', 'not_done')", name="visits_outcome"),
        sqlite_autoincrement=True,
    )
    op.create_index("visits_one_live", "visits", ["visit_id"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)
    op.create_index("visits_started", "visits", ["started_at"], sqlite_where=_LIVE, postgresql_where=_LIVE)
    op.create_index("visits_load", "visits", ["load_id"])


def _make_places() -> None:
    op.create_table(
        "reference_places",
        sa.Column("row_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("load_id", sa.BigInteger, sa.ForeignKey("work_loads.load_id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("lon", sa.Float(53), nullable=False),
        sa.Column("lat", sa.Float(53), nullable=False),
        sa.Column("ward_code", sa.Text, nullable=False),
        sa.Column("hours", sa.Text),
        sa.Column("superseded_load", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "reference_places_kind", "reference_places", ["kind"], sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE
    )
