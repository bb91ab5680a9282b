"""The map of a document: an area's wards with cells, points and lines, as SVG that prints in black and white."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from geo.cells import build_outlines
from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.areas.credits import format_credits
from hexbeat.areas.streets import read_streets
from hexbeat.documents.maps.map_svg import render_sketch
from hexbeat.documents.maps.scales import Scale
from hexbeat.documents.maps.sketch import Bounds, Line, Mark, MarkKind, Outline, Ring, Sketch

__all__ = ["Line", "Mark", "Outline", "Ring", "describe_map", "render_map"]


def render_map(  # noqa: PLR0913 - what a map may hold, by keyword
    area: Area,
    *,
    cells: ArrayLike | None = None,
    values: ArrayLike | None = None,
    scale: Scale | None = None,
    legend_title: str = "",
    points: Sequence[Mark] = (),
    lines: Sequence[Line] = (),
    areas: Sequence[Outline] = (),
    rings: Sequence[Ring] = (),
    keys: Sequence[tuple[MarkKind, str]] = (),
    extent: Bounds | None = None,
    with_streets: bool = True,
    alt: str | None = None,
    width_mm: float = 180,
    height_mm: float = 120,
) -> bytes:
    """SVG of `width_mm` by `height_mm` on paper, the same bytes for the same choices.

    cells: uint64 (n,), values: (n,), classed by `scale` (see `scales`); a value below it is not drawn. Classes
    differ by lightness and by hatching. points, lines, areas, rings: see `sketch`. keys: what the
    legend says of marks, as ("stop", "a stop, in order"). extent: west, south, east, north that must be visible (None:
    the whole area). with_streets: draw the area's streets if they are built. alt: what the map shows, in words (None:
    `describe_map` of the same). All texts are escaped. UsageError unless cells, values and scale come together.
    """
    ids, numbers = check_cells(cells, values, scale)
    streets = read_streets(area) if with_streets else None
    facts = describe_map(area, cells=len(ids), legend_title=legend_title, points=points, lines=lines, rings=rings)
    sketch = Sketch(
        wards=area.wards.polygons,
        names=area.wards.names,
        attribution=format_credits(area, streets=with_streets),
        alt=alt or facts,
        shaded=build_outlines(ids),
        values=numbers,
        scale=scale,
        legend_title=legend_title,
        points=tuple(points),
        lines=tuple(lines),
        areas=tuple(areas),
        rings=tuple(rings),
        keys=tuple(keys),
        extent=extent,
        streets=streets,
    )
    return render_sketch(sketch, width_mm=width_mm, height_mm=height_mm)


def check_cells(
    cells: ArrayLike | None, values: ArrayLike | None, scale: Scale | None
) -> "tuple[np.ndarray, np.ndarray]":
    """Cells (uint64) and values (float64) of one length; both empty where there are none."""
    ids = np.zeros(0, np.uint64) if cells is None else np.asarray(cells, dtype=np.uint64).ravel()
    numbers = np.zeros(0) if values is None else np.asarray(values, dtype=np.float64).ravel()
    if len(ids) != len(numbers) or (len(ids) and scale is None):
        raise UsageError(
            "Cells on a map need a value each, and a scale",
            f"there are {len(ids)} cells, {len(numbers)} values and {'no' if scale is None else 'a'} scale",
            "give all three, or none",
        )
    return ids, numbers


def describe_map(
    area: Area,
    *,
    cells: int = 0,
    legend_title: str = "",
    points: Sequence[Mark] = (),
    lines: Sequence[Line] = (),
    rings: Sequence[Ring] = (),
) -> str:
    """What a map shows, in a sentence made from its facts. The numbers are in the document's table."""
    stops = sum(mark.kind == "stop" for mark in points)
    others = len(points) - stops
    parts = [
        f"{cells:,} shaded {'cell' if cells == 1 else 'cells'} ({legend_title or 'counts'})" if cells else "",
        f"{len(lines):,} {'route' if len(lines) == 1 else 'routes'}" if lines else "",
        f"{stops:,} numbered {'stop' if stops == 1 else 'stops'}" if stops else "",
        f"{others:,} marked {'point' if others == 1 else 'points'}" if others else "",
        *(f"a ring of {ring.radius_m:,.0f} m" for ring in rings),
    ]
    contents = ", ".join(part for part in parts if part) or "the wards alone"
    return f"Map of {area.title} with its {len(area.wards)} wards: {contents}. The document's tables say the same."
