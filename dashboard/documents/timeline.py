"""When things happened, drawn for paper: a row a layer, a tick an event, a bar for what is known to a longer time."""

import datetime as dt
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from dashboard.documents.svg import FONTS, clean_text, draw_text, format_mm
from layers.catalogue import find_layer
from layers.wording import MONTH_NAMES

__all__ = ["draw_timeline"]

LABEL_MM: Final = 34.0
ROW_MM: Final = 8.0
HEAD_MM: Final = 5.0
SIZE: Final = 2.6
MOST_MONTHS: Final = 14  # beyond, only some months are named


def draw_timeline(content: dict[str, Any], *, width_mm: float = 180.0, alt: str) -> bytes:
    """SVG of the content of an evidence pack (layers.evidence.pack)."""
    start, end = (dt.date.fromisoformat(content[name]) for name in ("start", "end"))
    layers = content["layers"]
    high = HEAD_MM + ROW_MM * len(layers) + 1.0
    axis = draw_axis(start, end, width_mm, high)
    rows = "".join(
        draw_row(name, place, [row for row in content["incidents"] if row["layer"] == name], start, end, width_mm)
        for place, name in enumerate(layers)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{format_mm(width_mm)}mm" height="{format_mm(high)}mm" '
        f'viewBox="0 0 {format_mm(width_mm)} {format_mm(high)}" role="img" aria-label="{escape(clean_text(alt))}" '
        f'font-family="{FONTS}">{axis}{rows}</svg>'
    ).encode()


def to_x_mm(moment: float, start: dt.date, end: dt.date, width: float) -> float:
    """Millimetres of an ordinal day (with its fraction), kept on the sheet."""
    share = (moment - start.toordinal()) / (end - start).days
    return LABEL_MM + min(max(share, 0.0), 1.0) * (width - LABEL_MM - 1.0)


def draw_axis(start: dt.date, end: dt.date, width: float, high: float) -> str:
    """A line at the beginning of each month, and the names of months as far as they fit."""
    months = list_months(start, end)
    every = -(-len(months) // MOST_MONTHS)
    parts = []
    for place, month in enumerate(months):
        x = to_x_mm(month.toordinal(), start, end, width)
        parts.append(
            f'<path d="M{format_mm(x)},{format_mm(HEAD_MM - 1)} {format_mm(x)},{format_mm(high - 1)}" stroke="#b9bfc6" '
            'stroke-width="0.2"/>'
        )
        if place % every == 0:
            year = f" {month.year}" if month.month == 1 or place == 0 else ""
            parts.append(draw_text(x, HEAD_MM - 1.8, f"{MONTH_NAMES[month.month - 1]}{year}", size=2.2, fill="#444"))
    return "".join(parts)


def list_months(start: dt.date, end: dt.date) -> list[dt.date]:
    """The first days of months in [start, end)."""
    month = start if start.day == 1 else dt.date(start.year + start.month // 12, start.month % 12 + 1, 1)
    found = []
    while month < end:
        found.append(month)
        month = dt.date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return found


def draw_row(layer: str, place: int, rows: Sequence[dict[str, Any]], start: dt.date, end: dt.date, width: float) -> str:
    """One layer: its name and number, its ticks and bars."""
    top = HEAD_MM + place * ROW_MM
    base = f'<path d="M{LABEL_MM},{format_mm(top + ROW_MM - 1)} {format_mm(width - 1)},{format_mm(top + ROW_MM - 1)}"'
    parts = [
        draw_text(0, top + ROW_MM - 3.2, f"{find_layer(layer).title}: {len(rows):,}", size=SIZE, weight=700),
        f'{base} stroke="#555" stroke-width="0.3"/>',
    ]
    for row in rows:
        first, last = (parse_ordinal(row[name]) for name in ("from", "to"))
        left, right = (to_x_mm(moment, start, end, width) for moment in (first, last))
        if right - left > 1.0:
            parts.append(
                f'<rect x="{format_mm(left)}" y="{format_mm(top + 3.4)}" width="{format_mm(right - left)}" height="2" '
                'fill="#999" fill-opacity="0.55" stroke="#444" stroke-width="0.2"/>'
            )
        else:
            parts.append(
                f'<path d="M{format_mm(left)},{format_mm(top + 1.4)} {format_mm(left)},{format_mm(top + ROW_MM - 1)}" '
                'stroke="#111" stroke-width="0.45"/>'
            )
    return "".join(parts)


def parse_ordinal(words: str) -> float:
    """A moment as an ordinal day with its fraction."""
    moment = dt.datetime.fromisoformat(words)
    return moment.toordinal() + (moment.hour * 60 + moment.minute) / 1440
