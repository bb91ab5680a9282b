"""The tables beside the map: they say the same as it does, cell by cell."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from hexbeat.areas.area import Area
from hexbeat.areas.place_names import format_place
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.figures import LayerFigures
from layers.columns import Columns
from layers.counting import count
from layers.event import REPORTERS
from layers.grouping import GROUPINGS, Group
from layers.wording import format_date, format_number

__all__ = [
    "NOT_KNOWN",
    "build_cell_table",
    "build_export_rows",
    "build_group_table",
    "build_record_table",
    "format_table",
]

NOT_KNOWN: Final = "not known"

CHANCES: Final = frozenset({"p", "q"})
TWO_DECIMALS: Final = frozenset({"z", "Ratio", "Ratio from", "Ratio to", "Expected in the week"})
RECORD_TITLES: Final = {
    "when": "When",
    "known_to": "Known to the",
    "layer": "Layer",
    "category": "Category",
    "quantity": "Quantity",
    "reported_by": "Reported by",
    "status": "Status",
    "source": "Source",
    "source_id": "Number at the source",
}


def build_cell_table(figures: Sequence[LayerFigures]) -> pd.DataFrame:
    """One row a cell that holds anything: its rank, place, ward and index, then a number for each layer.

    With one layer also the period before and the change (NaN where there is nothing to compare with). With several,
    a column for each and no sum. The order is by the first layer, then the second and so on.
    """
    if len(figures) == 1:
        only = figures[0]
        table = only.cells.assign(change=only.cells["count"] - only.cells["before"])
        table = table.rename(columns={"count": only.spec.title, "before": "Period before", "change": "Change"})
        numbers = [only.spec.title, "Period before", "Change"]
    else:
        numbers = [each.spec.title for each in figures]
        table = _join_layers(figures, numbers)
    table["Place"] = [format_place(name, cell) for name, cell in zip(table["ward_name"], table["cell"], strict=True)]
    table["Rank"] = np.arange(1, len(table) + 1)
    table = table.rename(columns={"ward_name": "Ward", "cell": "Cell"})
    return table[["Rank", "Place", "Ward", *numbers, "Cell"]]


def _join_layers(figures: Sequence[LayerFigures], names: list[str]) -> pd.DataFrame:
    """Cells of all layers with a column each, zero where a layer has nothing."""
    keys = ["cell", "ward_name"]
    parts = [each.cells.set_index(keys)["count"].rename(name) for each, name in zip(figures, names, strict=True)]
    joined = pd.concat(parts, axis=1).fillna(0.0).reset_index()
    return joined.sort_values([*names, "cell"], ascending=[False] * len(names) + [True], ignore_index=True)


def build_group_table(
    columns: Columns, figures: Sequence[LayerFigures], choices: Choices, *, by: Group, area: Area
) -> pd.DataFrame:
    """One row a group that holds anything, in the order of the groups, then a number for each layer.

    Everything is as on the map. What has no hour, or no category, is in a row of its own (NOT_KNOWN), so that a column
    adds up to the number over the map; but closures count in each period in which they are in force.
    """
    grouping, names = GROUPINGS[by], tuple(each.spec.name for each in figures)
    chosen = build_filter(choices, layer=names[0], start=figures[0].start, end=figures[0].end)
    rows = count(
        columns, replace(chosen, layers=names), by=(by, "layer"), wards=area.wards, time_zone=area.time_zone
    ).rows
    keys = list(grouping.titles)
    groups = rows[keys].drop_duplicates(ignore_index=True)
    table = pd.DataFrame(
        {
            title: [grouping.show(label) if label != "" else NOT_KNOWN for label in groups[key]]
            for key, title in grouping.titles.items()
        }
    )
    for each in figures:
        own = rows[rows["layer"] == each.spec.name].drop(columns="layer")
        table[each.spec.title] = groups.merge(own, on=keys, how="left")["count"].fillna(0.0)
    return table


def build_export_rows(figures: Sequence[LayerFigures]) -> pd.DataFrame:
    """Columns layer, cell, ward_code, ward_name, count, before for files; sorted by layer and cell."""
    parts = [each.cells.assign(layer=each.spec.name) for each in figures]
    rows = pd.concat(parts, ignore_index=True).sort_values(["layer", "cell"], ignore_index=True)
    return rows[["layer", "cell", "ward_code", "ward_name", "count", "before"]]


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its numbers as words (1,204; 1.5; nothing for NaN), for a page that is only read.

    Chances (p, q) have three decimals, or are under 0.001; ratios and z have two.
    """
    numbers = table.select_dtypes("number").columns
    return table.assign(
        **{name: [format_table_number(name, v) if pd.notna(v) else "" for v in table[name]] for name in numbers}
    )


def format_table_number(name: str, value: float) -> str:
    """A number of a column to the digits that it bears."""
    if name in CHANCES:
        return "under 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - as three decimals say
    return f"{value:.2f}" if name in TWO_DECIMALS else format_number(value)


def build_record_table(records: pd.DataFrame, *, time_zone: ZoneInfo) -> pd.DataFrame:
    """Records as a person reads them, newest first: local times to the precision that is known, no coordinates.

    `records` has EVENT_COLUMNS (seconds UTC). A record known to the day or month shows no hour.
    """
    ordered = records.sort_values(["occurred_from", "source", "source_id"], ascending=[False, True, True])
    table = pd.DataFrame(
        {
            "when": [
                format_moment(int(start), int(end), str(precision), time_zone)
                for start, end, precision in zip(
                    ordered["occurred_from"], ordered["occurred_to"], ordered["time_precision"], strict=True
                )
            ],
            "known_to": ordered["time_precision"].to_numpy(),
        }
    )
    for name in ("layer", "category", "quantity", "reported_by", "status", "source", "source_id"):
        table[name] = ordered[name].to_numpy()
    table["layer"] = table["layer"].str.replace("_", " ")
    known = set(REPORTERS)
    table["reported_by"] = [word if word in known else "" for word in table["reported_by"]]
    return table.rename(columns=RECORD_TITLES)


def format_moment(start: int, end: int, precision: str, time_zone: ZoneInfo) -> str:
    """As in "21 Nov 2026, 14:05", "21 Nov 2026", "Nov 2026", or "21 Nov 2026, 14:05 to 22 Nov 2026, 09:00"."""
    first = datetime.fromtimestamp(start, UTC).astimezone(time_zone)
    if precision == "month":
        return format_date(first.date()).split(" ", 1)[1]
    if precision == "day":
        return format_date(first.date())
    words = f"{format_date(first.date())}, {first:%H:%M}"
    if end <= start:
        return words
    last = datetime.fromtimestamp(end, UTC).astimezone(time_zone)
    return f"{words} to {format_date(last.date())}, {last:%H:%M}"
