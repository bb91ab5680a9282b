"""The map of a plan's tours: their stops, numbered, the order in straight lines, and the next stop of one team."""

from typing import Any, Final

import folium
import numpy as np
from streamlit_folium import st_folium

from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.dashboard.map.basemap import build_base_map
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.documents.maps.scales import Scale, build_count_scale
from hexbeat.documents.plan.plan_text import has_own_start
from hexbeat.operations.plans.plan import Plan, Stop, Tour

__all__ = ["choose_team_style", "draw_next_stop", "draw_tours"]

# From Okabe and Ito 2008, darkened until white letters are legible on them (4.5 : 1). The colour-blind can distinguish
# them too.
COLOURS: Final = ("#005a8f", "#a34000", "#00694e", "#8a3a6c", "#4d4d4d", "#6b5600")
DASHES: Final = ("", "9 6", "2 6", "14 5 2 5")
_COUNTS: Final = build_count_scale(4)
VISITS: Final = Scale(
    breaks=(1.0, 2.0, 3.0),
    light=_COUNTS.light[:3],
    dark=_COUNTS.dark[:3],
    labels=("once", "twice", "three times or more"),
)
EDGE: Final = 0.004  # degrees around the tours
NEAR: Final = (0.0030, 0.0017)  # degrees of longitude and latitude on each side of the next stop: about 190 m
QUIET: Final = "#5a636d"  # of the other stops


def choose_team_style(number: int) -> tuple[str, str]:
    """Colour and dashes (SVG's dash array, "" for a whole line) of a team, counted from 0."""
    return COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]


def draw_tours(area: Area, plan: Plan, *, height: int = 540) -> None:
    """Draw the map of the plan here on the page. It shows only our own numbers, never text from data."""
    group = folium.FeatureGroup(name="tours")
    group.add_child(_build_cells(plan))
    for number, tour in enumerate(plan.tours):
        colour, dashes = choose_team_style(number)
        for line in (_build_line(tour, "#ffffff", 7, None), _build_line(tour, colour, 3, dashes or None)):
            group.add_child(line)
    for number, tour in enumerate(plan.tours):
        for (lat, lon), orders in _group_by_place(tour).items():
            group.add_child(_build_mark(lat, lon, ", ".join(orders), choose_team_style(number)[0]))
    for tour in filter(has_own_start, plan.tours[:1]):
        group.add_child(_build_mark(tour.start.lat, tour.start.lon, "S", "#1b2027"))
    st_folium(
        build_base_map(area, view_key=f"plan-{plan.plan_id}"),
        key=f"plan_map_{plan.plan_id}",
        height=height,
        use_container_width=True,
        feature_group_to_add=group,
        returned_objects=[],
    )


def draw_next_stop(area: Area, plan: Plan, tour: Tour, stop: Stop, *, height: int = 340) -> None:
    """Draw the streets around the stop that a team goes to, with small marks of all its stops.

    The map stays as the team goes on. The card below it (style/recorder.js) marks the stop that it shows, the next one
    or another that the person chose, and moves the map there. It shows only our own numbers.
    """
    group = folium.FeatureGroup(name="next")
    group.add_child(
        HexLayer(
            [],
            [],
            CellStyle(scale=VISITS, title="", unit=""),
            layer_id="next",
            fit=(stop.lon - NEAR[0], stop.lat - NEAR[1], stop.lon + NEAR[0], stop.lat + NEAR[1]),
        )
    )
    group.add_child(_build_line(tour, QUIET, 2, "2 6"))
    for place, orders in _group_by_place(tour).items():
        group.add_child(_build_mark(*place, ", ".join(orders), QUIET))
    st_folium(
        build_base_map(area, view_key=f"next-{plan.plan_id}"),
        key=f"next_map_{plan.plan_id}_{tour.team}",
        height=height,
        use_container_width=True,
        feature_group_to_add=group,
        returned_objects=[],
    )


def _build_cells(plan: Plan) -> HexLayer:
    """The cells of the stops, coloured by the number of visits; the map moves to the tours."""
    cells, times = np.unique([stop.cell for tour in plan.tours for stop in tour.stops], return_counts=True)
    points = [(stop.lon, stop.lat) for tour in plan.tours for stop in tour.stops]
    points += [(tour.start.lon, tour.start.lat) for tour in plan.tours]
    lon, lat = np.array(points).T
    most = min(int(times.max()), len(VISITS.breaks))
    scale = Scale(VISITS.breaks[:most], VISITS.light[:most], VISITS.dark[:most], VISITS.labels[:most])
    return HexLayer(
        parse_cells(cells.tolist()),
        times,
        # The legend has the classes that are on the map, and is left out where each place is visited once.
        CellStyle(scale=scale, title="Visits to a place" if most > 1 else "", unit="Visits"),
        layer_id="plan",
        fit=(float(lon.min()) - EDGE, float(lat.min()) - EDGE, float(lon.max()) + EDGE, float(lat.max()) + EDGE),
    )


def _group_by_place(tour: Tour) -> dict[tuple[float, float], list[str]]:
    """The numbers of the stops at each place, because the mark of a second visit would hide the first."""
    orders: dict[tuple[float, float], list[str]] = {}
    for stop in tour.stops:
        orders.setdefault((stop.lat, stop.lon), []).append(str(stop.order))
    return orders


def _build_line(tour: Tour, colour: str, weight: int, dashes: str | None) -> Any:
    places = [(tour.start.lat, tour.start.lon), *((stop.lat, stop.lon) for stop in tour.stops)]
    places.append((tour.finish.lat, tour.finish.lon))
    style = {"color": colour, "weight": weight, "opacity": 0.9, "dash_array": dashes, "interactive": False}
    return folium.PolyLine(places, **style)  # type: ignore[no-untyped-call]  # folium types some of its classes only


def _build_mark(lat: float, lon: float, label: str, colour: str) -> Any:
    """A small disc with the numbers of stops; the table beside the map says the same."""
    height = 22
    width = height + 6 * max(0, len(label) - 2)
    style = (
        f"background:{colour};color:#fff;border:1.5px solid #fff;border-radius:{height // 2}px;width:{width}px;"
        f"height:{height}px;box-sizing:border-box;font:600 {height // 2}px/{height - 3}px system-ui,sans-serif;"
        "text-align:center;white-space:nowrap"
    )
    icon = folium.DivIcon(
        icon_size=(width, height),
        icon_anchor=(width // 2, height // 2),
        class_name="hb-stop",
        html=f'<div style="{style}">{label}</div>',
    )
    return folium.Marker((lat, lon), icon=icon, interactive=False, keyboard=False)
