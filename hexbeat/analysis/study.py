"""The study area: every cell that meets the chosen wards, empty ones too, and all that statistics ask of a cell."""

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
from layers.columns import Columns
from layers.counting import Selection, count_cells
from layers.filters import Filter

__all__ = ["BRITISH_GRID", "Study", "build_study", "load_study", "project", "restrict_filter", "sum_by_cell"]

BRITISH_GRID: Final = "EPSG:27700"
_BRITAIN: Final = (-9.01, 49.75, 2.01, 61.01)  # where EPSG:27700 is meant to be used: west, south, east, north


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """What "no hotspot here" is measured against: n cells of one resolution, sorted, and what belongs to each.

    `chosen` the ward codes that were asked for (none: all). `cells` uint64 (n,), `names` their H3 strings; `ward` int
    (n,), a place in `wards` of the ward with the largest part of the cell (the first code of equal ones), among the
    chosen. `area_km2` (n,) of the whole cell, also where only a part lies in the wards. `x_m`, `y_m` (n,) the centres
    in metres of `crs`: the British National Grid, or a plane around the area's middle elsewhere. `neighbours` csr
    (n, n), binary with self.
    """

    area_name: str
    chosen: tuple[str, ...]
    resolution: int
    wards: Wards
    cells: NDArray[np.uint64]
    names: NDArray[np.object_]
    ward: NDArray[np.intp]
    area_km2: NDArray[np.float64]
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

    def place(self, cell: str) -> int:
        """The position of a cell, given by its H3 string; UsageError if it is not in the study area."""
        number = int(cell, 16) if cell and set(cell.lower()) <= set("0123456789abcdef") else 0
        place = int(np.searchsorted(self.cells, np.uint64(number & 0xFFFF_FFFF_FFFF_FFFF)))
        if place >= len(self.cells) or int(self.cells[place]) != number:
            raise UsageError(
                "A cell is asked about within the study area, at its resolution",
                f"{cell!r} is not one of the {len(self.cells):,} cells of resolution {self.resolution}",
                "choose the cell on the map, or the wards that it lies in",
            )
        return place


@lru_cache(maxsize=24)
def load_study(area: Area, wards: tuple[str, ...] = (), resolution: int = 9) -> Study:
    """`build_study`, kept in memory. An area that was read again is another one."""
    return build_study(area, wards=wards, resolution=resolution)


def build_study(area: Area, *, wards: Iterable[str] = (), resolution: int = 9) -> Study:
    """The study area of some wards (codes; none means all) of an area at a resolution.

    Events outside the chosen wards are not counted, so a cell on their edge is judged by its part inside. UsageError
    for a ward that is not in the area.
    """
    chosen = tuple(sorted(set(wards)))
    unknown = [code for code in chosen if code not in area.wards.codes]
    if unknown:
        raise UsageError(
            "A study area is made of wards of the area, by their codes",
            f"{', '.join(unknown)} {'is none' if len(unknown) == 1 else 'are none'} of {area.title}",
            "see `hexbeat counts --by ward` for the codes that there are",
        )
    places = np.array([p for p, code in enumerate(area.wards.codes) if not chosen or code in chosen], dtype=np.intp)
    polygons = area.wards.polygons[places]
    cells = find_meeting_cells(polygons, resolution=resolution)
    hexagons = build_outlines(cells)
    crs = _plane(area)
    centres = shapely.centroid(hexagons)
    x_m, y_m = project(crs, shapely.get_x(centres), shapely.get_y(centres))
    return Study(
        area_name=area.name,
        chosen=chosen,
        resolution=resolution,
        wards=area.wards,
        cells=cells,
        names=np.array(format_cells(cells), dtype=object),
        ward=places[_largest_part(hexagons, polygons)],
        area_km2=measure_areas_km2(cells),
        x_m=x_m,
        y_m=y_m,
        crs=crs,
        neighbours=build_neighbours(cells),
    )


def restrict_filter(study: Study, chosen: Filter) -> Filter:
    """The filter with the study's wards; UsageError if it names others, for then empty cells would not be empty."""
    if chosen.wards and tuple(sorted(set(chosen.wards))) != study.chosen:
        raise UsageError(
            "Events are counted in the wards of the study area",
            f"the filter has {', '.join(sorted(chosen.wards))}; the study area {', '.join(study.chosen) or 'all'}",
            "make the study area of the wards that the filter has",
        )
    return replace(chosen, wards=study.chosen)


def sum_by_cell(columns: Columns, selection: Selection, study: Study) -> tuple[NDArray[np.float64], float]:
    """A selection summed by the study's cells, float64 (n,), noughts included; and what lies in no cell of it.

    The latter is 0 but for events on the very edge of a ward, or of wards that have since been drawn anew.
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
    x_m, y_m = _transformer(crs).transform(lon, lat)
    return np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)


@lru_cache(maxsize=8)
def _transformer(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _plane(area: Area) -> str:
    """The British National Grid for areas within its bounds, else an equidistant plane around the area's middle."""
    west, south, east, north = area.bounds
    if west >= _BRITAIN[0] and south >= _BRITAIN[1] and east <= _BRITAIN[2] and north <= _BRITAIN[3]:
        return BRITISH_GRID
    lon, lat = area.centre
    return f"+proj=aeqd +lon_0={lon:.4f} +lat_0={lat:.4f} +datum=WGS84 +units=m +no_defs"


def _largest_part(hexagons: NDArray[np.object_], polygons: NDArray[np.object_]) -> NDArray[np.intp]:
    """For each hexagon the polygon (a place in `polygons`, whose order decides equal parts) with most of it, (n,)."""
    polygon, cell = shapely.STRtree(hexagons).query(polygons, predicate="intersects")
    meetings = np.bincount(cell, minlength=len(hexagons))
    shared = meetings[cell] > 1
    part = np.ones(len(cell))
    part[shared] = shapely.area(shapely.intersection(hexagons[cell[shared]], polygons[polygon[shared]]))
    order = np.lexsort((polygon, -part, cell))
    first = np.searchsorted(cell[order], np.arange(len(hexagons)))
    largest: NDArray[np.intp] = polygon[order][first]
    return largest
