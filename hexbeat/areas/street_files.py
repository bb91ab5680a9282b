"""Reads streets, railways, water and green space from the files that are published, each shape with a class and a name.

OpenStreetMap: `.osm.pbf` (GDAL's OSM driver, its default columns), or any vector file with a column `highway`. Ordnance
Survey: the GeoPackages of OS Open Roads (layer `road_link`) and OS Open Zoomstack (`roads_local`, `surfacewater`, ...).
Else: lines of any vector file, classed by the words or road numbers that they carry.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import shapely

from geo.errors import DataError, UsageError
from geo.geofiles import gdal_address
from geo.lazy_modules import import_lazily
from hexbeat.areas.area import Publisher

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyogrio
else:
    gpd = import_lazily("geopandas")
    pd = import_lazily("pandas")
    pyogrio = import_lazily("pyogrio")

__all__ = ["CLASSES", "OPENSTREETMAP", "ORDNANCE_SURVEY", "read_street_shapes"]

CLASSES: Final = ("main", "through", "street", "path", "rail", "water", "green")
MOST_SHAPES: Final = 2_000_000  # in the area's surroundings: three times those of Greater Manchester
RULE: Final = "The streets of a map come from a file of lines"
HINT: Final = "give an .osm.pbf, a GeoPackage of OS Open Roads or OS Open Zoomstack, or lines as GeoJSON or GeoPackage"
Bounds = tuple[float, float, float, float]


OPENSTREETMAP: Final = Publisher(
    "OpenStreetMap", "Open Data Commons Open Database License 1.0", "© OpenStreetMap contributors"
)
ORDNANCE_SURVEY: Final = Publisher(
    "Ordnance Survey", "Open Government Licence v3.0", "Contains OS data © Crown copyright and database right"
)

# OpenStreetMap: https://wiki.openstreetmap.org/wiki/Key:highway
HIGHWAYS: Final = {
    **dict.fromkeys(("motorway", "trunk", "primary"), "main"),
    **dict.fromkeys(("motorway_link", "trunk_link", "primary_link", "secondary", "tertiary"), "through"),
    **dict.fromkeys(("secondary_link", "tertiary_link"), "through"),
    **dict.fromkeys(("residential", "unclassified", "living_street", "pedestrian", "road"), "street"),
    **dict.fromkeys(("service", "footway", "path", "cycleway", "track", "steps", "bridleway", "busway"), "path"),
}
RAILWAYS: Final = ("rail", "light_rail", "tram", "narrow_gauge")
WATERWAYS: Final = ("river", "canal", "stream")
# Ways that lie along a street or inside a yard; on a map of a town they are noise.
UNWANTED: Final = frozenset(
    ("driveway", "parking_aisle", "drive-through", "siding", "yard", "spur", "crossover", "sidewalk", "crossing")
)
GREENS: Final = {
    "leisure": ("park", "golf_course", "recreation_ground", "nature_reserve", "common", "garden"),
    "landuse": ("recreation_ground", "cemetery", "forest", "village_green", "allotments"),
    "natural": ("wood", "heath"),
}
WATERS: Final = {"natural": ("water",), "landuse": ("reservoir", "basin")}
OSM_QUERIES: Final = (
    (
        "SELECT name, highway, railway, waterway, other_tags FROM lines "
        "WHERE highway IS NOT NULL OR railway IS NOT NULL OR waterway IS NOT NULL"
    ),
    (
        "SELECT name, natural, landuse, leisure, other_tags FROM multipolygons "
        "WHERE natural IS NOT NULL OR landuse IS NOT NULL OR leisure IS NOT NULL"
    ),
)

# OS Open Zoomstack: the class of a layer, where the type of a road says nothing better.
ZOOMSTACK: Final = {
    "roads_national": "main",
    "roads_regional": "through",
    "roads_local": "street",
    "rail": "rail",
    "waterlines": "water",
    "surfacewater": "water",
    "greenspace": "green",
    "woodland": "green",
}
# Words of OS Open Roads and Zoomstack, of other files of roads, and our own, in this order.
WORDS: Final = (
    (re.compile(r"tunnel|proposed|construction|tidal|mhw|mlw"), ""),
    (re.compile(r"restricted|secondary access|alley|\bpath|cycle|foot|bridle|track|steps|service"), "path"),
    (re.compile(r"motorway|trunk|primary|\ba[- ]?road|^main$"), "main"),
    (re.compile(r"\bb[- ]?road|secondary|tertiary|minor|classified unnumbered|^through$"), "through"),
    (re.compile(r"street|local|unclassified|not classified|residential|road|pedestrian"), "street"),
    (re.compile(r"rail|tram"), "rail"),
    (re.compile(r"water|river|canal|stream"), "water"),
    (re.compile(r"green|park|wood|cemeter|garden"), "green"),
)
ROAD_NUMBERS: Final = ((re.compile(r"^[AM]\d"), "main"), (re.compile(r"^B\d"), "through"))
ROAD_LAYERS: Final = ("road_link", "RoadLink")  # of OS Open Roads; older editions, and shapefiles, write RoadLink
CLASS_COLUMNS: Final = ("road_function", "road_classification", "function", "class", "type", "fclass", "kind")
NAME_COLUMNS: Final = ("name", "name_1", "name1", "street", "road_name", "street_name", "streetname")
NUMBER_COLUMNS: Final = ("road_classification_number", "ref", "number", "road_number", "roadnumber")
OSM_COLUMNS: Final = ("highway", "railway", "waterway", "natural", "landuse", "leisure")


def read_street_shapes(
    path: Path, bounds: Bounds, *, where: str | None = None
) -> tuple["gpd.GeoDataFrame", Publisher | None]:
    """The shapes of a file that touch `bounds` (west, south, east, north in degrees), and who published it if known.

    where: a condition in GDAL's SQL on the rows of a vector file, None for all of them. Columns kind (one of
    `CLASSES`), name ("" for none; a main road without one has its number) and geometry, EPSG:4326. DataError if the
    file cannot be read, has no such lines, no CRS, or more than `MOST_SHAPES` of them here; UsageError for a condition
    on an extract of OpenStreetMap.
    """
    try:
        is_osm = is_openstreetmap(path)
        if is_osm and where:
            raise UsageError(
                "A condition on the rows belongs to a GeoJSON, GeoPackage or shapefile",
                f"{path.name} is an extract of OpenStreetMap",
                "leave out --where",
            )
        parts = list(read_openstreetmap(path, bounds) if is_osm else read_vector_layers(path, bounds, where))
    except (
        OSError,
        ValueError,
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        pyogrio.errors.FieldError,
    ) as error:
        raise DataError(RULE, f"{path.name} cannot be read ({type(error).__name__})", HINT) from error
    shapes = pd.concat(parts, ignore_index=True) if parts else gpd.GeoDataFrame({"kind": []}, geometry=[], crs=4326)
    if shapes.empty:
        raise DataError(RULE, f"{path.name} has no streets in the area or near it", HINT)
    return shapes, OPENSTREETMAP if is_osm else find_publisher(path)


def is_openstreetmap(path: Path) -> bool:
    """Whether the file begins as the PBF format of OpenStreetMap does: a length, then the block named OSMHeader."""
    with path.open("rb") as file:
        return file.read(15)[4:] == b"\n\tOSMHeader"


def find_publisher(path: Path) -> Publisher | None:
    """Ordnance Survey for the layers of its open products, None for files of anybody."""
    names = {str(name) for name, _ in pyogrio.list_layers(gdal_address(path))}
    return ORDNANCE_SURVEY if names & set(ROAD_LAYERS) or len(names & set(ZOOMSTACK)) > 1 else None


def read_openstreetmap(path: Path, bounds: Bounds) -> Iterator["gpd.GeoDataFrame"]:
    for query in OSM_QUERIES:  # by SQL, so that GDAL keeps nothing of the other layers in memory
        frame = pyogrio.read_dataframe(str(path.resolve()), sql=query, bbox=bounds)
        yield classify(frame.assign(kind=classify_openstreetmap(frame)), path)


def read_vector_layers(path: Path, bounds: Bounds, where: str | None) -> Iterator["gpd.GeoDataFrame"]:
    """The layers of lines and polygons of a GeoJSON, GeoPackage or shapefile."""
    address = gdal_address(path)
    if address is None:
        raise DataError(RULE, f"{path.name} is not a file of lines that Hexbeat reads", HINT)
    layers = [(str(name), str(kind)) for name, kind in pyogrio.list_layers(address)]
    known = [(name, kind) for name, kind in layers if name in ZOOMSTACK or name in ROAD_LAYERS]
    for layer, _ in known or [(name, kind) for name, kind in layers if kind not in ("None", "Point", "MultiPoint")]:
        info = pyogrio.read_info(address, layer=layer)
        if info["crs"] is None:
            raise DataError(RULE, f"{path.name} does not name its CRS", "name it in the file")
        window = gpd.GeoSeries([shapely.box(*bounds)], crs=4326).to_crs(info["crs"])
        columns = find_columns([str(name) for name in info["fields"]])
        frame = pyogrio.read_dataframe(
            address, layer=layer, columns=columns, bbox=tuple(window.total_bounds), where=where
        )
        frame = frame.rename(columns=str.lower)
        if "highway" in frame:
            yield classify(frame.assign(kind=classify_openstreetmap(frame)), path)
        else:
            yield classify(frame.assign(kind=classify_words(frame, ZOOMSTACK.get(layer))), path)


def find_columns(fields: list[str]) -> list[str]:
    """The columns that say something of a class or a name; the others of a large file are not read."""
    wanted = {*CLASS_COLUMNS, *NAME_COLUMNS, *NUMBER_COLUMNS, *OSM_COLUMNS, "other_tags"}
    return [name for name in fields if name.lower() in wanted]


def classify(frame: "gpd.GeoDataFrame", path: Path) -> "gpd.GeoDataFrame":
    """The rows that have a class, with their names, in degrees, without lines of green space and polygons of roads."""
    if len(frame) > MOST_SHAPES:
        raise DataError(
            f"The streets of an area are at most {MOST_SHAPES:,} lines",
            f"{path.name} has {len(frame):,} around this area",
            "choose a smaller area",
        )
    kind = frame["kind"].astype("object").fillna("")
    is_polygon = frame.geometry.geom_type.isin(("Polygon", "MultiPolygon"))
    is_line = frame.geometry.geom_type.isin(("LineString", "MultiLineString"))
    wanted = (is_line & ~kind.isin(("", "green"))) | (is_polygon & kind.isin(("water", "green")))
    rows = frame[wanted]
    named = gpd.GeoDataFrame({"kind": kind[wanted], "name": find_names(rows)}, geometry=rows.geometry, crs=frame.crs)
    return named.to_crs(4326)


def find_names(frame: "pd.DataFrame") -> "pd.Series[Any]":
    """The name of each row; its road number where a main road has none; "" for neither."""
    names = read_text(frame, NAME_COLUMNS)
    numbers = read_text(frame, NUMBER_COLUMNS)
    if "other_tags" in frame:  # where GDAL puts the road numbers of OpenStreetMap
        references = read_text(frame, ("other_tags",)).str.extract(r'(?:^|,)"ref"=>"([^";]*)')[0]
        numbers = numbers.where(numbers != "", references.fillna("").astype(str))
    numbers = numbers.where(frame["kind"].isin(("main", "through")), "")
    return names.where(names != "", numbers)


def read_text(frame: "pd.DataFrame", columns: tuple[str, ...]) -> "pd.Series[Any]":
    """The first of these columns that a row has a value in, as text; "" for none."""
    text = pd.Series("", index=frame.index, dtype="object")
    for name in columns:
        if name in frame:
            text = text.where(text != "", frame[name].astype("object").fillna("").astype(str).str.strip())
    return text.str.replace(r"\s+", " ", regex=True)


def classify_openstreetmap(frame: "pd.DataFrame") -> "pd.Series[Any]":
    """The class of each row by OpenStreetMap's tags, "" for none."""
    tags = {name: read_text(frame, (name,)) for name in (*OSM_COLUMNS, "other_tags")}
    details = tags["other_tags"].str.extract(r'"(?:service|footway)"=>"([^"]*)"')[0]
    kind = tags["highway"].map(HIGHWAYS).fillna("")
    kind = kind.mask((kind == "") & tags["railway"].isin(RAILWAYS), "rail")
    kind = kind.mask((kind == "") & tags["waterway"].isin(WATERWAYS), "water")
    kind = kind.mask(details.isin(UNWANTED) | tags["other_tags"].str.contains('"tunnel"=>"culvert"', regex=False), "")
    for name, values in WATERS.items():
        kind = kind.mask((kind == "") & tags[name].isin(values), "water")
    for name, values in GREENS.items():
        kind = kind.mask((kind == "") & tags[name].isin(values), "green")
    return kind


def classify_words(frame: "pd.DataFrame", layer_class: str | None) -> "pd.Series[Any]":
    """The class of each row by its road number, else by the words of its type, else by its layer, else "street"."""
    numbers, words = read_text(frame, NUMBER_COLUMNS).str.upper(), read_text(frame, CLASS_COLUMNS).str.lower()
    kinds = {text: classify_word(text, layer_class) for text in words.unique()}
    kind = words.map(kinds)
    if layer_class in (None, "main", "through", "street"):
        for pattern, road_class in ROAD_NUMBERS:
            kind = kind.mask(numbers.str.match(pattern) & kind.isin(("through", "street")), road_class)
    return kind


def classify_word(text: str, layer_class: str | None) -> str:
    if layer_class in ("rail", "water", "green"):
        return "" if WORDS[0][0].search(text) and layer_class != "green" else layer_class
    return next((kind for pattern, kind in WORDS if text and pattern.search(text)), layer_class or "street")
