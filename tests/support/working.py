"""Plans and visits for tests of the ledger: two teams in Central, with stops whose places and times are known."""

import datetime as dt
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from geo.cells import format_cells, index_points
from hexbeat.areas.area import Area, load_area
from hexbeat.operations.ledger.visits import Visit
from hexbeat.operations.plans.plan import Place, Plan, PlanKind, PlanScope, PlanWorth, Stop, Tour

__all__ = ["AREA", "LONDON", "NOW", "made_plan", "made_visit"]

LONDON: Final = ZoneInfo("Europe/London")
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
