"""The words of ASGI, headers of requests and answers, and refusals in three parts."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from geo.errors import HexbeatError
from layers.wording import format_sentence

__all__ = ["App", "Message", "Receive", "Send", "add_headers", "answer", "find_header", "refuse"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})
COOKIE: Final = b"set-cookie"
IMMUTABLE: Final = b"immutable"


def find_header(scope: Message, name: bytes) -> str | None:
    """The value of a request's header, None if it is missing or empty. Repeated headers are joined with commas."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ", ".join(values) or None


def add_headers(
    send: Send, headers: Iterable[tuple[bytes, bytes]], *, remove: Iterable[bytes] = (), secure_cookies: bool = False
) -> Send:
    """A `send` that adds these headers to each answer, replaces those of the same names, and drops those to remove.

    `secure_cookies`: a browser sends back a cookie over TLS only. Only content is said to be immutable: a file that is
    not there yet may come with the next version.
    """
    new_headers = list(headers)
    removed_names = set(remove)

    async def send_with_headers(message: Message) -> None:
        if message["type"] in STARTS:
            has_content = message.get("status") == HTTPStatus.OK
            own_headers = [(name, value) for name, value in new_headers if has_content or IMMUTABLE not in value]
            replaced = removed_names.union(name for name, _ in own_headers)
            others = [
                (name, _secure_cookie(value) if secure_cookies and name.lower() == COOKIE else value)
                for name, value in message.get("headers", [])
                if name.lower() not in replaced
            ]
            message = {**message, "headers": [*others, *own_headers]}
        await send(message)

    return send_with_headers


def _secure_cookie(value: bytes) -> bytes:
    attributes = {part.strip().lower() for part in value.split(b";")[1:]}
    return value if b"secure" in attributes else value + b"; Secure"


async def refuse(scope: Message, send: Send, error: HexbeatError, *, status: int = 403) -> None:
    """Answer with the three parts of an error as lines of text. A WebSocket that cannot is closed.

    The connection ends: what is left of a request is not read.
    """
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    text = "".join(f"{format_sentence(part)}\n" for part in (error.rule, error.fact, error.hint))
    await answer(scope, send, text, status=status)


async def answer(
    scope: Message, send: Send, text: str, *, status: int, kind: bytes = b"text/plain; charset=utf-8"
) -> None:
    """Answer a request, or the handshake of a WebSocket, with a text, and end the connection."""
    start = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = text.encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": f"{start}.start", "status": status, "headers": headers})
    await send({"type": f"{start}.body", "body": body})
