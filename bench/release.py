"""What a release shows and costs, compared with naive suppression and fixed cells, on three years of events.

For each area and layer: the share of events in blocks of each level, the share hidden, and by how much the sums of
wards fall short. `fixed` is what pieces alone would show (safe). `naive proofs`: in how many ward-periods the audit
proves something if a release hides pieces under k and shows ward totals. `told by ward totals`: ward-periods in which
somebody who knows a ward's true total from elsewhere learns that 1 to k - 1 events are not shown. CPU seconds are of
the whole build and audit. Events are those of the demonstration, or with --street those of police.uk street files. With
--half-full, places together show at most half of what they could hold.
"""

import datetime as dt
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.report import build_parser, measure_cpu, report
from geo.audit import audit
from hexbeat.areas.area import Area, load_area
from hexbeat.areas.places_mask import read_places_mask
from hexbeat.demonstration import load_demonstration
from hexbeat.ingest.ingest import ingest_files
from hexbeat.release.audit import audit_release
from hexbeat.release.block_counts import find_period
from hexbeat.release.builder import build_draft, build_trees
from hexbeat.release.format import Release, ReleasedLayer
from hexbeat.release.policy import load_policy
from hexbeat.release.received_events import read_events
from hexbeat.release.release_files import build_release_files
from hexbeat.release.release_places import PlaceTree
from hexbeat.store.store import Store
from layers.access import ANALYST

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def main() -> int:
    """Exit code 0 if the audits find nothing."""
    parser = build_parser(__doc__, size="events", default=20_000)
    parser.add_argument("--area", action="append", help="areas (default middlesbrough and cleveland)")
    parser.add_argument("--street", action="append", type=Path, help="a street file of data.police.uk; again for more")
    parser.add_argument("--half-full", action="store_true", help="the stricter guard, for every layer")
    options = parser.parse_args()
    rows, findings = [], 0
    for name in options.area or ["middlesbrough", "cleveland"]:
        area_rows, area_findings = measure(
            load_area(name), options.events, street=options.street, half_full=options.half_full
        )
        rows += area_rows
        findings += area_findings
    report({"events": options.events}, rows, options=options)
    return 0 if not findings else 1


def measure(
    area: Area, events: int, *, street: list[Path] | None = None, half_full: bool = False
) -> tuple[list[dict[str, Any]], int]:
    """One row a layer that has events, and the number of findings of the audit."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        if street:
            ingest_files(store, ANALYST, street, source="police-uk-street", area=area, home=Path(folder), now=NOW)
        else:
            load_demonstration(store, ANALYST, area, events=events, seed=1, today=NOW.date(), home=Path(folder))
        policy = load_policy()
        policy = replace(policy, layers=tuple(replace(layer, half_full=half_full) for layer in policy.layers))
        now = dt.datetime.now(dt.UTC)
        build_s, release = measure_cpu(lambda: build_release(store, area, policy, now))
        audit_s, audited = measure_cpu(lambda: audit_release(release))
        known = read_events(store, ANALYST, as_at=now, area=area).frame
    trees = build_trees(area, read_places_mask(area), policy)
    rows = [
        {"area": area.name, **measure_utility(release, layer, known, trees[layer.place_set]), "build_s": build_s,
         "audit_s": audit_s, "likely_small": audited.likely_small}
        for layer in release.layers
        if (known["layer"] == layer.name).any()
    ]  # fmt: skip
    return rows, len(audited.findings)


def build_release(store: Store, area: Area, policy: Any, now: dt.datetime) -> Release:
    """Build the release and its files."""
    draft = build_draft(store, ANALYST, area, policy, as_at=now.date(), now=now, earlier=[])
    build_release_files(draft.release)
    return draft.release


def measure_utility(release: Release, layer: ReleasedLayer, known: pd.DataFrame, tree: PlaceTree) -> dict[str, Any]:
    """Shares, shortfalls and proofs of one layer."""
    frame = known[known["layer"] == layer.name]
    days = pd.to_datetime(frame["occurred_from"], unit="s", utc=True).dt.tz_convert("Europe/London").dt.date
    frame = frame.assign(period=[find_period(day, layer.months).name for day in days])
    frame = frame[frame["period"].isin([period.name for period in layer.periods])]
    blocks = [block for block in release.blocks if block.layer == layer.name]
    total = len(frame)
    shares = {level: sum(b.count for b in blocks if b.level == level) / max(total, 1)
              for level in ("piece", "group", "ward", "borough")}  # fmt: skip
    true = frame.groupby(["period", "ward_code"]).size()
    table = pd.DataFrame([(b.period, b.ward_code, b.count) for b in blocks], columns=["period", "ward_code", "count"])
    published = table.groupby(["period", "ward_code"])["count"].sum()
    short = (true - published.reindex(true.index, fill_value=0)).to_numpy(dtype=float)
    return {
        "layer": layer.name, "events": total, **{name: round(share, 3) for name, share in shares.items()},
        "hidden": round(1 - sum(shares.values()), 4), "fixed": round(shares["piece"], 3),
        "ward_short": round(float(short.mean()), 2), "ward_exact": round(float((short == 0).mean()), 2),
        "told by ward totals": int(((short > 0) & (short < layer.k)).sum()), "ward_periods": len(short),
        "naive proofs": count_naive_proofs(frame, layer, tree),
    }  # fmt: skip


def count_naive_proofs(frame: pd.DataFrame, layer: ReleasedLayer, tree: PlaceTree) -> int:
    """Ward-periods of which a naive release proves something: it hides pieces under k and shows true ward totals."""
    ward = [place.place_id for place in tree.places if place.level == "ward"]
    if not ward:
        return 0
    number = {place.place_id: k for k, place in enumerate(tree.places)}
    pieces = [(k, number[f"{layer.place_set}.{p.ward_code}"]) for k, p in enumerate(tree.places) if p.level == "piece"]
    proofs = 0
    for _, part in frame.groupby("period"):
        leaf = tree.find_leaves(part["h3_09"].astype(np.uint64).tolist(), part["ward_code"].tolist())
        counts = np.bincount(leaf, minlength=len(tree.places)).astype(np.int64)
        published = counts >= layer.k
        rest = np.where(published, 0, counts)
        for node in (number[place_id] for place_id in ward):
            published[node] = True
            counts[node] = sum(rest[k] for k, above in pieces if above == node)
        findings = audit(published, counts, tree.parent, k=layer.k).findings
        proofs += len({finding.node for finding in findings if finding.possible})
    return proofs


if __name__ == "__main__":
    sys.exit(main())
