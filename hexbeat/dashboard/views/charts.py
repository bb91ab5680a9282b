"""Charts that are tables: a weekday-by-hour grid and months as bars, drawn by style sheets alone.

Each is one HTML table whose cells hold their numbers as text, so that what is seen, read aloud and copied is the same.
Streamlit cleans HTML before it shows it and lets no SVG through; nothing here needs a script. A drawing for paper is
shown as a picture with its words, on white in the dark too.
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
LONG_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LOOK = "width:100%;max-width:38rem;background:#fff;border-radius:0.3rem;padding:0.4rem;box-sizing:border-box"


def render_picture(drawing: bytes, alt: str) -> str:
    """The SVG as an image, which runs nothing; `alt` says what it shows."""
    data = base64.b64encode(drawing).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{escape_html(alt)}" style="{LOOK}">'


def render_grid(grid: NDArray[np.float64], *, caption: str) -> str:
    """A grid (7, 24), Monday first, as a table of days and hours, shaded in five steps up to the largest number."""
    most = float(grid.max()) or 1.0
    head = "".join(f'<th scope="col"><span{_hidden(hour)}>{hour:02d}</span></th>' for hour in range(HOURS))
    body = "".join(_render_day(day, grid[day], most) for day in range(len(DAY_NAMES)))
    return (
        f'<table class="hb-grid"><caption>{escape_html(caption)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _hidden(hour: int) -> str:
    """Every sixth hour is written out, the others are for screen readers."""
    return "" if hour % 6 == 0 else ' class="hb-sr"'


def _render_day(day: int, sums: NDArray[np.float64], most: float) -> str:
    """One weekday."""
    cells = "".join(
        f'<td class="hb-s{_step(value, most)}" title="{LONG_DAYS[day]} {hour:02d}:00, {format_number(value)}">'
        f'<span class="hb-sr">{format_number(value)}</span></td>'
        for hour, value in enumerate(sums.tolist())
    )
    return f'<tr><th scope="row">{DAY_NAMES[day]}</th>{cells}</tr>'


def _step(value: float, most: float) -> int:
    """0 to 5, the nearest of equal steps up to the largest; a share too small for a step is drawn as nothing."""
    return int(np.rint(value / most * STEPS))


def render_months(counts: pd.Series, *, caption: str, chosen: Sequence[str] = ()) -> str:
    """Months ("YYYY-MM") as bars with their numbers; the months in `chosen` are marked as the period of the map."""
    most = float(counts.max()) or 1.0
    picked = set(chosen)
    cells = "".join(_render_month(str(name), float(value), most, str(name) in picked) for name, value in counts.items())
    return (
        f'<table class="hb-months"><caption>{escape_html(caption)}</caption>'
        f'<thead class="hb-sr"><tr><th scope="col">Month</th><th scope="col">Number</th></tr></thead>'
        f"<tbody>{cells}</tbody></table>"
    )


def _render_month(name: str, value: float, most: float, is_chosen: bool) -> str:  # noqa: FBT001 - a row of a table
    """One month: its name below, its number above a bar."""
    year, month = name.split("-")
    label = MONTH_NAMES[int(month) - 1] + (f"<br>{escape_html(year)}" if month == "01" else "<br>")
    shade = ' class="hb-chosen"' if is_chosen else ""
    return (
        f'<tr{shade}><th scope="row">{label}</th><td><span>{format_number(value)}</span>'
        f'<i style="height:{100 * value / most:.1f}%"></i></td></tr>'
    )
