"""What holds for each page of the header: where it lives, and what it says where nothing has been loaded."""

import ast
import importlib
import inspect

import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.dashboard.pages import navigation as pages
from hexbeat.dashboard.pages.navigation import MODULES, PAGES

PATIENCE_S = 120
NOTHING = {
    "done": "No plan has been made yet",
    "data": "Load a file",
    "audit": "Who saw or changed what",
    "read": "Open Data and drop a file there.",
}


def test_a_page_has_a_module_of_its_name_and_is_imported_when_it_is_shown() -> None:
    for address in PAGES.values():
        assert "show" in importlib.import_module(f"hexbeat.dashboard.pages.{MODULES[address]}").__all__
    tree = ast.walk(ast.parse(inspect.getsource(pages)))
    imported = [node.module for node in tree if isinstance(node, ast.ImportFrom)]
    assert [name for name in imported if name and name.endswith("_page")] == []


@pytest.mark.parametrize("address", PAGES.values())
@pytest.mark.usefixtures("home")
def test_an_empty_store_says_what_to_do(address: str) -> None:
    def script(address: str) -> None:
        from importlib import import_module  # noqa: PLC0415 - Streamlit runs the source of this function

        import streamlit as st  # noqa: PLC0415

        from hexbeat.dashboard.pages.navigation import MODULES  # noqa: PLC0415
        from hexbeat.dashboard.state.session import open_installation  # noqa: PLC0415
        from hexbeat.settings import Settings  # noqa: PLC0415

        ways = [st.Page(lambda: None, title=name, url_path=name.lower()) for name in ("Map", "Plan", "Data")]
        st.navigation(ways, position="hidden")
        import_module(f"hexbeat.dashboard.pages.{MODULES[address]}").show(
            open_installation(Settings.from_environment()), ways
        )

    app = AppTest.from_function(script, default_timeout=PATIENCE_S, args=(address,)).run()
    assert not app.exception
    html = "\n".join(str(element.proto.body) for element in (*app.get("html"), *app.get("text")))
    assert NOTHING.get(address, "Nothing has been loaded yet") in html
    links = [link.proto.label for link in app.get("page_link")]
    assert links[3:] == {"done": ["Go to the Plan page"], "data": [], "audit": [], "read": []}.get(
        address, ["Go to the Data page"]
    )
