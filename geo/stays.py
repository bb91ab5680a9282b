"""Where somebody with a satellite receiver stayed: a track of fixes to the times spent at places."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.distance import offsets_m

__all__ = ["Stay", "find_stays"]

_STEP_S: Final = 5.0  # a track is looked at so often: times are good to this
_GAP_S: Final = 600.0  # two fixes further apart in time say nothing of the way between them,
_STILL_S: Final = 2700.0  # unless both are at one place: receivers and watches pause while nobody moves
_BRIDGE_S: Final = 120.0  # shorter absences do not part a stay: receivers drift, and people cross a street

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stay:
    """Time at one place: its number, from when to when (UTC seconds), and how many seconds in between were there."""

    place: int
    start: float
    end: float
    seconds: float


def find_stays(
    seconds: Floats, lon: Floats, lat: Floats, place_lon: Floats, place_lat: Floats, *, radius_m: float
) -> list[Stay]:
    """The stays within `radius_m` metres of places (m,), of fixes (n,) in UTC seconds and WGS 84 degrees, by start.

    Fixes may come in any order. Between two of them the way is taken as straight and even. Every moment belongs to one
    place at most, the nearest, so the stays together are never longer than the track. Where two fixes are more than ten
    minutes apart the time between counts only if both are at one place, and then up to 45 minutes.

    Distances are on a plane about the middle of the places: true to 0.1 % over some tens of kilometres.
    """
    if len(seconds) < 2 or len(place_lon) == 0:  # noqa: PLR2004 - a way needs two ends
        return []
    order = np.argsort(seconds, kind="stable")
    east, north = float(np.mean(place_lon)), float(np.mean(place_lat))
    fixes = offsets_m(lon[order], lat[order], origin_lon=east, origin_lat=north)
    places = offsets_m(place_lon, place_lat, origin_lon=east, origin_lat=north)
    starts, lengths, points = _samples(seconds[order], fixes, _nearest(fixes, places, radius_m))
    return _stays(starts, lengths, _nearest(points, places, radius_m))


def _nearest(points: Floats, places: Floats, radius_m: float) -> NDArray[np.int64]:
    """The nearest place (n,) of each point, -1 where none is within the radius."""
    best = np.full(len(points), np.inf)
    found = np.full(len(points), -1, dtype=np.int64)
    for number, place in enumerate(places):
        distance = np.hypot(points[:, 0] - place[0], points[:, 1] - place[1])
        closer = (distance <= radius_m) & (distance < best)
        best[closer], found[closer] = distance[closer], number
    return found


def _samples(seconds: Floats, fixes: Floats, at: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Short pieces of the way that count: when each begins, how many seconds it has, and its middle (k, 2)."""
    gaps = np.diff(seconds)
    still = (at[:-1] == at[1:]) & (at[:-1] >= 0) & (gaps <= _STILL_S)
    counts = (gaps > 0) & ((gaps <= _GAP_S) | still)
    first = np.flatnonzero(counts)
    pieces = np.ceil(gaps[first] / _STEP_S).astype(np.int64)
    leg = np.repeat(first, pieces)
    within = np.arange(len(leg)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = 1.0 / np.repeat(pieces, pieces)
    lengths = gaps[leg] * share
    middles = fixes[leg] + (fixes[leg + 1] - fixes[leg]) * ((within + 0.5) * share)[:, None]
    return seconds[leg] + within * lengths, lengths, middles


def _stays(starts: Floats, lengths: Floats, at: NDArray[np.int64]) -> list[Stay]:
    """Pieces at the same place, joined where they are parted by a short absence only."""
    stays = []
    for place in np.unique(at[at >= 0]).tolist():
        mine = np.flatnonzero(at == place)
        begin, end = starts[mine], starts[mine] + lengths[mine]
        cuts = np.flatnonzero(begin[1:] - end[:-1] > _BRIDGE_S) + 1
        for part in np.split(np.arange(len(mine)), cuts):
            spent = float(lengths[mine[part]].sum())
            stays.append(Stay(place, float(begin[part[0]]), float(end[part[-1]]), spent))
    return sorted(stays, key=_start)


def _start(stay: Stay) -> float:
    return stay.start
