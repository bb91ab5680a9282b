"""The matched controls of a treated place: chosen by their past alone, before anybody looks at what came after."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import DataError, UsageError
from geo.matching import FEWEST_CONTROLS, find_similar_places, match_on_past
from hexbeat.analysis.daily_counts import to_ordinal
from hexbeat.analysis.study import load_study, project
from hexbeat.areas.area import Area
from hexbeat.evaluation.rule import UNLIKE, ExcludedPlace, MatchedControls, PlannedComparison, Protocol, Rule
from hexbeat.evaluation.treated_places import EventPoints, TreatedPlace, build_event_points
from layers.catalogue import LAYERS, find_layer
from layers.columns import Columns, mark_states
from layers.periods import find_known_period
from layers.wording import format_date

__all__ = ["PlaceSelection", "build_protocol", "choose_places", "is_same_time"]

Span = tuple[dt.date, dt.date | None]  # half-open; an end of None is for good
_DAY: Final = dt.timedelta(days=1)
_COARSER: Final = ((400.0, 9), (1_200.0, 8))  # middles of larger shapes are farther from each other
_FEW: Final = 40  # places: with fewer, candidates may overlap each other (never the treated place)
_TOUCHED: Final = 0.25  # of the time before in which another closure may have touched a candidate
_DAY_S: Final = 86_400
_LAST_STARTS: Final = dt.timedelta(days=7)  # how far a start may lie beyond the records
_FOR_GOOD: Final = 36_525  # days


@dataclass(frozen=True, slots=True)
class PlaceSelection:
    """The places that are `judged`; `unlike` and `overlapping` say how many are not, and why.

    If no place has a comparable place, all are judged, and all are `unlike`: the verdict has to say so.
    """

    judged: tuple[PlannedComparison, ...]
    unlike: int
    overlapping: int


def build_protocol(
    columns: Columns,
    area: Area,
    places: Sequence[TreatedPlace],
    rule: Rule,
    *,
    today: dt.date,
    ground: EventPoints | None = None,
) -> Protocol:
    """Fix what will be compared with what, without reading what came after the start of each place.

    `ground` if it was made already (with weights of categories). UsageError for layers that are states, DataError if
    the records do not reach far enough back, or too few places are untouched and busy enough to compare with. Of
    several places such a place is left out, and the protocol names it; DataError if none is left.
    """
    if not places:
        raise UsageError("A comparison needs one place or more", "none was named", "name a closure, a place or wards")
    for name in rule.layers:
        if find_layer(name).kind == "state":
            usual = ", ".join(spec.name for spec in LAYERS if spec.kind != "state")
            raise UsageError("A comparison counts incidents", f"{name} are in force for months", f"choose from {usual}")
    ground = ground or build_event_points(columns, area, rule.layers, reported_by=rule.reported_by)
    planner = _Planner(ground, rule, places)
    planned, left_out = [], []
    for place in places:
        try:
            planned.append(planner.plan(place))
        except DataError as error:
            if place is places[-1] and not planned:
                raise
            left_out.append(ExcludedPlace(place.name, place.event_id, error.rule, error.fact))
    return Protocol(area.name, rule, tuple(planned), today, tuple(left_out))


class _Planner:
    """Plans places one after the other, with the same event points."""

    def __init__(self, ground: EventPoints, rule: Rule, places: Sequence[TreatedPlace]) -> None:
        self.ground, self.rule = ground, rule
        # Closures are kept away from each other by their records (_Closures); other treated places by this list.
        self.treated = [(one, ground.at(one), ground.shape_of(one, rule.radius_m).reach_m) for one in places]
        self.treated = [one for one in self.treated if not one[0].event_id]
        self.rings = rule.ring_m > 0 and not self._rings_treated()
        zone = ground.area.time_zone
        reach = [known for name in rule.layers if (known := find_known_period(ground.columns, name, time_zone=zone))]
        if not reach:
            raise DataError("A comparison needs records", f"no {', '.join(rule.layers)} are loaded", "load some first")
        self.known = max(first for first, _ in reach), min(last for _, last in reach)

    def plan(self, place: TreatedPlace) -> PlannedComparison:
        """The place with its matched controls."""
        rule, ground = self.rule, self.ground
        self._require_past(place)
        shape = ground.shape_of(place, rule.radius_m)
        study = load_study(ground.area, (), next((r for limit, r in reversed(_COARSER) if shape.radius_m > limit), 10))
        names, x_m, y_m = study.names, study.x_m, study.y_m
        middle = ground.at(place)
        weights = np.column_stack([ground.counted(place.start - span * _DAY, place.start)[0] for span in rule.spans])
        others = _Closures(ground, place, rule)
        away = np.hypot(x_m - middle[0], y_m - middle[1])
        free = away > 2 * shape.reach_m + rule.ring_m
        if place.event_id:  # closures may lie on other treated places by chance, and so on their candidates too
            free &= ~others.touch(x_m, y_m, shape.reach_m + rule.radius_m)
        free &= ~self._treated_too(place, x_m, y_m, shape.reach_m)
        kept = np.flatnonzero(free)
        past = ground.inside(shape, x_m[kept], y_m[kept]) @ weights
        kept, past = kept[past[:, -1] > 0], past[past[:, -1] > 0]
        own = (ground.inside(shape, np.array([middle[0]]), np.array([middle[1]])) @ weights)[0]
        pool = _pool(x_m[kept], y_m[kept], past, own, 2 * shape.radius_m)
        kept, past = kept[pool], past[pool]
        if len(kept) < FEWEST_CONTROLS:
            raise DataError(
                f"A comparison needs {FEWEST_CONTROLS} untouched places with events to compare with",
                f"{ground.area.title} has {len(kept)} of the size of {place.name}",
                "choose a smaller place, a layer with more events, or a larger area",
            )
        ring, around = None, np.zeros(0)
        ring_shape = shape.ring(rule.ring_m)
        far = kept[away[kept] > 2 * ring_shape.reach_m]  # their rings share no event with the ring around the place
        far = far[~self._treated_too(place, x_m[far], y_m[far], ring_shape.reach_m)]
        if self.rings and len(far) >= FEWEST_CONTROLS:
            around = (ground.inside(ring_shape, np.array([middle[0]]), np.array([middle[1]])) @ weights)[0]
            ring = _match_controls(names[far], ground.inside(ring_shape, x_m[far], y_m[far]) @ weights, around, rule)
        return PlannedComparison(
            place=place,
            end=self._end(place),
            near=_match_controls(names[kept], past, own, rule),
            ring=ring,
            past=_round_values(own),
            ring_past=_round_values(around),
            others=others.near(middle, shape.reach_m + rule.ring_m + rule.radius_m),
        )

    def _rings_treated(self) -> bool:
        """Whether a treated place lies next door to another at the same time: then next door was treated too."""
        return any(
            is_same_time((one.start, self._end(one)), (other.start, self._end(other)))
            and np.hypot(at[0] - beside[0], at[1] - beside[1]) < reach + far + self.rule.ring_m
            for place, (one, at, reach) in enumerate(self.treated)
            for other, beside, far in self.treated[:place]
        )

    def _treated_too(
        self, place: TreatedPlace, x_m: NDArray[np.float64], y_m: NDArray[np.float64], reach_m: float
    ) -> NDArray[np.bool_]:
        """Which middles lie near another place that is treated at the same time: those are not untreated."""
        span = place.start - self.rule.wash_in_days * _DAY, self._end(place)
        others = [
            (*at, reach_m + reach)
            for other, at, reach in self.treated
            if other != place and is_same_time(span, (other.start, self._end(other)))
        ]
        return _find_touched(x_m, y_m, others)

    def _end(self, place: TreatedPlace) -> dt.date | None:
        ends = [place.end] if place.end else []
        if self.rule.after_days is not None:
            ends.append(place.start + self.rule.after_days * _DAY)
        return min(ends, default=None)

    def _require_past(self, place: TreatedPlace) -> None:
        self._require_sense(place)
        first = place.start - self.rule.spans[-1] * _DAY
        if first < self.known[0] or place.start > self.known[1] + _LAST_STARTS:
            raise DataError(
                "The past that places are matched on has to be on record, up to the start",
                f"for {place.name} that is {format_date(first)} to {format_date(place.start - _DAY)}; the records "
                f"reach from {format_date(self.known[0])} to {format_date(self.known[1] - _DAY)}",
                self._past_hint(place.start),
            )

    def _past_hint(self, start: dt.date) -> str:
        """What helps if the past is not on record."""
        newest = self.known[1] + _LAST_STARTS
        short = newest - self.rule.spans[-1] * _DAY < self.known[0]  # with a past of this length no start is possible
        if start > newest:
            return (
                f"choose an earlier start{' and a shorter time before' if short else ''}, or ask again when the "
                "records reach up to it"
            )
        later = "" if short else "a later start, "
        return f"choose a shorter time before, {later}or load the records that are missing"

    def _require_sense(self, place: TreatedPlace) -> None:
        area = self.ground.area
        if place.end and place.end <= place.start:
            raise UsageError(
                "The end comes after the start",
                f"{place.name} starts on {format_date(place.start)} and ends before {format_date(place.end)}",
                "choose a later end, or leave the end out if it goes on",
            )
        study, (x, y) = self.ground.study, self.ground.at(place)
        reach = self.ground.shape_of(place, self.rule.radius_m).reach_m
        within = area.wards.locate([place.lon], [place.lat])[0] >= 0
        # Cells at the border may have their middle outside: a place counts if it reaches the area.
        if not place.event_id and not within and np.hypot(study.x_m - x, study.y_m - y).min() > reach:
            raise UsageError(
                f"The place has to lie in {area.title}",
                f"{place.name} does not",
                "choose another place, or another area",
            )


class _Closures:
    """The other closures that could blur the comparison, by where and when they were."""

    def __init__(self, ground: EventPoints, place: TreatedPlace, rule: Rule) -> None:
        columns = ground.columns
        own = np.flatnonzero(mark_states(columns.layer))
        x_m, y_m = project(ground.study.crs, columns.lon[own], columns.lat[own])
        start = to_ordinal(place.start) * _DAY_S
        middle = ground.at(place)
        itself = (np.hypot(x_m - middle[0], y_m - middle[1]) < 1) & (abs(columns.start[own] - start) <= _DAY_S)
        own, x_m, y_m = own[~itself], x_m[~itself], y_m[~itself]
        first = start - rule.spans[-1] * _DAY_S
        days = rule.after_days or ((place.end - place.start).days if place.end else _FOR_GOOD)
        end = start + days * _DAY_S
        before = np.minimum(columns.end[own], start) - np.maximum(columns.start[own], first)
        after = (columns.start[own] < end) & (columns.end[own] > start - rule.wash_in_days * _DAY_S)
        blurs = after | (before > _TOUCHED * (start - first))
        self.x_m, self.y_m = x_m[blurs], y_m[blurs]

    def touch(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64], reach_m: float) -> NDArray[np.bool_]:
        """Which middles have such a closure within `reach_m`."""
        return _find_touched(x_m, y_m, [(x, y, reach_m) for x, y in zip(self.x_m, self.y_m, strict=True)])

    def near(self, middle: tuple[float, float], reach_m: float) -> int:
        """How many lie near one place."""
        return int((np.hypot(self.x_m - middle[0], self.y_m - middle[1]) < reach_m).sum())


def _find_touched(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], others: Iterable[tuple[float, float, float]]
) -> NDArray[np.bool_]:
    """Which middles lie nearer to any of `others` (x, y, reach, in metres) than its reach."""
    touched: NDArray[np.bool_] = np.zeros(len(x_m), dtype=np.bool_)
    for x, y, reach_m in others:
        touched |= np.hypot(x_m - x, y_m - y) < reach_m
    return touched


def _pool(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    past: NDArray[np.float64],
    own: NDArray[np.float64],
    separation_m: float,
) -> NDArray[np.int64]:
    """Places that do not overlap, the most similar first; if they are few, they may overlap by half."""
    pool = find_similar_places(x_m, y_m, past, own, separation_m=separation_m)
    return pool if len(pool) >= _FEW else find_similar_places(x_m, y_m, past, own, separation_m=separation_m / 2)


def _match_controls(
    names: NDArray[np.object_], past: NDArray[np.float64], own: NDArray[np.float64], rule: Rule
) -> MatchedControls:
    found = match_on_past(past, own, controls=rule.controls)
    return MatchedControls(
        pool=tuple(str(name) for name in names),
        controls=tuple(found.index.tolist()),
        weights=_round_values(found.weight),
        distance=round(float(found.weight @ found.distance), 3),
    )


def _round_values(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 9) for value in values)


def choose_places(ground: EventPoints, places: Sequence[PlannedComparison], rule: Rule) -> PlaceSelection:
    """Choose by what the rule fixed before looking: similarity of the past, and where the places lie.

    One place is always judged. Of several, those without a comparable place are left out, then those that overlap an
    earlier one at the same time. Closures may overlap: each is an intervention of its own, and the answer says how many
    events they share.
    """
    if len(places) == 1:
        return PlaceSelection(tuple(places), int(places[0].near.distance > UNLIKE), 0)
    comparable = [one for one in places if one.near.distance <= UNLIKE]
    judged: list[tuple[PlannedComparison, tuple[float, float], float]] = []
    for one in comparable or places:
        (x, y), reach = ground.at(one.place), ground.shape_of(one.place, rule.radius_m).reach_m
        if one.place.event_id or not any(
            is_same_time((one.place.start, one.end), (other.place.start, other.end))
            and ((x - at[0]) ** 2 + (y - at[1]) ** 2) ** 0.5 < (reach + far) * (1 - 1e-9)
            for other, at, far in judged
        ):
            judged.append((one, (x, y), reach))
    unlike, overlapping = len(places) - len(comparable), len(comparable or places) - len(judged)
    return PlaceSelection(tuple(one for one, _, _ in judged), unlike, overlapping)


def is_same_time(one: Span, other: Span) -> bool:
    """Whether two half-open spans of days overlap."""
    return (other[1] is None or one[0] < other[1]) and (one[1] is None or other[0] < one[1])
