"""Downloads of what the map shows. A file is made when its button is pressed."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.exports import About, build_csv, build_geojson, build_geoparquet, build_xlsx, format_file_stem
from dashboard.figures import LayerFigures
from dashboard.saved_page import render_saved_page
from dashboard.session import Installation
from dashboard.state import Choices
from dashboard.tables import format_table
from dashboard.views import LayerView
from layers.access import Action, may, require
from layers.counts_export import find_demonstration_mark

__all__ = ["build_about", "draw_downloads"]


def draw_downloads(here: Installation, choices: Choices, views: Sequence[LayerView], *, resolution: int) -> None:
    """A button for each kind of file."""
    figures = [view.figures for view in views]
    if not all(may(here.viewer, Action.EXPORT, each.spec.name) for each in figures):
        st.text("Your role does not export.")
        return
    about = build_about(here, choices, views, resolution)
    stem = format_file_stem(figures, here.area, choices.view, period=views[0].period)
    rows = build_rows(views)
    kinds: list[tuple[str, str, str, Callable[[], bytes]]] = [
        ("CSV", ".csv", "text/csv", lambda: build_csv(rows, about)),
        (
            "Excel",
            ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            lambda: build_xlsx(rows, about),
        ),
        ("GeoJSON", ".geojson", "application/geo+json", lambda: build_geojson(rows, about, here.area)),
        ("GeoParquet", ".parquet", "application/vnd.apache.parquet", lambda: build_geoparquet(rows, about, here.area)),
    ]
    st.text(
        "The cells of the map with their numbers. CSV and Excel carry no formulas; the map opens without a network."
    )
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime, make in kinds:
            draw_download(label, make, name=stem + ending, mime=mime, here=here, figures=figures)
        for view in views:
            title = view.figures.spec.title
            label = "Map (HTML)" if len(views) == 1 else f"Map of {title.lower()} (HTML)"
            name = f"{format_file_stem([view.figures], here.area, choices.view, period=view.period)}.html"
            page = build_page_maker(here, view, about)
            draw_download(label, page, name=name, mime="text/html", here=here, figures=[view.figures])


def build_rows(views: Sequence[LayerView]) -> pd.DataFrame:
    """The rows of all layers for one file, by layer and cell."""
    return pd.concat([view.rows for view in views], ignore_index=True).sort_values(["layer", "cell"], ignore_index=True)


def draw_download(
    label: str,
    make: Callable[[], bytes],
    *,
    name: str,
    mime: str,
    here: Installation,
    figures: Sequence[LayerFigures],
) -> None:
    """One button; the policy is asked again when the file is made."""

    def allowed() -> bytes:
        for each in figures:
            require(here.viewer, Action.EXPORT, each.spec.name)
        return make()

    st.download_button(label, data=allowed, file_name=name, mime=mime, on_click="ignore", key=f"download_{name}")


def build_page_maker(here: Installation, view: LayerView, about: About) -> Callable[[], bytes]:
    """Makes the map as one HTML page; everything it needs is taken now, because it runs on a thread of its own."""
    layer: Any = view.drawing.layer()
    return lambda: render_saved_page(
        here.area,
        layer,
        title=f"Hexbeat: {view.figures.spec.title}, {here.area.title}",
        sentence=view.sentence,
        notes=list(view.notes),
        table=format_table(view.table),
        mark=about.mark,
    )


def build_about(here: Installation, choices: Choices, views: Sequence[LayerView], resolution: int) -> About:
    """What the files say of themselves."""
    return About(
        sentences=tuple(view.sentence for view in views),
        notes=tuple(note for view in views for note in view.notes),
        attribution=here.area.attribution,
        mark=find_demonstration_mark(here.columns),
        made_on=here.today,
        resolution=resolution,
        extra={} if choices.view == "counts" else {"view": choices.view},
    )
