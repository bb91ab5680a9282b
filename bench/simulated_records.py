"""Records in which nothing changes, as sources would hand them on: with gaps, snapped to points, known to the month."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.cells import index_points_at
from hexbeat.areas.area import Area
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.coverage import Coverage, CoverageEntry, Span
from layers.event import PRECISIONS, REPORTERS, RESOLUTIONS

__all__ = ["LAYER", "Kind", "Town", "build_town", "cut_columns", "draw_columns"]

LAYER: Final = "needle_litter"
POINTS: Final = 2_500
_DAY_S: Final = 86_400
_MAP_POINTS: Final = 40_000  # places among which events are drawn


@dataclass(frozen=True, slots=True)
class Kind:
    """How a source hands on its records: `missing` spans, places `snapped` to points, times known to the `month`."""

    name: str
    snapped: bool = False
    month: bool = False
    missing: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Town:
    """Places (n,) all over an area, the share of events that each has, its ward, and its nearest anchor point."""

    area: Area
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    share: NDArray[np.float64]
    anchor: NDArray[np.intp]  # the place that is the anchor of each place


def build_town(area: Area, generator: np.random.Generator, *, clustered: bool) -> Town:
    """Places evenly over the wards. `clustered`: an eighth of them, in 40 neighbourhoods, has ten times the rate."""
    west, south, east, north = area.bounds
    lon, lat = generator.uniform(west, east, 4 * _MAP_POINTS), generator.uniform(south, north, 4 * _MAP_POINTS)
    inside = np.flatnonzero(area.wards.locate(lon, lat) >= 0)[:_MAP_POINTS]
    lon, lat = lon[inside], lat[inside]
    plane = np.column_stack([lon * np.cos(np.radians(lat.mean())), lat]) * 111_320  # metres, near enough
    share = np.ones(len(lon))
    if clustered:
        middles = plane[generator.choice(len(lon), 40, replace=False)]
        distance, _ = cKDTree(middles).query(plane)
        share[np.argsort(distance)[: len(lon) // 8]] = 10
    anchors = generator.choice(len(lon), POINTS, replace=False)
    _, nearest = cKDTree(plane[anchors]).query(plane)
    return Town(area, lon, lat, share / share.sum(), anchors[nearest])


def draw_columns(town: Town, generator: np.random.Generator, kind: Kind, *, span: Span, a_day: float) -> Columns:
    """Events of a constant rate (`a_day` a day) in a span, as a source of this kind hands them on; with coverage."""
    days = (span[1] - span[0]).days
    number = int(generator.poisson(a_day * days))
    place = generator.choice(len(town.lon), number, p=town.share)
    second = np.sort(generator.integers(0, days * _DAY_S, number)) + _find_second(span[0])
    keep = ~_mark_missing(second, kind.missing)
    place, second = place[keep], second[keep]
    at = town.anchor[place] if kind.snapped else place
    lon, lat = town.lon[at], town.lat[at]
    if not kind.snapped:  # no two events at one place to the last digit
        lon, lat = lon + generator.normal(0, 1e-5, len(lon)), lat + generator.normal(0, 1e-5, len(lat))
    start, end = _blur(second) if kind.month else (second, second)
    known = _subtract(span, kind.missing)
    return _build_columns(town.area, lon, lat, start, end, "month" if kind.month else "minute", known)


def cut_columns(columns: Columns, span: Span) -> Columns:
    """The events of a span, which is then all that is known."""
    inside = (columns.start >= _find_second(span[0])) & (columns.start < _find_second(span[1]))
    entries = (CoverageEntry(LAYER, "bench", "", *span),)
    return replace(columns.take(np.flatnonzero(inside)), coverage=Coverage(entries, columns.ward_codes))


def _find_second(day: dt.date) -> int:
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())


def _mark_missing(second: NDArray[np.int64], missing: tuple[Span, ...]) -> NDArray[np.bool_]:
    gaps = [(second >= _find_second(start)) & (second < _find_second(end)) for start, end in missing]
    return np.asarray(np.any(gaps, axis=0)) if gaps else np.zeros(len(second), dtype=bool)


def _subtract(span: Span, missing: tuple[Span, ...]) -> list[Span]:
    bounds = [span[0], *(day for gap in missing for day in gap), span[1]]
    return [(start, end) for start, end in zip(bounds[::2], bounds[1::2], strict=True) if start < end]


def _blur(second: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first second of each month, and that of the next."""
    months = second.astype("datetime64[s]").astype("datetime64[M]")
    seconds = [month.astype("datetime64[s]").astype(np.int64) for month in (months, months + 1)]
    return seconds[0], seconds[1]


def _build_columns(
    area: Area,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    precision: str,
    known: list[Span],
) -> Columns:
    ids, cells = {}, {}
    for resolution, cell in index_points_at(lon, lat, resolutions=RESOLUTIONS).items():
        ids[resolution], place = np.unique(cell, return_inverse=True)
        cells[resolution] = place.astype(np.int32)
    number, codes = len(lon), tuple(area.wards.codes)
    entries = tuple(CoverageEntry(LAYER, "bench", "", *span) for span in known)
    return Columns(
        version=1,
        row_id=np.arange(1, number + 1),
        layer=np.full(number, find_layer_code(LAYER), dtype=np.uint8),
        start=start,
        end=end,
        precision=np.full(number, PRECISIONS.index(precision), dtype=np.uint8),
        quantity=np.ones(number, dtype=np.int32),
        reported_by=np.full(number, REPORTERS.index("public"), dtype=np.uint8),
        category=np.zeros(number, dtype=np.int32),
        categories=("",),
        ward=np.maximum(area.wards.locate(lon, lat), 0).astype(np.int16),
        ward_codes=codes,
        lon=lon,
        lat=lat,
        source=np.zeros(number, dtype=np.int16),
        sources=("bench",),
        location=np.zeros(number, dtype=np.uint8),
        location_m=np.zeros(number, dtype=np.float32),
        cell=cells,
        cell_ids=ids,
        demonstration=np.zeros(number, dtype=bool),
        coverage=Coverage(entries, codes),
    )
