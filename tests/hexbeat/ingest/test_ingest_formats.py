"""Loads of archives, shapes and documents: each member is a file of the report, each row has one outcome."""

import gzip
import json
import zipfile
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import shapely

from geo.errors import DataError
from hexbeat.ingest.sources import SourceProfile, parse_profile
from hexbeat.ingest.suggestions import suggest_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import FIXTURES, TOWN, ingest, utc

CSV = "layer,lon,lat,date,source_id\nneedles,-1.2,54.55,2026-01-0{0},{0}\nneedles,-1.2,54.55,no date,x{0}\n"


def live(store: Store) -> pd.DataFrame:
    return read_live_records(store, ANALYST).set_index("source_id").sort_index()


def pack(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_each_member_of_an_archive_is_a_file_of_the_report(sqlite_store: Store, tmp_path: Path) -> None:
    path = pack(tmp_path / "finds.zip", {"a/1.csv": CSV.format(1), "b/1.csv": CSV.format(2), "notes.md": "x"})
    report = ingest(sqlite_store, path)
    rows = [(file.file, file.tally.read, file.tally.new, file.tally.rejected) for file in report.files]
    assert rows == [("finds.zip/a/1.csv", 2, 1, 1), ("finds.zip/b/1.csv", 2, 1, 1)]
    assert [(sample.file, sample.line) for sample in report.samples] == [
        ("finds.zip/a/1.csv", 3), ("finds.zip/b/1.csv", 3)
    ]  # fmt: skip
    assert report.remarks == ["finds.zip: 2 of 3 files are read; passed over: notes.md"]
    assert live(sqlite_store).index.tolist() == ["1", "2"]


def test_one_bad_member_changes_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    path = pack(tmp_path / "finds.zip", {"1.csv": CSV.format(1), "2.csv": "layer,lon,lat,date\n"})
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, path)
    assert str(caught.value) == "finds.zip/2.csv needs rows below its headings; it has none; export it again"
    assert live(sqlite_store).empty


@pytest.mark.slow
def test_a_police_archive_gives_each_source_its_own_files(sqlite_store: Store, tmp_path: Path) -> None:
    names = ("2024-06-cleveland-street.csv", "2024-06-cleveland-stop-and-search.csv")
    members: dict[str, str | bytes] = {f"2024-06/{name}": (FIXTURES / name).read_bytes() for name in names}
    members["2024-06/2024-06-cleveland-outcomes.csv"] = "Crime ID,Month\n1,2024-06\n"
    path = pack(tmp_path / "archive.zip", members)
    alone = [
        ingest(sqlite_store, FIXTURES / name, source=source, dry_run=True).files[0].tally
        for name, source in zip(names, ("police-uk-street", "police-uk-stop-search"), strict=True)
    ]
    for name, source, tally in zip(names, ("police-uk-street", "police-uk-stop-search"), alone, strict=True):
        report = ingest(sqlite_store, path, source=source)
        assert [file.file for file in report.files] == [f"archive.zip/2024-06/{name}"]
        assert report.files[0].tally == tally
    assert suggest_profile(path).source == "police-uk-stop-search"
    assert suggest_profile(path).file == "archive.zip"


def test_gzip_and_plain_are_the_same(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "finds.csv.gz").write_bytes(gzip.compress(CSV.format(1).encode()))
    report = ingest(sqlite_store, tmp_path / "finds.csv.gz")
    assert [(file.file, file.tally.new) for file in report.files] == [("finds.csv.gz", 1)]


@pytest.mark.slow
def test_local_times_are_the_same_in_a_geopackage_and_in_geoparquet(sqlite_store: Store, tmp_path: Path) -> None:
    times = pd.to_datetime(["2025-06-21 21:30", "2025-06-21 22:15"])
    frame = geopandas.GeoDataFrame(
        {"layer": "needles", "date": times, "id": ["a", "b"]}, geometry=[shapely.Point(-1.2, 54.55)] * 2, crs=4326
    )
    frame.to_file(tmp_path / "finds.gpkg")
    frame.to_parquet(tmp_path / "finds.parquet")
    assert ingest(sqlite_store, tmp_path / "finds.gpkg", source="geofile").files[0].tally.new == 2
    assert live(sqlite_store)["occurred_from"].tolist() == [utc("2025-06-21 20:30"), utc("2025-06-21 21:15")]
    assert ingest(sqlite_store, tmp_path / "finds.parquet", source="geofile").files[0].tally.unchanged == 2


def features(path: Path, *shapes: dict[str, object] | None) -> Path:
    rows = [
        {"type": "Feature", "properties": {"layer": "needles", "date": "2026-01-01", "id": str(number)}, "geometry": g}
        for number, g in enumerate(shapes)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    return path


POINT = {"type": "Point", "coordinates": [-1.2, 54.55]}
POINTS = {"type": "MultiPoint", "coordinates": [[-1.2, 54.55], [-1.21, 54.55]]}
LINE = {"type": "LineString", "coordinates": [[-1.2, 54.55], [-1.21, 54.55]]}


@pytest.mark.slow
def test_an_odd_feature_is_rejected_with_its_number(sqlite_store: Store, tmp_path: Path) -> None:
    empty = {"type": "Point", "coordinates": []}
    path = features(tmp_path / "a.geojson", POINT, POINTS, None, LINE, empty, POINT)
    report = ingest(sqlite_store, path, source="geofile")
    assert [(sample.line, sample.reason) for sample in report.samples] == [
        (2, "unreadable_row"), (4, "unreadable_row"), (3, "missing_location"), (5, "missing_location")
    ]  # fmt: skip
    assert report.files[0].tally.new == 2


@pytest.mark.slow
def test_a_file_of_lines_alone_is_refused_with_what_to_do(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, features(tmp_path / "a.geojson", LINE, LINE), source="geofile")
    assert str(caught.value) == (
        "A load needs at least one row that can be used; every row of a.geojson was rejected: unreadable_row 2; "
        'its shapes are no points: convert them, or set location.shapes = "inside_point" in the profile'
    )


def test_a_table_read_as_shapes_is_refused_in_words(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV.format(1))
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, tmp_path / "a.csv", source=load_shapes_profile())
    assert str(caught.value) == (
        "A file for shapes has shapes; this one is a table without them; "
        "choose a source that reads tables, or name the columns of the place in its profile"
    )


def load_shapes_profile() -> SourceProfile:
    """A profile of shapes in a CRS of its own, so that a file without one is not refused for that."""
    profile = 'name = "shapes"\ntitle = "S"\nlayer = "needle_litter"\nrecords = "features"\n'
    return parse_profile(f'{profile}location.crs = "EPSG:4326"\ntime.start = "date"\n', name="shapes")


@pytest.mark.slow
def test_the_same_find_in_every_document(sqlite_store: Store, tmp_path: Path) -> None:
    place = {"latitude": 54.55, "longitude": -1.2}
    (tmp_path / "a.json").write_text(
        json.dumps([{"layer": "needles", "id": "1", "date": "2026-01-01", "location": place}])
    )
    (tmp_path / "a.kml").write_text(
        "<kml><Placemark><ExtendedData><Data name='id'><value>1</value></Data></ExtendedData><TimeStamp>"
        "<when>2026-01-01</when></TimeStamp><Point><coordinates>-1.2,54.55</coordinates></Point></Placemark></kml>"
    )
    (tmp_path / "a.gpx").write_text(
        '<gpx><wpt lat="54.55" lon="-1.2"><time>2026-01-01</time><extensions><id>1</id></extensions></wpt></gpx>'
    )
    pack(tmp_path / "a.kmz", {"doc.kml": (tmp_path / "a.kml").read_bytes(), "files/pin.png": "x"})
    events = []
    for name in ("a.json", "a.kml", "a.gpx", "a.kmz"):
        source = "table" if name == "a.json" else "geofile"
        report = ingest(sqlite_store, tmp_path / name, source=source, layer="needle_litter", area=TOWN)
        assert report.files[0].tally.accepted == 1
        found = read_live_records(sqlite_store, ANALYST)
        events.append(
            found[found["source"] == source][["layer", "lon", "lat", "occurred_from", "source_id"]].to_numpy()
        )
    assert all((event == events[0]).all() for event in events)


def test_a_damaged_line_is_rejected_also_where_the_source_selects_rows(sqlite_store: Store, tmp_path: Path) -> None:
    profile = parse_profile(
        """
        name = "selecting"
        title = "Selecting"
        layer = "needle_litter"
        location = {lon = "lon", lat = "lat"}
        time = {start = "date"}
        key = {columns = ["id"]}
        keep = [{column = "kind", equals = ["needle"]}]
        """,
        name="selecting",
    )
    row = {"id": 1, "kind": "needle", "lon": -1.2, "lat": 54.55, "date": "2026-06-01"}
    lines = [json.dumps(row), '{"id": 2, "kin', json.dumps(row | {"id": 3, "kind": "other"}), '{"id": 4, "kind": "need']
    path = tmp_path / "finds.ndjson"
    path.write_text("\n".join(lines), encoding="utf-8")
    report = ingest(sqlite_store, path, source=profile)
    assert report.files[0].tally.reasons == {"unreadable_row": 2, "not_selected": 1}
    assert [(sample.line, sample.reason) for sample in report.samples] == [(2, "unreadable_row"), (4, "unreadable_row")]
