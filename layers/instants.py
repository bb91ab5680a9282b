"""Which incidents at one instant a filter selects: slices of columns that are sorted by time, in blocks.

The chosen hours of a year are some hundred intervals of time, and so as many slices of the events. Only these are
looked at, in blocks that stay in the processor's cache while the filter's parts are compared one after the other.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import STEP_S
from layers.catalogue import LAYER_NAMES
from layers.columns import NO_INSTANT, Columns
from layers.filters import COLUMN_FILTERS, Filter

if TYPE_CHECKING:
    from layers.time_shares import Window

__all__ = ["find_spans", "match_columns", "select_instants"]

_BLOCK: Final = 1 << 16  # events
_FEW_CODES: Final = 8  # codes that are compared one by one
Spans = NDArray[np.int64]


def find_spans(columns: Columns, window: "Window") -> Spans:
    """The events that begin in a window's chosen time, as slices [first, last) of their places: (k, 2), ascending."""
    first, last = np.searchsorted(columns.start, (window.low, window.high)).tolist()
    if window.allowed is None:
        return np.array([[first, last]], dtype=np.int64)
    allowed = window.allowed.allowed
    edges = np.flatnonzero(np.diff(allowed, prepend=0, append=0))  # where chosen time begins, and ends, in turns
    places = np.searchsorted(columns.start, (edges + window.allowed.first) * STEP_S)
    spans = np.clip(places, first, last).reshape(-1, 2)
    return spans[spans[:, 0] < spans[:, 1]]


def select_instants(columns: Columns, chosen: Filter, spans: Spans) -> NDArray[np.int64]:
    """The places (ascending) of incidents at one instant, known to the minute, in these spans that a filter selects."""
    if len(columns.others) == len(columns):
        return np.zeros(0, dtype=np.int64)
    places = [_select_block(columns, chosen, block) for block in _build_blocks(spans)]
    return np.concatenate(places) if places else np.zeros(0, dtype=np.int64)


def _build_blocks(spans: Spans) -> Iterator[list[tuple[int, int]]]:
    """The spans in lists of at most _BLOCK events each: long ones are cut, short ones come together."""
    block: list[tuple[int, int]] = []
    room = _BLOCK
    for first, last in spans.tolist():
        while last - first > room:
            yield [*block, (first, first + room)]
            first, block, room = first + room, [], _BLOCK  # noqa: PLW2901 - the rest of the span
        block.append((first, last))
        room -= last - first
    if block:
        yield block


def _select_block(columns: Columns, chosen: Filter, block: list[tuple[int, int]]) -> NDArray[np.int64]:
    places = np.flatnonzero(_match_instants(columns, chosen, block))
    if len(block) == 1:
        return places + block[0][0]
    lengths = [end - begin for begin, end in block]
    before = np.cumsum([0, *lengths[:-1]])
    shift = np.array([begin for begin, _ in block], dtype=np.int64) - before
    return np.asarray(places + np.repeat(shift, lengths)[places])


def _match_instants(columns: Columns, chosen: Filter, block: list[tuple[int, int]]) -> NDArray[np.bool_]:
    layers = [LAYER_NAMES.index(name) for name in chosen.layers]
    kinds = _cut(columns.instant_layer, block)
    if layers:
        keep = _match_codes(kinds, layers, NO_INSTANT + 1)
    elif len(columns.others):
        keep = kinds != NO_INSTANT
    else:
        keep = np.ones(len(kinds), dtype=np.bool_)
    for codes, wanted, size in _list_chosen(columns, chosen):
        keep &= _match_codes(_cut(codes, block), wanted, size)
    return keep


def _cut(array: NDArray[np.integer], block: list[tuple[int, int]]) -> NDArray[np.integer]:
    if len(block) == 1:
        first, last = block[0]
        return array[first:last]
    return np.concatenate([array[first:last] for first, last in block])


def match_columns(columns: Columns, chosen: Filter, where: slice | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each of these events has the layers, wards and other columns of a filter, whatever its time."""
    keep = np.ones(len(columns.start[where]), dtype=np.bool_)
    if chosen.layers:
        layers = [LAYER_NAMES.index(name) for name in chosen.layers]
        keep &= _match_codes(columns.layer[where], layers, len(LAYER_NAMES))
    for codes, wanted, size in _list_chosen(columns, chosen):
        keep &= _match_codes(codes[where], wanted, size)
    return keep


def _list_chosen(columns: Columns, chosen: Filter) -> Iterator[tuple[NDArray[np.integer], list[int], int]]:
    """The columns that a filter has values of, beside the layer: codes, the chosen ones, and how many there are."""
    if chosen.wards:
        yield columns.ward, _find_codes(chosen.wards, columns.ward_codes), len(columns.ward_codes)
    for column_filter in COLUMN_FILTERS:
        if values := column_filter.get_chosen(chosen):
            names = column_filter.get_names(columns)
            yield column_filter.get_codes(columns), _find_codes(values, names), len(names)


def _find_codes(wanted: Sequence[str], names: Sequence[str]) -> list[int]:
    return [names.index(name) for name in wanted if name in names]


def _match_codes(codes: NDArray[np.integer], wanted: list[int], size: int) -> NDArray[np.bool_]:
    """Whether each code is wanted. A few comparisons are several times faster than look-ups in a table."""
    if len(wanted) > _FEW_CODES:
        table = np.zeros(size, dtype=np.bool_)
        table[wanted] = True
        return np.asarray(table[codes])
    is_wanted: NDArray[np.bool_] = np.zeros(len(codes), dtype=np.bool_)
    for place, code in enumerate(wanted):
        if place:
            is_wanted |= codes == code
        else:
            is_wanted = codes == code
    return is_wanted
