"""What events cost: unit costs by layer and category, and sums of money with their intervals.

`costs.toml` holds them; it is empty until an installation writes one. What has no unit cost is not costed: it is never
taken as 0.
"""

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from geo.errors import DataError
from geo.poisson_sums import Interval, interval_of_sum
from layers.catalogue import LAYER_NAMES, find_layer
from layers.wording import format_list, format_number, format_plural

__all__ = [
    "COSTS_FILE",
    "NOT_COSTED",
    "NO_COSTS",
    "Cost",
    "Costs",
    "UnitCost",
    "add_up",
    "format_cost",
    "format_interval",
    "format_pounds",
    "parse_costs",
]

COSTS_FILE: Final = "costs.toml"
NOT_COSTED: Final = "not costed"
CAUTION: Final = "The interval is that of the number of events. The unit costs themselves are taken as exact."
_RULE: Final = f"{COSTS_FILE} holds [[costs]] with layer, pounds, source, year and leaves_out, and maybe category"
_HINT: Final = "see docs/costs.md, or remove the file: without it nothing is costed"
_TEXTS: Final = ("layer", "source", "leaves_out")
_YEARS: Final = (1990, 2100)
_POUNDS: Final = (0.01, 100_000_000)  # sums stay numbers that can be said, whatever is counted


@dataclass(frozen=True, slots=True)
class UnitCost:
    """What one event of a layer costs, in pounds of a year, by a source; and what that leaves out.

    `category` None: events of all categories that have no cost of their own.
    """

    layer: str
    category: str | None
    pounds: float
    source: str
    year: int
    leaves_out: str


@dataclass(frozen=True, slots=True)
class Costs:
    """The unit costs of an installation."""

    units: tuple[UnitCost, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.units)

    def find(self, layer: str, category: str = "") -> UnitCost | None:
        """The unit cost of an event; None if it has none."""
        own = [unit for unit in self.units if unit.layer == layer]
        wanted = category.casefold()
        exact = next((unit for unit in own if unit.category is not None and unit.category.casefold() == wanted), None)
        return exact or next((unit for unit in own if unit.category is None), None)

    def list_units(self, layers: Iterable[str]) -> list[UnitCost]:
        """The unit costs of these layers, in the order of the file."""
        names = set(layers)
        return [unit for unit in self.units if unit.layer in names]

    def describe(self, layers: Sequence[str]) -> list[str]:
        """Sentences on what the pounds of these layers rest on, what they leave out, and what is not costed."""
        lines = [
            f"{_name(unit)}: {_format_unit(unit.pounds)} each, in prices of {unit.year} ({unit.source}). Leaves out: "
            f"{unit.leaves_out.rstrip('.')}."
            for unit in self.list_units(layers)
        ]
        without = [find_layer(name).many for name in layers if not self.list_units([name])]
        missing = [f"Not costed: {format_list(without)}."] if without else []
        return [*lines, *missing, *([CAUTION] if lines else [])]


NO_COSTS: Final = Costs()


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum of money with its interval, and how many events are in it and not in it.

    `pounds` is None where no event has a unit cost: that is "not costed", not 0. `not_costed` is None where the viewer
    may not know how many events are not in it.
    """

    pounds: Interval | None
    costed: float
    not_costed: float | None

    def to_json(self) -> dict[str, float | None]:
        """Pounds with both ends, rounded to whole pounds, and the events without a unit cost."""
        ends = (None, None, None) if self.pounds is None else tuple(float(round(end)) for end in self.pounds)
        return dict(zip(("pounds", "low", "high"), ends, strict=True)) | {
            "events_not_costed": None if self.not_costed is None else round(self.not_costed, 3)
        }


def add_up(costs: Costs, counts: Mapping[tuple[str, str], float], *, layers: Sequence[str] = ()) -> Cost:
    """What events cost whose number is given by (layer, category). `layers` are those that were counted.

    With no event of a layer that has unit costs, the sum is 0 with the interval that none gives.
    """
    known = [(unit.pounds, count) for key, count in counts.items() if (unit := costs.find(*key)) is not None]
    left = sum(count for key, count in counts.items() if costs.find(*key) is None)
    costed = sum(count for _, count in known)
    possible = [(unit.pounds, 0.0) for unit in costs.list_units(layers)] if costed == 0 and left == 0 else []
    pairs = known or possible
    if not pairs or (costed == 0 and left > 0):
        return Cost(None, 0.0, left)
    weights, numbers = zip(*pairs, strict=True)
    return Cost(interval_of_sum(numbers, weights), costed, left)


def format_pounds(value: float) -> str:
    """As in "£1,260", "\N{MINUS SIGN}£14,100": three significant figures, because no unit cost is better known."""
    size = abs(value)
    digits = 0 if size == 0 else max(0, math.floor(math.log10(size)) - 2)
    rounded = round(size / 10**digits) * 10**digits
    sign = "\N{MINUS SIGN}" if value < 0 and rounded else ""
    return f"{sign}£{rounded:,}"


def format_interval(money: Interval) -> str:
    """As in "£1,260 (95 % interval £600 to £2,300)"."""
    return f"{format_pounds(money.value)} (95 % interval {format_pounds(money.low)} to {format_pounds(money.high)})"


def format_cost(cost: Cost) -> str:
    """The sum with its interval, and how many events are not in it; "not costed" without any."""
    if cost.pounds is None:
        return NOT_COSTED
    left = f", {format_number(cost.not_costed)} not costed" if cost.not_costed else ""
    return f"{format_interval(cost.pounds)}{left}"


def _format_unit(pounds: float) -> str:
    """A unit cost as it was given, with pence where it has some."""
    return f"£{pounds:,.2f}".removesuffix(".00")


def _name(unit: UnitCost) -> str:
    title = find_layer(unit.layer).title
    return title if unit.category is None else f"{title}, {unit.category}"


def parse_costs(content: bytes | None) -> Costs:
    """The unit costs in the bytes of a file, none without one; DataError for anything that is not known or missing."""
    if content is None:
        return NO_COSTS
    try:
        tables = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _refuse(f"it is not TOML ({type(error).__name__})") from error
    _require_known(tables, ("costs",), "it")
    rows = tables.get("costs", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _refuse("costs is not a list of tables: write [[costs]]")
    units = [_parse_unit(row, f"number {number}") for number, row in enumerate(rows, start=1)]
    keys = [(unit.layer, unit.category) for unit in units]
    if twice := next((unit for unit in units if keys.count((unit.layer, unit.category)) > 1), None):
        raise _refuse(f"{_name(twice)} has {format_plural(keys.count((twice.layer, twice.category)), 'cost', 'costs')}")
    return Costs(tuple(units))


def _parse_unit(row: Mapping[str, Any], where: str) -> UnitCost:
    _require_known(row, ("layer", "category", "pounds", "source", "year", "leaves_out"), where)
    for name in _TEXTS:
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise _refuse(f"{where} has no {name}")
    layer, category, pounds, year = row["layer"], row.get("category"), row.get("pounds"), row.get("year")
    _require_known({layer: None}, LAYER_NAMES, f"{where}: layer")
    if category is not None:
        if not isinstance(category, str):
            raise _refuse(f"{where}: category is not a text")
        _require_known({category: None}, find_layer(layer).categories, f"{where}: category")
    if isinstance(pounds, bool) or not isinstance(pounds, int | float) or not _POUNDS[0] <= pounds <= _POUNDS[1]:
        raise _refuse(f"{where}: pounds is not a number from {_POUNDS[0]} to {_POUNDS[1]:,}")
    if isinstance(year, bool) or not isinstance(year, int) or not _YEARS[0] <= year <= _YEARS[1]:
        raise _refuse(f"{where}: year is not that of the prices")
    texts = {name: " ".join(row[name].split()) for name in ("source", "leaves_out")}
    return UnitCost(layer, category, round(float(pounds), 2), year=year, **texts)


def _require_known(names: Iterable[Any], known: Sequence[str], where: str) -> None:
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        similar = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean {similar[0]!r}?" if similar else f"choose from {', '.join(known) or 'none'}"
        raise DataError(_RULE, f"{where} has {unknown!r}, which Hexbeat does not know", hint)


def _refuse(fact: str) -> DataError:
    return DataError(_RULE, fact, _HINT)
