"""Putting demonstration events into an empty store, and taking them out again for good."""

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pandas as pd

from geo.errors import DataError
from layers.access import Action, Viewer, require
from layers.areas import Area
from layers.demonstration.generate import make_events
from layers.event import DEMONSTRATION
from layers.storage.reading import is_empty
from layers.storage.store import Store

__all__ = ["TRUTH_FILE", "load_demonstration", "remove_demonstration"]

TRUTH_FILE: Final = "demonstration.json"
CHUNK_ROWS: Final = 50_000


def load_demonstration(
    store: Store, viewer: Viewer, area: Area, *, events: int = 20_000, seed: int = 1, today: dt.date, home: Path
) -> dict[str, Any]:
    """Fill an empty store with demonstration events, and write what was planted to `home/demonstration.json`.

    Returns what to tell: the area, first and last day, the number of events of each layer, the truth file. DataError
    if the store holds any live event, real or not; nothing is changed then.
    """
    require(viewer, Action.LOAD)
    if not is_empty(store, viewer):
        raise DataError(
            "Demonstration events go into an empty store only, so that they never mix with real ones",
            "this store holds events",
            "choose another home (--home), or remove an older demonstration with `hexbeat demo --remove`",
        )
    made = make_events(area, events=events, seed=seed, today=today)
    home.mkdir(parents=True, exist_ok=True)
    with (
        store.begin_load(viewer, area=area.name) as load,
        load.file(DEMONSTRATION, DEMONSTRATION, sha256=_digest(made.frame)) as f,
    ):
        for first in range(0, len(made.frame), CHUNK_ROWS):
            f.add_events(made.frame.iloc[first : first + CHUNK_ROWS])
        f.add_tally(read=len(made.frame), skipped={})
    _write_truth(home / TRUTH_FILE, made.truth)
    last_day = today - dt.timedelta(days=1)
    return {
        "area": area.name,
        "from": made.truth["from"],
        "last_day": last_day.isoformat(),
        **made.truth["events"],
        "truth": TRUTH_FILE,
    }


def remove_demonstration(store: Store, viewer: Viewer, *, home: Path | None = None) -> dict[str, Any]:
    """Remove every demonstration event with all its versions for good, and the truth file of `home` if that is given.

    Returns the number of events removed, and a notice where something is left to do (see `layers.storage.erasure`).
    """
    erasure = store.erase_source(viewer, DEMONSTRATION)
    if home is not None:
        (home / TRUTH_FILE).unlink(missing_ok=True)
    return {"removed": erasure.events, "complete": erasure.complete}


def _digest(frame: pd.DataFrame) -> str:
    """A SHA-256 that stands for the frame's contents, as a file's does for the file."""
    return hashlib.sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()).hexdigest()


def _write_truth(path: Path, truth: dict[str, Any]) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
