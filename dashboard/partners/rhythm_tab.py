"""Rhythm: weekday by hour for the area or some wards, and the busiest shift with how sure that is."""

from datetime import date

import streamlit as st

from dashboard.charts import render_grid
from dashboard.session import Installation
from dashboard.state import Choices, build_filter
from dashboard.words import escape_html, format_number, format_percent, format_plural, format_span
from layers.analysis.rhythm import WeekdayHour, count_weekday_hours
from layers.analysis.shifts import SHIFT_HOURS, BusiestShift, find_busiest_shift
from layers.catalogue import find_layer

__all__ = ["describe_known_hours", "draw_rhythm", "render_shifts"]


def draw_rhythm(here: Installation, asked: Choices, last: date) -> None:
    """Draw the tab."""
    spec = find_layer(asked.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force all day and have no rhythm of hours.")
        return
    start, end = asked.bounds(last)
    rhythm = count_weekday_hours(
        here.columns, build_filter(asked, layer=spec.name, start=start, end=end), here.area.time_zone
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
    said = f"{format_number(known)} of {format_plural(every, 'record', 'records')} ({share}) know their time of day."
    return f"{said} Where one event brings on the next, these intervals are too narrow." if known else said


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
