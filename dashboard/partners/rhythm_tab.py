"""Rhythm: weekday by hour for the area or some wards, and the busiest shift with how sure that is."""

from datetime import date

import streamlit as st

from dashboard.charts import grid_html
from dashboard.session import Installation
from dashboard.state import Choices, filter_for
from dashboard.words import html_text, number_words, percent_words, plural, span_words
from layers.analysis.rhythm import WeekdayHour, weekday_hour
from layers.analysis.shifts import SHIFT_HOURS, BusiestShift, busiest_shift
from layers.catalogue import layer_named

__all__ = ["draw_rhythm", "known_words", "shifts_html"]


def draw_rhythm(here: Installation, asked: Choices, last: date) -> None:
    """Draw the tab."""
    spec = layer_named(asked.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force all day and have no rhythm of hours.")
        return
    start, end = asked.bounds(last)
    rhythm = weekday_hour(here.columns, filter_for(asked, layer=spec.name, start=start, end=end), here.area.time_zone)
    busiest = busiest_shift(rhythm)
    caption = f"{spec.title} by weekday and hour of the day, {span_words(start, end)}"
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{html_text(busiest.sentence)}</p>'
        f'<p class="hb-notes">{html_text(known_words(rhythm))}</p></div>'
        f'<div class="hb-chart">{grid_html(rhythm.grid, caption=caption)}</div>{shifts_html(busiest)}'
    )


def known_words(rhythm: WeekdayHour) -> str:
    """How many records know their hour; and what makes the interval narrower than it should be."""
    known, every = rhythm.known_hour, rhythm.known_hour + rhythm.unknown_hour
    if not every:
        return "No record falls in this period."
    share = percent_words(known / every)
    said = f"{number_words(known)} of {plural(every, 'record', 'records')} ({share}) know their time of day."
    return f"{said} Where one event brings on the next, these intervals are too narrow." if known else said


def shifts_html(found: BusiestShift) -> str:
    """The three shifts in the order of the day, with their numbers and shares."""
    total = sum(found.counts.values())
    if not total:
        return ""
    lines = "".join(
        f'<tr><th scope="row">{name.capitalize()}, {SHIFT_HOURS[name][0]:02d}:00 to {SHIFT_HOURS[name][1]:02d}:00</th>'
        f'<td class="hb-number">{number_words(count)}</td>'
        f'<td class="hb-number">{percent_words(count / total)}</td></tr>'
        for name, count in found.counts.items()
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="Shifts">'
        '<table class="hb-plain hb-narrow"><thead><tr><th scope="col">Shift</th><th scope="col" class="hb-number">'
        f'Number</th><th scope="col" class="hb-number">Share</th></tr></thead><tbody>{lines}</tbody></table></div>'
    )
