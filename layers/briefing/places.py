"""The few places that matter: hotspots of a layer, those that touch taken together, each with its reason."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse.csgraph import connected_components

from layers.analysis.explaining import explain_cell, is_too_quiet
from layers.analysis.hotspot_map import HOT, HotspotMap, build_hotspot_map
from layers.analysis.study import Study
from layers.areas import Area
from layers.columns import Columns
from layers.event import LayerSpec
from layers.filters import Filter
from layers.periods import find_known_period

__all__ = ["PlaceLine", "find_hot_places"]

MOST_A_LAYER: Final = 2


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A place to look at: its surest hot cell (H3), with the hot cells that hang together with it, the cell first.

    `count` is of the cell alone, `total` of all `cells`; `reason` is the sentence that explains the cell. Degrees are
    those of the cell's middle.
    """

    layer: str
    title: str
    cell: str
    cells: tuple[str, ...]
    ward_code: str
    ward_name: str
    count: float
    total: float
    reason: str


def find_hot_places(
    columns: Columns,
    area: Area,
    spec: LayerSpec,
    study: Study,
    *,
    until: dt.date,
    days: int,
    hours: tuple[int, int] | None,
) -> tuple[list[PlaceLine], list[str]]:
    """Up to MOST_A_LAYER places of one layer, the surest first, and what must be said besides.

    Of the last `days` days up to `until`, or up to the layer's last record where that is earlier.
    """
    known = find_known_period(columns, spec.name, time_zone=area.time_zone)
    if known is None:
        return [], []
    end = min(until, known[1])
    chosen = Filter(layers=(spec.name,), start=end - dt.timedelta(days=days), end=end, wards=study.chosen, hours=hours)
    found = build_hotspot_map(columns, chosen, study, trend=False, time_zone=area.time_zone)
    hot = np.flatnonzero(found.rows["hotspot"].to_numpy() == HOT)
    if not len(hot):
        return [], [_describe_nothing(found, spec, days, hours)]
    groups = connected_components(study.neighbours[hot][:, hot], directed=False)[1]
    order = np.lexsort((-found.rows["count"].to_numpy()[hot], -found.rows["gi_z"].to_numpy()[hot]))
    first = {int(group): int(place) for place, group in zip(order[::-1], groups[order[::-1]], strict=True)}
    heads = sorted(first.items(), key=lambda item: int(np.flatnonzero(order == item[1])[0]))
    places = [_build_line(found, hot, groups, group, head) for group, head in heads[:MOST_A_LAYER]]
    left = len(heads) - MOST_A_LAYER
    if left <= 0:
        return places, []
    words = "place stands out" if left == 1 else "places stand out"
    return places, [f"{left} more {words} for {spec.many}: see the map of hotspots."]


def _build_line(found: HotspotMap, hot: np.ndarray, groups: np.ndarray, group: int, head: int) -> PlaceLine:
    row = found.rows.iloc[hot[head]]
    others = [int(place) for place in np.flatnonzero(groups == group) if place != head]
    together = found.rows.iloc[hot[[head, *others]]]
    return PlaceLine(
        layer=found.spec.name,
        title=found.spec.title,
        cell=str(row["cell"]),
        cells=tuple(together["cell"]),
        ward_code=str(row["ward_code"]),
        ward_name=str(row["ward_name"]),
        count=float(row["count"]),
        total=float(together["count"].sum()),
        reason=explain_cell(found, str(row["cell"])),
    )


def _describe_nothing(found: HotspotMap, spec: LayerSpec, days: int, hours: tuple[int, int] | None) -> str:
    """Why no place of a layer is named."""
    if not found.total:
        return f"No {spec.many} were recorded in these {days} days{' at these hours' if hours else ''}."
    if is_too_quiet(found):
        return f"There are too few {spec.many} in {days} days to tell a hotspot from chance."
    return f"No place stands out for {spec.many}: they lie as chance would scatter them."
