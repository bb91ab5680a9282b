"""The analysis page: the choices, the tabs, and the tabs on emerging hotspots and rhythm."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pandas as pd
import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hexbeat.analysis.emerging_map import EmergingMap
from hexbeat.analysis.rhythm import SHIFT_HOURS, BusiestShift, count_known_hours, find_busiest_shift
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.audit import audit_view
from hexbeat.dashboard.header import draw_header, draw_old_records
from hexbeat.dashboard.map.live_map import draw_live_map
from hexbeat.dashboard.pages.analysis.backtest_tab import draw_backtest, draw_repeats
from hexbeat.dashboard.pages.map.map_page import MAP_VIEW, draw_empty_store, find_map_choices
from hexbeat.dashboard.pages.map.tabs import draw_frame
from hexbeat.dashboard.state.choices import Choices, build_filter, choose_first_layer, format_query, parse_query
from hexbeat.dashboard.state.findings import find_findings
from hexbeat.dashboard.state.freshness import find_last_known_day
from hexbeat.dashboard.state.pounds import describe_pounds
from hexbeat.dashboard.state.presets import PERIODS, USUAL_ANALYSIS_PERIOD
from hexbeat.dashboard.state.session import (
    Installation,
    choose_area_resolution,
    count_all_layers,
    find_chosen_freshness,
    is_history_navigation,
)
from hexbeat.dashboard.view_menu import draw_view_menu
from hexbeat.dashboard.views.charts import render_grid
from hexbeat.dashboard.views.controls import draw_announcement
from hexbeat.dashboard.views.emerging_view import (
    build_emerging_drawing,
    build_emerging_rows,
    build_emerging_table,
    describe_emerging,
    render_emerging_card,
    render_patterns,
)
from hexbeat.dashboard.views.meanings import render_meaning
from hexbeat.dashboard.views.sentence import format_places
from layers.catalogue import find_layer
from layers.wording import escape_html, format_about, format_number, format_percent, format_plural, format_span

__all__ = [
    "USUAL_PERIOD",
    "describe_known_hours",
    "draw_request",
    "draw_rhythm",
    "format_request_query",
    "parse_request",
    "render_shifts",
    "show",
]

USUAL_PERIOD: Final = USUAL_ANALYSIS_PERIOD
CHOICES_KEY: Final = "analysis_question"
PREFIX: Final = "analysis_"
NAMES: Final = ("Emerging", "Rhythm", "Back-test", "Near repeats")
HEIGHT: Final = 520
CELL_KEY: Final = "emerging_cell"


def draw_emerging(installation: Installation, choices: Choices, last: date) -> None:
    """Draw the tab on emerging hotspots."""
    layer, resolution = choices.layers[0], choose_area_resolution(installation, choices)
    emerging_map = find_findings(installation, choices, layer=layer, last=last, resolution=resolution).emerging
    rows = build_emerging_rows(emerging_map, installation.area)
    labels = build_ward_labels(installation.area.wards)
    place = format_places([labels[code] for code in choices.wards], installation.area.title)
    sentence = describe_emerging(emerging_map, rows, place=place)
    (figures,) = count_all_layers(installation, choices, last=last, resolution=resolution)
    notes = " ".join([*emerging_map.notes, *describe_pounds(installation, choices, figures)])
    st.html(
        f'<p class="hb-sentence">{escape_html(sentence)}</p><p class="hb-notes">{escape_html(notes)}</p>'
        f"{render_meaning('emerging')}"
    )
    draw_announcement(sentence, key="hb_emerging_answer")
    if rows.empty:
        st.text("Choose a longer period, or more wards.")
        return
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            drawing = build_emerging_drawing(rows, emerging_map.spec.title)
            pick = draw_live_map(
                installation.area,
                drawing.layer(),
                key="map_emerging",
                height=HEIGHT,
                fit=choices.wards,
                view=MAP_VIEW,
                selected=find_picked_cell(rows),
            )
            if pick and pick.new:
                st.session_state[CELL_KEY] = pick.cell
        with st.container(key="hb_analysis_words", width=440):
            draw_picked(emerging_map, rows, installation.area)
            st.html(f'<h2 class="hb-title">What the patterns mean</h2>{render_patterns(rows)}')
    draw_frame(
        build_emerging_table(rows, installation.area),
        key="emerging_table",
        alt="The places and their patterns over time",
    )


def find_picked_cell(rows: pd.DataFrame) -> str | None:
    """The cell that was picked in this session, while it is on the map."""
    cell = st.session_state.get(CELL_KEY)
    return cell if isinstance(cell, str) and (rows["cell"] == cell).any() else None


def draw_picked(emerging_map: EmergingMap, rows: pd.DataFrame, area: Area) -> None:
    """Draw the card of the picked cell; if none is picked, say how to pick one."""
    cell = find_picked_cell(rows)
    if cell is None:
        st.html('<p class="hb-small">Choose a place on the map to see what became of it, period by period.</p>')
        return
    with st.container(key="hb_emerging_card"):
        st.html(render_emerging_card(emerging_map, rows, cell, area))


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the analysis page."""
    draw_header(installation, pages)
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    choices = draw_request(installation, map_choices=find_map_choices() or open_choices(installation))
    audit_view(installation, "analysis", format_request_query(choices))
    freshness = find_chosen_freshness(installation, choices)
    last = find_last_known_day(freshness, layers=choices.layers, today=installation.today)
    draw_old_records(installation, choices.layers, choices.wards)
    emerging, rhythm, backtest, repeats = st.tabs(NAMES, key="analysis_tab", on_change="rerun")
    if emerging.open:
        with emerging:
            draw_emerging(installation, choices, last)
    if rhythm.open:
        with rhythm:
            draw_rhythm(installation, choices, last)
    if backtest.open:
        with backtest:
            draw_backtest(installation, choices, pages)
    if repeats.open:
        with repeats:
            draw_repeats(installation, choices, last)


def open_choices(installation: Installation) -> Choices:
    """The choices of a first visit: a layer that has records."""
    return Choices(layers=(choose_first_layer(installation.columns),))


def draw_rhythm(installation: Installation, choices: Choices, last: date) -> None:
    """Draw the tab on weekdays and hours."""
    spec = find_layer(choices.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force all day and have no rhythm of hours.")
        return
    start, end = choices.bounds(last)
    freshness = find_chosen_freshness(installation, choices)[spec.name]
    if not freshness.find_known_in((start, end)):
        st.text(f"{spec.title}: not known, because the records do not cover {format_span(start, end)}.")
        return
    rhythm = count_known_hours(
        installation.columns,
        build_filter(choices, layer=spec.name, start=start, end=end),
        freshness.find_known_in((start, end)),
        time_zone=installation.area.time_zone,
    )
    busiest = find_busiest_shift(rhythm)
    missing = freshness.describe_missing((start, end))
    not_known = f"Known days only: {missing}." if missing else ""
    caption = f"{spec.title} by weekday and hour of the day, {format_span(start, end)}"
    st.html(
        f'<p class="hb-sentence">{escape_html(busiest.sentence)}</p>'
        f'<p class="hb-notes">{escape_html(f"{describe_known_hours(busiest)} {not_known}".strip())}</p>'
        f"{render_meaning('rhythm')}"
        f'<div class="hb-chart">{render_grid(rhythm.grid, caption=caption)}</div>{render_shifts(busiest)}'
    )
    draw_announcement(busiest.sentence, key="hb_rhythm_answer")


def describe_known_hours(busiest: BusiestShift) -> str:
    """How many records have an hour, and why the true interval may be wider, if one is given."""
    known, total = busiest.known_hour, busiest.known_hour + busiest.unknown_hour
    if not total:
        return "No record falls in this period."
    share = format_percent(known / total)
    sentence = (
        f"The time of day is known for {format_number(known)} of {format_plural(total, 'record', 'records')} ({share})."
    )
    return (
        f"{sentence} If one event leads to the next, the true intervals are wider." if not busiest.too_few else sentence
    )


def render_shifts(busiest: BusiestShift) -> str:
    """The three shifts in the order of the day, with their numbers and shares."""
    total = sum(busiest.counts.values())
    if not total:
        return ""
    lines = "".join(
        f'<tr><th scope="row">{name.capitalize()}, {SHIFT_HOURS[name][0]:02d}:00 to {SHIFT_HOURS[name][1]:02d}:00</th>'
        f'<td class="hb-number">{format_about(count)}</td>'
        f'<td class="hb-number">{format_percent(count / total)}</td></tr>'
        for name, count in busiest.counts.items()
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="Shifts">'
        '<table class="hb-plain hb-narrow"><thead><tr><th scope="col">Shift</th><th scope="col" class="hb-number">'
        f'Number</th><th scope="col" class="hb-number">Share</th></tr></thead><tbody>{lines}</tbody></table></div>'
    )


def parse_request(query: Mapping[str, str], *, ward_codes: tuple[str, ...], map_choices: Choices | None) -> Choices:
    """The choices of a link; without a link, the layer and wards of the map over a year."""
    if query:
        choices, _ = parse_query(query, ward_codes=ward_codes)
        period = query.get("period", "")
        period = period if period in PERIODS else USUAL_PERIOD
    else:
        choices, period = map_choices or Choices(), USUAL_PERIOD
    return Choices(layers=choices.layers[:1], period=period, wards=choices.wards)


def format_request_query(choices: Choices) -> dict[str, str]:
    """The choices as query parameters; always with the period, because the default here is not the map's."""
    return {**format_query(choices), "period": choices.period}


def draw_request(installation: Installation, *, map_choices: Choices | None) -> Choices:
    """Draw the controls and return the choices. The address carries them, and back and forward restore them."""
    by_history = is_history_navigation()
    previous = st.session_state.get(CHOICES_KEY)
    if previous is None or by_history:
        query = {key: st.query_params[key] for key in st.query_params}
        previous = parse_request(query, ward_codes=tuple(installation.area.wards.codes), map_choices=map_choices)
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        choices = _draw_controls(installation, previous, from_previous=by_history)
        draw_view_menu(installation, "analysis", format_request_query(choices))
    st.session_state[CHOICES_KEY] = choices
    wanted = format_request_query(choices)
    if {key: st.query_params[key] for key in st.query_params} != wanted:
        st.query_params.from_dict(wanted)
    return choices


def _draw_controls(installation: Installation, previous: Choices, *, from_previous: bool) -> Choices:
    """Layer, period and wards. `from_previous`: take them from `previous`, whatever the controls showed."""
    values: dict[str, Any] = {"layer": previous.layers[0], "period": previous.period, "wards": list(previous.wards)}
    for name, value in values.items():
        if from_previous or PREFIX + name not in st.session_state:
            st.session_state[PREFIX + name] = value
    layer = st.pills(
        "What",
        [spec.name for spec in installation.columns.list_shown(in_cells=True)],
        key=PREFIX + "layer",
        format_func=lambda name: find_layer(name).short.capitalize(),
        required=True,
    )
    period = st.pills(
        "When", list(PERIODS), key=PREFIX + "period", format_func=lambda name: PERIODS[name].title, required=True
    )
    labels = build_ward_labels(installation.area.wards)
    wards = st.multiselect(
        "Where",
        sorted(labels, key=labels.__getitem__),
        key=PREFIX + "wards",
        format_func=labels.__getitem__,
        placeholder="The whole area",
    )
    ward_codes = tuple(code for code in installation.area.wards.codes if code in wards)
    return replace(previous, layers=(str(layer),), period=str(period), wards=ward_codes)
