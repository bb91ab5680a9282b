"""Patterns that are planted in demonstration events, to check analyses against: hotspots, a spike, closures."""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from geo.calendar import add_months_to_all
from hexbeat.demonstration.rhythms import Span, draw_by_weight, draw_seconds
from hexbeat.demonstration.town import Places
from layers.catalogue import LAYERS
from layers.layer_spec import Rhythm

__all__ = [
    "RING_MULTIPLIER",
    "RING_WIDTH_M",
    "Closures",
    "Hotspot",
    "Spike",
    "plant_closures",
    "plant_hotspots",
    "plant_spike",
]

SEPARATION_M: Final = 700  # between planted hotspots
NEW_DAYS: Final = 91  # before the end, when the new hotspot appears
FADED_DAYS: Final = 183  # before the end, when the fading hotspot is gone
SPIKE_DAYS: Final = 14
SPIKE_ENDS_DAYS: Final = 7  # before today: all of it lies in the 28 days that the first screen shows
SPIKE_FEWEST: Final = 20
SPIKE_RISE: Final = 0.4  # events of its first day, as a share of those of the second, which has most
SPIKE_FADE: Final = 0.75  # each later day, as a share of the day before
EXTENDED_SHARE: Final = 0.3
RING_WIDTH_M: Final = 200
RING_MULTIPLIER: Final = 1.8
STEADY_TURNS: Final = 3  # every third steady hotspot has the same layers: `DemonstrationSpec.steady`


@dataclass(frozen=True, slots=True)
class Hotspot:
    """A cell (H3, resolution 9) in which a layer's events are `multiplier` times as frequent as they would be.

    "steady": always; "new": from day `start` on; "fading": falling evenly from the full multiplier on the first day to
    1 on day `end`. Days are counted since 1970; None: no such day.
    """

    layer: str
    cell: int
    multiplier: float
    kind: Literal["steady", "new", "fading"]
    start: int | None = None
    end: int | None = None

    def find_multipliers(self, day: NDArray[np.int64], first_day: int) -> NDArray[np.float64]:
        """The multiplier on each day."""
        if self.kind == "new" and self.start is not None:
            return np.where(day >= self.start, self.multiplier, 1.0)
        if self.kind == "fading" and self.end is not None:
            remaining = np.clip((self.end - day) / (self.end - first_day), 0, 1)
            return np.asarray(1 + (self.multiplier - 1) * remaining)
        return np.full(len(day), self.multiplier)


@dataclass(frozen=True, slots=True)
class Spike:
    """A spike: `events` additional overdoses on days [start, end) at places of one cell and its neighbours."""

    start: int
    end: int
    centre: int
    places: NDArray[np.int64]
    events: int

    def days(self) -> NDArray[np.int64]:
        """The day of each of its events, (events,): a rise, a worst day and a decline, without chance.

        So one day stands out in every demonstration. If days were drawn, a few events might raise no alert.
        """
        later = np.arange(self.end - self.start)
        weight = np.where(later, SPIKE_FADE ** (later - 1.0), SPIKE_RISE)
        share = self.events * weight / weight.sum()
        counts = np.floor(share).astype(np.int64)
        fullest = np.argsort(counts - share, kind="stable")
        counts[fullest[: self.events - counts.sum()]] += 1
        return np.repeat(self.start + later, counts)


@dataclass(frozen=True, eq=False)
class Closures:
    """Closed properties, k of them: place, UTC seconds [start, end), and their effect on dealing while in force.

    Within `radius_m` dealing falls by the share `reduction`. `displacing` is the one closure around which, up to
    RING_WIDTH_M further out, dealing rises to RING_MULTIPLIER times; -1 if there is none.
    """

    place: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    extended: NDArray[np.bool_]
    radius_m: NDArray[np.float64]
    reduction: NDArray[np.float64]
    displacing: int
    # The closures that affect place p are `closure_index[index_start[p]:index_start[p + 1]]`.
    closure_index: NDArray[np.int64] = field(repr=False)
    index_start: NDArray[np.int64] = field(repr=False)
    ring: NDArray[np.bool_] = field(repr=False)  # (m,) places in the ring of the displacing closure

    def find_remaining_share(self, place: NDArray[np.int64], seconds: NDArray[np.int64]) -> NDArray[np.float64]:
        """The share of dealing that remains at these places and times in spite of closures, (n,)."""
        counts = self.index_start[place + 1] - self.index_start[place]
        event = np.repeat(np.arange(len(place)), counts)
        offset = np.arange(len(event)) - np.repeat(np.cumsum(counts) - counts, counts)
        closure = self.closure_index[self.index_start[place][event] + offset]
        in_force = (self.start[closure] <= seconds[event]) & (seconds[event] < self.end[closure])
        logs = np.where(in_force, np.log1p(-self.reduction[closure]), 0.0)
        return np.exp(np.bincount(event, logs, minlength=len(place)))

    def find_ring_multipliers(self, place: NDArray[np.int64], seconds: NDArray[np.int64]) -> NDArray[np.float64]:
        """The multiplier of the displacement ring at these places and times, (n,)."""
        if self.displacing < 0:
            return np.ones(len(place))
        during = (self.start[self.displacing] <= seconds) & (seconds < self.end[self.displacing])
        return np.where(self.ring[place] & during, RING_MULTIPLIER, 1.0)


def plant_hotspots(places: Places, span: Span, random: np.random.Generator) -> list[Hotspot]:
    """Steady hotspots of the layers of incidents, some shared, and a new and a fading one of layers with such rules.

    A larger area has more of them. There are fewer if they cannot all be SEPARATION_M from each other.
    """
    cells, member = np.unique(places.cell, return_inverse=True)
    anchors = _choose_anchors(places, member, len(cells), random)
    anchor_cells = [int(cells[anchor]) for anchor in anchors]
    new, fading, steady = anchor_cells[:1], anchor_cells[1:2], anchor_cells[2:]
    rules_by_layer = [(spec.name, spec.demonstration) for spec in LAYERS if spec.demonstration]
    appearing = [name for name, rules in rules_by_layer if rules.hotspot == "new"]
    vanishing = [name for name, rules in rules_by_layer if rules.hotspot == "fading"]
    hotspots = [Hotspot(name, cell, 9.0, "new", start=span.day(NEW_DAYS)) for cell in new for name in appearing]
    hotspots += [Hotspot(name, cell, 9.0, "fading", end=span.day(FADED_DAYS)) for cell in fading for name in vanishing]
    for position, cell in enumerate(steady):
        layers = sorted(
            (place, name)
            for name, rules in rules_by_layer
            for turn_number, place in rules.steady
            if turn_number == position % STEADY_TURNS
        )
        hotspots += [Hotspot(name, cell, float(np.round(random.uniform(5, 10), 1)), "steady") for _, name in layers]
    return hotspots


def plant_spike(places: Places, span: Span, number: int, random: np.random.Generator) -> Spike:
    """A spike of two weeks around one busy place, ended SPIKE_ENDS_DAYS before today, in a layer of `number` events."""
    busy = draw_by_weight(places.weight**2, 1, random)
    centre = places.cell[busy[0]]
    around = np.asarray(places.tree.query_ball_point([places.x_m[busy[0]], places.y_m[busy[0]]], r=300), dtype=np.int64)
    events = min(max(round(number * 0.012), SPIKE_FEWEST), number // 4)
    end = span.day(SPIKE_ENDS_DAYS)
    return Spike(end - SPIKE_DAYS, end, int(centre), np.sort(around), events)


def plant_closures(
    places: Places,
    span: Span,
    count: int,
    dealing: NDArray[np.float64],
    *,
    rhythm: Rhythm,
    random: np.random.Generator,
) -> Closures:
    """`count` closures where dealing (a weight a place) is not rare; 3 months each, or 6 with an extension."""
    place = draw_by_weight(np.sqrt(dealing), count, random)
    day = np.sort(span.draw_days(rhythm, count, random))
    second = draw_seconds(rhythm, count, random)
    extended = random.uniform(size=count) < EXTENDED_SHARE
    end_day = add_months_to_all(day.astype("datetime64[D]"), np.where(extended, 6, 3)).astype(np.int64)
    start, end = span.to_utc(day, second), span.to_utc(end_day, second)
    radius_m = np.round(random.uniform(150, 250, count))
    reduction = np.round(random.uniform(0.5, 0.8, count), 2)
    closure_index, index_start = _find_reach(places, place, radius_m)
    displacing = _choose_displacing(
        places, place, dealing, extended & (end <= span.day_starts(np.array([span.day(30)]))[0])
    )
    ring = _find_ring(places, place, radius_m, displacing)
    return Closures(place, start, end, extended, radius_m, reduction, displacing, closure_index, index_start, ring)


def _choose_anchors(places: Places, member: NDArray[np.int64], count: int, random: np.random.Generator) -> list[int]:
    """Numbers of busy cells for hotspots, at least SEPARATION_M from each other, in random order."""
    size = np.bincount(member)
    weight = np.bincount(member, places.weight)
    x_m, y_m = np.bincount(member, places.x_m) / size, np.bincount(member, places.y_m) / size
    busy = np.flatnonzero(weight >= np.quantile(weight, 0.6))
    anchors: list[int] = []
    for cell in random.permutation(busy):
        if all(np.hypot(x_m[cell] - x_m[other], y_m[cell] - y_m[other]) >= SEPARATION_M for other in anchors):
            anchors.append(int(cell))
        if len(anchors) == 2 + max(3, round(np.sqrt(count) / 2)):
            break
    return anchors


def _find_reach(
    places: Places, place: NDArray[np.int64], radius_m: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The closures that affect each place, as `closure_index` and `index_start` of Closures."""
    middles = np.column_stack([places.x_m[place], places.y_m[place]])
    places_near = places.tree.query_ball_point(middles, r=radius_m) if len(place) else []
    place_reached = np.array([number for numbers in places_near for number in numbers], dtype=np.int64)
    closure = np.repeat(np.arange(len(place)), [len(numbers) for numbers in places_near])
    order = np.argsort(place_reached, kind="stable")
    return closure[order], np.searchsorted(place_reached[order], np.arange(len(places) + 1))


def _choose_displacing(
    places: Places, place: NDArray[np.int64], dealing: NDArray[np.float64], possible: NDArray[np.bool_]
) -> int:
    """The closure, of those possible, with the most dealing around it; -1 if none is possible."""
    candidates = np.flatnonzero(possible)
    if not len(candidates):
        return -1
    middles = np.column_stack([places.x_m[place[candidates]], places.y_m[place[candidates]]])
    around = [dealing[numbers].sum() for numbers in places.tree.query_ball_point(middles, r=400)]
    return int(candidates[np.argmax(around)])


def _find_ring(
    places: Places, place: NDArray[np.int64], radius_m: NDArray[np.float64], displacing: int
) -> NDArray[np.bool_]:
    """Which places lie in the ring of the displacing closure, (m,)."""
    if displacing < 0:
        return np.zeros(len(places), dtype=np.bool_)
    middle = place[displacing]
    away_m = np.hypot(places.x_m - places.x_m[middle], places.y_m - places.y_m[middle])
    return np.asarray((away_m > radius_m[displacing]) & (away_m <= radius_m[displacing] + RING_WIDTH_M))
