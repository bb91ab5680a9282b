"""The tours of a plan on the map: a line and numbered stops for each team, told apart by colour and by dashes."""

from typing import Any, Final

import folium
import numpy as np
from streamlit_folium import st_folium

from dashboard.basemap import build_base_map
from dashboard.hexlayer import HexLayer
from dashboard.places import parse_cells
from dashboard.scales import Scale, build_count_scale
from layers.areas import Area
from layers.plans.plan import Plan, Tour

__all__ = ["choose_team_style", "draw_tours", "render_key"]

# Of Okabe and Ito 2008, darkened until white letters stand on them (4.5 : 1): told apart by the colour-blind as well.
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


def choose_team_style(number: int) -> tuple[str, str]:
    """Colour and dashes (SVG's dash array, "" for a whole line) of a team, counted from 0."""
    return COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]


def draw_tours(area: Area, plan: Plan, *, height: int = 540) -> None:
    """Draw the plan at this place of the page. Only numbers of ours are written on it, never text of data."""
    group = folium.FeatureGroup(name="tours")
    group.add_child(_build_cells(plan))
    for number, tour in enumerate(plan.tours):
        colour, dashes = choose_team_style(number)
        for line in (_build_line(tour, "#ffffff", 7, None), _build_line(tour, colour, 3, dashes or None)):
            group.add_child(line)
    for number, tour in enumerate(plan.tours):
        for (lat, lon), orders in _group_by_place(tour).items():
            group.add_child(_build_mark(lat, lon, ", ".join(orders), choose_team_style(number)[0]))
    for tour in plan.tours[:1]:
        group.add_child(_build_mark(tour.start.lat, tour.start.lon, "S", "#1b2027"))
    st_folium(
        build_base_map(area, view_key=f"plan-{plan.plan_id}"),
        key=f"plan_map_{plan.plan_id}",
        height=height,
        use_container_width=True,
        feature_group_to_add=group,
        returned_objects=[],
    )


def render_key(plan: Plan) -> str:
    """Which line is whose, as a list with the lines drawn."""
    items = []
    for number, tour in enumerate(plan.tours, start=1):
        colour, dashes = choose_team_style(number - 1)
        style = "solid" if not dashes else "dotted" if dashes.startswith("2") else "dashed"
        line = f'<span aria-hidden="true" style="border-top: 4px {style} {colour}"></span>'
        items.append(f"<li>{line} {plan.tours[number - 1].team}: {len(tour.stops)} stops</li>")
    return f'<ul class="hb-plan-key" aria-label="Lines on the map">{"".join(items)}</ul>'


def _build_cells(plan: Plan) -> HexLayer:
    """The cells that are visited, by how often; the map turns to the tours."""
    cells, times = np.unique([stop.cell for tour in plan.tours for stop in tour.stops], return_counts=True)
    points = [(stop.lon, stop.lat) for tour in plan.tours for stop in tour.stops]
    points += [(tour.start.lon, tour.start.lat) for tour in plan.tours]
    lon, lat = np.array(points).T
    return HexLayer(
        parse_cells(cells.tolist()),
        times,
        scale=VISITS,
        title="Visits to a place",
        unit="Visits",
        layer_id="plan",
        fit=(float(lon.min()) - EDGE, float(lat.min()) - EDGE, float(lon.max()) + EDGE, float(lat.max()) + EDGE),
    )


def _group_by_place(tour: Tour) -> dict[tuple[float, float], list[str]]:
    """The numbers of the stops at each place: a second visit would hide the first."""
    found: dict[tuple[float, float], list[str]] = {}
    for stop in tour.stops:
        found.setdefault((stop.lat, stop.lon), []).append(str(stop.order))
    return found


def _build_line(tour: Tour, colour: str, weight: int, dashes: str | None) -> Any:
    places = [(tour.start.lat, tour.start.lon), *((stop.lat, stop.lon) for stop in tour.stops)]
    places.append((tour.finish.lat, tour.finish.lon))
    look = {"color": colour, "weight": weight, "opacity": 0.9, "dash_array": dashes, "interactive": False}
    return folium.PolyLine(places, **look)  # type: ignore[no-untyped-call]  # folium types some of its classes only


def _build_mark(lat: float, lon: float, word: str, colour: str) -> Any:
    """A small disc with numbers of ours; the table beside the map says the same to those who cannot see it."""
    wide = 22 + 6 * max(0, len(word) - 2)
    look = (
        f"background:{colour};color:#fff;border:1.5px solid #fff;border-radius:11px;width:{wide}px;height:22px;"
        "box-sizing:border-box;font:600 11px/19px system-ui,sans-serif;text-align:center;white-space:nowrap"
    )
    icon = folium.DivIcon(
        icon_size=(wide, 22),
        icon_anchor=(wide // 2, 11),
        class_name="hb-stop",
        html=f'<div style="{look}">{word}</div>',
    )
    return folium.Marker((lat, lon), icon=icon, interactive=False, keyboard=False)
