"""A plan for devices and maps: GPX 1.1, KML 2.2, GeoJSON (RFC 7946)."""

import json
import xml.etree.ElementTree as ET
from typing import Any, Final

import gpxpy.gpx

from dashboard.documents.plan_words import mark_of, stop_title, stop_words, tour_heading, tour_way
from dashboard.documents.svg import plain_text
from layers.areas import Area
from layers.plans.plan import Place, Plan, Stop, Tour
from layers.plans.words import share_words

__all__ = ["plan_geojson", "plan_gpx", "plan_kml"]

KML: Final = "http://www.opengis.net/kml/2.2"
DECIMALS: Final = 6  # of a degree: 0.1 m
# KML colours are alpha, blue, green, red.
COLOURS: Final = ("ff111111", "ff864a0b", "ff063b8a", "ff12623f", "ff77246b", "ff444444")


def plan_gpx(plan: Plan, area: Area) -> bytes:
    """A waypoint for each stop and a route for each team. Times stand in words: a GPX time is when a point was made."""
    made = gpxpy.gpx.GPX()
    made.creator = "Hexbeat"
    made.name = plain_text(plan.title)
    made.description = plain_text(f"{mark_of(plan)} {share_words(plan)} {area.attribution}".strip())
    made.time = plan.made_at
    for number, tour in enumerate(plan.tours, start=1):
        route = gpxpy.gpx.GPXRoute(
            name=plain_text(tour_heading(plan, tour)), description=plain_text(tour_way(plan, tour)), number=number
        )
        for point in route_points(plan, tour):
            route.points.append(gpxpy.gpx.GPXRoutePoint(**point))
        made.routes.append(route)
        made.waypoints += [gpxpy.gpx.GPXWaypoint(**stop_point(plan, tour, stop)) for stop in tour.stops]
    return str(made.to_xml(version="1.1")).encode()


def route_points(plan: Plan, tour: Tour) -> list[dict[str, Any]]:
    ends = [place_point(tour.start), place_point(tour.finish)]
    return [ends[0], *(stop_point(plan, tour, stop) for stop in tour.stops), ends[1]]


def place_point(place: Place) -> dict[str, Any]:
    return {
        "longitude": round(place.lon, DECIMALS),
        "latitude": round(place.lat, DECIMALS),
        "name": plain_text(place.name),
        "type": "base",
    }


def stop_point(plan: Plan, tour: Tour, stop: Stop) -> dict[str, Any]:
    """A stop as gpxpy takes it; `comment` carries the stop's name in the ledger."""
    return {
        "longitude": round(stop.lon, DECIMALS),
        "latitude": round(stop.lat, DECIMALS),
        "name": plain_text(stop_title(tour, stop)),
        "description": plain_text(stop_words(plan, stop)),
        "comment": plain_text(f"{plan.plan_id}/{stop.stop_id}"),
        "type": "stop",
    }


def plan_kml(plan: Plan, area: Area) -> bytes:
    """A folder for each team with its way and its stops, which carry when they are due."""
    ET.register_namespace("", KML)
    root = ET.Element(tag("kml"))
    document = child(root, "Document")
    child(document, "name", plan.title)
    child(document, "description", f"{mark_of(plan)} {share_words(plan)} {area.attribution}".strip())
    for number in range(len(plan.tours)):
        style = child(document, "Style", id=f"team-{number + 1}")
        line = child(style, "LineStyle")
        child(line, "color", COLOURS[number % len(COLOURS)])
        child(line, "width", "4")
    for number, tour in enumerate(plan.tours, start=1):
        kml_tour(document, plan, tour, number)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def kml_tour(document: ET.Element, plan: Plan, tour: Tour, number: int) -> None:
    folder = child(document, "Folder")
    child(folder, "name", tour_heading(plan, tour))
    child(folder, "description", tour_way(plan, tour))
    way = child(folder, "Placemark")
    child(way, "name", f"Way of {tour.team}")
    child(way, "styleUrl", f"#team-{number}")
    line = child(way, "LineString")
    child(line, "tessellate", "1")
    child(line, "coordinates", " ".join(f"{lon},{lat},0" for lon, lat in way_of(tour)))
    for stop in tour.stops:
        mark = child(folder, "Placemark", id=xml_id(f"stop-{plan.plan_id}-{stop.stop_id}"))
        child(mark, "name", stop_title(tour, stop))
        child(mark, "description", stop_words(plan, stop))
        span = child(mark, "TimeSpan")
        child(span, "begin", stop.arrive.isoformat())
        child(span, "end", stop.leave.isoformat())
        point = child(mark, "Point")
        child(point, "coordinates", f"{round(stop.lon, DECIMALS)},{round(stop.lat, DECIMALS)},0")


def xml_id(words: str) -> str:
    """Words as an XML name: letters, digits and hyphens."""
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in words)


def child(parent: ET.Element, name: str, words: str | None = None, **attributes: str) -> ET.Element:
    made = ET.SubElement(parent, tag(name), attributes)
    made.text = None if words is None else plain_text(words)
    return made


def tag(name: str) -> str:
    return f"{{{KML}}}{name}"


def plan_geojson(plan: Plan, area: Area) -> bytes:
    """Stops as points and ways as lines, lon before lat; what the plan says of itself stands beside the features."""
    features = [feature for tour in plan.tours for feature in tour_features(plan, tour)]
    whole = {
        "type": "FeatureCollection",
        "name": plan.title,
        "plan_id": plan.plan_id,
        "made_at": plan.made_at.isoformat(),
        "about": share_words(plan),
        "attribution": area.attribution,
        **({"demonstration": mark_of(plan)} if plan.synthetic else {}),
        "features": features,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def tour_features(plan: Plan, tour: Tour) -> list[dict[str, Any]]:
    mark = {"demonstration": mark_of(plan)} if plan.synthetic else {}
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
            {"kind": one.kind, "after": one.after, "begins": one.begins.isoformat(), "ends": one.ends.isoformat()}
            for one in tour.pauses
        ],
        **mark,
    }
    stops = [
        feature("Point", (round(stop.lon, DECIMALS), round(stop.lat, DECIMALS)), stop_properties(tour, stop) | mark)
        for stop in tour.stops
    ]
    return [feature("LineString", way_of(tour), way), *stops]


def stop_properties(tour: Tour, stop: Stop) -> dict[str, Any]:
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


def feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def way_of(tour: Tour) -> list[tuple[float, float]]:
    """Start, stops and finish as (lon, lat)."""
    points = [
        (tour.start.lon, tour.start.lat),
        *((stop.lon, stop.lat) for stop in tour.stops),
        (tour.finish.lon, tour.finish.lat),
    ]
    return [(round(lon, DECIMALS), round(lat, DECIMALS)) for lon, lat in points]
