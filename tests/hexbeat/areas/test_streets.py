"""The streets of an area: built, written, read, and said to be complete or not."""

import json
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import AreaError, DataError, UsageError
from geo.wards import Wards
from hexbeat.areas.area import Area, Publisher, load_area
from hexbeat.areas.streets import PARTLY_SHOWN, StreetReport, build_streets, read_streets
from hexbeat.files import hash_file

COUNCIL = Publisher('The "Council"', "OGL v3.0", "© Council 2026")


@pytest.fixture
def bare_area(tmp_path: Path) -> Area:
    """Middlesbrough in a folder of its own, with its places where events can happen and no streets."""
    return make_bare_area(tmp_path / "middlesbrough")


def make_bare_area(folder: Path) -> Area:
    """The same in this folder."""
    found = load_area("middlesbrough")
    folder.mkdir()
    for name in ("wards.geojson", "spots.csv"):
        shutil.copy(found.folder / name, folder)
    return replace(found, folder=folder)


def write_grid(path: Path, area: Area, *, columns: int) -> Path:
    """So many streets from west to east and from south to north, over the area and beyond it."""
    west, south, east, north = area.bounds
    x, y = np.linspace(west - 0.05, east + 0.05, columns), np.linspace(south - 0.03, north + 0.03, columns)
    up = [shapely.LineString([(at, y[0]), (at, y[-1])]) for at in x]
    across = [shapely.LineString([(x[0], at), (x[-1], at)]) for at in y]
    names = [f"Street {k}" for k in range(len(up))] + [f"Row {k}" for k in range(len(across))]
    rows = gpd.GeoDataFrame(
        {"name": names, "highway": "residential"}, geometry=list(shapely.segmentize(up + across, 0.01)), crs=4326
    )
    rows.to_file(path)
    return path


def build_grid(folder: Path, *, columns: int) -> tuple[Area, StreetReport, Path]:
    """An area whose streets are such a grid, what was said of them, and its file."""
    area = make_bare_area(folder / "middlesbrough")
    path = write_grid(folder / "grid.geojson", area, columns=columns)
    return area, build_streets(path, area, publisher=COUNCIL), path


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> tuple[Area, StreetReport, Path]:
    """An area of few streets, for tests that only look, with what was said of them and their file."""
    return build_grid(tmp_path_factory.mktemp("sparse"), columns=20)


@pytest.mark.slow
def test_two_files_give_what_one_file_of_both_gives(
    sparse: tuple[Area, StreetReport, Path], bare_area: Area, tmp_path: Path
) -> None:
    whole_area, _, whole = sparse
    rows = gpd.read_file(whole)
    parts = [tmp_path / "north.geojson", tmp_path / "south.geojson"]
    rows[:25].to_file(parts[0])
    rows[15:].to_file(parts[1])  # ten streets are in both
    build_streets(parts[0], bare_area, more=parts[1:], publisher=COUNCIL)
    built = [(area.folder / "streets.json").read_bytes() for area in (whole_area, bare_area)]
    assert built[0] == built[1]
    facts = tomllib.loads((bare_area.folder / "streets.toml").read_text(encoding="utf-8"))
    assert facts["source_file"] == "north.geojson, south.geojson"


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> tuple[Area, StreetReport, Path]:
    """The same with a street beside nearly every place."""
    return build_grid(tmp_path_factory.mktemp("dense"), columns=150)


@pytest.mark.slow
def test_streets_go_a_kilometre_beyond_the_wards(dense: tuple[Area, StreetReport, Path]) -> None:
    area, *_ = dense
    streets = read_streets(area)
    assert streets
    places = np.concatenate([shape for _, shape in streets.list_shapes("lines", "street")])
    wards = gpd.GeoSeries(area.wards.polygons, crs=4326).to_crs(27700).union_all()
    distances = gpd.GeoSeries(gpd.points_from_xy(*places.T), crs=4326).to_crs(27700).distance(wards)
    assert 950 < distances.max() < 1_030


def test_coordinates_come_back_to_a_metre(bare_area: Area, tmp_path: Path) -> None:
    west, south, east, north = bare_area.bounds
    rng = np.random.default_rng(5)
    corners = np.cumsum(rng.uniform(0, 0.002, (40, 2)), axis=0) + np.array(
        [(west + east) / 2 - 0.03, (south + north) / 2 - 0.03]
    )
    gpd.GeoDataFrame({"name": ["Long Street"]}, geometry=[shapely.LineString(corners)], crs=4326).to_file(
        tmp_path / "one.geojson"
    )
    build_streets(tmp_path / "one.geojson", bare_area, publisher=COUNCIL)
    streets = read_streets(bare_area)
    assert streets
    ((name, shape),) = streets.list_shapes("lines", "street")
    assert name == "Long Street"
    assert shapely.hausdorff_distance(shapely.LineString(shape), shapely.LineString(corners)) < 2.5e-5


@pytest.mark.slow
def test_the_same_file_gives_the_same_bytes(sparse: tuple[Area, StreetReport, Path], bare_area: Area) -> None:
    area, first, path = sparse
    again = build_streets(path, bare_area, publisher=COUNCIL)
    assert replace(again, file=first.file) == first
    assert (bare_area.folder / "streets.json").read_bytes() == (area.folder / "streets.json").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "partial", "complete"), [(150, False, True), (150, True, False), (20, False, False)]
)
def test_streets_are_complete_if_most_places_lie_on_one(
    dense: tuple[Area, StreetReport, Path],
    sparse: tuple[Area, StreetReport, Path],
    bare_area: Area,
    *,
    columns: int,
    partial: bool,
    complete: bool,
) -> None:
    area, report, path = dense if columns == 150 else sparse
    if partial:
        area, report = bare_area, build_streets(path, bare_area, publisher=COUNCIL, partial=True)
    assert report.complete is complete
    assert report.near_places is not None
    assert (report.near_places >= 0.8) is (columns == 150)
    streets = read_streets(area)
    assert streets
    assert streets.credits == [COUNCIL.attribution if complete else f"{PARTLY_SHOWN}. {COUNCIL.attribution}"]


def test_the_facts_stand_beside_the_file(sparse: tuple[Area, StreetReport, Path], bare_area: Area) -> None:
    path = sparse[2]
    report = build_streets(path, bare_area, publisher=COUNCIL, where="name LIKE 'Row%'")
    facts = tomllib.loads((bare_area.folder / "streets.toml").read_text(encoding="utf-8"))
    assert facts == {
        "source": COUNCIL.source,
        "source_file": "grid.geojson",
        "source_sha256": hash_file(path),
        "where": "name LIKE 'Row%'",
        "licence": "OGL v3.0",
        "attribution": "© Council 2026",
        "complete": False,
        "near_places": report.near_places,
        "lines": report.lines,
        "areas": 0,
        "streets_sha256": hash_file(bare_area.folder / "streets.json"),
    }
    data = json.loads((bare_area.folder / "streets.json").read_text(encoding="utf-8"))
    assert all(name.startswith("Row") for name in data["names"])


def test_a_file_of_which_nothing_is_left_is_refused(bare_area: Area, tmp_path: Path) -> None:
    west, south, east, north = bare_area.bounds
    rows = gpd.GeoDataFrame(
        {"name": ["Chord"]}, geometry=[shapely.LineString([(west, south), (east, north)])], crs=4326
    )
    rows.to_file(tmp_path / "chord.geojson")
    with pytest.raises(DataError) as caught:
        build_streets(tmp_path / "chord.geojson", bare_area, publisher=COUNCIL, partial=True)
    assert str(caught.value) == (
        "The streets of an area are lines in it that hang together; chord.geojson has none in Middlesbrough; "
        "choose the area with --area, or a file of this area"
    )


def test_an_area_without_streets_has_none(bare_area: Area) -> None:
    assert read_streets(bare_area) is None


@pytest.mark.slow
def test_rebuilt_streets_are_read_again(
    sparse: tuple[Area, StreetReport, Path], bare_area: Area, tmp_path: Path
) -> None:
    for path in (sparse[2], write_grid(tmp_path / "grid.geojson", bare_area, columns=12)):
        build_streets(path, bare_area, publisher=COUNCIL)
        streets = read_streets(bare_area)
        assert streets
        assert streets.sha256 == hash_file(bare_area.folder / "streets.json")


@pytest.mark.slow
def test_streets_that_were_changed_are_refused(sparse: tuple[Area, StreetReport, Path], bare_area: Area) -> None:
    shutil.copytree(sparse[0].folder, bare_area.folder, dirs_exist_ok=True)
    with (bare_area.folder / "streets.json").open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(AreaError) as caught:
        read_streets(bare_area)
    assert str(caught.value) == (
        "The streets of Middlesbrough are as they were built; streets.json is not the one that streets.toml describes; "
        "build them again: hexbeat streets build"
    )


def test_somebody_has_to_be_named(sparse: tuple[Area, StreetReport, Path], bare_area: Area) -> None:
    with pytest.raises(UsageError) as caught:
        build_streets(sparse[2], bare_area)
    assert str(caught.value) == (
        "A map says who made its streets, and under which licence; grid.geojson does not say; "
        "add --origin, --licence and --attribution"
    )
    assert read_streets(bare_area) is None


@pytest.mark.slow
def test_a_whole_town_is_under_a_megabyte(bare_area: Area, shared: Path) -> None:
    """Newport, of which the extract is whole, as if it were this area."""
    box = gpd.GeoDataFrame(
        {"ward_code": ["W05000001"], "ward_name": ["Newport"]},
        geometry=[shapely.box(-3.12, 51.512, -2.88, 51.615)],
        crs=4326,
    )
    (bare_area.folder / "spots.csv").unlink()
    newport = replace(bare_area, title="Newport", wards=Wards.from_frame(box))
    report = build_streets(shared / "places" / "newport-2023-06-13.osm.pbf", newport)
    assert report.complete
    assert report.bytes < 1_000_000
    assert report.names > 1_000
