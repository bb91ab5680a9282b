"""Published files of streets, postcodes and places, and how each is read for a gazetteer.

Every form gives the columns kind, name, lon and lat. Where a file has only a postcode for its places, `postcode` stands
beside them, and the builder takes the place of the postcode.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import shapely

from geo.errors import DataError
from geo.geofiles import gdal_address
from geo.lazy_modules import import_lazily
from hexbeat.areas.area import Publisher
from hexbeat.areas.gazetteer import STREET

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj
else:
    gpd = import_lazily("geopandas")
    pyproj = import_lazily("pyproj")

__all__ = ["FORMS", "SourceForm", "read_source", "tidy_name"]

OGL: Final = "Open Government Licence v3.0"
_LINE_STEP_DEGREES: Final = 3e-4  # a street given as a line becomes points about 30 m apart
# Kinds of place as police.uk, NaPTAN and OS Open Names call them, by the words that they hold.
_KIND_WORDS: Final = {
    "parking area": "car park", "sports/recreation": "sports ground", "supermarket": "supermarket",
    "petrol station": "petrol station", "shopping area": "shopping area", "educational building": "college",
    "pedestrian subway": "subway", "park/open space": "park", "police station": "police station",
    "bus/coach station": "bus station", "bus station": "bus station", "coach station": "bus station",
    "theatre": "theatre", "nightclub": "nightclub", "prison": "prison", "conference": "conference centre",
    "race track": "race track", "railway station": "station", "rly": "station", "rse": "station", "bcs": "bus station",
    "bst": "bus station", "bct": "stop", "bcq": "stop", "str": "taxi rank", "txr": "taxi rank", "air": "airport",
    "ftd": "ferry", "hospital": "hospital", "medical care": "hospital", "further education": "college",
    "higher or university": "college", "primary education": "school", "secondary education": "school",
    "school": "school", "pharmacy": "pharmacy", "postcode": "postcode", "road": STREET, "street": STREET,
    "public park": "park", "airport": "airport",
}  # fmt: skip
_SMALL_WORDS: Final = frozenset({"and", "at", "by", "de", "in", "le", "of", "on", "the", "upon", "with"})
_NOT_ABBREVIATED: Final = frozenset({"st", "dr", "mr", "mrs", "ms", "rd", "ln", "pk", "sq", "cl"})
_NEAR: Final = re.compile(r"^\s*(?:on or near|near)\s+", re.IGNORECASE)
_POSTCODE: Final = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)\s*(\d[A-Z]{2})")
Read = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True, slots=True)
class SourceForm:
    """A published form of file: the columns (in lower case) that identify it, how it is read, and its credit."""

    columns: tuple[str, ...]
    read: Read
    source: Publisher | None = None


def tidy_name(name: str) -> str:
    """A name as people write it: "On or near LINTHORPE ROAD" is Linthorpe Road. Mixed case is kept."""
    words = " ".join(_NEAR.sub("", name.replace("\u00a0", " ").replace("\ufffd", "'")).split())
    if words != words.upper():
        return re.sub(r"(?<=\w)(['\u2019])S\b", r"\1s", words)  # police.uk writes St Mary'S Close
    return " ".join(_tidy_word(word, first=place == 0) for place, word in enumerate(words.split(" ")))


def _tidy_word(word: str, *, first: bool) -> str:
    lower = word.lower()
    if lower in _SMALL_WORDS and not first:
        return lower
    letters = re.sub(r"[^a-z]", "", lower)
    has_vowel = any(letter in "aeiouy" for letter in letters)
    if any(letter.isdigit() for letter in word) or (not has_vowel and letters not in _NOT_ABBREVIATED):
        return word  # A66, TS1, NHS
    return re.sub(r"(^|[^a-z'\u2019])([a-z])", lambda match: match[1] + match[2].upper(), lower)


def _parse_kind(text: str, *, usual: str = "place") -> str:
    folded = text.strip().lower()
    return next((kind for words, kind in _KIND_WORDS.items() if words in folded), usual)


def _to_degrees(east: "pd.Series[Any]", north: "pd.Series[Any]") -> tuple[Any, Any]:
    """Degrees from British National Grid metres."""
    metres = [pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64) for column in (east, north)]
    lon, lat = pyproj.Transformer.from_crs(27700, 4326, always_xy=True).transform(metres[0], metres[1])
    known = np.isfinite(lon) & np.isfinite(lat) & (metres[0] > 0)
    return np.where(known, lon, np.nan), np.where(known, lat, np.nan)


def _build_frame(kind: Any, name: Any, lon: Any, lat: Any, postcode: Any = "") -> pd.DataFrame:
    frame = pd.DataFrame({"name": list(name)})
    frame["kind"] = kind if isinstance(kind, str) else list(kind)
    frame["lon"] = pd.to_numeric(pd.Series(np.asarray(lon)), errors="coerce")
    frame["lat"] = pd.to_numeric(pd.Series(np.asarray(lat)), errors="coerce")
    frame["postcode"] = postcode if isinstance(postcode, str) else [_format_postcode(text) for text in postcode]
    return frame


def _format_postcode(text: str) -> str:
    """As in "TS1 1AA"; the text itself if it is no postcode."""
    match = _POSTCODE.fullmatch("".join(text.split()).upper())
    return f"{match[1]} {match[2]}" if match else text.strip()


def _read_postcodes(frame: pd.DataFrame) -> pd.DataFrame:
    """Code-Point Open. A positional quality of 90 means that the postcode has no place."""
    quality = frame["positional_quality"] if "positional_quality" in frame else frame["positional_quality_indicator"]
    placed = frame[quality.str.strip() != "90"].reset_index(drop=True)
    lon, lat = _to_degrees(placed["easting" if "easting" in placed else "eastings"],
                           placed["northing" if "northing" in placed else "northings"])  # fmt: skip
    return _build_frame("postcode", [_format_postcode(text) for text in placed["postcode"]], lon, lat)


def _read_stops(frame: pd.DataFrame) -> pd.DataFrame:
    """NaPTAN: stops and stations in service, and the streets that the stops stand on are left to other sources."""
    if "status" in frame:
        frame = frame[frame["status"].str.strip().str.lower().isin(("active", "act", ""))].reset_index(drop=True)
    names = [re.sub(r"\s+-\s+.*$", "", text) for text in frame["commonname"]]  # "… - main ent"
    names = [re.sub(r"(?<=\w )Rail Station\b", "station", tidy_name(text)) for text in names]
    kinds = [_parse_kind(text, usual="stop") for text in frame["stoptype"]]
    return _build_frame(kinds, names, frame["longitude"], frame["latitude"])


def _read_schools(frame: pd.DataFrame) -> pd.DataFrame:
    """Get Information about Schools, with eastings and northings as published, or with degrees."""
    name = frame["establishmentname"] if "establishmentname" in frame else frame["name"]
    if "establishmentstatus (name)" in frame:
        frame = frame[frame["establishmentstatus (name)"].str.startswith("Open")]
        name = name.loc[frame.index]
    if "lon" in frame:
        lon, lat = frame["lon"], frame["lat"]
    else:
        lon, lat = _to_degrees(frame["easting"], frame["northing"])
    # "St Joseph's Primary School, a Catholic Voluntary Academy" is St Joseph's Primary School.
    return _build_frame("school", [tidy_name(text.split(",")[0]) for text in name], lon, lat, frame.get("postcode", ""))


def _read_pharmacies(frame: pd.DataFrame) -> pd.DataFrame:
    """NHS ODS: names in capitals; a place is that of its postcode."""
    lon, lat = (frame.get(name, pd.Series([""] * len(frame))) for name in ("lon", "lat"))
    return _build_frame("pharmacy", [tidy_name(text) for text in frame["name"]], lon, lat, frame["postcode"])


def _read_police_streets(frame: pd.DataFrame) -> pd.DataFrame:
    """A month of police.uk: only its anchor points are read, each with the name of its street."""
    frame = frame[["longitude", "latitude", "location"]].drop_duplicates()
    frame = frame[frame["location"].str.strip().str.lower() != "no location"]
    kinds = [_KIND_WORDS.get(_NEAR.sub("", text).strip().lower(), "") for text in frame["location"]]
    kinds = [kind or _parse_generic(text) for kind, text in zip(kinds, frame["location"], strict=True)]
    return _build_frame(kinds, [tidy_name(text) for text in frame["location"]], frame["longitude"], frame["latitude"])


def _parse_generic(location: str) -> str:
    """The kind of a police.uk location: most are streets, some only say what stands there."""
    text = _NEAR.sub("", location).strip().lower()
    return next((kind for words, kind in _KIND_WORDS.items() if text.startswith(words) and "/" in text), STREET)


def _read_named_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Any table of named points: name, kind (streets if there is none), lon and lat.

    Of a street whose points have months, those last seen long before the newest are left out where
    it has others.
    """
    if "last_month" in frame:
        years = frame["last_month"].str[:4].astype(int)
        recent = years >= years.max() - 2
        newest = recent.groupby([frame["name"], frame["kind"]]).transform("any")
        frame = frame[recent | ~newest]
    names = [tidy_name(text) for text in frame["name"]]
    words = frame["kind"] if "kind" in frame else pd.Series([STREET] * len(frame))
    # Where the kind only says "place", the name says what stands there: "Parking Area".
    kinds = [
        STREET if word.strip().lower() in (STREET, "road", "") else _parse_kind(f"{word} {name}")
        for word, name in zip(words, names, strict=True)
    ]
    return _build_frame(kinds, names, frame["lon"], frame["lat"])


def _read_open_names(frame: pd.DataFrame) -> pd.DataFrame:
    """OS Open Names: roads, settlements left out, stations, schools and hospitals; British National Grid."""
    kinds = [_parse_open_kind(text) for text in frame["local_type"]]
    places = frame.assign(read_kind=kinds)
    places = places[places["read_kind"] != ""]
    names = [
        _format_postcode(text) if kind == "postcode" else tidy_name(text)
        for text, kind in zip(places["name1"], places["read_kind"], strict=True)
    ]
    lon, lat = _to_degrees(places["geometry_x"], places["geometry_y"])
    return _build_frame(list(places["read_kind"]), names, lon, lat)


def _parse_open_kind(local_type: str) -> str:
    folded = local_type.strip().lower()
    if folded in ("named road", "numbered road", "section of named road", "section of numbered road"):
        return STREET
    kind = _parse_kind(folded, usual="")
    return "" if kind == STREET else kind


_OS: Final = "Contains OS data © Crown copyright and database right {year}"
_CODE_POINT: Final = Publisher(
    "Code-Point Open",
    OGL,
    f"{_OS}; contains Royal Mail data © Royal Mail copyright and database right {{year}}; "
    "contains National Statistics data © Crown copyright and database right {year}",
)
_POLICE: Final = Publisher("data.police.uk", OGL, "Names of streets from data.police.uk")
_SCHOOLS: Final = Publisher("Get Information about Schools", OGL, "Schools from Get Information about Schools")
_STOPS: Final = Publisher("NaPTAN", OGL, "Stops and stations from NaPTAN")
_PHARMACIES: Final = Publisher("NHS Organisation Data Service", OGL, "Pharmacies from NHS ODS")
_OPEN_NAMES: Final = Publisher("OS Open Names", OGL, _OS)
FORMS: Final = (
    SourceForm(("postcode", "positional_quality", "easting", "northing"), _read_postcodes, _CODE_POINT),
    SourceForm(("postcode", "positional_quality_indicator", "eastings", "northings"), _read_postcodes, _CODE_POINT),
    SourceForm(("atcocode", "commonname", "longitude", "latitude", "stoptype"), _read_stops, _STOPS),
    SourceForm(("urn", "establishmentname", "easting", "northing"), _read_schools, _SCHOOLS),
    SourceForm(("urn", "name", "lon", "lat"), _read_schools, _SCHOOLS),
    SourceForm(("name1", "type", "local_type", "geometry_x", "geometry_y"), _read_open_names, _OPEN_NAMES),
    SourceForm(("longitude", "latitude", "location", "lsoa code"), _read_police_streets, _POLICE),
    SourceForm(("name", "kind", "lon", "lat", "last_month"), _read_named_points, _POLICE),
    SourceForm(("code", "name", "postcode"), _read_pharmacies, _PHARMACIES),
    SourceForm(("name", "lon", "lat"), _read_named_points),
)
# Published without headings.
_CODE_POINT_WIDTH: Final = 10
_OPEN_NAMES_WIDTH: Final = 34
_OPEN_NAMES_HEADINGS: Final = (
    "id", "names_uri", "name1", "name1_lang", "name2", "name2_lang", "type", "local_type", "geometry_x", "geometry_y",
)  # fmt: skip


def read_source(path: Path, *, headings_by_field: Mapping[str, str] | None = None) -> tuple[pd.DataFrame, SourceForm]:
    """The named points of a file (columns kind, name, lon, lat in WGS 84 degrees, postcode), and the form of the file.

    `headings_by_field` names the columns of name, kind, lon and lat in a file of no known form. DataError if the file
    cannot be read, or has no columns that Hexbeat knows.
    """
    frame = _read_table(path) if path.suffix.lower() in (".csv", ".txt") else _read_shapes(path)
    frame = _rename_columns(frame, headings_by_field or {}, name=path.name)
    form = next((form for form in FORMS if set(form.columns) <= set(frame.columns)), None)
    if form is None:
        raise DataError(
            "A file for the gazetteer has columns for the names and places of streets, postcodes or other places",
            f"{path.name} has {', '.join(map(str, frame.columns))}",
            "name its columns: --column name=HEADING, and lon and lat likewise",
        )
    read = form.read(frame)
    read["name"] = read["name"].str.strip()
    return read[read["name"] != ""].reset_index(drop=True), form


def _rename_columns(frame: pd.DataFrame, headings_by_field: Mapping[str, str], *, name: str) -> pd.DataFrame:
    """The frame with the named columns under the names of their fields; DataError if it lacks one of them."""
    for field, heading in headings_by_field.items():
        if heading.lower() not in frame:
            raise DataError(
                f"{name} needs the column that was named for {field}",
                f"it has no {heading!r}; it has {', '.join(frame.columns)}",
                "name one of its columns",
            )
        if heading.lower() != field:
            frame = frame.drop(columns=field, errors="ignore").rename(columns={heading.lower(): field})
    return frame


def _read_table(path: Path) -> pd.DataFrame:
    """A CSV as texts, with its headings in lower case; those of Ordnance Survey that come without get them."""
    try:
        frame = _read_csv(path)
        first = str(frame.columns[0])
        if len(frame.columns) == _CODE_POINT_WIDTH and _POSTCODE.fullmatch("".join(first.split())):
            return _read_csv(path, names=[*FORMS[0].columns, *(f"c{n}" for n in range(6))])
        if len(frame.columns) == _OPEN_NAMES_WIDTH and "id" not in first.lower().split("."):
            return _read_csv(path, names=[*_OPEN_NAMES_HEADINGS, *(f"c{n}" for n in range(24))])
    except (OSError, ValueError) as error:
        raise _build_read_error(path, error) from error
    return frame.rename(columns=lambda name: str(name).strip().lower())


def _read_csv(path: Path, *, names: list[str] | None = None) -> pd.DataFrame:
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "skipinitialspace": True}
    if names:
        options |= {"header": None, "names": names}
    frame: pd.DataFrame
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", **options)
    except UnicodeDecodeError:  # Get Information about Schools is published in Windows-1252
        frame = pd.read_csv(path, encoding="cp1252", **options)
    return frame


def _read_shapes(path: Path) -> pd.DataFrame:
    """A vector file as a table with lon and lat in degrees; lines become points along them, polygons their middle."""
    try:
        address = path if path.suffix.lower() == ".parquet" else gdal_address(path)
        shapes = gpd.read_parquet(path) if path.suffix.lower() == ".parquet" else gpd.read_file(address)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise _build_read_error(path, error) from error
    if getattr(shapes, "crs", None) is None:
        raise DataError(
            "A vector file for the gazetteer has to name its coordinate system",
            f"{path.name} does not name one",
            "save it again with its coordinate system, or as a CSV with lon and lat",
        )
    degrees = shapes.to_crs(4326)
    geometry = degrees.geometry.to_numpy()
    polygons = np.isin(shapely.get_type_id(geometry), (3, 6))
    geometry = np.where(polygons, shapely.point_on_surface(geometry), geometry)
    corners, row = shapely.get_coordinates(shapely.segmentize(geometry, _LINE_STEP_DEGREES), return_index=True)
    table = pd.DataFrame(degrees.drop(columns=degrees.geometry.name)).rename(columns=lambda name: str(name).lower())
    table = table.iloc[row].reset_index(drop=True).fillna("").astype(str)
    return table.assign(lon=corners[:, 0], lat=corners[:, 1])


def _build_read_error(path: Path, error: Exception) -> DataError:
    return DataError(
        "A file for the gazetteer is a CSV, GeoPackage, GeoJSON, Shapefile or GeoParquet",
        f"{path.name} cannot be read ({type(error).__name__})",
        "check its name, or export it again as CSV",
    )
