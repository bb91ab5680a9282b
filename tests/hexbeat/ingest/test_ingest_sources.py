"""What each source's files cost others dear, on small files of our own with the same dirt."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from geo.errors import DataError
from geo.wards import Wards
from hexbeat.areas.area import Area
from hexbeat.ingest.sources import parse_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import BOSTON, FIXTURES, TEMPE, TOWN, ingest, table, utc


def live(store: Store) -> pd.DataFrame:
    return read_live_records(store, ANALYST).set_index("source_id").sort_index()


def profile(name: str) -> object:
    return parse_profile((FIXTURES / f"{name}.toml").read_text(encoding="utf-8"), name=name)


def test_police_street_rows_without_an_identifier_are_numbered(sqlite_store: Store) -> None:
    report = ingest(sqlite_store, FIXTURES / "2024-06-cleveland-street.csv", source="police-uk-street")
    assert report.files[0].as_dict() == {
        "file": "2024-06-cleveland-street.csv", "source": "police-uk-street", "read": 7, "skipped": 2, "accepted": 4,
        "new": 4, "updated": 0, "unchanged": 0, "removed": 0, "rejected": 1,
        "reasons": {"elsewhere": 1, "missing_location": 1, "not_selected": 1}, "replaced": 0,
        "not_read": ["Falls within", "Location", "LSOA code", "LSOA name", "Context"],
        "known_references": {},
    }  # fmt: skip
    rows = live(sqlite_store)
    keys = [key.removeprefix("Cleveland Police|2024-06|") for key in rows.index]
    plain, numbered = keys[:2]
    assert keys[2:] == ["a1", "a2"]
    assert numbered == f"{plain}#2"
    assert set(rows["layer"]) == {"street_dealing"}
    assert set(rows["time_precision"]) == {"month"}
    assert set(rows["scope"]) == {"Cleveland Police|2024-06"}
    assert (rows["occurred_from"].iloc[0], rows["occurred_to"].iloc[0]) == (
        utc("2024-05-31 23:00"),
        utc("2024-06-30 23:00"),
    )


def test_a_later_download_of_a_month_replaces_it(store: Store) -> None:
    ingest(store, FIXTURES / "2024-06-cleveland-street.csv", source="police-uk-street")
    later = ingest(store, FIXTURES / "2024-06-cleveland-street-later.csv", source="police-uk-street").files[0].tally
    assert (later.new, later.updated, later.unchanged, later.removed) == (1, 1, 1, 2)
    assert [key.rsplit("|")[-1] for key in live(store).index][1:] == ["a1", "a5"]


@pytest.mark.slow
def test_a_month_loaded_for_a_part_of_the_area_leaves_the_rest(store: Store, tmp_path: Path) -> None:
    codes = TOWN.wards.codes
    west = replace(TOWN, name="west", wards=Wards(codes[::2], TOWN.wards.names[::2], TOWN.wards.polygons[::2]))
    heading = "Crime ID,Month,Reported by,Longitude,Latitude,Crime type,Last outcome category"

    def load(area: Area, **places: float) -> tuple[int, int, int, int]:
        rows = [f"{key},2024-06,Cleveland Police,{lon},54.57,Drugs," for key, lon in places.items()]
        path = table(tmp_path, *rows, heading=heading, name="2024-06-cleveland-street.csv")
        tally = ingest(store, path, source="police-uk-street", area=area).files[0].tally
        return tally.new, tally.updated, tally.unchanged, tally.removed

    first = {"w1": -1.28, "w2": -1.27, "w3": -1.26, "e1": -1.12, "e2": -1.13}
    assert load(TOWN, **first) == (5, 0, 0, 0)
    assert load(west, **first) == (0, 0, 3, 0)
    # w2 is no longer there; w3 and e1 change sides; e2 too is gone, which a load for the west cannot know.
    later = {"w1": -1.28, "w3": -1.12, "e1": -1.26, "w4": -1.29}
    assert load(west, **later) == (1, 1, 1, 2)
    assert [key.rsplit("|")[-1] for key in live(store).index] == ["e1", "e2", "w1", "w4"]
    assert load(TOWN, **later) == (1, 0, 3, 1)
    assert load(TOWN, **later) == (0, 0, 4, 0)
    assert [key.rsplit("|")[-1] for key in live(store).index] == ["e1", "w1", "w3", "w4"]
    for removed in (0, 1, 2):
        assert store.undo_last(ANALYST).removed == removed
    assert [key.rsplit("|")[-1] for key in live(store).index] == ["e1", "e2", "w1", "w2", "w3"]


def test_stop_and_search_at_local_midnight_is_a_day_of_the_local_month(sqlite_store: Store) -> None:
    file = FIXTURES / "2024-06-cleveland-stop-and-search.csv"
    report = ingest(sqlite_store, file, source="police-uk-stop-search").files[0]
    assert report.tally.reasons == {"missing_location": 1, "not_selected": 1}
    rows = live(sqlite_store).sort_values("occurred_from")
    assert rows["time_precision"].tolist() == ["day", "day", "minute"]
    assert rows["occurred_from"].tolist() == [utc("2024-05-31 23:00")] * 2 + [utc("2024-06-15 14:20")]
    assert rows["occurred_to"].tolist() == [utc("2024-06-01 23:00")] * 2 + [utc("2024-06-15 14:20")]
    assert set(rows["reported_by"]) == {"officer"}
    assert set(rows["scope"]) == {"cleveland|2024-06"}
    assert (rows["lon"].iloc[0], rows["lat"].iloc[0]) == (-1.235, 54.575)


def test_stop_and_search_needs_the_name_of_its_file(sqlite_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "searches.csv"
    path.write_bytes((FIXTURES / "2024-06-cleveland-stop-and-search.csv").read_bytes())
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, path, source="police-uk-stop-search")
    assert str(caught.value) == (
        "The name of a police-uk-stop-search file contains its month, force; searches.csv does not contain them; "
        "give it back the name that "
        "it was downloaded with, such as 2024-03-cleveland-stop-and-search.csv"
    )
    assert sqlite_store.batches(ANALYST) == []


def test_boston_311_in_boston(sqlite_store: Store) -> None:
    report = ingest(sqlite_store, FIXTURES / "boston_311.csv", source="boston-311", area=BOSTON).files[0]
    assert report.tally.reasons == {
        "end_before_start": 1, "impossible_location": 1, "not_selected": 1, "test_record": 1,
    }  # fmt: skip
    rows = live(sqlite_store)
    assert rows["layer"].to_dict() == {
        "N2": "needle_litter", "N3": "needle_litter", "P1": "closed_properties", "P2": "closed_properties",
    }  # fmt: skip
    # A needle's closing time is when the case was closed, not until when it was found.
    assert rows.loc["N3", ["occurred_from", "occurred_to"]].tolist() == [utc("2015-07-02 03:30")] * 2
    assert rows.loc["N3", ["category", "reported_by"]].tolist() == ["Needle Pickup", "agency"]
    assert rows.loc["N2", "occurred_from"] == utc("2015-05-05 18:05")
    assert rows.loc["P1", "occurred_to"] == utc("2015-02-03 15:40:39")
    assert rows.loc["P2", "occurred_to"] == utc("2015-04-12 12:23:31")  # three months, in summer time by then


def test_boston_311_in_another_town_is_outside(sqlite_store: Store) -> None:
    report = ingest(sqlite_store, FIXTURES / "boston_311.csv", source="boston-311", dry_run=True).files[0]
    assert report.tally.reasons == {"not_selected": 1, "outside_area": 7}


@pytest.mark.slow
def test_a_geojson_with_a_profile_of_its_own(sqlite_store: Store) -> None:
    report = ingest(
        sqlite_store, FIXTURES / "boston_needles.geojson", source=profile("boston-2016"), area=BOSTON
    ).files[0]
    assert report.tally.reasons == {"impossible_location": 1, "missing_location": 1}
    assert [(sample.line, sample.reason) for sample in report.samples] == [
        (2, "impossible_location"), (3, "missing_location"),
    ]  # fmt: skip
    assert live(sqlite_store)["occurred_from"].to_dict() == {"295": utc("2016-01-01 19:16")}


def test_a_health_export(sqlite_store: Store) -> None:
    report = ingest(sqlite_store, FIXTURES / "health_calls.csv", source=profile("health-calls"), area=TEMPE).files[0]
    assert report.tally.reasons == {
        "bad_date": 1, "end_before_start": 1, "impossible_location": 1, "missing_location": 2,
    }  # fmt: skip
    rows = live(sqlite_store)
    assert rows["occurred_from"].to_dict() == {"1": utc("2017-01-03 07:00"), "2": utc("2023-01-10 07:00")}
    assert set(rows["time_precision"]) == {"day"}
    assert set(rows["reported_by"]) == {"agency"}


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_open311(sqlite_store: Store, suffix: str) -> None:
    report = ingest(sqlite_store, FIXTURES / f"open311.{suffix}", source="open311").files[0]
    assert report.tally.reasons == {"missing_location": 1, "not_selected": 1}
    row = live(sqlite_store).loc["638344"]
    assert row[["layer", "category", "status"]].tolist() == ["needle_litter", "Needle Collection", "closed"]
    assert row["occurred_from"] == utc("2026-04-14 14:37:38")
