"""Did it work? Events after the start in treated places, compared with matched controls where nothing was done."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from geo.errors import DataError, UsageError
from geo.evaluation import Displacement, weighted_displacement_difference
from geo.matching import Match, compare_with_controls, match_on_past
from hexbeat.areas.area import Area
from hexbeat.evaluation.controls import choose_places
from hexbeat.evaluation.rule import MOST_DISTANCE, ExcludedPlace, MatchedControls, PlannedComparison, Protocol, Rule
from hexbeat.evaluation.sides import Side, SideCounts, add_sides, count_once, pool_sides
from hexbeat.evaluation.treated_places import EventPoints, Shape, build_event_points, find_middles
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.filters import Filter
from layers.periods import find_known_period, find_month_only_share
from layers.precision import describe_places, measure_chosen_precision
from layers.wording import CELL_WIDTHS_M, format_plural

__all__ = ["Effect", "Outcome", "measure_effect"]

_DAY: Final = dt.timedelta(days=1)
_FEWEST_DAYS: Final = 28


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One treated place: its time after, [start, end), the counts of the place and of its ring, and a known measure.

    `published` is the weighted displacement difference of Wheeler and Ratcliffe with the same controls, in counts
    scaled to the length of after. Its interval takes counts as Poisson.
    """

    planned: PlannedComparison
    start: dt.date
    end: dt.date
    near: SideCounts
    ring: SideCounts | None
    published: Displacement


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """The answer of a protocol.

    `here` (the places), `next_door` (their rings) and `both` are sums over the compared places, which `outcomes` has
    one by one. `incomparable` of the protocol's places have no comparable place, `overlapping` would count events again
    (see `controls`). `after_once` is the count of `here` after the start with no event counted twice. `month_only` is
    the share of the counted events known only to their month. `past_change` is how much the past has changed since the
    rule was fixed, in units of `unit` (1 for plain counts). `too_new` places have too few days on record yet.
    `rough_places`: sentences on layers whose records know their places less well than the circle is wide.
    """

    protocol: Protocol
    outcomes: tuple[Outcome, ...]
    here: Side
    next_door: Side | None
    both: Side
    unit: float
    month_only: float
    shared_in_time: int
    past_change: float
    synthetic: bool
    after_once: float
    incomparable: int
    overlapping: int
    too_new: tuple[ExcludedPlace, ...] = ()
    rough_places: tuple[str, ...] = ()

    @property
    def asked(self) -> int:
        """How many places were asked about."""
        return len(self.protocol.places) + len(self.protocol.left_out)

    @property
    def on_record(self) -> int:
        """How many of them have their time before and after on record."""
        return len(self.protocol.places) - len(self.too_new)


def measure_effect(
    columns: Columns,
    area: Area,
    protocol: Protocol,
    *,
    points: EventPoints | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Effect:
    """Count the events after the start, and compare by the protocol and nothing else.

    Several places are added up. The variance of their sum counts an event as often as it takes part, so shared controls
    and overlapping places do not count as independent. DataError if the time after is not on record yet (of several
    places such a place is left out), UsageError for the protocol of another area. `progress` is called with the number
    of places done, and of all places.
    """
    if protocol.area != area.name:
        raise UsageError(
            "A comparison is evaluated in the area that it was fixed for",
            f"this one is of {protocol.area}",
            "choose that area",
        )
    rule = protocol.rule
    points = points or build_event_points(columns, area, rule.layers, reported_by=rule.reported_by)
    ends, too_new = _find_ends(points, protocol)
    places_on_record = [side for side in protocol.places if side in ends]
    selection = choose_places(points, places_on_record, rule)
    outcomes, near_sides, ring_sides, is_used, shared_in_time = (
        [],
        [],
        [],
        np.zeros(len(points.index), dtype=np.bool_),
        0,
    )
    for place, planned in enumerate(selection.places):
        if progress:
            progress(place, len(selection.places))
        comparison = _PlaceComparison(points, planned, rule, ends[planned])
        near = comparison.compare_side(points.build_shape(planned.place, rule.radius_m), planned.near, planned.past)
        ring = comparison.compare_ring()
        outcomes.append(_build_outcome(comparison, near, ring, rule))
        near_sides.append(near)
        ring_sides += [(planned.ring.distance, ring)] if planned.ring and ring else []
        is_used |= (near.contributions != 0) | (ring.contributions != 0 if ring else False)
        shared_in_time += comparison.shared
    pooled = pool_sides(
        near_sides, unit=points.unit, alpha=rule.alpha, comparable=2 * selection.incomparable <= len(places_on_record)
    )
    next_door = _pool_rings(ring_sides, unit=points.unit, alpha=rule.alpha)
    return Effect(
        protocol=protocol,
        outcomes=tuple(outcomes),
        here=pooled,
        next_door=next_door,
        both=add_sides(pooled, next_door, unit=points.unit, alpha=rule.alpha),
        unit=points.unit,
        month_only=find_month_only_share(columns, points.index[is_used]),
        shared_in_time=shared_in_time,
        past_change=sum(side.past_change for side in near_sides),
        synthetic=bool(columns.demonstration[points.index[is_used]].any()),
        after_once=count_once(near_sides, unit=points.unit),
        incomparable=selection.incomparable,
        overlapping=selection.overlapping,
        too_new=tuple(too_new),
        rough_places=_describe_rough_places(columns, area, protocol),
    )


def _describe_rough_places(columns: Columns, area: Area, protocol: Protocol) -> tuple[str, ...]:
    """Sentences on the layers whose records know their places less well than a circle of the rule is wide."""
    if all(planned.place.outline is not None for planned in protocol.places):
        return ()
    sentences = []
    for layer in protocol.rule.layers:
        precision = measure_chosen_precision(columns, Filter(layers=(layer,)), time_zone=area.time_zone)
        if CELL_WIDTHS_M[precision.finest] > 2 * protocol.rule.radius_m:
            records = f"records of {find_layer(layer).many}"
            sentences.append(
                f"{describe_places(precision, records=records)}. So events within {protocol.rule.radius_m:g} m may be "
                "counted outside, and others inside."
            )
    return tuple(sentences)


def _find_ends(points: EventPoints, protocol: Protocol) -> tuple[dict[PlannedComparison, dt.date], list[ExcludedPlace]]:
    """The end of each place's time after, and the places (not all of them) with too few days on record."""
    ends, too_new = {}, []
    for planned in protocol.places:
        try:
            ends[planned] = _find_end(points, planned)
        except DataError as error:
            if planned is protocol.places[-1] and not ends:
                raise
            too_new.append(ExcludedPlace(planned.place.name, planned.place.event_id, error.rule, error.fact))
    return ends, too_new


def _pool_rings(rings: Sequence[tuple[float, SideCounts]], *, unit: float, alpha: float) -> Side | None:
    """The sum of the rings with a comparable ring; if there is none, of all rings, for their counts alone."""
    comparable_rings = [ring for distance, ring in rings if distance <= MOST_DISTANCE]
    if not rings:
        return None
    return pool_sides(
        comparable_rings or [ring for _, ring in rings], unit=unit, alpha=alpha, comparable=bool(comparable_rings)
    )


class _PlaceComparison:
    """One planned place, and the weight of each event before and after its start."""

    def __init__(self, points: EventPoints, planned: PlannedComparison, rule: Rule, end: dt.date) -> None:
        self.points, self.planned, self.rule = points, planned, rule
        self.start, self.end = planned.place.start, end
        wash_in = rule.wash_in_days * _DAY
        before_start = self.start - wash_in - rule.before_days * _DAY
        self.before, _ = points.count_period(before_start, self.start - wash_in)
        self.after, self.shared = points.count_period(self.start, self.end)
        self.spans = np.column_stack([points.count_period(self.start - s * _DAY, self.start)[0] for s in rule.spans])
        self.share = (self.end - self.start).days / rule.before_days

    def compare_side(self, shape: Shape, controls: MatchedControls, planned_past: tuple[float, ...]) -> SideCounts:
        """The treated place, or its ring, against its matched controls."""
        points = self.points
        x_m, y_m = find_middles(points, controls.pool)
        middle = points.find_middle(self.planned.place)
        own_inside = points.find_inside(shape, np.array([middle[0]]), np.array([middle[1]]))
        inside = points.find_inside(shape, x_m, y_m)
        past, after = inside @ self.spans, inside @ self.after
        match = Match(np.array(controls.controls), np.array(controls.weights), np.array([controls.distance]))
        own_past = (own_inside @ self.spans)[0]
        comparison = compare_with_controls(
            past,
            after,
            own_past,
            float((own_inside @ self.after)[0]),
            match=match,
            placebos=match_on_past(past, own_past, controls=self.rule.placebos).index,
            separate=np.hypot(x_m[:, None] - x_m, y_m[:, None] - y_m) >= 2 * shape.radius_m * (1 - 1e-9),
            alpha=self.rule.alpha,
        )
        weights = np.zeros(len(x_m))
        weights[match.index] = match.weight
        before = float((own_inside @ self.before)[0]) * self.share, float(weights @ (inside @ self.before)) * self.share
        event_counts = (own_inside.T @ np.ones(1)) * self.after
        contributions = event_counts - (inside.T @ weights) * self.after
        return SideCounts(comparison, before, contributions, float(own_past[-1] - planned_past[-1]), event_counts)

    def compare_ring(self) -> SideCounts | None:
        """The ring around the treated place, against the rings around its matched controls."""
        if self.planned.ring is None:
            return None
        ring = self.points.build_shape(self.planned.place, self.rule.radius_m).ring(self.rule.ring_m)
        return self.compare_side(ring, self.planned.ring, self.planned.ring_past)


def _find_end(points: EventPoints, planned: PlannedComparison) -> dt.date:
    """The first day that no longer counts after the start, at the latest the first that is not known.

    DataError if too few days are on record.
    """
    zone = points.area.time_zone
    periods = [find_known_period(points.columns, name, time_zone=zone) for name in points.layers]
    newest = min(period[1] for period in periods if period)
    end, start = min(planned.end or newest, newest), planned.place.start
    if missing := points.find_missing(start, end):
        end = missing[0][0]  # the days after a gap are another time
    if (end - start).days < _FEWEST_DAYS:
        raise DataError(
            f"A comparison needs {_FEWEST_DAYS} days of records after the start",
            f"{format_plural(max((end - start).days, 0), 'day is', 'days are')} known of {planned.place.name}",
            "fix the rule now, and ask again when more days are on record",
        )
    return end


def _build_outcome(comparison: _PlaceComparison, near: SideCounts, ring: SideCounts | None, rule: Rule) -> Outcome:
    """The outcome of one place, with the published measure of the same counts."""
    controls = len(comparison.planned.near.controls)
    sides = (near, ring) if ring else (near,)
    pairs: list[tuple[float, float]] = []
    for side in sides:
        own_before, control_before = (before / comparison.share for before in side.before)
        pairs += [
            (controls * control_before, controls * side.comparison.controls_after),
            (own_before, side.comparison.after),
        ]
    published = weighted_displacement_difference(
        *pairs, time_weights=(1 / comparison.share, 1.0), area_weights=(controls, 1.0, controls, 1.0), alpha=rule.alpha
    )
    return Outcome(comparison.planned, comparison.start, comparison.end, near, ring, published)
