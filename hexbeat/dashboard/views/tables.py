"""The tables under the map, which show the same numbers cell by cell."""

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
    """One row for each cell with events: its rank, place, ward and index, and a number for each layer.

    With one layer also the period before and the change (NaN if there is nothing to compare with). With several layers,
    a column for each and no sum, in the order of the first layer, then the second and so on.
    """
    if len(figures) == 1:
        layer_figures = figures[0]
        table = layer_figures.cells.assign(change=layer_figures.cells["count"] - layer_figures.cells["before"])
        table = table.rename(columns={"count": layer_figures.spec.title, "before": "Period before", "change": "Change"})
        numbers = [layer_figures.spec.title, "Period before", "Change"]
    else:
        numbers = [layer_figures.spec.title for layer_figures in figures]
        table = _join_layers(figures, numbers)
    table["Place"] = [format_place(name, cell) for name, cell in zip(table["ward_name"], table["cell"], strict=True)]
    table["Rank"] = np.arange(1, len(table) + 1)
    table = table.rename(columns={"ward_name": "Ward", "cell": "Cell"})
    return table[["Rank", "Place", "Ward", *numbers, "Cell"]]


def _join_layers(figures: Sequence[LayerFigures], names: list[str]) -> pd.DataFrame:
    """Cells of all layers with a column for each layer, zero if it has no event there."""
    keys = ["cell", "ward_name"]
    parts = [
        layer_figures.cells.set_index(keys)["count"].rename(name)
        for layer_figures, name in zip(figures, names, strict=True)
    ]
    joined = pd.concat(parts, axis=1).fillna(0.0).reset_index()
    return joined.sort_values([*names, "cell"], ascending=[False] * len(names) + [True], ignore_index=True)


def build_group_table(
    columns: Columns, figures: Sequence[LayerFigures], choices: Choices, *, by: Group, area: Area
) -> pd.DataFrame:
    """One row for each group with events, in the order of the groups, and a number for each layer.

    The filters are those of the map. Events without an hour or a category have a row of their own (NOT_KNOWN), so that
    a column adds up to the number over the map. Closures count in every period in which they are in force.
    """
    grouping, names = GROUPINGS[by], tuple(layer_figures.spec.name for layer_figures in figures)
    event_filter = build_filter(choices, layer=names[0], start=figures[0].start, end=figures[0].end)
    rows = count(
        columns, replace(event_filter, layers=names), by=(by, "layer"), wards=area.wards, time_zone=area.time_zone
    ).rows
    keys = list(grouping.titles)
    groups = rows[keys].drop_duplicates(ignore_index=True)
    table = pd.DataFrame(
        {
            title: [grouping.show(label) if label != "" else NOT_KNOWN for label in groups[key]]
            for key, title in grouping.titles.items()
        }
    )
    for layer_figures in figures:
        layer_rows = rows[rows["layer"] == layer_figures.spec.name].drop(columns="layer")
        table[layer_figures.spec.title] = groups.merge(layer_rows, on=keys, how="left")["count"].fillna(0.0)
    return table


def build_export_rows(figures: Sequence[LayerFigures]) -> pd.DataFrame:
    """Columns layer, cell, ward_code, ward_name, count, before for files; sorted by layer and cell."""
    parts = [layer_figures.cells.assign(layer=layer_figures.spec.name) for layer_figures in figures]
    rows = pd.concat(parts, ignore_index=True).sort_values(["layer", "cell"], ignore_index=True)
    return rows[["layer", "cell", "ward_code", "ward_name", "count", "before"]]


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its numbers as text (1,204; 1.5; "" for NaN), for a page without sorting.

    Chances (p, q) have three decimals, or are under 0.001; ratios and z have two.
    """
    numbers = table.select_dtypes("number").columns
    return table.assign(
        **{name: [format_table_number(name, v) if pd.notna(v) else "" for v in table[name]] for name in numbers}
    )


def format_table_number(name: str, value: float) -> str:
    """A number of a column with as many digits as are meaningful."""
    if name in CHANCES:
        return "under 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - as three decimals say
    return f"{value:.2f}" if name in TWO_DECIMALS else format_number(value)


def build_record_table(records: pd.DataFrame, *, time_zone: ZoneInfo) -> pd.DataFrame:
    """Records for people to read, newest first: local times as precise as they are known, and no coordinates.

    `records` has EVENT_COLUMNS (seconds UTC). A record known to the day or month shows no hour.
    """
    ordered = records.sort_values(["occurred_from", "source", "source_id"], ascending=[False, True, True])
    table = pd.DataFrame(
        {
            "when": [
                format_time(int(start), int(end), str(precision), time_zone)
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


def format_time(start: int, end: int, precision: str, time_zone: ZoneInfo) -> str:
    """As in "21 Nov 2026, 14:05", "21 Nov 2026", "Nov 2026", or "21 Nov 2026, 14:05 to 22 Nov 2026, 09:00"."""
    first = datetime.fromtimestamp(start, UTC).astimezone(time_zone)
    if precision == "month":
        return format_date(first.date()).split(" ", 1)[1]
    if precision == "day":
        return format_date(first.date())
    text = f"{format_date(first.date())}, {first:%H:%M}"
    if end <= start:
        return text
    last = datetime.fromtimestamp(end, UTC).astimezone(time_zone)
    return f"{text} to {format_date(last.date())}, {last:%H:%M}"
