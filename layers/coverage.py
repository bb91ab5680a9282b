"""The days for which the records of a layer are complete. Outside them a count is not known, and never 0.

Every load says which days of which layer and source it completes, and for which wards. Two sources of one layer stand
*side by side* where the days that both cover are more than a month: from then on a day is known only if both cover it,
because what one of them alone says is a part. Sources that hardly overlap follow one another: either is enough to
count. A comparison uses only days that the same sources cover, else a change of sources would look like a change.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, pairwise
from typing import Final, Literal, get_args

from layers.arrivals import Arrivals
from layers.wording import format_day_spans

__all__ = [
    "COVERAGE_KINDS",
    "Coverage",
    "CoverageEntry",
    "CoverageKind",
    "CoverageSpan",
    "KnownState",
    "SourceChange",
    "Span",
    "Spans",
    "count_days",
    "intersect_spans",
    "join_spans",
    "subtract_spans",
]

Span = tuple[dt.date, dt.date]  # half-open local dates
Spans = tuple[Span, ...]  # disjoint, in order
KnownState = Literal["known", "partly known", "not known"]
CoverageKind = Literal["load", "open", "set", "cleared"]
COVERAGE_KINDS: Final[tuple[CoverageKind, ...]] = get_args(CoverageKind)
_BY_HAND: Final = frozenset({"set", "cleared"})
_DAY: Final = dt.timedelta(days=1)
_HANDOVER_DAYS: Final = 31  # days that two logs may overlap while one takes over from the other


@dataclass(frozen=True, slots=True)
class CoverageEntry:
    """What one load, or one correction, says of the days [start, end) of a layer and source.

    `kind`: "load", the days that a load completes; "open", a load of a running log, which is complete from its first
    record to its last, whenever they were loaded; "set" and "cleared", what a person corrected: these count after all
    loads. `scope` is the source's own name of its part, such as a police force; "" where it has none. `wards` are ONS
    codes; None stands for every ward. A cleared entry without a source or scope is about all of them.
    """

    layer: str
    source: str
    scope: str
    start: dt.date
    end: dt.date
    kind: CoverageKind = "load"
    wards: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class CoverageSpan:
    """Days [start, end) in a row that a source covers; `wards` are those of the area for which it does."""

    layer: str
    source: str
    scope: str
    start: dt.date
    end: dt.date
    wards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceChange:
    """A source that begins or ends within a period; `day` is the first or last that it covers."""

    source: str
    verb: Literal["begins", "ends"]
    day: dt.date


@dataclass(frozen=True)
class Coverage:
    """The coverage of an area's layers, from entries in the order in which they were made.

    Without any entry for a layer nothing of it is known. `reporters` holds (layer, source, reporter) for each kind of
    reporter of whom a source has events. `arrivals` say how late records of a layer and source come, where its loads
    show it: the last known days may lack some.
    """

    entries: tuple[CoverageEntry, ...] = ()
    ward_codes: tuple[str, ...] = ()
    reporters: frozenset[tuple[str, str, str]] = frozenset()
    arrivals: tuple[Arrivals, ...] = ()
    _cache: dict[tuple[str, tuple[str, ...]], tuple[Spans, Spans]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _narrowed: dict[frozenset[str], "Coverage"] = field(default_factory=dict, repr=False, compare=False)

    def narrow(self, reported_by: Iterable[str]) -> "Coverage":
        """What the sources cover that have events of such reporters (none given: all sources).

        A source that has no event of a layer may bring any reporter. A layer whose sources all bring others is not
        known: their days say nothing of these reporters.
        """
        reporters = frozenset(reported_by)
        if not reporters or not self.reporters:
            return self
        if reporters not in self._narrowed:
            described = {(layer, source) for layer, source, _ in self.reporters}
            of_reporters = {(layer, source) for layer, source, reporter in self.reporters if reporter in reporters}
            entries = tuple(
                entry
                for entry in self.entries
                if (key := (entry.layer, entry.source)) in of_reporters or key not in described
            )
            self._narrowed[reporters] = Coverage(entries, self.ward_codes, self.reporters, self.arrivals)
        return self._narrowed[reporters]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of which anything was ever said, by name."""
        return tuple(sorted({entry.layer for entry in self.entries if entry.kind != "cleared"}))

    def find_known(self, layer: str, *, wards: Sequence[str] = ()) -> Spans:
        """The days that are known whole in every one of the wards (none given: in the whole area), in order."""
        return self._find_days(layer, wards)[0]

    def find_partly_known(self, layer: str, *, wards: Sequence[str] = ()) -> Spans:
        """The days of which something is known, but not from every source or not in every ward."""
        whole, some = self._find_days(layer, wards)
        return subtract_spans(some, whole)

    def find_missing(self, layer: str, period: Span, *, wards: Sequence[str] = ()) -> Spans:
        """The days of a period that are not known whole, in order; empty where all of it is known."""
        return subtract_spans((period,), self.find_known(layer, wards=wards))

    def find_known_in(self, layer: str, period: Span, *, wards: Sequence[str] = ()) -> Spans:
        """The days of a period that are known whole."""
        return intersect_spans((period,), self.find_known(layer, wards=wards))

    def judge(self, layer: str, period: Span, *, wards: Sequence[str] = ()) -> KnownState:
        """Whether a period is known, partly known or not known."""
        if not self.find_missing(layer, period, wards=wards):
            return "known"
        return "partly known" if intersect_spans((period,), self._find_days(layer, wards)[1]) else "not known"

    def find_reach(self, layer: str, *, wards: Sequence[str] = ()) -> Span | None:
        """From the first day of which anything is known to the last, gaps included; None where nothing is."""
        some = self._find_days(layer, wards)[1]
        return (some[0][0], some[-1][1]) if some else None

    def group_known(self, layer: str, *, wards: Sequence[str] = ()) -> tuple[Spans, ...]:
        """The known days, in groups of days that the same sources cover in each of the wards; latest days last."""
        known = self.find_known(layer, wards=wards)
        days = {
            tuple(sorted(of_ward.items()))
            for of_ward in self._find_source_days(layer, self._choose_wards(wards)).values()
        }
        edges = sorted({edge for sources in days for _, spans in sources for span in spans for edge in span})
        groups: dict[tuple[frozenset[str], ...], list[Span]] = {}
        for part in _cut_spans(known, edges):
            covering = tuple(frozenset(name for name, spans in sources if _holds(spans, part)) for sources in days)
            groups.setdefault(covering, []).append(part)
        return tuple(sorted((join_spans(parts) for parts in groups.values()), key=lambda spans: spans[-1]))

    def find_comparable(self, layer: str, periods: Sequence[Span], *, wards: Sequence[str] = ()) -> tuple[Spans, ...]:
        """The known days of each period that can be compared: the same sources cover all of them, in each ward.

        Where there is a choice of sources, those that cover the largest part of the period that they know least.
        """
        best, largest = tuple[Spans, ...](() for _ in periods), 0.0
        for group in self.group_known(layer, wards=wards):
            parts = tuple(intersect_spans((period,), group) for period in periods)
            least = min(
                count_days(part) / (end - start).days for part, (start, end) in zip(parts, periods, strict=True)
            )
            if least > 0 and least >= largest:
                best, largest = parts, least
        return best

    def find_known_like_last(self, layer: str, period: Span, *, wards: Sequence[str] = ()) -> Spans:
        """The known days of a period that the same sources cover as its last known day: a baseline of that day."""
        parts = [intersect_spans((period,), group) for group in self.group_known(layer, wards=wards)]
        return max((part for part in parts if part), key=lambda part: part[-1], default=())

    def find_source_changes(self, layer: str, period: Span, *, wards: Sequence[str] = ()) -> list[SourceChange]:
        """The sources of a layer that begin or end within a period, by day."""
        sources: dict[str, Spans] = {}
        for of_ward in self._find_source_days(layer, self._choose_wards(wards)).values():
            for source, spans in of_ward.items():
                sources[source] = join_spans((*sources.get(source, ()), *spans))
        changes = []
        for source, spans in sources.items():
            if intersect_spans((period,), spans):
                first, last = spans[0][0], spans[-1][1] - _DAY
                changes += [SourceChange(source, "begins", first)] if first > period[0] else []
                changes += [SourceChange(source, "ends", last)] if last < period[1] - _DAY else []
        return sorted(changes, key=lambda change: (change.day, change.source))

    def list_spans(self) -> list[CoverageSpan]:
        """What each source covers, day after day joined, by layer, source, scope and first day."""
        spans: dict[tuple[str, str, str, dt.date, dt.date], list[str]] = {}
        for (layer, source, scope), by_ward in sorted(self._by_source.items()):
            for ward in self.ward_codes:
                for start, end in by_ward.get(ward, ()):
                    spans.setdefault((layer, source, scope, start, end), []).append(ward)
        return [CoverageSpan(*key, wards=tuple(wards)) for key, wards in sorted(spans.items())]

    def find_cleared(self, entry: CoverageEntry) -> tuple[Spans, Spans]:
        """The days of a load's entry that a person cleared: in all its wards, and in any of them."""
        days: dict[str, Spans] = dict.fromkeys(self.ward_codes if entry.wards is None else entry.wards, ())
        for other in self.entries:
            if other.kind not in _BY_HAND or other.layer != entry.layer:
                continue
            if other.source not in {"", entry.source} or other.scope not in {"", entry.scope}:
                continue
            change = _add_cleared if other.kind == "cleared" else subtract_spans
            for ward, spans in days.items():
                if other.wards is None or ward in other.wards:
                    days[ward] = change(spans, ((other.start, other.end),))
        of_entry = [intersect_spans(spans, ((entry.start, entry.end),)) for spans in days.values()]
        everywhere = of_entry[0] if of_entry else ()
        for spans in of_entry[1:]:
            everywhere = intersect_spans(everywhere, spans)
        return everywhere, join_spans(span for spans in of_entry for span in spans)

    def describe_missing(self, layer: str, period: Span, *, wards: Sequence[str] = ()) -> str | None:
        """As in "Mar 2024 and 3 to 9 May 2024 are not known"; None where the whole period is known."""
        missing = self.find_missing(layer, period, wards=wards)
        if not missing:
            return None
        text = format_day_spans(missing)
        return f"{text} {'are' if len(missing) > 1 or ' to ' in text else 'is'} not known"

    def _find_days(self, layer: str, wards: Sequence[str]) -> tuple[Spans, Spans]:
        """The days known whole in all wards, and those known to some part somewhere."""
        own_wards = self._choose_wards(wards)
        key = (layer, own_wards)
        if key not in self._cache:
            self._cache[key] = self._compute_days(layer, own_wards)
        return self._cache[key]

    def _choose_wards(self, wards: Sequence[str]) -> tuple[str, ...]:
        """Those of the wards that are in the area; none given: all."""
        return tuple(ward for ward in (wards or self.ward_codes) if ward in self.ward_codes)

    def _compute_days(self, layer: str, wards: tuple[str, ...]) -> tuple[Spans, Spans]:
        whole: Spans | None = None
        some: Spans = ()
        answers: dict[tuple[Spans, ...], tuple[Spans, Spans]] = {}
        for sources in self._find_source_days(layer, wards).values():
            of_ward = tuple(sources.values())
            if of_ward not in answers:
                answers[of_ward] = _combine_sources(of_ward)
            ward_whole, ward_some = answers[of_ward]
            whole = ward_whole if whole is None else intersect_spans(whole, ward_whole)
            some = join_spans((*some, *ward_some)) if ward_some != some else some
        return whole or (), some

    def _find_source_days(self, layer: str, wards: tuple[str, ...]) -> dict[str, dict[str, Spans]]:
        """The days that each source covers in each of these wards, scopes joined."""
        days: dict[str, dict[str, Spans]] = {ward: {} for ward in wards}
        for (name, source, _), by_ward in self._by_source.items():
            if name == layer:
                for ward, sources in days.items():
                    if spans := by_ward.get(ward):
                        sources[source] = join_spans((*sources.get(source, ()), *spans))
        return days

    @cached_property
    def _by_source(self) -> dict[tuple[str, str, str], dict[str, Spans]]:
        """The days of each layer, source and scope, a ward; later entries correct earlier ones."""
        days: dict[tuple[str, str, str], dict[str, Spans]] = {}
        # What a person corrected outlasts what loads say, also those that come later.
        for entry in sorted(self.entries, key=lambda entry: entry.kind in _BY_HAND):
            wards = self.ward_codes if entry.wards is None else [w for w in self.ward_codes if w in set(entry.wards)]
            span = (entry.start, entry.end)
            if entry.kind == "cleared":
                for (layer, source, scope), by_ward in days.items():
                    if layer == entry.layer and entry.source in {"", source} and entry.scope in {"", scope}:
                        for ward in wards:
                            by_ward[ward] = subtract_spans(by_ward.get(ward, ()), (span,))
                continue
            by_ward = days.setdefault((entry.layer, entry.source, entry.scope), {})
            for ward in wards:
                by_ward[ward] = _add_span(by_ward.get(ward, ()), span, open_log=entry.kind == "open")
        return days


def _add_cleared(spans: Spans, more: Spans) -> Spans:
    return join_spans((*spans, *more))


def _add_span(spans: Spans, span: Span, *, open_log: bool) -> Spans:
    """The spans with one more; of a running log, what lies between its last entry so far and the new ones too."""
    if open_log and spans:
        if spans[-1][1] < span[0]:
            span = (spans[-1][1], span[1])
        elif span[1] < spans[0][0]:
            span = (span[0], spans[0][0])
    return join_spans((*spans, span))


def _cut_spans(spans: Spans, edges: Sequence[dt.date]) -> list[Span]:
    """The spans, cut at these days."""
    parts = []
    for start, end in spans:
        inside = [edge for edge in edges if start < edge < end]
        parts += list(pairwise((start, *inside, end)))
    return parts


def _holds(spans: Spans, part: Span) -> bool:
    return any(start <= part[0] and part[1] <= end for start, end in spans)


def _combine_sources(sources: tuple[Spans, ...]) -> tuple[Spans, Spans]:
    """Days known whole, and known at all, from the days that each source covers."""
    groups: list[set[int]] = [{number} for number in range(len(sources))]
    for one, other in combinations(range(len(sources)), 2):
        if count_days(intersect_spans(sources[one], sources[other])) > _HANDOVER_DAYS:
            first = next(group for group in groups if one in group)
            second = next(group for group in groups if other in group)
            if first is not second:
                first |= second
                groups.remove(second)
    whole: Spans = ()
    for group in groups:
        numbers = sorted(group)
        shared = sources[numbers[0]]
        for number in numbers[1:]:
            shared = intersect_spans(shared, sources[number])
        whole = join_spans((*whole, *shared))
    return whole, join_spans(span for spans in sources for span in spans)


def join_spans(spans: Iterable[Span]) -> Spans:
    """The same days as disjoint spans in order, days in a row as one."""
    joined: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def intersect_spans(these: Iterable[Span], those: Iterable[Span]) -> Spans:
    """The days that are in both."""
    others = tuple(those)
    return join_spans((max(a, c), min(b, d)) for a, b in these for c, d in others)


def subtract_spans(these: Iterable[Span], those: Iterable[Span]) -> Spans:
    """The days of these that are not in those."""
    left = list(join_spans(these))
    for start, end in join_spans(those):
        left = [
            part
            for first, last in left
            for part in ((first, min(last, start)), (max(first, end), last))
            if part[0] < part[1]
        ]
    return tuple(left)


def count_days(spans: Iterable[Span]) -> int:
    """How many days spans hold."""
    return sum((end - start).days for start, end in spans)
