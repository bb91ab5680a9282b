"""Finds on a beach: a little outside the wards, counted in the nearest one if the profile says so, else said."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.ingest.sources import SourceProfile, load_profile, parse_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import ingest, table
from tests.support.stores import documents_in

BEACH = ("needles,in,-1.2,54.55,2025-06-01", "needles,a,-1.1003,54.55,2025-06-01")
SEA = (  # 0.0001 degrees of longitude are 6.5 m here; the town ends at -1.10
    "needles,near,-1.0998,54.55,2025-06-01",
    "needles,far,-1.0990,54.59,2025-06-01",
)


NO_NUMBER = (
    "A source profile has only known keys, each with its kind of value; a.toml: location: coast_m is not a number from "
    "0; docs/sources.md lists the keys, and `hexbeat sources suggest FILE` writes a profile to start from"
)


def with_tolerance(metres: float, home: Path) -> SourceProfile:
    profile = load_profile("table", documents_in(home))
    return replace(profile, location=replace(profile.location, coast_m=metres))


def test_a_reject_says_how_far_outside_which_ward_it_is(sqlite_store: Store, tmp_path: Path) -> None:
    report = ingest(sqlite_store, table(tmp_path, *BEACH, *SEA, "needles,away,-3,54.55,2025-06-01"))
    rejects = [(sample.line, json.loads(sample.raw).get("(nearest ward)")) for sample in report.samples]
    assert rejects == [(4, "13 m outside town 1"), (5, "65 m outside town 3"), (6, None)]
    (remark,) = report.remarks
    assert remark == (
        "rows.csv: 2 places lie less than 100 m outside town: if that is a beach, location.coast_m in a source "
        "profile counts it in the nearest ward"
    )


def test_a_tolerance_counts_them_in_the_nearest_ward(sqlite_store: Store, tmp_path: Path) -> None:
    profile = with_tolerance(20, tmp_path)
    report = ingest(sqlite_store, table(tmp_path, *BEACH, *SEA), source=profile)
    assert [(sample.line, sample.reason) for sample in report.samples] == [(5, "outside_area")]
    assert report.remarks[0] == "rows.csv: 1 place 13 m outside town is counted in the nearest ward"
    wards = read_live_records(sqlite_store, ANALYST).set_index("source_id")["ward_code"]
    assert wards.to_dict() == {"in": "town-1", "a": "town-1", "near": "town-1"}


def test_a_file_of_beaches_alone_names_the_cause(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, table(tmp_path, *SEA))
    assert str(caught.value) == (
        "A load needs at least one row that can be used; every row of rows.csv was rejected: outside_area 2; "
        "2 places lie less than 100 m outside town: if that is a beach, location.coast_m in a source profile counts it "
        "in the nearest ward"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("501", "coast_m is at most 500 metres; a.toml has 501; correct it; docs/sources.md explains the keys"),
        ("-1", NO_NUMBER),
    ],
)
def test_a_tolerance_is_a_few_metres(value: str, message: str) -> None:
    text = f'name = "a"\ntitle = "A"\nlayer = "needle_litter"\n[location]\nlon = "x"\nlat = "y"\ncoast_m = {value}\n'
    with pytest.raises(DataError) as caught:
        parse_profile(f'{text}[time]\nstart = "d"\n', name="a")
    assert str(caught.value) == message


def test_no_shipped_source_has_a_tolerance(tmp_path: Path) -> None:
    for name in ("table", "geofile", "police-uk-street", "police-uk-stop-search", "open311", "boston-311"):
        assert load_profile(name, documents_in(tmp_path)).location.coast_m == 0
