"""What a file of shapes or records is, by its contents, and how GDAL may open it: with that driver, and with no other.

GDAL decides by content, and some content is a program. JSON that describes a pipeline of algorithms (GDALG) and XML
that names other sources (VRT) can read other files and addresses. So JSON is always read by the driver of its kind, and
GDAL gets no XML at all, and no file that is neither JSON, GeoPackage, shapefile nor FlatGeobuf.
"""

import re
from pathlib import Path
from typing import Final

__all__ = ["describe_format", "detect_format", "gdal_address"]

LOOK_BYTES: Final = 262_144
LONGEST_BLANK: Final = 1_000  # between the parts of a document
MARKS: Final = {
    b"SQLite format 3\x00": "gpkg",
    b"\x00\x00\x27\x0a": "shapefile",
    b"fgb\x03fgb": "flatgeobuf",
    b"PAR1": "parquet",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
}
DRIVERS: Final = {
    "geojson": "GeoJSON:", "topojson": "TopoJSON:", "esrijson": "ESRIJSON:", "geojsonseq": "GeoJSONSeq:", "gpkg": "",
    "shapefile": "", "flatgeobuf": "", "json": "GeoJSON:",
}  # fmt: skip
TITLES: Final = {
    "geojson": "GeoJSON", "topojson": "TopoJSON", "esrijson": "Esri JSON", "geojsonseq": "GeoJSON, a feature a line",
    "gpkg": "a SQLite database, as GeoPackage is", "shapefile": "a shapefile", "flatgeobuf": "FlatGeobuf",
    "parquet": "Parquet", "gzip": "a gzip archive", "zip": "a ZIP archive", "bzip2": "a bzip2 archive",
    "xz": "an xz archive", "zstd": "a Zstandard archive", "7z": "a 7z archive", "rar": "a RAR archive",
    "tar": "a tar archive", "kml": "KML", "gpx": "GPX", "gml": "GML", "osm": "an OpenStreetMap extract",
    "html": "a web page", "vrt": "a list of other sources (VRT)", "requests": "a list of Open311 requests",
    "errors": "an answer with an error", "records": "JSON records", "socrata": "Socrata JSON", "json": "JSON",
    "xml": "XML",
}  # fmt: skip
SHAPES: Final = frozenset(
    ["FeatureCollection", "Feature", "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
) | {"GeometryCollection"}  # fmt: skip
ROOTS: Final = {
    "kml": "kml", "gpx": "gpx", "featurecollection": "gml", "osm": "osm", "html": "html",
    "ogrvrtdatasource": "vrt", "service_requests": "requests", "errors": "errors",
}  # fmt: skip
REQUEST_KEYS: Final = frozenset({"service_request_id", "requested_datetime"})
ERROR_KEYS: Final = frozenset(
    {"error", "errors", "code", "message", "messages", "status", "description", "details"}
)  # fmt: skip
# A text that does not end is one to the end: so no text is looked at twice.
JSON_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"|\\?\Z)(\s*:)?|[{}\[\]]', re.DOTALL)
XML_ROOT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
XML_PROLOGUE: Final = ((b"<!--", b"-->"), (b"<?", b"?>"), (b"<!DOCTYPE", b">"), (b"<!doctype", b">"))
BLANKS: Final = b" \t\r\n\x1e"


def detect_format(path: Path) -> str | None:
    """The format of a file, a key of `describe_format`, by its first bytes; None if it may be a table of text.

    OSError if it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(LOOK_BYTES)
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return name
    if start[257:262] == b"ustar":
        return "tar"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip(BLANKS)
    if text.startswith((b"{", b"[")):
        return _detect_json(text.decode("utf-8", "replace"))
    if text.startswith(b"<"):
        return _detect_xml(text)
    return None


def describe_format(name: str) -> str:
    """A format for a person, as in "it is TopoJSON"."""
    return TITLES[name]


def gdal_address(path: Path) -> str | None:
    """The file's address for pyogrio and geopandas; None if GDAL must not read it.

    It is read if it is GeoJSON, TopoJSON, Esri JSON, GeoPackage, a shapefile or FlatGeobuf. OSError if it cannot be
    read at all.
    """
    prefix = DRIVERS.get(detect_format(path) or "")
    return None if prefix is None else f"{prefix}{path.resolve()}"


def _detect_json(text: str) -> str:
    """The kind of a JSON document, from the keys near its beginning: the first that fits."""
    keys, kinds, is_sequence = _read_keys(text)
    top, third, every = keys.get(1, set()), keys.get(3, set()), set().union(*keys.values())
    is_list = text.startswith("[") or is_sequence or bool(third)  # of objects, perhaps in an object
    tests = {
        "topojson": "Topology" in kinds,
        "geojsonseq": bool(kinds & SHAPES) and is_sequence,
        "geojson": bool(kinds & SHAPES),
        "esrijson": "features" in top and bool("attributes" in third or {"geometryType", "spatialReference"} & top),
        "json": "features" in top,  # GeoJSON that says so after its features
        "socrata": {"meta", "data"} <= top,
        "errors": bool(top) and top <= ERROR_KEYS,
        "requests": bool(REQUEST_KEYS & every or {"service_requests", "requests"} & top),
        "records": is_list,
    }
    return next((name for name, fits in tests.items() if fits), "json")


def _detect_xml(text: bytes) -> str:
    """The kind of an XML document, from its first element behind declarations, comments and the document type."""
    place, is_html = 0, b"<!doctype html" in text[:200].lower()
    while ending := next((end for begin, end in XML_PROLOGUE if text.startswith(begin, place)), None):
        if ending == b">":
            entities = text.find(b"[", place, text.find(b">", place))
            place = text.find(b"]", entities) if entities >= 0 else place
        place = text.find(ending, place)
        if place < 0:
            return "xml"
        place += len(ending)
        place += len(text[place : place + LONGEST_BLANK]) - len(text[place : place + LONGEST_BLANK].lstrip())
    root = XML_ROOT.match(text, place)
    name = root[1].decode("ascii", "replace").lower() if root else ""
    return ROOTS.get(name, "html" if is_html else "xml")


def _read_keys(text: str) -> tuple[dict[int, set[str]], set[str], bool]:
    """The keys of each depth, the values of `type` at the top, and whether another document follows on a line."""
    keys: dict[int, set[str]] = {}
    kinds: set[str] = set()
    depth, key = 0, ""
    for token in JSON_TOKEN.finditer(text):
        mark = token[0]
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth <= 0:
                return keys, kinds, text[token.end() :].lstrip(" \t\r\n\x1e").startswith("{")
        elif token[2]:
            key = token[1]
            keys.setdefault(depth, set()).add(key)
        elif depth == 1 and key == "type":
            kinds.add(token[1])
            key = ""
    return keys, kinds, False
