"""The names that readers may look for, and where each leads."""

import json

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.areas.area import load_area
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.dashboard.public.advice import Contact
from hexbeat.dashboard.public.block_drawing import lay_out_release
from hexbeat.dashboard.public.place_index import build_search_index, select_place_names
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.site import build_site_files
from tests.support.releases import WARDS, example_release

ABBEY, BRIDGE = WARDS
COLUMNS = ["kind", "name", "ward_code", "lon", "lat"]


def test_no_whole_postcode_and_no_place_outside_is_among_the_names() -> None:
    points = pd.DataFrame(
        [
            ["street", "Long Street", ABBEY, -1.2, 54.5],
            ["street", "Long Street", ABBEY, -1.1, 54.5],
            ["street", "Long Street", ABBEY, -1.15, 54.5],
            ["street", "Long Street", BRIDGE, -1.0, 54.5],
            ["street", "Far Street", "", -1.0, 54.5],
            ["postcode", "TS1 2AA", ABBEY, -1.2, 54.5],
            ["postcode", "TS1 2AB", ABBEY, -1.2, 54.5],
            ["pharmacy", "A chemist", ABBEY, -1.2, 54.5],
            ["school", "Abbey School", ABBEY, -1.2, 54.5],
        ],
        columns=COLUMNS,
    )
    rows = select_place_names(points, ("Somebody",)).rows
    assert rows[["name", "ward_code"]].to_numpy().tolist() == [
        ["Abbey School", ABBEY], ["Long Street", ABBEY], ["TS1", ABBEY], ["Long Street", BRIDGE],
    ]  # fmt: skip
    assert rows.loc[1, "lon"] == -1.15  # the point of the street that is nearest to its middle


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from([ABBEY, BRIDGE])), max_size=20))
def test_each_name_leads_to_the_outline_in_which_it_lies(shares: list[tuple[float, float, str]]) -> None:
    totals = ReleaseTotals(example_release())
    drawing = lay_out_release(totals)
    outlines = np.array([place.outline for place in totals.release.places.values()])
    west, south, east, north = shapely.total_bounds(outlines)
    places = {
        f"Street {k}": (ward, west + x * (east - west), south + y * (north - south))
        for k, (x, y, ward) in enumerate(shares)
    }
    points = pd.DataFrame([["street", name, *place] for name, place in places.items()], columns=COLUMNS)
    index = build_search_index(drawing, totals.wards, select_place_names(points, ()))
    seen = 0
    for ward in index["wards"]:
        names = ward["names"].split("\n")
        assert names[0] == ""
        seen += len(names) - 1
        for set_name, leaves in zip(index["sets"], ward["leaves"], strict=True):
            assert len(leaves) == len(names)
            assert leaves[0] == -1
            for name, leaf in zip(names[1:], leaves[1:], strict=True):
                point = shapely.Point(places[name][1:])
                shapes = drawing.leaves[set_name]
                inside = [k for k, shape in enumerate(shapes) if shape.place.outline.intersects(point)]
                assert leaf in inside or (leaf == -1 and not inside)
    assert seen == len(places)


def test_names_are_text_in_the_page_and_no_coordinates_go_with_them() -> None:
    points = pd.DataFrame([["street", "</script><b>&", ABBEY, -1.23456, 54.56789]], columns=COLUMNS)
    release = example_release()
    files = build_site_files(release, contact=Contact(), names=select_place_names(points, ("© <b>Us",)))
    text = files["index.html"].decode()
    assert "</script><b>" not in text
    assert "© &lt;b&gt;Us" in text
    assert "1.23456" not in text
    assert "54.56789" not in text
    data = json.loads(text.split('id="hp-data">')[1].split("</script>")[0])
    assert data["search"]["wards"][0]["names"] == "\n</script><b>&"
    assert '"search":' not in build_site_files(release, contact=Contact())["index.html"].decode()


@pytest.mark.parametrize("area_name", ["middlesbrough", "cleveland"])
def test_the_names_of_an_area_are_small_and_no_whole_postcode_is_among_them(area_name: str) -> None:
    gazetteer = read_gazetteer(load_area(area_name))
    assert gazetteer is not None
    names = select_place_names(gazetteer.points, gazetteer.attributions)
    assert not names.rows["name"].str.fullmatch(r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}").any()
    assert names.rows["name"].str.encode("utf-8").str.len().sum() < 250_000
