"""Areas built from a publisher's file of wards, in any format and coordinate system."""

import json
import warnings
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from pyproj.transformer import TransformerGroup

from hexbeat.areas.area import load_area
from hexbeat.areas.boundaries import build_area, check_area, find_authority_fields
from hexbeat.settings import PROJECT_DIR
from tests.support.input_files import WARD_FILE, SaveWards, build, refusal

ATTRIBUTION = (
    "Source: Office for National Statistics licensed under the Open Government Licence v.3.0. "
    "Contains OS data © Crown copyright and database right 2025."
)


def test_an_area_is_built_with_our_columns_sorted_by_code(tmp_path: Path) -> None:
    report = build(WARD_FILE, tmp_path)
    wards = gpd.read_file(tmp_path / "otherby" / "wards.geojson")
    assert wards.columns.tolist() == ["ward_code", "ward_name", "lad_code", "lad_name", "geometry"]
    assert wards["ward_code"].tolist() == ["E99900001", "E99900002", "E99900003", "E99900004"]
    assert wards["ward_name"].tolist() == ["Mill Hill", "St Hilda's & Dock", "Quay", "Brook Ŵest"]
    assert shapely.get_num_geometries(wards.geometry).tolist() == [1, 1, 2, 1]
    assert (report.folder, report.wards, report.repairs) == (tmp_path / "otherby", 4, [])
    assert report.warnings == ["the local authority comes from the columns LAD25CD and LAD25NM"]
    assert report.as_dict() | {"warnings": []} == {
        "area": "otherby", "wards": 4, "area_km2": 3.739, "repairs": [], "warnings": [],
    }  # fmt: skip
    assert check_area(report.folder) == []


def test_area_toml_says_where_the_wards_come_from_and_no_folder_of_this_machine(tmp_path: Path) -> None:
    build(WARD_FILE, tmp_path, title='The "Other" by', vintage="2025", licence="Invented\x7f", source=None)
    text = (tmp_path / "otherby" / "area.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "sha256" not in line]
    assert lines == [
        "# Made by `hexbeat boundaries build`; build again rather than edit.",
        'name = "otherby"',
        'title = "The \\"Other\\" by"',
        'authority_codes = ["E99000001"]',
        'authority_names = ["Otherby"]',
        'vintage = "2025"',
        'source = "not stated"',
        'source_file = "wards.geojson"',
        'licence = "Invented\\u007f"',
        'attribution = "not stated"',
        'crs = "EPSG:4326"',
        "decimals = 6",
        'time_zone = "Europe/London"',
        "wards = 4",
        "repairs = []",
    ]


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = build(WARD_FILE, tmp_path / "a").folder, build(WARD_FILE, tmp_path / "b").folder
    again = build(WARD_FILE, tmp_path / "a").folder
    for file in ("wards.geojson", "area.toml"):
        assert (first / file).read_bytes() == (second / file).read_bytes() == (again / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["otherby"]


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "parquet", "fgb"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:27700", "EPSG:3857"])
def test_any_format_and_crs_gives_the_same_wards(
    ward_frame: gpd.GeoDataFrame, tmp_path: Path, suffix: str, crs: str
) -> None:
    path = tmp_path / f"ward_frame.{suffix}"
    frame = ward_frame.to_crs(crs)
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, encoding="utf-8")
    report = build(path, tmp_path)
    built, expected = (
        gpd.read_file(report.folder / "wards.geojson"),
        gpd.read_file(build(WARD_FILE, tmp_path / "x").folder / "wards.geojson"),
    )
    assert built["ward_name"].tolist() == expected["ward_name"].tolist()
    near = shapely.hausdorff_distance(built.geometry.to_numpy(), expected.geometry.to_numpy())
    assert (near < 2e-6).all()


def test_topojson_with_the_ending_of_json_gives_the_same_wards(tmp_path: Path) -> None:
    features = json.loads(WARD_FILE.read_text(encoding="utf-8"))["features"]
    arcs: list[object] = []
    wards = []
    for feature in features:
        polygons = shapely.geometry.shape(feature["geometry"])
        rings = []
        for polygon in getattr(polygons, "geoms", [polygons]):
            lines = [polygon.exterior, *polygon.interiors]
            rings.append([[len(arcs) + place] for place in range(len(lines))])
            arcs += [[list(corner) for corner in line.coords] for line in lines]
        wards.append({"type": "MultiPolygon", "arcs": rings, "properties": feature["properties"]})
    objects = {"wards": {"type": "GeometryCollection", "geometries": wards}}
    path = tmp_path / "wards.json"
    path.write_text(json.dumps({"type": "Topology", "objects": objects, "arcs": arcs}), encoding="utf-8")
    built = gpd.read_file(build(path, tmp_path).folder / "wards.geojson")
    expected = gpd.read_file(build(WARD_FILE, tmp_path / "x").folder / "wards.geojson")
    assert built["ward_name"].tolist() == expected["ward_name"].tolist()
    assert (shapely.hausdorff_distance(built.geometry.to_numpy(), expected.geometry.to_numpy()) < 2e-6).all()


def test_british_national_grid_without_its_grid_file_is_said(ward_frame: gpd.GeoDataFrame, tmp_path: Path) -> None:
    ward_frame.to_crs("EPSG:27700").to_file(tmp_path / "bng.gpkg")
    report = build(tmp_path / "bng.gpkg", tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        best_here = TransformerGroup("EPSG:27700", "EPSG:4326").best_available
    remark = "the best PROJ grid for OSGB36 / British National Grid is not installed, so wards are placed within"
    assert any(line.startswith(remark) for line in report.warnings) is not best_here


def test_check_finds_what_was_changed_by_hand(tmp_path: Path) -> None:
    folder = build(WARD_FILE, tmp_path).folder
    wards = folder / "wards.geojson"
    wards.write_text(wards.read_text(encoding="utf-8").replace("-1.23,54.56]", "-1.2299999,54.56]"), encoding="utf-8")
    toml = folder / "area.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("E99000001", "E99000009"), encoding="utf-8")
    moved = folder.rename(tmp_path / "elsewhere")
    assert check_area(moved) == [
        "the folder is 'elsewhere', but area.toml says 'otherby'",
        "the authorities differ from those of the wards",
        "wards.geojson has changed since area.toml was written",
        "wards.geojson has coordinates of more than 6 decimals, or repeated corners",
    ]


def test_authority_columns_are_found_only_when_there_is_no_doubt() -> None:
    assert find_authority_fields(["LAD25CD", "LAD25NM", "WD25CD"]) == ("LAD25CD", "LAD25NM")
    assert find_authority_fields(["lad_code", "lad_name", "LAD25CD"]) == ("lad_code", "lad_name")
    assert find_authority_fields(["LAD25CD", "LAD24CD", "LAD25NM"]) is None
    assert find_authority_fields(["code", "name"]) is None


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "title"),
    [("middlesbrough", "Middlesbrough"), ("cleveland", "Cleveland"), ("county-durham", "County Durham")],
)
def test_the_shipped_areas_are_made_by_this_function(shared: Path, tmp_path: Path, name: str, title: str) -> None:
    report = build_area(
        shared / "boundaries" / f"{name.replace('-', '_')}_wards_2025.geojson",
        name=name,
        code_field="ward_code",
        name_field="ward_name",
        out_dir=tmp_path,
        title=title,
        vintage="2025",
        source="Office for National Statistics, Open Geography portal: electoral wards 2025",
        licence="Open Government Licence v3.0",
        attribution=ATTRIBUTION,
    )
    assert report.repairs == []
    for file in ("wards.geojson", "area.toml"):
        shipped = PROJECT_DIR / "data" / "boundaries" / name / file
        assert (report.folder / file).read_bytes() == shipped.read_bytes()


def test_one_authority_or_some_wards_out_of_a_larger_file(tmp_path: Path) -> None:
    def list_codes(*only: str) -> list[str]:
        build(WARD_FILE, tmp_path, only=only)
        return list(gpd.read_file(tmp_path / "otherby" / "wards.geojson")["ward_code"])

    assert list_codes("E99900003", "E99900001") == ["E99900001", "E99900003"]
    assert 'only = ["E99900001", "E99900003"]' in (tmp_path / "otherby" / "area.toml").read_text(encoding="utf-8")
    assert list_codes("E99000001") == ["E99900001", "E99900002", "E99900003", "E99900004"]
    assert check_area(tmp_path / "otherby") == []


def test_an_area_has_the_time_zone_that_is_named(tmp_path: Path) -> None:
    build(WARD_FILE, tmp_path, time_zone="America/New_York")
    assert load_area("otherby", home=_as_home(tmp_path)).time_zone == "America/New_York"


def _as_home(folder: Path) -> Path:
    (folder / "home").mkdir()
    (folder / "home" / "boundaries").symlink_to(folder, target_is_directory=True)
    return folder / "home"


def test_a_part_that_collapses_is_a_fault_and_is_repaired(tmp_path: Path, save_wards: SaveWards) -> None:
    speck = shapely.box(-1.28, 54.5, -1.28 + 2e-7, 54.5 + 2e-7)
    frame = gpd.GeoDataFrame(
        {"WD25CD": ["W1"], "WD25NM": ["One"]},
        geometry=[shapely.MultiPolygon([shapely.box(-1.30, 54.50, -1.29, 54.51), speck])],
        crs="EPSG:4326",
    )
    path = save_wards(frame)
    assert refusal(path, tmp_path) == (
        "Wards have to be valid polygons, without overlaps or slivers between them; One (W1) is not a valid polygon: "
        "Too few points in geometry component near 54.500000, -1.280000; --repair repairs rings, slivers and narrow "
        "overlaps"
    )
    report = build(path, tmp_path, allow_repair=True)
    assert report.repairs == [
        "repaired: One (W1) is not a valid polygon: Too few points in geometry component near 54.500000, -1.280000"
    ]
    wards = gpd.read_file(tmp_path / "otherby" / "wards.geojson")
    assert wards.geometry[0].equals(shapely.box(-1.30, 54.50, -1.29, 54.51))
