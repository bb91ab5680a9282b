"""Where a sweep may go: cells with finds of needles by recency and quantity, open reports, and play areas near them."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.cells import build_outlines
from geo.kernels import weigh_recency
from layers.analysis.daily import find_known_days, to_ordinal
from layers.analysis.study import Study, project
from layers.columns import Columns
from layers.plans.expected import PLAN_RESOLUTION

__all__ = ["CHILDREN", "HALF_LIFE_DAYS", "NEAR_M", "SweepPlaces", "find_sweep_places"]

HALF_LIFE_DAYS: Final = 28.0
NEAR_M: Final = 150.0
CHILDREN: Final = ("play_area", "school")
_LAYER: Final = "needle_litter"
_WEEK_DAYS: Final = 7.0


@dataclass(frozen=True, slots=True, eq=False)
class SweepPlaces:
    """k cells worth a visit. `cell` (k,) places in the study, `lon`/`lat` degrees of where to go.

    `needles` float64 (k,): a week's finds at the pace of late, and those of open reports. `last_find` int64 (k,) days
    since 1970 of the newest find, -1 without. `reports` (k,) how many open ones, `oldest` int64 (k,) UTC second of the
    oldest (0: none). `child` (k,) the name of a play area or school within NEAR_M, "" without one.
    """

    cell: NDArray[np.intp]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    needles: NDArray[np.float64]
    last_find: NDArray[np.int64]
    reports: NDArray[np.int64]
    oldest: NDArray[np.int64]
    child: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.cell)


def find_sweep_places(
    columns: Columns,
    study: Study,
    *,
    day: dt.date,
    reports: pd.DataFrame,
    near: pd.DataFrame,
    time_zone: str,
    most: int,
) -> SweepPlaces:
    """The cells with most needles, at most so many, and every cell with an open report. Finds of sweeps take no part.

    `reports` as layers.plans.open_reports gives them, `near` as layers.work.reference does (kind, name, lon, lat). A
    cell with open reports is visited where the oldest was made, any other at the middle of its finds.
    """
    pace, last, middle = _count_finds(columns, study, day=day, time_zone=time_zone)
    number, oldest, extra, spot = _count_reported(study, reports)
    needles = pace + extra
    order = np.argsort(-needles, kind="stable")[:most]
    cell = np.union1d(order[needles[order] > 0], np.flatnonzero(number)).astype(np.intp)
    lon = np.where(number[cell] > 0, spot[0][cell], middle[0][cell])
    lat = np.where(number[cell] > 0, spot[1][cell], middle[1][cell])
    child = _children(study, lon, lat, near)
    return SweepPlaces(cell, lon, lat, needles[cell], last[cell], number[cell], oldest[cell], child)


def _count_finds(
    columns: Columns, study: Study, *, day: dt.date, time_zone: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Needles a week at the pace of late (n,), day of the last find (n,), and the middle of the finds (lon, lat)."""
    known = find_known_days(columns, _LAYER, time_zone=time_zone)
    place = _find_positions(study, columns.cell_ids[PLAN_RESOLUTION])[columns.cell[PLAN_RESOLUTION][known.index]]
    before = (place >= 0) & (known.day < to_ordinal(day))
    index, place, found = known.index[before], place[before], known.day[before]
    ages = to_ordinal(day) - found.astype(np.float64) - 0.5
    fading = weigh_recency(ages, half_life_days=HALF_LIFE_DAYS) * columns.quantity[index]
    whole = HALF_LIFE_DAYS / np.log(2) / _WEEK_DAYS  # weeks that a steady pace adds up to
    pace = np.bincount(place, fading, len(study)) / whole
    last = np.full(len(study), -1, dtype=np.int64)
    np.maximum.at(last, place, found)
    centres = shapely.centroid(build_outlines(study.cells))
    total = np.bincount(place, fading, len(study))
    with np.errstate(invalid="ignore", divide="ignore"):
        lon, lat = (np.bincount(place, fading * at[index], len(study)) / total for at in (columns.lon, columns.lat))
    some = total > 0
    return pace, last, (np.where(some, lon, shapely.get_x(centres)), np.where(some, lat, shapely.get_y(centres)))


def _count_reported(
    study: Study, reports: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """By cell (n,): open reports, the oldest's second, their needles, and where the oldest was made."""
    n = len(study)
    number, oldest, needles = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n)
    lon, lat = np.zeros(n), np.zeros(n)
    place = _find_positions(study, reports["h3_10"].to_numpy(dtype=np.uint64))
    rows = zip(place.tolist(), *(reports[name] for name in ("occurred_to", "quantity", "lon", "lat")), strict=True)
    for at, second, quantity, x, y in rows:
        if at < 0:
            continue
        if not number[at] or second < oldest[at]:
            oldest[at], lon[at], lat[at] = second, x, y
        number[at] += 1
        needles[at] += quantity
    return number, oldest, needles, (lon, lat)


def _children(
    study: Study, lon: NDArray[np.float64], lat: NDArray[np.float64], near: pd.DataFrame
) -> NDArray[np.object_]:
    """The name of the nearest play area or school within NEAR_M of each place, "" without one."""
    chosen = near[near["kind"].isin(CHILDREN)] if len(near) else near
    named = np.full(len(lon), "", dtype=object)
    if not len(chosen) or not len(lon):
        return named
    at = np.column_stack(project(study.crs, chosen["lon"].to_numpy(float), chosen["lat"].to_numpy(float)))
    apart, which = cKDTree(at).query(np.column_stack(project(study.crs, lon, lat)))
    names = chosen["name"].to_numpy(dtype=object)
    close = apart <= NEAR_M
    named[close] = names[which[close]]
    return named


def _find_positions(study: Study, cells: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Where each cell is in the study, -1 if it is not in it."""
    place = np.minimum(np.searchsorted(study.cells, cells), len(study) - 1)
    found: NDArray[np.intp] = np.where(study.cells[place] == cells, place, -1)
    return found
