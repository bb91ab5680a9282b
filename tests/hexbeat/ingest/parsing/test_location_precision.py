"""How well a place is known comes from the profile, or from a row that says so itself."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.ingest.sources import builtin_profiles, parse_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import LOCATION_PRECISIONS
from tests.support.input_files import FIXTURES, ingest, table

HEADING = "layer,id,lon,lat,date"
PROFILE = """
name = "health"
title = "Health"
layer = "overdoses"

[location]
lon = "lon"
lat = "lat"
precision = "postcode"
precision_m = 100
precision_column = "placed"
precision_m_column = "within"

[time]
start = "date"

[key]
columns = "id"
"""


def places(store: Store) -> list[tuple[str, float]]:
    rows = read_live_records(store, ANALYST).sort_values("source_id")
    words, metres = rows["location_precision"].fillna(""), rows["location_precision_m"].fillna(0)
    return list(zip(words, metres, strict=True))


def test_a_row_says_it_itself_and_the_profile_says_it_for_the_others(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "home/sources").mkdir(parents=True, exist_ok=True)
    (tmp_path / "home/sources/health.toml").write_text(PROFILE)
    said = ["Exact,5", ",", "exact,", "somewhere,", "randomised,-3", "street,about 1000", "snapped,far"]
    rows = [f"{key},-1.25,54.57,2026-03-01,{text}" for key, text in zip("abcdefg", said, strict=True)]
    path = table(tmp_path, *rows, heading="id,lon,lat,date,placed,within")
    ingest(sqlite_store, path, source=parse_profile(PROFILE, name="health"))
    assert places(sqlite_store) == [
        ("exact", 5.0),
        ("postcode", 100.0),
        ("exact", 0.0),
        ("postcode", 100.0),
        ("randomised", 0.0),
        ("street", 0.0),
        ("snapped", 0.0),
    ]


def test_the_built_in_sources(sqlite_store: Store) -> None:
    said = {profile.name: profile.location.precision for profile in builtin_profiles()}
    assert said == dict.fromkeys(said) | {"police-uk-street": "snapped", "police-uk-stop-search": "snapped"}
    ingest(sqlite_store, FIXTURES / "2024-06-cleveland-street.csv", source="police-uk-street")
    assert set(places(sqlite_store)) == {("snapped", 0.0)}


def test_a_row_that_begins_to_say_it_is_the_same_event(sqlite_store: Store, tmp_path: Path) -> None:
    row = "needle_litter,-1.25,54.57,2026-03-01"
    ingest(sqlite_store, table(tmp_path, row, heading="layer,lon,lat,date"), source="table")
    assert places(sqlite_store) == [("", 0.0)]
    path = table(tmp_path, f"{row},street,50", heading="layer,lon,lat,date,Location precision,location_precision_m")
    tally = ingest(sqlite_store, path, source="table").files[0].tally
    assert (tally.new, tally.updated) == (0, 1)
    assert places(sqlite_store) == [("street", 50.0)]


@pytest.mark.slow
@given(st.sampled_from([None, *LOCATION_PRECISIONS]), st.none() | st.floats(1, 5000) | st.integers(1, 5000))
def test_a_profile_keeps_it_through_its_toml(kind: str | None, metres: float | None) -> None:
    if kind == "randomised" and metres is None:
        metres = 1
    profile = parse_profile(PROFILE, name="health")
    said = replace(profile, location=replace(profile.location, precision=kind, precision_m=metres))
    assert parse_profile(said.toml(), name="health") == said


@pytest.mark.parametrize("kind", LOCATION_PRECISIONS)
def test_an_export_that_is_loaded_again_says_the_same(sqlite_store: Store, tmp_path: Path, kind: str) -> None:
    path = table(
        tmp_path, f"needle_litter,-1.25,54.57,2026-03-01,{kind},70",
        heading="layer,lon,lat,occurred_from,location_precision,location_precision_m",
    )  # fmt: skip
    ingest(sqlite_store, path, source="table")
    assert places(sqlite_store) == [(kind, 70.0)]
    assert pd.api.types.is_float_dtype(read_live_records(sqlite_store, ANALYST)["location_precision_m"])
