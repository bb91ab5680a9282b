"""Scan statistics against plain loops over every circle and span, on made-up events."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.circles import Expectation, find_best, find_circles, log_likelihood_ratio, raise_maxima
from geo.errors import UsageError
from geo.scan import Cluster, compute_gumbel_p, space_time_permutation, spatial_poisson

MONDAY = 20_451 - 2  # 29 December 2025
# Centre, places, first and last day from the first of the period, observed, expected, statistic, p, Gumbel's p.
GOLDEN = (3, [3], 56, 59, 6, 0.8372093023, 6.8136058894, 0.001, 0.0005858414396914151)
Town = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def make_town(seed: int, *, places: int = 40, events: int = 120, days: int = 60, planted: int = 0) -> Town:
    """Place, day, longitude and latitude of made-up events, some of them at place 3 in the last days."""
    generator = np.random.default_rng(seed)
    lon, lat = -1.25 + generator.uniform(0, 0.05, places), 54.55 + generator.uniform(0, 0.03, places)
    place, day = generator.integers(0, places, events), generator.integers(0, days, events)
    place, day = np.append(place, np.full(planted, 3)), np.append(day, days - 1 - np.arange(planted) % 4)
    return place, day + MONDAY, lon, lat


@st.composite
def towns(draw: st.DrawFn) -> Town:
    return make_town(
        draw(st.integers(0, 10_000)),
        places=draw(st.integers(1, 9)),
        events=draw(st.integers(0, 25)),
        days=draw(st.integers(8, 16)),
    )


def scan(town: Town, *, days: int = 60, **options: object) -> tuple[Cluster, ...]:
    asked = {"first_day": MONDAY, "last_day": MONDAY + days - 1, "replications": 19, "seed": 1, **options}
    return space_time_permutation(*town, **asked)  # type: ignore[arg-type] # options of the tests


def last_day(town: Town) -> int:
    return int(town[1].max(initial=MONDAY + 15)) - MONDAY + 1


def list_circles(lon: np.ndarray, lat: np.ndarray, weight: np.ndarray, radius_m: float, most: float) -> Iterator[tuple]:
    """Every circle as (centre, places), smaller ones first, by plain loops."""
    radians = [(math.radians(x), math.radians(y)) for x, y in zip(lon, lat, strict=True)]
    ball = [(math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)) for x, y in radians]
    for centre, middle in enumerate(ball):
        chord = [6_367_000 * math.dist(middle, other) for other in ball]
        taken: list[int] = []
        for place in sorted(range(len(ball)), key=chord.__getitem__):
            if chord[place] > radius_m or weight[[*taken, place]].sum() > most:
                break
            taken.append(place)
            yield centre, list(taken)


def ratio(c: int, mean: float, total: int) -> float:
    if c <= mean:
        return 0.0
    outside = (total - c) * math.log((total - c) / (total - mean)) if total > c else 0.0
    return c * math.log(c / mean) + outside


def scan_by_loops(town: Town, *, days: int, strata: int, prospective: bool) -> list[tuple]:
    """Clusters as (places, first, last, observed, expected, statistic) by looking at every circle and span."""
    place, day, lon, lat = town
    end, total = MONDAY + days - 1, len(day)
    spans = [(e - k + 1, e) for k in range(1, 29) for e in ([end] if prospective else range(MONDAY, end + 1))]
    best: dict[int, tuple] = {}
    for centre, places in list_circles(lon, lat, np.bincount(place, minlength=len(lon)), 1500, total / 2):
        inside = np.isin(place, places)
        for first, last in (span for span in spans if span[0] >= MONDAY):
            during = (day >= first) & (day <= last)
            c = int((inside & during).sum())
            expected = 0.0
            for stratum in set((day % strata).tolist()):
                of = day % strata == stratum
                expected += int((inside & of).sum()) * int((during & of).sum()) / int(of.sum())
            if c >= 2 and c > expected:
                found = ratio(c, expected, total)
                key = (-found, len(places), last - first, last)
                if centre not in best or key < best[centre][0]:
                    best[centre] = (key, centre, places, first, last, c, expected, found)
    chosen: list[tuple] = []
    for _, _, places, *rest in sorted(best.values(), key=lambda one: (one[0][:2], one[1])):
        if all(set(places).isdisjoint(other[0]) for other in chosen):
            chosen.append((places, *rest))
    return chosen


def as_rows(clusters: tuple[Cluster, ...]) -> list[tuple]:
    return [(c.places.tolist(), c.first_day, c.last_day, c.observed, c.expected, c.statistic) for c in clusters]


def assert_same(clusters: tuple[Cluster, ...], rows: list[tuple]) -> None:
    found = as_rows(clusters)
    assert [row[:4] for row in found] == [row[:4] for row in rows]
    assert np.array([row[4:] for row in found]) == pytest.approx(np.array([row[4:] for row in rows]), abs=1e-9)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(town=towns(), by_weekday=st.booleans(), prospective=st.booleans())
def test_clusters_are_those_of_loops_over_every_circle_and_span(
    town: Town, *, by_weekday: bool, prospective: bool
) -> None:
    days = last_day(town)
    found = scan(town, days=days, by_weekday=by_weekday, prospective=prospective, replications=0)
    assert_same(found, scan_by_loops(town, days=days, strata=7 if by_weekday else 1, prospective=prospective))


def test_a_planted_cluster_of_made_up_events() -> None:
    town = make_town(1, places=20, events=80, planted=6)
    found = scan(town, replications=999)
    assert_same(found, scan_by_loops(town, days=60, strata=1, prospective=True))
    first = found[0]
    assert (first.centre, first.places.tolist(), first.first_day - MONDAY, first.last_day - MONDAY) == GOLDEN[:4]
    assert (first.observed, round(first.expected, 10), round(first.statistic, 10), first.p_value) == GOLDEN[4:8]
    assert first.gumbel_p_value == pytest.approx(GOLDEN[8], rel=1e-6)
    assert first.recurrence_interval_days == 1 / first.p_value
    assert first.gumbel_recurrence_interval_days == 1 / first.gumbel_p_value


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), replicates=st.integers(0, 40), busy=st.sampled_from([0.05, 0.5, 40.0]))
def test_the_maxima_of_replicates_are_those_of_each_by_itself(seed: int, replicates: int, busy: float) -> None:
    generator = np.random.default_rng(seed)
    _, _, lon, lat = make_town(seed, places=12)
    counts = generator.poisson(busy, (12, 3, replicates)).cumsum(axis=1)
    places, windows = generator.integers(1, 60, (12, 2)).astype(float), generator.integers(1, 60, (2, 3)).astype(float)
    expectation = Expectation(places, windows.cumsum(axis=1) * busy / 9, places.sum(axis=0))
    circles = find_circles(lon, lat, places.sum(axis=1), radius_m=1500, most_weight=400)
    maxima, total = np.zeros(replicates), float(counts.sum())
    raise_maxima(maxima, counts, circles, expectation, total=total, fewest=2)
    alone = [
        max(
            (one.statistic for one in find_best(counts[:, :, r], circles, expectation, total=total, fewest=2)),
            default=0,
        )
        for r in range(replicates)
    ]
    assert maxima == pytest.approx(np.array(alone), abs=1e-9)


@settings(max_examples=8, deadline=None)
@given(town=towns(), seed=st.integers(0, 99), by_weekday=st.booleans())
def test_labels_weeks_order_and_empty_places_change_nothing(town: Town, seed: int, *, by_weekday: bool) -> None:
    place, day, lon, lat = town
    days, generator = last_day(town), np.random.default_rng(seed)
    usual = scan(town, days=days, by_weekday=by_weekday)
    label = generator.permutation(len(lon))
    back = np.argsort(label)
    again = scan((label[place], day, lon[back], lat[back]), days=days, by_weekday=by_weekday)
    later = scan((place, day + 70, lon, lat), by_weekday=by_weekday, first_day=MONDAY + 70, last_day=MONDAY + 69 + days)
    with_empty = (place, day, np.append(lon, lon[:2] + 0.0003), np.append(lat, lat[:2]))
    wider = scan(with_empty, days=days, by_weekday=by_weekday)
    order = generator.permutation(len(place))
    turned = scan((place[order], day[order], lon, lat), days=days, by_weekday=by_weekday)
    assert as_rows(turned) == as_rows(usual)
    assert [(a.places.tolist(), a.first_day - 70, a.p_value) for a in later] == [
        (a.places.tolist(), a.first_day, a.p_value) for a in usual
    ]
    for other in (again, wider):  # of equal statistics another may lead, so only what no tie can change
        first = [(a.statistic, a.p_value, a.gumbel_p_value) for a in other[:1]]
        assert np.array(first) == pytest.approx(
            np.array([(a.statistic, a.p_value, a.gumbel_p_value) for a in usual[:1]]), nan_ok=True
        )


@settings(max_examples=15, deadline=None)
@given(town=towns(), strata=st.sampled_from([1, 7]))
def test_what_is_expected_adds_up_to_what_there_is(town: Town, strata: int) -> None:
    place, day, lon, _ = town
    if not len(day):
        return
    at = np.unique(day % strata)
    by_place = np.array(
        [[((place == p) & (day % strata == s)).sum() for s in at] for p in range(len(lon))], dtype=float
    )
    by_day = np.array([[((day == d) & (day % strata == s)).sum() for d in np.unique(day)] for s in at], dtype=float)
    everywhere = Expectation(by_place, by_day, by_place.sum(axis=0)).compute(np.arange(len(lon)))
    assert everywhere[-1] == pytest.approx(by_day.sum(axis=0))
    places = np.diff(everywhere, axis=0, prepend=0)
    assert places.sum(axis=1) == pytest.approx(np.bincount(place, minlength=len(lon)))


def test_days_that_are_not_known_are_as_if_nothing_had_been_recorded() -> None:
    place, day, lon, lat = make_town(4, planted=6)
    known = np.ones(60, dtype=bool)
    known[[10, 11, 12, 57]] = False
    kept = known[day - MONDAY]
    found = scan((place, day, lon, lat), known_days=known)
    assert as_rows(found) == as_rows(scan((place[kept], day[kept], lon, lat)))
    assert found[0].observed < scan((place, day, lon, lat))[0].observed


def test_a_weekly_habit_of_one_place_is_a_cluster_only_without_weekdays() -> None:
    generator = np.random.default_rng(3)
    _, _, lon, lat = make_town(3)
    elsewhere = generator.integers(1, 40, 3000), generator.integers(0, 140, 3000) + MONDAY
    sundays = MONDAY + 6 + 7 * np.repeat(np.arange(20), 10)
    town = (np.append(elsewhere[0], np.zeros(200, dtype=int)), np.append(elsewhere[1], sundays), lon, lat)
    plain = scan(town, days=140, replications=99)[0]
    adjusted = scan(town, days=140, replications=99, by_weekday=True)
    assert (0 in plain.places, plain.first_day, plain.p_value) == (True, MONDAY + 139, 0.02)
    assert adjusted[0].p_value > 0.2


@pytest.mark.slow
def test_looking_back_finds_what_ended_long_ago() -> None:
    place, day, lon, lat = make_town(5, planted=6)
    town = (place, np.where(np.arange(len(day)) >= 120, day - 30, day), lon, lat)
    found = scan(town, prospective=False, replications=19)[0]
    assert (3 in found.places, found.last_day - MONDAY, found.observed, found.p_value) == (True, 29, 11, 0.05)
    assert (found.recurrence_interval_days, found.gumbel_recurrence_interval_days) == (None, None)
    assert scan(town)[0].p_value >= 0.1


def test_days_between_looks_make_the_recurrence_interval() -> None:
    first = scan(make_town(1, planted=6), days_between_looks=7)[0]
    assert (first.p_value, first.recurrence_interval_days) == (1 / 20, 140)


def test_replicates_as_strong_as_what_was_seen_count() -> None:
    far_apart = (
        np.array([0, 0, 1, 1]),
        MONDAY + np.array([59, 59, 0, 0]),
        np.array([-1.2, -1.3]),
        np.array([54.5, 54.6]),
    )
    first = scan(far_apart, replications=999)[0]
    assert first.statistic == pytest.approx(2 * math.log(2) + 2 * math.log(2 / 3))
    assert first.p_value == pytest.approx(2 / 6, abs=0.05)  # of six ways to deal the days two put a pair on the last


def test_no_events_and_no_places_make_no_cluster() -> None:
    none = np.empty(0)
    assert scan((none, none, none, none)) == ()
    assert scan((np.zeros(5), np.full(5, MONDAY + 59), np.zeros(1), np.zeros(1))) == ()
    assert spatial_poisson([0, 0], [1, 1], [0, 1], [0, 1], seed=1) == ()


def test_circles_stop_at_the_radius_and_before_the_share_and_keep_the_order_of_ties() -> None:
    lon, lat = np.array([0, 0.01, -0.01, 0.02]), np.zeros(4)  # 0.01 degrees are 1,111 m
    circles = find_circles(lon, lat, np.array([1.0, 1, 1, 1]), radius_m=1200, most_weight=3)
    assert [members.tolist() for members in circles] == [[0, 1, 2], [1, 0, 3], [2, 0], [3, 1]]
    heavy = find_circles(lon, lat, np.array([1.0, 5, 1, 1]), radius_m=1200, most_weight=3)
    assert [members.tolist() for members in heavy] == [[0], [], [2, 0], [3]]


def test_the_statistic_is_as_published() -> None:
    found = log_likelihood_ratio(np.array([9, 2, 1, 0]), np.array([9 * 0.0406, 2.0, 0.0, 0.0]), 2132)
    assert found[0] == pytest.approx(ratio(9, 9 * 0.0406, 2132))
    assert found[1:].tolist() == [0, 0, 0]
    assert log_likelihood_ratio(np.array([4]), np.array([1.0]), 4)[0] == pytest.approx(4 * math.log(4))


def test_gumbels_p_is_that_of_its_moments() -> None:
    maxima = np.array([6.0, 8.0])
    scale = math.sqrt(6) / math.pi
    expected = 1 - math.exp(-math.exp((7 - 0.5772156649 * scale - 9) / scale))
    assert compute_gumbel_p(9.0, maxima) == pytest.approx(expected, rel=1e-12)
    assert math.isnan(compute_gumbel_p(9.0, np.array([2.0, 2.0])))
    assert math.isnan(compute_gumbel_p(9.0, np.empty(0)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_spatial_clusters_are_those_of_loops(seed: int) -> None:
    generator = np.random.default_rng(seed)
    _, _, lon, lat = make_town(seed, places=12)
    background = generator.integers(0, 5, 12) / 4
    events = np.where(background > 0, generator.poisson(2.0, 12), 0)
    total, best = int(events.sum()), {}
    for centre, places in list_circles(lon, lat, background, 1500, background.sum() / 2):
        c, mean = int(events[places].sum()), float(background[places].cumsum()[-1] * total / background.sum())
        key = (-ratio(c, mean, total), len(places), centre)
        if c >= 2 and c > mean and (centre not in best or key < best[centre][0]):
            best[centre] = (key, places, c)
    rows: list[tuple] = []
    for key, places, c in sorted(best.values()):
        if all(set(places).isdisjoint(other) for other, *_ in rows):
            rows.append((places, c, round(-key[0], 9)))
    found = spatial_poisson(events, background, lon, lat, replications=9, seed=1)
    assert [(one.places.tolist(), one.observed, round(one.statistic, 9)) for one in found] == rows


def test_a_place_with_many_events_and_one_with_many_people() -> None:
    _, _, lon, lat = make_town(2)
    events, background = np.full(40, 2), np.ones(40)
    events[7], events[20], background[20] = 14, 40, 20
    first, *others = spatial_poisson(events, background, lon, lat, radius_m=200, seed=1)
    assert (first.centre, first.places.tolist(), first.observed, first.p_value) == (7, [7], 14, 0.001)
    assert first.expected == pytest.approx(events.sum() / 59)
    assert first.gumbel_p_value < 0.001
    assert all(one.p_value > 0.05 for one in others)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"lon": [0.0, np.nan]},
            (
                "A scan needs a finite longitude and latitude for each place; they have the shapes (2,) and (2,), with "
                "1 and 0 that are not finite; give two arrays of the same length, in WGS 84 degrees"
            ),
        ),
        (
            {"most_share": 0},
            (
                "A scan needs a radius of 0 or more, a share above 0 and up to 1, 1 event or more and 0 replicates "
                "or more; "
                "they are 1500 m, 0, 2 and 999; use for example 1500 m, 0.5, 2 and 999"
            ),
        ),
        (
            {"last_day": 9},
            (
                "A scan needs a period of a day or more, spans of 1 day or more and a time between looks; "
                "it is day 10 "
                "to 9, spans have 28 and looks come every 1; "
                "give the first and the last day in days since 1970, both included"
            ),
        ),
        (
            {"known_days": [True]},
            (
                "Known days are one True or False for each day of the period; the period has 10 days, and the array "
                "the shape (1,); leave them out if all days are known"
            ),
        ),
        (
            {"day": [10]},
            (
                "Each event needs a place and a day; they have the shapes (2,) and (1,); give two arrays of the "
                "same length, "
                "one row an event"
            ),
        ),
        (
            {"place": [0, 2]},
            (
                "Each event lies on one of the 2 places; 1 of 2 do not; leave those events out, or give more places or "
                "a longer period"
            ),
        ),
        (
            {"day": [9, 20]},
            (
                "Each event lies on one of the 10 days of the period; 2 of 2 do not; leave those events out, or give "
                "more places or a longer period"
            ),
        ),
    ],
)
def test_what_cannot_be_scanned(change: dict[str, object], message: str) -> None:
    asked = {"place": [0, 1], "day": [10, 11], "lon": [0, 1], "lat": [0, 1], "first_day": 10, "last_day": 19, "seed": 1}
    with pytest.raises(UsageError) as caught:
        space_time_permutation(**(asked | change))  # type: ignore[arg-type] # wrong on purpose
    assert str(caught.value) == message


def test_what_cannot_be_scanned_in_space() -> None:
    with pytest.raises(UsageError) as caught:
        spatial_poisson([1, 2, 3], [1, 1], [0, 1], [0, 1], seed=1)
    assert str(caught.value) == (
        "A scan of space needs one count and one background for each place; there are 2 places, and arrays of the "
        "shapes (3,) and (2,); give 0 for a place without events"
    )
    with pytest.raises(UsageError) as caught:
        spatial_poisson([1, 0.5], [0, 1], [0, 1], [0, 1], seed=1)
    assert str(caught.value) == (
        "Counts are whole numbers of 0 or more, and a place with events has a background above 0; 2 of 2 places do not "
        "fit that; leave those places out, or give them a background"
    )
