"""The benchmarks of hotspots run, small: their answers are for `make bench` to say."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.paths import ROOT


@pytest.mark.slow
def test_honesty_is_simulated_and_drawn(tmp_path: Path) -> None:
    out, drawn = tmp_path / "honesty.json", tmp_path / "honesty.svg"
    options = ("--maps", "2", "--resolution", "8", "--out", str(out), "--figure", str(drawn))
    command = [sys.executable, "-m", "bench.honesty", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.stderr.startswith("Poisson 0.05 done\n")
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert len(figures["rows"]) == 8 * 5
    assert all(0 <= row[key] <= 1 for row in figures["rows"] for key in ("any", "FDR x6", "power x6", "power x6+0.5"))
    headings = [one.text for one in ET.parse(drawn).iter() if one.get("font-weight") == "bold"]  # noqa: S314  # our own file
    assert headings[0] == "Maps of pure noise that show a hotspot"
    assert len(headings) == 3


@pytest.mark.slow
def test_speed_is_shown_without_esda_too() -> None:
    command = [sys.executable, "-m", "bench.hotspots", "--rounds", "1", "--permutations", "9", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0
    figures = json.loads(done.stdout)
    assert [row["Hexbeat_ms"] > 0 for row in figures["rows"]] == [True] * 3
