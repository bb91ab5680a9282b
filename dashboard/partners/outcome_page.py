"""The page "Did it work": what was done, the rule before anybody looks, then the answer with its picture."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.documents.effect_document import render_evaluation_pdf
from dashboard.header import draw_header
from dashboard.partners.map_page import draw_empty_store
from dashboard.partners.outcome_choices import EvaluationRequest, draw_evaluation_choices
from dashboard.partners.outcome_map import draw_before_after
from dashboard.partners.outcome_picture import render_intervals, render_table
from dashboard.screen import draw_error
from dashboard.session import Installation
from dashboard.words import escape_html
from geo.errors import HexbeatError
from layers.access import Action, may, require
from layers.counts_export import find_demonstration_mark
from layers.effect.asking import Evaluation, evaluate_protocol, fix_protocol
from layers.effect.protocol import Protocol, describe_rule, format_protocol
from layers.effect.rows import build_evaluation_csv, build_evaluation_geojson

__all__ = ["show"]

WHY: Final = (
    "A place is closed after a peak, and after a peak it grows quieter by itself. So it is compared with places that "
    "had the same past and in which nothing was done, by a rule that is fixed before anybody sees what came after."
)


def show(here: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    draw_header(here, pages)
    if not len(here.columns):
        draw_empty_store(here, pages)
        return
    try:
        asked = draw_evaluation_choices(here)
        if not asked.places:
            st.html(f'<p class="hb-sentence">Did it work?</p><p class="hb-notes">{escape_html(WHY)}</p>')
            st.info(asked.missing)
            return
        protocol = _protocol(here, here.key, here.today, asked)
        if draw_rule(protocol):
            draw_answer(here, protocol)
    except HexbeatError as error:
        draw_error(error)


def draw_rule(protocol: Protocol) -> bool:
    """The rule, and the button; whether the answer to this very rule was asked for."""
    looked = st.session_state.get("outcome_looked") == protocol.hash
    lines = "".join(f"<li>{escape_html(words)}</li>" for words in describe_rule(protocol))
    with st.expander("The rule, fixed before looking", expanded=not looked):
        st.html(f'<ul class="hb-notes">{lines}</ul><p class="hb-small">SHA-256 of the rule: {protocol.hash}</p>')
        st.download_button(
            "Keep the rule (JSON)",
            data=format_protocol(protocol),
            file_name=f"hexbeat-rule-{protocol.hash[:8]}.json",
            mime="application/json",
            on_click="ignore",
            key="outcome_rule",
        )
    if not looked:
        st.button(
            "Look at what came after",
            type="primary",
            key="outcome_look",
            on_click=_request_answer,
            args=(protocol.hash,),
        )
    return looked


def _request_answer(rule: str) -> None:
    st.session_state["outcome_looked"] = rule


def draw_answer(here: Installation, protocol: Protocol) -> None:
    """The sentence, the intervals, the maps, the numbers and the files."""
    found = _evaluation(here, here.key, protocol.hash, protocol)
    details = "".join(f"<li>{escape_html(words)}</li>" for words in found.verdict.details)
    st.html(f'<div aria-live="polite"><p class="hb-sentence">{escape_html(found.verdict.sentence)}</p></div>')
    draw_files(here, found)
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            st.html(f'<h2 class="hb-title">Difference from what was expected</h2>{render_intervals(found)}')
        with st.container(key="hb_analysis_words", width=520):
            st.html(f'<ul class="hb-notes">{details}</ul>')
    draw_before_after(here, found)
    st.html(render_table(found))


def draw_files(here: Installation, found: Evaluation) -> None:
    """The answer as files; the policy is asked again when one is made."""
    if not may(here.viewer, Action.EXPORT):
        return
    mark = find_demonstration_mark(here.columns)
    note = {"area": here.area.title, "attribution": here.area.attribution} | ({"demonstration": mark} if mark else {})
    makers: dict[str, tuple[str, Callable[[], bytes]]] = {
        "pdf": (
            "application/pdf",
            lambda: render_evaluation_pdf(found, here.area, mark=mark, made=dt.datetime.now(here.area.tz)),
        ),
        "csv": ("text/csv", lambda: build_evaluation_csv(found.effect, note=note)),
        "geojson": (
            "application/geo+json",
            lambda: build_evaluation_geojson(found.effect, found.ground, found.verdict, note=note),
        ),
    }
    labels = {"pdf": "One A4 page (PDF)", "csv": "Numbers (CSV)", "geojson": "What was compared (GeoJSON)"}
    with st.container(horizontal=True, gap="small"):
        for kind, (mime, make) in makers.items():
            st.download_button(
                labels[kind],
                data=_check_export(here, found, make),
                file_name=f"hexbeat-{here.area.name}-did-it-work-{found.effect.protocol.hash[:8]}.{kind}",
                mime=mime,
                on_click="ignore",
                key=f"outcome_{kind}",
            )


def _check_export(here: Installation, found: Evaluation, make: Callable[[], bytes]) -> Callable[[], bytes]:
    def made() -> bytes:
        for layer in found.effect.protocol.rule.layers:
            require(here.viewer, Action.EXPORT, layer)
        return make()

    return made


@st.cache_resource(max_entries=16, show_spinner="Finding places with the same past …")
def _protocol(
    _here: Installation, key: tuple[str, int, str, str], today: dt.date, asked: EvaluationRequest
) -> Protocol:
    del key
    return fix_protocol(_here.store, _here.viewer, _here.columns, _here.area, asked.places, asked.rule, today=today)


@st.cache_resource(max_entries=8, show_spinner="Comparing …")
def _evaluation(_here: Installation, key: tuple[str, int, str, str], rule: str, _protocol: Protocol) -> Evaluation:
    del key, rule
    return evaluate_protocol(_here.store, _here.viewer, _here.columns, _here.area, _protocol)
