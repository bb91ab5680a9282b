"""What the dashboard writes into the audit trail, and the page that shows it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.accounts import find_account
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.demonstrations import filled_store
from tests.support.partners_side import PATIENCE_S, one_page


def list_written(home: Path) -> list[tuple[Any, ...]]:
    with Store.open(home) as store:
        entries = reversed(list_entries(store.engine, ANALYST))
        return [(it.action, it.what, it.filter, it.form, it.outcome, it.reason) for it in entries]


@pytest.fixture
def filled_home(home: Path) -> Path:
    """A copy of the demonstration's store, whose trail is this test's own."""
    shutil.copytree(filled_store(), home)
    return home


@pytest.mark.slow
def test_a_page_is_written_once_for_each_filter_and_not_for_each_run(filled_home: Path) -> None:
    before = len(list_written(filled_home))
    app = one_page("map", layers="overdoses", wards="12 Linthorpe Road", cell="89195648c3bffff")
    app.run()
    seen = list_written(filled_home)[before:]
    assert seen == [("see_counts", "map", "layers=overdoses", "screen", "done", "")]


def run_script(home: Path, role: str) -> AppTest:
    """One viewer asks for a file, and for a page that is refused, twice; and tries a change that fails."""

    def script(role: str) -> None:
        import streamlit as st  # noqa: PLC0415 - Streamlit runs the source of this function

        from geo.errors import PolicyError, UsageError  # noqa: PLC0415
        from hexbeat.dashboard import audit  # noqa: PLC0415
        from hexbeat.dashboard.screen import check_export  # noqa: PLC0415
        from hexbeat.dashboard.state.login import Login  # noqa: PLC0415
        from hexbeat.dashboard.state.session import open_installation  # noqa: PLC0415
        from hexbeat.settings import Settings  # noqa: PLC0415
        from layers.access import Action, Role, Viewer, require  # noqa: PLC0415
        from layers.catalogue import find_layer  # noqa: PLC0415

        login = Login("somebody", Viewer(Role(role), "somebody"), ())
        installation = open_installation(Settings.from_environment(), login=login)
        audit.audit_view(installation, "map", {"layers": "overdoses", "q": "12 Linthorpe Road"}, rows=3)
        make = check_export(installation, lambda: b"file", form="csv", layers=["overdoses"])
        for _ in range(2):
            try:
                with audit.audit_refusal(installation, "data"):
                    require(installation.viewer, Action.LOAD, "overdoses")
            except PolicyError:
                st.text("refused")
        try:
            st.text(make().decode())
        except PolicyError as error:
            st.text(str(error))
        try:
            with audit.audit_change(installation, action=Action.LOAD, what="data/load", layers=["overdoses"]):
                find_layer("12 Linthorpe Road")
        except UsageError:
            st.text("failed")

    app = AppTest.from_function(script, default_timeout=PATIENCE_S, args=(role,)).run()
    assert not app.exception
    assert home.is_dir()
    return app


SEEN = ("see_counts", "map", "layers=overdoses", "screen", "done", "")
FAILED = ("load", "data/load", "layers=overdoses", "screen", "failed", "UsageError, exit code 2")


def test_a_file_that_leaves_is_written_with_the_filter_of_its_page(home: Path) -> None:
    app = run_script(home, "analyst")
    assert [text.value for text in app.text] == ["file", "failed"]
    assert list_written(home) == [SEEN, ("export", "map", "layers=overdoses", "csv", "done", ""), FAILED]


def test_a_refusal_is_written_once_for_a_page_and_each_time_for_a_file(home: Path) -> None:
    run_script(home, "auditor")
    refused = "it does not let auditor {} of overdoses"
    assert list_written(home) == [
        SEEN,
        ("see_counts", "data", "", "screen", "refused", refused.format("load")),
        ("export", "map", "layers=overdoses", "csv", "refused", refused.format("export")),
        FAILED,
    ]


def test_the_audit_page_lists_filters_and_checks_the_trail(home: Path) -> None:
    app = one_page("audit")
    app.run()
    html = "\n".join(str(element.proto.body) for element in app.get("html"))
    assert "Entries, newest first" in html
    assert html.count("See audit") == 1  # itself, once in two runs
    app.button(key="audit_verify").click().run()
    html = "\n".join(str(element.proto.body) for element in app.get("html"))
    assert "The trail is whole: 1 entry." in html
    app.text_input(key="audit_expected").set_value(f"9:{'a' * 64}").run()
    app.button(key="audit_verify").click().run()
    html = "\n".join(str(element.proto.body) for element in app.get("html"))
    assert (
        "It ends with entry 1, before entry 9 that was noted elsewhere: entries were removed, or an older copy of the "
        "store was restored."
    ) in html
    app.selectbox(key="audit_subject").set_value(find_account()).run()
    assert not app.exception
    assert [entry[1] for entry in list_written(home)] == ["audit", "audit"]
