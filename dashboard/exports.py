"""What can be downloaded: the table as files that no program will run, and the map as one page that opens offline."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import pandas as pd
import xlsxwriter

from dashboard.figures import LayerFigures
from dashboard.state import View
from layers.areas import Area
from layers.counts_export import build_counts_csv, build_counts_geojson, build_counts_geoparquet
from layers.plain_cells import escape_formula

__all__ = ["About", "build_csv", "build_geojson", "build_geoparquet", "build_xlsx", "format_file_stem"]

# Nothing in a cell is a formula or a link, whatever it looks like.
WORKBOOK_OPTIONS: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
WIDE: Final = 22  # characters


@dataclass(frozen=True, slots=True)
class About:
    """What an export says of itself: its sentences, what was left out and why, where the wards come from.

    `mark` says which events are synthetic; None: none is.
    """

    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    attribution: str
    mark: str | None
    made_on: date
    resolution: int
    extra: Mapping[str, str] = field(default_factory=dict)

    def as_note(self) -> dict[str, str]:
        """The same as names and words, the way that layers.counts_export takes it."""
        note = {
            "about": " ".join(self.sentences),
            "left_out_or_shared": " ".join(self.notes),
            "resolution": str(self.resolution),
            "made_on": self.made_on.isoformat(),
            "attribution": self.attribution,
            **self.extra,
        }
        return {"demonstration": self.mark, **note} if self.mark else note


def format_file_stem(
    figures: Sequence[LayerFigures], area: Area, view: View = "counts", *, period: tuple[date, date] | None = None
) -> str:
    """A file name without ending, from our own words only: hexbeat-AREA-LAYER-VIEW-FIRST-to-LAST.

    LAST is the last day that counts; the view of counts has no VIEW in it. `period` [first, end) stands in for the
    figures' own.
    """
    first, end = period or (figures[0].start, figures[0].end)
    last = end - timedelta(days=1)
    layers = figures[0].spec.name if len(figures) == 1 else f"{len(figures)}-layers"
    kind = "" if view == "counts" else f"-{view}"
    return f"hexbeat-{area.name}-{layers}{kind}-{first}-to-{last}"


def build_csv(rows: pd.DataFrame, about: About) -> bytes:
    """CSV (UTF-8) of rows of cells. Text that looks like a formula is made plain."""
    return build_counts_csv(rows, note=about.as_note())


def build_geojson(rows: pd.DataFrame, about: About, area: Area) -> bytes:
    """GeoJSON of the cells' hexagons with the same columns."""
    return build_counts_geojson(rows, by=("layer", "cell"), wards=area.wards, note=about.as_note())


def build_geoparquet(rows: pd.DataFrame, about: About, area: Area) -> bytes:
    """GeoParquet of the cells' hexagons with the same columns."""
    return build_counts_geoparquet(rows, by=("layer", "cell"), wards=area.wards, note=about.as_note())


def build_xlsx(rows: pd.DataFrame, about: About) -> bytes:
    """XLSX with the sheets Cells and About. Numbers are numbers; all else is text, and text never runs."""
    if about.mark:
        rows = rows.assign(demonstration=about.mark)
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, WORKBOOK_OPTIONS) as book:
        _write_table(book, rows)
        sheet = book.add_worksheet("About")
        sheet.set_column(0, 0, WIDE)
        for line, (name, words) in enumerate(about.as_note().items()):
            sheet.write_string(line, 0, name)
            sheet.write_string(line, 1, words)
    return buffer.getvalue()


def _write_table(book: xlsxwriter.Workbook, rows: pd.DataFrame) -> None:
    """A frozen header and the rows."""
    sheet = book.add_worksheet("Cells")
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(rows.columns) - 1, WIDE)
    for column, name in enumerate(rows.columns):
        sheet.write_string(0, column, str(escape_formula(name)), bold)
        for line, value in enumerate(rows[name].tolist(), start=1):
            if isinstance(value, str):
                sheet.write_string(line, column, escape_formula(value))
            elif pd.notna(value):
                sheet.write_number(line, column, value)
