"""An evaluation as one A4 page: the answer, before and after side by side, the numbers and the rule."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from hexbeat.areas.area import Area
from hexbeat.documents.maps.area_map import render_map
from hexbeat.documents.maps.scales import Scale, build_count_scale
from hexbeat.documents.maps.sketch import Outline
from hexbeat.documents.typst_pdf import render_pdf
from hexbeat.evaluation.outcome import Effect
from hexbeat.evaluation.outcome_rows import build_evaluation_shapes, build_side_rows, format_side_number
from hexbeat.evaluation.request import Evaluation
from hexbeat.evaluation.rule import describe_rule
from hexbeat.evaluation.shapes import Picture, build_picture
from layers.wording import format_about, format_date, format_number

__all__ = ["build_picture_scale", "build_table_rows", "render_evaluation_pdf"]

_MAP_WIDTH_MM, _MAP_HEIGHT_MM = 88.0, 78.0
_STYLES: Final = {"treated": 0, "ring": 1}


def render_evaluation_pdf(evaluation: Evaluation, area: Area, *, mark: str | None, made_at: dt.datetime) -> bytes:
    """The evaluation as PDF/UA-1 on one A4 page. `mark` is the mark of synthetic events; `made_at` is aware."""
    picture = build_picture(evaluation.effect, evaluation.points)
    scale = build_picture_scale(picture)
    lines = _build_outlines(evaluation)
    drawings = {
        name: _render_map(area, picture, values, scale, lines)
        for name, values in (("before", picture.before), ("after", picture.after))
    }
    return render_pdf(
        "evaluation", _build_page_data(evaluation, picture, area, mark=mark, made_at=made_at), drawings, made_at=made_at
    )


def build_picture_scale(picture: Picture) -> Scale:
    """One scale for both maps. Counts of the period before are scaled to the length of the period after."""
    highest = max([1.0, *picture.before.tolist(), *picture.after.tolist()])
    return build_count_scale(highest, shared=True)


def _build_outlines(evaluation: Evaluation) -> list[Outline]:
    """The treated place and next door. Of several places, only the treated ones, in thin lines that hide no cell."""
    shapes = build_evaluation_shapes(evaluation.effect, evaluation.points, controls=False)
    if len(evaluation.effect.outcomes) > 1:
        shapes = [shape for shape in shapes if shape["role"] == "treated"]
        return [Outline(shape["geometry"], style=_STYLES["treated"], fine=True) for shape in shapes]
    return [Outline(shape["geometry"], style=_STYLES[shape["role"]]) for shape in shapes]


def _render_map(area: Area, picture: Picture, values: Any, scale: Scale, lines: Sequence[Outline]) -> bytes:
    is_drawn = np.asarray(values) > 0
    return render_map(
        area,
        cells=picture.cells[is_drawn],
        values=np.asarray(values)[is_drawn],
        scale=scale,
        legend_title="a cell",
        areas=lines,
        extent=picture.extent,
        width_mm=_MAP_WIDTH_MM,
        height_mm=_MAP_HEIGHT_MM,
    )


def _build_page_data(
    evaluation: Evaluation, picture: Picture, area: Area, *, mark: str | None, made_at: dt.datetime
) -> Mapping[str, Any]:
    """All that the page says."""
    effect, local = evaluation.effect, made_at.astimezone(area.tz)
    sides = zip(("before", "after"), picture.captions, (picture.before, picture.after), strict=True)
    alts = [
        f"Map of cells of 130 m, {when} ({caption[:1].lower()}{caption[1:]}): {format_about(float(values.sum()))} "
        "in and around the treated place."
        for when, caption, values in sides
    ]
    return {
        "title": "Did it work?",
        "mark": f"DEMONSTRATION: {mark}." if mark else "",
        "sentence": evaluation.verdict.sentence,
        "before-words": picture.captions[0],
        "after-words": picture.captions[1],
        "before-alt": alts[0],
        "after-alt": alts[1],
        "map-words": f"Both maps have the same scale. {_describe_lines(effect)} The table says the same.",
        "rows": build_table_rows(evaluation),
        "details": [*(evaluation.cost.sentences if evaluation.cost else ()), *evaluation.verdict.details],
        "rule": list(describe_rule(effect.protocol)),
        "hash": effect.protocol.hash,
        "footer": f"{'DEMONSTRATION. ' if mark else ''}OFFICIAL: for the partnership only, small numbers. Made "
        f"{format_date(local.date())} at {local:%H:%M} by Hexbeat.",
    }


def _describe_lines(effect: Effect) -> str:
    """What the lines of the maps stand for."""
    if len(effect.outcomes) > 1:
        return "Lines: treated. Cells outside them: next door." if effect.next_door else "Lines: treated."
    return "Inner line: treated. Outer line: next door." if effect.next_door else "Line: treated."


def build_table_rows(evaluation: Evaluation) -> list[list[str]]:
    """Where, before, after, expected, difference, interval and verdict of each side, in words."""
    return [
        [
            str(row["where"]),
            *(format_side_number(row[name]) for name in ("before", "after", "expected", "difference")),
            format_side_number(math.nan)
            if math.isnan(row["low"])
            else f"{format_number(row['low'])} to {format_number(row['high'])}",
            str(row["verdict"]),
        ]
        for row in build_side_rows(evaluation.effect)
    ]
