"""Over a town an H3 resolution is a plane lattice: points to cells by arithmetic, and cells to one small bitmap.

`Lattice` indexes points exactly as h3 does and several times faster. It leaves to h3 the points nearer than EDGE_CELLS
to an edge, or outside the fitted circle. `fit_drawing_lattice` turns cells into what a browser needs to draw them. Both
give None where the lattice does not hold: over an edge of an icosahedron face, and near a pentagon.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from geo.digits import encode, find_prefixes
from geo.distance import EARTH_RADIUS_M
from geo.plane import Plane, build_frame, fit_plane, local_coordinates, unit_vectors

__all__ = ["EDGE_CELLS", "DrawingLattice", "Lattice", "fit_drawing_lattice", "fit_lattice"]

EDGE_CELLS: Final = 1e-7
_EARTH_KM: Final = EARTH_RADIUS_M / 1000
_COARSEST: Final = 5
_RINGS: Final = ((0.1, 12), (0.5, 48), (1.0, 96))  # sample circles: share of the radius, points on it
_BLOCK: Final = 8192  # points; the dozen work arrays of a block fit into the processor's cache
_WIDEST_TABLE: Final = 1 << 24  # up to so many lattice codes are looked up in a table; with more they are sorted
_WIDEST_BITMAP: Final = 1 << 22  # bits, half a megabyte: cells that need more are better drawn one by one


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """One resolution's cells within a circle: `fit_lattice` makes it, and `index` finds the cells of points.

    `plane` is counted from the cell in the circle's middle, and i and j run from -half to half. `probe` (4, 3) is the
    plane's matrix with the circle's middle as a fourth row; `nearest` is the cosine of the circle's radius.
    """

    plane: Plane
    half: int
    probe: NDArray[np.float64]
    nearest: float

    @classmethod
    def fit(cls, lon: float, lat: float, *, radius_km: float, resolution: int) -> "Lattice | None":
        """The lattice within radius_km of a point in degrees; None where the circle is not one plane lattice.

        None also for resolutions coarser than 5, whose cells are larger than towns.
        """
        if resolution < _COARSEST:
            return None
        origin = h3.latlng_to_cell(lat, lon, resolution)
        # The hull of the samples must hold the circle. 96 corners cut off 0.05 %, and the centre of a cell is not at
        # its point.
        reach_km = radius_km * 1.01 + 2 * h3.average_hexagon_edge_length(resolution)
        samples = {
            h3.latlng_to_cell(*place, resolution)
            for share, count in _RINGS
            for place in _build_circle(lon, lat, radius=reach_km * share / _EARTH_KM, count=count)
        }
        plane = fit_plane(origin, sorted(samples | {origin}))
        if plane is None:
            return None
        middle = unit_vectors(np.array([lon]), np.array([lat]))[:, 0]
        return cls(plane, plane.reach + 2, np.vstack([plane.to_lattice, middle]), math.cos(radius_km / _EARTH_KM))

    def index(self, vectors: NDArray[np.float64]) -> NDArray[np.uint64]:
        """Cells (uint64 (n,)) of unit vectors (3, n); 0 where h3 must decide (near edges, outside the circle)."""
        size = 2 * self.half + 1
        codes = np.empty(vectors.shape[1], dtype=np.int64)
        with np.errstate(divide="ignore", invalid="ignore"):  # places far outside; they are masked
            for start in range(0, len(codes), _BLOCK):
                block = slice(start, start + _BLOCK)
                self._compute_codes(vectors[:, block], codes[block])
        if size * size > _WIDEST_TABLE:
            distinct, place = np.unique(codes, return_inverse=True)
            return self._find_cells(distinct)[place]
        seen = np.zeros(size * size + 1, dtype=np.bool_)
        seen[codes] = True
        table = np.zeros(size * size + 1, dtype=np.uint64)
        distinct = np.flatnonzero(seen[:-1])
        table[distinct] = self._find_cells(distinct)
        return table[codes]

    def _compute_codes(self, vectors: NDArray[np.float64], out: NDArray[np.int64]) -> None:
        """Write into `out` the lattice codes of a block of unit vectors, or -1 where h3 must decide."""
        # Without BLAS: for so few sums its threads cost more than they save.
        probed = self.probe[:, :1] * vectors[0]
        probed += self.probe[:, 1:2] * vectors[1]
        probed += self.probe[:, 2:] * vectors[2]
        place = probed[:2] / probed[2]
        cell = np.rint(place)
        place -= cell
        sides = _measure_sides(place)
        worst = np.abs(sides).max(axis=0)
        # Rounding i and j separately can miss the right hexagon by one step, along the axis that is overrun most.
        overrun = np.flatnonzero(worst > 1)
        if len(overrun):
            beyond = sides[:, overrun]
            axis = np.abs(beyond).argmax(axis=0)
            sign = np.sign(beyond[axis, np.arange(len(overrun))])
            step = np.stack([sign * (axis != 1), sign * (axis != 0)])
            cell[:, overrun] += step
            worst[overrun] = np.abs(_measure_sides(place[:, overrun] - step)).max(axis=0)
        size = 2 * self.half + 1
        known = (worst < 1 - EDGE_CELLS) & (probed[3] >= self.nearest)
        cell += self.half
        np.multiply(cell[0], size, out=cell[0])
        np.add(cell[0], cell[1], out=cell[0])
        out[...] = np.where(known, cell[0], -1)

    def _find_cells(self, codes: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The cells of distinct lattice codes; 0 for -1, and for those of a neighbouring base cell."""
        i, j = np.divmod(codes, 2 * self.half + 1)
        i += self.plane.origin_ij[0] - self.half
        j += self.plane.origin_ij[1] - self.half
        return np.where(codes < 0, np.uint64(0), encode(i, j, head=self.plane.head))


def _measure_sides(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far (3, n) places (2, n), measured from a cell's centre, lie along its three axes; 1 is on a side.

    The axes are 120 degrees apart, so twice the scalar products with the neighbours (1, 0), (0, 1) and (1, 1).
    """
    sides = np.empty((3, place.shape[1]))
    np.subtract(2 * place[0], place[1], out=sides[0])
    np.subtract(2 * place[1], place[0], out=sides[1])
    np.add(place[0], place[1], out=sides[2])
    return sides


def _build_circle(lon: float, lat: float, *, radius: float, count: int) -> Iterator[tuple[float, float]]:
    """Places (lat, lon) in degrees, evenly on a circle of a radius in radians."""
    frame = build_frame(unit_vectors(np.array([lon]), np.array([lat]))[:, 0])
    turn = np.arange(count) * (2 * math.pi / count)
    x, y, z = frame.T @ np.stack(
        [math.sin(radius) * np.cos(turn), math.sin(radius) * np.sin(turn), np.full(count, math.cos(radius))]
    )
    yield from zip(np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x)), strict=True)


@lru_cache(maxsize=64)
def fit_lattice(lon: float, lat: float, *, radius_km: float, resolution: int) -> Lattice | None:
    """`Lattice.fit`, cached: a fit takes some milliseconds, and there are few areas and resolutions."""
    return Lattice.fit(lon, lat, radius_km=radius_km, resolution=resolution)


@dataclass(frozen=True, slots=True, eq=False)
class DrawingLattice:
    """Cells of one resolution as a matrix and a bitmap, for drawing.

    `matrix` (3, 3) maps (i, j, 1) to the direction of the unit vector (x to lon 0, z to the north pole) of a place. At
    whole i and j it is a cell's centre; its corners are at (i, j) plus (2, 1), (1, 2), (-1, 1), (-2, -1), (-1, -2) and
    (1, -1) thirds. i runs from 0 to width - 1, j from 0 to height - 1. `mask` holds a bit for each cell at i * height +
    j (NumPy's packbits, the first bit highest), set for those that are present. `order` (n,) gives the index of the
    cell of each set bit, in the order of the bits.
    """

    matrix: NDArray[np.float64]
    width: int
    height: int
    mask: bytes
    order: NDArray[np.int64]


def fit_drawing_lattice(cells: NDArray[np.uint64]) -> DrawingLattice | None:
    """The lattice of some distinct cells of one resolution; None where they do not lie on one plane lattice.

    None over an edge of an icosahedron face, near a pentagon, for cells too far from each other for a bitmap, for
    several resolutions, and for no cells. Draw outlines (`geo.cells.build_outlines`) instead.
    """
    if len(cells) == 0 or len(set((cells >> np.uint64(52)).tolist())) > 1:
        return None
    ij = local_coordinates(int(cells[0]), cells)
    if ij is None:
        return None
    low = ij.min(axis=1, keepdims=True)
    width, height = (int(extent) + 1 for extent in (ij - low).max(axis=1))
    if width * height > _WIDEST_BITMAP:
        return None
    plane = _fit_plane_around(cells, ij)
    if plane is None:
        return None
    bit = (ij[0] - low[0]) * height + ij[1] - low[1]
    present = np.zeros(width * height, dtype=np.bool_)
    present[bit] = True
    shift = np.eye(3)
    shift[:2, 2] = low[:, 0] - np.array(plane.origin_ij)
    return DrawingLattice(plane.to_vector @ shift, width, height, np.packbits(present).tobytes(), np.argsort(bit))


def _fit_plane_around(cells: NDArray[np.uint64], ij: NDArray[np.int64]) -> Plane | None:
    """The plane of cells at lattice coordinates (2, n), if they lie on one face; its origin is a cell near the middle.

    A face is convex on the plane, so it holds all cells if it holds the corners of their hull. The origin has the base
    cell of the first cell, to which the coordinates belong.
    """
    corners = _find_hull_corners(ij)
    off_middle = np.abs(ij - ij[:, corners].mean(axis=1, keepdims=True)).max(axis=0)
    middle = np.argmin(np.where(find_prefixes(cells) == find_prefixes(cells[:1]), off_middle, np.inf))
    faces = {face for cell in cells[corners].tolist() for face in h3.get_icosahedron_faces(cell)}
    if len(faces) > 1:
        return None
    # Few cells, or cells in a row, do not fix a plane. Their neighbours help, if they are on the same face.
    spread = np.unique(np.linspace(0, len(cells) - 1, 32).astype(np.intp))
    samples = {neighbour for cell in cells[corners].tolist() for neighbour in h3.grid_disk(cell, 1)}
    inside = {cell for cell in samples if set(h3.get_icosahedron_faces(cell)) == faces}
    return fit_plane(int(cells[middle]), sorted(inside | set(cells[spread].tolist()) | set(cells[corners].tolist())))


def _find_hull_corners(ij: NDArray[np.int64]) -> NDArray[np.int64]:
    """The points (2, n) that are corners of their convex hull, by Andrew's monotone chain over the ends of rows."""
    order = np.lexsort((ij[1], ij[0]))
    first = np.append(True, np.diff(ij[0, order]) > 0)
    ends = order[first | np.append(first[1:], True)]
    points = ij[:, ends].T.tolist()
    chain = _build_half_hull(points, range(len(points))) + _build_half_hull(points, range(len(points) - 1, -1, -1))
    corners: NDArray[np.int64] = ends[sorted(set(chain))]
    return corners


def _build_half_hull(points: list[list[int]], order: range) -> list[int]:
    chain: list[int] = []
    for place in order:
        while len(chain) > 1 and _measure_turn(points[chain[-2]], points[chain[-1]], points[place]) <= 0:
            chain.pop()
        chain.append(place)
    return chain


def _measure_turn(a: list[int], b: list[int], c: list[int]) -> int:
    """Positive for a turn to the left from a over b to c."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
