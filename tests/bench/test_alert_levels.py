"""The levels of the alerts' table come from counts by a documented function."""

import json

import numpy as np
import pytest

from bench.alert_rates import format_levels, smooth_levels
from hexbeat.analysis import alert_rates
from tests.support.paths import ROOT

YEARS = 100
THRESHOLDS = [round(float(level), 1) for level in np.arange(6, 20, 0.2)]


def count(first: float, slope: float) -> dict[str, int]:
    """Alerts above each threshold where their logarithm falls by a straight line from `first` a year at 6."""
    return {f"{level:g}": round(YEARS * first * np.exp(-slope * (level - 6))) for level in THRESHOLDS}


def test_levels_are_those_of_the_line_that_the_counts_lie_on() -> None:
    ((one, half),) = smooth_levels({0.3: count(20.0, 0.7)}, YEARS, (1.0, 0.5))
    assert one == pytest.approx(6 + np.log(20) / 0.7, abs=0.11)
    assert half == pytest.approx(6 + np.log(40) / 0.7, abs=0.11)


def test_levels_never_fall_with_the_events_of_a_day() -> None:
    levels = smooth_levels({1.0: count(20.0, 0.7), 3.0: count(18.0, 0.7), 10.0: count(40.0, 0.7)}, YEARS, (1.0, 0.1))
    assert levels[0] == levels[1]  # the two that fall are one
    assert levels[1][0] < levels[2][0]


def test_the_table_of_the_alerts_is_drawn_from_the_counts_that_are_kept() -> None:
    kept = json.loads((ROOT / "bench" / "results" / "alert_rates.json").read_text(encoding="utf-8"))
    levels = format_levels(kept)
    assert (ROOT / "hexbeat" / "analysis" / "alert_levels.json").read_text(encoding="utf-8") == levels
    table = json.loads(levels)
    assert kept["years"] >= 100
    assert {str(fewest): [list(row) for row in rows] for fewest, rows in alert_rates.TABLE.items()} == table["levels"]
    assert list(alert_rates.AREA_LEVELS) == table["area_levels"]
    assert [float(events) for events in kept["alerts"]["2"]] == list(alert_rates.EVENTS_A_DAY)
