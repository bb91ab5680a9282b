"""The map page: read the choices, ask for the numbers, draw a map for each layer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Final
from urllib.parse import urlencode

import h3
import pandas as pd
import shapely
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from geo.cells import build_outlines
from hexbeat.areas.area import Area, find_ward_bounds
from hexbeat.areas.place_finder import FoundPlace
from hexbeat.areas.place_names import find_cell_resolution, parse_cells
from hexbeat.dashboard.audit import audit_view
from hexbeat.dashboard.header import draw_header, draw_old_records, find_page
from hexbeat.dashboard.map.hex_layer import MapMark
from hexbeat.dashboard.map.live_map import draw_live_map
from hexbeat.dashboard.pages.map.alert_band import draw_alerts
from hexbeat.dashboard.pages.map.cell_panel import draw_cell_panel
from hexbeat.dashboard.pages.map.filter_widgets import PERIOD_TITLES, draw_filters, forget_widgets
from hexbeat.dashboard.pages.map.layer_views import build_layer_views, list_ward_names
from hexbeat.dashboard.pages.map.tabs import draw_tabs
from hexbeat.dashboard.place_box import draw_place_search
from hexbeat.dashboard.screen import draw_alone
from hexbeat.dashboard.state.choices import Choices, choose_first_layer, format_query, parse_query
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.state.freshness import find_last_known_day
from hexbeat.dashboard.state.prepared_results import draw_watch
from hexbeat.dashboard.state.presets import PERIODS
from hexbeat.dashboard.state.selected_methods import choose_size, describe_backtest, describe_shown_size
from hexbeat.dashboard.state.session import (
    Installation,
    count_all_layers,
    find_chosen_freshness,
    is_history_navigation,
)
from hexbeat.dashboard.view_menu import draw_view_menu
from hexbeat.dashboard.views.controls import (
    draw_announcement,
    draw_close_filters_button,
    draw_copy_link_button,
    draw_open_filters_button,
)
from hexbeat.dashboard.views.layer_view import LayerView
from hexbeat.dashboard.views.meanings import render_meaning
from hexbeat.dashboard.views.sentence import describe_period, format_filter_line
from hexbeat.dashboard.welcome import draw_steps, draw_welcome
from hexbeat.operations.plans.plan_access import may_see_plan
from hexbeat.operations.plans.plan_store import list_stops, load_newest_plan
from layers.catalogue import find_layer
from layers.wording import escape_html, format_list, format_span

__all__ = ["MAP_VIEW", "draw_empty_store", "draw_maps", "find_map_choices", "keep_choices", "show"]

HEIGHT: Final = 540
SMALL_HEIGHT: Final = 340
MAP_VIEW: Final = "map"  # zoom and centre are a person's, whatever layer is shown; small multiples move together
LONG_NOTES: Final = 200  # letters; about two lines
CHOICES_KEY = "choices"
LINK_PROBLEMS_KEY = "link_problems"
LINK_CELL_KEY = "link_cell"
OTHER_SIZE: Final = "The link names a cell of another size than those on this map. Choose that size to see its card."
SEARCH_KEY: Final = "map_search"
LAST_SEARCH_KEY: Final = "map_search_last"  # the place that the map went to last, and the number of that search


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the map page."""
    draw_header(installation, pages)
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    draw_alone(installation, "map", partial(draw_body, pages=pages))


def draw_body(installation: Installation, *, pages: Sequence[StreamlitPage]) -> None:
    """Draw what a filter changes: the filters and all that follows from them."""
    choices = read_choices(installation)
    with st.container(horizontal=True, wrap=False, key="hb_body", gap="medium"):
        with st.container(key="hb_filters", width=286):
            choices, last, size_note = draw_filter_panel(installation, choices)
        with st.container(key="hb_main", width="stretch", gap="small"):
            draw_main(installation, choices, last, pages, size_note=size_note)
    draw_watch(installation)


def draw_main(
    installation: Installation,
    choices: Choices,
    last: date,
    pages: Sequence[StreamlitPage],
    *,
    size_note: DeltaGenerator,
) -> None:
    """Draw the sentence, the map with the panel beside it, and the tabs."""
    size = choose_size(installation, choices)
    resolution = size.resolution
    size_note.html(f'<p class="hb-small">{escape_html(describe_shown_size(resolution))}</p>')
    if choices.cell and find_cell_resolution(choices.cell) != resolution:
        if st.session_state.pop(LINK_CELL_KEY, None) == choices.cell:
            st.session_state[LINK_PROBLEMS_KEY] = [*st.session_state.get(LINK_PROBLEMS_KEY, []), OTHER_SIZE]
        choices = keep_choices(replace(choices, cell=None))  # a cell of another size is not on this map
    figures = count_all_layers(installation, choices, last=last, resolution=resolution)
    audit_view(installation, "map", format_query(choices), rows=count_shown(figures))
    views = build_layer_views(installation, choices, figures, last=last, resolution=resolution)
    draw_old_records(installation, choices.layers, choices.wards)
    draw_sentences(installation, choices, views, size.sentence, resolution=resolution)
    draw_alerts(installation)
    with st.container(horizontal=True, wrap=False, key="hb_map_area" if len(figures) == 1 else "hb_map_areas"):
        with st.container(key="hb_map", width="stretch", gap="small"):
            searched_cell, mark = draw_map_search(installation, resolution=resolution, on_choose=choose_cell)
            if searched_cell:
                choices = keep_choices(replace(choices, cell=searched_cell))
            picked_cell = draw_maps(installation, choices, views, mark=mark)
        if picked_cell:
            choices = keep_choices(replace(choices, cell=picked_cell))
        with st.container(key="hb_cell_panel", width=320 if len(figures) == 1 else "stretch", gap="small"):
            if not choices.cell:
                draw_welcome(installation)
            draw_cell_panel(
                installation, choices, views, last=last, resolution=resolution, on_choose=choose_cell, pages=pages
            )
    tab_choices = replace(choices, view="counts") if any(view.has_counts for view in views) else choices
    draw_tabs(installation, tab_choices, views, last=last, resolution=resolution)
    write_link(installation, choices)


def count_shown(figures: Sequence[LayerFigures]) -> int:
    """The events that the numbers on the page count, without numbers that are too small for the viewer."""
    return round(sum(layer_figures.total for layer_figures in figures if not layer_figures.is_hidden))


def read_choices(installation: Installation) -> Choices:
    """The choices of this session; in its first run, and after back or forward, those of the address."""
    by_history = is_history_navigation()
    if by_history:
        forget_widgets()
    if by_history or CHOICES_KEY not in st.session_state:
        query = {key: st.query_params[key] for key in st.query_params}
        choices, problems = parse_query(
            query,
            ward_codes=tuple(installation.area.wards.codes),
            columns=installation.columns,
            layer=choose_first_layer(installation.columns),
            is_inside=partial(is_inside_area, installation.area),
        )
        st.session_state[LINK_PROBLEMS_KEY] = problems
        st.session_state[LINK_CELL_KEY] = choices.cell
        return keep_choices(choices)
    previous: Choices = st.session_state[CHOICES_KEY]
    layer_names = [spec.name for spec in installation.columns.list_shown(in_cells=True)]
    if set(previous.layers) <= set(layer_names):
        return previous
    layers = tuple(name for name in previous.layers if name in layer_names)  # the role changed meanwhile
    return keep_choices(replace(previous, layers=layers or (choose_first_layer(installation.columns),), cell=None))


def is_inside_area(area: Area, cell: str) -> bool:
    """Whether a cell (H3 string) meets the wards of the area."""
    outline = build_outlines(parse_cells([cell]))[0]
    return bool(shapely.intersects(area.wards.polygons, outline).any())


def find_map_choices() -> Choices | None:
    """The choices of the Map page in this session; None before its first run."""
    choices: Choices | None = st.session_state.get(CHOICES_KEY)
    return choices


def keep_choices(choices: Choices) -> Choices:
    """Remember the choices for the session, through changes of page."""
    st.session_state[CHOICES_KEY] = choices
    return choices


def choose_cell(cell: str | None) -> None:
    """Open the card of a cell, or close it (None). For callbacks: it takes effect in the next run."""
    keep_choices(replace(st.session_state[CHOICES_KEY], cell=cell))


def reset_choices(layer: str) -> None:
    """Go back to the choices of a first visit, which opens on this layer."""
    forget_widgets()
    st.session_state.pop(LINK_PROBLEMS_KEY, None)
    keep_choices(Choices(layers=(layer,)))


def write_link(installation: Installation, choices: Choices) -> None:
    """Write the choices into the address."""
    query = format_query(choices, layer=choose_first_layer(installation.columns))
    if {key: st.query_params[key] for key in st.query_params} != query:
        st.query_params.from_dict(query)


def draw_filter_panel(installation: Installation, choices: Choices) -> tuple[Choices, date, DeltaGenerator]:
    """Draw the filters and the buttons under them.

    The choices, the day with which a moving period ends, and an empty place for the size of the cells on the map.
    """
    last = find_last_day(installation, choices)
    current, size_note = draw_filters(choices, columns=installation.columns, wards=installation.area.wards, last=last)
    if current != choices:
        st.session_state.pop(LINK_PROBLEMS_KEY, None)  # what the link said no longer matters
    choices = keep_choices(current)
    last = find_last_day(installation, choices)
    with st.container(horizontal=True, gap="small"):
        first_layer = choose_first_layer(installation.columns)
        fixed = urlencode(format_query(choices, fixed=choices.bounds(last), layer=first_layer))
        draw_copy_link_button(fixed, key="hb_copy_link")
        st.button("Reset", on_click=reset_choices, args=(first_layer,))
        draw_view_menu(installation, "map", format_query(choices, layer=first_layer))
    with st.container(key="hb_filter_close"):
        draw_close_filters_button()
    return choices, last, size_note


def find_last_day(installation: Installation, choices: Choices) -> date:
    """The day with which a moving period ends for the chosen layers and wards."""
    freshness = find_chosen_freshness(installation, choices)
    return find_last_known_day(freshness, layers=choices.layers, today=installation.today)


def draw_sentences(
    installation: Installation, choices: Choices, views: Sequence[LayerView], size_reason: str, *, resolution: int
) -> None:
    """Draw a sentence a layer, notes on what was left out or shared, and the reason for the size of the cells."""
    lines = []
    for view in views:
        notes = list(view.notes)
        if view is views[0]:  # the bounds of a moving period are said once
            notes = [
                describe_period(choices, view.figures, today=installation.today) if view.period is None else "",
                size_reason,
                *notes,
            ]
        if choices.view != "expected":  # its own notes say this
            notes.append(describe_backtest(installation, view.figures.spec.name, choices.wards, resolution=resolution))
        lines.append(f'<p class="hb-sentence">{escape_html(view.sentence)}</p>')
        if view.meanwhile:
            lines.append(f'<p class="hb-notes"><b>{escape_html(view.meanwhile)}</b></p>')
        lines.append(render_notes(" ".join(filter(None, notes))))
    problems = "".join(
        f'<p class="hb-notes">{escape_html(problem)}</p>' for problem in st.session_state.get(LINK_PROBLEMS_KEY, [])
    )
    with st.container(key="hb_words"):
        st.html(f"{''.join(lines)}{problems}{render_meaning(choices.view)}")
    draw_announcement(" ".join(view.sentence for view in views), key="hb_answer")
    with st.container(key="hb_filter_button"):
        draw_open_filters_button(format_filters(installation, choices, views[0].figures))


def render_notes(notes: str) -> str:
    """The notes under a sentence as HTML; long ones open from two lines, so that the map stays in place."""
    text = escape_html(notes)
    if len(notes) <= LONG_NOTES:
        return f'<p class="hb-notes">{text}</p>'
    return f'<details class="hb-notes"><summary><span>{text}</span></summary></details>'


def format_filters(installation: Installation, choices: Choices, figures: LayerFigures) -> str:
    """The filters as one line."""
    names = list_ward_names(installation, choices)
    period = PERIOD_TITLES[choices.period] if choices.dates is None else format_span(figures.start, figures.end)
    if choices.dates is None and choices.period in PERIODS and figures.freshness.is_old(installation.today):
        period = f"{PERIODS[choices.period].old_title.lower()} of the records"
    layers = [find_layer(name).short for name in choices.layers]
    return format_filter_line(choices, layer_names=layers, ward_names=names, period=period)


def draw_empty_store(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Say that nothing is loaded yet, and what to do in three steps."""
    wards = format_list(list(installation.area.wards.names), most=3)
    st.html(
        '<div class="hb-empty"><h2>Nothing has been loaded yet</h2>'
        f"<p>This installation serves {escape_html(installation.area.title)} ({escape_html(wards)}). "
        "To look around first, the Data page can fill it with synthetic records.</p></div>"
    )
    draw_steps(installation)
    if data_page := find_page(pages, "data"):
        st.page_link(data_page, label="Go to the Data page")


def draw_maps(
    installation: Installation, choices: Choices, views: Sequence[LayerView], *, mark: MapMark | None = None
) -> str | None:
    """Draw a map for each layer. The cell that was picked on one of them in this run; None if none was."""
    if len(views) == 1:
        return draw_map(installation, choices, views[0], height=HEIGHT, mark=mark)
    picked_cell = None
    for first in range(0, len(views), 2):
        for view, column in zip(views[first : first + 2], st.columns(2, gap="small"), strict=False):
            with column:
                st.html(f'<h2 class="hb-map-title">{escape_html(view.figures.spec.title)}</h2>')
                picked_cell = draw_map(installation, choices, view, height=SMALL_HEIGHT, mark=mark) or picked_cell
    return picked_cell


def draw_map(
    installation: Installation, choices: Choices, view: LayerView, *, height: int, mark: MapMark | None = None
) -> str | None:
    """Draw the map of one layer. The cell that was picked in this run; None if none was."""
    layer = view.drawing.layer()
    layer.mark = mark
    pick = draw_live_map(
        installation.area,
        layer,
        key=f"map_{view.figures.spec.name}_{height}",
        height=height,
        selected=choices.cell,
        fit=choices.wards,
        view=MAP_VIEW,
    )
    return pick.cell if pick and pick.new else None


def draw_map_search(
    installation: Installation, *, resolution: int, on_choose: Callable[[str | None], None]
) -> tuple[str | None, MapMark | None]:
    """Draw the search box: Enter goes to a place and marks it. The place is in no address and no log.

    The cell to choose, if the person has just found a cell, and the mark; None where there is none.
    The stops of the plan that was made last are found too ("stop 3").
    `on_choose` opens the card of a cell (an H3 string), for the button beside the name of what was found.
    """
    area = installation.area

    def list_newest_stops() -> pd.DataFrame | None:
        plan = load_newest_plan(installation.documents, area.name)
        return list_stops(plan) if plan and may_see_plan(installation.viewer, plan) else None

    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"{SEARCH_KEY}_row"):
        place = draw_place_search(area, "Find a place", key=SEARCH_KEY, list_stops=list_newest_stops)
        if place is None:
            st.session_state.pop(LAST_SEARCH_KEY, None)  # the same words go there again
            return None, None
        cell = h3.latlng_to_cell(place.lat, place.lon, resolution)
        if place.kind != "ward":
            st.button("Show its card", key=f"{SEARCH_KEY}_card", on_click=on_choose, args=(cell,))
        # The mark on the map shows its name; this says it to who does not see the map.
        st.html(f'<p class="hb-sr" role="status">Marked on the map: {escape_html(place.name)}</p>', width="content")
    number, is_new = count_search(place)
    bounds = find_ward_bounds(area, [place.ward_code]) if place.kind == "ward" else None
    mark = MapMark(place.lon, place.lat, place.name, number, bounds)
    return cell if is_new and place.kind == "cell" else None, mark


def count_search(place: FoundPlace) -> tuple[int, bool]:
    """The number of this search in the session, and whether it is a new one: the place differs from the last one."""
    last, number = st.session_state.get(LAST_SEARCH_KEY, (None, 0))
    if place == last:
        return number, False
    # The browser remembers the last number longer than this session lasts, so that a count from 1 would not do.
    number = time.time_ns() // 1_000_000
    st.session_state[LAST_SEARCH_KEY] = (place, number)
    return number, True
