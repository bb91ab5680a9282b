"""kill -9 in the middle of loading: what was committed stays, nothing is half, nothing needs repair."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.load_processes import FIXED, NEW, Loader, check_entries

RUNS = 20


def kill_somewhere(pid: int, loader: Loader, first: int, random: np.random.Generator) -> int:
    """Kill what loads: at any moment, or, every other time, within a merge. The last load that it told of."""
    said = []
    for _ in range(random.integers(3)):
        said += [loader.line(), loader.line()]  # merging, committed
    if random.random() < 0.5:
        said.append(loader.line())
        assert said[-1].startswith("merging")
    time.sleep(random.uniform(0.0, 0.08))
    os.kill(pid, signal.SIGKILL)
    said += loader.rest()
    committed = [int(line.removeprefix("committed ")) for line in said if line.startswith("committed ")]
    return max(committed, default=first - 1)


def check_whole(store: Store, told: int) -> int:
    """Every load that was told of is there, at most one more, each of them whole; the number of the last."""
    batches = store.batches(ANALYST)
    last = len(batches)
    assert last in {told, told + 1}
    assert [batch.batch_id for batch in batches] == sorted((batch.batch_id for batch in batches), reverse=True)
    frame = read_live_records(store, ANALYST)
    fixed = frame[frame["source_id"].str.startswith("fixed-")]
    assert (len(fixed), set(fixed["quantity"])) == ((FIXED, {last}) if last else (0, set()))
    new = frame[frame["source_id"].str.startswith("new-")].groupby("quantity").size()
    assert new.to_dict() == dict.fromkeys(range(1, last + 1), NEW)
    assert all(batch.new + batch.updated == FIXED + NEW for batch in batches)
    return last


@pytest.mark.slow
def test_killed_at_any_moment_the_store_is_whole(tmp_path: Path, store_url: str | None, loader: Loader) -> None:
    random, last, cut = np.random.default_rng(4711), 0, 0
    with Store.open(tmp_path / "home", database_url=store_url):
        pass
    for _ in range(RUNS):
        pid = loader.start(tmp_path / "home", store_url, last + 1)
        told = kill_somewhere(pid, loader, last + 1, random)
        with Store.open(tmp_path / "home", database_url=store_url) as store:
            last = check_whole(store, told)
            check_entries(store, last)
            if store.engine.dialect.name == "sqlite":
                with store.engine.connect() as connection:
                    assert connection.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"
        cut += last == told
    assert cut, "no run was cut short in the middle of a load"
