"""One HTML file with the map, its sentence and its table. It opens from a disk or an e-mail and loads nothing."""

from collections.abc import Sequence
from html import escape
from string import Template
from typing import Any

import numpy as np
import pandas as pd

from hexbeat.areas.area import Area
from hexbeat.areas.credits import list_credits
from hexbeat.areas.street_names import name_cells
from hexbeat.dashboard.map.assets import read_asset, read_scripts, read_styles
from hexbeat.dashboard.map.basemap import build_area_scripts, build_base_map
from hexbeat.dashboard.map.hex_layer import HexLayer
from hexbeat.tiles import read_tile_service

__all__ = ["render_saved_page"]


def render_saved_page(
    area: Area,
    hex_layer: HexLayer,
    *,
    title: str,
    sentence: str,
    notes: Sequence[str],
    table: pd.DataFrame | None,
    mark: str | None = None,
) -> bytes:
    """The page in UTF-8, the same bytes for the same data; light or dark as its reader's system prefers.

    title, sentence and notes (what was left out or shared, and why) are plain text. table: the numbers of the map, with
    the names of the columns as headings; None: no table. mark: which events are synthetic, written above the map; None:
    none are.

    Every text is escaped, and the page's security policy forbids it to load anything.
    """
    base_map = build_base_map(area, live=False)
    hex_layer.name_cells(lambda cells: name_cells(cells, area))
    base_map.add_child(hex_layer)
    figure: Any = base_map.get_root()  # a branca Figure, which has the three parts of a page
    figure.render()
    names = {base_map.get_name(): "the_map", hex_layer.get_name(): "the_cells"}  # folium's names are random
    page = Template(read_asset("saved.html")).substitute(
        title=escape(title),
        sentence=escape(sentence),
        mark=f'<p class="hexbeat-mark">{escape(f"DEMONSTRATION: {mark}")}</p>' if mark else "",
        notes=render_list([*notes, *describe_missing_tiles()]),
        table="" if table is None else render_table(table),
        sources="".join(f"<p>{escape(line)}</p>" for line in list_credits(area, streets=True)),
        styles=read_styles() + read_asset("saved.css"),
        map=rename_identifiers(figure.html.render(), names),
        scripts=escape_script(f"{read_scripts()};\n{build_area_scripts(area)}"),
        drawing=rename_identifiers(figure.script.render(), names),
    )
    return page.encode("utf-8")


def describe_missing_tiles() -> list[str]:
    """What the page says where the live map lies on tiles, which no page that loads nothing can show."""
    if read_tile_service() is None:
        return []
    return [
        "The map in Hexbeat lies on a map service's tiles. This page loads nothing, so it shows the area's own streets."
    ]


def rename_identifiers(text: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def escape_script(text: str) -> str:
    """A script whose text cannot end its element."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def render_list(lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def render_table(table: pd.DataFrame) -> str:
    """The table with its numbers to the right; wide ones scroll sideways by themselves."""
    head = "".join(
        f'<th scope="col"{format_number_class(table[name])}>{escape(str(name))}</th>' for name in table.columns
    )
    classes = [format_number_class(table[name]) for name in table.columns]
    rows = (
        "<tr>"
        + "".join(f"<td{kind}>{escape(format_value(value))}</td>" for kind, value in zip(classes, row, strict=True))
        + "</tr>"
        for row in table.itertuples(index=False, name=None)
    )
    body = "\n".join(rows)
    return (
        '<div class="hexbeat-table" tabindex="0" role="region" aria-label="The numbers of the map">'
        f"<table><caption>The numbers of the map</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def format_number_class(column: "pd.Series[Any]") -> str:
    return ' class="hexbeat-number"' if pd.api.types.is_numeric_dtype(column) else ""


def format_value(value: Any) -> str:
    """Whole numbers without decimals, others with one as on the map, "" for a missing value."""
    if pd.isna(value):
        return ""
    if isinstance(value, int | float | np.number):
        number = float(value)
        return f"{number:,.0f}" if number == round(number) else f"{number:,.1f}"
    return str(value)
