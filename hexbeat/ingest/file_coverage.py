"""Which days one file completes, by the rule of its source profile."""

import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np
import pandas as pd

from geo.calendar import Calendar, find_month_start
from geo.errors import UsageError
from hexbeat.ingest.sources import SourceProfile
from layers.catalogue import LAYER_NAMES, find_layer
from layers.coverage import Coverage, CoverageEntry, CoverageKind, Span, Spans, join_spans
from layers.wording import format_date, format_day_spans

__all__ = ["FileCoverage", "clip_covers", "describe_cleared", "require_covers"]

_MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_EPOCH: Final = dt.date(1970, 1, 1)
_LONGEST_GAP: Final = 92  # days without a record that a file may have: a quarter
_MOST_GAPS: Final = 20  # or so many times the usual gap, where that is longer: sparse logs stay whole
_STATED_HINT: Final = "say them, as in --covers 2026-07-01:2026-10-01 (the last is the first day that no longer counts)"


def require_covers(profile: SourceProfile, covers: Span | None) -> None:
    """UsageError where the source's days have to be stated and are not, or are stated in a wrong order."""
    if covers is not None and covers[0] >= covers[1]:
        raise UsageError(
            "A period ends after its first day", f"{covers[0]} to {covers[1]} does not", "put the earlier day first"
        )
    if covers is None and profile.covers == "stated":
        raise UsageError(
            f"A {profile.name} file needs the days for which it is complete", "none were stated", _STATED_HINT
        )


def clip_covers(covers: Span | None, today: dt.date) -> tuple[Span | None, tuple[str, ...]]:
    """The stated days that are over, and a sentence where that is not all of them; UsageError where none is over."""
    if covers is None or covers[1] <= today:
        return covers, ()
    if covers[0] >= today:
        raise UsageError(
            "Records can be complete only for days that are over",
            f"{format_date(covers[0])} is not over yet",
            f"name days before {format_date(today)}",
        )
    last = format_date(today - dt.timedelta(days=1))
    return (covers[0], today), (f"Days to come are not known: {last} is the last day that counts as complete.",)


def describe_cleared(coverage: Coverage, entries: Iterable[CoverageEntry]) -> tuple[str, ...]:
    """Sentences on the days of a load that stay "not known" because a person cleared them, layer by layer."""
    everywhere: dict[str, Spans] = {}
    anywhere: dict[str, Spans] = {}
    for entry in entries:
        whole, some = coverage.find_cleared(entry)
        everywhere[entry.layer] = join_spans((*everywhere.get(entry.layer, ()), *whole))
        anywhere[entry.layer] = join_spans((*anywhere.get(entry.layer, ()), *some))
    return tuple(
        f'{find_layer(layer).title}: the days {format_day_spans(days)} stay "not known"'
        f"{'' if days == everywhere[layer] else ' in some wards'}, because a person cleared them."
        for layer, days in anywhere.items()
        if days
    )


@dataclass(slots=True)
class FileCoverage:
    """Collects what a file says of its days, chunk by chunk.

    `covers` are days that the person stated; they count instead of the profile's rule.
    """

    profile: SourceProfile
    wards: tuple[str, ...]
    time_zone: str
    layer: str | None = None
    covers: Span | None = None
    today: dt.date = dt.date.max  # the first day that is not over yet
    _layers: set[str] = field(default_factory=set)
    _scopes: set[str] = field(default_factory=set)
    _record_days: set[tuple[int, int]] = field(default_factory=set)  # first and last day of records, since 1970

    def add(self, events: pd.DataFrame, scopes: set[str]) -> None:
        """Take in the accepted events of a chunk, and the snapshot scopes that it has."""
        self._scopes |= scopes
        if not len(events):
            return
        self._layers |= set(events["layer"].unique())
        starts = events["occurred_from"]
        is_state = events["layer"].map({name: find_layer(name).kind == "state" for name in self._layers})
        # An order that runs for months says nothing about the records of those months.
        lasts = starts.where(is_state.astype(bool), (events["occurred_to"] - 1).clip(lower=starts))
        timestamps = np.concatenate([starts.to_numpy(dtype=np.int64), lasts.to_numpy(dtype=np.int64)])
        days = np.unique(Calendar(self.time_zone).days(timestamps).reshape(2, -1), axis=1)
        self._record_days.update(zip(*days.tolist(), strict=True))

    def build_entries(self) -> list[CoverageEntry]:
        """What the file completes; nothing where it holds no event and its days were not stated."""
        if self.covers is not None:
            return self._entries([("", self.covers)], "load")
        if self.profile.covers == "month":
            spans = [_parse_scope(scope) for scope in sorted(self._scopes)]
            over = [(name, (start, min(end, self.today))) for name, (start, end) in filter(None, spans)]
            return self._entries([(name, span) for name, span in over if span[0] < span[1]], "load")
        if not self._goes_by_records:
            return []
        # Today is not over: records of today may still come.
        known = [(first, min(end, self.today)) for first, end in self._list_runs() if first < self.today]
        return self._entries([("", span) for span in known], "open" if self.profile.covers == "open" else "load")

    def describe_gaps(self, name: str) -> tuple[str, ...]:
        """Remarks on the days without records, between others of the file, that it does not complete."""
        runs = self._list_runs() if self.covers is None and self._goes_by_records else []
        return tuple(
            f"{name}: no record lies between {format_date(end)} and {format_date(start - dt.timedelta(days=1))}, "
            "so these days are not taken as complete; if they are, state the days"
            for (_, end), (start, _) in pairwise(runs)
        )

    @property
    def _goes_by_records(self) -> bool:
        return bool(self._record_days) and self.profile.covers not in {"stated", "month"}

    def _list_runs(self) -> list[Span]:
        """The days from the first record to the last, without gaps so long that one of the dates may be mistyped.

        A running log has none: it is complete from its first load on.
        """
        days = sorted(self._record_days)
        steps = [step for (first, _), (later, _) in pairwise(days) if (step := later - first)]
        longest = max(_LONGEST_GAP, _MOST_GAPS * median(steps)) if steps and self.profile.covers == "file" else math.inf
        runs = [days[0]]
        for first, last in days[1:]:
            begin, end = runs[-1]
            if first - end > longest:
                runs.append((first, last))
            else:
                runs[-1] = (begin, max(end, last))
        return [(_EPOCH + dt.timedelta(days=first), _EPOCH + dt.timedelta(days=last + 1)) for first, last in runs]

    def _entries(self, spans: list[tuple[str, Span]], kind: CoverageKind) -> list[CoverageEntry]:
        return [
            CoverageEntry(layer, self.profile.name, scope, *span, kind=kind, wards=self.wards)
            for layer in self._list_layers()
            for scope, span in spans
        ]

    def _list_layers(self) -> list[str]:
        """The layers of which the file is complete: those that it holds, and the one that all its rows would be of."""
        fixed = self.profile.layer.value if not self.profile.layer.column else self.layer
        return [name for name in LAYER_NAMES if name in self._layers or name == (fixed or self.layer)]


def _parse_scope(scope: str) -> tuple[str, Span] | None:
    """A snapshot's scope, such as "cleveland|2024-03": its name without the month, and the days of the month.

    None for a scope without a month.
    """
    parts = scope.split("|")
    month = next((part for part in parts if _MONTH.fullmatch(part)), None)
    if month is None:
        return None
    start = dt.date.fromisoformat(f"{month}-01")
    return "|".join(part for part in parts if part != month), (start, find_month_start(start, 1))
