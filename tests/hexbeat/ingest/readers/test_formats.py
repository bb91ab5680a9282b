"""Every kind of file hands over the same texts, with the line at which each row begins."""

import datetime as dt
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import xlsxwriter

from geo.errors import DataError
from hexbeat.ingest.readers import ReadOptions, open_download, open_file, strip_url
from hexbeat.ingest.readers.limits import Limits
from tests.support.input_files import FIXTURES


def read(path: Path, **options: str) -> tuple[tuple[str, ...], pd.DataFrame, list[int], np.ndarray | None]:
    with open_file(path, ReadOptions(**options)) as opened:
        chunks = list(opened.chunks(opened.columns))
    frame = pd.concat([chunk.frame for chunk in chunks], ignore_index=True)
    lines = [int(line) for chunk in chunks for line in chunk.lines]
    points = None if chunks[0].points is None else np.vstack([chunk.points for chunk in chunks])
    return opened.columns, frame, lines, points


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_a_mark_are_known(tmp_path: Path, encoding: str) -> None:
    columns, frame, lines, _ = read(written(tmp_path / "a.csv", "layer,place\nx,Café\n", encoding))
    assert (columns, frame.to_numpy().tolist(), lines) == (("layer", "place"), [["x", "Café"]], [2])


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "layer,place\nx,Café\n", "cp1252")
    assert read(path, encoding="cp1252")[1].to_numpy().tolist() == [["x", "Café"]]


@pytest.mark.parametrize(
    ("name", "mark"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t"), ("a.txt", "|")]
)
def test_delimiters_are_found(tmp_path: Path, name: str, mark: str) -> None:
    path = written(tmp_path / name, f"a{mark}b{mark}c\r\n1{mark}{mark}3\r\n")
    assert read(path)[1].to_numpy().tolist() == [["1", "", "3"]]


def test_lines_are_those_at_which_records_begin(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", '\na,b\n1,"two\nlines"\n\n2,x\n3,"and\n\nthree"\n4\n')
    columns, frame, lines, _ = read(path)
    assert columns == ("a", "b")
    assert frame.to_numpy().tolist() == [["1", "two\nlines"], ["2", "x"], ["3", "and\n\nthree"], ["4", ""]]
    assert lines == [3, 6, 7, 10]


def test_untidy_quotes_are_read(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.csv", 'a,b\n1,"x" y'))[1].to_numpy().tolist() == [["1", "x y"]]


def book(path: Path, *sheets: str) -> Path:
    with xlsxwriter.Workbook(path) as workbook:
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        moment = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        clock = workbook.add_format({"num_format": "hh:mm"})
        for name in sheets:
            sheet = workbook.add_worksheet(name)
            sheet.write_row(1, 1, ["whole", "part", "day", "moment", "clock", "formula", "text"])
            sheet.write_row(3, 1, [12.0, 1.5])
            sheet.write_datetime(3, 3, dt.datetime(2026, 11, 21), day)  # noqa: DTZ001  # sheets have no zones
            sheet.write_datetime(3, 4, dt.datetime(2026, 11, 21, 14, 30), moment)  # noqa: DTZ001
            sheet.write_number(3, 5, 0.5, clock)
            sheet.write_formula(3, 6, '=WEBSERVICE("http://example.com/")', value="saved")
            sheet.write_string(3, 7, "=1+1")
        workbook.add_worksheet("Empty")
    return path


def test_a_workbook_gives_saved_values_and_sheet_rows(tmp_path: Path) -> None:
    columns, frame, lines, _ = read(book(tmp_path / "a.xlsx", "Data"))
    assert columns == ("whole", "part", "day", "moment", "clock", "formula", "text")
    assert frame.to_numpy().tolist() == [
        ["12", "1.5", "2026-11-21", "2026-11-21 14:30:00", "12:00:00", "saved", "=1+1"]
    ]  # fmt: skip
    assert lines == [4]


def test_sheets_of_one_form_are_one_table_and_one_can_be_named(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", "One", "Two")
    assert read(path)[2] == [4, 4]
    assert read(path, sheet="Two")[2] == [4]


POINTS = geopandas.GeoDataFrame(
    {
        "layer": ["needle_litter"] * 3,
        "n": [1, 2, 3],
        "share": [0.5, None, 2.0],
        "date": ["2026-01-01", "21/11/2026", None],
    },
    geometry=[shapely.Point(449550, 520550), shapely.Point(449551, 520551), None],
    crs="EPSG:27700",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.parquet"])
def test_geofiles_give_points_in_their_own_coordinates(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    POINTS.to_parquet(path) if name.endswith("parquet") else POINTS.to_file(path)
    columns, frame, lines, points = read(path)
    assert columns == ("layer", "n", "share", "date")
    assert frame.to_numpy().tolist() == [
        ["needle_litter", "1", "0.5", "2026-01-01"], ["needle_litter", "2", "", "21/11/2026"],
        ["needle_litter", "3", "2", ""],
    ]  # fmt: skip
    assert lines == [1, 2, 3]
    assert points is not None
    assert np.array_equal(points, [[449550, 520550], [449551, 520551], [np.nan, np.nan]], equal_nan=True)
    with open_file(path, ReadOptions()) as opened:
        assert opened.crs is not None
        assert "27700" in opened.crs


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.gpkg", "a.parquet"])
def test_small_geofiles_need_little_memory_however_allocators_reserve_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    POINTS.to_parquet(path) if name.endswith("parquet") else POINTS.to_file(path)
    with open_file(path, ReadOptions(), limits=Limits(worker_bytes=700_000_000)) as opened:
        assert sum(len(chunk.lines) for chunk in opened.chunks(opened.columns)) == 3


@pytest.mark.slow
def test_a_geopackage_with_several_layers_needs_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    for layer in ("finds", "sweeps"):
        POINTS.to_file(path, layer=layer)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (
        "a.gpkg needs one layer of points, or a source profile that names the layer; its layers are 'finds', 'sweeps'; "
        'name one in a source profile: geo_layer = "…"'
    )
    assert read(path, geo_layer="sweeps")[2] == [1, 2, 3]


@pytest.mark.slow
def test_shapes_that_are_no_points_are_unreadable_rows_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    box = shapely.box(-1.3, 54.5, -1.1, 54.6)
    shapes = [shapely.Point(-1.2, 54.5), box, shapely.MultiPoint([(1, 2), (3, 4)]), shapely.MultiPoint([(1, 2)])]
    geopandas.GeoDataFrame({"n": range(4)}, geometry=shapes, crs="EPSG:4326").to_file(path)
    with open_file(path, ReadOptions()) as opened:
        chunk = next(opened.chunks(("n",)))
    assert chunk.unusable is not None
    assert chunk.points is not None
    assert chunk.unusable.tolist() == [False, True, True, False]
    assert np.isnan(chunk.points[[1, 2]]).all()
    assert chunk.points[[0, 3]].tolist() == [[-1.2, 54.5], [1, 2]]
    points = read(path, shapes="inside_point")[3]
    assert points is not None
    assert box.contains(shapely.Point(points[1]))


@pytest.mark.slow
def test_parquet_without_geometries_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"lon": [1.0, 2.5], "n": [1, 2], "date": pd.to_datetime(["2026-06-01 10:00", None])}).to_parquet(path)
    columns, frame, lines, points = read(path)
    assert columns == ("lon", "n", "date")
    assert frame.to_numpy().tolist() == [["1", "1", "2026-06-01 10:00:00.000000"], ["2.5", "2", ""]]
    assert (lines, points) == ([1, 2], None)
    with pytest.raises(DataError) as caught:
        read(path, records="features")
    assert str(caught.value) == (
        "a.parquet has to hold shapes; it is Parquet without a geometry column; "
        "choose a source that reads tables, or write it with GeoPandas or QGIS"
    )


def test_a_lonely_shapefile_names_what_is_missing(tmp_path: Path) -> None:
    POINTS.to_file(tmp_path / "a.shp")
    (tmp_path / "a.shx").unlink()
    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.shp")
    assert str(caught.value) == (
        "a.shp has to be a shapefile, complete and undamaged; it cannot be read (DataSourceError); put the .shx and "
        ".dbf files of the "
        "shapefile beside it"
    )


@pytest.fixture
def service() -> Iterator[str]:
    """The address of an Open311 service on this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, directory=str(FIXTURES), **options)  # type: ignore[arg-type]  # as the base does

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_requests_from_an_address(service: str) -> None:
    with open_download(f"{service}/open311.json?key=secret") as path:
        downloaded = read(path, records="open311")[1]
        assert downloaded.equals(read(FIXTURES / "open311.json", records="open311")[1])
    assert not path.exists()
    assert strip_url("https://me:word@example.com/requests.json?key=secret") == "example.com/requests.json"


def test_an_address_that_does_not_answer(service: str) -> None:
    with pytest.raises(DataError) as caught, open_download(f"{service}/none.json?key=secret"):
        pass
    assert str(caught.value) == (
        "The server at 127.0.0.1/none.json has to answer; it did not answer (HTTPStatusError); try it in a browser, "
        "or later"
    )
