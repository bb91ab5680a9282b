"""Patrol plans: a few short stops where most is expected, in an order that fits the shift and that nobody can learn.

Stops of 10 to 16 minutes: Koper 1995, Justice Quarterly 12; tested in Sacramento by Telep, Mitchell and Weisburd 2014.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.orienteering import Problem, Solution, find_tours
from hexbeat.analysis.daily_counts import FEWEST_HISTORY_WEEKS
from hexbeat.areas.area import Area
from hexbeat.operations.plans.expected_events import ExpectedEvents, check_weights, forecast_events
from hexbeat.operations.plans.patrol_past import PAST_WEEKS, PastWeeks, backtest_patrol
from hexbeat.operations.plans.patrol_problem import (
    BREAK_S,
    PatrolChoices,
    build_patrol_problem,
    choose_candidates,
    choose_stop_seconds,
)
from hexbeat.operations.plans.plan import Plan, PlanKind, PlanPast, PlanScope, PlanWorth, Tour
from hexbeat.operations.plans.plan_records import PlanRecords, describe_searches, judge_records
from hexbeat.operations.plans.roads import Travel, TravelTable
from hexbeat.operations.plans.tours import build_tour, build_visited_places, hash_short_id
from hexbeat.operations.plans.working_time import build_working_time, describe_hours_over
from hexbeat.store.shared_documents import SharedDocuments
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.encounters import name_records
from layers.wording import format_date, format_list, format_number, format_percent

__all__ = ["PatrolChoices", "make_patrol_plan"]

_QUICK_ROUNDS: Final = 25
_NOT_BACKTESTED: Final = (
    f"How well such plans did in past weeks is not known. That needs {PAST_WEEKS} weeks, each with "
    f"{FEWEST_HISTORY_WEEKS} weeks of records before it."
)
_MONTHS_NOT_BACKTESTED: Final = (
    "How well such plans did in past weeks is not known, because records known only to the month have no weeks."
)
_WHOLE_PERCENT: Final = 0.1  # from here on a decimal says little
Progress = Callable[[int, int], None]


def make_patrol_plan(
    columns: Columns,
    area: Area,
    choices: PatrolChoices,
    *,
    documents: SharedDocuments | None = None,
    travel: Travel | None = None,
    methods: Mapping[str, str] | None = None,
    made_at: dt.datetime | None = None,
    progress: Progress | None = None,
) -> Plan:
    """A patrol plan for one shift. `travel` None: great circles with a detour.

    `progress` is called with each of three steps. `methods` by layer are used without a back-test; None: the best in
    the back-test. UsageError for choices out of bounds, for too few records, and if nothing is expected.
    """
    time = build_working_time(choices.day, choices.hours, area.time_zone)
    made_at = made_at or dt.datetime.now(area.tz).replace(microsecond=0)
    _report_progress(progress, 0)
    weights = check_weights(dict(choices.weights))
    today = made_at.astimezone(area.tz).date()
    records = judge_records(
        columns, list(weights), day=choices.day, today=today, wards=choices.wards, time_zone=area.time_zone
    )
    expected = forecast_events(
        columns,
        area,
        weights,
        time=time,
        wards=choices.wards,
        documents=documents,
        methods=methods,
        ranks_only=records.ranks_only,
    )
    searches = tuple(one.layer for one in expected.layers if one.searches)
    candidates = choose_candidates(expected.worth)
    _report_progress(progress, 1)
    stop_s = choose_stop_seconds(area, expected, choices)
    problem, travel_table = build_patrol_problem(expected, candidates, choices, time, stop_s, travel)
    seed = crc32(f"{area.name}|{choices.day}|{choices.hours}|{choices.seed}".encode())
    solution = find_tours(problem, seed=seed, rounds=_QUICK_ROUNDS if choices.quick else None, varied=True)
    _require_stops(solution)
    _report_progress(progress, 2)
    places = build_visited_places(
        expected.study, candidates, lon=travel_table.lon, lat=travel_table.lat, expected=problem.worth
    )
    past = None if choices.quick else backtest_patrol(expected, choices, time, stop_s)
    ends = (choices.start, choices.finish or choices.start)

    def build_tours(reason: Callable[[int, int], str]) -> tuple[Tour, ...]:
        return tuple(
            build_tour(
                problem,
                route,
                places,
                travel_table,
                time=time,
                ends=ends,
                team_label=(team, f"Team {team}"),
                reason=reason,
            )
            for team, route in enumerate(solution.routes, start=1)
        )

    code_tours = build_tours(_build_code_text(expected, candidates))
    visited = np.array(sorted({place for route in solution.routes for place in route.stops}), dtype=np.intp)
    notes = _build_notes(expected, candidates[visited], records, past=past, used_backtest=not methods)
    return Plan(
        plan_id=hash_short_id(
            PlanKind.PATROL, area.name, choices, code_tours, arrays=[expected.worth, travel_table.seconds]
        ),
        kind=PlanKind.PATROL,
        area=area.name,
        title=f"Patrol of {format_date(choices.day)}, {time.clock_hours}",
        made_at=made_at,
        begins=time.local_time(0),
        ends=time.local_time(time.seconds),
        scope=PlanScope(
            layers=tuple(layer for layer, _ in choices.weights),
            weights=tuple(weight for _, weight in choices.weights),
            wards=choices.wards,
        ),
        tours=build_tours((_build_rank_text if records.ranks_only else _build_reason)(expected, candidates)),
        worth=PlanWorth(
            covered=float(problem.worth[visited].sum()),
            expected=float(expected.worth.sum()),
            score=solution.score,
            bound=solution.bound,
            gap=solution.gap,
            proved=solution.proved,
        ),
        synthetic=bool(columns.demonstration.any()),
        past=past.summarise() if past else PlanPast(),
        settings=_describe_settings(choices, expected, candidates, problem, travel_table),
        notes=(*notes[:-1], *describe_hours_over(time, made_at), notes[-1]),
        by_month=expected.by_month,
        opening=(*records.sentences, *describe_searches(searches, len(weights))),
        ranks_only=records.ranks_only,
        searches=searches,
    )


def _require_stops(solution: Solution) -> None:
    if not any(route.stops for route in solution.routes):
        raise UsageError(
            "A patrol needs a stop that it can reach, and return from, within its hours",
            "no place with expected events is near enough to the start",
            "start nearer, choose longer hours, or go by car",
        )


def _build_rank_text(expected: ExpectedEvents, candidates: NDArray[np.intp]) -> Callable[[int, int], str]:
    """A function of place that says how busy it is among all places."""
    rank = _rank_cells(expected)
    when = "" if expected.any_hour else " at this time of day"

    def text(place: int, _: int) -> str:
        percent = max(1, math.ceil(100 * rank[candidates[place]] / len(rank)))
        return f"Among the busiest {percent} % of places{when} in the records."

    return text


def _build_reason(expected: ExpectedEvents, candidates: NDArray[np.intp]) -> Callable[[int, int], str]:
    """A function of place that says why it is a stop: how busy it is among all places, and its share of each layer."""
    rank = _rank_cells(expected)
    names = {one.layer: name_records(find_layer(one.layer), searches=one.searches).many for one in expected.layers}

    def reason(place: int, _: int) -> str:
        percent = max(1, math.ceil(100 * rank[candidates[place]] / len(rank)))
        shares = [
            f"{'under 0.1 %' if share == '0.0 %' else share} of the expected {names[layer]}"
            for layer, share in _format_shares(expected, int(candidates[place]))
        ]
        when = "" if expected.any_hour else " at this time of day"
        return f"Among the busiest {percent} % of places{when}: {format_list(shares)}."

    return reason


def _build_code_text(expected: ExpectedEvents, candidates: NDArray[np.intp]) -> Callable[[int, int], str]:
    """A function of place that gives the reason as the plan's code includes it.

    Its text must never change, so that the same plan keeps its code.
    """
    rank = _rank_cells(expected)

    def text(place: int, _: int) -> str:
        shares = [
            f"{share} of expected {find_layer(layer).many}"
            for layer, share in _format_shares(expected, int(candidates[place]))
        ]
        return f"Number {rank[candidates[place]]:,} of {len(rank):,} places: {format_list(shares)}."

    return text


def _rank_cells(expected: ExpectedEvents) -> NDArray[np.intp]:
    """The rank of each cell of the study by its worth, from 1."""
    rank = np.empty(len(expected.worth), dtype=np.intp)
    rank[np.argsort(-expected.worth, kind="stable")] = np.arange(1, len(expected.worth) + 1)
    return rank


def _format_shares(expected: ExpectedEvents, cell: int) -> list[tuple[str, str]]:
    """Each layer expected in a cell, with the cell's share of it."""
    return [
        (layer.layer, _format_share(float(layer.cells[cell] / layer.cells.sum())))
        for layer in expected.layers
        if layer.cells[cell] > 0
    ]


def _format_share(share: float) -> str:
    """Small shares with a decimal: 0.4 %."""
    return f"{share * 100:.1f} %" if share < _WHOLE_PERCENT else format_percent(share)


def _describe_settings(
    choices: PatrolChoices,
    expected: ExpectedEvents,
    candidates: NDArray[np.intp],
    problem: Problem,
    travel_table: TravelTable,
) -> tuple[str, ...]:
    (low, high), (least, most) = choices.stop_minutes, choices.revisit_minutes
    revisits = (
        f" A place may be visited again after {least} to {most} minutes; the second visit counts half."
        if len(problem.visit_shares) > 1
        else ""
    )
    pause = f" A break of {BREAK_S // 60} minutes near the middle." if problem.pause else ""
    which = "that rank highest" if expected.ranks_only else "with the most expected events"
    selection = f"Chosen from the {len(candidates):,} cells {which}, of {len(expected.worth):,}."
    teams = f"{choices.teams} {'team' if choices.teams == 1 else 'teams'}"
    return (
        f"{teams}, with stops of {low} to {high} minutes.{revisits}{pause}",
        *(sentence for one in expected.layers for sentence in one.sentences),
        *travel_table.sentences,
        selection,
        f"Order, lengths of stops and times differ from day to day (seed {choices.seed}).",
    )


def _build_notes(
    expected: ExpectedEvents,
    visited: NDArray[np.intp],
    records: PlanRecords,
    *,
    past: PastWeeks | None,
    used_backtest: bool,
) -> tuple[str, ...]:
    """What the plan covers layer by layer, what such plans held in past weeks, and what it cannot know."""
    notes = []
    for layer in expected.layers:
        total, part = float(layer.cells.sum()), float(layer.cells[visited].sum())
        share = format_percent(part / total) if total else "none"
        if layer.by_month:
            title = find_layer(layer.layer).title
            notes.append(f"{title}: the stops hold {share} of the rate of all places in the known months.")
            continue
        if records.ranks_only:
            continue
        notes.append(
            f"{find_layer(layer.layer).title}: the forecast for the stops is {format_number(part)} of "
            f"{format_number(total)} in these hours ({share})."
        )
    if records.ranks_only:
        notes.append("There is no forecast: the day is too far from the known days. The plan only ranks places.")
    monthly = any(layer.by_month for layer in expected.layers)
    notes += past.sentences() if past else [_MONTHS_NOT_BACKTESTED if monthly else _NOT_BACKTESTED]
    if past and past.events.any() and used_backtest:
        notes.append("The back-test that chose the method used these weeks too, which may flatter the plans.")
    if len(expected.layers) > 1:
        notes.append("The layers are different things. Their sum has the weights that the team gave, and no unit.")
    notes.append(
        f"The plan knows only {_describe_knowledge(expected)}. A forecast is no evidence against anyone who is at the "
        "place."
    )
    return tuple(notes)


def _describe_knowledge(expected: ExpectedEvents) -> str:
    """What the records of a plan come from."""
    if all(one.searches for one in expected.layers):
        return "where officers search"
    return "what people report" + (
        ", and where officers search" if any(one.officers for one in expected.layers) else ""
    )


def _report_progress(progress: Progress | None, step: int) -> None:
    if progress:
        progress(step, 3)
