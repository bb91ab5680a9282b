"""Security of the partners' server: which requests it answers, its headers, and no calls to other servers.

A browser lets any website send requests to this machine, and, by DNS rebinding, read the answers under the website's
own name. The name stands in the Host of each request, and the page that opens a WebSocket in its Origin.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from starlette.middleware import Middleware
from streamlit import net_util

from geo.errors import HexbeatError, PolicyError
from hexbeat.tiles import format_image_sources
from layers.wording import format_sentence

__all__ = [
    "App",
    "LocalRequests",
    "Message",
    "Receive",
    "Send",
    "add_headers",
    "find_header",
    "forbid_address_lookups",
    "is_loopback",
    "middleware",
    "refuse",
    "require_local_host",
    "require_loopback",
    "require_own_origin",
]

HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]@/]+)(:(?P<port>\d{1,5}))?")
DEFAULT_PORTS: Final = (80, 443)  # a browser leaves these out of the Host
MOST_SHOWN: Final = 100  # characters of a request's header in an answer


def is_loopback(address: str | None) -> bool:
    """True if only this machine can reach a server that listens on this address. None means all addresses."""
    if address is None:
        return False
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def require_loopback(address: str | None) -> None:
    """PolicyError unless the server listens on this machine alone."""
    if not is_loopback(address):
        raise PolicyError(
            "Without a login, the partners' side serves this machine only",
            f"this server listens on {address or 'every address'}",
            "start it with `hexbeat serve`, or add `--server.address 127.0.0.1`",
        )


def require_local_host(host: str | None, *, port: int) -> str:
    """The Host of a request, in lower case; PolicyError unless it is `localhost` or a loopback address with this port.

    Such a name always means this machine. The owner of any other name can make it point here.
    """
    parts = HOST.fullmatch((host or "").lower())
    ports = {str(port), None} if port in DEFAULT_PORTS else {str(port)}
    if not parts or not is_loopback(parts["name"]) or parts["port"] not in ports:
        raise PolicyError(
            "Without a login, the partners' side answers to the names of this machine only",
            f"this request is for {(host or 'nothing')[:MOST_SHOWN]}",
            f"open http://127.0.0.1:{port} on this machine; an SSH tunnel has the port {port} at both ends",
        )
    return parts[0]


def require_own_origin(origin: str | None, host: str) -> None:
    """PolicyError unless the page that opens a connection comes from the same address."""
    if origin is None or origin.lower() not in {f"http://{host.lower()}", f"https://{host.lower()}"}:
        raise PolicyError(
            "Only a page from the same address may open a connection",
            f"this one comes from {origin[:MOST_SHOWN]}" if origin else "this one names no address",
            f"open {host[:MOST_SHOWN]} in a browser",
        )


Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


# The page shows its own components in frames, so that it may frame itself.
# "Where I am" asks for the position, in the page itself; a frame, or anything else of the device, is not for us.
def build_headers() -> list[tuple[bytes, bytes]]:
    """The headers of each answer. Pictures come from this server, and from the tile service that the settings name."""
    policy = f"frame-ancestors 'self'; img-src {format_image_sources(public=False)}"
    return [
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", policy.encode()),
        (b"permissions-policy", b"geolocation=(self), camera=(), microphone=(), payment=(), usb=()"),
    ]


def middleware() -> list[Middleware]:
    """The middleware of the partners' side."""
    return [Middleware(LocalRequests)]


class LocalRequests:
    """ASGI middleware that passes requests to the names of this machine, and WebSockets of the page itself."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request or connection. A start or stop of the server passes unchanged."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            host = require_local_host(find_header(scope, b"host"), port=scope["server"][1])
            if scope["type"] == "websocket":
                require_own_origin(find_header(scope, b"origin"), host)
        except PolicyError as error:
            await refuse(scope, send, error)
        else:
            await self.app(scope, receive, add_headers(send, build_headers()))


def find_header(scope: Message, name: bytes) -> str | None:
    """The value of a request's header, None if it is missing or empty. Repeated headers are joined with commas."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ", ".join(values) or None


def add_headers(send: Send, headers: Iterable[tuple[bytes, bytes]], *, remove: Iterable[bytes] = ()) -> Send:
    """A `send` that adds these headers to each answer, replaces those of the same names, and drops those to remove."""
    added = list(headers)
    replaced = {name for name, _ in added} | set(remove)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [pair for pair in message.get("headers", []) if pair[0].lower() not in replaced]
            message = {**message, "headers": [*others, *added]}
        await send(message)

    return send_with_headers


async def refuse(scope: Message, send: Send, error: HexbeatError) -> None:
    """Answer 403 with the three parts of an error as lines of text. A WebSocket that cannot is closed."""
    kind = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        kind = "websocket.http.response"
    text = "".join(f"{format_sentence(part)}\n" for part in (error.rule, error.fact, error.hint)).encode()
    length = (b"content-length", str(len(text)).encode())
    headers = [(b"content-type", b"text/plain; charset=utf-8"), length, *build_headers()]
    await send({"type": f"{kind}.start", "status": 403, "headers": headers})
    await send({"type": f"{kind}.body", "body": text})


def forbid_address_lookups() -> None:
    """Stop Streamlit from looking up the addresses of this machine, for which it asks an outside server.

    It would ask before it refuses a WebSocket of another origin, while everybody else waits, and when it prints its
    addresses. Hexbeat does not need them, and no other server may learn that it runs.
    """
    net_util.get_external_ip = _find_no_address
    net_util.get_internal_ip = _find_no_address


def _find_no_address() -> None:
    return None
