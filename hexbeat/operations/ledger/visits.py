"""A visit: which team was at which place, from when, for how long, and what it found. Never who was in the team."""

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from geo.cells import format_cells, index_points
from geo.errors import DataError
from geo.wards import OUTSIDE, Wards
from hexbeat.operations.plans.plan import Plan, PlanKind, Stop, Tour
from layers.timestamps import to_seconds

__all__ = [
    "DONE",
    "LONGEST_TEAM",
    "MOST_MINUTES",
    "MOST_NEEDLES",
    "NOT_DONE",
    "OUTCOMES",
    "UNDER_WAY_MARGIN",
    "Visit",
    "build_stop_visit",
    "describe_overlap",
    "estimate_start",
    "find_cell_and_ward",
    "find_cells_and_wards",
    "find_named_stop",
    "find_stop",
    "find_team_and_order",
    "find_tour",
    "team_key",
    "visit_id",
]

DONE: Final = "done"
NOT_DONE: Final = "not_done"  # the team says that it did not get there, or could not do it: 0 minutes
OUTCOMES: Final = (DONE, NOT_DONE)
MOST_MINUTES: Final = 24 * 60
MOST_NEEDLES: Final = 1_000_000  # as hexbeat.ingest.parsing.values: more is a slip of the hand
LONGEST_TEAM: Final = 60
LONGEST_PLACE: Final = 200
CELL_RESOLUTION: Final = 10  # of visits that answer no planned stop
UNDER_WAY_MARGIN: Final = dt.timedelta(hours=3)
_RULE: Final = "A visit says which team was where, from when, and for how many minutes"


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of one team. Degrees, WGS 84; `started_at` is aware; `minutes` whole, 0 to a day.

    `plan_id` and `stop_id` name the stop that it answers, both None for other work. `ref` is a file's own name for its
    row. `cell` is an H3 string. `needles` None means that nobody counted, 0 that there were none. Teams are named,
    people never. DataError if a value is out of bounds.
    """

    kind: str
    team: str
    lon: float
    lat: float
    started_at: dt.datetime
    minutes: int
    cell: str
    ward_code: str
    place: str = ""
    needles: int | None = None
    outcome: str = DONE
    plan_id: str | None = None
    stop_id: str | None = None
    ref: str | None = None

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for wrong, fact, hint in self._faults():
            if wrong:
                raise DataError(_RULE, fact, hint)
        to_seconds(self.started_at)

    def _faults(self) -> tuple[tuple[bool, str, str], ...]:
        team = self.team
        return (
            (self.kind not in set(PlanKind), f"its kind is {self.kind[:20]!r}", "it is patrol or sweep"),
            (self.outcome not in OUTCOMES, f"its outcome is {self.outcome[:20]!r}", "it is done or not_done"),
            (not team.strip() or len(team) > LONGEST_TEAM, "its team is blank or very long", "name the team"),
            ("@" in team, "its team is an address", "name the team, never a person"),
            (len(self.place) > LONGEST_PLACE, "its place is a long text", "name the place in a few words"),
            (not 0 <= self.minutes <= MOST_MINUTES, f"it has {self.minutes} minutes", "they are 0 to 1,440"),
            (self.outcome == NOT_DONE and self.minutes > 0, "it was not done, yet took minutes", "leave them out"),
            (not 0 <= (self.needles or 0) <= MOST_NEEDLES, f"it has {self.needles} needles", "they are 0 to a million"),
            (not (abs(self.lon) <= 180 and abs(self.lat) <= 90), "its place is not on the globe", "check it"),  # noqa: PLR2004 - degrees
            ((self.plan_id is None) != (self.stop_id is None), "it names only a stop or only a plan", "name both"),
        )


def visit_id(visit: Visit) -> str:
    """16 hexadecimal digits that name a visit over all its versions, made of its natural key.

    The key is plan, stop and team; or a file's own name for the row, and the team; or team, start and place. Capitals
    and spaces do not make another team.
    """
    team = team_key(visit.team)
    if visit.plan_id is not None:
        parts = ["plan", visit.plan_id, visit.stop_id or "", team]
    elif visit.ref is not None:
        parts = ["ref", visit.ref, team]
    else:
        parts = ["at", str(to_seconds(visit.started_at)), f"{visit.lon:.5f},{visit.lat:.5f}", visit.kind, team]
    return blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()


def team_key(team: str) -> str:
    """A team's name for comparison: without regard to capitals and spaces."""
    return " ".join(team.split()).casefold()


def describe_overlap(times: Iterable[tuple[str, dt.datetime, int]]) -> tuple[str, ...]:
    """A note if visits (team, start, minutes) of one team overlap in time; none otherwise."""
    spans = sorted((team_key(team), begin, begin + dt.timedelta(minutes=spent)) for team, begin, spent in times)
    number, minutes, end_by_team = 0, 0, dict[str, dt.datetime]()
    for team, begin, end in spans:
        over = (min(end, end_by_team.get(team, begin)) - begin).total_seconds()
        number, minutes = number + (over > 0), minutes + round(max(over, 0) / 60)
        end_by_team[team] = max(end, end_by_team.get(team, end))
    if not number:
        return ()
    visits = "1 visit begins" if number == 1 else f"{number:,} visits begin"
    return (f"{visits} before the same team's earlier visit ends: {minutes:,} minutes count twice",)


def build_stop_visit(
    plan: Plan,
    tour: Tour,
    stop: Stop,
    *,
    started_at: dt.datetime | None = None,
    minutes: int | None = None,
    needles: int | None = None,
    outcome: str = DONE,
) -> Visit:
    """The visit that answers a planned stop. A start or minutes of None are as planned (0 minutes if not done)."""
    spent = stop.minutes if minutes is None else minutes
    return Visit(
        kind=str(plan.kind),
        team=tour.team,
        lon=stop.lon,
        lat=stop.lat,
        started_at=started_at or stop.arrive,
        minutes=0 if outcome == NOT_DONE else spent,
        cell=stop.cell,
        ward_code=stop.ward_code,
        place=stop.place[:LONGEST_PLACE],
        needles=needles,
        outcome=outcome,
        plan_id=plan.plan_id,
        stop_id=stop.stop_id,
    )


def estimate_start(plan: Plan, stop: Stop, *, minutes: int, now: dt.datetime) -> dt.datetime:
    """The start of a visit that is recorded now: `minutes` ago while the plan is under way, else as planned.

    Under way means from three hours before the plan begins to three hours after it ends.
    """
    if plan.begins - UNDER_WAY_MARGIN <= now <= plan.ends + UNDER_WAY_MARGIN:
        return now.replace(microsecond=0) - dt.timedelta(minutes=minutes)
    return stop.arrive


def find_cell_and_ward(wards: Wards, lon: float, lat: float) -> tuple[str, str] | None:
    """The cell (H3 string, resolution 10) and ward of a point; None outside the wards."""
    return find_cells_and_wards(wards, [(lon, lat)]).get((lon, lat))


def find_cells_and_wards(
    wards: Wards, points: Collection[tuple[float, float]]
) -> dict[tuple[float, float], tuple[str, str]]:
    """The cell (H3 string, resolution 10) and ward of each point (lon, lat) that lies in a ward."""
    lon, lat = np.array(list(points), dtype=np.float64).reshape(-1, 2).T
    ward = wards.locate(lon, lat)
    inside = np.flatnonzero(ward != OUTSIDE)
    cells = format_cells(index_points(lon[inside], lat[inside], resolution=CELL_RESOLUTION))
    codes = [wards.codes[place] for place in ward[inside].tolist()]
    keys = zip(lon[inside].tolist(), lat[inside].tolist(), strict=True)
    return dict(zip(keys, zip(map(str, cells), codes, strict=True), strict=True))


def find_tour(plan: Plan, team: str | None) -> Tour:
    """The tour of a team, without regard to case; None: the only tour. DataError if there is no such tour."""
    if team is None and len(plan.tours) == 1:
        return plan.tours[0]
    for tour in plan.tours:
        if team is not None and tour.team.casefold() == team.strip().casefold():
            return tour
    names = ", ".join(tour.team for tour in plan.tours) or "none"
    fact = f"plan {plan.plan_id} has several teams" if team is None else f"plan {plan.plan_id} has no team {team!r}"
    raise DataError("Work is recorded for a team of the plan", fact, f"its teams are {names}")


def find_stop(plan: Plan, stop_id: str) -> tuple[Tour, Stop]:
    """The tour and the stop that a person names; DataError if the plan has none."""
    pair = find_named_stop(plan, stop_id)
    if pair is not None:
        return pair
    raise DataError(
        "Work is recorded at a stop of the plan",
        f"plan {plan.plan_id} has no stop {stop_id!r}",
        "take the stop's name from the plan",
    )


def find_named_stop(plan: Plan, name: str) -> tuple[Tour, Stop] | None:
    """The tour and the stop that a person names; None if the plan has none. 1-2 means 1-02 unless there is a 1-2."""
    pairs = [(tour, stop) for tour in plan.tours for stop in tour.stops]
    exact = next((pair for pair in pairs if pair[1].stop_id == name.strip()), None)
    numbered = find_team_and_order(name)
    if exact is not None or numbered is None:
        return exact
    return next((pair for pair in pairs if find_team_and_order(pair[1].stop_id) == numbered), None)


def find_team_and_order(stop_id: str) -> tuple[int, int] | None:
    """The two numbers of a stop's name such as 1-02; None if it has another form."""
    parts = re.fullmatch(r"\s*([0-9]{1,6})\s*-\s*([0-9]{1,6})\s*", stop_id)
    return (int(parts[1]), int(parts[2])) if parts else None
