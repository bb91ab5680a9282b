"""What counts are grouped by: a code for each event, and the columns that name a code."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.calendar import format_month
from geo.cells import format_cells
from geo.wards import Wards
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns

__all__ = ["Groups", "group_by_cell", "group_by_layer", "group_by_month", "group_by_ward"]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """One thing to group by: each event's code (n,) below `size`, and the columns of labels for some codes."""

    code: NDArray[np.integer]
    size: int
    label: Callable[[NDArray[np.int64]], dict[str, list[str]]]


def group_by_cell(columns: Columns, index: NDArray[np.int64], resolution: int) -> Groups:
    """Column cell: H3 names, in the order of the numbers."""
    ids = columns.cell_ids[resolution]
    return Groups(columns.cell[resolution][index], len(ids), lambda code: {"cell": format_cells(ids[code])})


def group_by_ward(columns: Columns, index: NDArray[np.int64], wards: Wards | None) -> Groups:
    """Columns ward_code, in which they are sorted, and ward_name; without wards the code stands for the name."""
    codes = sorted(columns.ward_codes)
    rank = np.array([codes.index(code) for code in columns.ward_codes], dtype=np.int64)
    named = dict(zip(wards.codes, wards.names, strict=True)) if wards else {}

    def label(code: NDArray[np.int64]) -> dict[str, list[str]]:
        chosen = [codes[place] for place in code.tolist()]
        return {"ward_code": chosen, "ward_name": [named.get(ward, ward) for ward in chosen]}

    return Groups(rank[columns.ward[index]], len(codes), label)


def group_by_month(month: NDArray[np.int64]) -> Groups:
    """Column month, YYYY-MM; months are given since January 1970."""
    first = int(month.min()) if len(month) else 0
    code = month - first
    size = int(code.max()) + 1 if len(code) else 0
    return Groups(code, size, lambda code: {"month": [format_month(first + place) for place in code.tolist()]})


def group_by_layer(columns: Columns, index: NDArray[np.int64]) -> Groups:
    """Column layer, sorted by name."""
    names = sorted(LAYER_NAMES)
    rank = np.array([names.index(name) for name in LAYER_NAMES], dtype=np.int64)
    return Groups(rank[columns.layer[index]], len(names), lambda code: {"layer": [names[p] for p in code.tolist()]})
