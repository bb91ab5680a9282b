from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.elements.lib.pandas_styler_utils import marshall_styler
from streamlit.proto.ArrowData_pb2 import ArrowData

from hexbeat.areas.area import load_area
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import name_cells
from hexbeat.dashboard.state.choices import OWN_DATES, Choices
from hexbeat.dashboard.state.figures import LayerFigures, count_layer
from hexbeat.dashboard.state.freshness import Freshness
from hexbeat.dashboard.views.tables import (
    build_cell_table,
    build_export_rows,
    build_group_table,
    build_record_table,
    format_table,
    format_time,
    style_frame,
    style_numbers,
)
from layers.catalogue import find_layer
from layers.event import EVENT_COLUMNS
from layers.grouping import GROUPS, Group
from tests.support.events import Event, columns_of, event_frame, local

CELLS = ("89194654833ffff", "8919465483bffff", "891946548cbffff")
LONDON = ZoneInfo("Europe/London")
AREA = load_area("middlesbrough")


def figures_of(layer: str, counts: list[float], before: list[float] | None = None) -> LayerFigures:
    number = len(counts)
    cells = pd.DataFrame(
        {
            "rank": np.arange(1, number + 1),
            "cell": CELLS[:number],
            "ward_code": ["E05000001", "E05000002", "E05000003"][:number],
            "ward_name": ["Central", "<b>Newport</b>", "=Park"][:number],
            "count": counts,
            "before": before or [float("nan")] * number,
        }
    )
    return LayerFigures(
        spec=find_layer(layer),
        start=date(2026, 10, 25),
        end=date(2026, 11, 22),
        total=sum(counts),
        before=sum(before) if before else None,
        unplaced=0,
        shared=0,
        cells=cells,
        freshness=Freshness(layer, 1, ((date(2020, 1, 1), date(2026, 11, 22)),)),
    )


def test_one_layer_has_the_period_before_and_the_change() -> None:
    table = build_cell_table([figures_of("needle_litter", [11.0, 2.0], [3.0, 5.0])], AREA)
    assert table.to_dict("list") == {
        "Rank": [1, 2],
        "Place": name_cells(parse_cells(CELLS[:2]), AREA),
        "Ward": ["Central", "<b>Newport</b>"],
        "Needle finds": [11.0, 2.0],
        "Period before": [3.0, 5.0],
        "Change": [8.0, -3.0],
        "Cell": list(CELLS[:2]),
    }


def test_several_layers_stand_side_by_side_without_a_sum() -> None:
    needles, overdoses = figures_of("needle_litter", [4.0, 2.0]), figures_of("overdoses", [1.0, 7.0, 3.0])
    table = build_cell_table([needles, overdoses], AREA)
    assert list(table.columns) == ["Rank", "Place", "Ward", "Needle finds", "Overdoses", "Cell"]
    assert table[["Needle finds", "Overdoses"]].to_numpy().tolist() == [[4.0, 1.0], [2.0, 7.0], [0.0, 3.0]]


def test_an_empty_map_is_an_empty_table() -> None:
    assert len(build_cell_table([figures_of("needle_litter", [])], AREA)) == 0


def test_the_table_adds_up_to_the_map() -> None:
    figures = figures_of("needle_litter", [4.5, 2.25, 1.0])
    assert build_cell_table([figures], AREA)["Needle finds"].sum() == figures.total


def test_files_have_one_row_a_layer_and_cell_in_a_fixed_order() -> None:
    rows = build_export_rows([figures_of("overdoses", [1.0, 7.0]), figures_of("needle_litter", [4.0])])
    assert list(rows.columns) == ["layer", "cell", "ward_code", "ward_name", "count", "before"]
    assert rows["layer"].tolist() == ["needle_litter", "overdoses", "overdoses"]


def test_a_printed_table_has_words_for_numbers_and_nothing_for_nothing() -> None:
    table = format_table(build_cell_table([figures_of("needle_litter", [1204.0, 1.5])], AREA))
    assert table["Needle finds"].tolist() == ["1,204", "about 2"]
    assert table["Change"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("start", "end", "precision", "words"),
    [
        ("2026-11-21 14:05", "2026-11-21 14:05", "minute", "21 Nov 2026, 14:05"),
        ("2026-07-01 00:30", "2026-07-02 09:00", "minute", "1 Jul 2026, 00:30 to 2 Jul 2026, 09:00"),
        ("2026-07-01 00:00", "2026-07-02 00:00", "day", "1 Jul 2026"),
        ("2026-07-01 00:00", "2026-08-01 00:00", "month", "Jul 2026"),
    ],
)
def test_a_moment_is_shown_to_the_precision_that_is_known(start: str, end: str, precision: str, words: str) -> None:
    assert format_time(local(start), local(end), precision, LONDON) == words


def test_records_are_shown_newest_first_without_coordinates_or_notes() -> None:
    row = dict.fromkeys(EVENT_COLUMNS, "x") | {
        "layer": "needle_litter",
        "occurred_from": local("2026-11-21 14:05"),
        "occurred_to": local("2026-11-21 14:05"),
        "time_precision": "minute",
        "reported_by": "<script>",
    }
    older = row | {"occurred_from": row["occurred_from"] - 86_400, "occurred_to": row["occurred_to"] - 86_400}
    table = build_record_table(pd.DataFrame([older, row]), time_zone=LONDON)
    assert table["When"].tolist() == ["21 Nov 2026, 14:05", "20 Nov 2026, 14:05"]
    assert table["Reported by"].tolist() == ["", ""]
    assert list(table.columns) == [
        "When", "Known to the", "Place is", "Layer", "Category", "Quantity", "Reported by", "Status", "Source",
        "Number at the source",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "metres", "words"),
    [
        (None, np.nan, ""),
        ("exact", np.nan, "exact"),
        ("snapped", np.nan, "snapped to a point"),
        ("postcode", 100.0, "by postcode, to 100 m"),
        ("street", 49.6, "by street, to 50 m"),
        ("randomised", 250.0, "moved at random, to 250 m"),
        ("<b>", 250.0, ""),
    ],
)
def test_a_record_says_how_well_its_place_is_known(kind: str | None, metres: float, words: str) -> None:
    frame = event_frame(["a"], location_precision=kind, location_precision_m=metres)
    assert build_record_table(frame, time_zone=LONDON)["Place is"].tolist() == [words]


def test_a_layer_keeps_its_own_figures() -> None:
    figures = figures_of("needle_litter", [4.0])
    build_cell_table([figures], AREA)
    assert list(figures.cells.columns) == ["rank", "cell", "ward_code", "ward_name", "count", "before"]
    assert replace(figures).cells is figures.cells


@pytest.mark.slow
def test_a_table_by_groups_adds_up_to_the_number_over_the_map() -> None:
    noon, month = local("2026-11-02 12:30"), local("2026-11-01 00:00")
    columns = columns_of(
        [
            Event(noon, quantity=2, category="park"),
            Event(noon + 3600, layer="overdoses"),
            Event(month, local("2026-12-01 00:00"), precision="month", layer="overdoses", category="fatal"),
        ]
    )
    area = load_area("middlesbrough")
    choices = Choices(
        layers=("needle_litter", "overdoses"), period=OWN_DATES, dates=(date(2026, 11, 1), date(2026, 12, 1))
    )
    figures = [
        count_layer(
            columns, layer=layer, choices=choices, last=date(2026, 11, 30), resolution=9, area=area,
            freshness=Freshness(layer, 1, ((date(2020, 1, 1), date(2026, 12, 1)),)),
        )
        for layer in choices.layers
    ]  # fmt: skip

    def table(by: Group) -> dict[str, list[object]]:
        return build_group_table(columns, figures, choices, by=by, area=area).to_dict("list")

    assert table("hour") == {
        "Hour": ["not known", "12:00", "13:00"], "Needle finds": [0.0, 1.0, 0.0], "Overdoses": [1.0, 0.0, 1.0]
    }  # fmt: skip
    assert table("weekday") == {
        "Weekday": ["not known", "Mon"], "Needle finds": [0.0, 1.0], "Overdoses": [1.0, 1.0]
    }  # fmt: skip
    assert table("category") == {
        "Category": ["not known", "fatal", "park"], "Needle finds": [0.0, 0.0, 1.0], "Overdoses": [1.0, 1.0, 0.0]
    }  # fmt: skip
    assert table("council") == {"Council": ["Middlesbrough"], "Needle finds": [1.0], "Overdoses": [2.0]}
    for by in (name for name in GROUPS if name != "layer"):
        for each in figures:
            assert sum(table(by)[each.spec.title]) == pytest.approx(each.total)


def test_months_that_are_not_known_are_empty_and_never_nought() -> None:
    columns = columns_of([Event(local(f"2024-{month:02d}-15 12:00")) for month in (1, 2, 4)])
    known = ((date(2024, 1, 1), date(2024, 3, 1)), (date(2024, 4, 1), date(2024, 4, 20)))
    area, choices = load_area("middlesbrough"), Choices(period=OWN_DATES, dates=(date(2024, 1, 1), date(2024, 5, 1)))
    figures = count_layer(
        columns, layer="needle_litter", choices=choices, last=date(2024, 4, 30), resolution=9, area=area,
        freshness=Freshness("needle_litter", 3, known),
    )  # fmt: skip
    table = build_group_table(columns, [figures], choices, by="month", area=area)
    assert table["Month"].tolist() == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert table["Needle finds"].isna().tolist() == [False, False, True, False]
    assert table["Days not known"].tolist() == ["", "", "Mar 2024 is not known", "20 to 30 Apr 2024 are not known"]
    shown = style_numbers(table).to_html()
    assert shown.count(">not known</td>") == 1
    weeks = build_group_table(columns, [figures], choices, by="week", area=area)
    assert weeks.loc[weeks["Week"] == "2024-03-11", "Needle finds"].isna().all()
    wards = build_group_table(columns, [figures], choices, by="ward", area=area)
    assert wards["Needle finds"].tolist() == [3.0]
    assert "Days not known" not in wards


def test_a_layer_that_is_not_known_is_empty_beside_one_that_is() -> None:
    dealing = replace(figures_of("street_dealing", []), freshness=Freshness("street_dealing", 0))
    table = build_cell_table([figures_of("needle_litter", [4.0]), dealing], AREA)
    assert table[dealing.spec.title].isna().all()


def test_numbers_on_screen_are_rounded_and_sort_as_numbers() -> None:
    table = pd.DataFrame({"Rank": [1, 2], "Needle finds": [57.7, np.nan], "Change": [-2.3, np.nan], "p": [0.0, np.nan]})
    shown = style_numbers(table).to_html()
    for text in (">about 58<", ">not known<", ">about \N{MINUS SIGN}2<", ">under 0.001<"):
        assert text in shown
    assert style_numbers(table).data["Needle finds"].iloc[0] == 57.7


def test_streamlit_shows_the_same_texts_as_pandas_would() -> None:
    table = pd.DataFrame(
        {
            "Rank": [1, 2, 3],
            "Place": ["A", "<b>", "\N{EN DASH}"],
            "Needle finds": [57.7, 1204.0, np.nan],
            "Period before": [np.nan, 0.0, 0.4],
            "Change": [-3.0, 2.2, np.nan],
            "p": [0.0001, 0.5, np.nan],
        }
    )
    shown = []
    for styler in (style_numbers(table), style_frame(table)):
        proto = ArrowData()
        marshall_styler(proto, styler, "id")
        shown.append(convert_arrow_bytes_to_pandas_df(proto.styler.display_values))
    pd.testing.assert_frame_equal(*shown)
