"""What a filter selects by slices and blocks, against a look at every event of the columns at once."""

import dataclasses
import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.counts import compute_shares
from layers import instants
from layers.catalogue import LAYER_NAMES, LAYERS
from layers.columns import NO_INSTANT, Columns, mark_states
from layers.counting import Filter, select
from layers.event import PRECISIONS, REPORTERS
from layers.filters import DAYS
from layers.time_shares import build_window
from tests.support.events import Event, columns_of, local

WARDS = ("E05009857", "E05009865")
FIRST = local("2024-03-20 00:00")  # the clocks go forward on 31 March, a Sunday
HOUR = 3600

drawn_columns = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 400), st.sampled_from([0.0, 0.1, 0.7, 1.0]))
days = st.integers(0, 30).map(lambda number: dt.date(2024, 3, 20) + dt.timedelta(days=number))
filters = st.builds(
    lambda layers, period, wards, hours, weekdays, reporters, categories, measure: Filter(
        layers=tuple(layers), start=period[0], end=period[1], wards=tuple(wards), hours=hours,
        days=frozenset(weekdays), reported_by=tuple(reporters), categories=tuple(categories), measure=measure,
    ),
    st.sets(st.sampled_from(LAYER_NAMES[:])),
    st.tuples(st.none() | days, st.none() | days).filter(lambda pair: None in pair or pair[0] < pair[1]),
    st.sets(st.sampled_from([*WARDS, "E05999999"])),
    st.none() | st.tuples(st.integers(0, 23), st.integers(0, 24)).filter(lambda pair: pair[0] != pair[1]),
    st.sets(st.integers(0, len(DAYS) - 1), max_size=3),
    st.sets(st.sampled_from(REPORTERS)),
    st.sets(st.sampled_from(["", "fatal", "unheard of"])),
    st.sampled_from(["events", "quantity"]),
)  # fmt: skip


def build_columns(seed: int, size: int, share: float) -> Columns:
    """Events over a month, a share of them of intervals, coarse times or states."""
    random = np.random.default_rng(seed)
    events = []
    for _ in range(size):
        start = FIRST + int(random.integers(0, 30 * 24)) * HOUR + int(random.integers(0, 2)) * 1800
        is_other = random.random() < share
        precision = str(random.choice(PRECISIONS)) if is_other else "minute"
        length = int(random.integers(0, 3)) * 13 * HOUR if is_other else 0
        events.append(
            Event(
                start,
                end=start + length,
                layer=str(random.choice(LAYER_NAMES[:])) if is_other else LAYER_NAMES[int(random.integers(0, 3))],
                precision=precision,
                quantity=int(random.integers(1, 5)),
                reported_by=str(random.choice(REPORTERS)),
                category=str(random.choice(["", "fatal", "other"])),
                ward=str(random.choice(WARDS)),
            )
        )
    return columns_of(events)


def select_plainly(columns: Columns, chosen: Filter) -> tuple[NDArray[np.int64], NDArray[np.float64], int, int]:
    """Places, weights, unplaced and shared: every array whole, every event weighed."""
    keep = np.ones(len(columns), dtype=np.bool_)
    for names, table, codes in (
        (chosen.layers, LAYER_NAMES[:], columns.layer),
        (chosen.wards, columns.ward_codes, columns.ward),
        (chosen.categories, columns.categories, columns.category),
        (chosen.reported_by, REPORTERS, columns.reported_by),
    ):
        if names:
            keep &= np.array([table[code] in names for code in codes.tolist()], dtype=np.bool_)
    window = build_window(columns, chosen, Calendar("Europe/London"))
    start, end, is_state = columns.start, columns.end, mark_states(columns.layer)
    keep &= (start < window.high) & np.where(start < window.low, end > window.low, start >= window.low)
    unplaced = 0
    if window.allowed is not None:
        limit = "minute" if chosen.hours not in {None, (0, 24)} else "day"
        coarse = keep & (columns.precision > PRECISIONS.index(limit)) & ~is_state
        unplaced, keep = int(coarse.sum()), keep & ~coarse
    index = np.flatnonzero(keep)
    share = compute_shares(start[index], end[index], low=window.low, high=window.high, allowed=window.allowed)
    share[is_state[index]] = 1.0
    index, share = index[share > 0], share[share > 0]
    weight = share * columns.quantity[index] if chosen.measure == "quantity" else share
    return index, weight, unplaced, int((share < 1).sum())


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(drawn_columns.map(lambda drawn: build_columns(*drawn)), filters, st.sampled_from([1, 7, 1 << 16]))
def test_slices_and_blocks_select_what_a_look_at_everything_selects(
    columns: Columns, chosen: Filter, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instants, "_BLOCK", block)
        selection = select(columns, chosen)
    index, weight, unplaced, shared = select_plainly(columns, chosen)
    np.testing.assert_array_equal(selection.index, index, strict=True)
    np.testing.assert_array_equal(selection.weight, weight, strict=True)
    assert (selection.unplaced_in_time, selection.shared_in_time) == (unplaced, shared)


def test_what_is_derived_follows_the_events() -> None:
    events = [Event(5), Event(1, end=9), Event(3, precision="day"), Event(4, layer="closed_properties"), Event(7)]
    columns = columns_of(events)
    codes = {spec.name: code for code, spec in enumerate(LAYERS)}
    needles = codes["needle_litter"]
    assert columns.instant_layer.tolist() == [NO_INSTANT, NO_INSTANT, NO_INSTANT, needles, needles]
    assert (columns.others.tolist(), columns.last_end.tolist()) == ([0, 1, 2], [9])
    fewer = columns.take(np.array([3, 4]))
    assert (fewer.others.tolist(), fewer.last_end.tolist(), len(fewer.instant_layer)) == ([], [7], 2)
    moved = dataclasses.replace(columns, end=columns.start)
    assert moved.others.tolist() == [1, 2]
    none = columns_of([])
    assert (none.others.tolist(), none.last_end.tolist(), none.instant_layer.tolist()) == ([], [0], [])
    with pytest.raises(AttributeError):
        _ = columns.colour  # type: ignore[attr-defined]


def test_columns_from_a_file_read_what_is_used_and_no_more() -> None:
    whole = columns_of([Event(5), Event(1, end=9)])
    used: list[str] = []

    def read(name: str) -> NDArray[np.generic]:
        used.append(name)
        return whole.list_arrays(derived=True)[name]

    tables = {name: getattr(whole, name) for name in ("version", "categories", "ward_codes", "sources")}
    columns = Columns.defer(tables, read)
    again = columns.replace_coverage(None, version=3)  # type: ignore[arg-type]  # as of columns that were made by hand
    assert (columns.is_deferred, again.is_deferred, whole.is_deferred, used) == (True, True, False, [])
    assert (again.version, columns.version, again.categories) == (3, 1, whole.categories)
    assert (len(columns), columns.cell[9].tolist(), len(columns)) == (2, whole.cell[9].tolist(), 2)
    assert used == ["start", "cell_09"]
    np.testing.assert_array_equal(columns.take(np.array([1])).lon, whole.lon[1:])
    assert not columns.lat.flags.writeable
    assert sorted(columns.cell) == sorted(whole.cell)
    assert 12 not in columns.cell
