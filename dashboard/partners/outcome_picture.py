"""The interval of each side as a picture: fewer to the left, more to the right of what was expected."""

from typing import Any, Final

from dashboard.words import html_text
from layers.effect_asking import Evaluation
from layers.effect_rows import side_rows
from layers.wording import number_words

__all__ = ["interval_html", "table_html"]

_WIDE: Final = 600
_LEFT: Final = 130
_ROW: Final = 34
_TITLES: Final = {"where": "Where", "before": "Before", "after": "After", "expected": "Expected",
                  "difference": "Difference", "interval": "95 % interval", "like": "Like places, before and after",
                  "verdict": "What can be said"}  # fmt: skip


def interval_html(found: Evaluation) -> str:
    """A line a side: the interval as a bar, the estimate as a dot, nought as a line. The table has the numbers."""
    rows = side_rows(found.effect)
    reach = max([1.0, *(abs(row[end]) for row in rows for end in ("low", "high"))]) * 1.08

    def across(value: float) -> float:
        return round(_LEFT + (_WIDE - _LEFT - 14) * (value + reach) / (2 * reach), 1)

    high = _ROW * len(rows) + 40
    parts = [
        f'<line x1="{across(0)}" x2="{across(0)}" y1="20" y2="{high - 18}" stroke="currentColor" stroke-width="1"/>',
        f'<text x="{across(0)}" y="14" text-anchor="middle">as expected</text>',
        f'<text x="{_LEFT}" y="14">fewer</text>',
        f'<text x="{_WIDE - 14}" y="14" text-anchor="end">more</text>',
    ]
    for place, row in enumerate(rows):
        y = 20 + _ROW * place + _ROW / 2
        ends = f'x1="{across(row["low"])}" x2="{across(row["high"])}" y1="{y}" y2="{y}"'
        parts += [
            f'<text x="0" y="{y + 4}">{html_text(row["where"])}</text>',
            f'<line {ends} stroke="var(--hb-accent)" stroke-width="6" stroke-linecap="round" opacity="0.55"/>',
            f'<circle cx="{across(row["difference"])}" cy="{y}" r="5.5" fill="var(--hb-accent)"/>',
        ]
    parts += [
        f'<text x="{across(value)}" y="{high - 4}" text-anchor="{anchor}">{html_text(_signed(value))}</text>'
        for value, anchor in zip((-reach / 1.08, reach / 1.08), ("start", "end"), strict=True)
    ]
    said = "; ".join(f"{row['where']}: {_signed(row['difference'])} ({_interval(row)})" for row in rows)
    return (
        f'<svg viewBox="0 0 {_WIDE} {high}" role="img" aria-label="{html_text(f"Difference from expected. {said}")}" '
        'style="width:100%;max-width:40rem;font-size:13px;fill:currentColor">' + "".join(parts) + "</svg>"
    )


def table_html(found: Evaluation) -> str:
    """The numbers of each side."""
    head = "".join(
        f'<th scope="col"{"" if name in ("where", "verdict") else " class=hb-number"}>{html_text(title)}</th>'
        for name, title in _TITLES.items()
    )
    body = "".join(
        f'<tr><th scope="row">{html_text(row["where"])}</th>'
        + "".join(
            f'<td class="hb-number">{html_text(value)}</td>'
            for value in (
                *(number_words(row[name]) for name in ("before", "after", "expected")),
                _signed(row["difference"]),
                _interval(row),
                f"{number_words(row['like_before'])}, {number_words(row['like_after'])}",
            )
        )
        + f"<td>{html_text(row['verdict'])}</td></tr>"
        for row in side_rows(found.effect)
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="The comparison in numbers">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _interval(row: dict[str, Any]) -> str:
    return f"{_signed(row['low'])} to {_signed(row['high'])}"


def _signed(value: float) -> str:
    words = number_words(abs(value))
    sign = "\N{MINUS SIGN}" if value < 0 else "+"
    return words if words == "0" else f"{sign}{words}"
