"""Parses the time of each row: its interval in UTC seconds, its precision, and its faults."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.calendar import add_months_to_all
from hexbeat.ingest.parsing.dates import (
    DAY,
    MINUTE,
    Timestamps,
    ceiling,
    floor,
    next_start,
    parse_timestamps,
    to_utc,
)
from hexbeat.ingest.sources import Times
from layers.catalogue import LAYERS
from layers.columns import mark_states
from layers.event import PRECISIONS

__all__ = ["Intervals", "parse_intervals"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Intervals (n,): UTC seconds [start, end) (equal for an instant), precision (a place in PRECISIONS), faults."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    precision: NDArray[np.int8]
    bad: Flags
    future: Flags
    reversed: Flags
    start_text: Timestamps  # as the texts are, without the profile's rules
    end_text: Timestamps | None
    has_end: Flags


def parse_intervals(
    texts: dict[str, pd.Series], layer: NDArray[np.int8], rules: Times, *, time_zone: str, now: int
) -> Intervals:
    """Texts by part (start, and if there are any clock, end, precision, never_before), each (n,), to intervals.

    A start to the minute without an end is an instant; a day or month is the whole local one. An end given as a day or
    month counts to the end of it. If both are given, the coarser precision applies to both. A state without an end
    lasts as long as its layer says. `now` is UTC seconds: events that begin later are in the future.
    """
    timestamps = _parse_parts(texts, rules, time_zone)
    start, end, state = timestamps["start"], timestamps.get("end"), mark_states(layer)
    has_end = _find_stated_ends(end, state, rules)
    precision = _find_common_precision(start, end, has_end, texts.get("precision"), rules)
    begin_local = floor(start.local, precision)
    begin = np.where(precision == MINUTE, start.utc, to_utc(begin_local, time_zone))
    finish = _find_default_end(begin, begin_local, precision, layer, time_zone)
    bad, future = start.bad | start.blank, begin > now
    reverse = np.zeros(len(layer), dtype=np.bool_)
    if end is not None:
        finish = np.where(has_end, _find_stated_end(end, precision, time_zone), finish)
        bad |= has_end & end.bad
        reverse |= has_end & np.where(precision == MINUTE, finish < begin, finish <= begin)
        future |= has_end & ~state & (to_utc(floor(end.local, precision), time_zone) > now)
    if later := timestamps.get("never_before"):
        bad |= later.bad
        reverse |= ~later.blank & (_to_days(later.local) < _to_days(begin_local))
    return Intervals(
        begin, finish, precision.astype(np.int8), bad, future & ~bad, reverse & ~bad, start, end, has_end
    )  # fmt: skip


def _parse_parts(texts: dict[str, pd.Series], rules: Times, time_zone: str) -> dict[str, Timestamps]:
    """The timestamps of start, end and never_before, if there are columns; a clock belongs to the start only."""

    def parse(part: str) -> Timestamps:
        return parse_timestamps(
            texts[part],
            formats=rules.formats,
            time_zone=time_zone,
            zone_in_text=rules.zone_in_text,
            clocks=texts.get("clock") if part == "start" else None,
        )

    return {part: parse(part) for part in ("start", "end", "never_before") if part in texts}


def _find_stated_ends(end: Timestamps | None, state: Flags, rules: Times) -> Flags:
    """Which rows (n,) have an end that counts; if only states have one, the end of an incident is ignored."""
    if end is None:
        return np.zeros(len(state), dtype=np.bool_)
    return np.asarray(~end.blank & (state if rules.end_of == "states" else True))


def _find_common_precision(
    start: Timestamps, end: Timestamps | None, has_end: Flags, stated_precision: pd.Series | None, rules: Times
) -> NDArray[np.int8]:
    """The precision (n,) of start and end: the coarser one if there is an end."""
    precision = _find_precision(start, stated_precision, rules)
    if end is None:
        return precision
    return np.where(has_end, np.maximum(precision, _find_precision(end, None, rules)), precision)


def _find_stated_end(end: Timestamps, precision: NDArray[np.int8], time_zone: str) -> NDArray[np.int64]:
    """The end in the rows, UTC seconds (n,): the minute itself, or the end of a day or month."""
    local = ceiling(next_start(end.local, end.precision), precision)
    return np.where(precision == MINUTE, end.utc, to_utc(local, time_zone))


def _to_days(local: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    return local.astype("datetime64[D]")


def _find_precision(timestamps: Timestamps, stated_precision: pd.Series | None, rules: Times) -> NDArray[np.int8]:
    """The precision of a timestamp: by its text and the profile's rule, and never finer than the row says."""
    if rules.precision == "minute":
        return np.zeros(len(timestamps.precision), dtype=np.int8)
    precision = timestamps.precision
    if rules.precision != "auto":
        precision = np.maximum(precision, np.int8(PRECISIONS.index(rules.precision)))
    if rules.midnight_is_day:
        midnight = timestamps.local == timestamps.local.astype("datetime64[D]")
        precision = np.where(midnight, np.maximum(precision, np.int8(DAY)), precision)
    if stated_precision is not None:
        codes = stated_precision.str.casefold().map({word: place for place, word in enumerate(PRECISIONS)}).fillna(0)
        precision = np.maximum(precision, codes.to_numpy(dtype=np.int8))
    return precision.astype(np.int8)


def _find_default_end(
    begin: NDArray[np.int64],
    local: NDArray[np.datetime64],
    precision: NDArray[np.int8],
    layer: NDArray[np.int8],
    time_zone: str,
) -> NDArray[np.int64]:
    """The end if none is given: of an incident the end of its day or month, of a state that of its longest term."""
    finish = np.where(precision == MINUTE, begin, to_utc(next_start(local, precision), time_zone))
    months = np.array([spec.open_end_months or 0 for spec in LAYERS])[layer]
    return np.where(months > 0, to_utc(add_months_to_all(local, months), time_zone), finish)
