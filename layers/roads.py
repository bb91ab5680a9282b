"""How long it takes from place to place: by great circles, or by a road network that an installation has."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.travel import PACES, Mode, distances_m, in_whole_minutes, travel_times_s
from layers.wording import number_words

__all__ = ["Travel", "Ways", "straight_ways"]


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Between points, in their order: `seconds` int64 (m, m) in whole minutes, `km` float64 (m, m); `words` say how.

    `lon` and `lat` are the points, degrees (m,).
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    seconds: NDArray[np.int64]
    km: NDArray[np.float64]
    words: tuple[str, ...]


Travel = Callable[[NDArray[np.float64], NDArray[np.float64]], Ways]  # of lon and lat in degrees


def straight_ways(lon: NDArray[np.float64], lat: NDArray[np.float64], *, mode: Mode) -> Ways:
    """Ways by great circles and the detour of towns' streets. Rivers, railways and locked gates are not seen."""
    pace = PACES[mode]
    apart = distances_m(lon, lat)
    going = "On foot" if mode == "walk" else "By car"
    parking = f", {pace.parking_s} seconds to park at each" if pace.parking_s else ""
    words = (
        f"{going} at {number_words(pace.speed_kmh)} km/h; ways are {number_words(pace.detour)} times the straight line"
        f"{parking}; times rounded up to whole minutes."
    )
    return Ways(lon, lat, in_whole_minutes(travel_times_s(apart, pace)), apart * pace.detour / 1000, (words,))
