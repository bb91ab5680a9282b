"""Sessions that change filters at once are real: they get other numbers, and a failure is counted."""

import pytest

from bench.load import Measure, Session
from tests.support.cli import Run
from tests.support.threads import run_steps


@pytest.mark.slow
def test_both_pages_are_measured_with_real_sessions(run_bench: Run) -> None:
    done = run_bench("load", "--sessions", "2", "--changes", "1", "--format", "json")
    assert done.code == 0, done.err
    rows = done.json["rows"]
    assert [(row["page"], row["sessions"], row["failed"]) for row in rows] == [("trivial", 2, 0), ("hexbeat", 2, 0)]
    assert (rows[0]["times"], rows[0]["times p95"]) == (1.0, 1.0)
    assert min(row["median s"] for row in rows) > 0


def test_a_session_that_ends_is_a_failure() -> None:
    measure, session = Measure(), Session("http://127.0.0.1:9", "Days")
    session.options = [str(day) for day in range(7)]
    run_steps(session.change_often(0, 3, 0.0, measure))
    assert measure.failures == ["RuntimeError: the connection is not open"]


def test_percentiles_are_of_the_nearest_rank() -> None:
    measure = Measure(changes_s=[float(number) for number in range(100, 0, -1)])
    assert (measure.find_percentile(0.5), measure.find_percentile(0.95)) == (51.0, 96.0)
    assert Measure(changes_s=[2.0]).find_percentile(0.95) == 2.0
