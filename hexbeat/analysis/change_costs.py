"""A change in pounds: what the difference between two periods costs, by cell, by ward or in all."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geo.poisson_sums import interval_of_difference, interval_of_sum
from hexbeat.analysis.change_map import Against, ChangeMap, build_change_map
from hexbeat.analysis.costs import CountCosts, list_costed_layers, read_usable_costs
from hexbeat.analysis.study import Study
from layers.catalogue import find_layer, find_layer_code
from layers.columns import Columns
from layers.costs import Cost, Costs
from layers.coverage import count_days
from layers.filters import Filter

if TYPE_CHECKING:
    import pandas as pd

    from hexbeat.store.store import Store

__all__ = ["add_change_costs", "cost_changes"]


def cost_changes(
    columns: Columns, event_filter: Filter, study: Study, costs: Costs, *, unit: str, against: Against, time_zone: str
) -> list[Cost | None]:
    """What the differences of a change cost, in the order of its rows; `unit` is "cells", "wards" or "whole".

    Minus: it costs less now. Each part with one unit cost is compared by itself, over the same known days. None for a
    row that is not known. Empty for states (the same order may be in force in both periods), for layers whose small
    numbers are hidden, and where nothing is compared.
    """
    (layer,) = event_filter.layers
    if find_layer(layer).kind == "state" or not list_costed_layers(columns, (layer,)):
        return []
    own = columns.layer == find_layer_code(layer)
    names = [columns.categories[code] for code in np.unique(columns.category[own]).tolist()]
    prices = defaultdict[float | None, list[str]](list)
    for name in [name for name in names if not event_filter.categories or name in event_filter.categories]:
        unit_cost = costs.find(layer, name)
        prices[None if unit_cost is None else unit_cost.pounds].append(name)
    maps = {
        price: build_change_map(
            columns,
            replace(event_filter, categories=tuple(categories)) if len(prices) > 1 else event_filter,
            study,
            against=against,
            with_cells=unit == "cells",
            time_zone=time_zone,
        )
        for price, categories in prices.items()
    }
    frames = {price: getattr(change, unit) for price, change in maps.items()}
    if not frames:
        return []
    scale = _find_scale(next(iter(maps.values())))
    rows = len(next(iter(frames.values())))
    if any(len(frame) != rows for frame in frames.values()):
        return []
    return [_cost_row({price: frame.iloc[row] for price, frame in frames.items()}, scale) for row in range(rows)]


def add_change_costs(
    store: "Store",
    columns: Columns,
    event_filter: Filter,
    study: Study,
    rows: "pd.DataFrame",
    *,
    unit: str,
    against: Against,
) -> tuple["pd.DataFrame", list[str]]:
    """The rows of a change with what their differences cost, and the sentences on what that rests on.

    The columns are those of counts (`cost_pounds`, `cost_low`, `cost_high`, `not_costed`), of the difference. Without
    unit costs of the layer the rows are as they were.
    """
    known, faults = read_usable_costs(store)
    own = Costs(tuple(known.list_units(event_filter.layers)))
    if not own:
        return rows, faults
    costs = cost_changes(columns, event_filter, study, own, unit=unit, against=against, time_zone=study.area.time_zone)
    if len(costs) != len(rows):
        return rows, []
    no_cost = Cost(None, 0.0, 0.0)
    count_costs = CountCosts(no_cost, tuple(cost or no_cost for cost in costs), ())
    return rows.assign(**count_costs.build_file_columns()), own.describe(event_filter.layers)


def _find_scale(change: ChangeMap) -> float:
    """How much longer the known days of now are than those before."""
    before = count_days(change.known_other)
    return count_days(change.known_now) / before if before else 1.0


def _cost_row(parts: Mapping[float | None, Any], usual_scale: float) -> Cost | None:
    """One row of each part, by its unit cost."""
    if any(np.isnan(row["now"]) for row in parts.values()):
        return None
    known = [(price, row) for price, row in parts.items() if price is not None]
    uncosted = sum(float(row["now"] + row["before"]) for price, row in parts.items() if price is None)
    if not known:
        return Cost(None, 0.0, uncosted)
    scales = [
        float((row["now"] - row["difference"]) / row["before"]) if row["before"] else usual_scale for _, row in known
    ]
    now = interval_of_sum([float(row["now"]) for _, row in known], [price for price, _ in known])
    weights = [price * scale for (price, _), scale in zip(known, scales, strict=True)]
    before = interval_of_sum([float(row["before"]) for _, row in known], weights)
    return Cost(
        interval_of_difference(now, before), sum(float(row["now"] + row["before"]) for _, row in known), uncosted
    )
