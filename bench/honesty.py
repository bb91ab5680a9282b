"""Do hotspots lie? Maps of pure noise, and maps with planted hotspots, on the real grid of an area with its edges.

`python -m bench.honesty [--maps N] [--area A] [--resolution R] [--out FILE.json] [--figure FILE.svg]`
esda's permutations take long, and esda is no dependency. `--rules esda --maps 25 --out ESDA.json` runs only them, on
the first maps, and `--beside ESDA.json` draws the figures of another run beside this one.
For each kind of counts (Poisson, and overdispersed: negative binomial of size 0.5) and mean a cell it gives the share
of noise maps with any hotspot. On maps with 12 planted neighbourhoods it gives the false discovery rate (the mean share
of found cells without a planted cell in their neighbourhood) and the power (the share of planted cells found), for
rates of six times the mean, and of six times the mean and half an event more. Exit code 1 if Hexbeat's rule shows more
than is promised.
"""

import json
import math
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bench.dot_figure import Panel, draw
from bench.honesty_rules import LEVEL, RULES, Rule, esda_permutations
from bench.report import Row, build_parser, report
from geo.cells import find_meeting_cells
from geo.neighbours import build_neighbours
from hexbeat.areas.area import load_area

MEANS: Final = (0.05, 0.2, 1.0, 5.0)
SIZES: Final[dict[str, float | None]] = {"Poisson": None, "overdispersed": 0.5}
EXTRA: Final = {"x6": 0.0, "x6+0.5": 0.5}  # events a planted cell has beyond six times the mean
PLANTED: Final = 12
MEASURES: Final = tuple(f"{what} {plant}" for plant in EXTRA for what in ("FDR", "power"))


@dataclass(frozen=True, slots=True)
class Setting:
    """One kind of counts on one grid."""

    counts: str
    mean: float
    neighbours: csr_array
    near: csr_array

    def draw(self, generator: np.random.Generator, rate: NDArray[np.float64]) -> NDArray[np.float64]:
        """Counts with these means, one a cell."""
        size = SIZES[self.counts]
        drawn = generator.poisson(rate) if size is None else generator.negative_binomial(size, size / (size + rate))
        return drawn.astype(np.float64)

    def plant(self, generator: np.random.Generator) -> NDArray[np.bool_]:
        """Twelve whole neighbourhoods of seven cells, or as many as fit, at least two cells from each other."""
        free = np.diff(self.neighbours.indptr) == 7
        truth = np.zeros(len(free), dtype=bool)
        for _ in range(PLANTED):
            if not free.any():
                break
            middle = generator.choice(np.flatnonzero(free))
            truth[find_around(self.neighbours, np.array([middle]))] = True
            free[find_around(self.near, find_around(self.near, np.array([middle])))] = False
        return truth


def find_around(near: csr_array, cells: NDArray[np.intp]) -> NDArray[np.intp]:
    """All cells that are near one of these."""
    return np.unique(np.concatenate([near.indices[near.indptr[cell] : near.indptr[cell + 1]] for cell in cells]))


def main() -> int:
    """Simulate, print, write; exit code 1 if Hexbeat's rule shows more than is promised."""
    parser = build_parser(__doc__, size="maps", default=1000)
    parser.add_argument("--area", default="middlesbrough")
    parser.add_argument("--resolution", type=int, default=10)
    parser.add_argument("--planted-maps", type=int, help="of the maps, so many with planted hotspots (default all)")
    parser.add_argument(
        "--rules", choices=("own", "esda"), default="own", help="esda's permutations only, or all others"
    )
    parser.add_argument("--beside", type=Path, help="figures of another run, to be drawn beside these")
    parser.add_argument("--figure", help="write a figure there as SVG")
    options = parser.parse_args()
    cells = find_meeting_cells(load_area(options.area).wards.polygons, resolution=options.resolution)
    neighbours = build_neighbours(cells)
    near = csr_array((neighbours @ neighbours > 0).astype(np.float64))
    rows: list[Row] = []
    for counts in SIZES:
        for mean in MEANS:
            setting = Setting(counts, mean, neighbours, near)
            rules = RULES if options.rules == "own" else {"esda 999": esda_permutations}
            rows += simulate_setting(setting, rules, noise=options.maps, planted=options.planted_maps or options.maps)
            print(f"{counts} {mean:g} done", file=sys.stderr, flush=True)
    figures = {"area": options.area, "resolution": options.resolution, "cells": len(cells), "q": LEVEL}
    report(figures, rows, options=options)
    if options.figure:
        with open(options.figure, "w", encoding="utf-8") as file:  # noqa: PTH123 (a name from the command line)
            beside = json.loads(options.beside.read_text(encoding="utf-8"))["rows"] if options.beside else []
            file.write(draw_figure(rows + beside))
    broken = [row for row in rows if row["rule"] == "Hexbeat" and not keeps_promise(row)]
    for row in broken:
        print(f"missed: {row['counts']} {row['mean']}: {row}", file=sys.stderr)
    return 1 if broken else 0


def simulate_setting(setting: Setting, rules: dict[str, Rule], *, noise: int, planted: int) -> list[Row]:
    """A row for each rule in one setting, on the same maps of noise and the same planted maps."""
    generator = np.random.default_rng(20241122)
    shown = defaultdict(list)
    for _ in range(noise):
        values = setting.draw(generator, np.full(setting.neighbours.shape[0], setting.mean))
        for name, rule in rules.items():
            shown[name].append(bool(rule(values, setting.neighbours).any()))
    generator = np.random.default_rng(20241123)
    seen = defaultdict(list)
    for _ in range(planted):
        for name, measures in measure_planted_map(setting, rules, generator).items():
            seen[name].append(measures)
    return [summarise_rule(setting, name, np.array(shown[name]), np.array(seen[name])) for name in shown]


def summarise_rule(setting: Setting, name: str, shown: NDArray[np.bool_], seen: NDArray[np.float64]) -> Row:
    """What one rule showed on maps of noise (maps,), and MEASURES of planted maps (maps, 4), with standard errors."""
    errors = seen.std(axis=0) / math.sqrt(len(seen))
    return {
        "counts": setting.counts,
        "mean": setting.mean,
        "rule": name,
        "maps": len(shown),
        "planted": len(seen),
        "any": float(shown.mean()),
        **dict(zip(MEASURES, seen.mean(axis=0).tolist(), strict=True)),
        "FDR error": float(max(errors[0], errors[2])),
        "power error": float(max(errors[1], errors[3])),
    }


def measure_planted_map(
    setting: Setting, rules: dict[str, Rule], generator: np.random.Generator
) -> dict[str, tuple[float, ...]]:
    """MEASURES by each rule on a map of each planting: the same planted places, other counts."""
    truth = setting.plant(generator)
    null = setting.neighbours @ truth.astype(np.float64) == 0
    measures: dict[str, tuple[float, ...]] = dict.fromkeys(rules, ())
    for extra in EXTRA.values():
        values = setting.draw(generator, np.where(truth, 6 * setting.mean + extra, setting.mean))
        for name, rule in rules.items():
            is_found = rule(values, setting.neighbours)
            measures[name] += ((is_found & null).sum() / max(is_found.sum(), 1), (is_found & truth).sum() / truth.sum())
    return measures


def keeps_promise(row: Row) -> bool:
    """Whether at most 5 % of noise maps show hotspots, and false discoveries are at most 5 %, allowing for chance."""
    by_chance = 3 * math.sqrt(LEVEL * (1 - LEVEL) / row["maps"])
    rates = max(row["FDR x6"], row["FDR x6+0.5"])
    return bool(row["any"] <= LEVEL + by_chance and rates <= LEVEL + 3 * row["FDR error"])


def draw_figure(rows: list[Row]) -> str:
    """Three panels over the settings: noise maps with any hotspot, false discovery rate, power."""
    settings = list(dict.fromkeys(f"{row['counts']} {row['mean']:g}" for row in rows))
    panels = [
        Panel("Maps of pure noise that show a hotspot", "any", LEVEL),
        Panel("False discovery rate, planted at six times the mean and 0.5", "FDR x6+0.5", LEVEL),
        Panel("Power, planted at six times the mean and 0.5", "power x6+0.5", None),
    ]
    return draw(panels, settings, rows)


if __name__ == "__main__":
    sys.exit(main())
