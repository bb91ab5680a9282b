"""The view of hotspots: the places that hold steadily more than their surroundings, and how sure this is."""

from collections.abc import Hashable, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from hexbeat.analysis.hotspot_explanation import describe_kind, is_too_quiet
from hexbeat.analysis.hotspot_map import COLD, HOT, HotspotMap, format_days
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import format_in_sentence
from hexbeat.dashboard.map.cell_styles import build_hotspot_style, classify_hotspots, format_unit
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.state.findings import Findings
from hexbeat.dashboard.views.counts_view import MOST_LISTED
from hexbeat.dashboard.views.layer_view import Drawing, LayerView, ListGroup, ListRow, add_ward_names
from hexbeat.dashboard.views.sentence import build_coverage_notes, describe_subject, format_where_and_when
from layers.filters import describe_columns
from layers.wording import format_about, format_count, format_date, format_number, format_plural

__all__ = ["build_hotspots_view", "describe_group", "describe_hotspots"]

NOTHING: Final = "No place has clearly and steadily more than its surroundings. Counts shows the numbers."
COLUMNS: Final = (
    "count", "neighbourhood", "expected", "times", "times_at_least", "active", "since", "gi_z", "p_value", "q_value",
    "hotspot", "trend",
)  # fmt: skip
TITLES: Final = {
    "neighbourhood": "Tested",
    "expected": "Surroundings",
    "times": "Times",
    "since": "Since",
    "p_value": "p",
    "q_value": "q",
    "hotspot": "Hotspot",
    "group_place": "Group",
    "trend": "Trend",
}


def build_hotspots_view(
    figures: LayerFigures,
    findings: Findings,
    choices: Choices,
    *,
    area: Area,
    ward_names: Sequence[str],
) -> LayerView:
    """One layer's hotspots and cold spots. Cells that hold nothing and do not stand out are not drawn."""
    all_rows = findings.hotspots.rows.assign(group=findings.hotspots.rows["group"].fillna(-1).astype(np.int64))
    all_rows["trend"] = findings.emerging.rows["pattern"].to_numpy() if findings.emerging.bins else ""
    rows = add_ward_names(all_rows[(all_rows["count"] > 0) | (all_rows["hotspot"] != "")], area)
    rows = rows.sort_values(["q_value", "gi_z", "cell"], ascending=[True, False, True], ignore_index=True)
    places = dict(zip(findings.groups["group"].tolist(), findings.groups["place"], strict=True))
    rows["group_place"] = [places.get(group, "") for group in rows["group"].tolist()]
    groups = tuple(group for kind in (HOT, COLD) if (group := build_list_group(rows, kind, findings.hotspots)).rows)
    unit = format_unit(figures.spec, choices.measure)
    return LayerView(
        figures=figures,
        sentence=describe_hotspots(figures, findings.hotspots, choices, ward_names=ward_names, area_title=area.title),
        notes=(
            *build_coverage_notes(figures, known_only=True),
            *build_notes(findings.hotspots, all_rows),
            *findings.hotspots.notes,
        ),
        drawing=build_drawing(rows, unit),
        heading=f"Hotspots, the surest first, with their {unit.lower()}",
        groups=groups,
        nothing=findings.hotspots.refusal or NOTHING,
        make_table=lambda: build_table(rows, unit),
        make_rows=lambda: rows.assign(layer=figures.spec.name, since=format_days(rows["since"]))[
            ["layer", "cell", "ward_code", "ward_name", *COLUMNS]
        ],
    )


def describe_hotspots(
    figures: LayerFigures, hotspot_map: HotspotMap, choices: Choices, *, ward_names: Sequence[str], area_title: str
) -> str:
    """How many places stand out, how many of these are expected to be false at most, and whether they may not last."""
    spec = figures.spec
    if not hotspot_map.total or figures.state == "not known":
        subject = describe_subject(figures, choices, ward_names=ward_names, area_title=area_title)
        if figures.state == "not known":
            return f"{subject}."
        return f"{subject}: there is nothing to test."
    if hotspot_map.refusal:
        return hotspot_map.refusal
    where = format_where_and_when(figures, choices, ward_names=ward_names, area_title=area_title)
    if missing := figures.freshness.describe_missing((figures.start, figures.end)):
        where = f"{where} (known days only: {missing})"
    what = f"{spec.many}{describe_columns(choices)}"
    kinds_of_cells = hotspot_map.rows["hotspot"]
    cells = int(kinds_of_cells.isin([HOT, COLD]).sum())
    hot, cold = (int(hotspot_map.rows.loc[kinds_of_cells == kind, "group"].nunique()) for kind in (HOT, COLD))
    if not cells:
        return f"No place has clearly more {what} than its surroundings in {where}."
    kinds = [_format_kind(hot, "hotspot")] * bool(hot) + [_format_kind(cold, "cold spot")] * bool(cold)
    stands = "stands" if hot + cold == 1 else "stand"
    places = format_plural(hot or cold, "place", "places")
    first = f"{places} {stands} out as {kinds[0]}" + (
        f", and {format_number(cold)} as {kinds[1]}," if kinds[1:] else ""
    )
    false = "of these is expected to be false"
    if cells > hot + cold:
        them = "It is" if hot + cold == 1 else "They are"
        size = f". {them} {format_number(cells)} cells. At most 1 in {round(1 / hotspot_map.q)} {false}"
    else:
        size = f" (at most 1 in {round(1 / hotspot_map.q)} {false})"
    caution = f" {hotspot_map.caution}." if hotspot_map.caution else ""
    return f"{first} of {what} in {where}{size}.{caution}"


def _format_kind(number: int, kind: str) -> str:
    return f"a {kind}" if number == 1 else f"{kind}s"


def build_notes(hotspot_map: HotspotMap, rows: pd.DataFrame) -> list[str]:
    """Whether the places form groups and what was tested, or that there are too few events to say."""
    groups = rows.loc[rows["group"] >= 0, "group"].nunique()
    notes = []
    if groups and groups < int((rows["group"] >= 0).sum()):
        notes.append("Cells that touch are one place, named by those that hold most of it.")
    if groups and (tested_cells := int(rows["expected"].notna().sum())):
        alone = "alone, and " if hotspot_map.method == "concentration" else ""
        number = format_plural(tested_cells, "cell was", "cells were")
        notes.append(f"{number} tested, each {alone}together with those that touch it.")
    if not groups and hotspot_map.total and not hotspot_map.refusal and is_too_quiet(hotspot_map):
        notes.append("Too few events to say: even a place with six times the average might not stand out.")
    return notes


def build_list_group(rows: pd.DataFrame, kind: str, hotspot_map: HotspotMap) -> ListGroup:
    """The groups of touching hot (or cold) cells, each by its busiest cell; `rows` the surest first."""
    numbers = rows.loc[rows["hotspot"] == kind, "group"].drop_duplicates()
    cells = rows[rows["group"].isin(numbers)].sort_values("count", ascending=False, kind="stable")
    groups = cells.groupby("group")
    sizes, sums = groups.size(), groups["count"].sum()
    firsts = groups.head(1).set_index("group", drop=False).loc[numbers]
    largest = float(sums.max()) if len(sums) else 1.0
    items = [
        ListRow(
            cell=str(row["cell"]),
            rank=rank,
            place=str(row["group_place"]),
            number=format_about(sums[row["group"]]),
            share=float(sums[row["group"]]) / (largest or 1.0),
            detail=_format_detail(int(sizes[row["group"]]), row, hotspot_map),
        )
        for rank, row in enumerate(firsts.head(MOST_LISTED).to_dict("records"), start=1)
    ]
    return ListGroup("Hotspots" if kind == HOT else "Cold spots", tuple(items))


def _format_detail(size: int, row: dict[Hashable, Any], hotspot_map: HotspotMap) -> str:
    """As in "4 cells; the busiest: 3.2 times its surroundings, on 11 of 28 days. It grew busier about 14 Sep 2026."."""
    cells = f"{format_number(size)} cells; the busiest: " if size > 1 else ""
    if row["hotspot"] == HOT:
        return cells + describe_kind(hotspot_map, row)
    return f"{cells}{format_about(row['neighbourhood'])}, where the surroundings have {format_about(row['expected'])}"


def build_drawing(rows: pd.DataFrame, unit: str) -> Drawing:
    """Hot cells, cold cells and the others, each by its colour and its outline."""
    kinds = rows["hotspot"].to_numpy()
    return Drawing(
        parse_cells(rows["cell"].tolist()),
        classify_hotspots(kinds),
        build_hotspot_style(kinds, unit),
        outlined=kinds == HOT,
        dashed=kinds == COLD,
    )


def build_table(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """The map as a table, the surest first."""
    table = rows.rename(columns=TITLES | {"count": unit, "place": "Place", "ward_name": "Ward", "cell": "Cell"})
    table["Hotspot"] = table["Hotspot"].replace({"": "not significant"})
    table["Since"] = [format_date(day) if isinstance(day, date) else "" for day in table["Since"]]
    table["Rank"] = np.arange(1, len(table) + 1)
    return table[["Rank", "Place", "Ward", unit, *TITLES.values(), "Cell"]]


def describe_group(findings: Findings, cell: str) -> str:
    """The group that a cell belongs to, by its name; "" if it belongs to none, or is one by itself.

    As in "It is part of the hotspot Linthorpe Road and Southfield Road (Central): 5 cells with 31 needle finds."
    """
    rows = findings.hotspots.rows
    group = findings.groups[findings.groups["group"].isin(rows.loc[rows["cell"] == cell, "group"].dropna())]
    if group.empty or int(group["cells"].iloc[0]) == 1:
        return ""
    row = group.iloc[0]
    kind = "cold spot" if row["hotspot"] == COLD else "hotspot"
    number = format_count(float(row["count"]), findings.hotspots.spec, findings.hotspots.measure)
    return f"It is part of the {kind} {format_in_sentence(row['place'])}: {row['cells']} cells with {number}."
