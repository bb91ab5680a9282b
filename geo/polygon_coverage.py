"""Check and repair of a polygon coverage: every place in at most one polygon, and no slivers between them.

Polygons are shapely arrays in longitude and latitude (WGS 84 degrees). Widths in metres are measured in a local plane
(`to_plane`), areas in square metres on the ellipsoid. Source: the coverage model of JTS and GEOS.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.distance import area_m2, metres_per_degree

__all__ = [
    "DECIMALS",
    "INLET_M",
    "NARROW_M",
    "Fault",
    "find_enclosed_gaps",
    "find_faults",
    "find_narrow_inlets",
    "is_narrow",
    "repair",
    "round_polygons",
    "to_degrees",
    "to_plane",
]

Polygons = NDArray[Any]  # shapely geometries, (n,)
Kind = Literal["ring", "overlap", "sliver", "edge"]

DECIMALS: Final = 6  # of a degree: 0.11 m north, 0.06 m east at 55 degrees
NARROW_M: Final = 2.0  # a gap or overlap is a drawing fault, and no place, if no circle of this diameter fits into it
INLET_M: Final = 0.5  # an open gap narrower than this is worth a look


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that keeps polygons from being a coverage.

    `kind`: "ring" (a polygon that is not valid by itself), "overlap" (two polygons share an area), "sliver" (a narrow
    gap that they enclose), "edge" (two polygons meet without the same corners). `members` are the indices of the
    polygons in the array, ascending. `area_m2` is 0 for rings and edges. `lon`, `lat` is a point at the fault.
    `reason` is what GEOS says of a ring, else empty.
    """

    kind: Kind
    members: tuple[int, ...]
    area_m2: float
    lon: float
    lat: float
    reason: str = ""


def round_polygons(polygons: Polygons, *, decimals: int = DECIMALS) -> Polygons:
    """Each coordinate rounded to decimals of a degree; equal corners stay equal, so shared edges stay shared.

    Repeated corners are dropped. Outer rings run anticlockwise (RFC 7946). A tiny part may become invalid: check after.
    A polygon of which a ring collapses to a line or a point keeps its repeated corners, and is not valid.
    """
    flat = shapely.force_2d(polygons)
    rounded = shapely.transform(flat, lambda degrees: np.round(degrees, decimals) + 0.0)  # + 0.0: no negative zero
    try:
        plain = shapely.remove_repeated_points(rounded)
    except shapely.GEOSException:
        plain = np.array([_remove_repeated_points(polygon) for polygon in np.ravel(rounded)], dtype=object)
    return np.asarray(shapely.orient_polygons(plain, exterior_cw=False))


def _remove_repeated_points(polygon: shapely.Geometry) -> shapely.Geometry:
    """One polygon without repeated corners; the same polygon if a ring has too few others."""
    try:
        return shapely.remove_repeated_points(polygon)
    except shapely.GEOSException:
        return polygon


def to_plane(polygons: Polygons, *, latitude: float) -> Polygons:
    """Degrees to metres, scaled for one latitude; widths are true to 1 % within half a degree of it."""
    return np.asarray(shapely.transform(polygons, lambda degrees: degrees * metres_per_degree(latitude)))


def to_degrees(polygons: Polygons, *, latitude: float) -> Polygons:
    """Metres to degrees: the inverse of `to_plane` at the same latitude."""
    return np.asarray(shapely.transform(polygons, lambda metres: metres / metres_per_degree(latitude)))


def is_narrow(polygons: Polygons, *, latitude: float, width_m: float = NARROW_M) -> NDArray[np.bool_]:
    """Whether each polygon is too narrow for a circle of this diameter, (n,)."""
    return np.asarray(shapely.is_empty(shapely.buffer(to_plane(polygons, latitude=latitude), -width_m / 2)))


def find_enclosed_gaps(polygons: Polygons) -> Polygons:
    """Gaps that the polygons together enclose and none covers, as polygons (m,), largest first."""
    union = shapely.union_all(polygons)
    rings = [ring for part in shapely.get_parts(union) for ring in shapely.get_parts(part.interiors)]
    gaps = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    return gaps[np.argsort(-shapely.area(gaps), kind="stable")] if len(gaps) else gaps


def find_faults(polygons: Polygons, *, width_m: float = NARROW_M) -> list[Fault]:
    """Everything that keeps the polygons from being a coverage; empty if they are one.

    Invalid rings are reported alone, because nothing else is known before they are repaired. Edges are reported only
    if there is nothing else, because overlaps and slivers cause them. A gap wider than `width_m` is not a fault: it is
    outside the area, such as a neighbour's enclave.
    """
    broken = [_build_ring_fault(int(place), polygons[place]) for place in np.flatnonzero(~shapely.is_valid(polygons))]
    broken += [_build_ring_fault(int(place), polygons[place]) for place in np.flatnonzero(shapely.is_empty(polygons))]
    if broken:
        return broken
    latitude = _find_middle_latitude(polygons)
    gaps = find_enclosed_gaps(polygons)
    slivers = gaps[is_narrow(gaps, latitude=latitude, width_m=width_m)] if len(gaps) else gaps
    faults = [_build_fault("sliver", _find_touching(polygons, gap), gap) for gap in slivers]
    if shapely.coverage_is_valid(polygons):
        return faults
    if faults := _list_overlap_faults(polygons) + faults:
        return faults
    edges = shapely.coverage_invalid_edges(polygons)
    return [_build_fault("edge", (int(place),), edges[place]) for place in np.flatnonzero(~shapely.is_empty(edges))]


def find_narrow_inlets(polygons: Polygons, *, width_m: float = INLET_M) -> list[int]:
    """Indices of polygons of a valid coverage at a gap narrower than `width_m` that is open to the outside.

    It may be a creek, or two edges that were meant to be one. Only a person can decide, so it is not a fault.
    """
    plane = to_plane(polygons, latitude=_find_middle_latitude(polygons))
    edges = shapely.coverage_invalid_edges(plane, gap_width=width_m)
    return [int(place) for place in np.flatnonzero(~shapely.is_empty(edges))]


def repair(polygons: Polygons, *, width_m: float = NARROW_M) -> tuple[Polygons, list[Fault]]:
    """New polygons without invalid rings, narrow overlaps and narrow gaps, rounded, and the faults that were repaired.

    An overlap or a gap goes to the neighbour with the longest shared border. Overlaps that are not narrow stay as they
    are, because only the publisher knows to whom they belong. The result may still have faults; check it.
    """
    rings = [fault for fault in find_faults(polygons, width_m=width_m) if fault.kind == "ring"]
    sound = _repair_rings(polygons, rings)
    faults = [fault for fault in find_faults(sound, width_m=width_m) if fault.kind != "ring"]
    latitude = _find_middle_latitude(sound)
    if not faults or _has_wide_overlap(sound, latitude=latitude, width_m=width_m):
        return sound, rings
    plane = to_plane(sound, latitude=latitude)
    clean = shapely.coverage_clean(plane, gap_width=width_m)  # type: ignore[attr-defined] # stubs are of shapely 2.1
    return round_polygons(to_degrees(np.asarray(clean), latitude=latitude)), rings + faults


def _find_middle_latitude(polygons: Polygons) -> float:
    """The latitude in the middle of the bounds of all polygons."""
    _, south, _, north = shapely.total_bounds(polygons)
    return float(south + north) / 2


def _build_fault(kind: Kind, members: tuple[int, ...], where: shapely.Geometry, reason: str = "") -> Fault:
    point = shapely.point_on_surface(where)
    lon, lat = (np.nan, np.nan) if point.is_empty else (point.x, point.y)
    return Fault(kind, members, area_m2(where), float(lon), float(lat), reason)


def _build_ring_fault(place: int, polygon: shapely.Geometry) -> Fault:
    """The fault of one invalid or empty polygon, at the point that GEOS names."""
    if shapely.is_empty(polygon):
        return Fault("ring", (place,), 0.0, np.nan, np.nan, "Nothing is left of it")
    reason, _, where = shapely.is_valid_reason(polygon).partition("[")
    lon, lat = (float(number) for number in where.rstrip("]").split())
    return Fault("ring", (place,), 0.0, lon, lat, reason)


def _find_touching(polygons: Polygons, gap: shapely.Geometry) -> tuple[int, ...]:
    """The indices of the polygons that meet a gap."""
    return tuple(int(place) for place in np.flatnonzero(shapely.intersects(polygons, gap)))


def _find_overlaps(polygons: Polygons) -> list[tuple[int, int, shapely.Geometry]]:
    """Pairs of polygons that overlap, and the overlap of each pair."""
    left, right = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    pairs = sorted((int(a), int(b)) for a, b in zip(left, right, strict=True) if a < b)
    shared = [(a, b, shapely.intersection(polygons[a], polygons[b])) for a, b in pairs]
    return [(a, b, overlap) for a, b, overlap in shared if overlap.area > 0]


def _list_overlap_faults(polygons: Polygons) -> list[Fault]:
    return [_build_fault("overlap", (a, b), overlap) for a, b, overlap in _find_overlaps(polygons)]


def _has_wide_overlap(polygons: Polygons, *, latitude: float, width_m: float) -> bool:
    overlaps = np.array([overlap for _, _, overlap in _find_overlaps(polygons)], dtype=object)
    return bool(len(overlaps)) and not bool(is_narrow(overlaps, latitude=latitude, width_m=width_m).all())


def _repair_rings(polygons: Polygons, faults: list[Fault]) -> Polygons:
    """The polygons, with invalid ones made valid; parts that collapse to lines or points are dropped."""
    sound = polygons.copy()
    for fault in faults:
        place = fault.members[0]
        valid = shapely.make_valid(polygons[place], method="structure", keep_collapsed=False)
        parts = [part for part in shapely.get_parts(valid) if part.geom_type == "Polygon"]
        sound[place] = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return round_polygons(sound)
