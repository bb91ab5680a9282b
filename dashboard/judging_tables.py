"""Back-tests and near repeats as tables that need no textbook. Every text is escaped."""

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np

from dashboard.presets import format_size
from dashboard.words import escape_html, format_percent
from layers.analysis.backtest_figures import DECIDING_SHARE, SHARES
from layers.analysis.backtesting import Backtest
from layers.analysis.forecasts import METHOD_WORDS
from layers.analysis.near_repeats import RepeatTable

__all__ = ["RULE", "WORDS", "describe_leads", "render_backtest", "render_repeats"]

Row = Mapping[Hashable, Any]
Part = dict[float, Row]  # one method at one size of cells: a row for each share of the area

RULE: Final = (
    "The rule: whoever caught the largest share of the next week's events in "
    f"{format_percent(DECIDING_SHARE)} of the area wins. Equal shares go to the simpler method and the larger cells. "
    "Two methods are told apart only where the same weeks, drawn again and again, hardly ever turn the order round. "
    "The winner was picked by looking, so that its own share flatters a little."
)
WORDS: Final = (
    "Caught: the share of the next week's events in the part of the area that the method chose from the weeks before. "
    "PAI: how many times more than its share of the area. PEI: of the most that any choice could have caught. RRI: "
    "predicted for each event that came; 1 is right. In brackets, 95 % intervals."
)


def render_backtest(found: Backtest) -> str:
    """A row for each method and size of cells, the best first, the winner marked."""
    parts: dict[tuple[str, int], Part] = {}
    for row in found.rows.to_dict("records"):
        parts.setdefault((row["method"], row["resolution"]), {})[row["area_share"]] = row
    order = sorted(parts, key=lambda key: (-parts[key][DECIDING_SHARE]["hits"], key[1]))
    winner = (found.verdict.method, found.verdict.resolution)
    heads = [f"Caught in {format_percent(share)}" for share in SHARES] + ["PAI", "PEI", "RRI"]
    head = "".join(f'<th scope="col" class="hb-number">{name}</th>' for name in heads)
    lines = "".join(_render_line(*key, parts[key], wins=key == winner) for key in order)
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="What each method caught">'
        f'<table class="hb-plain hb-nowrap"><caption>PAI, PEI and RRI at {format_percent(DECIDING_SHARE)} of the area'
        f'</caption><thead><tr><th scope="col">Method</th><th scope="col">Cells</th>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _render_line(method: str, resolution: int, part: Part, *, wins: bool) -> str:
    """One method at one size of cells."""
    shares = [_format_interval(part[share], "hit_rate", percent=True) for share in SHARES]
    rest = [_format_interval(part[DECIDING_SHARE], name) for name in ("PAI", "PEI", "RRI")]
    cells = "".join(f'<td class="hb-number">{escape_html(words)}</td>' for words in (*shares, *rest))
    name = METHOD_WORDS[method]
    name = f"{name[0].upper()}{name[1:]}" + (" (wins)" if wins else "")
    mark = ' class="hb-wins"' if wins else ""
    return (
        f'<tr{mark}><th scope="row">{escape_html(name)}</th><td>{escape_html(format_size(resolution))}</td>{cells}</tr>'
    )


def _format_interval(row: Row, name: str, *, percent: bool = False) -> str:
    """As in "41 % (38 to 44)" or "8.6 (7.3 to 9.7)"; a dash where there is no number."""
    value, low, high = (float(row[column]) for column in (name, f"{name}_low", f"{name}_high"))
    if not np.isfinite(value):
        return "\N{EN DASH}"
    if percent:
        ends = f" ({low * 100:.0f} to {high * 100:.0f})" if np.isfinite(low) else ""
        return f"{format_percent(value)}{ends}"
    ends = f" ({low:.2g} to {high:.2g})" if np.isfinite(low) else ""
    return f"{value:.2g}{ends}"


def describe_leads(found: Backtest) -> list[str]:
    """How far the winner leads each other method, and whether that is more than chance."""
    return [
        f"Ahead of the {METHOD_WORDS[rival.method]} ({format_size(rival.resolution).lower()}) by "
        f"{rival.lead * 100:.0f} points (between {rival.low * 100:.0f} and {rival.high * 100:.0f}): "
        f"{'more than chance' if rival.told_apart else 'chance might do that'}."
        for rival in found.verdict.rivals
    ]


def render_repeats(found: RepeatTable) -> str:
    """Distances down, days across; each says how many times as many pairs as by chance, and whether that is raised."""
    bands = found.rows[["from_days", "to_days"]].drop_duplicates().to_numpy().tolist()
    head = "".join(f'<th scope="col" class="hb-number">{_format_days(low, high)}</th>' for low, high in bands)
    lines = "".join(
        f'<tr><th scope="row">{_format_metres(float(part["from_m"].iloc[0]), float(part["to_m"].iloc[0]))}</th>'
        + "".join(_render_repeat(row) for row in part.to_dict("records"))
        + "</tr>"
        for _, part in found.rows.groupby("to_m")
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="Pairs of events by distance and days">'
        '<table class="hb-plain hb-nowrap"><caption>Pairs of events against chance: 1.5 is half as many again</caption>'
        f'<thead><tr><th scope="col">How far apart</th>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _format_days(low: float, high: float) -> str:
    """The half-open band of days in whole days: "0 to 1 days", "2 to 6 days"."""
    return f"{low:.0f} to {high - 1:.0f} days"


def _format_metres(low: float, high: float) -> str:
    return "the same place" if high <= 1 else f"up to {high:.0f} m" if low <= 1 else f"{low:.0f} to {high:.0f} m"


def _render_repeat(row: Row) -> str:
    """One band: its ratio; in bold and with a word where it is raised."""
    if not row["expected"]:
        return '<td class="hb-number">no pairs</td>'
    words = f"{row['ratio']:.1f}"
    if row["raised"]:
        return f'<td class="hb-number"><b>{words} raised</b></td>'
    return f'<td class="hb-number">{words}</td>'
