"""A plan for devices and maps: GPX 1.1, KML 2.2, GeoJSON (RFC 7946)."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any, Final

import gpxpy.gpx

from hexbeat.areas.area import Area
from hexbeat.areas.credits import format_credits
from hexbeat.documents.maps.svg import clean_text
from hexbeat.documents.plan.plan_text import (
    describe_stop,
    describe_way,
    find_mark,
    format_stop_title,
    format_tour_heading,
)
from hexbeat.operations.plans.plan import Place, Plan, Stop, Tour, describe_share

__all__ = ["build_days_gpx", "build_plan_geojson", "build_plan_gpx", "build_plan_kml"]

KML: Final = "http://www.opengis.net/kml/2.2"
DECIMALS: Final = 6  # of a degree: 0.1 m
# KML colours are alpha, blue, green, red.
COLOURS: Final = ("ff111111", "ff864a0b", "ff063b8a", "ff12623f", "ff77246b", "ff444444")


def build_plan_gpx(plan: Plan, area: Area, *, team: str | None = None) -> bytes:
    """A waypoint for each stop, a route for each team. Times are in the texts: a GPX time is when a point was made.

    team: the one whose route and stops it has (None: all teams).
    """
    return build_days_gpx([plan], area, team=team)


def build_days_gpx(plans: Sequence[Plan], area: Area, *, team: str | None = None) -> bytes:
    """The same for the plans of several days in one file, with a route for each day and team."""
    gpx = gpxpy.gpx.GPX()
    gpx.creator = "Hexbeat"
    gpx.name = clean_text(plans[0].title)
    gpx.description = clean_text(describe_file(plans[0], area))
    gpx.time = plans[0].made_at
    tours = [(plan, tour) for plan in plans for tour in plan.tours]
    for number, (plan, tour) in enumerate(tours, start=1):
        if team not in (None, tour.team):
            continue
        route = gpxpy.gpx.GPXRoute(
            name=clean_text(format_tour_heading(plan, tour)),
            description=clean_text(describe_way(plan, tour)),
            number=number,
        )
        for point in build_route_points(plan, tour):
            route.points.append(gpxpy.gpx.GPXRoutePoint(**point))
        gpx.routes.append(route)
        gpx.waypoints += [gpxpy.gpx.GPXWaypoint(**build_stop_point(plan, tour, stop)) for stop in tour.stops]
    return str(gpx.to_xml(version="1.1")).encode()


def build_route_points(plan: Plan, tour: Tour) -> list[dict[str, Any]]:
    ends = [build_place_point(tour.start), build_place_point(tour.finish)]
    return [ends[0], *(build_stop_point(plan, tour, stop) for stop in tour.stops), ends[1]]


def build_place_point(place: Place) -> dict[str, Any]:
    return {
        "longitude": round(place.lon, DECIMALS),
        "latitude": round(place.lat, DECIMALS),
        "name": clean_text(place.name),
        "type": "base",
    }


def describe_file(plan: Plan, area: Area) -> str:
    """The demonstration's mark, what the plan covers, and the credits of the names in the file."""
    return " ".join(filter(None, [find_mark(plan), describe_share(plan), format_credits(area)]))


def build_stop_point(plan: Plan, tour: Tour, stop: Stop) -> dict[str, Any]:
    """A stop as gpxpy takes it; `comment` carries the stop's name in the ledger."""
    return {
        "longitude": round(stop.lon, DECIMALS),
        "latitude": round(stop.lat, DECIMALS),
        "name": clean_text(format_stop_title(tour, stop)),
        "description": clean_text(describe_stop(plan, stop)),
        "comment": clean_text(f"{plan.plan_id}/{stop.stop_id}"),
        "type": "stop",
    }


def build_plan_kml(plan: Plan, area: Area) -> bytes:
    """A folder for each team with its route and its stops, which carry their times."""
    ET.register_namespace("", KML)
    root = ET.Element(format_tag("kml"))
    document = add_child(root, "Document")
    add_child(document, "name", plan.title)
    add_child(document, "description", describe_file(plan, area))
    for number in range(len(plan.tours)):
        style = add_child(document, "Style", id=f"team-{number + 1}")
        line = add_child(style, "LineStyle")
        add_child(line, "color", COLOURS[number % len(COLOURS)])
        add_child(line, "width", "4")
    for number, tour in enumerate(plan.tours, start=1):
        add_kml_tour(document, plan, tour, number)
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def add_kml_tour(document: ET.Element, plan: Plan, tour: Tour, number: int) -> None:
    folder = add_child(document, "Folder")
    add_child(folder, "name", format_tour_heading(plan, tour))
    add_child(folder, "description", describe_way(plan, tour))
    way = add_child(folder, "Placemark")
    add_child(way, "name", f"Route of {tour.team}")
    add_child(way, "styleUrl", f"#team-{number}")
    line = add_child(way, "LineString")
    add_child(line, "tessellate", "1")
    add_child(line, "coordinates", " ".join(f"{lon},{lat},0" for lon, lat in list_way_points(tour)))
    for stop in tour.stops:
        mark = add_child(folder, "Placemark", id=format_xml_id(f"stop-{plan.plan_id}-{stop.stop_id}"))
        add_child(mark, "name", format_stop_title(tour, stop))
        add_child(mark, "description", describe_stop(plan, stop))
        span = add_child(mark, "TimeSpan")
        add_child(span, "begin", stop.arrive.isoformat())
        add_child(span, "end", stop.leave.isoformat())
        point = add_child(mark, "Point")
        add_child(point, "coordinates", f"{round(stop.lon, DECIMALS)},{round(stop.lat, DECIMALS)},0")


def format_xml_id(text: str) -> str:
    """A text as an XML name: letters, digits and hyphens."""
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in text)


def add_child(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, format_tag(name), attributes)
    child.text = None if text is None else clean_text(text)
    return child


def format_tag(name: str) -> str:
    return f"{{{KML}}}{name}"


def build_plan_geojson(plan: Plan, area: Area) -> bytes:
    """Stops as points and routes as lines, lon before lat. The facts of the plan are members beside the features."""
    features = [feature for tour in plan.tours for feature in build_tour_features(plan, tour)]
    collection = {
        "type": "FeatureCollection",
        "name": plan.title,
        "plan_id": plan.plan_id,
        "made_at": plan.made_at.isoformat(),
        "about": describe_share(plan),
        "attribution": format_credits(area),
        **({"demonstration": find_mark(plan)} if plan.synthetic else {}),
        "features": features,
    }
    return json.dumps(collection, ensure_ascii=False, indent=1).encode()


def build_tour_features(plan: Plan, tour: Tour) -> list[dict[str, Any]]:
    mark = {"demonstration": find_mark(plan)} if plan.synthetic else {}
    way = {
        "kind": "way",
        "team": tour.team,
        "start": tour.start.name,
        "finish": tour.finish.name,
        "leaves": tour.leaves.isoformat(),
        "returns": tour.returns.isoformat(),
        "travel_km": round(tour.travel_km, 3),
        "travel_minutes": round(tour.travel_minutes, 1),
        "pauses": [
            {
                "kind": pause.kind,
                "after": pause.after,
                "begins": pause.begins.isoformat(),
                "ends": pause.ends.isoformat(),
            }
            for pause in tour.pauses
        ],
        **mark,
    }
    stops = [
        build_feature(
            "Point", (round(stop.lon, DECIMALS), round(stop.lat, DECIMALS)), build_stop_properties(tour, stop) | mark
        )
        for stop in tour.stops
    ]
    return [build_feature("LineString", list_way_points(tour), way), *stops]


def build_stop_properties(tour: Tour, stop: Stop) -> dict[str, Any]:
    return {
        "kind": "stop",
        "stop_id": stop.stop_id,
        "team": tour.team,
        "order": stop.order,
        "place": stop.place,
        "cell": stop.cell,
        "ward_code": stop.ward_code,
        "ward_name": stop.ward_name,
        "arrive": stop.arrive.isoformat(),
        "leave": stop.leave.isoformat(),
        "minutes": stop.minutes,
        "expected": round(stop.expected, 4),
        "open_reports": stop.open_reports,
        "reason": stop.reason,
    }


def build_feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def list_way_points(tour: Tour) -> list[tuple[float, float]]:
    """Start, stops and finish as (lon, lat)."""
    points = [
        (tour.start.lon, tour.start.lat),
        *((stop.lon, stop.lat) for stop in tour.stops),
        (tour.finish.lon, tour.finish.lat),
    ]
    return [(round(lon, DECIMALS), round(lat, DECIMALS)) for lon, lat in points]
