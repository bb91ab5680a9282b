"""Columns as a viewer may see them: what is finer than the policy is not in them, nor in anything made of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import h3
import numpy as np
from numpy.typing import NDArray

from geo.cells import index_points_at
from geo.errors import UsageError
from geo.wards import Wards
from layers.catalogue import find_layer, find_layer_code
from layers.columns import Columns
from layers.coverage import Coverage
from layers.event import LOCATION_PRECISIONS, RESOLUTIONS
from layers.precision import find_finest
from layers.roles import POINTS, Detail
from layers.wording import CELL_WIDTHS_M

__all__ = ["describe_ward_cells", "restrict_columns", "restrict_coverage"]

_EXACT: Final = LOCATION_PRECISIONS.index("exact") + 1
_NO_CELL: Final = np.uint64(0)
_WARD_M: Final = 5_000.0  # an event whose ward alone is shown may be anywhere in it


def restrict_columns(columns: Columns, details: Mapping[str, Detail], *, wards: Wards | None = None) -> Columns:
    """The columns with what these details of each layer show; the same object where all of them are points.

    A layer of which nothing is shown is not in them: no event, no source or category that only it has, no days. An
    event that is shown in cells has no point: lon and lat are the middle of its cell, and all its cells those of that
    middle. Its location is as well known as the cell is wide, or less, so that no analysis speaks of finer cells. Its
    ward is the one of `wards` that holds most of the cell: its own would say in which part of the cell it was. So the
    numbers of a ward are not those that others see; those of the area are. An event that is shown by ward has no point
    (NaN) and no cell, and its own ward, unless the detail makes wards of cells. Time, quantity, category and reporter
    stay. `Columns.find_cell_codes` refuses cells that are finer than the detail. UsageError where `wards`, which have
    to be those of the columns, are needed and missing.
    """
    limited = {layer: detail for layer, detail in details.items() if detail != POINTS}
    if not limited:
        return columns
    hidden = [layer for layer, detail in limited.items() if detail.kind == "nothing"]
    visible_columns = _leave_out(columns, hidden) if hidden else columns
    for layer, detail in limited.items():
        if detail.kind in {"cells", "wards"}:
            visible_columns = _blur(visible_columns, layer, detail, wards)
    coverage = None if columns.coverage is None else restrict_coverage(columns.coverage, details)
    return replace(visible_columns, details=limited, coverage=coverage)


def restrict_coverage(coverage: Coverage, details: Mapping[str, Detail]) -> Coverage:
    """The coverage without the layers of which nothing is shown."""
    visible_layers = {layer for layer, detail in details.items() if detail.kind != "nothing"}
    return Coverage(
        tuple(entry for entry in coverage.entries if entry.layer in visible_layers),
        coverage.ward_codes,
        frozenset(reporter for reporter in coverage.reporters if reporter[0] in visible_layers),
        tuple(arrivals for arrivals in coverage.arrivals if arrivals.layer in visible_layers),
    )


def describe_ward_cells(columns: Columns, layers: Iterable[str] = ()) -> list[str]:
    """A sentence for each of these layers (none: all) of which the viewer sees wards that are made of cells."""
    return [
        f"{find_layer(layer).title}: each cell of {CELL_WIDTHS_M[size]:,} m counts in the ward that holds most of it, "
        "because your role sees cells. The numbers of a ward can differ from those that others see."
        for layer, size in columns.find_ward_cells(layers).items()
    ]


def _leave_out(columns: Columns, hidden: list[str]) -> Columns:
    """The columns without these layers, and without the names that only they have."""
    remaining = columns.take(~np.isin(columns.layer, [find_layer_code(layer) for layer in hidden]))
    categories, category = _drop_unused(remaining.categories, remaining.category, always=1)
    sources, source = _drop_unused(remaining.sources, remaining.source)
    cells = {resolution: remaining.cell_ids[resolution][remaining.cell[resolution]] for resolution in RESOLUTIONS}
    return replace(
        _set_cells(remaining, cells), categories=categories, category=category, sources=sources, source=source
    )


def _drop_unused(
    names: tuple[str, ...], codes: NDArray[Any], *, always: int = 0
) -> tuple[tuple[str, ...], NDArray[Any]]:
    """The names that codes use, and the codes into them; the first `always` names stay."""
    used = np.bincount(codes, minlength=len(names)) > 0
    used[:always] = True
    place = (np.cumsum(used) - 1).astype(codes.dtype)
    return tuple(name for name, is_used in zip(names, used.tolist(), strict=True) if is_used), place[codes]


def _blur(columns: Columns, layer: str, detail: Detail, wards: Wards | None) -> Columns:
    """The columns with the events of a layer as cells or by ward."""
    rows, finest = find_finest(columns, layer, time_zone="UTC")  # days only show which points come again
    cells = {resolution: columns.cell_ids[resolution][columns.cell[resolution]] for resolution in RESOLUTIONS}
    lon, lat, location = columns.lon.copy(), columns.lat.copy(), columns.location.copy()
    metres, ward = columns.location_m.copy(), columns.ward
    location[rows] = _EXACT
    if detail.ward_cells is not None:
        ward = ward.copy()
        ward[rows] = _find_wards(columns, cells[detail.ward_cells][rows], wards)
    if detail.kind != "cells" or detail.resolution is None:
        lon[rows] = lat[rows] = np.nan
        metres[rows] = _WARD_M
        for resolution in RESOLUTIONS:
            cells[resolution][rows] = _NO_CELL
    else:
        lon[rows], lat[rows] = _find_middles(cells[detail.resolution][rows])
        known = np.minimum(finest, detail.resolution)
        half = np.array([CELL_WIDTHS_M[int(size)] / 2 for size in known], dtype=metres.dtype)
        metres[rows] = np.maximum(metres[rows], half)
        indexed = index_points_at(lon[rows], lat[rows], resolutions=RESOLUTIONS)
        for resolution in RESOLUTIONS:
            cells[resolution][rows] = indexed[resolution]
    blurred = replace(columns, lon=lon, lat=lat, location=location, location_m=metres, ward=ward)
    return _set_cells(blurred, cells)


def _find_wards(columns: Columns, cells: NDArray[np.uint64], wards: Wards | None) -> NDArray[np.int16]:
    """The codes (n,) of the wards that hold most of these cells (n,)."""
    if wards is None or not set(wards.codes) <= set(columns.ward_codes):
        raise UsageError(
            "Events that are shown in cells have the wards of these cells",
            "the boundaries of the wards were not given",
            "give the wards of the area (this is a fault of Hexbeat: please report it)",
        )
    code = np.array([columns.ward_codes.index(name) for name in wards.codes], dtype=columns.ward.dtype)
    return code[wards.find_cell_wards(cells)]


def _find_middles(cells: NDArray[np.uint64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The longitude and latitude of the middle of each cell (n,)."""
    ids, code = np.unique(cells, return_inverse=True)
    middles = np.array([h3.cell_to_latlng(h3.int_to_str(int(cell))) for cell in ids]).reshape(-1, 2)
    return middles[code, 1], middles[code, 0]


def _set_cells(columns: Columns, cells: Mapping[int, NDArray[np.uint64]]) -> Columns:
    """The columns with these cells, each (n,), as codes into the cells that are in use."""
    tables = {resolution: np.unique(values, return_inverse=True) for resolution, values in cells.items()}
    return replace(
        columns,
        cell={resolution: code.astype(np.int32) for resolution, (_, code) in tables.items()},
        cell_ids={resolution: ids for resolution, (ids, _) in tables.items()},
    )
