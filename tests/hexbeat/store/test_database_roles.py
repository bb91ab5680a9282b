"""The database users that the guide makes: what owner, writer and reader can do, and what they cannot."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from geo.errors import StoreError
from hexbeat.store import erasure
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import list_entries, write_deed
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import event_frame, load
from tests.support.paths import ROOT
from tests.support.postgres_servers import Server

ROLES = ("hexbeat_owner", "hexbeat_writer", "hexbeat_reader")
Open = Callable[[str], Store]


@pytest.fixture
def open_as(tmp_path: Path, database_url: str, postgres_server: Server) -> Iterator[Open]:
    """Opens the store as a user of the guide, whose statements have been run in an empty database."""
    name = database_url.split("@/")[1].split("?", maxsplit=1)[0]
    first, later = re.findall(
        r"```sql\n(.*?)```", (ROOT / "docs" / "running.md").read_text(encoding="utf-8"), re.DOTALL
    )
    for statement in first.strip().split("\n"):
        postgres_server.execute(statement, name)

    def open_store(user: str) -> Store:
        store = Store.open(tmp_path, database_url=database_url.replace(postgres_server.user, user, 1))
        if user == "hexbeat_owner":
            for statement in later.strip().split("\n"):
                postgres_server.execute(statement, name)
        return store

    yield open_store
    for role in ROLES:
        postgres_server.execute(f"DROP OWNED BY {role} CASCADE", name)
        postgres_server.execute(f"DROP ROLE {role}", name)


@pytest.mark.postgres
@pytest.mark.slow
def test_each_user_can_do_what_the_guide_says(open_as: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "PATIENCE_S", 0.3)
    for user in ROLES[:0:-1]:
        with pytest.raises(StoreError) as caught:
            open_as(user)
        assert str(caught.value) == (
            "This needs a database user who may do it; the server says: permission denied for schema public; nothing "
            "was changed; use the address of a user with these rights in HEXBEAT_DATABASE_URL"
        )
    with open_as("hexbeat_owner") as store:
        load(store, event_frame(["a", "b"]))
    with open_as("hexbeat_writer") as store:
        load(store, event_frame(["c"]))
        load(store, event_frame(["d"]))
        store.undo_last(ANALYST)
        erased = store.erase(ANALYST, "table", "a")
        assert (erased.rows, erased.complete) == (1, False)
    with open_as("hexbeat_reader") as store:
        assert store.describe_pending_erasure() is not None
        assert set(read_live_records(store, ANALYST)["source_id"]) == {"b", "c"}
        for change in (lambda: load(store, event_frame(["e"])), lambda: store.erase(ANALYST, "table", "b")):
            with pytest.raises(StoreError) as caught:
                change()
            assert caught.value.rule == "This needs a database user who may do it"
            assert caught.value.fact == "the server says: permission denied for table store_state"
        write_deed(store.engine, store.home, ANALYST, Deed(door="command", action="see_counts", what="counts"))
        assert [entry.what for entry in list_entries(store.engine, ANALYST)] == ["counts"]
    with open_as("hexbeat_writer") as store, store.engine.connect() as connection:
        for statement in (
            "DROP TABLE events", "TRUNCATE events", "CREATE TABLE mine (a int)", "DELETE FROM audit_entries",
            "UPDATE audit_entries SET subject = 'nobody'", "DELETE FROM audit_head",
        ):  # fmt: skip
            with pytest.raises(Exception, match=r"must be owner|permission denied"):
                connection.exec_driver_sql(statement)
            connection.rollback()
    with open_as("hexbeat_owner") as store:
        assert store.describe_pending_erasure() is None
        assert len(read_live_records(store, ANALYST)) == 2
