"""What every page shares: its style, its security checks, and the way it shows errors."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from geo.errors import HexbeatError, PolicyError
from hexbeat.areas.area import load_area
from hexbeat.dashboard import security
from hexbeat.dashboard.audit import audit_file, audit_refusal
from hexbeat.dashboard.state.login import find_login
from hexbeat.dashboard.state.session import Installation, open_installation
from hexbeat.dashboard.web.server_settings import ServerSettings
from hexbeat.settings import Settings
from layers.access import Action, require, require_document, require_export, require_page
from layers.wording import escape_html, format_sentence

__all__ = [
    "STYLE",
    "apply_style",
    "check_export",
    "draw_alone",
    "draw_error",
    "render_error",
    "run_page",
    "settle_memory",
]

STYLE: Final = Path(__file__).parent / "style"
SIGN_IN_LINKS: Final = (
    '<p class="hb-sign-in"><a href="/" target="_self">Sign in again</a> · '
    '<a href="/sign-out" target="_self">Sign out</a></p>'
)


def apply_style() -> None:
    """Add our style sheet to Streamlit's."""
    st.html(STYLE / "page.css")


def run_page(settings: Settings, run: Callable[[Installation], None]) -> None:
    """Run a page if only those who may can reach the server. Show any error in its three parts."""
    try:
        server = ServerSettings.from_environment()
        security.require_login(st.get_option("server.address") or "every address", server)
        require_own_page(server)
        require_area(settings)
        draw_for_login(settings, run)
    except HexbeatError as error:
        draw_error(error)


def draw_alone(installation: Installation, page: str, draw: Callable[[Installation], None]) -> None:
    """Draw a part of a page that its own widgets draw again without the rest of the page, such as the header.

    Who is signed in and what they may see is asked anew each time, as at a run of the whole page. The whole page is
    drawn again if anything of that is different, or if the store or the day has changed, which the rest shows too.
    """
    settings, run = installation.settings, describe_run(installation)
    installations = [installation]  # for the run of the whole page; it would keep old records in memory if it were held

    @st.fragment
    def draw_part() -> None:
        current = installations.pop() if installations else find_installation(settings, page)
        if current is None or describe_run(current) != run:
            st.rerun()
        try:
            with audit_refusal(current, page):
                draw(current)
        except HexbeatError as error:
            draw_error(error)

    draw_part()


def describe_run(installation: Installation) -> tuple[object, ...]:
    """What the whole page depends on besides its widgets: person, role, policy, store, area and day."""
    return installation.login, installation.key, installation.today


def find_installation(settings: Settings, page: str) -> Installation | None:
    """The installation for who is signed in now; None if they may not open the page, or anything is wrong."""
    try:
        server = ServerSettings.from_environment()
        security.require_login(st.get_option("server.address") or "every address", server)
        require_own_page(server)
        installation = open_installation(settings, login=find_login(settings))
        require_page(installation.login.viewer, page)  # looked up in the line above
    except HexbeatError:
        return None
    return installation


_settled: Final[set[str]] = set()


def settle_memory(page: str) -> None:
    """Keep what the first run of a page has loaded out of garbage collection, for good.

    Modules, wards and street names live as long as the process. To walk through them after every run took longer than
    the run itself.
    """
    if page not in _settled:
        _settled.add(page)
        gc.collect()
        gc.freeze()


def require_area(settings: Settings) -> None:
    """AreaError if there is no such area, before a store is made for it. A shared store may bring the area itself."""
    if not settings.database_url:
        load_area(settings.area, home=settings.home)


def draw_for_login(settings: Settings, run: Callable[[Installation], None]) -> None:
    """Run a page for who is signed in and has a role. Others see why they are shown nothing, and the ways on."""
    try:
        login = find_login(settings)
    except PolicyError as error:
        st.html(render_error(error) + SIGN_IN_LINKS)
    else:
        run(open_installation(settings, login=login))


def require_own_page(server: ServerSettings) -> None:
    """PolicyError unless our own page opened the connection. The server has checked the same before."""
    headers = st.context.headers
    if not headers:  # a test runs the page, without a server
        return
    host, origin = (", ".join(headers.get_all(name)) or None for name in ("Host", "Origin"))
    security.require_own_page(host, origin, port=int(st.get_option("server.port")), settings=server)


def check_export(
    installation: Installation,
    make: Callable[[], bytes],
    *,
    form: str,
    layers: Sequence[str] = (),
    document: str | None = None,
    what: str = "",
    reason: str = "",
) -> Callable[[], bytes]:
    """The same maker of a file, which first checks again that the viewer may take it.

    A document by its name in the access policy; None: an export of counts of these layers.

    A file is made when its button is pressed, which may be long after the button was drawn. The audit trail then has
    it, as this `form` (its ending) of the page and filter, or of `what`.
    """

    def build_file() -> bytes:
        for layer in layers:
            require(installation.viewer, Action.EXPORT, layer)
        if document:
            require_document(installation.viewer, document)
        else:
            require_export(installation.viewer, "counts")
        return make()

    return audit_file(installation, build_file, form=form, what=what, reason=reason)


def draw_error(error: HexbeatError) -> None:
    """Show an error as rule, fact and hint."""
    st.html(render_error(error))


def render_error(error: HexbeatError) -> str:
    """The three parts of an error as lines. They are escaped, because they can name files and columns."""
    return (
        f'<div class="hb-empty" role="alert"><h2>{escape_html(error.rule)}</h2>'
        f"<p>{escape_html(format_sentence(error.fact))}</p><p>{escape_html(format_sentence(error.hint))}</p></div>"
    )
