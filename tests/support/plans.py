"""Plans for tests of documents: made by hand, of any size, with texts as hostile as a test wants them."""

import datetime as dt
from dataclasses import replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import h3

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

__all__ = ["HOSTILE_TEXT", "LONDON", "change_plan", "example_plan", "make_backtested_plan", "with_break"]

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
