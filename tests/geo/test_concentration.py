"""The rule of concentration: tails against plain sums, bursts measured, steadiness, and what noise shows."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from geo.bursts import count_tails, measure_bursts
from geo.cells import find_centres
from geo.concentration import Concentration, Timing, find_concentrations, find_lower_times
from geo.neighbours import build_neighbours
from geo.surroundings import Surroundings, build_surroundings
from tests.geo.test_neighbours import MIDDLESBROUGH, disk

DAYS = 28
CELLS = disk(*MIDDLESBROUGH, resolution=9, rings=10)


@cache
def grid() -> Surroundings:
    """331 cells of 350 m with their centres in metres."""
    lon, lat = find_centres(CELLS)
    return build_surroundings(lon * 64_600, lat * 111_300, build_neighbours(CELLS))


def middle() -> int:
    return int(np.flatnonzero(disk(*MIDDLESBROUGH, resolution=9, rings=0)[0] == CELLS)[0])


def judge(days: NDArray[np.int64]) -> Concentration:
    """The result of counts by place and day (m, days)."""
    place, day = (np.repeat(axis, days[days > 0]) for axis in np.nonzero(days))
    bursts = measure_bursts(place, day, grid().patches, times=days.shape[1])
    timing = Timing(place, day, days.shape[1])
    return find_concentrations(days.sum(axis=1).astype(float), grid(), timing, dispersion=bursts)


def draw_noise(seed: int, mean: float = 1.0, *, burst: float = 0.0) -> NDArray[np.int64]:
    """Events by place and day; with `burst`, so many more follow each one within ten days on average."""
    generator = np.random.default_rng(seed)
    days = generator.poisson(mean / DAYS / (1 + burst), (len(CELLS), DAYS))
    place, day = (np.repeat(axis, days[days > 0]) for axis in np.nonzero(days))
    followers = generator.geometric(1 / (1 + burst), len(place)) - 1
    later = np.repeat(day, followers) + np.minimum(generator.geometric(0.3, followers.sum()), 10)
    np.add.at(days, (np.repeat(place, followers), later % DAYS), 1)
    return days


def test_the_nearest_others_surround_a_place_and_those_outside_a_patch() -> None:
    cells, patches = grid().find(36)
    at = middle()
    around = {int(CELLS[place]) for place in cells[at]}
    assert around == set(disk(*MIDDLESBROUGH, resolution=9, rings=3).tolist()) - {int(CELLS[at])}
    patch = {int(CELLS[place]) for place in patches[at]}
    assert len(patch) == 36
    assert not patch & set(disk(*MIDDLESBROUGH, resolution=9, rings=1).tolist())
    assert [grid().choose_size(mean) for mean in (10.0, 1.0, 0.01)] == [36, 46, 46]  # 4 km2 hold 46 of these


@pytest.mark.parametrize("dispersion", [1.0, 1.5, 4.0])
def test_tails_are_those_of_the_beta_binomial(dispersion: float) -> None:
    generator = np.random.default_rng(1)
    inside, around = generator.integers(0, 12, 50).astype(float), generator.integers(0, 90, 50).astype(float)
    share = np.full(50, 1 / 37)
    above, below = count_tails(inside, around, share, dispersion=dispersion)
    total = inside + around
    if dispersion == 1:
        expected = stats.binom.sf(inside - 1, total, share), stats.binom.cdf(inside, total, share)
    else:
        own = np.maximum(total * share, 1e-3) / (dispersion - 1)
        law = stats.betabinom(total, own, own * 36)
        expected = law.sf(inside - 1), law.cdf(inside)
    assert above == pytest.approx(expected[0], abs=1e-9)
    assert below == pytest.approx(expected[1], abs=1e-9)


def test_bursts_are_measured_and_steady_places_are_none() -> None:
    single = [_measure(draw_noise(seed, 3.0))[0] for seed in range(10)]
    assert np.mean(single) < 1.05
    busy = draw_noise(1, 1.0)
    busy[middle()] += 1  # one event every day
    assert _measure(busy)[0] < 1.1
    families = [_measure(draw_noise(seed, 3.0, burst=1.5)) for seed in range(5)]
    # Families of 2.5 on average, geometric: the mean of their squares over their mean is 4. Some pairs are wider apart.
    assert 3 < np.mean(families) < 4.5


def _measure(days: NDArray[np.int64]) -> tuple[float, float]:
    place, day = (np.repeat(axis, days[days > 0]) for axis in np.nonzero(days))
    return measure_bursts(place, day, grid().patches, times=DAYS)


def test_one_full_place_is_found_and_its_numbers_are_its_own() -> None:
    days = draw_noise(3)
    days[middle(), ::2] += 1  # on 14 of 28 days
    result = judge(days)
    assert result.kind[middle()] == 1
    assert result.patch[middle()] == -1
    cells, _ = grid().find(36)
    around = days.sum(axis=1)[cells[middle()]]
    assert result.total[middle()] == days[middle()].sum()
    assert result.expected[middle()] == pytest.approx(around.mean(), rel=0.2)
    assert result.times[middle()] > find_lower_times(result)[middle()] > 4
    assert result.q[middle()] <= 0.05


def test_a_patch_is_told_by_the_places_that_carry_it() -> None:
    days = draw_noise(4, 0.4)
    members = grid().patches[[middle()]].indices
    days[members] = 0
    carrying = members[:5]
    for turn, place in enumerate(carrying.tolist()):
        days[place, [turn, 9 + turn, 15 + turn, 20 + turn]] = 1
    days[members[5], [3, 24]] = 1  # full enough, and nothing unusual by itself
    result = judge(days)
    assert set(np.flatnonzero(result.kind == 1).tolist()) == set(carrying.tolist())
    assert len(set(result.patch[carrying].tolist())) == 1
    assert (result.total[carrying] >= 22).all()
    left = members[5]  # with its patch, and not hot: it keeps the numbers of its own test
    around = grid().find(grid().choose_size(0.4))[0][left]
    assert result.expected[left] == pytest.approx(days.sum(axis=1)[around].mean())
    assert 0.05 < result.p[left] < 0.5


def test_what_a_town_bends_towards_its_middle_makes_no_patch_hot_or_cold() -> None:
    """A patch with a quarter more than its surroundings, and one with a fifth less, are as the town may bend."""
    days = np.zeros((len(CELLS), DAYS), dtype=np.int64)
    days[:, ::2] = 6
    members = grid().patches[[middle()]].indices
    for factor, kind in ((1.2, 0), (2.6, 1), (0.85, 0), (0.35, -1)):
        bent = days.copy()
        bent[members] = np.rint(days[members] * factor)
        result = judge(bent)
        assert set(result.kind[members].tolist()) == {kind}, factor
        if kind == 0:
            assert (result.p[members] > 0.001).all()


def test_a_burst_in_one_week_is_no_hotspot() -> None:
    days = draw_noise(5)
    days[middle(), 20:24] += 4
    result = judge(days)
    assert result.kind[middle()] == 0
    steady = days.copy()
    steady[middle()] = 0
    steady[middle(), 2:18] += 1
    assert judge(steady).kind[middle()] == 1


@pytest.mark.parametrize(("burst", "most"), [(0.0, 4), (1.5, 4)])
def test_noise_shows_no_more_than_promised(burst: float, most: int) -> None:
    """1 of 25 maps is expected at most; more than 4 has a chance of 1 in 100 then."""
    maps = [judge(draw_noise(seed, 2.0, burst=burst)) for seed in range(100, 125)]
    assert sum(bool((one.kind == 1).any()) for one in maps) <= most
    assert sum(bool((one.kind == -1).any()) for one in maps) <= most


def test_a_smooth_town_is_no_hotspot() -> None:
    lon, lat = find_centres(CELLS)
    away_m = np.hypot((lon - lon[middle()]) * 64_600, (lat - lat[middle()]) * 111_300)
    rate = 3 * (1 + 5 * np.exp(-((away_m / 1_200) ** 2)))
    shown = 0
    for seed in range(20):
        days = np.random.default_rng(seed).poisson(rate[:, None] / DAYS, (len(CELLS), DAYS))
        shown += bool((judge(days).kind == 1).any())
    assert shown <= 3


def test_a_place_that_is_empty_among_full_ones_is_cold() -> None:
    days = draw_noise(6, 6.0)
    members = grid().patches[[middle()]].indices
    days[members] = 0
    result = judge(days)
    assert (result.kind[members] == -1).all()
    assert (result.kind == 1).sum() == 0


def test_the_order_of_places_changes_nothing() -> None:
    days = draw_noise(7)
    days[middle(), ::2] += 1
    order = np.random.default_rng(2).permutation(len(CELLS))
    whole = grid()
    moved = build_surroundings(whole.x_m[order], whole.y_m[order], whole.patches[order][:, order])
    place, day = (np.repeat(axis, days[order][days[order] > 0]) for axis in np.nonzero(days[order]))
    result = find_concentrations(days[order].sum(axis=1).astype(float), moved, Timing(place, day, DAYS))
    assert np.flatnonzero(result.kind == 1).tolist() == [int(np.flatnonzero(order == middle())[0])]


def test_without_places_or_events_nothing_is_found() -> None:
    empty = judge(np.zeros((len(CELLS), DAYS), dtype=np.int64))
    assert not empty.kind.any()
    few = build_surroundings(np.array([0.0, 300.0]), np.zeros(2), build_neighbours(CELLS[:2]))
    assert not find_concentrations(np.array([9.0, 0.0]), few).kind.any()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_counts_that_are_none_are_refused(wrong: float) -> None:
    counts = np.ones(len(CELLS))
    counts[3] = wrong
    with pytest.raises(ValueError, match=r"^counts have to be finite and not negative$"):
        find_concentrations(counts, grid())


def test_a_county_with_years_of_records_is_judged_too() -> None:
    """Its parts of events and its thousands of events a cell once kept the control of discoveries from ending."""
    generator = np.random.default_rng(8)
    counts = generator.gamma(2.0, 2000.0, len(CELLS))
    counts[middle()] = 60_000.3
    result = find_concentrations(counts, grid(), dispersion=(1.5, 2.518))
    assert result.kind[middle()] == 1
