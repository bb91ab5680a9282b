"""How well the source of each event knows its place.

Of what was loaded before, police.uk moves every record to one of its own points. The other sources did not say.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SNAPPED = ("police-uk-street", "police-uk-stop-search")


def upgrade() -> None:
    """Add the columns, and fill in what is known of every version of an event."""
    op.add_column("events", sa.Column("location_precision", sa.Text))
    op.add_column("events", sa.Column("location_precision_m", sa.Float(53)))
    events = sa.table("events", sa.column("source", sa.Text), sa.column("location_precision", sa.Text))
    op.execute(sa.update(events).where(events.c.source.in_(_SNAPPED)).values(location_precision="snapped"))
