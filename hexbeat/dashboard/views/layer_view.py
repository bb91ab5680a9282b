"""One layer as one view shows it: the sentence, the map, the list beside it and the table, which all say the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexbeat.areas.area import Area
from hexbeat.areas.place_names import find_cell_wards, format_cell_code, parse_cells
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.dashboard.state.figures import LayerFigures

__all__ = ["Drawing", "LayerView", "ListGroup", "ListRow", "add_ward_names"]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What the map draws: the arguments of a HexLayer, of which each rendering needs a new one."""

    cells: NDArray[np.uint64]
    values: NDArray[np.float64]
    style: CellStyle
    outlined: NDArray[np.bool_] | None = None
    dashed: NDArray[np.bool_] | None = None

    def layer(self) -> HexLayer:
        """A new layer for one rendering. A kind of line that no cell has is not in the legend either."""
        outlined, dashed = _drop_if_none(self.outlined), _drop_if_none(self.dashed)
        return HexLayer(self.cells, self.values, self.style, layer_id="cells", outlined=outlined, dashed=dashed)


def _drop_if_none(marks: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return marks if marks is not None and marks.any() else None


@dataclass(frozen=True, slots=True)
class ListRow:
    """A cell in the list beside the map: its number as words, `share` the length of its bar (0 to 1), a line more."""

    cell: str
    rank: int
    ward: str
    number: str
    share: float
    detail: str = ""

    def as_row(self) -> dict[str, object]:
        """What the list's script takes."""
        return {
            "cell": self.cell,
            "rank": self.rank,
            "ward": self.ward,
            "code": format_cell_code(self.cell),
            "number": self.number,
            "share": self.share,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class ListGroup:
    """Some cells under a heading."""

    title: str
    rows: tuple[ListRow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LayerView:
    """One layer as it is shown.

    `groups` the list beside the map, under `heading`; where it is empty, `nothing` says why. `table` a person reads,
    `rows` go into files (layer, cell, ward_code, ward_name and the view's numbers). `wards` is a second table, None
    for none. `period` [start, end) is what the view is about where that is not the figures' own, else None.
    """

    figures: LayerFigures
    sentence: str
    notes: tuple[str, ...]
    drawing: Drawing
    heading: str
    groups: tuple[ListGroup, ...]
    nothing: str
    table: pd.DataFrame
    rows: pd.DataFrame
    wards: pd.DataFrame | None = field(default=None)
    period: tuple[date, date] | None = field(default=None)


def add_ward_names(rows: pd.DataFrame, area: Area) -> pd.DataFrame:
    """Rows of cells with the ward_code and ward_name that the screens use everywhere: those of the cell's centre."""
    places = find_cell_wards(parse_cells(_texts(rows["cell"])), area.wards)
    return rows.reset_index(drop=True).assign(ward_code=places["ward_code"], ward_name=places["ward_name"])


def _texts(column: "pd.Series[str]") -> Sequence[str]:
    return [str(text) for text in column]
