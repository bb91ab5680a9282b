"""The folium map under the cells: wards with their names, scale and sources. It loads nothing from other servers."""

from functools import lru_cache
from typing import Any, Final

import folium
import shapely

from hexbeat.areas.area import Area
from hexbeat.areas.credits import list_name_credits
from hexbeat.areas.gazetteer import Gazetteer, read_gazetteer
from hexbeat.areas.streets import Streets, read_streets
from hexbeat.dashboard.map.assets import format_script_json, read_live_script, serve_text
from hexbeat.dashboard.map.map_script import AREA_BASEMAP, BasemapScript
from hexbeat.tiles import read_tile_service

__all__ = [
    "MAP_KINDS",
    "build_area_scripts",
    "build_base_map",
    "build_streets_script",
    "build_wards_script",
    "list_map_places",
]

DECIMALS: Final = 5  # of a degree: a metre
NO_STREETS: Final[dict[str, Any]] = {"origin": [0, 0], "step": 1e-5, "names": [], "lines": {}, "areas": {}}
# The kinds of places with a name on the map, as assets/streetnames.js counts them.
MAP_KINDS: Final = (
    "station", "bus station", "hospital", "park", "college", "shopping area", "police station", "theatre", "school",
    "supermarket", "pharmacy",
)  # fmt: skip


def build_base_map(area: Area, *, live: bool = True, view_key: str = "map") -> folium.Map:
    """The area's wards on a folium map.

    live: this Streamlit process serves the map's files (call this within a script's run). If not live, the map has no
    files, and the page around it carries them (see hexbeat.dashboard.map.saved_page).
    view_key: maps with the same key and area open where they were left, within a browser's tab.

    A live map lies on the tiles that the settings name (hexbeat.tiles). Without them no request leaves the
    origin, and the map has the area's own streets if they are built, as one that is not live always has.

    The map's script does not depend on the filter, because streamlit-folium starts a new map when it changes.
    """
    west, south, east, north = area.wards.bounds
    base_map = folium.Map(
        location=[round((south + north) / 2, DECIMALS), round((west + east) / 2, DECIMALS)],
        zoom_start=11,
        tiles=None,
        attribution_control=False,  # ours shows text as text
        zoom_snap=0.25,
        min_zoom=7,
        max_zoom=18,
    )
    # Folium's own lists are shared by all maps and name files on other servers.
    base_map.default_js, base_map.default_css = [], []
    if live:
        # In one file, because streamlit-folium asks for the next one only when it has the one before.
        scripts = f"{read_live_script()};\n{build_wards_script(area)}"
        base_map.default_js = [("map", serve_text("map", ".js", scripts))]
    options: dict[str, Any] = {"wards": area.name, "view": f"hexbeat:{area.name}:{view_key}" if live else None}
    attribution = list[str]()
    tiles = read_tile_service() if live else None
    if script := build_streets_script(area):
        options["streets"] = {"id": area.name, "source": serve_text("streets", ".js", script) if live else None}
        streets = read_streets(area)
        attribution += streets.credits if streets else []
    if tiles:
        options["tiles"] = {**tiles.script_options, "under": tiles.under, "credits": attribution}
        # Tiles bring their own streets, and ours are credited once they are drawn.
        attribution = [tiles.attribution, *(attribution if tiles.under else [])]
    options["attribution"] = [*attribution, *list_name_credits(area)]
    base_map.add_child(BasemapScript(AREA_BASEMAP, options))
    return base_map


def build_area_scripts(area: Area) -> str:
    """Wards and streets in one, for a page that carries its scripts."""
    return build_wards_script(area) + build_streets_script(area)


def build_streets_script(area: Area) -> str:
    """The script that gives the browser the area's streets, and the places that have a name on the map; "" for none."""
    streets, gazetteer = read_streets(area), read_gazetteer(area)
    return format_streets_script(area.name, streets, gazetteer) if streets or gazetteer else ""


@lru_cache(maxsize=4)
def format_streets_script(name: str, streets: Streets | None, gazetteer: Gazetteer | None) -> str:
    keys = ("origin", "step", "names", "lines", "areas")
    data = {key: streets.data[key] for key in keys} if streets else NO_STREETS
    content = {"data": data, "places": list_map_places(gazetteer) if gazetteer else []}
    return f"Hexbeat.addStreets({format_script_json(name)},{format_script_json(content)});\n"


def list_map_places(gazetteer: Gazetteer) -> list[list[Any]]:
    """[kind, name, lon, lat] of each place that a person may look out for; without a name it has that of its kind."""
    entries = gazetteer.entries[gazetteer.entries["kind"].isin(MAP_KINDS)]
    rows = zip(entries["kind"], entries["name"], entries["lon"].tolist(), entries["lat"].tolist(), strict=True)
    places: dict[tuple[str, float, float], list[Any]] = {}
    for kind, full_name, lon, lat in rows:
        name = full_name.split(", near ")[0].split(" near ")[0]  # "Hospital near Marton Road"
        # One place may be written in two ways, as Marton Station and Marton station are.
        key = (name.casefold(), round(lon, 2), round(lat, 2))
        places.setdefault(key, [MAP_KINDS.index(kind), name, round(lon, DECIMALS), round(lat, DECIMALS)])
    return list(places.values())


@lru_cache(maxsize=8)
def build_wards_script(area: Area) -> str:
    """The script that gives the area's wards to the browser: outlines to a metre, names, and positions of names."""
    west, south, east, north = area.wards.bounds
    data = {
        "title": area.title,
        "attribution": [area.attribution] if area.attribution else [],
        "bounds": [[float(south), float(west)], [float(north), float(east)]],
        "wards": build_ward_data(area),
    }
    return f"Hexbeat.addWards({format_script_json(area.name)},{format_script_json(data)});\n"


def build_ward_data(area: Area) -> list[dict[str, Any]]:
    """One entry a ward, the largest first, so that its name is placed first."""
    wards = list(zip(area.wards.names, area.wards.polygons, strict=True))
    wards.sort(key=lambda ward: -ward[1].area)
    return [build_ward_entry(str(name), polygon) for name, polygon in wards]


def build_ward_entry(name: str, polygon: Any) -> dict[str, Any]:
    west, south, east, north = (round(edge, DECIMALS) for edge in polygon.bounds)
    # The middle of the largest circle inside is clear of the border; a centroid may not be.
    middle = shapely.get_point(shapely.maximum_inscribed_circle(polygon, tolerance=1e-4), 0)
    parts = shapely.get_parts(polygon)
    return {
        "name": name,
        "at": [round(middle.x, DECIMALS), round(middle.y, DECIMALS)],
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "polygons": [[list_ring_points(part.exterior), *map(list_ring_points, part.interiors)] for part in parts],
    }


def list_ring_points(ring: Any) -> list[list[float]]:
    return [[round(x, DECIMALS), round(y, DECIMALS)] for x, y in shapely.get_coordinates(ring).tolist()]
