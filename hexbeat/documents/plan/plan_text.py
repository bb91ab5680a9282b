"""The sentences of a plan's files: the same in the PDF, the calendar, GPX and KML."""

import datetime as dt
from typing import Final

from hexbeat.analysis.count_files import MARK
from hexbeat.operations.plans.plan import Pause, Plan, PlanKind, Stop, Tour
from layers.wording import format_date, format_number, format_plural

__all__ = [
    "DAYS",
    "describe_pause",
    "describe_stop",
    "describe_way",
    "find_end",
    "find_mark",
    "find_pauses",
    "format_clock",
    "format_stop_title",
    "format_tour_heading",
    "has_own_finish",
    "has_own_start",
    "is_spread",
]

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EARLY_S: Final = 3600  # a team that is back so long before its hours end asks why


def find_mark(plan: Plan) -> str:
    """The mark of a plan made of demonstration events; "" for any other."""
    return f"DEMONSTRATION: made from {MARK}." if plan.synthetic else ""


def format_clock(time: dt.datetime, plan: Plan) -> str:
    """As in "22:15"; with the name of the zone if the clocks change during the plan, so that no hour is ambiguous."""
    changes = plan.begins.utcoffset() != plan.ends.utcoffset()
    return f"{time:%H:%M} {time.tzname()}" if changes else f"{time:%H:%M}"


def format_tour_heading(plan: Plan, tour: Tour) -> str:
    """As in "Team A: Fri 27 Nov 2026, 22:00 to 02:00"."""
    day = f"{DAYS[tour.leaves.weekday()]} {format_date(tour.leaves.date())}"
    return f"{tour.team}: {day}, {format_clock(tour.leaves, plan)} to {format_clock(find_end(tour), plan)}"


def describe_way(plan: Plan, tour: Tour) -> str:
    """Start and finish of a tour, and how long it takes."""
    leave = f"Leave {tour.start.name} at {format_clock(tour.leaves, plan)}"
    back = "be back" if tour.finish == tour.start else f"be at {tour.finish.name}"
    if not has_own_start(tour):
        leave = f"Be at the first stop at {format_clock(tour.leaves, plan)}"
        back = "be done" if not has_own_finish(tour) else back
    spread = is_spread(tour)
    told = [pause for order in range(len(tour.stops) + 1) for pause in find_pauses(tour, order)]
    main_pauses = [pause for pause in told if pause.kind == "break" or not spread]
    pauses = "".join(f" {describe_pause(plan, tour, pause)}" for pause in main_pauses)
    if spread:
        pauses += " The time between the stops is free for other work."
    stops = format_plural(len(tour.stops), "stop", "stops")
    spent = sum(stop.minutes for stop in tour.stops)
    return (
        f"{leave} and {back} by {format_clock(find_end(tour), plan)}. {format_number(tour.travel_km)} km and "
        f"{format_plural(round(tour.travel_minutes), 'minute', 'minutes')} of travel, "
        f"{format_plural(spent, 'minute', 'minutes')} at {stops}.{pauses}{_describe_early_end(plan, tour)}"
    )


def _describe_early_end(plan: Plan, tour: Tour) -> str:
    """Why a tour ends an hour or more before its hours; "" where it does not, or an older plan does not say."""
    early_s = plan.ends.timestamp() - tour.returns.timestamp()  # with free time after the last stop of a spread tour
    if plan.most_stops is None or early_s < _EARLY_S:
        return ""
    ends = format_clock(plan.ends, plan)
    if _has_revisits(plan):
        return f" It ends before {ends} because two visits of a place would otherwise be too far apart."
    if len(tour.stops) < plan.most_stops:
        return ""
    return f" It ends before {ends} because at most {plan.most_stops} stops were asked for."


def _has_revisits(plan: Plan) -> bool:
    """Whether a patrol visits a place twice, which holds all its tours together."""
    cells = [stop.cell for tour in plan.tours for stop in tour.stops]
    return plan.kind is PlanKind.PATROL and len(set(cells)) < len(cells)


def describe_pause(plan: Plan, tour: Tour, pause: Pause) -> str:
    """As in "Break of 30 minutes, 17:40 to 18:10, after stop 6."; a wait is "Free for …"."""
    minutes = f"{pause.minutes} {'minute' if pause.minutes == 1 else 'minutes'}"
    when = f"{format_clock(pause.begins, plan)} to {format_clock(pause.ends, plan)}"
    where = f"after stop {pause.after}" if pause.after else f"at {tour.start.name}"
    if pause.kind == "break":
        return f"Break of {minutes}, {when}, {where}."
    return f"Free for {minutes}, {when}, {where}."


def has_own_start(tour: Tour) -> bool:
    """Whether a tour starts at a place that somebody chose, and not at its first stop."""
    return not tour.stops or (tour.start.lon, tour.start.lat) != (tour.stops[0].lon, tour.stops[0].lat)


def has_own_finish(tour: Tour) -> bool:
    """Whether a tour finishes at a place that somebody chose, and not at its last stop."""
    return not tour.stops or (tour.finish.lon, tour.finish.lat) != (tour.stops[-1].lon, tour.stops[-1].lat)


def is_spread(tour: Tour) -> bool:
    """Whether the stops are spread over the hours, with free time after most of them."""
    waits = sum(pause.kind == "wait" for pause in tour.pauses)
    return waits > 1 and waits >= len(tour.stops) // 2


def find_end(tour: Tour) -> dt.datetime:
    """When a team is done: at its finish, or else after its last stop and a break there, without the free time."""
    if has_own_finish(tour):
        return tour.returns
    pauses = find_pauses(tour, len(tour.stops))
    return pauses[-1].ends if pauses else tour.stops[-1].leave


def find_pauses(tour: Tour, order: int) -> list[Pause]:
    """The pauses between a stop (0: the start) and the next; nobody waits after the last stop to go nowhere."""
    is_done = order == len(tour.stops) and not has_own_finish(tour)
    return [pause for pause in tour.pauses if pause.after == order and (pause.kind == "break" or not is_done)]


def format_stop_title(tour: Tour, stop: Stop) -> str:
    """As in "Team A 3: Central · 4e17"."""
    return f"{tour.team} {stop.order}: {stop.place}"


def describe_stop(plan: Plan, stop: Stop) -> str:
    """When, how long and why; the reason of a stop with open reports says them."""
    times = f"{format_clock(stop.arrive, plan)} to {format_clock(stop.leave, plan)} ({stop.minutes} minutes)"
    mark = f" {find_mark(plan)}" if plan.synthetic else ""
    return f"{times}. {stop.reason}{mark}"
