"""One view of a release as HTML: the map, its legend, the table of the same numbers, and the ward's own past."""

from collections.abc import Iterable
from html import escape
from itertools import pairwise
from typing import Final

from hexbeat.dashboard.public.block_drawing import (
    Drawing,
    StreetLines,
    find_class,
    format_borders,
    format_streets,
    list_steps,
)
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import (
    describe_place,
    format_blank,
    format_past_number,
    format_period,
    format_short_period,
)
from hexbeat.release.format import Block, Period, ReleasedLayer

__all__ = ["PATTERNS", "format_map_title", "render_legend", "render_map", "render_past", "render_table"]

BAR_STEPS: Final = 20
ZOOM_MARGIN: Final = 60
# Hatches, so that the rest of a part, of a ward and of the area differ without colour.
PATTERNS: Final = (
    '<pattern id="hp-rest-part" width="14" height="14" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 7H14" class="hp-hatch"/></pattern>'
    '<pattern id="hp-rest-ward" width="26" height="26" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    '<path d="M0 13H26" class="hp-hatch"/></pattern>'
    '<pattern id="hp-rest-area" width="26" height="26" patternUnits="userSpaceOnUse">'
    '<circle cx="13" cy="13" r="3.5" class="hp-dot"/></pattern>'
)


def format_map_title(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None) -> str:
    """The map's name for people who cannot see it."""
    place = published.wards[ward] if ward else published.title
    return f"Map of {layer.many} in {place}, {format_period(period)}. The table of places says the same."


def render_map(
    published: ReleaseTotals,
    drawing: Drawing,
    layer: ReleasedLayer,
    period: Period,
    ward: str | None,
    *,
    streets: StreetLines | None = None,
) -> str:
    """The map as SVG, near the chosen ward, with the places of every layer, for a script to colour."""
    roads = f'<g class="hp-roads" aria-hidden="true">{format_streets(streets, drawing)}</g>' if streets else ""
    covering = published.covering(layer, period)
    groups = []
    for name in drawing.leaves:
        is_chosen = name == layer.place_set
        paths = "".join(
            f'<path class="hp-{find_class(covering[shape.place.place_id], layer.k) if is_chosen else "hidden"}" '
            f'data-place="{escape(shape.place.place_id)}" d="{shape.path}"/>'
            for shape in drawing.leaves[name]
        )
        groups.append(f'<g class="hp-set" data-set="{escape(name)}"{"" if is_chosen else " hidden"}>{paths}</g>')
    base = "".join(f'<path class="hp-ground" d="{shape.path}"/>' for shape in drawing.base)
    wards = "".join(
        f'<path class="hp-ward{" hp-here" if code == ward else ""}" data-ward="{escape(code)}" d="{shape.path}"/>'
        for code, shape in drawing.wards.items()
    )
    names = "".join(
        f'<text x="{shape.label_at[0]}" y="{shape.label_at[1]}" data-ward="{escape(code)}">'
        f"{escape(published.wards[code])}</text>"
        for code, shape in drawing.wards.items()
    )
    lines = format_borders(drawing.leaves[layer.place_set], covering)
    return (
        f'<svg class="hp-map" viewBox="{find_view_box(drawing, ward)}" role="img" '
        f'aria-label="{escape(format_map_title(published, layer, period, ward))}" '
        f'data-full="{find_view_box(drawing, None)}">'
        f"<defs>{PATTERNS}</defs>{base}{''.join(groups)}"
        f'<path class="hp-gaps" d="{lines}"/><path class="hp-borders" d="{lines}"/>{roads}{wards}'
        f'<path class="hp-chosen" d=""/><g class="hp-names" aria-hidden="true">{names}</g></svg>'
    )


def find_view_box(drawing: Drawing, ward: str | None) -> str:
    """The whole map, or a ward with a margin around it."""
    if ward is None or ward not in drawing.wards:
        return f"0 0 {drawing.width} {drawing.height}"
    left, top, wide, high = drawing.wards[ward].box
    return f"{left - ZOOM_MARGIN} {top - ZOOM_MARGIN} {wide + 2 * ZOOM_MARGIN} {high + 2 * ZOOM_MARGIN}"


def render_legend(published: ReleaseTotals, layer: ReleasedLayer, period: Period) -> str:
    """What each fill of the map means, with numbers."""
    if period in layer.not_known:
        return f'<ul class="hp-legend">{_render_keys([("hidden", format_blank(published, layer, period))])}</ul>'
    steps = list_steps(layer.k)
    words = [f"{start:,}–{end - 1:,}" for start, end in pairwise(steps)] + [f"{steps[-1]:,} or more"]  # noqa: RUF001 - a range
    small = [(f"c{k}", text) for k, text in enumerate(words)]
    rest = [
        ("rest-part", "counted for part of a ward"),
        ("rest-ward", "counted for the rest of a ward"),
        ("rest-area", f"counted for the rest of {published.title}"),
        ("hidden", "none, or too few to show"),
    ]
    if not published.has_wards(layer):
        small, rest = [], [("rest-area", f"one number for all of {published.title}"), rest[-1]]
    head = f'<li class="hp-head">{escape(layer.many.capitalize())} in a small place</li>' if small else ""
    return f'<ul class="hp-legend">{head}{_render_keys(small)}{_render_keys(rest)}</ul>'


def _render_keys(entries: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<li><svg viewBox="0 0 60 40" aria-hidden="true"><rect class="hp-{kind}" x="2" y="2" width="56" height="36"/>'
        f'<rect class="hp-frame" x="2" y="2" width="56" height="36"/></svg>{escape(text)}</li>'
        for kind, text in entries
    )


def find_rows(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None) -> list[Block]:
    """The blocks of the table: those of the ward and that of the whole area, by ward and place."""
    blocks = published.release.find_blocks(layer.name, period.name)
    ward_blocks = [block for block in blocks if ward is None or block.ward_code in (ward, None)]
    order = list(published.wards)
    return sorted(ward_blocks, key=lambda block: order.index(block.ward_code) if block.ward_code else len(order))


def render_table(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None) -> str:
    """Every number of the map, with what it is for."""
    rows = "".join(
        f'<tr><th scope="row">{escape(block.place_label)}</th><td>{escape(describe_place(published, block))}</td>'
        f'<td class="hp-number">{block.count:,}</td></tr>'
        for block in find_rows(published, layer, period, ward)
    )
    none = escape(format_blank(published, layer, period).capitalize())
    empty = f'<tr><td colspan="3">{none}.</td></tr>'
    return (
        f"<table><caption>{escape(layer.title)}, {escape(format_period(period))}</caption><thead><tr>"
        '<th scope="col">Place</th><th scope="col">The number is for what happened</th>'
        f'<th scope="col" class="hp-number">Number</th></tr></thead><tbody>{rows or empty}</tbody></table>'
    )


def render_past(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None) -> str:
    """The place beside its own past: a bar and a number for each period, the chosen one marked."""
    if ward is not None and not published.has_wards(layer):
        ward = None
    totals = [(past_period, published.count_shown(layer, past_period, ward)) for past_period in layer.due_periods]
    largest = max((total.count for _, total in totals), default=0) or 1
    rows = "".join(
        f"<tr{' class=hp-now aria-current=true' if past_period == period else ''}>"
        f'<th scope="row">{escape(format_short_period(past_period))}</th>'
        f'<td><i class="hp-bar hp-w{-(-BAR_STEPS * total.count // largest)}"></i></td>'
        f'<td class="hp-number">{escape(format_past_number(published, layer, past_period, total))}</td></tr>'
        for past_period, total in totals
    )
    place = published.wards[ward] if ward else published.title
    caption = f"{layer.title} in {place}, period by period"
    return (
        f'<div class="hp-room"><table class="hp-past"><caption>{escape(caption)}</caption><thead class="hp-sr"><tr>'
        f'<th scope="col">Period</th><th scope="col">Bar</th><th scope="col">Number</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
