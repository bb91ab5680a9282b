"""Patrol plans: a few short stops where most is expected, in an order that fits the shift, not to be learnt.

Stops of 10 to 16 minutes: Koper 1995, Justice Quarterly 12; tested in Sacramento by Telep, Mitchell and Weisburd 2014.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.orienteering import Problem, Solution, find_tours
from hexbeat.analysis.daily_counts import FEWEST_HISTORY_WEEKS
from hexbeat.areas.area import Area
from hexbeat.operations.plans.expected_events import ExpectedEvents, forecast_events
from hexbeat.operations.plans.patrol_past import PAST_WEEKS, PastWeeks, backtest_patrol
from hexbeat.operations.plans.patrol_problem import (
    BREAK_S,
    PatrolChoices,
    build_patrol_problem,
    choose_candidates,
    choose_stop_seconds,
)
from hexbeat.operations.plans.plan import Plan, PlanKind, PlanPast, PlanScope, PlanWorth
from hexbeat.operations.plans.roads import Travel, Ways
from hexbeat.operations.plans.tours import build_tour, build_visited_places, hash_short_id
from hexbeat.operations.plans.working_time import build_working_time
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.wording import format_date, format_list, format_number, format_percent

__all__ = ["PatrolChoices", "make_patrol_plan"]

_QUICK_ROUNDS: Final = 25
_UNJUDGED: Final = (
    f"Such plans are judged by the last {PAST_WEEKS} weeks, each planned from {FEWEST_HISTORY_WEEKS} weeks before it "
    "or more: that was not done, or not so many are known."
)
_WHOLE_PERCENT: Final = 0.1  # from here on decimals say little
Progress = Callable[[int, int], None]


def make_patrol_plan(
    columns: Columns,
    area: Area,
    choices: PatrolChoices,
    *,
    home: Path | None = None,
    travel: Travel | None = None,
    methods: Mapping[str, str] | None = None,
    made_at: dt.datetime | None = None,
    progress: Progress | None = None,
) -> Plan:
    """A patrol plan for one shift. `travel` None: great circles with a detour. `progress` is told steps of three.

    `methods` by layer are taken without judging; None: what wins the back-test. UsageError for
    choices that make no sense, for too few records, and where nothing at all is expected.
    """
    time = build_working_time(choices.day, choices.hours, area.time_zone)
    _report_progress(progress, 0)
    expected = forecast_events(
        columns, area, dict(choices.weights), time=time, wards=choices.wards, home=home, methods=methods
    )
    chosen = choose_candidates(expected.worth)
    _report_progress(progress, 1)
    drawn = choose_stop_seconds(area, expected, choices)
    problem, ways = build_patrol_problem(expected, chosen, choices, time, drawn, travel)
    seed = crc32(f"{area.name}|{choices.day}|{choices.hours}|{choices.seed}".encode())
    solved = find_tours(problem, seed=seed, rounds=_QUICK_ROUNDS if choices.quick else None, varied=True)
    _require_stops(solved)
    _report_progress(progress, 2)
    places = build_visited_places(expected.study, chosen, lon=ways.lon, lat=ways.lat, expected=problem.worth)
    past = None if choices.quick else backtest_patrol(expected, choices, time, drawn)
    ends = (choices.start, choices.finish or choices.start)
    reason = _build_reason(expected, chosen)
    tours = tuple(
        build_tour(problem, route, places, ways, time=time, ends=ends, named=(team, f"Team {team}"), reason=reason)
        for team, route in enumerate(solved.routes, start=1)
    )
    visited = np.array(sorted({place for route in solved.routes for place in route.stops}), dtype=np.intp)
    return Plan(
        plan_id=hash_short_id(PlanKind.PATROL, area.name, choices, tours, arrays=[expected.worth, ways.seconds]),
        kind=PlanKind.PATROL,
        area=area.name,
        title=f"Patrol of {format_date(choices.day)}, {time.words}",
        made_at=made_at or dt.datetime.now(area.tz).replace(microsecond=0),
        begins=time.moment(0),
        ends=time.moment(time.seconds),
        scope=PlanScope(
            layers=tuple(layer for layer, _ in choices.weights),
            weights=tuple(weight for _, weight in choices.weights),
            wards=choices.wards,
        ),
        tours=tours,
        worth=PlanWorth(
            covered=float(problem.worth[visited].sum()),
            expected=float(expected.worth.sum()),
            score=solved.score,
            bound=solved.bound,
            gap=solved.gap,
            proved=solved.proved,
        ),
        synthetic=bool(columns.demonstration.any()),
        past=past.summarise() if past else PlanPast(),
        settings=_describe_settings(choices, expected, chosen, problem, ways),
        notes=_build_notes(expected, chosen[visited], past=past, judged=not methods),
    )


def _require_stops(solved: Solution) -> None:
    if not any(route.stops for route in solved.routes):
        raise UsageError(
            "A patrol has a stop that can be reached, and left again, within its hours",
            "no place where events are expected can, from where it starts",
            "begin nearer, take longer hours, or go by car",
        )


def _build_reason(expected: ExpectedEvents, chosen: NDArray[np.intp]) -> Callable[[int, int], str]:
    """Why a stop is made: its rank, and what is expected there of each layer."""
    rank = np.empty(len(expected.worth), dtype=np.intp)
    rank[np.argsort(-expected.worth, kind="stable")] = np.arange(1, len(expected.worth) + 1)

    def reason(place: int, _: int) -> str:
        cell = chosen[place]
        parts = [
            f"{_format_share(float(one.cells[cell] / one.cells.sum()))} of expected {find_layer(one.layer).many}"
            for one in expected.layers
            if one.cells[cell] > 0
        ]
        return f"Number {rank[cell]:,} of {len(rank):,} places: {format_list(parts)}."

    return reason


def _format_share(share: float) -> str:
    """Small shares with a decimal: 0.4 %."""
    return f"{share * 100:.1f} %" if share < _WHOLE_PERCENT else format_percent(share)


def _describe_settings(
    choices: PatrolChoices, expected: ExpectedEvents, chosen: NDArray[np.intp], problem: Problem, ways: Ways
) -> tuple[str, ...]:
    (low, high), (least, most) = choices.stop_minutes, choices.revisit_minutes
    again = f"; a place again after {least} to {most} minutes, worth half as much" if len(problem.again) > 1 else ""
    pause = f" A break of {BREAK_S // 60} minutes near the middle." if problem.pause else ""
    among = f"Chosen among the {len(chosen):,} cells with the most expected, of {len(expected.worth):,}."
    return (
        f"{choices.teams} {'team' if choices.teams == 1 else 'teams'}; stops of {low} to {high} minutes{again}.{pause}",
        *(sentence for one in expected.layers for sentence in one.sentences),
        *ways.words,
        among,
        f"Order, lengths of stops and times are drawn anew for each day (seed {choices.seed}).",
    )


def _build_notes(
    expected: ExpectedEvents, visited: NDArray[np.intp], *, past: PastWeeks | None, judged: bool
) -> tuple[str, ...]:
    """What the plan covers layer by layer, what such plans would have caught, and what it cannot know."""
    said = []
    for one in expected.layers:
        whole, part = float(one.cells.sum()), float(one.cells[visited].sum())
        share = format_percent(part / whole) if whole else "none"
        said.append(
            f"{find_layer(one.layer).title}: the forecast is of {format_number(part)} at the stops, of "
            f"{format_number(whole)} in these hours ({share})."
        )
    said += past.sentences() if past else [_UNJUDGED]
    if past and past.events.any() and judged:
        said.append("The method was chosen by a back-test that these weeks took part in, which may flatter the plans.")
    if len(expected.layers) > 1:
        said.append(
            "The layers are unlike things: their sum has the weights that the team gave, and no unit of its own."
        )
    said.append(
        "Reports are where people report: what nobody reports, the plan cannot know. What was expected is no evidence "
        "against anyone who is there."
    )
    return tuple(said)


def _report_progress(progress: Progress | None, step: int) -> None:
    if progress:
        progress(step, 3)
