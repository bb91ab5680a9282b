"""Lines and areas of a street map, tidied on a plane in metres."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from hexbeat.areas.street_lines import tidy_areas, tidy_lines

MAIN = ("main", "Linthorpe Road", [(0, 0), (0, 1000)])


def build_lines(*rows: tuple[str, str, Sequence[tuple[float, float]]]) -> gpd.GeoDataFrame:
    kinds, names, lines = zip(*rows, strict=True)
    return gpd.GeoDataFrame({"kind": kinds, "name": names}, geometry=[shapely.LineString(line) for line in lines])


def list_lines(frame: gpd.GeoDataFrame) -> list[tuple[str, str, float]]:
    return [
        (row.kind, row.name_, round(row.geometry.length))
        for row in frame.rename(columns={"name": "name_"}).itertuples()
    ]


def test_pieces_of_a_street_become_one_line() -> None:
    pieces = [("street", "Grange Road", [(k * 100, 0), (k * 100 + 100, 0)]) for k in range(5)]
    assert list_lines(tidy_lines(build_lines(*pieces), partial=False)) == [("street", "Grange Road", 500)]


@pytest.mark.parametrize("aside", [0.0, 3.0, 5.5])
def test_a_line_along_another_is_kept_once_with_the_higher_class(aside: float) -> None:
    double = ("street", "", [(aside, -3), (aside, 500), (aside, 1003)])
    assert list_lines(tidy_lines(build_lines(double, MAIN), partial=False)) == [("main", "Linthorpe Road", 1000)]


def test_the_named_one_of_two_doubles_stays() -> None:
    lines = build_lines(("street", "", [(1, 0), (1, 900)]), ("street", "Borough Road", [(0, 100), (0, 800)]))
    kept = tidy_lines(lines, partial=False)
    assert ("street", "Borough Road", 700) in list_lines(kept)
    assert kept.geometry.length.sum() == pytest.approx(900, abs=15)


def test_two_carriageways_stay_two_lines() -> None:
    other = ("street", "Grange Road", [(30, 0), (30, 1000)])
    assert len(tidy_lines(build_lines(MAIN, other), partial=False)) == 2


@pytest.mark.parametrize("angle", [30, 60, 90, 120, 150])
def test_a_side_street_keeps_its_junction(angle: float) -> None:
    end = (400 * np.sin(np.radians(angle)), 500 + 400 * np.cos(np.radians(angle)))
    kept = tidy_lines(build_lines(MAIN, ("street", "Side Street", [(0, 500), end])), partial=False)
    side = kept.geometry[list(kept["name"]).index("Side Street")]
    assert side.length == pytest.approx(400, abs=5)
    assert side.distance(shapely.LineString(MAIN[2])) < 0.1


def test_a_street_that_leaves_another_ends_on_it() -> None:
    leaving = ("street", "Old Road", [(2, 0), (2, 500), (300, 800)])
    kept = tidy_lines(build_lines(MAIN, leaving), partial=False)
    rest = kept.geometry[list(kept["name"]).index("Old Road")]
    assert rest.distance(shapely.LineString(MAIN[2])) == 0
    assert rest.length == pytest.approx(np.hypot(298, 300), abs=15)


def test_a_stray_piece_is_left_out_and_a_cul_de_sac_stays() -> None:
    lines = build_lines(
        MAIN, ("street", "Stray Street", [(500, 0), (600, 0)]), ("street", "Close", [(0, 300), (60, 300)])
    )
    assert set(tidy_lines(lines, partial=False)["name"]) == {"Linthorpe Road", "Close"}


def test_railways_and_streams_are_no_doubles_of_streets() -> None:
    lines = build_lines(MAIN, ("rail", "", [(2, 0), (2, 1000)]), ("water", "", [(-2, 0), (-2, 1000)]))
    assert sorted(tidy_lines(lines, partial=False)["kind"]) == ["main", "rail", "water"]


def test_a_file_with_some_streets_loses_chords_and_short_networks() -> None:
    lines = build_lines(
        ("main", "A66", [(0, 0), (900, 10), (1800, 0)]),
        ("street", "The Parkway", [(500, 0), (500, 1200)]),
        ("street", "Far Street", [(9000, 0), (9100, 0), (9400, 80)]),
    )
    assert set(tidy_lines(lines, partial=True)["name"]) == {"A66"}
    assert set(tidy_lines(lines, partial=False)["name"]) == {"A66", "The Parkway", "Far Street"}


@pytest.mark.slow
@given(st.permutations(range(12)))
@settings(max_examples=6)
def test_the_order_of_the_file_changes_nothing(order: list[int]) -> None:
    pieces = [("street", f"Street {k % 3}", [(k * 90.0, 0.0), (k * 90.0 + 90, k % 4)]) for k in range(12)]
    first = tidy_lines(build_lines(*pieces), partial=False)
    again = tidy_lines(build_lines(*[pieces[k] for k in order]), partial=False)
    assert list(first["name"]) == list(again["name"])
    assert shapely.equals_exact(first.geometry.to_numpy(), again.geometry.to_numpy(), 0).all()


def test_corners_within_a_metre_or_two_go_and_the_line_stays_where_it_is() -> None:
    x = np.arange(0, 1000, 5.0)
    wavy = np.column_stack([x, 0.5 * np.sin(x)])
    kept = tidy_lines(build_lines(("street", "Wavy Street", [(a, b) for a, b in wavy.tolist()])), partial=False)
    assert shapely.get_num_points(kept.geometry[0]) < 20
    assert shapely.hausdorff_distance(kept.geometry[0], shapely.LineString(wavy)) < 1.3


def test_green_areas_are_united_named_ones_stay_and_specks_go() -> None:
    boxes = {"": [(0, 0, 200, 200), (150, 0, 400, 200), (900, 900, 910, 910)], "Albert Park": [(100, 100, 300, 300)]}
    rows = [("green", name, shapely.box(*box)) for name, some in boxes.items() for box in some]
    kinds, names, shapes = zip(*rows, strict=True)
    kept = tidy_areas(gpd.GeoDataFrame({"kind": kinds, "name": names}, geometry=list(shapes)))
    assert sorted(kept["name"]) == ["", "Albert Park"]
    assert kept.geometry.area.sum() == shapely.union_all([shape for _, _, shape in rows if shape.area > 1000]).area


def test_nothing_stays_nothing() -> None:
    empty = gpd.GeoDataFrame({"kind": pd.Series(dtype=object), "name": pd.Series(dtype=object)}, geometry=[])
    assert len(tidy_areas(empty)) == 0
    assert len(tidy_lines(empty, partial=False)) == 0
