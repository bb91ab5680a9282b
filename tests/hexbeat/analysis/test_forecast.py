"""The forecast of the next week: made as the back-test judged it, over the whole area, in the order of looking."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from hexbeat.analysis.daily_counts import count_weeks
from hexbeat.analysis.forecast import build_forecast
from hexbeat.analysis.forecast_methods import METHODS, build_kernel, forecast
from hexbeat.analysis.method_selection import SelectedMethod
from hexbeat.analysis.study import load_study
from tests.support.demonstrations import demonstration, middlesbrough, select_for
from tests.support.events import Event, columns_of

FIRST = int(dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC).timestamp())
BEST = SelectedMethod("all_history", 9, True, "", dt.date(2026, 11, 22), 13, 0.4)


@pytest.mark.parametrize("method", METHODS)
def test_numbers_are_the_methods_own(method: str) -> None:
    columns, _ = demonstration()
    found = build_forecast(columns, middlesbrough(), "needle_litter", dataclasses.replace(BEST, method=method))
    study = load_study(middlesbrough())
    counts = count_weeks(columns, "needle_litter", study, tested_weeks=1, time_zone="Europe/London").counts
    scores = dict(zip(study.names, forecast(method, counts, study, build_kernel(study, counts)), strict=True))
    assert found.rows["score"].tolist() == [scores[cell] for cell in found.rows["cell"]]
    density = found.rows["score"] / (1 if method == "gi_star" else 0.105)
    assert density.diff().dropna().max() < (1e-9 if method == "gi_star" else 0.02 * density.max())  # areas differ a bit
    assert bool(found.rows["expected"].isna().all()) == (method == "gi_star")
    assert np.isnan(found.expected) == (method == "gi_star")
    assert (found.start, found.end) == (dt.date(2026, 11, 22), dt.date(2026, 11, 29))
    assert found.notes == ("1,080 needle finds are left out because sweeps found them.",)


@pytest.mark.slow
def test_bands_are_shares_of_the_area() -> None:
    columns, _ = demonstration()
    rows = build_forecast(columns, middlesbrough(), "needle_litter", select_for("needle_litter").best).rows
    assert rows["band"].is_monotonic_increasing
    shares = rows["band"].value_counts(normalize=True)
    assert [shares[band] for band in range(4)] == pytest.approx([0.01, 0.01, 0.03, 0.95], abs=0.001)


def test_wards_are_taken_from_the_forecast_of_the_whole() -> None:
    columns, _ = demonstration()
    whole = build_forecast(columns, middlesbrough(), "needle_litter", dataclasses.replace(BEST, method="kernel"))
    code = str(whole.rows["ward_code"].iloc[0])
    part = build_forecast(
        columns, middlesbrough(), "needle_litter", dataclasses.replace(BEST, method="kernel"), wards=(code,)
    )
    assert part.rows["cell"].tolist() == whole.rows.loc[whole.rows["ward_code"] == code, "cell"].tolist()
    assert part.expected == pytest.approx(whole.rows.loc[whole.rows["ward_code"] == code, "expected"].sum())
    assert (part.rows["band"] == 0).sum() == 1  # the first cell fills 1 % of one ward


def test_a_steady_place_is_expected_to_go_on() -> None:
    events = columns_of([Event(FIRST + 604_800 * week + 3600 * k) for week in range(12) for k in range(3)])
    found = build_forecast(events, middlesbrough(), "needle_litter", BEST)
    first = found.rows.iloc[0]
    # The eleven whole weeks that end with the last record's day hold the events of their last days.
    assert (first["expected"], first["last_weeks"], first["on_record"]) == (3.0, 12.0, 33.0)
    assert found.expected == 3.0
    assert found.notes == ()
