"""What stands between the public and Streamlit's server: few addresses, few messages, and headers on every answer.

Streamlit serves more than a page for everybody needs (uploads, an interface for agents, questions about its own source
folder) and tells every browser the path of its script, its versions and an id of its machine. None of it passes here.
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

__all__ = ["SecurityMiddleware", "build_security_headers", "middleware", "parse_frame_ancestors"]

STREAM: Final = "/_stcore/stream"
PLACES: Final = re.compile(r"/|/favicon\.png|/_stcore/(health|host-config)|/(static|component|media)/.+")
METHODS: Final = ("GET", "HEAD")
# What a browser may say: "run again with these choices", "stop", "I am still here".
MAY_SAY: Final = frozenset({"rerun_script", "stop_script", "app_heartbeat"})
MAY_NOT_HEAR: Final = frozenset({"git_info_changed", "backend_operation_response", "file_urls_response"})
ANCESTOR: Final = re.compile(r"https://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?")
PERMISSIONS: Final = ("camera", "geolocation", "microphone", "payment", "usb", "display-capture", "midi", "serial")


def middleware() -> list[Middleware]:
    """What stands before the public side; who may frame it comes from HEXBEAT_FRAME_ANCESTORS."""
    return [Middleware(SecurityMiddleware, ancestors=parse_frame_ancestors(os.environ.get("HEXBEAT_FRAME_ANCESTORS")))]


class SecurityMiddleware:
    """ASGI middleware around Streamlit's app."""

    def __init__(self, app: App, *, ancestors: tuple[str, ...] = ()) -> None:
        self.app = app
        self.ancestors = ancestors

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or one connection; a start or stop of the server passes as it is."""
        if scope["type"] == "websocket" and scope["path"] == STREAM:
            await self._connect(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _connect(self, scope: Message, receive: Receive, send: Send) -> None:
        """Any Host is served, since a proxy may have any name; the page of another Origin gets no stream."""
        origin = find_header(scope, b"origin")
        try:
            if origin is not None:
                require_own_origin(origin, find_header(scope, b"host") or "")
        except PolicyError as error:
            await refuse(scope, send, error)
        else:
            await self.app(scope, _filter_incoming(receive), _filter_outgoing(send))

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        added = build_security_headers(scope["path"], self.ancestors)
        dressed = add_headers(send, added, remove=(b"set-cookie", b"server"))
        if scope["method"] in METHODS and PLACES.fullmatch(scope["path"]):
            await self.app(scope, receive, dressed)
            return
        await dressed({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await dressed({"type": "http.response.body", "body": b"There is no such page.\n"})


def _filter_incoming(receive: Receive) -> Receive:
    """Messages of the browser that a page for the public needs; others are passed over."""

    async def listen() -> Message:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive" or _is_allowed_message(message.get("bytes")):
                return message

    return listen


def _is_allowed_message(content: bytes | None) -> bool:
    try:
        return BackMsg.FromString(content or b"").WhichOneof("type") in MAY_SAY
    except Exception:  # noqa: BLE001 - whatever it was, it was no message
        return False


def _filter_outgoing(send: Send) -> Send:
    """Messages to the browser, without what they tell of this machine."""

    async def speak(message: Message) -> None:
        content = message.get("bytes")
        if message["type"] != "websocket.send" or not content:
            await send(message)
            return
        said = _redact_message(content)
        if said is not None:
            await send({**message, "bytes": said})

    return speak


def _redact_message(content: bytes) -> bytes | None:
    message = ForwardMsg.FromString(content)
    kind = message.WhichOneof("type")
    if kind in MAY_NOT_HEAR:
        return None
    if kind != "new_session":
        return content
    told = message.new_session
    told.main_script_path = ""
    for ids in (told.initialize.user_info, told.initialize.environment_info):
        ids.Clear()
        ids.SetInParent()  # the page wants them to be there; it works when they are empty
    return bytes(message.SerializeToString())


def parse_frame_ancestors(setting: str | None) -> tuple[str, ...]:
    """Which sites may show the page in a frame, from words with spaces between: https addresses without a path.

    None or empty: none but the page itself. UsageError for anything else, as "*" or a path.
    """
    sites = tuple((setting or "").split())
    wrong = [site for site in sites if not ANCESTOR.fullmatch(site)]
    if wrong:
        raise UsageError(
            "Sites that may frame the page are https addresses without a path",
            f"HEXBEAT_FRAME_ANCESTORS has {wrong[0]!r}",
            "write them as in https://www.example.gov.uk https://*.example.org",
        )
    return sites


def build_security_headers(path: str, ancestors: Iterable[str] = ()) -> list[tuple[bytes, bytes]]:
    """The headers of an answer: nothing from or to elsewhere, no frame but by the ancestors, no device, no referrer.

    streamlit-folium writes the map's script into its own frame and evaluates it there; the page around it does without.
    """
    inline = ["'unsafe-inline'", "'unsafe-eval'"] if path.startswith("/component/") else _hash_inline_scripts()
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *inline]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
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
    """Hashes of the scripts that stand in Streamlit's own page, so that no other inline script runs."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    found = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in found]
