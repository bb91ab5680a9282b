"""Downloads of what the map shows: the buttons, and each kind of file.

A file is made when its button is pressed.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st
import xlsxwriter

from hexbeat.analysis.count_files import (
    build_counts_csv,
    build_counts_geojson,
    build_counts_geoparquet,
    find_demonstration_mark,
)
from hexbeat.areas.area import Area
from hexbeat.areas.credits import format_credits
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.areas.street_names import add_place_names
from hexbeat.dashboard.map.saved_page import render_saved_page
from hexbeat.dashboard.screen import check_export
from hexbeat.dashboard.state.choices import Choices, View
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.state.pounds import add_pounds
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.views.layer_view import LayerView
from hexbeat.dashboard.views.sentence import format_filter_line
from hexbeat.dashboard.views.tables import format_table
from hexbeat.documents.map_document import MapSheet, render_map_pdf, render_map_png
from hexbeat.files import escape_formula
from layers.access import may_export, may_make
from layers.wording import format_span

__all__ = [
    "About",
    "build_about",
    "build_csv",
    "build_geojson",
    "build_geoparquet",
    "build_xlsx",
    "draw_downloads",
    "format_file_stem",
]

# Nothing in a cell is a formula or a link, whatever it looks like.
WORKBOOK_OPTIONS: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
WIDE: Final = 22  # characters


@dataclass(frozen=True, slots=True)
class About:
    """The facts about an export: its sentences, what was left out and why, and the sources of wards and names.

    `mark` says which events are synthetic; None: none are.
    """

    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    attribution: str
    mark: str | None
    made_on: date
    resolution: int
    extra: Mapping[str, str] = field(default_factory=dict)

    def as_note(self) -> dict[str, str]:
        """The facts as names and texts, as hexbeat.analysis.count_files takes them."""
        note = {
            "about": " ".join(self.sentences),
            "left_out_or_shared": " ".join(self.notes),
            "resolution": str(self.resolution),
            "made_on": self.made_on.isoformat(),
            "attribution": self.attribution,
            **self.extra,
        }
        return {"demonstration": self.mark, **note} if self.mark else note


def draw_downloads(
    installation: Installation, choices: Choices, views: Sequence[LayerView], *, resolution: int
) -> None:
    """Draw a button for each kind of file."""
    figures = [view.figures for view in views]
    names = [layer_figures.spec.name for layer_figures in figures]
    may_take = may_export(installation.viewer, "counts", names)
    if not may_take and not may_make(installation.viewer, "map"):
        st.text("Your role cannot download this.")
        return
    about = build_about(installation, choices, views, resolution)
    stem = format_file_stem(figures, installation.area, choices.view, period=views[0].period)
    area = installation.area

    def build_file_rows() -> pd.DataFrame:
        if choices.view != "counts":
            return build_rows(views, area)
        add = partial(add_pounds, installation, choices, resolution=resolution)
        costed = [replace(view, make_rows=partial(add, view.figures, view.rows)) for view in views]
        return build_rows(costed, area)

    kinds: list[tuple[str, str, str, Callable[[], bytes]]] = [
        ("CSV", ".csv", "text/csv", lambda: build_csv(build_file_rows(), about)),
        (
            "Excel",
            ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            lambda: build_xlsx(build_file_rows(), about),
        ),
        ("GeoJSON", ".geojson", "application/geo+json", lambda: build_geojson(build_file_rows(), about, area)),
        (
            "GeoParquet",
            ".parquet",
            "application/vnd.apache.parquet",
            lambda: build_geoparquet(build_file_rows(), about, area),
        ),
    ]
    st.text(
        "The cells of the map with their numbers. CSV and Excel carry no formulas; the map opens without a network. "
        "Each map file shows the whole area, or the wards that you chose, however far you have zoomed in here."
    )
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime, make in kinds if may_take else ():
            draw_download(label, make, name=stem + ending, mime=mime, installation=installation, figures=figures)
        for view in views if may_make(installation.viewer, "map") else ():
            title = view.figures.spec.title
            label = "Map" if len(views) == 1 else f"Map of {title.lower()}"
            name = format_file_stem([view.figures], installation.area, choices.view, period=view.period)
            for kind, ending, mime, page in (
                ("HTML", ".html", "text/html", build_page_maker(installation, view, about)),
                ("PDF, one page", ".pdf", "application/pdf", build_sheet_maker(installation, choices, view, about)),
                ("PNG", ".png", "image/png", build_sheet_maker(installation, choices, view, about, picture=True)),
            ):
                draw_download(
                    f"{label} ({kind})",
                    page,
                    name=name + ending,
                    mime=mime,
                    installation=installation,
                    figures=[view.figures],
                    document="map",
                )


def build_rows(views: Sequence[LayerView], area: Area) -> pd.DataFrame:
    """The rows of all layers for one file, by layer and cell, each with the name of its cell."""
    rows = pd.concat([view.rows for view in views], ignore_index=True)
    return add_place_names(rows.sort_values(["layer", "cell"], ignore_index=True), area)


def draw_download(
    label: str,
    make: Callable[[], bytes],
    *,
    name: str,
    mime: str,
    installation: Installation,
    figures: Sequence[LayerFigures],
    document: str | None = None,
) -> None:
    """Draw one button; the policy is checked again when the file is made."""
    layers = [layer_figures.spec.name for layer_figures in figures]
    form = name.rpartition(".")[2]
    data = check_export(installation, make, layers=layers, document=document, form=form)
    st.download_button(label, data=data, file_name=name, mime=mime, on_click="ignore", key=f"download_{name}")


def build_page_maker(installation: Installation, view: LayerView, about: About) -> Callable[[], bytes]:
    """A function that makes the map as one HTML page. It keeps all it needs, because it runs on another thread."""
    layer: Any = view.drawing.layer()
    return lambda: render_saved_page(
        installation.area,
        layer,
        title=f"Hexbeat: {view.figures.spec.title}, {installation.area.title}",
        sentence=view.sentence,
        notes=list(view.notes),
        table=format_table(view.table),
        mark=about.mark,
    )


def build_sheet_maker(
    installation: Installation, choices: Choices, view: LayerView, about: About, *, picture: bool = False
) -> Callable[[], bytes]:
    """A function that makes the map as one A4 page, or as a picture."""
    area, drawing, labels = installation.area, view.drawing, build_ward_labels(installation.area.wards)
    names = [labels[code] for code in choices.wards]
    period = view.period or (view.figures.start, view.figures.end)
    edges = ((drawing.style.outlined_label, drawing.outlined), (drawing.style.dashed_label, drawing.dashed))
    sheet = MapSheet(
        title=f"{drawing.style.title}, {area.title}",
        sentence=view.sentence,
        filters=format_filter_line(
            choices, layer_names=[view.figures.spec.short], ward_names=names, period=format_span(*period)
        ),
        notes=view.notes,
        cells=drawing.cells,
        values=drawing.values,
        scale=drawing.style.scale,
        unit=drawing.style.title,
        outlines=[(label, marks) for label, marks in edges if marks is not None],
        wards=choices.wards,
        mark=about.mark,
    )
    made_at = datetime.combine(about.made_on, time(), tzinfo=area.tz)
    render = render_map_png if picture else render_map_pdf
    return lambda: render(sheet, area, made_at=made_at)


def build_about(installation: Installation, choices: Choices, views: Sequence[LayerView], resolution: int) -> About:
    """The facts about the files."""
    return About(
        sentences=tuple(view.sentence for view in views),
        notes=tuple(note for view in views for note in view.notes),
        attribution=format_credits(installation.area),
        mark=find_demonstration_mark(installation.columns),
        made_on=installation.today,
        resolution=resolution,
        extra={} if choices.view == "counts" else {"view": choices.view},
    )


def format_file_stem(
    figures: Sequence[LayerFigures], area: Area, view: View = "counts", *, period: tuple[date, date] | None = None
) -> str:
    """A file name without ending, from our own words only: hexbeat-AREA-LAYER-VIEW-FIRST-to-LAST.

    LAST is the last day that counts; the view of counts has no VIEW. `period` [first, end) replaces that of the
    figures.
    """
    first, end = period or (figures[0].start, figures[0].end)
    last = end - timedelta(days=1)
    layers = figures[0].spec.name if len(figures) == 1 else f"{len(figures)}-layers"
    kind = "" if view == "counts" else f"-{view}"
    return f"hexbeat-{area.name}-{layers}{kind}-{first}-to-{last}"


def build_csv(rows: pd.DataFrame, about: About) -> bytes:
    """CSV (UTF-8) of rows of cells. Text that looks like a formula is escaped."""
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
        for line, (name, text) in enumerate(about.as_note().items()):
            sheet.write_string(line, 0, name)
            sheet.write_string(line, 1, str(escape_formula(text)))
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
