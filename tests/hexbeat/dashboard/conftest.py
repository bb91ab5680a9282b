"""What tests of the pages share: a home of its own for each."""

from pathlib import Path

import pytest
import streamlit as st


@pytest.fixture
def home(home: Path) -> Path:
    """The home of a page's test: nothing is cached from another test."""
    st.cache_resource.clear()
    return home
