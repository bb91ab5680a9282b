"""Requests and WebSocket handshakes as any client can write them."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

__all__ = ["Answer", "ask", "open_socket"]

STREAM: Final = "/_stcore/stream"
UPGRADE: Final = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str


def ask(address: str, path: str = "/", headers: Mapping[str, str | None] | None = None) -> Answer:
    """One GET with these headers and no others, but for Host: the address's own, another, or with None no Host."""
    wire = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        wire.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": urlsplit(address).netloc, **(headers or {})}.items():
            if value is not None:
                wire.putheader(name, value)
        wire.endheaders()
        answer = wire.getresponse()
        return Answer(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        )
    finally:
        wire.close()


def open_socket(address: str, headers: Mapping[str, str | None] | None = None) -> Answer:
    """The answer to a WebSocket's handshake: 101 where it is opened."""
    return ask(address, STREAM, {**UPGRADE, **(headers or {})})
