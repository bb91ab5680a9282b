"""The view of expected events: where the next week's are expected, by the method that was right most often."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from dashboard.counts_view import MOST_LISTED
from dashboard.figures import LayerFigures
from dashboard.places import parse_cells, place_words
from dashboard.scales import expected_scale
from dashboard.sentence import place_list
from dashboard.state import Choices
from dashboard.views import Drawing, LayerView, Listed, ListGroup, placed_rows
from dashboard.words import date_words, list_words, number_words, percent_words, plural
from layers.analysis.backtest_figures import DECIDING_SHARE, SHARES
from layers.analysis.next_week import NextWeek
from layers.areas import Area
from layers.wording import across_words, things

__all__ = ["expected_card_words", "expected_view", "nothing_expected"]

TOO_FEW: Final = (
    "Too few weeks are on record to tell which forecast is right, so none is made. Counts shows the numbers."
)
TOO_SMALL: Final = "So small cells are too many for the back-test in so large an area: choose larger ones."
STATE: Final = "What is in force for months has no next week's events to foretell. Counts and Change show it."
BEYOND: Final = len(SHARES)
BANDS: Final = tuple(f"first {percent_words(share)} of the area" for share in SHARES)
NUMBERS: Final = ("expected", "score", "within_share_of_area", "last_4_weeks", "on_record")


def expected_view(
    figures: LayerFigures, found: NextWeek, choices: Choices, *, area: Area, ward_names: Sequence[str]
) -> LayerView:
    """One layer's next week: the cells of the first 5 % of the area, in the order in which to look."""
    first = found.rows[(found.rows["band"] < BEYOND) & (found.rows["score"] > 0)]
    rows = placed_rows(first, area)
    return LayerView(
        figures=figures,
        sentence=expected_sentence(found, rows, place=place_list(ward_names, area.title), part=bool(choices.wards)),
        notes=(*notes(found, choices), *found.notes),
        drawing=drawing(rows, figures.spec.title),
        heading="Look here first",
        groups=(ListGroup(figures.spec.title, tuple(listed(rows))),) if len(rows) else (),
        nothing=f"No {figures.spec.many} are on record here, so none are expected.",
        table=table(rows),
        rows=rows.assign(
            layer=figures.spec.name,
            within_share_of_area=np.array(SHARES)[rows["band"].to_numpy(dtype=np.intp)],
            last_4_weeks=rows["last_weeks"],
        )[["layer", "cell", "ward_code", "ward_name", *NUMBERS]],
        period=(found.start, found.end),
    )


def nothing_expected(figures: LayerFigures, *, judged: bool) -> LayerView:
    """The view of a layer of which nothing can be foretold, and why; `judged`: it is, with cells of other sizes."""
    said = STATE if figures.spec.kind == "state" else TOO_SMALL if judged else TOO_FEW
    empty = pd.DataFrame({"cell": [], "ward_code": [], "ward_name": []}, dtype=object).assign(
        expected=0.0, score=0.0, band=0, last_weeks=0.0, on_record=0.0
    )
    return LayerView(
        figures=figures,
        sentence=f"{figures.spec.title}: no forecast. {said}",
        notes=(),
        drawing=drawing(empty, figures.spec.title),
        heading="Look here first",
        groups=(),
        nothing=said,
        table=table(empty),
        rows=empty[["cell", "ward_code", "ward_name", "expected"]].assign(layer=figures.spec.name),
    )


def expected_sentence(found: NextWeek, rows: pd.DataFrame, *, place: str, part: bool) -> str:
    """How many are expected, and how much of the area would hold how many of them; `part`: of some wards only."""
    when = f"In the 7 days from {date_words(found.start)}"
    if rows.empty:
        return f"{when} no {found.spec.many} are expected in {place}, because none are on record there."
    many = int((rows["band"] <= SHARES.index(DECIDING_SHARE)).sum())
    first = f"the first {plural(many, 'place', 'places')}, {percent_words(DECIDING_SHARE)} of "
    first += "these wards" if part else "the area"
    share = percent_words(found.winner.hit_rate)
    past = f"if it goes as in the last {found.winner.weeks} weeks" + (" in the whole area" if part else "")
    if np.isnan(found.expected):
        return f"{when}, {share} of the {found.spec.many} in {place} are expected in {first}, {past}."
    number = things(round(found.expected) if found.expected >= 1 else found.expected, found.spec)
    verb = "is" if number.startswith("1 ") else "are"
    return f"{when}, {number} {verb} expected in {place}, and {share} of them in {first}, {past}."


def notes(found: NextWeek, choices: Choices) -> list[str]:
    """Which method this is, and which of the filters do not apply."""
    said = [found.winner.sentence]
    if choices.size:
        across = across_words(found.winner.resolution)
        said.append(f"Cells are {across} across, as chosen; the method is the best one for them.")
    ignored = [
        words
        for words, chosen in (
            ("weekdays", choices.days),
            ("hours", choices.clock()),
            ("who reported", choices.reported_by),
            ("the count of items", choices.measure == "quantity"),
        )
        if chosen
    ]
    also = f", nor do {list_words(ignored)}" if ignored else ""
    said.append(f"Every week on record counts: the chosen period does not apply{also}.")
    return said


def listed(rows: pd.DataFrame) -> list[Listed]:
    """The cells to look at first, with bars up to the greatest expectation."""
    top = rows.head(MOST_LISTED)
    largest = float(top["score"].max()) if len(top) else 1.0
    return [
        Listed(
            cell=str(row["cell"]),
            rank=rank,
            ward=str(row["ward_name"]),
            number=_number(row["expected"], row["score"]),
            share=float(row["score"]) / (largest or 1.0),
            detail=f"{number_words(row['last_weeks'])} in the last 4 weeks, {number_words(row['on_record'])} on record",
        )
        for rank, row in enumerate(top.to_dict("records"), start=1)
    ]


def _number(expected: float, score: float) -> str:
    """The number expected in the week; z where the method only ranks."""
    return f"z {score:.1f}" if np.isnan(expected) else week_words(expected)


def week_words(expected: float) -> str:
    """Events expected in a week, with two digits where they are few."""
    return f"{expected:.2f}" if 0.005 <= expected < 1 else number_words(expected)  # noqa: PLR2004 - two decimals


def expected_card_words(found: NextWeek, cell: str) -> str:
    """What is expected in one cell, and when it is looked at; nothing for a cell elsewhere."""
    places = np.flatnonzero(found.rows["cell"].to_numpy() == cell)
    if not len(places):
        return ""
    row = found.rows.iloc[int(places[0])]
    rank = f"number {number_words(int(places[0]) + 1)} of {number_words(len(found.rows))} places"
    past = f"{number_words(row['last_weeks'])} in the last 4 weeks, {number_words(row['on_record'])} on record"
    if np.isnan(row["expected"]):
        return f"For the 7 days from {date_words(found.start)} this is {rank} ({past})."
    number = week_words(float(row["expected"]))
    return f"{number} expected in the 7 days from {date_words(found.start)}: {rank} ({past})."


def drawing(rows: pd.DataFrame, unit: str) -> Drawing:
    """Three bands of the area, the first darkest, with their numbers of places."""
    bands = rows["band"].to_numpy(dtype=np.float64)
    counts = [int((bands == band).sum()) for band in range(BEYOND)]
    labels = [f"{_label(band)}: {plural(number, 'place', 'places')}" for band, number in enumerate(counts)]
    return Drawing(
        parse_cells(rows["cell"].tolist()),
        BEYOND - 1 - bands,
        scale=expected_scale((labels[2], labels[1], labels[0])),
        title=f"{unit}: where first",
        unit=unit,
        names=BANDS[::-1],
    )


def _label(band: int) -> str:
    """As in "first 1 %", "up to 2 %"; the legend's title says of what."""
    return f"{'up to' if band else 'first'} {percent_words(SHARES[band])}"


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """The map as a table, in the order in which to look."""
    return pd.DataFrame(
        {
            "Rank": np.arange(1, len(rows) + 1),
            "Place": [place_words(name, cell) for name, cell in zip(rows["ward_name"], rows["cell"], strict=True)],
            "Ward": rows["ward_name"],
            "Expected in the week": rows["expected"],
            "Within": [BANDS[int(band)] for band in rows["band"]],
            "Last 4 weeks": rows["last_weeks"],
            "On record": rows["on_record"],
            "Cell": rows["cell"],
        }
    )
