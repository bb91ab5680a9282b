"""What names of places are made of: the short code of a cell and its ward. Also the area of wards.

Cells are named by their streets in `street_names`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from geo.cells import format_short_code
from geo.distance import area_m2
from geo.lazy_modules import import_lazily
from geo.wards import Wards
from layers.event import RESOLUTIONS

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = [
    "CELL_KM2",
    "MOST_CELLS",
    "build_ward_labels",
    "choose_resolution",
    "find_cell_resolution",
    "find_cell_wards",
    "format_cell_code",
    "measure_area_km2",
    "parse_cells",
]

MOST_CELLS: Final = 1000  # with more, the cells of a town's map are too small to tap
FINEST_AUTOMATIC: Final = 10  # cells of resolution 11 (25 m) are finer than the location precision of most reports
CELL_KM2: Final = {8: 0.7373, 9: 0.1053, 10: 0.01505, 11: 0.00215}  # mean areas, h3geo.org/docs/core-library/restable


def parse_cells(cells: Sequence[str]) -> NDArray[np.uint64]:
    """H3 strings as uint64 (n,)."""
    return np.array([int(cell, 16) for cell in cells], dtype=np.uint64)


def format_cell_code(cell: str) -> str:
    """The short code of a cell (geo.cells.format_short_code), from its H3 string."""
    return format_short_code(int(cell, 16))


def find_cell_resolution(cell: str) -> int:
    """The resolution of a cell, from its H3 string."""
    return int(cell, 16) >> 52 & 0xF


def find_cell_wards(cells: NDArray[np.uint64], wards: Wards) -> "pd.DataFrame":
    """Columns cell (H3 string), ward_code, ward_name of the ward that holds most of each cell, in the order given.

    It is the ward in which events count for a role that sees them in such cells (`layers.restriction`).
    """
    ward = wards.find_cell_wards(cells)
    return pd.DataFrame(
        {
            "cell": [f"{int(cell):x}" for cell in cells],
            "ward_code": np.array(wards.codes, dtype=object)[ward],
            "ward_name": np.array(wards.names, dtype=object)[ward],
        }
    )


def build_ward_labels(wards: Wards) -> dict[str, str]:
    """Ward code to name; wards that share a name get their code too."""
    names = list(wards.names)
    return {
        code: name if names.count(name) == 1 else f"{name} ({code})"
        for code, name in zip(wards.codes, names, strict=True)
    }


def measure_area_km2(wards: Wards, codes: Sequence[str]) -> float:
    """Square kilometres (WGS 84 ellipsoid) of the wards with these codes, or of all wards if `codes` is empty."""
    codes_chosen = set(codes) or set(wards.codes)
    shapes = [shape for code, shape in zip(wards.codes, wards.polygons, strict=True) if code in codes_chosen]
    return sum(area_m2(shape) for shape in shapes) / 1e6


def choose_resolution(area_km2: float) -> int:
    """The finest resolution, at most 10, with at most MOST_CELLS cells over an area."""
    fitting = [r for r in RESOLUTIONS if r <= FINEST_AUTOMATIC and area_km2 / CELL_KM2[r] <= MOST_CELLS]
    return max(fitting, default=min(RESOLUTIONS))
