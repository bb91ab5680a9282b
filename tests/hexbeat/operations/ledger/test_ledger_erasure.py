"""An erased visit leaves no byte in the store's files, in either database."""

import pytest

from hexbeat.operations.ledger.ledger import record_import, record_visit, undo_visit
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.plans import NOW, made_visit
from tests.support.postgres_servers import Server

CREW = "Crew Rumpelstilzchen"


def bytes_of(store: Store, server: Server | None) -> bytes:
    """Every byte of the store's files, once PostgreSQL has written out what it holds."""
    if server is None:
        return b"\0".join(path.read_bytes() for path in sorted(store.home.rglob("*")) if path.is_file())
    name = str(store.engine.url.database)
    server.execute("CHECKPOINT", name)
    oid = dict(server.execute("SELECT datname, oid FROM pg_database"))[name]
    return b"\0".join(path.read_bytes() for path in sorted((server.data / "base" / str(oid)).iterdir()))


@pytest.mark.slow
def test_no_byte_of_an_erased_visit_stays(store: Store, request: pytest.FixtureRequest) -> None:
    sqlite = store.engine.dialect.name == "sqlite"
    server = None if sqlite else request.getfixturevalue("postgres_server")
    others = [made_visit(stop_id=f"other-{k}") for k in range(300)]
    record_import(store, ANALYST, others, area="middlesbrough", file="walk.csv", sha256="0", now=NOW)
    name = record_visit(store, ANALYST, made_visit(team=CREW, place=CREW), now=NOW).visit_id
    record_visit(store, ANALYST, made_visit(team=CREW, place=CREW, minutes=3), now=NOW)
    undo_visit(store, ANALYST, name, now=NOW)
    assert CREW.encode() in bytes_of(store, server)
    erased = store.erase(ANALYST, "ledger", name)
    assert (erased.visits, erased.complete) == (1, True)
    assert CREW.encode() not in bytes_of(store, server)
    assert name.encode() not in bytes_of(store, server)
