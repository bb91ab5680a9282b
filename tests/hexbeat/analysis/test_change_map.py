"""What changed: parity with geo, wards by the events' own ward, and where too few events say nothing."""

import datetime as dt

import numpy as np
import pytest

from geo.change import compare_periods
from hexbeat.analysis.change_map import FALL, RISE, TOO_FEW, UNCLEAR, build_change_map
from hexbeat.analysis.study import load_study, sum_by_cell
from layers.counting import count, select
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
    assert found.notes == ("The records end on 21 Nov 2026. Later days are left out.",)


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


def test_months_shared_between_both_periods_are_said() -> None:
    events = [Event(local("2026-03-01 00:00"), local("2026-04-01 00:00"), precision="month") for _ in range(4)]
    chosen = Filter(layers=("needle_litter",), start=D(2026, 3, 16), end=D(2026, 3, 31))
    found = build_change_map(columns_of(events), chosen, load_study(middlesbrough()))
    assert found.shared_in_time == 8
    assert " ".join(found.notes) == (
        "Up to 100 % of the needle finds are known only to their month. Periods within one month share them, and look "
        "more similar than they were."
    )


@pytest.mark.parametrize("wards", [("E05009857",), ("E05009857", "E05009865")])
def test_chosen_wards_only(wards: tuple[str, ...]) -> None:
    columns, _ = demonstration()
    found = build_change_map(columns, NOW, load_study(middlesbrough(), wards))
    assert found.wards["ward_code"].tolist() == list(wards)
    assert found.cells["now"].sum() == found.wards["now"].sum() == found.whole["now"].sum()
