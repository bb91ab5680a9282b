"""The back-test: only the past is seen, parity with geo, and the best method wins where it must."""

import datetime as dt
import math

import h3
import numpy as np
import pytest

from geo.errors import UsageError
from geo.evaluation import prediction_accuracy
from geo.hotspots import gi_star
from geo.kernels import build_gaussian_kernel, score_recency
from hexbeat.analysis.backtest import backtest
from hexbeat.analysis.daily_counts import count_weeks
from hexbeat.analysis.forecast_methods import METHODS, build_kernel, forecast
from hexbeat.analysis.method_comparison import SHARES, compare_methods, summarise
from hexbeat.analysis.study import load_study
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import Event, columns_of

ZONE = "Europe/London"
FIRST = int(dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC).timestamp())  # a Monday


def test_weeks_end_with_the_newest_record_and_hold_every_known_event() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    weeks = count_weeks(columns, "needle_litter", study, tested_weeks=13, time_zone=ZONE)
    assert weeks.find_start(len(weeks.counts)) == dt.date(2026, 11, 22)
    assert weeks.first == dt.date(2023, 11, 26)
    assert weeks.swept == 1080
    known = (columns.layer == 0) & (columns.reported_by != 2)
    after = columns.start >= int(dt.datetime(2023, 11, 26, tzinfo=dt.UTC).timestamp())
    assert weeks.counts.sum() == np.count_nonzero(known & after) - weeks.unknown


def test_forecasts_are_those_of_geo() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    history = count_weeks(columns, "overdoses", study, tested_weeks=1, time_zone=ZONE).counts[:60]
    kernel = build_kernel(study, history)
    found = {method: forecast(method, history, study, kernel) for method in METHODS}
    ages = 7.0 * np.arange(59, -1, -1) + 3.5
    plain = score_recency(
        history, ages, build_gaussian_kernel(study.x_m, study.y_m, bandwidth_m=200), half_life_days=56
    )
    assert found["last_period"] == pytest.approx(history[-4:].sum(axis=0) / 4)
    assert found["all_history"] == pytest.approx(history.sum(axis=0) / 60)
    assert found["gi_star"] == pytest.approx(gi_star(history[-4:].sum(axis=0), study.neighbours))
    assert found["kernel"] == pytest.approx(plain / np.exp2(-ages / 56).sum())
    assert found["kernel"].sum() == pytest.approx(found["all_history"].sum(), rel=0.3)


def test_figures_are_those_of_prediction_accuracy() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    found = backtest(columns, middlesbrough(), "needle_litter", weeks=1, resolutions=(9,))
    counts = count_weeks(columns, "needle_litter", study, tested_weeks=1, time_zone=ZONE).counts
    plain = prediction_accuracy(counts[-1], counts[:-1].mean(axis=0), study.area_km2)
    row = found.rows[(found.rows["method"] == "all_history") & (found.rows["area_share"] == 0.05)].iloc[0]
    shares = np.concatenate([[0.0], plain["area_share"]])
    assert row["hit_rate"] == pytest.approx(np.interp(0.05, shares, np.concatenate([[0.0], plain["event_share"]])))
    assert row["PAI"] == pytest.approx(row["hit_rate"] / 0.05)
    assert 0 < row["PEI"] <= 1


def test_a_method_never_sees_the_week_that_it_is_judged_by() -> None:
    """Events move to a new cell in every week: whoever looked ahead would catch them, and nobody can."""
    study = load_study(middlesbrough())
    cells = np.random.default_rng(1).permutation(study.names)[:20]
    events = [_event(cells[week], FIRST + 604_800 * week + 3600 * k) for week in range(20) for k in range(10)]
    found = backtest(columns_of(events), middlesbrough(), "needle_litter", weeks=6, resolutions=(9,))
    assert found.events == 60
    counting = found.rows[
        found.rows["method"].isin(["last_period", "all_history"]) & (found.rows["area_share"] == 0.01)
    ]
    assert (counting["hits"] == 0).all()


def test_a_steady_place_is_caught_by_all() -> None:
    study = load_study(middlesbrough())
    events = [_event(study.names[300], FIRST + 604_800 * week + 3600 * k) for week in range(20) for k in range(10)]
    found = backtest(columns_of(events), middlesbrough(), "needle_litter", weeks=8, resolutions=(9,))
    assert (found.rows["hit_rate"] == 1).all()
    assert (found.rows["PEI"] == 1).all()
    assert (found.verdict.method, found.verdict.clear) == ("last_period", False)
    assert found.verdict.sentence == (
        "The counts of the last 4 weeks, with cells 350 m across, caught most: 100 % of the next week's events in 2 % "
        "of the area. The difference from the counts of all weeks before, the Gi* of the last 4 weeks and the "
        "recency-weighted kernel may be chance."
    )
    assert " ".join(found.notes) == (
        "Each week of 24 Mar to 18 May 2026 was forecast from the weeks before it. The winner has the largest share of "
        "events in the top 2 % of the area. Intervals come from resampled weeks."
    )


def _event(cell: str, start: int) -> Event:
    lat, lon = h3.cell_to_latlng(cell)
    return Event(start, lon=lon, lat=lat)


@pytest.mark.slow
def test_the_demonstration_is_predictable_and_says_who_wins() -> None:
    columns, _ = demonstration()
    found = backtest(columns, middlesbrough(), "needle_litter", resolutions=(8, 9, 10))
    at = found.rows[found.rows["area_share"] == 0.02].set_index(["resolution", "method"])
    assert (at["PAI"] > 3).all()
    assert (at["hit_rate_low"] <= at["hit_rate"]).all()
    assert (at["hit_rate"] <= at["hit_rate_high"]).all()
    assert at["RRI"].isna().groupby(level="method").all().to_dict() == {name: name == "gi_star" for name in METHODS}
    assert at.loc[(found.verdict.resolution, found.verdict.method), "hit_rate"] == at["hit_rate"].max()
    assert {rival.method for rival in found.verdict.rivals} == set(METHODS) - {found.verdict.method}
    assert all(rival.lead >= 0 for rival in found.verdict.rivals)


def test_a_decision_is_paired_and_ties_go_to_the_simpler() -> None:
    """Both catch 4 in a week at a time; the second always one less: seen week by week, that is no chance."""
    events = np.full(12, 10.0)
    tables = {}
    for method, hits in (("kernel", 3.0), ("last_period", 4.0), ("all_history", 4.0)):
        table = np.zeros((3, 12, len(SHARES)))
        table[:] = hits + np.arange(12)[:, None] % 3
        tables[9, method] = table
    verdict = compare_methods(tables, events)
    assert verdict.method == "last_period"
    assert {rival.method: (rival.lead, rival.told_apart) for rival in verdict.rivals} == {
        "all_history": (0.0, False), "kernel": (pytest.approx(0.1), True),
    }  # fmt: skip


def test_no_events_is_no_verdict() -> None:
    empty = {(9, method): np.zeros((3, 5, len(SHARES))) for method in METHODS}
    assert (
        compare_methods(empty, np.zeros(5)).sentence
        == "There were no events in these weeks, so the methods cannot be compared."
    )
    assert summarise(empty, np.zeros(5))["hit_rate"].map(math.isnan).all()


def test_too_few_weeks_are_refused() -> None:
    events = [_event("89194654d33ffff", FIRST + 604_800 * week) for week in range(11)]
    with pytest.raises(UsageError) as caught:
        backtest(columns_of(events), middlesbrough(), "needle_litter", weeks=4, resolutions=(9,))
    assert str(caught.value) == (
        "A back-test needs one week or more to test, and 8 weeks of records before it; 4 weeks to test and "
        "those before are 12, and needle_litter has 10 known whole; choose fewer weeks, or load more records"
    )
