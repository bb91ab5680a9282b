"""The view of expected events: the forecast of next week, by the method that back-testing selected."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from hexbeat.analysis.forecast import Forecast
from hexbeat.analysis.method_comparison import AREA, DECIDING_SHARE, SHARES
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import add_place_names
from hexbeat.dashboard.map.hex_layer import CellStyle
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.views.counts_view import MOST_LISTED
from hexbeat.dashboard.views.layer_view import Drawing, LayerView, ListGroup, ListRow, add_ward_names
from hexbeat.dashboard.views.sentence import format_places
from hexbeat.documents.maps.scales import build_forecast_scale
from layers.encounters import OFFICERS_NOTE
from layers.filters import COLUMN_FILTERS
from layers.wording import (
    format_about,
    format_cell_width,
    format_date,
    format_expected,
    format_list,
    format_percent,
    format_plural,
)

__all__ = ["build_empty_forecast_view", "build_forecast_view", "describe_cell_forecast"]

TOO_FEW: Final = "There are too few weeks of records to select a forecast, so there is none. Counts shows the numbers."
TOO_SMALL: Final = (
    "These cells are too small for the back-test in so large an area, or smaller than the records know. Choose larger "
    "ones."
)
STATE: Final = (
    "These are in force for months, so there are no events of next week to forecast. Counts and Change show them."
)
BEYOND: Final = len(SHARES)
MOST_NAMED: Final = 3  # places that the sentence names; the list has more
NUMBERS: Final = ("expected", "score", "within_share_of_area", "last_4_weeks", "on_record")


def name_bands(whole: str) -> tuple[str, ...]:
    """The bands in words: "first 2 % of the area", or of the points."""
    return tuple(f"first {format_percent(share)} of {whole}" for share in SHARES)


def build_forecast_view(
    figures: LayerFigures, forecast: Forecast, choices: Choices, *, area: Area, ward_names: Sequence[str]
) -> LayerView:
    """One layer's forecast: the cells of the first 5 % of the area, in the order in which to look."""
    first = forecast.rows[(forecast.rows["band"] < BEYOND) & (forecast.rows["score"] > 0)]
    rows = add_ward_names(first, area)
    return LayerView(
        figures=figures,
        sentence=describe_forecast(
            forecast,
            rows,
            place=format_places(ward_names, area.title),
            part=bool(choices.wards),
            first=add_place_names(rows.head(MOST_NAMED), area)["place"].tolist(),
        ),
        notes=(*build_notes(forecast, choices), *forecast.notes),
        drawing=build_drawing(rows, figures.spec.title, forecast.whole),
        heading="Look here first: how many are expected",
        groups=(ListGroup(figures.spec.title, tuple(build_list_rows(rows, area))),) if len(rows) else (),
        nothing=f"No {figures.spec.many} are on record here, so none are expected.",
        make_table=lambda: build_table(add_place_names(rows, area), forecast.whole),
        make_rows=lambda: rows.assign(
            layer=figures.spec.name,
            within_share_of_area=np.array(SHARES)[rows["band"].to_numpy(dtype=np.intp)],
            last_4_weeks=rows["last_weeks"],
        )[["layer", "cell", "ward_code", "ward_name", *NUMBERS]],
        period=(forecast.start, forecast.end),
    )


def build_empty_forecast_view(figures: LayerFigures, *, has_selection: bool) -> LayerView:
    """The view of a layer without a forecast, and why; `has_selection`: it has one for cells of another size."""
    reason = STATE if figures.spec.kind == "state" else TOO_SMALL if has_selection else TOO_FEW
    empty = pd.DataFrame({"cell": [], "ward_code": [], "ward_name": [], "place": []}, dtype=object).assign(
        expected=0.0, score=0.0, band=0, last_weeks=0.0, on_record=0.0
    )
    return LayerView(
        figures=figures,
        sentence=f"{figures.spec.title}: no forecast. {reason}",
        notes=(),
        drawing=build_drawing(empty, figures.spec.title),
        heading="Look here first",
        groups=(),
        nothing=reason,
        make_table=lambda: build_table(empty),
        make_rows=lambda: empty[["cell", "ward_code", "ward_name", "expected"]].assign(layer=figures.spec.name),
    )


def describe_forecast(
    forecast: Forecast, rows: pd.DataFrame, *, place: str, part: bool, first: Sequence[str] = ()
) -> str:
    """Where to look first (the names `first`), how many events are expected, and what share such places held.

    `part`: some wards only. Of searches by officers it first says that they are.
    """
    sentences = _describe_expected(forecast, rows, place=place, part=part, names=first)
    return f"{OFFICERS_NOTE} {sentences}" if forecast.searches else sentences


def _describe_expected(forecast: Forecast, rows: pd.DataFrame, *, place: str, part: bool, names: Sequence[str]) -> str:
    when = f"In the 7 days from {format_date(forecast.start)}"
    if rows.empty and forecast.months:
        return f"{forecast.months}. No {forecast.spec.many} are on record in {place}."
    if rows.empty:
        return f"{when} no {forecast.spec.many} are expected in {place}, because none are on record there."
    share = format_percent(DECIDING_SHARE)
    is_area = forecast.whole == AREA
    where = ("these wards" if part else AREA) if is_area else "their points" if part else forecast.whole
    names = list(dict.fromkeys(name.partition(" · ")[0] for name in names))  # the list has the codes
    names = [name[:1].lower() + name[1:] if name.startswith("Near ") else name for name in names]
    names = names or [f"the busiest {share} of {where}"]
    first = f"Look first {'' if names[0].startswith('near ') else 'at '}{_join_names(names)}."
    if forecast.months:
        number = format_about(forecast.expected)
        return f"{forecast.months}: {number} in 7 days in {place}. {first} How well they rank places is not known."
    everywhere = ("the whole area" if part else AREA) if is_area else "all points" if part else forecast.whole
    past_share = (
        f"The first {share} of {everywhere} held {format_percent(forecast.winner.hit_rate)} of {forecast.spec.many} "
        f"in the last {forecast.winner.weeks} weeks."
    )
    if np.isnan(forecast.expected):
        return f"{when}: {first[:1].lower()}{first[1:]} {past_share}"
    number = format_expected(forecast.expected)
    thing, verb = (forecast.spec.one, "is") if number.endswith(" 1") else (forecast.spec.many, "are")
    return f"{first} {past_share} {when}, {number} {thing} {verb} expected in {place}."


def _join_names(names: Sequence[str]) -> str:
    """Names that may have commas of their own, as a list: "A, near B (C); D (E); and F"."""
    return format_list(names) if len(names) < 3 else f"{'; '.join(names[:-1])}; and {names[-1]}"  # noqa: PLR2004 - "A and B"


def build_notes(forecast: Forecast, choices: Choices) -> list[str]:
    """The method, and the filters that do not apply."""
    notes = [forecast.winner.sentence]
    if choices.size:
        across = format_cell_width(forecast.winner.resolution)
        notes.append(f"Cells are {across} across, as chosen. The method is the best one for them.")
    ignored = [
        topic
        for topic, is_set in (
            ("weekdays", choices.days),
            ("hours", choices.clock()),
            *((column_filter.topic, column_filter.get_chosen(choices)) for column_filter in COLUMN_FILTERS),
            ("the count of items", choices.measure == "quantity"),
        )
        if is_set
    ]
    also_ignored = f", nor do {format_list(ignored)}" if ignored else ""
    unit = "month" if forecast.months else "week"
    notes.append(f"Every recorded {unit} counts. The chosen period does not apply{also_ignored}.")
    return notes


def build_list_rows(rows: pd.DataFrame, area: Area) -> list[ListRow]:
    """The cells to look at first, with bars up to the largest score."""
    top = add_place_names(rows.head(MOST_LISTED), area)
    largest = float(top["score"].max()) if len(top) else 1.0
    return [
        ListRow(
            cell=str(row["cell"]),
            rank=rank,
            place=str(row["place"]),
            number=_format_expected(row["expected"], row["score"]),
            share=float(row["score"]) / (largest or 1.0),
            detail=_format_past(row["last_weeks"], row["on_record"]),
        )
        for rank, row in enumerate(top.to_dict("records"), start=1)
    ]


def _format_past(last_weeks: float, on_record: float) -> str:
    """As in "3 in the last 4 weeks, 61 on record"; records known only to their month have no weeks."""
    recent = "" if np.isnan(last_weeks) else f"{format_about(last_weeks)} in the last 4 weeks, "
    return f"{recent}{format_about(on_record)} on record"


def _format_expected(expected: float, score: float) -> str:
    """The number expected in the week; the score z if the method only ranks."""
    return f"z {score:.1f}" if np.isnan(expected) else format_expected(expected)


def describe_cell_forecast(forecast: Forecast, cell: str) -> str:
    """What is expected in one cell, and its rank; "" for a cell outside the area."""
    places = np.flatnonzero(forecast.rows["cell"].to_numpy() == cell)
    if not len(places):
        return ""
    row = forecast.rows.iloc[int(places[0])]
    rank = f"among the busiest {max(1, math.ceil(100 * (int(places[0]) + 1) / len(forecast.rows)))} % of places"
    past = _format_past(row["last_weeks"], row["on_record"])
    if forecast.months:
        return f"{forecast.months}: this is {rank} ({past})."
    if np.isnan(row["expected"]):
        return f"For the 7 days from {format_date(forecast.start)} this is {rank} ({past})."
    number = format_expected(float(row["expected"]))
    return (
        f"{number[:1].upper()}{number[1:]} expected in the 7 days from {format_date(forecast.start)}: {rank} ({past})."
    )


def build_drawing(rows: pd.DataFrame, unit: str, whole: str = AREA) -> Drawing:
    """Three bands of the area, the first with the strongest colour, with their numbers of places."""
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
            names=name_bands(whole)[::-1],
        ),
    )


def _format_band(band: int) -> str:
    """As in "first 1 %", "up to 2 %"; the legend's title says of what."""
    return f"{'up to' if band else 'first'} {format_percent(SHARES[band])}"


def build_table(rows: pd.DataFrame, whole: str = AREA) -> pd.DataFrame:
    """The map as a table, in the order in which to look."""
    bands = name_bands(whole)
    return pd.DataFrame(
        {
            "Rank": np.arange(1, len(rows) + 1),
            "Place": rows["place"],
            "Ward": rows["ward_name"],
            "Expected in the week": rows["expected"],
            "Within": [bands[int(band)] for band in rows["band"]],
            "Last 4 weeks": rows["last_weeks"],
            "On record": rows["on_record"],
            "Cell": rows["cell"],
        }
    )
