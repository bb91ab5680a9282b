"""Which days are known: equal to the plain sets of days, and never more than was said."""

import datetime as dt
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.coverage import (
    Coverage,
    CoverageEntry,
    CoverageKind,
    SourceChange,
    Span,
    count_days,
    intersect_spans,
    join_spans,
    subtract_spans,
)

D = dt.date
WARDS = ("A", "B")
DAY0 = D(2024, 1, 1)
NEEDLES = "needle_litter"


def day(number: int) -> dt.date:
    return DAY0 + dt.timedelta(days=number)


def entry(
    start: dt.date,
    end: dt.date,
    *,
    source: str = "log",
    kind: CoverageKind = "load",
    wards: tuple[str, ...] | None = None,
    scope: str = "",
) -> CoverageEntry:
    return CoverageEntry(NEEDLES, source, scope, start, end, kind, wards)


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6).map(
    lambda pairs: [(day(min(pair)), day(max(pair))) for pair in pairs]
)


def to_days(spans: Iterable[Span]) -> set[int]:
    """The days of the spans, as ordinals: dates of many years would take most of the test's time."""
    return set().union(*(range(start.toordinal(), end.toordinal()) for start, end in spans))


@pytest.mark.slow
@given(SPANS, SPANS)
def test_spans_are_sets_of_days(these: list[Span], those: list[Span]) -> None:
    for spans, days in (
        (join_spans(these), to_days(these)),
        (intersect_spans(these, those), to_days(these) & to_days(those)),
        (subtract_spans(these, those), to_days(these) - to_days(those)),
    ):
        assert to_days(spans) == days
        assert count_days(spans) == len(days)
        assert all(start < end for start, end in spans)
        assert all(before[1] < after[0] for before, after in pairwise(spans))


@pytest.mark.slow
@given(SPANS, st.tuples(st.integers(-5, 30), st.integers(31, 70)))
def test_a_period_is_known_or_missing(spans: list[Span], bounds: tuple[int, int]) -> None:
    coverage = Coverage(tuple(entry(start, end) for start, end in spans if start < end), WARDS)
    period = (day(bounds[0]), day(bounds[1]))
    known, missing = coverage.find_known_in(NEEDLES, period), coverage.find_missing(NEEDLES, period)
    assert to_days(known) == to_days(spans) & to_days([period])
    assert to_days(known) | to_days(missing) == to_days([period])
    assert not to_days(known) & to_days(missing)
    expected = "known" if not missing else "partly known" if known else "not known"
    assert coverage.judge(NEEDLES, period) == expected
    assert (coverage.describe_missing(NEEDLES, period) is None) == (not missing)


@pytest.mark.slow
@given(SPANS, st.randoms())
def test_the_order_of_loads_does_not_matter(spans: list[Span], random: object) -> None:
    entries = [entry(start, end) for start, end in spans if start < end]
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Coverage(tuple(entries), WARDS).find_known(NEEDLES) == Coverage(tuple(shuffled), WARDS).find_known(NEEDLES)


def test_nothing_said_is_nothing_known() -> None:
    coverage = Coverage((), WARDS)
    assert coverage.judge(NEEDLES, (day(0), day(9))) == "not known"
    assert coverage.find_reach(NEEDLES) is None
    assert coverage.layers == ()
    assert coverage.list_spans() == []


def test_a_running_log_is_complete_between_its_loads_and_other_files_are_not() -> None:
    parts = ((day(0), day(5)), (day(20), day(25)))
    assert Coverage(tuple(entry(*p, kind="open") for p in parts), WARDS).find_known(NEEDLES) == ((day(0), day(25)),)
    assert Coverage(tuple(entry(*p) for p in parts), WARDS).find_known(NEEDLES) == parts
    backwards = tuple(entry(*p, kind="open") for p in reversed(parts))
    assert Coverage(backwards, WARDS).find_known(NEEDLES) == ((day(0), day(25)),)


def test_a_correction_outlasts_later_loads() -> None:
    march = (D(2024, 3, 1), D(2024, 4, 1))
    cleared = entry(*march, kind="cleared", source="")
    coverage = Coverage((entry(day(0), day(50), kind="open"), cleared, entry(day(120), day(130), kind="open")), WARDS)
    assert coverage.find_missing(NEEDLES, (day(0), day(130))) == (march,)
    assert coverage.describe_missing(NEEDLES, (day(0), day(130))) == "Mar 2024 is not known"
    again = Coverage((*coverage.entries, entry(*march, kind="set")), WARDS)
    assert again.find_missing(NEEDLES, (day(0), day(130))) == ()


def test_wards_may_differ() -> None:
    coverage = Coverage((entry(day(0), day(30), wards=("A",)), entry(day(10), day(40), wards=("B",))), WARDS)
    assert coverage.find_known(NEEDLES) == ((day(10), day(30)),)
    assert coverage.find_partly_known(NEEDLES) == ((day(0), day(10)), (day(30), day(40)))
    assert coverage.find_known(NEEDLES, wards=("A",)) == ((day(0), day(30)),)
    assert coverage.find_reach(NEEDLES, wards=("B",)) == (day(10), day(40))
    assert coverage.judge(NEEDLES, (day(0), day(5))) == "partly known"
    assert [(span.start, span.wards) for span in coverage.list_spans()] == [(day(0), ("A",)), (day(10), ("B",))]


def test_sources_side_by_side_are_known_together_and_followers_either() -> None:
    together = (entry(day(0), day(200), source="council"), entry(day(100), day(300), source="police"))
    coverage = Coverage(together, WARDS)
    assert coverage.find_known(NEEDLES) == ((day(100), day(200)),)
    assert coverage.find_partly_known(NEEDLES) == ((day(0), day(100)), (day(200), day(300)))
    handover = (entry(day(0), day(110), source="old log"), entry(day(100), day(300), source="new log"))
    assert Coverage(handover, WARDS).find_known(NEEDLES) == ((day(0), day(300)),)


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ([(D(2024, 3, 1), D(2024, 4, 1))], "Mar 2024 is not known"),
        ([(D(2024, 3, 1), D(2024, 5, 1))], "Mar to Apr 2024 are not known"),
        ([(D(2023, 12, 1), D(2024, 2, 1))], "Dec 2023 to Jan 2024 are not known"),
        ([(D(2024, 5, 3), D(2024, 5, 10))], "3 to 9 May 2024 are not known"),
        ([(D(2024, 5, 3), D(2024, 5, 4))], "3 May 2024 is not known"),
        (
            [(D(2024, 1, 2), D(2024, 2, 5)), (D(2024, 7, 1), D(2024, 8, 1))],
            "2 Jan to 4 Feb 2024 and Jul 2024 are not known",
        ),
    ],
)  # fmt: skip
def test_missing_days_have_plain_words(spans: list[Span], words: str) -> None:
    whole = (D(2023, 1, 1), D(2025, 1, 1))
    coverage = Coverage(tuple(entry(*span) for span in subtract_spans([whole], spans)), WARDS)
    assert coverage.describe_missing(NEEDLES, whole) == words


SOURCE_DAYS = st.dictionaries(st.sampled_from(["council", "police", "sweeps"]), SPANS, max_size=3)


@pytest.mark.slow
@given(SOURCE_DAYS, SOURCE_DAYS, st.tuples(st.integers(0, 20), st.integers(21, 40), st.integers(41, 60)))
def test_a_comparison_is_of_days_that_the_same_sources_cover(
    of_a: dict[str, list[Span]], of_b: dict[str, list[Span]], bounds: tuple[int, int, int]
) -> None:
    entries = tuple(
        entry(start, end, source=source, wards=(ward,))
        for ward, sources in (("A", of_a), ("B", of_b))
        for source, spans in sources.items()
        for start, end in spans
        if start < end
    )
    coverage, periods = Coverage(entries, WARDS), ((day(bounds[0]), day(bounds[1])), (day(bounds[1]), day(bounds[2])))

    days_of = [{source: to_days(spans) for source, spans in sources.items()} for sources in (of_a, of_b)]

    def find_sources(one: int) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(source for source, days in sources.items() if one in days) for sources in days_of)

    other, now = coverage.find_comparable(NEEDLES, periods)
    compared = to_days(other) | to_days(now)
    assert len({find_sources(one) for one in compared}) <= 1
    assert to_days(other) <= to_days(coverage.find_known_in(NEEDLES, periods[0]))
    assert to_days(now) <= to_days(coverage.find_known_in(NEEDLES, periods[1]))
    assert bool(other) == bool(now)
    known = [{one: find_sources(one) for one in to_days(coverage.find_known_in(NEEDLES, part))} for part in periods]
    assert bool(compared) == bool(set(known[0].values()) & set(known[1].values()))
    groups = [to_days(group) for group in coverage.group_known(NEEDLES)]
    assert set().union(*groups) == to_days(coverage.find_known(NEEDLES))
    assert sum(map(len, groups)) == count_days(coverage.find_known(NEEDLES))
    whole = (day(0), day(61))
    baseline = to_days(coverage.find_known_like_last(NEEDLES, whole))
    known_days = to_days(coverage.find_known(NEEDLES))
    assert baseline == {one for one in known_days if find_sources(one) == find_sources(max(known_days))}


def test_a_change_of_sources_is_no_comparison() -> None:
    handover = (entry(day(0), day(110), source="old log"), entry(day(100), day(300), source="new log"))
    coverage = Coverage(handover, WARDS)
    assert coverage.find_comparable(NEEDLES, ((day(40), day(70)), (day(70), day(100)))) == (
        ((day(40), day(70)),), ((day(70), day(100)),)
    )  # fmt: skip
    assert coverage.find_comparable(NEEDLES, ((day(70), day(105)), (day(105), day(140)))) == (
        ((day(100), day(105)),), ((day(105), day(110)),)
    )  # fmt: skip
    assert coverage.find_comparable(NEEDLES, ((day(60), day(90)), (day(120), day(150)))) == ((), ())
    changes = coverage.find_source_changes(NEEDLES, (day(60), day(150)))
    assert changes == [SourceChange("new log", "begins", day(100)), SourceChange("old log", "ends", day(109))]


def test_only_sources_that_bring_such_reporters_count_for_them() -> None:
    entries = (entry(day(0), day(50), source="reports"), entry(day(45), day(90), source="sweeps"))
    pairs = (("reports", "public"), ("reports", "officer"), ("sweeps", "sweep"))
    reporters = frozenset((NEEDLES, *pair) for pair in pairs)
    coverage = Coverage(entries, WARDS, reporters)
    assert coverage.find_known(NEEDLES) == ((day(0), day(90)),)
    assert coverage.narrow(()) == coverage
    assert coverage.narrow(("public",)).find_known(NEEDLES) == ((day(0), day(50)),)
    assert coverage.narrow(("sweep",)).find_known(NEEDLES) == ((day(45), day(90)),)
    assert coverage.narrow(("sweep", "officer")).find_known(NEEDLES) == ((day(0), day(90)),)
    assert coverage.narrow(("agency",)).find_known(NEEDLES) == ()
    without_events = Coverage((*entries, entry(day(80), day(99), source="new log")), WARDS, reporters)
    assert without_events.narrow(("agency",)).find_known(NEEDLES) == ((day(80), day(99)),)
