"""The content of the page "Record work": the stops of a team with their records, and the figures of a week."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from hexbeat.areas.area import Area
from hexbeat.operations.ledger.ledger_return import Group, build_return
from hexbeat.operations.ledger.visits import DONE
from hexbeat.operations.plans.plan import Plan, PlanKind, Stop, Tour
from layers.wording import escape_html, format_date, format_number, format_percent, format_plural

__all__ = [
    "StopState",
    "TourProgress",
    "build_progress",
    "build_week_rows",
    "find_week",
    "format_week_heading",
    "render_progress",
    "render_row",
]


@dataclass(frozen=True, slots=True)
class StopState:
    """A planned stop, with the identifier and facts of its visit; all None if no visit is recorded."""

    stop: Stop
    visit_id: str | None = None
    started: dt.datetime | None = None
    minutes: int | None = None
    needles: int | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class TourProgress:
    """The stops of one team in their order, and the stop that was recorded last (None if there is none)."""

    plan: Plan
    tour: Tour
    states: tuple[StopState, ...]
    last: StopState | None

    @property
    def next(self) -> StopState | None:
        """The first stop without a record."""
        return next((state for state in self.states if state.visit_id is None), None)

    @property
    def is_sweep(self) -> bool:
        """Whether needles are counted."""
        return self.plan.kind is PlanKind.SWEEP


def build_progress(plan: Plan, tour: Tour, visits: pd.DataFrame, *, zone: ZoneInfo) -> TourProgress:
    """The stops of a tour with the visits (`read_visits`) that its team recorded of them."""
    team_visits = visits[(visits["plan_id"] == plan.plan_id) & (visits["team"] == tour.team)]
    visit_by_stop = {str(row["stop_id"]): row for row in team_visits.to_dict("records")}
    states = tuple(_build_state(stop, visit_by_stop.get(stop.stop_id), zone) for stop in tour.stops)
    newest = max(visit_by_stop.values(), key=lambda row: (row["recorded_at"], row["started_at"]), default=None)
    last = next((state for state in states if newest is not None and state.visit_id == newest["visit_id"]), None)
    return TourProgress(plan, tour, states, last)


def _build_state(stop: Stop, row: Mapping[Any, Any] | None, zone: ZoneInfo) -> StopState:
    if row is None:
        return StopState(stop)
    needles = row["needles"]
    return StopState(
        stop=stop,
        visit_id=str(row["visit_id"]),
        started=row["started_at"].tz_convert(zone).to_pydatetime(),
        minutes=int(row["minutes"]),
        needles=None if pd.isna(needles) else int(needles),
        done=row["outcome"] == DONE,
    )


def render_progress(progress: TourProgress) -> str:
    """How far the team is: "5 of 8 done", minutes, needles, and a bar."""
    stops_done = sum(state.done for state in progress.states)
    total = len(progress.states)
    minutes = sum(state.minutes or 0 for state in progress.states)
    planned = sum(state.stop.minutes for state in progress.states)
    parts = [f"<b>{stops_done} of {total}</b> done", f"{minutes:,} of {planned:,} minutes"]
    if progress.is_sweep:
        parts.append(format_plural(sum(state.needles or 0 for state in progress.states), "needle", "needles"))
    share = 100 * stops_done / total if total else 0
    return (
        f'<p class="hb-done-progress" role="status">{" · ".join(parts)}</p>'
        f'<div class="hb-done-bar" aria-hidden="true"><i style="width: {share:.0f}%"></i></div>'
    )


def render_row(state: StopState, *, is_sweep: bool) -> str:
    """One line of the list: the place, and what is recorded of it or what is planned."""
    stop = state.stop
    place = f"<b>{escape_html(stop.place)}</b>"
    if state.visit_id is None or state.started is None:
        return f'<p class="hb-done-row">{place}<br>{stop.arrive:%H:%M}, {stop.minutes} minutes planned</p>'
    if not state.done:
        return f'<p class="hb-done-row">{place}<br>✗ not done</p>'
    needles = f", {format_plural(state.needles, 'needle', 'needles')}" if is_sweep and state.needles is not None else ""
    minutes = format_plural(state.minutes or 0, "minute", "minutes")
    return f'<p class="hb-done-row">{place}<br>✓ {state.started:%H:%M}, {minutes}{needles}</p>'


def find_week(day: dt.date) -> tuple[dt.date, dt.date]:
    """The Monday of a day's week, and the one after it."""
    monday = day - dt.timedelta(days=day.weekday())
    return monday, monday + dt.timedelta(days=7)


def build_week_rows(
    plans: Sequence[Plan], visits: pd.DataFrame, area: Area, *, by: Group, today: dt.date
) -> list[tuple[str, ...]]:
    """This week by team or ward: name, planned and delivered minutes, their share, stops done of planned, needles."""
    start, end = find_week(today)
    frame = build_return(plans, visits, area.wards, by=(by,), start=start, end=end, time_zone=area.time_zone)
    return [
        (
            f"{row['ward_name'] if by == 'ward' else row[by]}{' (DEMONSTRATION)' if row.get('demonstration') else ''}",
            format_number(row["planned_minutes"]),
            format_number(row["delivered_minutes"]),
            "" if pd.isna(row["delivered_share"]) else format_percent(row["delivered_share"]),
            f"{row['stops_done']} of {row['planned_stops']}",
            format_number(row["needles"]),
        )
        for row in frame.to_dict("records")
    ]


def format_week_heading(today: dt.date) -> str:
    """The heading of this week's figures."""
    return f"Week from {format_date(find_week(today)[0])}: planned and delivered"
