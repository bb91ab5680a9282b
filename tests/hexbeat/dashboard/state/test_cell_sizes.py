"""The size of the map's cells: what the page chooses, what a person chose, and what is said of it."""

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hexbeat.areas.area import load_area
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.selected_methods import SizeChoice, choose_size, describe_backtest
from hexbeat.dashboard.state.session import open_installation
from hexbeat.settings import Settings
from hexbeat.store.store import Store
from tests.support.events import load_frame, made_frame


def test_no_automatic_size_is_smaller_than_the_records_know_and_a_chosen_one_says_so(home: Path) -> None:
    area = load_area("middlesbrough", home=home)
    newest = datetime.now(area.tz) - timedelta(days=2)
    with Store.open(home) as store:
        rough = made_frame(area, number=80, newest=newest).assign(
            location_precision="randomised", location_precision_m=300.0
        )
        load_frame(store, area, rough)
        load_frame(store, area, made_frame(area, number=80, newest=newest, layer="overdoses", source="b").assign(
            location_precision="exact"), source="b",
        )  # fmt: skip
    installation = open_installation(Settings.from_environment())
    known = "Records were moved at random, so cells are no smaller than 900 m across."
    fine = (
        "Records were moved at random. The smallest cells that these records know are 900 m across. These are 350 m: "
        "what sets one apart from the next may only be where records were put."
    )
    for layers, size, view, resolution, sentence in (
        (("needle_litter",), None, "counts", 8, known),
        (("needle_litter",), None, "change", 8, known),
        (("overdoses", "needle_litter"), None, "counts", 8, known),
        (("needle_litter",), 9, "counts", 9, fine),
        (("needle_litter",), 9, "change", 9, ""),
        (("overdoses",), None, "counts", 9, ""),
        (("overdoses",), 11, "counts", 11, ""),
    ):
        choices = Choices(layers=layers, size=size, view=view)  # type: ignore[arg-type] # a view
        assert choose_size(installation, choices) == SizeChoice(resolution, sentence)


def test_a_back_test_with_cells_of_another_size_than_the_map_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a map with cells of 350 m stood "with cells 50 m across", as if they were the map's."""
    verdict = SimpleNamespace(
        resolution=11, sentence="The counts of all weeks before, with cells 50 m across, caught most."
    )
    result: Any = SimpleNamespace(weeks=13, verdict=verdict)
    monkeypatch.setattr("hexbeat.dashboard.state.selected_methods.find_backtest", lambda *_: result)
    nobody = cast("Any", None)
    assert describe_backtest(nobody, "overdoses", (), resolution=9) == (
        f"Back-test of 13 weeks with cells of every size (on this map: 350 m): {verdict.sentence}"
    )
    assert describe_backtest(nobody, "overdoses", (), resolution=11) == f"Back-test of 13 weeks: {verdict.sentence}"
