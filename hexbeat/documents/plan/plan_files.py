"""Every kind of file that a plan can be written to. The PDF and the calendar are made here.

In the PDF each team has its map and its table of stops, on one page if the map stays legible. The last page says how
the plan was made.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from icalendar import Calendar, Event

from geo.cells import parse_cell_strings
from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.areas.street_names import format_in_sentence
from hexbeat.areas.streets import read_streets
from hexbeat.documents.maps.area_map import render_map
from hexbeat.documents.maps.frame import widen_bounds
from hexbeat.documents.maps.scales import Scale
from hexbeat.documents.maps.sketch import Line, Mark
from hexbeat.documents.maps.svg import clean_text
from hexbeat.documents.plan.plan_tables import build_plan_csv, build_plan_xlsx
from hexbeat.documents.plan.plan_text import (
    describe_pause,
    describe_stop,
    describe_way,
    find_end,
    find_mark,
    find_pauses,
    format_clock,
    format_stop_title,
    format_tour_heading,
    has_own_finish,
)
from hexbeat.documents.plan.plan_tracks import build_plan_geojson, build_plan_gpx, build_plan_kml
from hexbeat.documents.typst_pdf import render_pdf
from hexbeat.operations.plans.plan import Pause, Place, Plan, Stop, Tour, describe_optimality, describe_share
from hexbeat.operations.plans.stop_links import USUAL_LINKS, StopLinks, choose_document_link
from layers.wording import format_date, format_percent

__all__ = [
    "PLAN_FILES",
    "build_plan_calendar",
    "build_plan_file",
    "build_stop_marks",
    "has_separate_map",
    "measure_map_height",
]

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
NEAREST_M: Final = 1200.0  # a map shows at least this many metres each way
MAP_MM: Final = (180.0, 118.0)
LEAST_MAP_MM: Final = 100.0  # below this, numbers of stops overlap, so the map gets its own page
SEPARATE_MM: Final = 242.0
# The table as the template sets it. If there are more stops than the first number: the height of a row and of a further
# line of it (mm), and the letters of a line.
ROWS: Final = ((20, 4.5, 3.0, 86), (13, 5.0, 3.4, 77), (0, 5.8, 3.7, 70))
OTHER_CONTENT_MM: Final = 62.0  # of the page's 269 mm for the heading, the end and the table's own head
MOST_CLOSE_UPS: Final = 12  # stops of a plan, on two pages of six
CLOSE_UP_M: Final = 350.0
CLOSE_UP_MM: Final = (86.0, 72.0)
STOP_CELL: Final = Scale((0.0,), ("#d5dade",), ("#d5dade",), ("the cell of a stop",))


def render_plan_pdf(plan: Plan, area: Area, links: StopLinks) -> bytes:
    """The plan as PDF/UA-1: an A4 page a team, what the plan is, and the streets around each stop of a short plan.

    A team whose stops leave no room for its map has two pages.
    """
    drawings = {f"map-{number}": render_tour_map(tour, area) for number, tour in enumerate(plan.tours)}
    close_ups = list_close_ups(plan, area)
    drawings |= {f"stop-{number}": render_close_up(tour, stop, area) for number, (tour, stop) in enumerate(close_ups)}
    data = {
        "title": plan.title,
        "mark": find_mark(plan),
        "cover": describe_share(plan),
        "tours": [build_tour_data(plan, tour, area, links) for tour in plan.tours],
        "close_ups": [build_close_up_data(plan, tour, stop) for tour, stop in close_ups],
        "about": [describe_optimality(plan), *plan.settings],
        "past": build_past_rows(plan),
        "notes": list(plan.notes),
        "footer": format_footer(plan, area),
    }
    return render_pdf("plan", data, drawings, made_at=plan.made_at)


def format_footer(plan: Plan, area: Area) -> str:
    made_at = plan.made_at.astimezone(area.tz)
    mark = "DEMONSTRATION. " if plan.synthetic else ""
    return f"{mark}{area.title}. Plan {plan.plan_id}, made {format_date(made_at.date())} at {made_at:%H:%M} by Hexbeat."


def build_past_rows(plan: Plan) -> list[dict[str, str]]:
    """What plans like this and the usual choice would have held in past weeks; older plans have no shares."""
    return [
        {
            "label": row.label,
            "share": "" if row.share is None else format_percent(row.share),
            "area": "" if row.area is None else f"{row.area * 100:.2f} %",
            "pai": f"{row.pai:.2f}",
            "interval": f"{row.low:.2f} to {row.high:.2f}",
        }
        for row in plan.past.rows
    ]


def build_tour_data(plan: Plan, tour: Tour, area: Area, links: StopLinks) -> dict[str, Any]:
    """What the page of one team says."""
    way = describe_way(plan, tour)
    return {
        "heading": format_tour_heading(plan, tour),
        "way": way,
        "alt": describe_tour_map(tour, area),
        "separate_map": has_separate_map(tour),
        "map_mm": measure_map_height(tour),
        "stops": build_tour_rows(plan, tour, links),
        "end": describe_end(plan, tour),
    }


def describe_end(plan: Plan, tour: Tour) -> str:
    """What a team does after its last stop: it goes to its finish, if somebody chose one."""
    when = format_clock(find_end(tour), plan)
    if not has_own_finish(tour):
        return f"The plan is done at {when}."
    return f"Be {'back ' if tour.finish == tour.start else ''}at {tour.finish.name} by {when}."


def build_tour_rows(plan: Plan, tour: Tour, links: StopLinks) -> list[dict[str, Any]]:
    """The stops, with the breaks and waits between them."""
    rows = [build_pause_data(plan, tour, pause) for pause in find_pauses(tour, 0)]
    for stop in tour.stops:
        rows += [
            build_stop_data(plan, stop) | {"link": choose_document_link(stop, links)},
            *(build_pause_data(plan, tour, pause) for pause in find_pauses(tour, stop.order)),
        ]
    return rows


def build_pause_data(plan: Plan, tour: Tour, pause: Pause) -> dict[str, Any]:
    is_last = pause.after == len(tour.stops)
    until = f"Until the team is due at {tour.finish.name}." if is_last else "Until the next stop is due."
    return {
        "pause": True,
        "number": "",
        "times": f"{format_clock(pause.begins, plan)} to {format_clock(pause.ends, plan)}",
        "minutes": pause.minutes,
        "place": "Break" if pause.kind == "break" else "Free",
        "reason": "" if pause.kind == "break" else until,
    }


def build_stop_data(plan: Plan, stop: Stop) -> dict[str, Any]:
    return {
        "pause": False,
        "number": str(stop.order),
        "times": f"{format_clock(stop.arrive, plan)} to {format_clock(stop.leave, plan)}",
        "minutes": stop.minutes,
        "place": stop.place,
        "reason": stop.reason,
    }


def describe_tour_map(tour: Tour, area: Area) -> str:
    """What the map of a tour shows, for those who do not see it."""
    order = "; ".join(f"{stop.order} {format_in_sentence(stop.place)}" for stop in tour.stops) or "none"
    return (
        f"Map of {area.title}, north up: the route of {tour.team} in straight lines from {tour.start.name} through its "
        f"numbered stops ({order}) to {tour.finish.name}. The table has the same stops."
    )


def render_tour_map(tour: Tour, area: Area) -> bytes:
    """The route and the stops of one team, as large as they fit."""
    ends = dict.fromkeys((tour.start, tour.finish))
    way = [
        (tour.start.lon, tour.start.lat),
        *((stop.lon, stop.lat) for stop in tour.stops),
        (tour.finish.lon, tour.finish.lat),
    ]
    cells = np.unique(parse_cell_strings([stop.cell for stop in tour.stops]))
    return render_map(
        area,
        cells=cells,
        values=np.zeros(len(cells)),
        scale=STOP_CELL if len(cells) else None,
        points=[*(build_end_mark(place) for place in ends), *build_stop_marks(tour)],
        lines=[Line(tuple(way), "order of the stops, in straight lines")],
        keys=[("stop", "a stop"), ("square", "where the team starts and ends")],
        extent=widen_bounds(way, least_m=NEAREST_M),
        alt=describe_tour_map(tour, area),
        width_mm=MAP_MM[0],
        height_mm=measure_map_height(tour),
    )


def list_close_ups(plan: Plan, area: Area) -> list[tuple[Tour, Stop]]:
    """The stops that have a map of their own: those of a short plan, where the streets around them are known."""
    stops = [(tour, stop) for tour in plan.tours for stop in tour.stops]
    return stops if len(stops) <= MOST_CLOSE_UPS and read_streets(area) else []


def build_close_up_data(plan: Plan, tour: Tour, stop: Stop) -> dict[str, str]:
    team = f"{tour.team}, stop" if len(plan.tours) > 1 else "Stop"
    return {
        "title": f"{team} {stop.order}: {stop.place}",
        "alt": f"Map of the streets around stop {stop.order} of {tour.team}, {format_in_sentence(stop.place)}, "
        f"{CLOSE_UP_M:.0f} m across.",
    }


def render_close_up(tour: Tour, stop: Stop, area: Area) -> bytes:
    """The streets around one stop, with its cell and the stops near by."""
    cells = parse_cell_strings([stop.cell])
    return render_map(
        area,
        cells=cells,
        values=np.zeros(1),
        scale=STOP_CELL,
        points=build_stop_marks(tour),
        extent=widen_bounds([(stop.lon, stop.lat)], least_m=CLOSE_UP_M),
        width_mm=CLOSE_UP_MM[0],
        height_mm=CLOSE_UP_MM[1],
    )


def measure_map_height(tour: Tour) -> float:
    """The height of the map in millimetres: roughly what the table leaves, so that its text is not shrunk."""
    return SEPARATE_MM if has_separate_map(tour) else min(measure_space_mm(tour), MAP_MM[1])


def has_separate_map(tour: Tour) -> bool:
    """Whether the table leaves too little of the page for a map with legible numbers."""
    return measure_space_mm(tour) < LEAST_MAP_MM


def measure_space_mm(tour: Tour) -> float:
    """Roughly the millimetres of the page that the table of stops leaves; below 0 if it fills more than the page."""
    row, line, letters = next(rest for fewest, *rest in ROWS if len(tour.stops) > fewest or not fewest)
    further = sum(len(stop.reason) // int(letters) for stop in tour.stops)
    return 269.0 - OTHER_CONTENT_MM - row * (len(tour.stops) + len(tour.pauses)) - line * further


def build_end_mark(place: Place) -> Mark:
    return Mark(place.lon, place.lat, "square", place.name)


def build_stop_marks(tour: Tour) -> list[Mark]:
    """A mark for each place of the tour; one that is visited again has all its numbers."""
    places: dict[tuple[float, float], list[str]] = {}
    for stop in tour.stops:
        places.setdefault((stop.lon, stop.lat), []).append(str(stop.order))
    return [Mark(lon, lat, "stop", ", ".join(numbers)) for (lon, lat), numbers in places.items()]


def build_plan_calendar(plan: Plan, area: Area, links: StopLinks) -> bytes:
    """An event for each stop and break. Times are in UTC, so that no program has to know when the clocks change."""
    calendar = Calendar()
    calendar.add("prodid", "-//Hexbeat//Plan//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", clean_text(plan.title))
    calendar.add("x-wr-timezone", area.time_zone)
    calendar.add("x-wr-caldesc", clean_text(f"{find_mark(plan)} {describe_share(plan)}".strip()))
    for tour in plan.tours:
        for stop in tour.stops:
            calendar.add_component(build_stop_event(plan, tour, stop, links))
        for pause in tour.pauses:
            if pause.kind == "break":
                calendar.add_component(build_break_event(plan, tour, pause))
    return bytes(calendar.to_ical())


_MAKERS: Final[Mapping[str, Callable[[Plan, Area], bytes]]] = {
    "gpx": build_plan_gpx,
    "kml": build_plan_kml,
    "geojson": build_plan_geojson,
    "csv": build_plan_csv,
    "xlsx": build_plan_xlsx,
}
_LINKED_MAKERS: Final[Mapping[str, Callable[[Plan, Area, StopLinks], bytes]]] = {
    "pdf": render_plan_pdf,
    "ics": build_plan_calendar,
}


def build_plan_file(plan: Plan, area: Area, kind: str, *, links: StopLinks = USUAL_LINKS) -> bytes:
    """The plan as a file of one of the kinds of PLAN_FILES; the same bytes for the same plan. UsageError for others.

    links: how its stops open in a map, in the PDF and the calendar.
    """
    if kind in _LINKED_MAKERS:
        return _LINKED_MAKERS[kind](plan, area, links)
    if kind not in _MAKERS:
        raise UsageError(
            "A plan is written in a known file format",
            f"there is no {kind!r} for plans",
            f"choose from {', '.join(PLAN_FILES)}",
        )
    return _MAKERS[kind](plan, area)


def build_stop_event(plan: Plan, tour: Tour, stop: Stop, links: StopLinks) -> Event:
    event = build_timed_event(plan, stop.stop_id, (stop.arrive, stop.leave), format_stop_title(tour, stop))
    event.add("location", clean_text(f"{stop.place}, {stop.ward_name}"))
    event.add("description", clean_text(describe_stop(plan, stop)))
    event.add("geo", (round(stop.lat, 6), round(stop.lon, 6)))
    if link := choose_document_link(stop, links):
        event.add("url", link)
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
