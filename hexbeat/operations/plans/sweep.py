"""Sweep plans: the places where a crew looks for needles, in order, within a vehicle's working day.

Reports that wait longer than the council's standard come first, then other open ones, then play areas and schools with
finds, then the rest by recency and quantity of finds.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from hexbeat.store.databases import read_transaction
from hexbeat.store.event_rows import LIVE
from hexbeat.store.schema import events
from layers.access import Action, Viewer, require
from layers.catalogue import find_layer_code, find_only_layer

if TYPE_CHECKING:
    from hexbeat.store.store import Store
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from zlib import crc32

from numpy.typing import NDArray

from geo.districts import assign_crews
from geo.errors import UsageError
from geo.orienteering import Break, Problem, Route, upper_bound
from geo.travel import Mode
from hexbeat.analysis.study import Study, load_study, project
from hexbeat.areas.area import Area
from hexbeat.operations.plans.patrol_problem import MOST_STOPS
from hexbeat.operations.plans.plan import Place, Plan, PlanKind, PlanScope, PlanWorth, Tour
from hexbeat.operations.plans.plan_points import choose_plan_resolution, describe_plan_places, find_plan_points
from hexbeat.operations.plans.plan_records import judge_records
from hexbeat.operations.plans.plan_settings import STANDARD_HOURS
from hexbeat.operations.plans.roads import Travel, TravelTable, measure_straight_travel
from hexbeat.operations.plans.sweep_phases import assign_phases, order_phases
from hexbeat.operations.plans.sweep_places import (
    SweepPlaces,
    build_sweep_notes,
    build_sweep_reason,
    describe_sweep_settings,
    describe_unknown_finds,
    find_sweep_places,
)
from hexbeat.operations.plans.tours import build_tour, build_visited_places, hash_short_id
from hexbeat.operations.plans.working_time import WorkingTime, build_working_time, describe_hours_over
from layers.columns import Columns
from layers.periods import get_coverage
from layers.precision import measure_place_precision
from layers.wording import format_date

__all__ = [
    "CANDIDATES",
    "OPEN_STATUSES",
    "REPORT_COLUMNS",
    "SweepChoices",
    "make_sweep_plan",
    "make_sweep_plans",
    "read_open_reports",
]

# The statuses of reports that are not answered, in small letters (Open311: open; councils' systems: the rest).
OPEN_STATUSES: Final = ("open", "new", "received", "acknowledged", "assigned", "in progress", "in_progress", "pending")
REPORT_COLUMNS: Final = ("lon", "lat", "ward_code", "h3_10", "occurred_from", "occurred_to", "quantity")
CANDIDATES: Final = 150
_LONG_S: Final = 6 * 3600  # longer work has a break
_BREAK_S: Final = 30 * 60
_MOST_CREWS: Final = 12
_STOP_LIMITS: Final = (2, 60)  # minutes
_NEEDLES_A_MINUTE: Final = 2.0
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SweepChoices:
    """What a council chooses. `hours` (from, to) local; `start` the depot; `finish` None: the depot.

    A stop lasts the fewest of `stop_minutes`, and longer where more needles are expected, up to the most.
    `standard_hours`: the time in which the council answers a report. `wards` empty: all. `most_stops` of a crew (None:
    as many as fit).
    """

    day: dt.date
    start: Place
    hours: tuple[float, float] = (7, 15)
    crews: int = 1
    stop_minutes: tuple[int, int] = (8, 20)
    standard_hours: float = STANDARD_HOURS
    mode: Mode = "drive"
    finish: Place | None = None
    wards: tuple[str, ...] = ()
    seed: int = 0
    most_stops: int | None = field(default=None, repr=False)  # the code of a plan is made of the others, and its stops

    def __post_init__(self) -> None:
        low, high = self.stop_minutes
        if not 1 <= self.crews <= _MOST_CREWS:
            raise UsageError(
                f"A sweep has 1 to {_MOST_CREWS} crews", f"you asked for {self.crews}", "plan more than one sweep"
            )
        if not _STOP_LIMITS[0] <= low <= high <= _STOP_LIMITS[1]:
            raise UsageError(
                f"Stops last {_STOP_LIMITS[0]} to {_STOP_LIMITS[1]} minutes, the shorter first",
                f"you asked for {low} to {high}",
                "8-20 is usual",
            )
        if not 0 < self.standard_hours <= 24 * 28:
            raise UsageError(
                "The council's standard is a number of hours above 0",
                f"you gave {self.standard_hours:g}",
                "Middlesbrough's is 2 hours",
            )
        if self.most_stops is not None and not 1 <= self.most_stops <= MOST_STOPS:
            raise UsageError(
                f"A crew makes 1 to {MOST_STOPS} stops", f"you asked for {self.most_stops}", "plan more than one sweep"
            )


@dataclass(frozen=True, slots=True, eq=False)
class _SweepProblem:
    """The tour problem of all crews together, with the phase of each place (see `assign_phases`)."""

    study: Study
    places: SweepPlaces
    problem: Problem
    travel_table: TravelTable
    phase: NDArray[np.intp]
    described: str  # what the places are, where records are not exact


def make_sweep_plan(  # noqa: PLR0913 - what a sweep is made of, by keyword
    columns: Columns,
    area: Area,
    choices: SweepChoices,
    *,
    reports: pd.DataFrame,
    reference: pd.DataFrame,
    travel: Travel | None = None,
    made_at: dt.datetime | None = None,
    progress: Progress | None = None,
    swept: frozenset[str] = frozenset(),
) -> Plan:
    """A sweep plan for one working day. `reports` come from `read_open_reports`, `reference` from `read_reference`.

    `swept` cells (H3 strings) are left out: other days have them. `travel` None: great circles with a detour.
    `progress` is called with each crew before it is planned. UsageError for choices out of bounds, and if there are no
    finds and no open reports.
    """
    time = build_working_time(choices.day, choices.hours, area.time_zone)
    sweep = _build_problem(
        columns, area, choices, time, reports=reports, reference=reference, travel=travel, swept=swept
    )
    x_m, y_m = project(sweep.study.crs, sweep.places.lon, sweep.places.lat)
    crew_by_place = assign_crews(x_m, y_m, sweep.problem.stop_s.astype(np.float64), crews=choices.crews)
    routes = []
    for crew in range(choices.crews):
        if progress:
            progress(crew, choices.crews)
        seed = crc32(f"{area.name}|{choices.day}|{choices.seed}|{crew}".encode())
        routes.append(order_phases(sweep.problem, np.flatnonzero(crew_by_place == crew), sweep.phase, seed=seed))
    return _build_plan(columns, area, choices, time, sweep, routes, made_at)


def make_sweep_plans(
    columns: Columns,
    area: Area,
    choices: SweepChoices,
    *,
    days: int,
    reports: pd.DataFrame,
    reference: pd.DataFrame,
    travel: Travel | None = None,
    progress: Progress | None = None,
) -> list[Plan]:
    """One sweep plan a working day, from `choices.day`, Mondays to Fridays after it; each place on one day only.

    The plans have one `series`. Fewer days if no place is left for another. UsageError as for `make_sweep_plan`.
    """
    plans: list[Plan] = []
    swept: frozenset[str] = frozenset()
    day = choices.day
    for number in range(days):
        if progress:
            progress(number, days)
        try:
            plan = make_sweep_plan(
                columns, area, replace(choices, day=day), reports=reports, reference=reference, travel=travel,
                swept=swept,
            )  # fmt: skip
        except UsageError:
            if not plans:
                raise
            break
        plans.append(plan)
        swept |= {stop.cell for tour in plan.tours for stop in tour.stops}
        day += dt.timedelta(days=1)
        while day.weekday() > 4:  # noqa: PLR2004 - Friday
            day += dt.timedelta(days=1)
    return plans if len(plans) == 1 else [replace(plan, series=plans[0].plan_id) for plan in plans]


def _build_problem(
    columns: Columns,
    area: Area,
    choices: SweepChoices,
    time: WorkingTime,
    *,
    reports: pd.DataFrame,
    reference: pd.DataFrame,
    travel: Travel | None,
    swept: frozenset[str],
) -> _SweepProblem:
    layer = find_only_layer("swept").name
    precision = measure_place_precision(columns, layer, time_zone=area.time_zone)
    study = load_study(area, choices.wards, choose_plan_resolution([precision]))
    points = find_plan_points(columns, study, [layer] if precision.snapped else [])
    places = find_sweep_places(
        columns,
        study,
        points,
        day=choices.day,
        reports=reports,
        reference=reference,
        time_zone=area.time_zone,
        most=CANDIDATES + len(swept),
    )
    places = places.keep(~np.isin(study.names[places.cell].astype(str), sorted(swept)))
    if not len(places):
        raise _refuse(columns, choices, area.time_zone)
    finish = choices.finish or choices.start
    lon = np.concatenate([places.lon, [choices.start.lon, finish.lon]])
    lat = np.concatenate([places.lat, [choices.start.lat, finish.lat]])
    travel_table = travel(lon, lat) if travel else measure_straight_travel(lon, lat, mode=choices.mode)
    low, high = choices.stop_minutes
    minutes = np.clip(np.ceil(low + places.needles / _NEEDLES_A_MINUTE), low, high).astype(np.int64)
    problem = Problem(
        worth=places.needles,
        stop_s=minutes * 60,
        travel_s=travel_table.seconds,
        limit_s=time.seconds,
        teams=choices.crews,
        pause=Break(_BREAK_S, time.seconds // 3, time.seconds * 2 // 3) if time.seconds > _LONG_S else None,
        most_stops=choices.most_stops,
    )
    phase = assign_phases(places, time, choices.standard_hours)
    sentence = describe_plan_places(layer, precision, study)
    return _SweepProblem(study, places, problem, travel_table, phase, sentence)


def _refuse(columns: Columns, choices: SweepChoices, time_zone: str) -> UsageError:
    """Why there is nothing to sweep: no records at all, days that are not known, or no finds."""
    layer = find_only_layer("swept").name
    missing = describe_unknown_finds(columns, choices.day, choices.wards, time_zone)
    is_known = get_coverage(columns, time_zone=time_zone).find_reach(layer) is not None
    if not is_known and not (columns.layer == find_layer_code(layer)).any():
        return UsageError(
            "Needle finds are not known: none have been loaded",
            "a sweep goes where needles were found or reported",
            "load records of needles",
        )
    none_found = "there are no finds and no open reports in these wards"
    return UsageError(
        "A sweep goes where needles were found or reported",
        f"{none_found} on record, and {missing}" if missing else none_found,
        "choose more wards, or load records of needles",
    )


def _build_plan(
    columns: Columns,
    area: Area,
    choices: SweepChoices,
    time: WorkingTime,
    sweep: _SweepProblem,
    routes: list[Route],
    made_at: dt.datetime | None,
) -> Plan:
    problem, places = sweep.problem, sweep.places
    made_at = made_at or dt.datetime.now(area.tz).replace(microsecond=0)
    layer, today = find_only_layer("swept").name, made_at.astimezone(area.tz).date()
    records = judge_records(
        columns, [layer], day=choices.day, today=today, wards=choices.wards, time_zone=area.time_zone
    )
    missing = describe_unknown_finds(columns, choices.day, choices.wards, area.time_zone)
    ends = (choices.start, choices.finish or choices.start)
    reason = build_sweep_reason(places, time, choices.standard_hours)
    visited = build_visited_places(
        sweep.study, places.cell, lon=places.lon, lat=places.lat, expected=places.needles, open_reports=places.reports
    )
    tours: tuple[Tour, ...] = tuple(
        build_tour(
            problem,
            route,
            visited,
            sweep.travel_table,
            time=time,
            ends=ends,
            team_label=(crew, f"Crew {crew}"),
            reason=reason,
        )
        for crew, route in enumerate(routes, start=1)
    )
    done = np.array(sorted(place for route in routes for place in route.stops), dtype=np.intp)
    score, bound = float(places.needles[done].sum()), upper_bound(problem)
    return Plan(
        plan_id=hash_short_id(
            PlanKind.SWEEP, area.name, choices, tours, arrays=[places.cell, places.needles, problem.travel_s]
        ),
        kind=PlanKind.SWEEP,
        area=area.name,
        title=f"Needle sweep of {format_date(choices.day)}, {time.clock_hours}",
        made_at=made_at,
        begins=time.local_time(0),
        ends=time.local_time(time.seconds),
        scope=PlanScope((find_only_layer("swept").name,), (1.0,), choices.wards),
        tours=tours,
        worth=PlanWorth(
            covered=score,
            expected=float(places.needles.sum()),
            score=score,
            bound=bound,
            gap=max(0.0, 1 - score / bound) if bound > 0 else 0.0,
        ),
        synthetic=bool(columns.demonstration.any()),
        settings=describe_sweep_settings(
            len(places),
            crews=choices.crews,
            standard_hours=choices.standard_hours,
            place_sentences=tuple(filter(None, [sweep.described])),
            travel_sentences=sweep.travel_table.sentences,
            pause_s=_BREAK_S if problem.pause else 0,
        ),
        notes=(
            *build_sweep_notes(places, sweep.phase, done),
            *([f"Needle finds: {missing}. What was found then is missing here."] if missing else []),
            *describe_hours_over(time, made_at),
        ),
        opening=records.sentences,
        most_stops=choices.most_stops,
    )  # fmt: skip


def read_open_reports(store: "Store", viewer: Viewer, *, ward_codes: tuple[str, ...]) -> pd.DataFrame:
    """The open reports of needles in these wards, the oldest first: REPORT_COLUMNS, times in UTC seconds, h3 uint64.

    A report without a status, or with one that is not in OPEN_STATUSES, counts as answered.
    """
    layer = find_only_layer("swept").name
    require(viewer, Action.PLAN, layer)
    require(viewer, Action.SEE_POINTS, layer)
    condition = sa.and_(LIVE, events.c.layer == layer, sa.func.lower(events.c.status).in_(OPEN_STATUSES))
    query = sa.select(*(events.c[name] for name in REPORT_COLUMNS)).where(condition)
    with read_transaction(store.engine) as connection:
        rows = connection.execute(query.order_by(events.c.occurred_from, events.c.row_id)).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(REPORT_COLUMNS))
    frame = frame[frame["ward_code"].isin(ward_codes)].reset_index(drop=True)
    kinds = {"lon": np.float64, "lat": np.float64, "h3_10": np.uint64}
    return frame.astype(kinds | dict.fromkeys(("occurred_from", "occurred_to", "quantity"), np.int64))
