"""Points and polygons to H3 cells; cells to outlines, names and sizes; and how many separate places cells hold.

Separate places are cells of which no two touch. If cells alone counted, a building on the corner of three cells would
be three places, and one recorded at two points 20 m apart could be two. So a cell counts only if none of its neighbours
counts already.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Final

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.distance import EARTH_RADIUS_M
from geo.errors import DataError, UsageError
from geo.lattice import BLOCK, Lattice, LatticeIndexer, Projection, fit_lattice
from geo.plane import unit_vectors
from geo.town_lattice import TownIndexer

__all__ = [
    "build_outlines",
    "count_separate_places",
    "find_centres",
    "find_meeting_cells",
    "format_cells",
    "format_short_code",
    "index_points",
    "index_points_at",
    "measure_areas_km2",
    "parse_cell_strings",
]

_FINEST: Final = 15  # resolutions of H3; each takes three bits of an index
_FEWEST_TO_FIT: Final = 256  # with fewer points a fit costs more time than it saves
_CHUNK: Final = 1 << 17  # points whose codes are turned into cells together
_SQUARES: Final = (
    1.0,
    0.25,
)  # degrees: points outside the first circle are tried by squares, and again by smaller ones
_FEWEST_TO_SPLIT: Final = 8_192  # points of a square: with fewer, likewise
_SAMPLE: Final = 4096  # points that the choice of a circle looks at
_RADII_KM: Final = (8.0, 16.0, 32.0, 64.0, 128.0)  # circles to try; for points outside the last, h3 does the work
_GRID_DEGREES: Final = 0.05  # centres of circles are rounded to this, so that fits are found in the cache


def count_separate_places(cells: NDArray[np.uint64], groups: NDArray[np.int64], *, size: int) -> NDArray[np.int64]:
    """How many places each group has (size,), of H3 cells (n,) of one resolution and their groups (n,), 0 to size - 1.

    Cells are taken in the order of their numbers: each one unless it or a neighbour was taken before, in whatever
    group. A cell that is in several groups counts in the lowest. So no two places touch, over all groups together, and
    each cell is a place or touches one. The order of the input makes no difference. The answer is at most the largest
    number of cells that do not touch, and may be lower. A street of cells in a row is many places. Two points nearer to
    each other than an edge of the cells (24 m or more at resolution 11 in England) are one place.
    """
    order = np.lexsort((groups, cells))
    distinct, first = np.unique(np.asarray(cells, dtype=np.uint64)[order], return_index=True)
    near: set[int] = set()
    places = []
    for number, cell in enumerate(distinct.tolist()):
        if cell not in near:
            places.append(number)
            near.update(h3.grid_disk(cell, 1))
    owners = np.asarray(groups, dtype=np.int64)[order][first[places]]
    return np.bincount(owners, minlength=size).astype(np.int64)


def index_points(lon: ArrayLike, lat: ArrayLike, *, resolution: int) -> NDArray[np.uint64]:
    """The H3 cell (uint64 (n,)) of each point in WGS 84 degrees ((n,) each): equal to h3's `latlng_to_cell`.

    Raises DataError for coordinates that are not numbers or not on the globe, UsageError for a resolution that is not
    0 to 15.
    """
    return index_points_at(lon, lat, resolutions=(resolution,))[resolution]


def index_points_at(lon: ArrayLike, lat: ArrayLike, *, resolutions: Iterable[int]) -> dict[int, NDArray[np.uint64]]:
    """`index_points` at several resolutions: the cells (uint64 (n,)) of each, from the points and not from parents."""
    chosen = tuple(resolutions)
    for resolution in chosen:
        _require_resolution(resolution)
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    _require_on_globe(lon, lat)
    cells = {resolution: np.zeros(len(lon), dtype=np.uint64) for resolution in chosen}
    rest = _index_circle(lon, lat, cells, None)
    for degrees in _SQUARES:
        outside = [rest[:0]]
        for places in _split_by_squares(lon, lat, rest, degrees):
            is_worth = len(places) >= _FEWEST_TO_SPLIT
            outside.append(places[_index_circle(lon[places], lat[places], cells, places)] if is_worth else places)
        rest = np.concatenate(outside)
    for resolution, ids in cells.items():
        rest = np.flatnonzero(ids == 0)
        ids[rest] = _index_by_h3(lon[rest], lat[rest], resolution)
    return cells


def find_meeting_cells(
    polygons: Sequence[shapely.Geometry] | NDArray[np.object_], *, resolution: int
) -> NDArray[np.uint64]:
    """Every cell (sorted uint64) whose outline meets the polygons (lon/lat degrees), empty ones too: the study area.

    Outlines and polygons have straight sides in degrees. A cell that only touches a polygon meets it.
    """
    _require_resolution(resolution)
    whole = shapely.union_all(np.asarray(polygons, dtype=object))
    if whole.is_empty:
        return np.array([], dtype=np.uint64)
    # Boxes first: h3 tests every candidate against every side of a shape, and wards have thousands of sides.
    boxes = shapely.bounds(shapely.get_parts(whole)).tolist()
    shapes = [h3.geo_to_h3shape(shapely.box(*box)) for box in boxes]
    candidates = [h3.h3shape_to_cells_experimental(shape, resolution, contain="bbox_overlap") for shape in shapes]
    cells = np.unique(np.fromiter(chain.from_iterable(candidates), dtype=np.uint64))
    shapely.prepare(whole)
    is_met: NDArray[np.bool_] = shapely.intersects(whole, build_outlines(cells))
    return cells[is_met]


def build_outlines(cells: NDArray[np.uint64]) -> NDArray[np.object_]:
    """Outlines of cells: shapely polygons (n,) in WGS 84 degrees, lon before lat."""
    if len(cells) == 0:
        return np.array([], dtype=object)
    rings = [h3.cell_to_boundary(cell) for cell in cells.tolist()]
    owner = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    degrees = np.fromiter(chain.from_iterable(chain.from_iterable(rings)), dtype=np.float64)
    corners = degrees.reshape(-1, 2)[:, ::-1]
    return np.asarray(shapely.polygons(shapely.linearrings(corners, indices=owner)), dtype=object)


def find_centres(cells: NDArray[np.uint64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The centres of cells: lon, lat float64 (n,) each, WGS 84 degrees."""
    centres = np.array([h3.cell_to_latlng(cell) for cell in cells.tolist()], dtype=np.float64).reshape(-1, 2)
    return centres[:, 1].copy(), centres[:, 0].copy()


def format_cells(cells: NDArray[np.uint64]) -> list[str]:
    """The usual names of cells: 15 hexadecimal digits, in the same order as the numbers."""
    digits = np.ascontiguousarray(cells, dtype=">u8").tobytes().hex()
    return [digits[start : start + 15] for start in range(1, len(digits), 16)]


def parse_cell_strings(names: Iterable[str]) -> NDArray[np.uint64]:
    """Cells (uint64 (n,)) from their names; DataError if a name is not a cell."""
    texts = list(names)
    cells = [_parse_cell(name) for name in texts]
    if 0 in cells:
        raise DataError(
            "A cell is named by its H3 number in hexadecimal digits",
            f"{texts[cells.index(0)]!r} is not a cell",
            "copy the name from a map's link, or from the column `cell` of `hexbeat counts`",
        )
    return np.array(cells, dtype=np.uint64)


def measure_areas_km2(cells: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The area of each cell in square kilometres, float64 (n,), on the sphere."""
    return np.array([h3.cell_area(cell, unit="km^2") for cell in cells.tolist()], dtype=np.float64)


def format_short_code(cell: int) -> str:
    """Four hexadecimal digits that distinguish the cells of a town: the last 16 bits of the index that are in use.

    They hold five digits of the hierarchy and a bit. Two cells of one resolution that share a code are about as far
    from each other as cells of resolution 4 (about 45 km). Not unique between resolutions.
    """
    resolution = cell >> 52 & 0xF
    return f"{cell >> 3 * (_FINEST - resolution) & 0xFFFF:04x}"


def _parse_cell(name: str) -> int:
    """The cell of that name; 0 if there is none."""
    try:
        cell = int(name, 16)
        return cell if h3.is_valid_cell(cell) else 0
    except (OverflowError, ValueError):
        return 0


def _require_resolution(resolution: int) -> None:
    if not 0 <= resolution <= 15:  # noqa: PLR2004 (H3 has sixteen resolutions)
        raise UsageError(
            "An H3 resolution is a whole number from 0 to 15",
            f"you asked for {resolution}",
            "choose 8, 9, 10 or 11 for a town",
        )


def _require_on_globe(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> None:
    greatest = [max(values.max(initial=0), -values.min(initial=0)) for values in (lon, lat)]  # NaN stays NaN
    if not (greatest[0] <= 180 and greatest[1] <= 90):  # noqa: PLR2004 (degrees)
        good = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)  # noqa: PLR2004
        raise DataError(
            "A point has a longitude from -180 to 180 and a latitude from -90 to 90 degrees",
            f"{np.count_nonzero(~good)} of {len(good)} points do not, the first at position {np.argmin(good)}",
            "leave out points without coordinates, and convert eastings and northings to degrees first",
        )


def _fit_circle(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[float, float, int]:
    """A circle (lon, lat, index into _RADII_KM) that holds nearly all points; outside it h3 does the work.

    It is fitted to some thousand of the points, and rounded so that other points of the town have the same.
    """
    step = max(1, len(lon) // _SAMPLE)
    lon, lat = lon[::step], lat[::step]
    centre_deg = np.round(np.array([np.median(lon), np.median(lat)]) / _GRID_DEGREES) * _GRID_DEGREES
    centre = unit_vectors(centre_deg[:1], centre_deg[1:])
    distances = np.linalg.norm(unit_vectors(lon, lat) - centre, axis=0)
    radius_km = float(np.quantile(distances, 0.999)) * EARTH_RADIUS_M / 1000 * 1.02
    return float(centre_deg[0]), float(centre_deg[1]), min(bisect_left(_RADII_KM, radius_km), len(_RADII_KM) - 1)


def _choose_lattice(circle: tuple[float, float, int], resolution: int) -> Lattice | None:
    """The lattice of the circle, or of the widest smaller circle that has one; None if there is none."""
    lon, lat, widest = circle
    for radius_km in reversed(_RADII_KM[: widest + 1]):
        lattice = fit_lattice(lon, lat, radius_km=radius_km, resolution=resolution)
        if lattice is not None:
            return lattice
    return None


def _index_circle(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    cells: dict[int, NDArray[np.uint64]],
    at: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """Write the cells of points into `cells`, at these places (None: at all), where a circle around them has lattices.

    Returns the positions in `lon` of points that lie outside: those without a cell at one of the resolutions.
    """
    if len(lon) < _FEWEST_TO_FIT:
        return np.arange(len(lon))
    circle = _fit_circle(lon, lat)
    indexers: dict[int, LatticeIndexer] = {}
    shared = None
    for resolution in cells:
        if lattice := _choose_lattice(circle, resolution):
            indexers[resolution] = LatticeIndexer(lattice, shared, points=len(lon))
            shared = indexers[resolution].projection
    if not indexers:
        return np.arange(len(lon))
    town = TownIndexer.build(*circle[:2], [indexer.lattice for indexer in indexers.values()])
    if town is None:
        return _index_parts(lon, lat, cells, at, indexers, partial(_compute_codes, list(indexers.values())))
    left = _index_parts(lon, lat, cells, at, indexers, town.compute_codes)
    exactly = partial(_compute_codes, list(indexers.values()))
    places = left if at is None else at[left]
    return left[_index_parts(lon[left], lat[left], cells, places, indexers, exactly)]


def _index_parts(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    cells: dict[int, NDArray[np.uint64]],
    at: NDArray[np.int64] | None,
    indexers: Mapping[int, LatticeIndexer],
    compute_codes: Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]], None],
) -> NDArray[np.int64]:
    """`_index_circle` by these indexers, from the codes that a function writes for a block of points."""
    outside = [np.zeros(0, dtype=np.int64)]
    codes = np.empty((len(indexers), min(_CHUNK, len(lon))), dtype=np.int64)
    for start in range(0, len(lon), _CHUNK):
        size = min(_CHUNK, len(lon) - start)
        for first in range(0, size, BLOCK):
            last = min(first + BLOCK, size)
            block = slice(start + first, start + last)
            compute_codes(lon[block], lat[block], codes[:, first:last])
        chunk = slice(start, start + size)
        is_outside = np.zeros(size, dtype=np.bool_)
        for row, (resolution, indexer) in zip(codes, indexers.items(), strict=True):
            ids = cells[resolution][chunk] if at is None else np.empty(size, dtype=np.uint64)
            is_outside[indexer.find_cells(row[:size], ids)] = True
            if at is not None:
                cells[resolution][at[chunk]] = ids
        outside.append(np.flatnonzero(is_outside) + start)
    return np.concatenate(outside)


def _compute_codes(
    indexers: Sequence[LatticeIndexer], lon: NDArray[np.float64], lat: NDArray[np.float64], out: NDArray[np.int64]
) -> None:
    """Write the codes of a block of points into `out` (indexers, n), in double precision."""
    vectors = unit_vectors(lon, lat)
    projected: dict[Projection, NDArray[np.float64]] = {}
    for row, indexer in zip(out, indexers, strict=True):
        if indexer.projection not in projected:
            projected[indexer.projection] = indexer.projection.project(vectors)
        indexer.compute_codes(projected[indexer.projection], row)


def _split_by_squares(
    lon: NDArray[np.float64], lat: NDArray[np.float64], places: NDArray[np.int64], degrees: float
) -> list[NDArray[np.int64]]:
    """The places of points by squares of so many degrees."""
    row, column = (np.floor((array[places] + 360) / degrees).astype(np.int64) for array in (lat, lon))
    square = row * 10_000 + column
    order = np.argsort(square, kind="stable")
    begins = np.flatnonzero(np.diff(square[order], prepend=-1))
    return np.split(places[order], begins[1:])


def _index_by_h3(lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int) -> NDArray[np.uint64]:
    find_cell = h3.latlng_to_cell
    pairs = zip(lat.tolist(), lon.tolist(), strict=True)
    return np.fromiter((find_cell(y, x, resolution) for y, x in pairs), dtype=np.uint64, count=len(lon))
