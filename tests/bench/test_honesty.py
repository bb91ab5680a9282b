"""The benchmarks of hotspots run, small: their answers are for `make bench` to say."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.cli import Run


@pytest.mark.slow
def test_honesty_is_simulated_and_drawn(run_bench: Run, tmp_path: Path) -> None:
    out, drawn = tmp_path / "honesty.json", tmp_path / "honesty.svg"
    done = run_bench("honesty", "--maps", "2", "--resolution", "8", "--out", out, "--figure", drawn)
    assert done.err.startswith("Poisson 0.05 done\n")
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert len(figures["rows"]) == 8 * 5
    assert all(0 <= row[key] <= 1 for row in figures["rows"] for key in ("any", "FDR x6", "power x6", "power x6+0.5"))
    headings = [one.text for one in ET.parse(drawn).iter() if one.get("font-weight") == "bold"]  # noqa: S314  # our own file
    assert headings[0] == "Maps of pure noise that show a hotspot"
    assert len(headings) == 3


@pytest.mark.slow
def test_speed_is_shown_without_esda_too(run_bench: Run) -> None:
    done = run_bench("hotspots", "--rounds", "1", "--permutations", "9", "--format", "json")
    assert done.code == 0
    assert [row["Hexbeat_ms"] > 0 for row in done.json["rows"]] == [True] * 3
