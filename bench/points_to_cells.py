"""Points to counted cells: H3 cells at four resolutions, wards, and counts by cell and ward.

`python -m bench.points_to_cells [--points N] [--area NAME] [--indexing] [--britain]`. Ours (`geo.cells`, `geo.wards`,
`geo.counts`) against the usual way: h3-py row by row, geopandas.sjoin, pandas.groupby. CPU time in one process, one
after the other; the results must be equal. Ours starts cold: its time includes fitting lattices and building the raster
of the wards.
Then indexing alone, in nanoseconds a point and resolution, against h3-py and, where it is installed (it is no
dependency), h3ronpy; with --indexing only that. Required of it: 20 times as fast as h3-py, 8 times as h3ronpy.
With --britain it takes points spread evenly over all of Britain: required is that they are equal.
"""

import importlib
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import Final

import geopandas
import h3.api.basic_int as h3
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report import Row, build_parser, choose_exit_code, measure_cpu, report
from geo.cells import index_points_at
from geo.counts import number_distinct, sum_groups
from geo.lattice import fit_lattice
from geo.wards import Wards

BOUNDARIES: Final = Path(__file__).resolve().parent.parent / "data" / "boundaries"
RESOLUTIONS: Final = (8, 9, 10, 11)
REQUIRED: Final = 5.0
REQUIRED_OF: Final = {"indexing alone: h3-py": 20.0, "indexing alone: h3ronpy": 8.0}
SMALL: Final = 200_000  # points; with fewer, fits weigh too much to judge

BRITAIN: Final = (-8.65, 49.85, 1.77, 60.87)  # west, south, east, north of Great Britain with its islands, in degrees

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
Counted = dict[int, pd.DataFrame]


def main() -> int:
    """Print both times; exit code 1 if the ratio misses the requirement."""
    parser = build_parser(__doc__, size="points", default=1_000_000)
    parser.add_argument("--area", default="middlesbrough", help="a folder of data/boundaries (default middlesbrough)")
    parser.add_argument("--indexing", action="store_true", help="cells alone")
    parser.add_argument("--britain", action="store_true", help="cells alone, of points over all of Britain")
    options = parser.parse_args()
    if options.britain:
        rows = compare_indexing(*spread_points(options.points), rounds=options.rounds)
        report({"points": options.points, "area": "Britain", "equal": True}, rows, options=options)
        return 0
    path = BOUNDARIES / options.area / "wards.geojson"
    points = make_points(path, options.points)
    if options.indexing:
        rows = compare_indexing(*points, rounds=options.rounds)
        report({"points": options.points, "area": options.area, "equal": True}, rows, options=options)
        met = min(row["Hexbeat is"] / REQUIRED_OF[row["way"]] for row in rows if row["way"] in REQUIRED_OF)
        return choose_exit_code(met, 1.0, judged=options.points >= SMALL)
    frame = geopandas.read_file(path)
    theirs_s, theirs = measure_cpu(lambda: count_usual_way(*points, frame))
    rounds = [measure_cpu(lambda: count_our_way(*points, frame)) for _ in range(options.rounds)]
    for _, ours in rounds:
        for resolution in RESOLUTIONS:
            pd.testing.assert_frame_equal(ours[resolution], theirs[resolution])
    ours_s = statistics.median(seconds for seconds, _ in rounds)
    ratio = theirs_s / ours_s
    rows = [
        {"way": "h3-py by row, geopandas.sjoin, pandas.groupby", "cpu_s": theirs_s, "times": 1.0},
        {"way": "Hexbeat", "cpu_s": ours_s, "times": ratio},
    ]
    rows += compare_indexing(*points, rounds=options.rounds)
    figures = {"points": options.points, "area": options.area, "ratio": ratio, "equal": True, "asked": REQUIRED}
    report(figures, rows, options=options)
    return choose_exit_code(ratio, REQUIRED, judged=options.points >= SMALL)


def compare_indexing(lon: NDArray[np.float64], lat: NDArray[np.float64], *, rounds: int) -> list[Row]:
    """Cells at four resolutions and nothing else; an AssertionError where an answer differs."""
    pairs = list(zip(lat.tolist(), lon.tolist(), strict=True))
    ways = {
        "indexing alone: h3-py": lambda r: np.array([h3.latlng_to_cell(y, x, r) for y, x in pairs], dtype=np.uint64)
    }
    try:
        vector = importlib.import_module("h3ronpy.vector")
        ways["indexing alone: h3ronpy"] = lambda r: np.asarray(vector.coordinates_to_cells(lat, lon, r))
    except ImportError:
        print("h3ronpy is not installed: left out", file=sys.stderr)
    ours_s, ours = [], index_points_at(lon, lat, resolutions=RESOLUTIONS)
    seconds = dict.fromkeys(ways, 0.0)
    for way, find in ways.items():
        for resolution in RESOLUTIONS:
            one_s, theirs = measure_cpu(partial(find, resolution))
            seconds[way] += one_s
            np.testing.assert_array_equal(ours[resolution], theirs)
    for _ in range(rounds):
        fit_lattice.cache_clear()
        ours_s.append(measure_cpu(lambda: index_points_at(lon, lat, resolutions=RESOLUTIONS))[0])
    quick = statistics.median(ours_s)
    seconds["indexing alone: Hexbeat"] = quick
    steps = len(lon) * len(RESOLUTIONS)
    return [
        {"way": way, "cpu_s": one_s, "ns": one_s / steps * 1e9, "Hexbeat is": one_s / quick}
        for way, one_s in seconds.items()
    ]


def spread_points(count: int) -> Points:
    """Seeded places spread evenly over the degrees of Britain, its waters too."""
    west, south, east, north = BRITAIN
    lon, lat = np.random.default_rng(2024).uniform((west, south), (east, north), (count, 2)).T
    return lon.copy(), lat.copy()


def make_points(path: Path, count: int) -> Points:
    """Seeded places over an area's bounds: half spread evenly, half in a dozen dense clusters, as events are."""
    random = np.random.default_rng(2024)
    west, south, east, north = Wards.from_file(path).bounds
    low, high = np.array([west, south]), np.array([east, north])
    even = random.uniform(low, high, (count - count // 2, 2))
    centres = random.uniform(low, high, (12, 2))[random.integers(0, 12, count // 2)]
    clustered = random.normal(centres, (high - low) / 40)
    lon, lat = random.permutation(np.concatenate([even, clustered])).T
    return lon.copy(), lat.copy()


def count_our_way(lon: NDArray[np.float64], lat: NDArray[np.float64], frame: geopandas.GeoDataFrame) -> Counted:
    """Counts by cell and ward at each resolution, by the functions that ingest and the screens use."""
    fit_lattice.cache_clear()
    wards = Wards.from_frame(frame)
    ward = wards.locate(lon, lat)
    inside = np.flatnonzero(ward >= 0)
    counted = {}
    for resolution, cells in index_points_at(lon[inside], lat[inside], resolutions=RESOLUTIONS).items():
        code, ids = number_distinct(cells)
        (cell, place), counts = sum_groups([code, ward[inside]], [len(ids), len(wards)])
        codes = np.array(wards.codes, dtype=object)[place]
        counted[resolution] = pd.DataFrame({"cell": ids[cell], "ward_code": codes, "count": counts.astype(np.int64)})
    return counted


def count_usual_way(lon: NDArray[np.float64], lat: NDArray[np.float64], frame: geopandas.GeoDataFrame) -> Counted:
    """The same by h3-py's quicker (integer) functions, one call a row and resolution, geopandas and pandas."""
    places = geopandas.GeoDataFrame({"lon": lon, "lat": lat}, geometry=geopandas.points_from_xy(lon, lat), crs=4326)
    joined = geopandas.sjoin(places, frame[["ward_code", "geometry"]], predicate="within")
    pairs = list(zip(joined["lat"].tolist(), joined["lon"].tolist(), strict=True))
    counted = {}
    for resolution in RESOLUTIONS:
        cells = np.array([h3.latlng_to_cell(y, x, resolution) for y, x in pairs], dtype=np.uint64)
        grouped = joined.assign(cell=cells).groupby(["cell", "ward_code"], as_index=False).size()
        counted[resolution] = grouped.rename(columns={"size": "count"})
    return counted


if __name__ == "__main__":
    sys.exit(main())
