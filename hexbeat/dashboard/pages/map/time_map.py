"""Months or weeks of a layer one after the other on a map: the values are sent once, and the map itself plays them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import pandas as pd
import streamlit as st

from geo.calendar import find_month_start, list_months
from hexbeat.dashboard.map.cell_styles import build_count_style, format_unit
from hexbeat.dashboard.map.hex_layer import Frames, HexLayer
from hexbeat.dashboard.map.live_map import draw_live_map
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import LayerFigures, TimeCounts, count_over_time
from hexbeat.dashboard.state.freshness import Freshness
from hexbeat.dashboard.state.session import Installation, InstallationKey, strip_display_choices
from layers.event import Measure
from layers.layer_spec import LayerSpec
from layers.wording import MONTH_NAMES, escape_html, format_span

__all__ = ["build_time_layer", "draw_time_map", "list_periods"]

MONTHS: Final = 24
WEEKS: Final = 26
HEIGHT: Final = 460
UNITS: Final = {"month": "Months", "week": "Weeks"}
NOTE: Final = (
    "Play shows one period after the other, all in the same colours. A period that is known in part says how many of "
    "its days are, and only those count."
)

Period = tuple[date, date]


def draw_time_map(
    installation: Installation, choices: Choices, figures: Sequence[LayerFigures], *, resolution: int
) -> None:
    """Draw a switch; if it is on, the choice of months or weeks, and the map of each layer."""
    if not st.toggle("Play on a map", key="play"):
        return
    unit = st.segmented_control(
        "Periods", list(UNITS), default="month", required=True, key="play_unit", format_func=UNITS.__getitem__
    )
    for layer_figures in figures:
        spec = layer_figures.spec
        if unit == "week" and layer_figures.freshness.months:
            st.text(f"{spec.title} are known only to the month, so they have no weeks.")
            continue
        counts = _count_over_time(
            installation,
            installation.key,
            strip_display_choices(choices),
            layer_figures.freshness,
            spec.name,
            layer_figures.end,
            str(unit),
            resolution,
        )
        if not len(counts.cells):
            st.text(f"{spec.title}: no cell has events in these periods.")
            continue
        st.html(f'<h2 class="hb-map-title">{escape_html(spec.title)}</h2>')
        draw_live_map(
            installation.area,
            build_time_layer(counts, spec, choices.measure, unit=str(unit)),
            key=f"time_map_{spec.name}",
            height=HEIGHT,
            selected=choices.cell,
            fit=choices.wards,
        )
    st.html(f'<p class="hb-small">{NOTE}</p>')


def list_periods(unit: str, end: date) -> list[Period]:
    """The last calendar months up to the one that holds the last day before `end`, or the last weeks before it."""
    if unit == "month":
        stop = find_month_start(end, int(end.day > 1))
        return [(month, find_month_start(month, 1)) for month in list_months(find_month_start(stop, -MONTHS), stop)]
    week = timedelta(days=7)
    return [(end - week * k, end - week * (k - 1)) for k in range(WEEKS, 0, -1)]


def build_time_layer(counts: TimeCounts, spec: LayerSpec, measure: Measure, *, unit: str) -> HexLayer:
    """The layer with its periods as frames, on one scale for all of them."""
    largest = counts.numbers.max(axis=0)
    style = build_count_style(
        pd.Series(counts.numbers.ravel()), format_unit(spec, measure), maximum=float(largest.max(initial=1.0))
    )
    days = list(zip(counts.periods, counts.known_days, strict=True))
    frames = Frames(
        labels=tuple(_format_label(period, known, unit) for period, known in days),
        known=tuple(known > 0 for _, known in days),
        values=counts.numbers,
    )
    return HexLayer(counts.cells, largest, style, layer_id=f"time-{spec.name}", frames=frames)


def _format_label(period: Period, known: int, unit: str) -> str:
    """As in "Mar 2026", "Apr 2026: not known", "1 Nov to 7 Nov 2026: 3 of 7 days known"."""
    start, end = period
    name = f"{MONTH_NAMES[start.month - 1]} {start.year}" if unit == "month" else format_span(start, end)
    days = (end - start).days
    if known == days:
        return name
    return f"{name}: {known} of {days} days known" if known else f"{name}: not known"


@st.cache_resource(max_entries=16, show_spinner=False)
def _count_over_time(
    _installation: Installation,
    key: InstallationKey,
    choices: Choices,
    _freshness: Freshness,
    layer: str,
    end: date,
    unit: str,
    resolution: int,
) -> TimeCounts:
    del key, layer
    return count_over_time(
        _installation.columns,
        freshness=_freshness,
        choices=choices,
        area=_installation.area,
        periods=list_periods(unit, end),
        resolution=resolution,
    )
