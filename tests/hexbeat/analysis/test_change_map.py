"""What changed: parity with geo, wards by the events' own ward, and where too few events say nothing."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from geo.calendar import find_month_start
from geo.change import compare_periods
from hexbeat.analysis.change_map import (
    FALL,
    NOT_KNOWN,
    ONE_OF_MANY,
    RISE,
    TOO_FEW,
    UNCLEAR,
    build_change_map,
    is_one_of_many,
)
from hexbeat.analysis.change_periods import cut_to_months
from hexbeat.analysis.study import load_study, sum_by_cell
from layers.columns import Columns
from layers.counting import count, select
from layers.coverage import Coverage, CoverageEntry
from layers.filters import Filter
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import Event, columns_of, local

D = dt.date
NOW = Filter(layers=("needle_litter",), start=D(2026, 10, 25), end=D(2026, 11, 22))
BEFORE = Filter(layers=("needle_litter",), start=D(2026, 9, 27), end=D(2026, 10, 25))
WORDS = {1: RISE, -1: FALL, 0: UNCLEAR}


def test_cells_are_compared_as_geo_compares_them() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    now, before = (sum_by_cell(columns, select(columns, one), study)[0] for one in (NOW, BEFORE))
    plain = compare_periods(before, now, days_before=28, days_now=28)
    found = build_change_map(columns, NOW, study)
    assert (found.now, found.other) == ((NOW.start, NOW.end), (BEFORE.start, BEFORE.end))
    assert found.cells["difference"].tolist() == (now - before).tolist()
    for name, values in (("ratio_low", plain.low), ("ratio_high", plain.high), ("p_value", plain.p)):
        assert np.array_equal(found.cells[name], values)
    assert np.array_equal(found.cells["q_value"], plain.q, equal_nan=True)
    kinds = np.where((plain.low > 1) | (plain.high < 1), plain.kind, 0).tolist()
    words = [TOO_FEW if few else WORDS[kind] for few, kind in zip(plain.too_few, kinds, strict=True)]
    assert found.cells["change"].tolist() == words
    assert TOO_FEW in words


def test_an_interval_that_includes_1_is_no_clear_change() -> None:
    """Seven events after one: the E-test has p = 0.03, yet the exact interval begins at 0.9."""
    days = ["2026-01-01", "2026-02-26", *["2026-03-03"] * 6, "2026-03-05"]
    events = columns_of([Event(local(f"{day} 10:00")) for day in days])
    chosen = Filter(layers=("needle_litter",), start=D(2026, 3, 1), end=D(2026, 3, 6))
    (row,) = build_change_map(events, chosen, load_study(middlesbrough())).whole.to_dict("records")
    assert (row["now"], row["before"]) == (7, 1)
    assert row["p_value"] < 0.05
    assert row["ratio_low"] < 1
    assert row["change"] == UNCLEAR


def test_wards_count_their_own_events() -> None:
    columns, _ = demonstration()
    area = middlesbrough()
    found = build_change_map(columns, NOW, load_study(area))
    plain = count(columns, NOW, by=("ward",), wards=area.wards).rows.set_index("ward_code")["count"]
    assert found.wards["ward_code"].tolist() == list(area.wards.codes)
    assert found.wards["ward_name"].tolist() == list(area.wards.names)
    assert (
        found.wards.set_index("ward_code")["now"].to_dict() == plain.reindex(area.wards.codes, fill_value=0).to_dict()
    )
    assert found.whole["now"].tolist() == [plain.sum()]
    assert found.missing is None


def test_the_planted_spike_is_a_rise() -> None:
    columns, truth = demonstration()
    start, end = (D.fromisoformat(truth["spike"][name]) for name in ("from", "to"))
    spike = Filter(layers=("overdoses",), start=start, end=end)
    for against in ("before", "year_before"):
        found = build_change_map(columns, spike, load_study(middlesbrough()), against=against)
        risen = found.wards[found.wards["change"] == RISE]
        assert set(risen["ward_code"]) <= set(truth["spike"]["ward_codes"])
        assert len(risen) >= 1
        assert found.whole["change"].tolist() == [RISE]


def test_a_year_before_has_the_same_dates() -> None:
    columns, _ = demonstration()
    found = build_change_map(columns, NOW, load_study(middlesbrough()), against="year_before")
    assert found.other == (D(2025, 10, 25), D(2025, 11, 22))


def test_too_little_history_is_said() -> None:
    columns, _ = demonstration()
    early = Filter(layers=("needle_litter",), start=D(2023, 12, 1), end=D(2024, 1, 1))
    found = build_change_map(columns, early, load_study(middlesbrough()))
    assert found.missing == (
        "There is nothing to compare with. The records begin on 22 Nov 2023, and the comparison needs those of 31 Oct "
        "to 30 Nov 2023."
    )
    assert len(found.cells) == len(found.wards) == len(found.whole) == 0
    assert "change" in found.cells.columns


def test_days_that_nobody_loaded_are_no_fall() -> None:
    columns, _ = demonstration()
    open_end = Filter(layers=("needle_litter",), start=D(2026, 10, 25), end=D(2026, 12, 25))
    found = build_change_map(columns, open_end, load_study(middlesbrough()))
    assert found.now == (NOW.start, NOW.end)
    assert found.notes[:-1] == ("The records end on 21 Nov 2026. Later days are left out.",)
    assert found.notes[-1].endswith(ONE_OF_MANY)


def test_no_records_at_all() -> None:
    columns = columns_of([Event(local("2026-03-05 10:00"))])
    found = build_change_map(columns, Filter(layers=("overdoses",)), load_study(middlesbrough()))
    assert found.missing == "No overdoses have been loaded."
    assert found.now is None


def test_closures_are_shown_and_not_tested() -> None:
    columns, _ = demonstration()
    closures = Filter(layers=("closed_properties",), start=D(2026, 8, 1), end=D(2026, 11, 1))
    found = build_change_map(columns, closures, load_study(middlesbrough()))
    assert found.wards["q_value"].isna().all()
    assert (found.wards["change"] == "").all()
    assert found.notes == ("Closures may be in force in both periods, so differences are shown but not tested.",)


def month_events(counts: dict[str, int]) -> list[Event]:
    """So many events known only to each month, as in {"2026-03": 4}."""
    spans = {
        month: (D.fromisoformat(f"{month}-01"), find_month_start(D.fromisoformat(f"{month}-01"), 1)) for month in counts
    }
    return [
        Event(*(local(f"{day} 00:00") for day in spans[month]), precision="month")
        for month, number in counts.items()
        for _ in range(number)
    ]


def test_a_part_of_a_month_is_not_compared_where_only_months_are_known() -> None:
    chosen = Filter(layers=("needle_litter",), start=D(2026, 3, 16), end=D(2026, 3, 31))
    found = build_change_map(columns_of(month_events({"2026-03": 4})), chosen, load_study(middlesbrough()))
    assert found.missing == (
        "There is nothing to compare. Most records are known only to their month, and 16 Mar to 30 Mar 2026 holds no "
        "whole month."
    )
    assert not found.is_compared


def test_months_shared_between_both_periods_are_said() -> None:
    days = [Event(local(f"2026-03-{day:02d} 10:00")) for day in range(1, 31)]
    chosen = Filter(layers=("needle_litter",), start=D(2026, 3, 16), end=D(2026, 3, 31))
    columns = columns_of([*days, *month_events({"2026-03": 4})])
    found = build_change_map(columns, chosen, load_study(middlesbrough()))
    assert found.shared_in_time == 8
    assert " ".join(found.notes) == (
        "Up to 21 % of the needle finds are known only to their month. Periods within one month share them, and look "
        "more similar than they were."
    )


def test_months_are_compared_with_months() -> None:
    """A day's sliver of June would be a third of a record."""
    columns = columns_of(month_events({f"2024-{month:02d}": 10 for month in range(1, 13)}))
    half = Filter(layers=("needle_litter",), start=D(2024, 7, 1), end=D(2025, 1, 1))
    found = build_change_map(columns, half, load_study(middlesbrough()))
    assert (found.now, found.other) == ((D(2024, 7, 1), D(2025, 1, 1)), (D(2024, 1, 1), D(2024, 7, 1)))
    assert found.whole[["now", "before"]].to_numpy().tolist() == [[60, 60]]
    assert found.shared_in_time == 0
    assert found.missing is None
    late = Filter(layers=("needle_litter",), start=D(2024, 8, 20), end=D(2024, 12, 20))
    found = build_change_map(columns, late, load_study(middlesbrough()))
    assert (found.now, found.other) == ((D(2024, 9, 1), D(2024, 12, 1)), (D(2024, 6, 1), D(2024, 9, 1)))
    assert found.notes[0] == "Most records are known only to their month, so only whole months are compared."
    assert found.whole[["now", "before"]].to_numpy().tolist() == [[30, 30]]


def cover(columns: Columns, *spans: tuple[D, D]) -> Columns:
    """The columns with these days of needle finds known."""
    entries = tuple(CoverageEntry("needle_litter", "log", "", start, end) for start, end in spans)
    return replace(columns, coverage=Coverage(entries, columns.ward_codes))


def days_of(start: D, end: D, ward: str = "E05009857") -> list[Event]:
    """One event at noon of each day."""
    return [Event(local(f"{start + dt.timedelta(days=k)} 12:00"), ward=ward) for k in range((end - start).days)]


def test_a_gap_before_is_never_a_rise() -> None:
    """Two spans of records: what lies between them is not known, and not none."""
    spans = (D(2023, 1, 1), D(2023, 4, 1)), (D(2024, 1, 1), D(2024, 4, 1))
    columns = cover(columns_of([event for span in spans for event in days_of(*span)]), *spans)
    chosen = Filter(layers=("needle_litter",), start=D(2024, 1, 1), end=D(2024, 4, 1))
    found = build_change_map(columns, chosen, load_study(middlesbrough()))
    assert found.missing == ("There is no comparison, because no day from 2 Oct to 31 Dec 2023 is known.")
    assert len(found.cells) == len(found.wards) == len(found.whole) == 0
    year = build_change_map(columns, chosen, load_study(middlesbrough()), against="year_before")
    assert year.whole[["now", "before", "change"]].to_numpy().tolist() == [[91, 90, UNCLEAR]]
    assert year.missing is None
    assert year.notes == ("Between the two periods Apr to Dec 2023 are not known.",)


def test_rates_of_known_days_are_compared() -> None:
    """One event a day, and 11 days of February without records: no fall."""
    gap = D(2024, 2, 10), D(2024, 2, 21)
    spans = (D(2024, 1, 1), gap[0]), (gap[1], D(2024, 4, 1))
    columns = cover(columns_of([event for span in spans for event in days_of(*span)]), *spans)
    chosen = Filter(layers=("needle_litter",), start=D(2024, 2, 1), end=D(2024, 3, 1))
    found = build_change_map(columns, chosen, load_study(middlesbrough()))
    (row,) = found.whole.to_dict("records")
    assert (row["now"], row["before"], row["ratio"], row["difference"]) == (18, 29, 1, 0)
    assert row["change"] == UNCLEAR
    assert found.missing == "10 to 20 Feb 2024 are not known."
    assert found.notes == (
        "Only known days count: 18 of 29 days now and 29 of 29 days before. Their rates are compared.",
    )


@pytest.mark.parametrize(("known", "compared"), [(14, False), (15, True)])
def test_less_than_half_of_the_days_is_no_comparison(known: int, compared: bool) -> None:  # noqa: FBT001 - a case
    spans = (D(2024, 1, 1), D(2024, 1, 1) + dt.timedelta(days=known)), (D(2024, 1, 30), D(2024, 4, 1))
    columns = cover(columns_of([event for span in spans for event in days_of(*span)]), *spans)
    chosen = Filter(layers=("needle_litter",), start=D(2024, 1, 30), end=D(2024, 2, 28))
    found = build_change_map(columns, chosen, load_study(middlesbrough()))
    assert found.is_compared == compared
    missing = f"{1 + known} to 29 Jan 2024 are not known."
    few = f"There is no comparison, because 14 of the 29 days from 1 Jan to 29 Jan 2024 are known. {missing}"
    assert found.missing == (missing if compared else few)


def test_each_ward_speaks_for_the_days_that_it_knows() -> None:
    """Two councils, two logs: one of them was not kept in January."""
    kept, not_kept = "E05009857", "E05009865"
    january, february = (D(2024, 1, 1), D(2024, 2, 1)), (D(2024, 2, 1), D(2024, 3, 1))
    columns = columns_of([*days_of(january[0], february[1]), *days_of(*february, ward=not_kept)])
    entries = (
        CoverageEntry("needle_litter", "log", "", january[0], february[1], wards=(kept,)),
        CoverageEntry("needle_litter", "log", "", *february, wards=(not_kept,)),
    )
    columns = replace(columns, coverage=Coverage(entries, columns.ward_codes))
    chosen = Filter(layers=("needle_litter",), start=D(2024, 2, 1), end=D(2024, 3, 1))
    found = build_change_map(columns, chosen, load_study(middlesbrough()))
    wards = found.wards.set_index("ward_code")
    assert wards.loc[kept, ["now", "before", "change"]].tolist() == [29, 29, UNCLEAR]
    assert wards.loc[not_kept, "change"] == NOT_KNOWN
    assert wards.loc[not_kept, ["now", "before", "p_value"]].isna().all()
    assert not found.is_compared
    assert found.missing == ("There is no comparison, because no day from 3 Jan to 31 Jan 2024 is known.")


def test_whole_months_of_spans() -> None:
    spans = ((D(2024, 1, 5), D(2024, 4, 1)), (D(2024, 5, 1), D(2024, 5, 31)), (D(2024, 12, 1), D(2025, 1, 1)))
    assert cut_to_months(spans) == ((D(2024, 2, 1), D(2024, 4, 1)), (D(2024, 12, 1), D(2025, 1, 1)))


@pytest.mark.parametrize("wards", [("E05009857",), ("E05009857", "E05009865")])
def test_chosen_wards_only(wards: tuple[str, ...]) -> None:
    columns, _ = demonstration()
    found = build_change_map(columns, NOW, load_study(middlesbrough(), wards))
    assert found.wards["ward_code"].tolist() == list(wards)
    assert found.cells["now"].sum() == found.wards["now"].sum() == found.whole["now"].sum()


def test_a_place_that_changed_only_by_itself_is_explained() -> None:
    """One of many cells has 12 after 3: its interval leaves out 1, but among so many it is not clear."""
    events = [
        Event(local(f"2026-{month}-{day:02d} 12:00"), lon=-1.30 + 0.006 * cell)
        for cell in range(21)
        for month, number in (("03", 3 if cell == 7 else 6), ("04", 12 if cell == 7 else 6))
        for day in range(2, number + 2)
    ]
    columns = cover(columns_of(events), (D(2026, 3, 1), D(2026, 5, 1)))
    chosen = Filter(layers=("needle_litter",), start=D(2026, 4, 1), end=D(2026, 5, 1))
    found = build_change_map(columns, chosen, load_study(middlesbrough()))
    alone = found.cells[is_one_of_many(found.cells)]
    assert alone[["now", "before", "change"]].to_numpy().tolist() == [[12.0, 3.0, UNCLEAR]]
    assert found.notes[-1] == f"1 cell has no clear change although the interval leaves out 1. {ONE_OF_MANY}"
