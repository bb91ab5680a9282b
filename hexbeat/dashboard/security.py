"""Security of the partners' side: who may reach it, and what it answers.

Without a login it serves this machine alone. `require_login` decides whether others may come; nothing else does.
"""

import re
import threading
from functools import partial
from importlib import import_module
from typing import Any, Final

from starlette.middleware import Middleware

from geo.errors import PolicyError
from hexbeat.dashboard.web.asgi import App, Message, Receive, Send, find_header
from hexbeat.dashboard.web.compressed_files import CompressedFiles
from hexbeat.dashboard.web.gate import Gate, Rules
from hexbeat.dashboard.web.headers import build_security_headers
from hexbeat.dashboard.web.hosts import MOST_SHOWN, is_loopback, parse_host, require_own_origin
from hexbeat.dashboard.web.server_settings import ServerSettings

__all__ = [
    "PAGE_ADDRESSES",
    "build_rules",
    "build_secrets",
    "has_provider",
    "middleware",
    "require_login",
    "require_own_host",
    "require_own_page",
]

# The login stands behind the gate. Imported when it is needed: it knows the store.
LOGIN: Final = "hexbeat.dashboard.login_middleware"
LOGIN_SETTINGS: Final = "hexbeat.login_settings"
PREPARATION: Final = "hexbeat.dashboard.state.preparation"
# The addresses of pages, as `pages.navigation` has them; it would bring the whole dashboard into a check of a name.
PAGE_ADDRESSES: Final = (
    "map", "analysis", "plan", "briefing", "evidence", "done", "outcome", "naloxone", "data", "audit",
    "read",
)  # fmt: skip
PATHS: Final = re.compile(
    rf"/|/({'|'.join(PAGE_ADDRESSES)})|/news|/favicon\.png|/_stcore/(health|host-config)|/_stcore/bidi-components/.+"
    r"|/(static|component|media)/.+"
)
UPLOADS: Final = re.compile(r"/_stcore/upload_file/[^/]+/[^/]+")
FORMS: Final = re.compile(r"/auth/[a-z-]+|/oauth2callback|/sign-(in|out)")
# "Run again with these choices", "stop", "I am still here", "where may I put this file",
# "make the file of this button", "the next rows of this table".
INCOMING: Final = frozenset(
    {
        "rerun_script",
        "stop_script",
        "app_heartbeat",
        "file_urls_request",
        "backend_operation_request.deferred_file",
        "backend_operation_request.dataframe_chunk",
    }
)


def middleware(settings: ServerSettings | None = None) -> list[Middleware]:
    """The middleware of the partners' side, the outermost first; PolicyError for names that need a login."""
    server_settings = settings or ServerSettings.from_environment()
    require_login(None, server_settings)
    gate = Middleware(Gate, rules=build_rules(server_settings), settings=server_settings)
    ahead = [Middleware(BeginPreparation)] if server_settings.prepares else []
    return [gate, *import_module(LOGIN).middleware(), *ahead, Middleware(CompressedFiles)]


class BeginPreparation:
    """Has results worked out ahead once the server has started (`hexbeat.dashboard.state.preparation`)."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on; begin at the end of the server's start."""

        async def send_and_begin(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                threading.Thread(target=_begin_preparation, daemon=True).start()
            await send(message)

        await self.app(scope, receive, send_and_begin if scope["type"] == "lifespan" else send)


def _begin_preparation() -> None:
    """Imported here and in a thread: it brings all statistics, and the server answers meanwhile."""
    import_module(PREPARATION).begin_preparation()


def build_secrets() -> dict[str, Any] | None:
    """What Streamlit must know to sign people in; None without a provider."""
    secrets: dict[str, Any] | None = import_module(LOGIN).build_secrets()
    return secrets


def has_provider() -> bool:
    """True if everybody logs in by a provider, so that others than the people at this machine may come."""
    return import_module(LOGIN_SETTINGS).read_provider() is not None


def require_login(address: str | None, settings: ServerSettings) -> None:
    """PolicyError if others than the people at this machine could come, and no provider says who they are.

    `address` is the one that the server listens on; None: only the names are judged.
    """
    if has_provider():
        return
    reasons = [f"other machines can reach {address}"] if address is not None and not is_loopback(address) else []
    reasons += [f"it would answer to {settings.hosts[0]}"] if settings.hosts else []
    if reasons:
        raise PolicyError(
            "Without a login, the partners' side serves this machine only",
            reasons[0],
            "leave out --host, HEXBEAT_HOSTS and HEXBEAT_PUBLIC_URL and connect through an SSH tunnel, "
            "or set up a provider to log in by",
        )


def require_own_host(host: str | None, *, port: int, settings: ServerSettings | None = None) -> str:
    """The Host of a request, in lower case; PolicyError unless it is one of this server's names."""
    server_settings = settings or ServerSettings()
    name = parse_host(host, port=port, others=server_settings.hosts)
    if name is None:
        raise PolicyError(
            "The partners' side answers to its own names only",
            f"this request is for {(host or 'nothing')[:MOST_SHOWN]}",
            f"open {server_settings.public_url}" if server_settings.public_url else _describe_own_address(port),
        )
    return name


def _describe_own_address(port: int) -> str:
    return f"open http://127.0.0.1:{port} on this machine; an SSH tunnel has the port {port} at both ends"


def require_own_page(host: str | None, origin: str | None, *, port: int, settings: ServerSettings) -> None:
    """PolicyError unless a page of this server, at one of its names, opens a connection."""
    name = require_own_host(host, port=port, settings=settings)
    require_own_origin(origin, name, tls=settings.has_tls and name in settings.hosts)


def build_rules(settings: ServerSettings) -> Rules:
    """What the partners' side answers."""
    return Rules(
        paths=PATHS,
        uploads=UPLOADS,
        forms=FORMS,
        incoming=INCOMING,
        cookies=True,
        build_headers=partial(build_security_headers, buttons=True, locates=True, tls=settings.has_tls),
        check_request=partial(_check_request, settings=settings),
    )


def _check_request(scope: Message, *, settings: ServerSettings) -> None:
    host, port = find_header(scope, b"host"), scope["server"][1]
    if scope["type"] == "websocket":
        require_own_page(host, find_header(scope, b"origin"), port=port, settings=settings)
    else:
        require_own_host(host, port=port, settings=settings)
