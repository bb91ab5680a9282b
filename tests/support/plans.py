"""Plans and visits made by hand, of any size, for tests of documents, pages and the ledger."""

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import h3
import numpy as np

from geo.cells import format_cells, index_points
from hexbeat.areas.area import Area, load_area
from hexbeat.operations.ledger.visits import Visit
from hexbeat.operations.plans.plan import (
    PastRow,
    Pause,
    Place,
    Plan,
    PlanKind,
    PlanPast,
    PlanScope,
    PlanWorth,
    Stop,
    Tour,
)

__all__ = [
    "AREA",
    "HOSTILE_TEXT",
    "LONDON",
    "NOW",
    "change_plan",
    "example_plan",
    "made_plan",
    "made_visit",
    "make_backtested_plan",
    "make_small_plan",
    "with_break",
]


LONDON: Final = ZoneInfo("Europe/London")
EVENING: Final = dt.datetime(2026, 11, 27, 22, 0, tzinfo=LONDON)
# Markup of Typst, of XML and of spreadsheets; a control character; letters that the documents' fonts lack.
HOSTILE_TEXT: Final = '#import "x" *b* $y$ \\ <b>&amp; =1+1 \x07 \N{GRINNING FACE} \u4e2d'
STATION: Final = Place("Police station", -1.2325, 54.5705)


def example_plan(
    *,
    stops: int = 3,
    teams: int = 2,
    begins: dt.datetime = EVENING,
    text: str = "Seven finds here in 28 days.",
    synthetic: bool = False,
    kind: PlanKind = PlanKind.PATROL,
) -> Plan:
    """Tours of `stops` stops each, 17 minutes apart; places and reasons carry `text`."""
    tours = tuple(example_tour(team, stops, begins, text) for team in range(teams))
    ends = (begins.astimezone(dt.UTC) + dt.timedelta(hours=6)).astimezone(LONDON)
    return Plan(
        plan_id="p7f3a2",
        kind=kind,
        area="middlesbrough",
        title=f"Patrol plan {text[:40]}",
        made_at=dt.datetime(2026, 10, 20, 16, 5, tzinfo=LONDON),
        begins=begins,
        ends=ends,
        scope=PlanScope(("street_dealing", "needle_litter"), (0.7, 0.3)),
        tours=tours,
        worth=PlanWorth(covered=12.0, expected=36.0, score=9.8, bound=10.0, gap=0.02),
        synthetic=synthetic,
        past=PlanPast((PastRow("the last 13 weeks", 8.2, 6.1, 10.4),)),
        settings=("Stops of 12 minutes.",),
        notes=("Expected numbers follow what was reported.",),
    )


def make_backtested_plan() -> Plan:
    """A plan of one team, with what such plans and the usual way of choosing held in past weeks."""
    return replace(
        example_plan(stops=2, teams=1),
        past=PlanPast(
            (
                PastRow("Plans made like this one", 15.4, 12.0, 18.1, 0.14, 0.0091),
                PastRow("The top cells by last month's count, in map order", 16.2, 11.9, 20.0, 0.07, 0.0045),
            )
        ),
    )


def change_plan(plan: Plan, **changes: Any) -> Plan:
    """The plan with some fields changed, those of its parts by their own names."""
    for part in ("scope", "worth", "past"):
        held = getattr(plan, part)
        own = {name: changes.pop(name) for name in [*changes] if name in held.__dataclass_fields__}
        changes[part] = replace(changes.get(part, held), **own)
    return replace(plan, **changes)


def example_tour(team: int, stops: int, begins: dt.datetime, text: str) -> Tour:
    made = tuple(example_stop(team, number, begins, text) for number in range(stops))
    back = made[-1].leave if made else begins
    return Tour(f"Team {'ABC'[team]}", STATION, STATION, begins, back, made, 5.0 * (stops + 1), 0.9 * (stops + 1))


def with_break(tour: Tour, after: int = 1) -> Tour:
    """The tour with a break of 4 minutes after one of its stops, or before the first."""
    begins = tour.stops[after - 1].leave if after else tour.leaves
    ends = (begins.astimezone(dt.UTC) + dt.timedelta(minutes=4)).astimezone(LONDON)
    return replace(tour, pauses=(Pause("break", after, begins, ends, 4),))


def example_stop(team: int, number: int, begins: dt.datetime, text: str) -> Stop:
    lon, lat = -1.245 + 0.004 * (number % 5) + 0.001 * team, 54.572 + 0.0021 * (number // 5) + 0.001 * team
    cell = h3.latlng_to_cell(lat, lon, 10)
    # Minutes pass in UTC: on a night when clocks change, local hours repeat or are left out.
    arrive = begins.astimezone(dt.UTC) + dt.timedelta(minutes=4 + 17 * number)
    return Stop(
        stop_id=f"{'abc'[team]}{number + 1}",
        order=number + 1,
        place=f"Central {cell[6:10]} {text}"[:60],
        cell=cell,
        ward_code="E05009857",
        ward_name="Central",
        lon=lon,
        lat=lat,
        arrive=arrive.astimezone(LONDON),
        leave=(arrive + dt.timedelta(minutes=12)).astimezone(LONDON),
        minutes=12,
        expected=0.42,
        reason=text,
        open_reports=number % 2,
    )


SOUTH_STATION: Final = Place("Police station “Süd”", -1.235, 54.574)


def make_small_plan(
    plan_id: str = "abc234",
    *,
    begins: dt.datetime = dt.datetime(2026, 10, 24, 22, tzinfo=LONDON),
    place: str = "Central · 4e17",
) -> Plan:
    """A patrol of one team with one stop, over the night on which the clocks go back."""

    def later(minutes: int) -> dt.datetime:
        return (begins.astimezone(dt.UTC) + dt.timedelta(minutes=minutes)).astimezone(LONDON)

    stop = Stop(
        "1-01", 1, place, "8a194654e60ffff", "E05009857", "Central", -1.23, 54.57, later(200), later(212),
        12, 0.25, "Number 1 of 4,322 places.",
    )  # fmt: skip
    tour = Tour("Team 1", SOUTH_STATION, SOUTH_STATION, later(0), later(420), (stop,), 14.0, 1.1)
    return Plan(
        plan_id, PlanKind.PATROL, "middlesbrough", "Patrol", later(0), later(0), later(420),
        PlanScope(("street_dealing",), (2.0,)), (tour,), PlanWorth(0.25, 4.0, 0.25, 0.3, 1 / 6), True,
        PlanPast((PastRow("This plan", 6.2, 4.1, 8.0),)), ("How.",), ("What not.",),
    )  # fmt: skip


NOW: Final = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
AREA: Final[Area] = load_area("middlesbrough")
WEST, SOUTH = -1.2400, 54.5720  # in Central
STEP: Final = 0.005  # of longitude: 322 m
_BASE: Final = Place("Middlesbrough station", -1.2340, 54.5780)


def made_stop(number: int, team: int, begins: dt.datetime, minutes: int) -> Stop:
    """The stop of that number: each lies 322 m east of the one before, half an hour later."""
    lon, lat = WEST + STEP * number, SOUTH - 0.004 * team
    ward = int(AREA.wards.locate(np.array([lon]), np.array([lat]))[0])
    cell = format_cells(index_points(np.array([lon]), np.array([lat]), resolution=10))[0]
    arrive = begins + dt.timedelta(minutes=30 * number)
    return Stop(
        stop_id=f"{team}-{number}",
        order=number,
        place=f"{AREA.wards.names[ward]} near {cell[-7:-5]}",
        cell=str(cell),
        ward_code=AREA.wards.codes[ward],
        ward_name=AREA.wards.names[ward],
        lon=lon,
        lat=lat,
        arrive=arrive,
        leave=arrive + dt.timedelta(minutes=minutes),
        minutes=minutes,
        expected=1.5,
        reason="It was busy in the last four weeks.",
        open_reports=0,
    )


@cache
def made_plan(
    kind: PlanKind = PlanKind.PATROL,
    *,
    teams: int = 2,
    stops: int = 4,
    minutes: int = 15,
    begins: dt.datetime | None = None,
    plan_id: str = "p7f3a",
) -> Plan:
    """A plan of some teams with as many stops each; by default on 19 Nov 2026 from 22:00 to 02:00."""
    start = begins or dt.datetime(2026, 11, 19, 22, tzinfo=LONDON)
    end = start + dt.timedelta(hours=4)
    tours = tuple(
        Tour(
            team=f"Team {team}",
            start=_BASE,
            finish=_BASE,
            leaves=start,
            returns=end,
            stops=tuple(made_stop(number, team, start, minutes) for number in range(1, stops + 1)),
            travel_minutes=30.0,
            travel_km=2.5,
        )
        for team in range(1, teams + 1)
    )
    return Plan(
        plan_id=plan_id,
        kind=kind,
        area=AREA.name,
        title=f"{kind.capitalize()}, 19 Nov 2026, 22:00 to 02:00",
        made_at=start - dt.timedelta(hours=6),
        begins=start,
        ends=end,
        scope=PlanScope(("needle_litter",), (1.0,)),
        tours=tours,
        worth=PlanWorth(covered=4.0, expected=10.0, score=4.0, bound=4.2, gap=0.05),
        synthetic=False,
    )


def made_visit(**changes: Any) -> Visit:
    """A visit of Team 1 to its first stop, with what a test cares about set by hand."""
    stop = made_plan().tours[0].stops[0]
    plain = {
        "kind": "patrol",
        "team": "Team 1",
        "lon": stop.lon,
        "lat": stop.lat,
        "started_at": stop.arrive,
        "minutes": 15,
        "cell": stop.cell,
        "ward_code": stop.ward_code,
        "place": stop.place,
        "plan_id": "p7f3a",
        "stop_id": stop.stop_id,
    }
    return Visit(**(plain | changes))
