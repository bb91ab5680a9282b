"""What every page shares: its style, its security checks, and the way it shows errors."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from geo.errors import HexbeatError
from hexbeat.dashboard.audit import audit_file
from hexbeat.dashboard.security import require_local_host, require_loopback, require_own_origin
from hexbeat.dashboard.state.session import Installation, open_installation
from hexbeat.settings import Settings
from layers.access import Action, require
from layers.wording import escape_html, format_sentence

__all__ = ["ICON", "STYLE", "apply_style", "check_export", "draw_error", "render_error", "run_page"]

STYLE: Final = Path(__file__).parent / "style"
ICON: Final = STYLE / "favicon.png"


def apply_style() -> None:
    """Add our style sheet to Streamlit's."""
    st.html(STYLE / "page.css")


def run_page(settings: Settings, run: Callable[[Installation], None]) -> None:
    """Run a page if the server listens on this machine only. Show any error in its three parts."""
    try:
        require_loopback(st.get_option("server.address"))
        require_own_page()
        run(open_installation(settings))
    except HexbeatError as error:
        draw_error(error)


def require_own_page() -> None:
    """PolicyError unless our own page opened the connection. The server has checked the same before."""
    headers = st.context.headers
    if not headers:  # a test runs the page, without a server
        return
    host = require_local_host(", ".join(headers.get_all("Host")), port=int(st.get_option("server.port")))
    require_own_origin(", ".join(headers.get_all("Origin")) or None, host)


def check_export(
    installation: Installation,
    make: Callable[[], bytes],
    *,
    form: str,
    layers: Sequence[str | None] = (None,),
    what: str = "",
    reason: str = "",
) -> Callable[[], bytes]:
    """The same maker of a file, which first checks again that the viewer may export these layers (None: in general).

    A file is made when its button is pressed, which may be long after the button was drawn. The audit trail then has
    it, as this `form` (its ending) of the page and filter, or of `what`.
    """

    def build_file() -> bytes:
        for layer in layers:
            require(installation.viewer, Action.EXPORT, layer)
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
