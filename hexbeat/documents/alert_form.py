"""The draft for the drug information system, to print and to finish by hand: its words, as HTML and as PDF."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.errors import UsageError
from hexbeat.analysis.alert_report import Alert
from hexbeat.analysis.alert_sentences import describe_chance
from hexbeat.areas.area import Area
from hexbeat.documents.typst_pdf import render_pdf
from hexbeat.files import require_folder
from layers.catalogue import LAYERS, find_layer
from layers.wording import escape_html, format_about, format_date, format_list, format_number

__all__ = [
    "BLANKS",
    "AlertForm",
    "build_form",
    "describe_form_layers",
    "render_alert_form",
    "render_alert_form_pdf",
    "require_form_file",
    "takes_alert_form",
]

BLANKS: Final = (
    "Who reports this (name, organisation, telephone)",
    "What was taken, as far as is known (name, look, markings, how it was sold)",
    "How it was taken, and together with what",
    "What happened to people (signs, naloxone given and how often it took, hospital, deaths); no names or addresses",
    "How it is known (laboratory test, ambulance, hospital, police, service, by word of mouth) and how reliable it is",
    "What has been done already, and who has been told",
    "Asked of the panel: is an alert needed, for whom, and how soon",
)
_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:1.5rem}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #555;padding:.4rem;text-align:left;"
    "vertical-align:top}.draft{border:3px solid #111;padding:.5rem 1rem;font-weight:bold}"
    ".blank{height:4rem}@media print{body{margin:0}}"
)


@dataclass(frozen=True, slots=True)
class AlertForm:
    """All that the form says, as plain text.

    `alert_rows` holds rows of name and value for each alert; `blanks` are questions for a person to answer.
    """

    title: str
    warning: str
    alert_rows: tuple[tuple[tuple[str, str], ...], ...]
    certainty: str
    blanks: tuple[str, ...]
    origin: str


def require_form_file(out: Path) -> str:
    """The kind of a file by its ending, "html" or "pdf"; an error for other endings, folders and missing ones."""
    require_folder(out)
    kind = {".html": "html", ".htm": "html", ".pdf": "pdf"}.get(out.suffix.lower())
    if kind is None:
        raise UsageError(
            "The form is drafted as an .html or .pdf file", f"{out.name!r} is neither", "give --draft such an ending"
        )
    return kind


def describe_form_layers() -> str:
    """What the drug information system is about, as in "overdoses"."""
    return format_list([spec.many for spec in LAYERS if spec.alert_form])


def takes_alert_form(alert: Alert) -> bool:
    """Whether an alert is of a layer that the drug information system is about: people are in danger."""
    return find_layer(alert.layer).alert_form


def build_form(alerts: Sequence[Alert], *, area: Area, made_at: dt.datetime, demonstration: bool) -> AlertForm:
    """What the draft says of one or more alerts of overdoses; UsageError for no alert, or one of another layer.

    `made_at` is local time. Counts in wards may be small, so the draft says that it is for the partnership only.
    """
    if not alerts or not all(takes_alert_form(alert) for alert in alerts):
        kinds = describe_form_layers()
        raise UsageError(
            f"A form for the drug information system is about alerts of {kinds}",
            "there is no alert" if not alerts else "there are alerts of other layers",
            f"choose alerts of {kinds}",
        )
    return AlertForm(
        title=f"Draft report to the local drug information system: {area.title}",
        warning=f"DRAFT, not sent. {_format_warning(demonstration=demonstration)}",
        alert_rows=tuple(_list_facts(alert) for alert in alerts),
        certainty=_describe_certainty(alerts),
        blanks=BLANKS,
        origin=_describe_origin(area, made_at),
    )


def render_alert_form(alerts: Sequence[Alert], *, area: Area, made_at: dt.datetime, demonstration: bool) -> str:
    """The draft (`build_form`) as one HTML page: no script, nothing loaded from elsewhere, every text escaped."""
    form = build_form(alerts, area=area, made_at=made_at, demonstration=demonstration)
    parts = [
        f"<h1>{escape_html(form.title)}</h1>",
        f'<p class="draft">{escape_html(form.warning)}</p>',
        "<h2>What was seen</h2>",
        *(_render_table(rows) for rows in form.alert_rows),
        "<h2>How sure this is</h2>",
        f"<p>{escape_html(form.certainty)}</p>",
        "<h2>To be filled in</h2>",
        "<table>",
        *(
            f'<tr><th scope="row">{escape_html(blank)}</th></tr><tr><td class="blank">&nbsp;</td></tr>'
            for blank in form.blanks
        ),
        "</table>",
        f"<p>{escape_html(form.origin)}</p>",
    ]
    return (
        '<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape_html(form.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _list_facts(alert: Alert) -> tuple[tuple[str, str], ...]:
    """One alert as names and values."""
    when = format_date(alert.first_day)
    if alert.last_day != alert.first_day:
        when += f" to {format_date(alert.last_day)}, most on {format_date(alert.day)} ({format_about(alert.peak)})"
    plural = find_layer(alert.layer).many
    return (
        ("What", f"{format_about(alert.count)} {plural} attended, where {format_about(alert.expected)} would be usual"),
        ("When", when),
        ("Where", _describe_where(alert)),
        ("Found by", _describe_method(alert)),
    )


def _describe_where(alert: Alert) -> str:
    if alert.cells:
        return f"{alert.place}: a few hundred metres, no address"
    return f"{alert.place} ({'ward' if alert.ward_code else 'the whole area'})"


def _describe_method(alert: Alert) -> str:
    """As in "C1 and C2 on daily counts"; of the scan when it was first raised, and how unusual it is."""
    if alert.told_on:
        return f"the daily scan, first on {format_date(alert.told_on)}. {describe_chance(alert)}"
    interval = "daily" if alert.methods[0].startswith("C") else "weekly"
    return f"{format_list(alert.methods)} on {interval} counts"


def _render_table(rows: Sequence[tuple[str, str]]) -> str:
    rows_html = "".join(
        f'<tr><th scope="row">{escape_html(name)}</th><td>{escape_html(value)}</td></tr>' for name, value in rows
    )
    return f"<table>{rows_html}</table>"


def _describe_certainty(alerts: Sequence[Alert]) -> str:
    kinds = format_list([spec.many for spec in LAYERS if any(alert.layer == spec.name for alert in alerts)])
    rate = max(alert.false_alarms_a_year for alert in alerts)
    number = f"about {format_number(round(rate))}" if rate >= 1 else "fewer than 1"
    what = "alert" if round(rate) <= 1 else "alerts"
    return (
        f"This is a count of recorded {kinds}, not a finding about any drug. At these settings chance alone "
        f"would raise {number} such {what} a year over all places. "
        "Recording may have changed, more records may arrive, and one person may account for several. "
        "The place is where they were recorded, not where anything was bought."
    )


def _format_warning(*, demonstration: bool) -> str:
    warning = (
        "A person must check it, fill in the blanks, and decide whether to send it. For the partnership only: small "
        "numbers. Do not add names, addresses or dates of birth."
    )
    synthetic = "MADE FROM SYNTHETIC DEMONSTRATION EVENTS, about no real place or person."
    return f"{synthetic} {warning}" if demonstration else warning


def _describe_origin(area: Area, made_at: dt.datetime) -> str:
    return f"Drafted by Hexbeat on {format_date(made_at.date())} at {made_at:%H:%M}. Wards: {area.attribution}"


def render_alert_form_pdf(alerts: Sequence[Alert], *, area: Area, made_at: dt.datetime, demonstration: bool) -> bytes:
    """The words of `build_form` as PDF/UA-1, with room to write; UsageError as there. `made_at` is aware."""
    form = build_form(alerts, area=area, made_at=made_at, demonstration=demonstration)
    data = {
        "title": form.title,
        "mark": form.warning,
        "alerts": [[list(row) for row in rows] for rows in form.alert_rows],
        "certainty": form.certainty,
        "blanks": list(form.blanks),
        "origin": form.origin,
        "footer": "DRAFT, not sent. OFFICIAL: for the partnership only, small numbers.",
    }
    return render_pdf("alert-form", data, {}, made_at=made_at)
