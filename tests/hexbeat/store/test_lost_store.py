"""A store that goes away while it is served: removed, replaced, restored, or a PostgreSQL that is started again."""

import gc
import sqlite3
from pathlib import Path

import pytest

from geo.errors import StoreError
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import WARDS, event_frame, load
from tests.support.postgres_servers import Server


def count(cache: ColumnCache) -> int:
    return len(cache.columns(ANALYST, ward_codes=WARDS).start)


def test_a_file_that_is_removed_is_missed_and_not_made_again_empty(tmp_path: Path) -> None:
    path = tmp_path / "hexbeat.sqlite"
    with Store.open(tmp_path) as store:
        load(store, event_frame(["a", "b"]))
        cache = ColumnCache(store)
        assert count(cache) == 2
        store.engine.dispose()  # the log goes into the file
        path.rename(tmp_path / "elsewhere")
        for _ in range(2):
            with pytest.raises(StoreError) as caught:
                count(cache)
            assert str(caught.value) == (
                f"The store has to be there; {path} is gone; stop Hexbeat, and restore the store from a backup "
                "(hexbeat restore)"
            )
        assert not path.exists()
        (tmp_path / "elsewhere").rename(path)
        assert count(cache) == 2


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    with Store.open(tmp_path / "other") as other:
        load(other, event_frame(["x"]))
        load(other, event_frame(["y", "z"]))
    with Store.open(tmp_path / "home") as store:
        load(store, event_frame(["a"]))
        cache = ColumnCache(store)
        assert count(cache) == 1
        (tmp_path / "other" / "hexbeat.sqlite").replace(tmp_path / "home" / "hexbeat.sqlite")
        for ending in ("-wal", "-shm"):
            (tmp_path / "home" / f"hexbeat.sqlite{ending}").unlink(missing_ok=True)
        assert count(cache) == 3
        load(store, event_frame(["w"]))
    with sqlite3.connect(tmp_path / "home" / "hexbeat.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (4,)
    connection.close()


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_is_started_again_is_found_by_itself(tmp_path: Path, own_server: Server) -> None:
    with Store.open(tmp_path, database_url=own_server.url("postgres")) as store:
        load(store, event_frame(["a", "b"]))
        cache = ColumnCache(store)
        assert count(cache) == 2
        cut = (
            "The database has to answer; the server ended the connection, or cannot be reached; what was under way is "
            "stored as a whole or not at all; look before you repeat it, and check that the server is running. Hexbeat "
            "connects again by itself"
        )
        with pytest.raises(StoreError) as caught, store.begin_load(ANALYST, area="middlesbrough") as entry:  # noqa: PT012, SIM117
            with entry.file("c.csv", "table", sha256="0") as part:
                part.add_events(event_frame(["c"]))
                own_server.stop()
        assert str(caught.value) == cut
        with pytest.raises(StoreError) as caught:
            count(cache)
        assert caught.value.rule == "The database has to answer"
        own_server.run()
        assert count(cache) == 2
        assert len(store.batches(ANALYST)) == 1
        load(store, event_frame(["c"]))
        assert count(cache) == 3
    gc.collect()  # the driver leaves a socket whose other end is gone to the collector
