"""The view of emerging hotspots: a map by pattern, the number of places with each pattern, and its meaning."""

from typing import Final

import numpy as np
import pandas as pd

from geo.emerging_hotspots import Pattern
from hexbeat.analysis.emerging_map import PATTERN_DEFINITIONS, EmergingMap
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import add_place_names, name_cell
from hexbeat.dashboard.map.hex_layer import CellStyle
from hexbeat.dashboard.views.card import render_place_heading
from hexbeat.dashboard.views.layer_view import Drawing, add_ward_names
from hexbeat.documents.maps.scales import Scale
from layers.wording import escape_html, format_about, format_list, format_number, format_p, format_plural, format_span

__all__ = [
    "build_emerging_drawing",
    "build_emerging_rows",
    "build_emerging_table",
    "describe_emerging",
    "render_emerging_card",
    "render_patterns",
]

KINDS: Final = {1: "hot", 0: "", -1: "cold"}
SIGNIFICANCE: Final = 0.05
NONE: Final = str(Pattern.NONE)
TOO_FEW: Final = str(Pattern.TOO_FEW)
# Hot patterns are warm, cold ones blue or green. The names are in the legend, the tooltip and the table, so that nobody
# needs the colours to distinguish them. The same on a light and a dark background.
COLOURS: Final = {
    "new": "#e6a817",
    "consecutive": "#d9762a",
    "intensifying": "#7a1f12",
    "persistent": "#b9480e",
    "diminishing": "#e7a08a",
    "sporadic": "#c9567d",
    "oscillating": "#8d3a8f",
    "historical": "#a08a5b",
    "new cold": "#6fc3d9",
    "consecutive cold": "#3f9d8f",
    "intensifying cold": "#17456e",
    "persistent cold": "#3f78b5",
    "diminishing cold": "#a9cbe6",
    "sporadic cold": "#4c8f5b",
    "oscillating cold": "#7f86c9",
    "historical cold": "#8aa3a8",
}
OTHER_COLOURS: Final = {NONE: ("#e3e6e9", "#343c45"), TOO_FEW: ("#f4f5f6", "#232931")}
ORDER: Final = (*COLOURS, NONE, TOO_FEW)


def build_emerging_rows(emerging_map: EmergingMap, area: Area) -> pd.DataFrame:
    """The cells with events or a pattern, by pattern, then by count; none if the period is too short for bins."""
    rows = emerging_map.rows[(emerging_map.rows["count"] > 0) | ~emerging_map.rows["pattern"].isin((NONE, TOO_FEW))]
    if emerging_map.bins is None or rows.empty:
        return emerging_map.rows.iloc[:0]
    named_rows = add_ward_names(rows, area)
    rank = {pattern: place for place, pattern in enumerate(ORDER)}
    order = named_rows.assign(kind=named_rows["pattern"].map(rank)).sort_values(
        ["kind", "count", "cell"], ascending=[True, False, True], ignore_index=True
    )
    return order.drop(columns="kind")


def describe_emerging(emerging_map: EmergingMap, rows: pd.DataFrame, *, place: str) -> str:
    """How many places have each pattern, and how many have too few events to say."""
    if emerging_map.bins is None:
        return f"The period is too short for patterns over time of {emerging_map.spec.many} in {place}."
    counts = rows["pattern"].value_counts()
    kinds = [f"{format_number(int(counts[pattern]))} {pattern}" for pattern in COLOURS if pattern in counts]
    too_few, without_pattern = (format_number(int(counts.get(pattern, 0))) for pattern in (TOO_FEW, NONE))
    if not kinds:
        return (
            f"No place has a significant trend over time of {emerging_map.spec.many} in {place}: "
            f"{too_few} have too few events to say, {without_pattern} have no significant trend."
        )
    total = format_plural(int(counts.reindex(list(COLOURS)).sum()), "place has", "places have")
    kind_list = format_list(kinds)
    rest = f"{too_few} have too few events to say, {without_pattern} have no significant trend."
    return f"{total} a pattern over time of {emerging_map.spec.many} in {place}: {kind_list}. {rest}"


def build_emerging_drawing(rows: pd.DataFrame, unit: str) -> Drawing:
    """The map: a colour for each pattern that occurs, hatched for too few events to say."""
    present = [pattern for pattern in ORDER if (rows["pattern"] == pattern).any()] or [TOO_FEW]
    counts = rows["pattern"].value_counts()
    code = {pattern: float(place) for place, pattern in enumerate(present)}
    return Drawing(
        parse_cells(rows["cell"].tolist()),
        np.array([code[str(pattern)] for pattern in rows["pattern"]], dtype=np.float64),
        CellStyle(
            scale=Scale(
                breaks=tuple(code.values()),
                light=tuple(COLOURS.get(pattern) or OTHER_COLOURS[pattern][0] for pattern in present),
                dark=tuple(COLOURS.get(pattern) or OTHER_COLOURS[pattern][1] for pattern in present),
                labels=tuple(f"{pattern}: {format_number(int(counts.get(pattern, 0)))}" for pattern in present),
            ),
            title=f"{unit}: over time",
            unit=unit,
            names=tuple(present),
            swatches=tuple("hatched" if pattern == TOO_FEW else "" for pattern in present),
        ),
    )


def build_emerging_table(rows: pd.DataFrame, area: Area) -> pd.DataFrame:
    """The map as a table."""
    return pd.DataFrame(
        {
            "Place": add_place_names(rows, area)["place"],
            "Pattern": rows["pattern"],
            "Count": rows["count"],
            "Times hot": rows["hot_bins"],
            "Times cold": rows["cold_bins"],
            "Trend z": [f"{z:.2f}" for z in rows["trend_z"].astype(float)],
            "Trend p": [format_p(p) for p in rows["trend_p"].astype(float)],
            "Cell": rows["cell"],
        }
    )


def render_patterns(rows: pd.DataFrame) -> str:
    """Each pattern with its definition and its number of places; cold patterns only if they occur."""
    counts = rows["pattern"].value_counts()
    patterns = [pattern for pattern in ORDER if pattern in counts or not pattern.endswith(" cold")]
    lines = "".join(
        f'<tr><th scope="row">{escape_html(pattern)}</th>'
        f'<td class="hb-number">{format_number(int(counts.get(pattern, 0)))}</td>'
        f"<td>{escape_html(PATTERN_DEFINITIONS[pattern])}</td></tr>"
        for pattern in patterns
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="What the patterns mean"><table class="hb-plain">'
        '<thead><tr><th scope="col">Pattern</th><th scope="col" class="hb-number">Places</th>'
        f'<th scope="col">What it means</th></tr></thead><tbody>{lines}</tbody></table></div>'
        '<p class="hb-small">Cold spots mirror these: significantly few instead of many. A period here is one of the '
        "spans that the chosen time was cut into.</p>"
    )


def render_emerging_card(emerging_map: EmergingMap, rows: pd.DataFrame, cell: str, area: Area) -> str:
    """The card of one cell: its pattern, what that means, and the number of each period, the newest first."""
    row = rows[rows["cell"] == cell].iloc[0]
    place = int(emerging_map.rows.index[emerging_map.rows["cell"] == cell][0])
    periods = emerging_map.bins.periods if emerging_map.bins else ()
    largest = float(emerging_map.counts[:, place].max()) or 1.0
    lines = "".join(
        f'<tr><th scope="row">{escape_html(format_span(*period))}</th>'
        f'<td class="hb-number">{format_about(count)}</td>'
        f'<td><i class="hb-bar" style="width:{count / largest * 100:.0f}%"></i></td>'
        f"<td>{KINDS[int(kind)]}</td></tr>"
        for period, count, kind in zip(
            reversed(periods), emerging_map.counts[::-1, place], emerging_map.kind[::-1, place], strict=True
        )
    )
    trend = "no clear trend" if row["trend_p"] >= SIGNIFICANCE else "rising" if row["trend_z"] > 0 else "falling"
    return (
        f'<div class="hb-card" aria-live="polite">{render_place_heading(name_cell(cell, area))}'
        f'<p class="hb-why">{escape_html(row["pattern"].capitalize())}: {escape_html(row["definition"])}</p>'
        f'<p class="hb-small">Against the rest of the map: {trend}.</p>'
        '<div class="hb-scroll hb-series" tabindex="0" role="region" aria-label="Period by period">'
        f'<table class="hb-plain hb-narrow"><thead><tr><th scope="col">Period</th><th scope="col" class="hb-number">'
        f'Number</th><th scope="col"><span class="hb-sr">Bar</span></th><th scope="col">Judged</th></tr></thead>'
        f"<tbody>{lines}</tbody></table></div></div>"
    )
