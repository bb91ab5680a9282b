"""Patrol plans: a few short stops where most is expected, in an order that fits the shift and that nobody can learn.

Stops of 10 to 16 minutes: Koper 1995, Justice Quarterly 12; tested in Sacramento by Telep, Mitchell and Weisburd 2014.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.orienteering import Problem, Route, Solution, find_tours
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
from hexbeat.operations.plans.plan import Place, Plan, PlanKind, PlanPast, PlanScope, PlanWorth, Tour
from hexbeat.operations.plans.plan_records import PlanRecords, describe_searches, judge_records
from hexbeat.operations.plans.roads import Travel, TravelTable
from hexbeat.operations.plans.stop_reasons import build_patrol_reason, rank_cells
from hexbeat.operations.plans.tours import VisitedPlace, build_tour, build_visited_places, hash_short_id, spread_stops
from hexbeat.operations.plans.working_time import WorkingTime, build_working_time, describe_hours_over
from hexbeat.store.shared_documents import SharedDocuments
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.wording import format_date, format_list, format_number, format_percent, format_plural

__all__ = ["PatrolChoices", "backtest_plan", "make_patrol_plan"]

_QUICK_ROUNDS: Final = 25
_NOT_BACKTESTED: Final = (
    f"How well such plans did in past weeks is not known. That needs {PAST_WEEKS} weeks, each with "
    f"{FEWEST_HISTORY_WEEKS} weeks of records before it."
)
_QUICK_NOT_BACKTESTED: Final = "How well such plans did in past weeks has not been worked out for this plan."
_MONTHS_NOT_BACKTESTED: Final = (
    "How well such plans did in past weeks is not known, because records known only to the month have no weeks."
)
_LONG_WALK_MINUTES: Final = 30
_WIDE_SHARE: Final = 0.75  # of the hours, at whose end the last team is back: fewer are not "spread over the hours"
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
        quick=choices.quick,
    )
    searches = tuple(layer_forecast.layer for layer_forecast in expected.layers if layer_forecast.searches)
    candidates = choose_candidates(expected.worth)
    _report_progress(progress, 1)
    stop_s = choose_stop_seconds(area, expected, choices)
    problem, travel_table = build_patrol_problem(expected, candidates, choices, time, stop_s, travel)
    seed = crc32(f"{area.name}|{choices.day}|{choices.hours}|{choices.seed}".encode())
    solution = find_tours(problem, seed=seed, rounds=_QUICK_ROUNDS if choices.quick else None, varied=True)
    _require_stops(solution)
    routes = spread_stops(problem, solution.routes) if choices.most_stops else solution.routes
    _report_progress(progress, 2)
    places = build_visited_places(
        expected.study, candidates, lon=travel_table.lon, lat=travel_table.lat, expected=problem.worth
    )
    past = None if choices.quick else backtest_patrol(expected, choices, time, stop_s)

    def build_tours(reason: Callable[[int, int], str]) -> tuple[Tour, ...]:
        return tuple(
            build_tour(
                problem,
                route,
                places,
                travel_table,
                time=time,
                ends=_find_ends(choices, [places[place] for place in route.stops]),
                team_label=(team, f"Team {team}"),
                reason=reason,
            )
            for team, route in enumerate(routes, start=1)
        )

    code_tours = build_tours(_build_code_text(expected, candidates))
    visited = np.array(sorted({place for route in solution.routes for place in route.stops}), dtype=np.intp)
    notes = _build_notes(expected, candidates[visited], records, past=past, choices=choices, used_backtest=not methods)
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
        tours=build_tours(build_patrol_reason(columns, area, expected, candidates, time, documents=documents)),
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
        settings=_describe_settings(
            choices,
            expected,
            candidates,
            problem,
            travel_table,
            hours=_describe_spread(code_tours, time),
            walks=_describe_walks(choices, problem, routes),
        ),
        notes=(*notes[:-1], *describe_hours_over(time, made_at), notes[-1]),
        by_month=expected.by_month,
        opening=(*records.sentences, *describe_searches(searches, len(weights))),
        ranks_only=records.ranks_only,
        searches=searches,
        most_stops=choices.most_stops,
    )


def backtest_plan(
    plan: Plan,
    columns: Columns,
    area: Area,
    choices: PatrolChoices,
    *,
    documents: SharedDocuments | None = None,
) -> Plan:
    """The plan with what such plans would have held in past weeks, which a quick plan leaves out; its stops stay.

    The method of the forecast is selected by a back-test first, where none is stored. UsageError as for the plan.
    """
    time = build_working_time(choices.day, choices.hours, area.time_zone)
    whole = replace(choices, quick=False)
    today = plan.made_at.astimezone(area.tz).date()
    weights = check_weights(dict(choices.weights))
    records = judge_records(
        columns, list(weights), day=choices.day, today=today, wards=choices.wards, time_zone=area.time_zone
    )
    expected = forecast_events(
        columns, area, weights, time=time, wards=choices.wards, documents=documents, ranks_only=records.ranks_only
    )
    past = backtest_patrol(expected, whole, time, choose_stop_seconds(area, expected, choices))
    cells = {stop.cell for tour in plan.tours for stop in tour.stops}
    visited = np.flatnonzero(np.isin(expected.study.names.astype(str), sorted(cells)))
    notes = _build_notes(expected, visited, records, past=past, choices=whole, used_backtest=True)
    over = describe_hours_over(time, plan.made_at)
    return replace(plan, past=past.summarise() if past else PlanPast(), notes=(*notes[:-1], *over, notes[-1]))


def _describe_spread(tours: Sequence[Tour], time: WorkingTime) -> str:
    """When the few stops of a plan are: over the hours, or only in a part of them; why is said with each tour."""
    stops = [stop for tour in tours for stop in tour.stops]
    if not stops:
        return "none of which fits"
    first, last = min(stop.arrive for stop in stops), max(stop.leave for stop in stops)
    if all(tour.returns - time.local_time(0) >= _WIDE_SHARE * dt.timedelta(seconds=time.seconds) for tour in tours):
        return "spread over the hours"
    return f"from {first:%H:%M} to {last:%H:%M}"


def _describe_walks(choices: PatrolChoices, problem: Problem, routes: Sequence[Route]) -> list[str]:
    """The limit on a walk from a stop to the next; without one, the longest where a team would not expect it."""
    if choices.mode != "walk":
        return []
    if choices.walk_minutes is not None:
        return [f"No walk from a stop to the next takes more than {choices.walk_minutes} minutes."]
    ways_s = [int(problem.travel_s[way]) for route in routes for way in pairwise(route.stops)]
    longest = max(ways_s, default=0) // 60
    if longest <= _LONG_WALK_MINUTES:
        return []
    most = _LONG_WALK_MINUTES
    sentence = (
        f"The longest walk from a stop to the next takes {longest} minutes, because the places at its end are worth "
        f"it. To allow none of more than {most}, write walk_minutes = {most} into plans.toml."
    )
    return [sentence]


def _find_ends(choices: PatrolChoices, stops: list[VisitedPlace]) -> tuple[Place, Place]:
    """Where a team starts and finishes: as chosen, else at its first stop and its last."""
    first, last = (Place(stop.place, stop.lon, stop.lat) for stop in (stops[0], stops[-1])) if stops else (None, None)
    start = choices.start or first or Place("No stop", 0.0, 0.0)
    return start, choices.finish or choices.start or last or start


def _require_stops(solution: Solution) -> None:
    if not any(route.stops for route in solution.routes):
        raise UsageError(
            "A patrol needs a stop that it can reach, and return from, within its hours",
            "no place with expected events is near enough to the start",
            "start nearer, choose longer hours, or go by car",
        )


def _build_code_text(expected: ExpectedEvents, candidates: NDArray[np.intp]) -> Callable[[int, int], str]:
    """A function of place that gives the reason as the plan's code includes it.

    Its text must never change, so that the same plan keeps its code.
    """
    rank = rank_cells(expected)

    def text(place: int, _: int) -> str:
        shares = [
            f"{share} of expected {find_layer(layer).many}"
            for layer, share in _format_shares(expected, int(candidates[place]))
        ]
        return f"Number {rank[candidates[place]]:,} of {len(rank):,} places: {format_list(shares)}."

    return text


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
    *,
    hours: str,
    walks: Sequence[str],
) -> tuple[str, ...]:
    """How the plan was made. `hours`: when the stops are, of a plan with few of them. `walks`: how long they are."""
    (low, high), (least, most) = choices.stop_minutes, choices.revisit_minutes
    revisits = (
        f" A place may be visited again after {least} to {most} minutes; the second visit counts half."
        if len(problem.visit_shares) > 1
        else ""
    )
    pause = f" A break of {BREAK_S // 60} minutes near the middle." if problem.pause else ""
    which = "that rank highest" if expected.ranks_only else "with the most expected events"
    selection = f"Chosen from the {len(candidates):,} cells {which}, of {len(expected.worth):,}."
    teams = format_plural(choices.teams, "team", "teams")
    limit = f" At most {choices.most_stops} stops each, {hours}." if choices.most_stops else ""
    return (
        f"{teams}, with stops of {low} to {high} minutes.{limit}{revisits}{pause}",
        *(sentence for layer in expected.layers for sentence in layer.sentences),
        *travel_table.sentences,
        *walks,
        selection,
        f"Order, lengths of stops and times differ from day to day (seed {choices.seed}).",
    )


def _build_notes(
    expected: ExpectedEvents,
    visited: NDArray[np.intp],
    records: PlanRecords,
    *,
    past: PastWeeks | None,
    choices: PatrolChoices,
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
    unknown = _MONTHS_NOT_BACKTESTED if monthly else _QUICK_NOT_BACKTESTED if choices.quick else _NOT_BACKTESTED
    notes += past.sentences() if past else [unknown]
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
    if all(layer.searches for layer in expected.layers):
        return "where officers search"
    return "what people report" + (
        ", and where officers search" if any(layer.officers for layer in expected.layers) else ""
    )


def _report_progress(progress: Progress | None, step: int) -> None:
    if progress:
        progress(step, 3)
