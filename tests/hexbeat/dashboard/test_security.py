"""What stands before Streamlit's server, without one; the real servers are tried in tests/attacks/test_origins.py."""

from collections.abc import Coroutine
from typing import Any

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as hst
from streamlit.runtime.context import StreamlitHeaders

from geo.errors import PolicyError
from hexbeat.dashboard.screen import run_page
from hexbeat.dashboard.security import (
    LocalRequests,
    add_headers,
    find_header,
    is_loopback,
    require_local_host,
    require_loopback,
    require_own_origin,
)
from hexbeat.settings import Settings

OTHER_HOST = (
    r"(?s)^Without a login, the partners' side answers to the names of this machine only; this request is for .*; "
    r"open http://127\.0\.0\.1:8501 on this machine; an SSH tunnel has the port 8501 at both ends$"
)
OTHER_ORIGIN = (
    r"(?s)^Only a page from the same address may open a connection; this one comes from .*; "
    r"open localhost:8501 in a browser$"
)


def run(steps: Coroutine[Any, Any, None]) -> None:
    """Without a loop of events, as nothing in them waits; the browser's tests keep one running in the same process."""
    with pytest.raises(StopIteration):
        steps.send(None)


def sent_for(scope: dict[str, Any]) -> list[dict[str, Any]]:
    """What goes to the client; the app itself says "passed"."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "passed"})

    async def receive() -> dict[str, Any]:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(dict(message))

    run(LocalRequests(app)({"server": ("127.0.0.1", 8501), **scope}, receive, send))
    return sent


def headers(**pairs: str) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in pairs.items()]


def test_a_server_without_words_for_a_refused_socket_closes_it() -> None:
    assert sent_for({"type": "websocket", "headers": headers(host="evil.example.com")}) == [
        {"type": "websocket.close", "code": 1008}
    ]


def test_the_start_of_the_server_passes() -> None:
    assert sent_for({"type": "lifespan"}) == [{"type": "passed"}]


@pytest.mark.parametrize("name", ["host", "origin"])
def test_a_header_that_comes_twice_is_none_of_ours(name: str) -> None:
    good = headers(host="localhost:8501", origin="http://localhost:8501")
    assert sent_for({"type": "websocket", "headers": good}) == [{"type": "passed"}]
    twice = [*good, *(pair for pair in good if pair[0] == name.encode())]
    assert sent_for({"type": "websocket", "headers": twice}) == [{"type": "websocket.close", "code": 1008}]


def test_a_header_that_is_empty_is_missing() -> None:
    assert find_header({"headers": headers(origin="")}, b"origin") is None
    assert find_header({"headers": []}, b"origin") is None


def test_added_headers_take_the_place_of_others() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    dressed = add_headers(send, headers(a="ours"), remove=[b"b"])
    run(dressed({"type": "http.response.start", "headers": [(b"A", b"theirs"), (b"B", b"x"), (b"c", b"y")]}))
    run(dressed({"type": "http.response.body"}))
    assert sent == [
        {"type": "http.response.start", "headers": [(b"c", b"y"), (b"a", b"ours")]},
        {"type": "http.response.body"},
    ]


def test_a_browser_leaves_out_a_port_that_goes_without_saying() -> None:
    for port in (80, 443):
        assert require_local_host("LOCALHOST", port=port) == "localhost"
        assert require_local_host(f"[::1]:{port}", port=port) == f"[::1]:{port}"
    with pytest.raises(PolicyError, match=OTHER_HOST):
        require_local_host("localhost", port=8501)


@given(hst.text())
def test_no_other_text_is_a_name_of_this_machine(text: str) -> None:
    with pytest.raises(PolicyError, match=OTHER_HOST):
        require_local_host(f"{text}.example.com:8501", port=8501)
    with pytest.raises(PolicyError, match=OTHER_ORIGIN):
        require_own_origin(f"http://localhost:8501{text}.", "localhost:8501")


@pytest.mark.parametrize(
    ("host", "origin", "fact"),
    [
        ("evil.example.com:8501", "http://evil.example.com:8501", "This request is for evil.example.com:8501"),
        ("127.0.0.1:8501", "http://<evil>", "This one comes from http://&lt;evil&gt;"),
        ("127.0.0.1:8501", None, "This one names no address"),
        ("127.0.0.1:8501", "http://127.0.0.1:8501", None),
    ],
)
def test_a_page_looks_a_second_time(
    monkeypatch: pytest.MonkeyPatch, host: str, origin: str | None, fact: str | None
) -> None:
    """Should it run in a server with nothing before it."""
    errors: list[str] = []
    ran: list[bool] = []
    headers = [("Host", host), *([("Origin", origin)] if origin else [])]
    monkeypatch.setattr(type(st.context), "headers", property(lambda _: StreamlitHeaders(headers)))
    monkeypatch.setattr(st, "html", errors.append)
    monkeypatch.setattr("hexbeat.dashboard.screen.draw_for_login", lambda *_: ran.append(True))
    run_page(Settings.from_environment(), lambda _: None)
    assert bool(ran) is (fact is None)
    assert [fact in page for page in errors] == ([True] if fact else [])


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.9.1"])
def test_loopback_is_this_machine(address: str) -> None:
    require_loopback(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.0.4", "example.org", "localhost.example.org"])  # noqa: S104 - what must be refused
def test_every_other_address_is_refused(address: str | None) -> None:
    assert not is_loopback(address)
    with pytest.raises(PolicyError) as refused:
        require_loopback(address)
    assert str(refused.value) == (
        "Without a login, the partners' side serves this machine only; "
        f"this server listens on {address or 'every address'}; "
        "start it with `hexbeat serve`, or add `--server.address 127.0.0.1`"
    )
