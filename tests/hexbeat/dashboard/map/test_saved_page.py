import re
from html import unescape
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page

from hexbeat.areas.area import Area
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.dashboard.map.saved_page import render_saved_page
from hexbeat.documents.maps.scales import build_count_scale
from tests.support.axe import find_violations
from tests.support.browser import PAINTED, Windows, centres, colours_at, requests_of, wait_until

HOSTILE = "<img src=x onerror=alert(1)> ${alert(2)} `x` </script><script>alert(3)</script> {{ 7*7 }} \u2028 \"'"


def cells_layer(title: str = "Needle finds in a cell", unit: str = "Needle finds") -> HexLayer:
    cells = np.array(h3.grid_disk(h3.latlng_to_cell(54.55, -1.235, 9), 4), dtype=np.uint64)
    return HexLayer(cells, np.arange(1, len(cells) + 1), CellStyle(scale=build_count_scale(61), title=title, unit=unit))


def page_of(area: Area, text: str = "words", **options: Any) -> bytes:
    table = pd.DataFrame({"Place": ["Central", text], "Needle finds": [21.0, 3.26]})
    settings = {"title": text, "sentence": text, "notes": [text], "table": table, **options}
    return render_saved_page(area, cells_layer(text, text), **settings)


@pytest.fixture
def opened(windows: Windows, area: Area, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """A saved page with hostile words, opened from the disk, and every request and every dialog that it made."""
    file = tmp_path / "saved.html"
    file.write_bytes(page_of(area, HOSTILE, mark="synthetic events, not real"))
    page = windows.take(file.as_uri(), scheme=getattr(request, "param", "light"))
    requests, dialogs = requests_of(page), []
    windows.hear(page, "dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(file.as_uri())
    wait_until(page, PAINTED)
    yield page, requests, dialogs
    windows.leave(page)


def test_the_page_is_one_file_and_names_no_other(area: Area) -> None:
    text = page_of(area).decode()
    assert re.findall(r"""<link|<iframe|\bsrc\s*=\s*["']|@import""", text) == []
    assert "default-src 'none'" in text
    assert len(text) < 400_000


def test_the_same_data_make_the_same_bytes(area: Area) -> None:
    assert page_of(area) == page_of(area)


def test_the_table_says_what_the_map_says_and_numbers_are_written_as_on_the_map(area: Area) -> None:
    text = page_of(area).decode()
    assert re.findall(r"<td[^>]*>([^<]*)</td>", text) == ["Central", "21", "words", "3.3"]
    assert '<th scope="col" class="hexbeat-number">Needle finds</th>' in text


def test_without_a_table_notes_or_demonstration_there_are_none(area: Area) -> None:
    text = page_of(area, notes=[], table=None).decode()
    assert "<table" not in text
    assert "<ul>" not in text
    assert "DEMONSTRATION" not in text
    assert "DEMONSTRATION: synthetic events, not real" in page_of(area, mark="synthetic events, not real").decode()


def test_missing_values_and_wholly_empty_tables_are_empty(area: Area) -> None:
    table = pd.DataFrame({"Place": [None, "x"], "n": [np.nan, 1234.0]})
    assert re.findall(r"<td[^>]*>([^<]*)</td>", page_of(area, table=table).decode()) == ["", "", "x", "1,234"]
    assert "<tbody></tbody>" in page_of(area, table=table.iloc[:0]).decode()


def test_every_text_is_escaped(area: Area) -> None:
    text = page_of(area, HOSTILE).decode()
    assert "<img" not in text
    assert "<script>alert" not in text
    heading = re.search(r"<h1>(.*?)</h1>", text)
    assert heading
    assert unescape(heading[1]) == HOSTILE


@pytest.mark.browser
def test_it_opens_from_the_disk_and_asks_for_nothing(opened: tuple[Page, list[str], list[str]]) -> None:
    page, requests, dialogs = opened
    assert requests == [page.url]
    assert dialogs == []
    assert page.locator("h1").text_content() == HOSTILE
    assert page.locator(".hexbeat-legend summary").text_content() == HOSTILE
    assert page.locator("img").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("opened", ["light", "dark"], indirect=True)
def test_cells_have_the_colours_of_the_readers_theme(
    opened: tuple[Page, list[str], list[str]], request: pytest.FixtureRequest
) -> None:
    page, _, _ = opened
    theme = request.node.callspec.params["opened"]
    scale = build_count_scale(61)
    drawn = centres(page)
    assert len(drawn) == 61
    colours = colours_at(page, drawn)
    expected = [getattr(scale, theme)[np.searchsorted(scale.breaks, cell["value"], side="right") - 1] for cell in drawn]
    assert colours == expected


@pytest.mark.browser
def test_the_map_follows_when_the_reader_changes_the_theme(opened: tuple[Page, list[str], list[str]]) -> None:
    page, _, _ = opened
    drawn = centres(page)
    light = colours_at(page, drawn)
    page.emulate_media(color_scheme="dark")
    wait_until(page, "Hexbeat.isDark()")
    dark = colours_at(page, drawn)
    assert set(light) <= set(build_count_scale(61).light)
    assert set(dark) <= set(build_count_scale(61).dark)


@pytest.mark.browser
@pytest.mark.parametrize("opened", ["light", "dark"], indirect=True)
def test_everybody_can_read_it(opened: tuple[Page, list[str], list[str]]) -> None:
    page, _, _ = opened
    found = find_violations(page, tags=("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"))
    assert [violation["id"] for violation in found] == []


@pytest.mark.browser
def test_cells_over_an_icosahedron_edge_are_drawn_and_found(windows: Windows, area: Area, tmp_path: Path) -> None:
    edge = next(
        cell
        for base in h3.get_res0_cells()
        for cell in h3.cell_to_children(base, 3)
        if len(h3.cell_to_boundary(cell)) > 6 and abs(h3.cell_to_latlng(cell)[1]) < 170
    )
    cells = np.array(h3.grid_disk(edge, 1), dtype=np.uint64)
    layer = HexLayer(cells, np.arange(1, 8), CellStyle(scale=build_count_scale(7), title="Finds", unit="Finds"))
    file = tmp_path / "edge.html"
    file.write_bytes(render_saved_page(area, layer, title="Edge", sentence="", notes=[], table=None))
    page = windows.take(file.as_uri())
    page.goto(file.as_uri())
    wait_until(page, PAINTED)
    page.evaluate(
        "centre => { the_map.setMinZoom(2).setView(centre, 6, {animate: false}); }", list(h3.cell_to_latlng(edge))
    )
    drawn = centres(page)
    assert {h3.latlng_to_cell(cell["lat"], cell["lng"], 3): cell["value"] for cell in drawn} == dict(
        zip(cells.tolist(), range(1, 8), strict=True)
    )
    assert all(page.evaluate("cell => Hexbeat.layer('hex').cellAt(cell)", cell) == cell["cell"] for cell in drawn)
    assert "" not in colours_at(page, drawn)
    windows.leave(page)
