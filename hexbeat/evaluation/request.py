"""Answers a person's request for an evaluation: builds the places, reads the weights, applies the rule."""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo.cells import parse_cell_strings
from geo.errors import DataError, UsageError
from hexbeat.areas.area import Area
from hexbeat.evaluation.controls import build_protocol
from hexbeat.evaluation.effect_costs import EffectCost, cost_effect
from hexbeat.evaluation.evaluation_text import Verdict, build_verdict
from hexbeat.evaluation.outcome import Effect, measure_effect
from hexbeat.evaluation.rule import Protocol, Rule
from hexbeat.evaluation.treated_places import (
    EventPoints,
    TreatedPlace,
    build_cell_outline,
    build_event_points,
    build_ward_outline,
)
from hexbeat.store.records import read_records
from layers.access import Action, Viewer, require
from layers.catalogue import LAYER_NAMES, find_layer_code
from layers.columns import Columns
from layers.costs import NO_COSTS, Costs
from layers.wording import format_list

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "Evaluation",
    "build_cell_place",
    "build_point_place",
    "build_ward_place",
    "evaluate_protocol",
    "fix_protocol",
    "parse_weights",
]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """An effect with its verdict, the event points that maps are drawn from, and what it comes to in pounds.

    `cost` is None where the installation has no unit costs.
    """

    effect: Effect
    verdict: Verdict
    points: EventPoints
    cost: EffectCost | None = None


def build_point_place(
    lon: float, lat: float, start: dt.date, *, end: dt.date | None = None, name: str = ""
) -> TreatedPlace:
    """A circle around a point (WGS 84 degrees), of the rule's radius."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004 - degrees of the globe
        raise UsageError(
            "A latitude is -90 to 90 degrees, a longitude -180 to 180",
            f"the place is at latitude {lat}, longitude {lon}",
            "Middlesbrough is at 54.57, -1.23",
        )
    return TreatedPlace(name or f"the place at {lat:.4f}, {lon:.4f}", lon, lat, start, end)


def build_ward_place(
    area: Area, codes: tuple[str, ...], start: dt.date, *, end: dt.date | None = None, name: str = ""
) -> TreatedPlace:
    """The wards of these codes as one place."""
    names = dict(zip(area.wards.codes, area.wards.names, strict=True))
    outline, lon, lat = build_ward_outline(area, codes)
    title = format_list([names[code] for code in codes])
    return TreatedPlace(name or title, round(lon, 6), round(lat, 6), start, end, outline)


def build_cell_place(
    cells: Sequence[str], start: dt.date, *, end: dt.date | None = None, name: str = ""
) -> TreatedPlace:
    """H3 cells, of any one resolution, as one place."""
    try:
        outline, lon, lat = build_cell_outline(parse_cell_strings(cells))
    except DataError as error:  # the choice is wrong, not a file
        raise UsageError(error.rule, error.fact, error.hint) from None
    title = "the chosen cell" if len(cells) == 1 else f"the {len(cells)} chosen cells"
    return TreatedPlace(name or title, round(lon, 6), round(lat, 6), start, end, outline)


def parse_weights(texts: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Harm weights from texts such as "overdoses=15" or "overdoses/fatal=100": weights of layers, and of categories."""
    layers: dict[str, float] = {}
    categories: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        layer = name.partition("/")[0].strip()
        try:
            weight = float(number)
        except ValueError:
            weight = float("nan")
        if layer not in LAYER_NAMES or not 0 < weight < math.inf:
            raise UsageError(
                "A weight is a layer, or a layer and a category, and a number above 0",
                f"{text!r} is not",
                "write overdoses=15, or overdoses/fatal=100",
            )
        if "/" in name:
            categories[name.strip()] = weight
        else:
            layers[layer] = weight
    return layers, categories


def fix_protocol(
    store: "Store",
    viewer: Viewer,
    columns: Columns,
    area: Area,
    places: Sequence[TreatedPlace],
    rule: Rule,
    *,
    today: dt.date,
) -> Protocol:
    """Fix the comparison without reading the time after. Counts in small circles need the right to see points."""
    return build_protocol(
        columns, area, places, rule, today=today, points=_build_points(store, viewer, columns, area, rule)
    )


def evaluate_protocol(
    store: "Store",
    viewer: Viewer,
    columns: Columns,
    area: Area,
    protocol: Protocol,
    *,
    costs: Costs = NO_COSTS,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure the effect by a fixed protocol, and describe it; in pounds too where there are unit costs."""
    points = _build_points(store, viewer, columns, area, protocol.rule)
    effect = measure_effect(columns, area, protocol, points=points, progress=progress)
    return Evaluation(effect, build_verdict(effect), points, cost_effect(effect, points, area, costs))


def _build_points(store: "Store", viewer: Viewer, columns: Columns, area: Area, rule: Rule) -> EventPoints:
    for name in rule.layers:
        require(viewer, Action.SEE_POINTS, name)
    weights = _read_category_weights(store, viewer, columns, rule.categories) if rule.categories else None
    return build_event_points(columns, area, rule.layers, reported_by=rule.reported_by, category_weights=weights)


def _read_category_weights(
    store: "Store", viewer: Viewer, columns: Columns, categories: Mapping[str, float]
) -> NDArray[np.float64]:
    """The factor of each event's category; UsageError for a category that no event has."""
    weights = np.ones(len(columns))
    position_by_row = {row: number for number, row in enumerate(columns.row_id.tolist())}
    for layer in sorted({name.partition("/")[0] for name in categories}):
        own = np.flatnonzero(columns.layer == find_layer_code(layer))
        records = read_records(store, viewer, columns.row_id[own].tolist())
        names = records["category"].fillna("")
        for key, weight in categories.items():
            if key.partition("/")[0] != layer:
                continue
            rows = records.loc[names == key.partition("/")[2], "row_id"]
            if rows.empty:
                categories_known = ", ".join(sorted(set(names) - {""})) or "none"
                raise UsageError(
                    "A category is spelt as in the records",
                    f"no event is {key!r}",
                    f"the categories of {layer} are {categories_known}",
                )
            weights[[position_by_row[int(row)] for row in rows]] = weight
    return weights
