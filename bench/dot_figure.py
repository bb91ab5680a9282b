"""A figure of dots over settings as SVG, one panel for each measure, without a plotting package."""

from dataclasses import dataclass
from html import escape
from typing import Any, Final

WIDTH, PANEL, LEFT, TOP, BOTTOM = 900, 190, 60, 60, 60
# Okabe and Ito's colours, and shapes: the figure reads without colour.
STYLES: Final = (
    ("#d55e00", "circle"),
    ("#0072b2", "square"),
    ("#cc79a7", "cross"),
    ("#009e73", "diamond"),
    ("#e69f00", "triangle"),
    ("#555", "bar"),
)


@dataclass(frozen=True, slots=True)
class Panel:
    """A heading, the key of the rows to draw (values from 0 to 1), and the promised level or None."""

    heading: str
    key: str
    level: float | None


def draw(panels: list[Panel], settings: list[str], rows: list[dict[str, Any]]) -> str:
    """The figure as SVG."""
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    height = TOP + PANEL * len(panels) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        *_draw_legend(rules),
    ]
    for place, panel in enumerate(panels):
        parts += _draw_panel(panel, settings, rules, rows, top=TOP + place * PANEL)
    for place, name in enumerate(settings):
        x = _find_x(place, 0, settings, rules, middle=True)
        parts.append(f'<text x="{x:.1f}" y="{height - 30}" text-anchor="middle" font-size="11">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _draw_legend(rules: list[str]) -> list[str]:
    parts = []
    for place, rule in enumerate(rules):
        x = LEFT + place * 160
        parts += [_draw_mark(x, 20, place), f'<text x="{x + 12}" y="24">{escape(rule)}</text>']
    return parts


def _draw_panel(
    panel: Panel, settings: list[str], rules: list[str], rows: list[dict[str, Any]], *, top: int
) -> list[str]:
    bottom, tall = top + PANEL - 30, PANEL - 55
    parts = [f'<text x="{LEFT}" y="{top + 12}" font-weight="bold">{escape(panel.heading)}</text>']
    for share in (0, 0.5, 1):
        y = bottom - share * tall
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - 20}" stroke="#ccc"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{share:.0%}</text>')
    if panel.level is not None:
        y = bottom - panel.level * tall
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 20}" stroke="#000" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{WIDTH - 18}" y="{y + 4:.1f}">{panel.level:.0%}</text>')
    for row in rows:
        rule = rules.index(row["rule"])
        x = _find_x(settings.index(f"{row['counts']} {row['mean']:g}"), rule, settings, rules)
        parts.append(_draw_mark(x, bottom - row[panel.key] * tall, rule))
    return parts


def _find_x(setting: int, rule: int, settings: list[str], rules: list[str], *, middle: bool = False) -> float:
    step = (WIDTH - LEFT - 40) / len(settings)
    shift = 0.5 if middle else (rule + 1) / (len(rules) + 1)
    return LEFT + step * (setting + shift)


def _draw_mark(x: float, y: float, rule: int) -> str:
    colour, shape = STYLES[rule % len(STYLES)]
    path = {
        "circle": f"M{x - 5:.1f} {y:.1f}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0",
        "square": f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z",
        "cross": f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10",
        "diamond": f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z",
        "triangle": f"M{x:.1f} {y - 5:.1f}l5 9h-10z",
        "bar": f"M{x - 6:.1f} {y:.1f}h12",
    }[shape]
    return f'<path d="{path}" fill="{colour}" stroke="{colour}" stroke-width="2"/>'
