"""Downloads of what the map shows. A file is made when its button is pressed."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import streamlit as st

from dashboard.exports import About, csv_file, file_stem, geojson_file, geoparquet_file, xlsx_file
from dashboard.figures import LayerFigures
from dashboard.partners.filters import ward_labels
from dashboard.partners.stage import layer_of
from dashboard.saved_page import saved_page
from dashboard.sentence import notes, sentence
from dashboard.session import Installation
from dashboard.state import Choices
from dashboard.tables import cell_table, printed
from layers.access import Action, may, require

__all__ = ["about_of", "draw_downloads"]


def draw_downloads(
    here: Installation, choices: Choices, figures: Sequence[LayerFigures], *, last: date, resolution: int
) -> None:
    """A button for each kind of file."""
    if not all(may(here.viewer, Action.EXPORT, each.spec.name) for each in figures):
        st.text("Your role does not export.")
        return
    about = about_of(here, choices, figures, resolution)
    stem = file_stem(figures, here.area)
    kinds: list[tuple[str, str, str, Callable[[], bytes]]] = [
        ("CSV", ".csv", "text/csv", lambda: csv_file(figures, about)),
        (
            "Excel",
            ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            lambda: xlsx_file(figures, about),
        ),
        ("GeoJSON", ".geojson", "application/geo+json", lambda: geojson_file(figures, about, here.area)),
        (
            "GeoParquet",
            ".parquet",
            "application/vnd.apache.parquet",
            lambda: geoparquet_file(figures, about, here.area),
        ),
    ]
    st.text(
        "The cells of the map with their numbers. CSV and Excel carry no formulas; the map opens without a network."
    )
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime, make in kinds:
            download(label, make, name=stem + ending, mime=mime, here=here, figures=figures)
        for each in figures:
            label = "Map (HTML)" if len(figures) == 1 else f"Map of {each.spec.title.lower()} (HTML)"
            page = page_maker(here, choices, each, about, last=last, resolution=resolution)
            download(
                label, page, name=f"{file_stem([each], here.area)}.html", mime="text/html", here=here, figures=[each]
            )


def download(
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


def page_maker(
    here: Installation, choices: Choices, figures: LayerFigures, about: About, *, last: date, resolution: int
) -> Callable[[], bytes]:
    """Makes the map as one HTML page; everything it needs is taken now, because it runs on a thread of its own."""
    layer: Any = layer_of(here, choices, figures, last=last, resolution=resolution)
    words = sentence_of(here, choices, figures)
    title = f"Hexbeat: {figures.spec.title}, {here.area.title}"
    return lambda: saved_page(
        here.area,
        layer,
        title=title,
        sentence=words,
        notes=notes(figures, choices),
        table=printed(cell_table([figures])),
        demonstration=about.demonstration,
    )


def sentence_of(here: Installation, choices: Choices, figures: LayerFigures) -> str:
    """The sentence over the map of one layer."""
    labels = ward_labels(here.area.wards)
    names = [labels[code] for code in choices.wards]
    return sentence(figures, choices, ward_names=names, area_title=here.area.title)


def about_of(here: Installation, choices: Choices, figures: Sequence[LayerFigures], resolution: int) -> About:
    """What the files say of themselves."""
    return About(
        sentences=tuple(sentence_of(here, choices, each) for each in figures),
        notes=tuple(note for each in figures for note in notes(each, choices)),
        attribution=here.area.attribution,
        demonstration=bool(here.columns.demonstration.any()),
        made_on=here.today,
        resolution=resolution,
    )
