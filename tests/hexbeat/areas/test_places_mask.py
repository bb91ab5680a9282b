"""The list of places where events can happen: from points or lines, never from events."""

import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.cells import count_separate_places, index_points_at
from geo.errors import AreaError, DataError
from hexbeat.areas.area import Area, load_area
from hexbeat.areas.places_mask import build_places_mask, read_places_mask
from hexbeat.files import hash_file
from hexbeat.store.event_files import export_events
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.releases import Publisher, made_quarters

RULE = "A list of places comes from a file of points or lines"
HINT = "give a CSV with longitude and latitude, or a GeoJSON, GeoPackage, Shapefile or GeoParquet"


@pytest.fixture
def bare_area(tmp_path: Path) -> Area:
    """Middlesbrough in a folder of its own, with no list of places."""
    found = load_area("middlesbrough")
    folder = tmp_path / "middlesbrough"
    folder.mkdir()
    shutil.copy(found.folder / "wards.geojson", folder)
    return replace(found, folder=folder)


def made(path: Path, bare_area: Area) -> None:
    build_places_mask(path, bare_area, source="somebody", licence="a licence", attribution='"quoted" \\ name')


def points(path: Path, lon: list[float], lat: list[float], names: tuple[str, str] = ("LONGITUDE", "LATITUDE")) -> Path:
    pd.DataFrame({names[1]: lat, "OTHER": "x", names[0]: lon}).to_csv(path, index=False)
    return path


def test_points_become_pieces_with_their_spots(bare_area: Area, tmp_path: Path) -> None:
    file = points(tmp_path / "uprn.csv", [-1.2345, -1.2345, -1.2352, 0.0, float("nan")], [54.5740] * 5)
    report = build_places_mask(file, bare_area, source="somebody", licence="a licence", attribution="")
    assert (report.read, report.spots, report.pieces) == (5, 2, 1)
    mask = read_places_mask(bare_area)
    assert (mask.candidates.tolist(), mask.separate.tolist()) == ([2], [1])
    spots = index_points_at(np.array([-1.2345, -1.2352]), np.full(2, 54.574), resolutions=(11,))[11]
    assert mask.candidate_cells.tolist() == sorted(spots.tolist())
    assert mask.ward_code == (
        bare_area.wards.codes[bare_area.wards.locate(np.array([-1.2345]), np.array([54.574]))[0]],
    )


def test_lines_become_the_points_along_them(bare_area: Area, tmp_path: Path) -> None:
    road = gpd.GeoSeries([shapely.LineString([(-1.24, 54.574), (-1.22, 54.574)])], crs=4326).to_crs(27700)
    road.to_file(tmp_path / "roads.gpkg")
    report = build_places_mask(tmp_path / "roads.gpkg", bare_area, source="s", licence="l", attribution="")
    assert report.pieces > 3
    assert report.spots > 10 * report.pieces / 3


def test_words_of_the_source_are_kept_as_they_are(bare_area: Area, tmp_path: Path) -> None:
    made(points(tmp_path / "p.csv", [-1.2345], [54.574]), bare_area)
    assert read_places_mask(bare_area).facts["attribution"] == '"quoted" \\ name'


@pytest.mark.parametrize("name", ["middlesbrough", "cleveland", "county-durham"])
def test_the_shipped_areas_have_one(name: str) -> None:
    bare_area = load_area(name)
    mask = read_places_mask(bare_area)
    assert set(mask.ward_code) == set(bare_area.wards.codes)
    assert len(mask.cell) == mask.facts["pieces"]
    assert len(mask.candidate_cells) <= mask.candidates.sum() < 1.02 * len(mask.candidate_cells)
    all_together = np.zeros(len(mask.candidate_cells), dtype=np.int64)
    assert mask.separate.sum() == count_separate_places(mask.candidate_cells, all_together, size=1)[0]
    assert (mask.separate <= mask.candidates).all()
    assert list(zip(mask.ward_code, mask.cell.tolist(), strict=True)) == sorted(
        zip(mask.ward_code, mask.cell.tolist(), strict=True)
    )


def test_files_without_points_or_lines_are_refused(bare_area: Area, tmp_path: Path) -> None:
    square = gpd.GeoSeries([shapely.box(-1.24, 54.57, -1.23, 54.58)], crs=4326)
    square.to_file(tmp_path / "squares.geojson")
    (tmp_path / "words.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name, fact in (
        ("squares.geojson", "squares.geojson has other shapes too"),
        ("words.csv", "words.csv has the columns a, b"),
        ("none.geojson", "none.geojson cannot be read (FileNotFoundError)"),
    ):
        with pytest.raises(DataError) as caught:
            made(tmp_path / name, bare_area)
        assert str(caught.value) == f"{RULE}; {fact}; {HINT}"


@pytest.mark.parametrize("ending", ["csv", "gpkg", "parquet"])
def test_an_export_of_events_is_no_list_of_places(bare_area: Area, tmp_path: Path, ending: str) -> None:
    publisher = Publisher(tmp_path / "home")
    publisher.load(made_quarters(publisher.area, number=20), now="2026-07-02")
    with Store.open(publisher.home) as store:
        export_events(store, ANALYST, tmp_path / f"events.{ending}")
    with pytest.raises(DataError) as caught:
        made(tmp_path / f"events.{ending}", bare_area)
    assert str(caught.value) == (
        "A list of places says where events can happen, so it is never made from events; "
        f"events.{ending} has event_id and source_id and occurred_from and h3_11, as exports of events do; "
        "give addresses, roads or other points that do not come from events"
    )


def test_points_elsewhere_are_refused(bare_area: Area, tmp_path: Path) -> None:
    with pytest.raises(AreaError) as caught:
        made(points(tmp_path / "p.csv", [0.1, 0.2], [51.5, 51.6], ("lon", "lat")), bare_area)
    assert str(caught.value) == (
        "A list of places needs at least one place in its area; none of the 2 rows of p.csv is in Middlesbrough; "
        "choose the area with --area, or a file of this area"
    )


def test_a_list_for_other_wards_or_changed_by_hand_is_refused(bare_area: Area, tmp_path: Path) -> None:
    rule = "A release needs the list of places in Middlesbrough where events can happen"
    hint = "make it: hexbeat boundaries places FILE --area middlesbrough"
    made(points(tmp_path / "p.csv", [-1.2345], [54.574]), bare_area)
    places = bare_area.folder / "places.csv"
    places.write_text(places.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(AreaError) as caught:
        read_places_mask(bare_area)
    assert str(caught.value) == f"{rule}; the list was changed by hand; {hint}"
    made(tmp_path / "p.csv", bare_area)
    (bare_area.folder / "spots.csv").write_text("spot\n", encoding="utf-8")
    with pytest.raises(AreaError) as caught:
        read_places_mask(bare_area)
    assert str(caught.value) == f"{rule}; the list was changed by hand; {hint}"
    made(tmp_path / "p.csv", bare_area)
    old = places.read_text(encoding="utf-8").replace("spots,apart", "spots,other")
    facts = (bare_area.folder / "places.toml").read_text(encoding="utf-8")
    before = hash_file(places)
    places.write_text(old, encoding="utf-8")
    (bare_area.folder / "places.toml").write_text(facts.replace(before, hash_file(places)), encoding="utf-8")
    with pytest.raises(AreaError) as caught:
        read_places_mask(bare_area)
    assert str(caught.value) == f"{rule}; the list was made by another version of Hexbeat; {hint}"
    (bare_area.folder / "wards.geojson").write_text("{}", encoding="utf-8")
    with pytest.raises(AreaError) as caught:
        read_places_mask(bare_area)
    assert str(caught.value) == f"{rule}; the list was made for other wards; {hint}"
