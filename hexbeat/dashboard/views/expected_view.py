"""The view of expected events: where the next week's are expected, by the method that was right most often."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from hexbeat.analysis.backtest import DECIDING_SHARE, SHARES
from hexbeat.analysis.forecast import Forecast
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import format_place, parse_cells
from hexbeat.dashboard.map.hex_layer import CellStyle
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.views.counts_view import MOST_LISTED
from hexbeat.dashboard.views.layer_view import Drawing, LayerView, ListGroup, ListRow, add_ward_names
from hexbeat.dashboard.views.sentence import format_places
from hexbeat.documents.maps.scales import build_forecast_scale
from layers.filters import COLUMN_FILTERS
from layers.wording import (
    format_cell_width,
    format_count,
    format_date,
    format_list,
    format_number,
    format_percent,
    format_plural,
)

__all__ = ["build_empty_forecast_view", "build_forecast_view", "describe_cell_forecast"]

TOO_FEW: Final = "There are too few weeks of records to select a forecast, so there is none. Counts shows the numbers."
TOO_SMALL: Final = "These cells are too small for the back-test in so large an area. Choose larger ones."
STATE: Final = (
    "These are in force for months, so there are no events of next week to forecast. Counts and Change show them."
)
BEYOND: Final = len(SHARES)
BANDS: Final = tuple(f"first {format_percent(share)} of the area" for share in SHARES)
NUMBERS: Final = ("expected", "score", "within_share_of_area", "last_4_weeks", "on_record")


def build_forecast_view(
    figures: LayerFigures, found: Forecast, choices: Choices, *, area: Area, ward_names: Sequence[str]
) -> LayerView:
    """One layer's next week: the cells of the first 5 % of the area, in the order in which to look."""
    first = found.rows[(found.rows["band"] < BEYOND) & (found.rows["score"] > 0)]
    rows = add_ward_names(first, area)
    return LayerView(
        figures=figures,
        sentence=describe_forecast(found, rows, place=format_places(ward_names, area.title), part=bool(choices.wards)),
        notes=(*build_notes(found, choices), *found.notes),
        drawing=build_drawing(rows, figures.spec.title),
        heading="Look here first",
        groups=(ListGroup(figures.spec.title, tuple(build_list_rows(rows))),) if len(rows) else (),
        nothing=f"No {figures.spec.many} are on record here, so none are expected.",
        table=build_table(rows),
        rows=rows.assign(
            layer=figures.spec.name,
            within_share_of_area=np.array(SHARES)[rows["band"].to_numpy(dtype=np.intp)],
            last_4_weeks=rows["last_weeks"],
        )[["layer", "cell", "ward_code", "ward_name", *NUMBERS]],
        period=(found.start, found.end),
    )


def build_empty_forecast_view(figures: LayerFigures, *, judged: bool) -> LayerView:
    """The view of a layer of which nothing can be foretold, and why; `judged`: it is, with cells of other sizes."""
    said = STATE if figures.spec.kind == "state" else TOO_SMALL if judged else TOO_FEW
    empty = pd.DataFrame({"cell": [], "ward_code": [], "ward_name": []}, dtype=object).assign(
        expected=0.0, score=0.0, band=0, last_weeks=0.0, on_record=0.0
    )
    return LayerView(
        figures=figures,
        sentence=f"{figures.spec.title}: no forecast. {said}",
        notes=(),
        drawing=build_drawing(empty, figures.spec.title),
        heading="Look here first",
        groups=(),
        nothing=said,
        table=build_table(empty),
        rows=empty[["cell", "ward_code", "ward_name", "expected"]].assign(layer=figures.spec.name),
    )


def describe_forecast(found: Forecast, rows: pd.DataFrame, *, place: str, part: bool) -> str:
    """How many are expected, and how much of the area would hold how many of them; `part`: of some wards only."""
    when = f"In the 7 days from {format_date(found.start)}"
    if rows.empty:
        return f"{when} no {found.spec.many} are expected in {place}, because none are on record there."
    share = format_percent(DECIDING_SHARE)
    places = format_plural(int((rows["band"] <= SHARES.index(DECIDING_SHARE)).sum()), "place", "places")
    first = f"Look first at the darkest {places}, {share} of {'these wards' if part else 'the area'}."
    held = (
        f"In the last {found.winner.weeks} weeks, the darkest {share} of {'the whole area' if part else 'the area'} "
        f"held {format_percent(found.winner.hit_rate)} of {found.spec.many}."
    )
    if np.isnan(found.expected):
        return f"{when}: {first[:1].lower()}{first[1:]} {held}"
    number = format_count(round(found.expected) if found.expected >= 1 else found.expected, found.spec)
    verb = "is" if number.startswith("1 ") else "are"
    return f"{when}, {number} {verb} expected in {place}. {first} {held}"


def build_notes(found: Forecast, choices: Choices) -> list[str]:
    """Which method this is, and which of the filters do not apply."""
    said = [found.winner.sentence]
    if choices.size:
        across = format_cell_width(found.winner.resolution)
        said.append(f"Cells are {across} across, as chosen. The method is the best one for them.")
    ignored = [
        words
        for words, chosen in (
            ("weekdays", choices.days),
            ("hours", choices.clock()),
            *((one.topic, one.get_chosen(choices)) for one in COLUMN_FILTERS),
            ("the count of items", choices.measure == "quantity"),
        )
        if chosen
    ]
    also = f", nor do {format_list(ignored)}" if ignored else ""
    said.append(f"Every recorded week counts. The chosen period does not apply{also}.")
    return said


def build_list_rows(rows: pd.DataFrame) -> list[ListRow]:
    """The cells to look at first, with bars up to the greatest expectation."""
    top = rows.head(MOST_LISTED)
    largest = float(top["score"].max()) if len(top) else 1.0
    return [
        ListRow(
            cell=str(row["cell"]),
            rank=rank,
            ward=str(row["ward_name"]),
            number=_format_expected(row["expected"], row["score"]),
            share=float(row["score"]) / (largest or 1.0),
            detail=f"{format_number(row['last_weeks'])} in the last 4 weeks, "
            f"{format_number(row['on_record'])} on record",
        )
        for rank, row in enumerate(top.to_dict("records"), start=1)
    ]


def _format_expected(expected: float, score: float) -> str:
    """The number expected in the week; z where the method only ranks."""
    return f"z {score:.1f}" if np.isnan(expected) else format_week_events(expected)


def format_week_events(expected: float) -> str:
    """Events expected in a week, with two digits where they are few."""
    return f"{expected:.2f}" if 0.005 <= expected < 1 else format_number(expected)  # noqa: PLR2004 - two decimals


def describe_cell_forecast(found: Forecast, cell: str) -> str:
    """What is expected in one cell, and when it is looked at; nothing for a cell elsewhere."""
    places = np.flatnonzero(found.rows["cell"].to_numpy() == cell)
    if not len(places):
        return ""
    row = found.rows.iloc[int(places[0])]
    rank = f"among the busiest {max(1, math.ceil(100 * (int(places[0]) + 1) / len(found.rows)))} % of places"
    past = f"{format_number(row['last_weeks'])} in the last 4 weeks, {format_number(row['on_record'])} on record"
    if np.isnan(row["expected"]):
        return f"For the 7 days from {format_date(found.start)} this is {rank} ({past})."
    number = format_week_events(float(row["expected"]))
    return f"{number} expected in the 7 days from {format_date(found.start)}: {rank} ({past})."


def build_drawing(rows: pd.DataFrame, unit: str) -> Drawing:
    """Three bands of the area, the first darkest, with their numbers of places."""
    bands = rows["band"].to_numpy(dtype=np.float64)
    counts = [int((bands == band).sum()) for band in range(BEYOND)]
    labels = [f"{_format_band(band)}: {format_plural(number, 'place', 'places')}" for band, number in enumerate(counts)]
    return Drawing(
        parse_cells(rows["cell"].tolist()),
        BEYOND - 1 - bands,
        CellStyle(
            scale=build_forecast_scale((labels[2], labels[1], labels[0])),
            title=f"{unit}: where first",
            unit=unit,
            names=BANDS[::-1],
        ),
    )


def _format_band(band: int) -> str:
    """As in "first 1 %", "up to 2 %"; the legend's title says of what."""
    return f"{'up to' if band else 'first'} {format_percent(SHARES[band])}"


def build_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The map as a table, in the order in which to look."""
    return pd.DataFrame(
        {
            "Rank": np.arange(1, len(rows) + 1),
            "Place": [format_place(name, cell) for name, cell in zip(rows["ward_name"], rows["cell"], strict=True)],
            "Ward": rows["ward_name"],
            "Expected in the week": rows["expected"],
            "Within": [BANDS[int(band)] for band in rows["band"]],
            "Last 4 weeks": rows["last_weeks"],
            "On record": rows["on_record"],
            "Cell": rows["cell"],
        }
    )
