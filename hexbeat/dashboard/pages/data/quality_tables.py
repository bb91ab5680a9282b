"""The tables and sentences of the data page on sources, loads and rejects. Every text in the HTML is escaped."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd

from hexbeat.files import escape_formulas
from hexbeat.ingest.ingest import FileReport, RejectSample
from hexbeat.ingest.parsing.reject_rows import REASON_LABELS, explain_reject, format_raw, parse_raw
from hexbeat.store.load_log import CommittedLoad
from hexbeat.store.quality import find_last_day
from layers.catalogue import LAYER_NAMES, find_layer
from layers.wording import escape_html, format_date, format_last_record, format_number, format_percent, format_plural

__all__ = [
    "build_rejects_csv",
    "count_silent_days",
    "describe_undo",
    "render_reasons",
    "render_report",
    "render_samples",
    "render_sources",
    "render_table",
]

SILENT_AFTER: Final = timedelta(days=14)
# Monthly data are published about eight weeks after the end of the month.
SILENT_AFTER_MONTHLY: Final = timedelta(days=100)


def render_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, numbers: Sequence[int] = ()
) -> str:
    """A table of plain texts; `numbers` are the indices of the columns that are aligned to the right."""

    def render_cell(tag: str, place: int, text: str) -> str:
        # On a phone a row is a card, whose lines begin with their headings.
        facts = ' scope="col"' if tag == "th" else f' data-title="{escape_html(headings[place])}"'
        shade = ' class="hb-number"' if place in numbers else ""
        return f"<{tag}{facts}{shade}>{escape_html(text)}</{tag}>"

    head = "".join(render_cell("th", place, text) for place, text in enumerate(headings))
    body = "".join(
        f"<tr>{''.join(render_cell('td', place, text) for place, text in enumerate(row))}</tr>" for row in rows
    )
    return (
        f'<div class="hb-scroll" tabindex="0" role="region" aria-label="{escape_html(caption)}">'
        f'<table class="hb-plain hb-cards"><caption>{escape_html(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def count_silent_days(
    last_record: int, *, without_time: float, today: date, time_zone: ZoneInfo, month_only: bool = False
) -> int | None:
    """The days since a source's last record, or the end of its month, if they are more than usual; else None.

    Usual are two weeks. For a source without times of day it is 100 days, because it is published by the month.
    """
    allowed = SILENT_AFTER_MONTHLY if without_time == 1 else SILENT_AFTER
    silence = today - find_last_day(last_record, month_only=month_only, time_zone=time_zone)
    return silence.days if silence > allowed else None


def render_sources(summary: pd.DataFrame, *, today: date, time_zone: ZoneInfo) -> str:
    """A table of the sources, after a sentence for each source that has fallen silent."""
    rows, silences = [], []
    for row in summary.to_dict("records"):
        layer = find_layer(row["layer"]).title if row["layer"] in LAYER_NAMES else "none"
        last = "none"
        if pd.notna(row["last_record"]):
            month_only, seconds = bool(row.get("month_only", False)), int(row["last_record"])
            last_day = find_last_day(seconds, month_only=month_only, time_zone=time_zone)
            last = format_last_record(last_day, month_only=month_only)
            days = count_silent_days(
                seconds, without_time=row["without_time"], today=today, time_zone=time_zone, month_only=month_only
            )
            if days:
                silences.append(f"{row['source']} ({layer}) has fallen silent: no record for {days} days.")
        shares = (format_percent(row["without_time"]), format_percent(row["snapped"]))
        rows.append((row["source"], layer, last, format_number(row["events"]), *shares, format_number(row["rejects"])))
    headings = ("Source", "Layer", "Last record", "Records", "No time of day", "Snapped", "Rejects")
    notes = "".join(f'<p class="hb-silent">{escape_html(sentence)}</p>' for sentence in silences)
    return notes + render_table(headings, rows, caption="Sources", numbers=(3, 4, 5, 6))


def render_report(files: Sequence[FileReport], *, dry_run: bool) -> str:
    """What a load did or would do, one row a file."""
    rows = []
    for file in files:
        facts = file.as_dict()
        names = ("read", "new", "updated", "unchanged", "removed", "skipped", "rejected")
        rows.append((file.file, *(format_number(facts[name]) for name in names)))
    headings = ("File", "Read", "New", "Changed", "Unchanged", "Removed", "Skipped", "Rejected")
    caption = "What would change" if dry_run else "What was loaded"
    return render_table(headings, rows, caption=caption, numbers=range(1, 8))


def render_reasons(files: Sequence[FileReport]) -> str:
    """Why rows were skipped or rejected; "" if none were."""
    counts: dict[str, int] = {}
    for file in files:
        for reason, number in file.tally.reasons.items():
            counts[reason] = counts.get(reason, 0) + number
    if not counts:
        return ""
    rows = [(REASON_LABELS.get(reason, reason), format_number(number)) for reason, number in sorted(counts.items())]
    return render_table(("Reason", "Rows"), rows, caption="Skipped or rejected, and why", numbers=(1,))


def render_samples(samples: Sequence[RejectSample]) -> str:
    """The first rejected rows of each reason, as the file says them."""
    if not samples:
        return ""
    rows = [
        (
            sample.file,
            format_number(sample.line),
            explain_reject(sample.reason, sample.raw),
            format_raw(sample.raw),
        )
        for sample in samples
    ]
    caption = "The first rejected rows of each reason"
    return render_table(("File", "Line", "Reason", "The row"), rows, caption=caption, numbers=(1,))


def build_rejects_csv(rejects: pd.DataFrame) -> bytes:
    """Rejected rows as CSV with the columns of their file, to correct and load again; no cell is a formula."""
    cells = pd.DataFrame([parse_raw(raw) for raw in rejects["raw"]], index=rejects.index, dtype=object)
    facts = rejects[["file", "line", "reason"]].rename(columns=lambda name: f"rejected_{name}")
    table = pd.concat([cells[[name for name in cells.columns if name not in facts.columns]], facts], axis=1)
    return escape_formulas(table).to_csv(index=False, lineterminator="\n").encode()


def describe_undo(load: CommittedLoad, *, time_zone: ZoneInfo) -> str:
    """What it means to undo a load, in a sentence."""
    loaded_at = load.created.astimezone(time_zone)
    names = ", ".join(str(file["file"]) for file in load.files)
    changes = [
        f"{format_plural(load.new, 'new event goes', 'new events go')}",
        f"{format_plural(load.updated, 'changed event is', 'changed events are')} as before",
        f"{format_plural(load.removed, 'removed event comes', 'removed events come')} back",
        f"{format_plural(load.rejected, 'reject is', 'rejects are')} forgotten",
    ]
    return (
        f"The load of {names} on {format_date(loaded_at.date())} at {loaded_at:%H:%M} is undone: {', '.join(changes)}."
    )
