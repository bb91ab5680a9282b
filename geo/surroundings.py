"""The surroundings of each place: the nearest candidate places, which say how many events would be ordinary there.

An uneven town makes a comparison with its average call the whole centre hot. So each place is compared with those near
it. How many are needed depends on how full the map is: enough that some dozens of events are expected among them,
in a full part of a town fewer than in an empty one.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

__all__ = ["FEWEST_AROUND", "Surroundings", "build_surroundings"]

FEWEST_AROUND: Final = 6  # places; with fewer there is nothing to compare with
_USUAL: Final = 36  # as many as the first three rings of hexagons hold
_NEAREST: Final = 18  # in the full parts of a town; of wider ones a bend towards its middle would stand out
_MOST: Final = 576  # so that the lists of an area of ten thousand cells stay small
_MOST_M2: Final = 4e6  # of wider surroundings a town centre would stand out as a whole
_EXPECTED: Final = 60.0  # events that the surroundings should hold: their rate is then known to about an eighth
_HEXAGON: Final = 0.866  # the area of a hexagon over the square of the distance between centres
_PATCH: Final = 7  # a cell and those that touch it

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """The neighbours of m candidate places, near and further.

    `patches` csr (m, m), binary with self, says which touch; `x_m`, `y_m` (m,) are their centres in metres; `place_m2`
    is the area of one. Make it with `build_surroundings`, once for a grid: lists of neighbours are kept.
    """

    patches: csr_array
    x_m: Floats
    y_m: Floats
    place_m2: float
    _lists: dict[int, tuple[NDArray[np.int32], NDArray[np.int32]]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.x_m)

    def choose_size(self, mean: float) -> int:
        """How many places surround each one where a place has `mean` events on average."""
        most = min(_MOST, max(_USUAL, int(_MOST_M2 / self.place_m2)))
        size = _USUAL
        while size < most and size * mean < _EXPECTED:
            size *= 2
        return min(size, most, max(len(self) - _PATCH, 0))

    def sum_around(self, is_left: Floats, counts: Floats, *, patch: bool) -> tuple[Floats, Floats]:
        """How many places (0 or 1 in `is_left`), and events, surround each place, or each patch: (m,) both.

        Where a town is full its surroundings are near, so that they are as full. Where it is empty they are wide.
        """
        size = self.choose_size(float(counts.mean()))
        near = self.find(size)[patch]
        around, events = is_left[near].sum(axis=1), counts[near].sum(axis=1)
        while size > _NEAREST:
            size = max(size // 2, _NEAREST)
            # As many are expected among the nearer ones, by the rate of the wider: what they hold does not choose them.
            is_enough = events * size >= _EXPECTED * around
            if not is_enough.any():
                break
            nearer = near[is_enough, :size]
            around[is_enough], events[is_enough] = is_left[nearer].sum(axis=1), counts[nearer].sum(axis=1)
        return around, events

    def find(self, size: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The `size` nearest others of each place, and of each patch those outside it: int32 (m, size) each."""
        if size not in self._lists:
            self._lists[size] = self._find(size)
        return self._lists[size]

    def _find(self, size: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        if not size:
            empty = np.zeros((len(self), 0), dtype=np.int32)
            return empty, empty
        points = np.column_stack([self.x_m, self.y_m])
        _, nearest = cKDTree(points).query(points, k=size + _PATCH)
        nearest = nearest.astype(np.int32)
        in_patch = np.zeros(nearest.shape, dtype=np.bool_)
        rows = np.repeat(np.arange(len(self)), np.diff(self.patches.indptr))
        # Members of a patch are among the first few of the list, but for a hole in the grid: compare with each.
        step = np.arange(len(rows)) - self.patches.indptr[rows]
        for member in range(int(step.max(initial=-1)) + 1):
            of_rows, cells = rows[step == member], self.patches.indices[step == member]
            in_patch[of_rows] |= nearest[of_rows] == cells[:, None]
        itself = nearest == np.arange(len(self))[:, None]
        return tuple(
            np.take_along_axis(nearest, np.argsort(left_out, axis=1, kind="stable")[:, :size], axis=1)
            for left_out in (itself, in_patch)
        )  # type: ignore[return-value]  # two of them


def build_surroundings(x_m: Floats, y_m: Floats, patches: csr_array) -> Surroundings:
    """The surroundings of m candidate places with centres in metres; `patches` csr (m, m), binary with self."""
    points = np.column_stack([x_m, y_m]).astype(np.float64)
    spacing_m = np.median(cKDTree(points).query(points, k=2)[0][:, 1]) if len(points) > 1 else 1.0
    return Surroundings(patches, points[:, 0], points[:, 1], _HEXAGON * max(float(spacing_m), 1.0) ** 2)
