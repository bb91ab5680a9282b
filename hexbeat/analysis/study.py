"""The study area: every cell that meets the chosen wards, empty ones too, with what statistics need for each cell."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo.cells import build_outlines, find_meeting_cells, format_cells, measure_areas_km2
from geo.errors import UsageError
from geo.neighbours import build_neighbours
from geo.wards import Wards
from hexbeat.areas.area import Area
from hexbeat.areas.street_names import name_cells
from layers.columns import Columns, mark_states
from layers.counting import Selection, count_cells, select
from layers.coverage import Spans
from layers.filters import Filter

__all__ = [
    "BRITISH_GRID",
    "Study",
    "build_study",
    "load_study",
    "project",
    "restrict_filter",
    "select_known",
    "sum_by_cell",
]

BRITISH_GRID: Final = "EPSG:27700"
_BRITISH_BOUNDS: Final = (-9.01, 49.75, 2.01, 61.01)  # of EPSG:27700, in degrees: west, south, east, north


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The cells of one resolution against which "no hotspot here" is measured: n cells, sorted, and their attributes.

    `chosen_wards` are ward codes (none: all). `cells` uint64 (n,), `names` their H3 strings. `ward` int (n,): the
    position in `wards` of the chosen ward with the largest part of the cell (of equal ones the first code). `area_km2`
    (n,): the area of the whole cell, even if only a part lies in the wards. `lon`, `lat` (n,): the centres; `x_m`,
    `y_m` (n,): the same in metres of `crs`, the British National Grid or, elsewhere, a plane around the area's middle.
    `neighbours`: csr (n, n), binary with self.
    """

    area: Area
    chosen_wards: tuple[str, ...]
    resolution: int
    wards: Wards
    cells: NDArray[np.uint64]
    names: NDArray[np.object_]
    ward: NDArray[np.intp]
    area_km2: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    crs: str
    neighbours: csr_array

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def ward_codes(self) -> NDArray[np.object_]:
        """The ward code of each cell (n,)."""
        codes: NDArray[np.object_] = np.array(self.wards.codes, dtype=object)[self.ward]
        return codes

    @property
    def ward_names(self) -> NDArray[np.object_]:
        """The ward name of each cell (n,)."""
        names: NDArray[np.object_] = np.array(self.wards.names, dtype=object)[self.ward]
        return names

    def name_places(self, places: NDArray[np.intp]) -> list[str]:
        """The names of the cells at these positions (k,), as in "Linthorpe Road, near Borough Road (Central)"."""
        return name_cells(self.cells[places], self.area)

    def place(self, cell: str) -> int:
        """The position of a cell, given by its H3 string; UsageError if it is not in the study area."""
        number = int(cell, 16) if cell and set(cell.lower()) <= set("0123456789abcdef") else 0
        place = int(np.searchsorted(self.cells, np.uint64(number & 0xFFFF_FFFF_FFFF_FFFF)))
        if place >= len(self.cells) or int(self.cells[place]) != number:
            raise UsageError(
                "A cell has to lie in the study area and have its resolution",
                f"{cell!r} is not one of the {len(self.cells):,} cells of resolution {self.resolution}",
                "choose the cell on the map, or the wards that it lies in",
            )
        return place


@lru_cache(maxsize=24)
def load_study(area: Area, wards: tuple[str, ...] = (), resolution: int = 9) -> Study:
    """`build_study`, kept in memory. An area that was read again counts as another area."""
    return build_study(area, wards=wards, resolution=resolution)


def build_study(area: Area, *, wards: Iterable[str] = (), resolution: int = 9) -> Study:
    """The study area of some wards (codes; none means all) of an area at a resolution.

    Events outside the chosen wards are not counted, so a cell on their edge has only those of its part inside.
    UsageError for a ward that is not in the area.
    """
    chosen_wards = tuple(sorted(set(wards)))
    unknown = [code for code in chosen_wards if code not in area.wards.codes]
    if unknown:
        raise UsageError(
            "Wards are chosen by the codes that they have in the area",
            f"{area.title} has no ward {', '.join(unknown)}",
            "see `hexbeat counts --by ward` for the codes",
        )
    places = np.array(
        [p for p, code in enumerate(area.wards.codes) if not chosen_wards or code in chosen_wards], dtype=np.intp
    )
    polygons = area.wards.polygons[places]
    cells = find_meeting_cells(polygons, resolution=resolution)
    hexagons = build_outlines(cells)
    crs = _choose_plane(area)
    centres = shapely.centroid(hexagons)
    lon, lat = shapely.get_x(centres), shapely.get_y(centres)
    x_m, y_m = project(crs, lon, lat)
    return Study(
        area=area,
        chosen_wards=chosen_wards,
        resolution=resolution,
        wards=area.wards,
        cells=cells,
        names=np.array(format_cells(cells), dtype=object),
        ward=places[_find_largest_part(hexagons, polygons)],
        area_km2=measure_areas_km2(cells),
        lon=lon,
        lat=lat,
        x_m=x_m,
        y_m=y_m,
        crs=crs,
        neighbours=build_neighbours(cells),
    )


def restrict_filter(study: Study, event_filter: Filter) -> Filter:
    """The filter with the study's wards; UsageError if it names others, because then empty cells would not be empty."""
    if event_filter.wards and tuple(sorted(set(event_filter.wards))) != study.chosen_wards:
        raise UsageError(
            "Events are counted in the wards of the study area",
            f"the filter has {', '.join(sorted(event_filter.wards))}; "
            f"the study area {', '.join(study.chosen_wards) or 'all'}",
            "choose the same wards for both",
        )
    return replace(event_filter, wards=study.chosen_wards)


def sum_by_cell(columns: Columns, selection: Selection, study: Study) -> tuple[NDArray[np.float64], float]:
    """A selection summed by the study's cells, float64 (n,), zeros included; and the sum of events outside them.

    The second is 0, except for events on the very edge of a ward, or in wards whose boundaries changed since.
    """
    cells, sums = count_cells(columns, selection, resolution=study.resolution)
    place = np.minimum(np.searchsorted(study.cells, cells), len(study.cells) - 1)
    inside = study.cells[place] == cells
    values = np.zeros(len(study.cells))
    values[place[inside]] = sums[inside]
    return values, float(sums[~inside].sum())


def project(
    crs: str, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points in WGS 84 degrees as metres (x, y) of a plane."""
    x_m, y_m = _load_transformer(crs).transform(lon, lat)
    return np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)


@lru_cache(maxsize=8)
def _load_transformer(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _choose_plane(area: Area) -> str:
    """The British National Grid for areas within its bounds, else an equidistant plane around the area's middle."""
    west, south, east, north = area.bounds
    if (
        west >= _BRITISH_BOUNDS[0]
        and south >= _BRITISH_BOUNDS[1]
        and east <= _BRITISH_BOUNDS[2]
        and north <= _BRITISH_BOUNDS[3]
    ):
        return BRITISH_GRID
    lon, lat = area.centre
    return f"+proj=aeqd +lon_0={lon:.4f} +lat_0={lat:.4f} +datum=WGS84 +units=m +no_defs"


def _find_largest_part(hexagons: NDArray[np.object_], polygons: NDArray[np.object_]) -> NDArray[np.intp]:
    """For each hexagon the position of the polygon that covers most of it, (n,); of equal ones the first."""
    polygon, cell = shapely.STRtree(hexagons).query(polygons, predicate="intersects")
    polygon_count = np.bincount(cell, minlength=len(hexagons))
    shared = polygon_count[cell] > 1
    part = np.ones(len(cell))
    part[shared] = shapely.area(shapely.intersection(hexagons[cell[shared]], polygons[polygon[shared]]))
    order = np.lexsort((polygon, -part, cell))
    first = np.searchsorted(cell[order], np.arange(len(hexagons)))
    largest: NDArray[np.intp] = polygon[order][first]
    return largest


def select_known(columns: Columns, event_filter: Filter, spans: Spans, *, time_zone: str) -> Selection:
    """The events that a filter selects on the days of spans, whatever its own period, each with its weight.

    The weights of an event that meets several spans are added up; a state counts once. `unplaced_in_time` counts an
    event in each span that it meets.
    """
    parts = [select(columns, replace(event_filter, start=start, end=end), time_zone=time_zone) for start, end in spans]
    if len(parts) == 1:
        return parts[0]
    index = np.concatenate([np.zeros(0, dtype=np.int64), *(part.index for part in parts)])
    weight = np.concatenate([np.zeros(0), *(part.weight for part in parts)])
    events, position = np.unique(index, return_inverse=True)
    sums = np.bincount(position, weights=weight, minlength=len(events))
    whole = np.zeros(len(events))
    np.maximum.at(whole, position, weight)
    return Selection(
        index=events,
        weight=np.where(mark_states(columns.layer[events]), whole, sums),
        unplaced_in_time=sum(part.unplaced_in_time for part in parts),
        shared_in_time=len(np.unique(index[weight < _get_size(columns, index, event_filter)])),
    )


def _get_size(columns: Columns, index: NDArray[np.int64], event_filter: Filter) -> NDArray[np.float64]:
    """The weight of each event if all of it lies in the filter."""
    return columns.quantity[index].astype(np.float64) if event_filter.measure == "quantity" else np.ones(len(index))
