"""Gi* with exact p-values: parity with esda, and speed.

`python -m bench.hotspots [--out FILE.json]`. z of `geo.hotspots.gi_star` against esda's G_Local (binary weights, self
included) on H3 grids of 4,000 and 40,000 cells; then hotspots of four layers on 4,000 cells (exact p, false-discovery
control and step-down, hot and cold) against esda's z with 999 permutations of the same. CPU time. esda is no dependency
of the project: without it (pip install esda) only our own times are shown.
"""

import importlib.util
import statistics
import sys
from typing import Any, Final

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array

from bench.report import Row, build_parser, choose_exit_code, measure_cpu, report
from geo.hotspots import gi_star, hotspots
from geo.neighbours import build_neighbours

REQUIRED: Final = 200.0
RINGS: Final = {3_997: 36, 40_021: 115}
LAYER_MEANS: Final = (0.05, 0.2, 1.0, 5.0)  # events a cell
REPEATS: Final = 20  # calls in one timing, because one is too short for the clock


def main() -> int:
    """Print the times; exit code 1 if z differs from esda's or is less than 200 times faster."""
    options = build_parser(__doc__, size="permutations", default=999).parse_args()
    esda = importlib.util.find_spec("esda") is not None
    rows, ratios = [], []
    for cells, rings in RINGS.items():
        values, neighbours = make_map(rings, mean=1.0)
        ours_s = measure_median(lambda v=values, a=neighbours: gi_star(v, a), options.rounds)
        theirs_s = float("nan")
        if esda:
            weights = build_esda_weights(neighbours)
            difference = float(
                np.abs(compute_by_esda(values, weights, permutations=0).Zs - gi_star(values, neighbours)).max()
            )
            assert difference < 1e-9, f"z differs by {difference}"
            theirs_s = statistics.median(
                measure_cpu(lambda v=values, w=weights: compute_by_esda(v, w, permutations=0))[0]
                for _ in range(options.rounds)
            )
            ratios.append(theirs_s / ours_s)
        rows.append(build_row(f"z of {cells:,} cells", ours_s, theirs_s))
    rows.append(time_four_layers(options.rounds, options.permutations, esda=esda))
    report({"asked": REQUIRED, "esda": esda, "permutations": options.permutations}, rows, options=options)
    return choose_exit_code(min(ratios, default=0.0), REQUIRED, judged=esda)


def build_row(what: str, ours_s: float, theirs_s: float) -> Row:
    """One line of the table."""
    return {"what": what, "Hexbeat_ms": ours_s * 1e3, "esda_ms": theirs_s * 1e3, "times": theirs_s / ours_s}


def time_four_layers(rounds: int, permutations: int, *, esda: bool) -> Row:
    """Hotspots of four layers with planted places, from sparse to busy."""
    maps = [make_planted_map(mean) for mean in LAYER_MEANS]
    ours_s = statistics.median(
        measure_cpu(lambda: [hotspots(*planted) for planted in maps])[0] for _ in range(rounds * 3)
    )
    theirs_s = float("nan")
    if esda:
        weights = build_esda_weights(maps[0][1])
        theirs_s = sum(
            measure_cpu(lambda v=v: compute_by_esda(v, weights, permutations=permutations))[0] for v, _ in maps
        )
    return build_row(
        f"hotspots of 4 layers on {len(maps[0][0]):,} cells; esda: {permutations} permutations", ours_s, theirs_s
    )


def make_map(rings: int, *, mean: float) -> tuple[NDArray[np.float64], csr_array]:
    """Poisson counts on a disk of cells of resolution 10, and its neighbours."""
    cells = np.array(h3.grid_disk(h3.latlng_to_cell(54.57, -1.23, 10), rings), dtype=np.uint64)
    return np.random.default_rng(1).poisson(mean, len(cells)).astype(np.float64), build_neighbours(cells)


def make_planted_map(mean: float) -> tuple[NDArray[np.float64], csr_array]:
    """The smaller map with a dozen neighbourhoods at six times the rate, so that step-down has work."""
    values, neighbours = make_map(RINGS[3_997], mean=mean)
    generator = np.random.default_rng(2)
    middles = np.zeros(len(values))
    middles[generator.choice(len(values), 12, replace=False)] = 1
    return values + generator.poisson(5 * mean, len(values)) * (neighbours @ middles > 0), neighbours


def measure_median(work: Any, rounds: int) -> float:
    """CPU seconds of one call, the median of rounds of many."""
    return statistics.median(measure_cpu(lambda: [work() for _ in range(REPEATS)])[0] / REPEATS for _ in range(rounds))


def build_esda_weights(neighbours: csr_array) -> Any:
    """The same neighbours for libpysal, without self. The times do not include this."""
    from libpysal.weights import WSP  # noqa: PLC0415 (no dependency of the project)

    others = csr_array(neighbours - eye_array(neighbours.shape[0]))
    others.eliminate_zeros()
    return WSP(others).to_W(silence_warnings=True)


def compute_by_esda(values: NDArray[np.float64], weights: Any, *, permutations: int) -> Any:
    """The result of esda's G_Local. Its weights have no self-neighbours: star=True adds them."""
    from esda.getisord import G_Local  # noqa: PLC0415 (no dependency of the project)

    return G_Local(values, weights, transform="B", star=True, permutations=permutations, seed=1)


if __name__ == "__main__":
    sys.exit(main())
