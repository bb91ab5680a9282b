"""The interval of each side as a picture: fewer to the left, more to the right of what was expected."""

import math
from typing import Any, Final

from dashboard.words import escape_html
from layers.effect.asking import Evaluation
from layers.effect.rows import build_side_rows, format_side_number

__all__ = ["render_intervals", "render_table"]

_BAR: Final = "position:absolute;top:50%;transform:translateY(-50%)"
_TITLES: Final = {"where": "Where", "before": "Before", "after": "After", "expected": "Expected",
                  "difference": "Difference", "interval": "95 % interval", "like": "Like places, before and after",
                  "verdict": "What can be said"}  # fmt: skip


def render_intervals(found: Evaluation) -> str:
    """A line a side: the interval as a bar, the estimate as a dot, nought as a line. The table has the numbers."""
    rows = build_side_rows(found.effect)
    if all(math.isnan(row["low"]) for row in rows):
        return '<p class="hb-notes">It cannot be told: there is nothing like it to expect a number from.</p>'
    reach = max([1.0, *(abs(row[end]) for row in rows for end in ("low", "high") if not math.isnan(row[end]))])
    said = "; ".join(f"{row['where']}: {_describe_side(row)}" for row in rows)
    lines = "".join(_render_line(row, reach) for row in rows)
    ends = "".join(
        f"<span>{escape_html(words)}</span>" for words in (_format_signed(-reach), "as expected", _format_signed(reach))
    )
    return (
        f'<div role="img" aria-label="{escape_html(f"Difference from what was expected. {said}")}" '
        f'style="max-width:44rem"><div style="display:flex;justify-content:space-between;margin-left:6.5rem" '
        f'class="hb-small"><span>fewer</span><span>more</span></div>{lines}<div style="display:flex;'
        f'justify-content:space-between;margin-left:6.5rem" class="hb-small">{ends}</div></div>'
    )


def _describe_side(row: dict[str, Any]) -> str:
    return (
        str(row["verdict"])
        if math.isnan(row["low"])
        else f"{_format_signed(row['difference'])} ({_format_interval(row)})"
    )


def _render_line(row: dict[str, Any], reach: float) -> str:
    def across(value: float) -> float:
        return round(50 + 48 * value / reach, 2)

    if math.isnan(row["low"]):
        return (
            '<div style="display:flex;align-items:center;height:2rem"><div style="flex:0 0 6.5rem">'
            f'{escape_html(row["where"])}</div><div class="hb-small">{escape_html(row["verdict"])}</div></div>'
        )
    low, dot, high = (across(row[name]) for name in ("low", "difference", "high"))
    return (
        '<div style="display:flex;align-items:center;height:2rem"><div style="flex:0 0 6.5rem">'
        f'{escape_html(row["where"])}</div><div style="position:relative;flex:1;height:100%;background:var(--hb-sunken,'
        'transparent)"><div style="position:absolute;left:50%;top:0;bottom:0;border-left:1px solid currentColor"></div>'
        f'<div style="{_BAR};left:{low}%;width:{max(high - low, 0.6):.2f}%;height:0.5rem;border-radius:0.25rem;'
        f'background:var(--hb-accent);opacity:0.5"></div><div style="{_BAR};left:{dot}%;margin-left:-0.4rem;'
        'width:0.8rem;height:0.8rem;border-radius:50%;background:var(--hb-accent)"></div></div></div>'
    )


def render_table(found: Evaluation) -> str:
    """The numbers of each side."""
    head = "".join(
        f'<th scope="col"{"" if name in ("where", "verdict") else " class=hb-number"}>{escape_html(title)}</th>'
        for name, title in _TITLES.items()
    )
    body = "".join(
        f'<tr><th scope="row">{escape_html(row["where"])}</th>'
        + "".join(
            f'<td class="hb-number">{escape_html(value)}</td>'
            for value in (
                *(format_side_number(row[name]) for name in ("before", "after", "expected")),
                _format_signed(row["difference"]),
                _format_interval(row),
                f"{format_side_number(row['like_before'])}, {format_side_number(row['like_after'])}",
            )
        )
        + f"<td>{escape_html(row['verdict'])}</td></tr>"
        for row in build_side_rows(found.effect)
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="The comparison in numbers">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _format_interval(row: dict[str, Any]) -> str:
    ends = [_format_signed(row[end]) for end in ("low", "high")]
    return format_side_number(row["low"]) if math.isnan(row["low"]) else " to ".join(ends)


def _format_signed(value: float) -> str:
    words = format_side_number(abs(value))
    if math.isnan(value):
        return words
    sign = "\N{MINUS SIGN}" if value < 0 else "+"
    return words if words == "0" else f"{sign}{words}"
