"""Cells of one resolution as what a browser needs to draw them: lattices, each one matrix and one bitmap.

A town is one lattice. An area over an edge of an icosahedron face, or far wider than a town, is a few: one for each
base cell and face, and where that is too wide for a bitmap, for parts of it. What lies on the edge itself, and the
cells of the twelve pentagonal base cells, have no lattice and are drawn by their outlines (`geo.cells.build_outlines`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from geo.digits import decode_base_cell, find_prefixes
from geo.plane import Plane, fit_plane, local_coordinates

__all__ = ["DrawingLattice", "fit_drawing_lattice", "fit_drawing_lattices"]

_WIDEST_BITMAP: Final = 1 << 22  # bits, half a megabyte: cells that need more are better drawn in parts
_MOST_FOREIGN: Final = 5_000  # cells of other base cells, which h3 relates to the first one by one
_FACE_LEVELS: Final = 4  # cells are sorted by face as many levels up as this, where their ancestor lies within one
_MOST_PARTS: Final = 256  # lattices: with more, outlines take no more room
_FINEST: Final = 15
_EDGE: Final = -1  # instead of a face


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
    several resolutions, and for no cells.
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


def fit_drawing_lattices(cells: NDArray[np.uint64]) -> tuple[list[DrawingLattice], NDArray[np.int64]]:
    """The lattices of distinct cells (n,) of one resolution, and the indices of the cells that lie on none.

    The `order` of each lattice are indices into `cells`. Together with the rest each cell is there once.
    """
    everything = np.arange(len(cells))
    if len(cells) == 0:
        return [], everything
    lattices: list[DrawingLattice] = []
    rest = []
    prefixes = find_prefixes(cells)
    if np.count_nonzero(prefixes != prefixes[0]) <= _MOST_FOREIGN and (whole := fit_drawing_lattice(cells)):
        return [whole], everything[:0]
    for places, is_in_one_face in _group_by_face(cells, prefixes):
        parts = _fit_parts(cells, places) if is_in_one_face else None
        if parts is None or len(lattices) + len(parts) > _MOST_PARTS:
            rest.append(places)
        else:
            lattices += parts
    return lattices, np.sort(np.concatenate(rest)) if rest else everything[:0]


def _group_by_face(cells: NDArray[np.uint64], prefixes: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], bool]]:
    """The indices of the cells by base cell and face, and whether it is one face that a lattice can lie on."""
    faces = _find_faces(cells)
    for prefix in np.unique(prefixes).tolist():
        has_lattice = decode_base_cell(prefix) is not None
        own = np.flatnonzero(prefixes == prefix)
        for face in np.unique(faces[own]).tolist():
            yield own[faces[own] == face], has_lattice and face != _EDGE


def _find_faces(cells: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The face of the icosahedron on which each cell lies, _EDGE for those that lie on several.

    The cells below an ancestor lie within it and its neighbours, which mostly have one face.
    """
    resolution = int(cells[0]) >> 52 & 15
    ancestors, place = np.unique(_find_ancestors(cells, max(0, resolution - _FACE_LEVELS)), return_inverse=True)
    of_ancestor = np.full(len(ancestors), _EDGE)
    for number, ancestor in enumerate(ancestors.tolist()):
        around = {face for cell in h3.grid_disk(ancestor, 1) for face in h3.get_icosahedron_faces(cell)}
        if len(around) == 1:
            of_ancestor[number] = around.pop()
    faces = of_ancestor[place]
    for number in np.flatnonzero(faces == _EDGE).tolist():
        own = h3.get_icosahedron_faces(int(cells[number]))
        if len(own) == 1:
            faces[number] = own[0]
    return faces


def _find_ancestors(cells: NDArray[np.uint64], resolution: int) -> NDArray[np.uint64]:
    """The ancestors of cells at a coarser resolution: `h3.cell_to_parent`, without a call for each."""
    unused = np.uint64((1 << 3 * (_FINEST - resolution)) - 1)
    bits = cells & ~np.uint64(15 << 52)
    return bits | np.uint64(resolution << 52) | unused


def _fit_parts(cells: NDArray[np.uint64], places: NDArray[np.int64], level: int = 0) -> list[DrawingLattice] | None:
    """The lattices of some cells of one base cell and face, by ancestors of this resolution; None if one does not fit.

    One is enough unless the cells lie too far from each other for a bitmap.
    """
    if lattice := fit_drawing_lattice(cells[places]):
        return [replace(lattice, order=places[lattice.order])]
    if level >= int(cells[places[0]]) >> 52 & 15:
        return None
    ancestors = _find_ancestors(cells[places], level + 1)
    lattices: list[DrawingLattice] = []
    for ancestor in np.unique(ancestors).tolist():
        parts = _fit_parts(cells, places[ancestors == ancestor], level + 1)
        if parts is None:
            return None
        lattices += parts
    return lattices


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
