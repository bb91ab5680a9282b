"""The Map page for a role that sees no small numbers: nothing fails, nothing small is told, and that is said."""

import csv
import datetime as dt
from pathlib import Path
from typing import Any, Final

import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.areas.area import load_area
from hexbeat.dashboard.pages.navigation import PAGES
from hexbeat.ingest.ingest import ingest_files
from hexbeat.ingest.sources import load_profile
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.catalogue import LAYER_NAMES
from tests.support.partners_side import PATIENCE_S

pytestmark = pytest.mark.slow

CELL: Final = "891942cc1a7ffff"
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
    """Twelve records of each layer in one place, three in another, and the policy."""
    folder = tmp_path_factory.mktemp("small")
    file = folder / "events.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["layer", "source_id", "lon", "lat", "occurred_from", "occurred_to", "category"])
        for layer in LAYER_NAMES:
            for number in range(15):
                lon, lat = (-1.235, 54.566) if number < 12 else (-1.205, 54.540)
                end = "2025-01-20T10:00" if layer == "closed_properties" else ""
                day = f"2024-11-{2 + number:02d}T{number:02d}:30"
                rows.writerow([layer, f"{layer}-{number}", lon, lat, day, end, "usual" if number < 12 else "rare"])
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
    assert "15 reports of street dealing in Middlesbrough" in text
    assert "Cells with fewer than 10 reports of street dealing are left out" in text
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
    assert "15 overdoses in Middlesbrough" in read(page)
    assert page.tabs


def test_every_page_is_drawn() -> None:
    for address in PAGES.values():
        page = open_address(address)
        assert not page.exception, (address, page.exception)
