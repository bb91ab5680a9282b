"""Security of the public server: few addresses, few messages, and security headers on every answer.

Streamlit serves more than a public page needs (uploads, an interface for agents, questions about its source folder),
and sends every browser the path of its script, its versions and an id of its machine. This middleware blocks all that.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import streamlit
from starlette.middleware import Middleware
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from geo.errors import PolicyError, UsageError
from hexbeat.dashboard.security import App, Message, Receive, Send, add_headers, find_header, refuse, require_own_origin
from hexbeat.tiles import format_image_sources

__all__ = ["SecurityMiddleware", "build_security_headers", "middleware", "parse_frame_ancestors"]

STREAM: Final = "/_stcore/stream"
PATHS: Final = re.compile(r"/|/favicon\.png|/_stcore/(health|host-config)|/(static|component|media)/.+")
METHODS: Final = ("GET", "HEAD")
# The messages of a browser that pass: "run again with these choices", "stop", "I am still here".
ALLOWED_INCOMING: Final = frozenset({"rerun_script", "stop_script", "app_heartbeat"})
REMOVED_OUTGOING: Final = frozenset({"git_info_changed", "backend_operation_response", "file_urls_response"})
ANCESTOR_PATTERN: Final = re.compile(r"https://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?")
PERMISSIONS: Final = ("camera", "geolocation", "microphone", "payment", "usb", "display-capture", "midi", "serial")


def middleware() -> list[Middleware]:
    """The middleware of the public side; HEXBEAT_FRAME_ANCESTORS names the sites that may frame it."""
    return [Middleware(SecurityMiddleware, ancestors=parse_frame_ancestors(os.environ.get("HEXBEAT_FRAME_ANCESTORS")))]


class SecurityMiddleware:
    """ASGI middleware around Streamlit's app."""

    def __init__(self, app: App, *, ancestors: tuple[str, ...] = ()) -> None:
        self.app = app
        self.ancestors = ancestors

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request or connection. A start or stop of the server passes unchanged."""
        if scope["type"] == "websocket" and scope["path"] == STREAM:
            await self._connect(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _connect(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve any Host, because a proxy may have any name; refuse the stream to a page of another Origin."""
        origin = find_header(scope, b"origin")
        try:
            if origin is not None:
                require_own_origin(origin, find_header(scope, b"host") or "")
        except PolicyError as error:
            await refuse(scope, send, error)
        else:
            await self.app(scope, _filter_incoming(receive), _filter_outgoing(send))

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = build_security_headers(scope["path"], self.ancestors)
        send_with_headers = add_headers(send, headers, remove=(b"set-cookie", b"server"))
        if scope["method"] in METHODS and PATHS.fullmatch(scope["path"]):
            await self.app(scope, receive, send_with_headers)
            return
        await send_with_headers(
            {"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]}
        )
        await send_with_headers({"type": "http.response.body", "body": b"There is no such page.\n"})


def _filter_incoming(receive: Receive) -> Receive:
    """A `receive` that returns only the messages of the browser that a public page needs, and skips others."""

    async def receive_allowed() -> Message:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive" or _is_allowed_message(message.get("bytes")):
                return message

    return receive_allowed


def _is_allowed_message(content: bytes | None) -> bool:
    try:
        return BackMsg.FromString(content or b"").WhichOneof("type") in ALLOWED_INCOMING
    except Exception:  # noqa: BLE001 - whatever it was, it was no message
        return False


def _filter_outgoing(send: Send) -> Send:
    """A `send` that removes from messages what they disclose about this machine."""

    async def send_redacted(message: Message) -> None:
        content = message.get("bytes")
        if message["type"] != "websocket.send" or not content:
            await send(message)
            return
        redacted = _redact_message(content)
        if redacted is not None:
            await send({**message, "bytes": redacted})

    return send_redacted


def _redact_message(content: bytes) -> bytes | None:
    message = ForwardMsg.FromString(content)
    kind = message.WhichOneof("type")
    if kind in REMOVED_OUTGOING:
        return None
    if kind != "new_session":
        return content
    session = message.new_session
    session.main_script_path = ""
    for ids in (session.initialize.user_info, session.initialize.environment_info):
        ids.Clear()
        ids.SetInParent()  # the page needs these fields, but they may be empty
    return bytes(message.SerializeToString())


def parse_frame_ancestors(setting: str | None) -> tuple[str, ...]:
    """The sites that may show the page in a frame: https addresses without a path, separated by spaces.

    None or empty: only the page itself. UsageError for anything else, such as "*" or a path.
    """
    sites = tuple((setting or "").split())
    wrong = [site for site in sites if not ANCESTOR_PATTERN.fullmatch(site)]
    if wrong:
        raise UsageError(
            "Sites that may frame the page are https addresses without a path",
            f"HEXBEAT_FRAME_ANCESTORS has {wrong[0]!r}",
            "write them as in https://www.example.gov.uk https://*.example.org",
        )
    return sites


def build_security_headers(path: str, ancestors: Iterable[str] = ()) -> list[tuple[bytes, bytes]]:
    """The headers of an answer: no other servers, no frames except by the ancestors, no devices, no referrer.

    streamlit-folium writes the map's script into its own frame and evaluates it there, so only that frame may do so.
    """
    inline = ["'unsafe-inline'", "'unsafe-eval'"] if path.startswith("/component/") else _hash_inline_scripts()
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *inline]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": format_image_sources(public=True),
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "frame-src": "'self'",
        "frame-ancestors": " ".join(["'self'", *ancestors]),
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "permissions-policy": ", ".join(f"{name}=()" for name in PERMISSIONS),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@cache
def _hash_inline_scripts() -> list[str]:
    """Hashes of the inline scripts of Streamlit's own page, so that no other inline script runs."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts]
