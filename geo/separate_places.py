"""How many different places there are among cells: those of which no two touch.

A building on the corner of three cells would be three places by its cells alone, and one that is recorded twice, 20 m
apart, two. So a cell counts only if no neighbour of it counts already.
"""

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

__all__ = ["count_separate_places"]


def count_separate_places(cells: NDArray[np.uint64], groups: NDArray[np.int64], *, size: int) -> NDArray[np.int64]:
    """How many places each group has (size,), of H3 cells (n,) of one resolution and their groups (n,), 0 to size - 1.

    Cells are taken in the order of their numbers, each if neither it nor one of its neighbours was taken, whatever
    their groups; one that is in several groups counts in the lowest. So no two of the places of all groups together
    touch, and each cell is one of them or touches one. The order of the input makes no difference. It is no more than
    the largest number of cells that do not touch, and may be fewer; a street of cells in a row is many places. Two
    points nearer to each other than an edge of the cells (24 m or more at resolution 11 in England) are one place.
    """
    order = np.lexsort((groups, cells))
    distinct, first = np.unique(np.asarray(cells, dtype=np.uint64)[order], return_index=True)
    near: set[int] = set()
    taken = []
    for number, cell in enumerate(distinct.tolist()):
        if cell not in near:
            taken.append(number)
            near.update(h3.grid_disk(cell, 1))
    owners = np.asarray(groups, dtype=np.int64)[order][first[taken]]
    return np.bincount(owners, minlength=size).astype(np.int64)
