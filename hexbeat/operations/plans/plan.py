"""A plan: its tours, stops and pauses, and the sentences on how much it holds and how near it is to the best.

The headline has one number: the share that such plans held in past weeks, which was measured, or else the forecast for
this one, which is usually too high.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from layers.catalogue import find_layer
from layers.encounters import name_records
from layers.wording import format_date, format_list, format_number, format_percent

__all__ = [
    "PastRow",
    "Pause",
    "Place",
    "Plan",
    "PlanKind",
    "PlanPast",
    "PlanScope",
    "PlanWorth",
    "Stop",
    "Tour",
    "describe_optimality",
    "describe_share",
    "explain_past",
    "format_part",
    "format_until",
    "headline",
]

_SMALL_NUMBERS = (
    "No",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
)
_SMALLEST = 0.005  # smaller shares would be 0 %
_NEARLY = 0.99  # from here on a share is printed with a decimal


class PlanKind(StrEnum):
    """What the tours are for."""

    PATROL = "patrol"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Place:
    """A named point, such as the station or depot that tours begin at. Degrees, WGS 84."""

    name: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Stop:
    """One planned visit. Times are aware, in the time zone of the area; `minutes` is the time at the stop.

    `stop_id` is unique within the plan and names the visit in the ledger. `place` is the place in words: ward and short
    code, or the nearest named place. `cell` is an H3 string. `expected` is the number of events expected there during
    the plan's hours (patrols), or the needles thought to lie there (sweeps). `reason` is a sentence.
    `open_reports` counts the open reports that a sweep answers here (0 for patrols).
    """

    stop_id: str
    order: int
    place: str
    cell: str
    ward_code: str
    ward_name: str
    lon: float
    lat: float
    arrive: dt.datetime
    leave: dt.datetime
    minutes: int
    expected: float
    reason: str
    open_reports: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """Time of a tour that is neither travel nor a stop: its break, or a wait until a place may be visited again.

    It comes after stop number `after` (0: before the first) and before the next. A break is taken where the team is.
    """

    kind: Literal["break", "wait"]
    after: int
    begins: dt.datetime
    ends: dt.datetime
    minutes: int


@dataclass(frozen=True, slots=True)
class Tour:
    """One team's route: from `start` at `leaves`, through the stops in their order, to `finish` at `returns`.

    `travel_minutes` and `travel_km` leave out the stops. `pauses` are in order of time.
    """

    team: str
    start: Place
    finish: Place
    leaves: dt.datetime
    returns: dt.datetime
    stops: tuple[Stop, ...]
    travel_minutes: float
    travel_km: float
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanScope:
    """What a plan is for: `layers` with their `weights`, and the codes of the chosen `wards`.

    `wards` are () for all; None in older plans, which did not store them.
    """

    layers: tuple[str, ...]
    weights: tuple[float, ...]
    wards: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PlanWorth:
    """How much a plan is worth, and how near that is to the best.

    `expected`: events (or needles) expected in the chosen wards during the hours; `covered`: those of them at the
    stops. `score`: what the plan collects in the units that were maximised; `bound`: what no plan can exceed; `gap` = 1
    - score / bound (0 when proved best). `proved`: a plan that reaches the bound is known, and the gap is the price of
    tours that vary.
    """

    covered: float
    expected: float
    score: float
    bound: float
    gap: float
    proved: bool = False


@dataclass(frozen=True, slots=True)
class PastRow:
    """What one method of choosing stops held in past weeks: its PAI, with the 95 % interval from `low` to `high`.

    `share` of the events that it held, and share of the `area` that it visited; None in older plans.
    """

    label: str
    pai: float
    low: float
    high: float
    share: float | None = None
    area: float | None = None


@dataclass(frozen=True, slots=True)
class PlanPast:
    """What such plans would have held in past weeks: `rows` for them and for the usual method of choosing stops.

    `held`: the share (share, low, high) of the events of the last `held_weeks` weeks that lay at the stops of such
    plans, with its 95 % interval; None: not back-tested. `until`: the last days of these weeks (more than one where
    layers end on different days); () in older plans. `whole`: what the rows' `area` is a share of, "the area" or
    "the points" of snapped records.
    """

    rows: tuple[PastRow, ...] = ()
    held: tuple[float, float, float] | None = None
    held_weeks: int = 0
    whole: str = "the area"
    until: tuple[dt.date, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Tours for one working time of one day, [`begins`, `ends`) in the time zone of the area.

    `plan_id` is a short code, the same for the same data, choices and seed. `settings` and `notes` are sentences for
    people. `synthetic` marks demonstration events. `by_month`: its records are known only to the month, so that it
    ranks places and says nothing about its hours; older plans are not. `opening`: sentences on its records, to be said
    before all else. `ranks_only`: its records are too far from its day for a forecast. `searches`: those of its layers
    whose records are all searches by officers. `issued_at`: when it was given out as work to do (aware); None: it was
    only tried, or is older. `series`: the code of the first of several days that were planned together. `most_stops`:
    how many a team makes at most; None: as many as fit. Older plans have none of these.
    """

    plan_id: str
    kind: PlanKind
    area: str
    title: str
    made_at: dt.datetime
    begins: dt.datetime
    ends: dt.datetime
    scope: PlanScope
    tours: tuple[Tour, ...]
    worth: PlanWorth
    synthetic: bool
    past: PlanPast = PlanPast()
    settings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    by_month: bool = False
    opening: tuple[str, ...] = ()
    ranks_only: bool = False
    searches: tuple[str, ...] = ()
    issued_at: dt.datetime | None = None
    series: str = ""
    most_stops: int | None = None


def headline(plan: Plan) -> str:
    """What its records are, teams and stops, and one number: what such plans held in past weeks, else the forecast."""
    return " ".join([*plan.opening, _describe_stops(plan)])


def _describe_stops(plan: Plan) -> str:
    counts = [len(tour.stops) for tour in plan.tours]
    if not sum(counts):
        return "Nothing fits: no place can be reached, visited and left within these hours."
    what = "crew" if plan.kind is PlanKind.SWEEP else "team"
    number = _SMALL_NUMBERS[len(counts)] if len(counts) < len(_SMALL_NUMBERS) else str(len(counts))
    stops = f"{counts[0]} stops each" if len(set(counts)) == 1 else f"{sum(counts)} stops in all"
    stops = "1 stop" if counts == [1] else f"{counts[0]} stops" if len(counts) == 1 else stops
    return f"{number} {what}{'s' if len(counts) > 1 else ''}, {stops}. {_describe_worth(plan)}"


def describe_share(plan: Plan) -> str:
    """What its records are; then what such plans held in past weeks or, where that is not known, the forecast.

    There is no forecast where the records only rank places.
    """
    return " ".join([*plan.opening, _describe_worth(plan)])


def _describe_worth(plan: Plan) -> str:
    if plan.kind is PlanKind.SWEEP:
        return _describe_sweep(plan)
    names = [name_records(find_layer(name), searches=name in plan.searches).many for name in plan.scope.layers]
    events = f"{format_list(names)}{' (weighed as chosen)' if len(names) > 1 else ''} in the {_describe_where(plan)}"
    when = f"{format_date(plan.begins.date())}, {plan.begins:%H:%M} to {plan.ends:%H:%M}"
    if plan.worth.expected <= 0 and not plan.ranks_only:
        return f"No {format_list(names)} are forecast for {when}."
    forecast = format_percent(plan.worth.covered / plan.worth.expected) if plan.worth.expected else "none"
    if plan.by_month:
        return (
            f"In the known months the places of the stops had {forecast} of {events}. These records are known only to "
            "the month: the plan ranks places, and says nothing about hours."
        )
    together = "" if len(plan.tours) == 1 else f" for the {len(plan.tours)} teams together"
    if plan.ranks_only:
        return (
            f"{_describe_held(plan, events)} There is no forecast for {when}: the plan only ranks places, by these "
            "records."
        )
    if plan.past.held is None:
        return f"The forecast for {when} is that the stops hold {forecast} of {events}{together}. It is no promise."
    return _describe_held(plan, events)


def _describe_held(plan: Plan, events: str) -> str:
    """What such plans held in past weeks; older plans do not say when these weeks ended."""
    if plan.past.held is None:
        return "How much such plans held in past weeks is not known."
    share, low, high = map(format_percent, plan.past.held)
    return (
        f"The stops of such plans held {share} of {events} in the last {plan.past.held_weeks} weeks"
        f"{format_until(plan.past.until)} ({low.removesuffix(' %')} to {high})."
    )


def format_until(days: Sequence[dt.date]) -> str:
    """As in " of the records, to 31 Dec 2024"; "" without days."""
    return f" of the records, to {format_list([format_date(day) for day in days])}" if days else ""


def format_part(share: float) -> str:
    """A share in whole per cent: "26 %", or "under 1 %"."""
    return "under 1 %" if 0 < share < _SMALLEST else format_percent(share)


def explain_past(rows: Sequence[PastRow], whole: str) -> list[str]:
    """What it means that plans and the usual choice held so much in so much of the area; [] if that is not known."""
    known = [(row.share, row.area, row.pai) for row in rows if row.share is not None and row.area is not None]
    if len(known) < 2:  # noqa: PLR2004 - both ways
        return []
    (share, area, pai), (usual_share, usual_area, usual_pai) = known
    more = "more" if share > usual_share else "less" if share < usual_share else "as much"
    ground = "more" if area > usual_area else "less" if area < usual_area else "as much"
    part = f"{ground} of {whole}"
    each = "more" if pai > usual_pai else "less" if pai < usual_pai else "as much"
    joint = "and" if (each == more or "as much" in (each, more)) else "but"
    than = "as" if more == "as much" else "than"
    return [f"So plans visited {part} and held {more} in all {than} the top cells, {joint} {each} for the same ground."]


def describe_optimality(plan: Plan) -> str:
    """How near the plan is to the best that its choices allow, and whether the best is proved or a calculated limit."""
    if plan.worth.gap == 0:
        return "Proved best: no plan for these places and hours collects more."
    part = _format_floor(1 - plan.worth.gap)
    if plan.worth.proved:
        best = f"It collects {part} of the proved best plan for these places and hours."
        return f"{best} The rest is the price of tours that vary."
    return (
        f"It collects {part} or more of the most that any plan for these places and hours could. That is a calculated "
        "limit, and perhaps no plan reaches it."
    )


def _describe_sweep(plan: Plan) -> str:
    if plan.worth.expected <= 0:
        return "No needles are expected at the places to sweep."
    share = format_percent(plan.worth.covered / plan.worth.expected)
    stops = "The stops" if len(plan.tours) == 1 else f"The stops of the {len(plan.tours)} crews together"
    return (
        f"{stops} hold {share} of the needles expected at the places to sweep "
        f"({format_number(round(plan.worth.covered))} of {format_number(round(plan.worth.expected))}). "
        "That follows recent finds. It is no promise."
    )


def _describe_where(plan: Plan) -> str:
    """The area of the shares; older plans do not say whether wards were chosen."""
    if plan.scope.wards is None:
        return "wards of the plan"
    return "chosen ward" if len(plan.scope.wards) == 1 else "chosen wards" if plan.scope.wards else "area"


def _format_floor(share: float) -> str:
    """A share rounded down, so that only a whole is 100 %."""
    if share < _NEARLY:
        return f"{math.floor(share * 100)} %"
    return f"{math.floor(share * 1000) / 10:.1f} %"
