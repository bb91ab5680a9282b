"""The shapes of many places on a map: projected together, by one transformer, each where it would be alone."""

import dataclasses
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
import shapely.affinity

from hexbeat.evaluation.outcome_rows import build_evaluation_shapes
from tests.support.demonstrations import RULE, several


class Counted:
    """The transformers that are made, and how often one is used."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        make = pyproj.Transformer.from_crs

        def counted(*args: Any, **choices: Any) -> pyproj.Transformer:
            self.made += 1
            return make(*args, **choices)

        monkeypatch.setattr(pyproj.Transformer, "from_crs", counted)


def test_one_transformer_serves_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    found = several()
    assert len(found.effect.outcomes) > 2
    count = Counted(monkeypatch)
    shapes = build_evaluation_shapes(found.effect, found.points)
    assert build_evaluation_shapes(found.effect, found.points) == shapes
    assert len(shapes) > 20 * len(found.effect.outcomes)
    assert count.made <= 1


def test_a_shape_lies_where_it_would_lie_alone() -> None:
    found = several()
    shapes = build_evaluation_shapes(found.effect, found.points)
    back = pyproj.Transformer.from_crs(found.points.study.crs, "EPSG:4326", always_xy=True)
    for place, outcome in enumerate(found.effect.outcomes):
        treated, ring = (one["geometry"] for one in shapes if one["place"] == place and one["role"] != "control")
        middle = found.points.find_middle(outcome.planned.place)
        outline = found.points.build_shape(outcome.planned.place, RULE.radius_m)
        for shape, geometry in ((outline, treated), (outline.ring(RULE.ring_m), ring)):
            moved = shapely.affinity.translate(shape.outline, *middle)
            alone = shapely.transform(moved, lambda points: np.column_stack(back.transform(*points.T)))
            assert geometry.equals(shapely.set_precision(alone, 1e-6))


def test_without_controls_the_rest_is_the_same() -> None:
    found = several()
    shapes = [one for one in build_evaluation_shapes(found.effect, found.points) if one["role"] != "control"]
    assert build_evaluation_shapes(found.effect, found.points, controls=False) == shapes
    nobody = dataclasses.replace(found.effect, outcomes=())
    assert build_evaluation_shapes(nobody, found.points) == []
