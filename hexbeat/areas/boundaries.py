"""Building an area from a published file of wards, checking areas, and describing what is wrong with boundaries."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

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
from hexbeat.areas.area import WARDS_FILE, read_facts, require_area_name
from hexbeat.areas.boundary_files import (
    describe_projection,
    format_wards_json,
    hash_file,
    project_to_degrees,
    read_published,
    write_area,
)

if TYPE_CHECKING:
    import geopandas as gpd
else:
    gpd = import_lazily("geopandas")

__all__ = [
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

LEAST_M2: Final = 0.05  # changes that are told
TOLD: Final = 5  # faults that a message spells out
AUTHORITY_FIELDS: Final = ((r"lad_code", r"lad_name"), (r"LAD\d\dCD", r"LAD\d\dNM"))  # ours, and the ONS's
MENDING_ROUNDS: Final = 3  # rounding after mending may open a new sliver; twice has been enough


class Provenance(TypedDict, total=False):
    """Where wards come from, for people: each is written to `area.toml` as given, "not stated" where it is not."""

    title: str | None
    vintage: str | None
    source: str | None
    licence: str | None
    attribution: str | None


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What `build_area` made: its folder, the number of wards, their area, what was mended and what to know."""

    folder: Path
    wards: int
    area_km2: float
    repairs: list[str]
    warnings: list[str]

    def as_dict(self) -> dict[str, object]:
        """The same as words and numbers that JSON knows; the area by its name, in place of the folder."""
        return {
            "area": self.folder.name,
            "wards": self.wards,
            "area_km2": round(self.area_km2, 3),
            "repairs": self.repairs,
            "warnings": self.warnings,
        }


def build_area(
    path: Path,
    *,
    name: str,
    code_field: str,
    name_field: str,
    out_dir: Path,
    lad_code_field: str | None = None,
    lad_name_field: str | None = None,
    mend: bool = False,
    **provenance: Unpack[Provenance],
) -> BuildReport:
    """Write `out_dir/name/wards.geojson` and `area.toml` from a published file, or change nothing.

    Projects to WGS 84, rounds to six decimals and proves that the rounded wards are a valid coverage. `lad_code_field`
    and `lad_name_field` None: taken if `find_authority_fields` knows them, which the report says. `mend` allows invalid
    rings, slivers and narrow overlaps to be mended. The same file and choices give the same bytes. AreaError says
    what is wrong with the file and with which wards.
    """
    require_area_name(name)
    published, remarks = read_published(path)
    authority, chosen = _authority_fields(published, lad_code_field, lad_name_field)
    fields = {"ward_code": code_field, "ward_name": name_field, **authority}
    frame = _rename_columns(project_to_degrees(published, file=path.name), fields, file=path.name)
    frame, repairs = _repair_frame(frame, allow_mending=mend)
    wards = format_wards_json(name, frame)
    facts = _facts(path, name, frame, provenance) | {"repairs": repairs, "wards_sha256": _digest(wards)}
    write_area(out_dir / name, wards=wards, facts=facts)
    inlets = describe_inlets(find_narrow_inlets(frame.geometry.to_numpy()), frame)
    area_km2 = sum(area_m2(polygon) for polygon in frame.geometry) / 1e6
    return BuildReport(
        out_dir / name, len(frame), area_km2, repairs, [*remarks, *describe_projection(published.crs), *chosen, *inlets]
    )


def check_area(folder: Path) -> list[str]:
    """What is wrong with an area's two files, a sentence each; empty if nothing is."""
    try:
        facts = read_facts(folder)
        frame, _ = read_published(folder / WARDS_FILE)
    except AreaError as error:
        return [str(error)]
    missing = [column for column in ("ward_code", "ward_name") if column not in frame]
    if missing:
        return [f"{WARDS_FILE} has no {' and no '.join(missing)}"]
    problems = [*find_text_problems(frame), *_fact_problems(folder, facts, frame)]
    polygons = frame.geometry.to_numpy()
    if not shapely.equals_exact(polygons, round_polygons(polygons)).all():
        problems.append(f"{WARDS_FILE} has coordinates of more than {DECIMALS} decimals, or repeated corners")
    return problems + [describe_fault(fault, frame) for fault in find_faults(polygons)]


def find_authority_fields(columns: Iterable[str]) -> tuple[str, str] | None:
    """The columns of the local authority's code and name, if there is exactly one of each that we know; else None."""
    names = list(columns)
    for patterns in AUTHORITY_FIELDS:
        code, name = ([column for column in names if re.fullmatch(pattern, column)] for pattern in patterns)
        if len(code) == len(name) == 1:
            return code[0], name[0]
    return None


def _authority_fields(
    frame: "gpd.GeoDataFrame", code_field: str | None, name_field: str | None
) -> tuple[dict[str, str], list[str]]:
    """Which columns become lad_code and lad_name, and what to say if we chose them."""
    if code_field is not None or name_field is not None:
        given = {"lad_code": code_field, "lad_name": name_field}
        return {ours: field for ours, field in given.items() if field is not None}, []
    found = find_authority_fields(frame.columns)
    if found is None:
        return {}, ["no columns for the local authority were given or found, so the area has none"]
    return {"lad_code": found[0], "lad_name": found[1]}, [
        f"the local authority was taken from the columns {found[0]} and {found[1]}"
    ]


def _rename_columns(frame: "gpd.GeoDataFrame", fields: dict[str, str], *, file: str) -> "gpd.GeoDataFrame":
    """Only the wanted columns, under our names, as trimmed text, sorted by code. AreaError if they are not usable."""
    missing = [field for field in fields.values() if field not in frame.columns]
    if missing:
        there = [str(column) for column in frame.columns if column != frame.geometry.name]
        raise AreaError(
            "The columns of code and name are in the file",
            f"{file} has no {', no '.join(missing)}; it has {', '.join(there)}",
            "name them with --code and --name",
        )
    wards = gpd.GeoDataFrame(
        {ours: _text(frame[field]) for ours, field in fields.items()}, geometry=frame.geometry.to_numpy(), crs=frame.crs
    )
    problems = find_text_problems(wards)
    if problems:
        raise AreaError(
            "Each ward has a code of its own and a name", f"in {file} {'; '.join(problems)}", "correct the file"
        )
    return wards.sort_values("ward_code", kind="stable", ignore_index=True)


def _text(column: pd.Series) -> list[str]:
    """Values as trimmed text; what is missing as the empty string."""
    return ["" if pd.isna(value) else str(value).strip() for value in column]


def _repair_frame(frame: "gpd.GeoDataFrame", *, allow_mending: bool) -> "tuple[gpd.GeoDataFrame, list[str]]":
    """The frame rounded and, if allowed, mended, with what was done. AreaError if it is not a valid coverage then."""
    polygons = round_polygons(frame.geometry.to_numpy())
    before, mended = polygons, list[Fault]()
    for _ in range(MENDING_ROUNDS if allow_mending else 0):
        polygons, done = repair(polygons)
        mended += done
    faults = find_faults(polygons)
    if faults:
        raise AreaError(
            "Wards are valid polygons that neither overlap nor leave slivers between them",
            describe_faults(faults, frame),
            "ask the publisher which is right"
            if allow_mending
            else "--mend repairs rings, slivers and narrow overlaps",
        )
    sound = frame.set_geometry(polygons, crs=frame.crs)
    return sound, describe_repairs(mended, before, sound) if mended else []


def _facts(path: Path, name: str, frame: "gpd.GeoDataFrame", provenance: Provenance) -> dict[str, Any]:
    """What `area.toml` says. Only the published file's name and digest, never its folder."""
    authorities = _authorities(frame)
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
        "time_zone": "Europe/London",
        "wards": len(frame),
    }


def _authorities(frame: "gpd.GeoDataFrame") -> list[tuple[str, str]]:
    """Code and name of each local authority of the wards, sorted; a column that there is not gives empty words."""
    if "lad_code" not in frame and "lad_name" not in frame:
        return []
    blank = [""] * len(frame)
    return sorted(set(zip(frame.get("lad_code", blank), frame.get("lad_name", blank), strict=True)))


def _fact_problems(folder: Path, facts: dict[str, Any], frame: "gpd.GeoDataFrame") -> list[str]:
    """Where `area.toml` and the folder or the wards disagree."""
    codes = list(frame["ward_code"])
    authorities = list(zip(facts["authority_codes"], facts["authority_names"], strict=False))
    checks = {
        f"the folder is {folder.name!r}, but area.toml says {facts['name']!r}": facts["name"] == folder.name,
        "the CRS is not EPSG:4326": facts["crs"] == "EPSG:4326",
        "the wards are not sorted by code": codes == sorted(codes),
        "the authorities are not those of the wards": authorities == _authorities(frame),
        f"{WARDS_FILE} is not the one that area.toml was written with": facts.get("wards_sha256")
        == hash_file(folder / WARDS_FILE),
    }
    return [problem for problem, fine in checks.items() if not fine]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def find_text_problems(frame: "gpd.GeoDataFrame") -> list[str]:
    """What is wrong with codes and names: empty, used twice, or with characters that cannot be shown."""
    problems = []
    for column in frame.columns.drop("geometry"):
        texts = frame[column].astype(str)
        what = column.replace("_", " ")
        if (empty := int((texts == "").sum())) > 0:
            problems.append(f"{_number(empty, 'row')} without a {what}")
        if not texts.map(str.isprintable).all():
            problems.append(f"a {what} has characters that cannot be shown")
    codes = frame["ward_code"]
    twice = sorted(set(codes[codes.duplicated() & (codes != "")]))
    if twice:
        problems.append(f"{_number(len(twice), 'ward code')} used more than once ({_some(twice)})")
    return problems


def describe_faults(faults: list[Fault], frame: "gpd.GeoDataFrame") -> str:
    """The first faults in words, and how many there are besides."""
    told = "; ".join(describe_fault(fault, frame) for fault in faults[:TOLD])
    return told + (f"; and {len(faults) - TOLD} more" if len(faults) > TOLD else "")


def describe_fault(fault: Fault, frame: "gpd.GeoDataFrame") -> str:
    """A fault in words, with the wards by name and code, and a place to look at (latitude, longitude)."""
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
    """What to say of gaps that are open to the outside and very narrow: one sentence, or none."""
    if not places:
        return []
    names = _some([str(frame["ward_name"][place]) for place in places])
    return [
        f"there are gaps narrower than {INLET_M} m, open to the outside, at {names}: creeks, or edges meant to be one"
    ]


def describe_repairs(faults: list[Fault], before: NDArray[Any], frame: "gpd.GeoDataFrame") -> list[str]:
    """What was mended, a sentence each, and by how much each ward of the mended frame differs from `before`."""
    told = [f"mended: {describe_fault(fault, frame)}" for fault in faults]
    for name, code, was, now in zip(frame["ward_name"], frame["ward_code"], before, frame.geometry, strict=True):
        # The area of what was no valid polygon is that of the lines it was drawn with, made valid.
        change_m2 = area_m2(now) - area_m2(shapely.make_valid(was))
        if abs(change_m2) >= LEAST_M2:
            told.append(f"mending changed {name} ({code}) by {change_m2:+,.1f} m2")
    return told


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _some(words: list[str]) -> str:
    return ", ".join(words[:TOLD]) + (", ..." if len(words) > TOLD else "")
