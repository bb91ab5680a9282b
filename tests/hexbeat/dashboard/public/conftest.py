"""One served example for the public side's browser tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.support.browser import Windows
from tests.support.public_side import Ear, public_server
from tests.support.releases import example_release, write_example

PUBLISHED = {
    "2026-Q1": (("fine.piece.0", 7), ("fine.group.0", 5), ("fine.group.1", 6), ("fine.borough", 9)),
    "2026-Q2": (("fine.piece.0", 12), ("fine.ward.E05000001", 6), ("fine.piece.4", 45)),
}


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example, served without a store."""
    release = write_example(tmp_path_factory.mktemp("council") / "release", example_release(published=PUBLISHED))
    with public_server(release, audited=False) as url:
        yield url


@pytest.fixture
def ear(windows: Windows, address: str, request: pytest.FixtureRequest) -> Iterator[Ear]:
    """A visitor with a window of 320 pixels, light, unless the test names another width and scheme."""
    width, scheme = getattr(request, "param", (320, "light"))
    heard = Ear(windows.take(address, size=(width, 800), scheme=scheme), windows=windows)
    yield heard
    windows.leave(heard.page)
    assert heard.faults == []


@pytest.fixture
def visitor(ear: Ear) -> Page:
    """The visitor's page alone."""
    return ear.page
