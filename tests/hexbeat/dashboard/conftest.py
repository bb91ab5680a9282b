"""What tests of the pages share: a home of its own for each, and what Streamlit need not do anew for each of them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(scope="session", autouse=True)
def packages_are_looked_through_once() -> Iterator[None]:
    """Streamlit reads what every installed package says of itself at each start of an app: what is found stays so."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that is not there yet, with the settings that lead to it; nothing is cached from another test."""
    home = tmp_path / "home"
    monkeypatch.setenv("HEXBEAT_HOME", str(home))
    monkeypatch.setenv("HEXBEAT_AREA", "middlesbrough")
    monkeypatch.delenv("HEXBEAT_DATABASE_URL", raising=False)
    st.cache_resource.clear()
    return home
