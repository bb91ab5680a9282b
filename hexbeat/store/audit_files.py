"""The audit trail as rows for people, and as CSV for the auditor."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from hexbeat.files import escape_text
from hexbeat.store.audit_chain import Entry
from layers.timestamps import from_seconds

__all__ = ["AUDIT_COLUMNS", "build_audit_csv", "build_audit_rows"]

AUDIT_COLUMNS: Final = (
    "number", "at", "subject", "role", "door", "action", "what", "filter", "form", "rows", "outcome", "reason",
)  # fmt: skip


def build_audit_rows(entries: Sequence[Entry], *, time_zone: str) -> list[dict[str, Any]]:
    """A row an entry, in their order; `at` is local time with its offset."""
    zone = ZoneInfo(time_zone)
    return [
        {name: getattr(entry, name) for name in AUDIT_COLUMNS}
        | {"at": from_seconds(entry.at).astimezone(zone).isoformat()}
        for entry in entries
    ]


def build_audit_csv(entries: Sequence[Entry], *, time_zone: str) -> bytes:
    """The rows as CSV in UTF-8, with the hash of each entry. No cell begins a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow((*AUDIT_COLUMNS, "hash"))
    for entry, row in zip(entries, build_audit_rows(entries, time_zone=time_zone), strict=True):
        writer.writerow([escape_text(value) for value in (*row.values(), entry.hash)])
    return text.getvalue().encode()
