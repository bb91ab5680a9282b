"""What a whole file shows: swapped coordinates, eastings in columns of degrees, dates in numbers or in columns."""

import json
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.ingest.sources import parse_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import ingest, table, utc

PLACE = "-1.234959,54.577740"


def live(store: Store, *columns: str) -> dict[str, list[object]]:
    frame = read_live_records(store, ANALYST).set_index("source_id").sort_index()
    return {str(key): list(values) for key, values in frame[list(columns)].T.to_dict("list").items()}


@pytest.mark.parametrize(
    ("heading", "values", "meaning"),
    [
        ("lon,lat", "54.577740,-1.234959", "with both coordinates swapped"),
        ("lon,lat", "449550,520550", "as eastings and northings of the National Grid instead of degrees"),
        ("lat,lon", "449550,520550", "as northings and eastings of the National Grid instead of degrees"),
        ("easting,northing", PLACE, "as degrees instead of metres"),
        ("easting,northing", "54.577740,-1.234959", "as degrees instead of metres, latitude first"),
        ("easting,northing", "520550,449550", "with both coordinates swapped"),
        ("lat_lon,b", '"-1.234959, 54.577740",', "with both coordinates swapped"),
        ("lat,lon", "1.234959W,54.577740N", "with both coordinates swapped"),
    ],
)
def test_a_file_whose_places_all_fall_elsewhere_is_read_so_that_they_fall_here(
    sqlite_store: Store, tmp_path: Path, heading: str, values: str, meaning: str
) -> None:
    path = table(tmp_path, f"needles,a,{values},2025-01-01", heading=f"layer,id,{heading},date")
    report = ingest(sqlite_store, path)
    (remark,) = report.remarks
    assert remark == (
        f"rows.csv: coordinates are read {meaning}, because 1 of 1 places lie in town that way, and none as they stand"
    )
    assert live(sqlite_store, "lon", "lat")["a"] == pytest.approx([-1.234959, 54.577740], abs=2e-6)


def test_a_file_of_which_half_the_rows_are_swapped_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    path = table(tmp_path, "needles,a,-1.2,54.55,2025-01-01", "needles,b,54.55,-1.2,2025-01-01")
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, path)
    assert str(caught.value) == (
        "The coordinates of a file are all in the same order and system; rows.csv has 1 place in town as its "
        "coordinates stand, and 1 with both coordinates swapped; correct the columns of the place, or split the file"
    )
    assert live(sqlite_store, "lon") == {}


def test_one_swapped_row_among_others_is_rejected_and_said(sqlite_store: Store, tmp_path: Path) -> None:
    rows = [f"needles,{n},-1.2,54.55,2025-01-01" for n in range(3)]
    report = ingest(sqlite_store, table(tmp_path, *rows, "needles,x,54.55,-1.2,2025-01-01"))
    assert [(sample.line, sample.reason) for sample in report.samples] == [(5, "outside_area")]
    (remark,) = report.remarks
    assert remark == (
        "rows.csv: 1 place would lie in town with both coordinates swapped, and 3 lie there as they stand; "
        "all are read as they stand"
    )


def test_places_far_from_the_area_are_left_as_they_are(sqlite_store: Store, tmp_path: Path) -> None:
    report = ingest(sqlite_store, table(tmp_path, "needles,a,-1.2,54.55,2025-01-01", "needles,b,-3,51.5,2025-01-01"))
    assert (report.remarks, [sample.reason for sample in report.samples]) == ([], ["outside_area"])


@pytest.mark.parametrize(
    ("dates", "remark", "expected"),
    [
        (
            ("45800", "45801.5"),
            "days of a spreadsheet, counted from 1900; they run from 23 May 2025 to 24 May 2025",
            [[utc("2025-05-22 23:00"), "day"], [utc("2025-05-24 11:00"), "minute"]],
        ),
        (
            ("1763735400000", "1763739000000"),
            "milliseconds since 1970 (UTC); they run from 21 Nov 2025 to 21 Nov 2025",
            [[utc("2025-11-21 14:30"), "minute"], [utc("2025-11-21 15:30"), "minute"]],
        ),
        (
            ("1751360700", "1751364300"),
            "seconds since 1970 (UTC); they run from 1 Jul 2025 to 1 Jul 2025",
            [[utc("2025-07-01 09:05"), "minute"], [utc("2025-07-01 10:05"), "minute"]],
        ),
        (
            ("1751328000000", "1751414400000"),
            "milliseconds since 1970 (UTC); they run from 1 Jul 2025 to 2 Jul 2025 and are known to the day",
            [[utc("2025-06-30 23:00"), "day"], [utc("2025-07-01 23:00"), "day"]],
        ),
    ],
)
def test_a_column_of_numbers_is_read_as_dates(
    sqlite_store: Store, tmp_path: Path, dates: tuple[str, str], remark: str, expected: list[list[object]]
) -> None:
    path = table(tmp_path, *(f"needles,{n},{PLACE},{date}" for n, date in enumerate(dates)))
    report = ingest(sqlite_store, path)
    assert report.remarks == [f"rows.csv: dates are numbers and are read as {remark}"]
    assert list(live(sqlite_store, "occurred_from", "time_precision").values()) == expected


def test_some_numbers_among_dates_are_no_dates(sqlite_store: Store, tmp_path: Path) -> None:
    dates = ("45800", "21/11/2025", "22/11/2025", "")
    report = ingest(sqlite_store, table(tmp_path, *(f"needles,{n},{PLACE},{date}" for n, date in enumerate(dates))))
    assert [(sample.line, sample.reason) for sample in report.samples] == [(2, "bad_date"), (5, "bad_date")]


PROFILE = """
name = "crews"
title = "Crews"
layer = "needle_litter"
[location]
lon = "lon"
lat = "lat"
[time]
{time}
[key]
columns = "source_id"
"""


@pytest.mark.parametrize(
    ("formats", "date", "expected"),
    [
        ("excel-1904", "44338", [utc("2025-05-22 23:00"), "day"]),
        ("excel", "45800", [utc("2025-05-22 23:00"), "day"]),
        ("epoch", "1751360700", [utc("2025-07-01 09:05"), "minute"]),
        ("epoch-ms", "1751360700999", [utc("2025-07-01 09:05"), "minute"]),
    ],
)
def test_a_profile_names_the_format_of_numbers_by_a_word(
    sqlite_store: Store, tmp_path: Path, formats: str, date: str, expected: list[object]
) -> None:
    profile = parse_profile(PROFILE.format(time=f'start = "date"\nformats = ["{formats}"]'), name="crews")
    ingest(sqlite_store, table(tmp_path, f"needles,a,{PLACE},{date}"), source=profile)
    assert live(sqlite_store, "occurred_from", "time_precision")["a"] == [expected[0] - expected[0] % 60, expected[1]]


def test_a_date_in_three_columns_and_a_time_in_others(sqlite_store: Store, tmp_path: Path) -> None:
    rows = {
        "day": "2025,6,1,,", "name": "2025,June,1,,", "hour": "2025,6,1,9,", "minute": "2025.0,6.0,1.0,9,05",
        "short": "25,Sept,1,,", "month": "2025,6,,,",
    }  # fmt: skip
    bad = {"31 June": "2025,6,31,,", "month 13": "2025,13,1,,", "hour 25": "2025,6,1,25,", "gap": "2025,6,,9,"}
    path = table(
        tmp_path, *(f"needles,{key},{PLACE},{row}" for key, row in (rows | bad).items()),
        heading="layer,source_id,lon,lat,YEAR,MONTH,DAY,HOUR,MINUTE",
    )  # fmt: skip
    report = ingest(sqlite_store, path)
    assert live(sqlite_store, "occurred_from", "time_precision") == {
        "day": [utc("2025-05-31 23:00"), "day"],
        "name": [utc("2025-05-31 23:00"), "day"],
        "hour": [utc("2025-06-01 08:00"), "minute"],
        "minute": [utc("2025-06-01 08:05"), "minute"],
        "short": [utc("2025-08-31 23:00"), "day"],
        "month": [utc("2025-05-31 23:00"), "month"],
    }
    assert [(sample.line, sample.reason) for sample in report.samples] == [(n, "bad_date") for n in (8, 9, 10, 11)]


def test_a_profile_may_name_the_columns_of_a_date(sqlite_store: Store, tmp_path: Path) -> None:
    time = 'year = "Yr"\nmonth = "Mo"\nday = "Dy"'
    profile = parse_profile(PROFILE.format(time=time), name="crews")
    path = table(tmp_path, f"a,{PLACE},2025,6,1", heading="source_id,lon,lat,Yr,Mo,Dy")
    ingest(sqlite_store, path, source=profile)
    assert live(sqlite_store, "occurred_from")["a"] == [utc("2025-05-31 23:00")]
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, table(tmp_path, f"a,{PLACE},2025", heading="source_id,lon,lat,Yr"), source=profile)
    assert str(caught.value) == (
        "rows.csv needs a column Mo; it has source_id, lon, lat, Yr; "
        "name the columns in a source profile; `hexbeat sources suggest FILE` writes one"
    )


def test_a_column_of_whole_months_is_still_one(sqlite_store: Store, tmp_path: Path) -> None:
    ingest(sqlite_store, table(tmp_path, f"needles,a,{PLACE},2025-06", heading="layer,source_id,lon,lat,month"))
    assert live(sqlite_store, "occurred_from", "time_precision")["a"] == [utc("2025-05-31 23:00"), "month"]


def test_the_time_beside_a_date_that_carries_midnight(sqlite_store: Store, tmp_path: Path) -> None:
    rows = {"a": "2025-06-01 00:00:00,09:05", "b": "2025-06-02T00:00:00Z,2 pm", "c": "2025-06-03 00:00:00,"}
    path = table(
        tmp_path, *(f"needles,{key},{PLACE},{row}" for key, row in rows.items()),
        heading="layer,source_id,lon,lat,date,time",
    )  # fmt: skip
    ingest(sqlite_store, path)
    assert [values[0] for values in live(sqlite_store, "occurred_from").values()] == [
        utc("2025-06-01 08:05"), utc("2025-06-02 13:00"), utc("2025-06-02 23:00"),
    ]  # fmt: skip


def test_places_of_one_table_in_four_notations(sqlite_store: Store, tmp_path: Path) -> None:
    places = ("POINT (-1.2350 54.5742)", '"54.5742, 1.2350W"', '"54.5742N, 1.2350W"', '"54.5742, \u22121.2350"')
    rows = [f"needles,{n},{place},21/11/2025" for n, place in enumerate(places)]
    report = ingest(sqlite_store, table(tmp_path, *rows, heading="layer,id,lat_lon,date"))
    assert report.samples == []
    assert list(live(sqlite_store, "lon", "lat").values()) == [[-1.235, 54.5742]] * 4


def test_minus_signs_of_spreadsheets_and_word_processors(sqlite_store: Store, tmp_path: Path) -> None:
    rows = [f"needles,{n},{sign}1.2350,54.5742,21/11/2025" for n, sign in enumerate("\u2212\u2013-")]
    report = ingest(sqlite_store, table(tmp_path, *rows))
    assert (report.samples, report.remarks) == ([], [])
    assert list(live(sqlite_store, "lon").values()) == [[-1.235]] * 3


def write_geojson(folder: Path, points: list[tuple[float, float]], date: object) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"layer": "needle_litter", "date": date, "id": str(n)},
            "geometry": {"type": "Point", "coordinates": point},
        }
        for n, point in enumerate(points)
    ]
    path = folder / "finds.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.mark.slow
def test_milliseconds_of_an_arcgis_service(sqlite_store: Store, tmp_path: Path) -> None:
    report = ingest(sqlite_store, write_geojson(tmp_path, [(-1.235, 54.5742)], 1763735400000), source="geofile")
    (remark,) = report.remarks
    assert remark == (
        "finds.geojson: dates are numbers and are read as milliseconds since 1970 (UTC); "
        "they run from 21 Nov 2025 to 21 Nov 2025"
    )
    assert live(sqlite_store, "occurred_from") == {"0": [utc("2025-11-21 14:30")]}


@pytest.mark.slow
def test_geojson_with_latitude_first_or_eastings(sqlite_store: Store, tmp_path: Path) -> None:
    for point, meaning in (
        ((54.57774, -1.234959), "with both coordinates swapped"),
        ((449550.0, 520550.0), "as eastings and northings of the National Grid instead of degrees"),
    ):
        report = ingest(sqlite_store, write_geojson(tmp_path, [point], "2025-11-21"), source="geofile")
        (remark,) = report.remarks
        assert remark == (
            f"finds.geojson: coordinates are read {meaning}, because 1 of 1 places lie in town that way, "
            "and none as they stand"
        )
        assert live(sqlite_store, "lon", "lat")["0"] == pytest.approx([-1.234959, 54.577740], abs=2e-6)
