"""The cells worth a needle sweep, and the sentences of a sweep plan: reasons, settings and notes."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.calendar import Calendar
from geo.cells import index_points
from geo.kernels import weigh_recency
from hexbeat.analysis.daily_counts import find_known_days, to_ordinal
from hexbeat.analysis.study import Study, project
from hexbeat.operations.plans.plan_points import PlanPoints
from hexbeat.operations.plans.working_time import WorkingTime
from layers.catalogue import find_only_layer
from layers.columns import Columns
from layers.event import NOT_SWEPT
from layers.periods import get_coverage
from layers.wording import format_count, format_number, format_percent

__all__ = [
    "CHILDREN",
    "HALF_LIFE_DAYS",
    "NEAR_M",
    "SweepPlaces",
    "build_sweep_notes",
    "build_sweep_reason",
    "describe_sweep_settings",
    "describe_unknown_finds",
    "find_sweep_places",
]

HALF_LIFE_DAYS: Final = 28.0
NEAR_M: Final = 150.0
CHILDREN: Final = ("play_area", "school")
_RECENT_HALF_LIVES: Final = 4  # an older find counts a sixteenth or less
_WEEK_DAYS: Final = 7.0
_HOUR_S = 3600


@dataclass(frozen=True, slots=True, eq=False)
class SweepPlaces:
    """k cells worth a visit. `cell` (k,) are positions in the study, `lon` and `lat` (k,) the degrees to go to.

    `needles` float64 (k,): a week's finds at the recent rate, and those of open reports. `last_find` int64 (k,): the
    day of the newest find, in days since 1970, -1 without one. `reports` (k,): the number of open reports; `oldest`
    int64 (k,): the UTC second of the oldest (0: none). `child` (k,): the name of a play area or school within NEAR_M,
    "" without one.
    """

    cell: NDArray[np.intp]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    needles: NDArray[np.float64]
    last_find: NDArray[np.int64]
    reports: NDArray[np.int64]
    oldest: NDArray[np.int64]
    child: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.cell)

    def keep(self, is_kept: NDArray[np.bool_]) -> "SweepPlaces":
        """Those of the places that `is_kept` (k,) marks."""
        return SweepPlaces(*(getattr(self, column.name)[is_kept] for column in fields(self)))


def find_sweep_places(
    columns: Columns,
    study: Study,
    points: PlanPoints,
    *,
    day: dt.date,
    reports: pd.DataFrame,
    reference: pd.DataFrame,
    time_zone: str,
    most: int,
) -> SweepPlaces:
    """The `most` cells with most needles, and every cell with an open report. Finds of sweeps do not count.

    `reports` come from `read_open_reports`, `reference` from `read_reference` (kind, name, lon, lat). A cell with open
    reports is visited where the oldest was made, any other at its busiest point where `points` has any (of snapped
    records), else at the middle of its finds.
    """
    pace, last_find, find_centre = _count_finds(columns, study, day=day, time_zone=time_zone)
    report_count, oldest, reported_needles, report_point = _count_reported(study, reports)
    needles = pace + reported_needles
    order = np.argsort(-needles, kind="stable")[:most]
    cell = np.union1d(order[needles[order] > 0], np.flatnonzero(report_count)).astype(np.intp)
    is_point = points.number > 0
    centre = [np.where(is_point, *pair) for pair in ((points.lon, find_centre[0]), (points.lat, find_centre[1]))]
    lon = np.where(report_count[cell] > 0, report_point[0][cell], centre[0][cell])
    lat = np.where(report_count[cell] > 0, report_point[1][cell], centre[1][cell])
    child = _find_children_places(study, lon, lat, reference)
    return SweepPlaces(cell, lon, lat, needles[cell], last_find[cell], report_count[cell], oldest[cell], child)


def _count_finds(
    columns: Columns, study: Study, *, day: dt.date, time_zone: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Needles a week at the recent rate (n,), day of the last find (n,), and the middle of the finds (lon, lat)."""
    known_days = find_known_days(columns, find_only_layer("swept").name, time_zone=time_zone)
    size = study.resolution
    place = _find_positions(study, columns.cell_ids[size])[columns.find_cell_codes(known_days.index, size)]
    before = (place >= 0) & (known_days.day < to_ordinal(day))
    index, place, found_days = known_days.index[before], place[before], known_days.day[before]
    ages = to_ordinal(day) - found_days.astype(np.float64) - 0.5
    weights = weigh_recency(ages, half_life_days=HALF_LIFE_DAYS) * columns.quantity[index]
    week_weight = HALF_LIFE_DAYS / np.log(2) / _WEEK_DAYS  # weeks that a steady pace adds up to
    pace = np.bincount(place, weights, len(study)) / week_weight
    last_find = np.full(len(study), -1, dtype=np.int64)
    np.maximum.at(last_find, place, found_days)
    total = np.bincount(place, weights, len(study))
    with np.errstate(invalid="ignore", divide="ignore"):
        lon, lat = (
            np.bincount(place, weights * coordinates[index], len(study)) / total
            for coordinates in (columns.lon, columns.lat)
        )
    has_finds = total > 0
    return (
        pace,
        last_find,
        (np.where(has_finds, lon, study.lon), np.where(has_finds, lat, study.lat)),
    )


def _count_reported(
    study: Study, reports: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """By cell (n,): open reports, the oldest's second, their needles, and where the oldest was made."""
    n = len(study)
    count, oldest, needles = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n)
    lon, lat = np.zeros(n), np.zeros(n)
    points = (reports[name].to_numpy(dtype=np.float64) for name in ("lon", "lat"))
    place = _find_positions(study, index_points(*points, resolution=study.resolution))
    rows = zip(place.tolist(), *(reports[name] for name in ("occurred_to", "quantity", "lon", "lat")), strict=True)
    for index, second, quantity, x, y in rows:
        if index < 0:
            continue
        if not count[index] or second < oldest[index]:
            oldest[index], lon[index], lat[index] = second, x, y
        count[index] += 1
        needles[index] += quantity
    return count, oldest, needles, (lon, lat)


def _find_children_places(
    study: Study, lon: NDArray[np.float64], lat: NDArray[np.float64], reference: pd.DataFrame
) -> NDArray[np.object_]:
    """The name of the nearest play area or school within NEAR_M of each place, "" without one."""
    places = reference[reference["kind"].isin(CHILDREN)] if len(reference) else reference
    names = np.full(len(lon), "", dtype=object)
    if not len(places) or not len(lon):
        return names
    points = np.column_stack(project(study.crs, places["lon"].to_numpy(float), places["lat"].to_numpy(float)))
    distance_m, nearest = cKDTree(points).query(np.column_stack(project(study.crs, lon, lat)))
    place_names = places["name"].to_numpy(dtype=object)
    is_near = distance_m <= NEAR_M
    names[is_near] = place_names[nearest[is_near]]
    return names


def _find_positions(study: Study, cells: NDArray[np.uint64]) -> NDArray[np.intp]:
    """The position of each cell in the study, -1 if it is outside."""
    index = np.minimum(np.searchsorted(study.cells, cells), len(study) - 1)
    positions: NDArray[np.intp] = np.where(study.cells[index] == cells, index, -1)
    return positions


def build_sweep_reason(places: SweepPlaces, time: WorkingTime, standard_hours: float) -> Callable[[int, int], str]:
    """A function of place and second of arrival that says why the stop is made."""
    today = int(Calendar(time.time_zone).days(np.array([time.begin], dtype=np.int64))[0])

    def reason(place: int, reach: int) -> str:
        clauses = []
        if places.reports[place]:
            open_reports = int(places.reports[place])
            waited = (time.begin + reach - int(places.oldest[place])) / _HOUR_S
            late = waited > standard_hours
            reports = "1 open report" if open_reports == 1 else f"{open_reports} open reports, the oldest"
            within = f"over the standard of {format_number(standard_hours)}" if late else "within the standard"
            clauses.append(f"{reports} {_format_age(waited)} old on arrival, {within}")
        if places.child[place]:
            clauses.append(f"within {NEAR_M:.0f} m of {places.child[place]}")
        if places.needles[place] > 0:
            number = format_count(float(places.needles[place]), find_only_layer("swept"), "quantity")
            clauses.append(f"{number} expected")
        if places.last_find[place] >= 0:
            days = today - int(places.last_find[place])
            clauses.append(f"last find {days} {'day' if days == 1 else 'days'} before")
        return f"{'; '.join(clauses)[:1].upper()}{'; '.join(clauses)[1:]}."

    return reason


def _format_age(hours: float) -> str:
    """As in "3 hours", "2 days"."""
    if hours < 48:  # noqa: PLR2004 - two days
        rounded = max(round(hours), 0)
        return "1 hour" if rounded == 1 else f"{rounded} hours"
    return f"{round(hours / 24)} days"


def describe_sweep_settings(
    candidates: int,
    *,
    crews: int,
    standard_hours: float,
    place_sentences: tuple[str, ...],
    travel_sentences: tuple[str, ...],
    pause_s: int,
) -> tuple[str, ...]:
    """How the plan was made."""
    pause = f" A break of {pause_s // 60} minutes near the middle." if pause_s else ""
    recency = f"A find counts half after {HALF_LIFE_DAYS:.0f} days. Finds of sweeps do not count."
    standard = f"The council's standard for a report is {format_number(standard_hours)} hours."
    return (
        f"{crews} {'crew' if crews == 1 else 'crews, each with places of its own that lie together'}.{pause}",
        f"{standard} Overdue reports come first, then other open ones, then play areas and schools, then the rest.",
        f"Chosen from {candidates:,} cells by the needles found there. {recency}",
        *place_sentences,
        *travel_sentences,
    )


def describe_unknown_finds(columns: Columns, day: dt.date, wards: tuple[str, ...], time_zone: str) -> str | None:
    """Which of the days whose finds count most are not known, as in "Nov 2026 is not known"; None if all are."""
    period = (day - dt.timedelta(days=_RECENT_HALF_LIVES * round(HALF_LIFE_DAYS)), day)
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=NOT_SWEPT)
    return coverage.describe_missing(find_only_layer("swept").name, period, wards=wards)


def build_sweep_notes(places: SweepPlaces, phase: NDArray[np.intp], done: NDArray[np.intp]) -> tuple[str, ...]:
    """Which open reports the plan answers, how much it covers, and what it cannot know."""
    visited = np.zeros(len(places), dtype=np.bool_)
    visited[done] = True
    reports, answered = int(places.reports.sum()), int(places.reports[visited].sum())
    notes = []
    if reports:
        late = int(places.reports[(phase == 0)].sum())
        verb = "is" if late == 1 else "are"
        notes.append(
            f"The plan answers {answered:,} of {reports:,} open reports. {late:,} {verb} overdue when work begins."
        )
    else:
        notes.append("There are no open reports. Either all are answered, or the source does not say which are open.")
    if unanswered := reports - answered:
        number = "1 open report does" if unanswered == 1 else f"{unanswered:,} open reports do"
        notes.append(f"{number} not fit into these hours. Add crews or hours to answer more.")
    needles = float(places.needles.sum())
    share = format_percent(float(places.needles[visited].sum()) / needles) if needles else "none"
    notes.append(f"The stops hold {share} of the needles expected at these places: a week's finds at the recent rate.")
    if not any(places.child):
        notes.append(
            "No stop came first for a play area or school: none that is loaded as a place lies within "
            f"{NEAR_M:.0f} m of these places. The schools in the names of stops were not looked at."
        )
    notes.append("A place without finds may still have needles: perhaps nobody looked.")
    return tuple(notes)
