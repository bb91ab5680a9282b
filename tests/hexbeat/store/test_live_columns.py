"""Columns, records and the worth of sources, as read from either database."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from geo.errors import UsageError
from hexbeat.store import event_rows
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.live_columns import count_outside, has_demonstration, is_empty, read_columns
from hexbeat.store.quality import summarise_sources
from hexbeat.store.records import read_live_records, read_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.catalogue import LAYER_NAMES
from layers.event import DEMONSTRATION, PRECISIONS, REPORTERS, RESOLUTIONS
from tests.support.events import WARDS, event_frame, load, reject_frame

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def many(number: int = 500, seed: int = 3) -> pd.DataFrame:
    """Events with every code, in no order of time, many at the same moment and in the same cells."""
    rng = np.random.default_rng(seed)
    start = rng.integers(-100, 100, number) * 3600
    return event_frame(
        [f"k{place}" for place in range(number)],
        layer=rng.choice(LAYER_NAMES, number),
        time_precision=rng.choice(PRECISIONS, number),
        reported_by=rng.choice(REPORTERS, number),
        category=rng.choice(
            np.array([None, "", "fatal", "Non-fatal", "drugs, other", "'; --", "ß 针"], dtype=object), number
        ),
        ward_code=rng.choice([*WARDS, "E05999999"], number),
        quantity=rng.integers(1, 50, number),
        occurred_from=start,
        occurred_to=start + rng.integers(0, 2, number) * 86_400,
        lon=rng.uniform(-1.3, -1.1, number),
        lat=rng.uniform(54.4, 54.6, number),
        source=rng.choice(["table", DEMONSTRATION], number),
        **{f"h3_{r:02d}": rng.integers(1, 40, number).astype(np.uint64) << np.uint64(56) for r in RESOLUTIONS},
    )


def test_columns_say_what_the_records_say(store: Store) -> None:
    frame = many()
    load(store, frame)
    columns = read_columns(store, ANALYST, ward_codes=WARDS)
    rows = read_live_records(store, ANALYST)
    rows = rows[rows["ward_code"].isin(WARDS)].sort_values(["occurred_from", "row_id"])
    assert columns.version == 1
    assert columns.row_id.tolist() == rows["row_id"].tolist()
    assert [LAYER_NAMES[code] for code in columns.layer] == rows["layer"].tolist()
    assert [PRECISIONS[code] for code in columns.precision] == rows["time_precision"].tolist()
    assert [REPORTERS[code] for code in columns.reported_by] == rows["reported_by"].tolist()
    assert [columns.categories[code] for code in columns.category] == rows["category"].fillna("").tolist()
    assert columns.categories == tuple(sorted({"", *rows["category"].dropna()}))
    assert [WARDS[code] for code in columns.ward] == rows["ward_code"].tolist()
    plain = {"start": "occurred_from", "end": "occurred_to", "quantity": "quantity", "lon": "lon", "lat": "lat"}
    for mine, theirs in plain.items():
        assert getattr(columns, mine).tolist() == rows[theirs].tolist()
    for r in RESOLUTIONS:
        assert columns.cell_ids[r][columns.cell[r]].tolist() == rows[f"h3_{r:02d}"].tolist()
        assert columns.cell_ids[r].tolist() == sorted(set(rows[f"h3_{r:02d}"]))
    assert columns.demonstration.tolist() == (rows["source"] == DEMONSTRATION).tolist()
    assert count_outside(store, ANALYST, ward_codes=WARDS) == len(frame) - len(columns)


def test_columns_have_the_types_of_the_contract(store: Store) -> None:
    for _ in range(2):  # without events, and with
        columns = read_columns(store, ANALYST, ward_codes=WARDS)
        names = ("row_id", "layer", "start", "end", "precision", "quantity", "reported_by", "ward", "lon", "lat")
        types = [getattr(columns, name).dtype.str for name in (*names, "demonstration")]
        assert types == ["<i8", "|u1", "<i8", "<i8", "|u1", "<i4", "|u1", "<i2", "<f8", "<f8", "|b1"]
        assert (columns.category.dtype.str, columns.categories) == ("<i4", ("",))
        assert {columns.cell[r].dtype.str + columns.cell_ids[r].dtype.str for r in RESOLUTIONS} == {"<i4<u8"}
        load(store, event_frame(["a"]))


def test_the_past_is_read_as_it_was_known(store: Store) -> None:
    load(store, event_frame(["a", "b"]), now=MONDAY)
    load(store, event_frame(["a", "c"], quantity=[9, 1]), now=MONDAY + timedelta(days=1))
    cache = ColumnCache(store)

    def known(moment: datetime) -> list[int]:
        plain = read_columns(store, ANALYST, ward_codes=WARDS, as_at=moment)
        assert cache.columns(ANALYST, ward_codes=WARDS, as_at=moment).row_id.tolist() == plain.row_id.tolist()
        return sorted(plain.quantity.tolist())

    assert known(MONDAY - timedelta(seconds=1)) == []
    assert known(MONDAY) == [1, 1]
    assert known(MONDAY + timedelta(hours=23, minutes=59, seconds=59)) == [1, 1]
    assert known(MONDAY + timedelta(days=1)) == [1, 1, 9]
    with pytest.raises(UsageError) as caught:
        known(MONDAY.replace(tzinfo=None))
    assert str(caught.value) == "A time needs a time zone; 2026-03-02T09:00:00 has none; add one, such as +00:00"


def test_the_cache_answers_the_same_object_until_something_changes(store: Store) -> None:
    cache = ColumnCache(store)
    load(store, many())
    first = cache.columns(ANALYST, ward_codes=WARDS)
    assert cache.columns(ANALYST, ward_codes=WARDS) is first
    assert len(cache.columns(ANALYST, ward_codes=WARDS[:1])) < len(first)
    load(store, event_frame(["later"]))
    assert len(cache.columns(ANALYST, ward_codes=WARDS)) == len(first) + 1


def test_the_cache_keeps_the_categories_of_a_plain_read(store: Store) -> None:
    cache = ColumnCache(store)
    steps = [
        event_frame(["a", "b", "c"], category=["fatal", None, "near miss"]),
        event_frame(["d"], category="almost fatal"),  # a name in front of those that are known
        event_frame(["c"], category="fatal", quantity=3),  # the last event of "near miss" goes
    ]
    seen = []
    for frame in steps:
        load(store, frame)
        mine, plain = (
            cache.columns(ANALYST, ward_codes=WARDS), read_columns(store, ANALYST, ward_codes=WARDS)
        )  # fmt: skip
        assert (mine.categories, mine.category.tolist()) == (plain.categories, plain.category.tolist())
        assert mine.category.dtype == plain.category.dtype
        seen.append(mine.categories)
    assert seen == [
        ("", "fatal", "near miss"),
        ("", "almost fatal", "fatal", "near miss"),
        ("", "almost fatal", "fatal"),
    ]


def test_the_past_has_the_categories_of_its_day(store: Store) -> None:
    load(store, event_frame(["a"], category="pending"), now=MONDAY)
    load(store, event_frame(["a"], category="fatal"), now=MONDAY + timedelta(days=1))
    then = read_columns(store, ANALYST, ward_codes=WARDS, as_at=MONDAY)
    now = read_columns(store, ANALYST, ward_codes=WARDS)
    assert (then.categories, now.categories) == (("", "pending"), ("", "fatal"))


def test_demonstration_and_emptiness(store: Store) -> None:
    load(store, event_frame(["a"], source=DEMONSTRATION))
    assert (is_empty(store, ANALYST), has_demonstration(store, ANALYST)) == (False, True)
    store.undo_last(ANALYST)
    assert (is_empty(store, ANALYST), has_demonstration(store, ANALYST)) == (True, False)


def test_records_come_in_the_order_asked(store: Store) -> None:
    load(store, many(1200))
    wanted = [1100, 3, 99_999, 3, 700]
    found = read_records(store, ANALYST, wanted)
    assert found["row_id"].tolist() == [1100, 3, 3, 700]
    assert found["source_id"].tolist() == ["k1099", "k2", "k2", "k699"]
    assert ("note" in found, "note" in read_records(store, ANALYST, [1], note=True)) == (False, True)
    assert read_records(store, ANALYST, []).dtypes.equals(found.dtypes)


def test_a_note_is_kept_back_unless_asked_for(store: Store) -> None:
    load(store, event_frame(["a"], note="private"))
    assert "private" not in read_records(store, ANALYST, [1]).to_string()
    assert read_records(store, ANALYST, [1], note=True)["note"].tolist() == ["private"]


def test_what_the_sources_are_worth(store: Store) -> None:
    load(store, event_frame(["old"], source="quiet", layer="overdoses", occurred_from=5), now=MONDAY)
    with store.begin_load(ANALYST, area="a", now=MONDAY + timedelta(days=1)) as entry:
        with entry.file("a.csv", "table", sha256="0") as part:
            place = [1.0, 1.0, 1.0, 2.0, 2.0]
            precise = ["minute", "day", "month", "minute", "minute"]
            part.add_events(event_frame("abcde", lon=place, time_precision=precise, occurred_from=[10, 20, 50, 30, 40]))
            part.add_rejects(reject_frame({1: ("bad_date", "{}"), 2: ("bad_date", "{}")}))
        with entry.file("b.csv", "broken", sha256="0") as part:
            part.add_rejects(reject_frame({1: ("bad_date", "{}")}))
    tuesday = int((MONDAY + timedelta(days=1)).timestamp())
    frame = summarise_sources(store, ANALYST)
    assert list(frame.columns) == [
        "source", "layer", "events", "last_record", "without_time", "snapped", "rejects", "last_load", "month_only"
    ]  # fmt: skip
    assert frame.astype(object).where(frame.notna(), None).to_numpy().tolist() == [
        ["broken", None, 0, None, 0.0, 0.0, 1, tuesday, False],
        ["quiet", "overdoses", 1, 5, 0.0, 0.0, 0, None, False],
        ["table", "needle_litter", 5, 50, 0.4, 0.6, 2, tuesday, True],
    ]


def test_an_empty_store_has_no_sources(store: Store) -> None:
    assert summarise_sources(store, ANALYST).empty


def test_the_cells_of_many_events_are_numbered_as_those_of_few(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(sqlite_store, many())
    few = read_columns(sqlite_store, ANALYST, ward_codes=WARDS).list_arrays()
    monkeypatch.setattr(event_rows, "_FEWEST_TO_HASH", 1)
    large = read_columns(sqlite_store, ANALYST, ward_codes=WARDS).list_arrays()
    for name, array in few.items():
        np.testing.assert_array_equal(large[name], array, strict=True)
