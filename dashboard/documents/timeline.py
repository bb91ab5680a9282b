"""When things happened, drawn for paper: a row a layer, a tick an event, a bar for what is known to a longer time."""

import datetime as dt
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from dashboard.documents.svg import FONTS, number, plain_text, text
from layers.catalogue import layer_named
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
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width_mm)}mm" height="{number(high)}mm" '
        f'viewBox="0 0 {number(width_mm)} {number(high)}" role="img" aria-label="{escape(plain_text(alt))}" '
        f'font-family="{FONTS}">{axis}{rows}</svg>'
    ).encode()


def x_of(moment: float, start: dt.date, end: dt.date, width: float) -> float:
    """Millimetres of an ordinal day (with its fraction), kept on the sheet."""
    share = (moment - start.toordinal()) / (end - start).days
    return LABEL_MM + min(max(share, 0.0), 1.0) * (width - LABEL_MM - 1.0)


def draw_axis(start: dt.date, end: dt.date, width: float, high: float) -> str:
    """A line at the beginning of each month, and the names of months as far as they fit."""
    months = months_between(start, end)
    every = -(-len(months) // MOST_MONTHS)
    parts = []
    for place, month in enumerate(months):
        x = x_of(month.toordinal(), start, end, width)
        parts.append(
            f'<path d="M{number(x)},{number(HEAD_MM - 1)} {number(x)},{number(high - 1)}" stroke="#b9bfc6" '
            'stroke-width="0.2"/>'
        )
        if place % every == 0:
            year = f" {month.year}" if month.month == 1 or place == 0 else ""
            parts.append(text(x, HEAD_MM - 1.8, f"{MONTH_NAMES[month.month - 1]}{year}", size=2.2, fill="#444"))
    return "".join(parts)


def months_between(start: dt.date, end: dt.date) -> list[dt.date]:
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
    base = f'<path d="M{LABEL_MM},{number(top + ROW_MM - 1)} {number(width - 1)},{number(top + ROW_MM - 1)}"'
    parts = [
        text(0, top + ROW_MM - 3.2, f"{layer_named(layer).title}: {len(rows):,}", size=SIZE, weight=700),
        f'{base} stroke="#555" stroke-width="0.3"/>',
    ]
    for row in rows:
        first, last = (ordinal_of(row[name]) for name in ("from", "to"))
        left, right = (x_of(moment, start, end, width) for moment in (first, last))
        if right - left > 1.0:
            parts.append(
                f'<rect x="{number(left)}" y="{number(top + 3.4)}" width="{number(right - left)}" height="2" '
                'fill="#999" fill-opacity="0.55" stroke="#444" stroke-width="0.2"/>'
            )
        else:
            parts.append(
                f'<path d="M{number(left)},{number(top + 1.4)} {number(left)},{number(top + ROW_MM - 1)}" '
                'stroke="#111" stroke-width="0.45"/>'
            )
    return "".join(parts)


def ordinal_of(words: str) -> float:
    """A moment as an ordinal day with its fraction."""
    moment = dt.datetime.fromisoformat(words)
    return moment.toordinal() + (moment.hour * 60 + moment.minute) / 1440
