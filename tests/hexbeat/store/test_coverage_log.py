"""What the store remembers of known days: by load, as at a day, after undo, corrections, erasures and migration."""

import datetime as dt
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
import sqlalchemy as sa

from geo.errors import PolicyError, UsageError
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.coverage_log import correct_coverage, read_coverage
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST, Viewer
from layers.coverage import Coverage, CoverageEntry
from tests.support.events import event_frame
from tests.support.stores import older_store

D = dt.date
WARDS = ("E05000001", "E05000002")
MARCH = (D(2026, 3, 1), D(2026, 4, 1))
NOW = dt.datetime(2026, 11, 1, 12, tzinfo=UTC)


def load_days(store: Store, *spans: tuple[dt.date, dt.date], now: dt.datetime = NOW) -> None:
    """A load of one event that completes these days of needle litter."""
    with (
        store.begin_load(ANALYST, area="a", now=now) as load,
        load.file("f.csv", "table", sha256="0") as part,
    ):
        part.add_events(event_frame([str(span) for span in spans]))
        part.state_coverage(CoverageEntry("needle_litter", "table", "", *span) for span in spans)


def columns_coverage(store: Store, as_at: dt.datetime | None = None) -> Coverage:
    """What the columns say of days."""
    coverage = read_columns(store, ANALYST, ward_codes=WARDS, as_at=as_at).coverage
    assert coverage is not None
    return replace(coverage, reporters=frozenset())


def coverage_of(store: Store, as_at: dt.datetime | None = None) -> Coverage:
    return read_coverage(store.engine, ANALYST, ward_codes=WARDS, as_at=as_at)


def test_a_load_says_its_days_and_undo_takes_them_back(store: Store) -> None:
    load_days(store, MARCH)
    load_days(store, (D(2026, 4, 1), D(2026, 5, 1)), now=NOW + dt.timedelta(days=1))
    assert coverage_of(store).find_known("needle_litter") == ((D(2026, 3, 1), D(2026, 5, 1)),)
    assert coverage_of(store, NOW).find_known("needle_litter") == (MARCH,)
    assert columns_coverage(store) == coverage_of(store)
    assert columns_coverage(store, NOW) == coverage_of(store, NOW)
    store.undo_last(ANALYST)
    assert coverage_of(store).find_known("needle_litter") == (MARCH,)


def test_a_load_that_says_nothing_is_a_running_log(store: Store) -> None:
    for number, day in enumerate((D(2026, 3, 5), D(2026, 3, 20))):
        seconds = int(dt.datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
        frame = event_frame([str(number)], occurred_from=seconds, occurred_to=seconds)
        with store.begin_load(ANALYST, area="a") as load, load.file(str(number), "table", sha256="0") as part:
            part.add_events(frame)
    assert coverage_of(store).find_known("needle_litter") == ((D(2026, 3, 5), D(2026, 3, 21)),)


def test_a_correction_changes_the_version_and_outlasts_loads(store: Store) -> None:
    load_days(store, MARCH)
    version = store.version()
    cleared = CoverageEntry("needle_litter", "", "", D(2026, 3, 10), D(2026, 3, 12), "cleared")
    correct_coverage(store.engine, ANALYST, cleared)
    assert store.version() > version
    load_days(store, MARCH)
    assert coverage_of(store).find_missing("needle_litter", MARCH) == ((D(2026, 3, 10), D(2026, 3, 12)),)


def test_days_after_the_moment_at_which_they_were_said_are_not_known(store: Store) -> None:
    load_days(store, (D(2026, 10, 1), D(2027, 4, 1)))
    known = ((D(2026, 10, 1), D(2026, 11, 2)),)
    assert coverage_of(store).find_known("needle_litter") == known
    assert columns_coverage(store) == coverage_of(store)


def test_what_cannot_be_corrected_is_said(store: Store) -> None:
    entry = CoverageEntry("needle_litter", "", "", *MARCH, "set")
    with pytest.raises(UsageError) as error:
        correct_coverage(store.engine, ANALYST, entry)
    assert (error.value.rule, error.value.fact, error.value.hint) == (
        "Days are complete for one source", "no source was named", "name the source whose records are complete"
    )  # fmt: skip
    with pytest.raises(PolicyError):
        correct_coverage(store.engine, Viewer("nobody"), entry)  # type: ignore[arg-type]
    assert coverage_of(store).entries == ()


def test_erasing_a_source_takes_its_days_and_retention_cuts_them(store: Store) -> None:
    load_days(store, (D(2020, 1, 1), D(2026, 5, 1)))
    store.retain(ANALYST, 3)
    known = coverage_of(store).find_known("needle_litter")
    assert len(known) == 1
    assert D(2020, 1, 1) < known[0][0]
    assert known[0][1] == D(2026, 5, 1)
    store.erase_source(ANALYST, "table")
    assert coverage_of(store).entries == ()


def test_an_older_store_knows_its_months_and_takes_the_rest_for_a_running_log(
    tmp_path: Path, store_url: str | None
) -> None:
    with older_store(tmp_path / "home", store_url, "0004") as connection:
        connection.execute(sa.text("INSERT INTO batches VALUES (1, 0, 'a', 1, 0, 0, 0, 0, 1, NULL)"))
        insert_old(connection, "1", "police-uk-street", "street_dealing", "Cleveland Police|2024-02", MARCH)
        insert_old(connection, "2", "table", "needle_litter", None, (D(2025, 1, 5), D(2025, 1, 5)))
        insert_old(connection, "3", "table", "needle_litter", None, (D(2025, 3, 9), D(2025, 3, 9)))
        insert_old(connection, "4", "table", "closed_properties", None, (D(2025, 1, 1), D(2025, 9, 1)))
    with Store.open(tmp_path / "home", database_url=store_url) as store:
        coverage = coverage_of(store)
        assert coverage.find_known("street_dealing") == ((D(2024, 2, 1), D(2024, 3, 1)),)
        assert coverage.find_known("needle_litter") == ((D(2025, 1, 5), D(2025, 3, 10)),)
        assert coverage.find_known("closed_properties") == ((D(2025, 1, 1), D(2025, 1, 2)),)
        assert [span.scope for span in coverage.list_spans()] == ["", "", "Cleveland Police"]
        store.undo_last(ANALYST)
        assert coverage_of(store).entries == ()


def insert_old(
    connection: sa.Connection, key: str, source: str, layer: str, scope: str | None, days: tuple[dt.date, dt.date]
) -> None:
    """A live event as a store of before has it."""
    frame = event_frame([key]).drop(columns=["location_precision", "location_precision_m"])  # of a later migration
    row = frame.iloc[0].to_dict()
    first, last = (int(dt.datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()) for day in days)
    row |= {
        "event_id": key,
        "source": source,
        "layer": layer,
        "scope": scope,
        "batch_id": 1,
        "recorded_at": int(NOW.timestamp()),
    }
    row |= {"occurred_from": first, "occurred_to": last, "recorded_at": int(NOW.timestamp())}
    values = {name: value.item() if hasattr(value, "item") else value for name, value in row.items()}
    columns = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(sa.text(f"INSERT INTO events ({columns}) VALUES ({marks})"), values)  # noqa: S608  # our names


def load_finds(store: Store, source: str, *names: str, reported_by: str) -> None:
    with store.begin_load(ANALYST, area="a", now=NOW) as load, load.file("f.csv", source, sha256="0") as part:
        part.add_events(event_frame(list(names)).assign(source=source, reported_by=reported_by))


def test_the_store_knows_which_sources_bring_which_reporters(tmp_path: Path) -> None:
    """Also after a load that replaces: the cache says what a plain read says."""
    with Store.open(tmp_path) as store:
        cache = ColumnCache(store)
        steps = (
            ("table", "a", "public"),
            ("sweeps", "b", "sweep"),
            ("table", "c", "officer"),
            ("table", "a", "agency"),
        )
        for source, name, reporter in steps:
            load_finds(store, source, name, reported_by=reporter)
            cached, plain = cache.columns(ANALYST, ward_codes=WARDS), read_columns(store, ANALYST, ward_codes=WARDS)
            assert cached.coverage == plain.coverage
        assert plain.coverage is not None
        needles = {(source, reporter) for layer, source, reporter in plain.coverage.reporters}
        assert needles == {("table", "agency"), ("table", "officer"), ("sweeps", "sweep")}
