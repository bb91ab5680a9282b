"""The briefing on screen: for the daily meeting or a shift; the same facts as its one A4 page."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import UsageError
from hexbeat.analysis.rhythm import SHIFT_HOURS
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.audit import audit_file, audit_view
from hexbeat.dashboard.header import draw_any_old_records, draw_header
from hexbeat.dashboard.pages.alert_section import draw_alert_section
from hexbeat.dashboard.pages.map.map_page import draw_empty_store
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.choices import OWN_HOURS
from hexbeat.dashboard.state.findings import load_briefing
from hexbeat.dashboard.state.presets import SHIFT_TITLES
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.views.charts import render_picture
from hexbeat.dashboard.views.meanings import render_meaning
from hexbeat.documents.briefing_document import (
    build_layer_row,
    describe_closure,
    describe_false_alarms,
    describe_forecast,
    describe_freshness,
    describe_lead,
    describe_map,
    describe_no_alerts,
    describe_no_closures,
    describe_no_places,
    describe_unknown_alerts,
    describe_visits,
    find_lead_alert,
    format_headline,
    format_last_days,
    format_place_title,
    render_briefing_map,
    render_briefing_pdf,
)
from hexbeat.operations.alert_answers import read_answers
from hexbeat.operations.plans.working_time import parse_working_hours
from hexbeat.reports.briefing import Briefing, Purpose
from layers.access import may_make, require_document
from layers.wording import escape_html

__all__ = ["show"]

PURPOSE_LABELS: Final = {Purpose.MEETING: "Daily meeting", Purpose.SHIFT: "Shift"}
MAP_MM: Final = (112.0, 128.0)
USUAL_HOURS: Final = "18:00 to 02:00"


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the briefing page."""
    draw_header(installation, pages)
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    try:
        purpose, hours, wards = draw_choices(installation)
    except UsageError as error:
        draw_error(error)
        return
    audit_view(installation, "briefing", {"kind": purpose.value, "hours": hours, "wards": wards})
    draw_any_old_records(installation, wards)
    with st.spinner("Gathering the facts …"):
        briefing = load_briefing(installation, purpose, hours, wards)
    draw_briefing(installation, briefing)


def draw_choices(installation: Installation) -> tuple[Purpose, tuple[int, int] | None, tuple[str, ...]]:
    """Draw the choices of occasion, hours and wards, and return them."""
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        purpose = st.pills(
            "For",
            list(Purpose),
            key="briefing_for",
            default=Purpose.MEETING,
            required=True,
            format_func=PURPOSE_LABELS.__getitem__,
        )
        hours = None
        if purpose == Purpose.SHIFT:
            hours = draw_hours()
        labels = build_ward_labels(installation.area.wards)
        wards = st.multiselect(
            "Where",
            sorted(labels, key=labels.__getitem__),
            key="briefing_wards",
            format_func=labels.__getitem__,
            placeholder="The whole area",
        )
    return (
        Purpose(purpose or Purpose.MEETING),
        hours,
        tuple(code for code in installation.area.wards.codes if code in wards),
    )


def draw_hours() -> tuple[int, int]:
    """Draw the shifts and, for own hours, a field; the hours in whole hours. UsageError for what is no time."""
    shift = st.pills(
        "Shift",
        [*SHIFT_HOURS, OWN_HOURS],
        key="briefing_shift",
        default="night",
        required=True,
        format_func=(SHIFT_TITLES | {OWN_HOURS: "Own hours"}).__getitem__,
    )
    if shift != OWN_HOURS:
        return SHIFT_HOURS[str(shift)]
    first, last = parse_working_hours(st.text_input("Hours", value=USUAL_HOURS, key="briefing_hours"))
    return int(first), math.ceil(last)


def draw_briefing(installation: Installation, briefing: Briefing) -> None:
    """The heading, the map beside its facts, then places, closures and work."""
    old = f'<p class="hb-sentence"><b>{escape_html(briefing.headline)}</b></p>' if briefing.headline else ""
    first = describe_lead(briefing)
    lead = f'<p class="hb-sentence">{escape_html(first)}</p>' if first else ""
    st.html(
        f'<div aria-live="polite">{old}{lead}'
        f'<p class="hb-notes"><b>{escape_html(briefing.title)}.</b> '
        f"{escape_html(format_headline(briefing, installation.area))}</p></div>{render_meaning('alerts')}"
    )
    draw_download(installation, briefing)
    draw_alert_section(
        installation,
        briefing.alerts,
        empty=describe_no_alerts(briefing),
        more=list_alert_notes(briefing),
        lead=find_lead_alert(briefing),
    )
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            map_svg = render_briefing_map(briefing, installation.area, width_mm=MAP_MM[0], height_mm=MAP_MM[1])
            st.html(render_picture(map_svg, describe_map(briefing, installation.area)))
        with st.container(key="hb_analysis_words", width="stretch"):
            st.html(render_counts(briefing))
    st.html(render_places(briefing))
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(render_closures(briefing))
    with right:
        st.html(render_visits(briefing))


def draw_download(installation: Installation, briefing: Briefing) -> None:
    """Draw the download of the PDF. The policy is checked again when it is made."""
    if not may_make(installation.viewer, "briefing"):
        return

    def build_pdf() -> bytes:
        require_document(installation.viewer, "briefing")
        answers = read_answers(installation.store, installation.viewer)
        now = dt.datetime.now(installation.area.tz)
        return render_briefing_pdf(briefing, installation.area, made_at=now, answers=answers)

    st.download_button(
        "Download as one A4 page (PDF)",
        data=audit_file(installation, build_pdf, form="pdf"),
        file_name=f"hexbeat-{installation.area.name}-briefing-{briefing.purpose.value}-{briefing.today}.pdf",
        mime="application/pdf",
        on_click="ignore",
        type="primary",
        key="briefing_pdf",
    )


def render_counts(briefing: Briefing) -> str:
    """Each layer now and before."""
    rows = "".join(
        f'<tr><th scope="row">{escape_html(row["title"])}</th><td class="hb-number">{escape_html(row["now"])}</td>'
        f'<td class="hb-number">{escape_html(row["before"])}</td><td>{escape_html(row["verdict"])}</td></tr>'
        for row in (build_layer_row(line, briefing) for line in briefing.layers)
    )
    return (
        '<h2 class="hb-title">What happened</h2><table class="hb-plain"><thead><tr>'
        f'<th scope="col">{format_last_days(briefing)}</th>'
        '<th scope="col" class="hb-number">Now</th><th scope="col" class="hb-number">Before</th>'
        f'<th scope="col">What we can say</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def list_alert_notes(briefing: Briefing) -> list[str]:
    """What stands below the alerts."""
    return list(filter(None, [describe_false_alarms(briefing.alerts), describe_unknown_alerts(briefing)]))


def render_list(title: str, lines: Sequence[str], empty_text: str) -> str:
    """A heading and its lines; `none_words` if there are no lines."""
    items = "".join(f"<li>{escape_html(line)}</li>" for line in lines)
    body = f'<ul class="hb-notes">{items}</ul>' if items else f'<p class="hb-notes">{escape_html(empty_text)}</p>'
    return f'<h2 class="hb-title">{escape_html(title)}</h2>{body}'


def render_places(briefing: Briefing) -> str:
    """The places with their numbers on the map and their reasons."""
    notes = f'<p class="hb-small">{escape_html(" ".join(briefing.notes))}</p>' if briefing.notes else ""
    head = '<h2 class="hb-title">The places that matter, and why</h2>'
    if not briefing.places:
        return f'{head}<p class="hb-notes">{escape_html(describe_no_places(briefing))}</p>{notes}'
    items = "".join(
        f"<li><b>{escape_html(format_place_title(line))}</b>: {escape_html(line.title.lower())}"
        f"<br>{escape_html(line.reason)}</li>"
        for line in briefing.places
    )
    return f'{head}<p class="hb-small">The numbers are those of the map.</p><ol class="hb-notes">{items}</ol>{notes}'


def render_closures(briefing: Briefing) -> str:
    ending, new = (
        [describe_closure(line) for line in briefing.closures if line.kind == kind] for kind in ("ending", "new")
    )
    return render_list(
        "Closures that end within 14 days", ending, describe_no_closures(briefing.ending_state)
    ) + render_list("Closures new in the last 14 days", new, describe_no_closures(briefing.new_state))


def render_visits(briefing: Briefing) -> str:
    expected = describe_forecast(briefing)
    parts = [render_list("What was done in the last 7 days", describe_visits(briefing), "No visit was recorded.")]
    if expected:
        parts.append(render_list("Where most is expected next", expected, ""))
    return "".join(parts) + render_list("How fresh this is", describe_freshness(briefing), "Nothing has been loaded.")
