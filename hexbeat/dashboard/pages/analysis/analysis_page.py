"""The analysis page: the request, the tabs, and the tab on rhythm.

The tabs say what emerges, at which hours, which method is right how often, and whether one event follows another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pandas as pd
import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hexbeat.analysis.emerging_map import EmergingMap
from hexbeat.analysis.rhythm import SHIFT_HOURS, BusiestShift, WeekdayHour, count_weekday_hours, find_busiest_shift
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.map.live_map import draw_live_map
from hexbeat.dashboard.pages.analysis.backtest_tab import draw_backtest, draw_repeats
from hexbeat.dashboard.pages.map.map_page import draw_empty_store, find_map_choices
from hexbeat.dashboard.pages.map.tabs import draw_frame
from hexbeat.dashboard.state.choices import Choices, build_filter, format_query, parse_query
from hexbeat.dashboard.state.findings import find_findings
from hexbeat.dashboard.state.freshness import find_last_known_day
from hexbeat.dashboard.state.presets import PERIODS
from hexbeat.dashboard.state.session import Installation, choose_area_resolution, find_coverage, is_history_navigation
from hexbeat.dashboard.views.charts import render_grid
from hexbeat.dashboard.views.emerging_view import (
    build_emerging_drawing,
    build_emerging_rows,
    build_emerging_table,
    describe_emerging,
    render_emerging_card,
    render_patterns,
)
from hexbeat.dashboard.views.sentence import format_places
from layers.catalogue import LAYER_NAMES, find_layer
from layers.wording import escape_html, format_number, format_percent, format_plural, format_span

__all__ = [
    "ASKED_PERIOD",
    "describe_known_hours",
    "draw_request",
    "draw_rhythm",
    "format_request_query",
    "parse_request",
    "render_shifts",
    "show",
]

ASKED_PERIOD: Final = "year"  # patterns over time need time
HELD: Final = "analysis_question"
PREFIX: Final = "analysis_"
NAMES: Final = ("Emerging", "Rhythm", "Back-test", "Near repeats")
HEIGHT: Final = 520
PICKED: Final = "emerging_cell"


def draw_emerging(installation: Installation, asked: Choices, last: date) -> None:
    """Draw the tab."""
    layer, resolution = asked.layers[0], choose_area_resolution(installation, asked)
    found = find_findings(installation, asked, layer=layer, last=last, resolution=resolution).emerging
    rows = build_emerging_rows(found, installation.area)
    labels = build_ward_labels(installation.area.wards)
    place = format_places([labels[code] for code in asked.wards], installation.area.title)
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(describe_emerging(found, rows, place=place))}</p>'
        f'<p class="hb-notes">{escape_html(" ".join(found.notes))}</p></div>'
    )
    if rows.empty:
        st.text("Choose a longer period, or more wards.")
        return
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            drawing = build_emerging_drawing(rows, found.spec.title)
            pick = draw_live_map(
                installation.area,
                drawing.layer(),
                key="map_emerging",
                height=HEIGHT,
                fit=asked.wards,
                selected=find_picked_cell(rows),
            )
            if pick and pick.new:
                st.session_state[PICKED] = pick.cell
        with st.container(key="hb_analysis_words", width=440):
            draw_picked(found, rows)
            st.html(f'<h2 class="hb-title">What the patterns mean</h2>{render_patterns(rows)}')
    draw_frame(build_emerging_table(rows), key="emerging_table", alt="The places and their patterns over time")


def find_picked_cell(rows: pd.DataFrame) -> str | None:
    """The cell that was picked in this session, while it is on the map."""
    cell = st.session_state.get(PICKED)
    return cell if isinstance(cell, str) and (rows["cell"] == cell).any() else None


def draw_picked(found: EmergingMap, rows: pd.DataFrame) -> None:
    """The card of the picked cell; how to get one where none is."""
    cell = find_picked_cell(rows)
    if cell is None:
        st.html('<p class="hb-small">Choose a place on the map to see what became of it, period by period.</p>')
        return
    with st.container(key="hb_emerging_card"):
        st.html(render_emerging_card(found, rows, cell))


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the analysis page."""
    draw_header(installation, pages)
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    asked = draw_request(installation, on_map=find_map_choices())
    last = find_last_known_day(find_coverage(installation), layers=asked.layers, today=installation.today)
    emerging, rhythm, backtest, repeats = st.tabs(NAMES, key="analysis_tab", on_change="rerun")
    if emerging.open:
        with emerging:
            draw_emerging(installation, asked, last)
    if rhythm.open:
        with rhythm:
            draw_rhythm(installation, asked, last)
    if backtest.open:
        with backtest:
            draw_backtest(installation, asked, pages)
    if repeats.open:
        with repeats:
            draw_repeats(installation, asked, last)


def draw_rhythm(installation: Installation, asked: Choices, last: date) -> None:
    """Draw the tab."""
    spec = find_layer(asked.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force all day and have no rhythm of hours.")
        return
    start, end = asked.bounds(last)
    rhythm = count_weekday_hours(
        installation.columns, build_filter(asked, layer=spec.name, start=start, end=end), installation.area.time_zone
    )
    busiest = find_busiest_shift(rhythm)
    caption = f"{spec.title} by weekday and hour of the day, {format_span(start, end)}"
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(busiest.sentence)}</p>'
        f'<p class="hb-notes">{escape_html(describe_known_hours(rhythm))}</p></div>'
        f'<div class="hb-chart">{render_grid(rhythm.grid, caption=caption)}</div>{render_shifts(busiest)}'
    )


def describe_known_hours(rhythm: WeekdayHour) -> str:
    """How many records know their hour; and what makes the interval narrower than it should be."""
    known, every = rhythm.known_hour, rhythm.known_hour + rhythm.unknown_hour
    if not every:
        return "No record falls in this period."
    share = format_percent(known / every)
    said = (
        f"The time of day is known for {format_number(known)} of {format_plural(every, 'record', 'records')} ({share})."
    )
    return f"{said} If one event leads to the next, the true intervals are wider." if known else said


def render_shifts(found: BusiestShift) -> str:
    """The three shifts in the order of the day, with their numbers and shares."""
    total = sum(found.counts.values())
    if not total:
        return ""
    lines = "".join(
        f'<tr><th scope="row">{name.capitalize()}, {SHIFT_HOURS[name][0]:02d}:00 to {SHIFT_HOURS[name][1]:02d}:00</th>'
        f'<td class="hb-number">{format_number(count)}</td>'
        f'<td class="hb-number">{format_percent(count / total)}</td></tr>'
        for name, count in found.counts.items()
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="Shifts">'
        '<table class="hb-plain hb-narrow"><thead><tr><th scope="col">Shift</th><th scope="col" class="hb-number">'
        f'Number</th><th scope="col" class="hb-number">Share</th></tr></thead><tbody>{lines}</tbody></table></div>'
    )


def parse_request(query: Mapping[str, str], *, ward_codes: tuple[str, ...], on_map: Choices | None) -> Choices:
    """The question of a link; without one the map's layer and wards over a year."""
    if query:
        asked, _ = parse_query(query, ward_codes=ward_codes)
        period = query.get("period", "")
        period = period if period in PERIODS else ASKED_PERIOD
    else:
        asked, period = on_map or Choices(), ASKED_PERIOD
    return Choices(layers=asked.layers[:1], period=period, wards=asked.wards)


def format_request_query(choices: Choices) -> dict[str, str]:
    """The question as query parameters; the period always, because on opening it is not the map's."""
    return {**format_query(choices), "period": choices.period}


def draw_request(installation: Installation, *, on_map: Choices | None) -> Choices:
    """Draw the controls and return what is asked now; the address bar carries it, and back and forward return to it."""
    by_history = is_history_navigation()
    held = st.session_state.get(HELD)
    if held is None or by_history:
        query = {key: st.query_params[key] for key in st.query_params}
        held = parse_request(query, ward_codes=tuple(installation.area.wards.codes), on_map=on_map)
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        asked = _draw(installation, held, anew=by_history)
    st.session_state[HELD] = asked
    wanted = format_request_query(asked)
    if {key: st.query_params[key] for key in st.query_params} != wanted:
        st.query_params.from_dict(wanted)
    return asked


def _draw(installation: Installation, held: Choices, *, anew: bool) -> Choices:
    """What, when and where; `anew`: as `held` says, whatever the controls showed."""
    wanted: dict[str, Any] = {"layer": held.layers[0], "period": held.period, "wards": list(held.wards)}
    for name, value in wanted.items():
        if anew or PREFIX + name not in st.session_state:
            st.session_state[PREFIX + name] = value
    layer = st.pills(
        "What",
        list(LAYER_NAMES),
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
    chosen = tuple(code for code in installation.area.wards.codes if code in wards)
    return replace(held, layers=(str(layer),), period=str(period), wards=chosen)
