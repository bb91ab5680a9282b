"""A gazetteer from files in the forms in which they are published, and the areas' own ones."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import AreaError, DataError
from hexbeat.areas.area import Area, Publisher, list_areas, load_area
from hexbeat.areas.gazetteer import COLUMNS, KINDS, LANDMARKS, STREET, read_gazetteer
from hexbeat.areas.gazetteer_files import build_gazetteer
from hexbeat.areas.gazetteer_sources import tidy_name

OWN = Publisher("A council", "OGL v3.0", "Contains data of a council")


@pytest.fixture
def area(tmp_path: Path) -> Area:
    """Middlesbrough without a gazetteer, in a folder of the test's own."""
    shipped = load_area("middlesbrough", home=tmp_path).folder
    folder = tmp_path / "boundaries" / "middlesbrough"
    folder.mkdir(parents=True)
    for name in ("area.toml", "wards.geojson"):
        shutil.copy(shipped / name, folder / name)
    return load_area("middlesbrough", home=tmp_path)


def build(area: Area, path: Path, text: str, *, encoding: str = "utf-8", **options: object) -> pd.DataFrame:
    path.write_text(text, encoding=encoding)
    build_gazetteer([path], area, **options)  # type: ignore[arg-type]  # options by name
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    return gazetteer.points


@pytest.mark.parametrize("name", ["middlesbrough", "cleveland", "county-durham"])
def test_the_areas_have_gazetteers_with_their_credits(name: str, tmp_path: Path) -> None:
    gazetteer = read_gazetteer(load_area(name, home=tmp_path))
    assert gazetteer is not None
    assert name in list_areas()
    assert set(gazetteer.points["kind"]) <= set(KINDS)
    assert not gazetteer.points.duplicated().any()
    assert all(source["licence"] == "Open Government Licence v3.0" for source in gazetteer.facts["sources"])
    assert "Contains OS data © Crown copyright and database right 2025" in " ".join(gazetteer.attributions)


@pytest.mark.parametrize("name", ["middlesbrough", "cleveland", "county-durham"])
def test_the_points_that_name_places_are_the_streets_and_landmarks_of_all_points(name: str, tmp_path: Path) -> None:
    gazetteer = read_gazetteer(load_area(name, home=tmp_path))
    assert gazetteer is not None
    points = gazetteer.points
    has_own_name = points["kind"].isin(LANDMARKS) & ~points["name"].str.contains(" near ")
    expected = points[(points["kind"] == STREET) | has_own_name]
    assert len(expected) > 50
    naming = gazetteer.naming_points
    assert naming.names.tolist() == expected["name"].tolist()
    assert naming.is_street.tolist() == (expected["kind"] == STREET).tolist()
    assert np.array_equal(np.column_stack([naming.lon, naming.lat]), expected[["lon", "lat"]])


@pytest.mark.parametrize(
    ("published", "tidy"),
    [
        ("On or near LINTHORPE ROAD", "Linthorpe Road"),
        ("near Borough Road", "Borough Road"),
        ("ST MARY'S WALK", "St Mary's Walk"),
        ("St Mary'S Close", "St Mary's Close"),
        ("HOUSE OF FRASER AND THE MALL", "House of Fraser and the Mall"),
        ("A1(M)", "A1(M)"),
        ("NHS WALK-IN", "NHS Walk-In"),
        ("MCDONALD\u00a0 PLACE", "Mcdonald Place"),
    ],
)
def test_names_are_tidied(published: str, tidy: str) -> None:
    assert tidy_name(published) == tidy


def test_code_point_open_is_read_with_and_without_headings(area: Area, tmp_path: Path) -> None:
    headed = 'postcode,positional_quality,easting,northing\n"TS12AA",10,449350,520200\n"TS1 2AB",90,0,0\n'
    points = build(area, tmp_path / "a.csv", headed, year="2026")
    assert points[["kind", "name"]].to_numpy().tolist() == [["postcode", "TS1 2AA"]]
    bare = '"TS1 2AA",10,449350,520200,"E92000001","","","E06000002","E05009857","S"\n'
    again = build(area, tmp_path / "b.csv", bare * 2, year="2026")
    assert again.to_numpy().tolist() == points.to_numpy().tolist()
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    assert gazetteer.attributions == (
        (
            "Contains OS data © Crown copyright and database right 2026; contains Royal Mail data © Royal Mail "
            "copyright and database right 2026; contains National Statistics data © Crown copyright and database right "
            "2026"
        ),
    )


def test_stops_and_stations_of_naptan(area: Area, tmp_path: Path) -> None:
    text = (
        "ATCOCode,CommonName,Street,Longitude,Latitude,StopType,Status\n"
        "1,Middlesbrough Rail Station - main ent,Zetland Road,-1.2347,54.5786,RSE,active\n"
        "2,ALBERT ROAD,ALBERT ROAD,-1.2345,54.5760,BCT,active\n"
        "3,Closed Stop,Albert Road,-1.2345,54.5760,BCT,inactive\n"
    )
    points = build(area, tmp_path / "Stops.csv", text)
    assert points[["kind", "name"]].to_numpy().tolist() == [
        ["station", "Middlesbrough station"],
        ["stop", "Albert Road"],
    ]


def test_the_register_of_schools_in_windows_letters(area: Area, tmp_path: Path) -> None:
    text = (
        "URN,EstablishmentName,EstablishmentStatus (name),Postcode,Easting,Northing\n"
        '1,"St André\u2019s Primary School, A Catholic Academy",Open,TS1 2AA,449350,520200\n'
        "2,Old School,Closed,TS1 2AA,449350,520200\n"
    )
    points = build(area, tmp_path / "edubase.csv", text, encoding="cp1252")
    assert points["name"].tolist() == ["St André\u2019s Primary School"]


def test_a_pharmacy_stands_at_its_postcode(area: Area, tmp_path: Path) -> None:
    codes, pharmacies = tmp_path / "codes.csv", tmp_path / "pharmacies.csv"
    codes.write_text("postcode,positional_quality,easting,northing\nTS1 2AA,10,449350,520200\n")
    pharmacies.write_text("code,name,postcode\nF1,CORNER PHARMACY,ts12aa\nF2,FAR PHARMACY,AB1 1AA\n")
    build_gazetteer([codes, pharmacies], area, year="2026")
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    rows = gazetteer.points.set_index("kind")
    assert rows.loc["pharmacy", "name"] == "Corner Pharmacy"
    assert rows.loc["pharmacy", ["lon", "lat"]].tolist() == rows.loc["postcode", ["lon", "lat"]].tolist()


def test_the_anchor_points_of_police_uk_are_named_once(area: Area, tmp_path: Path) -> None:
    row = "abc,2024-01,Cleveland Police,Cleveland Police,{},{},On or near {},E01,Middlesbrough 001A,Drugs,,\n"
    header = (
        "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
        "Last outcome category,Context\n"
    )
    rows = [row.format(-1.2415, 54.5641, "Linthorpe Road")] * 3 + [row.format(-1.2418, 54.5644, "Parking Area")]
    points = build(
        area, tmp_path / "2024-01-cleveland-street.csv", header + "".join(rows) + "x,,,,,,No Location,,,,,\n"
    )
    assert points[["kind", "name"]].to_numpy().tolist() == [
        ["street", "Linthorpe Road"],
        ["car park", "Car park near Linthorpe Road"],
    ]


def test_lines_become_points_along_them(area: Area, tmp_path: Path) -> None:
    line = shapely.LineString([(-1.240, 54.570), (-1.240, 54.573)])  # about 330 m
    path = tmp_path / "streets.gpkg"
    gpd.GeoDataFrame({"STREET": ["Long Street"]}, geometry=[line], crs=4326).to_crs(27700).to_file(path)
    build_gazetteer([path], area, source=OWN, headings_by_field={"name": "STREET"})
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    assert gazetteer.points["name"].unique().tolist() == ["Long Street"]
    assert 10 <= len(gazetteer.points) <= 14
    assert gazetteer.entries[["name", "points"]].to_numpy().tolist() == [["Long Street", len(gazetteer.points)]]


def test_two_streets_of_one_name_are_two_places(area: Area, tmp_path: Path) -> None:
    text = "name,kind,lon,lat\n" + "".join(
        f"{name},street,{lon},{lat}\n"
        for name, lon, lat in [
            ("High Street", -1.240, 54.570),
            ("High Street", -1.240, 54.571),
            ("High Street", -1.190, 54.570),
            ("Low Street", -1.241, 54.570),
        ]
    )
    build(area, tmp_path / "streets.csv", text, source=OWN)
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    high = gazetteer.entries[gazetteer.entries["name"].str.startswith("High Street")]
    assert sorted(high["points"]) == [1, 2]
    assert high["ward_code"].is_unique


def test_the_same_files_give_the_same_bytes(area: Area, tmp_path: Path) -> None:
    text = "name,kind,lon,lat\nHigh Street,street,-1.24,54.57\nLow Street,street,-1.241,54.57\n"
    build(area, tmp_path / "streets.csv", text, source=OWN)
    first = [(area.folder / name).read_bytes() for name in ("gazetteer.csv", "gazetteer.toml")]
    build(area, tmp_path / "streets.csv", text, source=OWN)
    assert [(area.folder / name).read_bytes() for name in ("gazetteer.csv", "gazetteer.toml")] == first


def test_a_file_without_a_credit_is_refused_and_nothing_is_written(area: Area, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        build(area, tmp_path / "streets.csv", "name,lon,lat\nHigh Street,-1.24,54.57\n")
    assert str(raised.value) == (
        "Names are shown with the licence and the credit of their source; "
        "those of streets.csv are not known; "
        "give --origin, --licence and --attribution"
    )
    assert read_gazetteer(area) is None


def test_a_file_of_other_columns_is_refused(area: Area, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        build(area, tmp_path / "streets.csv", "street,east\nHigh Street,1\n")
    assert str(raised.value) == (
        "A file for the gazetteer has columns for the names and places of streets, postcodes or other places; "
        "streets.csv has street, east; "
        "name its columns: --column name=HEADING, and lon and lat likewise"
    )


def test_a_file_of_another_town_is_refused(area: Area, tmp_path: Path) -> None:
    with pytest.raises(AreaError) as raised:
        build(area, tmp_path / "streets.csv", "name,lon,lat\nHigh Street,-0.1,51.5\n", source=OWN)
    assert str(raised.value) == (
        "A gazetteer needs at least one place in its area; "
        "none of the 1 places is in Middlesbrough; "
        "choose the area with --area, or files of this area"
    )


def test_a_gazetteer_that_was_edited_is_refused(area: Area, tmp_path: Path) -> None:
    build(area, tmp_path / "streets.csv", "name,lon,lat\nHigh Street,-1.24,54.57\n", source=OWN)
    path = area.folder / "gazetteer.csv"
    path.write_text(path.read_text().replace("High", "Hugh"))
    with pytest.raises(AreaError) as raised:
        read_gazetteer(area)
    assert str(raised.value) == (
        "The gazetteer of Middlesbrough has to be complete, and made for its wards; "
        "it was changed by hand, or only one of its two files was copied; "
        "build it again: hexbeat gazetteer build FILE... --area middlesbrough"
    )


def test_places_around_the_area_are_kept_for_its_edge_and_not_offered(area: Area, tmp_path: Path) -> None:
    west = area.bounds[0]
    edge = shapely.get_coordinates(shapely.union_all(area.wards.polygons))
    lon, lat = edge[edge[:, 0].argmin()]
    text = f"name,lon,lat\nInside,-1.24,54.57\nBeside,{lon - 0.002},{lat}\nFar,{west - 0.02},{lat}\n"
    points = build(area, tmp_path / "streets.csv", text, source=OWN)
    assert points[["name", "ward_code"]].to_numpy().tolist()[0] == ["Beside", ""]
    assert points["name"].tolist() == ["Beside", "Inside"]
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    assert gazetteer.entries["name"].tolist() == ["Inside"]
    assert tuple(points.columns) == COLUMNS
