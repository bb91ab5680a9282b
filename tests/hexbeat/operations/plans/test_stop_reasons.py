"""The plain reason of a stop is true of its records; few stops are spread over the hours."""

import datetime as dt
import re
from collections.abc import Sequence

import h3
import numpy as np
import pytest

from geo.orienteering import Break, Problem, find_breaches, find_tours, upper_bound
from geo.tour_problem import schedule_all
from hexbeat.analysis.hotspot_map import build_hotspot_map
from hexbeat.analysis.study import load_study
from hexbeat.operations.plans.patrol import make_patrol_plan
from hexbeat.operations.plans.patrol_problem import PatrolChoices
from hexbeat.operations.plans.plan import Stop
from hexbeat.operations.plans.stop_reasons import name_part_of_day
from hexbeat.operations.plans.tours import spread_stops
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.event import PRECISIONS, REPORTERS
from layers.filters import Filter
from tests.support.demonstrations import demonstration, middlesbrough

DAY = dt.date(2026, 11, 20)  # a Friday
HOTSPOT = re.compile(r"(A|Part of a) hotspot of street dealing: .*? of 28 days\.")


def test_every_number_of_a_reason_is_that_of_the_records() -> None:
    columns, _ = demonstration()
    choices = PatrolChoices(day=DAY, hours=(18, 2), start=None, teams=1, most_stops=6, quick=True)
    plan = make_patrol_plan(columns, middlesbrough(), choices, made_at=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC))
    (tour,) = plan.tours
    assert len(tour.stops) == 6
    assert tour.start.name == tour.stops[0].place
    assert tour.finish.name == tour.stops[-1].place
    reasons = " ".join(stop.reason for stop in tour.stops)
    assert reasons.count("Among the busiest ") == 6
    assert " reports of street dealing here in " in reasons
    counted = 0
    for stop in tour.stops:
        number, _, rest = stop.reason.partition(" reports of street dealing here in the ")
        if rest.startswith("evenings of the last 8 weeks."):
            assert int(number) == count_evenings(columns, stop.cell)
            counted += 1
    assert counted
    said = [HOTSPOT.search(stop.reason) for stop in tour.stops]
    assert [match.group() if match else "" for match in said] == describe_hotspots(columns, tour.stops)
    assert any(said)


def describe_hotspots(columns: Columns, stops: Sequence[Stop]) -> list[str]:
    """What the map of hotspots of the 28 days before says of the cell of 350 m in which each stop lies."""
    chosen = Filter(
        layers=("street_dealing",), start=DAY - dt.timedelta(days=28), end=DAY,
        reported_by=tuple(name for name in REPORTERS if name != "sweep"),
    )  # fmt: skip
    rows = build_hotspot_map(columns, chosen, load_study(middlesbrough()), trend=False).rows.set_index("cell")
    cells = [rows.loc[h3.latlng_to_cell(stop.lat, stop.lon, 9)] for stop in stops]
    return [
        f"{'A' if row['cells'] == 1 else 'Part of a'} hotspot of street dealing: {row['times']:.0f} times "
        f"{'its' if row['cells'] == 1 else 'their'} surroundings, on {row['active']} of 28 days."
        if row["hotspot"] == "hot"
        else ""
        for row in cells
    ]


def count_evenings(columns: Columns, cell: str) -> int:
    """The reports of a cell between 18:00 and 02:00 on the 56 days before the plan's day, counted one by one."""
    size = h3.get_resolution(cell)
    code = int(np.flatnonzero(columns.cell_ids[size] == np.uint64(h3.str_to_int(cell)))[0])
    is_timed = columns.precision == PRECISIONS.index("minute")
    is_report = (columns.layer == find_layer_code("street_dealing")) & (columns.reported_by != REPORTERS.index("sweep"))
    starts = columns.start[(columns.cell[size] == code) & is_timed & is_report]
    local = [dt.datetime.fromtimestamp(second, tz=middlesbrough().tz) for second in starts.tolist()]
    first = DAY - dt.timedelta(days=56)
    return sum(first <= time.date() < DAY and (time.hour >= 18 or time.hour < 2) for time in local)


@pytest.mark.parametrize(
    ("hours", "name"),
    [((18, 2), "evening"), ((22, 4), "night"), ((6, 14), "morning"), ((14, 22), "afternoon"), ((8, 20), None)],
)
def test_hours_have_the_name_of_the_part_of_the_day_in_which_they_begin(
    hours: tuple[float, float], name: str | None
) -> None:
    assert name_part_of_day(hours) == name


@pytest.mark.parametrize("seed", range(4))
def test_tours_keep_to_their_most_stops_and_are_spread_without_a_breach(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.uniform(0, 1500, (42, 2))
    travel = np.ceil(np.linalg.norm(points[:, None] - points, axis=2) / 60).astype(np.int64) * 60
    problem = Problem(
        worth=random.uniform(0, 1, 40), stop_s=np.full(40, 600, dtype=np.int64), travel_s=travel, limit_s=8 * 3600,
        teams=2, visit_shares=(1.0, 0.5), least_gap_s=5400, most_gap_s=10800, pause=Break(1800, 9600, 19200),
        most_stops=5,
    )  # fmt: skip
    solution = find_tours(problem, seed=seed, rounds=20, varied=True)
    spread = spread_stops(problem, solution.routes)
    assert [len(route.stops) for route in solution.routes] == [5, 5]
    assert find_breaches(problem, solution.routes) == []
    assert find_breaches(problem, spread) == []
    assert [route.stops for route in spread] == [route.stops for route in solution.routes]
    assert all(wide.back_s >= tight.back_s for wide, tight in zip(spread, solution.routes, strict=True))
    assert sum(route.back_s for route in spread) > sum(route.back_s for route in solution.routes)
    assert 0.9 < solution.score / upper_bound(problem) <= 1


def test_two_teams_at_one_place_are_spread_too_where_one_of_them_goes_the_other_way_round() -> None:
    """As made they meet the shared place last and first, which no even spread allows within an hour."""
    travel = np.full((7, 7), 300, dtype=np.int64)
    travel[5, 4] = 1500
    problem = Problem(
        worth=np.ones(5), stop_s=np.full(5, 600, dtype=np.int64), travel_s=travel, limit_s=8 * 3600, teams=2,
        visit_shares=(1.0, 0.5), most_gap_s=3600, pause=Break(1800, 9600, 19200), most_stops=3,
    )  # fmt: skip
    spread = spread_stops(problem, schedule_all(problem, [[0, 1, 2], [2, 3, 4]]))
    assert [route.stops for route in spread] == [(0, 1, 2), (4, 3, 2)]
    assert find_breaches(problem, spread) == []
    assert min(route.back_s for route in spread) > 0.9 * problem.limit_s


def test_a_break_that_fits_between_no_two_stops_moves_the_later_ones() -> None:
    travel = np.full((14, 14), 300, dtype=np.int64)
    problem = Problem(
        worth=np.ones(12), stop_s=np.full(12, 900, dtype=np.int64), travel_s=travel, limit_s=7 * 3600, teams=1,
        pause=Break(1800, 8400, 16800), most_stops=12,
    )  # fmt: skip
    (spread,) = spread_stops(problem, schedule_all(problem, [list(range(12))]))
    assert find_breaches(problem, [spread]) == []
    assert spread.break_s is not None
    assert spread.back_s > 0.9 * problem.limit_s
