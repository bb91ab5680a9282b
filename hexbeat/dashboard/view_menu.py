"""The menu of saved views: open one, save what the page shows, choose what Hexbeat opens with."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError, PolicyError, StoreError
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.saved_views import (
    LONGEST_NAME,
    SavedView,
    choose_home,
    find_home,
    list_views,
    may_remove,
    remove_view,
    save_view,
)
from layers.access import Action, Role, may, may_open
from layers.wording import escape_html

__all__ = ["draw_view_menu", "open_view"]

OPEN_KEY: Final = "hb_open_view"  # the view that is to be opened by the next run of the whole page
OPENED_KEY: Final = "hb_opened"  # this session has seen its first page
SAID_KEY: Final = "hb_view_said"  # what the last change came to, or its error
FIELDS: Final = "view_"
MAP: Final = SavedView("The map", "map")


def draw_view_menu(installation: Installation, page: str, query: Mapping[str, str]) -> None:
    """Draw the menu, folded; `query` are the choices of the page as they are now, in the words of links.

    What is in it is worked out and sent when it is opened, not with every change of a filter.
    """
    if not may(installation.login.viewer, Action.SEE_COUNTS):
        return
    menu = st.popover("Saved views", key=f"hb_views_{page}", on_change="rerun")
    if menu.open:
        with menu:
            _draw_message()
            views = [view for view in list_views(installation.documents) if may_open(installation.viewer, view.page)]
            _draw_views(installation, views)
            _draw_form(installation, page, {key: text for key, text in query.items() if key != "cell"})
            _draw_homes(installation, views)
    if OPEN_KEY in st.session_state:
        st.rerun()


def _draw_message() -> None:
    message = st.session_state.pop(SAID_KEY, None)
    if isinstance(message, HexbeatError):
        draw_error(message)
    elif message:
        st.html(f'<p class="hb-notes" role="status">{escape_html(message)}</p>')


def _draw_views(installation: Installation, views: Sequence[SavedView]) -> None:
    """A button for each view, and beside it one that removes it."""
    if not views:
        st.html('<p class="hb-notes">A saved view keeps what, when, where and how under a name.</p>')
    for number, view in enumerate(views):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"hb_view_{number}"):
            label = f"{view.name} (everybody)" if view.is_shared else view.name
            st.button(_escape_markdown(label), key=f"{FIELDS}open_{number}", on_click=_choose, args=(view,))
            if may_remove(installation.viewer, view):
                st.button("Remove", key=f"{FIELDS}remove_{number}", on_click=_remove, args=(installation, view),
                          type="tertiary", help=_escape_markdown(f"Remove {view.name}"))  # fmt: skip


def _escape_markdown(text: str) -> str:
    """A name as text: Streamlit reads labels as Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|~:$<>" else letter for letter in text)


def _draw_form(installation: Installation, page: str, query: Mapping[str, str]) -> None:
    """The name for what the page shows now, and for whom."""
    st.text_input("Save this view as", key=f"{FIELDS}name", max_chars=LONGEST_NAME)
    st.checkbox("For everybody in the partnership", key=f"{FIELDS}shared")
    st.button("Save", key=f"{FIELDS}save", on_click=_save, args=(installation, page, dict(query)))


def _draw_homes(installation: Installation, views: Sequence[SavedView]) -> None:
    """What Hexbeat opens with: for the person, and for each role by who looks after what all share."""
    options = {_name(view): view for view in (MAP, *views)}
    home = find_home(installation.documents)
    current = _name(home) if home and _name(home) in options else _name(MAP)
    st.selectbox(
        "Hexbeat opens with", list(options), index=list(options).index(current), key=f"{FIELDS}home",
        on_change=_choose_home, args=(installation, options),
    )  # fmt: skip
    if may(installation.viewer, Action.SET_POLICY):
        shared = {name: view for name, view in options.items() if view.is_shared or view == MAP}
        role = st.selectbox(
            "What others open with", [role for role in Role if role != Role.AUDITOR], index=None,
            placeholder="Choose a role", key=f"{FIELDS}role",
        )  # fmt: skip
        if role:
            st.selectbox(
                f"The role {role} opens with", list(shared), index=None, placeholder="Choose a view of everybody",
                key=f"{FIELDS}role_home", on_change=_choose_home, args=(installation, shared, Role(role)),
            )  # fmt: skip


def _name(view: SavedView) -> str:
    return f"{view.name} (everybody)" if view.is_shared else view.name


def _choose(view: SavedView) -> None:
    st.session_state[OPEN_KEY] = view


def _save(installation: Installation, page: str, query: Mapping[str, str]) -> None:
    view = SavedView(
        str(st.session_state[f"{FIELDS}name"]), page, query, is_shared=bool(st.session_state[f"{FIELDS}shared"])
    )
    try:
        with audit_change(installation, action=Action.SEE_COUNTS, what=f"{page}/saved view"):
            saved_view = save_view(installation.documents, view)
    except HexbeatError as error:
        st.session_state[SAID_KEY] = error
        return
    st.session_state.update({f"{FIELDS}name": "", f"{FIELDS}shared": False, SAID_KEY: f"Saved: {saved_view.name}."})


def _remove(installation: Installation, view: SavedView) -> None:
    try:
        with audit_change(installation, action=Action.SEE_COUNTS, what=f"{view.page}/saved view"):
            remove_view(installation.documents, view)
    except HexbeatError as error:
        st.session_state[SAID_KEY] = error
        return
    st.session_state[SAID_KEY] = f"Removed: {view.name}."


def _choose_home(installation: Installation, options: Mapping[str, SavedView], role: Role | None = None) -> None:
    view = options.get(str(st.session_state[f"{FIELDS}role_home" if role else f"{FIELDS}home"]))
    if view is None:
        return
    try:
        with audit_change(installation, action=Action.SEE_COUNTS, what="map/first screen"):
            choose_home(installation.documents, None if view == MAP and role else view, role=role)
    except HexbeatError as error:
        st.session_state[SAID_KEY] = error
        return
    whom = f"The role {role} opens" if role else "Hexbeat now opens for you"
    st.session_state[SAID_KEY] = f"{whom} with {view.name}."


def open_view(installation: Installation, pages: Mapping[str, StreamlitPage], *, is_root: bool) -> None:
    """Go to the view that was chosen in the menu; at the root, in a session that begins, to the person's first screen.

    `pages` by address. Nothing for a page that the viewer may not open.
    """
    is_first = not st.session_state.get(OPENED_KEY)
    st.session_state[OPENED_KEY] = True
    view: SavedView | None = st.session_state.pop(OPEN_KEY, None)
    if view is None and is_first and is_root and may(installation.viewer, Action.SEE_COUNTS):
        try:
            view = find_home(installation.documents)
        except (PolicyError, StoreError):
            view = None
    if view is None or view.page not in pages or view == MAP:
        return
    for key in [key for key in st.session_state if _is_choice(str(key))]:
        del st.session_state[key]
    st.switch_page(pages[view.page], query_params=dict(view.query))


def _is_choice(key: str) -> bool:
    """Whether a key of the session holds choices of the map or of the analysis: they come from the view's words."""
    return key in ("choices", "analysis_question", "link_problems") or key.startswith(("filter_", "analysis_"))
