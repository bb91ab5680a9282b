"""Files of wards that are no area: refused with what is wrong and where, and what is there stays as it was."""

import tomllib
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo.errors import AreaError
from hexbeat.areas.boundaries import check_area
from tests.support.input_files import WARD_FILE, SaveWards, build, refusal


def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path) -> None:
    for name in ("../otherby", "Otherby", "a/b", "", "-a", "a--b", "a" * 65, "a\n"):
        with pytest.raises(AreaError) as caught:
            build(WARD_FILE, tmp_path, name=name)
        assert str(caught.value) == (
            "An area's name has lower-case letters, digits and single hyphens, at most 64 of them; "
            f"{name[:64]!r} does not; choose one such as 'county-durham'"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_a_crs_is_refused(ward_frame: gpd.GeoDataFrame, tmp_path: Path) -> None:
    ward_frame.to_file(tmp_path / "wards.shp")
    (tmp_path / "wards.prj").unlink()
    assert refusal(tmp_path / "wards.shp", tmp_path) == (
        "A file of wards has to name its coordinate reference system (CRS); wards.shp does not name one; "
        "save it again with its CRS (a Shapefile needs its .prj file beside it)"
    )


def test_metres_that_claim_to_be_degrees_are_refused(
    ward_frame: gpd.GeoDataFrame, tmp_path: Path, save_wards: SaveWards
) -> None:
    path = save_wards(ward_frame.to_crs("EPSG:27700").set_crs("EPSG:4326", allow_override=True))
    message = refusal(path, tmp_path)
    assert message.startswith(
        "Wards have longitudes from -180 to 180 degrees and latitudes from -90 to 90; in WGS 84, wards.gpkg reaches"
    )
    assert message.endswith("; save it again with the CRS of its coordinates (British National Grid is EPSG:27700)")


def test_a_missing_column_lists_those_that_there_are(tmp_path: Path) -> None:
    assert refusal(WARD_FILE, tmp_path, code_field="WD24CD") == (
        "The columns that you name for code and name have to be in the file; wards.geojson has no WD24CD; "
        "it has WD25CD, WD25NM, LAD25CD, LAD25NM, Area_ha; name them with --code and --name"
    )


def test_codes_must_be_there_and_be_unique_and_names_be_shown(
    ward_frame: gpd.GeoDataFrame, tmp_path: Path, save_wards: SaveWards
) -> None:
    ward_frame["WD25CD"] = ["E1", " E1", None, "E2"]
    ward_frame["WD25NM"] = ["A", "B\x07", "  ", "D"]
    assert refusal(save_wards(ward_frame), tmp_path) == (
        "Each ward needs a name, and a code that no other ward has; "
        "in wards.gpkg 1 row without a ward code; 1 row without a ward name; "
        "a ward name has characters that cannot be shown; 1 ward code used more than once (E1); correct the file"
    )


def test_an_overlap_is_refused_with_the_wards_and_the_place(
    ward_frame: gpd.GeoDataFrame, tmp_path: Path, save_wards: SaveWards
) -> None:
    ward_frame.loc[2, "geometry"] = shapely.box(-1.24, 54.56, -1.229, 54.57)
    for allow_repair, hint in (
        (False, "--repair repairs rings, slivers and narrow overlaps"),
        (True, "ask the publisher which is right"),
    ):
        assert refusal(save_wards(ward_frame), tmp_path, allow_repair=allow_repair) == (
            "Wards have to be valid polygons, without overlaps or slivers between them; "
            "St Hilda's & Dock (E99900002) and Brook Ŵest (E99900004) overlap by 72,004.0 m2 "
            "near 54.565000, -1.229500; "
            f"{hint}"
        )


def test_a_narrow_overlap_and_a_bad_ring_are_repaired_only_when_allowed(
    ward_frame: gpd.GeoDataFrame, tmp_path: Path, save_wards: SaveWards
) -> None:
    ward_frame.loc[2, "geometry"] = shapely.box(-1.24, 54.56, -1.229988, 54.57)
    crossed = [
        (-1.25, 54.56),
        (-1.24, 54.56),
        (-1.24, 54.57),
        (-1.24, 54.58),
        (-1.25, 54.58),
        (-1.255, 54.57),
        (-1.255, 54.575),
    ]
    ward_frame.loc[1, "geometry"] = shapely.Polygon(crossed)
    path = save_wards(ward_frame)
    assert refusal(path, tmp_path) == (
        "Wards have to be valid polygons, without overlaps or slivers between them; "
        "Mill Hill (E99900001) is not a valid polygon: Self-intersection near 54.572000, -1.254000; "
        "--repair repairs rings, slivers and narrow overlaps"
    )
    report = build(path, tmp_path, allow_repair=True)
    assert check_area(report.folder) == []
    brook = "Brook Ŵest (E99900004)"
    assert report.repairs == [
        "repaired: Mill Hill (E99900001) is not a valid polygon: Self-intersection near 54.572000, -1.254000",
        f"repaired: St Hilda's & Dock (E99900002) and {brook} overlap by 864.0 m2 near 54.565000, -1.229994",
        f"the repair changed {brook} by -864.1 m2",
    ]
    toml = tomllib.loads((report.folder / "area.toml").read_text(encoding="utf-8"))
    assert toml["repairs"] == report.repairs


def test_a_refused_build_leaves_the_area_that_is_there(
    ward_frame: gpd.GeoDataFrame, tmp_path: Path, save_wards: SaveWards
) -> None:
    folder = build(WARD_FILE, tmp_path).folder
    (folder / "places.bin").write_bytes(b"kept")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    ward_frame["WD25CD"] = "E1"
    with pytest.raises(AreaError):
        build(save_wards(ward_frame), tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    build(WARD_FILE, tmp_path, title="New")
    assert (folder / "places.bin").read_bytes() == b"kept"


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("missing.geojson", None, "missing.geojson does not exist"),
        ("wards.kml", b"<kml/>", "wards.kml is KML"),
        ("wards.zip", b"PK\x03\x04", "wards.zip is a ZIP archive"),
        ("wards.txt", b"noise", "wards.txt has another ending"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes | None, fact: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path / name, tmp_path) == (
        f"A file of wards ends in one of .geojson, .json, .topojson, .geojsonl, .gpkg, .shp, .fgb, .parquet; "
        f"{fact}; "
        "give the path of a GeoJSON, GeoPackage, Shapefile or GeoParquet"
    )


def test_another_format_by_its_contents_is_named(tmp_path: Path) -> None:
    (tmp_path / "wards.json").write_text('[{"service_request_id": 1}]', encoding="utf-8")
    assert refusal(tmp_path / "wards.json", tmp_path) == (
        "A file of wards is GeoJSON, a GeoPackage, a shapefile (.shp) or GeoParquet; wards.json is a list of Open311 "
        "requests; export it again in one of these formats"
    )


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.geojson").open("wb") as file:
        file.truncate(501_000_000)
    assert refusal(tmp_path / "huge.geojson", tmp_path) == (
        "A file of wards has at most 500 MB; huge.geojson has 501 MB; export only the wards of your area"
    )


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "areas").write_text("a file", encoding="utf-8")
    assert refusal(WARD_FILE, tmp_path / "areas") == (
        "Hexbeat has to be able to write to the folder of the area; areas/otherby cannot be written (File exists); "
        "choose another folder with --out, or check that the disk has room"
    )


@pytest.mark.parametrize("name", ["noise.geojson", "noise.gpkg", "noise.shp"])
def test_noise_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(range(256)) * 40)
    assert refusal(tmp_path / name, tmp_path) == (
        "A file of wards is GeoJSON, a GeoPackage, a shapefile (.shp) or GeoParquet; "
        f"the contents of {name} are in another format; export it again in one of these formats"
    )


@pytest.mark.parametrize(
    ("name", "start"), [("cut.gpkg", b"SQLite format 3\x00"), ("cut.geojson", b"{"), ("cut.parquet", b"PAR1")]
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, start: bytes) -> None:
    (tmp_path / name).write_bytes(start + bytes(range(256)) * 40)
    message = refusal(tmp_path / name, tmp_path)
    assert message.startswith(f"Hexbeat has to be able to read the file of wards; {name} cannot be read (")
    assert message.endswith("); open it in QGIS and export it as GeoPackage")


def test_several_layers_and_what_is_no_polygon_are_refused(
    ward_frame: gpd.GeoDataFrame, tmp_path: Path, save_wards: SaveWards
) -> None:
    path = save_wards(ward_frame)
    ward_frame.to_file(path, layer="other")
    assert refusal(path, tmp_path) == (
        "A file of wards has one layer; wards.gpkg has 2: wards, other; export the layer of wards to a file of its own"
    )
    points = ward_frame.set_geometry(ward_frame.representative_point())
    points.to_file(tmp_path / "points.gpkg")
    assert refusal(tmp_path / "points.gpkg", tmp_path) == (
        "A file of wards has a polygon in each row; "
        "4 rows of points.gpkg have another shape (Point); remove the rows that are not wards"
    )
    points.iloc[:1].to_file(tmp_path / "point.gpkg")
    assert "; 1 row of point.gpkg has another shape (Point); " in refusal(tmp_path / "point.gpkg", tmp_path)
    pd.DataFrame({"WD25CD": ["a"]}).to_parquet(tmp_path / "table.parquet")
    assert "table.parquet cannot be read (ValueError)" in refusal(tmp_path / "table.parquet", tmp_path)


def test_codes_that_the_file_does_not_have_are_refused(tmp_path: Path) -> None:
    assert refusal(WARD_FILE, tmp_path, only=("E99900001", "E06000001")) == (
        "Each code of --only is that of an authority or a ward in the file; wards.geojson has no E06000001; "
        "name the column of the authorities with --authority-code, or correct the code"
    )


def test_a_time_zone_that_is_none_is_refused(tmp_path: Path) -> None:
    assert refusal(WARD_FILE, tmp_path, time_zone="Middlesbrough") == (
        "A time zone has an IANA name; 'Middlesbrough' is none; choose one such as Europe/London or America/New_York"
    )
