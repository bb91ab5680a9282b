from itertools import permutations
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.sparse import csr_array

from geo.errors import UsageError
from geo.hotspots import benjamini_hochberg, gi_star, hotspots, local_g, p_values


def square(rows: int, columns: int) -> csr_array:
    """Queen neighbours with self of a square grid, row by row."""

    def line(count: int) -> np.ndarray:
        return np.eye(count) + np.eye(count, k=1) + np.eye(count, k=-1)

    return csr_array(np.kron(line(rows), line(columns)))


def hexagons(side: int) -> csr_array:
    """k-ring 1 with self of a rhombus of hexagons."""
    along, across = np.eye(side, k=1), np.eye(side)
    step = np.kron(along, across) + np.kron(across, along) + np.kron(along, along)
    return csr_array(np.eye(side * side) + step + step.T)


MAPS = hnp.arrays(np.float64, 36, elements=st.integers(0, 5))


@pytest.mark.shared
def test_z_equals_spdep(shared: Path) -> None:
    points = pd.read_csv(shared / "peers" / "spdata_getisord_xyz.csv").to_numpy()
    apart = np.hypot(*(points[:, None, :2] - points[None, :, :2]).transpose(2, 0, 1))
    published = {30: 1.221979, 60: 1.748098, 90: 1.986135, 120: 1.893374, 150: 1.237454}
    for distance, expected in published.items():
        neighbours = csr_array((apart <= distance).astype(float))
        assert round(local_g(points[:, 2], neighbours)[119], 6) == expected
    assert round(gi_star(points[:, 2], csr_array((apart <= 30).astype(float)))[119], 5) == 1.45078


@pytest.mark.slow
@pytest.mark.shared
def test_z_equals_sfhotspot(shared: Path) -> None:
    robberies = pd.read_csv(shared / "peers" / "memphis_robberies_jan.csv")
    places = gpd.points_from_xy(robberies["longitude"], robberies["latitude"], crs=4326).to_crs(32615)
    hull = shapely.convex_hull(shapely.union_all(places)).buffer(250, quad_segs=30)
    west, south, east, north = hull.bounds
    columns, rows = np.ceil([(east - west) / 500, (north - south) / 500]).astype(int)
    x, y = np.meshgrid(west + 500 * np.arange(columns), south + 500 * np.arange(rows))
    squares = shapely.box(x.ravel(), y.ravel(), x.ravel() + 500, y.ravel() + 500)
    kept = shapely.intersects(squares, hull)
    counts = np.bincount(shapely.STRtree(squares[kept]).query(places, predicate="intersects")[1], minlength=kept.sum())
    assert (len(counts), counts.sum()) == (2715, 206)
    neighbours = square(rows, columns)[np.flatnonzero(kept)][:, np.flatnonzero(kept)]
    published = [-0.546, -0.598, -0.598, 0.716, 0.716, 0.716, -0.598, -0.598, -0.546, 0.893]
    assert gi_star(counts.astype(float), csr_array(neighbours))[:10].round(3).tolist() == published


@given(MAPS)
def test_z_follows_the_formula_of_the_paper(values: np.ndarray) -> None:
    neighbours = hexagons(6)
    dense, n, spread = neighbours.toarray(), 36, values.std()
    weight = dense.sum(axis=1)
    found = gi_star(values, neighbours)
    if spread == 0:
        assert not found.any()
        return
    expected = (dense @ values - values.mean() * weight) / (spread * np.sqrt((n * weight - weight**2) / (n - 1)))
    assert found == pytest.approx(expected)


def test_weights_other_than_one_are_allowed_in_z() -> None:
    neighbours = hexagons(4)
    values = np.arange(16.0) ** 2
    assert gi_star(values, csr_array(neighbours * 2.5)) == pytest.approx(gi_star(values, neighbours))


@pytest.mark.parametrize("value", [0.0, 0.1, 7.3e9])
def test_nothing_stands_out_where_all_values_are_equal(value: float) -> None:
    assert gi_star(np.full(36, value), hexagons(6)).tolist() == [0] * 36
    assert local_g(np.zeros(36), hexagons(6)).tolist() == [0] * 36


def test_nothing_stands_out_where_every_cell_is_a_neighbour() -> None:
    assert gi_star(np.arange(4.0), csr_array(np.ones((4, 4)))).tolist() == [0, 0, 0, 0]


@pytest.mark.slow
@given(hnp.arrays(np.float64, 6, elements=st.integers(0, 3)))
def test_p_equals_the_enumeration_of_all_arrangements(values: np.ndarray) -> None:
    neighbours = square(2, 3)
    arrangements = np.array(list(permutations(values)))
    sums = arrangements @ neighbours.toarray()
    seen = neighbours @ values
    assert p_values(values, neighbours) == pytest.approx((sums >= seen).mean(axis=0))
    assert p_values(values, neighbours, side="cold") == pytest.approx((sums <= seen).mean(axis=0))
    assert p_values(values, neighbours, mid=True) == pytest.approx(
        (sums > seen).mean(axis=0) + (sums == seen).mean(axis=0) / 2
    )


@pytest.mark.parametrize(("mean", "size"), [(0.2, None), (2, None), (1, 0.5)])
def test_p_equals_twenty_thousand_shuffles(mean: float, size: float | None) -> None:
    generator = np.random.default_rng(7)
    neighbours, cells = hexagons(12), 144
    values = (
        generator.poisson(mean, cells)
        if size is None
        else generator.negative_binomial(size, size / (size + mean), cells)
    )
    seen, shuffles, at_least = neighbours @ values, 20_000, np.zeros(cells)
    for _ in range(shuffles // 500):
        shuffled = generator.permuted(np.tile(values, (500, 1)), axis=1)
        at_least += (seen <= (neighbours @ shuffled.T).T).sum(axis=0)
    p = p_values(values, neighbours)
    error = np.sqrt(p * (1 - p) / shuffles)
    assert (np.abs(at_least / shuffles - p) <= 4.5 * error + 1e-12).all()


@pytest.mark.slow
@given(MAPS)
def test_cells_in_another_order_get_the_same(values: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(36)
    neighbours = hexagons(6)
    one, other = hotspots(values, neighbours), hotspots(values[order], csr_array(neighbours[order][:, order]))
    assert other.z == pytest.approx(one.z[order])
    assert other.p == pytest.approx(one.p[order])
    assert other.kind.tolist() == one.kind[order].tolist()


@pytest.mark.slow
@given(hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)))
def test_false_discovery_control_is_scipys(p: np.ndarray) -> None:
    q = benjamini_hochberg(p)
    assert q == pytest.approx(stats.false_discovery_control(p))
    assert (q >= p).all()


def test_no_p_values_give_no_q_values() -> None:
    assert benjamini_hochberg(np.array([])).tolist() == []


def planted(side: int, *, rate: float, mean: float) -> tuple[np.ndarray, np.ndarray, csr_array]:
    """A map with one planted neighbourhood in its middle: values, which cells were planted, neighbours."""
    neighbours = hexagons(side)
    truth = neighbours[[side * side // 2 + side // 2]].toarray()[0] > 0
    values = np.random.default_rng(5).poisson(np.where(truth, rate, mean))
    return values.astype(float), truth, neighbours


def test_a_planted_hotspot_is_found_and_described() -> None:
    values, truth, neighbours = planted(20, rate=8, mean=0.5)
    found = hotspots(values, neighbours)
    assert (found.kind[truth] == 1).all()
    far = (neighbours @ neighbours @ truth.astype(float)) == 0
    assert not found.kind[far].any()
    assert found.total[truth] == pytest.approx((neighbours @ values)[truth])
    assert found.expected[truth] == pytest.approx(3.5, rel=0.2)
    assert (found.q >= found.p).all()
    assert ((found.q <= 0.05) == (found.kind != 0)).all()
    assert found.unit == 1.0


def test_a_hole_is_a_cold_spot() -> None:
    values, truth, neighbours = planted(20, rate=0.2, mean=12)
    found = hotspots(values, neighbours)
    assert (found.kind[truth] == -1).all()
    assert not (found.kind == 1).any()


def test_step_down_finds_what_a_strong_hotspot_hides() -> None:
    neighbours = hexagons(24)
    places = np.zeros(576)
    places[24 * 6 + 6], places[24 * 17 + 17] = 1, 2
    great, small = neighbours @ (places == 1) > 0, neighbours @ (places == 2) > 0
    values = np.random.default_rng(5).poisson(0.2 + 60 * great + 2.2 * small).astype(float)
    middle = int(np.flatnonzero(places == 2)[0])
    assert benjamini_hochberg(p_values(values, neighbours))[middle] > 0.05
    assert hotspots(values, neighbours).kind[middle] == 1


def test_a_town_among_fields_does_not_become_one_hotspot() -> None:
    neighbours = hexagons(40)
    row, column = np.divmod(np.arange(1600), 40)
    town = (np.abs(row - 20) < 12) & (np.abs(column - 20) < 12)
    centre = (np.abs(row - 20) < 2) & (np.abs(column - 20) < 2)
    values = np.random.default_rng(5).poisson(0.01 + 0.5 * town + 4 * centre).astype(float)
    found = hotspots(values, neighbours)
    assert (found.kind[centre] == 1).all()
    assert (found.kind[town] == 1).mean() < 0.5
    assert not (found.kind[~town] == 1).any()


def test_one_busy_cell_among_empty_ones_is_no_hotspot() -> None:
    values = np.zeros(400)
    values[210] = 90
    found = hotspots(values, hexagons(20))
    assert not found.kind.any()
    assert found.p[210] == pytest.approx(7 / 400)


@pytest.mark.parametrize("size", [None, 0.5])
def test_noise_rarely_shows_a_hotspot(size: float | None) -> None:
    generator, neighbours, maps = np.random.default_rng(11), hexagons(20), 100
    shape, mean = (maps, 400), 0.5
    noise = (
        generator.poisson(mean, shape)
        if size is None
        else generator.negative_binomial(size, size / (size + mean), shape)
    )
    hot = sum((hotspots(one, neighbours).kind == 1).any() for one in noise.astype(float))
    assert hot <= 11  # 5 promised; the chance of more is 1 in 200


def test_shared_counts_are_rounded_and_say_so() -> None:
    values, truth, neighbours = planted(20, rate=8, mean=0.5)
    found = hotspots(values + 0.3, neighbours)
    assert found.unit == 1 / 16
    assert (found.kind[truth] == 1).all()


def test_an_empty_map_has_no_hotspots() -> None:
    found = hotspots(np.zeros(36), hexagons(6))
    assert not found.kind.any()
    assert found.p.tolist() == [1.0] * 36


def test_neighbours_of_another_map_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        gi_star(np.zeros(5), hexagons(2))
    assert str(caught.value) == (
        "A list of n values (at least one) needs n x n neighbours; values have shape (5,) and neighbours (4, 4); "
        "make both from the same list of cells"
    )


def test_weights_are_refused_where_p_must_be_exact() -> None:
    with pytest.raises(UsageError) as caught:
        p_values(np.zeros(4), csr_array(hexagons(2) / 3))
    assert str(caught.value) == (
        "Exact p-values need binary neighbours; some weights are neither 0 nor 1; use "
        "geo.neighbours.build_neighbours, or set all stored weights to 1"
    )
