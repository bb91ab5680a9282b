"""An evaluation as one A4 page: the answer, before and after side by side, the numbers and the rule."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from dashboard.documents.drawing import draw_map
from dashboard.documents.sketch import Outline
from dashboard.documents.typesetting import make_pdf
from dashboard.scales import Scale, count_scale
from layers.areas import Area
from layers.effect.asking import Evaluation
from layers.effect.outcome import Effect
from layers.effect.picture import Picture, picture_of
from layers.effect.protocol import rule_words
from layers.effect.rows import effect_shapes, side_rows, told_words
from layers.wording import date_words, number_words

__all__ = ["effect_pdf", "picture_scale", "table_rows"]

_WIDE_MM, _HIGH_MM = 88.0, 78.0
_STYLES: Final = {"treated": 0, "ring": 1}


def effect_pdf(found: Evaluation, area: Area, *, mark: str | None, made: dt.datetime) -> bytes:
    """The evaluation as PDF/UA-1 on one A4 page. `mark` what must be said of synthetic events; `made` is aware."""
    picture = picture_of(found.effect, found.ground)
    scale = picture_scale(picture)
    lines = _outlines(found)
    drawings = {
        name: _drawn(area, picture, values, scale, lines)
        for name, values in (("before", picture.before), ("after", picture.after))
    }
    return make_pdf("evaluation", _data(found, picture, area, mark=mark, made=made), drawings, made=made)


def picture_scale(picture: Picture) -> Scale:
    """One scale for before and after; before is scaled, so its counts are shares."""
    highest = max([1.0, *picture.before.tolist(), *picture.after.tolist()])
    return count_scale(highest, shared=True)


def _outlines(found: Evaluation) -> list[Outline]:
    """What is treated and what is next door; of several places what is treated alone, finely, or no cell is seen."""
    shapes = effect_shapes(found.effect, found.ground, controls=False)
    if len(found.effect.outcomes) > 1:
        shapes = [one for one in shapes if one["role"] == "treated"]
        return [Outline(one["geometry"], style=_STYLES["treated"], fine=True) for one in shapes]
    return [Outline(one["geometry"], style=_STYLES[one["role"]]) for one in shapes]


def _drawn(area: Area, picture: Picture, values: Any, scale: Scale, lines: Sequence[Outline]) -> bytes:
    kept = np.asarray(values) > 0
    return draw_map(
        area,
        cells=picture.cells[kept],
        values=np.asarray(values)[kept],
        scale=scale,
        legend_title="a cell",
        areas=lines,
        extent=picture.extent,
        width_mm=_WIDE_MM,
        height_mm=_HIGH_MM,
    )


def _data(found: Evaluation, picture: Picture, area: Area, *, mark: str | None, made: dt.datetime) -> Mapping[str, Any]:
    """All that the page says."""
    effect, local = found.effect, made.astimezone(area.tz)
    alts = [
        f"Map of cells of 130 m {words}: {number_words(round(float(values.sum()), 1))} in and around the treated place."
        for words, values in zip(picture.words, (picture.before, picture.after), strict=True)
    ]
    return {
        "title": "Did it work",
        "mark": f"DEMONSTRATION: {mark}. Nothing here happened." if mark else "",
        "sentence": found.verdict.sentence,
        "before-words": picture.words[0],
        "after-words": picture.words[1],
        "before-alt": alts[0],
        "after-alt": alts[1],
        "map-words": f"Both maps have one scale. {_line_words(effect)} The table says the same.",
        "rows": table_rows(found),
        "details": list(found.verdict.details),
        "rule": list(rule_words(effect.protocol)),
        "hash": effect.protocol.hash,
        "footer": f"{'DEMONSTRATION. ' if mark else ''}OFFICIAL: for the partnership only, small numbers. Made "
        f"{date_words(local.date())} at {local:%H:%M} by Hexbeat.",
    }


def _line_words(effect: Effect) -> str:
    """What the lines of the maps stand for."""
    if len(effect.outcomes) > 1:
        return "Lines: treated. Cells outside them: next door." if effect.next_door else "Lines: treated."
    return "Inner line: treated. Outer line: next door." if effect.next_door else "Line: treated."


def table_rows(found: Evaluation) -> list[list[str]]:
    """Where, before, after, expected, difference, interval and verdict of each side, in words."""
    return [
        [
            str(row["where"]),
            *(told_words(row[name]) for name in ("before", "after", "expected", "difference")),
            told_words(math.nan)
            if math.isnan(row["low"])
            else f"{number_words(row['low'])} to {number_words(row['high'])}",
            str(row["verdict"]),
        ]
        for row in side_rows(found.effect)
    ]
