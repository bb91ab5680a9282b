"""Plans: how near to the best, how fast, and whether a plan's places catch more than the usual way of choosing.

Small problems against an optimum that an integer programme proves (SciPy's HiGHS): asked for within 2 %.
200 places and three teams: asked for under 10 s of CPU; the gap to the bound is told. The same seed twice: the same
tours. And a rolling back-test on demonstration events: patrols planned for each of the last weeks from those before,
beside "the top cells by last month's count, visited in map order" with the same teams and hours, where a cell that
does not fit is passed over for the next; asked for: a lead in
the share of events at the stops whose 95 % interval lies above 0. Exit code 1 when anything asked for is missed.
"""

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from bench.report import cpu_time, machine, parser_for, report
from geo.orienteering import Break, breaches, make_tours
from geo.travel import Mode
from layers.plans.expected import expected_events
from layers.plans.patrol_past import judge_past
from layers.plans.patrol_problem import PatrolChoices, stop_seconds
from layers.plans.plan import Place
from layers.plans.working_time import working_time
from tests.support.analysing import TODAY, demonstration, middlesbrough
from tests.support.touring import best_by_highs, town

Row = dict[str, Any]
WITHIN: Final = 0.02
LIMIT_S: Final = 10.0
SMALL: Final = ((1, 6, 2), (2, 7, 2), (3, 7, 1), (4, 8, 1), (5, 6, 3), (6, 8, 2))
METHOD: Final = "all_history"  # what wins the back-test of the demonstration at this size of cell, these weeks too
LARGE: Final = (
    ("on foot, 8 h, one visit", (1.0,), None, 8),
    ("on foot, 8 h, again after 2 h, break", (1.0, 0.5, 0.25), Break(1800, 9600, 19200), 8),
    ("on foot, 4 h, again after 2 h", (1.0, 0.5, 0.25), None, 4),
)


def small_rows(problems: int) -> list[Row]:
    """How far from the proved best the search alone is, and what it says itself."""
    rows = []
    for seed, places, teams in SMALL[:problems]:
        problem = town(seed, places=places, teams=teams, hours=1.5)
        best = best_by_highs(problem)
        seconds, solved = cpu_time(lambda problem=problem: make_tours(problem, seed=1))
        rows.append(
            {
                "what": f"{places} places, {teams} {'team' if teams == 1 else 'teams'}",
                "best": round(best, 3),
                "found": round(solved.score, 3),
                "short_of_best": round(1 - solved.score / best, 4),
                "gap": round(solved.gap, 4),
                "cpu_s": round(seconds, 2),
                "met": solved.score >= (1 - WITHIN) * best and not breaches(problem, solved.routes),
            }
        )
    return rows


def large_rows(places: int) -> list[Row]:
    """CPU seconds and gap of large problems, and whether the same seed gives the same."""
    rows = []
    for name, again, pause, hours in LARGE:
        problem = town(1, places=places, teams=3, hours=hours, again=again, pause=pause)
        seconds, solved = cpu_time(lambda problem=problem: make_tours(problem, seed=1))
        same = make_tours(problem, seed=1) == solved
        varied = make_tours(problem, seed=2, varied=True)
        rows.append(
            {
                "what": f"{places} places, 3 teams, {name}",
                "found": round(solved.score, 1),
                "bound": round(solved.bound, 1),
                "gap": round(solved.gap, 4),
                "varied_loses": round(1 - varied.score / solved.score, 4),
                "cpu_s": round(seconds, 1),
                "met": seconds < LIMIT_S and same and not breaches(problem, solved.routes),
            }
        )
    return rows


def past_row(layer: str, mode: Mode, hours: tuple[int, int], weeks: int) -> Row:
    """A layer's rolling back-test: shares of events at the stops of either way, PAI, and the lead with its interval."""
    columns, _ = demonstration()
    area = middlesbrough()
    station = Place("Station", -1.235, 54.574)
    choices = PatrolChoices(TODAY - dt.timedelta(days=2), hours, station, weights=((layer, 1.0),), mode=mode)
    time = working_time(choices.day, choices.hours, area.time_zone)
    methods = {layer: METHOD}
    expected = expected_events(columns, area, dict(choices.weights), time=time, methods=methods)
    past = judge_past(expected, choices, time, stop_seconds(area, expected, choices), weeks=weeks)
    (_, pai, low, high), (_, usual, usual_low, usual_high) = past.rows()
    lead, lead_low, lead_high = past.lead()
    return {
        "what": f"{layer}, {mode}, {hours[0]:02d}-{hours[1]:02d}, {weeks} weeks",
        "method": methods[layer],
        "caught": round(float(past.caught.sum() / past.events.sum()), 4),
        "usual_caught": round(float(past.usual.sum() / past.events.sum()), 4),
        "lead": round(lead, 4),
        "lead_low": round(lead_low, 4),
        "lead_high": round(lead_high, 4),
        "PAI": f"{pai:.1f} ({low:.1f} to {high:.1f})",
        "usual_PAI": f"{usual:.1f} ({usual_low:.1f} to {usual_high:.1f})",
        "met": lead_low > 0,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if everything that is asked for is met."""
    parser = parser_for(__doc__, size="places", default=200)
    parser.add_argument("--weeks", type=int, default=26, help="weeks of the back-test (default 26)")
    parser.add_argument("--small", type=int, default=len(SMALL), help="how many small problems (default all)")
    options: argparse.Namespace = parser.parse_args(arguments)
    small, large = small_rows(options.small), large_rows(options.places)
    past = [
        past_row(layer, mode, hours, options.weeks)
        for layer, mode, hours in (
            ("street_dealing", "walk", (14, 22)),
            ("street_dealing", "drive", (14, 20)),
            ("overdoses", "walk", (18, 24)),
            ("needle_litter", "drive", (8, 14)),
        )
    ]
    parts = {"small": small, "large": large, "past": past}
    met = all(row["met"] for rows in parts.values() for row in rows)
    for rows in parts.values():
        if options.format == "table":
            report({}, rows, options=argparse.Namespace(format="table", out=None))
    if options.format == "json" or options.out is not None:
        text = json.dumps({"met": met, **parts, "machine": machine()}, indent=1)
        if options.format == "json":
            print(text)
        if options.out is not None:
            options.out.write_text(text + "\n", encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
