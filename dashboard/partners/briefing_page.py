"""The briefing on screen: for the daily meeting or a shift; the same facts as its one A4 page."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.documents.briefing_document import (
    alert_line,
    alert_note,
    briefing_alt,
    briefing_map,
    briefing_pdf,
    closure_words,
    done_words,
    expected_words,
    fresh_words,
    head_words,
    layer_row,
    place_title,
)
from dashboard.documents.pictures import picture_html
from dashboard.header import show_header
from dashboard.partners.map_page import draw_empty_store
from dashboard.places import ward_labels
from dashboard.presets import SHIFT_TITLES
from dashboard.session import Installation
from dashboard.words import html_text
from layers.access import Action, may, require
from layers.analysis.shifts import SHIFT_HOURS
from layers.analysis.winning import kept_judgement
from layers.briefing.facts import Briefing, Purpose, make_briefing
from layers.catalogue import LAYERS
from layers.storage.reading import source_summary
from layers.work.ledger import visits, work_version

__all__ = ["show"]

SHIFT_DAYS: Final = 28
MEETING_DAYS: Final = 7
PURPOSE_WORDS: Final = {Purpose.MEETING: "Daily meeting", Purpose.SHIFT: "Shift"}
MAP_MM: Final = (112.0, 128.0)


def show(here: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the briefing page."""
    show_header(here, pages)
    if not len(here.columns):
        draw_empty_store(here, pages)
        return
    purpose, hours, wards = ask(here)
    with st.spinner("Gathering the facts …"):
        found = briefing_of(here, purpose, hours, wards)
    draw_briefing(here, found)


def ask(here: Installation) -> tuple[Purpose, tuple[int, int] | None, tuple[str, ...]]:
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
        labels = ward_labels(here.area.wards)
        wards = st.multiselect(
            "Where",
            sorted(labels, key=labels.__getitem__),
            key="briefing_wards",
            format_func=labels.__getitem__,
            placeholder="The whole area",
        )
    return Purpose(purpose or Purpose.MEETING), hours, tuple(code for code in here.area.wards.codes if code in wards)


def briefing_of(
    here: Installation, purpose: Purpose, hours: tuple[int, int] | None, wards: tuple[str, ...]
) -> Briefing:
    """The briefing of today, kept for this version of the store and of the ledger."""
    for spec in LAYERS:
        require(here.viewer, Action.SEE_COUNTS, spec.name)
    return _briefing(here, here.key, work_version(here.store, here.viewer), here.today, purpose, hours, wards)


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
        spec.name: kept_judgement(_here.columns, _here.area, spec.name, home=_here.settings.home) for spec in LAYERS
    }
    return make_briefing(
        _here.columns,
        _here.area,
        today=today,
        purpose=purpose,
        hours=hours,
        days=days,
        wards=wards,
        visits=visits(_here.store, _here.viewer, start=since) if seen else None,
        sources=source_summary(_here.store, _here.viewer) if may(_here.viewer, Action.SEE_RECORDS) else None,
        winners={name: one.best for name, one in kept.items() if one},
    )


def draw_briefing(here: Installation, found: Briefing) -> None:
    """The heading, the map beside its facts, then places, closures and work."""
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{html_text(found.title)}</p>'
        f'<p class="hb-notes">{html_text(head_words(found, here.area))}</p></div>'
    )
    draw_download(here, found)
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            drawn = briefing_map(found, here.area, width_mm=MAP_MM[0], height_mm=MAP_MM[1])
            st.html(picture_html(drawn, briefing_alt(found, here.area)))
        with st.container(key="hb_analysis_words", width="stretch"):
            st.html(counts_html(found) + list_html("Alerts", alert_lines(found), "None."))
    st.html(places_html(found))
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(closures_html(found))
    with right:
        st.html(work_html(found))


def draw_download(here: Installation, found: Briefing) -> None:
    """The one page as PDF; the policy is asked again when it is made."""
    if not may(here.viewer, Action.EXPORT):
        return

    def made() -> bytes:
        require(here.viewer, Action.EXPORT)
        return briefing_pdf(found, here.area, made=dt.datetime.now(here.area.tz))

    st.download_button(
        "Download as one A4 page (PDF)",
        data=made,
        file_name=f"hexbeat-{here.area.name}-briefing-{found.purpose.value}-{found.today}.pdf",
        mime="application/pdf",
        on_click="ignore",
        type="primary",
        key="briefing_pdf",
    )


def counts_html(found: Briefing) -> str:
    """Each layer now and before."""
    days = (found.period[1] - found.period[0]).days
    rows = "".join(
        f'<tr><th scope="row">{html_text(row["title"])}</th><td class="hb-number">{html_text(row["now"])}</td>'
        f'<td class="hb-number">{html_text(row["before"])}</td><td>{html_text(row["verdict"])}</td></tr>'
        for row in (layer_row(line, found) for line in found.layers)
    )
    return (
        f'<h2 class="hb-title">What happened</h2><table class="hb-plain"><thead><tr><th scope="col">Last {days} days'
        '</th><th scope="col" class="hb-number">Now</th><th scope="col" class="hb-number">Before</th>'
        f'<th scope="col">What can be said</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def alert_lines(found: Briefing) -> list[str]:
    lines = [alert_line(one) for one in found.alerts]
    return [*lines, alert_note(found.alerts)] if lines else []


def list_html(title: str, lines: Sequence[str], none_words: str) -> str:
    """A heading and its lines, or what stands where there are none."""
    items = "".join(f"<li>{html_text(line)}</li>" for line in lines)
    body = f'<ul class="hb-notes">{items}</ul>' if items else f'<p class="hb-notes">{html_text(none_words)}</p>'
    return f'<h2 class="hb-title">{html_text(title)}</h2>{body}'


def places_html(found: Briefing) -> str:
    """The places with their numbers on the map and their reasons."""
    notes = f'<p class="hb-small">{html_text(" ".join(found.notes))}</p>' if found.notes else ""
    head = '<h2 class="hb-title">The places that matter, and why</h2>'
    if not found.places:
        return f'{head}<p class="hb-notes">No place stands out from chance.</p>{notes}'
    items = "".join(
        f"<li><b>{html_text(place_title(line))}</b>: {html_text(line.title.lower())}<br>{html_text(line.reason)}</li>"
        for line in found.places
    )
    return f'{head}<p class="hb-small">The numbers are those of the map.</p><ol class="hb-notes">{items}</ol>{notes}'


def closures_html(found: Briefing) -> str:
    ending, new = ([closure_words(line) for line in found.closures if line.kind == kind] for kind in ("ending", "new"))
    return list_html("Closures that end within 14 days", ending, "None.") + list_html(
        "Closures new in the last 14 days", new, "None."
    )


def work_html(found: Briefing) -> str:
    expected = expected_words(found)
    parts = [list_html("What was done in the last 7 days", done_words(found), "No visit was recorded.")]
    if expected:
        parts.append(list_html("Where most is expected next", expected, ""))
    return "".join(parts) + list_html("How fresh this is", fresh_words(found), "Nothing has been loaded.")
