"""The tabs under the map: Table, Rhythm, Months, Records, Download. Only the open one is computed.

The table, with which the page opens, only once somebody has come to it: it lies under the first screen, and its
scripts are a fifth of all that the page asks for.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import streamlit as st

from hexbeat.analysis.rhythm import count_known_hours
from hexbeat.areas.street_names import name_cell
from hexbeat.dashboard.audit import audit_view
from hexbeat.dashboard.pages.map.map_downloads import draw_downloads
from hexbeat.dashboard.pages.map.time_map import draw_time_map
from hexbeat.dashboard.state.choices import Choices, build_filter, format_query
from hexbeat.dashboard.state.figures import LayerFigures, count_months
from hexbeat.dashboard.state.freshness import judge_months
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.views.card import find_record_ids, list_chosen_months
from hexbeat.dashboard.views.charts import render_grid, render_months
from hexbeat.dashboard.views.layer_view import LayerView
from hexbeat.dashboard.views.tables import (
    build_cell_table,
    build_group_table,
    build_record_table,
    drop_blank_columns,
    style_frame,
)
from hexbeat.store.records import read_records
from layers.access import Action, may
from layers.counting import count
from layers.grouping import GROUPINGS, GROUPS
from layers.periods import describe_missing_days
from layers.restriction import describe_ward_cells
from layers.wording import escape_html, format_about, format_plural

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

__all__ = ["draw_frame", "draw_tabs"]

NAMES: Final = ("Table", "Rhythm", "Months", "Records", "Download")
MONTHS: Final = 24
MOST_RECORDS: Final = 500
ROW_PX: Final = 35
MOST_ROWS_SHOWN: Final = 12
MOST_WHOLE: Final = 20_000  # numbers and words of a table that is sent as a whole if it reads the same in parts
MOST_TEXTS: Final = 200_000  # the same of any table; of more, Streamlit takes no texts beside the numbers
REACHED_KEY: Final = "table_reached"  # in a session: somebody has come to the table
# The button is for who comes to it in another way than by scrolling.
PLACE_JS: Final = """
const TABLE = "[data-testid=stTabs] [data-testid=stDataFrame]";
const CHOICE = ".st-key-table_by input";
/* The focus goes when this place does, and Tab runs past a table that still loads: once that is there, whoever came by
 * the keyboard and stands nowhere goes on just before it. */
function keepFocus(byKey) {
  let isLost = byKey;
  const note = (event) => { isLost ||= event.key === "Tab"; };
  const stop = () => { watcher.disconnect(); removeEventListener("keydown", note, true); };
  const watcher = new MutationObserver(() => {
    if (!document.querySelector(TABLE)) return;
    stop();
    if (isLost && document.activeElement === document.body) {
      document.querySelector(CHOICE)?.focus({ preventScroll: true });
    }
  });
  addEventListener("keydown", note, true);
  watcher.observe(document.body, { childList: true, subtree: true });
  setTimeout(stop, 60000);
}
export default function ({ parentElement, setTriggerValue }) {
  const button = parentElement.querySelector("button");
  const reach = (byKey) => { observer.disconnect(); keepFocus(byKey); setTriggerValue("reached", true); };
  const observer = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) reach(false); });
  observer.observe(button);
  button.onclick = button.onfocus = () => reach(true);
  return () => observer.disconnect();
}
"""
PLACE_CSS: Final = """
div { min-height: 30rem; }
button { all: unset; cursor: pointer; font: .9rem var(--st-font); color: var(--st-text-color); padding: .3rem 0; }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
"""
_place = st.components.v2.component(
    "hexbeat_table_place",
    html='<div><button type="button">Show the table</button></div>',
    css=PLACE_CSS,
    js=PLACE_JS,
)


def draw_tabs(
    installation: Installation, choices: Choices, views: Sequence[LayerView], *, last: date, resolution: int
) -> None:
    """Draw the tabs and the content of the open one."""
    figures = [view.figures for view in views]
    table, rhythm, months, records, download = st.tabs(NAMES, key="tab", on_change="rerun")
    if table.open:
        with table:
            if is_table_reached():
                draw_table(installation, choices, views)
                draw_ward_numbers(installation, choices, last)
            else:
                draw_table_place()
    else:
        st.session_state[REACHED_KEY] = True  # whoever opens another tab sees this one when they come back to it
    if rhythm.open:
        with rhythm:
            draw_rhythm(installation, choices, figures)
    if months.open:
        with months:
            counted_layers = select_counted_layers(figures, "by month")
            draw_months(installation, choices, counted_layers)
            if counted_layers:
                draw_time_map(installation, choices, counted_layers, resolution=resolution)
    if records.open:
        with records:
            draw_records(installation, choices, last)
    if download.open:
        with download:
            draw_downloads(installation, choices, views, resolution=resolution)


def is_table_reached() -> bool:
    """Whether somebody has come to the table in this session. Where there is no browser, nobody can scroll to it."""
    return REACHED_KEY in st.session_state or not st.context.headers


def draw_table_place() -> None:
    """Keep the place of the table. It is drawn as soon as this comes into view, and then for the whole session."""

    def keep_reached() -> None:
        st.session_state[REACHED_KEY] = True

    with st.container(key="hb_table_place"):
        _place(key="table_place", on_reached_change=keep_reached)


def draw_sortable_frame(
    frame: "pd.DataFrame | Styler", *, key: str, alt: str, config: dict[str, Any] | None = None, lazy: bool = False
) -> None:
    """Draw a table that sorts by a click on a heading. Texts are drawn on a canvas, so that none runs as HTML.

    `lazy`: a thousand rows are sent, and others, or in another order, when somebody scrolls or sorts.
    """
    rows = len(frame.index)
    height = ROW_PX * (min(rows, MOST_ROWS_SHOWN) + 1) + 3
    st.dataframe(
        frame, key=key, alt=alt, hide_index=True, column_config=config, height=height, width="stretch", lazy=lazy
    )


def draw_table(installation: Installation, choices: Choices, views: Sequence[LayerView]) -> None:
    """Draw the map as a table: counts side by side, by cell or another group; other views layer by layer."""
    if not any(view.figures.has_number for view in views):
        st.text("Not known: the records do not cover this period.")
        return
    if choices.view == "counts":
        figures = [view.figures for view in views]
        by = st.selectbox(
            "Count by",
            [name for name in GROUPS if name != "layer"],
            key="table_by",
            format_func=lambda name: GROUPINGS[name].title,
            width=200,
        )
        if by == "cell":
            draw_frame(build_cell_table(figures, installation.area), key="cell_table")
            return
        table = build_group_table(installation.columns, figures, choices, by=by, area=installation.area)
        draw_frame(table, key=f"group_table_{by}", alt=f"The numbers of the map by {GROUPINGS[by].title.lower()}")
        if by in {"ward", "council"} and not choices.wards:  # with wards the sentence over the map says it
            for sentence in describe_ward_cells(installation.columns, choices.layers):
                st.text(sentence)
        return
    for view in views:
        name = view.figures.spec.name
        if len(views) > 1:
            st.html(f'<h2 class="hb-map-title">{escape_html(view.figures.spec.title)}</h2>')
        if view.figures.state == "not known":
            st.text("Not known: the records do not cover this period.")
            continue
        draw_frame(view.table, key=f"cell_table_{name}")
        if view.wards is not None and len(view.wards):
            st.html('<h2 class="hb-map-title">By ward</h2>')
            draw_frame(view.wards, key=f"ward_table_{name}", alt="The wards by name and their change")


def draw_ward_numbers(installation: Installation, choices: Choices, last: date) -> None:
    """Draw the numbers by ward of each layer that the role sees by ward only; nothing if there is none."""
    columns, area = installation.columns, installation.area
    start, end = choices.bounds(last)
    in_cells = columns.list_shown(in_cells=True)
    for spec in (spec for spec in columns.list_shown() if spec not in in_cells):
        st.html(f'<h2 class="hb-map-title">{escape_html(spec.title)}, by ward only</h2>')
        event_filter = build_filter(choices, layer=spec.name, start=start, end=end)
        missing = describe_missing_days(columns, event_filter, time_zone=area.time_zone)
        counts = count(columns, event_filter, by=("ward",), wards=area.wards, time_zone=area.time_zone)
        table = counts.rows.drop(columns="ward_code").rename(columns={"ward_name": "Ward", "count": "Number"})
        if missing:
            st.text(f"{missing[:1].upper()}{missing[1:]}. That is not the same as none.")
        if counts.fewest > 1:
            small = f"fewer than {counts.fewest} {spec.many}"
            st.text(f"Wards that are not named have {small} or none, or a number that would tell such a small one.")
        if len(table):
            draw_frame(table, key=f"ward_only_{spec.name}", alt=f"{spec.title} by ward")
        elif not missing and counts.fewest == 1:
            st.text("None on record.")


def draw_frame(table: pd.DataFrame, *, key: str, alt: str = "The cells of the map and their numbers") -> None:
    """Draw a table whose numbers have as many digits as are meaningful; of a long one, the rows that are looked at."""
    if table.empty:
        st.text(
            "Nothing is shown of these filters: numbers are too small for your role."
            if table.attrs.get("hidden")
            else "No cell has events that match these filters."
        )
        return
    table = put_number_before_place(table)
    config: dict[str, Any] = {"Rank": st.column_config.NumberColumn(width="small")} if "Rank" in table else {}
    known = drop_blank_columns(table)
    numbers = known.select_dtypes("float")
    if table.size <= MOST_WHOLE or (table.size <= MOST_TEXTS and not has_whole_numbers(numbers)):
        draw_sortable_frame(style_frame(table), key=key, alt=alt, config=config)
        return
    config |= {str(name): st.column_config.NumberColumn(format="localized") for name in numbers}
    draw_sortable_frame(known.round(dict.fromkeys(numbers, 1)), key=key, alt=alt, config=config, lazy=True)


def put_number_before_place(table: pd.DataFrame) -> pd.DataFrame:
    """The table of cells with its first number before their names, which fill a phone. Files keep their own order."""
    names = list(table.columns)
    places = ["Place", "Ward"]
    if names[1:3] != places:
        return table
    return table[[*names[:1], *names[3:4], *places, *names[4:]]]


def has_whole_numbers(numbers: pd.DataFrame) -> bool:
    """Whether no number needs words, such as "about" or "not known"."""
    return bool((numbers == numbers.round()).to_numpy().all())


def select_counted_layers(figures: Sequence[LayerFigures], by: str) -> list[LayerFigures]:
    """The layers whose every number the viewer sees; of the others say that they are not shown `by` these groups."""
    for layer in figures:
        if layer.fewest > 1:
            st.text(f"{layer.spec.title} are not shown {by}: your role does not see numbers below {layer.fewest}.")
    return [layer for layer in figures if layer.fewest == 1]


def draw_rhythm(installation: Installation, choices: Choices, figures: Sequence[LayerFigures]) -> None:
    """Draw weekdays and hours, a grid for each layer."""
    for layer_figures in select_counted_layers(figures, "by hour"):
        if layer_figures.spec.kind == "state":
            st.text(f"{layer_figures.spec.title} are in force all day and have no rhythm of hours.")
            continue
        if layer_figures.state == "not known":
            st.text(f"{layer_figures.spec.title}: not known, because the records do not cover this period.")
            continue
        event_filter = build_filter(
            choices, layer=layer_figures.spec.name, start=layer_figures.start, end=layer_figures.end
        )
        period = (layer_figures.start, layer_figures.end)
        known = layer_figures.freshness.find_known_in(period)
        rhythm = count_known_hours(installation.columns, event_filter, known, time_zone=installation.area.time_zone)
        lacking = format_plural(rhythm.unknown_hour, "event has", "events have")
        note = f"{lacking} no known time of day, so they are not shown here." if rhythm.unknown_hour else ""
        missing = layer_figures.freshness.describe_missing(period)
        note = f"{note} Known days only: {missing}." if missing else note
        most = f"The largest number is {format_about(float(rhythm.grid.max()))}. " if rhythm.grid.any() else ""
        chart = render_grid(rhythm.grid, caption=f"{layer_figures.spec.title} by weekday and hour of the day")
        st.html(f'<div class="hb-chart">{chart}<p class="hb-small">{escape_html(most + note)}</p></div>')


def draw_months(installation: Installation, choices: Choices, figures: Sequence[LayerFigures]) -> None:
    """Draw the last 24 months as bars for each layer, with the chosen period marked."""
    for layer_figures in figures:
        counts = count_months(
            installation.columns,
            freshness=layer_figures.freshness,
            choices=choices,
            area=installation.area,
            end=layer_figures.end,
            months=MONTHS,
        )
        chart = render_months(
            counts,
            judge_months(layer_figures.freshness, counts.index),
            caption=f"{layer_figures.spec.title} by month, as chosen but for the period",
            chosen=list_chosen_months(layer_figures.start, layer_figures.end),
        )
        st.html(
            f'<div class="hb-chart hb-wide">{chart}<p class="hb-small">In bold: months of the chosen period.</p></div>'
        )


def draw_records(installation: Installation, choices: Choices, last: date) -> None:
    """Draw the records behind the chosen cell, if the viewer may see them."""
    allowed = [
        layer
        for layer in choices.layers
        if may(installation.viewer, Action.SEE_RECORDS, layer) and installation.columns.find_fewest((layer,)) == 1
    ]
    if not allowed:
        st.text("Your role can see the numbers of this layer, but not its records.")
        return
    if not choices.cell:
        st.text("Choose a cell on the map, or in the list beside it, to see its records.")
        return
    ids = find_record_ids(
        installation.columns, cell=choices.cell, choices=choices, last=last, area=installation.area, layers=allowed
    )
    if not ids:
        st.text("No record of this place matches the filters.")
        return
    records = read_records(installation.store, installation.viewer, ids[:MOST_RECORDS])
    audit_view(
        installation,
        "map/records",
        format_query(choices),
        action=Action.SEE_RECORDS,
        rows=len(records),
        also=choices.cell,
    )
    limit_note = f"; the newest {MOST_RECORDS} are shown" if len(ids) > MOST_RECORDS else ""
    place = name_cell(choices.cell, installation.area)
    st.text(f"{place}: {format_plural(len(ids), 'record', 'records')}{limit_note}.")
    draw_sortable_frame(
        build_record_table(records, time_zone=installation.area.tz),
        key="record_table",
        alt="Records of the chosen cell",
    )
