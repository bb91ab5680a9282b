"""Slow and greedy clients at a real server with a small app: they are cut off, and others are served meanwhile."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from hexbeat.dashboard.web import connections
from hexbeat.dashboard.web.connections import TimedStream, build_connection_class

PATIENCE_S = 60  # a safety net, not a promise
WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = b"x" * 50_000_000  # more than the buffers of both ends hold


async def app(scope: Any, receive: Any, send: Any) -> None:
    del receive
    body = LARGE if scope["path"] == "/large" else b"served"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def served(*proxies: str) -> Iterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=build_connection_class(proxies),
            ws=TimedStream,
            lifespan="off",
            log_config=None,
            timeout_keep_alive=1,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join(PATIENCE_S)
    listener.close()


def read_to_end(client: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    client.settimeout(PATIENCE_S)
    content = b""
    try:
        while part := client.recv(1_000_000):
            content += part
    except ConnectionResetError:
        pass
    return content


def open_client(address: tuple[str, int], content: bytes = b"") -> socket.socket:
    client = socket.create_connection(address)
    client.sendall(content)
    return client


@pytest.mark.parametrize(
    "content", [b"", b"GET / HTT", WHOLE[:-1], WHOLE + b"GET /"], ids=["nothing", "part", "all but one", "the second"]
)
def test_a_header_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(connections, "HEADER_WITHIN_S", 0.05)
    with served() as address, open_client(address, content) as slow:
        assert (b"served" in read_to_end(slow)) is content.startswith(WHOLE)


def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "TAKEN_WITHIN_S", 0.05)
    ended = threading.Event()
    lost = connections.TimedConnection.connection_lost

    def note_end(self: Any, exc: Exception | None) -> None:
        lost(self, exc)
        ended.set()

    monkeypatch.setattr(connections.TimedConnection, "connection_lost", note_end)
    with served() as address, open_client(address, WHOLE.replace(b"/ ", b"/large ", 1)) as slow:
        assert ended.wait(PATIENCE_S)
        assert len(read_to_end(slow)) < len(LARGE)


def test_one_address_has_a_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_PER_ADDRESS", 2)
    with served() as address, open_client(address) as first, open_client(address) as second:
        with open_client(address) as third:
            assert read_to_end(third) == b""
        for client in (first, second):
            client.sendall(WHOLE.replace(b"Host: a", b"Host: a\r\nConnection: close"))
            assert read_to_end(client).endswith(b"served")


def test_a_proxy_has_those_of_all_who_come_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_PER_ADDRESS", 0)
    whole = WHOLE.replace(b"Host: a", b"Host: a\r\nConnection: close")
    with served("127.0.0.0/8") as address:
        with open_client(address, whole) as client:
            assert read_to_end(client).endswith(b"served")
        monkeypatch.setattr(connections, "MOST_CONNECTIONS", 0)
        with open_client(address) as client:
            assert read_to_end(client) == b""
