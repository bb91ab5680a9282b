"""Did it work? What came after in treated places, compared with matched controls in which nothing was done."""

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
from hexbeat.evaluation.rule import UNLIKE, ExcludedPlace, MatchedControls, PlannedComparison, Protocol, Rule
from hexbeat.evaluation.sides import Side, SideCounts, add_sides, count_once, pool_sides
from hexbeat.evaluation.treated_places import EventPoints, Shape, build_event_points, find_middles
from layers.columns import Columns
from layers.periods import find_known_period, find_month_only_share

__all__ = ["Effect", "Outcome", "measure_effect"]

_DAY: Final = dt.timedelta(days=1)
_FEWEST_DAYS: Final = 28


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One treated place: its after-period [start, end), what happened here and next door, and the published measure.

    `published` the weighted displacement difference of Wheeler and Ratcliffe with the same control, in counts scaled to
    the length of after; its interval takes counts as Poisson.
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

    `here`, `next_door` and `both` are over all judged places, whose `outcomes` these are. `unlike` of the protocol's
    places have no comparable place, `overlapping` would count events again (see `controls`). `once` is what came here
    with no event counted twice. `month_only` is the share of the counted events known only to their month; `late` is
    how much the past has changed since the rule was fixed, in units of `unit` (1 for plain counts). `too_new` places
    have too few days on record yet.
    """

    protocol: Protocol
    outcomes: tuple[Outcome, ...]
    here: Side
    next_door: Side | None
    both: Side
    unit: float
    month_only: float
    shared_in_time: int
    late: float
    synthetic: bool
    once: float
    unlike: int
    overlapping: int
    too_new: tuple[ExcludedPlace, ...] = ()

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
    ground: EventPoints | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Effect:
    """Read what came after, and compare by the protocol and nothing else.

    Several places are taken together; the variance of their sum counts an event as often as it takes part, so shared
    controls and overlapping places do not count as independent. DataError if the time after is not on record yet (of
    several places such a place is left out), UsageError for the protocol of another area. `progress` is called with the
    number of places done, and of all of them.
    """
    if protocol.area != area.name:
        raise UsageError(
            "A comparison is judged in the area that it was fixed for",
            f"this one is of {protocol.area}",
            "choose that area",
        )
    rule = protocol.rule
    ground = ground or build_event_points(columns, area, rule.layers, reported_by=rule.reported_by)
    ends, too_new = _find_ends(ground, protocol)
    known = [one for one in protocol.places if one in ends]
    choice = choose_places(ground, known, rule)
    outcomes, nears, rings, used, shared = [], [], [], np.zeros(len(ground.index), dtype=np.bool_), 0
    for place, planned in enumerate(choice.judged):
        if progress:
            progress(place, len(choice.judged))
        judged = _PlaceComparison(ground, planned, rule, ends[planned])
        near = judged.side(ground.shape_of(planned.place, rule.radius_m), planned.near, planned.past)
        ring = judged.ring_side()
        outcomes.append(_build_outcome(judged, near, ring, rule))
        nears.append(near)
        rings += [(planned.ring.distance, ring)] if planned.ring and ring else []
        used |= (near.adds != 0) | (ring.adds != 0 if ring else False)
        shared += judged.shared
    here = pool_sides(nears, unit=ground.unit, alpha=rule.alpha, like=2 * choice.unlike <= len(known))
    door = _pool_rings(rings, unit=ground.unit, alpha=rule.alpha)
    return Effect(
        protocol=protocol,
        outcomes=tuple(outcomes),
        here=here,
        next_door=door,
        both=add_sides(here, door, unit=ground.unit, alpha=rule.alpha),
        unit=ground.unit,
        month_only=find_month_only_share(columns, ground.index[used]),
        shared_in_time=shared,
        late=sum(one.late for one in nears),
        synthetic=bool(columns.demonstration[ground.index[used]].any()),
        once=count_once(nears, unit=ground.unit),
        unlike=choice.unlike,
        overlapping=choice.overlapping,
        too_new=tuple(too_new),
    )


def _find_ends(ground: EventPoints, protocol: Protocol) -> tuple[dict[PlannedComparison, dt.date], list[ExcludedPlace]]:
    """The end of each place's time after, and the places (not all of them) with too few days on record."""
    ends, too_new = {}, []
    for planned in protocol.places:
        try:
            ends[planned] = _find_end(ground, planned)
        except DataError as error:
            if planned is protocol.places[-1] and not ends:
                raise
            too_new.append(ExcludedPlace(planned.place.name, planned.place.event_id, error.rule, error.fact))
    return ends, too_new


def _pool_rings(rings: Sequence[tuple[float, SideCounts]], *, unit: float, alpha: float) -> Side | None:
    """The rings with a comparable place together; if there is none, all rings, for what came there."""
    like = [ring for distance, ring in rings if distance <= UNLIKE]
    if not rings:
        return None
    return pool_sides(like or [ring for _, ring in rings], unit=unit, alpha=alpha, like=bool(like))


class _PlaceComparison:
    """One planned place and what each event counts before and after its start."""

    def __init__(self, ground: EventPoints, planned: PlannedComparison, rule: Rule, end: dt.date) -> None:
        self.ground, self.planned, self.rule = ground, planned, rule
        self.start, self.end = planned.place.start, end
        wash = rule.wash_in_days * _DAY
        first = self.start - wash - rule.before_days * _DAY
        self.before, _ = ground.counted(first, self.start - wash)
        self.after, self.shared = ground.counted(self.start, self.end)
        self.spans = np.column_stack([ground.counted(self.start - s * _DAY, self.start)[0] for s in rule.spans])
        self.share = (self.end - self.start).days / rule.before_days

    def side(self, shape: Shape, controls: MatchedControls, planned_past: tuple[float, ...]) -> SideCounts:
        """The treated place, or its ring, against its matched controls."""
        ground = self.ground
        x_m, y_m = find_middles(ground, controls.pool)
        middle = ground.at(self.planned.place)
        own = ground.inside(shape, np.array([middle[0]]), np.array([middle[1]]))
        inside = ground.inside(shape, x_m, y_m)
        past, after = inside @ self.spans, inside @ self.after
        match = Match(np.array(controls.controls), np.array(controls.weights), np.array([controls.distance]))
        own_past = (own @ self.spans)[0]
        found = compare_with_controls(
            past,
            after,
            own_past,
            float((own @ self.after)[0]),
            match=match,
            placebos=match_on_past(past, own_past, controls=self.rule.placebos).index,
            separate=np.hypot(x_m[:, None] - x_m, y_m[:, None] - y_m) >= 2 * shape.radius_m * (1 - 1e-9),
            alpha=self.rule.alpha,
        )
        weights = np.zeros(len(x_m))
        weights[match.index] = match.weight
        before = float((own @ self.before)[0]) * self.share, float(weights @ (inside @ self.before)) * self.share
        came = (own.T @ np.ones(1)) * self.after
        adds = came - (inside.T @ weights) * self.after
        return SideCounts(found, before, adds, float(own_past[-1] - planned_past[-1]), came)

    def ring_side(self) -> SideCounts | None:
        """What lies around the treated place, against what lies around its matched controls."""
        if self.planned.ring is None:
            return None
        ring = self.ground.shape_of(self.planned.place, self.rule.radius_m).ring(self.rule.ring_m)
        return self.side(ring, self.planned.ring, self.planned.ring_past)


def _find_end(ground: EventPoints, planned: PlannedComparison) -> dt.date:
    """The first day that no longer counts after the start; DataError if too few days are on record."""
    zone = ground.area.time_zone
    reach = [find_known_period(ground.columns, name, time_zone=zone) for name in ground.layers]
    newest = min(known[1] for known in reach if known)
    end, start = min(planned.end or newest, newest), planned.place.start
    if (end - start).days < _FEWEST_DAYS:
        raise DataError(
            f"A comparison needs {_FEWEST_DAYS} days of records after the start",
            f"{max((end - start).days, 0)} days are known of {planned.place.name}",
            "fix the rule now, and ask again when more days are on record",
        )
    return end


def _build_outcome(judged: _PlaceComparison, near: SideCounts, ring: SideCounts | None, rule: Rule) -> Outcome:
    """One place, with the published measure of the same counts."""
    controls = len(judged.planned.near.controls)
    sides = (near, ring) if ring else (near,)
    pairs: list[tuple[float, float]] = []
    for one in sides:
        own, like = (before / judged.share for before in one.before)
        pairs += [(controls * like, controls * one.found.controls_after), (own, one.found.after)]
    published = weighted_displacement_difference(
        *pairs, time_weights=(1 / judged.share, 1.0), area_weights=(controls, 1.0, controls, 1.0), alpha=rule.alpha
    )
    return Outcome(judged.planned, judged.start, judged.end, near, ring, published)
