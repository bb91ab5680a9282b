"""Back-test: run on demand, kept for the version of the store, and what follows from it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.judgements import load_selection
from dashboard.judging_tables import RULE, WORDS, describe_leads, render_backtest
from dashboard.partners.filters import forget_widgets
from dashboard.partners.map_page import find_map_choices, keep_choices
from dashboard.presets import format_size
from dashboard.screen import draw_error
from dashboard.session import Installation
from dashboard.state import Choices
from dashboard.verdicts import find_backtest, keep_backtest
from dashboard.words import escape_html
from geo.errors import HexbeatError
from layers.analysis.backtesting import Backtest, backtest
from layers.analysis.sizing import choose_hotspot_size
from layers.analysis.winning import MOST_WEEKS, describe_uses, keep_selection
from layers.catalogue import find_layer
from layers.event import RESOLUTIONS

__all__ = ["draw_backtest"]

WEEKS: Final = (8, 13, 26)
USUAL: Final = MOST_WEEKS


def draw_backtest(here: Installation, asked: Choices, pages: Sequence[StreamlitPage]) -> None:
    """Draw the tab: what it is, the button, and the result where there is one."""
    spec = find_layer(asked.layers[0])
    if spec.kind == "state":
        st.text(f"{spec.title} are in force for months: there is no next week's event to foretell.")
        return
    st.html(
        '<p class="hb-notes">For each of the last weeks, every method sees only the weeks before it and chooses a '
        "small part of the area. What share of that week's events fell there? The period above does not matter.</p>"
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        weeks = st.pills(
            "Weeks to judge",
            WEEKS,
            key="backtest_weeks",
            default=USUAL,
            required=True,
            format_func="{} weeks".format,
        )
        run = st.button("Run the back-test", key="backtest_run", type="primary")
    found = find_backtest(here, spec.name, asked.wards, int(weeks or USUAL))
    if run and found is None:
        found = run_backtest(here, asked, int(weeks or USUAL))
    if found:
        draw_result(here, found, pages)


def run_backtest(here: Installation, asked: Choices, weeks: int) -> Backtest | None:
    """Judge, showing how far it is; an error in three parts where records are too few."""
    bar = st.progress(0.0, text="Counting weeks …")

    def on_size(resolution: int, place: int) -> None:
        bar.progress(place / len(RESOLUTIONS), text=f"Four methods, cells: {format_size(resolution).lower()} …")

    try:
        found = backtest(here.columns, here.area, asked.layers[0], wards=asked.wards, weeks=weeks, progress=on_size)
    except HexbeatError as error:
        draw_error(error)
        return None
    finally:
        bar.empty()
    keep_backtest(here, asked.wards, found)
    if weeks == MOST_WEEKS and not asked.wards:
        keep_selection(found, here.columns, here.area, home=here.settings.home)  # so that the map need not wait
    return found


def draw_result(here: Installation, found: Backtest, pages: Sequence[StreamlitPage]) -> None:
    """Who wins, by which rule, what the dashboard uses, the table, and the way to the map with what wins."""
    leads = "".join(f"<li>{escape_html(line)}</li>" for line in describe_leads(found))
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(found.verdict.sentence)}</p>'
        f'<p class="hb-notes">{escape_html(" ".join(found.notes))}</p><ul class="hb-notes">{leads}</ul></div>'
        f'<p class="hb-notes">{escape_html(describe_use(here, found.spec.name))}</p>'
        f'{render_backtest(found)}<p class="hb-small">{escape_html(RULE)}</p><p class="hb-small">{escape_html(WORDS)}</p>'
    )
    if pages and st.button(
        "Show on the map what is expected", key="backtest_map", on_click=open_forecast_view, args=(found.spec.name,)
    ):
        st.switch_page(pages[0])


def describe_use(here: Installation, layer: str) -> str:
    """What the map uses of this layer's back-test, which is one over the whole area."""
    judgement = load_selection(here, layer)
    size = choose_hotspot_size(here.columns, layer, judgement)
    used = [describe_uses(judgement.best)] if judgement else []
    return " ".join([*used, *([f"Hotspots on the map: {size.sentence[0].lower()}{size.sentence[1:]}"] if size else [])])


def open_forecast_view(layer: str) -> None:
    """The map's next run shows what is expected of this layer, with the cells that win."""
    forget_widgets()
    keep_choices(replace(find_map_choices() or Choices(), layers=(layer,), view="expected", size=None, cell=None))
