"""What tests of the map in a browser share: one server of maps, and a window."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Frame, Page

from tests.support.browser import Windows, go_to_map
from tests.support.paths import ROOT
from tests.support.servers import streamlit_server

APP = ROOT / "tests" / "support" / "apps" / "map_app.py"
SIZE = (1100, 800)


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The maps of `tests/support/apps/map_app.py`, served without a dashboard."""
    with streamlit_server(APP) as url:
        yield url


@pytest.fixture
def page(windows: Windows, address: str) -> Iterator[Page]:
    """An empty page of the usual size."""
    made = windows.take(address, size=SIZE)
    yield made
    windows.leave(made)


@pytest.fixture(scope="module")
def still(windows: Windows, address: str) -> Iterator[Frame]:
    """A map for tests that only look."""
    made = windows.take(address, size=SIZE)
    yield go_to_map(made, address)
    windows.leave(made)


@pytest.fixture
def moved(still: Frame) -> Iterator[Frame]:
    """The same map for a test that moves it or paints it anew: afterwards it is as it was opened."""
    yield still
    still.evaluate("() => { Hexbeat.layer('hex').showFrame(0); Hexbeat.fitAgain(map); }")
