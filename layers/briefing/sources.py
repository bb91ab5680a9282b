"""How fresh each source is."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layers.areas import Area
from layers.catalogue import LAYERS, find_layer
from layers.columns import Columns
from layers.moments import from_seconds
from layers.periods import find_known_period

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SourceLine", "build_source_lines"]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source of a layer, its newest record's local day (None: it has none), and how many days ago that was."""

    source: str
    layer: str
    last: dt.date | None
    days_old: int | None


def build_source_lines(
    columns: Columns, area: Area, summary: "pd.DataFrame | None", *, today: dt.date
) -> tuple[SourceLine, ...]:
    """A line for each source and layer of layers.quality's summary; without it a line a layer."""
    if summary is None:
        known = [(spec.title, find_known_period(columns, spec.name, time_zone=area.time_zone)) for spec in LAYERS]
        lasts = [(title, period[1] - dt.timedelta(days=1)) for title, period in known if period]
        return tuple(SourceLine("all sources", title, day, (today - day).days) for title, day in lasts)
    lines = []
    for row in summary[summary["layer"].notna()].to_dict("records"):
        last = from_seconds(int(row["last_record"])).astimezone(area.tz).date()
        lines.append(SourceLine(str(row["source"]), find_layer(str(row["layer"])).title, last, (today - last).days))
    return tuple(lines)
