from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.views.hotspots_view import describe_group
from hexbeat.dashboard.views.tables import format_table
from layers.columns import Columns
from layers.coverage import Coverage, CoverageEntry
from tests.support.demonstrations import TODAY, demonstration
from tests.support.events import Event, columns_of, local
from tests.support.map_views import build_findings_of, build_hotspots_view_of

DEFAULT = Choices()
TITLES = [
    *("Rank", "Place", "Ward", "Needle finds", "Tested", "Surroundings", "Times", "Since", "p", "q", "Hotspot"),
    *("Group", "Trend", "Cell"),
]


def few() -> Columns:
    """Two finds long ago, so that records reach back, and three now."""
    days = ("2026-01-01", "2026-01-02", "2026-11-10", "2026-11-11", "2026-11-21")
    return columns_of([Event(local(f"{day} 12:00")) for day in days])


def test_the_sentence_says_how_many_and_how_many_may_be_false() -> None:
    assert build_hotspots_view_of(DEFAULT).sentence == (
        "4 places stand out as hotspots of needle finds in Middlesbrough, 25 Oct to 21 Nov 2026. They are 7 cells. At "
        "most 1 in 20 of these is expected to be false."
    )
    tested = "538 cells were tested, each alone, and together with those that touch it."
    assert tested in build_hotspots_view_of(DEFAULT).notes


def test_nothing_stands_out_is_said_as_what_it_is_and_so_is_too_few() -> None:
    view = build_hotspots_view_of(DEFAULT, few())
    assert view.sentence == (
        "No place has clearly more needle finds than its surroundings in Middlesbrough, 25 Oct to 21 Nov 2026."
    )
    assert view.notes[0] == "Too few events to say: even a place with six times the average might not stand out."
    assert view.groups == ()
    assert view.nothing == ("No place has clearly and steadily more than its surroundings. Counts shows the numbers.")


def test_records_of_months_tell_of_a_part_of_one_nothing_and_of_one_only_with_a_caution() -> None:
    june = local("2026-06-01 00:00"), local("2026-07-01 00:00")
    spots = [(-1.27 + 0.004 * x, 54.53 + 0.004 * y) for x in range(20) for y in range(12)]
    events = [Event(*june, lon=lon, lat=lat, precision="month") for lon, lat in spots]
    columns = columns_of([*events, *[Event(*june, lon=-1.235, lat=54.56, precision="month")] * 30])
    part = Choices(period="dates", dates=(date(2026, 6, 3), date(2026, 7, 1)))
    view = build_hotspots_view_of(part, columns)
    refusal = (
        "Most records are known only to their month, and 3 Jun to 30 Jun 2026 holds no whole month. So it is not known "
        "where places stand out."
    )
    assert (view.sentence, view.nothing) == (refusal, refusal)
    assert view.groups == ()
    view = build_hotspots_view_of(replace(part, dates=(date(2026, 6, 1), date(2026, 7, 1))), columns)
    assert view.sentence.endswith(" With 1 month nothing shows whether it lasts.")
    assert view.groups[0].rows[0].detail.endswith("surroundings. With 1 month nothing shows whether it lasts.")


def test_where_nothing_happened_nothing_is_tested() -> None:
    view = build_hotspots_view_of(replace(DEFAULT, layers=("overdoses",)), few())
    assert view.sentence == "Overdoses in Middlesbrough, 25 Oct to 21 Nov 2026: not known."
    assert len(view.drawing.cells) == 0
    log = CoverageEntry("overdoses", "log", "", TODAY - timedelta(days=90), TODAY)
    known = replace(few(), coverage=Coverage((log,), few().ward_codes))
    view = build_hotspots_view_of(replace(DEFAULT, layers=("overdoses",)), known)
    assert view.sentence == "No overdoses in Middlesbrough, 25 Oct to 21 Nov 2026: there is nothing to test."


def test_the_planted_hotspot_is_in_the_first_group_and_on_the_map() -> None:
    columns, truth = demonstration()
    planted = next(one["cell"] for one in truth["hotspots"] if one["kind"] == "new")
    rows = build_hotspots_view_of(DEFAULT, columns).rows.set_index("cell")
    assert rows.loc[planted, "hotspot"] == "hot"


def test_the_list_has_a_row_for_each_group_of_touching_cells_the_surest_first() -> None:
    view = build_hotspots_view_of(DEFAULT)
    (group,) = view.groups
    assert [(row.rank, row.place, row.number, row.detail) for row in group.rows] == [
        (
            1,
            "Roman Road, near Linden Grove (Park)",
            "11",
            "15 times its surroundings, on 8 of 28 days. It grew busier about 23 Aug 2026.",
        ),
        (
            2,
            "Eastwood Road and Newley Court (Brambles & Thorntree)",
            "30",
            (
                "4 cells; the busiest: 9.4 times its surroundings, on 9 of 28 days. It has been about as busy since 23 "
                "Nov 2025 or longer."
            ),
        ),
        (
            3,
            "Hankin Road, near Kreuger Alley (North Ormesby)",
            "6",
            ("39 times its surroundings, on 6 of 28 days. It has been about as busy since 23 Nov 2025 or longer."),
        ),
        (
            4,
            "Repton Road, near Rainham Close (Brambles & Thorntree)",
            "9",
            "10 times its surroundings, on 6 of 28 days. It has been about as busy since 23 Nov 2025 or longer.",
        ),
    ]
    assert view.notes[0] == "Cells that touch are one place, named by those that hold most of it."
    assert view.heading == "Hotspots, the surest first, with their needle finds"


def test_list_legend_map_and_table_say_the_same() -> None:
    view = build_hotspots_view_of(DEFAULT)
    hot = (view.table["Hotspot"] == "hot").to_numpy()
    assert view.drawing.outlined is not None
    assert view.drawing.outlined.tolist() == hot.tolist()
    assert view.drawing.style.scale.labels == (
        "cold spot: 0 cells",
        "not significant: 98 cells",
        "hotspot: 7 cells",
    )
    assert list(view.table.columns) == TITLES
    assert view.table["q"].is_monotonic_increasing
    cells = {row.cell for group in view.groups for row in group.rows}
    assert cells <= set(view.table.loc[hot, "Cell"])
    assert sum(float(row.number) for row in view.groups[0].rows) == view.table.loc[hot, "Needle finds"].sum()


def test_empty_cells_are_not_drawn_unless_they_stand_out() -> None:
    rows = build_hotspots_view_of(DEFAULT).rows
    assert rows.loc[rows["count"] == 0, "hotspot"].eq("cold").all()


def test_a_layer_draws_each_kind_with_its_own_line_and_word() -> None:
    data = build_hotspots_view_of(DEFAULT).drawing.layer().data()
    assert data["names"] == ("cold spot", "not significant", "hotspot")
    assert data["swatches"] == ("dashed", "", "outlined")
    assert data["outlined"]
    assert data["dashed"] is None


def test_chances_are_printed_to_the_digits_that_they_bear() -> None:
    table = pd.DataFrame({"p": [0.00001, 0.0421], "z": [3.14159, np.nan], "Needle finds": [1204.0, 1.5]})
    assert format_table(table).to_dict("list") == {
        "p": ["under 0.001", "0.042"],
        "z": ["3.14", ""],
        "Needle finds": ["1,204", "about 2"],
    }


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["street_dealing", "overdoses", "closed_properties"])
def test_every_layer_is_tested_by_itself(layer: str) -> None:
    view = build_hotspots_view_of(replace(DEFAULT, layers=(layer,), period="year"))
    assert set(view.rows["layer"]) == {layer}


def test_a_group_has_one_name_in_list_table_and_card() -> None:
    found = build_findings_of(DEFAULT)
    view = build_hotspots_view_of(DEFAULT)
    (group,) = view.groups
    table = view.table.set_index("Cell")
    for row in group.rows:
        members = table[table["Group"] == row.place]
        assert row.cell in members.index
        assert describe_group(found, row.cell) == (
            f"It is part of the hotspot {row.place}: {len(members)} cells with {row.number} needle finds."
            if len(members) > 1
            else ""
        )
    assert table.loc[table["Group"] != "", "Hotspot"].eq("hot").all()
    outside = str(table.index[table["Group"] == ""][0])
    assert describe_group(found, outside) == ""


def test_a_group_of_one_cell_is_not_named_twice() -> None:
    found = build_findings_of(DEFAULT)
    cell = str(found.groups["cell"].iloc[0])
    alone = replace(found, groups=found.groups.assign(cells=1))
    assert describe_group(alone, cell) == ""


def test_cold_spots_and_names_that_begin_with_near_stand_in_the_sentence_as_words_do() -> None:
    found = build_findings_of(DEFAULT)
    cell = str(found.groups["cell"].iloc[0])
    groups = found.groups.assign(hotspot="cold", place="Near Borough Road (Central)", cells=3, count=1.0)
    assert describe_group(replace(found, groups=groups), cell) == (
        "It is part of the cold spot near Borough Road (Central): 3 cells with 1 needle find."
    )
