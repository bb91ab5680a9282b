"""The styles of cells that the Map page and the map of a notebook share: units, colours and legends."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexbeat.analysis.hotspot_map import COLD, HOT
from hexbeat.dashboard.map.hex_layer import CellStyle
from hexbeat.documents.maps.scales import build_count_scale, build_hotspot_scale
from layers.event import Measure
from layers.layer_spec import LayerSpec
from layers.wording import format_plural

__all__ = ["build_count_style", "build_hotspot_style", "classify_hotspots", "format_unit"]


def format_unit(spec: LayerSpec, measure: Measure) -> str:
    """What is counted, for the legend: "Needle finds", or "Needles" if items are summed."""
    return spec.item.capitalize() if measure == "quantity" and spec.item not in spec.many else spec.title


def build_count_style(counts: pd.Series, unit: str, *, maximum: float) -> CellStyle:
    """The style of counts (n,); `maximum` fixes the scale, so that it can stay the same while filters change."""
    has_shares = bool((counts % 1 != 0).any())
    return CellStyle(scale=build_count_scale(maximum, shared=has_shares), title=unit, unit=unit, rounded=True)


def classify_hotspots(kinds: NDArray[np.object_]) -> NDArray[np.float64]:
    """The class of each cell (n,) on the scale of hotspots: 0 cold spot, 1 not significant, 2 hotspot."""
    return np.where(kinds == HOT, 2.0, np.where(kinds == COLD, 0.0, 1.0))


def build_hotspot_style(kinds: NDArray[np.object_], unit: str) -> CellStyle:
    """The style of hot cells, cold cells and the others (n,), with their numbers in the legend."""
    hot, cold = int((kinds == HOT).sum()), int((kinds == COLD).sum())
    labels = (
        f"cold spot: {format_plural(cold, 'cell', 'cells')}",
        f"not significant: {format_plural(len(kinds) - hot - cold, 'cell', 'cells')}",
        f"hotspot: {format_plural(hot, 'cell', 'cells')}",
    )
    return CellStyle(
        scale=build_hotspot_scale(labels),
        title=f"{unit}: hotspots",
        unit=unit,
        names=("cold spot", "not significant", "hotspot"),
        swatches=("dashed", "", "outlined"),
        outlined_label="",
        dashed_label="",
    )
