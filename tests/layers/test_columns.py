"""Columns: a part of them, and what lies in a cell."""

import dataclasses

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.columns import Columns
from layers.event import RESOLUTIONS
from tests.support.events import Event, columns_of

PLACES = st.tuples(st.sampled_from([-1.235, -1.2, -1.18]), st.sampled_from([54.576, 54.5]))
EVENTS = st.lists(
    st.builds(
        lambda start, place, category: Event(start, lon=place[0], lat=place[1], category=category),
        st.integers(0, 10**9), PLACES, st.sampled_from([None, "fatal", "other"]),
    ),
    max_size=8,
)  # fmt: skip
TABLES = {"details", "version", "ward_codes", "categories", "sources", "cell_ids", "coverage"}


@pytest.mark.slow
@settings(max_examples=30)
@given(EVENTS, st.data())
def test_taking_keeps_every_column_in_step(events: list[Event], data: st.DataObject) -> None:
    columns = columns_of(events)
    mask = np.array([data.draw(st.booleans()) for _ in events], dtype=np.bool_)
    for index in (mask, np.flatnonzero(mask)):
        part = columns.take(index)
        assert len(part) == mask.sum()
        for field in dataclasses.fields(Columns):
            mine, whole = getattr(part, field.name), getattr(columns, field.name)
            if field.name == "cell":
                assert all(mine[r].tolist() == whole[r][mask].tolist() for r in RESOLUTIONS)
            elif field.name in TABLES:
                assert mine is whole
            else:
                assert mine.tolist() == whole[mask].tolist()
                assert mine.dtype == whole.dtype


@settings(max_examples=30)
@given(EVENTS, PLACES)
def test_what_lies_in_a_cell_is_what_h3_says(events: list[Event], place: tuple[float, float]) -> None:
    columns = columns_of(events)
    for resolution in RESOLUTIONS:
        cell = h3.latlng_to_cell(place[1], place[0], resolution)
        inside = [
            h3.latlng_to_cell(lat, lon, resolution) == cell for lon, lat in zip(columns.lon, columns.lat, strict=True)
        ]
        assert columns.in_cell(cell, resolution).tolist() == inside


def test_no_event_lies_in_a_cell_of_another_size() -> None:
    columns = columns_of([Event(0)])
    assert columns.in_cell(h3.latlng_to_cell(54.576, -1.235, 5), 5).tolist() == [False]
    assert columns.in_cell(h3.latlng_to_cell(54.576, -1.235, 9), 10).tolist() == [False]
