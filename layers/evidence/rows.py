"""The incidents of an evidence pack, one row each, and their sums by layer and month."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.areas import Area
from layers.catalogue import LAYER_NAMES, find_layer
from layers.columns import Columns
from layers.moments import from_seconds
from layers.quality import SHARED_EVENTS
from layers.wording import MONTH_NAMES, format_date

if TYPE_CHECKING:
    from layers.evidence.pack import EvidenceRequest

__all__ = ["build_incident_rows", "count_months", "count_totals"]

_SIDES: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def build_incident_rows(
    frame: pd.DataFrame,
    columns: Columns,
    chosen: NDArray[np.int64],
    distance: NDArray[np.float64],
    *,
    ask: "EvidenceRequest",
    area: Area,
) -> list[dict[str, Any]]:
    """A row for each record of `frame` (layers.storage.records), in the order of time, numbered from 1.

    `surely` says that the whole time to which it is known lies in the period; `shared_point` that at least
    SHARED_EVENTS live events have the very same coordinates, so that the publisher may have moved it there.
    """
    far = dict(zip(columns.row_id[chosen].tolist(), distance.tolist(), strict=True))
    low, high = ask.seconds(area.time_zone)
    ordered = frame.sort_values(["occurred_from", "layer", "source", "source_id"], ignore_index=True)
    rows = []
    for number, record in enumerate(ordered.to_dict("records"), start=1):
        start, end = int(record["occurred_from"]), int(record["occurred_to"])
        lon, lat = float(record["lon"]), float(record["lat"])
        state = find_layer(str(record["layer"])).kind == "state"
        rows.append(
            {
                "number": number,
                "layer": str(record["layer"]),
                "when": format_when(start, end, str(record["time_precision"]), state=state, area=area),
                "month": f"{from_seconds(start).astimezone(area.tz):%Y-%m}",
                "from": from_seconds(start).isoformat(),
                "to": from_seconds(end).isoformat(),
                "precision": str(record["time_precision"]),
                "surely": state or (start >= low and end <= high),
                "distance_m": round(far[int(record["row_id"])]),
                "side": find_direction(ask.lon, ask.lat, lon, lat),
                "lon": round(lon, 6),
                "lat": round(lat, 6),
                "shared_point": int(((columns.lon == lon) & (columns.lat == lat)).sum()) >= SHARED_EVENTS,
                "category": format_text(record["category"]),
                "quantity": int(record["quantity"]),
                "reported_by": str(record["reported_by"]),
                "status": format_text(record["status"]),
                "source": str(record["source"]),
                "source_id": str(record["source_id"]),
                **({"note": format_text(record.get("note"))} if ask.notes else {}),
            }
        )
    return rows


def format_text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def format_when(start: int, end: int, precision: str, *, state: bool, area: Area) -> str:
    """As in "21 Nov 2026, 14:05", "21 Nov 2026", "Oct 2026 (month only)", "24 Aug 2026 to 23 Nov 2026"."""
    first = from_seconds(start).astimezone(area.tz)
    last = from_seconds(max(end - 1, start)).astimezone(area.tz)
    if state or (precision != "month" and first.date() != last.date()):
        return f"{format_date(first.date())} to {format_date(last.date())}"
    if precision == "month":
        return f"{MONTH_NAMES[first.month - 1]} {first.year} (month only)"
    return f"{format_date(first.date())}, {first:%H:%M}" if precision == "minute" else format_date(first.date())


def find_direction(lon: float, lat: float, to_lon: float, to_lat: float) -> str:
    """On which side of the place a point lies, by the eight winds; "" at the place itself."""
    east, north = (to_lon - lon) * np.cos(np.radians(lat)), to_lat - lat
    if east == 0 and north == 0:
        return ""
    return _SIDES[round(float(np.degrees(np.arctan2(east, north))) / 45) % 8]


def count_totals(rows: Sequence[dict[str, Any]], layers: Sequence[str]) -> list[dict[str, Any]]:
    """For each layer how many records there are, and how many of them may lie outside the period."""
    return [
        {
            "layer": name,
            "records": sum(row["layer"] == name for row in rows),
            "unsure": sum(row["layer"] == name and not row["surely"] for row in rows),
        }
        for name in LAYER_NAMES
        if name in layers
    ]


def count_months(rows: Sequence[dict[str, Any]], layers: Sequence[str]) -> list[dict[str, Any]]:
    """For each month with a record how many began in it, by layer, the oldest first."""
    counts = Counter((row["month"], row["layer"]) for row in rows)
    months = sorted({month for month, _ in counts})
    return [
        {"month": month, **{name: counts[month, name] for name in LAYER_NAMES if name in layers}} for month in months
    ]
