"""The briefing on screen: for the daily meeting or a shift; the same facts as its one A4 page."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hexbeat.analysis.method_selection import read_selection
from hexbeat.analysis.rhythm import SHIFT_HOURS
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.pages.map.map_page import draw_empty_store
from hexbeat.dashboard.state.presets import SHIFT_TITLES
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.views.charts import render_picture
from hexbeat.documents.briefing_document import (
    build_layer_row,
    describe_closure,
    describe_false_alarms,
    describe_forecast,
    describe_freshness,
    describe_map,
    describe_visits,
    format_alert,
    format_headline,
    format_place_title,
    render_briefing_map,
    render_briefing_pdf,
)
from hexbeat.operations.ledger.ledger import read_visits, work_version
from hexbeat.reports.briefing import Briefing, Purpose, build_briefing
from hexbeat.store.quality import summarise_sources
from layers.access import Action, may, require
from layers.catalogue import LAYERS
from layers.wording import escape_html

__all__ = ["show"]

SHIFT_DAYS: Final = 28
MEETING_DAYS: Final = 7
PURPOSE_WORDS: Final = {Purpose.MEETING: "Daily meeting", Purpose.SHIFT: "Shift"}
MAP_MM: Final = (112.0, 128.0)


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the briefing page."""
    draw_header(installation, pages)
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    purpose, hours, wards = draw_choices(installation)
    with st.spinner("Gathering the facts …"):
        found = load_briefing(installation, purpose, hours, wards)
    draw_briefing(installation, found)


def draw_choices(installation: Installation) -> tuple[Purpose, tuple[int, int] | None, tuple[str, ...]]:
    """For whom, which hours, which wards."""
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        purpose = st.pills(
            "For",
            list(Purpose),
            key="briefing_for",
            default=Purpose.MEETING,
            required=True,
            format_func=PURPOSE_WORDS.__getitem__,
        )
        hours = None
        if purpose == Purpose.SHIFT:
            shift = st.pills(
                "Shift",
                list(SHIFT_HOURS),
                key="briefing_shift",
                default="night",
                required=True,
                format_func=SHIFT_TITLES.__getitem__,
            )
            hours = SHIFT_HOURS[str(shift)]
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


def load_briefing(
    installation: Installation, purpose: Purpose, hours: tuple[int, int] | None, wards: tuple[str, ...]
) -> Briefing:
    """The briefing of today, kept for this version of the store and of the ledger."""
    for spec in LAYERS:
        require(installation.viewer, Action.SEE_COUNTS, spec.name)
    return _briefing(
        installation,
        installation.key,
        work_version(installation.store, installation.viewer),
        installation.today,
        purpose,
        hours,
        wards,
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _briefing(
    _here: Installation,
    key: tuple[str, int, str, str],
    work: int,
    today: dt.date,
    purpose: Purpose,
    hours: tuple[int, int] | None,
    wards: tuple[str, ...],
) -> Briefing:
    del key, work
    days = SHIFT_DAYS if purpose is Purpose.SHIFT else MEETING_DAYS
    since = dt.datetime.combine(today - dt.timedelta(days=MEETING_DAYS), dt.time(), _here.area.tz)
    seen = may(_here.viewer, Action.SEE_WORK)
    kept = {
        spec.name: read_selection(_here.columns, _here.area, spec.name, home=_here.settings.home) for spec in LAYERS
    }
    return build_briefing(
        _here.columns,
        _here.area,
        today=today,
        purpose=purpose,
        hours=hours,
        days=days,
        wards=wards,
        visits=read_visits(_here.store, _here.viewer, start=since) if seen else None,
        sources=summarise_sources(_here.store, _here.viewer) if may(_here.viewer, Action.SEE_RECORDS) else None,
        winners={name: one.best for name, one in kept.items() if one},
    )


def draw_briefing(installation: Installation, found: Briefing) -> None:
    """The heading, the map beside its facts, then places, closures and work."""
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(found.title)}</p>'
        f'<p class="hb-notes">{escape_html(format_headline(found, installation.area))}</p></div>'
    )
    draw_download(installation, found)
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            drawn = render_briefing_map(found, installation.area, width_mm=MAP_MM[0], height_mm=MAP_MM[1])
            st.html(render_picture(drawn, describe_map(found, installation.area)))
        with st.container(key="hb_analysis_words", width="stretch"):
            st.html(render_counts(found) + render_list("Alerts", format_alerts(found), "None."))
    st.html(render_places(found))
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(render_closures(found))
    with right:
        st.html(render_visits(found))


def draw_download(installation: Installation, found: Briefing) -> None:
    """The one page as PDF; the policy is asked again when it is made."""
    if not may(installation.viewer, Action.EXPORT):
        return

    def made() -> bytes:
        require(installation.viewer, Action.EXPORT)
        return render_briefing_pdf(found, installation.area, made=dt.datetime.now(installation.area.tz))

    st.download_button(
        "Download as one A4 page (PDF)",
        data=made,
        file_name=f"hexbeat-{installation.area.name}-briefing-{found.purpose.value}-{found.today}.pdf",
        mime="application/pdf",
        on_click="ignore",
        type="primary",
        key="briefing_pdf",
    )


def render_counts(found: Briefing) -> str:
    """Each layer now and before."""
    days = (found.period[1] - found.period[0]).days
    rows = "".join(
        f'<tr><th scope="row">{escape_html(row["title"])}</th><td class="hb-number">{escape_html(row["now"])}</td>'
        f'<td class="hb-number">{escape_html(row["before"])}</td><td>{escape_html(row["verdict"])}</td></tr>'
        for row in (build_layer_row(line, found) for line in found.layers)
    )
    return (
        f'<h2 class="hb-title">What happened</h2><table class="hb-plain"><thead><tr><th scope="col">Last {days} days'
        '</th><th scope="col" class="hb-number">Now</th><th scope="col" class="hb-number">Before</th>'
        f'<th scope="col">What we can say</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def format_alerts(found: Briefing) -> list[str]:
    lines = [format_alert(one) for one in found.alerts]
    return [*lines, describe_false_alarms(found.alerts)] if lines else []


def render_list(title: str, lines: Sequence[str], none_words: str) -> str:
    """A heading and its lines, or what stands where there are none."""
    items = "".join(f"<li>{escape_html(line)}</li>" for line in lines)
    body = f'<ul class="hb-notes">{items}</ul>' if items else f'<p class="hb-notes">{escape_html(none_words)}</p>'
    return f'<h2 class="hb-title">{escape_html(title)}</h2>{body}'


def render_places(found: Briefing) -> str:
    """The places with their numbers on the map and their reasons."""
    notes = f'<p class="hb-small">{escape_html(" ".join(found.notes))}</p>' if found.notes else ""
    head = '<h2 class="hb-title">The places that matter, and why</h2>'
    if not found.places:
        return f'{head}<p class="hb-notes">No place has clearly more than the others.</p>{notes}'
    items = "".join(
        f"<li><b>{escape_html(format_place_title(line))}</b>: {escape_html(line.title.lower())}"
        f"<br>{escape_html(line.reason)}</li>"
        for line in found.places
    )
    return f'{head}<p class="hb-small">The numbers are those of the map.</p><ol class="hb-notes">{items}</ol>{notes}'


def render_closures(found: Briefing) -> str:
    ending, new = (
        [describe_closure(line) for line in found.closures if line.kind == kind] for kind in ("ending", "new")
    )
    return render_list("Closures that end within 14 days", ending, "None.") + render_list(
        "Closures new in the last 14 days", new, "None."
    )


def render_visits(found: Briefing) -> str:
    expected = describe_forecast(found)
    parts = [render_list("What was done in the last 7 days", describe_visits(found), "No visit was recorded.")]
    if expected:
        parts.append(render_list("Where most is expected next", expected, ""))
    return "".join(parts) + render_list("How fresh this is", describe_freshness(found), "Nothing has been loaded.")
