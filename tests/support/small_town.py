"""A town of a few real wards of Middlesbrough, with spots where events can be put, and histories that nobody can tell.

`wander` changes a history step by step into another that publishes the same: what the attack tests compare.
"""

import datetime as dt
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import mapping, shape

from geo.cells import count_separate_places, index_points, index_points_at
from geo.disclosure import carry_up
from hexbeat.areas.area import Area, load_area
from hexbeat.areas.places_mask import read_places_mask
from hexbeat.files import hash_file
from hexbeat.release.builder import build_trees
from hexbeat.release.policy import LayerPolicy, ReleasePolicy
from hexbeat.release.release_places import PlaceTree
from layers.event import EVENT_COLUMNS, RESOLUTIONS

__all__ = ["CODES", "History", "Town", "frame_of", "made_history", "make_area", "published", "wander"]

CODES: Final = ("E05009867", "E05009872", "E05009862")
REAL: Final = load_area("middlesbrough")
History = dict[tuple[str, str], list[int]]  # layer and period: the spot of each event


@dataclass(frozen=True, eq=False)
class Town:
    """An area, its trees, and spots: their cells and degrees, and for each set of places the leaf of each spot."""

    area: Area
    trees: Mapping[str, PlaceTree]
    spot: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    ward: tuple[str, ...]
    leaf: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, area: Area, policy: ReleasePolicy) -> "Town":
        mask = read_places_mask(area)
        children = [np.array(sorted(h3.cell_to_children(cell, 11)), dtype=np.uint64) for cell in mask.cell.tolist()]
        cells = np.unique(np.concatenate(children))
        lat, lon = np.array([h3.cell_to_latlng(int(cell)) for cell in cells]).T
        ward = area.wards.locate(lon, lat)
        cell = index_points(lon, lat, resolution=9)
        codes = np.array([*area.wards.codes, ""], dtype=object)[ward]
        known = set(zip(mask.cell.tolist(), mask.ward_code, strict=True))
        kept = np.array([pair in known for pair in zip(cell.tolist(), codes, strict=True)])
        trees = build_trees(area, mask, policy)
        names = tuple(codes[kept])
        leaf = {name: tree.find_leaves(cell[kept].tolist(), names) for name, tree in trees.items()}
        return cls(area, trees, cells[kept], lon[kept], lat[kept], names, leaf)


def make_area(home: Path, name: str, codes: Mapping[str, str] | None = None) -> Area:
    """The wards of CODES as an area of their own in a home; `codes` gives new codes, equal ones for wards joined."""
    codes = codes or {code: code for code in CODES}
    folder = home / "boundaries" / name
    shutil.copytree(REAL.folder, folder)
    whole = json.loads((folder / "wards.geojson").read_text(encoding="utf-8"))
    parts: dict[str, list[dict[str, object]]] = {}
    for feature in whole["features"]:
        code = codes.get(feature["properties"]["ward_code"])
        parts.setdefault(code, []).append(feature) if code else None
    whole["features"] = [
        {
            "type": "Feature",
            "properties": {**members[0]["properties"], "ward_code": code},  # type: ignore[dict-item] # JSON
            "geometry": mapping(shapely.union_all([shape(member["geometry"]) for member in members])),
        }
        for code, members in sorted(parts.items())
    ]
    (folder / "wards.geojson").write_text(json.dumps(whole), encoding="utf-8")
    mask = pd.read_csv(folder / "places.csv")
    mask = mask[mask["ward_code"].isin(codes)].assign(ward_code=lambda frame: frame["ward_code"].map(codes))
    joined = mask.groupby(["ward_code", "cell"], as_index=False)[["spots", "apart"]].sum()
    joined[["cell", "ward_code", "spots", "apart"]].to_csv(folder / "places.csv", index=False)
    _restate(folder / "area.toml", 'name = "middlesbrough"', f'name = "{name}"')
    wards, places = (hash_file(folder / file) for file in ("wards.geojson", "places.csv"))
    facts = (folder / "places.toml").read_text(encoding="utf-8").splitlines()
    facts = [line for line in facts if not line.startswith(("wards_sha256", "places_sha256"))]
    facts += [f'wards_sha256 = "{wards}"', f'places_sha256 = "{places}"']
    (folder / "places.toml").write_text("\n".join(facts) + "\n", encoding="utf-8")
    return load_area(name, home=home)


def _restate(path: Path, before: str, after: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


def made_history(town: Town, policy: ReleasePolicy, periods: Mapping[str, str], rng: np.random.Generator) -> History:
    """Events of each layer in its period: from a handful to hundreds, mostly crowded at few spots."""
    history = {}
    for layer in policy.layers:
        weight = rng.pareto(rng.uniform(0.4, 3), len(town.lon))
        number = int(rng.choice([0, 3, 30, 120, 200, 400]))
        spots = rng.choice(len(town.lon), number, p=weight / weight.sum())
        history[layer.name, periods[layer.name]] = spots.tolist()
    return history


def wander(town: Town, policy: ReleasePolicy, history: History, rng: np.random.Generator, *, steps: int) -> History:
    """Another history that publishes the same: events moved, added and taken away, one at a time."""
    return {
        (layer.name, period): _wandered(town, layer, history[layer.name, period], rng, steps)
        for layer in policy.layers
        for name, period in history
        if name == layer.name
    }


def _wandered(town: Town, layer: LayerPolicy, spots: Sequence[int], rng: np.random.Generator, steps: int) -> list[int]:
    now = list(spots)
    aim = published(town, layer, now)
    for _ in range(steps):
        draft = list(now)
        what = rng.random()
        if draft and what < 0.8:  # mostly moves
            draft.pop(int(rng.integers(len(draft))))
        if not draft or what > 0.1:  # sometimes one less
            draft.append(int(rng.integers(len(town.lon))))
        if published(town, layer, draft) == aim:
            now = draft
    return now


def published(town: Town, layer: LayerPolicy, spots: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The blocks: place and count, by the rule itself."""
    tree, leaf = town.trees[layer.place_set], town.leaf[layer.place_set][list(spots)]
    counts = np.bincount(leaf, minlength=len(tree.places)).astype(np.int64)
    spread = (
        count_separate_places(town.spot[list(spots)], leaf, size=len(tree.places)) if layer.minimum_places else None
    )
    carried = carry_up(
        counts, tree.parent, k=layer.k,
        places=spread, minimum_places=layer.minimum_places or 1, half_full=layer.half_full,
    )  # fmt: skip
    return tuple((node, int(carried.count[node])) for node in np.flatnonzero(carried.published).tolist())


def frame_of(
    town: Town,
    spots: Sequence[int],
    *,
    layer: str,
    start: dt.date,
    days: int,
    rng: np.random.Generator,
    source: str = "table",
    prefix: str = "a",
) -> pd.DataFrame:
    """The events of one layer and period as a source gives them: times, ids and texts as the chance has them."""
    number = len(spots)
    chosen = np.array(spots, dtype=np.int64)
    lon, lat = town.lon[chosen], town.lat[chosen]
    noon = int(dt.datetime.combine(start, dt.time(12), tzinfo=dt.UTC).timestamp())
    when = noon + rng.integers(0, days - 1, number) * 86_400 + rng.integers(-30_000, 30_000, number)
    cells = index_points_at(lon, lat, resolutions=RESOLUTIONS)
    frame = {
        "layer": layer, "source": source, "source_id": [f"{prefix}-{layer}-{k}" for k in range(number)],
        "lon": lon, "lat": lat, "location_precision": None, "location_precision_m": np.nan,
        "occurred_from": when, "occurred_to": when, "time_precision": "minute",
        "quantity": rng.integers(1, 9, number), "category": rng.choice(["pipe", "needle"], number).astype(object),
        "reported_by": rng.choice(["public", "officer", "sweep"], number), "status": None,
        "ward_code": [town.ward[k] for k in spots], "scope": None,
        "note": [f"note {rng.integers(1e9)}" for _ in range(number)],
    }  # fmt: skip
    return pd.DataFrame(frame | {f"h3_{r:02d}": cells[r] for r in RESOLUTIONS})[list(EVENT_COLUMNS)]
