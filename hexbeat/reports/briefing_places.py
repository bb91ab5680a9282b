"""The few places that a briefing names: hotspot groups, closures and cells of the forecast, each with its reason."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.sparse.csgraph import connected_components

from geo.calendar import Calendar
from geo.cells import format_cells
from hexbeat.analysis.forecast import build_forecast
from hexbeat.analysis.hotspot_map import HOT, HotspotMap, build_hotspot_map, explain_cell, is_too_quiet
from hexbeat.analysis.method_selection import SelectedMethod
from hexbeat.analysis.study import Study
from hexbeat.areas.area import Area
from layers.columns import Columns, mark_states
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import find_known_period

__all__ = ["ClosureLine", "ForecastLine", "PlaceLine", "build_forecast_lines", "find_closure_lines", "find_hot_places"]

RESOLUTION: Final = 9
_EPOCH: Final = dt.date(1970, 1, 1)
MOST_CELLS_A_LAYER: Final = 2
MOST_PLACES_A_LAYER: Final = 2


@dataclass(frozen=True, slots=True)
class ClosureLine:
    """A closure by its first and its last day, where it lies, and why it is named. Degrees are those of the event."""

    kind: Literal["new", "ending"]
    first_day: dt.date
    last_day: dt.date
    ward_code: str
    ward_name: str
    cell: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """A cell (H3) with the most expected events for its size in the week [start, end): `expected` of `total` in all."""

    layer: str
    title: str
    start: dt.date
    end: dt.date
    cell: str
    ward_code: str
    ward_name: str
    expected: float
    total: float


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A place to look at: its surest hot cell (H3), with the hot cells that are connected to it, the cell first.

    `count` is of the cell alone, `total` of all `cells`; `reason` is the sentence that explains the cell. Degrees are
    those of the cell's middle.
    """

    layer: str
    title: str
    cell: str
    cells: tuple[str, ...]
    ward_code: str
    ward_name: str
    count: float
    total: float
    reason: str


def find_hot_places(
    columns: Columns,
    area: Area,
    spec: LayerSpec,
    study: Study,
    *,
    until: dt.date,
    days: int,
    hours: tuple[int, int] | None,
) -> tuple[list[PlaceLine], list[str]]:
    """Up to MOST_PLACES_A_LAYER places of one layer, the surest first, and notes.

    They are of the last `days` days up to `until`, or up to the layer's last record if that is earlier.
    """
    known = find_known_period(columns, spec.name, time_zone=area.time_zone)
    if known is None:
        return [], []
    end = min(until, known[1])
    chosen = Filter(
        layers=(spec.name,), start=end - dt.timedelta(days=days), end=end, wards=study.chosen_wards, hours=hours
    )
    found = build_hotspot_map(columns, chosen, study, trend=False, time_zone=area.time_zone)
    hot = np.flatnonzero(found.rows["hotspot"].to_numpy() == HOT)
    if not len(hot):
        return [], [_describe_nothing(found, spec, days, hours)]
    groups = connected_components(study.neighbours[hot][:, hot], directed=False)[1]
    order = np.lexsort((-found.rows["count"].to_numpy()[hot], -found.rows["gi_z"].to_numpy()[hot]))
    first = {int(group): int(place) for place, group in zip(order[::-1], groups[order[::-1]], strict=True)}
    ordered = sorted(first.items(), key=lambda item: int(np.flatnonzero(order == item[1])[0]))
    places = [_build_line(found, hot, groups, group, head) for group, head in ordered[:MOST_PLACES_A_LAYER]]
    left = len(ordered) - MOST_PLACES_A_LAYER
    if left <= 0:
        return places, []
    words = "place stands out" if left == 1 else "places stand out"
    return places, [f"{left} more {words} for {spec.many}: see the map of hotspots."]


def _build_line(found: HotspotMap, hot: np.ndarray, groups: np.ndarray, group: int, head: int) -> PlaceLine:
    row = found.rows.iloc[hot[head]]
    others = [int(place) for place in np.flatnonzero(groups == group) if place != head]
    together = found.rows.iloc[hot[[head, *others]]]
    return PlaceLine(
        layer=found.spec.name,
        title=found.spec.title,
        cell=str(row["cell"]),
        cells=tuple(together["cell"]),
        ward_code=str(row["ward_code"]),
        ward_name=str(row["ward_name"]),
        count=float(row["count"]),
        total=float(together["count"].sum()),
        reason=explain_cell(found, str(row["cell"])),
    )


def _describe_nothing(found: HotspotMap, spec: LayerSpec, days: int, hours: tuple[int, int] | None) -> str:
    """Why no place of a layer is named."""
    if not found.total:
        return f"No {spec.many} were recorded in these {days} days{' at these hours' if hours else ''}."
    if is_too_quiet(found):
        return f"Too few {spec.many} in {days} days to say where they gather."
    return f"No place stands out for {spec.many}."


def find_closure_lines(
    columns: Columns, area: Area, *, today: dt.date, days: int, wards: tuple[str, ...] = ()
) -> tuple[ClosureLine, ...]:
    """Closures in force whose first day lies within the last `days` days, or whose last within the next `days`.

    One that is both is named as ending. Ending ones stand first, the soonest first; then new ones, the newest first.
    An order without an end is taken to last as long as the layer says.
    """
    calendar = Calendar(area.time_zone)
    own = np.flatnonzero(mark_states(columns.layer))
    firsts = [_EPOCH + dt.timedelta(days=int(day)) for day in calendar.days(columns.start[own])]
    lasts = [_EPOCH + dt.timedelta(days=int(day)) for day in calendar.days(columns.end[own] - 1)]
    cells = format_cells(columns.cell_ids[RESOLUTION][columns.cell[RESOLUTION][own]])
    span = dt.timedelta(days=days)
    found = []
    for place, (first, last, cell) in enumerate(zip(firsts, lasts, cells, strict=True)):
        code = columns.ward_codes[columns.ward[own[place]]]
        if first > today or last < today or (wards and code not in wards):
            continue
        ending, new = last <= today + span, first >= today - span
        if ending or new:
            name = area.wards.names[area.wards.codes.index(code)] if code in area.wards.codes else code
            kind: Literal["new", "ending"] = "ending" if ending else "new"
            lon, lat = float(columns.lon[own[place]]), float(columns.lat[own[place]])
            found.append(ClosureLine(kind, first, last, code, name, cell, lon, lat))
    return tuple(sorted(found, key=_order))


def _order(line: ClosureLine) -> tuple[bool, int, str]:
    day = line.last_day.toordinal() if line.kind == "ending" else -line.first_day.toordinal()
    return line.kind == "new", day, line.cell


def build_forecast_lines(
    columns: Columns, area: Area, winners: Mapping[str, SelectedMethod], *, wards: tuple[str, ...] = ()
) -> tuple[ForecastLine, ...]:
    """The first MOST_CELLS_A_LAYER cells of each layer that has a winner; none where it ranks without numbers."""
    found = []
    for layer, winner in winners.items():
        week = build_forecast(columns, area, layer, winner, wards=wards)
        if not np.isfinite(week.expected) or week.expected <= 0:
            continue
        found += [
            ForecastLine(
                layer=layer,
                title=week.spec.title,
                start=week.start,
                end=week.end,
                cell=str(row["cell"]),
                ward_code=str(row["ward_code"]),
                ward_name=str(row["ward_name"]),
                expected=float(row["expected"]),
                total=week.expected,
            )
            for row in week.rows.head(MOST_CELLS_A_LAYER).to_dict("records")
        ]
    return tuple(found)
