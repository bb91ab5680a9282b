"""The draft for the drug information system as a document to print, and to finish by hand."""

import datetime as dt
from collections.abc import Sequence

from dashboard.documents.typesetting import render_pdf
from layers.analysis.alert_form import build_form
from layers.analysis.alert_words import Alert
from layers.areas import Area

__all__ = ["render_alert_form_pdf"]


def render_alert_form_pdf(found: Sequence[Alert], *, area: Area, made: dt.datetime, demonstration: bool) -> bytes:
    """The words of layers.analysis.alert_form as PDF/UA-1, with room to write; UsageError as there. `made` is aware."""
    said = build_form(found, area=area, made=made, demonstration=demonstration)
    data = {
        "title": said.title,
        "mark": said.warning,
        "seen": [[list(row) for row in rows] for rows in said.seen],
        "certainty": said.certainty,
        "blanks": list(said.blanks),
        "made": said.made,
        "footer": "DRAFT, not sent. OFFICIAL: for the partnership only, small numbers.",
    }
    return render_pdf("alert-form", data, {}, made=made)
