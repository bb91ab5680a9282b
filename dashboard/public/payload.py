"""What the static page's script works on: every published block and every sentence, as plain data."""

from typing import Any

from dashboard.public.briefing import format_ward_file
from dashboard.public.drawing import Drawing
from dashboard.public.figures import ReleaseTotals
from dashboard.public.sentences import (
    HINT,
    describe_place,
    describe_unpublished,
    describe_ward,
    format_blank,
    format_period,
    format_short_period,
)
from dashboard.public.view import render_legend
from layers.release.format import Period, ReleasedLayer
from layers.release.words import format_promise

__all__ = ["build_payload"]


def build_payload(published: ReleaseTotals, drawing: Drawing) -> dict[str, Any]:
    """The whole release for one page. Counts are those of blocks, and sums of them for wards and the area."""
    return {
        "title": published.title,
        "hint": HINT,
        "wards": [
            {"code": code, "name": name, "box": drawing.wards[code].box, "page": format_ward_file(code)}
            for code, name in published.wards.items()
        ],
        "layers": [_layer(published, layer) for layer in published.layers],
    }


def _layer(published: ReleaseTotals, layer: ReleasedLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "title": layer.title,
        "many": layer.many,
        "k": layer.k,
        "set": layer.place_set,
        "byWard": published.by_ward(layer),
        "legend": render_legend(published, layer),
        "promise": format_promise(layer.k),
        "periods": [_period(published, layer, period) for period in layer.periods],
    }


def _period(published: ReleaseTotals, layer: ReleasedLayer, period: Period) -> dict[str, Any]:
    places = [None, *published.wards]
    blocks = published.release.blocks_of(layer.name, period.name)
    numbers = {block.place_id: k for k, block in enumerate(blocks)}
    covering = published.covering(layer, period)
    shown = [published.shown(layer, period, ward) for ward in places]
    return {
        "name": period.name,
        "words": format_period(period),
        "short": format_short_period(period),
        "blank": format_blank(published, layer, period),
        "nothing": describe_unpublished(published, layer, period),
        "blocks": [
            [block.level, block.ward_code or "", block.place_label, describe_place(published, block), block.count]
            for block in blocks
        ],
        # The block of each smallest place in the order in which they are drawn; -1 where it is hidden.
        "covering": [numbers[block.place_id] if block else -1 for block in covering.values()],
        "shown": [[one.count, int(one.whole)] for one in shown],
        "lines": [describe_ward(published, layer, period, ward) for ward in places],
    }
