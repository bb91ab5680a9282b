"""The enumeration of small trees finds nothing with the guard and something without; the figures of releases add up."""

import pytest

from tests.support.cli import Run


@pytest.mark.slow
def test_small_trees_disclose_nothing_with_the_guard(run_bench: Run) -> None:
    done = run_bench("disclosure", "--leaves", "5", "--format", "json")
    assert (done.code, done.err) == (0, "")
    rows = done.json["rows"]
    assert [row["cubes"] for row in rows] == [9, 54, 270, 1620, 8505]
    assert [row["disclosed"] for row in rows] == [0] * 5
    assert done.json["caught_without_guard"] == 1780


@pytest.mark.slow
def test_shares_of_a_release_add_up(run_bench: Run) -> None:
    done = run_bench("release", "--events", "2000", "--area", "middlesbrough", "--format", "json")
    assert (done.code, done.err) == (0, "")
    rows = done.json["rows"]
    for row in rows:
        shares = [row[name] for name in ("piece", "group", "ward", "borough", "hidden")]
        assert abs(sum(shares) - 1) < 0.01
        assert row["fixed"] == row["piece"]
    assert sum(row["naive proofs"] for row in rows) > 0
