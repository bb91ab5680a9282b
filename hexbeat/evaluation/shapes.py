"""Before and after as cells for the picture of an evaluation, both on one scale."""

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

_AROUND: Final = 400.0  # metres beyond what is next door
_RESOLUTION: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """`cells` uint64 (n,) of resolution 10 with what they held `before`, scaled to the length of after, and `after`.

    Of several places each has its own dates, and only what lies in them and next door is shown. `extent` is what has to
    be visible: west, south, east, north in degrees. `words` describe the two times, without "before" and "after".
    """

    cells: NDArray[np.uint64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    extent: tuple[float, float, float, float]
    words: tuple[str, str]


def build_picture(effect: Effect, ground: EventPoints) -> Picture:
    """The picture of one place and what is around it, or of several places together."""
    rule = effect.protocol.rule
    before, after = np.zeros(len(ground.index)), np.zeros(len(ground.index))
    alone = len(effect.outcomes) == 1
    seen: NDArray[np.bool_] = np.zeros(len(ground.index), dtype=np.bool_)
    for outcome in effect.outcomes:
        reach = ground.shape_of(outcome.planned.place, rule.radius_m).reach_m + rule.ring_m + (_AROUND if alone else 0)
        middle = ground.at(outcome.planned.place)
        near = np.hypot(ground.x_m - middle[0], ground.y_m - middle[1]) <= reach
        earlier, later, share = _count_events(outcome, ground, rule.wash_in_days, rule.before_days)
        before[near] += earlier[near] * share
        after[near] += later[near]
        seen |= near
    index = ground.index[seen]
    lon, lat = ground.columns.lon[index], ground.columns.lat[index]
    cells, place = np.unique(index_points(lon, lat, resolution=_RESOLUTION), return_inverse=True)
    sums = np.zeros((2, len(cells)))
    for row, values in enumerate((before, after)):
        np.add.at(sums[row], place, values[seen] * ground.unit)
    kept = sums.any(axis=0)
    return Picture(cells[kept], sums[0, kept], sums[1, kept], _extent(effect, ground), _describe_maps(effect))


def _count_events(
    outcome: Outcome, ground: EventPoints, wash_in: int, before: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """What each event counts before and after, and the length of after over that of before."""
    end = outcome.start - dt.timedelta(days=wash_in)
    first = end - dt.timedelta(days=before)
    return (
        ground.counted(first, end)[0],
        ground.counted(outcome.start, outcome.end)[0],
        (outcome.end - outcome.start).days / before,
    )


def _extent(effect: Effect, ground: EventPoints) -> tuple[float, float, float, float]:
    rule = effect.protocol.rule
    ends = []
    for outcome in effect.outcomes:
        place = outcome.planned.place
        reach = ground.shape_of(place, rule.radius_m).reach_m + rule.ring_m + _AROUND
        across, up = degrees_around(place.lat, reach_m=reach)
        ends.append((place.lon - across, place.lat - up, place.lon + across, place.lat + up))
    west, south = np.min(ends, axis=0)[:2].tolist()
    east, north = np.max(ends, axis=0)[2:].tolist()
    return west, south, east, north


def _describe_maps(effect: Effect) -> tuple[str, str]:
    if len(effect.outcomes) > 1:
        return "Each place before its own start, scaled to the same length", "Each place while it was in force"
    outcome, rule = effect.outcomes[0], effect.protocol.rule
    end = outcome.start - dt.timedelta(days=rule.wash_in_days)
    first = end - dt.timedelta(days=rule.before_days)
    return f"{format_span(first, end)}, scaled to the same length", format_span(outcome.start, outcome.end)
