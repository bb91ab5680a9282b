"""Pounds on the Map: the counted events at their unit costs, with the interval and what that rests on."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import hexbeat
from hexbeat.dashboard.state.choices import OWN_DATES, Choices
from hexbeat.dashboard.state.pounds import add_pounds
from hexbeat.dashboard.state.session import count_all_layers, open_installation
from hexbeat.settings import Settings
from tests.support.demonstrations import copy_filled_store
from tests.support.partners_side import one_page

COST = """
[[costs]]
layer = "needle_litter"
pounds = 40
source = "a bill of <b>ours</b>"
year = 2025
leaves_out = "fear"
"""


def read_notes(*, layer: str, page: str = "map", **query: str) -> str:
    app = one_page(page, layers=layer, **query)
    return " ".join(element.proto.body for element in app.get("html"))


def check_town_and_file(home: Path) -> None:
    """Python answers in pounds, and so does the file of the map; both are what the cells cost."""
    with hexbeat.open(home=home, area="middlesbrough") as town:
        days = {"start": "2026-10-25", "end": "2026-11-22"}
        cells = town.cells("needle_litter", **days)
        assert cells["cost_pounds"].tolist() == pytest.approx((cells["count"] * 40).round().tolist(), abs=1)
        assert (cells["cost_low"] < cells["cost_pounds"]).all()
        assert cells.attrs["notes"][0].startswith("In pounds: £")
        wards = town.change("needle_litter", **days)
        known = wards[wards["change"] != "not known"]
        assert known["cost_pounds"].tolist() == pytest.approx((known["difference"] * 40).tolist(), abs=1)
        assert any(note.startswith("Needle finds: £40 each") for note in wards.attrs["notes"])
        assert "cost_pounds" not in town.cells("overdoses", **days).dropna(axis="columns", how="all")
    installation = open_installation(replace(Settings.from_environment(), home=home, area="middlesbrough"))
    choices = Choices(period=OWN_DATES, dates=(date(2026, 10, 25), date(2026, 11, 22)))
    (figures,) = count_all_layers(installation, choices, last=date(2026, 11, 21), resolution=9)
    rows = add_pounds(installation, choices, figures, figures.cells, resolution=9)
    assert rows["cost_pounds"].tolist() == pytest.approx((rows["count"] * 40).round().tolist(), abs=1)


@pytest.mark.slow
def test_the_map_says_pounds_only_with_their_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copy_filled_store(tmp_path / "home")
    monkeypatch.setenv("HEXBEAT_HOME", str(home))
    assert "pounds" not in read_notes(layer="needle_litter")
    (home / "costs.toml").write_text(COST, encoding="utf-8")
    notes = read_notes(layer="needle_litter")
    assert notes.count("In pounds: £") == notes.count("(95 % interval £") == 1
    assert "£40 each, in prices of 2025 (a bill of &lt;b&gt;ours&lt;/b&gt;). Leaves out: fear." in notes
    assert "In pounds: not costed." in read_notes(layer="overdoses")
    change = read_notes(layer="needle_litter", view="change")
    assert re.search(r"The difference in pounds: \N{MINUS SIGN}?£[\d,]+ \(95 % interval \N{MINUS SIGN}?£", change)
    assert "In pounds: £" in read_notes(layer="needle_litter", page="analysis")
    check_town_and_file(home)
    (home / "costs.toml").write_text(COST.replace("40", "1e308"), encoding="utf-8")
    assert "Number 1: pounds is not a number from 0.01 to 100,000,000." in read_notes(layer="needle_litter")
