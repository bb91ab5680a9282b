"""An evaluation as rows, as JSON and as shapes on a map."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
import pyproj
import shapely

from hexbeat.evaluation.effect_costs import EffectCost
from hexbeat.evaluation.evaluation_text import Verdict, classify_side, format_count, round_count
from hexbeat.evaluation.outcome import Effect, Outcome
from hexbeat.evaluation.rule import MOST_DISTANCE, MatchedControls, describe_rule
from hexbeat.evaluation.sides import Side
from hexbeat.evaluation.treated_places import EventPoints, find_middles
from hexbeat.files import escape_formulas

__all__ = [
    "build_evaluation_csv",
    "build_evaluation_geojson",
    "build_evaluation_payload",
    "build_evaluation_shapes",
    "build_side_rows",
    "format_side_number",
    "round_side_rows",
]

HERE, NEXT_DOOR, BOTH = "here", "next door", "both together"
_DECIMALS: Final = 1e-6
_COMPARED_COLUMNS: Final = ("expected", "difference", "low", "high", "like_before", "like_after", "p_value")


def build_side_rows(effect: Effect) -> list[dict[str, Any]]:
    """A row for here, next door and both together, numbers rounded to three decimals.

    Expected numbers and what depends on them are NaN if there is no comparable place.
    """
    sides = [(HERE, effect.here), (NEXT_DOOR, effect.next_door), (BOTH, effect.both)]
    known_sides = [(name, side) for name, side in sides if side and (effect.next_door or name == HERE)]
    return [
        {"where": name, **_round_numbers(side), "verdict": classify_side(side, effect)} for name, side in known_sides
    ]


def _round_numbers(side: Side) -> dict[str, float]:
    values = {
        "before": side.before,
        "after": side.after,
        "expected": side.expected,
        "difference": side.estimate,
        "low": side.interval[0],
        "high": side.interval[1],
        "like_before": side.like_before,
        "like_after": side.like_after,
        "p_value": side.p,
    }
    shown_values = values if side.comparable else values | dict.fromkeys(_COMPARED_COLUMNS, math.nan)
    return {name: round(float(value), 3) for name, value in shown_values.items()}


def format_side_number(value: float) -> str:
    """A number of `build_side_rows` for people, or a dash if it is not known."""
    return "\N{EN DASH}" if math.isnan(value) else format_count(value)


def round_side_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of `build_side_rows` as a table for people has them."""
    counts = {"before", "after", *_COMPARED_COLUMNS} - {"p_value"}
    return [{name: round_count(value) if name in counts else value for name, value in row.items()} for row in rows]


def build_evaluation_payload(effect: Effect, verdict: Verdict, *, cost: EffectCost | None = None) -> dict[str, Any]:
    """All of an evaluation for JSON (NaN is still to be written as null)."""
    protocol = effect.protocol
    return {
        "verdict": verdict.kind,
        "sentence": verdict.sentence,
        "details": list(verdict.details),
        "rule": list(describe_rule(protocol)),
        "rule_sha256": protocol.hash,
        "rule_made": protocol.made.isoformat(),
        "month_only_share": round(effect.month_only, 4),
        "shared_in_time": effect.shared_in_time,
        "synthetic": effect.synthetic,
        "after_once": round(effect.after_once, 3),
        "left_out": {
            "unlike": effect.on_record - len(effect.outcomes) - effect.overlapping,
            "overlapping": effect.overlapping,
            "not_compared": [
                {"name": excluded.name, "event_id": excluded.event_id, "reason": f"{excluded.rule}: {excluded.fact}"}
                for excluded in (*protocol.left_out, *effect.too_new)
            ],
        },
        "rows": build_side_rows(effect),
        "places": [_build_place_row(outcome, effect.unit) for outcome in effect.outcomes],
    } | ({} if cost is None else {"costs": cost.to_json()})


def _build_place_row(outcome: Outcome, unit: float) -> dict[str, Any]:
    """One place with the published measure; no comparison if there is no comparable place."""
    comparison, place, published = outcome.near.comparison, outcome.planned.place, outcome.published
    is_comparable = outcome.planned.near.distance <= MOST_DISTANCE
    measure = {
        "difference": round(published.estimate * unit, 3),
        "local": round(published.local * unit, 3),
        "displacement": round(published.displacement * unit, 3),
        "standard_error": round(published.standard_error * unit, 3),
        "z": round(published.z, 3),
        "interval": [round(end * unit, 3) for end in published.interval],
    }
    return {
        "name": place.name,
        "event_id": place.event_id,
        "lon": place.lon,
        "lat": place.lat,
        "start": outcome.start.isoformat(),
        "end": outcome.end.isoformat(),
        "after": round(comparison.after * unit, 3),
        "expected": round(comparison.expected * unit, 3) if is_comparable else None,
        "p_value": round(comparison.p, 4) if is_comparable else None,
        "likeness": outcome.planned.near.distance,
        "published": measure if is_comparable else None,
    }


def build_evaluation_csv(effect: Effect, *, note: Mapping[str, str], cost: EffectCost | None = None) -> bytes:
    """The rows of `build_side_rows` as CSV, each with the rule's hash and the `note` about the file.

    With a `cost` each row has pounds, pounds_low and pounds_high (empty: not costed), and what these rest on.
    """
    rows = build_side_rows(effect)
    if cost is not None:
        money = dict(cost.sides)
        names, words = ("pounds", "pounds_low", "pounds_high"), " ".join(cost.notes)
        empty = (math.nan, math.nan, math.nan)
        rows = [
            row | dict(zip(names, np.round(money.get(row["where"]) or empty), strict=True)) | {"pounds_note": words}
            for row in rows
        ]
    frame = pd.DataFrame(rows).assign(rule_sha256=effect.protocol.hash, **dict(note))
    return escape_formulas(frame).to_csv(index=False, lineterminator="\n").encode()


def build_evaluation_shapes(effect: Effect, points: EventPoints, *, controls: bool = True) -> list[dict[str, Any]]:
    """The compared shapes, as polygons in degrees: keys role (treated, ring, control), name, place, weight, geometry.

    `controls` False leaves out the controls, as on a map of many places.
    """
    rule = effect.protocol.rule
    rows: list[dict[str, Any]] = []
    outlines, middles = [], []
    for place, outcome in enumerate(effect.outcomes):
        planned = outcome.planned
        shape = points.build_shape(planned.place, rule.radius_m)
        middle = points.find_middle(planned.place)
        parts = [("treated", shape.outline, middle, 1.0)]
        if planned.ring:
            parts.append(("ring", shape.ring(rule.ring_m).outline, middle, 1.0))
        if controls:
            parts += [
                ("control", shape.outline, point, weight) for point, weight in _list_controls(planned.near, points)
            ]
        for role, outline, centre, weight in parts:
            name = planned.place.name if role != "control" else f"control for {planned.place.name}"
            rows.append({"role": role, "name": name, "place": place, "weight": round(weight, 4)})
            outlines.append(outline)
            middles.append(centre)
    geometries = _move_to_degrees(outlines, middles, points.study.crs)
    return [row | {"geometry": geometry} for row, geometry in zip(rows, geometries, strict=True)]


def _list_controls(controls: MatchedControls, points: EventPoints) -> list[tuple[tuple[float, float], float]]:
    x_m, y_m = find_middles(points, [controls.pool[place] for place in controls.controls])
    return [((x, y), weight) for x, y, weight in zip(x_m.tolist(), y_m.tolist(), controls.weights, strict=True)]


def _move_to_degrees(
    outlines: Sequence[shapely.Geometry], middles: Sequence[tuple[float, float]], crs: str
) -> list[shapely.Geometry]:
    """Outlines in metres around (0, 0), each moved to its middle, in degrees. All at once, because calls are slow."""
    shapes = np.array(outlines, dtype=object)
    offsets = np.repeat(np.array(middles).reshape(-1, 2), shapely.get_num_coordinates(shapes), axis=0)
    moved = shapely.transform(
        shapes, lambda corners: np.column_stack(_load_transformer(crs).transform(*(corners + offsets).T))
    )
    geometries: list[shapely.Geometry] = shapely.set_precision(moved, _DECIMALS).tolist()
    return geometries


@lru_cache(maxsize=8)
def _load_transformer(crs: str) -> pyproj.Transformer:
    """The transformer from the plane to degrees, kept because making one takes far longer than using it."""
    return pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


def build_evaluation_geojson(
    effect: Effect, points: EventPoints, verdict: Verdict, *, note: Mapping[str, str], cost: EffectCost | None = None
) -> bytes:
    """The shapes as a FeatureCollection (RFC 7946), the answer in its member "metadata"."""
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in row.items() if name != "geometry"},
            "geometry": json.loads(shapely.to_geojson(row["geometry"])),
        }
        for row in build_evaluation_shapes(effect, points)
    ]
    metadata = {**note, "sentence": verdict.sentence, "verdict": verdict.kind, "rule_sha256": effect.protocol.hash}
    if cost is not None:
        metadata["costs"] = " ".join(cost.sentences)
    return json.dumps({"type": "FeatureCollection", "metadata": metadata, "features": features}).encode()
