"""Reports of needles that nobody has answered yet, by the status that their source gave them."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from layers.access import Action, Viewer, require
from layers.live import LIVE
from layers.storage.schema import events
from layers.storage.state import reading

if TYPE_CHECKING:
    from layers.storage.store import Store

__all__ = ["OPEN_STATUSES", "REPORT_COLUMNS", "read_open_reports"]

# What sources say of a report that is not answered (Open311: open; councils' systems: the rest), in small letters.
OPEN_STATUSES: Final = ("open", "new", "received", "acknowledged", "assigned", "in progress", "in_progress", "pending")
REPORT_COLUMNS: Final = ("lon", "lat", "ward_code", "h3_10", "occurred_from", "occurred_to", "quantity")
_LAYER: Final = "needle_litter"


def read_open_reports(store: "Store", viewer: Viewer, *, ward_codes: tuple[str, ...]) -> pd.DataFrame:
    """The open reports of needles in these wards, the oldest first: REPORT_COLUMNS, times in UTC seconds, h3 uint64.

    A status that a source does not give, or that is not one of OPEN_STATUSES, is taken as answered.
    """
    require(viewer, Action.PLAN, _LAYER)
    require(viewer, Action.SEE_POINTS, _LAYER)
    condition = sa.and_(LIVE, events.c.layer == _LAYER, sa.func.lower(events.c.status).in_(OPEN_STATUSES))
    query = sa.select(*(events.c[name] for name in REPORT_COLUMNS)).where(condition)
    with reading(store.engine) as connection:
        rows = connection.execute(query.order_by(events.c.occurred_from, events.c.row_id)).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(REPORT_COLUMNS))
    frame = frame[frame["ward_code"].isin(ward_codes)].reset_index(drop=True)
    kinds = {"lon": np.float64, "lat": np.float64, "h3_10": np.uint64}
    return frame.astype(kinds | dict.fromkeys(("occurred_from", "occurred_to", "quantity"), np.int64))
