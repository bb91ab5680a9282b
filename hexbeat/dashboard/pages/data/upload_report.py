"""What a dry run or a load did: the rows, the days, what was assumed, and events that would be replaced by others."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from hexbeat.dashboard.pages.data.quality_tables import render_reasons, render_report, render_samples, render_table
from hexbeat.dashboard.pages.data.reading_section import render_points
from hexbeat.dashboard.state.session import Installation
from hexbeat.ingest.ingest import IngestReport
from hexbeat.ingest.replaced_events import build_replacement_rows, describe_known_references, describe_replacements
from layers.catalogue import LAYERS
from layers.coverage import Span, Spans, join_spans
from layers.wording import escape_html, format_day_spans, format_list, format_number, format_sentence

__all__ = ["REPORT_KEY", "describe_days", "draw_report", "draw_result", "has_too_many_replacements"]

REPORT_KEY: Final = "upload_report"  # (files, source, layer) and the report of the dry run or the load


def describe_days(report: IngestReport) -> str:
    """Which days the files complete, and that all others will be not known, in sentences.

    A running log is also complete between what was loaded of it before and what is loaded now. Days that a person
    cleared stay not known, and stated days that are to come do not count: both are said.
    """
    spans: dict[tuple[str, str], list[Span]] = {}
    for entry in (entry for file in report.files for entry in file.coverage):
        spans.setdefault((entry.layer, entry.kind), []).append((entry.start, entry.end))
    if not spans:
        return "No day becomes known by this file, because it has no events and no days were stated."
    which = "This file is" if len(report.files) == 1 else "These files are"
    by_days: dict[Spans, list[str]] = {}
    for (layer, _), days in spans.items():
        by_days.setdefault(join_spans(days), []).append(layer)
    sentences = [
        f"{which} complete for {format_day_spans(days, most=12)}{_format_layers(layers) if len(by_days) > 1 else ''}."
        for days, layers in by_days.items()
    ]
    if any(kind == "open" for _, kind in spans):
        sentences.append("It is a running log: days between earlier loads and this one are known too.")
    verb = "will be" if report.dry_run else "are"
    others = f"Other days {verb} not known, unless other files complete them."
    return " ".join([*sentences, others, *report.remarks_on_days])


def _format_layers(layers: Sequence[str]) -> str:
    return f" ({format_list([spec.short for spec in LAYERS if spec.name in layers])})"


def draw_report(installation: Installation, report: IngestReport) -> None:
    """Draw what happened to the rows, what was assumed, the reasons, and the first rejected rows."""
    remarks = [format_sentence(remark) for remark in report.remarks]
    rows, days = escape_html(describe_rows(report)), escape_html(describe_days(report))
    parts = (
        f'<p class="hb-days" role="status"><b>{rows}</b> {days}</p>',
        render_points("What Hexbeat assumed", remarks) if remarks else "",
        *render_known_references(report),
        *(render_replacements(installation, report)),
        render_report(report.files, dry_run=report.dry_run),
        render_reasons(report.files),
        render_samples(report.samples),
    )
    st.html("".join(parts))


def describe_rows(report: IngestReport) -> str:
    """As in "3 of 4 rows can be loaded.", or that a decision is needed first."""
    tallies = [file.tally for file in report.files]
    accepted, read = sum(tally.accepted for tally in tallies), sum(tally.read for tally in tallies)
    if report.dry_run and has_too_many_replacements(report):
        return "This file needs your decision before it is loaded."
    verb = "can be loaded" if report.dry_run else ("was loaded" if accepted == 1 else "were loaded")
    return f"{format_number(accepted)} of {format_number(read)} {'row' if read == 1 else 'rows'} {verb}."


def has_too_many_replacements(report: IngestReport) -> bool:
    """Whether a load of these files stops unless the person wants it, because it would replace other events."""
    return any(file.replacements.are_too_many for file in report.files)


def render_known_references(report: IngestReport) -> list[str]:
    """For each file and other source that has its references: a notice, with what a person can do on this page."""
    undo = "\u201cUndo the last load\u201d"
    notices = [
        notice
        for file in report.files
        for notice in describe_known_references(
            file.file, file.known_references, accepted=file.tally.accepted, dry_run=report.dry_run, undo=undo
        )
    ]
    return [f'<p role="alert" class="hb-silent">{escape_html(notice)}.</p>' for notice in notices]


def render_replacements(installation: Installation, report: IngestReport) -> list[str]:
    """For each file that replaces events of other days and places: a sentence, and the first of them side by side."""
    parts = []
    for file in report.files:
        rows = build_replacement_rows(
            file.replacements, installation.viewer, area=installation.area, time_zone=installation.area.tz
        )
        if rows:
            sentence = f"{describe_replacements(file.file, file.replacements)}."
            cells = [
                (
                    row["identifier"],
                    row["event"],
                    row["day"].replace(" ", "\N{NO-BREAK SPACE}"),
                    row["quantity"],
                    row["place"],
                )
                for row in rows
            ]
            headings = ("Identifier", "Event", "Day", "How many", "Place")
            table = render_table(headings, cells, caption="The first of them, stored and new", numbers=(3,))
            parts += [f'<p role="alert" class="hb-silent">{escape_html(sentence)}</p>', table]
    return parts


def draw_result(installation: Installation) -> None:
    """Draw what the last load of this session did."""
    entry = st.session_state.get(REPORT_KEY)
    if entry is None or entry[1].dry_run:
        st.text("Drop a file here. Hexbeat checks it first and stores nothing until you say so.")
        return
    st.html('<p role="status"><b>Loaded.</b></p>')
    draw_report(installation, entry[1])
