"""Erasure by natural key: rejects of the same key go, whatever the key is made of, and no others."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from hexbeat.ingest.sources import SourceProfile, parse_profile
from hexbeat.store.erasure import Erasure
from hexbeat.store.load_log import list_rejects
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import event_id
from tests.support.events import event_frame, load, reject_frame
from tests.support.input_files import NOW, ingest, table
from tests.support.stores import older_store

PROFILE = """
name = "{name}"
title = "Finds"
layer = "needle_litter"
location = {{lon = "lon", lat = "lat"}}
time = {{start = "date"}}
"""
PLACE = "-1.2,54.55"


def profile(name: str, *more: str) -> SourceProfile:
    return parse_profile("\n".join([PROFILE.format(name=name), *more]), name=name)


def left(store: Store) -> list[Any]:
    """The lines of the rejects that are still there."""
    return list_rejects(store.engine, ANALYST)["line"].tolist()


def test_a_key_of_several_columns(store: Store, tmp_path: Path) -> None:
    source = profile("visits", 'key = {columns = ["person", "visit"]}')
    lines = [f"PERSONREF9,2,{PLACE},2025-01-01", f"PERSONREF9,2,{PLACE},soon", f"PERSONREF9,3,{PLACE},soon"]
    ingest(store, table(tmp_path, *lines, heading="person,visit,lon,lat,date"), source=source)
    assert store.rejects(ANALYST)["source_id"].tolist() == ["PERSONREF9|2", "PERSONREF9|3"]
    assert store.erase(ANALYST, "visits", "PERSONREF9|2") == Erasure(events=1, rows=1, rejects=1, complete=True)
    assert left(store) == [4]


def test_a_key_with_a_scope_in_front(store: Store, tmp_path: Path) -> None:
    source = profile("months", 'key = {columns = "id"}', 'snapshot = {scope = ["force", "month"]}')
    lines = [f"cleveland,2024-02,SECRET1,{PLACE},2024-02", f"cleveland,2024-02,SECRET1,{PLACE},2024-20"]
    ingest(store, table(tmp_path, *lines, heading="force,month,id,lon,lat,date"), source=source)
    assert store.erase(ANALYST, "months", "cleveland|2024-02|SECRET1").rejects == 1
    files = b"".join(path.read_bytes() for path in store.home.glob("hexbeat.sqlite*"))
    assert b"SECRET1" not in files


def test_a_repeat_takes_the_rejects_of_its_key_and_leaves_its_fellows(store: Store, tmp_path: Path) -> None:
    source = profile("numbered", 'key = {columns = "id", repeats = "number"}')
    lines = [f"A,{PLACE},2025-01-01", f"A,{PLACE},2025-01-02", f"A,{PLACE},soon", f"B,{PLACE},soon"]
    ingest(store, table(tmp_path, *lines, heading="id,lon,lat,date"), source=source)
    assert store.erase(ANALYST, "numbered", "A#2") == Erasure(events=1, rows=1, rejects=1, complete=True)
    assert (read_live_records(store, ANALYST)["source_id"].tolist(), left(store)) == (["A"], [5])


def test_a_digest_as_key(store: Store, tmp_path: Path) -> None:
    """A row that was once in the future, and later was not, is the same row."""
    source = profile("plain")
    path = table(tmp_path, f"{PLACE},2026-11-23", f"{PLACE},2026-11-20", heading="lon,lat,date")
    ingest(store, path, source=source)
    ingest(store, path, source=source, now=NOW + timedelta(days=2))
    assert (store.rejects(ANALYST, 1)["reason"].tolist(), len(read_live_records(store, ANALYST))) == (
        ["future_date"],
        2,
    )
    key = read_live_records(store, ANALYST).sort_values("occurred_from")["source_id"].iloc[-1]
    assert store.erase(ANALYST, "plain", key) == Erasure(events=1, rows=1, rejects=1, complete=True)
    assert store.rejects(ANALYST, 1).empty


def test_a_refused_duplicate_names_the_same_event(store: Store, tmp_path: Path) -> None:
    lines = [f"needles,A,{PLACE},2025-01-01"] * 3
    ingest(store, table(tmp_path, *lines))
    assert store.rejects(ANALYST)["reason"].tolist() == ["duplicate_id"] * 2
    assert store.erase(ANALYST, "table", "A") == Erasure(events=1, rows=1, rejects=2, complete=True)


def test_a_short_key_is_no_word_of_other_rows(store: Store, tmp_path: Path) -> None:
    lines = [f"needles,{number},-1.1,5,2025-01-01,1" for number in range(1, 18)]
    lines.append(f"needles,99,{PLACE},2025-01-01,1")  # without one usable row a file is refused
    ingest(store, table(tmp_path, *lines, heading="layer,id,lon,lat,date,quantity"))
    assert store.erase(ANALYST, "table", "1") == Erasure(events=0, rows=0, rejects=1, complete=True)
    assert len(left(store)) == 16


@pytest.mark.parametrize(
    ("raw", "key", "goes"),
    [
        ({"person": "PERSONREF9", "visit": "2", "lon": "-1.2"}, "PERSONREF9|2", True),
        ({"person": "PERSONREF9", "visit": "3", "lon": "-1.2"}, "PERSONREF9|2", False),
        ({"force": "cleveland", "month": "2024-02", "id": "A"}, "cleveland|2024-02|A#2", True),
        ({"id": "A", "lon": "1.5"}, "1", False),
        ({"id": None}, "|", False),
    ],
)
def test_an_older_store_keeps_its_rejects_and_erases_by_whole_values(
    tmp_path: Path, store_url: str | None, raw: dict[str, Any], key: str, *, goes: bool
) -> None:
    with older_store(tmp_path / "home", store_url, "0001") as connection:
        connection.execute(sa.text("INSERT INTO batches VALUES (1, 0, 'a', 1, 0, 0, 0, 0, 1, NULL)"))
        insert = (
            "INSERT INTO rejects (batch_id, file_no, file, source, line, reason, raw)"
            " VALUES (1, 1, 'a', 'old', 2, 'bad_date', :raw)"
        )
        connection.execute(sa.text(insert), {"raw": json.dumps(raw)})
    with Store.open(tmp_path / "home", database_url=store_url) as store:
        found = store.rejects(ANALYST, 1)
        assert (found["raw"].tolist(), found["source_id"].tolist()) == ([json.dumps(raw)], [None])
        assert store.erase(ANALYST, "old", key).rejects == int(goes)


def test_a_key_that_is_known_alone_decides(store: Store) -> None:
    load(store, event_frame(["a"]))
    frame = reject_frame({1: ("bad_date", '{"id": "a"}'), 2: ("bad_date", "{}"), 3: ("bad_date", '{"id": "a"}')})
    with store.begin_load(ANALYST, area="a") as entry, entry.file("b.csv", "table", sha256="0") as part:
        part.add_rejects(frame.assign(source_id=pd.Series(["other", "a", None], dtype="object")))
    assert store.erase(ANALYST, "table", "a").rejects == 2
    assert left(store) == [1]
    assert store.history(ANALYST, event_id("table", "a")) == []
