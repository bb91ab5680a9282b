"""Builds an area from a published file of wards, checks areas, and describes faults of boundaries."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.distance import area_m2
from geo.errors import AreaError
from geo.lazy_modules import import_lazily
from geo.polygon_coverage import (
    DECIMALS,
    INLET_M,
    Fault,
    find_faults,
    find_narrow_inlets,
    repair,
    round_polygons,
)
from geo.wards import Wards
from hexbeat.areas.area import WARDS_FILE, read_facts, require_area_name
from hexbeat.areas.boundary_files import (
    describe_projection,
    format_wards_json,
    project_to_degrees,
    read_published,
    write_area,
)
from hexbeat.areas.ward_codes import require_own_codes
from hexbeat.files import hash_file

if TYPE_CHECKING:
    import geopandas as gpd
else:
    gpd = import_lazily("geopandas")

__all__ = [
    "DEFAULT_ZONE",
    "BuildReport",
    "Provenance",
    "build_area",
    "check_area",
    "describe_fault",
    "describe_faults",
    "describe_inlets",
    "describe_repairs",
    "find_authority_fields",
    "find_text_problems",
]

LEAST_M2: Final = 0.05  # smaller changes are not reported
MOST_LISTED: Final = 5  # the most faults or names that a message lists
AUTHORITY_FIELDS: Final = ((r"lad_code", r"lad_name"), (r"LAD\d\dCD", r"LAD\d\dNM"))  # ours, and the ONS's
DEFAULT_ZONE: Final = "Europe/London"
REPAIR_ROUNDS: Final = 3  # rounding after a repair may open a new sliver; two rounds have always been enough


class Provenance(TypedDict, total=False):
    """Where the wards come from. Each text is written to `area.toml` as given, or as "not stated"."""

    title: str | None
    vintage: str | None
    source: str | None
    licence: str | None
    attribution: str | None


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The result of `build_area`: its folder, the number of wards, their area, the repairs and the warnings."""

    folder: Path
    wards: int
    area_km2: float
    repairs: list[str]
    warnings: list[str]

    def as_dict(self) -> dict[str, object]:
        """The same for JSON, with the name of the area in place of its folder."""
        return {
            "area": self.folder.name,
            "wards": self.wards,
            "area_km2": round(self.area_km2, 3),
            "repairs": self.repairs,
            "warnings": self.warnings,
        }


def build_area(  # noqa: PLR0913  # the choices of one build, all by name
    path: Path,
    *,
    name: str,
    code_field: str,
    name_field: str,
    out_dir: Path,
    lad_code_field: str | None = None,
    lad_name_field: str | None = None,
    allow_repair: bool = False,
    only: Sequence[str] = (),
    time_zone: str = DEFAULT_ZONE,
    home: Path | None = None,
    **provenance: Unpack[Provenance],
) -> BuildReport:
    """Write `out_dir/name/wards.geojson` and `area.toml` from a published file, or change nothing.

    Projects to WGS 84, rounds to six decimals and checks that the rounded wards are a valid coverage. `lad_code_field`
    and `lad_name_field` None: those that `find_authority_fields` finds, which the report names. `allow_repair`: repair
    invalid rings, slivers and narrow overlaps. `only`: codes of authorities or wards, of a larger file (none: all of
    it). `time_zone`: that of the area's days and hours. The areas of `home` may have no ward of the same code
    elsewhere. The same file and choices give the same bytes. AreaError names what is wrong with the file, and which
    wards.
    """
    require_area_name(name)
    _require_time_zone(time_zone)
    published, warnings = read_published(path)
    authority, choice_notes = _choose_authority_fields(published, lad_code_field, lad_name_field)
    fields = {"ward_code": code_field, "ward_name": name_field, **authority}
    frame = project_to_degrees(_rename_columns(published, fields, only, file=path.name), file=path.name)
    frame, repairs = _repair_frame(frame, allow_repair=allow_repair)
    require_own_codes(name, Wards.from_frame(frame), home=home)
    wards = format_wards_json(name, frame)
    facts = _build_facts(path, name, frame, provenance) | {"time_zone": time_zone, "wards": len(frame)}
    facts |= ({"only": sorted(only)} if only else {}) | {"repairs": repairs, "wards_sha256": _hash_text(wards)}
    write_area(out_dir / name, wards=wards, facts=facts)
    inlets = describe_inlets(find_narrow_inlets(frame.geometry.to_numpy()), frame)
    area_km2 = sum(area_m2(polygon) for polygon in frame.geometry) / 1e6
    return BuildReport(
        out_dir / name,
        len(frame),
        area_km2,
        repairs,
        [*warnings, *describe_projection(published.crs), *choice_notes, *inlets],
    )


def check_area(folder: Path) -> list[str]:
    """The problems of an area's two files, a sentence each; empty if there are none."""
    try:
        facts = read_facts(folder)
        frame, _ = read_published(folder / WARDS_FILE)
    except AreaError as error:
        return [str(error)]
    missing = [column for column in ("ward_code", "ward_name") if column not in frame]
    if missing:
        return [f"{WARDS_FILE} has no {' and no '.join(missing)}"]
    problems = [*find_text_problems(frame), *_find_fact_problems(folder, facts, frame)]
    polygons = frame.geometry.to_numpy()
    if not shapely.equals_exact(polygons, round_polygons(polygons)).all():
        problems.append(f"{WARDS_FILE} has coordinates of more than {DECIMALS} decimals, or repeated corners")
    return problems + [describe_fault(fault, frame) for fault in find_faults(polygons)]


def find_authority_fields(columns: Iterable[str]) -> tuple[str, str] | None:
    """The columns of the local authority's code and name, if exactly one known name of each is there; else None."""
    names = list(columns)
    for patterns in AUTHORITY_FIELDS:
        code, name = ([column for column in names if re.fullmatch(pattern, column)] for pattern in patterns)
        if len(code) == len(name) == 1:
            return code[0], name[0]
    return None


def _choose_authority_fields(
    frame: "gpd.GeoDataFrame", code_field: str | None, name_field: str | None
) -> tuple[dict[str, str], list[str]]:
    """Which columns become lad_code and lad_name, and a remark if Hexbeat chose them."""
    if code_field is not None or name_field is not None:
        fields = {"lad_code": code_field, "lad_name": name_field}
        return {ours: field for ours, field in fields.items() if field is not None}, []
    columns = find_authority_fields(frame.columns)
    if columns is None:
        return {}, ["no columns name the local authority, so the area has none"]
    return {"lad_code": columns[0], "lad_name": columns[1]}, [
        f"the local authority comes from the columns {columns[0]} and {columns[1]}"
    ]


def _require_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise AreaError(
            "A time zone has an IANA name",
            f"{name[:40]!r} is none",
            f"choose one such as {DEFAULT_ZONE} or America/New_York",
        ) from error


def _select_wards(wards: "gpd.GeoDataFrame", only: Sequence[str], *, file: str) -> "gpd.GeoDataFrame":
    """The wards of these codes, or of the authorities of these codes; all of them without codes."""
    if not only:
        return wards
    columns = [column for column in ("ward_code", "lad_code") if column in wards]
    unknown = [code for code in only if not any((wards[column] == code).any() for column in columns)]
    if unknown:
        raise AreaError(
            "Each code of --only is that of an authority or a ward in the file",
            f"{file} has no {', no '.join(unknown)}",
            "name the column of the authorities with --authority-code, or correct the code",
        )
    return wards[wards[columns].isin(list(only)).any(axis=1)]


def _rename_columns(
    frame: "gpd.GeoDataFrame", fields: dict[str, str], only: Sequence[str], *, file: str
) -> "gpd.GeoDataFrame":
    """Only the columns in `fields`, renamed, as trimmed text, sorted by code. AreaError if they cannot be used."""
    missing = [field for field in fields.values() if field not in frame.columns]
    if missing:
        columns = [str(column) for column in frame.columns if column != frame.geometry.name]
        raise AreaError(
            "The columns that you name for code and name have to be in the file",
            f"{file} has no {', no '.join(missing)}; it has {', '.join(columns)}",
            "name them with --code and --name",
        )
    wards = gpd.GeoDataFrame(
        {ours: _text(frame[field]) for ours, field in fields.items()}, geometry=frame.geometry.to_numpy(), crs=frame.crs
    )
    wards = _select_wards(wards, only, file=file)
    problems = find_text_problems(wards)
    if problems:
        raise AreaError(
            "Each ward needs a name, and a code that no other ward has",
            f"in {file} {'; '.join(problems)}",
            "correct the file",
        )
    return wards.sort_values("ward_code", kind="stable", ignore_index=True)


def _text(column: pd.Series) -> list[str]:
    """Values as trimmed text; missing values as ""."""
    return ["" if pd.isna(value) else str(value).strip() for value in column]


def _repair_frame(frame: "gpd.GeoDataFrame", *, allow_repair: bool) -> "tuple[gpd.GeoDataFrame, list[str]]":
    """The frame rounded and, if allowed, repaired, and the repairs. AreaError if it is still not a valid coverage."""
    polygons = round_polygons(frame.geometry.to_numpy())
    before, repaired = polygons, list[Fault]()
    for _ in range(REPAIR_ROUNDS if allow_repair else 0):
        polygons, faults_repaired = repair(polygons)
        repaired += faults_repaired
    faults = find_faults(polygons)
    if faults:
        raise AreaError(
            "Wards have to be valid polygons, without overlaps or slivers between them",
            describe_faults(faults, frame),
            "ask the publisher which is right"
            if allow_repair
            else "--repair repairs rings, slivers and narrow overlaps",
        )
    repaired_frame = frame.set_geometry(polygons, crs=frame.crs)
    return repaired_frame, describe_repairs(repaired, before, repaired_frame) if repaired else []


def _build_facts(path: Path, name: str, frame: "gpd.GeoDataFrame", provenance: Provenance) -> dict[str, Any]:
    """The contents of `area.toml`. It names the published file and its hash, never its folder."""
    authorities = _list_authorities(frame)
    stated = {key: provenance.get(key) or "not stated" for key in ("vintage", "source", "licence", "attribution")}
    return {
        "name": name,
        "title": provenance.get("title") or name.replace("-", " ").title(),
        "authority_codes": [code for code, _ in authorities],
        "authority_names": [title for _, title in authorities],
        "vintage": stated["vintage"],
        "source": stated["source"],
        "source_file": path.name,
        "source_sha256": hash_file(path),
        "licence": stated["licence"],
        "attribution": stated["attribution"],
        "crs": "EPSG:4326",
        "decimals": DECIMALS,
    }


def _list_authorities(frame: "gpd.GeoDataFrame") -> list[tuple[str, str]]:
    """Code and name of each local authority of the wards, sorted; a missing column gives empty texts."""
    if "lad_code" not in frame and "lad_name" not in frame:
        return []
    blank = [""] * len(frame)
    return sorted(set(zip(frame.get("lad_code", blank), frame.get("lad_name", blank), strict=True)))


def _find_fact_problems(folder: Path, facts: dict[str, Any], frame: "gpd.GeoDataFrame") -> list[str]:
    """Where `area.toml` disagrees with the folder or the wards."""
    codes = list(frame["ward_code"])
    authorities = list(zip(facts["authority_codes"], facts["authority_names"], strict=False))
    checks = {
        f"the folder is {folder.name!r}, but area.toml says {facts['name']!r}": facts["name"] == folder.name,
        "the CRS is not EPSG:4326": facts["crs"] == "EPSG:4326",
        "the wards are not sorted by code": codes == sorted(codes),
        "the authorities differ from those of the wards": authorities == _list_authorities(frame),
        f"{WARDS_FILE} has changed since area.toml was written": facts.get("wards_sha256")
        == hash_file(folder / WARDS_FILE),
    }
    return [problem for problem, holds in checks.items() if not holds]


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def find_text_problems(frame: "gpd.GeoDataFrame") -> list[str]:
    """Problems of codes and names: empty, used twice, or with characters that cannot be shown."""
    problems = []
    for column in frame.columns.drop("geometry"):
        texts = frame[column].astype(str)
        label = column.replace("_", " ")
        if (empty := int((texts == "").sum())) > 0:
            problems.append(f"{_format_number(empty, 'row')} without a {label}")
        if not texts.map(str.isprintable).all():
            problems.append(f"a {label} has characters that cannot be shown")
    codes = frame["ward_code"]
    repeated = sorted(set(codes[codes.duplicated() & (codes != "")]))
    if repeated:
        problems.append(f"{_format_number(len(repeated), 'ward code')} used more than once ({_list_some(repeated)})")
    return problems


def describe_faults(faults: list[Fault], frame: "gpd.GeoDataFrame") -> str:
    """A sentence of the first faults, and how many more there are."""
    descriptions = "; ".join(describe_fault(fault, frame) for fault in faults[:MOST_LISTED])
    return descriptions + (f"; and {len(faults) - MOST_LISTED} more" if len(faults) > MOST_LISTED else "")


def describe_fault(fault: Fault, frame: "gpd.GeoDataFrame") -> str:
    """A fault as text: the wards by name and code, and a point to look at (latitude, longitude)."""
    wards = " and ".join(f"{frame['ward_name'][place]} ({frame['ward_code'][place]})" for place in fault.members)
    leave = "leave" if len(fault.members) > 1 else "leaves"
    where = "" if np.isnan(fault.lon) else f" near {fault.lat:.6f}, {fault.lon:.6f}"
    return {
        "ring": f"{wards} is not a valid polygon: {fault.reason}{where}",
        "overlap": f"{wards} overlap by {fault.area_m2:,.1f} m2{where}",
        "sliver": f"{wards} {leave} a sliver of {fault.area_m2:,.1f} m2{where}",
        "edge": f"{wards} meets a neighbour without sharing its corners{where}",
    }[fault.kind]


def describe_inlets(places: list[int], frame: "gpd.GeoDataFrame") -> list[str]:
    """A warning of gaps that are open to the outside and very narrow: one sentence, or none."""
    if not places:
        return []
    names = _list_some([str(frame["ward_name"][place]) for place in places])
    return [
        f"there are narrow gaps (under {INLET_M} m) at the outer edge of {names}: creeks, or edges that should meet"
    ]


def describe_repairs(faults: list[Fault], before: NDArray[Any], frame: "gpd.GeoDataFrame") -> list[str]:
    """The repairs, a sentence each, and by how much the area of each repaired ward differs from `before`."""
    descriptions = [f"repaired: {describe_fault(fault, frame)}" for fault in faults]
    for name, code, polygon_before, polygon in zip(
        frame["ward_name"], frame["ward_code"], before, frame.geometry, strict=True
    ):
        # The area of an invalid polygon is the area of its rings, made valid.
        change_m2 = area_m2(polygon) - area_m2(shapely.make_valid(polygon_before))
        if abs(change_m2) >= LEAST_M2:
            descriptions.append(f"the repair changed {name} ({code}) by {change_m2:+,.1f} m2")
    return descriptions


def _format_number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _list_some(names: list[str]) -> str:
    return ", ".join(names[:MOST_LISTED]) + (", ..." if len(names) > MOST_LISTED else "")
