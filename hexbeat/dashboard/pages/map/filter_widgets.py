"""The filters as widgets: drawn from the choices, and read back into them.

Those of COLUMN_FILTERS are drawn by their kind of widget; no name of one stands here.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import streamlit as st

from geo.wards import Wards
from hexbeat.analysis.change_map import AGAINST
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.state.choices import OWN_DATES, OWN_HOURS, VIEWS, Choices
from hexbeat.dashboard.state.presets import PERIODS, SHIFTS, format_size
from layers.catalogue import LAYER_NAMES, LAYERS, find_layer
from layers.column_filter import ColumnFilter, Section
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.filters import COLUMN_FILTERS
from layers.wording import DAY_NAMES

__all__ = ["PERIOD_TITLES", "draw_filters", "forget_widgets"]

SEVERAL: Final = "several"
PREFIX: Final = "filter_"
SHOWN: Final = f"{PREFIX}shown"
SOMETIMES: Final = frozenset({"layers", "dates", "from", "to", "against"}) | {one.query for one in COLUMN_FILTERS}
PERIOD_TITLES: Final = {name: preset.title for name, preset in PERIODS.items()} | {OWN_DATES: "Own dates"}
SHIFT_TITLES: Final = {name: shift.title for name, shift in SHIFTS.items()} | {OWN_HOURS: "Own hours"}
MEASURE_TITLES: Final = {"events": "Events", "quantity": "Items"}
VIEW_TITLES: Final = {"counts": "Counts", "hotspots": "Hotspots", "change": "Change", "expected": "Expected"}
AGAINST_TITLES: Final = {"before": "The period before", "year_before": "A year before"}
FIRST_DAY: Final = date(1990, 1, 1)


def forget_widgets() -> None:
    """Let the next run draw every filter from the choices again."""
    for key in [key for key in st.session_state if str(key).startswith(PREFIX)]:
        del st.session_state[key]


def draw_filters(
    choices: Choices, *, columns: Columns, wards: Wards, last: date, automatic: Callable[[Choices], str]
) -> Choices:
    """Draw all filters and return what is chosen now; `automatic` says what that means as a size of cells."""
    _seed(choices, last)
    read = _draw_what(choices)
    read = _draw_columns(read, columns, "what")
    read = _draw_when(read, last)
    read = _draw_where(read, wards)
    read = _draw_how(read, automatic)
    return _draw_columns(read, columns, "how")


def _seed(choices: Choices, last: date) -> None:
    """Give each widget that has no state yet the state that the choices say."""
    start, end = choices.bounds(last)
    hours = choices.clock() or (22, 6)
    wanted: dict[str, Any] = {
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
        "against": choices.against,
        "measure": choices.measure,
        "size": choices.size or 0,
        **{one.query: list(one.get_chosen(choices)) for one in COLUMN_FILTERS},
    }
    shown = st.session_state.pop(SHOWN, set())
    for name, value in wanted.items():
        if name in SOMETIMES and name not in shown:
            st.session_state[PREFIX + name] = value  # when it appears, it begins with what is chosen then
        else:
            st.session_state.setdefault(PREFIX + name, value)


def _mark_shown(*names: str) -> None:
    """Note that widgets that are not always there are there in this run."""
    st.session_state[SHOWN] = {*st.session_state.get(SHOWN, ()), *names}


def _heading(words: str) -> None:
    """A heading of our own words."""
    st.html(f'<h2 class="hb-legend">{words}</h2>')


def _draw_what(choices: Choices) -> Choices:
    """One layer, or several side by side."""
    _heading("What")
    options = [*LAYER_NAMES, SEVERAL]
    titles = {spec.name: spec.short.capitalize() for spec in LAYERS} | {SEVERAL: "Several"}
    one = st.pills(
        "Layer",
        options,
        key=PREFIX + "layer",
        format_func=titles.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if one != SEVERAL:
        return replace(choices, layers=(str(one),))
    _mark_shown("layers")
    several = st.pills(
        "Layers side by side",
        list(LAYER_NAMES),
        key=PREFIX + "layers",
        selection_mode="multi",
        format_func=lambda name: find_layer(name).short.capitalize(),
    )
    return replace(choices, layers=tuple(name for name in LAYER_NAMES if name in several) or choices.layers)


def _draw_when(choices: Choices, last: date) -> Choices:
    """Period, weekdays and hours."""
    _heading("When")
    period = st.pills(
        "Period",
        list(PERIOD_TITLES),
        key=PREFIX + "period",
        format_func=PERIOD_TITLES.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    choices = replace(choices, period=str(period), dates=_draw_dates(choices, last) if period == OWN_DATES else None)
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


def _draw_dates(choices: Choices, last: date) -> tuple[date, date]:
    """The first and the last day that count, as the half-open period; half an entry leaves the period as it was."""
    _mark_shown("dates")
    entered = st.date_input(
        "First and last day",
        key=PREFIX + "dates",
        format="DD/MM/YYYY",
        min_value=FIRST_DAY,
        max_value=max(last, date(last.year + 1, 12, 31)),
    )
    days: list[date] = list(entered)  # type: ignore[call-overload]  # the stubs see one date where a range is asked for
    if len(days) == 2:  # noqa: PLR2004 - a first and a last day
        return days[0], days[1] + timedelta(days=1)
    return choices.bounds(last)


def _draw_hours() -> tuple[int, int] | None:
    """Hours of one's own; the same twice means all of them, and so does 00:00 to 24:00."""
    _mark_shown("from", "to")
    left, right = st.columns(2)
    first = left.selectbox("From", range(24), key=PREFIX + "from", format_func="{:02d}:00".format)
    until = right.selectbox("To", range(1, 25), key=PREFIX + "to", format_func="{:02d}:00".format)
    return None if first == until or (first, until) == (0, 24) else (int(first), int(until))


def _draw_where(choices: Choices, wards: Wards) -> Choices:
    """Wards by name."""
    _heading("Where")
    labels = build_ward_labels(wards)
    chosen = st.multiselect(
        "Wards",
        sorted(labels, key=labels.__getitem__),
        key=PREFIX + "wards",
        format_func=labels.__getitem__,
        placeholder="The whole area",
        label_visibility="collapsed",
    )
    return replace(choices, wards=tuple(code for code in wards.codes if code in chosen))


def _draw_how(choices: Choices, automatic: Callable[[Choices], str]) -> Choices:
    """What is shown, what is summed, how large the cells are."""
    _heading("How")
    choices = _draw_view(choices)
    measure = st.pills(
        "Count",
        list(MEASURE_TITLES),
        key=PREFIX + "measure",
        format_func=MEASURE_TITLES.__getitem__,
        required=True,
        help="Events: one find is one. Items: a find of five needles is five.",
    )
    said = automatic(choices)
    size = st.selectbox(
        "Size of cells",
        [0, *RESOLUTIONS],
        key=PREFIX + "size",
        format_func=lambda number: format_size(number) if number else said,
        help="How far a cell is across. Automatic, for counts and change: the smallest cells of which no more than "
        "1,000 cover the chosen wards. For hotspots and expected events: what the back-test shows to be best.",
    )
    return replace(choices, measure="quantity" if measure == "quantity" else "events", size=int(size) or None)


def _draw_columns(choices: Choices, columns: Columns, section: Section) -> Choices:
    """The filters by columns that belong to one section."""
    drawn = {
        one.field: _draw_column(one, one.find_values(columns, choices.layers))
        for one in COLUMN_FILTERS
        if one.section == section
    }
    return replace(choices, **drawn)  # type: ignore[arg-type]  # each field of ColumnChoices is a tuple of names


def _draw_column(one: ColumnFilter, values: tuple[str, ...]) -> tuple[str, ...]:
    """The values that are chosen of those that the chosen layers have; without any there is nothing to draw."""
    if not values:
        return ()
    _mark_shown(one.query)
    key = PREFIX + one.query
    before = st.session_state.get(key, [])
    kept = [value for value in before if value in values]  # another layer may lack what was chosen of the last one
    if kept != before:
        st.session_state[key] = kept

    def format_title(value: str) -> str:
        return one.titles.get(value, value)

    if one.widget == "pills":
        chosen = st.pills(one.title, values, key=key, selection_mode="multi", format_func=format_title, help=one.hint)
    else:
        chosen = st.multiselect(one.title, values, key=key, format_func=format_title, help=one.hint, placeholder="All")
    return tuple(value for value in values if value in chosen)


def _draw_view(choices: Choices) -> Choices:
    """Counts, hotspots or change, and what the change is against."""
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
        return replace(choices, view=next(one for one in VIEWS if one == view))
    _mark_shown("against")
    against = st.pills(
        "Against", AGAINST, key=PREFIX + "against", format_func=AGAINST_TITLES.__getitem__, required=True
    )
    return replace(choices, view="change", against="year_before" if against == "year_before" else "before")
