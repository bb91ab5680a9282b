"""Committed loads, their rejects, and undoing the last."""

from datetime import UTC, datetime, timedelta

import pytest

from geo.errors import PolicyError, StoreError
from hexbeat.store.live_columns import read_columns
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST, Viewer
from layers.event import event_id
from tests.support.events import WARDS, event_frame, load, reject_frame

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOBODY = Viewer("nobody")


def load_rejects(store: Store, name: str, lines: dict[int, tuple[str, str]]) -> None:
    with store.begin_load(ANALYST, area="a") as entry, entry.file(name, "table", sha256="0") as part:
        part.add_rejects(reject_frame(lines))


def test_a_load_is_remembered_with_its_files_and_counts(store: Store) -> None:
    with store.begin_load(ANALYST, area="cleveland", now=MONDAY) as entry:
        with entry.file("one.csv", "table", sha256="1" * 64) as part:
            part.add_events(event_frame(["a", "b"]))
            part.add_rejects(reject_frame({7: ("bad_date", "{}")}))
            part.add_tally(read=5, skipped={"not_selected": 2})
        with entry.file("two.csv", "table", sha256="2" * 64, snapshot=True) as part:
            part.add_events(event_frame(["b"], quantity=2))
    (batch,) = store.batches(ANALYST)
    assert (batch.batch_id, batch.created, batch.area, batch.undone_at) == (1, MONDAY, "cleveland", None)
    assert (batch.new, batch.updated, batch.unchanged, batch.removed, batch.rejected) == (2, 1, 0, 0, 1)
    assert batch.files[0] == {
        "file": "one.csv", "source": "table", "sha256": "1" * 64, "snapshot": False, "read": 5,
        "skipped": {"not_selected": 2}, "accepted": 2, "new": 2, "updated": 0, "unchanged": 0, "removed": 0,
        "rejected": 1, "reasons": {"bad_date": 1, "not_selected": 2},
    }  # fmt: skip
    assert (batch.files[1]["file"], batch.files[1]["snapshot"]) == ("two.csv", True)


def test_undo_takes_a_load_back_wholly(store: Store) -> None:
    load(store, event_frame(["a", "b"], scope="m"), now=MONDAY)
    before = read_live_records(store, ANALYST)
    load(store, event_frame(["a", "c"], scope="m", quantity=[2, 1]), cover=["m"], now=MONDAY + timedelta(days=1))
    assert store.last_load(ANALYST) == store.batches(ANALYST)[0]
    undone = store.undo_last(ANALYST)
    assert (undone.batch_id, undone.new, undone.updated, undone.removed) == (2, 1, 1, 1)
    assert read_live_records(store, ANALYST).equals(before)
    assert store.history(ANALYST, event_id("table", "c")) == []
    assert store.batches(ANALYST)[0].undone_at is not None
    assert store.last_load(ANALYST) == store.batches(ANALYST)[1]


def test_loads_are_undone_one_after_the_other(store: Store) -> None:
    for quantity in (1, 2, 3):
        load(store, event_frame(["a"], quantity=quantity))
    assert [store.undo_last(ANALYST).batch_id for _ in range(3)] == [3, 2, 1]
    with pytest.raises(StoreError) as caught:
        store.undo_last(ANALYST)
    assert str(caught.value) == "A load can be undone only once; there is no load left to undo; nothing was changed"
    assert load(store, event_frame(["a"])).new == 1
    assert [batch.batch_id for batch in store.batches(ANALYST)] == [4, 3, 2, 1]
    assert store.history(ANALYST, event_id("table", "a"))[0].row_id == 4  # numbers are never used twice


def test_a_file_sent_again_replaces_its_old_rejects(store: Store) -> None:
    load_rejects(store, "f.csv", {2: ("bad_date", '{"d": 1}'), 3: ("bad_date", '{"d": 2}')})
    load_rejects(store, "g.csv", {1: ("outside_area", "{}")})
    load_rejects(store, "f.csv", {3: ("bad_date", '{"d": 2}')})
    frame = store.rejects(ANALYST)
    assert list(frame.columns) == ["batch_id", "file", "source", "line", "reason", "raw", "source_id"]
    assert frame.to_numpy().tolist() == [
        [2, "g.csv", "table", 1, "outside_area", "{}", None],
        [3, "f.csv", "table", 3, "bad_date", '{"d": 2}', None],
    ]
    assert store.rejects(ANALYST, 1)["line"].tolist() == [2, 3]
    store.undo_last(ANALYST)
    assert store.rejects(ANALYST)["batch_id"].tolist() == [1, 1, 2]
    assert store.rejects(ANALYST, 3).empty


def test_history_tells_each_version_and_when(store: Store) -> None:
    load(store, event_frame(["a"], note="<b>first</b>"), now=MONDAY)
    load(store, event_frame(["a"], quantity=4), now=MONDAY + timedelta(hours=1))
    first, second = store.history(ANALYST, event_id("table", "a"))
    assert (first.recorded_at, first.superseded_at, first.superseded_batch) == (MONDAY, second.recorded_at, 2)
    assert (second.superseded_at, second.batch_id, second.event["quantity"]) == (None, 2, 4)
    assert (first.event["note"], first.event["h3_09"]) == ("<b>first</b>", 0x89195DA49B3FFFF)
    assert store.history(ANALYST, "no such event") == []


def test_everything_that_reads_or_changes_events_asks_the_policy(store: Store) -> None:
    load(store, event_frame(["a"]))
    asked = {
        "see counts": lambda: read_columns(store, NOBODY, ward_codes=WARDS),
        "see records": lambda: store.history(NOBODY, "x"),
        "see rejects": lambda: store.rejects(NOBODY),
        "export": lambda: read_live_records(store, NOBODY),
        "undo": lambda: store.undo_last(NOBODY),
        "erase": lambda: store.erase(NOBODY, "table", "a"),
        "retain": lambda: store.retain(NOBODY, 1),
    }
    for action, ask in asked.items():
        with pytest.raises(PolicyError) as caught:
            ask()
        assert str(caught.value) == (
            f"The access policy decides who may do what; it does not let nobody {action}; ask the analyst of the "
            "partnership"
        )
    assert store.version() == 1


def test_a_load_that_came_in_between_is_not_undone_in_place_of_the_one_confirmed(store: Store) -> None:
    load(store, event_frame(["a"]))
    confirmed = store.last_load(ANALYST)
    assert confirmed is not None
    load(store, event_frame(["b"]))
    before = store.version()
    with pytest.raises(StoreError) as caught:
        store.undo_last(ANALYST, batch_id=confirmed.batch_id)
    assert str(caught.value) == (
        "Only the last load can be undone; load 2 is the last one now, not load 1; "
        "nothing was changed; look at the last load, and confirm again"
    )
    assert store.version() == before
    assert store.undo_last(ANALYST, batch_id=2).batch_id == 2


def test_two_who_confirm_the_same_load_undo_one(store: Store) -> None:
    for name in "ab":
        load(store, event_frame([name]))
    assert store.undo_last(ANALYST, batch_id=2).batch_id == 2
    with pytest.raises(StoreError, match=r"^Only the last load can be undone; load 1 is the last one now, "):
        store.undo_last(ANALYST, batch_id=2)
    assert [batch.undone_at is None for batch in store.batches(ANALYST)] == [False, True]
