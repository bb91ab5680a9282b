"""Reference places: what a file may look like, what is rejected and why, replacing and putting back."""

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import xlsxwriter

from geo.errors import DataError, PolicyError, StoreError, UsageError
from hexbeat.operations.reference_places import (
    ReferenceReport,
    list_reference_loads,
    load_reference,
    read_reference,
    remove_reference,
    undo_reference,
)
from hexbeat.store.store import Store
from layers.access import ANALYST, Viewer
from tests.support.plans import AREA

SHEET = """Name,Longitude,Latitude,Opening hours,Contact
Albert Park Pharmacy,-1.2400,54.5720,Mon-Fri 08:00-18:00,J Smith
Linthorpe Library,-1.2450,54.5650,,A Jones
Albert Park Pharmacy,-1.2400,54.5720,Mon-Fri 08:00-18:00,J Smith
Leeds Depot,-1.5500,53.8000,,
Nowhere,,,,
Mistake,-1.24,154.57,,
"""


def written(folder: Path, text: str, name: str = "holders.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def load(store: Store, path: Path, kind: str = "naloxone", **options: object) -> ReferenceReport:
    return load_reference(store, ANALYST, path, kind=kind, area=AREA, **options)  # type: ignore[arg-type] # by name


def test_a_sheet_is_loaded_with_what_cannot_be_used_said(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, SHEET)
    tried = load(store, path, dry_run=True)
    assert read_reference(store, ANALYST).empty
    assert tried.as_dict() == {
        "file": "holders.csv",
        "kind": "naloxone",
        "read": 6,
        "accepted": 2,
        "rejected": 4,
        "reasons": {"duplicate": 1, "impossible_location": 1, "missing_location": 1, "outside_area": 1},
        "samples": [
            {"line": 4, "reason": "duplicate", "name": "Albert Park Pharmacy"},
            {"line": 5, "reason": "outside_area", "name": "Leeds Depot"},
            {"line": 6, "reason": "missing_location", "name": "Nowhere"},
            {"line": 7, "reason": "impossible_location", "name": "Mistake"},
        ],
        "replaced": 0,
        "unchanged": False,
        "dry_run": True,
        "load_id": None,
        "remarks": [],
    }
    assert load(store, path).load_id == 1
    frame = read_reference(store, ANALYST, kind="naloxone")
    assert frame["name"].tolist() == ["Albert Park Pharmacy", "Linthorpe Library"]
    assert frame["hours"].tolist() == ["Mon-Fri 08:00-18:00", None]
    assert frame["lon"].tolist() == [-1.24, -1.245]
    wards = AREA.wards.locate(frame["lon"], frame["lat"])
    assert frame["ward_code"].tolist() == [AREA.wards.codes[ward] for ward in wards]
    with store.engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT * FROM reference_places").all()
    assert "Smith" not in str(stored)  # columns that nobody asked for are not kept


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, SHEET)
    load(store, path)
    again = load(store, path)
    assert (again.unchanged, again.load_id, again.replaced) == (True, None, 0)
    assert len(list_reference_loads(store, ANALYST)) == 1


def test_a_file_replaces_its_kind_alone_and_undoing_puts_back(store: Store, tmp_path: Path) -> None:
    load(store, written(tmp_path, SHEET))
    load(store, written(tmp_path, "name,lon,lat\nAyresome School,-1.2500,54.5640\n", "schools.csv"), "school")
    shorter = load(store, written(tmp_path, "name,lon,lat\nNew Pharmacy,-1.2380,54.5710\n"))
    assert (shorter.accepted, shorter.replaced) == (1, 2)
    assert read_reference(store, ANALYST)["name"].tolist() == ["New Pharmacy", "Ayresome School"]
    assert remove_reference(store, ANALYST, kind="naloxone", area=AREA) == 1
    assert remove_reference(store, ANALYST, kind="naloxone", area=AREA) == 0
    assert [undo_reference(store, ANALYST, kind="naloxone").file for _ in range(2)] == ["", "holders.csv"]
    assert read_reference(store, ANALYST, kind="naloxone")["name"].tolist() == [
        "Albert Park Pharmacy",
        "Linthorpe Library",
    ]
    undo_reference(store, ANALYST, kind="naloxone")
    with pytest.raises(StoreError) as caught:
        undo_reference(store, ANALYST, kind="naloxone")
    assert str(caught.value) == (
        "A load of places can be undone once; no load of naloxone is left to undo; nothing was changed"
    )
    assert read_reference(store, ANALYST)["name"].tolist() == ["Ayresome School"]
    assert [load.kind for load in list_reference_loads(store, ANALYST) if load.undone_at is None] == ["school"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".geojson", ".gpkg"])
def test_a_polygon_is_a_point_inside_it_whatever_its_crs(store: Store, tmp_path: Path, suffix: str) -> None:
    square = shapely.box(-1.2420, 54.5700, -1.2400, 54.5710)
    ell = shapely.difference(square, shapely.box(-1.2418, 54.5702, -1.2400, 54.5710))  # its centroid lies outside
    frame = gpd.GeoDataFrame({"Playground": ["Park Road"]}, geometry=[ell], crs="EPSG:4326")
    if suffix == ".gpkg":
        frame = frame.to_crs("EPSG:27700")
    frame.to_file(tmp_path / f"play{suffix}")
    load(store, tmp_path / f"play{suffix}", "play_area", headings_by_field={"name": "Playground"})
    found = read_reference(store, ANALYST).iloc[0]
    assert found["name"] == "Park Road"
    assert ell.buffer(1e-5).contains(shapely.Point(found["lon"], found["lat"]))


def test_eastings_opening_times_and_a_name_from_the_ward(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "play.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        rows = [["Easting", "Northing", "Opens", "Closes"], ["449,545", "520,055", "08:00", "18:00"]]
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    load(store, path, "play_area", now=dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
    found = read_reference(store, ANALYST).iloc[0]
    ward = dict(zip(AREA.wards.codes, AREA.wards.names, strict=True))[found["ward_code"]]
    assert (found["name"], found["hours"]) == (f"Play area, {ward}", "08:00 to 18:00")
    assert (found["lon"], found["lat"]) == pytest.approx((-1.2351, 54.5729), abs=2e-3)


def test_what_is_wrong_as_a_whole_changes_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(store, written(tmp_path, SHEET), "pub")
    assert str(caught.value) == (
        "Reference places have a known kind; there is no kind 'pub'; choose from naloxone, play_area, "
        "school, station, depot, named_place"
    )
    with pytest.raises(DataError) as data:
        load(store, written(tmp_path, "name,lon,lat\nLeeds,-1.55,53.8\nYork,-1.08,53.96\n"))
    assert str(data.value) == (
        "holders.csv has to hold places in Middlesbrough; none of its 2 rows can be used (outside_area 2); check its "
        "columns of coordinates, and the area; nothing was changed"
    )
    with pytest.raises(DataError) as data:
        load(store, written(tmp_path, SHEET), headings_by_field={"name": "Titel"})
    assert str(data.value) == (
        "A named column has to be in the file; holders.csv has no column 'Titel'; its columns are Name, Longitude, "
        "Latitude, Opening hours, Contact"
    )
    assert list_reference_loads(store, ANALYST) == []


def test_the_policy_is_asked(store: Store, tmp_path: Path) -> None:
    nobody, path = Viewer("nobody"), written(tmp_path, SHEET)
    asked = [
        lambda: load_reference(store, nobody, path, kind="school", area=AREA),
        lambda: remove_reference(store, nobody, kind="school", area=AREA),
        lambda: undo_reference(store, nobody, kind="school"),
        lambda: read_reference(store, nobody),
        lambda: list_reference_loads(store, nobody),
    ]
    refused = []
    for ask in asked:
        with pytest.raises(PolicyError) as caught:
            ask()
        refused.append(caught.value.fact)
    assert refused == [
        f"it does not let nobody {action}" for action in ("load", "load", "undo", "see counts", "see counts")
    ]
