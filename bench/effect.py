"""How often "Did it work" rejects where nothing was done, also after a peak, and what it finds where something was.

Simulated towns: Poisson streets, clusters of events (about four a cluster), and streets whose rate changes every two
months. Places are chosen at random, after a peak (as closures are), or as the busiest of the last four weeks. And
demonstration events, where closures do not change needle finds.
"""

import argparse
import dataclasses
import datetime as dt
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from bench.report import report
from geo.cells import build_outlines
from geo.change import e_test
from geo.evaluation import weighted_displacement_difference
from geo.matching import compare_with_controls, find_similar_places, match_on_past
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import load_area
from hexbeat.demonstration import make_events
from hexbeat.evaluation.controls import build_protocol
from hexbeat.evaluation.evaluation_text import FEWER, MORE, MOVED, build_verdict
from hexbeat.evaluation.outcome import measure_effect
from hexbeat.evaluation.rule import MOST_DISTANCE, Rule
from hexbeat.evaluation.sides import Side
from hexbeat.evaluation.treated_places import EventPoints, Shape, TreatedPlace, build_event_points
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns
from layers.event import PRECISIONS, REPORTERS, RESOLUTIONS

__all__ = ["build_columns", "compare_place", "find_members", "list_middles", "make_town"]

TOWN_M: Final = 6_500.0
DAYS: Final = 730
START: Final = 420.0
AFTER: Final = 91.0
SPANS: Final = (28, 112, 196, 392)
RADIUS_M: Final = 150.0
KINDS: Final = ("poisson", "clusters", "wandering")
CHOICES: Final = ("random", "peak", "busiest")
MOST: Final = 0.07


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """Towns of each kind; demonstrations and null interventions in each; demonstrations with null patrols."""

    towns: int
    seeds: int
    each: int
    patrols: int
    starts: int


QUICK: Final = Size(towns=8, seeds=1, each=10, patrols=2, starts=1)
FULL: Final = Size(towns=334, seeds=20, each=15, patrols=30, starts=2)
Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def make_town(kind: str, random: np.random.Generator, *, a_year: float = 2_700.0) -> Points:
    """Points (n, 2) in metres and times (n,) in days of a town in which nothing is done."""
    streets = random.uniform(0, TOWN_M, (3_000, 2))
    squared_distance = ((streets - TOWN_M / 2) ** 2).sum(axis=1)
    weight = random.lognormal(0, 1, len(streets)) * np.exp(-squared_distance / (2 * 1_800**2))
    total = int(random.poisson(a_year * DAYS / 365))
    if kind == "wandering":
        place, time = _wandering(streets, weight, total, random)
    elif kind == "clusters":
        place = random.choice(len(streets), total // 4, p=weight / weight.sum())
        cluster_sizes = random.geometric(1 / 4, len(place))
        time = np.repeat(random.uniform(0, DAYS, len(place)), cluster_sizes) + random.exponential(
            10, int(cluster_sizes.sum())
        )
        place = np.repeat(place, cluster_sizes)
    else:
        place, time = random.choice(len(streets), total, p=weight / weight.sum()), random.uniform(0, DAYS, total)
    return streets[place] + random.normal(0, 4, (len(place), 2)), time


def _wandering(
    streets: NDArray[np.float64], weight: NDArray[np.float64], total: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Blocks of 400 m whose rate is drawn anew every 60 days, with a coefficient of variation of 0.7."""
    block = np.unique((streets // 400).astype(int) @ [100, 1], return_inverse=True)[1]
    times = DAYS // 60 + 1
    rate = random.gamma(2, 0.5, (int(block.max()) + 1, times))
    shares = weight[:, None] * rate[block]
    drawn = random.choice(shares.size, total, p=(shares / shares.sum()).ravel())
    place, span = np.divmod(drawn, times)
    return place, span * 60 + random.uniform(0, 60, total)


def find_members(points: NDArray[np.float64], middles: NDArray[np.float64], radius_m: float) -> csr_array:
    """Which points lie within the radius of each middle: csr (m, n)."""
    nearby = cKDTree(points).query_ball_point(middles, radius_m)
    column = np.array([point for points_of_middle in nearby for point in points_of_middle], dtype=np.int64)
    row = np.repeat(np.arange(len(middles)), [len(points_of_middle) for points_of_middle in nearby])
    return csr_array((np.ones(len(column)), (row, column)), shape=(len(middles), len(points)))


def list_middles() -> NDArray[np.float64]:
    """Middles of cells 130 m apart over the town, (m, 2)."""
    steps = np.arange(0, TOWN_M, 130.0)
    return np.array([(x + (row % 2) * 65, y) for row, y in enumerate(steps) for x in steps])


def compare_place(
    counts: NDArray[np.float64], at: NDArray[np.float64], choice: str, random: np.random.Generator, *, left: float = 1.0
) -> dict[str, Any]:
    """Choose a place, do nothing there (or keep a share `left` of its events), and compare; `counts` (m, spans + 1)."""
    past, after = counts[:, :-1], counts[:, -1]
    weight = {
        "random": past[:, -1],
        "peak": np.where(past[:, -1] >= 5, past[:, 0] ** 2, 0),
        "busiest": (past[:, 0] == past[:, 0].max()).astype(float),
    }[choice]
    place = int(random.choice(len(at), p=weight / weight.sum()))
    count = float(random.binomial(int(after[place]), left)) if left < 1 else float(after[place])
    distance = np.hypot(*(at - at[place]).T)
    free = np.flatnonzero((distance > 2 * RADIUS_M + 200) & (past[:, -1] > 0))
    pool = free[find_similar_places(at[free, 0], at[free, 1], past[free], past[place], separation_m=2 * RADIUS_M)]
    separate = np.hypot(at[pool, 0][:, None] - at[pool, 0], at[pool, 1][:, None] - at[pool, 1]) >= 2 * RADIUS_M - 1e-6
    match = match_on_past(past[pool], past[place], controls=20)
    comparison = compare_with_controls(
        past[pool], after[pool], past[place], count,
        match=match, placebos=match_on_past(past[pool], past[place], controls=199).index, separate=separate,
    )  # fmt: skip
    return {
        "unlike": float(match.weight @ match.distance) > MOST_DISTANCE,
        "expected": comparison.expected,
        "estimate": comparison.estimate,
        "rejects": comparison.interval[0] > 0 or comparison.interval[1] < 0,
        "fewer": comparison.interval[1] < 0,
        **measure_plain_comparisons(
            past[pool][match.index], match.weight, past[place], count, comparison.controls_after
        ),
    }


def measure_plain_comparisons(
    controls: NDArray[np.float64],
    weight: NDArray[np.float64],
    own: NDArray[np.float64],
    came: float,
    controls_after: float,
) -> dict[str, Any]:
    """The plain measures of the same place: the published difference, and the last 16 weeks against now."""
    count = len(weight)
    before = float(weight @ (controls[:, -1] - controls[:, 0]))
    published = weighted_displacement_difference(
        (count * before, count * controls_after), (float(own[-1] - own[0]), came),
        time_weights=((SPANS[-1] - SPANS[0]) / AFTER, 1.0), area_weights=(count, 1.0, 1.0, 1.0),
    )  # fmt: skip
    p = e_test(np.array([int(own[1])]), np.array([int(came)]), days_before=SPANS[1], days_now=AFTER)[0]
    return {"published_rejects": abs(published.z) > 1.96, "before_after_rejects": p <= 0.05}


def simulate_towns(count: int, seed: int, *, a_year: float = 2_700.0) -> list[dict[str, Any]]:
    """Rows by kind of town and choice of place: with nothing done, and with half of the events removed."""
    middles, rows = list_middles(), []
    for kind in KINDS:
        random = np.random.default_rng([seed, KINDS.index(kind)])
        cases_by_choice: dict[tuple[str, float], list[dict[str, Any]]] = {}
        for _ in range(count):
            points, time = make_town(kind, random, a_year=a_year)
            spans = [(time >= START - span) & (time < START) for span in SPANS]
            in_spans = np.column_stack([*spans, (time >= START) & (time < START + AFTER)]).astype(float)
            counts = find_members(points, middles, RADIUS_M) @ in_spans
            for choice, left in (*((choice, 1.0) for choice in CHOICES), ("busiest", 0.5)):
                cases_by_choice.setdefault((choice, left), []).append(
                    compare_place(counts, middles, choice, random, left=left)
                )
        rows += [
            {"town": kind, "a_year": a_year, **_summarise(choice, left, cases)}
            for (choice, left), cases in cases_by_choice.items()
        ]
    return rows


def _summarise(choice: str, left: float, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the cases with a comparable place; `unlike` is the share of the others."""
    frame = pd.DataFrame(cases)
    comparable = frame[~frame["unlike"]].drop(columns="unlike")
    return {
        "place": choice,
        "left": left,
        "cases": len(comparable),
        "unlike": round(float(frame["unlike"].mean()), 3),
        **{str(name): round(float(value), 3) for name, value in comparable.mean().items()},
    }


def build_columns(frame: pd.DataFrame, ward_codes: tuple[str, ...]) -> Columns:
    """Synthetic events as the columns that screens read."""
    frame = frame.sort_values("occurred_from", kind="stable", ignore_index=True)
    coded = {r: np.unique(frame[f"h3_{r:02d}"].to_numpy(np.uint64), return_inverse=True) for r in RESOLUTIONS}
    return Columns(
        version=0,
        row_id=np.arange(len(frame)),
        layer=frame["layer"].map(LAYER_NAMES.index).to_numpy(np.uint8),
        start=frame["occurred_from"].to_numpy(np.int64),
        end=frame["occurred_to"].to_numpy(np.int64),
        precision=frame["time_precision"].map(PRECISIONS.index).to_numpy(np.uint8),
        quantity=frame["quantity"].to_numpy(np.int32),
        reported_by=frame["reported_by"].map(REPORTERS.index).to_numpy(np.uint8),
        category=np.zeros(len(frame), dtype=np.int32),
        categories=("",),
        ward=frame["ward_code"].map(ward_codes.index).to_numpy(np.int16),
        ward_codes=ward_codes,
        lon=frame["lon"].to_numpy(float),
        lat=frame["lat"].to_numpy(float),
        source=np.zeros(len(frame), dtype=np.int16),
        sources=("demonstration",),
        location=np.zeros(len(frame), dtype=np.uint8),
        location_m=np.zeros(len(frame), dtype=np.float32),
        cell={r: place.astype(np.int32) for r, (_, place) in coded.items()},
        cell_ids={r: ids for r, (ids, _) in coded.items()},
        demonstration=np.ones(len(frame), dtype=np.bool_),
    )


def demonstrations(seeds: int, each: int) -> dict[str, Any]:
    """Null interventions on needle finds of demonstrations: places after a peak, at random days; here and next door."""
    area = load_area("middlesbrough")
    today, rule, cases = dt.date(2026, 11, 22), Rule({"needle_litter": 1.0}), []
    for seed in range(seeds):
        columns = build_columns(make_events(area, events=20_000, seed=seed, today=today).frame, tuple(area.wards.codes))
        points, random = build_event_points(columns, area, rule.layers), np.random.default_rng(seed)
        for _ in range(each):
            start = dt.date(2025, 1, 15) + dt.timedelta(days=int(random.integers(0, 550)))
            recent = points.count_period(start - dt.timedelta(days=28), start)[0]
            at = points.index[random.choice(len(recent), p=recent / recent.sum())]  # busy places often
            place = TreatedPlace(
                "nothing", float(columns.lon[at]), float(columns.lat[at]), start, start + dt.timedelta(days=91)
            )
            effect = measure_effect(
                columns, area, build_protocol(columns, area, [place], rule, today=today, points=points), points=points
            )
            here, door = effect.here, effect.next_door or effect.here
            cases.append(
                [seed, here.comparable, _rejects(here), door.comparable and _rejects(door), here.after, here.expected]
            )
    table = np.array(cases, dtype=float)
    comparable = table[table[:, 1] == 1]
    return {
        "cases": len(table),
        "without_a_like": round(1 - len(comparable) / len(table), 3),
        "rejects_here": round(float(comparable[:, 2].mean()), 3),
        "rejects_next_door": round(float(table[:, 3].mean()), 3),
        "expected": round(float(comparable[:, 5].mean()), 2),
        **_ratio(comparable[:, 0], comparable[:, 4], comparable[:, 5]),
    }


def _rejects(side: Side) -> bool:
    return side.interval[0] > 0 or side.interval[1] < 0


def _ratio(seed: NDArray[np.float64], came: NDArray[np.float64], expected: NDArray[np.float64]) -> dict[str, float]:
    """What came over what was expected, and its standard error: cases in one demonstration are not independent."""
    left = [float((came - expected)[seed == own].sum()) for own in np.unique(seed)]
    return {
        "came_over_expected": round(float(came.sum() / expected.sum()), 3),
        "error": round(float(np.hypot.reduce(left) / expected.sum()), 3),
    }


def together(seeds: int, starts: int, *, number: int = 25) -> dict[str, Any]:
    """Null patrols: the busiest cells of the 84 days before, all from one day on, on needle finds of demonstrations.

    `halved_found` the share of them in which a fall is reported after half of what came there is taken away.
    """
    area = load_area("middlesbrough")
    today, rule, cases = dt.date(2026, 11, 22), Rule({"needle_litter": 1.0}, after_days=120), []
    study = load_study(area, (), 10)
    cell = Shape(shapely.Point(0, 0).buffer(65), 65, 65)
    centres = shapely.centroid(build_outlines(study.cells))
    for seed in range(seeds):
        columns = build_columns(make_events(area, events=20_000, seed=seed, today=today).frame, tuple(area.wards.codes))
        points, random = build_event_points(columns, area, rule.layers), np.random.default_rng(seed)
        for _ in range(starts):
            start = dt.date(2025, 1, 15) + dt.timedelta(days=int(random.integers(0, 520)))
            counts = (
                points.find_inside(cell, study.x_m, study.y_m)
                @ points.count_period(start - dt.timedelta(days=84), start)[0]
            )
            busiest = [centres[place] for place in np.argsort(-counts, kind="stable")[:number].tolist()]
            places = [TreatedPlace("nothing", round(centre.x, 6), round(centre.y, 6), start) for centre in busiest]
            protocol = build_protocol(columns, area, places, rule, today=today, points=points)
            effect = measure_effect(columns, area, protocol, points=points)
            here, kind = effect.here, build_verdict(effect).kind
            halved = measure_effect(columns, area, protocol, points=_halved(points, places, random))
            detections = [kind in (FEWER, MORE, MOVED), build_verdict(halved).kind == FEWER]
            cases.append([seed, *detections, here.after, here.expected, len(effect.outcomes), here.comparable])
    table = np.array(cases, dtype=float)
    comparable = table[table[:, 6] == 1]
    return {
        "cases": len(table),
        "without_likes": round(1 - len(comparable) / len(table), 3),
        "rejects": round(float(table[:, 1].mean()), 3),
        "halved_found": round(float(table[:, 2].mean()), 3),
        "judged_of_25": round(float(comparable[:, 5].mean()), 1),
        **_ratio(comparable[:, 0], comparable[:, 3], comparable[:, 4]),
    }


def _halved(points: EventPoints, places: list[TreatedPlace], random: np.random.Generator) -> EventPoints:
    """The same ground, where every other event within the radius of a place counts nothing from the start on."""
    at = np.array([points.find_middle(place) for place in places])
    near = cKDTree(at).query(np.column_stack([points.x_m, points.y_m]))[0] <= RADIUS_M
    begins = (places[0].start - dt.date(1970, 1, 1)).days * 86_400
    gone = near & (points.columns.start[points.index] >= begins) & (random.uniform(size=len(near)) < 0.5)
    return dataclasses.replace(points, harm=np.where(gone, 0.0, points.harm))


def main() -> int:
    """Run it, print and write the figures; 1 where over 7 % of null interventions after a peak are called effects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="as many as the published figures rest on: a quarter hour")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    size = FULL if options.full else QUICK
    rows = simulate_towns(size.towns, 5) + simulate_towns(size.towns // 4, 6, a_year=16_000.0)
    parts = {"demonstrations": demonstrations(size.seeds, size.each), "together": together(size.patrols, size.starts)}
    report(parts, rows, options=options)
    if options.format == "table":
        for name, figures in parts.items():
            print(f"{name}: {', '.join(f'{key} {value}' for key, value in figures.items())}")
    after_peak = [row["rejects"] for row in rows if row["left"] == 1 and row["place"] == "peak"]
    return int(options.full and float(np.mean(after_peak)) > MOST)  # a quick run is too small to judge


if __name__ == "__main__":
    sys.exit(main())
