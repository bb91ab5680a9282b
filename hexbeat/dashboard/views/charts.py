"""Charts that are tables: a weekday-by-hour grid and months as bars, drawn by style sheets alone.

Each chart is one HTML table whose cells hold their numbers as text, so that eyes, screen readers and copies get the
same. Streamlit removes SVG from HTML. A drawing for paper is shown as an image with a description, on white even in
dark mode.
"""

import base64
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.wording import DAY_NAMES, MONTH_NAMES, escape_html, format_number

__all__ = ["render_grid", "render_months", "render_picture"]

HOURS: Final = 24
STEPS: Final = 5
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
        f'<td class="hb-s{_choose_step(value, largest)}" title="{WEEKDAYS[day]} {hour:02d}:00, {format_number(value)}">'
        f'<span class="hb-sr">{format_number(value)}</span></td>'
        for hour, value in enumerate(sums.tolist())
    )
    return f'<tr><th scope="row">{DAY_NAMES[day]}</th>{cells}</tr>'


def _choose_step(value: float, largest: float) -> int:
    """The nearest of equal steps from 0 to 5, up to the largest; a share too small for a step is 0."""
    return int(np.rint(value / largest * STEPS))


def render_months(counts: pd.Series, *, caption: str, chosen: Sequence[str] = ()) -> str:
    """Months ("YYYY-MM") as bars with their numbers; the months in `chosen` are marked as the period of the map."""
    largest = float(counts.max()) or 1.0
    chosen_months = set(chosen)
    cells = "".join(
        _render_month(str(name), float(value), largest, str(name) in chosen_months) for name, value in counts.items()
    )
    return (
        f'<table class="hb-months"><caption>{escape_html(caption)}</caption>'
        f'<thead class="hb-sr"><tr><th scope="col">Month</th><th scope="col">Number</th></tr></thead>'
        f"<tbody>{cells}</tbody></table>"
    )


def _render_month(name: str, value: float, largest: float, is_chosen: bool) -> str:  # noqa: FBT001 - a row of a table
    """The row of one month: its name below, its number above a bar."""
    year, month = name.split("-")
    label = MONTH_NAMES[int(month) - 1] + (f"<br>{escape_html(year)}" if month == "01" else "<br>")
    shade = ' class="hb-chosen"' if is_chosen else ""
    return (
        f'<tr{shade}><th scope="row">{label}</th><td><span>{format_number(value)}</span>'
        f'<i style="height:{100 * value / largest:.1f}%"></i></td></tr>'
    )
