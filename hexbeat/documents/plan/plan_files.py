"""Every file that a plan can be: paper, devices, maps, spreadsheets, and the calendar made here."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

from icalendar import Calendar, Event

from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.documents.maps.svg import clean_text
from hexbeat.documents.plan.plan_pdf import render_plan_pdf
from hexbeat.documents.plan.plan_tables import build_plan_csv, build_plan_xlsx
from hexbeat.documents.plan.plan_text import describe_pause, describe_stop, find_mark, format_stop_title
from hexbeat.documents.plan.plan_tracks import build_plan_geojson, build_plan_gpx, build_plan_kml
from hexbeat.operations.plans.plan import Pause, Plan, Stop, Tour, describe_share

__all__ = ["PLAN_FILES", "build_plan_calendar", "build_plan_file"]

# Kind to what people call it, its media type, and how its name ends.
PLAN_FILES: Final[Mapping[str, tuple[str, str, str]]] = {
    "pdf": ("PDF to print", "application/pdf", ".pdf"),
    "gpx": ("GPX for devices", "application/gpx+xml", ".gpx"),
    "kml": ("KML for maps", "application/vnd.google-earth.kml+xml", ".kml"),
    "geojson": ("GeoJSON", "application/geo+json", ".geojson"),
    "csv": ("CSV", "text/csv", ".csv"),
    "xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
    "ics": ("Calendar", "text/calendar", ".ics"),
}


def build_plan_calendar(plan: Plan, area: Area) -> bytes:
    """An event for each stop and break, its times in UTC, so that no program has to know when clocks change."""
    made = Calendar()
    made.add("prodid", "-//Hexbeat//Plan//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", clean_text(plan.title))
    made.add("x-wr-timezone", area.time_zone)
    made.add("x-wr-caldesc", clean_text(f"{find_mark(plan)} {describe_share(plan)}".strip()))
    for tour in plan.tours:
        for stop in tour.stops:
            made.add_component(build_stop_event(plan, tour, stop))
        for pause in tour.pauses:
            if pause.kind == "break":
                made.add_component(build_break_event(plan, tour, pause))
    return bytes(made.to_ical())


_MAKERS: Final[Mapping[str, Callable[[Plan, Area], bytes]]] = {
    "pdf": render_plan_pdf,
    "gpx": build_plan_gpx,
    "kml": build_plan_kml,
    "geojson": build_plan_geojson,
    "csv": build_plan_csv,
    "xlsx": build_plan_xlsx,
    "ics": build_plan_calendar,
}


def build_plan_file(plan: Plan, area: Area, kind: str) -> bytes:
    """The plan as a file of one of the kinds of PLAN_FILES; the same bytes for the same plan. UsageError for others."""
    if kind not in _MAKERS:
        raise UsageError(
            "A plan is written as one of its kinds of file", f"{kind!r} is none", f"choose from {', '.join(_MAKERS)}"
        )
    return _MAKERS[kind](plan, area)


def build_stop_event(plan: Plan, tour: Tour, stop: Stop) -> Event:
    event = build_timed_event(plan, stop.stop_id, (stop.arrive, stop.leave), format_stop_title(tour, stop))
    event.add("location", clean_text(f"{stop.place}, {stop.ward_name}"))
    event.add("description", clean_text(describe_stop(plan, stop)))
    event.add("geo", (round(stop.lat, 6), round(stop.lon, 6)))
    return event


def build_break_event(plan: Plan, tour: Tour, pause: Pause) -> Event:
    name = f"break-{plan.tours.index(tour) + 1}-{pause.after}"
    event = build_timed_event(plan, name, (pause.begins, pause.ends), f"{tour.team}: break")
    mark = f" {find_mark(plan)}" if plan.synthetic else ""
    event.add("description", clean_text(f"{describe_pause(plan, tour, pause)}{mark}"))
    return event


def build_timed_event(plan: Plan, name: str, span: tuple[dt.datetime, dt.datetime], title: str) -> Event:
    """An event with its name in the plan, its times and its title; the rest is the caller's."""
    event = Event()
    event.add("uid", f"{plan.plan_id}-{name}@hexbeat")
    event.add("dtstamp", plan.made_at.astimezone(dt.UTC))
    event.add("dtstart", span[0].astimezone(dt.UTC))
    event.add("dtend", span[1].astimezone(dt.UTC))
    event.add("summary", clean_text(f"{'DEMONSTRATION ' if plan.synthetic else ''}{title}"))
    event.add("transp", "TRANSPARENT")
    return event
