"""The real records beside the checkout: every count equals a plain computation with geopandas, h3 and pandas."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import geopandas
import h3
import pandas as pd
import pytest

from hexbeat.areas.area import load_area
from hexbeat.ingest.ingest import IngestReport
from hexbeat.ingest.sources import load_profile, save_profile
from hexbeat.ingest.suggestions import Suggestion, suggest_profile
from hexbeat.store.live_columns import read_columns
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.counting import Filter, count
from layers.event import RESOLUTIONS
from tests.support.input_files import BOSTON, FIXTURES, TEMPE, ingest
from tests.support.stores import documents_in

pytestmark = [pytest.mark.shared, pytest.mark.slow]
AREA_NAMES = ("middlesbrough", "cleveland")
SOURCES = {"police-uk-street": "street", "police-uk-stop-search": "stop-and-search"}


def police_files(shared: Path, kind: str) -> list[Path]:
    return sorted((shared / "events" / "police_uk").glob(f"2024-*-cleveland-{kind}.csv"))


@pytest.fixture(scope="module", params=AREA_NAMES)
def loaded(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, str, dict[str, IngestReport]]]:
    """A store with all twelve files of each kind, the area, and the reports."""
    area = load_area(request.param)
    with Store.open(tmp_path_factory.mktemp("home")) as store:
        reports = {
            source: ingest(store, *police_files(shared, kind), source=source, area=area)
            for source, kind in SOURCES.items()
        }
        yield store, request.param, reports


@cache
def plain(shared: Path, source: str, area_name: str) -> pd.DataFrame:
    """The same by the usual means: a row an event, with ward and month."""
    files = police_files(shared, SOURCES[source])
    rows = pd.concat(
        [pd.read_csv(path, dtype={"Longitude": float, "Latitude": float}) for path in files], ignore_index=True
    )
    if source == "police-uk-street":
        rows = rows[rows["Crime type"] == "Drugs"].assign(month=rows["Month"])
    else:
        rows = rows[rows["Object of search"] == "Controlled drugs"]
        local = pd.to_datetime(rows["Date"], utc=True).dt.tz_convert("Europe/London")
        rows = rows.assign(month=local.dt.strftime("%Y-%m"))
    rows = rows.dropna(subset=["Longitude", "Latitude"]).reset_index(drop=True)
    points = geopandas.GeoDataFrame(
        rows[["month"]], geometry=geopandas.points_from_xy(rows["Longitude"], rows["Latitude"]), crs="EPSG:4326"
    )
    wards = geopandas.read_file(load_area(area_name).folder / "wards.geojson")[["ward_code", "geometry"]]
    return geopandas.sjoin(points, wards, predicate="within").reset_index(drop=True)


def test_every_row_is_accounted_for(loaded: tuple[Store, str, dict[str, IngestReport]]) -> None:
    _, area_name, reports = loaded
    totals = {}
    for source, report in reports.items():
        tallies = [file.tally for file in report.files]
        assert len(tallies) == 12
        assert all(t.read == sum(t.skipped.values()) + t.rejected + t.accepted for t in tallies)
        assert all(t.accepted == t.new for t in tallies)
        reasons = sum((Counter(t.reasons) for t in tallies), Counter())
        totals[source] = sum(t.read for t in tallies), sum(t.accepted for t in tallies), dict(reasons)
    street, search = totals["police-uk-street"], totals["police-uk-stop-search"]
    assert (street[0], street[2]["not_selected"]) == (89_892, 89_892 - 2_839)
    assert (search[0], search[2]["not_selected"], search[2]["missing_location"]) == (7_521, 7_521 - 4_680, 227)
    if area_name == "cleveland":
        assert street[1] == 2_835


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_counts_by_ward_month_and_cell(
    loaded: tuple[Store, str, dict[str, IngestReport]], shared: Path, resolution: int
) -> None:
    store, area_name, _ = loaded
    area = load_area(area_name)
    expected = pd.concat([plain(shared, source, area_name) for source in SOURCES], ignore_index=True)
    cells = [h3.latlng_to_cell(point.y, point.x, resolution) for point in expected.geometry]
    wanted = Counter(zip(cells, expected["ward_code"], expected["month"], strict=True))
    columns = read_columns(store, ANALYST, ward_codes=area.wards.codes)
    counts = count(
        columns,
        Filter(),
        by=("cell", "ward", "month"),
        resolution=resolution,
        wards=area.wards,
        time_zone=area.time_zone,
    )
    rows = counts.rows
    found = dict(zip(zip(rows["cell"], rows["ward_code"], rows["month"], strict=True), rows["count"], strict=True))
    assert found == dict(wanted)
    assert counts.total == len(expected)


def test_loading_twice_changes_nothing(loaded: tuple[Store, str, dict[str, IngestReport]], shared: Path) -> None:
    store, area_name, reports = loaded
    before = read_live_records(store, ANALYST)
    for source, kind in SOURCES.items():
        again = ingest(store, *police_files(shared, kind), source=source, area=load_area(area_name))
        for first, second in zip(reports[source].files, again.files, strict=True):
            assert (second.tally.unchanged, second.tally.accepted) == (first.tally.new, first.tally.accepted)
            assert (second.tally.new, second.tally.updated, second.tally.removed) == (0, 0, 0)
    pd.testing.assert_frame_equal(read_live_records(store, ANALYST), before)


def test_a_second_download_of_a_month(shared: Path, tmp_path: Path) -> None:
    area = load_area("cleveland")
    original = shared / "events" / "police_uk" / "2024-03-cleveland-street.csv"
    changed = tmp_path / original.name
    lines = original.read_text(encoding="utf-8").splitlines(keepends=True)
    drugs = [number for number, line in enumerate(lines) if re.search(r",Drugs,", line)]
    del lines[drugs[0]]
    lines[drugs[5] - 1] = lines[drugs[5] - 1].replace(",Drugs,", ",Public order,")
    fields = lines[drugs[9] - 1].split(",Drugs,")
    lines[drugs[9] - 1] = f"{fields[0]},Drugs,An outcome of today,\n"
    changed.write_text("".join(lines), encoding="utf-8")
    with Store.open(tmp_path / "home") as store:
        first = ingest(store, original, source="police-uk-street", area=area).files[0].tally
        second = ingest(store, changed, source="police-uk-street", area=area).files[0].tally
        assert (second.new, second.updated, second.unchanged, second.removed) == (0, 1, first.new - 3, 2)


BOSTON_FILES = (
    ("needles/boston_needle_pickup_2015.csv", 622, {"impossible_location": 49, "test_record": 7}),
    ("properties/boston_abandoned_building_2015.csv", 168, {"impossible_location": 3}),
)


@pytest.mark.parametrize(("name", "read", "reasons"), BOSTON_FILES)
def test_boston_row_by_row(shared: Path, tmp_path: Path, name: str, read: int, reasons: dict[str, int]) -> None:
    path = shared / "events" / name
    with Store.open(tmp_path) as store:
        tally = ingest(store, path, source="boston-311", area=BOSTON).files[0].tally
        assert (tally.read, tally.reasons, tally.new) == (read, reasons, read - sum(reasons.values()))
        live = read_live_records(store, ANALYST).set_index("source_id")
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("CASE_ENQUIRY_ID").loc[live.index]
    opened = pd.to_datetime(rows["OPEN_DT"], format="%m/%d/%Y %I:%M:%S %p").dt.tz_localize("America/New_York")
    assert live["occurred_from"].tolist() == [int(moment.timestamp()) for moment in opened]
    closed = pd.to_datetime(rows["CLOSED_DT"], format="%m/%d/%Y %I:%M:%S %p", errors="coerce")
    if "properties" in name:
        term = [
            o + pd.DateOffset(months=3) if pd.isna(c) else c.tz_localize("America/New_York")
            for o, c in zip(opened, closed, strict=True)
        ]
        assert live["occurred_to"].tolist() == [int(moment.timestamp()) for moment in term]
    else:
        assert live["occurred_to"].equals(live["occurred_from"])


def test_boston_needles_of_2016(shared: Path, tmp_path: Path) -> None:
    save_profile_from(FIXTURES / "boston-2016.toml", tmp_path)
    path = shared / "events" / "needles" / "boston_needle_pickup_2016.geojson"
    with Store.open(tmp_path) as store:
        tally = ingest(store, path, source="boston-2016", area=BOSTON).files[0].tally
    assert (tally.read, tally.new, tally.reasons) == (1990, 1990 - 563, {"impossible_location": 563})


def save_profile_from(path: Path, home: Path) -> None:
    (home / "sources").mkdir(parents=True)
    shutil.copy(path, home / "sources" / path.name)


@pytest.fixture(scope="module")
def tempe(shared: Path) -> Suggestion:
    """What is suggested for Tempe's file, read once."""
    return suggest_profile(shared / "events" / "overdoses" / "tempe_opioid_ems_calls.csv")


def test_tempe_by_a_suggested_profile(shared: Path, tmp_path: Path, tempe: Suggestion) -> None:
    path = shared / "events" / "overdoses" / "tempe_opioid_ems_calls.csv"
    assert tempe.source is None
    save_profile(tempe.profile, documents_in(tmp_path))
    profile = load_profile(tempe.profile.name, documents_in(tmp_path))
    with Store.open(tmp_path) as store:
        tally = ingest(store, path, source=profile.name, area=TEMPE).files[0].tally
        layers = set(read_live_records(store, ANALYST)["layer"])
    assert (tally.read, tally.new) == (3780, 3780 - 6 - 8)
    assert tally.reasons == {"impossible_location": 8, "missing_location": 6}
    assert layers == {"overdoses"}


def test_other_towns_are_outside_middlesbrough(shared: Path, tmp_path: Path, tempe: Suggestion) -> None:
    events, area = shared / "events", load_area("middlesbrough")
    save_profile_from(FIXTURES / "boston-2016.toml", tmp_path)
    with Store.open(tmp_path) as store:
        for name, read, _ in BOSTON_FILES:
            tally = ingest(store, events / name, source="boston-311", area=area, dry_run=True).files[0].tally
            assert (tally.read, tally.reasons) == (read, {"outside_area": read})
        points = events / "needles" / "boston_needle_pickup_2016.geojson"
        report = ingest(store, points, source="boston-2016", area=area, dry_run=True)
        assert report.files[0].tally.reasons == {"outside_area": 1990}
        calls = events / "overdoses" / "tempe_opioid_ems_calls.csv"
        tally = ingest(store, calls, source=tempe.profile, area=area, dry_run=True).files[0].tally
        assert tally.reasons == {"missing_location": 6, "outside_area": 3774}
