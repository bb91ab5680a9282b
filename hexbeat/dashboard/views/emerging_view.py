"""Emerging hotspots on the screen: a map by category, how many places are of each, and what each means."""

from typing import Final

import numpy as np
import pandas as pd

from geo.emerging_hotspots import Pattern
from hexbeat.analysis.emerging_map import PATTERN_WORDS, EmergingMap
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import format_cell_code, format_place, parse_cells
from hexbeat.dashboard.map.hex_layer import CellStyle
from hexbeat.dashboard.views.layer_view import Drawing, add_ward_names
from hexbeat.documents.maps.scales import Scale
from layers.wording import escape_html, format_list, format_number, format_plural, format_span

__all__ = [
    "build_emerging_drawing",
    "build_emerging_rows",
    "build_emerging_table",
    "describe_emerging",
    "render_emerging_card",
    "render_patterns",
]

KINDS: Final = {1: "hot", 0: "", -1: "cold"}
LEVEL: Final = 0.05
NONE: Final = str(Pattern.NONE)
TOO_FEW: Final = str(Pattern.TOO_FEW)
# Hot patterns are warm, cold ones blue or green; the names are in the legend, under the pointer and in the table, so
# that no colour is needed to tell them apart. The same on either ground.
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
QUIET: Final = {NONE: ("#e3e6e9", "#343c45"), TOO_FEW: ("#f4f5f6", "#232931")}
ORDER: Final = (*COLOURS, NONE, TOO_FEW)


def build_emerging_rows(found: EmergingMap, area: Area) -> pd.DataFrame:
    """The cells that hold anything, in the order of the patterns, then by count; none without room for bins."""
    rows = found.rows[(found.rows["count"] > 0) | ~found.rows["pattern"].isin((NONE, TOO_FEW))]
    if found.bins is None or rows.empty:
        return found.rows.iloc[:0]
    placed = add_ward_names(rows, area)
    rank = {pattern: place for place, pattern in enumerate(ORDER)}
    order = placed.assign(kind=placed["pattern"].map(rank)).sort_values(
        ["kind", "count", "cell"], ascending=[True, False, True], ignore_index=True
    )
    return order.drop(columns="kind")


def describe_emerging(found: EmergingMap, rows: pd.DataFrame, *, place: str) -> str:
    """How many places are of each pattern, and of how many too little is known."""
    if found.bins is None:
        return f"The period is too short for patterns over time of {found.spec.many} in {place}."
    counts = rows["pattern"].value_counts()
    named = [f"{format_number(int(counts[one]))} {one}" for one in COLOURS if one in counts]
    few, none = (format_number(int(counts.get(one, 0))) for one in (TOO_FEW, NONE))
    if not named:
        return (
            f"No place has a pattern over time of {found.spec.many} in {place}: {few} of those that hold any have too "
            f"few to tell, {none} fit none."
        )
    total = format_plural(int(counts.reindex(list(COLOURS)).sum()), "place has", "places have")
    kinds = format_list(named)
    rest = f"{few} have too few to tell, {none} fit none."
    return f"{total} a pattern over time of {found.spec.many} in {place}: {kinds}. {rest}"


def build_emerging_drawing(rows: pd.DataFrame, unit: str) -> Drawing:
    """The map: a colour for each pattern that there is, hatched where too few happened to tell."""
    present = [pattern for pattern in ORDER if (rows["pattern"] == pattern).any()] or [TOO_FEW]
    counts = rows["pattern"].value_counts()
    code = {pattern: float(place) for place, pattern in enumerate(present)}
    return Drawing(
        parse_cells(rows["cell"].tolist()),
        np.array([code[str(one)] for one in rows["pattern"]], dtype=np.float64),
        CellStyle(
            scale=Scale(
                breaks=tuple(code.values()),
                light=tuple(COLOURS.get(one) or QUIET[one][0] for one in present),
                dark=tuple(COLOURS.get(one) or QUIET[one][1] for one in present),
                labels=tuple(f"{one}: {format_number(int(counts.get(one, 0)))}" for one in present),
            ),
            title=f"{unit}: over time",
            unit=unit,
            names=tuple(present),
            swatches=tuple("hatched" if one == TOO_FEW else "" for one in present),
        ),
    )


def build_emerging_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The map as a table."""
    return pd.DataFrame(
        {
            "Place": [format_place(name, cell) for name, cell in zip(rows["ward_name"], rows["cell"], strict=True)],
            "Pattern": rows["pattern"],
            "Count": rows["count"],
            "Times hot": rows["hot_bins"],
            "Times cold": rows["cold_bins"],
            "Trend z": rows["trend_z"].astype(float),
            "Trend p": rows["trend_p"].astype(float),
            "Cell": rows["cell"],
        }
    )


def render_patterns(rows: pd.DataFrame) -> str:
    """Each pattern with its definition and how many places are of it; cold ones only where there are any."""
    counts = rows["pattern"].value_counts()
    shown = [one for one in ORDER if one in counts or not one.endswith(" cold")]
    lines = "".join(
        f'<tr><th scope="row">{escape_html(one)}</th>'
        f'<td class="hb-number">{format_number(int(counts.get(one, 0)))}</td>'
        f"<td>{escape_html(PATTERN_WORDS[one])}</td></tr>"
        for one in shown
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="What the patterns mean"><table class="hb-plain">'
        '<thead><tr><th scope="col">Pattern</th><th scope="col" class="hb-number">Places</th>'
        f'<th scope="col">What it means</th></tr></thead><tbody>{lines}</tbody></table></div>'
        '<p class="hb-small">Cold spots mirror these: significantly few instead of many. A period here is one of the '
        "spans that the chosen time was cut into.</p>"
    )


def render_emerging_card(found: EmergingMap, rows: pd.DataFrame, cell: str) -> str:
    """What became of one cell: its pattern, what that means, and each period's number, the newest first."""
    row = rows[rows["cell"] == cell].iloc[0]
    place = int(found.rows.index[found.rows["cell"] == cell][0])
    periods = found.bins.periods if found.bins else ()
    largest = float(found.counts[:, place].max()) or 1.0
    lines = "".join(
        f'<tr><th scope="row">{escape_html(format_span(*period))}</th>'
        f'<td class="hb-number">{format_number(count)}</td>'
        f'<td><i class="hb-bar" style="width:{count / largest * 100:.0f}%"></i></td>'
        f"<td>{KINDS[int(kind)]}</td></tr>"
        for period, count, kind in zip(
            reversed(periods), found.counts[::-1, place], found.kind[::-1, place], strict=True
        )
    )
    trend = "no clear trend" if row["trend_p"] >= LEVEL else "rising" if row["trend_z"] > 0 else "falling"
    return (
        f'<div class="hb-card" aria-live="polite"><h2>{escape_html(row["ward_name"])} '
        f"<span>near {escape_html(format_cell_code(cell))}</span></h2>"
        f'<p class="hb-why">{escape_html(row["pattern"].capitalize())}: {escape_html(row["definition"])}</p>'
        f'<p class="hb-small">Against the rest of the map: {trend}.</p>'
        '<div class="hb-scroll hb-series" tabindex="0" role="region" aria-label="Period by period">'
        f'<table class="hb-plain hb-narrow"><thead><tr><th scope="col">Period</th><th scope="col" class="hb-number">'
        f'Number</th><th scope="col"><span class="hb-sr">Bar</span></th><th scope="col">Judged</th></tr></thead>'
        f"<tbody>{lines}</tbody></table></div></div>"
    )
