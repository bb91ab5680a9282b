"""Areas: the wards that an installation serves, read from a folder of `wards.geojson` and `area.toml`."""

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import shapely

from geo.errors import AreaError, UsageError
from geo.wards import Wards
from hexbeat.settings import PROJECT_DIR

__all__ = [
    "AREA_FILE",
    "WARDS_FILE",
    "Area",
    "Publisher",
    "find_area_folders",
    "find_ward_bounds",
    "list_areas",
    "load_area",
    "load_named_area",
    "read_facts",
    "require_area_name",
]

WARDS_FILE: Final = "wards.geojson"
AREA_FILE: Final = "area.toml"
NAME_PATTERN: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
NAME_LONGEST: Final = 64
# The keys that area.toml must have, and the TOML type of each.
FACTS: Final[dict[str, type]] = {
    "name": str,
    "title": str,
    "authority_codes": list,
    "authority_names": list,
    "vintage": str,
    "source": str,
    "licence": str,
    "attribution": str,
    "crs": str,
    "time_zone": str,
}


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who published a file, its licence, and the credit that the licence asks for."""

    source: str
    licence: str
    attribution: str


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """One area: its wards (lon/lat, WGS 84) and the facts in its `area.toml`.

    `authority_codes` and `authority_names` are in the same order; both are empty if the published file had none.
    `attribution` is the sentence to show with the wards. `folder` holds both files.
    """

    name: str
    title: str
    wards: Wards
    authority_codes: tuple[str, ...]
    authority_names: tuple[str, ...]
    vintage: str
    source: str
    licence: str
    attribution: str
    crs: str
    time_zone: str
    folder: Path

    @property
    def tz(self) -> ZoneInfo:
        """The time zone of this area's days and hours."""
        return ZoneInfo(self.time_zone)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees (WGS 84) of all wards."""
        west, south, east, north = self.wards.bounds
        return float(west), float(south), float(east), float(north)

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle of the bounds, in degrees (WGS 84)."""
        west, south, east, north = self.bounds
        return (west + east) / 2, (south + north) / 2


def require_area_name(name: str) -> str:
    """The name itself, if it can be the name of an area (and so of a folder); AreaError otherwise."""
    if len(name) > NAME_LONGEST or not NAME_PATTERN.fullmatch(name):
        raise AreaError(
            f"An area's name has lower-case letters, digits and single hyphens, at most {NAME_LONGEST} of them",
            f"{name[:NAME_LONGEST]!r} does not",
            "choose one such as 'county-durham'",
        )
    return name


def find_area_folders(home: Path | None = None) -> dict[str, Path]:
    """Name and folder of every area that can be loaded, sorted; `home` adds those that an installation made."""
    folders = [
        path for root in reversed(_list_roots(home)) for path in _list_files(root) if NAME_PATTERN.fullmatch(path.name)
    ]
    return {folder.name: folder for folder in sorted(filter(_has_area, folders), key=_get_name)}


def list_areas(home: Path | None = None) -> list[str]:
    """The names of all areas that can be loaded, sorted."""
    return list(find_area_folders(home))


def load_area(name: str, *, home: Path | None = None) -> Area:
    """The area of that name: from `home/boundaries`, else the project's own, else those inside the wheel.

    It stays in memory until one of its files changes. AreaError if there is no such area (the hint lists the areas), or
    if its files cannot be read.
    """
    require_area_name(name)
    for root in _list_roots(home):
        folder = root / name
        if _has_area(folder):
            return _load(folder.resolve(), _stamp_files(folder))
    names = list_areas(home)
    similar = difflib.get_close_matches(name, names, n=1)
    raise AreaError(
        "An area has to be built before you can use it",
        f"there is no area named {name!r}",
        (f"did you mean {similar[0]}? " if similar else "")
        + (f"The areas are {', '.join(names)}; " if names else "No area is built yet; ")
        + "`hexbeat boundaries build` builds one",
    )


def load_named_area(name: str, *, home: Path | None = None) -> Area:
    """The area that a person named: as `load_area`, but UsageError if there is no area of that name."""
    try:
        return load_area(name, home=home)
    except AreaError as error:
        if name in list_areas(home):
            raise
        raise UsageError(error.rule, error.fact, error.hint) from error


def _list_roots(home: Path | None) -> list[Path]:
    """The folders that hold areas; an area in an earlier folder hides one of the same name in a later folder."""
    # The first holds copies of areas that several servers share through a PostgreSQL store (hexbeat.store.home_files).
    own_folders = [home / "cache" / "boundaries", home / "boundaries"] if home is not None else []
    return [*own_folders, PROJECT_DIR / "data" / "boundaries", PROJECT_DIR / "hexbeat" / "areas" / "_boundaries"]


def _list_files(root: Path) -> list[Path]:
    """The files in a folder; none if the folder does not exist. AreaError if it may not be read."""
    try:
        return list(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _refuse_folder(root, error) from error


def _has_area(folder: Path) -> bool:
    """Whether the folder holds an area. AreaError if it may not be read."""
    try:
        (folder / AREA_FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _refuse_folder(folder, error) from error
    return True


def _refuse_folder(folder: Path, error: OSError) -> AreaError:
    return AreaError(
        "You need permission to read the folders of areas",
        f"{folder} cannot be read: {error.strerror}",
        "set HEXBEAT_HOME to another folder, or ask the owner of this one",
    )


def _get_name(folder: Path) -> str:
    return folder.name


def _stamp_files(folder: Path) -> tuple[int, ...]:
    """Numbers that change when a file of the area changes."""
    stats = [path.stat() for path in (folder / AREA_FILE, folder / WARDS_FILE) if path.is_file()]
    return tuple(number for stat in stats for number in (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=16)
def _load(folder: Path, stamp: tuple[int, ...]) -> Area:
    """The area in a folder. The stamp is part of the key of the cache, so that a rebuilt area is read again."""
    del stamp
    facts = read_facts(folder)
    return Area(
        name=facts["name"],
        title=facts["title"],
        wards=Wards.from_file(folder / WARDS_FILE),
        authority_codes=tuple(facts["authority_codes"]),
        authority_names=tuple(facts["authority_names"]),
        vintage=facts["vintage"],
        source=facts["source"],
        licence=facts["licence"],
        attribution=facts["attribution"],
        crs=facts["crs"],
        time_zone=facts["time_zone"],
        folder=folder,
    )


def read_facts(folder: Path) -> dict[str, Any]:
    """The contents of `area.toml` in the folder; AreaError if it cannot be read or a required key is missing."""
    path = folder / AREA_FILE
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _build_error(folder, f"it cannot be read ({type(error).__name__})") from error
    wrong = [key for key, kind in FACTS.items() if not isinstance(facts.get(key), kind)]
    if wrong:
        raise _build_error(folder, f"it has no {', no '.join(wrong)} of the right type")
    try:
        ZoneInfo(facts["time_zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _build_error(folder, f"its time_zone is {facts['time_zone']!r}, which is not a time zone") from error
    return facts


def _build_error(folder: Path, fact: str) -> AreaError:
    return AreaError(
        f"{folder.name}/{AREA_FILE} says what the area is called and where its wards come from",
        fact,
        "build the area again with `hexbeat boundaries build`",
    )


def find_ward_bounds(area: Area, codes: Sequence[str]) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees of the wards of these codes."""
    unknown = sorted(set(codes) - set(area.wards.codes))
    if unknown:
        raise UsageError(
            "A map can show only wards of its area",
            f"{area.name} has no {', '.join(unknown)}",
            "choose wards of this area",
        )
    polygons = [polygon for code, polygon in zip(area.wards.codes, area.wards.polygons, strict=True) if code in codes]
    west, south, east, north = shapely.total_bounds(np.array(polygons, dtype=object)).tolist()
    return west, south, east, north
