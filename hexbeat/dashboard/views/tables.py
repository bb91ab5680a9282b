"""The tables under the map, which show the same numbers cell by cell."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from geo.calendar import Calendar
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import name_cells
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.figures import LayerFigures
from layers.columns import Columns
from layers.counting import count
from layers.coverage import Span
from layers.event import REPORTERS
from layers.grouping import GROUPINGS, Group, Grouping
from layers.wording import format_about, format_date, format_expected

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

__all__ = [
    "MISSING",
    "NOT_KNOWN",
    "build_cell_table",
    "build_export_rows",
    "build_group_table",
    "build_record_table",
    "drop_blank_columns",
    "format_table",
    "style_frame",
    "style_numbers",
]

NOT_KNOWN: Final = "not known"
MISSING: Final = "Days not known"

CHANCES: Final = frozenset({"p", "q"})
WITHOUT_COMPARISON: Final = frozenset({"Period before", "Change", "Before", "Difference"})
TWO_DECIMALS: Final = frozenset({"z", "Ratio", "Ratio from", "Ratio to"})
EXPECTED: Final = "Expected in the week"
PLACE_WORDS: Final = {
    "exact": "exact",
    "snapped": "snapped to a point",
    "postcode": "by postcode",
    "street": "by street",
    "randomised": "moved at random",
}
RECORD_TITLES: Final = {
    "when": "When",
    "known_to": "Known to the",
    "place": "Place is",
    "layer": "Layer",
    "category": "Category",
    "quantity": "Quantity",
    "reported_by": "Reported by",
    "status": "Status",
    "source": "Source",
    "source_id": "Number at the source",
}


def build_cell_table(figures: Sequence[LayerFigures], area: Area) -> pd.DataFrame:
    """One row for each cell with events: its rank, place, ward and index, and a number for each layer.

    With one layer also the period before and the change (NaN if there is nothing to compare with). With several layers,
    a column for each and no sum, in the order of the first layer, then the second and so on.
    """
    if len(figures) == 1:
        cells = figures[0].cells
        count, before = (cells[name].to_numpy() for name in ("count", "before"))
        numbers = {figures[0].spec.title: count, "Period before": before, "Change": count - before}
    else:
        titles = [layer_figures.spec.title for layer_figures in figures]
        cells = _join_layers(figures, titles)
        numbers = {title: cells[title].to_numpy() for title in titles}
    # Made in one step: pandas takes longer over a few hundred rows for each column that is added, renamed or moved.
    columns = {
        "Rank": np.arange(1, len(cells) + 1),
        "Place": name_cells(parse_cells(cells["cell"].tolist()), area),
        "Ward": cells["ward_name"].array,
        **numbers,
        "Cell": cells["cell"].array,
    }
    return _note_hidden(pd.DataFrame(columns), figures)


def _note_hidden(table: pd.DataFrame, figures: Sequence[LayerFigures]) -> pd.DataFrame:
    """The table, noting what stands where a layer has no number because it is too small for the viewer."""
    hidden = {layer_figures.spec.title: "not shown" for layer_figures in figures if layer_figures.fewest > 1}
    if MISSING in table:
        hidden = {title: f"{words}, or not known" for title, words in hidden.items()}
    table.attrs["hidden"] = hidden
    return table


def _join_layers(figures: Sequence[LayerFigures], names: list[str]) -> pd.DataFrame:
    """Cells of all layers with a column for each layer, zero if it has no event there, NaN if it is not known."""
    keys = ["cell", "ward_name"]
    parts = [layer.cells.set_index(keys)["count"].rename(name) for layer, name in zip(figures, names, strict=True)]
    table = pd.concat(parts, axis=1).fillna(0.0).reset_index()
    for layer, name in zip(figures, names, strict=True):
        if not layer.has_number:
            table[name] = np.nan
        elif layer.fewest > 1:
            table[name] = table[name].replace(0.0, np.nan)
    return table.sort_values([*names, "cell"], ascending=[False] * len(names) + [True], ignore_index=True)


def build_group_table(
    columns: Columns, figures: Sequence[LayerFigures], choices: Choices, *, by: Group, area: Area
) -> pd.DataFrame:
    """One row for each group with events, in the order of the groups, and a number for each layer.

    The filters are those of the map. Events without an hour or a category have a row of their own (NOT_KNOWN), so that
    a column adds up to the number over the map. Closures count in every period in which they are in force. A layer of
    which no day of the period is known and nothing is on record has NaN; so has such a month, quarter, year or week,
    which has a row also without events. Where days are missing, the column MISSING names them.
    """
    grouping, keys = GROUPINGS[by], list(GROUPINGS[by].titles)
    parts = [_count_groups(columns, layer_figures, choices, by=by, area=area) for layer_figures in figures]
    periods = _list_periods(grouping, figures[0], area)
    missing = _describe_missing_days(figures, periods)
    group_keys = pd.concat([part[keys] for part in parts if len(part)] or [parts[0][keys]]).drop_duplicates()
    listed = _list_groups(columns, figures, choices, by=by, area=area).merge(group_keys, on=keys)
    # Of several layers together, a group may be too small to be listed, though it is not too small for its own layer.
    groups = pd.concat([listed, group_keys]).drop_duplicates(ignore_index=True) if len(listed) else group_keys
    if periods:
        unknown = pd.DataFrame({keys[0]: [label for label in missing if missing[label]]}, dtype=object)
        groups = pd.concat([groups, unknown]).drop_duplicates().sort_values(keys[0], ignore_index=True)
    table = pd.DataFrame(
        {
            title: [grouping.show(label) if label != "" else NOT_KNOWN for label in groups[key]]
            for key, title in grouping.titles.items()
        }
    )
    for layer_figures, part in zip(figures, parts, strict=True):
        numbers = groups.merge(part, on=keys, how="left")["count"].fillna(0.0).astype(np.float64)
        known = [_has_known_day(layer_figures, periods.get(label)) for label in groups[keys[0]]]
        is_told = np.array(known, dtype=np.bool_) & (layer_figures.fewest == 1)
        table[layer_figures.spec.title] = numbers.where(is_told | (numbers > 0))
    if any(missing.values()):
        table[MISSING] = [missing.get(label, "") for label in groups[keys[0]]]
    return _note_hidden(table, figures)


def _count_groups(
    columns: Columns, layer_figures: LayerFigures, choices: Choices, *, by: Group, area: Area
) -> pd.DataFrame:
    """What is on record of one layer in its period, by group."""
    start, end = layer_figures.start, layer_figures.end
    event_filter = build_filter(choices, layer=layer_figures.spec.name, start=start, end=end)
    return count(columns, event_filter, by=(by,), wards=area.wards, time_zone=area.time_zone).rows


def _list_groups(
    columns: Columns, figures: Sequence[LayerFigures], choices: Choices, *, by: Group, area: Area
) -> pd.DataFrame:
    """The labels of all groups with events of any of the layers, in the order of the groups."""
    names = tuple(layer_figures.spec.name for layer_figures in figures)
    event_filter = build_filter(choices, layer=names[0], start=figures[0].start, end=figures[0].end)
    rows = count(
        columns, replace(event_filter, layers=names), by=(by, "layer"), wards=area.wards, time_zone=area.time_zone
    ).rows
    keys = list(GROUPINGS[by].titles)
    return rows[keys].drop_duplicates(ignore_index=True)


def _list_periods(grouping: Grouping, figures: LayerFigures, area: Area) -> dict[object, Span]:
    """The days [from, to) of each month, quarter, year or week in the period, by label; none for other groups."""
    if grouping.unit is None:
        return {}
    calendar, length = Calendar(area.time_zone), (figures.end - figures.start).days
    days = [figures.start + timedelta(days=number) for number in range(length)]
    numbers = grouping.unit.find(calendar, np.array([calendar.day_start(day) for day in days], dtype=np.int64))
    periods: dict[object, Span] = {}
    for day, number in zip(days, numbers.tolist(), strict=True):
        label = grouping.unit.label(number)
        periods[label] = (periods[label][0] if label in periods else day, day + timedelta(days=1))
    return periods


def _has_known_day(figures: LayerFigures, period: Span | None) -> bool:
    """Whether a day of a group's period is known; of the whole period for groups that are no period."""
    return bool(figures.freshness.find_known_in(period or (figures.start, figures.end)))


def _describe_missing_days(figures: Sequence[LayerFigures], periods: dict[object, Span]) -> dict[object, str]:
    """By label, which days are not known, layer by layer if there are several."""
    texts: dict[object, str] = {}
    for label, period in periods.items():
        parts = [(layer.spec.title, layer.freshness.describe_missing(period)) for layer in figures]
        texts[label] = "; ".join(
            f"{title}: {missing}" if len(figures) > 1 else missing for title, missing in parts if missing
        )
    return texts


def build_export_rows(figures: Sequence[LayerFigures]) -> pd.DataFrame:
    """Columns layer, cell, ward_code, ward_name, count, before for files; sorted by layer and cell."""
    parts = [layer_figures.cells.assign(layer=layer_figures.spec.name) for layer_figures in figures]
    rows = pd.concat(parts, ignore_index=True).sort_values(["layer", "cell"], ignore_index=True)
    return rows[["layer", "cell", "ward_code", "ward_name", "count", "before"]]


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its numbers as text (1,204; about 58; "" for NaN), for a page without sorting.

    Chances (p, q) have three decimals, or are under 0.001; ratios and z have two. What is expected is rounded.
    """
    numbers, hidden = table.select_dtypes("number").columns, table.attrs.get("hidden", {})
    return table.assign(
        **{
            name: [format_table_number(name, v) if pd.notna(v) else hidden.get(name, "") for v in table[name]]
            for name in numbers
        }
    )


def format_table_number(name: str, value: float) -> str:
    """A number of a column with as many digits as are meaningful."""
    if name in CHANCES:
        return "under 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - as three decimals say
    if name in TWO_DECIMALS:
        return f"{value:.2f}"
    if name == EXPECTED:
        return format_expected(value)
    return format_about(value) if value >= 0 else _format_fall(-value)


def _format_fall(size: float) -> str:
    """A negative number, rounded: as in "\N{MINUS SIGN}3", "about \N{MINUS SIGN}3"."""
    words = format_about(size)
    return words.replace("about ", "about \N{MINUS SIGN}") if words.startswith("about") else f"\N{MINUS SIGN}{words}"


def drop_blank_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the columns of a comparison that there is not."""
    blank = [name for name in table.columns if name in WITHOUT_COMPARISON and table[name].isna().all()]
    return table.drop(columns=blank)


def style_numbers(table: pd.DataFrame) -> "Styler":
    """The table with its numbers as `format_table_number` writes them, NOT_KNOWN for NaN; it sorts by the numbers.

    What a column of p, q or ratios does not have stays blank.
    """
    styler = table.style
    for name in table.select_dtypes("float").columns:
        styler = styler.format(
            partial(format_table_number, str(name)), subset=[name], na_rep=_find_blank(table, str(name))
        )
    return styler


def style_frame(table: pd.DataFrame) -> "Styler":
    """`style_numbers` for Streamlit's own table, which takes nothing from it but the texts of the numbers.

    pandas would work out styles, ids and classes of every cell as well, which takes several times as long.
    """
    styler = table.style
    columns = [
        (place, _format_numbers(name, table[name], _find_blank(table, name)))
        for place, name in enumerate(map(str, table.columns))
        if table.dtypes.iloc[place].kind == "f"
    ]
    body = [
        [{"id": f"row{row}_col{place}", "display_value": text} for row, text in enumerate(texts)]
        for place, texts in columns
    ]
    styler._compute = lambda: styler  # type: ignore[attr-defined]  # noqa: SLF001 - Streamlit calls it
    styler._translate = lambda *_: {"body": body}  # type: ignore[attr-defined]  # noqa: SLF001 - the same
    return styler


def _format_numbers(name: str, numbers: pd.Series, blank: str) -> list[str]:
    """A column as text, with `blank` for what is missing."""
    return [blank if number != number else format_table_number(name, number) for number in numbers.tolist()]  # noqa: PLR0124 - NaN alone is not itself


def _find_blank(table: pd.DataFrame, name: str) -> str:
    """What stands where a column of this table has no number: `find_blank`, or that it is too small for the viewer."""
    hidden: dict[str, str] = table.attrs.get("hidden", {})
    return hidden.get(name) or find_blank(name)


def find_blank(name: str) -> str:
    """What stands where a column has no number."""
    return "" if name in CHANCES | TWO_DECIMALS | WITHOUT_COMPARISON | {EXPECTED} else NOT_KNOWN


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
            "place": [
                _format_place(str(kind), metres)
                for kind, metres in zip(ordered["location_precision"], ordered["location_precision_m"], strict=True)
            ],
        }
    )
    for name in ("layer", "category", "quantity", "reported_by", "status", "source", "source_id"):
        table[name] = ordered[name].to_numpy()
    table["layer"] = table["layer"].str.replace("_", " ")
    known = set(REPORTERS)
    table["reported_by"] = [word if word in known else "" for word in table["reported_by"]]
    return table.rename(columns=RECORD_TITLES)


def _format_place(kind: str, metres: object) -> str:
    """How well the source knows a place, as in "snapped", "by postcode, to 100 m"; "" where it does not say."""
    word = PLACE_WORDS.get(kind, "")
    return f"{word}, to {metres:.0f} m" if word and isinstance(metres, float) and metres > 0 else word


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
