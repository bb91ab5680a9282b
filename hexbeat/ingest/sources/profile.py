"""Source profiles: what they contain, and the rules that their TOML has to meet."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from geo.errors import DataError
from geo.lazy_modules import import_lazily
from hexbeat.ingest.sources import toml_tables as tables
from layers.catalogue import LAYER_NAMES, LAYERS
from layers.event import LOCATION_PRECISIONS, PRECISIONS, REPORTERS

if TYPE_CHECKING:
    import pyproj
else:
    pyproj = import_lazily("pyproj")

__all__ = [
    "MISSING",
    "MOST_COAST_M",
    "USUAL_CRS",
    "Choice",
    "Condition",
    "Key",
    "Location",
    "Names",
    "Snapshot",
    "SourceProfile",
    "Times",
    "parse_profile",
]

# One heading, which a file must have (case, spaces, hyphens and underscores do not matter); or several, of which the
# first that it has is used. Of several headings for an optional part, the file need not have any.
Names = tuple[str, ...]
MISSING: Final = ("NULL", "null", "None", "none", "N/A", "n/a", "NA", "NaN", "nan", "-")
USUAL_CRS: Final = ("EPSG:4326", "EPSG:27700")  # PROJ knows them, and takes a tenth of a second to be asked
MOST_COAST_M: Final = 500.0  # from the high water mark to the low one; farther out is no beach
_LAST_HEADINGS: Final = 1_000  # the last row in which headings may stand
# A file completes the month of its snapshot; its first record to its last; all of a running log; or what is stated.
_COVERS: Final = ("month", "file", "open", "stated")


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one column, whose texts are compared without regard to case. Every given test must be met."""

    column: Names = field(metadata=tables.NAMES)
    equals: tuple[str, ...] = field(metadata=tables.TEXTS, default=())  # one of them
    contains: tuple[str, ...] = field(metadata=tables.TEXTS, default=())  # one of them
    matches: str | None = field(metadata=tables.PATTERN, default=None)  # a regular expression, somewhere in the text


@dataclass(frozen=True, slots=True)
class Choice:
    """A word for each row: fixed (`value`), or read from `column` through `values`, `containing`, `default`.

    `values` maps whole texts and `containing` parts of texts (the first that occurs is used), without regard to case.
    With neither of them, the text itself is the word.
    """

    value: str | None = field(metadata=tables.TEXT, default=None)
    column: Names = field(metadata=tables.NAMES, default=())
    values: Mapping[str, str] = field(metadata=tables.MAPPING, default_factory=dict)
    containing: Mapping[str, str] = field(metadata=tables.MAPPING, default_factory=dict)
    default: str | None = field(metadata=tables.TEXT, default=None)


@dataclass(frozen=True, slots=True)
class Location:
    """Where an event happened: a row uses the first kind of coordinates that it has in full, in this order."""

    lon: Names = field(metadata=tables.NAMES, default=())  # WGS 84 degrees
    lat: Names = field(metadata=tables.NAMES, default=())
    x: Names = field(metadata=tables.NAMES, default=())  # in `crs`; eastings
    y: Names = field(metadata=tables.NAMES, default=())  # in `crs`; northings
    crs: str | None = field(metadata=tables.TEXT, default=None)  # of x and y, or of a geofile that names none
    grid_ref: Names = field(metadata=tables.NAMES, default=())  # OS grid reference; the centre of its square
    lat_lon: Names = field(metadata=tables.NAMES, default=())  # two numbers in one text, latitude first
    postcode: Names = field(metadata=tables.NAMES, default=())  # of a row without coordinates, by the gazetteer
    street: Names = field(metadata=tables.NAMES, default=())  # the same, where there is no postcode
    ward: Names = field(metadata=tables.NAMES, default=())  # ward or council of the street; distinguishes equal names
    shapes: str = field(metadata=tables.TEXT, default="refuse")  # lines and polygons of a geofile: refuse, inside_point
    coast_m: float = field(metadata=tables.NUMBER, default=0.0)  # a place so many metres outside is in the nearest ward
    # Points that mean "somewhere in the city": rows there are rejected as impossible_location.
    placeholders: tuple[tuple[float, float], ...] = field(metadata=tables.POINTS, default=())
    doubtful: tuple[Condition, ...] = field(metadata=tables.as_tables(Condition), default=())  # their point is no place
    precision: str | None = field(metadata=tables.TEXT, default=None)  # one of LOCATION_PRECISIONS; None: measured
    precision_m: float | None = field(metadata=tables.NUMBER, default=None)  # how far off a point may be, in metres
    precision_column: Names = field(metadata=tables.NAMES, default=())  # where a row says its precision itself
    precision_m_column: Names = field(metadata=tables.NAMES, default=())


@dataclass(frozen=True, slots=True)
class Times:
    """When an event happened. Formats are strptime's, tried in order, then ISO 8601. Times without a zone are local.

    Words for dates that are numbers: excel (days since 1900), excel-1904, epoch (seconds since 1970, UTC), epoch-ms.

    `precision` auto: that of the text. `midnight_is_day`: a time of exactly local midnight means the day only.
    `zone_in_text` false: an offset in the text is ignored. An end given as a day counts to the end of that day.
    """

    start: Names = field(metadata=tables.NAMES, default=())  # every heading that the file has, the first filled wins
    # A date in several columns, instead of `start`: at least a year and a month. Months are numbers or names.
    year: Names = field(metadata=tables.NAMES, default=())
    month: Names = field(metadata=tables.NAMES, default=())
    day: Names = field(metadata=tables.NAMES, default=())
    hour: Names = field(metadata=tables.NAMES, default=())
    minute: Names = field(metadata=tables.NAMES, default=())
    clock: Names = field(metadata=tables.NAMES, default=())  # the time of day, where it has a column of its own
    end: Names = field(metadata=tables.NAMES, default=())
    formats: tuple[str, ...] = field(metadata=tables.TEXTS, default=())
    order: str = field(metadata=tables.TEXT, default="formats")  # of day and month in numbers: that of formats, or file
    precision: str = field(metadata=tables.TEXT, default="auto")
    midnight_is_day: bool = field(metadata=tables.FLAG, default=False)
    precision_column: Names = field(metadata=tables.NAMES, default=())  # where a row says minute, day or month itself
    end_of: str = field(metadata=tables.TEXT, default="all")  # all, or states: an incident's end is not read
    zone_in_text: bool = field(metadata=tables.FLAG, default=True)
    never_before: Names = field(metadata=tables.NAMES, default=())  # dates that cannot precede the event; not stored


@dataclass(frozen=True, slots=True)
class Key:
    """The natural key: columns, or (if there are none, or all are blank) the content of the columns that are read.

    `columns` together are the key, and a file must have them; of `first_of` the first that a file has is the key.

    `repeats`: reject the second row with the same key as duplicate_id, or number it. Rows without a key are always
    numbered: identical rows are separate reports.
    """

    columns: Names = field(metadata=tables.NAMES, default=())
    first_of: Names = field(metadata=tables.NAMES, default=())
    repeats: str = field(metadata=tables.TEXT, default="reject")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A later file replaces an earlier one as a whole, scope by scope.

    Parts are columns, or `file:NAME` for a named group of the profile's `file_name`.
    """

    scope: tuple[str, ...] = field(metadata=tables.TEXTS)


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """One source: how its files are read. Text columns are cleaned (NBSP, U+FFFD, blanks) before any rule sees them."""

    name: str = field(metadata=tables.TEXT)
    title: str = field(metadata=tables.TEXT)
    layer: Choice = field(metadata=tables.as_table(Choice))
    location: Location = field(metadata=tables.as_table(Location), default_factory=Location)
    time: Times = field(metadata=tables.as_table(Times), default_factory=Times)
    description: str = field(metadata=tables.TEXT, default="")
    records: str = field(metadata=tables.TEXT, default="rows")  # rows, features, or open311
    time_zone: str | None = field(metadata=tables.TEXT, default=None)  # None: the area's
    layer_words: str = field(metadata=tables.TEXT, default="")  # those of the layers' own files: names, or services
    unknown_layer: str = field(metadata=tables.TEXT, default="skip")  # rows whose layer is none: skip, or reject
    wider_region: bool = field(metadata=tables.FLAG, default=False)  # rows outside the area are skipped, not rejected
    file_name: str | None = field(metadata=tables.PATTERN, default=None)  # that the file's name must carry
    members: str | None = field(metadata=tables.PATTERN, default=None)  # files of an archive; None: as file_name
    encoding: str | None = field(metadata=tables.TEXT, default=None)  # None: UTF-8, or UTF-16 with a byte order mark
    delimiter: str | None = field(metadata=tables.TEXT, default=None)  # None: whichever the heading line has most of
    sheet: str | None = field(metadata=tables.TEXT, default=None)  # of a workbook; None: all that have the columns
    headings: int | None = field(metadata=tables.WHOLE_NUMBER, default=None)  # their row; None: where the columns are
    geo_layer: str | None = field(metadata=tables.TEXT, default=None)  # of a GeoPackage with several
    missing: tuple[str, ...] = field(metadata=tables.TEXTS, default=MISSING)  # texts that mean blank
    key: Key = field(metadata=tables.as_table(Key), default_factory=Key)
    covers: str = field(metadata=tables.TEXT, default="file")  # the days that a file completes: _COVERS
    snapshot: Snapshot | None = field(metadata=tables.as_table(Snapshot), default=None)
    category: Choice = field(metadata=tables.as_table(Choice), default_factory=Choice)
    status: Choice = field(metadata=tables.as_table(Choice), default_factory=Choice)
    reported_by: Choice = field(metadata=tables.as_table(Choice), default_factory=Choice)
    quantity: Names = field(metadata=tables.NAMES, default=())
    note: Names = field(metadata=tables.NAMES, default=())  # free text, stored only if this is given
    keep: tuple[Condition, ...] = field(metadata=tables.as_tables(Condition), default=())  # all must hold
    drop: tuple[Condition, ...] = field(metadata=tables.as_tables(Condition), default=())  # none may hold
    test_records: tuple[Condition, ...] = field(metadata=tables.as_tables(Condition), default=())

    def summary(self) -> dict[str, Any]:
        """One line about the source: name, title, layers, and what it reads."""
        layer_names = (
            *self.layer.values.values(),
            *self.layer.containing.values(),
            self.layer.value,
            self.layer.default,
        )
        layers = [name for name in LAYER_NAMES if name in layer_names]
        return {
            "name": self.name,
            "title": self.title,
            "layers": ", ".join(layers) or "by a column",
            "records": self.records,
            "snapshot": self.snapshot is not None,
        }

    def toml(self) -> str:
        """The profile as TOML, such as `parse_profile` reads."""
        return tables.to_toml(self)


def parse_profile(source: str, *, name: str) -> SourceProfile:
    """A profile from TOML text; `name` is the name of its file without suffix, and must be that of the profile.

    DataError if the text is not TOML, or has unknown keys or impossible values.
    """
    where = f"{name}.toml"
    try:
        table = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError("A source profile has to be TOML", f"{where} is not: {error}", "correct that line") from error
    if isinstance(table.get("layer"), str):
        table["layer"] = {"value": table["layer"]}
    profile = _add_layer_words(tables.read_table(SourceProfile, table, where))
    for rule, broken in _list_rules(profile, name):
        if broken:
            raise DataError(rule, f"{where} {broken}", "correct it; docs/sources.md explains the keys")
    return profile


def _add_layer_words(profile: SourceProfile) -> SourceProfile:
    """The profile with the words of the layers' own files, if it asks for them; its own words take precedence."""
    values, containing = dict[str, str](), dict[str, str]()
    if profile.layer_words == "names":
        values = {word: spec.name for spec in LAYERS for word in (spec.name, *spec.words.names)}
    if profile.layer_words == "services":
        containing = {word: spec.name for spec in LAYERS for word in spec.words.services}
    layer = replace(
        profile.layer, values={**values, **profile.layer.values}, containing={**containing, **profile.layer.containing}
    )
    return replace(profile, layer=layer) if profile.layer_words else profile


def _list_rules(profile: SourceProfile, name: str) -> list[tuple[str, str | None]]:
    """Rules, each with the fact that breaks it (None: it is met)."""
    layer, place = profile.layer, profile.location
    layer_names = {*layer.values.values(), *layer.containing.values(), layer.value, layer.default} - {None}
    reporters = profile.reported_by
    reporter_names = {
        *reporters.values.values(),
        *reporters.containing.values(),
        reporters.value,
        reporters.default,
    } - {None}
    has_coordinates = place.grid_ref or place.lat_lon or (place.lon and place.lat) or (place.x and place.y)
    has_location = has_coordinates or place.postcode or place.street
    has_time = bool(profile.time.start or (profile.time.year and profile.time.month))
    return [
        ("A profile has the name of its file", _state_unless(profile.name == name, f"has the name {profile.name!r}")),
        (f"A layer is one of {', '.join(LAYER_NAMES)}", _name_unknown(layer_names, LAYER_NAMES)),
        ("A profile says which layer its rows are", _state_unless(bool(layer_names or layer.column), "names no layer")),
        (f"Who reports is one of {', '.join(REPORTERS)}", _name_unknown(reporter_names, REPORTERS)),
        ("records is rows, features or open311", _name_unknown({profile.records}, ("rows", "features", "open311"))),
        ("precision is auto, minute, day or month", _name_unknown({profile.time.precision}, ("auto", *PRECISIONS))),
        ("end_of is all or states", _name_unknown({profile.time.end_of}, ("all", "states"))),
        ("layer_words is names or services", _name_unknown({profile.layer_words} - {""}, ("names", "services"))),
        ("unknown_layer is skip or reject", _name_unknown({profile.unknown_layer}, ("skip", "reject"))),
        ("repeats is reject or number", _name_unknown({profile.key.repeats}, ("reject", "number"))),
        ("order is formats or file", _name_unknown({profile.time.order}, ("formats", "file"))),
        ("covers is month, file, open or stated", _name_unknown({profile.covers}, _COVERS)),
        ("month needs a snapshot", _state_unless(bool(profile.snapshot) or profile.covers != "month", "has none")),
        (
            f"coast_m is at most {MOST_COAST_M:g} metres",
            _state_unless(place.coast_m <= MOST_COAST_M, f"has {place.coast_m:g}"),
        ),
        (
            f"precision of a location is one of {', '.join(LOCATION_PRECISIONS)}",
            _name_unknown({place.precision} - {None}, LOCATION_PRECISIONS),
        ),
        ("precision_m is a number of metres above 0", _check_metres(place.precision_m)),
        (
            "A randomised location needs precision_m, the metres by which points were moved",
            _state_unless(
                place.precision != "randomised" or bool(place.precision_m or place.precision_m_column), "has none"
            ),
        ),
        ("shapes is refuse or inside_point", _name_unknown({place.shapes}, ("refuse", "inside_point"))),
        (
            "A profile says where events happened",
            _state_unless(bool(has_location or profile.records == "features"), "names no columns for it"),
        ),
        ("A profile says when events happened", _state_unless(has_time, "names no time.start")),
        (
            "x and y need the EPSG code of their coordinates",
            _state_unless(bool(place.crs or not place.x), "names no crs"),
        ),
        ("A crs has to be one that PROJ knows, such as EPSG:27700", _check_crs(place.crs)),
        ("A time zone has to be an IANA name, such as Europe/London", _check_zone(profile.time_zone)),
        ("An encoding has to be one that Python knows, such as cp1252", _check_encoding(profile.encoding)),
        ("headings is a row from 1 to 1,000", _check_row(profile.headings)),
        ("A delimiter is one character", _state_unless(len(profile.delimiter or ",") == 1, "has another")),
    ]


def _state_unless(holds: bool, fact: str) -> str | None:  # noqa: FBT001  # a condition is what it is given
    return None if holds else fact


def _name_unknown(values: Any, allowed: Sequence[str]) -> str | None:
    wrong = sorted(str(word) for word in values if word not in allowed)
    return f"has {', '.join(map(repr, wrong))}" if wrong else None


def _check_row(row: int | None) -> str | None:
    return None if row is None or 1 <= row <= _LAST_HEADINGS else f"has {row}"


def _check_crs(crs: str | None) -> str | None:
    if crs is None or crs in USUAL_CRS:
        return None
    try:
        pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        return f"has {crs!r}"
    return None


def _check_metres(metres: float | None) -> str | None:
    return None if metres is None or 0 < metres < float("inf") else f"has {metres:g}"


def _check_zone(zone: str | None) -> str | None:
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"has {zone!r}"
    return None


def _check_encoding(encoding: str | None) -> str | None:
    try:
        "".encode(encoding or "utf-8")
    except LookupError:
        return f"has {encoding!r}"
    return None
