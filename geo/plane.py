"""One 3x3 matrix that maps places on the globe to H3 lattice coordinates over a town, and back.

Within one face of the icosahedron, H3 lays its hexagons out in the gnomonic plane of the face. So one homography
relates unit vectors and lattice coordinates (i, j). It is fitted to sample cells by the direct linear transform
(Hartley and Zisserman, Multiple View Geometry, algorithm 4.2), and rejected unless it fits them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import h3.api.basic_int as h3
import numpy as np
from h3 import H3BaseException
from numpy.typing import NDArray

from geo.digits import decode, decode_base_cell, find_prefixes

__all__ = ["RESIDUAL_CELLS", "Plane", "build_frame", "fit_plane", "local_coordinates", "unit_vectors"]

# h3 gives cell centres in degrees, rounded to some nanometres: 1e-10 of a cell of resolution 11. An edge of a face or a
# pentagon among the samples gives more than 1e-2. The plane is never used for points nearer than 1e-7 to an edge.
RESIDUAL_CELLS: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A fitted lattice: coordinates are counted from the cell `origin`.

    `to_lattice` (3, 3) maps a unit vector to (i, j, 1) up to scale, `to_vector` (3, 3) maps (i, j, 1) to the direction
    of a unit vector; `origin_ij` is the origin's own place on its base cell's lattice, `head` its `geo.digits` head.
    `reach` is the greatest distance from 0 of any sample's i or j.
    """

    origin: int
    head: int
    origin_ij: tuple[int, int]
    to_lattice: NDArray[np.float64]
    to_vector: NDArray[np.float64]
    reach: int


def unit_vectors(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (3, n) of points in degrees (n,), on the sphere that H3 takes WGS 84 latitudes to lie on."""
    lon, lat = np.radians(lon), np.radians(lat)
    vectors = np.empty((3, len(lon)))
    np.cos(lat, out=vectors[2])
    np.multiply(vectors[2], np.cos(lon), out=vectors[0])
    np.multiply(vectors[2], np.sin(lon), out=vectors[1])
    np.sin(lat, out=vectors[2])
    return vectors


def local_coordinates(origin: int, cells: NDArray[np.uint64]) -> NDArray[np.int64] | None:
    """Lattice coordinates (2, n) of cells on the lattice of the origin's base cell; None where it has none.

    There is none for a pentagonal base cell, nor for cells that H3 cannot relate to the origin.
    """
    head = origin >> 45
    if decode_base_cell(head) is None:
        return None
    ij = np.empty((2, len(cells)), dtype=np.int64)
    own = find_prefixes(cells) == np.uint64(head)
    ij[:, own] = decode(cells[own])
    try:
        for place in np.flatnonzero(~own).tolist():
            ij[:, place] = h3.cell_to_local_ij(origin, int(cells[place]))
    except H3BaseException:
        return None
    return ij


def build_frame(origin_vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows east, north, up at a unit vector (which may be a pole): a rotation, (3, 3)."""
    east = np.cross([0.0, 0.0, 1.0], origin_vector)
    length = np.linalg.norm(east)
    east = east / length if length > 0 else np.array([1.0, 0.0, 0.0])
    return np.stack([east, np.cross(origin_vector, east), origin_vector])


def _direct_linear_transform(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The homography (3, 3) from homogeneous source (3, n) to plane target (2, n), both scaled to about 1."""
    rows = np.zeros((2 * source.shape[1], 9))
    rows[0::2, 0:3] = rows[1::2, 3:6] = source.T
    rows[0::2, 6:9] = -(target[0] * source).T
    rows[1::2, 6:9] = -(target[1] * source).T
    # The triangle is small and has the same right singular vectors, so the long left ones are never computed.
    matrix: NDArray[np.float64] = np.linalg.svd(np.linalg.qr(rows, mode="r"))[2][-1].reshape(3, 3)
    return matrix


def fit_plane(origin: int, samples: Sequence[int]) -> Plane | None:
    """The plane through the sample cells (four or more, not in one row) around a cell; None where none fits.

    Every sample's centre lies within RESIDUAL_CELLS of its lattice point. A face is convex, so the same holds for every
    cell inside the hull of the samples.
    """
    cells = np.array(samples, dtype=np.uint64)
    ij = local_coordinates(origin, np.append(cells, np.uint64(origin)))
    if ij is None:
        return None
    origin_ij, ij = ij[:, -1:], ij[:, :-1] - ij[:, -1:]
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in [*cells.tolist(), origin]]).T
    vectors = unit_vectors(lon, lat)
    frame = build_frame(vectors[:, -1])
    vectors = frame @ vectors[:, :-1]
    scale = np.diag([1 / np.abs(vectors[:2]).max(), 1 / np.abs(vectors[:2]).max(), 1.0])
    cell_scale = np.diag([np.abs(ij).max(), np.abs(ij).max(), 1.0])
    core = _direct_linear_transform(scale @ vectors, ij / cell_scale[0, 0])
    core *= np.sign(core[2, 2])  # so that the third coordinate is positive on this side of the globe
    projected = cell_scale @ core @ scale @ vectors
    if not np.abs(projected[:2] / projected[2] - ij).max() <= RESIDUAL_CELLS:
        return None
    return Plane(
        origin=origin,
        head=origin >> 45,
        origin_ij=(int(origin_ij[0, 0]), int(origin_ij[1, 0])),
        to_lattice=cell_scale @ core @ scale @ frame,
        to_vector=frame.T @ np.linalg.inv(scale) @ np.linalg.inv(core) @ np.linalg.inv(cell_scale),
        reach=int(np.abs(ij).max()),
    )
