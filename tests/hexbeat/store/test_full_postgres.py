"""A PostgreSQL whose disk is full: said in words, nothing half done, and no restart once there is room."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from pg8000 import dbapi as pg8000

from bench.fault_disks import can_mount, without_room
from geo.errors import StoreError
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import audit
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.database_errors import translate_errors
from hexbeat.store.postgres import make_postgres_engine
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import event_id
from tests.support.events import WARDS, event_frame, load
from tests.support.fault_stores import serve_on_small_disk

RULE = "The disk of the database needs room"
HINT = "nothing was changed; make room on its server, then try again"
CUT_HINT = (  # of a server whose log of changes does not fit: it ends itself
    "what was under way is stored as a whole or not at all; look before you repeat it, and check that the server is "
    "running. Hexbeat connects again by itself"
)


@pytest.mark.parametrize("error", [pg8000.ProgrammingError, pg8000.OperationalError])
def test_what_the_driver_says_of_a_full_disk_is_said_in_words(error: type[Exception]) -> None:
    engine = make_postgres_engine("postgresql://user@127.0.0.1/name")
    facts = {"C": "53100", "M": 'could not extend file "base/5/1259": No space left on device', "H": "secret"}
    with pytest.raises(StoreError) as caught, translate_errors(engine):
        raise error(facts)
    assert str(caught.value) == f"{RULE}; 127.0.0.1 says: {facts['M']}; {HINT}"


def test_an_erasure_whose_entry_does_not_fit_has_not_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        error = pg8000.ProgrammingError({"C": "53100", "M": "No space left on device"})
        raise sa.exc.ProgrammingError("INSERT", {}, error)

    with Store.open(tmp_path) as store:
        load(store, event_frame(["a"]))
        deed = Deed(door="command", action="erase", what="erase")
        monkeypatch.setattr("hexbeat.store.audit_trail._insert_carried", refuse)
        with pytest.raises(sa.exc.ProgrammingError), audit(store.engine, tmp_path, ANALYST, deed):
            store.erase(ANALYST, "table", "a")
        assert len(store.history(ANALYST, event_id("table", "a"))) == 1


@pytest.mark.postgres
@pytest.mark.slow
def test_the_same_store_works_again_when_there_is_room(tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("this user may not mount a small disk")
    with serve_on_small_disk() as server, Store.open(tmp_path, database_url=server.make(None)) as store:
        load(store, event_frame(["a"]))
        cache = ColumnCache(store)
        assert server.disk is not None
        with without_room(server.disk, room=0):
            with pytest.raises(StoreError) as caught:
                load(store, event_frame([str(number) for number in range(20_000)]))
            assert (caught.value.rule, caught.value.hint) in {(RULE, HINT), ("The database has to answer", CUT_HINT)}
        server.revive()
        assert len(cache.columns(ANALYST, ward_codes=WARDS)) == 1
        load(store, event_frame([str(number) for number in range(500)]))
        assert len(cache.columns(ANALYST, ward_codes=WARDS)) == 501
