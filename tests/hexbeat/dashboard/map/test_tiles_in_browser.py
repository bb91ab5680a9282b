"""A council's own tiles under the map: a real tile server, a real browser, and the security policy of a real server."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.support.browser import Windows, map_frame
from tests.support.demonstrations import filled_store
from tests.support.partners_side import visit
from tests.support.servers import hexbeat_server
from tests.support.tile_server import TileServer, tile_server

pytestmark = pytest.mark.browser

CREDIT = "Tiles © The Council & <b>others</b>"
TILE = re.compile(r"/\d{1,2}/\d+/\d+\.png\?key=a%26b")
# A tile of another server, as a script in the page might ask for it; the policy of the frame decides.
ASK = """(url) => new Promise((resolve) => { const refused = [];
  document.addEventListener('securitypolicyviolation', (event) => refused.push(event.effectiveDirective));
  const image = new Image(); image.onload = () => resolve(['loaded', refused]);
  image.onerror = () => setTimeout(() => resolve(['failed', refused]), 0); image.src = url; })"""


@dataclass
class Tiled:
    """A dashboard whose settings name one of two tile servers."""

    url: str
    named: TileServer
    other: TileServer


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiled]:
    home = tmp_path_factory.mktemp("tiles") / "home"
    shutil.copytree(filled_store(), home)
    with tile_server() as named, tile_server() as other:
        environment = {
            "HEXBEAT_HOME": str(home),
            "HEXBEAT_AREA": "middlesbrough",
            "HEXBEAT_DATABASE_URL": "",
            "HEXBEAT_TILES": f"{named.url}/{{z}}/{{x}}/{{y}}.png?key={{key}}",
            "HEXBEAT_TILES_KEY": "a&b",
            "HEXBEAT_TILES_ATTRIBUTION": CREDIT,
        }
        with hexbeat_server(environment=environment) as url:
            yield Tiled(url, named, other)


def test_where_no_tile_comes_the_map_says_so_and_draws_its_own_streets(windows: Windows, tiled: Tiled) -> None:
    guest = visit(windows, f"{tiled.url}/data")
    page = guest.page
    page.route(f"{tiled.named.url}/**", lambda route: route.abort())
    page.goto(tiled.url)
    frame = map_frame(page)
    expect(frame.get_by_role("status").filter(has_text="The map tiles cannot be loaded now.")).to_be_visible()
    frame.wait_for_function("() => map.hexbeat.streets && !map.hexbeat.tiled")
    assert "© OpenStreetMap contributors" in frame.locator(".hexbeat-sources").inner_text()
    page.unroute(f"{tiled.named.url}/**")
    guest.leave()


def test_the_named_tiles_are_drawn_and_credited_and_others_are_refused(windows: Windows, tiled: Tiled) -> None:
    guest = visit(windows, tiled.url)
    frame = map_frame(guest.page)
    frame.wait_for_function(
        "document.querySelectorAll('.leaflet-hexbeat-tiles-pane img.leaflet-tile-loaded').length > 3"
    )
    assert tiled.named.requests
    assert all(TILE.fullmatch(path) for path, _ in tiled.named.requests)
    # The service learns where a question comes from, and not which filters it had.
    assert {referrer for _, referrer in tiled.named.requests} == {f"{tiled.url}/"}
    assert CREDIT in frame.locator(".hexbeat-sources").inner_text()
    assert "OpenStreetMap" not in frame.locator(".hexbeat-sources").inner_text()  # none of our streets are drawn
    expect(frame.locator(".hexbeat-streets")).to_have_count(0)
    assert frame.evaluate(ASK, f"{tiled.named.url}/1/0/0.png") == ["loaded", []]
    assert frame.evaluate(ASK, f"{tiled.other.url}/1/0/0.png") == ["failed", ["img-src"]]
    assert guest.page.evaluate(ASK, f"{tiled.other.url}/2/0/0.png") == ["failed", ["img-src"]]
    assert tiled.other.requests == []
    guest.leave()
