"""One map as one A4 page and as a picture: its title, its sentence, its filters, its legend and where it comes from."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.cells import build_outlines
from geo.distance import metres_per_degree
from hexbeat.areas.area import Area, find_ward_bounds
from hexbeat.documents.maps.area_map import Outline, render_map
from hexbeat.documents.maps.scales import Scale
from hexbeat.documents.typst_pdf import render_pdf, render_png
from layers.wording import format_date, format_plural

__all__ = ["MapSheet", "render_map_pdf", "render_map_png"]

WIDTH_MM: Final = 182.0
HEIGHTS_MM: Final = (90.0, 205.0)
BELOW_MM: Final = 16.0  # legend and sources under the map


@dataclass(frozen=True, slots=True, eq=False)
class MapSheet:
    """What one map shows. `cells` uint64 (n,) and `values` (n,) are classed by `scale`, whose classes count `unit`.

    `outlines`: a label, and which cells (bool, n) have that strong edge, as in "hotspot"; `filters`: the choices as one
    line; `wards`: codes of the wards that it looks at (none: the whole area). `mark` says which events are synthetic
    (None: none are).
    """

    title: str
    sentence: str
    filters: str
    notes: tuple[str, ...]
    cells: NDArray[np.uint64]
    values: NDArray[np.float64]
    scale: Scale
    unit: str
    outlines: Sequence[tuple[str, NDArray[np.bool_]]] = ()
    wards: tuple[str, ...] = ()
    mark: str | None = None


def render_map_pdf(sheet: MapSheet, area: Area, *, made_at: dt.datetime) -> bytes:
    """The map as PDF/UA-1 on one A4 page, the same bytes for the same map and time (aware)."""
    return render_pdf("map", _build_page_data(sheet, area, made_at), _draw_map(sheet, area), made_at=made_at)


def render_map_png(sheet: MapSheet, area: Area, *, made_at: dt.datetime) -> bytes:
    """The same as a PNG of about 1,650 pixels across, as high as its content."""
    return render_png("map", _build_page_data(sheet, area, made_at, picture=True), _draw_map(sheet, area))


def _draw_map(sheet: MapSheet, area: Area) -> Mapping[str, bytes]:
    drawing = render_map(
        area,
        cells=sheet.cells,
        values=sheet.values,
        scale=sheet.scale,
        legend_title=sheet.unit,
        areas=_build_outlines(sheet),
        extent=_find_extent(sheet, area),
        alt=_describe_map(sheet, area),
        width_mm=WIDTH_MM,
        height_mm=_measure_height_mm(sheet, area),
    )
    return {"map": drawing}


def _build_outlines(sheet: MapSheet) -> list[Outline]:
    """One edge around all cells of a kind that touch. Cells below the scale are not drawn and have none."""
    is_drawn = sheet.values >= sheet.scale.breaks[0]
    marked = [(label, marks & is_drawn) for label, marks in sheet.outlines]
    return [
        Outline(shapely.union_all(build_outlines(sheet.cells[marks])), label, style)
        for style, (label, marks) in enumerate(marked)
        if marks.any()
    ]


def _find_extent(sheet: MapSheet, area: Area) -> tuple[float, float, float, float]:
    west, south, east, north = find_ward_bounds(area, sheet.wards) if sheet.wards else area.wards.bounds
    return float(west), float(south), float(east), float(north)


def _measure_height_mm(sheet: MapSheet, area: Area) -> float:
    """The height at which the places fill the width, in whole millimetres and within what a page has."""
    west, south, east, north = _find_extent(sheet, area)
    per_lon, per_lat = metres_per_degree((south + north) / 2)
    height_mm = WIDTH_MM * ((north - south) * per_lat) / ((east - west) * per_lon) + BELOW_MM
    return float(math.ceil(min(max(height_mm, HEIGHTS_MM[0]), HEIGHTS_MM[1])))


def _describe_map(sheet: MapSheet, area: Area) -> str:
    number = int((sheet.values >= sheet.scale.breaks[0]).sum())
    cells = format_plural(number, "shaded cell", "shaded cells")
    return f"Map of {area.title}, north up: {sheet.unit}, {cells}. {sheet.sentence}"


def _build_page_data(sheet: MapSheet, area: Area, made_at: dt.datetime, *, picture: bool = False) -> Mapping[str, Any]:
    """All that the page says."""
    local = made_at.astimezone(area.tz)
    return {
        "title": sheet.title,
        "mark": f"DEMONSTRATION: {sheet.mark}." if sheet.mark else "",
        "sentence": sheet.sentence,
        "filters": sheet.filters,
        "notes": list(sheet.notes),
        "map-alt": _describe_map(sheet, area),
        "map-mm": _measure_height_mm(sheet, area),
        "picture": picture,
        "footer": f"{'DEMONSTRATION. ' if sheet.mark else ''}OFFICIAL: for the partnership only, small numbers. Made "
        f"{format_date(local.date())} by Hexbeat.",
    }
