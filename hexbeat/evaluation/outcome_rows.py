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

from hexbeat.evaluation.evaluation_text import Verdict, classify_side
from hexbeat.evaluation.outcome import Effect, Outcome
from hexbeat.evaluation.rule import UNLIKE, MatchedControls, describe_rule
from hexbeat.evaluation.sides import Side
from hexbeat.evaluation.treated_places import EventPoints, find_middles
from hexbeat.files import escape_formulas
from layers.wording import format_number

__all__ = [
    "build_evaluation_csv",
    "build_evaluation_geojson",
    "build_evaluation_payload",
    "build_evaluation_shapes",
    "build_side_rows",
    "format_side_number",
]

HERE, NEXT_DOOR, BOTH = "here", "next door", "both together"
_DECIMALS: Final = 1e-6
_COMPARED: Final = ("expected", "difference", "low", "high", "like_before", "like_after", "p_value")


def build_side_rows(effect: Effect) -> list[dict[str, Any]]:
    """A row for here, next door and both together, numbers rounded to three decimals.

    NaN for what is expected if there is no comparable place.
    """
    sides = [(HERE, effect.here), (NEXT_DOOR, effect.next_door), (BOTH, effect.both)]
    shown = [(name, side) for name, side in sides if side and (effect.next_door or name == HERE)]
    return [{"where": name, **_round_numbers(side), "verdict": classify_side(side, effect)} for name, side in shown]


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
    known = values if side.like else values | dict.fromkeys(_COMPARED, math.nan)
    return {name: round(float(value), 3) for name, value in known.items()}


def format_side_number(value: float) -> str:
    """A number of `build_side_rows`, or a dash if it is not known."""
    return "\N{EN DASH}" if math.isnan(value) else format_number(value)


def build_evaluation_payload(effect: Effect, verdict: Verdict) -> dict[str, Any]:
    """All of an evaluation as JSON holds it (NaN still to be made null)."""
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
        "after_once": round(effect.once, 3),
        "left_out": {
            "unlike": effect.on_record - len(effect.outcomes) - effect.overlapping,
            "overlapping": effect.overlapping,
            "not_compared": [
                {"name": one.name, "event_id": one.event_id, "reason": f"{one.rule}: {one.fact}"}
                for one in (*protocol.left_out, *effect.too_new)
            ],
        },
        "rows": build_side_rows(effect),
        "places": [_place(outcome, effect.unit) for outcome in effect.outcomes],
    }


def _place(outcome: Outcome, unit: float) -> dict[str, Any]:
    """One place with the published measure; no comparison if there is no comparable place."""
    found, place, published = outcome.near.found, outcome.planned.place, outcome.published
    like = outcome.planned.near.distance <= UNLIKE
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
        "after": round(found.after * unit, 3),
        "expected": round(found.expected * unit, 3) if like else None,
        "p_value": round(found.p, 4) if like else None,
        "likeness": outcome.planned.near.distance,
        "published": measure if like else None,
    }


def build_evaluation_csv(effect: Effect, *, note: Mapping[str, str]) -> bytes:
    """The rows of `build_side_rows` as CSV, each with the rule's hash and what the file says about itself."""
    frame = pd.DataFrame(build_side_rows(effect)).assign(rule_sha256=effect.protocol.hash, **dict(note))
    return escape_formulas(frame).to_csv(index=False, lineterminator="\n").encode()


def build_evaluation_shapes(effect: Effect, ground: EventPoints, *, controls: bool = True) -> list[dict[str, Any]]:
    """What was compared, as polygons in degrees: keys role (treated, ring, control), name, place, weight, geometry.

    Without `controls` those are left out: a map of many places draws none of them.
    """
    rule = effect.protocol.rule
    found: list[dict[str, Any]] = []
    outlines, middles = [], []
    for place, outcome in enumerate(effect.outcomes):
        planned = outcome.planned
        shape = ground.shape_of(planned.place, rule.radius_m)
        middle = ground.at(planned.place)
        parts = [("treated", shape.outline, middle, 1.0)]
        if planned.ring:
            parts.append(("ring", shape.ring(rule.ring_m).outline, middle, 1.0))
        if controls:
            parts += [("control", shape.outline, point, weight) for point, weight in _controls(planned.near, ground)]
        for role, outline, at, weight in parts:
            name = planned.place.name if role != "control" else f"control for {planned.place.name}"
            found.append({"role": role, "name": name, "place": place, "weight": round(weight, 4)})
            outlines.append(outline)
            middles.append(at)
    moved = _degrees(outlines, middles, ground.study.crs)
    return [one | {"geometry": geometry} for one, geometry in zip(found, moved, strict=True)]


def _controls(controls: MatchedControls, ground: EventPoints) -> list[tuple[tuple[float, float], float]]:
    x_m, y_m = find_middles(ground, [controls.pool[place] for place in controls.controls])
    return [((x, y), weight) for x, y, weight in zip(x_m.tolist(), y_m.tolist(), controls.weights, strict=True)]


def _degrees(
    outlines: Sequence[shapely.Geometry], middles: Sequence[tuple[float, float]], crs: str
) -> list[shapely.Geometry]:
    """Outlines in metres around (0, 0), each moved to its middle; all at once, because calls are slow."""
    still = np.array(outlines, dtype=object)
    offsets = np.repeat(np.array(middles).reshape(-1, 2), shapely.get_num_coordinates(still), axis=0)
    moved = shapely.transform(still, lambda points: np.column_stack(_back(crs).transform(*(points + offsets).T)))
    found: list[shapely.Geometry] = shapely.set_precision(moved, _DECIMALS).tolist()
    return found


@lru_cache(maxsize=8)
def _back(crs: str) -> pyproj.Transformer:
    """From the plane to degrees, made once: to make one takes far longer than to use it."""
    return pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


def build_evaluation_geojson(
    effect: Effect, ground: EventPoints, verdict: Verdict, *, note: Mapping[str, str]
) -> bytes:
    """The shapes as a FeatureCollection (RFC 7946), the answer in its member "metadata"."""
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in one.items() if name != "geometry"},
            "geometry": json.loads(shapely.to_geojson(one["geometry"])),
        }
        for one in build_evaluation_shapes(effect, ground)
    ]
    metadata = {**note, "sentence": verdict.sentence, "verdict": verdict.kind, "rule_sha256": effect.protocol.hash}
    return json.dumps({"type": "FeatureCollection", "metadata": metadata, "features": features}).encode()
