import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from geo.emerging_hotspots import DEFINITIONS, Pattern, Trend, classify, find_emerging_hotspots, mann_kendall
from geo.errors import UsageError
from geo.neighbours import build_neighbours
from tests.geo.test_neighbours import MIDDLESBROUGH, disk

FLAT, RISING, FALLING = (0.0, 1.0), (3.0, 0.003), (-3.0, 0.003)


def pattern(kinds: str, trend: tuple[float, float] = FLAT) -> Pattern:
    """The pattern of one place: h hot, c cold, . neither, oldest bin first."""
    kind = np.array([[{"h": 1, "c": -1, ".": 0}[one]] for one in kinds], dtype=np.int8)
    return classify(kind, Trend(np.array([trend[0]]), np.array([trend[1]])))[0]


HOT_CASES = [
    (".........h", FLAT, Pattern.NEW),
    ("c........h", FLAT, Pattern.NEW),
    ("........hh", FLAT, Pattern.CONSECUTIVE),
    (".....hhhhh", RISING, Pattern.CONSECUTIVE),
    ("hhhhhhhhhh", RISING, Pattern.INTENSIFYING),
    (".hhhhhhhhh", RISING, Pattern.INTENSIFYING),
    ("hhhhhhhhhh", FLAT, Pattern.PERSISTENT),
    ("hhhhhhhhhh", FALLING, Pattern.DIMINISHING),
    ("h.h.h.h.hh", FLAT, Pattern.SPORADIC),
    ("hhhhhhhh.h", FLAT, Pattern.PERSISTENT),
    ("hhhhhhh..h", FLAT, Pattern.SPORADIC),
    ("hc.......h", FLAT, Pattern.OSCILLATING),
    ("hhhhhhhhh.", FLAT, Pattern.HISTORICAL),
    ("hhhhhhhhhc", FLAT, Pattern.NEW_COLD),
    ("hhhhhhhh..", FLAT, Pattern.NONE),
    ("..........", RISING, Pattern.NONE),
]
BINS = hnp.arrays(np.int8, st.tuples(st.integers(4, 24), st.integers(1, 6)), elements=st.integers(-1, 1))
TRENDS = st.sampled_from([FLAT, RISING, FALLING])


@pytest.mark.parametrize(("kinds", "trend", "expected"), HOT_CASES)
def test_each_pattern_has_its_series(kinds: str, trend: tuple[float, float], expected: Pattern) -> None:
    assert pattern(kinds, trend) is expected


@pytest.mark.parametrize(("kinds", "trend", "expected"), HOT_CASES)
def test_cold_patterns_mirror_the_hot_ones(kinds: str, trend: tuple[float, float], expected: Pattern) -> None:
    mirrored = pattern(kinds.translate(str.maketrans("hc", "ch")), (-trend[0], trend[1]))
    if expected is Pattern.NEW_COLD:
        assert mirrored is Pattern.NEW
    elif expected is Pattern.NONE:
        assert mirrored is Pattern.NONE
    else:
        assert mirrored == f"{expected} cold"


@given(BINS, TRENDS)
def test_every_pattern_keeps_its_definition(kind: np.ndarray, trend: tuple[float, float]) -> None:
    ends = Trend(np.full(kind.shape[1], trend[0]), np.full(kind.shape[1], trend[1]))
    for column, found in zip(kind.T, classify(kind, ends), strict=True):
        side = -1 if found.endswith("cold") else 1
        on, name = column == side, found.removesuffix(" cold")
        mostly = on.mean() >= 0.9 - 1e-9
        run = len(on) - 1 - max(np.flatnonzero(~on), default=-1)
        clear = trend[1] < 0.05
        holds = {
            "new": on[-1] and on.sum() == 1 and not mostly,
            "consecutive": run >= 2 and on.sum() == run and not mostly,
            "intensifying": on[-1] and mostly and clear and trend[0] * side > 0,
            "persistent": on[-1] and mostly and not clear,
            "diminishing": on[-1] and mostly and clear and trend[0] * side < 0,
            "sporadic": on[-1] and not mostly and on.sum() > run and not (column == -side).any(),
            "oscillating": on[-1] and not mostly and on.sum() > run and (column == -side).any(),
            "historical": not on[-1] and mostly,
            "no significant trend": column[-1] == 0 and max((column == 1).mean(), (column == -1).mean()) < 0.9,
        }
        assert holds[name]


def test_each_hot_pattern_has_a_definition_in_words() -> None:
    assert {one for one in Pattern if not one.endswith("cold")} == set(DEFINITIONS)


@pytest.mark.slow
@given(hnp.arrays(np.float64, st.integers(4, 30), elements=st.integers(0, 6)))
def test_the_trend_is_kendalls(series: np.ndarray) -> None:
    found = mann_kendall(series[:, None])
    count = len(series)
    score = sum(np.sign(series[later] - series[first]) for later in range(count) for first in range(later))
    _, ties = np.unique(series, return_counts=True)
    variance = (count * (count - 1) * (2 * count + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    if variance == 0:
        assert (found.z[0], found.p[0]) == (0, 1)
        return
    z = (score - np.sign(score)) / np.sqrt(variance)
    assert found.z == pytest.approx([z])
    assert found.p == pytest.approx([2 * stats.norm.sf(abs(z))])
    tau = stats.kendalltau(np.arange(count), series).statistic
    assert np.sign(score) == np.sign(tau)


def test_a_planted_place_becomes_hot_and_quiet_maps_have_too_few_events() -> None:
    cells = disk(*MIDDLESBROUGH, resolution=9, rings=12)
    neighbours = build_neighbours(cells)
    middle = int(np.flatnonzero(cells == disk(*MIDDLESBROUGH, resolution=9, rings=0)[0])[0])
    truth = neighbours[[middle]].toarray()[0] > 0
    generator = np.random.default_rng(3)
    counts = generator.poisson(1.0, (12, len(cells))) + truth * generator.poisson(6.0, (12, len(cells)))
    counts[:6, truth] = generator.poisson(1.0, (6, truth.sum()))
    found = find_emerging_hotspots(counts, neighbours)
    assert found.pattern[middle] in {Pattern.CONSECUTIVE, Pattern.SPORADIC}
    assert found.z.shape == found.kind.shape == (12, len(cells))
    assert found.trend.p[middle] < 0.05
    quiet = find_emerging_hotspots(generator.poisson(0.004, (6, len(cells))), neighbours)
    assert set(quiet.pattern) == {Pattern.TOO_FEW}
    assert Pattern.TOO_FEW not in found.pattern


def test_plenty_of_events_is_never_too_few_however_they_are_spread() -> None:
    """A few cells of a hundred times the rate hide a place of six times, but three events a cell are not too few."""
    neighbours = build_neighbours(disk(*MIDDLESBROUGH, resolution=9, rings=12))
    counts = np.full((5, neighbours.shape[0]), 2.0)
    counts[:, ::40] = 200.0
    assert Pattern.TOO_FEW not in find_emerging_hotspots(counts, neighbours).pattern
    assert Pattern.TOO_FEW in find_emerging_hotspots(counts / 20, neighbours).pattern


def test_too_few_bins_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        find_emerging_hotspots(np.zeros((3, 5)), build_neighbours(disk(*MIDDLESBROUGH, resolution=9, rings=0)))
    assert (
        str(caught.value)
        == "A pattern over time needs at least four bins; the counts have shape (3, 5); use shorter bins"
    )
