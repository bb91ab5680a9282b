"""Builds the gazetteer of an area from published files, and writes its two files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.distance import degrees_around, offsets_m
from geo.errors import AreaError, DataError
from hexbeat.areas.area import WARDS_FILE, Area, Publisher
from hexbeat.areas.gazetteer import COLUMNS, FACTS_FILE, GAZETTEER_FILE, KINDS, STREET
from hexbeat.areas.gazetteer_sources import read_source
from hexbeat.files import atomic_write, format_toml_fact, hash_file

__all__ = ["GazetteerReport", "build_gazetteer"]

_AROUND_M: Final = 300.0  # points outside the area name the cells of its edge
_DIGITS: Final = 5  # of degrees: about a metre
# The kinds of place for which a source gives no name of its own: named by the street that is nearest.
_UNNAMED: Final = frozenset({
    "parking area", "sports/recreation area", "supermarket", "petrol station", "shopping area",
    "further/higher educational building", "pedestrian subway", "park/open space", "police station", "hospital",
    "bus/coach station", "theatre/concert hall", "nightclub", "prison", "conference/exhibition centre", "race track",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class GazetteerReport:
    """What was built: the points read of each file, and the points kept of each kind."""

    area: str
    file: str
    read_by_file: dict[str, int]
    points_by_kind: dict[str, int]
    attributions: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `hexbeat gazetteer build`."""
        return {
            "area": self.area,
            "file": self.file,
            "read": self.read_by_file,
            "points": self.points_by_kind,
            "attributions": list(self.attributions),
        }


def build_gazetteer(
    paths: Sequence[Path],
    area: Area,
    *,
    source: Publisher | None = None,
    headings_by_field: Mapping[str, str] | None = None,
    year: str = "",
) -> GazetteerReport:
    """Build an area's gazetteer from files, and write gazetteer.csv and gazetteer.toml into the area's folder.

    `source` is the credit of files of no published form; `year` stands in the credits of those that ask for it. The
    same files give the same bytes. DataError if a file cannot be read or its credit is not known; AreaError if none of
    the points lies in the area.
    """
    frames, sources = [], []
    for path in paths:
        frame, form = read_source(path, headings_by_field=headings_by_field)
        credit = form.source or source
        if credit is None:
            raise DataError(
                "Names are shown with the licence and the credit of their source",
                f"those of {path.name} are not known",
                "give --origin, --licence and --attribution",
            )
        frames.append(frame)
        attribution = " ".join(credit.attribution.replace("{year}", year).split()).replace(" ;", ";")
        sources.append((path, replace(credit, attribution=attribution), len(frame)))
    points = _keep_area(_place_postcodes(pd.concat(frames, ignore_index=True)), area)
    if not (points["ward_code"] != "").any():
        raise AreaError(
            "A gazetteer needs at least one place in its area",
            f"none of the {sum(len(frame) for frame in frames):,} places is in {area.title}",
            "choose the area with --area, or files of this area",
        )
    points = _name_unnamed(points)
    order = points["kind"].map({kind: place for place, kind in enumerate(KINDS)})
    points = points.assign(order=order).sort_values(["order", "name", "ward_code", "lon", "lat"], kind="stable")
    points = points[list(COLUMNS)].drop_duplicates().reset_index(drop=True)
    with atomic_write(area.folder / GAZETTEER_FILE) as draft:
        points.to_csv(draft, index=False, lineterminator="\n", float_format=f"%.{_DIGITS}f")
    _write_facts(area, sources)
    counts = points["kind"].value_counts(sort=False)
    return GazetteerReport(
        area.name,
        str(area.folder / GAZETTEER_FILE),
        {path.name: read for path, _, read in sources},
        {kind: int(counts[kind]) for kind in KINDS if kind in counts},
        tuple(dict.fromkeys(credit.attribution for _, credit, _ in sources)),
    )


def _place_postcodes(points: pd.DataFrame) -> pd.DataFrame:
    """The points with the place of their postcode where they have none of their own; those without any are dropped."""
    codes = points[points["kind"] == "postcode"].drop_duplicates("name").set_index("name")
    missing = points["lon"].isna() & points["postcode"].isin(codes.index)
    placed = points.copy()
    for column in ("lon", "lat"):
        placed[column] = points[column].where(~missing, points["postcode"].map(dict(codes[column])))
    return placed[placed["lon"].notna() & placed["lat"].notna()]


def _keep_area(points: pd.DataFrame, area: Area) -> pd.DataFrame:
    """The points in the area or within 300 m of it, with their wards (blank outside), rounded."""
    lon, lat = (points[name].to_numpy(dtype=np.float64).round(_DIGITS) for name in ("lon", "lat"))
    west, south, east, north = area.bounds
    reach_lon, reach_lat = degrees_around((south + north) / 2, reach_m=_AROUND_M)
    near = (lon > west - reach_lon) & (lon < east + reach_lon) & (lat > south - reach_lat) & (lat < north + reach_lat)
    nearby = points[near].assign(lon=lon[near], lat=lat[near])
    ward = area.wards.locate(lon[near], lat[near])
    codes = np.append(np.array(area.wards.codes, dtype=object), "")  # -1, outside, is the last
    outside = ward < 0
    close = np.ones(len(nearby), dtype=np.bool_)
    if outside.any():
        close[outside] = _measure_away(nearby[outside], area) <= _AROUND_M
    return nearby.assign(ward_code=codes[ward])[close].reset_index(drop=True)


def _measure_away(points: pd.DataFrame, area: Area) -> NDArray[np.float64]:
    """Metres from each point to the area's edge."""
    lon, lat = area.centre
    edge = shapely.segmentize(shapely.boundary(shapely.union_all(area.wards.polygons)), 1e-3)
    corners = shapely.transform(edge, lambda xy: offsets_m(xy[:, 0], xy[:, 1], origin_lon=lon, origin_lat=lat))
    shapely.prepare(corners)
    xy = offsets_m(points["lon"], points["lat"], origin_lon=lon, origin_lat=lat)
    return np.asarray(shapely.distance(shapely.points(xy), corners), dtype=np.float64)


def _name_unnamed(points: pd.DataFrame) -> pd.DataFrame:
    """Places that a source only calls by their kind are named by the nearest street: "Car park near Borough Road"."""
    unnamed = points["name"].str.lower().isin(_UNNAMED).to_numpy() & (points["kind"] != STREET).to_numpy()
    streets = points[points["kind"] == STREET]
    if not unnamed.any() or streets.empty:
        return points
    lon, lat = float(points["lon"].mean()), float(points["lat"].mean())
    tree = cKDTree(offsets_m(streets["lon"], streets["lat"], origin_lon=lon, origin_lat=lat))
    places = points[unnamed]
    _, nearest = tree.query(offsets_m(places["lon"], places["lat"], origin_lon=lon, origin_lat=lat))
    names = [
        f"{kind[0].upper()}{kind[1:]} near {street}"
        for kind, street in zip(places["kind"], streets["name"].iloc[nearest], strict=True)
    ]
    named = points.copy()
    named.loc[unnamed, "name"] = names
    return named


def _write_facts(area: Area, sources: Sequence[tuple[Path, Publisher, int]]) -> None:
    lines = [
        "# Made by `hexbeat gazetteer build`; build again rather than edit.",
        f'wards_sha256 = "{hash_file(area.folder / WARDS_FILE)}"',
        f'gazetteer_sha256 = "{hash_file(area.folder / GAZETTEER_FILE)}"',
    ]
    for path, credit, read in sources:
        facts = {
            "title": credit.source,
            "licence": credit.licence,
            "attribution": credit.attribution,
            "file": path.name,
            "file_sha256": hash_file(path),
            "read": read,
        }
        lines += ["", "[[sources]]", *(format_toml_fact(name, value) for name, value in facts.items())]
    with atomic_write(area.folder / FACTS_FILE) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
