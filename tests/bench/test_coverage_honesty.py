"""The simulation of records with gaps, snapped and without days runs, small; and its records are what they claim."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest

from bench.simulated_records import LAYER, Kind, Town, build_town, cut_columns, draw_columns
from layers.periods import find_month_only_share
from layers.precision import measure_precision
from tests.support.cli import Run
from tests.support.demonstrations import middlesbrough

SPAN = (dt.date(2024, 1, 1), dt.date(2025, 1, 1))
GAP = (dt.date(2024, 3, 1), dt.date(2024, 4, 1))


@pytest.fixture(scope="module")
def town() -> Town:
    return build_town(middlesbrough(), np.random.default_rng(1), clustered=True)


def test_records_are_of_their_kind(town: Town) -> None:
    exact = draw_columns(town, np.random.default_rng(2), Kind("exact"), span=SPAN, a_day=10)
    other = Kind("all", snapped=True, month=True, missing=(GAP,))
    all_kinds = draw_columns(town, np.random.default_rng(2), other, span=SPAN, a_day=10)
    assert measure_precision(exact, LAYER, time_zone="Europe/London").kind == "exact"
    assert measure_precision(all_kinds, LAYER, time_zone="Europe/London").kind == "snapped"
    assert find_month_only_share(all_kinds, np.arange(len(all_kinds))) == 1
    assert exact.coverage is not None
    assert all_kinds.coverage is not None
    assert exact.coverage.find_missing(LAYER, SPAN) == ()
    assert all_kinds.coverage.find_missing(LAYER, SPAN) == (GAP,)
    assert len(exact) * 10 / 12 < len(all_kinds) < len(exact)
    assert (np.diff(exact.start) >= 0).all()
    part = cut_columns(exact, GAP)
    assert part.coverage is not None
    assert part.coverage.find_known(LAYER) == (GAP,)
    assert 200 < len(part) < 420


@pytest.mark.slow
def test_it_reports_rates_with_their_errors(run_bench: Run, tmp_path: Path) -> None:
    out = tmp_path / "coverage.json"
    done = run_bench("coverage_honesty", "--draws", "2", "--backtests", "2", "--out", out)
    assert done.err.startswith("whole, exact done\n")
    figures = json.loads(out.read_text(encoding="utf-8"))
    kinds = ["whole, exact", "gaps", "a short gap", "snapped", "month only", "gaps, snapped, month only"]
    assert [row["records"] for row in figures["rows"]] == kinds
    assert all(0 <= row[name] <= 1 and f"{name} se" in row for row in figures["rows"] for name in ("rise", "hotspot"))
    claims = {(row["records"], row["weeks"]): row for row in figures["claims"]}
    assert claims["snapped", 80]["claimed"] < 0.2
    assert claims["month only", 40]["claimed"] is None
    assert claims["month only", 40]["claims"] == 0
