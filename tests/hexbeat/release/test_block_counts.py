"""Whatever a publisher does to the files between releases, no more counts of a period than ever was there at once."""

import datetime as dt
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexbeat.areas.area import load_area
from hexbeat.release.block_counts import PublishedPeriod, count_events, list_due_periods, tally_period
from hexbeat.release.received_events import KnownEvents
from hexbeat.release.release_places import PlaceTree
from tests.support.releases import example_release, fine_places

AREA = load_area("middlesbrough")
FINE = tuple(fine_places())
PARENT = np.array([next((k for k, up in enumerate(FINE) if up.place_id == place.parent_id), -1) for place in FINE])
TREE = PlaceTree(FINE, PARENT, {(cell, "w"): cell for cell in range(8)})
QUARTERS = list_due_periods(dt.date(2025, 1, 1), dt.date(2026, 7, 1), 3)
LAYER = example_release().layer("needle_litter")

Row = tuple[int, int, int, int]  # name, quarter in which it began, quarter in which it was received, piece
ROWS = st.tuples(st.integers(0, 60), st.integers(0, 2), st.integers(0, 3), st.integers(0, 7))
STORES = st.lists(st.lists(ROWS, max_size=40, unique_by=lambda row: row[0]), min_size=4, max_size=4)


def seconds(quarter: int) -> int:
    """A moment in the middle of a quarter."""
    return int(dt.datetime.combine(QUARTERS[quarter].start, dt.time(12), tzinfo=dt.UTC).timestamp()) + 40 * 86_400


def known(rows: list[Row]) -> KnownEvents:
    frame = pd.DataFrame(
        {
            "event_id": [f"{name}" for name, *_ in rows], "layer": "needle_litter",
            "h3_09": np.array([piece for *_, piece in rows], dtype=np.uint64), "h3_11": 1, "ward_code": "w",
            "lon": 0.0, "lat": 0.0, "reported_by": "officer",
            "occurred_from": [seconds(began) for _, began, _, _ in rows],
            "recorded_at": [seconds(max(began, received)) for _, began, received, _ in rows],
        }
    )  # fmt: skip
    return KnownEvents(frame, demonstration=False, police_uk=False, real=True)


def published(stores: list[list[Row]]) -> tuple[Counter[int], list[str]]:
    """A release a quarter, each from its store: how many counted, by the quarter in which they began; and who."""
    so_far: dict[str, Counter[str]] = {}
    names: list[str] = []
    for at, rows in enumerate(stores):
        past = [
            PublishedPeriod("needle_litter", QUARTERS[old], so_far.get(QUARTERS[old].name, {})) for old in range(at)
        ]
        frames = count_events(known(rows), [LAYER], past, frozenset(names), AREA, {"fine": TREE})
        tally = tally_period(frames["needle_litter"], LAYER, QUARTERS[at], TREE)
        names += tally.event_ids
        for period, pieces in tally.sources.items():
            so_far.setdefault(period, Counter()).update(pieces)
    return Counter({k: sum(so_far.get(QUARTERS[k].name, {}).values()) for k in range(4)}), names


@pytest.mark.slow
@given(STORES)
@settings(max_examples=40)
def test_no_more_counts_of_a_quarter_than_ever_was_there_at_once(stores: list[list[Row]]) -> None:
    """Stores that have nothing to do with each other: undone, renamed, moved, re-keyed, thinned out, and late."""
    counted, names = published(stores)
    assert len(names) == len(set(names))
    for quarter in range(4):
        most = max(sum(began == quarter for _, began, *_ in rows) for rows in stores)
        assert counted[quarter] <= most


def test_a_store_that_only_grows_loses_nothing() -> None:
    """The caps must not swallow what is truly late."""
    first = [(name, 0, 0, name % 8) for name in range(20)]
    late = [(100 + name, 0, 1, name % 8) for name in range(5)]
    counted, names = published([first, [*first, *late], [*first, *late], [*first, *late]])
    assert (counted[0], len(names)) == (25, 25)


def test_a_store_under_other_names_adds_nothing() -> None:
    first = [(name, 0, 0, name % 8) for name in range(20)]
    again = [(200 + name, 0, 1, (name + 3) % 8) for name in range(20)]
    assert published([first, again, again, again])[0][0] == 20
