"""The few places that a briefing names: hotspot groups, closures and cells of the forecast, each with its reason."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from geo.calendar import Calendar
from geo.cells import format_cells
from hexbeat.analysis.forecast import build_forecast
from hexbeat.analysis.hotspot_explanation import explain_cell, is_too_quiet
from hexbeat.analysis.hotspot_groups import HOT, list_groups
from hexbeat.analysis.hotspot_map import HotspotMap, build_hotspot_map
from hexbeat.analysis.method_selection import SelectedMethod
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import name_cells
from layers.columns import Columns, mark_states
from layers.counting import NO_HOURS, lacks_hours
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import find_known_period, get_coverage
from layers.precision import describe_smallest_cells, measure_chosen_precision
from layers.wording import format_about, format_plural, format_span

__all__ = ["ClosureLine", "ForecastLine", "PlaceLine", "build_forecast_lines", "find_closure_lines", "find_hot_places"]

RESOLUTION: Final = 9
_EPOCH: Final = dt.date(1970, 1, 1)
MOST_CELLS_A_LAYER: Final = 2
FORECAST_WEEKS: Final = 8  # a forecast of a week further from the meeting is not of its next week
MOST_PLACES_A_LAYER: Final = 2


@dataclass(frozen=True, slots=True)
class ClosureLine:
    """A closure: its first and last day, its place, and why it is named (`kind`). Degrees are those of the event."""

    kind: Literal["new", "ending"]
    first_day: dt.date
    last_day: dt.date
    ward_code: str
    ward_name: str
    place: str
    cell: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """A cell (H3) with many expected events for its size in the week [start, end): `expected` of `total` in all."""

    layer: str
    title: str
    start: dt.date
    end: dt.date
    place: str
    cell: str
    ward_code: str
    ward_name: str
    expected: float
    total: float


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A hotspot group: its name, its busiest cell (H3), and all its `cells`, that cell first.

    `count` is that of the cell, `total` that of all `cells`; `reason` is the sentence that explains the cell, or the
    surest hotspot beside it.
    """

    layer: str
    title: str
    place: str
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
) -> tuple[list[PlaceLine], list[str], bool]:
    """Up to MOST_PLACES_A_LAYER hotspot groups of one layer, the surest first, notes, and whether anything is known.

    The period is the last `days` days before `until`, or before the end of the layer's records if that is earlier.
    Cells are those of the study, or larger where the records know no better; a note says so.
    """
    known = find_known_period(columns, spec.name, time_zone=area.time_zone)
    if known is None:
        return [], [f"Where {spec.many} gather is not known: none are loaded."], False
    end = min(until, known[1])
    start = end - dt.timedelta(days=days)
    event_filter = Filter(layers=(spec.name,), start=start, end=end, wards=study.chosen_wards, hours=hours)
    precision = measure_chosen_precision(columns, event_filter, time_zone=area.time_zone)
    notes = []
    if precision.finest < study.resolution:
        study = load_study(area, study.chosen_wards, precision.finest)
        notes = [f"{spec.title}: {describe_smallest_cells(precision)}"]
    hotspot_map = build_hotspot_map(columns, event_filter, study, trend=False, time_zone=area.time_zone)
    groups = list_groups(hotspot_map.rows, area)
    hot = groups[groups["hotspot"] == HOT]
    if hot.empty:
        spans = get_coverage(columns, time_zone=area.time_zone).find_known_in(
            spec.name, (start, end), wards=study.chosen_wards
        )
        if lacks_hours(columns, event_filter, spans, time_zone=area.time_zone):
            return [], [f"{spec.title}: {NO_HOURS}."], False
        is_known = hotspot_map.is_known and not hotspot_map.refusal
        return [], [_describe_nothing(hotspot_map, spec, days, hours), *notes], is_known
    first = hot.head(MOST_PLACES_A_LAYER)
    places = [
        _build_line(hotspot_map, int(group), place) for group, place in zip(first["group"], first["place"], strict=True)
    ]
    number_left = len(hot) - MOST_PLACES_A_LAYER
    if number_left <= 0:
        return places, notes, True
    what = "place stands out" if number_left == 1 else "places stand out"
    return places, [f"{number_left} more {what} for {spec.many}: see the map of hotspots.", *notes], True


def _build_line(hotspot_map: HotspotMap, group: int, place: str) -> PlaceLine:
    """The line of a group, which its busiest cell stands for."""
    rows = hotspot_map.rows[hotspot_map.rows["group"] == group]
    rows = rows.sort_values(["count", "gi_z", "cell"], ascending=[False, False, True])
    first = rows.iloc[0]
    explained = first if first["hotspot"] == HOT else rows[rows["hotspot"] == HOT].iloc[0]
    return PlaceLine(
        layer=hotspot_map.spec.name,
        title=hotspot_map.spec.title,
        place=place,
        cell=str(first["cell"]),
        cells=tuple(rows["cell"]),
        ward_code=str(first["ward_code"]),
        ward_name=str(first["ward_name"]),
        count=float(first["count"]),
        total=float(rows["count"].sum()),
        reason=explain_cell(hotspot_map, str(explained["cell"])),
    )


def _describe_nothing(hotspot_map: HotspotMap, spec: LayerSpec, days: int, hours: tuple[int, int] | None) -> str:
    """Why no place of a layer is named."""
    if not hotspot_map.is_known:
        period = "this day" if days == 1 else f"these {days} days"
        return f"Where {spec.many} gather is not known: no records cover {period}."
    if hotspot_map.refusal:
        return f"{spec.title}: {hotspot_map.refusal[0].lower()}{hotspot_map.refusal[1:]}"
    if not hotspot_map.total:
        return f"No {spec.many} were recorded in {_count_days(hotspot_map)}{' at these hours' if hours else ''}."
    if is_too_quiet(hotspot_map):
        return f"Too few {spec.many} in {_count_days(hotspot_map)} to say where they gather."
    most = format_about(float(hotspot_map.rows["count"].max()))
    return f"No place is certain to be a hotspot of {spec.many}. The busiest cell holds {most}."


def _count_days(hotspot_map: HotspotMap) -> str:
    """As in "28 days", "the 14 known days of 28"."""
    whole = (hotspot_map.period[1] - hotspot_map.period[0]).days if hotspot_map.period else hotspot_map.known_days
    known = hotspot_map.known_days
    days = format_plural(known, "day", "days")
    return days if known == whole else f"the {format_plural(known, 'known day', 'known days')} of {whole}"


def find_closure_lines(
    columns: Columns, area: Area, *, today: dt.date, days: int, wards: tuple[str, ...] = ()
) -> tuple[ClosureLine, ...]:
    """Closures in force whose first day lies within the last `days` days, or whose last within the next `days`.

    A closure that is both is named as ending. Ending ones come first, the soonest first; then new ones, the newest
    first. An order without an end lasts as long as the layer says.
    """
    calendar = Calendar(area.time_zone)
    closures = np.flatnonzero(mark_states(columns.layer))
    firsts = [_EPOCH + dt.timedelta(days=int(day)) for day in calendar.days(columns.start[closures])]
    lasts = [_EPOCH + dt.timedelta(days=int(day)) for day in calendar.days(columns.end[closures] - 1)]
    cells = format_cells(columns.cell_ids[RESOLUTION][columns.find_cell_codes(closures, RESOLUTION)])
    span = dt.timedelta(days=days)
    lines = []
    for place, (first, last, cell) in enumerate(zip(firsts, lasts, cells, strict=True)):
        code = columns.ward_codes[columns.ward[closures[place]]]
        if first > today or last < today or (wards and code not in wards):
            continue
        ending, new = last <= today + span, first >= today - span
        if ending or new:
            name = area.wards.names[area.wards.codes.index(code)] if code in area.wards.codes else code
            kind: Literal["new", "ending"] = "ending" if ending else "new"
            lon, lat = float(columns.lon[closures[place]]), float(columns.lat[closures[place]])
            lines.append(ClosureLine(kind, first, last, code, name, _name_cell(cell, area), cell, lon, lat))
    return tuple(sorted(lines, key=_sort_key))


def _name_cell(cell: str, area: Area) -> str:
    return name_cells(parse_cells([cell]), area)[0]


def _sort_key(line: ClosureLine) -> tuple[bool, int, str]:
    day = line.last_day.toordinal() if line.kind == "ending" else -line.first_day.toordinal()
    return line.kind == "new", day, line.cell


def build_forecast_lines(
    columns: Columns,
    area: Area,
    selected_methods: Mapping[str, SelectedMethod],
    *,
    today: dt.date,
    wards: tuple[str, ...] = (),
) -> tuple[tuple[ForecastLine, ...], list[str]]:
    """The first MOST_CELLS_A_LAYER cells of each layer with a selected method, and notes on those left out.

    There are none if it ranks without numbers, or by months: these say nothing about a week. Nor are there if the week
    is not the next one: it has to begin after the last known day, within FORECAST_WEEKS of `today`.
    """
    lines, notes = list[ForecastLine](), list[str]()
    for layer, method in selected_methods.items():
        forecast = build_forecast(columns, area, layer, method, wards=wards)
        if forecast.months or not np.isfinite(forecast.expected) or forecast.expected <= 0:
            continue
        known = find_known_period(columns, layer, time_zone=area.time_zone)
        is_far = abs(forecast.start - today) > dt.timedelta(weeks=FORECAST_WEEKS)
        if known is None or forecast.start < known[1] or is_far:
            week = format_span(forecast.start, forecast.end)
            where = f"Where most {forecast.spec.many} are expected next is not known"
            notes.append(f"{where}: the forecast from these records is of {week}.")
            continue
        lines += [
            ForecastLine(
                layer=layer,
                title=forecast.spec.title,
                start=forecast.start,
                end=forecast.end,
                place=_name_cell(str(row["cell"]), area),
                cell=str(row["cell"]),
                ward_code=str(row["ward_code"]),
                ward_name=str(row["ward_name"]),
                expected=float(row["expected"]),
                total=forecast.expected,
            )
            for row in forecast.rows.head(MOST_CELLS_A_LAYER).to_dict("records")
        ]
    return tuple(lines), notes
