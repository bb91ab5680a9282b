"""The matched controls of a treated place: chosen by their past alone, before anybody looks at the time after."""

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
from hexbeat.evaluation.rule import MOST_DISTANCE, ExcludedPlace, MatchedControls, PlannedComparison, Protocol, Rule
from hexbeat.evaluation.treated_places import EventPoints, TreatedPlace, build_event_points
from layers.catalogue import LAYERS, find_layer
from layers.columns import Columns, mark_states
from layers.periods import find_known_period
from layers.wording import format_date, format_not_known

__all__ = ["PlaceSelection", "build_protocol", "choose_places", "is_same_time"]

Span = tuple[dt.date, dt.date | None]  # half-open; None: without end
_DAY: Final = dt.timedelta(days=1)
_COARSER_RESOLUTIONS: Final = ((400.0, 9), (1_200.0, 8))  # of the middles of shapes with a larger radius in metres
_FEW_PLACES: Final = 40  # with fewer, candidates may overlap each other (never the treated place)
_MOST_TOUCHED: Final = 0.25  # the share of the time before in which another closure may touch a candidate
_DAY_S: Final = 86_400
_LAST_STARTS: Final = dt.timedelta(days=7)  # how long after the records a start may be
_FOR_GOOD: Final = 36_525  # days


@dataclass(frozen=True, slots=True)
class PlaceSelection:
    """The `places` that are compared, and how many are not: `incomparable` and `overlapping` ones.

    If no place has a comparable place, all are in `places` and all are counted as `incomparable`: the verdict says so.
    """

    places: tuple[PlannedComparison, ...]
    incomparable: int
    overlapping: int


def build_protocol(
    columns: Columns,
    area: Area,
    places: Sequence[TreatedPlace],
    rule: Rule,
    *,
    today: dt.date,
    points: EventPoints | None = None,
) -> Protocol:
    """Fix what will be compared with what, without reading the time after the start of each place.

    `points` are event points that exist already (with weights of categories); None: they are built. UsageError for
    layers that are states. DataError if the records do not go back far enough, or if too few places are untouched and
    busy enough to compare with. Of several places such a place is left out, and the protocol names it; DataError if
    none is left.
    """
    if not places:
        raise UsageError("A comparison needs one place or more", "none was named", "name a closure, a place or wards")
    for name in rule.layers:
        if find_layer(name).kind == "state":
            usual = ", ".join(spec.name for spec in LAYERS if spec.kind != "state")
            raise UsageError("A comparison counts incidents", f"{name} are in force for months", f"choose from {usual}")
    points = points or build_event_points(columns, area, rule.layers, reported_by=rule.reported_by)
    planner = _Planner(points, rule, places)
    planned, excluded = [], []
    for place in places:
        try:
            planned.append(planner.plan(place))
        except DataError as error:
            if place is places[-1] and not planned:
                raise
            excluded.append(ExcludedPlace(place.name, place.event_id, error.rule, error.fact))
    return Protocol(area.name, rule, tuple(planned), today, tuple(excluded))


class _Planner:
    """Plans places one after the other, with the same event points."""

    def __init__(self, points: EventPoints, rule: Rule, places: Sequence[TreatedPlace]) -> None:
        self.points, self.rule = points, rule
        # Closures are kept separate by their records (_Closures), other treated places by this list.
        self.treated = [
            (treated, points.find_middle(treated), points.build_shape(treated, rule.radius_m).reach_m)
            for treated in places
        ]
        self.treated = [treated for treated in self.treated if not treated[0].event_id]
        self.rings = rule.ring_m > 0 and not self._are_rings_treated()
        zone = points.area.time_zone
        periods = [
            period for name in rule.layers if (period := find_known_period(points.columns, name, time_zone=zone))
        ]
        if not periods:
            raise DataError("A comparison needs records", f"no {', '.join(rule.layers)} are loaded", "load some first")
        self.known = max(begin for begin, _ in periods), min(end for _, end in periods)

    def plan(self, place: TreatedPlace) -> PlannedComparison:
        """The place with its matched controls."""
        rule, points = self.rule, self.points
        self._require_past(place)
        shape = points.build_shape(place, rule.radius_m)
        study = load_study(
            points.area, (), next((r for limit, r in reversed(_COARSER_RESOLUTIONS) if shape.radius_m > limit), 10)
        )
        names, x_m, y_m = study.names, study.x_m, study.y_m
        middle = points.find_middle(place)
        weights = np.column_stack(
            [points.count_period(place.start - span * _DAY, place.start)[0] for span in rule.spans]
        )
        closures = _Closures(points, place, rule)
        distance_m = np.hypot(x_m - middle[0], y_m - middle[1])
        is_untouched = distance_m > 2 * shape.reach_m + rule.ring_m
        if place.event_id:  # closures may happen to lie on other treated places, and so on their candidates too
            is_untouched &= ~closures.find_touched(x_m, y_m, shape.reach_m + rule.radius_m)
        is_untouched &= ~self._find_treated_too(place, x_m, y_m, shape.reach_m)
        candidates = np.flatnonzero(is_untouched)
        past = points.find_inside(shape, x_m[candidates], y_m[candidates]) @ weights
        candidates, past = candidates[past[:, -1] > 0], past[past[:, -1] > 0]
        own_past = (points.find_inside(shape, np.array([middle[0]]), np.array([middle[1]])) @ weights)[0]
        pool = _build_pool(x_m[candidates], y_m[candidates], past, own_past, 2 * shape.radius_m)
        candidates, past = candidates[pool], past[pool]
        if len(candidates) < FEWEST_CONTROLS:
            raise DataError(
                f"A comparison needs {FEWEST_CONTROLS} untouched places with events to compare with",
                f"{points.area.title} has {len(candidates)} of the size of {place.name}",
                "choose a smaller place, a layer with more events, or a larger area",
            )
        ring, ring_past = None, np.zeros(0)
        ring_shape = shape.ring(rule.ring_m)
        # The rings of these share no event with the ring around the place.
        ring_candidates = candidates[distance_m[candidates] > 2 * ring_shape.reach_m]
        ring_candidates = ring_candidates[
            ~self._find_treated_too(place, x_m[ring_candidates], y_m[ring_candidates], ring_shape.reach_m)
        ]
        if self.rings and len(ring_candidates) >= FEWEST_CONTROLS:
            ring_past = (points.find_inside(ring_shape, np.array([middle[0]]), np.array([middle[1]])) @ weights)[0]
            ring = _match_controls(
                names[ring_candidates],
                points.find_inside(ring_shape, x_m[ring_candidates], y_m[ring_candidates]) @ weights,
                ring_past,
                rule,
            )
        return PlannedComparison(
            place=place,
            end=self._find_end(place),
            near=_match_controls(names[candidates], past, own_past, rule),
            ring=ring,
            past=_round_values(own_past),
            ring_past=_round_values(ring_past),
            others=closures.count_near(middle, shape.reach_m + rule.ring_m + rule.radius_m),
        )

    def _are_rings_treated(self) -> bool:
        """Whether a treated place lies in the ring of another at the same time: then that ring was treated too."""
        return any(
            is_same_time((treated.start, self._find_end(treated)), (other.start, self._find_end(other)))
            and np.hypot(middle[0] - other_middle[0], middle[1] - other_middle[1])
            < reach_m + other_reach_m + self.rule.ring_m
            for position, (treated, middle, reach_m) in enumerate(self.treated)
            for other, other_middle, other_reach_m in self.treated[:position]
        )

    def _find_treated_too(
        self, place: TreatedPlace, x_m: NDArray[np.float64], y_m: NDArray[np.float64], reach_m: float
    ) -> NDArray[np.bool_]:
        """Which middles lie near another place that is treated at the same time, and so are no controls."""
        span = place.start - self.rule.wash_in_days * _DAY, self._find_end(place)
        others = [
            (*middle, reach_m + other_reach_m)
            for other, middle, other_reach_m in self.treated
            if other != place and is_same_time(span, (other.start, self._find_end(other)))
        ]
        return _find_touched(x_m, y_m, others)

    def _find_end(self, place: TreatedPlace) -> dt.date | None:
        ends = [place.end] if place.end else []
        if self.rule.after_days is not None:
            ends.append(place.start + self.rule.after_days * _DAY)
        return min(ends, default=None)

    def _require_past(self, place: TreatedPlace) -> None:
        self._require_valid_place(place)
        first_day = place.start - self.rule.spans[-1] * _DAY
        if first_day < self.known[0] or place.start > self.known[1] + _LAST_STARTS:
            raise DataError(
                "The past that places are matched on has to be on record, up to the start",
                f"for {place.name} that is {format_date(first_day)} to {format_date(place.start - _DAY)}; the records "
                f"reach from {format_date(self.known[0])} to {format_date(self.known[1] - _DAY)}",
                self._build_past_hint(place.start),
            )
        missing = self.points.find_missing(first_day, min(place.start, self.known[1]))
        if missing:
            raise DataError(
                "The past that places are matched on has to be on record, up to the start",
                f"for {place.name}, {format_not_known(missing)}",
                "choose another start or a shorter time before, or load the records that are missing",
            )

    def _build_past_hint(self, start: dt.date) -> str:
        """The hint of an error, if the past is not on record."""
        newest = self.known[1] + _LAST_STARTS
        short = newest - self.rule.spans[-1] * _DAY < self.known[0]  # with a past of this length no start is possible
        if start > newest:
            return (
                f"choose an earlier start{' and a shorter time before' if short else ''}, or ask again when the "
                "records reach up to it"
            )
        later = "" if short else "a later start, "
        return f"choose a shorter time before, {later}or load the records that are missing"

    def _require_valid_place(self, place: TreatedPlace) -> None:
        area = self.points.area
        if place.end and place.end <= place.start:
            raise UsageError(
                "The end comes after the start",
                f"{place.name} starts on {format_date(place.start)} and ends before {format_date(place.end)}",
                "choose a later end, or leave the end out if it goes on",
            )
        study, (x, y) = self.points.study, self.points.find_middle(place)
        reach_m = self.points.build_shape(place, self.rule.radius_m).reach_m
        is_inside = area.wards.locate([place.lon], [place.lat])[0] >= 0
        # Cells at the border may have their middle outside: a place counts if it touches the area.
        if not place.event_id and not is_inside and np.hypot(study.x_m - x, study.y_m - y).min() > reach_m:
            raise UsageError(
                f"The place has to lie in {area.title}",
                f"{place.name} does not",
                "choose another place, or another area",
            )


class _Closures:
    """The other closures that could affect the comparison, by place and time."""

    def __init__(self, points: EventPoints, place: TreatedPlace, rule: Rule) -> None:
        columns = points.columns
        closures = np.flatnonzero(mark_states(columns.layer))
        x_m, y_m = project(points.study.crs, columns.lon[closures], columns.lat[closures])
        start = to_ordinal(place.start) * _DAY_S
        middle = points.find_middle(place)
        is_same = (np.hypot(x_m - middle[0], y_m - middle[1]) < 1) & (abs(columns.start[closures] - start) <= _DAY_S)
        closures, x_m, y_m = closures[~is_same], x_m[~is_same], y_m[~is_same]
        past_start = start - rule.spans[-1] * _DAY_S
        days = rule.after_days or ((place.end - place.start).days if place.end else _FOR_GOOD)
        end = start + days * _DAY_S
        before = np.minimum(columns.end[closures], start) - np.maximum(columns.start[closures], past_start)
        after = (columns.start[closures] < end) & (columns.end[closures] > start - rule.wash_in_days * _DAY_S)
        is_relevant = after | (before > _MOST_TOUCHED * (start - past_start))
        self.x_m, self.y_m = x_m[is_relevant], y_m[is_relevant]

    def find_touched(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64], reach_m: float) -> NDArray[np.bool_]:
        """Which middles have such a closure within `reach_m`."""
        return _find_touched(x_m, y_m, [(x, y, reach_m) for x, y in zip(self.x_m, self.y_m, strict=True)])

    def count_near(self, middle: tuple[float, float], reach_m: float) -> int:
        """How many of these closures lie near one place."""
        return int((np.hypot(self.x_m - middle[0], self.y_m - middle[1]) < reach_m).sum())


def _find_touched(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], others: Iterable[tuple[float, float, float]]
) -> NDArray[np.bool_]:
    """Which middles lie nearer to any of `others` (x, y, reach, in metres) than its reach."""
    touched: NDArray[np.bool_] = np.zeros(len(x_m), dtype=np.bool_)
    for x, y, reach_m in others:
        touched |= np.hypot(x_m - x, y_m - y) < reach_m
    return touched


def _build_pool(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    past: NDArray[np.float64],
    own_past: NDArray[np.float64],
    distance_m: float,
) -> NDArray[np.int64]:
    """Places that do not overlap, the most similar first; if they are few, they may overlap by half."""
    pool = find_similar_places(x_m, y_m, past, own_past, separation_m=distance_m)
    return (
        pool if len(pool) >= _FEW_PLACES else find_similar_places(x_m, y_m, past, own_past, separation_m=distance_m / 2)
    )


def _match_controls(
    names: NDArray[np.object_], past: NDArray[np.float64], own_past: NDArray[np.float64], rule: Rule
) -> MatchedControls:
    match = match_on_past(past, own_past, controls=rule.controls)
    return MatchedControls(
        pool=tuple(str(name) for name in names),
        controls=tuple(match.index.tolist()),
        weights=_round_values(match.weight),
        distance=round(float(match.weight @ match.distance), 3),
    )


def _round_values(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 9) for value in values)


def choose_places(points: EventPoints, places: Sequence[PlannedComparison], rule: Rule) -> PlaceSelection:
    """Choose the places to compare by what was fixed beforehand: similarity of the past, and location.

    A single place is always compared. Of several, those without a comparable place are left out, then those that
    overlap an earlier one at the same time. Closures may overlap: each is an intervention of its own, and the answer
    says how many events they share.
    """
    if len(places) == 1:
        return PlaceSelection(tuple(places), int(places[0].near.distance > MOST_DISTANCE), 0)
    comparable = [planned for planned in places if planned.near.distance <= MOST_DISTANCE]
    selection: list[tuple[PlannedComparison, tuple[float, float], float]] = []
    for planned in comparable or places:
        (x, y), reach_m = points.find_middle(planned.place), points.build_shape(planned.place, rule.radius_m).reach_m
        if planned.place.event_id or not any(
            is_same_time((planned.place.start, planned.end), (other.place.start, other.end))
            and ((x - other_middle[0]) ** 2 + (y - other_middle[1]) ** 2) ** 0.5
            < (reach_m + other_reach_m) * (1 - 1e-9)
            for other, other_middle, other_reach_m in selection
        ):
            selection.append((planned, (x, y), reach_m))
    incomparable, overlapping = len(places) - len(comparable), len(comparable or places) - len(selection)
    return PlaceSelection(tuple(planned for planned, _, _ in selection), incomparable, overlapping)


def is_same_time(first: Span, second: Span) -> bool:
    """Whether two half-open spans of days overlap."""
    return (second[1] is None or first[0] < second[1]) and (first[1] is None or second[0] < first[1])
