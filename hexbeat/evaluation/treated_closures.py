"""Closures as treated places: a list for people to choose from, and selection by event_id."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from geo.calendar import Calendar
from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.areas.street_names import name_points
from hexbeat.evaluation.treated_places import TreatedPlace
from hexbeat.store.records import read_records
from layers.access import Action, Viewer, require
from layers.catalogue import LAYERS
from layers.columns import Columns, mark_states
from layers.wording import format_date

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = ["read_closures", "select_closures"]

_EPOCH: Final = dt.date(1970, 1, 1)


def read_closures(store: "Store", viewer: Viewer, columns: Columns, area: Area) -> pd.DataFrame:
    """All live closures, newest first: event_id, name, ward_code, ward_name, place, lon, lat, start, end (exclusive).

    The name says date and ward, as in "the closure of 3 Mar 2026 in Central". The place is that of the map's small
    cells, as in "Linthorpe Road, near Borough Road (Central)".
    """
    for spec in LAYERS:
        if spec.kind == "state":
            require(viewer, Action.SEE_POINTS, spec.name)
    closures = np.flatnonzero(mark_states(columns.layer))[::-1]
    records = read_records(store, viewer, columns.row_id[closures].tolist())
    event_id = dict(zip(records["row_id"], records["event_id"], strict=True))
    calendar = Calendar(area.time_zone)
    first_day, last_day = (
        calendar.days(columns.start[closures]),
        calendar.days(np.maximum(columns.end[closures] - 1, columns.start[closures])),
    )
    names = dict(zip(area.wards.codes, area.wards.names, strict=True))
    codes = [columns.ward_codes[place] if place >= 0 else "" for place in columns.ward[closures].tolist()]
    starts = [_EPOCH + dt.timedelta(days=day) for day in first_day.tolist()]
    frame = pd.DataFrame(
        {
            "event_id": [event_id.get(row) for row in columns.row_id[closures].tolist()],
            "name": [
                f"the closure of {format_date(day)} in {names.get(code, 'no ward')}"
                for day, code in zip(starts, codes, strict=True)
            ],
            "ward_code": codes,
            "ward_name": [names.get(code, "") for code in codes],
            "place": name_points(columns.lon[closures], columns.lat[closures], area),
            "lon": columns.lon[closures],
            "lat": columns.lat[closures],
            "start": starts,
            "end": [_EPOCH + dt.timedelta(days=day + 1) for day in last_day.tolist()],
        }
    )
    return frame[frame["event_id"].notna()].reset_index(drop=True)


def select_closures(closures: pd.DataFrame, event_ids: Sequence[str]) -> list[TreatedPlace]:
    """The closures of these ids, from `read_closures`, in this order; UsageError for an unknown one."""
    rows = {str(row["event_id"]): row for row in closures.to_dict("records")}
    places = []
    for event_id in dict.fromkeys(event_ids):
        if event_id not in rows:
            raise UsageError(
                "A closure is named by its event_id",
                f"there is no closed property {event_id!r} in this store",
                "see `hexbeat evaluate --list` for all of them",
            )
        row = rows[event_id]
        places.append(
            TreatedPlace(
                name=str(row["name"]),
                lon=round(float(row["lon"]), 6),
                lat=round(float(row["lat"]), 6),
                start=row["start"],
                end=row["end"],
                event_id=event_id,
            )
        )
    return places
