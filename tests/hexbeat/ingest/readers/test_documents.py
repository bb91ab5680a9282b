"""JSON and XML of many kinds: what they are is told by their contents, and their rows are read in a bounded process."""

import json
import sqlite3
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geo.errors import DataError
from hexbeat.ingest.readers import LIMITS, Limits, ReadOptions, detect_records, open_file

Read = tuple[list[dict[str, str]], list[list[float]] | None, str | None, list[bool]]


def read(path: Path, *, limits: Limits = LIMITS, **options: str) -> Read:
    with open_file(path, ReadOptions(**options), limits=limits) as opened:
        chunks = list(opened.chunks(opened.columns))
    rows = [row for chunk in chunks for row in chunk.frame.to_dict("records")]
    points = None if chunks[0].points is None else np.vstack([chunk.points for chunk in chunks]).tolist()
    unreadable = [bool(odd) for chunk in chunks for odd in (chunk.unusable if chunk.unusable is not None else ())]
    return rows, points, opened.crs, unreadable


def read_problems(path: Path, **options: str) -> tuple[list[int], list[tuple[int, str]]]:
    """The lines of the rows, and the unreadable rows with their problems."""
    with open_file(path, ReadOptions(**options)) as opened:
        chunks = list(opened.chunks(opened.columns))
    lines = [line for chunk in chunks for line in chunk.lines.tolist()]
    return lines, [(row.line, row.problem) for chunk in chunks for row in chunk.unreadable]


def refusal(path: Path, *, limits: Limits = LIMITS, **options: str) -> str:
    with pytest.raises(DataError) as caught:
        read(path, limits=limits, **options)
    return str(caught.value)


def save(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def test_records_of_a_police_api(tmp_path: Path) -> None:
    record = {
        "category": "drugs", "month": "2024-01", "id": 7, "persistent_id": None,
        "location": {"latitude": "54.57", "longitude": "-1.23", "street": {"id": 9, "name": "On or near X"}},
    }  # fmt: skip
    path = save(tmp_path / "a.json", [record])
    assert read(path)[:2] == (
        [
            {
                "category": "drugs", "month": "2024-01", "id": "7", "persistent_id": "", "location.latitude": "54.57",
                "location.longitude": "-1.23", "location.street.id": "9", "location.street.name": "On or near X",
            }
        ],
        None,
    )  # fmt: skip
    assert detect_records(path) == "rows"
    assert refusal(path, records="features") == (
        "a.json has to hold shapes; it is JSON records, with its places in columns; choose a source that reads tables"
    )


def test_socrata_in_both_of_its_forms(tmp_path: Path) -> None:
    columns = [
        {"name": "sid", "dataTypeName": "meta_data", "flags": ["hidden"]}, {"name": "Type"},
        {"name": "Place", "dataTypeName": "location"},
    ]  # fmt: skip
    whole = {"meta": {"view": {"columns": columns}}, "data": [["x", "needles", ["", "54.57", "-1.23", None]], ["x"]]}
    rows = read(save(tmp_path / "rows.json", whole))[0]
    assert rows == [{"Type": "needles", "Place.latitude": "54.57", "Place.longitude": "-1.23"}]
    assert read_problems(tmp_path / "rows.json") == ([1], [(2, "it does not have a cell for each column")])
    point = {"type": "Point", "coordinates": [-1.23, 54.57]}
    rows = read(save(tmp_path / "api.json", [{"type": "needles", "place": point}]))[0]
    assert rows == [{"type": "needles", "place.longitude": "-1.23", "place.latitude": "54.57"}]


def test_json_lines_of_which_some_are_damaged(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ndjson", '{"a": 1, "lat": 2}\n{"a": \n{"a": 3}\n{"a": 4, "la')
    assert [row["a"] for row in read(path)[0]] == ["1", "3"]
    problem = "it is no complete JSON object"
    assert read_problems(path) == ([1, 3], [(2, problem), (4, problem)])
    save(path, [{"a": 1}, "x", None, {"a": 2}])
    assert read_problems(path) == ([1, 4], [(2, problem), (3, problem)])


def test_lists_with_the_same_keys_are_read_together(tmp_path: Path) -> None:
    pages = {"page1": [{"a": 1, "b": 1}], "page2": [{"a": 2, "b": 1}, {"b": 1, "a": 3}], "more": {"page3": [{"a": 4}]}}
    path = save(tmp_path / "a.json", pages)
    with open_file(path, ReadOptions()) as opened:
        rows = [row["a"] for chunk in opened.chunks(("a",)) for row in chunk.frame.to_dict("records")]
    assert rows == ["1", "2", "3"]
    assert opened.remarks == ["a.json: the list more.page3 was not read, as it has other fields than the longest list"]
    save(path, {"x": [{"c": 1}], "data": [{"a": 1}, {"a": 2}], "y": [{"d": 1}]})
    with open_file(path, ReadOptions()) as opened:
        assert opened.columns == ("a",)
    assert opened.remarks == [
        "a.json: the lists x and y were not read, as they have other fields than the longest list"
    ]


@pytest.mark.slow
def test_esri_json_has_its_own_coordinates_and_utc(tmp_path: Path) -> None:
    document = {
        "geometryType": "esriGeometryPoint", "spatialReference": {"wkid": 27700},
        "fields": [{"name": "seen", "type": "esriFieldTypeDate"}],
        "features": [{"attributes": {"seen": 1_750_000_000_000}, "geometry": {"x": 449_500, "y": 520_500}}],
    }  # fmt: skip
    rows, points, crs, _ = read(save(tmp_path / "a.json", document))
    assert (rows, points, crs) == ([{"seen": "2025-06-15T15:06:40Z"}], [[449_500, 520_500]], "EPSG:27700")


def test_waypoints_are_finds_and_their_times_are_utc(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.gpx",
        '<gpx xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="54.57" lon="-1.23"><time>2026-06-01T10:00:00</time>'
        "<name>3 needles</name></wpt><wpt lat='54.58' lon='-1.24'><time>2026-06-01T10:00:00+01:00</time></wpt></gpx>",
    )
    rows, points, crs, _ = read(path, records="features")
    assert [row["date"] for row in rows] == ["2026-06-01T10:00:00Z", "2026-06-01T10:00:00+01:00"]
    assert (rows[0]["name"], points, crs) == ("3 needles", [[-1.23, 54.57], [-1.24, 54.58]], "OGC:CRS84")
    assert detect_records(path) == "features"


def test_a_track_without_waypoints(tmp_path: Path) -> None:
    path = save(tmp_path / "a.gpx", '<gpx><trk><trkseg><trkpt lat="54.5" lon="-1.2"/></trkseg></trk></gpx>')
    assert refusal(path) == (
        "GPX has a waypoint for each find; a.gpx has a track or a route, and no waypoints; "
        "mark each find as a waypoint, and export them"
    )


def test_placemarks_with_extended_data(tmp_path: Path) -> None:
    ring = "<outerBoundaryIs><LinearRing><coordinates>0,0 2,0 2,2 0,0</coordinates></LinearRing></outerBoundaryIs>"
    path = save(
        tmp_path / "a.kml",
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>All</name><Folder>'
        "<Placemark><name>A</name><ExtendedData><Data name='layer'><value>needle_litter</value></Data></ExtendedData>"
        "<TimeSpan><begin>2026-06-01</begin><end>2026-06-02</end></TimeSpan>"
        "<Point><coordinates> -1.23,54.57,0 </coordinates></Point></Placemark>"
        f"<Placemark><name>B</name><Polygon>{ring}</Polygon></Placemark><Placemark><name>C</name></Placemark>"
        "<Placemark><name>D</name><Point><coordinates>x,y</coordinates></Point></Placemark></Folder></Document></kml>",
    )
    rows, points, _, unreadable = read(path)
    assert rows[0] == {"name": "A", "layer": "needle_litter", "date": "2026-06-01", "end date": "2026-06-02"}
    assert points is not None
    assert points[0] == [-1.23, 54.57]
    assert unreadable == [False, True, False, True]
    inside = read(path, shapes="inside_point")[1]
    assert inside is not None
    assert shapely.Polygon([(0, 0), (2, 0), (2, 2)]).contains(shapely.Point(inside[1]))


def test_placemarks_without_any_place_are_rows_without_a_point(tmp_path: Path) -> None:
    path = save(tmp_path / "a.kml", "<kml><Placemark><name>A</name></Placemark></kml>")
    rows, points, crs, unreadable = read(path, records="features")
    assert (rows, crs, unreadable) == ([{"name": "A"}], "OGC:CRS84", [False])
    assert points is not None
    assert np.isnan(points).all()


@pytest.mark.slow
def test_features_of_distinct_keys_are_refused(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [0, 0]}
    rows = [
        {"type": "Feature", "properties": {f"k{number}-{part}": 1 for part in range(50)}, "geometry": point}
        for number in range(60)
    ]
    path = save(tmp_path / "a.geojson", {"type": "FeatureCollection", "features": rows})
    assert refusal(path) == (
        "A file has at most 2,000 columns; a.geojson has 3,000; "
        "check that it is the right file, and delete the columns that you do not need"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xml", "<FeatureCollection/>", "it is GML; open it in QGIS and export the layer as GeoPackage"),
        ("a.geojson", "<!doctype html><html></html>", (
            "it is a web page; download the file itself: a page that asks to sign in was saved, perhaps"
        )),
        ("a.json", '{"error": {"code": 498}}', ("it is an answer with an error; open the address in a browser to read "
         "the message")),
        ("a.gpkg", "Rar!\x1a\x07", "it is a RAR archive; unpack it, and load the files in it"),
        ("a.xml", "<osm/>", "it is an OpenStreetMap extract; open it in QGIS and export the points as GeoPackage"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named_with_the_way_to_convert_it(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = save(tmp_path / name, content)
    assert refusal(path) == f"{name} has to hold records in a format that Hexbeat reads; {message}"


@pytest.mark.slow
def test_records_of_distinct_keys_are_refused_in_bounded_memory(tmp_path: Path) -> None:
    records = [{f"key{number}-{part}": 1 for part in range(50)} for number in range(200)]
    path = save(tmp_path / "a.json", records)
    assert refusal(path) == (
        "A file has at most 2,000 columns; a.json has 2,001; "
        "check that it is the right file, and delete the columns that you do not need"
    )
    save(path, [{"a": "x" * 1000}] * 20_000)
    assert refusal(path, limits=Limits(worker_bytes=60_000_000)) == (
        "JSON records are a list of objects; a.json takes more memory or time to read than a document may; "
        "split it, by month for instance"
    )


@pytest.mark.slow
@pytest.mark.usefixtures("real_readers")
def test_a_view_that_never_ends_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame = geopandas.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(0, 0)], crs="EPSG:4326")
    frame.to_file(path, layer="real")
    with sqlite3.connect(path) as store:
        store.execute("DROP TABLE real")
        store.execute(
            "CREATE VIEW real AS WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM n) "
            "SELECT fid, NULL AS geom, 1 AS n FROM n WHERE fid < 0"
        )
    store.close()
    assert refusal(path, limits=Limits(geofile_s=1)) == (
        "a.gpkg has to be a GeoPackage, complete and undamaged; it takes more memory or time to open than such a file "
        "may; export it again, or as CSV"
    )


def test_a_coordinate_system_that_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    about = {"version": "1.0.0", "primary_column": "g", "columns": {"g": {"encoding": "WKB", "crs": "EPSG:999999"}}}
    table = pa.table({"n": [1], "g": [shapely.to_wkb(shapely.Point(0, 0))]})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(about)}), path)
    assert refusal(path) == (
        "a.parquet has to name a coordinate system that PROJ knows; the one that it names is not known; "
        "set the layer's coordinate system, and export it again"
    )


@pytest.mark.slow
def test_times_of_parquet_keep_their_zone(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    times = pd.to_datetime(["2026-06-01 10:00"]).tz_localize("Europe/London")
    pd.DataFrame({"local": times.tz_localize(None), "zoned": times}).to_parquet(path)
    assert read(path)[0] == [{"local": "2026-06-01 10:00:00.000000", "zoned": "2026-06-01 10:00:00.000000+0100"}]
