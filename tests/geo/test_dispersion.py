"""Dispersion of the scan: families of events, days that differ, and both, with known answers."""

import numpy as np
import pytest
from scipy.sparse import csr_array, eye_array
from scipy.stats import nbinom

from geo.dispersion import Dispersion, estimate_area_dispersion, estimate_dispersion

DAYS, PLACES = 800, 144
NEAR = csr_array(eye_array(PLACES))  # no place near another


def draw(*, daily: float, family: int = 1, of_days: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Counts and what is expected, (days, places): families of so many on a day, days with a gamma factor."""
    generator = np.random.default_rng(6)
    factor = generator.gamma(1 / of_days, of_days, (DAYS, 1)) if of_days else np.ones((DAYS, 1))
    mean = np.full((DAYS, PLACES), daily / PLACES)
    return family * generator.poisson(factor * mean / family).astype(np.float64), mean


@pytest.mark.parametrize("family", [1, 3])
@pytest.mark.parametrize("of_days", [0.0, 0.3])
def test_families_and_days_that_differ_are_kept_apart(family: int, of_days: float) -> None:
    dispersion = estimate_dispersion(*draw(daily=12.0, family=family, of_days=of_days), NEAR)
    assert dispersion.short[-1] == pytest.approx(family, rel=0.12)
    assert dispersion.long[-1] == pytest.approx(family, rel=0.2)
    assert dispersion.of_days[-1] == pytest.approx(of_days, abs=0.1)


def test_families_of_ten_days_show_in_long_spans_more_than_in_short_ones() -> None:
    """Half of the events bring two more within ten days: the variance of the longest spans is 2.5 times the mean."""
    generator = np.random.default_rng(9)
    begin, place = generator.integers(0, DAYS, 8000), generator.integers(0, PLACES, 8000)
    more = np.repeat(np.flatnonzero(generator.random(8000) < 0.5), 2)
    day = np.append(begin, begin[more] + generator.integers(0, 11, len(more)))
    counts = np.zeros((DAYS + 10, PLACES))
    np.add.at(counts, (day, np.append(place, place[more])), 1)
    counts = counts[10:DAYS]
    dispersion = estimate_dispersion(counts, np.full(counts.shape, counts.mean()), NEAR)
    assert dispersion.short[400:].mean() == pytest.approx(1.6, rel=0.1)
    assert dispersion.long[400:].mean() == pytest.approx(2.2, rel=0.1)
    area = [values.sum(axis=1, keepdims=True) for values in (counts, np.full(counts.shape, counts.mean()))]
    assert (estimate_area_dispersion(*area, dispersion).long >= dispersion.long).all()


def test_the_whole_area_varies_at_least_as_its_places_and_its_days_are_told_once() -> None:
    generator = np.random.default_rng(6)
    parts = Dispersion(np.ones(DAYS), np.full(DAYS, 1.3), np.full(DAYS, 0.3))
    usual = np.full((DAYS, 1), 12.0)
    allowed, without = [], []
    for _ in range(40):
        total = generator.poisson(usual * generator.gamma(1 / 0.3, 0.3, (DAYS, 1))).astype(np.float64)
        area = estimate_area_dispersion(total, usual, parts)
        assert area.short.min() >= 1.3
        allowed.append(area.long[-1])
        without.append(estimate_area_dispersion(total, usual, Dispersion.of_chance(DAYS)).long[-1])
    assert np.mean(without) == pytest.approx(1 + 0.3 * 12, rel=0.1)
    assert np.median(allowed) == 1.3  # days are told by `of_days` alone


@pytest.mark.parametrize("span_days", [1, 10])
def test_the_statistic_is_the_likelihood_ratio_of_a_negative_binomial(span_days: int) -> None:
    count, mean, row = np.array([5.0, 12.0]), np.array([0.4, 7.5]), np.array([0, 0])
    """Of families of two (in long spans of four), whose days have a factor with a variance of 0.3."""
    family, shape = 2.0 if span_days == 1 else 4.0, span_days / 0.3
    best, usual = (nbinom.logpmf(count, shape, shape / (shape + value)) for value in (count, mean))
    dispersion = Dispersion(np.array([2.0]), np.array([4.0]), np.array([0.3]))
    statistic = dispersion.compute_statistic(count * family, mean * family, row=row, span_days=span_days)
    assert statistic == pytest.approx(best - usual)
    of_chance = Dispersion.of_chance(1).compute_statistic(count, mean, row=row, span_days=span_days)
    assert of_chance == pytest.approx(count * np.log(count / mean) - (count - mean), rel=1e-6)


def test_days_that_are_not_known_say_nothing() -> None:
    counts, mean = draw(daily=12.0, of_days=0.3)
    known = np.arange(DAYS) % 91 < 60
    dispersion = estimate_dispersion(counts, mean * known[:, None], NEAR)
    assert dispersion.of_days[-1] == pytest.approx(0.3, abs=0.12)
    nothing = estimate_dispersion(counts, np.zeros_like(mean), NEAR)
    assert [float(values.max()) for values in (nothing.short, nothing.long, nothing.of_days)] == [1.0, 1.0, 0.0]


def test_a_day_knows_nothing_of_later_ones() -> None:
    counts, mean = draw(daily=12.0, of_days=0.3)
    later = counts.copy()
    later[273:] += 1  # three blocks, in which neither fortnights nor four weeks end evenly
    total = mean.sum(axis=1, keepdims=True)
    places = [estimate_dispersion(values, mean, NEAR) for values in (counts, later)]
    areas = [
        estimate_area_dispersion(values.sum(axis=1, keepdims=True), total, places[0]) for values in (counts, later)
    ]
    for before, after in (places, areas):
        for name in ("short", "long", "of_days"):
            assert getattr(after, name)[:364].tolist() == getattr(before, name)[:364].tolist()
