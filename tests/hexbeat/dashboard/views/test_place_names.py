"""A cell has one name: in the list, in the table, on its card and in the file of every view."""

import pytest

from hexbeat.areas.street_names import name_cell
from hexbeat.dashboard.pages.map.cell_panel import build_ranking_groups
from hexbeat.dashboard.pages.map.map_downloads import build_rows
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.views.card import render_place_heading
from hexbeat.dashboard.views.counts_view import build_counts_view
from hexbeat.dashboard.views.layer_view import LayerView, ListRow
from tests.support.demonstrations import middlesbrough
from tests.support.map_views import build_change_view_of, build_hotspots_view_of, count_first_layer


def build_view(name: str) -> LayerView:
    choices = Choices(period="year")
    if name == "hotspots":
        return build_hotspots_view_of(choices)
    if name == "change":
        return build_change_view_of(choices)
    figures = count_first_layer(choices)
    return build_counts_view(figures, choices, maximum=9, ward_names=(), area=middlesbrough())


@pytest.mark.parametrize("name", ["counts", "hotspots", "change"])
def test_list_table_and_file_call_a_cell_the_same(name: str) -> None:
    view, area = build_view(name), middlesbrough()
    by_cell = dict(zip(view.table["Cell"], view.table["Place"], strict=True))
    rows = build_rows([view], area)
    assert dict(zip(rows["cell"], rows["place"], strict=True)) == by_cell
    assert len(set(by_cell.values())) == len(by_cell) > 100
    for cell, place in list(by_cell.items())[:20]:
        assert place == name_cell(cell, area)
    for row in view.groups[0].rows:
        if name != "hotspots":  # a group has a name of its own
            assert row.place == by_cell[row.cell]


def test_the_list_has_the_streets_first_and_the_ward_in_quiet_type() -> None:
    row = ListRow("89194654833ffff", 1, "Borough Road, near Linthorpe Road (Central)", "3", 1.0)
    assert row.as_row() == {
        "cell": "89194654833ffff",
        "rank": 1,
        "place": "Borough Road, near Linthorpe Road",
        "ward": "(Central)",
        "number": "3",
        "share": 1.0,
        "detail": "",
    }
    assert render_place_heading(row.place) == "<h2>Borough Road, near Linthorpe Road <span>(Central)</span></h2>"
    assert render_place_heading("Middle of <b>") == "<h2>Middle of &lt;b&gt;</h2>"


@pytest.mark.slow
def test_the_list_beside_the_map_names_no_place_twice() -> None:
    view = build_view("hotspots")
    rows = [row for group in build_ranking_groups([view]) for row in group["rows"]]
    names = [f"{row['place']} {row['ward']}" for row in rows]
    assert len(set(names)) == len(names) > 1
