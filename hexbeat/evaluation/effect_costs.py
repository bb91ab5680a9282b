"""Did it work, in pounds: the same places, controls and days, with each event at its unit cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.poisson_sums import Interval
from hexbeat.areas.area import Area
from hexbeat.evaluation.outcome import Effect, measure_effect
from hexbeat.evaluation.sides import Side
from hexbeat.evaluation.treated_places import EventPoints
from layers.catalogue import LAYERS, find_layer
from layers.columns import Columns
from layers.costs import NOT_COSTED, Costs, format_pounds
from layers.wording import format_list

__all__ = ["EffectCost", "cost_effect"]

NOT_KNOWN: Final = "not known, because there is no comparable place"


@dataclass(frozen=True, slots=True)
class EffectCost:
    """The difference from what was expected, in pounds: (where, difference with its interval); minus: it cost less.

    None in place of a difference: no event has a unit cost (`is_costed` False), or there is no comparable place.
    `notes` say what the pounds rest on, what they leave out and what is not costed.
    """

    sides: tuple[tuple[str, Interval | None], ...]
    notes: tuple[str, ...]
    is_costed: bool = True

    @property
    def sentences(self) -> list[str]:
        """The answer in pounds, never without its interval, and what it rests on."""
        no_answer = NOT_KNOWN if self.is_costed else NOT_COSTED
        answers = [
            f"In pounds, {where}: {no_answer if money is None else describe_difference(money)}."
            for where, money in self.sides
        ]
        return [*answers, *self.notes]

    def to_json(self) -> dict[str, object]:
        """The sides in whole pounds, and the sentences."""
        rows = []
        for where, money in self.sides:
            ends = (None, None, None) if money is None else tuple(float(round(end)) for end in money)
            rows.append({"where": where} | dict(zip(("pounds", "low", "high"), ends, strict=True)))
        return {"rows": rows, "sentences": self.sentences}


def describe_difference(money: Interval) -> str:
    """As in "£12,600 less than expected (95 % interval £3,000 to £21,000 less)"."""
    ends = (money.low, money.high) if money.value > 0 else (money.high, money.low)
    if money.low * money.high < 0:
        interval = f"{_name_end(ends[0])} to {_name_end(ends[1])}, so it may be nothing"
    else:
        word = "less" if money.low + money.high < 0 else "more"
        interval = f"{format_pounds(abs(ends[0]))} to {format_pounds(abs(ends[1]))} {word}"
    return f"{_name_end(money.value)} than expected (95 % interval {interval})"


def _name_end(value: float) -> str:
    return f"{format_pounds(abs(value))} {'less' if value < 0 else 'more'}"


def cost_effect(effect: Effect, points: EventPoints, area: Area, costs: Costs) -> EffectCost | None:
    """The effect in pounds, by the same protocol; None where the installation has no unit costs.

    Weights of harm do not take part: an event counts with its unit cost alone, and not at all without one.
    """
    if not costs:
        return None
    layers = tuple(effect.protocol.rule.layers)
    price = find_prices(points.columns, costs)[points.index]
    known = np.nan_to_num(price, nan=0.0)
    notes = (*_describe_uncosted(points, price), *costs.describe(layers))
    sides = [("here", effect.here), *([("next door", effect.next_door)] if effect.next_door else [])]
    if not known.any():
        return EffectCost(tuple((where, None) for where, _ in sides), notes, is_costed=False)
    factor = float(known[0]) if np.ptp(known) == 0 and np.ptp(points.harm) == 0 else None
    if factor is not None:
        scale = factor / float(points.harm[0])
    else:
        effect = measure_effect(points.columns, area, effect.protocol, points=replace(points, harm=known))
        sides = [("here", effect.here), *([("next door", effect.next_door)] if effect.next_door else [])]
        scale = 1.0
    if effect.next_door is not None:
        sides.append(("both together", effect.both))
    return EffectCost(tuple((where, _scale_side(side, scale)) for where, side in sides), notes)


def find_prices(columns: Columns, costs: Costs) -> NDArray[np.float64]:
    """The unit cost of each event (n,), in pounds; NaN for those without one."""
    table = np.full((len(LAYERS), len(columns.categories)), np.nan)
    for row, spec in enumerate(LAYERS):
        for place, category in enumerate(columns.categories):
            unit = costs.find(spec.name, category)
            table[row, place] = np.nan if unit is None else unit.pounds
    prices: NDArray[np.float64] = table[columns.layer, columns.category]
    return prices


def _scale_side(side: Side, scale: float) -> Interval | None:
    """A side in pounds; None if there is no comparable place."""
    if not side.comparable:
        return None
    return Interval(side.estimate * scale, side.interval[0] * scale, side.interval[1] * scale)


def _describe_uncosted(points: EventPoints, price: NDArray[np.float64]) -> Sequence[str]:
    """Which categories of layers that have unit costs have none themselves; layers without any are named elsewhere."""
    index = points.index[np.isnan(price)]
    columns = points.columns
    keys = sorted(
        {(int(layer), int(code)) for layer, code in zip(columns.layer[index], columns.category[index], strict=True)}
    )
    costed = set(np.unique(columns.layer[points.index[~np.isnan(price)]]).tolist())
    names = [
        f"{find_layer(LAYERS[layer].name).many} ({columns.categories[code] or 'no category'})"
        for layer, code in keys
        if layer in costed
    ]
    return [f"Not costed: {format_list(names)}."] if names else []
