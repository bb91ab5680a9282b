"""The filters as widgets: drawn from the choices, and read back into them.

The filters of COLUMN_FILTERS name their own widgets; this module names no filter.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from geo.wards import Wards
from hexbeat.analysis.change_map import AGAINST
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.state.choices import OWN_DATES, OWN_HOURS, VIEWS, Choices
from hexbeat.dashboard.state.presets import PERIODS, SHIFTS, format_size
from layers.catalogue import LAYERS, find_layer
from layers.column_filter import ColumnFilter, Section
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.filters import COLUMN_FILTERS
from layers.periods import find_period_before
from layers.wording import DAY_NAMES, escape_html, format_list, format_span

__all__ = ["PERIOD_TITLES", "draw_filters", "forget_widgets"]

SEVERAL: Final = "several"
PREFIX: Final = "filter_"
SHOWN_KEY: Final = f"{PREFIX}shown"
CONDITIONAL: Final = frozenset({"layers", "dates", "from", "to", "against", "against_dates"}) | {
    column_filter.query for column_filter in COLUMN_FILTERS
}
PERIOD_TITLES: Final = {name: preset.title for name, preset in PERIODS.items()} | {OWN_DATES: "Own dates"}
SHIFT_TITLES: Final = {name: shift.title for name, shift in SHIFTS.items()} | {OWN_HOURS: "Own hours"}
MEASURE_TITLES: Final = {"events": "Events", "quantity": "Items"}
VIEW_TITLES: Final = {"counts": "Counts", "hotspots": "Hotspots", "change": "Change", "expected": "Expected"}
AGAINST_TITLES: Final = {"before": "The period before", "year_before": "A year before", OWN_DATES: "Other dates"}
AUTOMATIC: Final = "Automatic"
FIRST_DAY: Final = date(1990, 1, 1)


def forget_widgets() -> None:
    """Let the next run draw every filter from the choices again."""
    for key in [key for key in st.session_state if str(key).startswith(PREFIX)]:
        del st.session_state[key]


def draw_filters(choices: Choices, *, columns: Columns, wards: Wards, last: date) -> tuple[Choices, DeltaGenerator]:
    """Draw all filters. The choices, and an empty place under the sizes for the size that the map then has."""
    _seed_widgets(choices, last)
    current = _draw_what(choices, columns)
    current = _draw_columns(current, columns, "what")
    current = _draw_when(current, last)
    current = _draw_where(current, wards)
    current, size_note = _draw_how(current, last)
    return _draw_columns(current, columns, "how"), size_note


def _seed_widgets(choices: Choices, last: date) -> None:
    """Give each widget without a state the state of the choices."""
    start, end = choices.bounds(last)
    hours = choices.clock() or (22, 6)
    other = find_period_before((start, end)) if isinstance(choices.against, str) else choices.against
    values: dict[str, Any] = {
        "layer": choices.layers[0] if len(choices.layers) == 1 else SEVERAL,
        "layers": list(choices.layers),
        "period": choices.period,
        "dates": (start, end - timedelta(days=1)),
        "days": sorted(choices.days),
        "shift": choices.shift,
        "from": hours[0],
        "to": hours[1],
        "wards": list(choices.wards),
        "view": choices.view,
        "against": choices.against if isinstance(choices.against, str) else OWN_DATES,
        "against_dates": (other[0], other[1] - timedelta(days=1)),
        "measure": choices.measure,
        "size": choices.size or 0,
        **{column_filter.query: list(column_filter.get_chosen(choices)) for column_filter in COLUMN_FILTERS},
    }
    names = st.session_state.pop(SHOWN_KEY, set())
    for name, value in values.items():
        if name in CONDITIONAL and name not in names:
            st.session_state[PREFIX + name] = value  # when it appears, it begins with the current choice
        else:
            st.session_state.setdefault(PREFIX + name, value)


def _mark_shown(*names: str) -> None:
    """Record that these widgets, which are not always drawn, are drawn in this run."""
    st.session_state[SHOWN_KEY] = {*st.session_state.get(SHOWN_KEY, ()), *names}


def _draw_heading(text: str) -> None:
    """Draw a heading. The text must be our own, because it is not escaped."""
    st.html(f'<h2 class="hb-legend">{text}</h2>')


def _draw_by_ward_only(columns: Columns) -> None:
    """Say which layers the role sees by ward only, and where; nothing if there is none."""
    titles = [spec.title for spec in columns.list_shown() if spec not in columns.list_shown(in_cells=True)]
    if titles:
        st.html(
            f'<p class="hb-small">{escape_html(format_list(titles))}: shown to your role by ward only, and so not on '
            "this map. Their numbers by ward stand under it.</p>"
        )


def _draw_what(choices: Choices, columns: Columns) -> Choices:
    """Draw the choice of one layer, or of several side by side."""
    _draw_heading("What")
    layer_names = [spec.name for spec in columns.list_shown(in_cells=True)]
    _draw_by_ward_only(columns)
    options = [*layer_names, SEVERAL]
    titles = {spec.name: spec.short.capitalize() for spec in LAYERS} | {SEVERAL: "Several"}
    layer = st.pills(
        "Layer",
        options,
        key=PREFIX + "layer",
        format_func=titles.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if layer != SEVERAL:
        return replace(choices, layers=(str(layer),))
    _mark_shown("layers")
    layers = st.pills(
        "Layers side by side",
        layer_names,
        key=PREFIX + "layers",
        selection_mode="multi",
        format_func=lambda name: find_layer(name).short.capitalize(),
    )
    return replace(choices, layers=tuple(name for name in layer_names if name in layers) or choices.layers)


def _draw_when(choices: Choices, last: date) -> Choices:
    """Draw the choices of period, weekdays and hours."""
    _draw_heading("When")
    period = st.pills(
        "Period",
        list(PERIOD_TITLES),
        key=PREFIX + "period",
        format_func=PERIOD_TITLES.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    dates = _draw_dates("dates", "First and last day", choices.bounds(last), last) if period == OWN_DATES else None
    choices = replace(choices, period=str(period), dates=dates)
    days = st.pills(
        "Weekdays",
        list(range(7)),
        key=PREFIX + "days",
        selection_mode="multi",
        format_func=DAY_NAMES.__getitem__,
        help="None chosen means all of them. A night belongs to the day on which it begins.",
    )
    shift = st.pills(
        "Shift", list(SHIFT_TITLES), key=PREFIX + "shift", format_func=SHIFT_TITLES.__getitem__, required=True
    )
    hours = _draw_hours() if shift == OWN_HOURS else None
    return replace(
        choices, days=frozenset(days), shift=str(shift) if hours or shift != OWN_HOURS else "any", hours=hours
    )


def _draw_dates(name: str, label: str, previous: tuple[date, date], last: date) -> tuple[date, date]:
    """Draw the first and last day; return the half-open period. With only one day entered, it stays as it was."""
    _mark_shown(name)
    entered = st.date_input(
        label,
        key=PREFIX + name,
        format="DD/MM/YYYY",
        min_value=FIRST_DAY,
        max_value=max(last, date(last.year + 1, 12, 31)),
    )
    days: list[date] = list(entered)  # type: ignore[call-overload]  # the stubs see one date where a range is asked for
    if len(days) == 2:  # noqa: PLR2004 - a first and a last day
        return days[0], days[1] + timedelta(days=1)
    lacks = "a last day, too" if days else "a first and a last day"
    st.html(
        f'<p class="hb-small" role="status"><b>Choose {lacks}.</b> Until then {format_span(*previous)} is shown.</p>'
    )
    return previous


def _draw_hours() -> tuple[int, int] | None:
    """Draw two hours; None (all hours) if they are the same, or 00:00 to 24:00."""
    _mark_shown("from", "to")
    left, right = st.columns(2)
    first = left.selectbox("From", range(24), key=PREFIX + "from", format_func="{:02d}:00".format)
    until = right.selectbox("To", range(1, 25), key=PREFIX + "to", format_func="{:02d}:00".format)
    return None if first == until or (first, until) == (0, 24) else (int(first), int(until))


def _draw_where(choices: Choices, wards: Wards) -> Choices:
    """Draw the choice of wards."""
    _draw_heading("Where")
    labels = build_ward_labels(wards)
    codes = st.multiselect(
        "Wards",
        sorted(labels, key=labels.__getitem__),
        key=PREFIX + "wards",
        format_func=labels.__getitem__,
        placeholder="The whole area",
        label_visibility="collapsed",
    )
    return replace(choices, wards=tuple(code for code in wards.codes if code in codes))


def _draw_how(choices: Choices, last: date) -> tuple[Choices, DeltaGenerator]:
    """Draw the choices of view, measure and size of cells, and an empty place for the size that is shown."""
    _draw_heading("How")
    choices = _draw_view(choices, last)
    measure = st.pills(
        "Count",
        list(MEASURE_TITLES),
        key=PREFIX + "measure",
        format_func=MEASURE_TITLES.__getitem__,
        required=True,
        help="Events: one find is one. Items: a find of five needles is five.",
    )
    size = st.selectbox(
        "Size of cells",
        [0, *RESOLUTIONS],
        key=PREFIX + "size",
        format_func=lambda number: format_size(number) if number else AUTOMATIC,
        help="How far a cell is across. Automatic, for counts and change: the smallest cells of which no more than "
        "1,000 cover the chosen wards. For hotspots and expected events: what the back-test shows to be best.",
    )
    note = st.empty()
    return replace(choices, measure="quantity" if measure == "quantity" else "events", size=int(size) or None), note


def _draw_columns(choices: Choices, columns: Columns, section: Section) -> Choices:
    """Draw the filters of COLUMN_FILTERS that belong to one section."""
    selections = {
        column_filter.field: _draw_column(column_filter, column_filter.find_values(columns, choices.layers))
        for column_filter in COLUMN_FILTERS
        if column_filter.section == section
    }
    return replace(choices, **selections)  # type: ignore[arg-type]  # each field of ColumnChoices is a tuple of names


def _draw_column(column_filter: ColumnFilter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Draw a filter with the values of the chosen layers, and return the chosen ones. Draws nothing without values."""
    if not values:
        return ()
    _mark_shown(column_filter.query)
    key = PREFIX + column_filter.query
    before = st.session_state.get(key, [])
    remaining = [value for value in before if value in values]  # another layer may not have the values chosen before
    if remaining != before:
        st.session_state[key] = remaining

    def format_title(value: str) -> str:
        return column_filter.titles.get(value, value)

    if column_filter.widget == "pills":
        selection = st.pills(
            column_filter.title,
            values,
            key=key,
            selection_mode="multi",
            format_func=format_title,
            help=column_filter.hint,
        )
    else:
        selection = st.multiselect(
            column_filter.title, values, key=key, format_func=format_title, help=column_filter.hint, placeholder="All"
        )
    return tuple(value for value in values if value in selection)


def _draw_view(choices: Choices, last: date) -> Choices:
    """Draw the choice of the view, and of the period that "change" compares with."""
    view = st.pills(
        "Show",
        VIEWS,
        key=PREFIX + "view",
        format_func=VIEW_TITLES.__getitem__,
        required=True,
        help="Counts: how many. Hotspots: where more were found than chance would give. Change: more or fewer than "
        "before. Expected: where to look in the week to come.",
    )
    if view != "change":
        return replace(choices, view=next(name for name in VIEWS if name == view))
    _mark_shown("against")
    against = st.pills(
        "Against", list(AGAINST_TITLES), key=PREFIX + "against", format_func=AGAINST_TITLES.__getitem__, required=True
    )
    if against == OWN_DATES:
        bounds = choices.bounds(last)
        before = find_period_before(bounds) if isinstance(choices.against, str) else choices.against
        dates = _draw_dates("against_dates", "First and last day to compare with", before, last)
        return replace(choices, view="change", against=dates)
    return replace(choices, view="change", against=next(name for name in AGAINST if name == against))
