"""Travel times between places without a road network: great circles, a detour factor and a pace."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError

__all__ = ["PACES", "Mode", "Pace", "round_up_minutes", "travel_times_s"]

Mode = Literal["walk", "drive"]
_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Pace:
    """`speed_kmh` along the way, `detour` the length of the way / great circle, `parking_s` at each place reached."""

    speed_kmh: float
    detour: float
    parking_s: int = 0


# Detours of 1.2 to 1.4 are usual for the street networks of towns (Ballou, Rahardja and Sakai 2002; Boeing 2019).
# 4.8 km/h is the walking speed of Transport for London's journey planner; 24 km/h is a car in daytime traffic in town.
PACES: Final[Mapping[Mode, Pace]] = MappingProxyType({"walk": Pace(4.8, 1.3), "drive": Pace(24.0, 1.4, parking_s=60)})


def travel_times_s(distance_m: NDArray[np.float64], pace: Pace) -> NDArray[np.int64]:
    """Whole seconds, rounded up, for great-circle distances (any shape) at a pace; 0 from a place to itself.

    UsageError for a speed that is not above 0, a detour under 1 or a negative parking time.
    """
    if not (pace.speed_kmh > 0 and pace.detour >= 1 and pace.parking_s >= 0):
        raise UsageError(
            "A pace needs a speed above 0, a detour of 1 or more and a parking time of 0 or more",
            f"they are {pace.speed_kmh} km/h, {pace.detour} and {pace.parking_s} s",
            "use 4.8 km/h with a detour of 1.3, which is usual on foot",
        )
    moving_s = np.ceil(distance_m * pace.detour / (pace.speed_kmh / 3.6) - 1e-9)
    times: NDArray[np.int64] = np.where(distance_m > 0, moving_s + pace.parking_s, 0).astype(np.int64)
    return times


def round_up_minutes(seconds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Seconds rounded up to whole minutes (still in seconds), as people read a timetable."""
    return -(-np.asarray(seconds, dtype=np.int64) // _MINUTE_S) * _MINUTE_S
