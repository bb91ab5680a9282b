"""H3 cell numbers to lattice coordinates (i, j) and back, by their digits.

A cell's digits say, level by level, in which of the seven children of a base cell it lies. Their sum is a pair of whole
coordinates (i, j) on the hexagonal lattice of its resolution. (0, 0) is the centre of the base cell, and the axes are
120 degrees apart. Source: the H3 core library's `_faceIjkToH3` and `_upAp7`, `_downAp7` and their `r` twins, rewritten
for arrays of axial coordinates. The twelve pentagonal base cells have no such lattice and are not handled here.
"""

from typing import Final

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

__all__ = ["decode", "decode_base_cell", "decode_resolution", "encode", "find_prefixes"]

_FINEST: Final = 15
_HEAD_SHIFT: Final = np.uint64(45)  # above the digits: mode, resolution and base cell
_BASE_CELL_MASK: Final = 127
# Step of the digits 0 to 6 (7 stands for "no digit" and never occurs up to a cell's resolution).
_STEP_I: Final = np.array([0, -1, 0, -1, 1, 0, 1, 0], dtype=np.int64)
_STEP_J: Final = np.array([0, -1, 1, 0, 0, -1, 1, 0], dtype=np.int64)
# The digit of a step, at (step_i + 1) * 3 + (step_j + 1); the two steps that no child has get 0.
_DIGIT: Final = np.array([1, 3, 0, 5, 0, 2, 0, 4, 6], dtype=np.uint64)


def find_prefixes(cells: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The bits above the digits of each cell: equal for cells of one resolution and one base cell."""
    return cells >> _HEAD_SHIFT


def decode_resolution(head: int) -> int:
    """The resolution (0 to 15) in a head."""
    return head >> 7 & 15


def decode_base_cell(head: int) -> int | None:
    """The number (0 to 121) of the base cell in a head; None for a pentagon, whose digits are no lattice."""
    number = head & _BASE_CELL_MASK
    whole = 1 << 59 | number << 45 | (1 << 45) - 1
    return None if h3.is_pentagon(whole) else number


def decode(cells: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lattice coordinates (i, j), int64 (n,) each, of cells that share one head whose base cell is no pentagon."""
    resolution = decode_resolution(int(cells[0] >> _HEAD_SHIFT)) if len(cells) else 0
    i = np.zeros(len(cells), dtype=np.int64)
    j = np.zeros(len(cells), dtype=np.int64)
    for level in range(1, resolution + 1):
        i, j = (2 * i + j, 3 * j - i) if level % 2 else (3 * i - j, i + 2 * j)
        digit = (cells >> np.uint64(3 * (_FINEST - level)) & np.uint64(7)).astype(np.intp)
        i += _STEP_I[digit]
        j += _STEP_J[digit]
    return i, j


def encode(i: NDArray[np.int64], j: NDArray[np.int64], *, head: int) -> NDArray[np.uint64]:
    """Cells (uint64 (n,)) at lattice coordinates of the head's base cell and resolution; 0 where another's begins."""
    resolution = decode_resolution(head)
    cells = np.full(len(i), (head << 45) | (1 << 3 * (_FINEST - resolution)) - 1, dtype=np.uint64)
    for level in range(resolution, 0, -1):
        # The parent's coordinates are the sevenths, rounded: seven is odd, so there are no ties.
        if level % 2:
            up_i, up_j = (3 * i - j + 3) // 7, (i + 2 * j + 3) // 7
            step = (i - (2 * up_i + up_j) + 1) * 3 + (j - (3 * up_j - up_i) + 1)
        else:
            up_i, up_j = (2 * i + j + 3) // 7, (3 * j - i + 3) // 7
            step = (i - (3 * up_i - up_j) + 1) * 3 + (j - (up_i + 2 * up_j) + 1)
        cells |= _DIGIT[step] << np.uint64(3 * (_FINEST - level))
        i, j = up_i, up_j
    cells[(i != 0) | (j != 0)] = 0
    return cells
