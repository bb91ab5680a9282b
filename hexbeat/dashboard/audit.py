"""What the dashboard writes into the audit trail: pages that are seen, files that leave, and changes.

A page is written before it is drawn, once for each filter and not for each run. A file is written before it is handed
over, a change when it ends.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from geo.errors import PolicyError
from hexbeat.dashboard.login_audit import DOOR
from hexbeat.dashboard.state.session import Installation
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import audit, write_deed
from hexbeat.store.audit_words import format_audit_values
from layers.access import Action

__all__ = ["audit_change", "audit_file", "audit_refusal", "audit_view"]

_SEEN_KEY: Final = "hb_audit_seen"  # of the session: the page, its words and `also`, when last written


def audit_view(
    installation: Installation,
    page: str,
    choices: Mapping[str, Any],
    *,
    action: str = Action.SEE_COUNTS,
    rows: int | None = None,
    also: str = "",
) -> None:
    """Write that a page is seen with these choices (by the names of links), unless this session saw it just so before.

    `also` distinguishes two views whose words are equal, such as those of two cells; it is not written. StoreError if
    it cannot be written: then the page is not shown.
    """
    words = format_audit_values(choices, installation.area.wards)
    views = st.session_state.setdefault(_SEEN_KEY, {})
    viewer = installation.viewer
    view = (words, also, viewer)
    if views.get("page") == page and views.get(page) == view:
        return
    deed = Deed(door=DOOR, action=action, what=page, words=words, rows=rows)
    write_deed(installation.store.engine, installation.store.home, viewer, deed)
    if "/" not in page:  # a part of a page stays beside it
        views.clear()
        views["page"] = page
    views[page] = view


@contextmanager
def audit_refusal(installation: Installation, page: str, *, action: str = Action.SEE_COUNTS) -> Iterator[None]:
    """Write that a page was refused, once and not for each run."""
    try:
        yield
    except PolicyError:
        views = st.session_state.setdefault(_SEEN_KEY, {})
        if views.get("refused") != (page, installation.viewer):
            views["refused"] = (page, installation.viewer)
            with audit_change(installation, action=action, what=page):
                raise
        raise


@contextmanager
def audit_change(
    installation: Installation, *, action: str, what: str, reason: str = "", **choices: Any
) -> Iterator[Deed]:
    """Write how what is done inside ends: done, refused or failed. `rows` of the deed can be set inside."""
    words = format_audit_values(choices, installation.area.wards)
    deed = Deed(door=DOOR, action=action, what=what, words=words, reason=reason)
    with audit(installation.store.engine, installation.store.home, installation.viewer, deed):
        yield deed


def audit_file(
    installation: Installation,
    make: Callable[[], bytes],
    *,
    form: str,
    what: str = "",
    action: str = Action.EXPORT,
    reason: str = "",
) -> Callable[[], bytes]:
    """The same maker of a file, which writes the file into the trail before it hands it over.

    The file is of the page and the filter that the session sees while this is called (`what`: of another thing). The
    maker runs on another thread, when the button is pressed.
    """
    views = st.session_state.get(_SEEN_KEY, {})
    page = views.get("page", "")
    words = views[page][0] if page in views else {}
    deed = Deed(door=DOOR, action=action, what=what or page, words=words, form=form, reason=reason)

    def build_file() -> bytes:
        with audit(installation.store.engine, installation.store.home, installation.viewer, replace(deed)):
            return make()

    return build_file
