"""A plan as a calendar file (RFC 5545): an event a stop."""

import datetime as dt

from icalendar import Calendar, Event

from dashboard.documents.plan_words import mark_of, stop_title, stop_words
from dashboard.documents.svg import plain_text
from layers.areas import Area
from layers.plans.plan import Plan, Stop, Tour
from layers.plans.words import share_words

__all__ = ["plan_calendar"]


def plan_calendar(plan: Plan, area: Area) -> bytes:
    """An event for each stop. Its times are written in UTC, so that no program has to know when clocks change."""
    made = Calendar()
    made.add("prodid", "-//Hexbeat//Plan//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", plain_text(plan.title))
    made.add("x-wr-timezone", area.time_zone)
    made.add("x-wr-caldesc", plain_text(f"{mark_of(plan)} {share_words(plan)}".strip()))
    for tour in plan.tours:
        for stop in tour.stops:
            made.add_component(stop_event(plan, tour, stop))
    return bytes(made.to_ical())


def stop_event(plan: Plan, tour: Tour, stop: Stop) -> Event:
    event = Event()
    event.add("uid", f"{plan.plan_id}-{stop.stop_id}@hexbeat")
    event.add("dtstamp", plan.made_at.astimezone(dt.UTC))
    event.add("dtstart", stop.arrive.astimezone(dt.UTC))
    event.add("dtend", stop.leave.astimezone(dt.UTC))
    mark = "DEMONSTRATION " if plan.synthetic else ""
    event.add("summary", plain_text(f"{mark}{stop_title(tour, stop)}"))
    event.add("location", plain_text(f"{stop.place}, {stop.ward_name}"))
    event.add("description", plain_text(stop_words(plan, stop)))
    event.add("geo", (round(stop.lat, 6), round(stop.lon, 6)))
    event.add("transp", "TRANSPARENT")
    return event
