"""Turns the rows of a sheet into visits: the planned stop that each answers, its place, or why it is rejected."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.distance import offsets_m
from geo.number_texts import parse_numbers
from geo.wards import Wards
from hexbeat.operations.ledger.plan_sheets import VisitSheetRow
from hexbeat.operations.ledger.visits import (
    DONE,
    LONGEST_TEAM,
    MOST_MINUTES,
    MOST_NEEDLES,
    NOT_DONE,
    Visit,
    build_stop_visit,
    find_cells_and_wards,
    find_team_and_order,
    team_key,
    visit_id,
)
from hexbeat.operations.plans.plan import Plan, PlanKind, Stop, Tour
from layers.timestamps import from_seconds

__all__ = ["SHEET_REASONS", "SheetChoices", "SheetFindings", "match_rows"]

SHEET_REASONS: Final = (
    *("missing_team", "unknown_kind", "unknown_stop", "bad_outcome", "bad_date", "future_date", "bad_minutes"),
    *("bad_needles", "missing_place", "unknown_place", "impossible_location", "outside_area", "duplicate"),
    *("other_plan", "not_filled_in", "unreadable_row"),
)
_YES: Final = frozenset({"done", "yes", "y", "x", "1", "true", "visited", "swept", "completed", "✓", "✔"})
_NO: Final = frozenset({"not_done", "not done", "no", "n", "0", "false", "missed", "not visited", "not swept"})
_KINDS: Final = {"patrol": PlanKind.PATROL, "sweep": PlanKind.SWEEP, "needle sweep": PlanKind.SWEEP}
_LEAST_METRES_PER_DEGREE: Final = 110_000.0  # of latitude, anywhere: only to pass over stops far away
_PLAIN: Final = re.compile(r"[0-9]{1,15}")
_WORK_FIELDS: Final = ("started", "clock", "ended", "minutes", "needles", "outcome")


class _RejectedError(Exception):
    """Why a row cannot be used, one of SHEET_REASONS."""


@dataclass(frozen=True, slots=True)
class SheetChoices:
    """The options for reading rows: wards, the plan that they answer (None: other work), team and kind.

    `team` and `kind` are for rows that give none. `places` are named points (lon, lat; None where a name is not
    unique). `now` is UTC seconds.
    """

    wards: Wards
    plan: Plan | None
    team: str | None
    kind: str | None
    radius_m: float
    places: Mapping[str, tuple[float, float] | None]
    now: int


@dataclass(frozen=True, slots=True)
class SheetFindings:
    """Visits, rejected rows (line, reason), and notes."""

    visits: tuple[Visit, ...]
    rejects: tuple[tuple[int, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _PlannedStops:
    """The stops of a plan, prepared for many rows: in order, by name, by numbers such as 1-02, and as arrays (n,)."""

    pairs: tuple[tuple[Tour, Stop], ...]
    by_name: Mapping[str, tuple[Tour, Stop]]
    by_numbers: Mapping[tuple[int, int], tuple[Tour, Stop]]
    teams: tuple[str, ...]
    places: tuple[str, ...]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    @classmethod
    def index(cls, plan: Plan | None) -> "_PlannedStops":
        """The stops of a plan; none without one. Of equal names the first counts."""
        pairs = tuple((tour, stop) for tour in plan.tours for stop in tour.stops) if plan else ()
        numbers = [(find_team_and_order(pair[1].stop_id), pair) for pair in pairs]
        return cls(
            pairs,
            {pair[1].stop_id: pair for pair in reversed(pairs)},
            {number: pair for number, pair in reversed(numbers) if number is not None},
            tuple(team_key(tour.team) for tour, _ in pairs),
            tuple(stop.place.casefold() for _, stop in pairs),
            np.array([stop.lon for _, stop in pairs], dtype=np.float64),
            np.array([stop.lat for _, stop in pairs], dtype=np.float64),
        )

    def find_named(self, name: str) -> tuple[Tour, Stop] | None:
        """As `find_named_stop`: 1-2 means 1-02 unless there is a 1-2."""
        numbers = find_team_and_order(name)
        return self.by_name.get(name.strip()) or (self.by_numbers.get(numbers) if numbers else None)


@dataclass(slots=True)
class _UsedStops:
    """What earlier rows have used: visits by identifier, planned stops by stop and team.

    `planned` are the stops of the plan, and `located` the cell and ward of every point of the rows in the area.
    """

    planned: _PlannedStops
    located: Mapping[tuple[float, float], tuple[str, str]]
    visits: dict[str, Visit] = field(default_factory=dict)
    stops: set[tuple[str, str]] = field(default_factory=set)

    def take(self, visit: Visit) -> None:
        """Add a visit, unless an earlier row was the same one."""
        if visit_id(visit) in self.visits:
            raise _RejectedError("duplicate")
        self.visits[visit_id(visit)] = visit


def match_rows(rows: list[VisitSheetRow], choices: SheetChoices) -> SheetFindings:
    """Visits of the rows that can be used.

    With a plan, a row answers the stop that it names. A row that names none answers the nearest open stop of its team
    within `radius_m` of its point, or an open stop with the same place name. A row that says "done" without a time is
    recorded with the planned time. A row that answers no stop is other work: it needs a start and a place.
    """
    points = {point for row in rows if (point := _find_any_point(row, choices)) is not None}
    used_stops = _UsedStops(_PlannedStops.index(choices.plan), find_cells_and_wards(choices.wards, points))
    rejects: list[tuple[int, str]] = []
    for row in rows:
        try:
            used_stops.take(_build_visit(row, choices, used_stops))
        except _RejectedError as error:
            rejects.append((row.line, str(error)))
    days = sum(row.day_only for row in rows)
    rows_without_time = (
        "1 row has a day but no time: it is" if days == 1 else f"{days:,} rows have a day but no time: they are"
    )
    notes = (f"{rows_without_time} recorded at 00:00",) if days else ()
    return SheetFindings(tuple(used_stops.visits.values()), tuple(rejects), notes)


def _build_visit(row: VisitSheetRow, choices: SheetChoices, used_stops: _UsedStops) -> Visit:
    if row.unreadable:
        raise _RejectedError("unreadable_row")
    if row.plan_id and choices.plan and row.plan_id != choices.plan.plan_id:
        raise _RejectedError("other_plan")
    if row.texts["stop"] and not any(row.texts[field] for field in _WORK_FIELDS):
        raise _RejectedError("not_filled_in")
    team = row.texts["team"] or choices.team or ""
    planned_stop = _find_planned_stop(row, team, choices, used_stops)
    if planned_stop is not None and team_key(team) in {"", team_key(planned_stop[0].team)}:
        team = planned_stop[0].team  # as the plan spells it
    if not team or len(team) > LONGEST_TEAM or "@" in team:
        raise _RejectedError("missing_team")
    outcome, needles = (
        _parse_outcome(row.texts["outcome"]),
        _parse_whole(row.texts["needles"], MOST_NEEDLES, "bad_needles"),
    )
    started = _parse_start(row, choices.now, planned=planned_stop is not None and bool(row.texts["outcome"]))
    minutes = 0 if outcome == NOT_DONE else _parse_minutes(row)
    if planned_stop is None:
        cell_and_ward = used_stops.located.get(_find_point(row, choices))
        if cell_and_ward is None:
            raise _RejectedError("outside_area")
        return _build_unplanned(
            row, team, choices, cell_and_ward=cell_and_ward, started=started, minutes=minutes, needles=needles,
            outcome=outcome,
        )  # fmt: skip
    tour, stop = planned_stop
    used_stops.stops.add((stop.stop_id, team_key(team)))
    plan = choices.plan
    if plan is None:
        raise _RejectedError("unknown_stop")
    visit = build_stop_visit(plan, tour, stop, started_at=started, minutes=minutes, needles=needles, outcome=outcome)
    if visit.started_at.timestamp() > choices.now:
        raise _RejectedError("future_date")
    return replace(visit, team=team)


def _build_unplanned(  # the parts of one visit
    row: VisitSheetRow,
    team: str,
    choices: SheetChoices,
    *,
    cell_and_ward: tuple[str, str],
    started: dt.datetime | None,
    minutes: int | None,
    needles: int | None,
    outcome: str,
) -> Visit:
    """Work that answers no planned stop."""
    lon, lat = _find_point(row, choices)
    if started is None:
        raise _RejectedError("bad_date")
    if minutes is None:
        raise _RejectedError("bad_minutes")
    return Visit(
        kind=_find_kind(row, choices),
        team=team,
        lon=lon,
        lat=lat,
        started_at=started,
        minutes=minutes,
        cell=cell_and_ward[0],
        ward_code=cell_and_ward[1],
        place=row.texts["place"][:200],
        needles=needles,
        outcome=outcome,
        ref=row.texts["ref"][:200] or None,
    )


def _find_kind(row: VisitSheetRow, choices: SheetChoices) -> str:
    own_kind = _KINDS.get(row.texts["kind"].casefold()) if row.texts["kind"] else choices.kind
    kind = own_kind or (choices.plan.kind if choices.plan and not row.texts["kind"] else None)
    if kind is None:
        raise _RejectedError("unknown_kind")
    return str(kind)


def _parse_outcome(text: str) -> str:
    if not text or text.casefold() in _YES:
        return DONE
    if text.casefold() in _NO:
        return NOT_DONE
    raise _RejectedError("bad_outcome")


def _parse_start(row: VisitSheetRow, now: int, *, planned: bool) -> dt.datetime | None:
    """The start that the row gives; None if it gives none and the planned arrival stands for it."""
    if row.bad_date or (row.started is None and not planned):
        raise _RejectedError("bad_date")
    if row.started is None:
        return None
    if row.started > now:
        raise _RejectedError("future_date")
    return from_seconds(row.started)


def _parse_minutes(row: VisitSheetRow) -> int | None:
    """The minutes that the row gives, or those from its start to its end; None if it gives neither."""
    if row.texts["minutes"]:
        return _parse_whole(row.texts["minutes"], MOST_MINUTES, "bad_minutes", rounded=True)
    if row.started is None or row.ended is None:
        return None
    spent = round((row.ended - row.started) / 60)
    if not 0 <= spent <= MOST_MINUTES:
        raise _RejectedError("bad_minutes")
    return spent


def _parse_whole(text: str, most: int, reason: str, *, rounded: bool = False) -> int | None:
    """A whole number from 0; None for blank."""
    if not text:
        return None
    value = float(text) if _PLAIN.fullmatch(text) else float(parse_numbers(pd.Series([text]), grouped=True)[0])
    if not 0 <= value <= most or (not rounded and value != int(value)):
        raise _RejectedError(reason)
    return round(value)


def _find_point(row: VisitSheetRow, choices: SheetChoices) -> tuple[float, float]:
    """The point of a row (lon, lat), from its coordinates or from the name of a known place."""
    if row.lon is not None and row.lat is not None:
        if not (np.isfinite(row.lon) and np.isfinite(row.lat) and abs(row.lon) <= 180 and abs(row.lat) <= 90):  # noqa: PLR2004 - degrees
            raise _RejectedError("impossible_location")
        return row.lon, row.lat
    if not row.texts["place"]:
        raise _RejectedError("missing_place")
    point = choices.places.get(row.texts["place"].casefold())
    if point is None:
        raise _RejectedError("unknown_place")
    return point


def _find_any_point(row: VisitSheetRow, choices: SheetChoices) -> tuple[float, float] | None:
    """The point of a row; None if it has none that can be used."""
    try:
        return _find_point(row, choices)
    except _RejectedError:
        return None


def _find_planned_stop(
    row: VisitSheetRow, team: str, choices: SheetChoices, used_stops: _UsedStops
) -> tuple[Tour, Stop] | None:
    """The planned stop that a row answers; None if there is none. A row with an unknown stop is rejected."""
    planned = used_stops.planned
    if choices.plan is None:
        return None
    if row.texts["stop"]:
        pair = planned.find_named(row.texts["stop"])
        if pair is None:
            raise _RejectedError("unknown_stop")
        return pair
    near = _measure_steps(row, planned, choices.radius_m)
    own_team = team_key(team) if team_key(team) in planned.teams else ""
    candidates = [
        (step, _find_gap_s(row, planned.pairs[n][1]), n)
        for n, step in near
        if planned.teams[n] == (own_team or planned.teams[n])
        and (planned.pairs[n][1].stop_id, team_key(team) or planned.teams[n]) not in used_stops.stops
    ]
    return planned.pairs[min(candidates)[2]] if candidates else None


def _measure_steps(row: VisitSheetRow, planned: _PlannedStops, radius_m: float) -> list[tuple[int, float]]:
    """The stops that may be the row's place, each with how far it is from the row, in fifths of the radius."""
    if row.lon is None or row.lat is None or not np.isfinite(row.lon):
        place = row.texts["place"].casefold()
        return [(n, 0.0) for n, other in enumerate(planned.places) if other == place]
    near = np.flatnonzero(np.abs(planned.lat - row.lat) <= radius_m / _LEAST_METRES_PER_DEGREE)
    steps = []
    for n in near.tolist():
        east, north = offsets_m(row.lon, row.lat, origin_lon=float(planned.lon[n]), origin_lat=float(planned.lat[n]))[
            0
        ].tolist()
        metres = float(np.hypot(east, north))
        if metres <= radius_m:
            steps.append((n, float(round(metres / radius_m * 5))))
    return steps


def _find_gap_s(row: VisitSheetRow, stop: Stop) -> float:
    """Seconds between the row's start and the planned arrival; the stop's order if the row has no start."""
    return float(stop.order) if row.started is None else abs(stop.arrive.timestamp() - row.started)
