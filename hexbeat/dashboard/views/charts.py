"""Charts that are tables: a weekday-by-hour grid and months as bars, drawn by style sheets alone.

Each chart is one HTML table whose cells hold their numbers as text, so that eyes, screen readers and copies get the
same. Streamlit removes SVG from HTML. A drawing for paper is shown as an image with a description, on white even in
dark mode.
"""

import base64
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.coverage import KnownState
from layers.wording import DAY_NAMES, MONTH_NAMES, escape_html, format_about

__all__ = ["render_grid", "render_months", "render_picture"]

HOURS: Final = 24
STEPS: Final = 5
_KNOWN: Final[KnownState] = "known"
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PICTURE_STYLE = "width:100%;max-width:38rem;background:#fff;border-radius:0.3rem;padding:0.4rem;box-sizing:border-box"


def render_picture(drawing: bytes, alt: str) -> str:
    """The SVG as an image, which cannot run scripts; `alt` says what it shows."""
    data = base64.b64encode(drawing).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{escape_html(alt)}" style="{PICTURE_STYLE}">'


def render_grid(grid: NDArray[np.float64], *, caption: str) -> str:
    """A grid (7, 24), Monday first, as a table of days and hours, shaded in five steps up to the largest number."""
    largest = float(grid.max()) or 1.0
    header = "".join(f'<th scope="col"><span{_format_hour_class(hour)}>{hour:02d}</span></th>' for hour in range(HOURS))
    body = "".join(_render_day(day, grid[day], largest) for day in range(len(DAY_NAMES)))
    return (
        f'<table class="hb-grid"><caption>{escape_html(caption)}</caption>'
        f"<thead><tr><td></td>{header}</tr></thead><tbody>{body}</tbody></table>"
    )


def _format_hour_class(hour: int) -> str:
    """The class of an hour's heading: every sixth hour is visible, the others are for screen readers."""
    return "" if hour % 6 == 0 else ' class="hb-sr"'


def _render_day(day: int, sums: NDArray[np.float64], largest: float) -> str:
    """The row of one weekday."""
    cells = "".join(
        f'<td class="hb-s{_choose_step(value, largest)}" title="{WEEKDAYS[day]} {hour:02d}:00, {format_about(value)}">'
        f'<span class="hb-sr">{format_about(value)}</span></td>'
        for hour, value in enumerate(sums.tolist())
    )
    return f'<tr><th scope="row">{DAY_NAMES[day]}</th>{cells}</tr>'


def _choose_step(value: float, largest: float) -> int:
    """The nearest of equal steps from 0 to 5, up to the largest; a share too small for a step is 0."""
    return int(np.rint(value / largest * STEPS))


def render_months(
    counts: pd.Series, states: Sequence[KnownState] = (), *, caption: str, chosen: Sequence[str] = ()
) -> str:
    """Months ("YYYY-MM") as bars with their numbers; the months in `chosen` are marked as the period of the map.

    `states` has one entry a month; without it all are known. A month that is not known (NaN) is a hatched gap that says
    so; a partly known one has a hatched bar and a mark after its number.
    """
    largest = float(counts.max()) if counts.notna().any() else 0.0
    chosen_months = set(chosen)
    months = zip(counts.items(), states or [_KNOWN] * len(counts), strict=True)
    cells = "".join(
        _render_month(str(name), float(value), largest or 1.0, state, chosen=str(name) in chosen_months)
        for (name, value), state in months
    )
    key = "".join(_describe_states(counts, states))
    return (
        f'<table class="hb-months"><caption>{escape_html(caption)}</caption>'
        f'<thead class="hb-sr"><tr><th scope="col">Month</th><th scope="col">Number</th></tr></thead>'
        f"<tbody>{cells}</tbody></table>{key}"
    )


def _describe_states(counts: pd.Series, states: Sequence[KnownState]) -> list[str]:
    """A sentence on the hatched months, if there are any."""
    sentences = []
    if counts.isna().any():
        sentences.append("Hatched: not known, because no records cover the month.")
    if any(state == "partly known" and pd.notna(value) for state, value in zip(states, counts, strict=False)):
        sentences.append("Marked with *: only a part of the month is known.")
    return [f'<p class="hb-small">{" ".join(sentences)}</p>'] if sentences else []


def _render_month(name: str, value: float, largest: float, state: KnownState, *, chosen: bool) -> str:
    """The row of one month: its name below, its number above a bar."""
    year, month = name.split("-")
    label = MONTH_NAMES[int(month) - 1] + (f"<br>{escape_html(year)}" if month == "01" else "<br>")
    if math.isnan(value):
        shade = "hb-unknown hb-chosen" if chosen else "hb-unknown"
        return (
            f'<tr class="{shade}"><th scope="row">{label}</th>'
            '<td title="not known"><span class="hb-sr">not known</span><i></i></td></tr>'
        )
    part = state != "known"
    classes = " ".join(word for word, holds in (("hb-part", part), ("hb-chosen", chosen)) if holds)
    shade = f' class="{classes}"' if classes else ""
    mark = '*<span class="hb-sr"> (only a part of the month is known)</span>' if part else ""
    return (
        f'<tr{shade}><th scope="row">{label}</th><td><span>{_format_bar_number(value)}{mark}</span>'
        f'<i style="height:{100 * value / largest:.1f}%"></i></td></tr>'
    )


def _format_bar_number(value: float) -> str:
    """A rounded number, short enough for a bar: "58" with the word "about" for screen readers, "<1"."""
    words = format_about(value)
    if words == "under 1":
        return "&lt;1"
    return words.replace("about ", '<span class="hb-sr">about </span>')
