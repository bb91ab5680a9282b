import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from pyproj.transformer import TransformerGroup

from geo.errors import AreaError
from layers.boundaries import BuildReport, build_area, check_area, find_authority_fields
from layers.settings import PROJECT_DIR

FIXTURE = Path(__file__).parents[1] / "fixtures" / "boundaries" / "wards.geojson"
FIELDS = {"name": "otherby", "code_field": "WD25CD", "name_field": "WD25NM"}
ATTRIBUTION = (
    "Source: Office for National Statistics licensed under the Open Government Licence v.3.0. "
    "Contains OS data © Crown copyright and database right 2025."
)

Save = Callable[[gpd.GeoDataFrame], Path]


@pytest.fixture
def published() -> gpd.GeoDataFrame:
    return gpd.read_file(FIXTURE)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def save_as_geopackage(frame: gpd.GeoDataFrame) -> Path:
        frame.to_file(tmp_path / "wards.gpkg")
        return tmp_path / "wards.gpkg"

    return save_as_geopackage


def build(path: Path, out_dir: Path, **choices: Any) -> BuildReport:
    return build_area(path, out_dir=out_dir, **{**FIELDS, **choices})


def refusal(path: Path, out_dir: Path, **choices: Any) -> str:
    with pytest.raises(AreaError) as caught:
        build(path, out_dir, **choices)
    assert not (out_dir / "otherby").exists()
    return str(caught.value)


def test_an_area_is_built_with_our_columns_sorted_by_code(tmp_path: Path) -> None:
    report = build(FIXTURE, tmp_path)
    wards = gpd.read_file(tmp_path / "otherby" / "wards.geojson")
    assert wards.columns.tolist() == ["ward_code", "ward_name", "lad_code", "lad_name", "geometry"]
    assert wards["ward_code"].tolist() == ["E99900001", "E99900002", "E99900003", "E99900004"]
    assert wards["ward_name"].tolist() == ["Mill Hill", "St Hilda's & Dock", "Quay", "Brook Ŵest"]
    assert shapely.get_num_geometries(wards.geometry).tolist() == [1, 1, 2, 1]
    assert (report.folder, report.wards, report.repairs) == (tmp_path / "otherby", 4, [])
    assert report.warnings == ["the local authority was taken from the columns LAD25CD and LAD25NM"]
    assert report.as_dict() | {"warnings": []} == {
        "area": "otherby", "wards": 4, "area_km2": 3.739, "repairs": [], "warnings": [],
    }  # fmt: skip
    assert check_area(report.folder) == []


def test_area_toml_says_where_the_wards_come_from_and_no_folder_of_this_machine(tmp_path: Path) -> None:
    build(FIXTURE, tmp_path, title='The "Other" by', vintage="2025", licence="Invented\x7f", source=None)
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
    first, second = build(FIXTURE, tmp_path / "a").folder, build(FIXTURE, tmp_path / "b").folder
    again = build(FIXTURE, tmp_path / "a").folder
    for file in ("wards.geojson", "area.toml"):
        assert (first / file).read_bytes() == (second / file).read_bytes() == (again / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["otherby"]


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "parquet"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:27700", "EPSG:3857"])
def test_any_format_and_crs_gives_the_same_wards(
    published: gpd.GeoDataFrame, tmp_path: Path, suffix: str, crs: str
) -> None:
    path = tmp_path / f"published.{suffix}"
    frame = published.to_crs(crs)
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, encoding="utf-8")
    report = build(path, tmp_path)
    built, expected = (
        gpd.read_file(report.folder / "wards.geojson"),
        gpd.read_file(build(FIXTURE, tmp_path / "x").folder / "wards.geojson"),
    )
    assert built["ward_name"].tolist() == expected["ward_name"].tolist()
    near = shapely.hausdorff_distance(built.geometry.to_numpy(), expected.geometry.to_numpy())
    assert (near < 2e-6).all()


def test_british_national_grid_without_its_grid_file_is_said(published: gpd.GeoDataFrame, tmp_path: Path) -> None:
    published.to_crs("EPSG:27700").to_file(tmp_path / "bng.gpkg")
    report = build(tmp_path / "bng.gpkg", tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        best_here = TransformerGroup("EPSG:27700", "EPSG:4326").best_available
    remark = "the best grid for OSGB36 / British National Grid is not installed (PROJ): wards are placed within"
    assert any(line.startswith(remark) for line in report.warnings) is not best_here


def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path) -> None:
    for name in ("../otherby", "Otherby", "a/b", "", "-a", "a--b", "a" * 65, "a\n"):
        with pytest.raises(AreaError) as caught:
            build(FIXTURE, tmp_path, name=name)
        assert str(caught.value) == (
            "An area's name has lower-case letters, digits and single hyphens, at most 64 of them; "
            f"{name[:64]!r} does not; choose one such as 'county-durham'"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_a_crs_is_refused(published: gpd.GeoDataFrame, tmp_path: Path) -> None:
    published.to_file(tmp_path / "wards.shp")
    (tmp_path / "wards.prj").unlink()
    assert refusal(tmp_path / "wards.shp", tmp_path) == (
        "A file of wards says its coordinate reference system; wards.shp says none; "
        "save it again with its CRS (a Shapefile needs its .prj file beside it)"
    )


def test_metres_that_claim_to_be_degrees_are_refused(published: gpd.GeoDataFrame, tmp_path: Path, save: Save) -> None:
    path = save(published.to_crs("EPSG:27700").set_crs("EPSG:4326", allow_override=True))
    message = refusal(path, tmp_path)
    assert message.startswith(
        "Wards lie on earth: longitudes within 180 degrees, latitudes within 90; wards.gpkg reaches"
    )
    assert message.endswith(
        "if its CRS is WGS 84; "
        "save it again with the CRS that its coordinates are in (British National Grid is EPSG:27700)"
    )


def test_a_missing_column_lists_those_that_there_are(tmp_path: Path) -> None:
    assert refusal(FIXTURE, tmp_path, code_field="WD24CD") == (
        "The columns of code and name are in the file; wards.geojson has no WD24CD; "
        "it has WD25CD, WD25NM, LAD25CD, LAD25NM, Area_ha; name them with --code and --name"
    )


def test_codes_must_be_there_and_be_unique_and_names_be_shown(
    published: gpd.GeoDataFrame, tmp_path: Path, save: Save
) -> None:
    published["WD25CD"] = ["E1", " E1", None, "E2"]
    published["WD25NM"] = ["A", "B\x07", "  ", "D"]
    assert refusal(save(published), tmp_path) == (
        "Each ward has a code of its own and a name; "
        "in wards.gpkg 1 row without a ward code; 1 row without a ward name; "
        "a ward name has characters that cannot be shown; 1 ward code used more than once (E1); correct the file"
    )


def test_an_overlap_is_refused_with_the_wards_and_the_place(
    published: gpd.GeoDataFrame, tmp_path: Path, save: Save
) -> None:
    published.loc[2, "geometry"] = shapely.box(-1.24, 54.56, -1.229, 54.57)
    for mend, hint in (
        (False, "--mend repairs rings, slivers and narrow overlaps"),
        (True, "ask the publisher which is right"),
    ):
        assert refusal(save(published), tmp_path, mend=mend) == (
            "Wards are valid polygons that neither overlap nor leave slivers between them; "
            "St Hilda's & Dock (E99900002) and Brook Ŵest (E99900004) overlap by 72,004.0 m2 "
            "near 54.565000, -1.229500; "
            f"{hint}"
        )


def test_a_narrow_overlap_and_a_bad_ring_are_mended_only_when_told_to(
    published: gpd.GeoDataFrame, tmp_path: Path, save: Save
) -> None:
    published.loc[2, "geometry"] = shapely.box(-1.24, 54.56, -1.229988, 54.57)
    crossed = [
        (-1.25, 54.56),
        (-1.24, 54.56),
        (-1.24, 54.57),
        (-1.24, 54.58),
        (-1.25, 54.58),
        (-1.255, 54.57),
        (-1.255, 54.575),
    ]
    published.loc[1, "geometry"] = shapely.Polygon(crossed)
    path = save(published)
    assert refusal(path, tmp_path) == (
        "Wards are valid polygons that neither overlap nor leave slivers between them; "
        "Mill Hill (E99900001) is not a valid polygon: Self-intersection near 54.572000, -1.254000; "
        "--mend repairs rings, slivers and narrow overlaps"
    )
    report = build(path, tmp_path, mend=True)
    assert check_area(report.folder) == []
    brook = "Brook Ŵest (E99900004)"
    assert report.repairs == [
        "mended: Mill Hill (E99900001) is not a valid polygon: Self-intersection near 54.572000, -1.254000",
        f"mended: St Hilda's & Dock (E99900002) and {brook} overlap by 864.0 m2 near 54.565000, -1.229994",
        f"mending changed {brook} by -864.1 m2",
    ]
    toml = tomllib.loads((report.folder / "area.toml").read_text(encoding="utf-8"))
    assert toml["repairs"] == report.repairs


def test_a_refused_build_leaves_the_area_that_is_there(published: gpd.GeoDataFrame, tmp_path: Path, save: Save) -> None:
    folder = build(FIXTURE, tmp_path).folder
    (folder / "places.bin").write_bytes(b"kept")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    published["WD25CD"] = "E1"
    with pytest.raises(AreaError):
        build(save(published), tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    build(FIXTURE, tmp_path, title="New")
    assert (folder / "places.bin").read_bytes() == b"kept"


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("missing.geojson", None, "missing.geojson is not there"),
        ("wards.kml", b"<kml/>", "wards.kml is none of these"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes | None, fact: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path / name, tmp_path) == (
        f"Wards come from a file (.geojson, .json, .gpkg, .shp, .parquet); {fact}; "
        "give the path of a GeoJSON, GeoPackage, Shapefile or GeoParquet"
    )


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.geojson").open("wb") as file:
        file.truncate(501_000_000)
    assert refusal(tmp_path / "huge.geojson", tmp_path) == (
        "A file of wards has at most 500 MB; huge.geojson has 501 MB; "
        "keep the wards of your area only, and export them again"
    )


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "areas").write_text("a file", encoding="utf-8")
    assert refusal(FIXTURE, tmp_path / "areas") == (
        "An area is written to a folder of its own; areas/otherby cannot be written (File exists); "
        "choose another folder with --out, or make room in this one"
    )


@pytest.mark.parametrize("name", ["noise.geojson", "noise.gpkg", "noise.shp"])
def test_noise_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(range(256)) * 40)
    assert refusal(tmp_path / name, tmp_path) == (
        "A file of wards is GeoJSON, a GeoPackage, a shapefile (.shp) or GeoParquet; "
        f"{name} is none of these inside; export it again as one of them"
    )


@pytest.mark.parametrize(
    ("name", "start"), [("cut.gpkg", b"SQLite format 3\x00"), ("cut.geojson", b"{"), ("cut.parquet", b"PAR1")]
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, start: bytes) -> None:
    (tmp_path / name).write_bytes(start + bytes(range(256)) * 40)
    message = refusal(tmp_path / name, tmp_path)
    assert message.startswith(f"Wards come from a file that can be read; {name} cannot be read (")
    assert message.endswith("); open it in QGIS and export it as GeoPackage")


def test_several_layers_and_what_is_no_polygon_are_refused(
    published: gpd.GeoDataFrame, tmp_path: Path, save: Save
) -> None:
    path = save(published)
    published.to_file(path, layer="other")
    assert refusal(path, tmp_path) == (
        "A file of wards has one layer; wards.gpkg has 2: wards, other; export the layer of wards to a file of its own"
    )
    points = published.set_geometry(published.representative_point())
    points.to_file(tmp_path / "points.gpkg")
    assert refusal(tmp_path / "points.gpkg", tmp_path) == (
        "A file of wards has a polygon in each row; "
        "points.gpkg has 4 that are not (Point); leave out what is not a ward"
    )
    pd.DataFrame({"WD25CD": ["a"]}).to_parquet(tmp_path / "table.parquet")
    assert "table.parquet cannot be read (ValueError)" in refusal(tmp_path / "table.parquet", tmp_path)


def test_check_finds_what_was_changed_by_hand(tmp_path: Path) -> None:
    folder = build(FIXTURE, tmp_path).folder
    wards = folder / "wards.geojson"
    wards.write_text(wards.read_text(encoding="utf-8").replace("-1.23,54.56]", "-1.2299999,54.56]"), encoding="utf-8")
    toml = folder / "area.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("E99000001", "E99000009"), encoding="utf-8")
    moved = folder.rename(tmp_path / "elsewhere")
    assert check_area(moved) == [
        "the folder is 'elsewhere', but area.toml says 'otherby'",
        "the authorities are not those of the wards",
        "wards.geojson is not the one that area.toml was written with",
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
