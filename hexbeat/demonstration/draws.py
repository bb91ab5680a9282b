"""Drawing where and when demonstration incidents happen, by thinning: drawn too often, kept as often as planted."""

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

REPEAT_DAYS: Final = 10  # an event raises the chance of another nearby for so many days
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

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Incidents":
        """Some of them."""
        return Incidents(self.place[chosen], self.day[chosen], self.second[chosen])


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
    """`count` incidents of a layer by place, season, weekday and hour; closures (None: not regarded) thin them out."""
    peak = find_peaks(places, hotspots)
    ring = np.where(closures.ring, RING_MULTIPLIER, 1.0) if closures else np.ones(len(places))

    def propose(number: int) -> Incidents:
        place = draw_by_weight(places.weight * peak * ring, number, random)
        return Incidents(place, span.draw_days(rhythm, number, random), draw_seconds(rhythm, number, random))

    def chance(drawn: Incidents) -> NDArray[np.float64]:
        planted = _hotspots_now(drawn, places, hotspots, int(span.days[0])) / peak[drawn.place]
        if closures is None:
            return np.asarray(planted)
        seconds = span.to_utc(drawn.day, drawn.second)
        shifted = closures.ring_now(drawn.place, seconds) / ring[drawn.place]
        return np.asarray(planted * shifted * closures.left(drawn.place, seconds))

    return _thin(count, propose, chance, random)


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
    """`count` near repeats: within REPEAT_M metres and REPEAT_DAYS days after an event that was drawn before."""

    def propose(number: int) -> Incidents:
        parent = parents.take(random.integers(len(parents), size=number))
        near = places.near[parent.place, random.integers(places.near.shape[1], size=number)]
        place = np.where(places.distance_m(parent.place, near) <= REPEAT_M, near, parent.place)
        later = np.minimum(random.geometric(0.3, number), REPEAT_DAYS)
        return Incidents(place, parent.day + later, draw_seconds(rhythm, number, random))

    def chance(drawn: Incidents) -> NDArray[np.float64]:
        inside: NDArray[np.float64] = (drawn.day <= span.days[-1]).astype(np.float64)
        if closures is None:
            return inside
        return np.asarray(inside * closures.left(drawn.place, span.to_utc(drawn.day, drawn.second)))

    return _thin(count if len(parents) else 0, propose, chance, random)


def draw_spike(spike: Spike, rhythm: Rhythm, *, places: Places, random: np.random.Generator) -> Incidents:
    """The incidents of the planted spike."""
    place = spike.places[draw_by_weight(places.weight[spike.places], spike.events, random)]
    return Incidents(place, spike.days(), draw_seconds(rhythm, spike.events, random))


def draw_sweeps(
    rhythm: Rhythm, count: int, *, places: Places, span: Span, hotspots: list[Hotspot], random: np.random.Generator
) -> Incidents:
    """`count` finds of sweeps: some at a time, on one early morning of a working day, around one place."""
    peak = find_peaks(places, hotspots)

    def propose(number: int) -> Incidents:
        middle = draw_by_weight(places.weight * peak, number, random)
        day = span.draw_days(rhythm, number, random)
        return Incidents(middle, day, np.full(number, 6 * 3600))

    def chance(drawn: Incidents) -> NDArray[np.float64]:
        return np.asarray(_hotspots_now(drawn, places, hotspots, int(span.days[0])) / peak[drawn.place])

    rounds = _thin(-(-count // SWEEP_FINDS), propose, chance, random)
    finds = rounds.take(random.integers(len(rounds), size=count) if count else slice(0))
    place = places.near[finds.place, random.integers(places.near.shape[1], size=count)]
    return Incidents(place, finds.day, finds.second + random.integers(4 * 60, size=count) * 60)


def _hotspots_now(drawn: Incidents, places: Places, hotspots: list[Hotspot], first_day: int) -> NDArray[np.float64]:
    """The multiplier of the hotspot, if any, in which each incident lies on its day, (n,)."""
    cells = places.cell[drawn.place]
    now = np.ones(len(drawn))
    for hotspot in hotspots:
        inside = np.flatnonzero(cells == hotspot.cell)
        now[inside] = hotspot.now(drawn.day[inside], first_day)
    return now


def _thin(
    count: int,
    propose: Callable[[int], Incidents],
    chance: Callable[[Incidents], NDArray[np.float64]],
    random: np.random.Generator,
) -> Incidents:
    """`count` of what is proposed, each kept by its chance. Ends early, with fewer, if almost nothing is ever kept."""
    kept = Incidents(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    for _ in range(MOST_ROUNDS):
        missing = count - len(kept)
        if missing <= 0:
            break
        drawn = propose(int(missing * 1.4) + 16)
        kept = kept + drawn.take(random.uniform(size=len(drawn)) < chance(drawn))
    return kept.take(slice(0, count))
