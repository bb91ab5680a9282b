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
def home(home: Path) -> Path:
    """The home of a page's test: nothing is cached from another test."""
    st.cache_resource.clear()
    return home
