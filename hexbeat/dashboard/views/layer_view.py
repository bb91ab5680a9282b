"""One layer in one view: the sentence, the map, the list beside it and the table, which all show the same facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexbeat.areas.area import Area
from hexbeat.areas.place_names import find_cell_wards, parse_cells
from hexbeat.areas.street_names import split_ward
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.dashboard.state.figures import LayerFigures

__all__ = ["Drawing", "LayerView", "ListGroup", "ListRow", "add_ward_names"]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """The arguments of a HexLayer, because each rendering needs a new layer."""

    cells: NDArray[np.uint64]
    values: NDArray[np.float64]
    style: CellStyle
    outlined: NDArray[np.bool_] | None = None
    dashed: NDArray[np.bool_] | None = None

    def layer(self) -> HexLayer:
        """A new layer for one rendering. A kind of outline that no cell has is left out of the legend."""
        outlined, dashed = _drop_empty(self.outlined), _drop_empty(self.dashed)
        return HexLayer(self.cells, self.values, self.style, layer_id="cells", outlined=outlined, dashed=dashed)


def _drop_empty(marks: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return marks if marks is not None and marks.any() else None


@dataclass(frozen=True, slots=True)
class ListRow:
    """A place in the list beside the map: its number as text, the length of its bar (`share`, 0 to 1), and details.

    `place` is the name of the cell, or that of the group of cells which the cell stands for.
    """

    cell: str
    rank: int
    place: str
    number: str
    share: float
    detail: str = ""

    def as_row(self) -> dict[str, object]:
        """The row as data for the list's script."""
        place, ward = split_ward(self.place)
        return {
            "cell": self.cell,
            "rank": self.rank,
            "place": place,
            "ward": ward,
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
    """One layer in one view.

    `groups` are the list beside the map, under `heading`; if they are empty, `nothing` says why. People read `table`,
    and `rows` are for files (layer, cell, ward_code, ward_name and the view's numbers). Both are made when they are
    asked for: the table names every cell, and a change of the filter needs no file. `wards` is a second table (None:
    none). `period` [start, end) is the period of the view if it is not that of the figures, else None. `meanwhile` says
    that another view was chosen whose result is still being worked out: this is an older one, or (`has_counts`) counts.
    """

    figures: LayerFigures
    sentence: str
    notes: tuple[str, ...]
    drawing: Drawing
    heading: str
    groups: tuple[ListGroup, ...]
    nothing: str
    make_table: Callable[[], pd.DataFrame]
    make_rows: Callable[[], pd.DataFrame]
    wards: pd.DataFrame | None = field(default=None)
    period: tuple[date, date] | None = field(default=None)
    meanwhile: str = field(default="")
    has_counts: bool = field(default=False)

    @property
    def table(self) -> pd.DataFrame:
        """The map as a table for people."""
        return self.make_table()

    @property
    def rows(self) -> pd.DataFrame:
        """The map as a table for files."""
        return self.make_rows()

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to show; the rows are made only where no cell is drawn."""
        return bool(len(self.drawing.cells) or len(self.rows))


def add_ward_names(rows: pd.DataFrame, area: Area) -> pd.DataFrame:
    """Rows of cells with ward_code and ward_name, which on all screens are those of the cell's centre."""
    places = find_cell_wards(parse_cells(_list_texts(rows["cell"])), area.wards)
    return rows.reset_index(drop=True).assign(ward_code=places["ward_code"], ward_name=places["ward_name"])


def _list_texts(column: "pd.Series[str]") -> Sequence[str]:
    return [str(text) for text in column]
