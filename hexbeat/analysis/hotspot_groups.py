"""Hotspot groups: hot (or cold) cells that touch, spoken of as one place, which its busiest cell stands for."""

from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from geo.cells import build_outlines
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import format_cell_code, parse_cells
from hexbeat.areas.street_names import name_group
from layers.wording import format_plural

__all__ = ["COLD", "GROUP_COLUMNS", "HOT", "describe_borders", "find_groups", "list_groups"]

HOT: Final = "hot"
COLD: Final = "cold"
# The columns of a group in commands, in this order.
GROUP_COLUMNS: Final = (
    "group", "place", "hotspot", "cells", "count", "cell", "busiest", "ward_code", "ward_name", "q_value",
    "times", "times_at_least", "active", "since",
)  # fmt: skip
_SUREST: Final = GROUP_COLUMNS[-4:]
_SLIVER: Final = 0.02  # of a cell: less in a ward is no crossing of its border


def find_groups(rows: pd.DataFrame, neighbours: csr_array) -> "pd.Series[int]":
    """The group of each cell, nullable integers (n,): 1 is the surest hot group, cold ones follow; null for no group.

    `rows` has hotspot, count, gi_z and q_value; `neighbours` is binary (n, n). Cells of one patch (column `patch`, the
    position of its middle, -1 for none) belong together even if they do not touch. A group of hot cells that hold no
    event takes in the cells beside it that do, because these made it hot: they have its number, and are no hotspots.
    """
    number = np.zeros(len(rows), dtype=np.int64)
    kinds, counts = rows["hotspot"].to_numpy(), rows["count"].to_numpy(dtype=np.float64)
    links = _link_patches(rows["patch"].to_numpy(), neighbours) if "patch" in rows else neighbours
    order = np.lexsort((-rows["gi_z"].to_numpy(), rows["q_value"].to_numpy()))
    last = 0
    for kind in (HOT, COLD):
        for members in _list_components(np.flatnonzero(kinds == kind), links, order):
            last += 1
            number[members] = last
            if kind == HOT and not counts[members].sum():
                around = np.unique(neighbours[members].indices)
                number[around[(counts[around] > 0) & (number[around] == 0) & (kinds[around] == "")]] = last
    return pd.Series(number, index=rows.index, dtype="Int64").mask(number == 0)


def _link_patches(patch: NDArray[np.intp], neighbours: csr_array) -> csr_array:
    """The neighbours, and from each cell of a patch to the patch's first cell."""
    members = np.flatnonzero(patch >= 0)
    first = np.zeros(len(patch), dtype=np.intp)
    first[patch[members[::-1]]] = members[::-1]
    size = len(patch)
    links = csr_array((np.ones(len(members)), (members, first[patch[members]])), shape=(size, size))
    return csr_array(neighbours + links + links.T)


def _list_components(
    members: NDArray[np.intp], neighbours: csr_array, order: NDArray[np.intp]
) -> list[NDArray[np.intp]]:
    """Cells that touch, as lists of their places; the list with the first of `order` comes first."""
    if not len(members):
        return []
    _, labels = connected_components(neighbours[members][:, members], directed=False)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    groups = [members[labels == label] for label in range(labels.max() + 1)]
    return sorted(groups, key=lambda group: int(rank[group].min()))


def list_groups(rows: pd.DataFrame, area: Area) -> pd.DataFrame:
    """A row for each group of `rows` (which have `group`), the surest hot one first: GROUP_COLUMNS.

    `place`: its name by its streets, unique among the groups. `cells`: how many cells; `count`: their sum; `cell`: the
    busiest, which holds `busiest`, with its ward; `q_value`: the smallest, and what its cell has in the last columns.
    """
    lines, names = [], set[str]()
    for number, cells in rows[rows["group"].notna()].groupby("group", sort=True):
        ordered = cells.sort_values(["count", "gi_z", "cell"], ascending=[False, False, True])
        first = ordered.iloc[0]
        spots = ordered[ordered["hotspot"] != ""]
        surest = (spots if len(spots) else ordered).sort_values("q_value", kind="stable").iloc[0]
        place = name_group(parse_cells(ordered["cell"].tolist()), area)
        if place in names:
            place = f"{place} · {format_cell_code(first['cell'])}"
        names.add(place)
        lines.append(
            {
                "group": int(str(number)),
                "place": place,
                "hotspot": max(cells["hotspot"]),  # "" for cells that only belong to it
                "cells": len(cells),
                "count": float(cells["count"].sum()),
                "cell": first["cell"],
                "busiest": float(first["count"]),
                "ward_code": first["ward_code"],
                "ward_name": first["ward_name"],
                "q_value": float(cells.loc[cells["hotspot"] != "", "q_value"].min()),
                **{name: surest[name] for name in _SUREST if name in cells},
            }
        )
    return pd.DataFrame(lines, columns=list(GROUP_COLUMNS))


def describe_borders(rows: pd.DataFrame, area: Area) -> list[str]:
    """How many of the hot and cold cells lie in more than one ward, as a note; none where no cell does."""
    cells = parse_cells(rows.loc[rows["hotspot"] != "", "cell"].tolist())
    if not len(cells):
        return []
    hexagons, wards = build_outlines(cells), np.array(area.wards.polygons, dtype=object)
    ward, cell = shapely.STRtree(hexagons).query(wards, predicate="intersects")
    part = shapely.area(shapely.intersection(hexagons[cell], wards[ward])) / shapely.area(hexagons[cell])
    shared = int((np.bincount(cell[part > _SLIVER], minlength=len(cells)) > 1).sum())
    if not shared:
        return []
    cross, subject = ("crosses", "It is") if shared == 1 else ("cross", "Each is")
    what = format_plural(shared, "of the cells that stand out", "of the cells that stand out")
    return [f"{what} {cross} a ward border. {subject} named by the ward with most of it."]
