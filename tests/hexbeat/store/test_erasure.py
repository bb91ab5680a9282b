"""Erasure: no byte left in the files, in either database, whatever was done before."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo.errors import UsageError
from hexbeat.store import audit_trail, erasure
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_home import read_anchor
from hexbeat.store.audit_trail import audit, list_entries
from hexbeat.store.erasure import Erasure
from hexbeat.store.live_columns import is_empty
from hexbeat.store.records import read_live_records, read_records
from hexbeat.store.store import Store
from layers.access import ANALYST, Action
from layers.event import event_id
from tests.support.events import event_frame, load, reject_frame
from tests.support.postgres_servers import Server

SECRET_ID, SECRET_NOTE = "zq-4711-secret-id", "met Rumpelstilzchen behind the mill"
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def fill(store: Store, *, bystanders: int = 3000) -> None:
    """Many events around one with a secret, which is then updated, and moved about by further loads."""
    ids = [f"k-{place:05d}" for place in range(bystanders)]
    load(store, event_frame([*ids[: bystanders // 2], SECRET_ID, *ids[bystanders // 2 :]], note=SECRET_NOTE))
    load(store, event_frame(ids, note="nothing"))
    load(store, event_frame([SECRET_ID], note=SECRET_NOTE, quantity=2))
    with store.begin_load(ANALYST, area="a") as entry, entry.file("b.csv", "table", sha256="0") as part:
        part.add_rejects(
            reject_frame(
                {
                    1: ("bad_date", json.dumps({"id": SECRET_ID, "note": SECRET_NOTE})),
                    2: ("bad_date", json.dumps({"id": SECRET_ID + "x", "seen": "k-00001"})),
                }
            )
        )


def bytes_of(store: Store, server: Server | None) -> bytes:
    """Every byte of the store's files: all in home, or every file of the PostgreSQL database."""
    if server is None:
        return b"\0".join(path.read_bytes() for path in sorted(store.home.rglob("*")) if path.is_file())
    name = store.engine.url.database
    oid = dict(server.execute("SELECT datname, oid FROM pg_database"))[name]
    return b"\0".join(path.read_bytes() for path in sorted((server.data / "base" / str(oid)).iterdir()))


@pytest.fixture
def server(store: Store, request: pytest.FixtureRequest) -> Server | None:
    """The PostgreSQL server behind the store, or None."""
    sqlite = store.engine.dialect.name == "sqlite"
    return None if sqlite else request.getfixturevalue("postgres_server")


def flush(store: Store) -> None:
    """Have PostgreSQL write out what it holds, so that looking at files finds it."""
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("CHECKPOINT")


@pytest.mark.slow
def test_no_byte_of_an_erased_event_stays(store: Store, server: Server | None) -> None:
    fill(store)
    flush(store)
    secrets = [SECRET_ID.encode(), SECRET_NOTE.encode(), event_id("table", SECRET_ID).encode()]
    before = bytes_of(store, server)
    assert all(secret in before for secret in secrets)
    erased = store.erase(ANALYST, "table", SECRET_ID)
    assert (erased, erased.removed_any) == (Erasure(events=1, rows=2, rejects=1, complete=True), True)
    after = bytes_of(store, server).replace((SECRET_ID + "x").encode(), b"")
    assert secrets[0] not in after
    assert secrets[2] not in after
    assert store.rejects(ANALYST)["line"].tolist() == [2]
    assert (store.history(ANALYST, event_id("table", SECRET_ID)), len(read_live_records(store, ANALYST))) == ([], 3000)


def test_the_note_goes_with_the_last_event_that_has_it(store: Store, server: Server | None) -> None:
    load(store, event_frame([SECRET_ID], note=SECRET_NOTE))
    flush(store)
    assert SECRET_NOTE.encode() in bytes_of(store, server)
    assert store.erase(ANALYST, "table", SECRET_ID).notice is None
    assert SECRET_NOTE.encode() not in bytes_of(store, server)
    assert is_empty(store, ANALYST)


def test_what_is_not_there_is_not_erased(store: Store) -> None:
    load(store, event_frame(["a"]))
    nothing = store.erase(ANALYST, "other", "a")
    assert (nothing, nothing.removed_any) == (Erasure(events=0, rows=0, rejects=0, complete=True), False)
    assert len(read_live_records(store, ANALYST)) == 1


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"id": "12345"}, True),
        ({"id": " 12345 "}, True),
        ({"id": 12345}, True),
        ({"note": "see\n12345, again"}, False),
        ({"lon": "-1.12345"}, False),
        ({"id": "123456"}, False),
        ({"id": "X12345"}, False),
        ({"12345": "a column's name"}, False),
    ],
)
def test_rejects_without_a_known_key_go_by_whole_values(store: Store, raw: dict[str, object], *, named: bool) -> None:
    with store.begin_load(ANALYST, area="a") as entry, entry.file("b.csv", "table", sha256="0") as part:
        part.add_rejects(reject_frame({1: ("bad_date", json.dumps(raw))}))
    assert store.erase(ANALYST, "table", "12345").rejects == int(named)


def test_a_reader_of_an_old_state_is_waited_for_and_then_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "PATIENCE_S", 0.3)
    with Store.open(tmp_path) as store:
        fill(store, bystanders=50)
        reader = sqlite3.connect(tmp_path / "hexbeat.sqlite", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        found = store.erase(ANALYST, "table", SECRET_ID)
        assert (found.rows, found.complete) == (2, False)
        assert found.notice == (
            "The rows are gone. Traces may remain in the store's files: another program uses the store, its disk "
            "is full, or you may not rewrite it. Hexbeat tries again each time it opens the store."
        )
        reader.close()
    with Store.open(tmp_path) as store:
        assert SECRET_ID.encode() not in bytes_of(store, None).replace((SECRET_ID + "x").encode(), b"")


@pytest.mark.postgres
def test_a_reader_in_postgres_is_waited_for_and_then_told_of(
    tmp_path: Path, database_url: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "PATIENCE_S", 0.3)
    with Store.open(tmp_path, database_url=database_url) as store:
        fill(store, bystanders=50)
        with store.engine.connect().execution_options(isolation_level="REPEATABLE READ") as reader:
            reader.exec_driver_sql("SELECT count(*) FROM batches")
            assert not store.erase(ANALYST, "table", SECRET_ID).complete
    with Store.open(tmp_path, database_url=database_url) as store:
        assert SECRET_ID.encode() not in bytes_of(store, postgres_server).replace((SECRET_ID + "x").encode(), b"")


def test_retention_takes_whole_events_by_when_they_ended(store: Store) -> None:
    def at(*date: int) -> int:
        return int(datetime(*date, tzinfo=UTC).timestamp())

    load(store, event_frame(["old", "mended"], occurred_from=at(2023, 6, 29)), now=NOW.replace(year=2023, month=7))
    load(store, event_frame(["mended"], occurred_from=at(2025, 1, 1)), now=NOW.replace(year=2025))
    load(
        store,
        event_frame(
            ["in force", "edge", "ended"],
            occurred_from=at(2023, 6, 1),
            occurred_to=[at(2023, 9, 1), at(2023, 6, 30, 12), at(2023, 6, 30, 11)],
        ),
        now=NOW,
    )
    done = erasure.retain(store.engine, ANALYST, 3, now=NOW)
    assert done == Erasure(events=2, rows=2, rejects=0, complete=True)
    assert set(read_live_records(store, ANALYST)["source_id"]) == {"mended", "in force", "edge"}
    assert len(read_records(store, ANALYST, [1, 2, 3])) == 2


def test_retention_takes_rejects_of_old_loads(store: Store, server: Server | None) -> None:
    for year, word in ((2020, "anno dazumal"), (2026, "lately")):
        with (
            store.begin_load(ANALYST, area="a", now=NOW.replace(year=year)) as entry,
            entry.file(f"{year}.csv", "table", sha256="0") as part,
        ):
            part.add_rejects(reject_frame({1: ("bad_date", json.dumps({"note": word}))}))
    assert erasure.retain(store.engine, ANALYST, 3, now=NOW) == Erasure(events=0, rows=0, rejects=1, complete=True)
    assert (b"anno dazumal" in bytes_of(store, server), b"lately" in bytes_of(store, server)) == (False, True)


def test_retention_on_the_29th_of_february_and_of_no_years(store: Store) -> None:
    load(store, event_frame(["a"], occurred_from=int(datetime(2023, 2, 27, tzinfo=UTC).timestamp())))
    assert erasure.retain(store.engine, ANALYST, 1, now=datetime(2024, 2, 29, tzinfo=UTC)).events == 1
    with pytest.raises(UsageError) as caught:
        store.retain(ANALYST, 0)
    assert str(caught.value) == "Events are kept for at least 1 year; you asked for 0 years; choose 1 or more"


@pytest.mark.parametrize("years", [101, 2026, 2100, 10**12])
def test_more_years_than_a_calendar_has_are_refused_in_words(sqlite_store: Store, years: int) -> None:
    acts = {
        "Events": lambda: sqlite_store.retain(ANALYST, years),
        "Audit entries": lambda: audit_trail.retain_entries(sqlite_store.engine, sqlite_store.home, ANALYST, years),
    }
    for what, act in acts.items():
        with pytest.raises(UsageError) as caught:
            act()
        assert str(caught.value) == (
            f"{what} are kept for at most 100 years; you asked for {years:,} years; choose 100 or fewer"
        )
    assert sqlite_store.retain(ANALYST, 100, is_clock_sure=True).events == 0


def test_a_whole_source_goes_and_others_stay(store: Store) -> None:
    load(store, event_frame(["a", "b"]))
    with store.begin_load(ANALYST, area="a") as entry, entry.file("c.csv", "other", sha256="0") as part:
        part.add_events(event_frame(["c"], source="other"))
    assert store.erase_source(ANALYST, "other") == Erasure(1, 1, 0, complete=True)
    assert list(read_live_records(store, ANALYST)["source_id"]) == ["a", "b"]
    last = store.last_load(ANALYST)
    assert last is not None
    assert last.batch_id == 1


def erase_audited(store: Store, name: str) -> Deed:
    with audit(store.engine, store.home, ANALYST, Deed(door="command", action=Action.ERASE, what="erase")) as deed:
        store.erase(ANALYST, "table", name)
    return deed


def test_an_erasure_and_its_entry_are_one_change(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    load(store, event_frame(["a", "b", "c"]))
    with monkeypatch.context() as patch:
        patch.setattr(audit_trail, "_insert", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase_audited(store, "a")
    assert (set(read_live_records(store, ANALYST)["source_id"]), list_entries(store.engine, ANALYST)) == (
        {"a", "b", "c"},
        [],
    )
    with monkeypatch.context() as patch:  # the program ends right after the change
        patch.setattr(erasure, "finish", lambda *_args, **_options: 1 / 0)
        patch.setattr(audit_trail, "write_deed", lambda *_args, **_options: None)
        with pytest.raises(ZeroDivisionError):
            erase_audited(store, "a")
    (entry,) = list_entries(store.engine, ANALYST)
    assert (entry.what, entry.rows, entry.outcome) == ("erase", 1, "done")
    deed = erase_audited(store, "b")
    assert (str(read_anchor(store.home)), deed.problem) == (str(deed.head), "")


def test_what_must_go_goes_without_a_trail(store: Store) -> None:
    load(store, event_frame(["a", "b"]))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_head RENAME TO audit_gone")
    try:
        deed = erase_audited(store, "a")
    finally:
        with store.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE audit_gone RENAME TO audit_head")
    assert set(read_live_records(store, ANALYST)["source_id"]) == {"b"}
    assert (deed.is_written, deed.head, deed.problem) == (True, None, "the database refuses it")
