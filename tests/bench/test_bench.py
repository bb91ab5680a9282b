"""The benchmarks run and agree with the usual way; how fast they are is for `make bench` to say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.report import format_table
from tests.support.cli import Run
from tests.support.paths import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "size", "asked"),
    [
        (("points_to_cells", "--points", "6000", "--rounds", "1"), "points", 5.0),
        (("filter_change", "--events", "6000", "--rounds", "1"), "events", 8.0),
        (("opening", "--events", "6000", "--rounds", "1"), "events", 30.0),
    ],
    ids=["points_to_cells", "filter_change", "opening"],
)
def test_a_benchmark_compares_equal_results(
    arguments: tuple[str, ...], size: str, asked: float, run_bench: Run, tmp_path: Path
) -> None:
    out = tmp_path / "figures.json"
    done = run_bench(*arguments, "--format", "json", "--out", out)
    peers = {"filter_change": ("polars", "duckdb"), "points_to_cells": ("h3ronpy",)}
    left_out = "".join(f"{name} is not installed: left out\n" for name in peers.get(arguments[0], ()))
    assert (done.code, done.err) == (0, left_out)
    figures = done.json
    assert figures == json.loads(out.read_text(encoding="utf-8"))
    assert (figures[size], figures["equal"], figures["asked"]) == (6000, True, asked)
    assert figures["ratio"] > 0


def test_cells_over_all_of_britain_are_equal(run_bench: Run) -> None:
    done = run_bench("points_to_cells", "--britain", "--points", "20000", "--rounds", "1", "--format", "json")
    assert (done.code, done.err) == (0, "h3ronpy is not installed: left out\n")
    assert (done.json["points"], done.json["area"], done.json["equal"]) == (20_000, "Britain", True)
    assert [row["way"] for row in done.json["rows"]] == ["indexing alone: h3-py", "indexing alone: Hexbeat"]


@pytest.mark.slow
def test_the_start_of_commands_is_measured_in_times_of_typers() -> None:
    done = run("bench.start", "--events", "50", "--rounds", "3", "--format", "json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    rows = {row["what"]: row for row in figures["rows"]}
    assert list(rows) == ['python -c "import typer"', "hexbeat --help", "hexbeat sources", "hexbeat counts"]
    assert rows['python -c "import typer"']["times"] == 1.0
    assert figures["ratio"] == max(rows["hexbeat --help"]["times"], rows["hexbeat sources"]["times"]) < figures["asked"]
    assert min(row["MB"] for row in rows.values()) > 0


def test_a_benchmark_that_there_is_not() -> None:
    done = run("bench", "sorting")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "there is no benchmark sorting; choose from points_to_cells, filter_change, opening, map_redraw, streets, "
        "hotspots, honesty, concentration_honesty, hotspot_backtest, coverage_honesty, weekly_alarms, alert_rates, "
        "alert_noise, alert_delay, alert_late, scan, disclosure, release, plans, effect, find_places, start, export, "
        "large_datasets, fuzz, faults, power_loss, load, journeys, page_clicks, first_page\n"
    )


def test_a_table_has_every_figure_of_rows_that_have_not_all_the_same() -> None:
    assert format_table([]) == ""
    assert format_table([{"what": "a", "s": 2}, {"what": "bb", "share": 0.5}]) == (
        "what  s   share\na     2        \nbb       0.5000"
    )


@pytest.mark.slow
def test_the_utility_of_a_release_is_measured_where_no_block_is_published(run_bench: Run) -> None:
    done = run_bench("release", "--events", "800", "--area", "middlesbrough", "--format", "json")
    assert (done.code, done.err) == (0, "")
    rows = {row["layer"]: row for row in done.json["rows"]}
    assert rows["closed_properties"]["hidden"] == 1
    assert rows["overdoses"]["hidden"] < 1
