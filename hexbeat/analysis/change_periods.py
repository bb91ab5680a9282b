"""The two periods of a comparison, and the days of each that the records know.

A comparison speaks only of days that are known, and that the same sources cover: else a source that begins would look
like a rise. Where days are missing, rates over the known days are compared; where a period knows less than half of its
days, nothing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from typing import Final, Literal, get_args

from geo.calendar import find_month_start, list_months
from geo.errors import UsageError
from hexbeat.analysis.study import select_known
from layers.columns import Columns
from layers.coverage import Coverage, Span, Spans, count_days, join_spans, subtract_spans
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import (
    Period,
    clip_period,
    find_month_only_share,
    find_period_before,
    find_year_before,
    get_coverage,
    parse_day,
)
from layers.wording import (
    format_date,
    format_left_out,
    format_list,
    format_not_known,
    format_number,
    format_plural,
    format_span,
)

__all__ = [
    "AGAINST",
    "Against",
    "ComparedPeriods",
    "NamedPeriod",
    "choose_periods",
    "cut_to_months",
    "is_known_enough",
    "parse_against",
    "put_in_order",
]

NamedPeriod = Literal["before", "year_before"]
Against = NamedPeriod | Period
AGAINST: Final[tuple[NamedPeriod, ...]] = get_args(NamedPeriod)
_LEAST_KNOWN: Final = 0.5  # of the days of a period: with fewer there is no comparison
_MOST_OF: Final = 0.5
_LATER_IS_NOW: Final = "The later of the two periods counts as now."
_MONTHS: Final = "Most records are known only to their month, so only whole months are compared."


@dataclass(frozen=True, slots=True)
class ComparedPeriods:
    """The periods `other` and `now` of a layer, and the days of each that are known in all chosen wards.

    The same sources cover all of these days, unless the comparison is refused for days that are not known.
    `by_month`: only whole months count, because most records are known only to their month. `missing` says which days
    of the two periods are not known (None: all are). `refusal` says why there is no comparison (None: there is one).
    `fit`: false for two periods that nobody can compare, whatever is known of them.
    """

    layer: str
    now: Period
    other: Period
    known_now: Spans
    known_other: Spans
    by_month: bool
    missing: str | None
    refusal: str | None
    notes: tuple[str, ...]
    fit: bool = True

    def find_known(self, coverage: Coverage, ward: str) -> tuple[Spans, Spans]:
        """The days of `other` and of `now` that are known in one ward, by its code; none of periods that do not fit."""
        if not self.fit:
            return (), ()
        spans = coverage.find_comparable(self.layer, (self.other, self.now), wards=(ward,))
        other, now = (cut_to_months(known) if self.by_month else known for known in spans)
        return other, now


def parse_against(text: str) -> Against:
    """The period to compare with: before, year-before, or two days as in 2025-01-01:2025-04-01, the second left out.

    UsageError for anything else.
    """
    named = next((name for name in AGAINST if name == text.strip().replace("-", "_")), None)
    if named:
        return named
    first, colon, end = text.partition(":")
    if not colon:
        raise UsageError(
            "The period to compare with is before, year-before, or two days with a colon between them",
            f"it was written as {text[:40]!r}",
            "write for example 2025-01-01:2025-04-01, which ends before the second day",
        )
    period = parse_day(first), parse_day(end)
    if period[0] >= period[1]:
        raise UsageError(
            "A period ends after it begins",
            f"{text[:40]!r} does not",
            "write the earlier day first; the second day no longer counts",
        )
    return period


def put_in_order(
    columns: Columns, event_filter: Filter, against: Against, *, time_zone: str
) -> tuple[Filter, Against, Period | None, list[str]]:
    """The filter and the period to compare with, the later of two free periods as the filter's.

    Then the part of the filter's period that the records cover (None: there is none), and sentences on all this.
    """
    now, notes = clip_period(columns, event_filter, time_zone=time_zone)
    if now is None or isinstance(against, str) or against[0] < now[1]:
        return event_filter, against, now, notes
    later = replace(event_filter, start=against[0], end=against[1])
    covered, more = clip_period(columns, later, time_zone=time_zone)
    return later, now, covered, [*notes, _LATER_IS_NOW, *more]


def choose_periods(
    columns: Columns, event_filter: Filter, spec: LayerSpec, now: Period, *, against: Against, time_zone: str
) -> ComparedPeriods:
    """The periods to compare with `now`, a period of records: the one before it, the same dates a year before, or any.

    Of records that are mostly known only to their month, both are cut to whole months.
    """
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=event_filter.reported_by)
    other = _find_other(now, against)
    spans: Spans = ((other[0], now[1]),) if isinstance(against, str) else (other, now)
    month_only = _find_month_share(columns, event_filter, spans, time_zone)
    notes = []
    by_month = spec.kind == "incident" and month_only > _MOST_OF
    if by_month:
        free = () if isinstance(against, str) else (other,)
        whole = [cut_to_months((period,)) for period in (now, *free)]
        if not all(whole):
            return _refuse_parts_of_months(spec, now, other, (now, *free)[whole.index(())])
        if [months[0] for months in whole] != [now, *free]:
            notes.append(_MONTHS)
        now, other = whole[0][0], whole[1][0] if free else other
    if isinstance(against, str) and month_only and cut_to_months((now,)) == (now,):
        other = _find_other_months(now, against)
    is_free = not isinstance(against, str)
    if is_free and (misfit := _describe_misfit(spec, now, other)):
        return ComparedPeriods(spec.name, now, other, (), (), by_month, misfit, misfit, tuple(notes), fit=False)
    known, are_known = _find_known(coverage, spec, (other, now), event_filter.wards, by_month=by_month)
    refusal = _describe_refusal(
        coverage, spec, (other, now), (known[0], known[1]), event_filter.wards, are_known=are_known
    )
    if is_free and not refusal:
        notes += _describe_lengths(now, other, (known[0], known[1]))
    return ComparedPeriods(
        layer=spec.name,
        now=now,
        other=other,
        known_now=known[1],
        known_other=known[0],
        by_month=by_month,
        missing=_describe_missing(coverage, spec, (other, now), event_filter.wards),
        refusal=refusal,
        notes=(*notes, *_describe_rates(coverage, spec, (other, now), (known[0], known[1]), event_filter.wards)),
    )


def is_known_enough(period: Period, known: Spans) -> bool:
    """Whether at least half of the days of a period are known."""
    return count_days(known) >= _LEAST_KNOWN * (period[1] - period[0]).days and bool(known)


def cut_to_months(spans: Sequence[Span]) -> Spans:
    """The whole calendar months in spans, those in a row as one span."""
    starts = [(month, end) for start, end in spans for month in list_months(start, end)]
    return join_spans((month, find_month_start(month, 1)) for month, end in starts if find_month_start(month, 1) <= end)


def _find_other(now: Period, against: Against) -> Period:
    if not isinstance(against, str):
        return against
    return find_period_before(now) if against == "before" else find_year_before(now)


def _find_other_months(now: Period, against: Against) -> Period:
    """The period to compare with, for a period of whole months: as many months before, or the same a year before."""
    if against == "year_before":
        return find_year_before(now)
    return find_month_start(now[0], -len(list_months(*now))), now[0]


def _find_month_share(columns: Columns, event_filter: Filter, spans: Spans, time_zone: str) -> float:
    """The share of the chosen events of some days that are known only to their month."""
    selection = select_known(columns, replace(event_filter, hours=None, days=frozenset()), spans, time_zone=time_zone)
    return find_month_only_share(columns, selection.index)


def _find_known(
    coverage: Coverage, spec: LayerSpec, periods: tuple[Period, Period], wards: tuple[str, ...], *, by_month: bool
) -> tuple[tuple[Spans, ...], bool]:
    """The days of both periods that the same sources cover, and True; where too few are known, those that are."""
    known = tuple(coverage.find_known_in(spec.name, period, wards=wards) for period in periods)
    comparable = coverage.find_comparable(spec.name, periods, wards=wards)
    known, comparable = (tuple(map(cut_to_months, spans)) if by_month else spans for spans in (known, comparable))
    return (comparable, True) if all(map(is_known_enough, periods, known)) else (known, False)


def _refuse_parts_of_months(spec: LayerSpec, now: Period, other: Period, part: Period) -> ComparedPeriods:
    refusal = (
        f"There is nothing to compare. Most records are known only to their month, and {format_span(*part)} holds no "
        "whole month."
    )
    return ComparedPeriods(spec.name, now, other, (), (), by_month=True, missing=refusal, refusal=refusal, notes=())


def _describe_missing(
    coverage: Coverage, spec: LayerSpec, periods: tuple[Period, Period], wards: tuple[str, ...]
) -> str | None:
    """As in "Mar 2024 and 3 to 9 May 2024 are not known."; None where both periods are known."""
    missing = join_spans(span for period in periods for span in coverage.find_missing(spec.name, period, wards=wards))
    return f"{format_not_known(missing)}." if missing else None


def _describe_misfit(spec: LayerSpec, now: Period, other: Period) -> str | None:
    """Why two free periods cannot be compared, whatever is known of them; None where they can."""
    shared = max(other[0], now[0]), min(other[1], now[1])
    if shared[0] < shared[1]:
        return (
            f"There is no comparison, because both periods hold {format_span(*shared)}. Choose two that share no day."
        )
    if spec.kind == "state" and now[1] - now[0] != other[1] - other[0]:
        return (
            f"There is no comparison, because more {spec.many} are in force in a longer period. Choose two of the same "
            "length."
        )
    return None


def _describe_lengths(now: Period, other: Period, known: tuple[Spans, Spans]) -> list[str]:
    """That free periods of different lengths are compared by rates; where days are missing, another note says so."""
    days = [(end - start).days for start, end in (other, now)]
    if days[0] == days[1] or days != [count_days(spans) for spans in known]:
        return []
    length = format_plural(days[1], "day", "days")
    return [f"The periods have {length} now and {days[0]:,} before. Their rates are compared."]


def _describe_refusal(
    coverage: Coverage,
    spec: LayerSpec,
    periods: tuple[Period, Period],
    known: tuple[Spans, Spans],
    wards: tuple[str, ...],
    *,
    are_known: bool,
) -> str | None:
    """Why there is no comparison; None where at least half of the days of each period can be compared.

    `are_known`: as many are known, but not from the same sources.
    """
    lacking = [(period, days) for period, days in zip(periods, known, strict=True) if not is_known_enough(period, days)]
    if not lacking:
        return None
    if are_known:
        return f"There is no comparison, because {_describe_sources(coverage, spec, periods, wards)}."
    reach = coverage.find_reach(spec.name, wards=wards)
    if reach and periods[0][0] < reach[0]:
        return (
            f"There is nothing to compare with. The records begin on {format_date(reach[0])}, and the comparison needs "
            f"those of {format_span(*periods[0])}."
        )
    period, days = lacking[0]
    total = (period[1] - period[0]).days
    share = f"{format_number(count_days(days))} of the {format_number(total)} days" if days else "no day"
    missing = _describe_missing(coverage, spec, periods, wards) if days or len(lacking) > 1 else ""
    fact = f"{share} from {format_span(*period)} {'are' if count_days(days) > 1 else 'is'} known"
    return f"There is no comparison, because {fact}. {missing}".strip()


def _describe_sources(
    coverage: Coverage, spec: LayerSpec, periods: tuple[Period, Period], wards: tuple[str, ...]
) -> str:
    """Which sources begin or end: "the same sources do not cover both periods: sweep-log begins on 1 Jun 2026"."""
    changes = coverage.find_source_changes(spec.name, (periods[0][0], periods[1][1]), wards=wards)
    parts = [f"{change.source} {change.verb} on {format_date(change.day)}" for change in changes]
    reason = f": {format_list(parts)}" if parts else ""
    return f"the same sources do not cover both periods{reason}"


def _describe_rates(
    coverage: Coverage,
    spec: LayerSpec,
    periods: tuple[Period, Period],
    known: tuple[Spans, Spans],
    wards: tuple[str, ...],
) -> list[str]:
    """That rates over the known days are compared, and which days between the two periods are not known."""
    notes = []
    totals = [(end - start).days for start, end in periods]
    days = [count_days(spans) for spans in known]
    is_compared = all(starmap(is_known_enough, zip(periods, known, strict=True)))
    if is_compared and days != totals:
        before, now = (f"{part:,} of {whole:,} days" for part, whole in zip(days, totals, strict=True))
        notes.append(f"Only known days count: {now} now and {before} before. Their rates are compared.")
        all_known = [coverage.find_known_in(spec.name, period, wards=wards) for period in periods]
        if left_out := join_spans(
            part for spans, own in zip(all_known, known, strict=True) for part in subtract_spans(spans, own)
        ):
            sources = _describe_sources(coverage, spec, periods, wards)
            notes.append(f"{format_left_out(left_out)}, because {sources}.")
    between = (periods[0][1], periods[1][0])
    if between[0] < between[1] and (gap := coverage.describe_missing(spec.name, between, wards=wards)):
        notes.append(f"Between the two periods {gap}.")
    return notes
