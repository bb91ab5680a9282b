"""Counts in pounds: the unit costs that all share, and the numbers that a viewer may see."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from geo.errors import DataError
from hexbeat.store.shared_documents import read_shared_setting
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.costs import COSTS_FILE, NO_COSTS, Cost, Costs, add_up, format_cost, parse_costs
from layers.counting import count_groups
from layers.filters import Filter
from layers.grouping import Group
from layers.wording import format_list, format_sentence

if TYPE_CHECKING:
    import pandas as pd

    from geo.wards import Wards
    from hexbeat.areas.area import Area
    from hexbeat.store.store import Store

__all__ = [
    "CountCosts",
    "add_count_costs",
    "cost_counts",
    "cost_rows",
    "list_costed_layers",
    "read_costs",
    "read_usable_costs",
]

_Key = tuple[object, ...]
_NOTHING: Final = Cost(None, 0.0, 0.0)
_NOT_TOLD: Final = Cost(None, 0.0, None)


@dataclass(frozen=True, slots=True)
class CountCosts:
    """What counts cost: in all, by row in the order of the rows, and the sentences on what that rests on."""

    total: Cost
    rows: tuple[Cost, ...]
    notes: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """The total, never without its interval, and the notes."""
        return [f"In pounds: {format_cost(self.total)}.", *self.notes]

    def build_file_columns(self) -> dict[str, list[Any]]:
        """Columns for the rows of a file: pounds with both ends (None: not costed), and events that are not in them."""
        rows = [cost.to_json() for cost in self.rows]
        names = {"pounds": "cost_pounds", "low": "cost_low", "high": "cost_high", "events_not_costed": "not_costed"}
        return {column: [row[name] for row in rows] for name, column in names.items()}


def read_costs(store: "Store") -> Costs:
    """The unit costs that all share, none without a file. They name no event, so every viewer may read them.

    DataError if the file cannot be read or says anything that is not known.
    """
    try:
        text = read_shared_setting(store.engine, store.files_folder, COSTS_FILE)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{COSTS_FILE} is a text file in UTF-8",
            f"it cannot be read ({type(error).__name__})",
            "correct the file, or remove it: nothing is costed without it",
        ) from error
    return parse_costs(None if text is None else text.encode())


def read_usable_costs(store: "Store") -> tuple[Costs, list[str]]:
    """The unit costs, or none with sentences on why the file cannot be used: numbers can be shown without pounds."""
    try:
        return read_costs(store), []
    except DataError as error:
        return NO_COSTS, [format_sentence(part) for part in (error.rule, error.fact, error.hint)]


def list_costed_layers(columns: Columns, layers: Sequence[str]) -> list[str]:
    """Those of these layers (none: all) that the viewer sees; none where small numbers of one of them are hidden.

    Pounds tell the numbers of what is costed. Less these, a count of all the layers tells the numbers of the others.
    """
    return [] if _list_hidden(columns, layers) else _list_shown(columns, layers)


def _list_shown(columns: Columns, layers: Sequence[str]) -> list[str]:
    return [spec.name for spec in columns.list_shown() if not layers or spec.name in layers]


def _list_hidden(columns: Columns, layers: Sequence[str]) -> list[str]:
    """Those of these layers (none: all) whose small numbers are hidden from the viewer."""
    return [name for name in _list_shown(columns, layers) if columns.find_fewest((name,)) > 1]


def cost_counts(
    columns: Columns,
    event_filter: Filter,
    costs: Costs,
    *,
    by: Sequence[Group],
    resolution: int,
    wards: "Wards",
    time_zone: str,
) -> tuple[Cost, dict[_Key, Cost]]:
    """What the filter's events cost in all, and by each group of `by`: the values of its columns, in their order.

    Events are costed, whatever the filter sums; none where small numbers of one of its layers are hidden.
    """
    layers = list_costed_layers(columns, event_filter.layers)
    if not layers:
        return _NOT_TOLD, {}
    filtered = replace(event_filter, layers=tuple(layers), measure="events")
    parts: tuple[Group, ...] = ("layer", "category")
    strata = count_groups(columns, filtered, by=parts, wards=wards, resolution=resolution, time_zone=time_zone)
    total = _sum_strata(strata.list_rows(), ())[()]
    groups = (*by, *(part for part in parts if part not in by))
    grouped = count_groups(columns, filtered, by=groups, wards=wards, resolution=resolution, time_zone=time_zone)
    rows = grouped.list_rows()
    names = [name for name in (rows[0] if rows else {}) if name != "count" and (name in by or name not in parts)]
    return (
        add_up(costs, total, layers=layers),
        {key: add_up(costs, counts, layers=layers) for key, counts in _sum_strata(rows, names).items()},
    )


def cost_rows(
    columns: Columns,
    event_filter: Filter,
    costs: Costs,
    rows: Sequence[Mapping[str, object]],
    *,
    by: Sequence[Group],
    resolution: int,
    wards: "Wards",
    time_zone: str,
) -> CountCosts | None:
    """What the rows of a count by `by` cost; None where the installation has no unit costs.

    Where small numbers of a layer are hidden from the viewer no row is costed, and the note says why.
    """
    if not costs:
        return None
    if hidden := _list_hidden(columns, event_filter.layers):
        names = format_list([find_layer(name).many for name in hidden])
        why = f"Nothing is costed: small numbers of {names} are not shown to your role, and pounds would tell them."
        return CountCosts(_NOT_TOLD, (_NOT_TOLD,) * len(rows), (why,))
    total, costs_by_group = cost_counts(
        columns, event_filter, costs, by=by, resolution=resolution, wards=wards, time_zone=time_zone
    )
    keys = [tuple(value for name, value in row.items() if name != "count") for row in rows]
    notes = costs.describe(list_costed_layers(columns, event_filter.layers))
    return CountCosts(total, tuple(costs_by_group.get(key, _NOTHING) for key in keys), tuple(notes))


def add_count_costs(
    store: "Store",
    columns: Columns,
    event_filter: Filter,
    rows: "pd.DataFrame",
    *,
    by: Sequence[Group],
    resolution: int,
    area: "Area",
) -> tuple["pd.DataFrame", list[str]]:
    """The rows of a count by `by` with the columns of their pounds, and the sentences on what those rest on.

    Without unit costs the rows are as they were. Where `costs.toml` cannot be used the sentences say so.
    """
    costs, faults = read_usable_costs(store)
    count_costs = cost_rows(
        columns,
        event_filter,
        costs,
        [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")],
        by=by,
        resolution=resolution,
        wards=area.wards,
        time_zone=area.time_zone,
    )
    return (
        (rows, faults)
        if count_costs is None
        else (rows.assign(**count_costs.build_file_columns()), count_costs.sentences)
    )


def _sum_strata(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> Mapping[_Key, Mapping[tuple[str, str], float]]:
    """The counts by (layer, category) of each group."""
    sums: dict[_Key, dict[tuple[str, str], float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        sums[tuple(row[name] for name in names)][row["layer"], row["category"]] += float(row["count"])
    return sums
