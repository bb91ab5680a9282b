"""How well a source knows its places, as both databases keep it: by event and version, in every file, and migrated."""

from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.event_files import export_events
from hexbeat.store.live_columns import read_columns
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.columns import Columns
from layers.event import LOCATION_PRECISIONS
from tests.support.events import WARDS, event_frame, load
from tests.support.stores import older_store

KINDS = [None, *LOCATION_PRECISIONS]
METRES = [np.nan, 5.0, np.nan, 100.0, 30.5, 250.0]


def build_frame() -> pd.DataFrame:
    """An event of each precision, from two sources, in the order of KINDS."""
    return event_frame(
        [f"k{place}" for place in range(len(KINDS))],
        location_precision=pd.Series(KINDS, dtype=object),
        location_precision_m=METRES,
        source=["table", "b"] * 3,
        occurred_from=1_700_000_000 + np.arange(len(KINDS)),
    )


def list_places(columns: Columns) -> list[tuple[str, str, float]]:
    """The source of each event, its word and its metres."""
    return [
        (columns.sources[source], ("", *LOCATION_PRECISIONS)[code], float(metres))
        for source, code, metres in zip(columns.source, columns.location, columns.location_m, strict=True)
    ]


def read(store: Store) -> Columns:
    return read_columns(store, ANALYST, ward_codes=WARDS)


def test_every_event_keeps_what_its_source_says(store: Store) -> None:
    load(store, build_frame())
    rows = read_live_records(store, ANALYST)
    assert rows["location_precision"].fillna("").tolist() == [kind or "" for kind in KINDS]
    assert rows["location_precision_m"].fillna(0).tolist() == np.nan_to_num(METRES).tolist()
    assert list_places(read(store)) == [
        (source, kind or "", metres)
        for source, kind, metres in zip(["table", "b"] * 3, KINDS, np.nan_to_num(METRES).tolist(), strict=True)
    ]


def test_a_better_known_place_is_an_update_and_undo_takes_it_back(store: Store) -> None:
    cache = ColumnCache(store)
    load(store, event_frame(["a", "b"], location_precision="postcode", location_precision_m=[100.0, 100.0]))
    assert set(list_places(cache.columns(ANALYST, ward_codes=WARDS))) == {("table", "postcode", 100.0)}
    better = event_frame(["a", "b"], location_precision=["exact", "postcode"], location_precision_m=[np.nan, 100.0])
    tally = load(store, better)
    assert (tally.new, tally.updated, tally.unchanged) == (0, 1, 1)
    updated = [("table", "exact", 0.0), ("table", "postcode", 100.0)]
    assert sorted(list_places(cache.columns(ANALYST, ward_codes=WARDS))) == updated
    assert sorted(list_places(read(store))) == updated
    store.undo_last(ANALYST)
    assert set(list_places(cache.columns(ANALYST, ward_codes=WARDS))) == {("table", "postcode", 100.0)}


def test_what_is_new_and_what_leaves_keeps_the_names_of_sources_right(store: Store) -> None:
    cache = ColumnCache(store)
    for frame in (
        event_frame(["a"], source="middle"),
        event_frame(["b"], source="first", location_precision="snapped"),
        event_frame(["c"], source="zenith", location_precision="exact"),
    ):
        load(store, frame)
        cached, plain = cache.columns(ANALYST, ward_codes=WARDS), read(store)
        assert cached.sources == plain.sources
        assert list_places(cached) == list_places(plain)
    store.erase_source(ANALYST, "first")
    assert cache.columns(ANALYST, ward_codes=WARDS).sources == ("middle", "zenith")


@pytest.mark.parametrize("ending", ["csv", "parquet", "gpkg"])
def test_files_carry_it(sqlite_store: Store, tmp_path: Path, ending: str) -> None:
    load(sqlite_store, build_frame())
    out = tmp_path / f"events.{ending}"
    export_events(sqlite_store, ANALYST, out)
    reader = {"csv": pd.read_csv, "parquet": geopandas.read_parquet, "gpkg": geopandas.read_file}[ending]
    rows = reader(out)
    assert rows["location_precision"].fillna("").tolist() == [kind or "" for kind in KINDS]
    assert rows["location_precision_m"].fillna(0).tolist() == np.nan_to_num(METRES).tolist()


def test_an_older_store_takes_police_uk_for_snapped_and_the_rest_for_unknown(
    tmp_path: Path, store_url: str | None
) -> None:
    sources = ("police-uk-street", "police-uk-stop-search", "table", "police-uk-by-hand")
    with older_store(tmp_path / "home", store_url, "0005") as connection:
        names = "created, area, files, new, updated, unchanged, removed, rejected"
        connection.execute(sa.text(f"INSERT INTO batches ({names}) VALUES (0, 'a', 1, 0, 0, 0, 0, 1)"))  # noqa: S608  # our names
        for place, source in enumerate(sources):
            for superseded in (50, None):
                _insert_old(connection, f"k{place}", source, superseded)
    with Store.open(tmp_path / "home", database_url=store_url) as store:
        assert list_places(read(store)) == [
            ("police-uk-street", "snapped", 0.0),
            ("police-uk-stop-search", "snapped", 0.0),
            ("table", "", 0.0),
            ("police-uk-by-hand", "", 0.0),
        ]
        with store.engine.connect() as connection:
            closed = connection.execute(
                sa.text("SELECT location_precision FROM events WHERE superseded_at = 50 ORDER BY row_id")
            ).scalars()
            assert list(closed) == ["snapped", "snapped", None, None]
        same = event_frame(["k0"], source=sources[0], location_precision="snapped")
        assert load(store, same).unchanged == 1


def _insert_old(connection: sa.Connection, key: str, source: str, superseded: int | None) -> None:
    """A version of an event as a store of before has it."""
    frame = event_frame([key], source=source).drop(columns=["location_precision", "location_precision_m"])
    row = frame.iloc[0].to_dict() | {"event_id": key, "batch_id": 1, "recorded_at": 1}
    row |= {"superseded_at": superseded, "superseded_batch": 1 if superseded else None}
    values = {name: value.item() if hasattr(value, "item") else value for name, value in row.items()}
    columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(sa.text(f"INSERT INTO events ({columns}) VALUES ({marks})"), values)  # noqa: S608  # our names
