"""The view of change: this period against an earlier one, with the places where there are too few events to say."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from hexbeat.analysis.change_map import FALL, NOT_KNOWN, ONE_OF_MANY, RISE, TOO_FEW, UNCLEAR, Against, ChangeMap
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import add_place_names
from hexbeat.dashboard.map.hex_layer import CellStyle
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.views.counts_view import MOST_LISTED
from hexbeat.dashboard.views.layer_view import Drawing, LayerView, ListGroup, ListRow, add_ward_names
from hexbeat.dashboard.views.sentence import describe_subject
from hexbeat.documents.maps.scales import TOO_FEW_CLASS, add_too_few_class, build_change_scale
from layers.wording import format_about, format_number, format_plural, format_span

__all__ = ["build_change_view", "describe_cell_change", "describe_change", "format_ratio"]

NOTHING: Final = "No place changed clearly. Where the map is hatched, there are too few events to say."
NO_TEST: Final = (
    "Closures may be in force in both periods, so no place is singled out. The map and the table show them."
)
NUMBERS: Final = ("now", "before", "difference", "ratio", "ratio_low", "ratio_high", "p_value", "q_value", "change")
TITLES: Final = {
    "now": "Now",
    "before": "Before",
    "difference": "Difference",
    "ratio": "Ratio",
    "ratio_low": "Ratio from",
    "ratio_high": "Ratio to",
    "change": "Change",
}
ORDER: Final = {RISE: 0, FALL: 1, UNCLEAR: 2, TOO_FEW: 3, "": 4, NOT_KNOWN: 5}


def build_change_view(
    figures: LayerFigures, change_map: ChangeMap, choices: Choices, *, area: Area, ward_names: Sequence[str]
) -> LayerView:
    """One layer's change. Cells that held nothing in both periods are not drawn."""
    cells = change_map.cells
    rows = add_ward_names(cells[(cells["now"] > 0) | (cells["before"] > 0)], area)
    order = pd.DataFrame({"kind": rows["change"].map(ORDER), "size": -rows["difference"].abs(), "cell": rows["cell"]})
    rows = rows.loc[order.sort_values(["kind", "size", "cell"]).index].reset_index(drop=True)
    return LayerView(
        figures=figures,
        sentence=describe_change(figures, change_map, choices, ward_names=ward_names, area_title=area.title),
        notes=(
            *build_notes(rows, choices, change_map.q),
            *find_missing_notes(change_map),
            *change_map.notes,
            *change_map.cell_notes,
        ),
        drawing=build_drawing(rows, figures.spec.title),
        heading="Clear changes, the surest first",
        groups=tuple(group for kind in (RISE, FALL) if (group := build_list_group(rows, kind, area)).rows),
        nothing=_describe_nothing(change_map),
        make_table=lambda: build_table(rows, area),
        make_rows=lambda: blank_infinities(
            rows.assign(layer=figures.spec.name)[["layer", "cell", "ward_code", "ward_name", *NUMBERS]]
        ),
        wards=build_ward_table(change_map.wards),
    )


def describe_change(
    figures: LayerFigures, change_map: ChangeMap, choices: Choices, *, ward_names: Sequence[str], area_title: str
) -> str:
    """The number now, the number then, and whether the change is more than chance."""
    if not change_map.is_compared or change_map.now is None or change_map.other is None:
        subject = describe_subject(figures, choices, ward_names=ward_names, area_title=area_title)
        return f"{subject}. {change_map.missing}"
    total_row = change_map.whole.iloc[0]
    total = float(total_row["now"])
    # Of the known days alone nobody counted how many are searches.
    searches = figures.searches if not figures.searches or np.isclose(total, figures.total) else np.nan
    start, end = change_map.now
    now = replace(figures, total=total, start=start, end=end, searches=searches)
    events = replace(choices, measure="events")
    subject = describe_subject(now, events, ward_names=ward_names, area_title=area_title, known_only=True)
    lengths = [(end - start).days for start, end in (change_map.now, change_map.other)]
    against = _format_earlier(choices.against, lengths[1] if not isinstance(choices.against, str) else lengths[0])
    is_rate = not isinstance(choices.against, str) and lengths[0] != lengths[1]
    return (
        f"{subject}, against {format_about(total_row['before'])} in {against} ({format_span(*change_map.other)})"
        f"{_describe_verdict(total_row.to_dict(), is_rate=is_rate)}."
    )


def _describe_nothing(change_map: ChangeMap) -> str:
    """What the list says if no place changed clearly."""
    if not change_map.is_compared:
        return change_map.missing or NOTHING
    return NO_TEST if change_map.spec.kind == "state" else NOTHING


def find_missing_notes(change_map: ChangeMap) -> list[str]:
    """A note on the days that are not known, where the other days are compared."""
    return [change_map.missing] if change_map.is_compared and change_map.missing else []


def _format_earlier(against: Against, days: int) -> str:
    if not isinstance(against, str):
        return "the other day" if days == 1 else f"the other {format_number(days)} days"
    if against == "year_before":
        return "the same days a year before"
    return "the day before" if days == 1 else f"the {format_number(days)} days before"


def _describe_verdict(row: Mapping[Hashable, Any], *, is_rate: bool = False) -> str:
    """As in ": a clear fall, to 0.78 times as many (between 0.66 and 0.93)"; "as many a day" where it is a rate."""
    kind = str(row["change"])
    if kind == "":
        return ""
    if kind == TOO_FEW:
        return f": {TOO_FEW}"
    verdict = {RISE: "a clear rise, to", FALL: "a clear fall, to", UNCLEAR: "no clear change,"}[kind]
    ratio = format_ratio(row["ratio"], row["ratio_low"], row["ratio_high"])
    return f": {verdict} {ratio.replace('as many', 'as many a day') if is_rate else ratio}"


def format_ratio(ratio: float, low: float, high: float) -> str:
    """As in "0.78 times as many (between 0.66 and 0.93)"; a text without a ratio if there were none before."""
    if not np.isfinite(ratio):
        return f"at least {low:.1f} times as many" if np.isfinite(low) and low > 0 else "more than none"
    end = f"between {low:.2f} and {high:.2f}" if np.isfinite(high) else f"at least {low:.2f}"
    return f"{ratio:.2f} times as many ({end})"


def describe_cell_change(row: Mapping[Hashable, Any]) -> str:
    """One cell's change for its card, as in "5 now, 4 before: too few events to say"."""
    verdict = _describe_verdict(row)
    if row["change"] == UNCLEAR and (row["ratio_low"] > 1 or row["ratio_high"] < 1):
        verdict += f". {ONE_OF_MANY.removesuffix('.')}"
    return f"{format_about(row['now'])} now, {format_about(row['before'])} before{verdict}"


def build_notes(rows: pd.DataFrame, choices: Choices, q: float) -> list[str]:
    """How many places changed, how many did not, and how many have too few events to say."""
    notes = []
    kinds = rows["change"].value_counts()
    clear = int(kinds.get(RISE, 0)) + int(kinds.get(FALL, 0))
    same, too_few = (format_number(int(kinds.get(kind, 0))) for kind in (UNCLEAR, TOO_FEW))
    if len(rows) and "" not in kinds:
        notes.append(
            f"Place by place: {_format_kind_count(kinds.get(RISE, 0), 'rise')}, "
            f"{_format_kind_count(kinds.get(FALL, 0), 'fall')}, {same} without a clear change; "
            f"{too_few} have too few events to say."
        )
        notes.append("Colours show every difference. A line marks clear changes, which chance alone would rarely make.")
    if clear:
        notes.append(f"At most 1 in {round(1 / q)} of the clear changes is expected to be false.")
    if choices.measure == "quantity":
        notes.append("Change counts events, not items: one large find is not many finds.")
    return notes


def _format_kind_count(number: int, kind: str) -> str:
    """As in "no clear rise", "2 clear falls"."""
    return format_plural(int(number), f"clear {kind}", f"clear {kind}s") if number else f"no clear {kind}"


def build_list_group(rows: pd.DataFrame, kind: str, area: Area) -> ListGroup:
    """The cells that clearly rose (or fell), the surest first."""
    changed_cells = rows[rows["change"] == kind].sort_values(["q_value", "p_value", "cell"]).head(MOST_LISTED)
    largest = float(changed_cells["difference"].abs().max()) if len(changed_cells) else 1.0
    items = [
        ListRow(
            cell=str(row["cell"]),
            rank=rank,
            place=str(row["place"]),
            number=format_signed(row["difference"]),
            share=abs(row["difference"]) / (largest or 1.0),
            detail=f"{format_about(row['now'])} now, {format_about(row['before'])} before; "
            f"{format_ratio(row['ratio'], row['ratio_low'], row['ratio_high'])}",
        )
        for rank, row in enumerate(add_place_names(changed_cells, area).to_dict("records"), start=1)
    ]
    return ListGroup("Rises" if kind == RISE else "Falls", tuple(items))


def format_signed(number: float) -> str:
    """As in "+12", "\N{MINUS SIGN}3", "about +3"."""
    text, sign = format_about(abs(number)), "+" if number > 0 else "\N{MINUS SIGN}" if number < 0 else ""
    return text.replace("about ", f"about {sign}") if text.startswith("about") else f"{sign}{text}"


def build_drawing(rows: pd.DataFrame, unit: str) -> Drawing:
    """Differences on a diverging scale; hatched where there are too few events to say; lines around clear changes."""
    kinds = rows["change"].to_numpy()
    too_few = kinds == TOO_FEW
    differences = rows["difference"].to_numpy(dtype=np.float64)
    largest = float(np.abs(differences[~too_few]).max()) if (~too_few).any() else 1.0
    shared = not np.allclose(differences, np.round(differences))
    scale = add_too_few_class(
        build_change_scale(largest, shared=shared), f"{TOO_FEW}: {format_number(int(too_few.sum()))}"
    )
    plain = len(scale.breaks) - 1
    return Drawing(
        parse_cells(rows["cell"].tolist()),
        np.where(too_few, TOO_FEW_CLASS, differences),
        CellStyle(
            scale=scale,
            title=f"{unit}: change",
            unit=unit,
            outlined_label="clear rise",
            dashed_label="clear fall",
            names=("",) * plain + (TOO_FEW,),
            swatches=("",) * plain + ("hatched",),
        ),
        outlined=kinds == RISE,
        dashed=kinds == FALL,
    )


def build_table(rows: pd.DataFrame, area: Area) -> pd.DataFrame:
    """The map as a table: clear rises, clear falls, no clear change, too few events; the largest of each first."""
    titles = TITLES | {"place": "Place", "ward_name": "Ward", "cell": "Cell"}
    table = blank_infinities(add_place_names(rows, area)).rename(columns=titles)
    table["Rank"] = np.arange(1, len(table) + 1)
    return table[["Rank", "Place", "Ward", *TITLES.values(), "Cell"]]


def build_ward_table(wards: pd.DataFrame) -> pd.DataFrame:
    """The wards by name and not by number, because this is no league table."""
    table = blank_infinities(wards).rename(columns=TITLES | {"ward_name": "Ward"})
    return table.sort_values(["Ward", "ward_code"], ignore_index=True)[["Ward", *TITLES.values()]]


def blank_infinities(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with blanks for infinite ratios, which files and screens cannot show."""
    return rows.replace({name: {np.inf: np.nan} for name in ("ratio", "ratio_low", "ratio_high")})
