"""One load: what its files change, in which order, and that it is all or nothing."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from geo.errors import DataError, UsageError
from hexbeat.store.live_columns import is_empty
from hexbeat.store.loads import FileTally
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import event_id
from tests.support.events import BOTH, LONS, WARDS, event_frame, load, reject_frame, wards_around

SHA = "0" * 64
WEST, EAST = LONS.values()
WESTERN = wards_around(WARDS[0])


def quantities(store: Store) -> dict[str, int]:
    frame = read_live_records(store, ANALYST)
    return dict(zip(frame["source_id"], frame["quantity"], strict=True))


def counts(tally: FileTally) -> tuple[int, int, int, int]:
    return tally.new, tally.updated, tally.unchanged, tally.removed


def test_new_updated_and_unchanged(store: Store) -> None:
    assert counts(load(store, event_frame(["a", "b"]))) == (2, 0, 0, 0)
    assert counts(load(store, event_frame(["b", "c", "a"], quantity=[2, 1, 1]))) == (1, 1, 1, 0)
    assert quantities(store) == {"a": 1, "b": 2, "c": 1}


@pytest.mark.parametrize(
    ("column", "value"),
    [("note", "x"), ("category", ""), ("status", "open"), ("scope", "s"), ("lon", -1.2500000000000002), ("h3_11", 7)],
)
def test_any_column_that_differs_is_an_update(store: Store, column: str, value: object) -> None:
    load(store, event_frame(["a"]))
    assert counts(load(store, event_frame(["a"], **{column: value}))) == (0, 1, 0, 0)
    assert counts(load(store, event_frame(["a"], **{column: value}))) == (0, 0, 1, 0)
    assert counts(load(store, event_frame(["a"]))) == (0, 1, 0, 0)


def test_every_value_comes_back_as_it_went_in(store: Store) -> None:
    texts = [
        "it's",
        'a "b"',
        "\\N",
        "\\",
        "tab\there",
        "line\nline\r",
        "",
        "ünï\U0001f489",
        "%s %(x)s :x ?",
        "{}",
        "NULL",
    ]
    frame = event_frame([f"k{text}" for text in texts], note=texts, lon=-1.1 / 3, lat=54.123456789012345)
    load(store, frame)
    found = read_live_records(store, ANALYST, note=True)[list(frame.columns)]
    assert found["note"].tolist() == texts
    assert found["source_id"].tolist() == frame["source_id"].tolist()
    assert found["lon"].tolist() == frame["lon"].tolist()
    assert found["h3_11"].tolist() == frame["h3_11"].tolist()
    assert found["category"].isna().all()
    assert counts(load(store, frame)) == (0, 0, len(texts), 0)


def test_what_no_database_holds_is_cleaned_not_refused(store: Store) -> None:
    load(store, event_frame(["a"], note=pd.Series(["nul\x00 half\ud800 end"], dtype="object")))
    assert read_live_records(store, ANALYST, note=True)["note"].tolist() == ["nul half\ufffd end"]


def test_a_snapshot_removes_what_it_no_longer_holds_in_its_scopes(store: Store) -> None:
    load(store, event_frame(["a", "b", "c"], scope=["2024-01", "2024-01", "2024-02"]))
    tally = load(store, event_frame(["a"], scope="2024-01"), cover=["2024-01"])
    assert counts(tally) == (0, 0, 1, 1)
    assert set(quantities(store)) == {"a", "c"}


def test_a_snapshot_leaves_other_sources_alone(store: Store) -> None:
    load(store, event_frame(["a"], scope="2024-01", source="other"))
    assert counts(load(store, event_frame(["b"], scope="2024-01"), cover=["2024-01"])) == (1, 0, 0, 0)
    assert set(quantities(store)) == {"a", "b"}


def test_a_snapshot_removes_nothing_outside_the_wards_of_its_load(store: Store) -> None:
    load(store, event_frame(["w1", "w2", "e1", "e2"], scope="m", lon=[WEST, WEST, EAST, EAST]))
    western = event_frame(["w1"], scope="m", lon=WEST)
    dry = load(store, western, cover=["m"], wards=WESTERN, dry_run=True)
    assert load(store, western, cover=["m"], wards=WESTERN) == dry
    assert (counts(dry), set(quantities(store))) == ((0, 0, 1, 1), {"w1", "e1", "e2"})
    last = store.last_load(ANALYST)
    assert last is not None
    assert last.removed == 1
    store.undo_last(ANALYST)
    assert set(quantities(store)) == {"w1", "w2", "e1", "e2"}
    everywhere = event_frame(["w1", "e1"], scope="m", lon=[WEST, EAST])
    assert counts(load(store, everywhere, cover=["m"])) == (0, 0, 2, 2)


def test_where_an_event_lies_is_asked_of_its_point_not_of_its_wards_code(store: Store) -> None:
    load(store, event_frame(["w", "e"], scope="m", lon=[WEST, EAST], ward_code=[WARDS[1], WARDS[0]]))
    assert counts(load(store, event_frame([], scope="m"), cover=["m"], wards=WESTERN)) == (0, 0, 0, 1)
    assert set(quantities(store)) == {"e"}


def test_an_event_that_moves_into_the_wards_of_a_load_is_updated(store: Store) -> None:
    load(store, event_frame(["a", "b"], scope="m", lon=EAST))
    tally = load(store, event_frame(["a"], scope="m", lon=WEST), cover=["m"], wards=WESTERN)
    assert (counts(tally), set(quantities(store))) == ((0, 1, 0, 0), {"a", "b"})
    assert [version.event["lon"] for version in store.history(ANALYST, event_id("table", "a"))] == [EAST, WEST]


def test_a_snapshot_in_chunks_removes_each_event_once(store: Store) -> None:
    load(store, event_frame(["a", "b", "c"], scope="m"))
    with store.begin_load(ANALYST, area="a") as entry, entry.file("f", "table", sha256=SHA, snapshot=True) as part:
        for key in ("a", "d"):
            part.add_events(event_frame([key], scope="m"))
            part.cover(["m"], wards=BOTH)
    assert (counts(part.tally), set(quantities(store))) == ((1, 0, 1, 2), {"a", "d"})


@pytest.mark.parametrize("order", [("2024-01", "2024-02"), ("2024-02", "2024-01")])
def test_an_event_that_moves_between_scopes_is_updated_not_removed(store: Store, order: tuple[str, str]) -> None:
    load(store, event_frame(["a", "x"], scope="2024-01"))
    held = {"2024-01": event_frame(["a"], scope="2024-01"), "2024-02": event_frame(["x"], scope="2024-02")}
    with store.begin_load(ANALYST, area="middlesbrough") as entry:
        parts = {}
        for scope in order:
            with entry.file(scope, "table", sha256=SHA, snapshot=True) as parts[scope]:
                parts[scope].add_events(held[scope])
                parts[scope].cover([scope], wards=BOTH)
    assert counts(parts["2024-01"].tally) == (0, 0, 1, 0)
    assert counts(parts["2024-02"].tally) == (0, 1, 0, 0)
    assert set(quantities(store)) == {"a", "x"}


def test_the_later_of_two_files_wins_and_counts_as_updated(store: Store) -> None:
    with store.begin_load(ANALYST, area="middlesbrough") as entry:
        with entry.file("1", "table", sha256=SHA) as first:
            first.add_events(event_frame(["a", "b"]))
        with entry.file("2", "table", sha256=SHA) as second:
            second.add_events(event_frame(["a", "b"], quantity=[5, 1]))
    assert (counts(first.tally), counts(second.tally)) == ((2, 0, 0, 0), (0, 1, 1, 0))
    assert quantities(store) == {"a": 5, "b": 1}
    assert len(store.history(ANALYST, event_id("table", "a"))) == 1


def test_files_of_one_month_in_one_load_add_up_and_replace_it_once(store: Store) -> None:
    load(store, event_frame(["old", "gone", "moved"], scope="m"))
    with store.begin_load(ANALYST, area="middlesbrough") as entry:
        with entry.file("1", "table", sha256=SHA, snapshot=True) as first:
            first.add_events(event_frame(["old", "a"], scope="m"))
            first.cover(["m"], wards=BOTH)
        with entry.file("2", "table", sha256=SHA, snapshot=True) as second:
            second.add_events(event_frame(["a", "b", "moved"], scope="m"))
            second.cover(["m"], wards=BOTH)
    assert (counts(first.tally), counts(second.tally)) == ((1, 0, 1, 1), (1, 0, 2, 0))
    assert set(quantities(store)) == {"old", "moved", "a", "b"}


def test_chunks_of_any_size_make_one_file(store: Store) -> None:
    with store.begin_load(ANALYST, area="middlesbrough") as entry, entry.file("f", "table", sha256=SHA) as part:
        for start in range(0, 12, 4):
            part.add_events(event_frame([f"k{start + place}" for place in range(4)]))
            part.add_events(event_frame([]))
            part.add_rejects(reject_frame({start: ("bad_date", "{}")}))
            part.add_tally(read=6, skipped={"not_selected": 1})
    assert part.tally == FileTally(
        read=18,
        skipped={"not_selected": 3},
        accepted=12,
        new=12,
        rejected=3,
        reasons={"bad_date": 3, "not_selected": 3},
    )


def test_a_dry_run_counts_the_same_and_changes_nothing(store: Store) -> None:
    load(store, event_frame(["a", "b"], scope="m"))
    frame = event_frame(["b", "c"], scope="m", quantity=[2, 1])
    dry = load(store, frame, cover=["m"], dry_run=True)
    assert (store.version(), quantities(store)) == (1, {"a": 1, "b": 1})
    assert load(store, frame, cover=["m"]) == dry
    assert counts(dry) == (1, 1, 0, 1)


def test_the_number_of_a_load_is_known_when_it_is_committed(store: Store) -> None:
    with store.begin_load(ANALYST, area="middlesbrough") as entry:
        assert entry.batch_id is None
    assert entry.batch_id == 1
    with store.begin_load(ANALYST, area="middlesbrough", dry_run=True) as dry:
        pass
    assert (dry.batch_id, store.version()) == (None, 1)


def test_a_load_that_fails_leaves_no_trace(store: Store) -> None:
    def fail() -> None:
        with store.begin_load(ANALYST, area="middlesbrough") as entry:
            with entry.file("good", "table", sha256=SHA) as part:
                part.add_events(event_frame(["a"]))
            raise OSError("the disk went away")

    with pytest.raises(OSError, match=r"^the disk went away$"):
        fail()
    assert (store.version(), is_empty(store, ANALYST), store.batches(ANALYST)) == (0, True, [])
    assert counts(load(store, event_frame(["a"]))) == (1, 0, 0, 0)


def test_rows_unaccounted_for_stop_the_load(store: Store) -> None:
    def lose_a_row() -> None:
        with store.begin_load(ANALYST, area="middlesbrough") as entry, entry.file("f.csv", "table", sha256=SHA) as part:
            part.add_events(event_frame(["a"]))
            part.add_tally(read=3, skipped={"elsewhere": 1})

    with pytest.raises(DataError) as caught:
        lose_a_row()
    assert str(caught.value) == (
        "Every row that is read has to be skipped, rejected or accepted; f.csv: 3 rows were read, and 2 are "
        "accounted for; report this as a fault of Hexbeat; nothing was changed"
    )
    assert is_empty(store, ANALYST)


def test_a_key_twice_in_a_file_is_said(store: Store) -> None:
    with pytest.raises(DataError) as caught:
        load(store, event_frame(["a", "a"]))
    assert str(caught.value) == (
        "Each row of a file needs a key of its own; a.csv has a key twice, or a row without a key; choose other key "
        "columns in the "
        "source profile"
    )


@pytest.mark.parametrize("fault", [{"quantity": 0}, {"occurred_to": 5}, {"ward_code": None}])
def test_a_row_that_breaks_the_schema_is_said_and_nothing_enters(store: Store, fault: dict[str, object]) -> None:
    with pytest.raises(DataError) as caught:
        load(store, event_frame(["a"], **fault))
    assert str(caught.value) == (
        "An event needs every column, a quantity of 1 or more, and an end that is not before its start; a row of "
        "this load does not have them; report this as a fault of the source; nothing was changed"
    )
    assert (store.version(), is_empty(store, ANALYST)) == (0, True)


def test_a_frame_that_is_no_event_is_said(store: Store) -> None:
    with pytest.raises(DataError) as caught:
        load(store, event_frame(["a"]).drop(columns="lat").assign(colour="red"))
    assert str(caught.value) == (
        "A load needs exactly the columns of an event; these are missing or too many: colour, lat; correct the source"
    )


def test_a_load_is_never_recorded_before_an_earlier_one(store: Store) -> None:
    late, early = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    load(store, event_frame(["a"]), now=late)
    load(store, event_frame(["b"]), now=early)
    assert [batch.created for batch in store.batches(ANALYST)] == [late, late]


def test_a_moment_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(UsageError) as caught:
        load(store, event_frame(["a"]), now=datetime(2026, 3, 1))  # noqa: DTZ001  # that is what is refused
    assert str(caught.value) == "A time needs a time zone; 2026-03-01T00:00:00 has none; add one, such as +00:00"


def test_a_load_notices_what_another_wrote_since_it_compared(store: Store) -> None:
    with store.begin_load(ANALYST, area="middlesbrough") as slow:
        with slow.file("slow", "table", sha256=SHA) as part:
            part.add_events(event_frame(["a", "b"]))
        assert counts(part.tally) == (2, 0, 0, 0)
        assert counts(load(store, event_frame(["a", "b"], quantity=[1, 9]))) == (2, 0, 0, 0)
    assert counts(part.tally) == (0, 1, 1, 0)
    assert quantities(store) == {"a": 1, "b": 1}
    assert [version.event["quantity"] for version in store.history(ANALYST, event_id("table", "b"))] == [9, 1]


def test_what_another_wrote_since_goes_only_in_the_wards_of_the_load(store: Store) -> None:
    with store.begin_load(ANALYST, area="a") as slow:
        with slow.file("slow", "table", sha256=SHA, snapshot=True) as part:
            part.add_events(event_frame(["a"], scope="m", lon=WEST))
            part.cover(["m"], wards=WESTERN)
        assert counts(part.tally) == (1, 0, 0, 0)
        load(store, event_frame(["w", "e"], scope="m", lon=[WEST, EAST]))
    assert (counts(part.tally), set(quantities(store))) == ((1, 0, 0, 1), {"a", "e"})
