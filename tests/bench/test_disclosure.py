"""The enumeration of small trees finds nothing with the guard and something without; the figures of releases add up."""

import json
import subprocess
import sys

import pytest

from tests.support.paths import ROOT


def figures(*arguments: str) -> dict[str, object]:
    command = [sys.executable, "-m", *arguments, "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_small_trees_disclose_nothing_with_the_guard() -> None:
    found = figures("bench.disclosure", "--leaves", "5")
    rows = found["rows"]
    assert isinstance(rows, list)
    assert [row["cubes"] for row in rows] == [9, 54, 270, 1620, 8505]
    assert [row["disclosed"] for row in rows] == [0] * 5
    assert found["caught_without_guard"] == 1780


@pytest.mark.slow
def test_shares_of_a_release_add_up() -> None:
    rows = figures("bench.release", "--events", "2000", "--area", "middlesbrough")["rows"]
    assert isinstance(rows, list)
    for row in rows:
        shares = [row[name] for name in ("piece", "group", "ward", "borough", "hidden")]
        assert abs(sum(shares) - 1) < 0.01
        assert row["fixed"] == row["piece"]
    assert sum(row["naive proofs"] for row in rows) > 0
