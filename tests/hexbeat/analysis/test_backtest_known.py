"""What a back-test may say of snapped records, of records with gaps, and of records without days."""

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest

from geo.cells import build_outlines
from hexbeat.analysis.backtest import Backtest, backtest
from hexbeat.analysis.daily_counts import count_weeks
from hexbeat.analysis.forecast_methods import METHODS, build_kernel, forecast
from hexbeat.analysis.snapped_points import count_point_weeks
from hexbeat.analysis.study import load_study
from layers.columns import Columns
from layers.coverage import Coverage, CoverageEntry
from tests.support.demonstrations import middlesbrough
from tests.support.events import Event, columns_of

ZONE = "Europe/London"
LAYER = "needle_litter"
MONDAY = dt.date(2026, 1, 5)
FIRST = int(dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC).timestamp())
WEEK = 604_800


def draw_points(number: int, *, seed: int = 1) -> list[tuple[float, float]]:
    """Points of a quarter of the area, as anchor points lie on its streets."""
    generator = np.random.default_rng(seed)
    outlines = build_outlines(load_study(middlesbrough(), (), 9).cells[150:290])
    middles = [outlines[place].centroid for place in generator.integers(0, len(outlines), number)]
    return [(one.x + generator.normal(0, 1.5e-3), one.y + generator.normal(0, 9e-4)) for one in middles]


def snap(points: list[tuple[float, float]], *, weeks: int = 40, a_week: int = 60, seed: int = 2) -> Columns:
    """Events without any pattern: each at any of the points, on any day."""
    generator = np.random.default_rng(seed)
    events = [
        Event(FIRST + WEEK * week + 86_400 * int(generator.integers(7)), lon=lon, lat=lat)
        for week in range(weeks)
        for lon, lat in (points[place] for place in generator.integers(0, len(points), a_week))
    ]
    return columns_of(events)


def cover(columns: Columns, *spans: tuple[dt.date, dt.date]) -> Columns:
    entries = tuple(CoverageEntry(LAYER, "log", "", *span) for span in spans)
    return dataclasses.replace(columns, coverage=Coverage(entries, columns.ward_codes))


@pytest.fixture(scope="module")
def snapped() -> Backtest:
    return backtest(snap(draw_points(300)), middlesbrough(), LAYER)


def test_snapping_alone_is_no_success(snapped: Backtest) -> None:
    """Without any pattern 2 % of the points hold 2 % of the events; of all small cells they would hold most."""
    at = snapped.rows[snapped.rows["area_share"] == 0.02].set_index(["resolution", "method"])
    assert set(at.index.get_level_values("resolution")) <= {8, 9}
    assert at["PAI"].max() < 2
    assert (at["hit_rate_low"] <= 0.03).all()
    assert (at["hit_rate_high"] >= 0.01).all()


def test_its_sentences_are_about_points(snapped: Backtest) -> None:
    assert (snapped.precision.kind, snapped.precision.points, snapped.whole) == ("snapped", 300, "the points")
    assert " of the next week's events at 2 % of the points. " in snapped.verdict.sentence
    assert " of the area" not in " ".join([snapped.verdict.sentence, *snapped.notes])
    assert " ".join(snapped.notes[1:]) == (
        "Records are snapped to 300 points, so cells are no smaller than 350 m across. Chance, and the top 2 %, are "
        "among the points seen before each week. Events at new points count as missed. Resolution 10, 11 is left out: "
        "its cells are smaller than these records know."
    )


def test_a_place_that_is_busy_is_still_found_among_points() -> None:
    points = draw_points(300)
    columns = snap([*points, *points[:6] * 20])
    found = backtest(columns, middlesbrough(), LAYER, resolutions=(9,))
    assert found.rows.loc[found.rows["area_share"] == 0.02, "PAI"].max() > 3


def test_cells_finer_than_the_points_are_not_tested_even_if_asked_for() -> None:
    found = backtest(snap(draw_points(300)), middlesbrough(), LAYER, resolutions=(11,), weeks=4)
    assert set(found.rows["resolution"]) == {found.precision.finest} == {9}


def test_only_points_that_were_seen_can_be_caught() -> None:
    """A cell with one known point and all new ones is one point, and its new events are missed."""
    points = draw_points(60)
    weekly = [Event(FIRST + WEEK * week + 86_400 * (week % 3), lon=a, lat=b) for week in range(12) for a, b in points]
    lon, lat = points[0]
    fresh = [Event(FIRST + WEEK * 11 + 600 * k, lon=lon + 1e-6 * (k + 1), lat=lat) for k in range(50)]
    columns = columns_of([*weekly, *fresh])
    study = load_study(middlesbrough(), (), 9)
    weeks = count_weeks(columns, LAYER, study, tested_weeks=1, time_zone=ZONE)
    points_weeks = count_point_weeks(columns, LAYER, study, weeks, time_zone=ZONE)
    assert points_weeks.counts.sum() == weeks.counts.sum()
    last = len(weeks.counts) - 1
    assert points_weeks.measure_sizes(last).sum() == 60
    assert points_weeks.count_catchable(last).sum() <= weeks.counts[last].sum() - 50


def test_weeks_not_known_whole_are_neither_learnt_from_nor_tested() -> None:
    """Five weeks of March are missing: they are no quiet weeks, and their neighbours keep their dates."""
    gap = (MONDAY + dt.timedelta(days=7 * 9 + 3), MONDAY + dt.timedelta(days=7 * 14))
    end = MONDAY + dt.timedelta(days=7 * 30)
    generator = np.random.default_rng(3)
    events = [
        Event(FIRST + WEEK * week + 86_400 * day, lon=-1.26 + 1e-3 * generator.random(), lat=54.57)
        for week in range(30)
        for day in range(7)
        if not gap[0] <= MONDAY + dt.timedelta(days=7 * week + day) < gap[1]
    ]
    columns = cover(columns_of(events), (MONDAY, gap[0]), (gap[1], end))
    study = load_study(middlesbrough(), (), 9)
    weeks = count_weeks(columns, LAYER, study, tested_weeks=13, time_zone=ZONE)
    assert weeks.counts.sum(axis=1).tolist() == [7.0] * 25
    assert weeks.left_out == 5
    assert [weeks.find_start(week) for week in (0, 8, 9, 25)] == [MONDAY, MONDAY + dt.timedelta(days=56), gap[1], end]
    assert weeks.measure_ages(9)[-1] == 6
    found = backtest(columns, middlesbrough(), LAYER, resolutions=(9,))
    assert (found.events, found.weeks_left_out) == (13 * 7, 5)
    assert found.notes[0].startswith("Each known week of ")
    assert found.notes[1] == "5 weeks are left out, because not all of their days are known."


def test_a_gap_ages_what_lies_before_it() -> None:
    study = load_study(middlesbrough())
    history = np.zeros((9, len(study)))
    history[0, 100] = history[8, 200] = 1
    kernel = build_kernel(study, history)
    near, far = (
        forecast("kernel", history, study, kernel, ages=ages)
        for ages in (np.arange(9.0, 0, -1), np.concatenate([[61.0], np.arange(8.0, 0, -1)]))
    )
    assert np.allclose(near, forecast("kernel", history, study, kernel))
    assert far[100] / far[200] == pytest.approx(near[100] / near[200] * 2 ** (-52 * 7 / 56))


@pytest.mark.slow
def test_records_without_days_have_no_back_test_and_say_why() -> None:
    events = [
        Event(FIRST + 3600 * k, FIRST + 3600 * k + 30 * 86_400, precision="month", lon=-1.26 + 1e-4 * k)
        for k in range(50)
    ]
    found = backtest(columns_of(events), middlesbrough(), LAYER)
    assert found.verdict.sentence == (
        "There is no back-test of needle finds: it tests weeks, and these records are known only to the month."
    )
    assert (len(found.rows), found.by_size, found.events, found.unknown) == (0, {}, 0, 50)
    assert "hit_rate" in found.rows
    assert math.isnan(found.verdict.hit_rate)
    assert set(METHODS) == {"last_period", "gi_star", "kernel", "all_history"}
