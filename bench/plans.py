"""Plans: how near to the best, how fast, and whether a plan's places hold more events than the usual choice.

Small problems against an optimum that an integer programme proves (SciPy's HiGHS; it takes minutes with more than eight
places, so there dynamic programming over sets). Required: within 2 %, varied or not. 200 places and three teams:
required are under 10 s of CPU, gaps between visits of a place within the limits, and the same tours for the same seed;
the gap to the bound is printed. For problems without revisits: how near to the best each bound lies, and its cost (the
linear programme, sets, and CP-SAT alone, `--effort`).
And a rolling back-test on demonstration events: patrols planned for each of the last weeks from the weeks before. The
usual choice is "the top cells by last month's count, visited in map order", with the same teams and hours; a cell that
does not fit gives way to the next. Required: a lead in the share of events at the stops whose 95 % interval lies above
0. Exit code 1 if any requirement is missed.
"""

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from bench.report import build_parser, describe_machine, measure_cpu, report
from geo.orienteering import Break, Problem, Route, find_breaches, find_tours, sum_worth, upper_bound
from geo.tour_exact import Proof, find_best_sets, is_countable, prove
from geo.tour_problem import schedule_all
from geo.tour_search import search_tours
from geo.travel import Mode
from hexbeat.operations.plans.expected_events import ExpectedEvents, forecast_events
from hexbeat.operations.plans.patrol_past import replay_weeks
from hexbeat.operations.plans.patrol_problem import (
    PatrolChoices,
    build_patrol_problem,
    choose_candidates,
    choose_stop_seconds,
)
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.working_time import WorkingTime, build_working_time
from tests.support.demonstrations import TODAY, demonstration, middlesbrough
from tests.support.tours import best_by_highs, town

Row = dict[str, Any]
WITHIN: Final = 0.02
LIMIT_S: Final = 10.0
VARIED_DAYS: Final = 3
# Seed, places, teams, hours.
SMALL: Final = (
    (1, 6, 2, 1.5), (2, 7, 2, 1.5), (3, 7, 1, 1.5), (4, 8, 1, 1.5), (5, 6, 3, 1.5),
    (2, 12, 1, 2), (3, 12, 1, 2), (1, 20, 1, 2), (2, 20, 1, 2), (3, 20, 2, 2), (1, 20, 2, 4),
)  # fmt: skip
BY_HIGHS: Final = 8  # places; with more it takes minutes
ROUNDS: Final = 60
METHOD: Final = "all_history"  # the method that the back-test of the demonstration selects for this size of cell
VISIT_SHARES: Final = (1.0, 0.5, 0.25)
# Name, worth of visits, least and most seconds between them, break, hours.
LARGE: Final = (
    ("8 h, one visit", (1.0,), (0, None), None, 8),
    ("8 h, break, again after 2 h or more", VISIT_SHARES, (7200, None), Break(1800, 9600, 19200), 8),
    ("8 h, break, again after 1.5 to 3 h", VISIT_SHARES, (5400, 10800), Break(1800, 9600, 19200), 8),
    ("4 h, again after 1.5 to 3 h", VISIT_SHARES, (5400, 10800), None, 4),
)


def build_small_rows(problems: int) -> list[Row]:
    """What the search alone, the tours and varied tours lack of the proved best, and the gap that they report."""
    rows = []
    for seed, places, teams, hours in SMALL[:problems]:
        problem = town(seed, places=places, teams=teams, hours=hours)
        best = best_by_highs(problem) if places <= BY_HIGHS else find_best_sets(problem)[0]
        seconds, solution = measure_cpu(lambda problem=problem: find_tours(problem, seed=1))
        varied = [find_tours(problem, seed=day, varied=True) for day in range(VARIED_DAYS)]
        searched_worth = sum_worth(problem, search_tours(problem, seed=1, rounds=400))
        worst = min(varied, key=lambda day: day.score)
        sound = not any(find_breaches(problem, tours.routes) for tours in (solution, *varied))
        rows.append(
            {
                "what": f"{places} places, {teams} {'team' if teams == 1 else 'teams'}, {hours:g} h (town {seed})",
                "proved_by": "HiGHS" if places <= BY_HIGHS else "sets",
                "best": round(best, 3),
                "search_lacks": round(1 - searched_worth / best, 4),
                "found_lacks": round(1 - solution.score / best, 4),
                "gap": round(solution.gap, 4),
                "varied_lacks": round(1 - worst.score / best, 4),
                "varied_gap": round(worst.gap, 4),
                "cpu_s": round(seconds, 2),
                "met": min(solution.score, worst.score) >= (1 - WITHIN) * best and sound,
            }
        )
    return rows


def build_bound_row(problem: Problem, what: str, *, rounds: int, effort: float) -> Row:
    """The bounds of a problem without revisits, each as a share above the best known tours, and their CPU seconds."""
    routes = schedule_all(problem, search_tours(problem, seed=1, rounds=rounds))
    best = sum_worth(problem, [route.stops for route in routes])
    row: Row = {"what": what}
    if is_countable(problem):
        seconds, (best, _) = measure_cpu(lambda: find_best_sets(problem))
        row["sets_cpu_s"] = round(seconds, 2)
    for name, bound in (
        ("programme", lambda: upper_bound(problem)),
        ("cp_sat", lambda: prove(problem, routes, effort=effort)),
    ):
        seconds, result = measure_cpu(bound)
        value = result.bound if isinstance(result, Proof) else result
        row |= {f"{name}_above": round(value / best - 1, 4) if value else None, f"{name}_cpu_s": round(seconds, 2)}
    return row


def build_bound_rows(problems: int, places: int, *, effort: float) -> list[Row]:
    """The small problems, and the large one with one visit a place."""
    rows = [
        build_bound_row(
            town(seed, places=count, teams=teams, hours=hours),
            f"{count} places, {teams} {'team' if teams == 1 else 'teams'}, {hours:g} h (town {seed})",
            rounds=400,
            effort=effort,
        )
        for seed, count, teams, hours in SMALL[:problems]
    ]
    large = town(1, places=places, teams=3, hours=8)
    return [*rows, build_bound_row(large, f"{places} places, 3 teams, 8 h", rounds=250, effort=effort)]


def measure_gap_minutes(problem: Problem, routes: Sequence[Route]) -> list[float]:
    """Minutes from the end of each visit to the next of the same place."""
    visits: dict[int, list[int]] = {}
    for route in routes:
        for place, reach in zip(route.stops, route.arrive_s, strict=True):
            visits.setdefault(place, []).append(reach)
    return [
        (late - early - int(problem.stop_s[place])) / 60
        for place, times in visits.items()
        for early, late in pairwise(sorted(times))
    ]


def build_large_rows(places: int) -> list[Row]:
    """CPU seconds and gap of large problems, and whether the same seed gives the same tours."""
    rows = []
    for name, visit_shares, (least, most), pause, hours in LARGE:
        problem = town(
            1, places=places, teams=3, hours=hours, visit_shares=visit_shares, least_gap_s=least, pause=pause
        )
        problem = replace(problem, most_gap_s=most)
        seconds, solution = measure_cpu(lambda problem=problem: find_tours(problem, seed=1))
        same = find_tours(problem, seed=1) == solution
        varied = find_tours(problem, seed=2, varied=True)
        gaps = measure_gap_minutes(problem, solution.routes)
        quartiles = " ".join(f"{minutes:.0f}" for minutes in np.quantile(gaps, (0, 0.25, 0.5, 0.75, 1))) if gaps else ""
        rows.append(
            {
                "what": f"{places} places, 3 teams, on foot, {name}",
                "stops": sum(len(route.stops) for route in solution.routes),
                "revisits": len(gaps),
                "minutes_apart": quartiles,
                "found": round(solution.score, 1),
                "bound": round(solution.bound, 1),
                "gap": round(solution.gap, 4),
                "varied_loses": round(1 - varied.score / solution.score, 4),
                "cpu_s": round(seconds, 1),
                "met": seconds < LIMIT_S and same and not find_breaches(problem, solution.routes),
            }
        )
    return rows


def build_past_row(layer: str, mode: Mode, hours: tuple[int, int], weeks: int) -> Row:
    """A layer's rolling back-test: shares of events at the stops of both ways, PAI, and the lead with its interval."""
    columns, _ = demonstration()
    area = middlesbrough()
    station = Place("Station", -1.235, 54.574)
    choices = PatrolChoices(TODAY - dt.timedelta(days=2), hours, station, weights=((layer, 1.0),), mode=mode)
    time = build_working_time(choices.day, choices.hours, area.time_zone)
    methods = {layer: METHOD}
    expected = forecast_events(columns, area, dict(choices.weights), time=time, methods=methods)
    past = replay_weeks(expected, choices, time, choose_stop_seconds(area, expected, choices), weeks=weeks)
    (_, pai, low, high), (_, usual, usual_low, usual_high) = past.rows()
    lead, lead_low, lead_high = past.lead()
    return {
        "what": f"{layer}, {mode}, {hours[0]:02d}-{hours[1]:02d}, {weeks} weeks",
        "method": methods[layer],
        "held": "{:.4f} ({:.4f} to {:.4f})".format(*(past.held() or (np.nan, np.nan, np.nan))),
        "forecast": round(compute_forecast_share(expected, choices, time), 4),
        "usual_caught": round(float(past.usual.sum() / past.events.sum()), 4),
        "lead": round(lead, 4),
        "lead_low": round(lead_low, 4),
        "lead_high": round(lead_high, 4),
        "PAI": f"{pai:.1f} ({low:.1f} to {high:.1f})",
        "usual_PAI": f"{usual:.1f} ({usual_low:.1f} to {usual_high:.1f})",
        "met": lead_low > 0,
    }


def compute_forecast_share(expected: ExpectedEvents, choices: PatrolChoices, time: WorkingTime) -> float:
    """The share of events that the plan of these choices is forecast to hold: what people read as a promise."""
    candidates = choose_candidates(expected.worth)
    problem, _ = build_patrol_problem(
        expected, candidates, choices, time, choose_stop_seconds(middlesbrough(), expected, choices), None
    )
    visited = sorted({place for tour in search_tours(problem, seed=1, rounds=ROUNDS) for place in tour})
    return float(expected.worth[candidates[visited]].sum() / expected.worth.sum())


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if every requirement is met."""
    parser = build_parser(__doc__, size="places", default=200)
    parser.add_argument("--weeks", type=int, default=26, help="weeks of the back-test (default 26)")
    parser.add_argument("--small", type=int, default=len(SMALL), help="how many small problems (default all)")
    parser.add_argument("--effort", type=float, default=10, help="deterministic seconds of CP-SAT alone (default 10)")
    options: argparse.Namespace = parser.parse_args(arguments)
    small, large = build_small_rows(options.small), build_large_rows(options.places)
    past = [
        build_past_row(layer, mode, hours, options.weeks)
        for layer, mode, hours in (
            ("street_dealing", "walk", (14, 22)),
            ("street_dealing", "drive", (14, 20)),
            ("overdoses", "walk", (18, 24)),
            ("needle_litter", "drive", (8, 14)),
        )
    ]
    met = all(row["met"] for rows in (small, large, past) for row in rows)
    bounds = build_bound_rows(options.small, options.places, effort=options.effort)
    parts = {"small": small, "large": large, "bounds": bounds, "past": past}
    for rows in parts.values():
        if options.format == "table":
            report({}, rows, options=argparse.Namespace(format="table", out=None))
    if options.format == "json" or options.out is not None:
        text = json.dumps({"met": met, **parts, "machine": describe_machine()}, indent=1)
        if options.format == "json":
            print(text)
        if options.out is not None:
            options.out.write_text(text + "\n", encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
