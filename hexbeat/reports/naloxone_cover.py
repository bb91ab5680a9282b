"""Naloxone cover: the share of overdoses near a place that holds naloxone, and the next places that would add most.

Opening hours are read here too: a place covers the hours in which it is open.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from geo.cells import build_outlines, format_cells
from geo.errors import DataError, UsageError
from geo.maximal_cover import MaximalCover, find_best_cover
from geo.travel import PACES
from hexbeat.analysis.study import load_study, project
from hexbeat.areas.area import Area
from hexbeat.areas.street_names import name_cells
from hexbeat.operations.reference_places import KIND_NAMES, read_reference
from layers.access import Action, Viewer, find_detail, may, require
from layers.catalogue import find_only_layer
from layers.columns import Columns
from layers.counting import Selection, count_cells, select
from layers.filters import DAYS, Filter
from layers.periods import describe_missing_days
from layers.wording import format_number, format_plural

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "CELLS",
    "CoverDistance",
    "NaloxoneCover",
    "Search",
    "find_naloxone_cover",
    "is_open_through",
    "parse_open_hours",
]

_ALWAYS: Final = re.compile(r"24\s*/\s*7|24\s*hours?|24h|always(\s+open)?|any\s*time", re.IGNORECASE)
_CLOCK: Final = r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*(am|pm)?"
_SPAN: Final = re.compile(rf"{_CLOCK}\s*(?:-|\u2013|to|until)\s*{_CLOCK}", re.IGNORECASE)
_DAY: Final = r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*"
_DAYS: Final = re.compile(rf"{_DAY}(?:\s*(-|\u2013|to)\s*{_DAY})?", re.IGNORECASE)
_WEEK: Final = 7
_HALF: Final = 12
CELLS: Final = "cells"
LONGEST_S: Final = 3_600
_POINT_RESOLUTION, _CELL_RESOLUTION = 10, 9


@dataclass(frozen=True, slots=True)
class CoverDistance:
    """The distance within which a place covers an overdose: `metres`, or `minutes` on foot (None: the metres).

    Metres are in a straight line. On foot means 4.8 km/h on routes 1.3 times as long: 5 minutes are 308 m.
    """

    metres: float = 400.0
    minutes: float | None = None

    @property
    def straight_m(self) -> float:
        """The distance in metres in a straight line."""
        if self.minutes is None:
            return self.metres
        pace = PACES["walk"]
        return self.minutes * 60 * pace.speed_kmh / 3.6 / pace.detour

    @property
    def description(self) -> str:
        """As in "within 400 m" or "within 5 minutes on foot (308 m away)"."""
        if self.minutes is None:
            return f"within {format_number(round(self.metres))} m"
        minutes = format_plural(self.minutes, "minute", "minutes")
        return f"within {minutes} on foot ({format_number(round(self.straight_m))} m away)"


@dataclass(frozen=True, slots=True)
class Search:
    """The number of next places to find (0: none), their candidates, and the longest time in `seconds`.

    `candidates`: CELLS (middles of the cells of 130 m that lie in a ward), or kinds of reference places.
    """

    number: int = 3
    candidates: tuple[str, ...] = (CELLS,)
    seconds: float = 20.0

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= LONGEST_S:
            raise UsageError(
                f"The search for the best places may take up to {LONGEST_S:,} seconds",
                f"you gave {self.seconds:g}",
                "20 is usual; after that you get the best places found so far",
            )


@dataclass(frozen=True, slots=True, eq=False)
class NaloxoneCover:
    """The `share` of `total` overdoses within `reach` of an open place that holds naloxone (NaN if total is 0).

    `holders`: name, lon, lat, ward_code, ward_name, hours, open (True if its hours are not known), hours_known, near
    (overdoses within reach). `next_places`: rank, name, lon, lat, ward_name, gain, share_after. `cover` says whether
    the next places are proved best. `cells`: cells and their overdoses, for a map. `exact`: overdoses
    are points, not cells. `timed`: the filter has hours or days; `unplaced` overdoses have no known hour or day.
    """

    total: float
    covered: float
    reach: CoverDistance
    holders: pd.DataFrame
    next_places: pd.DataFrame
    cover: MaximalCover
    cells: tuple[NDArray[np.uint64], NDArray[np.float64]]
    search: Search
    timed: bool
    exact: bool
    unplaced: int
    missing: str | None = None  # which days of the period are not known
    resolution: int = _CELL_RESOLUTION  # of `cells`

    @property
    def share(self) -> float:
        """Covered of all."""
        return self.covered / self.total if self.total else float("nan")


USUAL_REACH: Final = CoverDistance()
USUAL_SEARCH: Final = Search()


@dataclass(frozen=True, slots=True, eq=False)
class _Demand:
    """Overdoses as points in metres, each with its weight."""

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    weight: NDArray[np.float64]
    selection: Selection
    exact: bool


def find_naloxone_cover(
    store: "Store",
    viewer: Viewer,
    columns: Columns,
    area: Area,
    event_filter: Filter,
    *,
    reach: CoverDistance = USUAL_REACH,
    search: Search = USUAL_SEARCH,
) -> NaloxoneCover:
    """The cover of the overdoses that a filter selects, and the next best places.

    Overdoses are points if the viewer may see points, else middles of cells of 350 m. A place that is shut in any of
    the filter's hours covers nothing. A place whose hours are not known counts as open.
    UsageError for a filter of other layers or unknown candidates; DataError if there are no overdoses.
    """
    layer = find_only_layer("naloxone").name
    require(viewer, Action.SEE_COUNTS, layer)
    if event_filter.layers != (layer,):
        raise UsageError(
            "Naloxone cover counts overdoses",
            f"the filter has {', '.join(event_filter.layers) or 'no layer'}",
            "choose overdoses alone",
        )
    if not 50 <= reach.straight_m <= 5_000 or search.number < 0:  # noqa: PLR2004 - metres that somebody would run
        raise UsageError(
            "Near is 50 m to 5 km, and the number of next places is 0 or more",
            f"you asked for {reach.straight_m:g} m and {search.number} places",
            "400 m, or 5 minutes on foot, is usual",
        )
    missing = describe_missing_days(columns, event_filter, time_zone=area.time_zone)
    size = min(_CELL_RESOLUTION, find_detail(viewer, layer).finest or _CELL_RESOLUTION)
    exact = may(viewer, Action.SEE_POINTS, layer)
    demand = _build_demand(columns, area, event_filter, size=size, exact=exact)
    if not demand.weight.sum() > 0:
        fact = f"none is on record in this period{f', of which {missing}' if missing else ''}"
        raise DataError("Cover is a share of overdoses", fact, "choose a longer period, or load its records")
    holders = _read_holders(store, viewer, area, event_filter)
    near = _find_reached(demand, holders, area, reach)
    is_open = holders["open"].to_numpy(dtype=np.bool_)
    is_reached = (near @ is_open.astype(float)) > 0
    holders["near"] = (demand.weight @ near).round(2)
    covered, total = float(demand.weight[is_reached].sum()), float(demand.weight.sum())
    candidates = _find_candidates(store, viewer, area, search.candidates)
    cover = _choose_places(
        _find_reached(demand, candidates, area, reach), np.where(is_reached, 0.0, demand.weight), search
    )
    places = _name_cells(candidates.iloc[cover.chosen].reset_index(drop=True), area)
    places.insert(0, "rank", np.arange(1, len(places) + 1))
    places["gain"] = cover.gain.round(2)
    places["share_after"] = ((covered + cover.gain.cumsum()) / total).round(4)
    return NaloxoneCover(
        total=total,
        covered=covered,
        reach=reach,
        holders=holders,
        next_places=places,
        cover=cover,
        cells=count_cells(columns, demand.selection, resolution=size),
        resolution=size,
        search=search,
        timed=event_filter.hours is not None or bool(event_filter.days),
        exact=demand.exact,
        unplaced=demand.selection.unplaced_in_time,
        missing=missing,
    )


def _build_demand(columns: Columns, area: Area, event_filter: Filter, *, size: int, exact: bool) -> _Demand:
    selection = select(columns, event_filter, time_zone=area.time_zone)
    crs = load_study(area, (), _POINT_RESOLUTION).crs
    if exact:
        lon, lat = columns.lon[selection.index], columns.lat[selection.index]
    else:
        ids = columns.cell_ids[size][columns.find_cell_codes(selection.index, size)]
        middles = shapely.centroid(build_outlines(ids))
        lon, lat = shapely.get_x(middles), shapely.get_y(middles)
    x_m, y_m = project(crs, lon, lat)
    return _Demand(x_m, y_m, selection.weight, selection, exact)


def _read_holders(store: "Store", viewer: Viewer, area: Area, event_filter: Filter) -> pd.DataFrame:
    """Places that hold naloxone, and whether they are open through the filter's hours and days."""
    frame = read_reference(store, viewer, kind="naloxone").drop(columns="kind")
    names = dict(zip(area.wards.codes, area.wards.names, strict=True))
    frame["ward_name"] = [names.get(code, "") for code in frame["ward_code"]]
    timed = event_filter.hours is not None or bool(event_filter.days)
    openings = [
        is_open_through(text, event_filter.hours, event_filter.days) if timed else True for text in frame["hours"]
    ]
    # With a dtype, because an empty list would make no column of bool, and would select columns instead of rows.
    is_open = np.array([value is not False for value in openings], dtype=np.bool_)
    return frame.assign(open=is_open, hours_known=np.array([value is not None for value in openings], dtype=np.bool_))


def _find_reached(demand: _Demand, places: pd.DataFrame, area: Area, reach: CoverDistance) -> csr_array:
    """Which overdoses (rows) each place (columns) reaches: csr of ones."""
    lon, lat = places["lon"].to_numpy(dtype=np.float64), places["lat"].to_numpy(dtype=np.float64)
    x_m, y_m = project(load_study(area, (), _POINT_RESOLUTION).crs, lon, lat)
    tree = cKDTree(np.column_stack([demand.x_m, demand.y_m]))
    near = tree.query_ball_point(np.column_stack([x_m, y_m]), reach.straight_m) if len(x_m) else []
    row = np.array([event for events in near for event in events], dtype=np.int64)
    column = np.repeat(np.arange(len(x_m)), [len(events) for events in near]).astype(np.int64)
    return csr_array((np.ones(len(row)), (row, column)), shape=(len(demand.weight), len(x_m)))


def _choose_places(reaches: csr_array, weights: NDArray[np.float64], search: Search) -> MaximalCover:
    if search.number and reaches.shape[1]:
        return find_best_cover(reaches, weights, search.number, seconds=search.seconds)
    none = np.zeros(0)
    return MaximalCover(none.astype(np.int64), none, 0.0, 0.0, proven=True)


def _find_candidates(store: "Store", viewer: Viewer, area: Area, kinds: Sequence[str]) -> pd.DataFrame:
    """The candidates for next places: name, lon, lat, ward_name."""
    unknown = [kind for kind in kinds if kind != CELLS and (kind not in KIND_NAMES or kind == "naloxone")]
    if unknown or not kinds:
        choices = [CELLS, *(kind for kind in KIND_NAMES if kind != "naloxone")]
        raise UsageError(
            "Next places are chosen from cells, or from loaded places of a kind",
            f"you asked for {', '.join(unknown) or 'nothing'}",
            f"choose from {', '.join(choices)}",
        )
    frames = [_build_cells(area)] if CELLS in kinds else []
    names = dict(zip(area.wards.codes, area.wards.names, strict=True))
    for kind in kinds:
        if kind != CELLS:
            frame = read_reference(store, viewer, kind=kind)
            frame["ward_name"] = [names.get(code, "") for code in frame["ward_code"]]
            frames.append(frame[["name", "lon", "lat", "ward_name"]])
    return pd.concat(frames, ignore_index=True)


def _build_cells(area: Area) -> pd.DataFrame:
    """Middles of the cells of 130 m that lie in a ward, without names: a town has thousands."""
    study = load_study(area, (), _POINT_RESOLUTION)
    lon, lat = study.lon, study.lat
    ward = area.wards.locate(lon, lat)
    inside = ward >= 0
    names = np.array(area.wards.names, dtype=object)[ward[inside]]
    cells = study.cells[inside]
    return pd.DataFrame({
        "name": "", "lon": lon[inside].round(6), "lat": lat[inside].round(6), "ward_name": names,
        "cell": format_cells(cells),
    })  # fmt: skip


def _name_cells(places: pd.DataFrame, area: Area) -> pd.DataFrame:
    """The places with names by their streets for those that are cells."""
    if "cell" not in places:
        return places
    is_cell = places["cell"].notna()
    cells = np.array([int(cell, 16) for cell in places.loc[is_cell, "cell"]], dtype=np.uint64)
    cell_names = iter(name_cells(cells, area))
    names = [next(cell_names) if cell else name for cell, name in zip(is_cell, places["name"], strict=True)]
    return places.assign(name=pd.Series(names, index=places.index, dtype=object))


def is_open_through(hours: str | None, span: tuple[int, int] | None, days: frozenset[int]) -> bool | None:
    """Whether a place is open through all hours of `span` on all of `days`; None if its hours are not known.

    `span` as in a filter: whole hours; (22, 4) runs over midnight and belongs to the day on which it begins; None: the
    whole day. No days: all seven.
    """
    week = parse_open_hours(hours)
    if week is None:
        return None
    first, last = span or (0, 24)
    length = (last - first) % 24 or 24
    hours_of_week = [
        (day * 24 + first + hour) % (24 * _WEEK) for day in (days or range(_WEEK)) for hour in range(length)
    ]
    return bool(week[hours_of_week].all())


def parse_open_hours(hours: str | None) -> NDArray[np.bool_] | None:
    """The whole hours of the week in which a place is open, Monday 0:00 first, bool (168,).

    Reads texts such as "24/7", "09:00-17:30", "Mon-Fri 8:00 to 18:00; Sat 9am-1pm", "Sun closed". An hour that is open
    only in part counts as shut. None if the text is empty or cannot be read.
    """
    text = (hours or "").strip()
    if not text:
        return None
    week: NDArray[np.bool_] = np.zeros(24 * _WEEK, dtype=np.bool_)
    for part in filter(None, (piece.strip() for piece in re.split(r"[;\n]|,(?=\s*[A-Za-z])", text))):
        spans = _SPAN.findall(part)
        rest = _SPAN.sub(" ", _ALWAYS.sub(" ", part))
        days, rest = _parse_days(rest)
        always, shut = bool(_ALWAYS.search(part)), "closed" in rest.lower()
        if re.sub(r"closed|daily|every ?day|and|[\s,&:.]", "", rest, flags=re.IGNORECASE):
            return None
        if not (spans or always or shut):
            return None
        for day in days:
            for opens, closes in [(0, 24)] * always + [_parse_clock(span) for span in spans]:
                week[(day * 24 + np.arange(opens, closes)) % (24 * _WEEK)] = True
    return week


def _parse_days(text: str) -> tuple[list[int], str]:
    """The weekdays that a text names (all seven if it names none), and the rest of the text."""
    days: list[int] = []
    for first, _, last in _DAYS.findall(text):
        start = DAYS.index(first.lower())
        end = DAYS.index(last.lower()) if last else start
        days += [(start + step) % _WEEK for step in range((end - start) % _WEEK + 1)]
    return days or list(range(_WEEK)), _DAYS.sub(" ", text)


def _parse_clock(span: tuple[str, ...]) -> tuple[int, int]:
    """The first whole hour, and the end of the last; the end is above 24 if the span runs over midnight."""
    opens = _parse_hour(*span[:3]) + (1 if int(span[1] or 0) else 0)
    closes = _parse_hour(*span[3:])
    return opens, closes if closes > opens - 1 and closes != 0 else closes + 24


def _parse_hour(hour: str, _minute: str, half: str) -> int:
    value = int(hour)
    if half:
        value = value % _HALF + (_HALF if half.lower() == "pm" else 0)
    return value
