"""Gi* of each cell, for the hotspot map on request: busy cells that lie together."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.hotspots import Hotspots, hotspots
from geo.permutation import build_sum_distribution, to_units
from geo.tails import poisson_at_least
from hexbeat.analysis.hotspot_groups import COLD, HOT
from hexbeat.analysis.study import Study
from layers.event import RESOLUTIONS
from layers.wording import format_cell_width

__all__ = ["KINDS", "build_gi_columns", "build_lone_cell_notes"]

KINDS: Final = np.array([COLD, "", HOT], dtype=object)


def build_gi_columns(values: NDArray[np.float64], study: Study, q: float) -> tuple[dict[str, object], float]:
    """The columns of the hotspot map that a test by Gi* gives, for values (n,) of the study, and its unit."""
    statistics: Hotspots = hotspots(values, study.neighbours, q)
    kind = KINDS[statistics.kind + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        times = statistics.total / statistics.expected
    return {
        "gi_z": statistics.z,
        "p_value": statistics.p,
        "q_value": statistics.q,
        "hotspot": kind,
        "neighbourhood": statistics.total,
        "expected": statistics.expected,
        "cells": np.diff(study.neighbours.indptr),
        "largest": np.maximum.reduceat(values[study.neighbours.indices], study.neighbours.indptr[:-1]),
        "leans": np.where(statistics.kind == 0, _find_leans(values, study), kind),
        "times": times,
        "times_at_least": np.nan,
        "active": 0,
        "since": None,
        "patch": -1,
        "beyond": False,
        "unsteady": False,
    }, statistics.unit


def _find_leans(values: NDArray[np.float64], study: Study) -> NDArray[np.object_]:
    """Whether each cell's sum is high (HOT) or low (COLD) among all shuffles, (n,)."""
    draws = np.diff(study.neighbours.indptr).astype(np.int64)
    most = int(draws.max())
    units, _ = to_units(values, most_draws=most)
    sums = np.rint(study.neighbours @ units.astype(np.float64)).astype(np.int64)
    null = build_sum_distribution(units, most_draws=most)
    return np.where(null.at_least(draws, sums) <= null.at_most(draws, sums), HOT, COLD).astype(object)


def build_lone_cell_notes(rows: pd.DataFrame, resolution: int, q: float, *, snapped: bool) -> list[str]:
    """A note on cells that would stand out if events fell evenly (Poisson), but hold most of their neighbourhood alone.

    The test cannot call them hot: in every shuffle such a cell makes some neighbourhood as full.
    """
    chance = poisson_at_least(np.ceil(rows["neighbourhood"]), rows["expected"])
    busy = (chance <= q / len(rows)) & (rows["hotspot"] == "") & (rows["leans"] == HOT)
    cells = int((busy & (rows["count"] > rows["neighbourhood"] / 2)).sum())
    if not cells:
        return []
    note = (
        "1 cell is busy while those around it are quiet. The test looks at cells together, so it is not called a "
        "hotspot."
        if cells == 1
        else f"{cells} cells are busy while those around them are quiet. The test looks at cells together, so they are "
        "not called hotspots."
    )
    if snapped and resolution > min(RESOLUTIONS):
        larger = format_cell_width(resolution - 1)
        return [f"{note} Many records share their points, so larger cells ({larger} across) may show more."]
    if not snapped and resolution < max(RESOLUTIONS):
        return [f"{note} Smaller cells ({format_cell_width(resolution + 1)} across) may show more."]
    return [note]
