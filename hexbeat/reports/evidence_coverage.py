"""What of an evidence pack's period is known around its place: the days, the months, and the numbers of both."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import shapely

from geo.calendar import find_month_start, list_months
from hexbeat.areas.area import Area
from layers.catalogue import LAYER_NAMES
from layers.coverage import Coverage, Span, intersect_spans

__all__ = ["OUTSIDE", "count_months", "count_totals", "find_wards_around", "list_unknown_days", "list_unknown_months"]

OUTSIDE: Final = "outside the period"  # of a month: the pack only holds what was in force since
_DEGREE_M: Final = 111_200.0  # of latitude, about


def find_wards_around(area: Area, lon: float, lat: float, radius_m: float) -> tuple[str, ...]:
    """The codes of the wards that a square of the radius around a point in degrees meets."""
    meets = shapely.intersects(area.wards.polygons, shapely.box(*compute_square(lon, lat, radius_m)))
    return tuple(code for code, near in zip(area.wards.codes, meets.tolist(), strict=True) if near)


def compute_square(lon: float, lat: float, radius_m: float) -> tuple[float, float, float, float]:
    """The square around a point in degrees: west, south, east, north."""
    north = radius_m / _DEGREE_M
    east = north / float(np.cos(np.radians(lat)))
    return lon - east, lat - north, lon + east, lat + north


def list_unknown_days(
    coverage: Coverage, wards: tuple[str, ...], period: Span, layers: Sequence[str]
) -> list[dict[str, str]]:
    """For each layer of which days of the period are not known in the wards: layer, state, and the days in words.

    `state` is "partly known" or "not known".
    """
    rows = []
    for name in (name for name in LAYER_NAMES if name in layers):
        missing = coverage.describe_missing(name, period, wards=wards)
        if missing:
            rows.append({"layer": name, "state": _judge(coverage, name, period, wards), "missing": missing})
    return rows


def list_unknown_months(
    coverage: Coverage, wards: tuple[str, ...], period: Span, layers: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Each month of the period, or of a record, and layer that is not known whole: month, layer, state.

    `state` is "partly known", "not known", or OUTSIDE for a month before the period. Only days of the period count.
    """
    first = find_month_start(period[0], 0)
    starts = {dt.date.fromisoformat(f"{row['month']}-01") for row in rows} | set(list_months(first, period[1]))
    unknown = []
    for start in sorted(starts):
        parts = intersect_spans([(start, find_month_start(start, 1))], [period])
        for name in (name for name in LAYER_NAMES if name in layers):
            state = _judge(coverage, name, parts[0], wards) if parts else OUTSIDE
            if state != "known":
                unknown.append({"month": f"{start:%Y-%m}", "layer": name, "state": state})
    return unknown


def _judge(coverage: Coverage, layer: str, period: Span, wards: tuple[str, ...]) -> str:
    """Whether a period is known, partly known (a day of it is known whole) or not known in the wards."""
    if not coverage.find_missing(layer, period, wards=wards):
        return "known"
    return "partly known" if coverage.find_known_in(layer, period, wards=wards) else "not known"


def count_totals(
    rows: Sequence[Mapping[str, Any]], layers: Sequence[str], unknown: Iterable[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """For each layer how many records there are, and how many of them may lie outside the period.

    `unknown` as from `list_unknown_days`: the number of a layer that is not known, and has no record, is None.
    """
    states = {row["layer"]: row["state"] for row in unknown}
    return [
        {
            "layer": name,
            "records": _hide_zero(sum(row["layer"] == name for row in rows), states.get(name)),
            "unsure": sum(row["layer"] == name and not row["surely"] for row in rows),
        }
        for name in LAYER_NAMES
        if name in layers
    ]


def count_months(
    rows: Sequence[Mapping[str, Any]], layers: Sequence[str], unknown: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The number of records that began in each month, by layer, the oldest first.

    Months with a record have a row, and those that are not known whole (`unknown`, as from `list_unknown_months`). A
    number that is not known is None.
    """
    counts = Counter((row["month"], row["layer"]) for row in rows)
    states = {(row["month"], row["layer"]): row["state"] for row in unknown}
    return [
        {"month": month}
        | {name: _hide_zero(counts[month, name], states.get((month, name))) for name in LAYER_NAMES if name in layers}
        for month in sorted({month for month, _ in (*counts, *states)})
    ]


def _hide_zero(number: int, state: str | None) -> int | None:
    """The number, or None for a zero of days that are not known."""
    return None if not number and state in {"not known", OUTSIDE} else number
