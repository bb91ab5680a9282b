"""The Map page for a role that sees no small numbers: nothing fails, nothing small is told, and that is said."""

import csv
import datetime as dt
from pathlib import Path
from typing import Any, Final

import h3
import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.areas.area import load_area
from hexbeat.dashboard.pages.navigation import PAGES
from hexbeat.ingest.ingest import ingest_files
from hexbeat.ingest.sources import load_profile
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.catalogue import LAYER_NAMES
from tests.support.cli import Run
from tests.support.partners_side import PATIENCE_S

pytestmark = pytest.mark.slow

MOST_AT, FEW_AT, OTHER_AT = (-1.235, 54.566), (-1.205, 54.540), (-1.250, 54.575)
MOST, FEW, OTHER = (h3.latlng_to_cell(lat, lon, 9) for lon, lat in (MOST_AT, FEW_AT, OTHER_AT))
POLICY: Final = """
[local]
"*" = "police"
[roles.police.layers]
needle_litter = { detail = "wards", fewest = 20 }
street_dealing = { detail = "cells 9", fewest = 10 }
closed_properties = { detail = "wards", fewest = 5 }
overdoses = "cells 8"
"""
DAYS: Final = {"from": "2024-11-01", "to": "2024-11-30"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve records of each layer in one place, three in another, ten in a third, and the policy."""
    folder = tmp_path_factory.mktemp("small")
    file = folder / "events.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["layer", "source_id", "lon", "lat", "occurred_from", "occurred_to", "category"])
        for layer in LAYER_NAMES:
            for number in range(25):
                lon, lat = MOST_AT if number < 12 else FEW_AT if number < 15 else OTHER_AT
                end = "2025-01-20T10:00" if layer == "closed_properties" else ""
                day = f"2024-11-{2 + number % 15:02d}T{number % 15:02d}:30"
                rows.writerow([layer, f"{layer}-{number}", lon, lat, day, end, "rare" if lon == FEW_AT[0] else "usual"])
    home = folder / "home"
    with Store.open(home) as store:
        covers = dt.date(2024, 9, 1), dt.date(2024, 11, 30)
        profile = load_profile("table", None)
        area = load_area("middlesbrough", home=home)
        ingest_files(store, ANALYST, [str(file)], area=area, home=home, source=profile, covers=covers)
    (home / "policy.toml").write_text(POLICY, encoding="utf-8")
    return home


@pytest.fixture(autouse=True)
def of_this_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXBEAT_HOME", str(home))
    monkeypatch.setenv("HEXBEAT_AREA", "middlesbrough")
    monkeypatch.delenv("HEXBEAT_ROLE", raising=False)


def open_address(address: str, state: dict[str, Any] | None = None, **query: str) -> AppTest:
    def script(address: str) -> None:
        from geo.errors import HexbeatError  # noqa: PLC0415 - Streamlit runs the source of this function
        from hexbeat.dashboard.pages.navigation import build_page  # noqa: PLC0415
        from hexbeat.dashboard.screen import draw_error  # noqa: PLC0415
        from hexbeat.dashboard.state.session import open_installation  # noqa: PLC0415
        from hexbeat.settings import Settings  # noqa: PLC0415

        try:
            build_page(open_installation(Settings.from_environment()), [], address)()
        except HexbeatError as error:
            draw_error(error)

    page = AppTest.from_function(script, default_timeout=PATIENCE_S, args=(address,))
    for name, value in (state or {}).items():
        page.session_state[name] = value
    for name, text in query.items():
        page.query_params[name.rstrip("_")] = text
    return page.run()


def read(page: AppTest) -> str:
    assert not page.exception, page.exception
    text = "".join(str(getattr(node, "proto", "")) for node in page.main)
    assert "The access policy decides" not in text
    return text


@pytest.mark.parametrize("view", ["counts", "hotspots", "change", "expected"])
def test_every_view_is_drawn_and_small_numbers_are_left_out(view: str) -> None:
    text = read(open_address("map", layers="street_dealing", size="9", view=view, **DAYS))
    assert "25 reports of street dealing in Middlesbrough" in text
    left_out = "Cells with fewer than 10 reports of street dealing are left out, and others that would tell them"
    assert left_out in text
    assert ("Counts are shown: any other view would tell small numbers" in text) is (view != "counts")


def test_a_small_total_is_said_like_none() -> None:
    few = {"from": "2024-11-14", "to": "2024-11-30"}
    none = {"from": "2024-10-01", "to": "2024-10-20"}
    for days in (few, none):
        text = read(open_address("map", layers="street_dealing", size="9", **days))
        assert "Fewer than 10 reports of street dealing in Middlesbrough" in text
        assert "small numbers are not shown to your role, nor compared" in text


@pytest.mark.parametrize("tab", ["Table", "Rhythm", "Months", "Records", "Download"])
@pytest.mark.parametrize("layers", ["street_dealing", "street_dealing,overdoses", "needle_litter"])
def test_every_tab_is_drawn(tab: str, layers: str) -> None:
    read(open_address("map", {"tab": tab}, layers=layers, size="8", **DAYS))


@pytest.mark.parametrize("by", ["ward", "month", "hour", "category"])
def test_the_table_says_which_numbers_are_hidden(by: str) -> None:
    read(open_address("map", {"tab": "Table", "table_by": by}, layers="street_dealing,overdoses", size="8", **DAYS))


def test_each_layer_stands_by_itself() -> None:
    page = open_address("map", layers="overdoses", size="8", **DAYS)
    assert "25 overdoses in Middlesbrough" in read(page)
    assert page.tabs


def test_every_page_is_drawn() -> None:
    for address in PAGES.values():
        page = open_address(address)
        assert not page.exception, (address, page.exception)


def test_the_card_of_a_cell_says_that_its_number_is_small() -> None:
    few, other, most = (
        read(open_address("map", layers="street_dealing", size="9", cell=cell, **DAYS)) for cell in (FEW, OTHER, MOST)
    )
    assert 'hb-number\\">12<' in most or 'hb-number">12<' in most
    for text in (few, other):  # the ten of the other cell would tell the three
        assert "not shown" in text.split("hb-card")[1]
        assert ">10<" not in text.replace('\\"', '"').split('hb-number"')[1][:4]
    for text in (few, other, most):
        assert "Small numbers are not shown to your role" in text
        assert "by weekday and hour" not in text


def test_counts_tell_no_small_number(home: Path, run: Run) -> None:
    asked = ("counts", "--layer", "street_dealing", "--by", "ward", "--from", "2024-11-01", "--home", str(home))
    left_out = (
        "Groups of fewer than 10 events are left out, and others that would tell them: your role does not see such "
        "small numbers."
    )
    whole = run(*asked, "--to", "2024-11-30", "--format", "json").json
    assert (whole["total"], whole["shared_in_time"], whole["unplaced_in_time"]) == (25, None, None)
    assert ([row["count"] for row in whole["rows"]], whole["left_out"]) == ([12], left_out)
    days = ("2024-11-14", "2024-11-15"), ("2024-11-02", "2024-11-03")
    few, none = (run(*asked, "--from", start, "--to", end, "--category", "rare") for start, end in days)
    heading = "Events: fewer than 10, fewer than 10 shared in time, fewer than 10 left out (time not known)"
    assert heading in few.out
    assert left_out in few.err
    assert (few.out, few.err) == (none.out, none.err)
