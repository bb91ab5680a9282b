"""What tests of the application share: a home that is not there yet, and the area of the demonstration."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hexbeat.areas.area import Area
from hexbeat.store.store import Store
from tests.support.demonstrations import middlesbrough


@pytest.fixture(scope="session")
def area() -> Area:
    """Middlesbrough, read once."""
    return middlesbrough()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that is not there yet, with the settings that lead to it."""
    monkeypatch.setenv("HEXBEAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HEXBEAT_AREA", "middlesbrough")
    monkeypatch.delenv("HEXBEAT_DATABASE_URL", raising=False)
    return tmp_path / "home"


@pytest.fixture
def sqlite_store(home: Path) -> Iterator[Store]:
    """An empty store in that home, for what is the same in every database."""
    with Store.open(home) as opened:
        yield opened
