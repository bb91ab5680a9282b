"""Who rattles at the public's server, by odd links, addresses and messages: it says little, and nothing of itself."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from geo.errors import UsageError
from hexbeat.dashboard.public.page import SORRY
from hexbeat.dashboard.public.public_security import parse_frame_ancestors
from hexbeat.dashboard.web.headers import build_security_headers
from tests.support.browser import Windows
from tests.support.paths import ROOT
from tests.support.public_side import Ear, open_page, public_server, settle
from tests.support.releases import write_example

COUNCIL: Final = "https://www.council.example.gov.uk"
LEAD: Final = "Between April and June 2026, at least 23 needle finds were recorded in Exampleton."
SCRIPT: Final = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
HIDDEN: Final = (str(ROOT), "site-packages", "Traceback", "release-of-the-council", "uvicorn", "starlette", "root:")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    release = write_example(tmp_path_factory.mktemp("council") / "release-of-the-council")
    with public_server(release, environment={"HEXBEAT_FRAME_ANCESTORS": COUNCIL}) as url:
        yield url


def ask(address: str, path: str, *, method: str = "GET", body: bytes | None = None) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of one request; the path goes as it is, dots and all."""
    wire = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        wire.request(method, path, body=body)
        answer = wire.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode(errors="replace")
    finally:
        wire.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/component/hexbeat.dashboard.map.assets.files/../../../../etc/passwd",
        "/component/hexbeat.dashboard.map.assets.files/%2e%2e/%2e%2e/etc/passwd", "/component/nobody/index.html",
        "/media/nothing.csv", "/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/script-health-check",
        "/app/static/x", "/docs", "/release.json", "/streamlit_app.py", "/.streamlit/config.toml",
        f"/media/{'A' * 20_000}", f"/{quote(SCRIPT)}",
    ],
)  # fmt: skip
def test_other_addresses_hold_nothing(address: str, path: str) -> None:
    status, headers, body = ask(address, path)
    assert status in {400, 403, 404}
    assert len(body) < 100
    assert "<" not in body
    assert [word for word in HIDDEN if word in body + json.dumps(headers)] == []


@pytest.mark.slow
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_nothing_can_be_sent(address: str, method: str) -> None:
    for path in ("/", "/_stcore/upload_file/session/file", "/_stcore/stream"):
        status, headers, body = ask(address, path, method=method, body=b"x" * 1000)
        assert (status, body) == (404, "There is no such page.\n")
        assert "set-cookie" not in headers


@pytest.mark.slow
def test_every_answer_carries_the_headers(address: str) -> None:
    for path in ("/", "/_stcore/health", "/_stcore/host-config", "/nowhere", "/component/nobody/index.html"):
        _, headers, _ = ask(address, path)
        wanted = {name.decode(): value.decode() for name, value in build_security_headers(path, (COUNCIL,))}
        assert {name: headers.get(name) for name in wanted} == wanted
        assert f"frame-ancestors 'self' {COUNCIL};" in headers["content-security-policy"]
        assert not {"server", "set-cookie", "x-powered-by"} & set(headers)


def test_only_the_frame_of_the_map_may_evaluate() -> None:
    page, frame = (
        dict(build_security_headers(path))[b"content-security-policy"].decode() for path in ("/", "/component/x")
    )
    assert "unsafe-eval" not in page
    assert "script-src 'self' 'sha256-" in page
    assert "script-src 'self' 'unsafe-inline' 'unsafe-eval';" in frame
    assert "frame-ancestors 'self';" in page


@pytest.mark.parametrize("site", ["*", "http://a.example.org", "https://a.example.org/page", "https://a;", "'none'"])
def test_who_may_frame_it_is_an_address_and_nothing_else(site: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_frame_ancestors(f"https://b.example.org {site}")
    assert str(caught.value) == (
        f"Sites that may frame the page are https addresses without a path; HEXBEAT_FRAME_ANCESTORS has {site!r}; "
        "write them as in https://www.example.gov.uk https://*.example.org"
    )


def test_sites_that_may_frame_it_stand_with_spaces_between() -> None:
    sites = ("https://*.example.org", "https://b.example.org:8443")
    assert parse_frame_ancestors("  ".join(sites)) == sites
    assert parse_frame_ancestors(None) == ()


@pytest.mark.browser
@pytest.mark.parametrize(
    "link",
    [
        f"ward={quote(SCRIPT)}&layer={quote(SCRIPT)}&period={quote(SCRIPT)}",
        f"ward={'9' * 30_000}&layer=__proto__&period=9999999999-Q9&period=2026-Q1&period=",
        "ward=%00%ff%fe%27%20OR%201&layer=../../etc&period=%7B%7B7*7%7D%7D&embed=true&embed_options=show_toolbar",
    ],
)  # fmt: skip
def test_an_odd_link_shows_the_first_page(windows: Windows, address: str, link: str) -> None:
    ear = Ear(windows.take(address), windows=windows)
    ear.page.goto(f"{address}/?{link}")
    expect(ear.page.locator(".hp-lead")).to_have_text(LEAD)
    settle(ear.page)
    assert ear.page.evaluate("window.hacked") is None
    assert ear.page.get_by_test_id("stException").count() == 0
    assert ear.faults == []
    heard = b"".join(ear.frames)
    assert [word for word in HIDDEN if word.encode() in heard] == []
    windows.leave(ear.page)


def messages_after(wire: ClientConnection, *sent: bytes) -> list[Any]:
    """What the server says to these messages and to a last, harmless one."""
    for message in sent:
        wire.send(message)
    heard: list[Any] = []
    try:
        while len(heard) < 400:
            heard.append(ForwardMsg.FromString(bytes(wire.recv(timeout=2))))  # type: ignore[arg-type] # all are binary
    except TimeoutError:
        pass
    return heard


@pytest.mark.slow
def test_odd_messages_are_passed_over(address: str) -> None:
    """Questions about the source folder, orders to forget, to upload or to stop, and noise: no answer, no end."""
    questions = [
        BackMsg(load_git_info=True), BackMsg(clear_cache=True), BackMsg(set_run_on_save=True),
        BackMsg(debug_shutdown_runtime=True), BackMsg(debug_disconnect_websocket=True),
    ]  # fmt: skip
    upload = BackMsg()
    upload.file_urls_request.file_names.append("x")
    noise = [b"", b"\xff" * 1000, b"not a message", upload.SerializeToString()]
    with connect(f"{address.replace('http', 'ws')}/_stcore/stream", max_size=None) as wire:
        heard = messages_after(wire, *[question.SerializeToString() for question in questions], *noise)
        assert {message.WhichOneof("type") for message in heard} <= {
            "new_session",
            "session_event",
            "session_status_changed",
        }
        run = BackMsg()
        run.rerun_script.query_string = f"ward={SCRIPT}"
        run.rerun_script.widget_states.widgets.add(id="$$ID-nobody-ward", string_value=SCRIPT)
        wire.send(run.SerializeToString())
        answered: list[Any] = []
        while "script_finished" not in {message.WhichOneof("type") for message in answered}:
            answered.append(ForwardMsg.FromString(bytes(wire.recv(timeout=120))))  # type: ignore[arg-type] # as above
    said = "".join(map(str, answered))
    assert LEAD in said
    assert SORRY not in said
    assert [word for word in HIDDEN if word in said] == []
    assert {"git_info_changed", "file_urls_response"} & {message.WhichOneof("type") for message in answered} == set()


@pytest.mark.slow
def test_another_site_gets_no_stream(address: str) -> None:
    with (
        pytest.raises(InvalidStatus),
        connect(f"{address.replace('http', 'ws')}/_stcore/stream", origin="https://evil.example.com"),
    ):
        pass


@pytest.mark.browser
def test_a_page_that_may_not_frame_it_shows_nothing(browser: Browser, address: str, tmp_path: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    (tmp_path / "elsewhere.html").write_text(f'<iframe src="{address}" title="x"></iframe>')
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto((tmp_path / "elsewhere.html").as_uri())
    open_page(page, address)
    context.close()
