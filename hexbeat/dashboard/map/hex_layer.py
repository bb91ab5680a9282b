"""A folium layer of H3 cells: sent as a lattice (one matrix, one bitmap, some bits a cell), drawn on a canvas.

One layer serves the live map and the saved page. The browser's side is `assets/hexlayer.js`.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import h3.api.basic_int as h3
import numpy as np
from folium.map import Layer
from folium.template import Template
from numpy.typing import ArrayLike, NDArray

from geo.drawing_lattice import DrawingLattice, fit_drawing_lattices
from geo.errors import UsageError
from hexbeat.dashboard.map.assets import format_script_json
from hexbeat.documents.maps.scales import OUTLINE_DARK, OUTLINE_LIGHT, Scale

__all__ = ["CellStyle", "Frames", "HexLayer", "MapMark", "PackedValues", "list_corners", "pack_values"]

CORNERS: Final = 6
TENTHS: Final = 10
BYTE: Final = 8  # bits
FINEST_STEP_DEG: Final = 1e-7  # a centimetre
MOST_NAMED: Final = 600  # cells: names of more would be most of what a filter's change sends
COARSEST_STEP_DEG: Final = 1e-5  # a metre; beyond, outlines take four bytes a number


@dataclass(frozen=True, slots=True)
class CellStyle:
    """The colours, the legend and the tooltip of cells.

    title: the legend's heading. unit: what is counted, as in "Needle finds" (the tooltip says "Needle finds: 3").
    outlined_label, dashed_label: the legend's names of cells with a strong outline and with a dashed one; "" gives the
    line no row of its own.
    names: for each class of `scale` a word that the tooltip shows instead of the value; "" shows the value; None: all
    show it.
    swatches: how each class looks besides its colour: "hatched" (too few events to say), and in the legend alone
    "outlined" and "dashed"; "" for plain; None: all plain.
    rounded: the tooltip rounds values that are not whole, as in "about 3" and "under 1".
    """

    scale: Scale
    title: str
    unit: str
    outlined_label: str = "hotspot"
    dashed_label: str = "cold spot"
    names: Sequence[str] | None = None
    swatches: Sequence[str] | None = None
    rounded: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The values of the same cells in k periods, oldest first, to be played on the map: `values` (k, n).

    labels: what the map calls each period. known: false where nothing is known of it, so that nothing is drawn.
    """

    labels: tuple[str, ...]
    known: tuple[bool, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MapMark:
    """A place that a person looked for: the map goes there once, and marks it with its name as long as it is given.

    number: another one for each time that a person looks, below 2**53; the map goes there once for each number.
    bounds: west, south, east, north in degrees to show instead of the streets around the point (a ward); None: none.
    """

    lon: float
    lat: float
    name: str
    number: int
    bounds: tuple[float, float, float, float] | None = None


class HexLayer(Layer):
    """Cells and their values on the map.

    cells: uint64 (n,), distinct, of one resolution. values: (n,) finite numbers; a cell with a value below the first
    break of the style's scale is left out. Shares keep one decimal; a share under a tenth is drawn as a tenth.
    layer_id: layers with the same id on one page replace each other without a flicker.
    outlined: bool (n,), cells with a strong outline (hotspots); None: none.
    dashed: bool (n,), cells with a dashed outline (cold spots); None: none.
    selected: the H3 index of the chosen cell, which has a ring even if its count is 0; None: none.
    fit: west, south, east, north in degrees that the map moves to when they change; None: the whole area.
    frames: values of the cells by period, with a slider on the map; `values` are then the largest of each cell.
    The attribute `mark` is the place that the person looked for; None: none. `name_cells` gives the attribute `places`,
    the names of the cells that tooltips and the screen reader say instead of the ward; empty: the ward alone.

    A layer is for one rendering, like folium's own; a rerun makes a new one. UsageError if the cells have several
    resolutions, the lengths differ, or a value is not finite.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = L.hexLayer({{ this.data_script() }});"
        "{% endmacro %}"
    )

    def __init__(  # noqa: PLR0913 - what a layer may hold, by keyword
        self,
        cells: ArrayLike,
        values: ArrayLike,
        style: CellStyle,
        *,
        layer_id: str = "hex",
        outlined: ArrayLike | None = None,
        dashed: ArrayLike | None = None,
        selected: str | None = None,
        fit: Sequence[float] | None = None,
        frames: Frames | None = None,
    ) -> None:
        super().__init__(name=layer_id, overlay=True)
        self._name = "HexLayer"
        self.style, self.layer_id, self.selected, self.fit = style, layer_id, selected, fit
        self.mark: MapMark | None = None
        self.places: Sequence[str] = ()
        self.cells, self.values, self.outlined = select_drawn_cells(cells, values, outlined, style.scale)
        self.dashed = select_drawn_cells(cells, values, dashed, style.scale)[2]
        self.frames = None if frames is None else select_drawn_frames(frames, values, style.scale)
        self.resolution = find_resolution(self.cells)
        self.geometry, self.order = build_geometry(self.cells)  # once: folium renders a layer several times

    def name_cells(self, name: Callable[[NDArray[np.uint64]], Sequence[str]]) -> None:
        """Give the cells their names by `name`, unless they are so many that the names would outweigh the map."""
        if len(self.cells) <= MOST_NAMED:
            self.places = name(self.cells)

    def data_script(self) -> str:
        """The data as JSON that is safe in a script and in folium's templates."""
        return format_script_json(self.data())

    def data(self) -> dict[str, Any]:
        """What `L.hexLayer` takes: see assets/hexlayer.js."""
        style, scale, frames = self.style, self.style.scale, self.frames
        numbers = pack_values(self.values[self.order] if frames is None else frames.values[:, self.order].ravel())
        marked, dashed = (
            None if marks is None else encode_base64(np.packbits(marks[self.order]))
            for marks in (self.outlined, self.dashed)
        )
        return {
            "id": self.layer_id,
            "resolution": self.resolution,
            "geometry": self.geometry,
            "values": encode_base64(numbers.pack_bits()),
            "bits": numbers.bits,
            "offset": numbers.offset,
            "divisor": numbers.divisor,
            "small": numbers.has_small,
            "signed": bool(scale.breaks[0] < 0),
            "rounded": style.rounded,
            "frames": None if frames is None else {"labels": frames.labels, "known": frames.known},
            "breaks": scale.breaks,
            "labels": scale.labels,
            "light": scale.light,
            "dark": scale.dark,
            "lines": [OUTLINE_LIGHT, OUTLINE_DARK],
            "outlined": marked,
            "outlinedLabel": style.outlined_label if marked else None,
            "dashed": dashed,
            "dashedLabel": style.dashed_label if dashed else None,
            "names": style.names,
            "swatches": style.swatches,
            "title": style.title,
            "unit": style.unit,
            "selected": None if self.selected is None else list_corners(self.selected),
            "fit": None if self.fit is None else list_bounds(self.fit),
            "places": [self.places[cell] for cell in self.order.tolist()] if self.places else None,
            "mark": None if self.mark is None else build_mark_data(self.mark),
        }


def select_drawn_cells(
    cells: ArrayLike, values: ArrayLike, outlined: ArrayLike | None, scale: Scale
) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.bool_] | None]:
    """The cells that have a class, their values and marks."""
    ids = np.asarray(cells, dtype=np.uint64).ravel()
    numbers = np.asarray(values, dtype=np.float64).ravel()
    marks = None if outlined is None else np.asarray(outlined, dtype=np.bool_).ravel()
    if len(ids) != len(numbers) or (marks is not None and len(marks) != len(ids)):
        raise UsageError(
            "Each cell has one value, and one mark if there are marks",
            f"there are {len(ids)} cells, {len(numbers)} values and {0 if marks is None else len(marks)} marks",
            "give arrays of one length",
        )
    if not np.isfinite(numbers).all():
        raise UsageError(
            "The values of cells are finite numbers",
            f"{int((~np.isfinite(numbers)).sum())} of {len(numbers)} are not",
            "leave out cells without a value",
        )
    is_drawn = numbers >= scale.breaks[0]
    return ids[is_drawn], numbers[is_drawn], None if marks is None else marks[is_drawn]


def select_drawn_frames(frames: Frames, values: ArrayLike, scale: Scale) -> Frames:
    """The frames of the cells that are drawn; UsageError unless each has a value for each cell, and a label."""
    largest = np.asarray(values, dtype=np.float64).ravel()
    numbers = np.asarray(frames.values, dtype=np.float64)
    shape = (len(frames.labels), len(largest))
    if numbers.shape != shape or len(frames.known) != len(frames.labels) or not np.isfinite(numbers).all():
        raise UsageError(
            "Each period has a label and a finite value for each cell",
            f"there are {len(frames.labels)} labels, {len(largest)} cells, and values for {numbers.shape}",
            "give one row of values a label",
        )
    return Frames(frames.labels, frames.known, numbers[:, largest >= scale.breaks[0]])


def find_resolution(cells: NDArray[np.uint64]) -> int | None:
    """The resolution of the cells, None if there are none."""
    resolutions = np.unique(cells >> np.uint64(52) & np.uint64(15)).tolist()
    if len(resolutions) > 1:
        raise UsageError(
            "A layer of cells has one resolution",
            f"there are resolutions {', '.join(map(str, resolutions))}",
            "make one layer for each",
        )
    return int(resolutions[0]) if resolutions else None


@dataclass(frozen=True, slots=True)
class PackedValues:
    """Values as unsigned whole numbers of 1, 2 or 4 bytes: value = (array + offset) / divisor.

    divisor is 1, or 10 if there are shares; has_small: shares under a tenth were raised to a tenth. bits: how many of
    each number are sent: 1, 2, 4, 8, 16 or 32.
    """

    array: NDArray[Any]
    offset: int
    divisor: int
    has_small: bool
    bits: int

    def pack_bits(self) -> NDArray[Any]:
        """The numbers without the bits that none of them needs, several to a byte, the first in its highest bits."""
        if self.bits >= BYTE:
            return self.array
        each = BYTE // self.bits
        padded = np.append(self.array, np.zeros(-len(self.array) % each, dtype=np.uint8)).reshape(-1, each)
        shifts = np.arange(BYTE - self.bits, -1, -self.bits, dtype=np.uint8)
        packed: NDArray[np.uint8] = np.bitwise_or.reduce(padded << shifts, axis=1)
        return packed


def pack_values(values: NDArray[np.float64]) -> PackedValues:
    """Values rounded to whole numbers where all are whole, else to tenths, in as few bits as hold their range."""
    whole = bool((np.abs(values - np.rint(values)) < FINEST_STEP_DEG).all())
    divisor = 1 if whole else TENTHS
    numbers = np.rint(values * divisor).astype(np.int64)
    small = (numbers == 0) & (values > 0)
    numbers[small] = 1
    offset = min(int(numbers.min(initial=0)), 0)
    highest = int(numbers.max(initial=0)) - offset
    bits = next(bits for bits in (1, 2, 4, 8, 16, 32) if highest < 1 << bits)
    width = f"<u{max(bits // BYTE, 1)}"
    return PackedValues((numbers - offset).astype(width), offset, divisor, bool(small.any()), bits)


def build_geometry(cells: NDArray[np.uint64]) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """The cells as a lattice, as several, or as outlines; and the order (n,) in which to send the values."""
    lattices, rest = fit_drawing_lattices(cells)
    parts = [build_lattice_data(lattice) for lattice in lattices]
    if len(rest) or not parts:
        parts.append(build_outlines(cells[rest]))
    order = np.concatenate([*(lattice.order for lattice in lattices), rest])
    return parts[0] if len(parts) == 1 else {"parts": parts}, order


def build_lattice_data(lattice: DrawingLattice) -> dict[str, Any]:
    """A lattice as the browser takes it."""
    return {
        "matrix": [float(number) for number in lattice.matrix.ravel()],
        "width": lattice.width,
        "height": lattice.height,
        "mask": b64encode(lattice.mask).decode(),
    }


def build_outlines(cells: NDArray[np.uint64]) -> dict[str, Any]:
    """Six corners a cell as whole steps from an origin: 24 bytes a cell for a town, 48 for a wider area."""
    corners = np.array([find_corners(cell) for cell in cells.tolist()]).reshape(-1, 2)[:, ::-1]  # lon, lat
    if len(corners) == 0:
        return {"origin": [0.0, 0.0], "step": FINEST_STEP_DEG, "width": 2, "offsets": ""}
    origin = (corners.min(axis=0) + corners.max(axis=0)) / 2
    reach = float(np.abs(corners - origin).max())
    narrow = reach / np.iinfo("<i2").max
    kind, step = ("<i2", narrow) if narrow <= COARSEST_STEP_DEG else ("<i4", FINEST_STEP_DEG)
    offsets = np.rint((corners - origin) / step).astype(kind)
    return {"origin": origin.tolist(), "step": step, "width": offsets.dtype.itemsize, "offsets": encode_base64(offsets)}


def find_corners(cell: int) -> list[tuple[float, float]]:
    """A cell's corners as (lat, lon) in degrees; over an edge of the icosahedron without the points on that edge.

    The twelve pentagons repeat their last corner.
    """
    boundary = h3.cell_to_boundary(cell)
    if len(boundary) == CORNERS:
        return list(boundary)
    corners = [h3.vertex_to_latlng(vertex) for vertex in h3.cell_to_vertexes(cell)]
    return (corners + corners[-1:])[:CORNERS]


def list_corners(cell: str) -> list[list[float]]:
    """The outline of one cell, [[lat, lon], ...] in degrees; UsageError if it is not a cell."""
    number = int(cell, 16) if set(cell) <= set("0123456789abcdef") and cell else 0
    if not h3.is_valid_cell(number):
        raise UsageError("A chosen cell is an H3 index", f"{cell[:20]!r} is not an H3 index", "copy one from the table")
    return [list(corner) for corner in h3.cell_to_boundary(number)]


def list_bounds(bounds: Sequence[float]) -> list[list[float]]:
    """West, south, east, north as Leaflet has them: [[south, west], [north, east]]."""
    return [[bounds[1], bounds[0]], [bounds[3], bounds[2]]]


def build_mark_data(mark: MapMark) -> dict[str, Any]:
    bounds = None if mark.bounds is None else list_bounds(mark.bounds)
    return {"at": [mark.lat, mark.lon], "name": mark.name, "number": mark.number, "bounds": bounds}


def encode_base64(array: NDArray[Any]) -> str:
    """The array's bytes in base64 (standard: streamlit-folium rewrites the letters of the URL-safe one)."""
    return b64encode(np.ascontiguousarray(array).tobytes()).decode()
