"""The scan of day after day: properties on made-up events, and one planted cluster by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.dispersion import estimate_dispersion
from geo.errors import UsageError
from geo.prospective_scan import (
    CLOSE_DAYS,
    FEWEST_HISTORY_DAYS,
    LAG_DAYS,
    SPANS_DAYS,
    ScanGrid,
    Signal,
    build_scan_grid,
    estimate_expected,
    find_signals,
    follow_signals,
)

DAYS = 420
FIRST = FEWEST_HISTORY_DAYS + LAG_DAYS


def make_town(seed: int, *, places: int = 30, daily: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts (days, places), x and y in metres."""
    generator = np.random.default_rng(seed)
    share = generator.dirichlet(np.ones(places))
    counts = generator.poisson(daily * share, (DAYS, places)).astype(np.float64)
    return counts, generator.uniform(0, 3000, places), generator.uniform(0, 3000, places)


def scan(
    counts: np.ndarray, grid: ScanGrid, *, threshold: float = 4.0, known: np.ndarray | None = None
) -> list[Signal]:
    whole = np.ones(len(counts), dtype=np.bool_) if known is None else known
    expected = estimate_expected(counts, whole, grid)
    dispersion = estimate_dispersion(counts, expected, grid.near)
    return find_signals(counts, expected, dispersion, grid, threshold=threshold)


def as_rows(signals: list[Signal], name: np.ndarray | None = None) -> list[tuple]:
    names = np.arange(10_000) if name is None else name
    return [
        (one.row, one.span_days, one.count, round(one.expected, 6), round(one.statistic, 6), sorted(names[one.places]))
        for one in signals
    ]


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_names_and_order_of_places_change_nothing(seed: int) -> None:
    counts, x_m, y_m = make_town(seed)
    order = np.random.default_rng(seed + 1).permutation(len(x_m))
    signals = scan(counts, build_scan_grid(x_m, y_m))
    shuffled = scan(counts[:, order], build_scan_grid(x_m[order], y_m[order]))
    # Equal statistics may be told by another of equal circles, so the strongest of each day are compared.
    best = {one.row: round(one.statistic, 6) for one in reversed(signals)}
    assert best == {one.row: round(one.statistic, 6) for one in reversed(shuffled)}


def test_signals_are_those_of_a_look_at_every_circle_and_span() -> None:
    counts, x_m, y_m = make_town(3, places=12)
    grid = build_scan_grid(x_m, y_m)
    expected = estimate_expected(counts, np.ones(DAYS, dtype=np.bool_), grid)
    dispersion = estimate_dispersion(counts, expected, grid.near)
    circles, first = grid.circles.toarray(), DAYS - 30
    plain = []
    for row, span, circle in itertools.product(range(first, DAYS), SPANS_DAYS, range(len(circles))):
        days = slice(row - span + 1, row + 1)
        count, mean = (float((values[days] @ circles[circle]).sum()) for values in (counts, expected))
        if count >= 3 and count > mean > 0:
            strength = dispersion.compute_statistic(
                np.array([count]), np.array([mean]), row=np.array([row]), span_days=span
            )[0]
            plain += [(row, -round(strength, 6), circle, span, round(count))] if strength >= 1.0 else []
    kept, taken = [], set[tuple[int, int]]()
    for row, strength, circle, span, count in sorted(plain):
        own = {(row, place) for place in np.flatnonzero(circles[circle]).tolist()}
        if not own & taken:
            kept.append((row, -strength, span, count, len(own)))
            taken |= own
    found = find_signals(counts, expected, dispersion, grid, threshold=1.0, first_row=first)
    assert len(found) > 8
    assert kept == [(one.row, round(one.statistic, 6), one.span_days, one.count, len(one.places)) for one in found]


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), weeks=st.integers(1, 5))
def test_a_later_calendar_shifts_the_days_alone(seed: int, weeks: int) -> None:
    counts, x_m, y_m = make_town(seed)
    grid = build_scan_grid(x_m, y_m)
    known = np.ones(DAYS, dtype=np.bool_)
    expected = estimate_expected(counts, known, grid, weekday=0)
    assert np.array_equal(expected, estimate_expected(counts, known, grid, weekday=7 * weeks))
    before = np.zeros((7 * weeks, len(x_m)))
    later = estimate_expected(
        np.vstack([before, counts]), np.append(np.zeros(7 * weeks, dtype=np.bool_), known), grid, weekday=0
    )
    assert later[7 * weeks :] == pytest.approx(expected, abs=1e-12)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), daily=st.sampled_from([0.3, 2.0, 8.0]))
def test_expected_events_of_all_places_are_the_rate_of_the_area(seed: int, daily: float) -> None:
    counts, x_m, y_m = make_town(seed, daily=daily)
    expected = estimate_expected(counts, np.ones(DAYS, dtype=np.bool_), build_scan_grid(x_m, y_m))
    assert not expected[:FIRST].any()
    joined = estimate_expected(
        counts.sum(axis=1, keepdims=True), np.ones(DAYS, dtype=np.bool_), build_scan_grid([0.0], [0.0])
    )
    assert expected.sum(axis=1) == pytest.approx(joined[:, 0], rel=1e-9)
    assert expected[FIRST:].sum() == pytest.approx(counts[FIRST:].sum(), rel=0.5)


def test_a_far_place_without_events_changes_hardly_anything() -> None:
    """Only the share that may happen anywhere is spread over one place more."""
    counts, x_m, y_m = make_town(3)
    near = scan(counts, build_scan_grid(x_m, y_m))
    far = scan(np.column_stack([counts, np.zeros(DAYS)]), build_scan_grid(np.append(x_m, 9e5), np.append(y_m, 0.0)))
    assert near
    strongest, same = (max(signals, key=lambda one: one.statistic) for signals in (near, far))
    assert (strongest.row, strongest.count, strongest.span_days) == (same.row, same.count, same.span_days)
    assert same.statistic == pytest.approx(strongest.statistic, rel=0.02)


def test_days_that_are_not_known_expect_nothing_and_raise_nothing() -> None:
    counts, x_m, y_m = make_town(4)
    known = np.ones(DAYS, dtype=np.bool_)
    known[300:330] = False
    counts[~known] = 0
    grid = build_scan_grid(x_m, y_m)
    expected = estimate_expected(counts, known, grid)
    assert not expected[300:330].any()
    # The rate afterwards is that of the known days, so the first ones after a gap are no cluster.
    assert expected[335:].sum() == pytest.approx(counts[335:].sum(), rel=0.3)


def test_a_planted_cluster_is_told_once_grows_and_closes() -> None:
    counts, x_m, y_m = make_town(5, daily=1.0)
    place, begins = 7, 380
    counts[:, place] = 0
    counts[begins : begins + 4, place] += 2
    alerts = follow_signals(scan(counts, build_scan_grid(x_m, y_m), threshold=9.0))
    (alert,) = [
        one for one in alerts if one.latest.row >= begins and any(place in signal.places for signal in one.signals)
    ]
    assert alert.raised_row in {begins, begins + 1}
    assert place in alert.strongest.places
    assert (alert.strongest.row, alert.strongest.count >= 8) == (begins + 3, True)
    assert alert.latest.row > alert.raised_row


@pytest.mark.parametrize(("days_differ", "is_alert"), [(False, True), (True, False)])
def test_a_busy_day_like_many_before_is_no_alert(days_differ: bool, is_alert: bool) -> None:  # noqa: FBT001 - a case
    """On one day the whole town has three times as much; days before were alike, or differed as much."""
    _, x_m, y_m = make_town(8)
    generator = np.random.default_rng(0)
    factor = generator.gamma(2.0, 0.5, DAYS) if days_differ else np.ones(DAYS)
    share = generator.dirichlet(np.full(len(x_m), 9.0))
    counts = generator.poisson(8 * factor[:, None] * share).astype(np.float64)
    counts[-2] = np.round(24 * share)
    told = [one for one in scan(counts, build_scan_grid(x_m, y_m), threshold=9.0) if one.row == DAYS - 2]
    assert bool(told) is is_alert


def make_signal(row: int, places: list[int], statistic: float = 9.0) -> Signal:
    return Signal(row, 3, np.array(places), 4, 0.2, statistic)


def test_signals_of_a_shared_place_are_one_alert_until_a_week_of_silence() -> None:
    signals = [
        make_signal(1, [1, 2]),
        make_signal(2, [2, 3]),
        make_signal(2, [8]),
        make_signal(2 + CLOSE_DAYS, [1, 3]),
        make_signal(3 + 2 * CLOSE_DAYS, [3]),
    ]
    alerts = follow_signals(signals)
    assert [[one.row for one in alert.signals] for alert in alerts] == [[1, 2, 9], [2], [17]]
    assert [alert.raised_row for alert in follow_signals(signals, threshold=10.0)] == []


def test_a_grid_needs_places() -> None:
    with pytest.raises(UsageError) as caught:
        build_scan_grid(np.array([np.nan]), np.array([1.0]))
    assert str(caught.value) == (
        "A scan needs one place or more, with finite metres; there are 1 places; leave out places without a position"
    )
