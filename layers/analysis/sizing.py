"""How large the cells of a hotspot map had best be: chosen by evidence, and said."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from layers.analysis.winning import MethodSelection
from layers.catalogue import find_layer, find_layer_code
from layers.columns import Columns
from layers.wording import format_cell_width

__all__ = ["FINEST_HOTSPOTS", "SHARED_POINTS", "HotspotSize", "choose_hotspot_size", "has_shared_points"]

FINEST_HOTSPOTS: Final = 10  # cells of 50 m are finer than most reports are placed
SHARED_POINTS: Final = 9  # where records share anchor points, finer cells part a place from what belongs to it
_SHARING: Final = 0.5  # points for each record; reports placed one by one have about 1


@dataclass(frozen=True, slots=True)
class HotspotSize:
    """The resolution, and a sentence on why it is that."""

    resolution: int
    sentence: str


def choose_hotspot_size(columns: Columns, layer: str, judgement: MethodSelection | None) -> HotspotSize | None:
    """Which cells the hotspots of a layer are drawn with, unless a person chooses.

    Records that share points, as anonymised police records do: SHARED_POINTS. Else the smallest cells, no finer than
    FINEST_HOTSPOTS, at which Gi* caught as many of the next week's events as at its best size, but for chance: larger
    cells hide a place that is busy alone. None where there is neither evidence.
    """
    if has_shared_points(columns, layer):
        return HotspotSize(
            SHARED_POINTS,
            f"Cells are {format_cell_width(SHARED_POINTS)} across, because many {find_layer(layer).many} share their "
            "points: smaller cells would part what belongs together.",
        )
    judged = [one for one in judgement.gi_star if one.resolution <= FINEST_HOTSPOTS] if judgement else []
    if judgement is None or not judged:
        return None
    as_good = [one.resolution for one in judged if not one.behind]
    resolution = max(as_good) if as_good else max(judged, key=lambda one: one.hit_rate).resolution
    which = (
        "the smallest with which hotspots foretold as much of the next week as with any, but for chance"
        if as_good
        else f"of those down to {format_cell_width(FINEST_HOTSPOTS)} hotspots foretold most of the next week with these"
    )
    said = f"Cells are {format_cell_width(resolution)} across: {which} (back-test of {judgement.best.weeks} weeks). "
    return HotspotSize(resolution, f"{said}Larger ones hide places that are busy alone.")


def has_shared_points(columns: Columns, layer: str) -> bool:
    """Whether a layer's records lie on half as many points as there are records or fewer, as anchor points do."""
    own = np.flatnonzero(columns.layer == find_layer_code(layer))
    points = columns.lon[own] + 1j * columns.lat[own]
    return len(own) > 1 and len(np.unique(points)) <= _SHARING * len(own)
