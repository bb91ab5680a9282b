"""The picture of an evaluation: cells before and after, both on one scale."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.cells import index_points
from geo.distance import degrees_around
from hexbeat.evaluation.outcome import Effect, Outcome
from hexbeat.evaluation.treated_places import EventPoints
from layers.wording import format_span

__all__ = ["Picture", "build_picture"]

_MARGIN_M: Final = 400.0  # around the ring
_RESOLUTION: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """`cells` uint64 (n,) of resolution 10 with their counts `before` (scaled to the length of after) and `after`.

    Several places have their own dates, and only events in them and in their rings are shown. `extent` is the part to
    show: west, south, east, north in degrees. `captions` describe the two times, without "before" and "after".
    """

    cells: NDArray[np.uint64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    extent: tuple[float, float, float, float]
    captions: tuple[str, str]


def build_picture(effect: Effect, points: EventPoints) -> Picture:
    """The picture of one place and its surroundings, or of several places together."""
    rule = effect.protocol.rule
    before, after = np.zeros(len(points.index)), np.zeros(len(points.index))
    is_single = len(effect.outcomes) == 1
    is_shown: NDArray[np.bool_] = np.zeros(len(points.index), dtype=np.bool_)
    for outcome in effect.outcomes:
        reach_m = (
            points.build_shape(outcome.planned.place, rule.radius_m).reach_m
            + rule.ring_m
            + (_MARGIN_M if is_single else 0)
        )
        middle = points.find_middle(outcome.planned.place)
        is_near = np.hypot(points.x_m - middle[0], points.y_m - middle[1]) <= reach_m
        earlier, later, share = _count_events(outcome, points, rule.wash_in_days, rule.before_days)
        before[is_near] += earlier[is_near] * share
        after[is_near] += later[is_near]
        is_shown |= is_near
    index = points.index[is_shown]
    lon, lat = points.columns.lon[index], points.columns.lat[index]
    cells, place = np.unique(index_points(lon, lat, resolution=_RESOLUTION), return_inverse=True)
    sums = np.zeros((2, len(cells)))
    for row, values in enumerate((before, after)):
        np.add.at(sums[row], place, values[is_shown] * points.unit)
    has_events = sums.any(axis=0)
    return Picture(
        cells[has_events],
        sums[0, has_events],
        sums[1, has_events],
        _find_extent(effect, points),
        _describe_maps(effect),
    )


def _count_events(
    outcome: Outcome, points: EventPoints, wash_in: int, before: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """The weight of each event before and after, and the length of after over that of before."""
    end = outcome.start - dt.timedelta(days=wash_in)
    before_start = end - dt.timedelta(days=before)
    return (
        points.count_period(before_start, end)[0],
        points.count_period(outcome.start, outcome.end)[0],
        (outcome.end - outcome.start).days / before,
    )


def _find_extent(effect: Effect, points: EventPoints) -> tuple[float, float, float, float]:
    rule = effect.protocol.rule
    bounds = []
    for outcome in effect.outcomes:
        place = outcome.planned.place
        reach_m = points.build_shape(place, rule.radius_m).reach_m + rule.ring_m + _MARGIN_M
        across, up = degrees_around(place.lat, reach_m=reach_m)
        bounds.append((place.lon - across, place.lat - up, place.lon + across, place.lat + up))
    west, south = np.min(bounds, axis=0)[:2].tolist()
    east, north = np.max(bounds, axis=0)[2:].tolist()
    return west, south, east, north


def _describe_maps(effect: Effect) -> tuple[str, str]:
    if len(effect.outcomes) > 1:
        return "Each place before its own start, scaled to the same length", "Each place while it was in force"
    outcome, rule = effect.outcomes[0], effect.protocol.rule
    end = outcome.start - dt.timedelta(days=rule.wash_in_days)
    before_start = end - dt.timedelta(days=rule.before_days)
    return f"{format_span(before_start, end)}, scaled to the same length", format_span(outcome.start, outcome.end)
