"""Do hotspots lie in a town? Noise, bursts and an uneven background on the real candidate places of an area.

`python -m bench.concentration_honesty [--maps N] [--area A] [--planted KIND] [--background B] [--out FILE.json]`
Events fall only where they can: in cells with a candidate place. "smooth": the rate rises to six times towards the
middle of the town. "bursts": each event brings 1.5 more within ten days on average, a fifth of them next door. A year
is drawn, and the map is of its last 28 days: as on the screens, bursts are measured over the year. For each setting,
the share of maps without planted places that show any hotspot; and, with ten single cells at six times the rate
(resolution 9), twelve patches of seven (resolution 10, and half an event more a cell), or one or three cells of sixty
events ("strong"), the false discovery rate (mean
share of the hot cells that neither are planted nor touch a planted one) and the share of the planted cells, or patches,
that are found. "ideal" knows the true rate of every cell without planted ones: nobody can do better at the same false
discovery rate. Exit code 1 if Hexbeat's rule shows more than is promised.
"""

import itertools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bench.report import Row, build_parser, report
from geo.bursts import measure_bursts
from geo.cells import find_centres, index_points_at
from geo.concentration import Timing, find_concentrations
from geo.hotspots import benjamini_hochberg, hotspots
from geo.surroundings import Surroundings, build_surroundings
from hexbeat.analysis.study import Study, build_study
from hexbeat.areas.area import load_area
from hexbeat.areas.places_mask import read_places_mask

LEVEL: Final = 0.05
DAYS: Final = 28
YEAR_DAYS: Final = 364
FOLLOWERS: Final = 1.5
NEXT_DOOR: Final = 0.2
TIMES: Final = 6.0
SINGLES: Final = 10
PATCHES: Final = 12
EVENTS_A_HOT_CELL: Final = (6.0, 8.0, 10.0, 12.0, 16.0, 24.0)  # expected, planted cells of resolution 9
STRONG: Final = (1, 3)  # cells of STRONG_EVENTS, in maps of STRONG_MEANS events a cell
STRONG_EVENTS: Final = 60.0
STRONG_MEANS: Final = (0.15, 1.0)
PATCH_MEANS: Final = (0.05, 0.2, 1.0)  # events a cell of resolution 10
Counts = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Town:
    """The candidate cells of an area: `places` are their positions in the study."""

    study: Study
    places: NDArray[np.intp]
    surroundings: Surroundings
    smooth: NDArray[np.float64]

    def draw(self, generator: np.random.Generator, rate: NDArray[np.float64], *, bursts: bool) -> Counts:
        """Events by candidate cell and day of a year, with these means over DAYS."""
        share = rate / DAYS / (1 + FOLLOWERS * bursts)
        days = generator.poisson(np.repeat(share[:, None], YEAR_DAYS, axis=1))
        if not bursts:
            return days
        place, day = (np.repeat(axis, days[days > 0]) for axis in np.nonzero(days))
        number = generator.geometric(1 / (1 + FOLLOWERS), len(place)) - 1
        place, day = np.repeat(place, number), np.repeat(day, number)
        day = (day + np.minimum(generator.geometric(0.3, len(day)), 10)) % YEAR_DAYS  # as many come in as go out
        patches = self.surroundings.patches
        sizes = np.diff(patches.indptr)
        near = patches.indices[patches.indptr[place] + (generator.uniform(size=len(place)) * sizes[place]).astype(int)]
        np.add.at(days, (np.where(generator.uniform(size=len(place)) < NEXT_DOOR, near, place), day), 1)
        return days

    def plant(
        self, generator: np.random.Generator, number: int, *, patches: bool
    ) -> tuple[Bools, list[NDArray[np.intp]]]:
        """The planted cells (m,), and each of at most so many places by its cells; no two touch."""
        near = self.surroundings.patches
        wide = near @ near @ near if patches else near
        free = np.diff(near.indptr) == 7 if patches else np.ones(len(self.places), dtype=np.bool_)
        truth, groups = np.zeros(len(free), dtype=np.bool_), []
        for _ in range(number):
            if not free.any():
                break
            middle = int(generator.choice(np.flatnonzero(free)))
            groups.append(near[[middle]].indices if patches else np.array([middle]))
            truth[groups[-1]] = True
            free[wide[[middle]].indices] = False
        return truth, groups


def open_town(area_name: str, resolution: int) -> Town:
    """The town on the cells of a resolution that hold a candidate place."""
    area = load_area(area_name)
    study = build_study(area, resolution=resolution)
    lon, lat = find_centres(read_places_mask(area).candidate_cells)
    cells = index_points_at(lon, lat, resolutions=(resolution,))[resolution]
    places = np.flatnonzero(np.isin(study.cells, cells))
    x_m, y_m = study.x_m[places], study.y_m[places]
    away_km = np.hypot(x_m - np.median(x_m), y_m - np.median(y_m)) / 1000
    smooth = 1 + 5 * np.exp(-((away_km / 1.2) ** 2))
    surroundings = build_surroundings(x_m, y_m, study.neighbours[places][:, places])
    return Town(study, places, surroundings, smooth / smooth.mean())


def ours(town: Town, days: Counts, _: NDArray[np.float64]) -> Bools:
    """Hexbeat's rule."""
    place, day = (np.repeat(axis, days[days > 0]) for axis in np.nonzero(days))
    dispersion = measure_bursts(place, day, town.surroundings.patches, times=YEAR_DAYS)
    days = days[:, -DAYS:]
    place, day = (np.repeat(axis, days[days > 0]) for axis in np.nonzero(days))
    counts = days.sum(axis=1).astype(np.float64)
    result = find_concentrations(counts, town.surroundings, Timing(place, day, DAYS), q=LEVEL, dispersion=dispersion)
    return np.asarray(result.kind == 1)


def gi_everywhere(town: Town, days: Counts, _: NDArray[np.float64]) -> Bools:
    """Gi* as it was until now: over all cells of the area, empty land too."""
    values = np.zeros(len(town.study))
    values[town.places] = days[:, -DAYS:].sum(axis=1)
    return np.asarray(hotspots(values, town.study.neighbours, LEVEL).kind == 1)[town.places]


def gi_candidates(town: Town, days: Counts, _: NDArray[np.float64]) -> Bools:
    """Gi* over the cells that can hold events."""
    return np.asarray(
        hotspots(days[:, -DAYS:].sum(axis=1).astype(np.float64), town.surroundings.patches, LEVEL).kind == 1
    )


def even_rate(_town: Town, days: Counts, _: NDArray[np.float64]) -> Bools:
    """Each cell against the mean of all, exact Poisson tails."""
    counts = days[:, -DAYS:].sum(axis=1)
    return benjamini_hochberg(special.gammainc(np.maximum(counts, 1e-9), counts.mean())) <= LEVEL


def ideal(_: Town, days: Counts, rate: NDArray[np.float64]) -> Bools:
    """Each cell against its own true rate without planted ones, exact Poisson tails."""
    return benjamini_hochberg(special.gammainc(np.maximum(days[:, -DAYS:].sum(axis=1), 1e-9), rate)) <= LEVEL


Rule = Callable[[Town, Counts, NDArray[np.float64]], Bools]
RULES: Final[dict[str, Rule]] = {
    "Hexbeat": ours,
    "Gi*, all cells": gi_everywhere,
    "Gi*, candidate cells": gi_candidates,
    "even rate": even_rate,
    "ideal": ideal,
}


def main() -> int:
    """Simulate, print, write."""
    parser = build_parser(__doc__, size="maps", default=200)
    parser.add_argument("--area", default="middlesbrough")
    parser.add_argument("--planted", choices=("cells", "strong", "patches", "all"), default="all")
    parser.add_argument("--background", choices=("even", "smooth", "both"), default="both")
    options = parser.parse_args()
    coarse, fine = open_town(options.area, 9), open_town(options.area, 10)
    rows: list[Row] = []
    backgrounds = [name for name in ("even", "smooth") if options.background in {name, "both"}]
    for background, bursts in itertools.product(backgrounds, (False, True)):
        for planted in build_plantings() if options.planted == "all" else build_plantings(options.planted):
            town = fine if planted.kind == "patches" else coarse
            rows += simulate(town, background, planted, options.maps, bursts=bursts)
        print(f"{background} {'bursts' if bursts else ''} done", file=sys.stderr, flush=True)
    report({"area": options.area, "days": DAYS, "q": LEVEL, "cells": len(coarse.places)}, rows, options=options)
    broken = [row for row in rows if row["rule"] == "Hexbeat" and not keeps_promise(row)]
    for row in broken:
        print(f"missed: {row}", file=sys.stderr)
    return 1 if broken else 0


@dataclass(frozen=True)
class Planting:
    """So many places of a kind, in maps of `mean` events a cell: `times` its rate, and `extra` events more a cell."""

    kind: str
    number: int
    mean: float
    times: float = TIMES
    extra: float = 0.0


def build_plantings(*kinds: str) -> list[Planting]:
    """What is planted in turn: all kinds, or these."""
    plantings = [Planting("cells", SINGLES, expected / TIMES) for expected in EVENTS_A_HOT_CELL]
    plantings += [
        Planting("strong", number, mean, 1.0, STRONG_EVENTS) for mean, number in itertools.product(STRONG_MEANS, STRONG)
    ]
    plantings += [Planting("patches", PATCHES, mean, TIMES, 0.5) for mean in PATCH_MEANS]
    return [planting for planting in plantings if not kinds or planting.kind in kinds]


def simulate(town: Town, background: str, planting: Planting, maps: int, *, bursts: bool) -> list[Row]:
    """A row for each rule in one setting, all on the same maps."""
    generator = np.random.default_rng(20261201)
    rate = planting.mean * (town.smooth if background == "smooth" else np.ones(len(town.places)))
    seen: dict[str, list[tuple[float, ...]]] = {name: [] for name in RULES}
    for _ in range(maps):
        truth, groups = town.plant(generator, planting.number, patches=planting.kind == "patches")
        noise = town.draw(generator, rate, bursts=bursts)
        planted = town.draw(generator, np.where(truth, planting.times * rate + planting.extra, rate), bursts=bursts)
        near = town.surroundings.patches @ truth.astype(np.float64) > 0
        for name, rule in RULES.items():
            shown, hot = rule(town, noise, rate), rule(town, planted, rate)
            false = float((hot & ~near).sum()) / max(int(hot.sum()), 1)
            found = float(np.mean([hot[cells].any() for cells in groups]))
            seen[name].append((float(shown.any()), false, found, float(hot.sum())))
    return [
        {
            "background": background + (", bursts" if bursts else ""),
            "planted": planting.kind,
            "places": planting.number,
            "mean": planting.mean,
            "rule": name,
            "maps": maps,
            **dict(zip(("any", "FDR", "found", "claimed"), np.mean(values, axis=0).tolist(), strict=True)),
            "FDR error": float(np.std([value[1] for value in values]) / math.sqrt(maps)),
            "found error": float(np.std([value[2] for value in values]) / math.sqrt(maps)),
        }
        for name, values in seen.items()
    ]


def keeps_promise(row: Row) -> bool:
    """Whether at most 5 % of even noise maps show any, and false discoveries are at most 5 %, but for chance."""
    by_chance = 3 * math.sqrt(LEVEL * (1 - LEVEL) / row["maps"])
    is_even = row["background"] == "even"
    return bool((row["any"] <= LEVEL + by_chance or not is_even) and row["FDR"] <= LEVEL + 3 * row["FDR error"])


if __name__ == "__main__":
    sys.exit(main())
