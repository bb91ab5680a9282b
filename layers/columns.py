"""Live events as columns: what the screens and the counts read instead of rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from layers.access import require_cells, require_numbers, require_points, require_seen
from layers.catalogue import LAYERS, find_layer_code
from layers.coverage import Coverage
from layers.layer_spec import LayerSpec
from layers.roles import POINTS, Detail

__all__ = ["Columns", "mark_states"]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Columns:
    """Live events of one store version: one array a column, each of length n, sorted by `start` (then row_id).

    `start` and `end` are UTC seconds (int64); end == start for an instant, else the half-open end. `layer`, `precision`
    and `reported_by` are codes into LAYERS, PRECISIONS, REPORTERS (uint8). `ward` indexes `ward_codes` (int16).
    `cell[r]` indexes `cell_ids[r]` (int32 into sorted uint64), for r in RESOLUTIONS. lon and lat are WGS 84 degrees.
    `category` indexes `categories` (int32): sorted names, the first of which, "", means no category. `source` indexes
    `sources` (int16), sorted names. `location` is how well the source knows the place (uint8): 0 where it does not say,
    else 1 more than a place in LOCATION_PRECISIONS; `location_m` (float32) is how far off it may be in metres, 0 where
    nobody says. `coverage` says which days are known of each layer; None where nobody said: then a layer is known from
    its first event to its last. `details` says how finely the viewer sees the layers that are not shown whole
    (`layers.restriction`).
    """

    version: int
    row_id: NDArray[np.int64]
    layer: NDArray[np.uint8]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    precision: NDArray[np.uint8]
    quantity: NDArray[np.int32]
    reported_by: NDArray[np.uint8]
    category: NDArray[np.int32]
    categories: tuple[str, ...]
    ward: NDArray[np.int16]
    ward_codes: tuple[str, ...]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    source: NDArray[np.int16]
    sources: tuple[str, ...]
    location: NDArray[np.uint8]
    location_m: NDArray[np.float32]
    cell: Mapping[int, NDArray[np.int32]]
    cell_ids: Mapping[int, NDArray[np.uint64]]
    demonstration: NDArray[np.bool_]
    coverage: Coverage | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> "Columns":
        """The events at these places (boolean (n,) or ascending places), with the same tables of codes."""
        arrays = {name: getattr(self, name)[index] for name in _ARRAYS}
        return replace(self, **arrays, cell={resolution: code[index] for resolution, code in self.cell.items()})

    def require_layers(self, layers: Iterable[str]) -> None:
        """PolicyError if the viewer of these columns sees nothing of one of these layers."""
        for layer in layers:
            if layer in self.details:
                require_seen(self.details[layer], layer)

    def hides(self, layer: str) -> bool:
        """Whether the viewer of these columns sees nothing of a layer."""
        return self.details.get(layer, POINTS).kind == "nothing"

    def list_shown(self, *, in_cells: bool = False, resolution: int = 0) -> list[LayerSpec]:
        """The layers of which the viewer of these columns sees something; `in_cells`: in cells of this resolution."""
        details = [(spec, self.details.get(spec.name, POINTS)) for spec in LAYERS]
        return [
            spec
            for spec, detail in details
            if detail.kind != "nothing" and not (in_cells and (detail.finest is None or detail.finest < resolution))
        ]

    def require_numbers(self, layers: Iterable[str]) -> None:
        """PolicyError where these columns hold nothing of one of these layers, or its small numbers are not shown."""
        for layer in layers:
            if layer in self.details:
                require_seen(self.details[layer], layer)
                require_numbers(self.details[layer], layer)

    def find_fewest(self, layers: Iterable[str] = ()) -> int:
        """The smallest number of events of these layers (none: all) that the viewer may see as a number."""
        names = tuple(layers)
        return max((detail.fewest for name, detail in self.details.items() if not names or name in names), default=1)

    def find_cell_codes(
        self, index: NDArray[np.int64], resolution: int, *, hides_small: bool = False
    ) -> NDArray[np.int32]:
        """The cells of these events as codes into `cell_ids`; PolicyError if they are finer than the viewer may see.

        Only a caller that hides small numbers (`hides_small`) gets cells of layers whose small numbers are not shown.
        """
        for layer, detail in self.details.items():
            if np.any(self.layer[index] == find_layer_code(layer)):
                require_cells(detail, layer, resolution)
                if not hides_small:
                    require_numbers(detail, layer)
        return np.asarray(self.cell[resolution][index])

    def require_points(self, layer: str) -> None:
        """PolicyError if these columns hold no points of a layer."""
        if self.details.get(layer, POINTS).kind != "points":
            require_points(self.details[layer], layer)

    def in_cell(self, cell: str, resolution: int) -> NDArray[np.bool_]:
        """Whether each event (n,) lies in this cell, an H3 name; none at a resolution that is not indexed.

        Events of which the viewer sees no cells as small as this one do not.
        """
        ids = self.cell_ids.get(resolution, _NO_CELLS)
        place = int(np.searchsorted(ids, np.uint64(int(cell, 16))))
        if place >= len(ids) or int(ids[place]) != int(cell, 16):
            return np.zeros(len(self), dtype=np.bool_)
        coarse = [find_layer_code(name) for name, one in self.details.items() if (one.finest or 0) < resolution]
        is_inside = np.asarray(self.cell[resolution] == place)
        return is_inside & ~np.isin(self.layer, coarse) if coarse else is_inside


def mark_states(layer: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether each layer code (n,) is of a layer of states, which count while they are in force."""
    return np.asarray(np.array([spec.kind == "state" for spec in LAYERS])[layer])


_NO_CELLS: Final = np.zeros(0, dtype=np.uint64)
# Fields that do not hold one value for each event.
_TABLES: Final = frozenset(
    {"version", "ward_codes", "categories", "sources", "cell", "cell_ids", "coverage", "details"}
)
_ARRAYS: Final = tuple(one.name for one in fields(Columns) if one.name not in _TABLES)
