"""Stays of somebody with a satellite receiver: from a track of fixes to the times spent at places."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.distance import offsets_m

__all__ = ["Stay", "find_stays"]

_STEP_S: Final = 5.0  # a track is cut into pieces of this length, so times are exact to it
_GAP_S: Final = 600.0  # after a longer gap the way between two fixes is not known,
_STILL_S: Final = 2700.0  # unless both are at one place: receivers pause while nobody moves
_BRIDGE_S: Final = 120.0  # a shorter absence does not end a stay: receivers drift, people cross a street

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay at one place: its number, start and end (UTC seconds), and the seconds of it that were spent there."""

    place: int
    start: float
    end: float
    seconds: float


def find_stays(
    seconds: Floats, lon: Floats, lat: Floats, place_lon: Floats, place_lat: Floats, *, radius_m: float
) -> list[Stay]:
    """The stays within `radius_m` metres of places (m,), of fixes (n,) in UTC seconds and WGS 84 degrees, by start.

    Fixes may come in any order. Between two fixes the way is taken as straight, with an even speed. Each second belongs
    to at most one place, the nearest, so the stays together are never longer than the track. The time between two fixes
    that are more than ten minutes apart counts only if both are at one place, and then up to 45 minutes.

    Distances are on a plane around the mean of the places: true to 0.1 % over some tens of kilometres.
    """
    if len(seconds) < 2 or len(place_lon) == 0:  # noqa: PLR2004 - a way needs two ends
        return []
    order = np.argsort(seconds, kind="stable")
    east, north = float(np.mean(place_lon)), float(np.mean(place_lat))
    fixes = offsets_m(lon[order], lat[order], origin_lon=east, origin_lat=north)
    places = offsets_m(place_lon, place_lat, origin_lon=east, origin_lat=north)
    starts, lengths, points = _cut_track(seconds[order], fixes, _find_nearest(fixes, places, radius_m))
    return _join_pieces(starts, lengths, _find_nearest(points, places, radius_m))


def _find_nearest(points: Floats, places: Floats, radius_m: float) -> NDArray[np.int64]:
    """The nearest place (n,) of each point, -1 where none is within the radius."""
    best = np.full(len(points), np.inf)
    nearest = np.full(len(points), -1, dtype=np.int64)
    for number, place in enumerate(places):
        distance = np.hypot(points[:, 0] - place[0], points[:, 1] - place[1])
        closer = (distance <= radius_m) & (distance < best)
        best[closer], nearest[closer] = distance[closer], number
    return nearest


def _cut_track(seconds: Floats, fixes: Floats, nearest: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """The track in short pieces, as far as it counts: the start, length in seconds and middle (k, 2) of each piece."""
    gaps = np.diff(seconds)
    still = (nearest[:-1] == nearest[1:]) & (nearest[:-1] >= 0) & (gaps <= _STILL_S)
    counts = (gaps > 0) & ((gaps <= _GAP_S) | still)
    legs = np.flatnonzero(counts)
    piece_counts = np.ceil(gaps[legs] / _STEP_S).astype(np.int64)
    leg = np.repeat(legs, piece_counts)
    within = np.arange(len(leg)) - np.repeat(np.cumsum(piece_counts) - piece_counts, piece_counts)
    share = 1.0 / np.repeat(piece_counts, piece_counts)
    lengths = gaps[leg] * share
    middles = fixes[leg] + (fixes[leg + 1] - fixes[leg]) * ((within + 0.5) * share)[:, None]
    return seconds[leg] + within * lengths, lengths, middles


def _join_pieces(starts: Floats, lengths: Floats, nearest: NDArray[np.int64]) -> list[Stay]:
    """Join the pieces at one place into stays, across short absences."""
    stays = []
    for place in np.unique(nearest[nearest >= 0]).tolist():
        pieces = np.flatnonzero(nearest == place)
        begin, end = starts[pieces], starts[pieces] + lengths[pieces]
        cuts = np.flatnonzero(begin[1:] - end[:-1] > _BRIDGE_S) + 1
        for part in np.split(np.arange(len(pieces)), cuts):
            spent = float(lengths[pieces[part]].sum())
            stays.append(Stay(place, float(begin[part[0]]), float(end[part[-1]]), spent))
    return sorted(stays, key=_get_start)


def _get_start(stay: Stay) -> float:
    return stay.start
