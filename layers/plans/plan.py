"""What a plan is: tours of stops for a patrol or a sweep, with what they cover and how good they can be said to be."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

__all__ = ["Pause", "Place", "Plan", "PlanKind", "Stop", "Tour"]


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
    """One visit. Times are aware, in the time zone of the area; `minutes` is the time spent there, travel aside.

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
    """Time of a tour that is neither on the way nor at a stop: its break, or a wait until a place may be seen again.

    It comes after stop number `after` (0: before the first) and before the next; a break is taken where the team is.
    """

    kind: Literal["break", "wait"]
    after: int
    begins: dt.datetime
    ends: dt.datetime
    minutes: int


@dataclass(frozen=True, slots=True)
class Tour:
    """What one team does: from `start` at `leaves`, through the stops in their order, to `finish` at `returns`.

    `travel_minutes` and `travel_km` are on the way, stops aside. `pauses` by time.
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
class Plan:
    """Tours for one working time of one day, [`begins`, `ends`) in the time zone of the area.

    `plan_id` is a short code, the same for the same data, choices and seed. `layers` the layers weighed, `weights`
    theirs. `covered` and `expected`: of so many events (or needles) expected in the chosen wards during the hours,
    so many at the stops. `score` what the plan collects in the units that were maximised, `bound` what no plan can
    exceed, `gap` = 1 - score / bound (0 when proved best). `proved`: a plan with the bound's worth is known, and what
    lacks is the price of tours that vary. `past` rows say what such a plan would have caught: (label, PAI, low, high).
    `held` (share, low, high) of the events of the last `held_weeks` weeks that lay at the stops of such plans, with
    its 95 % interval; None: not judged. `past_shares`: to each row of `past` the share of the events that it caught and
    of the area that it visited; () in plans of before. `wards` chosen, () for all; None in plans of before. `settings`
    and `notes` are sentences for people. `synthetic` marks demonstration events.
    """

    plan_id: str
    kind: PlanKind
    area: str
    title: str
    made_at: dt.datetime
    begins: dt.datetime
    ends: dt.datetime
    layers: tuple[str, ...]
    weights: tuple[float, ...]
    tours: tuple[Tour, ...]
    covered: float
    expected: float
    score: float
    bound: float
    gap: float
    synthetic: bool
    past: tuple[tuple[str, float, float, float], ...] = ()
    settings: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    held: tuple[float, float, float] | None = None
    held_weeks: int = 0
    proved: bool = False
    past_shares: tuple[tuple[float, float], ...] = ()
    wards: tuple[str, ...] | None = None
