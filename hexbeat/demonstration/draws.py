"""Draws where and when demonstration incidents happen, by thinning.

More incidents are drawn than are needed, and each is kept with the probability that the planted patterns give.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hexbeat.demonstration.patterns import RING_MULTIPLIER, Closures, Hotspot, Spike
from hexbeat.demonstration.rhythms import Span, draw_by_weight, draw_seconds
from hexbeat.demonstration.town import Places
from layers.layer_spec import Rhythm

__all__ = [
    "REPEAT_DAYS",
    "REPEAT_M",
    "Incidents",
    "draw_incidents",
    "draw_repeats",
    "draw_spike",
    "draw_sweeps",
    "find_peaks",
]

REPEAT_DAYS: Final = 10  # how long an event raises the risk of another nearby
REPEAT_M: Final = 150
SWEEP_FINDS: Final = 4  # finds of one sweep, on average
MOST_ROUNDS: Final = 200


@dataclass(frozen=True, eq=False)
class Incidents:
    """Incidents of one layer: place, local day (since 1970), second of the local day; all int64 (n,)."""

    place: NDArray[np.int64]
    day: NDArray[np.int64]
    second: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.place)

    def __add__(self, other: "Incidents") -> "Incidents":
        return Incidents(
            np.concatenate([self.place, other.place]),
            np.concatenate([self.day, other.day]),
            np.concatenate([self.second, other.second]),
        )

    def take(self, selection: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Incidents":
        """Some of them."""
        return Incidents(self.place[selection], self.day[selection], self.second[selection])


def find_peaks(places: Places, hotspots: list[Hotspot]) -> NDArray[np.float64]:
    """The highest multiplier of one layer's hotspots that each place ever has, (m,)."""
    highest = np.ones(len(places))
    for hotspot in hotspots:
        highest[places.cell == hotspot.cell] = hotspot.multiplier
    return highest


def draw_incidents(
    rhythm: Rhythm,
    count: int,
    *,
    places: Places,
    span: Span,
    hotspots: list[Hotspot],
    closures: Closures | None,
    random: np.random.Generator,
) -> Incidents:
    """`count` incidents of a layer by place, season, weekday and hour; closures (None: ignored) reduce them."""
    peak = find_peaks(places, hotspots)
    ring = np.where(closures.ring, RING_MULTIPLIER, 1.0) if closures else np.ones(len(places))

    def propose(number: int) -> Incidents:
        place = draw_by_weight(places.weight * peak * ring, number, random)
        return Incidents(place, span.draw_days(rhythm, number, random), draw_seconds(rhythm, number, random))

    def keep_probability(incidents: Incidents) -> NDArray[np.float64]:
        planted = _find_hotspot_multipliers(incidents, places, hotspots, int(span.days[0])) / peak[incidents.place]
        if closures is None:
            return np.asarray(planted)
        seconds = span.to_utc(incidents.day, incidents.second)
        displaced = closures.find_ring_multipliers(incidents.place, seconds) / ring[incidents.place]
        return np.asarray(planted * displaced * closures.find_remaining_share(incidents.place, seconds))

    return _thin(count, propose, keep_probability, random)


def draw_repeats(
    parents: Incidents,
    rhythm: Rhythm,
    count: int,
    *,
    places: Places,
    span: Span,
    closures: Closures | None,
    random: np.random.Generator,
) -> Incidents:
    """`count` near repeats: within REPEAT_M metres of one of the `parents`, and REPEAT_DAYS days after it."""

    def propose(number: int) -> Incidents:
        parent = parents.take(random.integers(len(parents), size=number))
        neighbour = places.near[parent.place, random.integers(places.near.shape[1], size=number)]
        place = np.where(places.distance_m(parent.place, neighbour) <= REPEAT_M, neighbour, parent.place)
        days_later = np.minimum(random.geometric(0.3, number), REPEAT_DAYS)
        return Incidents(place, parent.day + days_later, draw_seconds(rhythm, number, random))

    def keep_probability(incidents: Incidents) -> NDArray[np.float64]:
        inside: NDArray[np.float64] = (incidents.day <= span.days[-1]).astype(np.float64)
        if closures is None:
            return inside
        return np.asarray(
            inside * closures.find_remaining_share(incidents.place, span.to_utc(incidents.day, incidents.second))
        )

    return _thin(count if len(parents) else 0, propose, keep_probability, random)


def draw_spike(spike: Spike, rhythm: Rhythm, *, places: Places, random: np.random.Generator) -> Incidents:
    """The incidents of the planted spike."""
    place = spike.places[draw_by_weight(places.weight[spike.places], spike.events, random)]
    return Incidents(place, spike.days(), draw_seconds(rhythm, spike.events, random))


def draw_sweeps(
    rhythm: Rhythm, count: int, *, places: Places, span: Span, hotspots: list[Hotspot], random: np.random.Generator
) -> Incidents:
    """`count` finds of sweeps: several at a time, on an early morning of a working day, around one place."""
    peak = find_peaks(places, hotspots)

    def propose(number: int) -> Incidents:
        centre = draw_by_weight(places.weight * peak, number, random)
        day = span.draw_days(rhythm, number, random)
        return Incidents(centre, day, np.full(number, 6 * 3600))

    def keep_probability(incidents: Incidents) -> NDArray[np.float64]:
        return np.asarray(
            _find_hotspot_multipliers(incidents, places, hotspots, int(span.days[0])) / peak[incidents.place]
        )

    sweeps = _thin(-(-count // SWEEP_FINDS), propose, keep_probability, random)
    finds = sweeps.take(random.integers(len(sweeps), size=count) if count else slice(0))
    place = places.near[finds.place, random.integers(places.near.shape[1], size=count)]
    return Incidents(place, finds.day, finds.second + random.integers(4 * 60, size=count) * 60)


def _find_hotspot_multipliers(
    incidents: Incidents, places: Places, hotspots: list[Hotspot], first_day: int
) -> NDArray[np.float64]:
    """The multiplier of the hotspot, if any, in which each incident lies on its day, (n,)."""
    cells = places.cell[incidents.place]
    multiplier = np.ones(len(incidents))
    for hotspot in hotspots:
        inside = np.flatnonzero(cells == hotspot.cell)
        multiplier[inside] = hotspot.find_multipliers(incidents.day[inside], first_day)
    return multiplier


def _thin(
    count: int,
    propose: Callable[[int], Incidents],
    keep_probability: Callable[[Incidents], NDArray[np.float64]],
    random: np.random.Generator,
) -> Incidents:
    """`count` of the proposed incidents, each kept with its probability; fewer if almost none is ever kept."""
    incidents = Incidents(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    for _ in range(MOST_ROUNDS):
        missing = count - len(incidents)
        if missing <= 0:
            break
        proposed = propose(int(missing * 1.4) + 16)
        incidents = incidents + proposed.take(random.uniform(size=len(proposed)) < keep_probability(proposed))
    return incidents.take(slice(0, count))
