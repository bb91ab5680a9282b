"""Live events as columns: what the screens and the counts read instead of rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from layers.access import require_cells, require_numbers, require_points, require_seen
from layers.catalogue import LAYERS, find_layer_code
from layers.coverage import Coverage
from layers.event import PRECISIONS, RESOLUTIONS
from layers.layer_spec import LayerSpec
from layers.roles import POINTS, Detail

__all__ = ["NO_INSTANT", "ArrayReader", "Columns", "mark_states"]

NO_INSTANT: Final = 255  # in `instant_layer`: an event that is more than one instant of an incident
ArrayReader = Callable[[str], NDArray[Any]]


class _Deferred:
    """Attributes that are read, or derived from others, when they are first used.

    `instant_layer` (uint8 (n,)) is the layer's code of an incident at one instant that is known to the minute, else
    NO_INSTANT; `others` (int64, ascending) are the places of those others. `last_end` is the greatest `end` (int64
    (1,), 0 without events). A filter by time takes slices of the first, and looks at the others one by one.
    """

    __slots__ = ("_read", "instant_layer", "last_end", "others")
    _read: ArrayReader
    instant_layer: NDArray[np.uint8]
    others: NDArray[np.int64]
    last_end: NDArray[np.int64]

    if not TYPE_CHECKING:  # a type checker knows the attributes, and shall report others

        def __getattr__(self, name: str) -> NDArray[Any]:
            """Called for a slot that has no value yet."""
            if name not in _DEFERRED:
                raise AttributeError(name)
            read = getattr(self, "_read", None)
            if read is None and name not in _DERIVED:
                raise AttributeError(name)
            array = _DERIVED[name](self) if read is None else read(name)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
            return array


class _DeferredCells(Mapping[int, NDArray[Any]]):
    """Arrays by resolution that are read when they are first used."""

    def __init__(self, read: ArrayReader, prefix: str) -> None:
        self._read, self._prefix = read, prefix
        self._arrays: dict[int, NDArray[Any]] = {}

    def __getitem__(self, resolution: int) -> NDArray[Any]:
        if resolution not in RESOLUTIONS:
            raise KeyError(resolution)
        if resolution not in self._arrays:
            self._arrays[resolution] = self._read(f"{self._prefix}_{resolution:02d}")
        return self._arrays[resolution]

    def __iter__(self) -> Iterator[int]:
        return iter(RESOLUTIONS)

    def __len__(self) -> int:
        return len(RESOLUTIONS)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Columns(_Deferred):
    """Live events of one store version: one array a column, each of length n, sorted by `start` (then row_id).

    `start` and `end` are UTC seconds (int64); end == start for an instant, else the half-open end. `layer`, `precision`
    and `reported_by` are codes into LAYERS, PRECISIONS, REPORTERS (uint8). `ward` indexes `ward_codes` (int16).
    `cell[r]` indexes `cell_ids[r]` (int32 into sorted uint64), for r in RESOLUTIONS. lon and lat are WGS 84 degrees.
    `category` indexes `categories` (int32): sorted names, the first of which, "", means no category. `source` indexes
    `sources` (int16), sorted names. `location` is how well the source knows the place (uint8): 0 where it does not say,
    else 1 more than a place in LOCATION_PRECISIONS; `location_m` (float32) is how far off it may be in metres, 0 where
    nobody says. `coverage` says which days are known of each layer; None where nobody said: then a layer is known from
    its first event to its last. `details` says how finely the viewer sees the layers that are not shown whole
    (`layers.restriction`). Columns from a snapshot (`defer`) read each array when it is first used.
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

    @classmethod
    def defer(cls, tables: Mapping[str, Any], read: ArrayReader) -> "Columns":
        """Columns with these tables (the fields that hold no value for each event, without the cells).

        `read` gives an array of `list_arrays` by its name, read-only, when it is first used.
        """
        columns = object.__new__(cls)
        values = {"coverage": None, "details": {}} | dict(tables)
        values |= {"cell": _DeferredCells(read, "cell"), "cell_ids": _DeferredCells(read, "cell_ids"), "_read": read}
        for name, value in values.items():
            object.__setattr__(columns, name, value)
        return columns

    def list_arrays(self, *, derived: bool = False) -> dict[str, NDArray[Any]]:
        """All arrays by the names that `defer` asks for; those derived from others only if asked."""
        arrays = {name: getattr(self, name) for name in (*_ARRAYS, *(_DERIVED if derived else ()))}
        for prefix in ("cell", "cell_ids"):
            arrays |= {f"{prefix}_{size:02d}": array for size, array in getattr(self, prefix).items()}
        return arrays

    @property
    def is_deferred(self) -> bool:
        """Whether the arrays are those of a file, read when they are first used."""
        return getattr(self, "_read", None) is not None

    def replace_coverage(self, coverage: Coverage, *, version: int | None = None) -> "Columns":
        """The same events with another coverage, of another version of the store; nothing more is read for it."""
        columns = object.__new__(Columns)
        for name in (*(column.name for column in fields(Columns)), *_Deferred.__slots__):
            with suppress(AttributeError):  # not read yet
                object.__setattr__(columns, name, object.__getattribute__(self, name))
        object.__setattr__(columns, "coverage", coverage)
        object.__setattr__(columns, "version", self.version if version is None else version)
        return columns

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

    def find_ward_cells(self, layers: Iterable[str] = ()) -> dict[str, int]:
        """Those of these layers (none: all) whose events have the ward of their cell; the resolution of the cells."""
        names = tuple(layers)
        return {
            name: detail.ward_cells
            for name, detail in self.details.items()
            if detail.ward_cells is not None and (not names or name in names)
        }

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
        coarse = [find_layer_code(name) for name, detail in self.details.items() if (detail.finest or 0) < resolution]
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
_ARRAYS: Final = tuple(column.name for column in fields(Columns) if column.name not in _TABLES)


def _derive_instants(columns: Columns) -> NDArray[np.uint8]:
    is_other = (columns.start != columns.end) | (columns.precision != PRECISIONS.index("minute"))
    return np.where(is_other | mark_states(columns.layer), np.uint8(NO_INSTANT), columns.layer).astype(np.uint8)


_DERIVED: Final[dict[str, Callable[[Columns], NDArray[Any]]]] = {
    "instant_layer": _derive_instants,
    "others": lambda columns: np.flatnonzero(columns.instant_layer == NO_INSTANT).astype(np.int64),
    "last_end": lambda columns: np.array([columns.end.max() if len(columns) else 0], dtype=np.int64),
}
_DEFERRED: Final = frozenset({*_ARRAYS, *_DERIVED})
