"""Rows without an identifier are named by what does not change; stores of an older Hexbeat know their events again."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexbeat.ingest.ingest import IngestReport
from hexbeat.ingest.parsing import keys
from hexbeat.ingest.sources import ColumnRoles
from hexbeat.store import loads
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import FIXTURES, ingest, table

HEADING = "layer,lon,lat,date,quantity,status,type"


def sheet(folder: Path, name: str, *statuses: str, category: str = "loose") -> Path:
    """Finds of successive days with these statuses; those of the same number of rows are equal but for status."""
    lines = [
        f"needles,-1.2,54.55,2025-01-{day // 2 + 1:02d},2,{status},{category}" for day, status in enumerate(statuses)
    ]
    return table(folder, *lines, heading=HEADING, name=name)


def ingest_as_before(store: Store, path: Path, *, source: str = "table") -> IngestReport:
    """Load a file as the Hexbeat did that took every column as the content of a row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ColumnRoles, "identity_columns", ColumnRoles.content_columns)
        patch.setattr(keys, "CONTENT_BYTES", keys.FORMER_CONTENT_BYTES)
        patch.setattr(loads, "find_former_keys", lambda *_: False)
        return ingest(store, path, source=source)


def tally(report: IngestReport) -> tuple[int, int, int]:
    counts = report.files[0].tally
    return counts.new, counts.updated, counts.unchanged


def list_statuses(store: Store) -> list[str]:
    return sorted(read_live_records(store, ANALYST)["status"])


def test_the_former_key_is_the_one_of_before(sqlite_store: Store, tmp_path: Path) -> None:
    """The identifier was made by the Hexbeat of November 2026."""
    path = table(
        tmp_path, "needle_litter,05/01/2025,54.5742,-1.2350,3,open", heading="layer,date,lat,lon,quantity,status"
    )
    ingest_as_before(sqlite_store, path)
    assert read_live_records(sqlite_store, ANALYST)["source_id"].tolist() == ["72753f6e1dde9e8c267f"]


def test_a_status_that_changes_updates_the_event(store: Store, tmp_path: Path) -> None:
    monday, friday = sheet(tmp_path, "monday.csv", "open", "open"), sheet(tmp_path, "friday.csv", "closed", "open")
    assert tally(ingest(store, monday)) == (2, 0, 0)
    assert tally(ingest(store, monday)) == (0, 0, 2)
    assert tally(ingest(store, friday)) == (0, 1, 1)
    assert list_statuses(store) == ["closed", "open"]


def test_another_category_is_another_event(store: Store, tmp_path: Path) -> None:
    ingest(store, sheet(tmp_path, "a.csv", "open"))
    assert tally(ingest(store, sheet(tmp_path, "b.csv", "open", category="bagged"))) == (1, 0, 0)


def test_a_file_loaded_before_is_unchanged_when_it_is_loaded_again(store: Store, tmp_path: Path) -> None:
    path = sheet(tmp_path, "a.csv", "open", "closed", "open", "open", "open")
    ingest_as_before(store, path)
    before = read_live_records(store, ANALYST)
    for _ in range(2):
        assert tally(ingest(store, path)) == (0, 0, 5)
    assert set(read_live_records(store, ANALYST)["source_id"]) == set(before["source_id"])


def test_an_event_of_before_whose_status_changes_is_updated_once(store: Store, tmp_path: Path) -> None:
    ingest_as_before(store, sheet(tmp_path, "monday.csv", "open", "open", "open"))
    friday = sheet(tmp_path, "friday.csv", "closed", "closed", "open", "new")
    assert tally(ingest(store, friday)) == (1, 2, 1)
    assert tally(ingest(store, friday)) == (0, 0, 4)
    assert list_statuses(store) == ["closed", "closed", "new", "open"]


def test_monday_and_friday_in_one_load_are_one_event_of_before(store: Store, tmp_path: Path) -> None:
    monday, friday = sheet(tmp_path, "monday.csv", "open"), sheet(tmp_path, "friday.csv", "closed")
    ingest_as_before(store, monday)
    ingest(store, monday, friday)
    assert list_statuses(store) == ["closed"]


def test_what_was_doubled_before_stays_as_it_is(store: Store, tmp_path: Path) -> None:
    monday, friday = sheet(tmp_path, "monday.csv", "open"), sheet(tmp_path, "friday.csv", "closed")
    ingest_as_before(store, monday)
    ingest_as_before(store, friday)
    assert (tally(ingest(store, monday)), tally(ingest(store, friday))) == ((0, 0, 1), (0, 0, 1))
    assert list_statuses(store) == ["closed", "open"]


def test_a_snapshot_of_before_is_known_again(store: Store) -> None:
    path = FIXTURES / "2024-06-cleveland-street.csv"
    ingest_as_before(store, path, source="police-uk-street")
    assert tally(ingest(store, path, source="police-uk-street")) == (0, 0, 4)
    later = ingest(store, FIXTURES / "2024-06-cleveland-street-later.csv", source="police-uk-street").files[0].tally
    assert (later.new, later.updated, later.unchanged, later.removed) == (1, 1, 1, 2)


ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(("open", "closed", ""))), min_size=1, max_size=6)


@pytest.mark.slow
@given(ROWS, st.lists(st.sampled_from(("open", "closed", "")), min_size=6, max_size=6))
@settings(max_examples=12, deadline=None)
def test_whatever_was_stored_before_is_never_doubled(rows: list[tuple[str, str]], later: list[str]) -> None:
    """The same file again changes nothing; another status of any row makes no new event."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "home") as opened:
        lines = [f"needles,-1.2,54.55,2025-01-01,2,{status},{category}" for category, status in rows]
        first = table(Path(folder), *lines, heading=HEADING)
        assert ingest_as_before(opened, first).files[0].tally.new == len(rows)
        assert tally(ingest(opened, first)) == (0, 0, len(rows))
        lines = [
            f"needles,-1.2,54.55,2025-01-01,2,{status},{category}"
            for (category, _), status in zip(rows, later, strict=False)
        ]
        second = table(Path(folder), *lines, heading=HEADING, name="later.csv")
        assert tally(ingest(opened, second))[0] == 0
        assert tally(ingest(opened, second)) == (0, 0, len(rows))
        assert sorted(read_live_records(opened, ANALYST)["status"].fillna("")) == sorted(later[: len(rows)])
