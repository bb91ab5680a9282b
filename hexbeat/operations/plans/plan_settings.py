"""The usual settings of plans: `plans.toml`, which all users of a store share.

With SQLite it is a file in the home folder, which a person may edit; with PostgreSQL see `hexbeat shared`.

```toml
roads = "roads.graphml"            # or the address of an OSRM table service, as http://localhost:5000/table/v1/foot
standard_hours = 2                 # in which the council answers a report of needles
revisit_minutes = [90, 180]        # least and most between a patrol's visits of a place
walk_minutes = 30                  # the longest walk from one stop of a patrol to its next; usually without a limit
geo_links = true                   # a stop opens in the phone's own map; nothing is sent
map_address = "https://…{lat}…{lon}"  # it opens at this service, which learns the place; usually there is none

[[starts]]                         # where tours begin and end, by the names that people gave; the last used comes first
name = "Station"
lon = -1.2350
lat = 54.5740
```

One `[start]` alone, as earlier versions wrote it, is read too.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from geo.errors import DataError, UsageError
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.stop_links import USUAL_LINKS, StopLinks, require_map_address
from hexbeat.operations.reference_places import read_reference
from hexbeat.store.shared_documents import DocumentKind, SharedDocuments
from layers.access import Viewer

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "PLANS_FILE",
    "REVISIT_MINUTES",
    "STANDARD_HOURS",
    "PlanSettings",
    "find_starts",
    "forget_start",
    "parse_plan_settings",
    "read_plan_settings",
    "remember_start",
    "require_revisit",
]

PLANS_FILE: Final = "plans.toml"
_RULE: Final = (
    f"{PLANS_FILE} holds roads, standard_hours, revisit_minutes, walk_minutes, geo_links, map_address and [[starts]] "
    "with name, lon and lat"
)
_HINT: Final = "correct the file, or remove it: plans work without it"
_KNOWN: Final = frozenset(
    {"roads", "standard_hours", "revisit_minutes", "walk_minutes", "geo_links", "map_address", "start", "starts"}
)
_MOST_STARTS: Final = 12
STANDARD_HOURS: Final = 2.0  # Middlesbrough Council answers reports of needles within two hours
# The effect of a visit lasts about two hours (Koper 1995), so the next one comes half an hour before to an hour after.
REVISIT_MINUTES: Final = (90, 180)
_REVISIT_LIMITS: Final = (30, 960)
_WALK_LIMITS: Final = (5, 240)


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """`starts` where tours began, the last used first; `roads` a file or an address; `standard_hours` of the council.

    `revisit_minutes` (least, most) from the end of a patrol's visit to the next of the same place. `walk_minutes`: the
    longest walk from a stop to the next; None: no limit. `links` of a stop.
    """

    starts: tuple[Place, ...] = ()
    roads: str | None = None
    standard_hours: float = STANDARD_HOURS
    revisit_minutes: tuple[int, int] = REVISIT_MINUTES
    links: StopLinks = USUAL_LINKS
    walk_minutes: int | None = None


def read_plan_settings(documents: SharedDocuments) -> PlanSettings:
    """The settings that all share, or the defaults. DataError if they cannot be read or have other keys."""
    try:
        document = documents.read(DocumentKind.SETTING, PLANS_FILE)
    except OSError as error:
        raise _build_unreadable(error) from error
    return parse_plan_settings(None if document is None else document.content)


def _build_unreadable(error: Exception) -> DataError:
    return DataError(_RULE, f"it cannot be read ({type(error).__name__})", _HINT)


def parse_plan_settings(content: bytes | None) -> PlanSettings:
    """The settings in the bytes of a file, defaults without one. DataError as for `read_plan_settings`."""
    if content is None:
        return PlanSettings()
    try:
        settings = tomllib.loads(content.decode("utf-8"))
    except ValueError as error:
        raise _build_unreadable(error) from error
    unknown = sorted(set(settings) - _KNOWN)
    if unknown:
        raise DataError(_RULE, f"it has {', '.join(unknown)}", _HINT)
    hours = settings.get("standard_hours", STANDARD_HOURS)
    roads = settings.get("roads")
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= 24 * 28:
        raise DataError(_RULE, f"standard_hours is {hours!r}", "give a number of hours above 0")
    if roads is not None and not isinstance(roads, str):
        raise DataError(_RULE, f"roads is {roads!r}", "give a file's name or an address")
    revisit = _parse_revisit(settings.get("revisit_minutes"))
    walk = _parse_walk(settings.get("walk_minutes"))
    return PlanSettings(_parse_starts(settings), roads, float(hours), revisit, _parse_links(settings), walk)


def remember_start(documents: SharedDocuments, start: Place) -> None:
    """Store where tours begin, under its name and before the others, for the next plan; the other settings stay."""

    def change(content: bytes | None) -> bytes:
        settings = parse_plan_settings(content)
        others = [place for place in settings.starts if place.name != start.name]
        return _format_settings(settings, [start, *others][:_MOST_STARTS])

    documents.update(DocumentKind.SETTING, PLANS_FILE, change)


def forget_start(documents: SharedDocuments, name: str) -> None:
    """Remove the place of that name from those where tours may begin; nothing happens if there is none."""

    def change(content: bytes | None) -> bytes | None:
        settings = parse_plan_settings(content)
        places = [place for place in settings.starts if place.name != name]
        return content if len(places) == len(settings.starts) else _format_settings(settings, places)

    documents.update(DocumentKind.SETTING, PLANS_FILE, change)


def _format_settings(settings: PlanSettings, starts: Sequence[Place]) -> bytes:
    lines = [f"roads = {_quote(settings.roads)}"] if settings.roads else []
    if settings.standard_hours != STANDARD_HOURS:
        lines.append(f"standard_hours = {settings.standard_hours:g}")
    if settings.revisit_minutes != REVISIT_MINUTES:
        lines.append(f"revisit_minutes = {list(settings.revisit_minutes)}")
    if settings.walk_minutes is not None:
        lines.append(f"walk_minutes = {settings.walk_minutes}")
    if not settings.links.geo:
        lines.append("geo_links = false")
    if settings.links.address:
        lines.append(f"map_address = {_quote(settings.links.address)}")
    for start in starts:
        lines += ["", "[[starts]]", f"name = {_quote(start.name)}", f"lon = {start.lon!r}", f"lat = {start.lat!r}"]
    lines.append("")
    return "\n".join(lines).lstrip("\n").encode()


def find_starts(documents: SharedDocuments, store: "Store", viewer: Viewer, kind: str) -> list[Place]:
    """Where tours may begin: the remembered places, then the loaded ones of a kind (station, depot), each name once.

    The first is the default. DataError as in `read_plan_settings`.
    """
    remembered = read_plan_settings(documents).starts
    loaded = read_reference(store, viewer, kind=kind)
    columns = (loaded[name].tolist() for name in ("name", "lon", "lat"))
    rows = [Place(str(name), float(lon), float(lat)) for name, lon, lat in zip(*columns, strict=True)]
    places: dict[str, Place] = {}
    for place in [*remembered, *rows]:
        places.setdefault(place.name, place)
    return list(places.values())


def require_revisit(minutes: tuple[int, int]) -> None:
    """UsageError unless these are possible least and most minutes between two visits of a place."""
    (least, most), (low, high) = minutes, _REVISIT_LIMITS
    if not low <= least <= most <= high:
        raise UsageError(
            f"A place is visited again after {low} to {high} minutes, the shorter first",
            f"you asked for {least} to {most}",
            f"{REVISIT_MINUTES[0]}-{REVISIT_MINUTES[1]} is about two hours",
        )


def _parse_revisit(value: Any) -> tuple[int, int]:
    if value is None:
        return REVISIT_MINUTES
    hint = f"give two whole numbers of minutes, as {list(REVISIT_MINUTES)}"
    is_pair = isinstance(value, list) and len(value) == 2 and all(type(minutes) is int for minutes in value)  # noqa: PLR2004 - two
    if not is_pair:
        raise DataError(_RULE, f"revisit_minutes is {value!r}", hint)
    try:
        require_revisit((value[0], value[1]))
    except UsageError as error:
        raise DataError(error.rule, f"{PLANS_FILE} has {value[0]} to {value[1]}", hint) from error
    return value[0], value[1]


def _parse_walk(value: Any) -> int | None:
    low, high = _WALK_LIMITS
    if value is not None and (type(value) is not int or not low <= value <= high):
        raise DataError(_RULE, f"walk_minutes is {value!r}", f"give a whole number of minutes, {low} to {high}")
    return value


def _parse_links(settings: Mapping[str, Any]) -> StopLinks:
    geo, address = settings.get("geo_links", True), settings.get("map_address")
    if not isinstance(geo, bool):
        raise DataError(_RULE, f"geo_links is {geo!r}", "give true or false")
    if address is not None and not isinstance(address, str):
        raise DataError(_RULE, f"map_address is {address!r}", "give an address in quotation marks")
    try:
        if address is not None:
            require_map_address(address)
    except UsageError as error:
        raise DataError(error.rule, f"in {PLANS_FILE}, {error.fact}", error.hint) from error
    return StopLinks(geo, address)


def _parse_starts(settings: Mapping[str, Any]) -> tuple[Place, ...]:
    tables = settings.get("starts", [settings["start"]] if "start" in settings else [])
    if not isinstance(tables, list) or len(tables) > _MOST_STARTS:
        raise DataError(_RULE, f"it has no list of at most {_MOST_STARTS} [[starts]]", _HINT)
    return tuple(_parse_start(table) for table in tables)


def _parse_start(table: Any) -> Place:
    is_valid = isinstance(table, dict) and all(
        type(table.get(key)) in (int, float) for key in ("lon", "lat")
    )  # true is none
    if not (is_valid and abs(table["lon"]) <= 180 and abs(table["lat"]) <= 90):  # noqa: PLR2004 - degrees; NaN is none
        raise DataError(_RULE, "one of its starts has no lon and lat in degrees", _HINT)
    return Place(str(table.get("name", "Start")), float(table["lon"]), float(table["lat"]))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else " " for char in escaped) + '"'
