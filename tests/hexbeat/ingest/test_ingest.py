"""The `table` source, the rules that hold for all sources, and loads as a whole."""

import json
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from geo.errors import DataError, PolicyError, UsageError
from hexbeat.ingest.ingest import ingest_files
from hexbeat.ingest.sources import load_profile, parse_profile
from hexbeat.ingest.sources.column_plan import assign_columns
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import NOW, TOWN, ingest, table, utc


def live(store: Store) -> pd.DataFrame:
    return read_live_records(store, ANALYST).set_index("source_id").sort_index()


def reasons(store: Store, path: Path, **options: object) -> list[tuple[int, str]]:
    return [(sample.line, sample.reason) for sample in ingest(store, path, **options).samples]


def test_dates_of_a_table(sqlite_store: Store, tmp_path: Path) -> None:
    rows = {
        "uk": ("21/11/2025", "14:30"), "words": ("21 Nov 2025", ""), "iso": ("2025-11-21T14:30:00Z", ""),
        "month": ("2025-07", ""), "summer": ("01/07/2025 09:05", ""), "skipped": ("2025-03-30 01:30", ""),
        "repeated": ("26/10/2025", "1.30 am"),
    }  # fmt: skip
    lines = [f"needles,{key},-1.2,54.55,{date},{time}" for key, (date, time) in rows.items()]
    path = table(tmp_path, *lines, heading="Layer,SOURCE-ID,Longitude,LATITUDE,Date found,Time")
    ingest(sqlite_store, path)
    found = live(sqlite_store)[["occurred_from", "occurred_to", "time_precision"]].T.to_dict("list")
    assert found == {
        "uk": [utc("2025-11-21 14:30"), utc("2025-11-21 14:30"), "minute"],
        "words": [utc("2025-11-21 00:00"), utc("2025-11-22 00:00"), "day"],
        "iso": [utc("2025-11-21 14:30"), utc("2025-11-21 14:30"), "minute"],
        "month": [utc("2025-06-30 23:00"), utc("2025-07-31 23:00"), "month"],
        "summer": [utc("2025-07-01 08:05"), utc("2025-07-01 08:05"), "minute"],
        "skipped": [utc("2025-03-30 01:00"), utc("2025-03-30 01:00"), "minute"],
        "repeated": [utc("2025-10-26 00:30"), utc("2025-10-26 00:30"), "minute"],
    }


def test_intervals_and_states(sqlite_store: Store, tmp_path: Path) -> None:
    lines = [
        "needles,between,2025-06-01 18:00,2025-06-02 07:00,",
        "needles,days,2025-06-01,2025-06-03,",
        "needles,coarser,2025-06-01 18:00,2025-06-03,",
        "needles,stamped,2025-06-01T23:00:00Z,2025-06-02T23:00:00Z,day",
        "closures,open,2025-11-30,,",
        "closures,ends,2025-06-01 12:00,2025-08-31,",
    ]
    path = table(
        tmp_path, *(f"{line},-1.2,54.55" for line in lines),
        heading="layer,source_id,occurred_from,occurred_to,time_precision,lon,lat",
    )  # fmt: skip
    ingest(sqlite_store, path)
    found = live(sqlite_store)[["occurred_from", "occurred_to", "time_precision"]].T.to_dict("list")
    assert found == {
        "between": [utc("2025-06-01 17:00"), utc("2025-06-02 06:00"), "minute"],
        "days": [utc("2025-05-31 23:00"), utc("2025-06-03 23:00"), "day"],
        "coarser": [utc("2025-05-31 23:00"), utc("2025-06-03 23:00"), "day"],
        "stamped": [utc("2025-06-01 23:00"), utc("2025-06-02 23:00"), "day"],
        "open": [utc("2025-11-30 00:00"), utc("2026-02-28 00:00"), "day"],
        "ends": [utc("2025-05-31 23:00"), utc("2025-08-31 23:00"), "day"],
    }


@pytest.mark.parametrize(
    ("heading", "place"),
    [("lon,lat", "-1.234959,54.577740"), ("Easting,Northing", "449550,520550"), ("Grid reference,b", "NZ 495 205,"),
     ("coordinates,b", '"(54.577740, -1.234959)",'), ("easting,northing", '"449,550","520,550"')],
)  # fmt: skip
def test_places_of_a_table(sqlite_store: Store, tmp_path: Path, heading: str, place: str) -> None:
    ingest(sqlite_store, table(tmp_path, f"needles,1,{place},2025-01-01", heading=f"layer,id,{heading},date"))
    row = live(sqlite_store).loc["1"]
    assert (row["lon"], row["lat"]) == pytest.approx((-1.234959, 54.577740), abs=2e-6)


def test_each_reason_and_its_line(sqlite_store: Store, tmp_path: Path) -> None:
    lines = [
        "needles,ok,-1.2,54.55,2025-01-01,,1",
        "needles,a,,54.55,2025-01-01,,1",
        "needles,b,somewhere,54.55,2025-01-01,,1",
        "needles,c,0,0,2025-01-01,,1",
        "needles,d,-3,54.55,2025-01-01,,1",
        "needles,e,-1.2,54.55,31/02/2025,,1",
        "needles,f,-1.2,54.55,,,1",
        "needles,g,-1.2,54.55,23/11/2026,,1",
        "needles,h,-1.2,54.55,2025-01-02,2025-01-01,1",
        "needles,i,-1.2,54.55,2025-01-01,,many",
        "needles,ok,-1.2,54.55,2025-01-01,,1",
        "needles,z,,,31/02/2025,,0",
        "needles,y,-1.2W,54.55,2025-01-01,,1",
        'needles,x,-1.2,54.55,2025-01-01,,"1,5"',
        "graffiti,j,-1.2,54.55,2025-01-01,,1",
    ]
    path = table(tmp_path, *lines, heading="layer,id,lon,lat,date,occurred_to,quantity")
    assert sorted(reasons(sqlite_store, path)) == [
        (3, "missing_location"), (4, "impossible_location"), (5, "impossible_location"), (6, "outside_area"),
        (7, "bad_date"), (8, "bad_date"), (9, "future_date"), (10, "end_before_start"), (11, "bad_quantity"),
        (12, "duplicate_id"), (13, "missing_location"), (14, "impossible_location"), (15, "bad_quantity"),
        (16, "unknown_layer"),
    ]  # fmt: skip


def test_a_reject_keeps_only_the_columns_that_are_read(sqlite_store: Store, tmp_path: Path) -> None:
    good, bad = "needles,-1.2,54.55,2025-01-01,A Person", "needles,,54.55,2025-01-01,A Person"
    path = table(tmp_path, bad, good, heading="layer,lon,lat,date,reporter name")
    ingest(sqlite_store, path)
    assert json.loads(sqlite_store.rejects(ANALYST)["raw"].iloc[0]) == {
        "layer": "needles", "lon": None, "lat": "54.55", "date": "2025-01-01",
    }  # fmt: skip


def test_equal_rows_without_an_identifier_are_separate_reports(sqlite_store: Store, tmp_path: Path) -> None:
    row = "needles,-1.2,54.55,2025-01-01"
    ingest(sqlite_store, table(tmp_path, row, row, heading="layer,lon,lat,date"))
    # Another order of columns and one that nobody reads make no difference.
    again = table(
        tmp_path,
        "2025-01-01,54.55,needles,-1.2,x",
        "2025-01-01,54.55,needles,-1.2,",
        heading="date,lat,layer,lon,remark",
    )
    tally = ingest(sqlite_store, again).files[0].tally
    assert (tally.unchanged, tally.new) == (2, 0)


def test_a_workbook_and_a_table_are_the_same(sqlite_store: Store, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "rows.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["layer", "source_id", "lon", "lat", "date"])
        sheet.write_row(1, 0, ["needles", 17, -1.2, 54.55, "21/11/2025"])
    ingest(sqlite_store, table(tmp_path, "needles,17,-1.2,54.55,21/11/2025"))
    assert ingest(sqlite_store, tmp_path / "rows.xlsx").files[0].tally.unchanged == 1


def test_a_layer_from_outside(sqlite_store: Store, tmp_path: Path) -> None:
    path = table(tmp_path, "1,-1.2,54.55,2025-01-01", heading="id,lon,lat,date")
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, path)
    assert str(caught.value) == (
        "rows.csv needs a column that says the layer (layer, dataset); it has id, lon, lat, date; "
        "name the layer of the whole file when you load it, or write it in a source profile"
    )
    ingest(sqlite_store, path, layer="overdoses")
    assert live(sqlite_store).loc["1", ["layer", "reported_by"]].tolist() == ["overdoses", "agency"]


@pytest.mark.parametrize(
    "record",
    [
        "Ann Smith,needles,-1.2,54.55,2025-01-01",
        "12 Linthorpe Road,TS1 3QL,9 Sept 2025 14:30",
        "NZ 4950 2050,Ann Smith,5 July 2025,Mon 4",
        "Ann Smith,1.23W",
    ],
)
def test_a_file_without_headings_does_not_have_its_first_record_shown(
    sqlite_store: Store, tmp_path: Path, record: str
) -> None:
    path = table(tmp_path, record, record, heading=record)
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, path)
    assert str(caught.value) == (
        "rows.csv needs columns for the place (lon and lat, or easting and northing, or grid_ref, or lat_lon, or "
        "postcode, or street); its first row looks like a record, not like headings; "
        "put a row of headings above the records"
    )


@pytest.mark.parametrize("column", ["when", "layer"])
def test_headings_that_are_mostly_values_are_never_shown(column: str) -> None:
    headings = ["lon", "lat", "2025-01-01" if column == "when" else "date", "17", "54.5", "01/02/2025 14:30"]
    with pytest.raises(DataError) as caught:
        assign_columns(load_profile("table", None), headings, name="rows.csv")
    assert "its first row looks like a record, not like headings" in str(caught.value)
    assert not {"17", "54.5", "2025-01-01"} & set(str(caught.value).replace(",", "").split())


def test_one_bad_file_changes_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    good = table(tmp_path, "needles,1,-1.2,54.55,2025-01-01", name="good.csv")
    bad = table(tmp_path, "needles,1,2025-01-01", heading="layer,id,date", name="bad.csv")
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, good, bad)
    assert str(caught.value) == (
        "bad.csv needs columns for the place (lon and lat, or easting and northing, or grid_ref, or lat_lon, or "
        "postcode, or street); it has layer, id, date; name the columns in a source profile; "
        "`hexbeat sources suggest FILE` writes one"
    )
    assert len(live(sqlite_store)) == 0
    assert sqlite_store.batches(ANALYST) == []


def test_progress_runs_to_the_end_of_all_files(sqlite_store: Store, tmp_path: Path) -> None:
    files = [table(tmp_path, f"needles,{n},-1.2,54.55,2025-01-01", name=f"{n}.csv") for n in range(3)]
    steps: list[tuple[int, int]] = []
    ingest(sqlite_store, *files, progress=lambda done, total: steps.append((done, total)))
    total = sum(path.stat().st_size for path in files)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1] == (total, total)


def test_samples_are_the_first_five_of_each_reason(sqlite_store: Store, tmp_path: Path) -> None:
    path = table(tmp_path, *(f"needles,{n},,54.55,2025-01-01" for n in range(8)))
    report = ingest(sqlite_store, path, dry_run=True)
    assert [sample.line for sample in report.samples] == [2, 3, 4, 5, 6]
    assert report.files[0].tally.rejected == 8


def test_who_may_load_what(sqlite_store: Store, tmp_path: Path) -> None:
    path = table(tmp_path, "needles,1,-1.2,54.55,2025-01-01")
    with pytest.raises(UsageError) as caught:
        ingest(sqlite_store, path, source="tabel")
    assert str(caught.value) == (
        "A source has to be the name of a profile; there is no profile named 'tabel'; did you mean 'table'?"
    )
    with pytest.raises(PolicyError):
        ingest_files(sqlite_store, None, [path], source="table", area=TOWN, home=sqlite_store.home, now=NOW)  # type: ignore[arg-type]  # nobody
    with pytest.raises(DataError) as refused:
        ingest(sqlite_store, "https://example.com/rows.csv?key=secret")
    assert str(refused.value) == (
        "Only Open311 requests are read from a URL; example.com/rows.csv was given for table; download the file first"
    )


def test_rows_to_keep_and_notes_only_if_asked(sqlite_store: Store, tmp_path: Path) -> None:
    profile = parse_profile(
        """
        name = "finds"
        title = "Finds"
        layer = "needle_litter"
        note = "Remark"
        location = {lon = "lon", lat = "lat"}
        time = {start = "date"}
        key = {columns = ["route", "stop"]}
        keep = [{column = "kind", contains = ["needle", "syringe"]}]
        drop = [{column = "state", equals = ["Cancelled"]}]
        reported_by = {value = "sweep"}
        """,
        name="finds",
    )
    path = table(
        tmp_path,
        "A,1,Needles found,Done,-1.2,54.55,2025-01-01,by the gate",
        "A,2,SYRINGE,CANCELLED,-1.2,54.55,2025-01-01,",
        "A,3,Glass,Done,-1.2,54.55,2025-01-01,",
        heading="route,stop,kind,state,lon,lat,date,remark",
    )
    tally = ingest(sqlite_store, path, source=profile).files[0].tally
    assert tally.reasons == {"not_selected": 2}
    row = read_live_records(sqlite_store, ANALYST, note=True).iloc[0]
    assert row[["source_id", "reported_by", "note"]].tolist() == ["A|1", "sweep", "by the gate"]


def test_an_unknown_layer_is_rejected_and_kept_and_an_empty_row_is_neither(sqlite_store: Store, tmp_path: Path) -> None:
    rest = "-1.2,54.55,2025-01-01"
    path = table(tmp_path, f"needels,A,{rest}", f",B,{rest}", ",,,,", f"closure,C,{rest}")
    tally = ingest(sqlite_store, path).files[0].tally
    assert (tally.accepted, tally.reasons) == (1, {"unknown_layer": 2})
    assert sqlite_store.rejects(ANALYST)[["line", "source_id"]].to_numpy().tolist() == [[2, "A"], [3, "B"]]


@pytest.mark.slow
def test_a_geofile_rejects_an_unknown_layer_too(sqlite_store: Store, tmp_path: Path) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"layer": layer, "date": "2025-01-01"},
            "geometry": {"type": "Point", "coordinates": [-1.2, 54.55]},
        }
        for layer in ("needles", "needels", None)
    ]
    path = tmp_path / "points.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    assert ingest(sqlite_store, path, source="geofile").files[0].tally.reasons == {"unknown_layer": 2}


def test_who_reported_in_an_unknown_word_is_told(sqlite_store: Store, tmp_path: Path) -> None:
    rest = "-1.2,54.55,2025-01-01"
    lines = [f"needles,A,{rest},Sweep", f"needles,B,{rest},swep", f"closure,C,{rest},someone", f"needles,D,{rest},"]
    path = table(tmp_path, *lines, heading="layer,source_id,lon,lat,date,reported_by")
    report = ingest(sqlite_store, path)
    assert live(sqlite_store)["reported_by"].to_dict() == {"A": "sweep", "B": "public", "C": "agency", "D": "public"}
    (remark,) = report.remarks
    assert remark == (
        "rows.csv: 2 rows name a reporter other than public, officer, sweep, agency; such rows count as reported by "
        "public, or by agency for overdoses and closed properties"
    )
    path = table(tmp_path, lines[0], heading="layer,source_id,lon,lat,date,reported_by")
    assert ingest(sqlite_store, path).remarks == []
