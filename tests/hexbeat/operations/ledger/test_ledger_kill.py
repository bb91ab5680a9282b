"""kill -9 while an import of work done is written: the ledger is whole, and holds one import or the one before it."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from hexbeat.operations.ledger.ledger import list_imports, read_visits
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.load_processes import VISITS, Loader, check_entries

RUNS = 4


@pytest.mark.slow
def test_killed_while_importing_the_ledger_is_whole(tmp_path: Path, store_url: str | None, loader: Loader) -> None:
    random, last, cut = np.random.default_rng(815), 0, 0
    with Store.open(tmp_path / "home", database_url=store_url):
        pass
    for run in range(RUNS):
        pid = loader.start(tmp_path / "home", store_url, last + 1, what="visits")
        said = [loader.line() for _ in range(1 if run % 2 else int(random.integers(1, 4)))]  # merging, committed, …
        time.sleep(random.uniform(0.0, 0.02))
        os.kill(pid, signal.SIGKILL)
        said += loader.rest()
        told = max(
            (int(line.removeprefix("committed ")) for line in said if line.startswith("committed ")), default=last
        )
        with Store.open(tmp_path / "home", database_url=store_url) as store:
            stood, found = len(list_imports(store, ANALYST)), read_visits(store, ANALYST)
            assert stood in {told, told + 1}
            check_entries(store, stood)
            assert (len(found), set(found["minutes"])) == ((VISITS, {stood}) if stood else (0, set()))
            if store.engine.dialect.name == "sqlite":
                with store.engine.connect() as connection:
                    assert connection.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"
        cut, last = cut + (stood == told), stood
    assert cut, "no run was cut short in the middle of an import"
