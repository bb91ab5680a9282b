"""Do hotspots lie? Maps of pure noise, and maps with planted hotspots, on the real grid of an area with its edges.

`python -m bench.honesty [--maps N] [--area A] [--resolution R] [--esda-maps N] [--out FILE.json] [--figure FILE.svg]`
For each kind of counts (Poisson, and overdispersed: negative binomial of size 0.5) and mean a cell: the share of noise
maps with any hotspot; on maps with 12 planted neighbourhoods the realised false discovery rate (mean share of the found
cells that have no planted cell in their neighbourhood) and the power (share of planted cells found), for rates of six
times the mean, and six times the mean and half an event more. Exit code 1 if ours shows more than is promised.
"""

import math
import sys
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bench.dot_figure import Panel, draw
from bench.honesty_rules import LEVEL, RULES, Rule, esda_permutations
from bench.report import Row, parser_for, report
from geo.cells import cells_meeting
from geo.neighbours import cell_neighbours
from layers.areas import load_area

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
        """Twelve whole neighbourhoods of seven cells, or as many as there is room for, two cells or more apart."""
        free = np.diff(self.neighbours.indptr) == 7
        truth = np.zeros(len(free), dtype=bool)
        for _ in range(PLANTED):
            if not free.any():
                break
            middle = np.zeros(len(free))
            middle[generator.choice(np.flatnonzero(free))] = 1
            truth |= self.neighbours @ middle > 0
            free &= self.near @ (self.near @ middle) == 0
        return truth


def main() -> int:
    """Simulate, print, write; exit code 1 if ours shows more than is promised."""
    parser = parser_for(__doc__, size="maps", default=1000)
    parser.add_argument("--area", default="middlesbrough")
    parser.add_argument("--resolution", type=int, default=10)
    parser.add_argument("--planted-maps", type=int, help="of the maps, so many with planted hotspots (default all)")
    parser.add_argument("--esda-maps", type=int, default=0, help="so many maps a setting for esda's permutations too")
    parser.add_argument("--figure", help="write a figure there as SVG")
    options = parser.parse_args()
    cells = cells_meeting(load_area(options.area).wards.polygons, resolution=options.resolution)
    neighbours = cell_neighbours(cells)
    near = csr_array((neighbours @ neighbours > 0).astype(np.float64))
    rows = []
    for counts in SIZES:
        for mean in MEANS:
            setting = Setting(counts, mean, neighbours, near)
            planted = min(options.planted_maps or options.maps, options.maps)
            rows += [summary(setting, name, rule, (options.maps, planted)) for name, rule in RULES.items()]
            if options.esda_maps:
                rows.append(summary(setting, "esda 999", esda_permutations, (options.esda_maps,) * 2))
            print(f"{counts} {mean:g} done", file=sys.stderr, flush=True)
    figures = {"area": options.area, "resolution": options.resolution, "cells": len(cells), "q": LEVEL}
    report(figures, rows, options=options)
    if options.figure:
        with open(options.figure, "w", encoding="utf-8") as file:  # noqa: PTH123 (a name from the command line)
            file.write(figure(rows))
    broken = [one for one in rows if one["rule"] == "Hexbeat" and not kept(one)]
    for one in broken:
        print(f"missed: {one['counts']} {one['mean']}: {one}", file=sys.stderr)
    return 1 if broken else 0


def summary(setting: Setting, name: str, rule: Rule, maps: tuple[int, int]) -> Row:
    """One rule in one setting on so many maps of noise and so many planted ones; every rule sees the same maps."""
    generator = np.random.default_rng(20241122)
    shown = [noise_map(setting, rule, generator) for _ in range(maps[0])]
    generator = np.random.default_rng(20241123)
    seen = np.array([planted_map(setting, rule, generator) for _ in range(maps[1])])
    errors = seen.std(axis=0) / math.sqrt(maps[1])
    return {
        "counts": setting.counts,
        "mean": setting.mean,
        "rule": name,
        "maps": maps[0],
        "planted": maps[1],
        "any": float(np.mean(shown)),
        **dict(zip(MEASURES, seen.mean(axis=0).tolist(), strict=True)),
        "FDR error": float(max(errors[0], errors[2])),
    }


def noise_map(setting: Setting, rule: Rule, generator: np.random.Generator) -> bool:
    """Whether the rule finds anything on a map of noise."""
    noise = setting.draw(generator, np.full(setting.neighbours.shape[0], setting.mean))
    return bool(rule(noise, setting.neighbours).any())


def planted_map(setting: Setting, rule: Rule, generator: np.random.Generator) -> tuple[float, ...]:
    """On a map of each planting: MEASURES."""
    truth = setting.plant(generator)
    null = setting.neighbours @ truth.astype(np.float64) == 0
    measures: list[float] = []
    for extra in EXTRA.values():
        values = setting.draw(generator, np.where(truth, 6 * setting.mean + extra, setting.mean))
        found = rule(values, setting.neighbours)
        measures += [(found & null).sum() / max(found.sum(), 1), (found & truth).sum() / truth.sum()]
    return tuple(measures)


def kept(one: Row) -> bool:
    """Whether noise shows hotspots on 5 % of maps and the false discovery rate is 5 %, or less, but for chance."""
    by_chance = 3 * math.sqrt(LEVEL * (1 - LEVEL) / one["maps"])
    rates = max(one["FDR x6"], one["FDR x6+0.5"])
    return bool(one["any"] <= LEVEL + by_chance and rates <= LEVEL + 3 * one["FDR error"])


def figure(rows: list[Row]) -> str:
    """Three panels over the settings: noise maps with any hotspot, false discovery rate, power."""
    settings = list(dict.fromkeys(f"{one['counts']} {one['mean']:g}" for one in rows))
    panels = [
        Panel("Maps of pure noise that show a hotspot", "any", LEVEL),
        Panel("False discovery rate, planted at six times the mean and 0.5", "FDR x6+0.5", LEVEL),
        Panel("Power, planted at six times the mean and 0.5", "power x6+0.5", None),
    ]
    return draw(panels, settings, rows)


if __name__ == "__main__":
    sys.exit(main())
