"""The tabs on the back-test and on near repeats.

A back-test runs on demand, and is kept for the version of the store that it used.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import numpy as np
import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError
from hexbeat.analysis.backtest import Backtest, backtest
from hexbeat.analysis.forecast_methods import METHOD_NAMES
from hexbeat.analysis.method_comparison import AREA, DECIDING_SHARE, SHARES
from hexbeat.analysis.method_selection import MOST_WEEKS, choose_hotspot_size, describe_uses, keep_selection
from hexbeat.analysis.near_repeats import RepeatTable
from hexbeat.dashboard.header import HOME, find_page
from hexbeat.dashboard.pages.map.filter_widgets import forget_widgets
from hexbeat.dashboard.pages.map.map_page import find_map_choices, keep_choices
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.findings import find_near_repeats
from hexbeat.dashboard.state.prepared_results import describe_age, is_awaited
from hexbeat.dashboard.state.presets import format_size
from hexbeat.dashboard.state.selected_methods import (
    choose_forecast_size,
    find_backtest,
    find_older_backtest,
    keep_backtest,
    load_selection,
)
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.views.meanings import render_meaning
from layers.catalogue import find_layer
from layers.event import RESOLUTIONS
from layers.wording import escape_html, format_percent

__all__ = [
    "EXPLANATION",
    "RULE",
    "describe_leads",
    "draw_backtest",
    "draw_repeats",
    "render_backtest",
    "render_repeats",
]

Row = Mapping[Hashable, Any]
MethodRows = dict[float, Row]  # the results of one method at one size of cells, by share of the area
RULE: Final = (
    "The rule: the method that caught the largest share of the next week's events in "
    f"{format_percent(DECIDING_SHARE)} of the area is selected. If shares are equal, the simpler method and the larger "
    "cells are. "
    "Two methods differ only if drawing the same weeks again and again hardly ever changes their order. "
    "The selected method was chosen by these results, so its own share is a little too good."
)
EXPLANATION: Final = (
    "Caught: the share of the next week's events in the part of the area that the method chose from the weeks before. "
    "PAI: how many times more than its share of the area. PEI: of the most that any choice could have caught. RRI: "
    "predicted for each event that came; 1 is right. In brackets, 95 % intervals."
)
REPEATS_EXPLANATION = (
    "Each number says how many pairs of events were that far and that long apart, and how many there would be if the "
    "same events had happened on shuffled days. Raised: more than shuffling gives. At most 1 in 20 of these is "
    "expected to be false. Choose a short period: a place that became busier over a year looks like repeats."
)
WEEKS: Final = (8, 13, 26)
USUAL_WEEKS: Final = MOST_WEEKS


def draw_backtest(installation: Installation, choices: Choices, pages: Sequence[StreamlitPage]) -> None:
    """Draw the tab: what it is, the button, and the result if there is one."""
    spec = find_layer(choices.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force for months, so there are no events of next week to forecast.")
        return
    st.html(
        '<p class="hb-notes">For each of the last weeks, every method sees only the weeks before it and chooses a '
        "small part of the area. What share of that week's events fell there? The period above does not matter.</p>"
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        weeks = st.pills(
            "Weeks to test",
            WEEKS,
            key="backtest_weeks",
            default=USUAL_WEEKS,
            required=True,
            format_func="{} weeks".format,
        )
        pressed = st.button("Run the back-test", key="backtest_run", type="primary")
    result = find_backtest(installation, spec.name, choices.wards, int(weeks or USUAL_WEEKS))
    if pressed and result is None:
        result = run_backtest(installation, choices, int(weeks or USUAL_WEEKS))
    if result is None and not pressed:
        result = draw_last_result(installation, choices)
    if result:
        draw_result(installation, result, pages)


def draw_last_result(installation: Installation, choices: Choices) -> Backtest | None:
    """The back-test to open with where the one that is chosen was not run, and a sentence on what it is of."""
    layer = choices.layers[0]
    result = find_backtest(installation, layer, choices.wards) or find_backtest(installation, layer, ())
    if result is not None:
        whole = " of the whole area" if choices.wards else ""
        st.html(f'<p class="hb-notes">The last back-test{whole}, over {result.weeks} weeks:</p>')
        return result
    older = find_older_backtest(installation, layer)
    if older is not None:
        age = f"This is the back-test of the records before the last load, {describe_age(older, installation)}."
        st.html(f'<p class="hb-notes">{escape_html(age)} A new one is running, and this page then shows it.</p>')
        last: Backtest = older.value
        return last
    if is_awaited(installation, ("backtest", layer)):
        st.html('<p class="hb-notes">The back-test is running. This page then shows it.</p>')
    return None


def run_backtest(installation: Installation, choices: Choices, weeks: int) -> Backtest | None:
    """Run the back-test and show its progress. Show an error, and return None, if there are too few records."""
    bar = st.progress(0.0, text="Counting weeks …")

    def on_size(resolution: int, place: int) -> None:
        bar.progress(place / len(RESOLUTIONS), text=f"Four methods, cells: {format_size(resolution).lower()} …")

    try:
        result = backtest(
            installation.columns,
            installation.area,
            choices.layers[0],
            wards=choices.wards,
            weeks=weeks,
            progress=on_size,
        )
    except HexbeatError as error:
        draw_error(error)
        return None
    finally:
        bar.empty()
    keep_backtest(installation, choices.wards, result)
    if weeks == MOST_WEEKS and not choices.wards:
        keep_selection(
            result, installation.columns, installation.area, documents=installation.documents
        )  # so that the map need not wait
    return result


def draw_result(installation: Installation, result: Backtest, pages: Sequence[StreamlitPage]) -> None:
    """Draw the result: the selected method, what the dashboard uses, the table, the rule, and a button to the map."""
    leads = "".join(f"<li>{escape_html(line)}</li>" for line in describe_leads(result))
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(result.verdict.sentence)}</p>'
        f'<p class="hb-notes">{escape_html(" ".join(result.notes))}</p><ul class="hb-notes">{leads}</ul></div>'
        f'<p class="hb-notes">{escape_html(describe_use(installation, result.spec.name))}</p>'
        f"{render_meaning('backtest')}{render_backtest(result)}"
        f'<p class="hb-small">{escape_html(RULE.replace(AREA, result.whole))}</p>'
        f'<p class="hb-small">{escape_html(EXPLANATION.replace(AREA, result.whole))}</p>'
    )
    home = find_page(pages, HOME)
    if home and st.button(
        "Show on the map what is expected", key="backtest_map", on_click=open_forecast_view, args=(result.spec.name,)
    ):
        st.switch_page(home)


def describe_use(installation: Installation, layer: str) -> str:
    """The method and size of hotspots that the map uses for this layer, from a back-test of the whole area."""
    selection = load_selection(installation, layer)
    size = choose_hotspot_size(installation.columns, layer, selection)
    sentences = [describe_uses(selection.by_size[choose_forecast_size(selection)])] if selection else []
    return " ".join(
        [*sentences, *([f"Hotspots on the map: {size.sentence[0].lower()}{size.sentence[1:]}"] if size else [])]
    )


def open_forecast_view(layer: str) -> None:
    """Let the next run of the map show the forecast of this layer, with the selected cells."""
    forget_widgets()
    keep_choices(replace(find_map_choices() or Choices(), layers=(layer,), view="expected", size=None, cell=None))


def render_backtest(result: Backtest) -> str:
    """One row for each method and size of cells, the best first, with the selected one marked."""
    methods: dict[tuple[str, int], MethodRows] = {}
    for row in result.rows.to_dict("records"):
        methods.setdefault((row["method"], row["resolution"]), {})[row["area_share"]] = row
    order = sorted(methods, key=lambda key: (-methods[key][DECIDING_SHARE]["hits"], key[1]))
    selected = (result.verdict.method, result.verdict.resolution)
    headings = [f"Caught in {format_percent(share)}" for share in SHARES] + ["PAI", "PEI", "RRI"]
    head = "".join(f'<th scope="col" class="hb-number">{name}</th>' for name in headings)
    lines = "".join(_render_line(*key, methods[key], is_selected=key == selected) for key in order)
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="What each method caught">'
        f'<table class="hb-plain hb-nowrap"><caption>PAI, PEI and RRI at {format_percent(DECIDING_SHARE)} of '
        f'{result.whole}</caption><thead><tr><th scope="col">Method</th><th scope="col">Cells</th>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _render_line(method: str, resolution: int, part: MethodRows, *, is_selected: bool) -> str:
    """One method at one size of cells."""
    shares = [_format_interval(part[share], "hit_rate", percent=True) for share in SHARES]
    scores = [_format_interval(part[DECIDING_SHARE], name) for name in ("PAI", "PEI", "RRI")]
    cells = "".join(f'<td class="hb-number">{escape_html(text)}</td>' for text in (*shares, *scores))
    name = METHOD_NAMES[method]
    name = f"{name[0].upper()}{name[1:]}" + (" (selected)" if is_selected else "")
    mark = ' class="hb-selected"' if is_selected else ""
    return (
        f'<tr{mark}><th scope="row">{escape_html(name)}</th><td>{escape_html(format_size(resolution))}</td>{cells}</tr>'
    )


def _format_interval(row: Row, name: str, *, percent: bool = False) -> str:
    """As in "41 % (38 to 44)" or "8.6 (7.3 to 9.7)"; a dash if there is no number."""
    value, low, high = (float(row[column]) for column in (name, f"{name}_low", f"{name}_high"))
    if not np.isfinite(value):
        return "\N{EN DASH}"
    if percent:
        ends = f" ({low * 100:.0f} to {high * 100:.0f})" if np.isfinite(low) else ""
        return f"{format_percent(value)}{ends}"
    ends = f" ({low:.2g} to {high:.2g})" if np.isfinite(low) else ""
    return f"{value:.2g}{ends}"


def describe_leads(result: Backtest) -> list[str]:
    """How far the selected method leads each other method, and whether that is more than chance."""
    return [
        f"Ahead of the {METHOD_NAMES[rival.method]} ({format_size(rival.resolution).lower()}) by "
        f"{rival.lead * 100:.0f} points (between {rival.low * 100:.0f} and {rival.high * 100:.0f}): "
        f"{'more than chance' if rival.told_apart else 'chance alone might explain this'}."
        for rival in result.verdict.rivals
    ]


def render_repeats(repeats: RepeatTable) -> str:
    """A table of distances by days: the number of pairs against chance, and whether it is raised."""
    bands = repeats.rows[["from_days", "to_days"]].drop_duplicates().to_numpy().tolist()
    head = "".join(f'<th scope="col" class="hb-number">{_format_days(low, high)}</th>' for low, high in bands)
    lines = "".join(
        f'<tr><th scope="row">{_format_metres(float(part["from_m"].iloc[0]), float(part["to_m"].iloc[0]))}</th>'
        + "".join(_render_repeat(row) for row in part.to_dict("records"))
        + "</tr>"
        for _, part in repeats.rows.groupby("to_m")
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="Pairs of events by distance and days">'
        '<table class="hb-plain hb-nowrap"><caption>Pairs of events against chance: 1.5 is half as many again</caption>'
        f'<thead><tr><th scope="col">How far apart</th>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _format_days(low: float, high: float) -> str:
    """The half-open band of days in whole days: "0 to 1 days", "2 to 6 days"."""
    return f"{low:.0f} to {high - 1:.0f} days"


def _format_metres(low: float, high: float) -> str:
    return "the same place" if high <= 1 else f"up to {high:.0f} m" if low <= 1 else f"{low:.0f} to {high:.0f} m"


def _render_repeat(row: Row) -> str:
    """The cell of one band: its ratio, in bold and with the word "raised" if it is."""
    if not row["expected"]:
        return '<td class="hb-number">no pairs</td>'
    ratio = f"{row['ratio']:.1f}"
    if row["raised"]:
        return f'<td class="hb-number"><b>{ratio} raised</b></td>'
    return f'<td class="hb-number">{ratio}</td>'


def draw_repeats(installation: Installation, choices: Choices, last: date) -> None:
    """Draw the tab."""
    spec = find_layer(choices.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force for months and have no near repeats.")
        return
    start, end = choices.bounds(last)
    try:
        repeats = find_near_repeats(installation, build_filter(choices, layer=spec.name, start=start, end=end))
    except HexbeatError as error:
        draw_error(error)
        return
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(repeats.sentence)}</p>'
        f'<p class="hb-notes">{escape_html(" ".join(repeats.notes))}</p></div>{render_meaning("repeats")}'
        f'{render_repeats(repeats)}<p class="hb-small">{escape_html(REPEATS_EXPLANATION)}</p>'
    )
