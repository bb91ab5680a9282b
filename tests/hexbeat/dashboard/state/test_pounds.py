"""Pounds on the Map: the counted events at their unit costs, with the interval and what that rests on."""

import shutil
from pathlib import Path

import pytest

from tests.support.demonstrations import filled_store
from tests.support.partners_side import one_page

COST = """
[[costs]]
layer = "needle_litter"
pounds = 40
source = "a bill of <b>ours</b>"
year = 2025
leaves_out = "fear"
"""


def read_notes(*, layer: str) -> str:
    app = one_page("map", layers=layer)
    return " ".join(element.proto.body for element in app.get("html"))


@pytest.mark.slow
def test_the_map_says_pounds_only_with_their_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    shutil.copytree(filled_store(), home)
    monkeypatch.setenv("HEXBEAT_HOME", str(home))
    assert "pounds" not in read_notes(layer="needle_litter")
    (home / "costs.toml").write_text(COST, encoding="utf-8")
    notes = read_notes(layer="needle_litter")
    assert notes.count("In pounds: £") == notes.count("(95 % interval £") == 1
    assert "£40 each, in prices of 2025 (a bill of &lt;b&gt;ours&lt;/b&gt;). Leaves out: fear." in notes
    assert "In pounds: not costed." in read_notes(layer="overdoses")
    (home / "costs.toml").write_text(COST.replace("40", "1e308"), encoding="utf-8")
    assert "Number 1: pounds is not a number from 0.01 to 100,000,000." in read_notes(layer="needle_litter")
