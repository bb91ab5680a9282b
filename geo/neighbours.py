"""Which cells touch which: the neighbour matrix of Getis-Ord Gi*, k-ring 1 with the cell itself.

Within one hexagonal base cell, H3 cells are a plane lattice, and neighbours lie at (i, j) plus or minus one. The h3
library is needed only for cells that could have a neighbour in another base cell, and for those of the twelve
pentagons.
"""

from typing import Final

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo.digits import decode, decode_base_cell, find_prefixes
from geo.errors import UsageError

__all__ = ["build_neighbours"]

_HALF_RING: Final = ((1, 0), (0, 1), (1, 1))  # the axes are 120 degrees apart; the other three are their mirrors


def build_neighbours(cells: NDArray[np.uint64]) -> csr_array:
    """The binary neighbour matrix, csr (n, n) float64, of H3 cells (n,) of one resolution in any order.

    Entry (a, b) is 1 where the cells share an edge or are the same. A row has 1 to 7 ones, fewer at the edge of the
    area (at most 6 for a pentagon). Cells outside the list are not neighbours. Raises UsageError for a repeated cell.
    """
    cells = np.asarray(cells, dtype=np.uint64)
    order = np.argsort(cells, kind="stable")
    if (np.diff(cells[order]) == 0).any():
        raise UsageError(
            "A study area has each cell only once",
            f"{len(cells) - len(np.unique(cells))} cells are repeated",
            "remove repeated cells with numpy.unique",
        )
    prefixes = find_prefixes(cells)
    distinct_prefixes = np.unique(prefixes)
    pairs = [np.tile(np.arange(len(cells)), (2, 1))]
    for prefix in distinct_prefixes.tolist():
        places = np.flatnonzero(prefixes == prefix)
        if decode_base_cell(prefix) is None:
            pairs.append(_find_pairs_by_h3(cells, places, order))
            continue
        pairs_in_base_cell = places[_find_lattice_pairs(*decode(cells[places]))]
        pairs += [pairs_in_base_cell, pairs_in_base_cell[::-1]]
        if len(distinct_prefixes) > 1:
            is_inner = np.bincount(pairs_in_base_cell.ravel(), minlength=len(cells)) == 2 * len(_HALF_RING)
            pairs.append(_find_pairs_by_h3(cells, places[~is_inner[places]], order))
    return _build_binary_matrix(np.concatenate(pairs, axis=1), len(cells))


def _find_lattice_pairs(i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.intp]:
    """Positions (2, pairs) of the cells that are one step apart, each pair once."""
    i, j = i - i.min(), j - j.min()
    span = int(j.max()) + 2  # one column more than there are, so that a step never wraps into the next row
    codes = i * span + j
    order = np.argsort(codes)
    ranked = codes[order]
    pairs = []
    for step_i, step_j in _HALF_RING:
        wanted = ranked + step_i * span + step_j
        rank = np.minimum(np.searchsorted(ranked, wanted), len(ranked) - 1)
        is_cell = ranked[rank] == wanted
        pairs.append(np.stack([order[is_cell], order[rank[is_cell]]]))
    return np.concatenate(pairs, axis=1)


def _find_pairs_by_h3(cells: NDArray[np.uint64], places: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Positions (2, pairs), in both orders, of each cell at `places` and the listed cells of its h3 disk."""
    disks = [h3.grid_disk(cell, 1) for cell in cells[places].tolist()]
    cell_places = np.repeat(places, [len(disk) for disk in disks])
    wanted = np.array([cell for disk in disks for cell in disk], dtype=np.uint64)
    ranked = cells[order]
    rank = np.minimum(np.searchsorted(ranked, wanted), len(ranked) - 1)
    is_cell = ranked[rank] == wanted
    one_way = np.stack([cell_places[is_cell], order[rank[is_cell]]])
    return np.concatenate([one_way, one_way[::-1]], axis=1)


def _build_binary_matrix(pairs: NDArray[np.intp], size: int) -> csr_array:
    """The csr matrix with a one at each pair (row, column), however often the pair occurs."""
    matrix = csr_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(size, size))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    narrow = (matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))  # 32 bits: products read half as much
    return csr_array((matrix.data, *narrow), shape=matrix.shape)
