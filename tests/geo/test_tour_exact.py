"""Small problems solved to the end: against other ways of solving them, and for tours that vary."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.orienteering import Break, find_breaches, find_tours, sum_worth, upper_bound
from geo.tour_exact import find_best_sets, is_countable
from geo.tour_problem import schedule_all
from geo.tour_search import search_tours
from tests.support.tours import best_by_highs, best_by_trying, town


@pytest.mark.slow
@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    places=st.integers(1, 9),
    teams=st.integers(1, 4),
    hours=st.floats(0.3, 3),
    pause=st.sampled_from([None, Break(1800, 3600, 7200), Break(900, 0, 0), Break(600, 1200, 2000)]),
    one_way=st.booleans(),
)
def test_the_best_sets_make_sound_tours_that_no_search_and_no_bound_contradicts(
    seed: int,
    places: int,
    teams: int,
    hours: float,
    pause: Break | None,
    one_way: bool,  # noqa: FBT001 - drawn
) -> None:
    problem = town(seed, places=places, teams=teams, hours=hours, pause=pause, one_way=one_way)
    if not is_countable(problem):
        assert find_tours(problem, rounds=2).score == 0  # nothing can be reached
        return
    most, tours = find_best_sets(problem)
    assert len(tours) == teams
    assert find_breaches(problem, schedule_all(problem, tours)) == []
    assert sum_worth(problem, tours) == pytest.approx(most)
    assert most <= upper_bound(problem) * (1 + 1e-6)
    found = search_tours(problem, seed=seed, rounds=3)
    if not find_breaches(problem, schedule_all(problem, found)):
        assert sum_worth(problem, found) <= most * (1 + 1e-9)


@pytest.mark.parametrize("one_way", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_one_team_gets_what_trying_every_order_finds(seed: int, one_way: bool) -> None:  # noqa: FBT001 - by parameter
    problem = town(seed, places=6, hours=1.5, one_way=one_way)
    assert find_best_sets(problem)[0] == pytest.approx(best_by_trying(problem))


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "places", "teams"), [(1, 6, 2), (4, 8, 1), (5, 6, 3)])
def test_teams_get_what_an_integer_programme_proves(seed: int, places: int, teams: int) -> None:
    problem = town(seed, places=places, teams=teams, hours=1.5)
    assert find_best_sets(problem)[0] == pytest.approx(best_by_highs(problem))


@pytest.mark.parametrize("seed", [2, 3])
def test_what_the_search_misses_by_far_is_found(seed: int) -> None:
    """A far clump that is worth more than all that is near: the search takes stretches out, and never all."""
    problem = town(seed, places=12, hours=2)
    most, _ = find_best_sets(problem)
    assert sum_worth(problem, search_tours(problem, seed=1, rounds=60)) < 0.9 * most
    solved = find_tours(problem, seed=1, rounds=60)
    assert (solved.score, solved.gap, solved.proved) == (pytest.approx(most), 0, True)


@pytest.mark.parametrize(
    ("seed", "places", "teams", "hours"), [(2, 12, 1, 2), (3, 12, 1, 2), (1, 20, 2, 2), (2, 20, 1, 2), (4, 8, 3, 1.5)]
)
def test_varied_tours_are_within_two_per_cent_of_the_proved_best(
    seed: int, places: int, teams: int, hours: float
) -> None:
    problem = town(seed, places=places, teams=teams, hours=hours)
    most, _ = find_best_sets(problem)
    for draw in range(3):
        solved = find_tours(problem, seed=draw, rounds=30, varied=True)
        assert find_breaches(problem, solved.routes) == []
        assert solved.proved
        assert solved.bound == pytest.approx(most, rel=1e-4)
        assert solved.score >= 0.98 * most
        assert solved.gap == pytest.approx(1 - solved.score / most, abs=2e-4)


@pytest.mark.slow
def test_varied_tours_of_a_small_problem_differ_from_day_to_day() -> None:
    problem = town(1, places=20, teams=2, hours=2)
    days = [find_tours(problem, seed=day, rounds=30, varied=True) for day in range(4)]
    assert len({tuple(route.arrive_s for route in day.routes) for day in days}) == 4


@pytest.mark.slow
def test_small_problems_with_revisits_are_proved_too() -> None:
    problem = replace(town(1, places=6, hours=3, visit_shares=(1.0, 0.5), least_gap_s=5400), most_gap_s=10800)
    assert not is_countable(problem)
    for varied in (False, True):
        solved = find_tours(problem, seed=1, rounds=30, varied=varied)
        assert find_breaches(problem, solved.routes) == []
        assert solved.proved
        assert solved.score >= 0.98 * solved.bound
    large = town(1, places=60, hours=3)
    assert not find_tours(large, seed=1, rounds=2).proved


def test_places_that_nobody_can_reach_or_that_are_worth_nothing_are_not_counted() -> None:
    problem = town(1, places=40, hours=2)
    assert not is_countable(problem)
    few = replace(problem, worth=np.where(np.arange(40) < 10, problem.worth, 0))
    assert is_countable(few)
    assert not is_countable(replace(few, limit_s=60))
