"""Which of several treated places are judged: those that have a like, and that do not count an event twice."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from layers.effect.places import EventPoints
from layers.effect.protocol import UNLIKE, PlannedComparison, Rule

__all__ = ["PlaceSelection", "choose_places", "is_same_time"]

Span = tuple[dt.date, dt.date | None]  # half-open; an end of None is for good


@dataclass(frozen=True, slots=True)
class PlaceSelection:
    """`judged` of some places; `unlike` and `overlapping` say how many are not, and why.

    Where no place has a like all are judged, and all are `unlike`: the verdict has to say so.
    """

    judged: tuple[PlannedComparison, ...]
    unlike: int
    overlapping: int


def choose_places(ground: EventPoints, places: Sequence[PlannedComparison], rule: Rule) -> PlaceSelection:
    """Choose by what the rule fixed before looking: likeness of the past, and where the places lie.

    One place is always judged. Of several those without a like are left out, then those that overlap an earlier one in
    the same time. Closures may overlap: each is a thing done of its own, and how many events they share is told.
    """
    if len(places) == 1:
        return PlaceSelection(tuple(places), int(places[0].near.distance > UNLIKE), 0)
    like = [one for one in places if one.near.distance <= UNLIKE]
    kept: list[tuple[PlannedComparison, tuple[float, float], float]] = []
    for one in like or places:
        (x, y), reach = ground.at(one.place), ground.shape_of(one.place, rule.radius_m).reach_m
        if one.place.event_id or not any(
            is_same_time((one.place.start, one.end), (other.place.start, other.end))
            and ((x - at[0]) ** 2 + (y - at[1]) ** 2) ** 0.5 < (reach + far) * (1 - 1e-9)
            for other, at, far in kept
        ):
            kept.append((one, (x, y), reach))
    return PlaceSelection(tuple(one for one, _, _ in kept), len(places) - len(like), len(like or places) - len(kept))


def is_same_time(one: Span, other: Span) -> bool:
    """Whether two half-open spans of days meet."""
    return (other[1] is None or one[0] < other[1]) and (one[1] is None or other[0] < one[1])
