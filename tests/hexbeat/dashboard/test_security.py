"""What stands before the partners' pages, without a server; the real servers are tried in tests/attacks."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as hst
from streamlit.runtime.context import StreamlitHeaders

from geo.errors import PolicyError
from hexbeat.dashboard import security
from hexbeat.dashboard.pages.navigation import PAGES
from hexbeat.dashboard.screen import run_page
from hexbeat.dashboard.web.gate import Gate
from hexbeat.dashboard.web.hosts import is_loopback, parse_host, require_own_origin
from hexbeat.dashboard.web.server_settings import ServerSettings
from hexbeat.settings import Settings

COUNCIL = ServerSettings(hosts=("hexbeat.example.gov.uk", "hexbeat.example.org:8443"))
OVER_TLS = ServerSettings(hosts=("hexbeat.example.gov.uk",), public_url="https://hexbeat.example.gov.uk")
NO_LOGIN = (
    "Without a login, the partners' side serves this machine only; {}; leave out --host, HEXBEAT_HOSTS and "
    "HEXBEAT_PUBLIC_URL and connect through an SSH tunnel, or set up a provider to log in by"
)


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a login, with a provider or without one."""

    def install(provider: str | None, door: Any = None) -> None:
        parts = {
            security.LOGIN: SimpleNamespace(middleware=lambda: [door], build_secrets=lambda: {"auth": provider}),
            security.LOGIN_SETTINGS: SimpleNamespace(read_provider=lambda: provider),
        }
        monkeypatch.setattr(security, "import_module", parts.__getitem__)

    return install


def test_a_browser_leaves_out_a_port_that_goes_without_saying() -> None:
    for port in (80, 443):
        assert parse_host("LOCALHOST", port=port) == "localhost"
        assert parse_host(f"[::1]:{port}", port=port) == f"[::1]:{port}"
    assert parse_host("localhost", port=8501) is None


@pytest.mark.parametrize(
    "host", ["hexbeat.example.gov.uk", "Hexbeat.example.gov.uk:443", "hexbeat.example.org:8443", "127.0.0.1:8501"]
)
def test_a_server_answers_to_the_names_it_is_given(host: str) -> None:
    assert security.require_own_host(host, port=8501, settings=COUNCIL) == host.lower()


@pytest.mark.parametrize(
    "host",
    [
        "hexbeat.example.gov.uk:8501", "hexbeat.example.org", "hexbeat.example.org:8444", "hexbeat.example.gov.uk.",
        "x.hexbeat.example.gov.uk", "hexbeat.example.gov.uk, hexbeat.example.gov.uk", "127.0.0.1", "",
    ],
)  # fmt: skip
def test_and_to_no_others(host: str) -> None:
    with pytest.raises(PolicyError) as refused:
        security.require_own_host(host, port=8501, settings=COUNCIL)
    assert str(refused.value) == (
        f"The partners' side answers to its own names only; this request is for {host or 'nothing'}; "
        "open http://127.0.0.1:8501 on this machine; an SSH tunnel has the port 8501 at both ends"
    )


def test_whoever_asks_by_another_name_is_told_the_address_that_people_open() -> None:
    with pytest.raises(PolicyError) as refused:
        security.require_own_host("10.0.0.7", port=8501, settings=OVER_TLS)
    assert refused.value.hint == "open https://hexbeat.example.gov.uk"


@given(hst.text())
def test_no_other_text_is_a_name_of_this_machine(text: str) -> None:
    assert parse_host(f"{text}.example.com:8501", port=8501) is None
    with pytest.raises(PolicyError, match=r"(?s)^Only a page from the same address may open a connection; "):
        require_own_origin(f"http://localhost:8501{text}.", "localhost:8501")


def test_over_tls_only_a_page_over_tls_opens_a_connection() -> None:
    host = OVER_TLS.hosts[0]
    security.require_own_page(host, f"https://{host}", port=8501, settings=OVER_TLS)
    security.require_own_page("localhost:8501", "http://localhost:8501", port=8501, settings=OVER_TLS)
    with pytest.raises(PolicyError) as refused:
        security.require_own_page(host, f"http://{host}", port=8501, settings=OVER_TLS)
    assert str(refused.value) == (
        f"Only a page from the same address may open a connection; this one comes from http://{host}; "
        f"open {host} in a browser"
    )


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
    security.require_login(address, ServerSettings())


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "192.168.0.4", "example.org", "localhost.example.org"])  # noqa: S104 - what must be refused
def test_every_other_address_needs_a_login(address: str, login: Callable[..., None]) -> None:
    assert not is_loopback(address)
    login(None)
    with pytest.raises(PolicyError) as refused:
        security.require_login(address, ServerSettings())
    assert str(refused.value) == NO_LOGIN.format(f"other machines can reach {address}")
    login("a provider")
    security.require_login(address, ServerSettings())


def test_other_names_need_a_login(login: Callable[..., None]) -> None:
    login(None)
    for ask in (lambda: security.require_login("127.0.0.1", OVER_TLS), lambda: security.middleware(OVER_TLS)):
        with pytest.raises(PolicyError) as refused:
            ask()
        assert str(refused.value) == NO_LOGIN.format("it would answer to hexbeat.example.gov.uk")
    login("a provider")
    security.require_login("127.0.0.1", OVER_TLS)
    assert len(security.middleware(OVER_TLS)) == 4  # the gate, the door, what begins with the server, and small files
    assert len(security.middleware(replace(OVER_TLS, prepares=False))) == 3


def test_a_login_stands_behind_the_gate(login: Callable[..., None]) -> None:
    login("a provider", "a door")
    gate, *doors = security.middleware(ServerSettings())
    assert (gate.cls, doors[:1]) == (Gate, ["a door"])
    assert security.build_secrets() == {"auth": "a provider"}


def test_the_gate_knows_the_address_of_every_page() -> None:
    assert set(PAGES.values()) <= set(security.PAGE_ADDRESSES)
