"""Which days of a layer and source are complete.

Of what was loaded before only the events are left. A snapshot names its month, so its days are known; any other source
is taken for a running log, complete from its first record to its last.
"""

import datetime as dt
import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_EPOCH = dt.date(1970, 1, 1)
_DAY_S = 86_400


def upgrade() -> None:
    """Make the table, and fill it from the live events."""
    table = op.create_table(
        "coverage",
        sa.Column("row_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("batch_id", sa.BigInteger, sa.ForeignKey("batches.batch_id")),
        sa.Column("layer", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("first_day", sa.Integer, nullable=False),
        sa.Column("end_day", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("wards", sa.Text),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("end_day > first_day", name="coverage_days"),
        sa.CheckConstraint("kind IN ('load', 'open', 'set', 'cleared')", name="coverage_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("coverage_batch", "coverage", ["batch_id"])
    entries = _read_entries(op.get_bind())
    if entries:
        op.bulk_insert(table, entries)


def _read_entries(connection: sa.Connection) -> list[dict[str, object]]:
    """One entry for each layer, source, scope and load that brought live events."""
    rows = connection.execute(
        sa.text(
            "SELECT layer, source, scope, batch_id, MIN(occurred_from) AS first, MAX(occurred_from) AS last_start,"
            " MAX(occurred_to) AS last_end, MIN(recorded_at) AS recorded FROM events"
            " WHERE superseded_at IS NULL GROUP BY layer, source, scope, batch_id"
            " ORDER BY batch_id, layer, source, scope"
        )
    )
    return [_build_entry(row) for row in rows]


def _build_entry(row: sa.Row[tuple[object, ...]]) -> dict[str, object]:
    parts = (row.scope or "").split("|")
    month = next((part for part in parts if _MONTH.fullmatch(part)), None)
    if month is None:
        # A state's end says nothing about the records of the months that it runs.
        last = row.last_start if row.layer == "closed_properties" else max(row.last_start, row.last_end - 1)
        first_day, end_day, kind, scope = row.first // _DAY_S, last // _DAY_S + 1, "open", ""
    else:
        start = dt.date.fromisoformat(f"{month}-01")
        end = (start + dt.timedelta(days=31)).replace(day=1)
        first_day, end_day, kind = (start - _EPOCH).days, (end - _EPOCH).days, "load"
        scope = "|".join(part for part in parts if part != month)
    return {
        "batch_id": row.batch_id,
        "layer": row.layer,
        "source": row.source,
        "scope": scope,
        "first_day": first_day,
        "end_day": end_day,
        "kind": kind,
        "wards": None,
        "recorded_at": row.recorded,
    }
