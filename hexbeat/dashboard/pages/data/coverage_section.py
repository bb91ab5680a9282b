"""The section on coverage: a strip of months for each layer and source, and a form that corrects it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import streamlit as st

from geo.calendar import find_month_start, list_months
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.pages.data.loads_section import draw_confirmed_button
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.views.controls import draw_day
from hexbeat.store.coverage_log import correct_coverage, read_coverage
from layers.access import Action, may
from layers.catalogue import LAYER_NAMES, find_layer
from layers.coverage import (
    Coverage,
    CoverageEntry,
    CoverageSpan,
    KnownState,
    Span,
    Spans,
    intersect_spans,
    join_spans,
    subtract_spans,
)
from layers.wording import MONTH_NAMES, escape_html, format_date, format_day_spans, format_list

__all__ = ["draw_coverage", "list_coverage_rows", "render_coverage"]

MOST_MONTHS: Final = 36
COMPLETE, NOT_COMPLETE = "complete", "not complete"
STATE_CLASSES: Final[dict[KnownState, str]] = {"known": "full", "partly known": "part", "not known": "none"}
_DAY: Final = timedelta(days=1)


def draw_coverage(installation: Installation) -> None:
    """Draw the strips of months; for those who may load, the form that corrects them."""
    coverage = read_coverage(
        installation.store.engine, installation.viewer, ward_codes=tuple(installation.area.wards.codes)
    )
    st.html('<h2 class="hb-title">What is known</h2>')
    if not coverage.layers:
        st.text("No days are known yet. A file says which days it completes when it is loaded.")
        return
    st.html(render_coverage(coverage, today=installation.today))
    if may(installation.viewer, Action.LOAD):
        with st.expander("Correct the days"):
            draw_correction(installation, coverage)


def list_coverage_rows(coverage: Coverage) -> list[tuple[str, str, Spans, Spans]]:
    """For each layer and source, in the order of layers: both names, the days known in all wards, those in some."""
    spans: dict[tuple[str, str], list[CoverageSpan]] = {
        (entry.layer, entry.source): [] for entry in coverage.entries if entry.kind != "cleared"
    }
    for span in coverage.list_spans():
        spans.setdefault((span.layer, span.source), []).append(span)
    rows = []
    for (layer, source), of_source in sorted(spans.items(), key=lambda item: (LAYER_NAMES.index(item[0][0]), item[0])):
        days = {
            ward: join_spans((span.start, span.end) for span in of_source if ward in span.wards)
            for ward in coverage.ward_codes
        }
        some = join_spans(part for parts in days.values() for part in parts)
        whole = some
        for parts in set(days.values()):
            whole = intersect_spans(whole, parts)
        rows.append((layer, source, whole, some))
    return rows


def render_coverage(coverage: Coverage, *, today: date) -> str:
    """A table with a row for each layer and source: its months as a strip, and below it the same in words."""
    rows = list_coverage_rows(coverage)
    first = min((some[0][0] for *_, some in rows if some), default=today)
    stop = find_month_start(max([today, *(some[-1][1] - _DAY for *_, some in rows if some)]), 1)
    months = list_months(max(find_month_start(first), find_month_start(stop, -MOST_MONTHS)), stop)
    body = "".join(_render_row(layer, source, whole, some, months) for layer, source, whole, some in rows)
    titles = ("Records", f"{_name(months[0])} to {_name(months[-1])}")
    heads = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="Days that are known, by layer and source">'
        '<table class="hb-plain hb-coverage"><caption>Months of each layer and source</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        '<p class="hb-small hb-key"><i class="hb-month hb-full"></i> known <i class="hb-month hb-part"></i> partly '
        'known <i class="hb-month hb-none"></i> not known. Where nothing is known, a number is never 0.</p>'
    )


def _name(month: date) -> str:
    return f"{MONTH_NAMES[month.month - 1]} {month.year}"


def _render_row(layer: str, source: str, whole: Spans, some: Spans, months: Sequence[date]) -> str:
    """The row of one layer and source."""
    strip = "".join(
        f'<i class="hb-month hb-{STATE_CLASSES[state]}" title="{_name(month)}: {state}"></i>'
        for month in months
        for state in [_judge((month, find_month_start(month, 1)), whole, some)]
    )
    return (
        f'<tr><th scope="row">{escape_html(find_layer(layer).title)}<br><span>{escape_html(source)}</span></th>'
        f'<td><span class="hb-strip" aria-hidden="true">{strip}</span>'
        f"{escape_html(describe_source(whole, some))}</td></tr>"
    )


def _judge(period: Span, whole: Spans, some: Spans) -> KnownState:
    if not subtract_spans((period,), whole):
        return "known"
    return "partly known" if intersect_spans((period,), some) else "not known"


def describe_source(whole: Spans, some: Spans) -> str:
    """As in "Complete for Jan to Dec 2024, without Mar 2024; in some wards only: Jan 2025"."""
    parts = []
    if whole:
        gaps = subtract_spans(((whole[0][0], whole[-1][1]),), whole)
        without = f", without {format_day_spans(gaps, most=12)}" if gaps else ""
        parts.append(f"complete for {format_day_spans([(whole[0][0], whole[-1][1])])}{without}")
    if partly := subtract_spans(some, whole):
        parts.append(f"in some wards only: {format_day_spans(partly, most=12)}")
    text = "; ".join(parts) or "no day is known"
    return text[:1].upper() + text[1:]


def draw_correction(installation: Installation, coverage: Coverage) -> None:
    """Draw the form that sets or clears days of a source, with a confirmation."""
    sources = [(layer, source) for layer, source, *_ in list_coverage_rows(coverage)]
    labels = build_ward_labels(installation.area.wards)
    layer, source = st.selectbox(
        "Records", sources, format_func=lambda pair: f"{find_layer(pair[0]).title}, {pair[1]}", key="coverage_source"
    )
    kind = st.radio(
        "These records are", (COMPLETE, NOT_COMPLETE), key="coverage_kind", horizontal=True,
        help="Not complete, for example because a log was not kept in March.",
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        first = draw_day("First day", installation.today, key="coverage_first")
        last = draw_day("Last day", installation.today, key="coverage_last")
    wards = st.multiselect(
        "Wards", list(installation.area.wards.codes), format_func=labels.__getitem__, key="coverage_wards",
        placeholder="All wards",
    )  # fmt: skip
    if first is None or last is None or last < first:
        st.text("Choose a first day, and a last day that is not before it.")
        return
    entry = CoverageEntry(
        layer,
        source,
        find_scope(coverage, layer, source) if kind == COMPLETE else "",
        first,
        last + _DAY,
        kind="set" if kind == COMPLETE else "cleared",
        wards=tuple(wards) or tuple(installation.area.wards.codes),
    )
    where = f" in {format_list([labels[code] for code in wards], most=3)}" if wards else ""
    what = f"{find_layer(layer).title} from {source}{where}, {format_date(first)} to {format_date(last)}"

    def act() -> str:
        days: dict[str, Any] = {"layers": entry.layer, "from": entry.start, "to": entry.end, "wards": entry.wards}
        with audit_change(installation, action=Action.LOAD, what=f"data/coverage {entry.kind}", **days):
            correction = correct_coverage(
                installation.store.engine, installation.viewer, entry, time_zone=installation.area.time_zone
            )
        to_come = (
            "" if correction.end == entry.end else f" Days from {format_date(correction.end)} on are still to come."
        )
        return f"Saved: {what}: {kind}.{to_come}"

    draw_confirmed_button(
        "coverage",
        button="Save the days",
        warning=f"{what}: {kind}. This counts for everybody, and outlasts later loads.",
        yes="Yes, save them",
        act=act,
    )


def find_scope(coverage: Coverage, layer: str, source: str) -> str:
    """The part of a source that its days belong to, such as a police force, where it has just one; else ""."""
    scopes = {span.scope for span in coverage.list_spans() if (span.layer, span.source) == (layer, source)}
    return scopes.pop() if len(scopes) == 1 else ""
