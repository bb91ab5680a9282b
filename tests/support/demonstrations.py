"""The demonstration of one day, made once for all tests that only read it: its store, its columns, its places."""

import atexit
import dataclasses
import datetime as dt
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from hexbeat.analysis.method_selection import MethodSelection, select_methods
from hexbeat.analysis.study import Study
from hexbeat.areas.area import Area, load_area
from hexbeat.demonstration import TRUTH_FILE, make_events
from hexbeat.evaluation.controls import build_protocol
from hexbeat.evaluation.evaluation_text import build_verdict
from hexbeat.evaluation.outcome import measure_effect
from hexbeat.evaluation.request import Evaluation
from hexbeat.evaluation.rule import Rule
from hexbeat.evaluation.treated_places import TreatedPlace, build_event_points
from hexbeat.store import snapshots
from hexbeat.store.live_columns import read_columns
from hexbeat.store.snapshots import find_snapshot
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.columns import Columns
from tests.support.events import load_frame

__all__ = [
    "RULE",
    "START",
    "TODAY",
    "busy_corner",
    "copy_filled_store",
    "demonstration",
    "filled_store",
    "keep_snapshot",
    "middlesbrough",
    "select_for",
    "several",
    "shuffle_cells",
]


TODAY: Final = dt.date(2026, 11, 22)


@cache
def middlesbrough() -> Area:
    return load_area("middlesbrough")


@cache
def filled_store() -> Path:
    """The home of a store with the demonstration, for tests that only read; removed when the tests end."""
    home = Path(tempfile.mkdtemp(prefix="hexbeat-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    area = middlesbrough()
    made = make_events(area, events=20_000, today=TODAY)
    with Store.open(home) as store:
        load_frame(
            store, area, made.frame, source="demonstration", now=dt.datetime.combine(TODAY, dt.time(12), area.tz)
        )
    keep_snapshot(home)
    (home / TRUTH_FILE).write_text(json.dumps(made.truth), encoding="utf-8")
    return home


def copy_filled_store(home: Path) -> Path:
    """A copy of that home, for a test that writes into it: another store, which believes only a snapshot of its own."""
    shutil.copytree(filled_store(), home)
    keep_snapshot(home)
    return home


def keep_snapshot(home: Path) -> None:
    """Give a store the snapshot that one of more events would have, so that not every command reads all its rows."""
    codes = middlesbrough().wards.codes
    with Store.open(home) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "FEWEST_EVENTS", 1)
        read_columns(store, ANALYST, ward_codes=codes)
    assert find_snapshot(home, codes).is_file()


@cache
def demonstration() -> tuple[Columns, dict[str, Any]]:
    """The columns and the planted truth of a demonstration that ends the day before TODAY."""
    with Store.open(filled_store()) as store:
        columns = read_columns(store, ANALYST, ward_codes=middlesbrough().wards.codes)
    return columns, json.loads((filled_store() / TRUTH_FILE).read_text(encoding="utf-8"))


@cache
def select_for(layer: str) -> MethodSelection:
    """What the back-test says of a layer of the demonstration."""
    with Store.open(filled_store()) as store:
        found = select_methods(demonstration()[0], middlesbrough(), layer, documents=store.documents(ANALYST))
    assert found is not None
    return found


def shuffle_cells(columns: Columns, study: Study, *, seed: int) -> Columns:
    """The same events with the study's cells dealt out anew: every cell keeps its events, and gets another place."""
    resolution = study.resolution
    dealt = np.random.default_rng(seed).permutation(study.cells)
    ids = dealt[np.searchsorted(study.cells, columns.cell_ids[resolution])]
    order = np.argsort(ids)
    rank = np.argsort(order).astype(np.int32)
    return dataclasses.replace(
        columns,
        cell={**columns.cell, resolution: rank[columns.cell[resolution]]},
        cell_ids={**columns.cell_ids, resolution: ids[order]},
    )


START: Final = dt.date(2025, 6, 1)


def busy_corner(rank: int = 3) -> TreatedPlace:
    """Where most needles were found in the year before START; nowhere else is as busy as the first three."""
    columns, _ = demonstration()
    seconds = (START - dt.date(1970, 1, 1)).days * 86_400
    chosen = (columns.layer == 0) & (columns.start < seconds) & (columns.start > seconds - 365 * 86_400)
    cell = np.argsort(-np.bincount(columns.cell[9][chosen]), kind="stable")[rank]
    inside = chosen & (columns.cell[9] == cell)
    lon, lat = float(np.median(columns.lon[inside])), float(np.median(columns.lat[inside]))
    return TreatedPlace("the busy corner", lon, lat, START, START + dt.timedelta(days=182))


RULE = Rule({"street_dealing": 1.0}, radius_m=200.0, placebos=19)


@cache
def several() -> Evaluation:
    """The closures of a fortnight."""
    columns, truth = demonstration()
    places = []
    for one in truth["closures"]:
        start, end = (dt.datetime.fromtimestamp(one[name], dt.UTC).date() for name in ("from_utc_s", "to_utc_s"))
        if dt.date(2025, 2, 1) <= start < dt.date(2025, 2, 15):
            places.append(TreatedPlace("the closure", one["lon"], one["lat"], start, end, None, one["source_id"]))
    points = build_event_points(columns, middlesbrough(), RULE.layers)
    protocol = build_protocol(columns, middlesbrough(), places, RULE, today=TODAY, points=points)
    effect = measure_effect(columns, middlesbrough(), protocol, points=points)
    return Evaluation(effect, build_verdict(effect), points)
