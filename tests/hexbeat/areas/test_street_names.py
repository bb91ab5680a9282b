"""Cells named by their streets, against a plain computation with geopandas."""

import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from geo.cells import build_outlines, find_meeting_cells, index_points
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import Area, load_area
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.street_names import (
    add_place_names,
    format_in_sentence,
    name_cell,
    name_cells,
    name_group,
    name_points,
    split_ward,
)


def draw_cells(area: Area, resolution: int, number: int) -> NDArray[np.uint64]:
    """Cells of an area, half of them where it has streets."""
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    streets = gazetteer.points[gazetteer.points["ward_code"] != ""]
    with_streets = np.unique(index_points(streets["lon"], streets["lat"], resolution=resolution))
    cells = find_meeting_cells(area.wards.polygons, resolution=min(resolution, 9))
    if resolution > 9:
        cells = np.array([int(h3.cell_to_center_child(f"{cell:x}", resolution), 16) for cell in cells], dtype=np.uint64)
    random = np.random.default_rng(7)
    return np.unique(
        np.concatenate([random.choice(part, number // 2, replace=False) for part in (cells, with_streets)])
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["middlesbrough", "cleveland", "county-durham"])
def test_the_first_street_is_that_with_most_points_in_the_cell(name: str, tmp_path: Path) -> None:
    area = load_area(name, home=tmp_path)
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    cells = draw_cells(area, 9, 100)
    streets = gazetteer.points[gazetteer.points["kind"] == "street"]
    # Degrees as a plane, as the outlines have straight sides in degrees.
    points = gpd.GeoDataFrame(streets, geometry=gpd.points_from_xy(streets["lon"], streets["lat"]))
    outlines = gpd.GeoDataFrame({"place": range(len(cells))}, geometry=build_outlines(cells))
    # H3's sides are arcs and these are straight: points so near to a side that the two differ are left out.
    sides = outlines.boundary.union_all()
    clear = points[points.geometry.distance(sides) > 2e-5]  # about 2 m
    held = gpd.sjoin(clear, outlines, predicate="within").groupby(["place", "name"]).size()
    unclear = set(gpd.sjoin(points.drop(clear.index), outlines, predicate="dwithin", distance=2e-5)["place"])
    compared = 0
    for place, text in enumerate(name_cells(cells, area)):
        if place in unclear:
            continue
        counts = held.loc[place] if place in held.index.get_level_values(0) else None
        if counts is None:
            assert text.startswith(("Near ", "Middle of ", "North", "South", "East of ", "West of "))
            continue
        fullest = counts[counts == counts.max()].index
        assert any(text.startswith((f"{street}, near ", f"{street} (")) for street in fullest), text
        compared += 1
    assert compared > 15


@pytest.mark.slow
@pytest.mark.parametrize("name", ["middlesbrough", "cleveland", "county-durham"])
def test_a_cell_without_a_street_is_named_by_the_nearest(name: str, tmp_path: Path) -> None:
    area = load_area(name, home=tmp_path)
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    cells = draw_cells(area, 10, 100)
    streets = gazetteer.points[gazetteer.points["kind"] == "street"]
    points = gpd.GeoSeries(gpd.points_from_xy(streets["lon"], streets["lat"]), crs=4326).to_crs(27700)
    lat, lon = np.array([h3.cell_to_latlng(f"{cell:x}") for cell in cells]).T
    centres = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326).to_crs(27700)
    near = [text for text in name_cells(cells, area) if text.startswith("Near ")]
    for text, centre in zip(name_cells(cells, area), centres, strict=True):
        distances = points.distance(centre).to_numpy()
        if text.startswith("Near "):
            nearest_m = distances.min()
            # Two methods of projection differ by centimetres, and two streets can be that equally near.
            fit = streets["name"].to_numpy()[distances <= nearest_m + 0.5]
            assert any(text.startswith(f"Near {street}") for street in fit)
        elif " of " in text and ", near " not in text and " (" not in text:
            assert distances.min() > 395
    assert len(near) > 5


@pytest.mark.parametrize(("name", "resolution"), [("middlesbrough", 8), ("middlesbrough", 9), ("middlesbrough", 10)])
def test_no_two_cells_of_an_area_have_one_name(name: str, resolution: int, tmp_path: Path) -> None:
    area = load_area(name, home=tmp_path)
    cells = find_meeting_cells(area.wards.polygons, resolution=resolution)
    names = name_cells(cells, area)
    assert len(set(names)) == len(names) == len(cells)
    assert max(map(len, names)) <= 100


def test_a_name_does_not_depend_on_the_cells_that_are_named_with_it(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    cells = draw_cells(area, 10, 30)
    together = name_cells(cells, area)
    assert [name_cells([cell], area)[0] for cell in cells[::-1]] == together[::-1]


def test_fine_cells_always_have_their_code(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    cells = draw_cells(area, 11, 20)
    names = name_cells(cells, area)
    assert all(" · " in name for name in names)
    assert len(set(names)) == len(names)


def test_points_are_named_by_their_cell(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    lon, lat = np.array([-1.2415]), np.array([54.5641])
    cell = int(h3.latlng_to_cell(54.5641, -1.2415, 10), 16)
    assert name_points(lon, lat, area) == name_cells([cell], area)
    assert name_cells([], area) == []


def test_without_a_gazetteer_a_cell_is_named_by_its_part_of_the_ward(tmp_path: Path) -> None:
    shipped = load_area("middlesbrough", home=tmp_path)
    folder = tmp_path / "boundaries" / "plain"
    folder.mkdir(parents=True)
    for file in ("area.toml", "wards.geojson"):
        shutil.copy(shipped.folder / file, folder / file)
    area = load_area("plain", home=tmp_path)
    place = area.wards.names.index("Central")
    middle = area.wards.polygons[place].centroid
    north = h3.latlng_to_cell(area.wards.polygons[place].bounds[3] - 0.0008, middle.x, 9)
    names = name_cells([int(h3.latlng_to_cell(middle.y, middle.x, 9), 16), int(north, 16)], area)
    assert [name.split(" · ")[0] for name in names] == ["Middle of Central", "North of Central"]


def test_a_group_has_the_names_of_its_first_two_streets(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    street = gazetteer.points[gazetteer.points["name"] == "Linthorpe Road"]
    cells = np.unique(index_points(street["lon"], street["lat"], resolution=9))
    names = name_cells(cells, area)
    firsts = list(dict.fromkeys(name.split(", near ")[0] for name in names if ", near " in name))
    assert len(firsts) > 2
    assert name_group(cells, area).startswith(f"{firsts[0]} and {firsts[1]} (")
    assert name_group(cells[:1], area) == names[0]


@pytest.mark.parametrize(
    ("place", "streets", "ward", "inside"),
    [
        ("Borough Road, near Linthorpe Road (Central)", "Borough Road, near Linthorpe Road", "(Central)", None),
        (
            "Near Borough Road (Central) · 98d9",
            "Near Borough Road",
            "(Central) · 98d9",
            "near Borough Road (Central) · 98d9",
        ),
        ("North-east of Central · 98d9", "North-east of Central", "· 98d9", "north-east of Central · 98d9"),
        ("Middle of Park End & Beckfield", "Middle of Park End & Beckfield", "", "middle of Park End & Beckfield"),
        ("North Road (Newport)", "North Road", "(Newport)", None),
        ("Nearby Close (Newport)", "Nearby Close", "(Newport)", None),
    ],
)
def test_a_name_is_taken_apart_and_stands_in_a_sentence(
    place: str, streets: str, ward: str, inside: str | None
) -> None:
    assert split_ward(place) == (streets, ward)
    assert format_in_sentence(place) == (inside or place)


def test_every_name_of_a_town_is_taken_apart_and_put_together_again(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    for place in name_cells(load_study(area).cells, area):
        streets, ward = split_ward(place)
        assert f"{streets} {ward}".strip() == place
        assert "(" not in streets


def test_rows_of_cells_get_their_names_beside_them(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    cells = [f"{cell:x}" for cell in draw_cells(area, 9, 4).tolist()]
    rows = pd.DataFrame({"layer": "x", "cell": cells, "count": [1, 0, 2, 0]}, index=[7, 7, 3, 1])
    named = add_place_names(rows, area)
    assert list(named.columns) == ["layer", "cell", "place", "count"]
    assert named["place"].tolist() == [name_cell(cell, area) for cell in cells]
    some = add_place_names(named, area, where=rows["count"] > 0)
    assert some["place"].tolist() == [name_cell(cells[0], area), "", name_cell(cells[2], area), ""]
    assert add_place_names(rows.iloc[:0], area)["place"].tolist() == []


def test_a_name_does_not_depend_on_what_was_asked_before(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    cells = draw_cells(area, 10, 60)
    together = name_cells(cells, area)
    fresh = replace(area)  # another object, of which nothing is kept yet
    assert [name_cells([cell], fresh)[0] for cell in cells[::-1].tolist()] == together[::-1]
