"""What attackers learn whom no threshold stops, on three years of demonstration events, by area and layer.

`ward totals`: an attacker knows every ward's true total and subtracts. In how many ward-periods do they learn that 1 to
k - 1 events are not shown? `all but one`: an attacker knows every event of a period except one, and looks for it. The
share of sampled events that they find in a single piece, or in a single ward, and how many pieces remain on average.
`plants`: an attacker adds reports in a piece that has 1 to k - 1 events. The share of such pieces whose exact number
they then read, for k - 1 plants and for half as many; `plants for all` is the number for every piece of a period.
`one partner`: an attacker knows all events of one kind of reporter and subtracts them. In how many blocks, of how many,
do they learn that there are 1 to k - 1 events of all others?
"""

import datetime as dt
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report import build_parser, report
from geo.disclosure import carry_up
from hexbeat.areas.area import Area, load_area
from hexbeat.areas.places_mask import read_places_mask
from hexbeat.demonstration import load_demonstration
from hexbeat.release.block_counts import count_events
from hexbeat.release.builder import build_draft, build_trees
from hexbeat.release.format import Release, ReleasedLayer
from hexbeat.release.policy import load_policy
from hexbeat.release.received_events import read_events
from hexbeat.release.release_places import PlaceTree
from hexbeat.store.store import Store
from layers.access import ANALYST

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
SAMPLE = 60  # events looked for, a layer


@dataclass(frozen=True, eq=False)
class Case:
    """One layer and period: its events as a frame and by leaf, and the tree of places."""

    layer: ReleasedLayer
    tree: PlaceTree
    frame: pd.DataFrame
    counts: NDArray[np.int64]

    def publish(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the rule publishes of these counts: a block's number, -1 where there is none."""
        carried_counts = carry_up(counts, self.tree.parent, k=self.layer.k)
        return np.where(carried_counts.published, carried_counts.count, -1)


def main() -> int:
    """Exit code 0 always: these are figures without a requirement."""
    parser = build_parser(__doc__, size="events", default=20_000)
    parser.add_argument("--area", action="append", help="areas (default middlesbrough)")
    options = parser.parse_args()
    rows = [row for name in options.area or ["middlesbrough"] for row in measure(load_area(name), options.events)]
    report({"events": options.events}, rows, options=options)
    return 0


def measure(area: Area, events: int) -> list[dict[str, Any]]:
    """One row a layer that is published by pieces and without a minimum of places."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        load_demonstration(store, ANALYST, area, events=events, seed=1, today=NOW.date(), home=Path(folder))
        policy, now = load_policy(), dt.datetime.now(dt.UTC)
        release = build_draft(store, ANALYST, area, policy, as_at=now.date(), now=now, earlier=[]).release
        known = read_events(store, ANALYST, as_at=now, area=area)
    trees = build_trees(area, read_places_mask(area), policy)
    frames = count_events(known, release.layers, [], frozenset(), area, trees)
    rows = []
    for layer in release.layers:
        if layer.place_set == "fine":
            cases = build_cases(release, layer, frames[layer.name], trees[layer.place_set])
            rows.append({"area": area.name, "layer": layer.name, **measure_attacks(cases)})
    return rows


def build_cases(release: Release, layer: ReleasedLayer, frame: pd.DataFrame, tree: PlaceTree) -> list[Case]:
    """Every published period of a layer."""
    cases = []
    for period in release.layer(layer.name).periods:
        events = frame[frame["period"] == period.name]
        counts = np.bincount(events["leaf"], minlength=len(tree.places)).astype(np.int64)
        cases.append(Case(layer, tree, events, counts))
    return cases


def measure_attacks(cases: list[Case]) -> dict[str, Any]:
    """The figures of one layer."""
    k, rng = cases[0].layer.k, np.random.default_rng(1)
    proofs, periods = (sum(column) for column in zip(*map(count_by_ward_totals, cases), strict=True))
    sizes, wards = count_candidates(cases, SAMPLE, rng)
    most, half = measure_plants(cases, k - 1), measure_plants(cases, k // 2)
    small, blocks = count_by_one_partner(cases)
    pieces = sum(place.level == "piece" for place in cases[0].tree.places)
    return {
        "ward totals": f"{proofs} of {periods}",
        "all but one: piece": round(float((sizes == 1).mean()), 2),
        "all but one: ward": round(float((wards == 1).mean()), 2),
        "pieces left": round(float(sizes.mean()), 1),
        f"{k - 1} plants": round(most, 2),
        f"{k // 2} plants": round(half, 2),
        "plants for all": (k - 1) * pieces,
        "one partner": f"{small} of {blocks}",
    }


def count_by_ward_totals(case: Case) -> tuple[int, int]:
    """In how many wards the true total reveals 1 to k - 1 events that are not shown, and how many wards have events."""
    published = {place.ward_code: 0 for place in case.tree.places if place.level == "ward"}
    true = dict.fromkeys(published, 0)
    numbers = case.publish(case.counts)
    for place, count, number in zip(case.tree.places, case.counts.tolist(), numbers.tolist(), strict=True):
        if place.ward_code:
            true[place.ward_code] += count
            published[place.ward_code] += max(number, 0)
    short = [true[ward] - published[ward] for ward in true if true[ward]]
    return sum(0 < missing < case.layer.k for missing in short), len(short)


def count_candidates(
    cases: list[Case], number: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For sampled events of which only the period is known: the number of pieces and of wards where each may be.

    A piece remains if the rule, with all other events and one more there, publishes what is published.
    """
    sizes, wards = [], []
    for _ in range(number):
        case = cases[int(rng.integers(len(cases)))]
        if not len(case.frame):
            continue
        leaf = int(case.frame["leaf"].iloc[int(rng.integers(len(case.frame)))])
        numbers = case.publish(case.counts)
        others = case.counts.copy()
        others[leaf] -= 1
        possible = [
            place
            for place, _ in enumerate(case.tree.places)
            if _is_piece(case, place) and _fits(case, others, place, numbers)
        ]
        sizes.append(len(possible))
        wards.append(len({case.tree.places[place].ward_code for place in possible}))
    return np.array(sizes), np.array(wards)


def _is_piece(case: Case, place: int) -> bool:
    return case.tree.places[place].level == "piece"


def _fits(case: Case, others: NDArray[np.int64], place: int, seen: NDArray[np.int64]) -> bool:
    counts = others.copy()
    counts[place] += 1
    return bool((case.publish(counts) == seen).all())


def measure_plants(cases: list[Case], plants: int) -> float:
    """Of the pieces with 1 to k - 1 events, the share that reaches k with these plants, so that its number is shown.

    Below k the piece is not shown, and the attacker learns only that it has fewer than k minus the plants.
    """
    counts = np.concatenate([case.counts for case in cases])
    k = cases[0].layer.k
    small = counts[(counts > 0) & (counts < k)]
    return float((small + plants >= k).mean()) if len(small) else 0.0


def count_by_one_partner(cases: list[Case]) -> tuple[int, int]:
    """In how many blocks there are 1 to k - 1 events by other reporters, for the reporter that learns most."""
    worst, blocks = 0, 0
    for reporter in ("public", "officer", "sweep"):
        proofs = seen = 0
        for case in cases:
            carried_counts = carry_up(case.counts, case.tree.parent, k=case.layer.k)
            own = case.frame[case.frame["reported_by"] == reporter]
            known = _in_blocks(case, np.bincount(own["leaf"], minlength=len(case.counts)), carried_counts.published)
            others = (carried_counts.count - known)[carried_counts.published]
            proofs += int(((others > 0) & (others < case.layer.k)).sum())
            seen += len(others)
        worst, blocks = max(worst, proofs), seen
    return worst, blocks


def _in_blocks(case: Case, counts: NDArray[np.int64], published: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of these events are in each block."""
    sums = counts.astype(np.int64)
    for node, above in enumerate(case.tree.parent.tolist()):
        if above >= 0 and not published[node]:
            sums[above] += sums[node]
    return sums


if __name__ == "__main__":
    sys.exit(main())
