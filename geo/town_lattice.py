"""Lattice codes of a town's points at several resolutions together, in single precision.

Most points lie so far from any edge that seven digits are enough to say in which cell. `TownIndexer` finds those, about
five times as fast as `geo.lattice.LatticeIndexer`, and says of every other point that it does not know.

Single precision is enough because nothing large is ever subtracted: places are counted from the circle's middle, and
sines of small angles are short sums (their remainders are below a millionth of a millionth of the earth's radius).
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.lattice import AXES, BLOCK, Lattice
from geo.plane import build_frame

__all__ = ["TownIndexer"]

_ROUNDINGS: Final = 16  # more than there are between a point and its place, each of at most half a last digit
_HALF_DIGIT: Final = 2.0**-24  # of a number of single precision, relative
_LARGEST_DOUBT: Final = 0.01  # lattice units: where more is not known, too many points would be left
_WIDEST: Final = 0.06  # radians: up to here the sums of the small angles hold
_MOST_CODES: Final = 1 << 24  # whole numbers up to here are exact in single precision
_MARGIN: Final = 1e-4  # of the circle's radius and more: points so near to its rim are left


class TownIndexer:
    """Finds the lattice codes of points, those of `LatticeIndexer`, for lattices of one circle on one face.

    `build` makes it. E, N and V are a point's distance east and north of the circle's middle and below its horizon, in
    radii of the earth. On the plane of the face it lies at (E, N) / w, where w = 1 + east * E + north * N - V. From
    there an affine map leads to its length along each of a lattice's three axes.
    """

    def __init__(self, lon: float, lat: float, lattices: Sequence[Lattice]) -> None:
        """`lon`, `lat`: the circle's middle in degrees; the lattices share its radius and their plane."""
        self._middle = np.array([[lon], [lat]])
        self._sin, self._cos = math.sin(math.radians(lat)), math.cos(math.radians(lat))
        radius = math.acos(lattices[0].nearest)
        self._farthest = (radius / max(self._cos, 1e-9) * 1.01, radius * 1.01)
        self._lowest = (1 - lattices[0].nearest) * (1 - _MARGIN)
        self._count = len(lattices)
        maps = np.array([_compute_axes(lattice) for lattice in lattices])  # (lattices, 3, 3)
        self._tilt = _compute_tilt(lattices[0])
        self._axes = maps.transpose(1, 0, 2).reshape(-1, 3).astype(np.float32)
        self._half = np.array([[lattice.half] for lattice in lattices], dtype=np.float32)
        self.unknown = np.array([(2 * lattice.half + 1) ** 2 for lattice in lattices])
        reach = np.abs(maps[:, :, :2]).sum(axis=2).max(axis=1) * math.tan(radius) + 1
        self.doubt = _ROUNDINGS * _HALF_DIGIT * reach
        self._allocate(BLOCK)

    @classmethod
    def build(cls, lon: float, lat: float, lattices: Sequence[Lattice]) -> "TownIndexer | None":
        """The indexer of a circle (its middle in degrees); None where single precision is not enough."""
        if not lattices:
            return None
        indexer = cls(lon, lat, lattices)
        is_enough = (
            indexer.doubt.max() <= _LARGEST_DOUBT
            and max(indexer._farthest) <= _WIDEST
            and indexer.unknown.max() <= _MOST_CODES
            and all(lattice.nearest == lattices[0].nearest for lattice in lattices)
            # Of one plane: a tilt that differs by so little moves no point by a tenth of the doubt.
            and all(np.abs(_compute_tilt(lattice) - indexer._tilt).max() < _HALF_DIGIT for lattice in lattices)
        )
        return indexer if is_enough else None

    def _allocate(self, size: int) -> None:
        kind = np.float32
        self._degrees = np.empty((2, size))
        self._angle, self._square, self._sine, self._versine = (np.empty((2, size), kind) for _ in range(4))
        self._place = np.ones((3, size), kind)
        self._side, self._whole = (np.empty((3, self._count, size), kind) for _ in range(2))
        self._most = np.empty((self._count, size), kind)
        self._is_unknown = np.empty((self._count, size), np.bool_)

    def compute_codes(self, lon: NDArray[np.float64], lat: NDArray[np.float64], out: NDArray[np.int64]) -> None:
        """Write the codes of at most BLOCK points in degrees into `out` (lattices, n), `unknown` where it is not sure.

        For how whole parts along the axes become a code see `LatticeIndexer.compute_codes`. They are those of one half
        less here, rounded, so that all that is left is at most a half, and an edge is where it comes near to that.
        """
        if len(lon) != self._place.shape[1]:
            self._allocate(len(lon))
        self._project(lon, lat)
        side, whole, most = self._side, self._whole, self._most
        np.matmul(self._axes, self._place, out=side.reshape(-1, len(lon)))
        np.rint(side, out=whole)
        np.subtract(side, whole, out=side)
        np.abs(side, out=side)
        np.maximum(side[0], side[1], out=most)
        np.maximum(most, side[2], out=most)
        np.less(most, (0.5 - self.doubt[:, None]).astype(np.float32), out=self._is_unknown)
        np.logical_not(self._is_unknown, out=self._is_unknown)  # not numbers are unknown, too
        np.add(whole[2], 3 * self._half + 1, out=whole[2])
        cell = whole[:2]
        np.add(cell, whole[2], out=cell)
        np.multiply(cell, 1 / 3, out=cell)
        np.rint(cell, out=cell)
        np.multiply(cell[0], 2 * self._half + 1, out=cell[0])
        np.add(cell[0], cell[1], out=cell[0])
        unknown = np.flatnonzero(self._is_unknown)
        cell[0].reshape(-1)[unknown] = self.unknown[unknown // len(lon)]
        np.copyto(out, cell[0], casting="unsafe")

    def _project(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> None:
        """Put the places of points on the plane into the first rows of `_place`; outside the circle they are NaN."""
        angle, square, sine, versine = self._angle, self._square, self._sine, self._versine
        np.subtract(lon, self._middle[0], out=self._degrees[0])
        np.subtract(lat, self._middle[1], out=self._degrees[1])
        np.multiply(self._degrees, math.pi / 180, out=angle, casting="same_kind")
        self._leave_far_points()
        np.multiply(angle, angle, out=square)
        _compute_sine(angle, square, out=sine)
        _compute_versine(square, out=versine)
        (east, north, _), cos_lat, spare, below = self._place, angle[1], square[0], square[1]
        np.multiply(versine[1], -self._cos, out=cos_lat)
        np.multiply(sine[1], self._sin, out=spare)
        np.subtract(cos_lat, spare, out=cos_lat)
        np.add(cos_lat, self._cos, out=cos_lat)
        np.multiply(cos_lat, sine[0], out=east)
        np.multiply(cos_lat, versine[0], out=below)
        np.multiply(below, self._sin, out=north)
        np.add(north, sine[1], out=north)
        np.multiply(below, self._cos, out=below)
        np.add(below, versine[1], out=below)
        if not below.max() <= self._lowest:
            east[~(below <= self._lowest)] = np.nan
        scale = angle[0]
        np.multiply(east, self._tilt[0], out=scale)
        np.subtract(scale, below, out=scale)
        np.multiply(north, self._tilt[1], out=spare)
        np.add(scale, spare, out=scale)
        np.add(scale, 1, out=scale)
        np.divide(self._place[:2], scale, out=self._place[:2])

    def _leave_far_points(self) -> None:
        """Make angles not numbers where the sums would not hold."""
        distance = np.abs(self._angle, out=self._square)
        if distance[0].max() > self._farthest[0] or distance[1].max() > self._farthest[1]:
            self._angle[0, (distance[0] > self._farthest[0]) | (distance[1] > self._farthest[1])] = np.nan


def _compute_sine(angle: NDArray[np.float32], square: NDArray[np.float32], *, out: NDArray[np.float32]) -> None:
    """Sines of small angles in radians: a (1 - a²/6 + a⁴/120); up to 0.06 the rest is below 1e-11 of it."""
    np.multiply(square, 1 / 120, out=out)
    np.subtract(out, 1 / 6, out=out)
    np.multiply(out, square, out=out)
    np.add(out, 1, out=out)
    np.multiply(out, angle, out=out)


def _compute_versine(square: NDArray[np.float32], *, out: NDArray[np.float32]) -> None:
    """1 less the cosine of small angles: a²/2 - a⁴/24; up to 0.06 the rest is below 1e-10."""
    np.multiply(square, -1 / 24, out=out)
    np.add(out, 1 / 2, out=out)
    np.multiply(out, square, out=out)


def _turn(lattice: Lattice) -> NDArray[np.float64]:
    """The lattice's matrix (3, 3), from (east, north, up) at the circle's middle to (i, j, 1) up to scale."""
    return np.asarray(lattice.plane.to_lattice @ build_frame(lattice.probe[3]).T)


def _compute_tilt(lattice: Lattice) -> NDArray[np.float64]:
    """How much nearer the plane of the face is for each step east and north: (2,)."""
    turned = _turn(lattice)
    return np.asarray(turned[2, :2] / turned[2, 2])


def _compute_axes(lattice: Lattice) -> NDArray[np.float64]:
    """The map (3, 3) from (E / w, N / w, 1) to the lengths along the three axes, less a half."""
    turned = _turn(lattice)
    middle = turned[:2, 2] / turned[2, 2]
    steps = (turned[:2, :2] - np.outer(middle, turned[2, :2])) / turned[2, 2]
    axes = AXES @ np.column_stack([steps, middle])
    axes[:, 2] -= 0.5
    return np.asarray(axes)
