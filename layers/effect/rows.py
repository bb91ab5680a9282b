"""An evaluation as rows, as JSON and as shapes on a map."""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyproj
import shapely

from layers.effect.outcome import Effect
from layers.effect.places import Ground, middles_of
from layers.effect.protocol import Likes, rule_words
from layers.effect.sides import Side
from layers.effect.words import Verdict, judge_side
from layers.plain_cells import neutralise_formulas

__all__ = ["effect_csv", "effect_geojson", "effect_payload", "effect_shapes", "side_rows"]

HERE, NEXT_DOOR, BOTH = "here", "next door", "both together"
_DECIMALS: Final = 1e-6


def side_rows(effect: Effect) -> list[dict[str, Any]]:
    """A row for here, next door and both together, numbers rounded to three decimals."""
    sides = [(HERE, effect.here), (NEXT_DOOR, effect.next_door), (BOTH, effect.both)]
    kept = [(name, side) for name, side in sides if side and (effect.next_door or name == HERE)]
    return [{"where": name, **_numbers(side), "verdict": judge_side(side, effect)} for name, side in kept]


def _numbers(side: Side) -> dict[str, float]:
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
    return {name: round(float(value), 3) for name, value in values.items()}


def effect_payload(effect: Effect, verdict: Verdict) -> dict[str, Any]:
    """All of an evaluation as JSON holds it (NaN still to be made null)."""
    protocol = effect.protocol
    places = [
        {
            "name": outcome.planned.place.name,
            "event_id": outcome.planned.place.event_id,
            "lon": outcome.planned.place.lon,
            "lat": outcome.planned.place.lat,
            "start": outcome.start.isoformat(),
            "end": outcome.end.isoformat(),
            "after": round(outcome.near.found.after * effect.unit, 3),
            "expected": round(outcome.near.found.expected * effect.unit, 3),
            "p_value": round(outcome.near.found.p, 4),
            "likeness": outcome.planned.near.distance,
            "published": {
                "difference": round(outcome.published.estimate * effect.unit, 3),
                "local": round(outcome.published.local * effect.unit, 3),
                "displacement": round(outcome.published.displacement * effect.unit, 3),
                "standard_error": round(outcome.published.standard_error * effect.unit, 3),
                "z": round(outcome.published.z, 3),
                "interval": [round(end * effect.unit, 3) for end in outcome.published.interval],
            },
        }
        for outcome in effect.outcomes
    ]
    return {
        "verdict": verdict.kind,
        "sentence": verdict.sentence,
        "details": list(verdict.details),
        "rule": list(rule_words(protocol)),
        "rule_sha256": protocol.hash,
        "rule_made": protocol.made.isoformat(),
        "month_only_share": round(effect.month_only, 4),
        "shared_in_time": effect.shared_in_time,
        "synthetic": effect.synthetic,
        "after_once": round(effect.once, 3),
        "left_out": {
            "unlike": len(protocol.places) - len(places) - effect.overlapping,
            "overlapping": effect.overlapping,
        },
        "rows": side_rows(effect),
        "places": places,
    }


def effect_csv(effect: Effect, *, note: Mapping[str, str]) -> bytes:
    """The rows of `side_rows` as CSV, each with the rule's hash and what the file says of itself."""
    frame = pd.DataFrame(side_rows(effect)).assign(rule_sha256=effect.protocol.hash, **dict(note))
    return neutralise_formulas(frame).to_csv(index=False, lineterminator="\n").encode()


def effect_shapes(effect: Effect, ground: Ground) -> list[dict[str, Any]]:
    """What was compared, as polygons in degrees: keys role (treated, ring, control), name, place, weight, geometry."""
    rule = effect.protocol.rule
    found = []
    for place, outcome in enumerate(effect.outcomes):
        planned = outcome.planned
        shape = ground.shape_of(planned.place, rule.radius_m)
        middle = ground.at(planned.place)
        parts = [("treated", shape.outline, middle, 1.0)]
        if planned.ring:
            parts.append(("ring", shape.ring(rule.ring_m).outline, middle, 1.0))
        parts += [("control", shape.outline, point, weight) for point, weight in _controls(planned.near, ground)]
        found += [
            {
                "role": role,
                "name": planned.place.name if role != "control" else f"control for {planned.place.name}",
                "place": place,
                "weight": round(weight, 4),
                "geometry": _degrees(outline, at, ground.study.crs),
            }
            for role, outline, at, weight in parts
        ]
    return found


def _controls(likes: Likes, ground: Ground) -> list[tuple[tuple[float, float], float]]:
    x_m, y_m = middles_of(ground, [likes.pool[place] for place in likes.controls])
    return [((x, y), weight) for x, y, weight in zip(x_m.tolist(), y_m.tolist(), likes.weights, strict=True)]


def _degrees(outline: shapely.Geometry, middle: tuple[float, float], crs: str) -> shapely.Geometry:
    back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    moved = shapely.transform(
        outline, lambda points: np.column_stack(back.transform(points[:, 0] + middle[0], points[:, 1] + middle[1]))
    )
    return shapely.set_precision(moved, _DECIMALS)


def effect_geojson(effect: Effect, ground: Ground, verdict: Verdict, *, note: Mapping[str, str]) -> bytes:
    """The shapes as a FeatureCollection (RFC 7946), the answer in its member "metadata"."""
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in one.items() if name != "geometry"},
            "geometry": json.loads(shapely.to_geojson(one["geometry"])),
        }
        for one in effect_shapes(effect, ground)
    ]
    said = {**note, "sentence": verdict.sentence, "verdict": verdict.kind, "rule_sha256": effect.protocol.hash}
    return json.dumps({"type": "FeatureCollection", "metadata": said, "features": features}).encode()
