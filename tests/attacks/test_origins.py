"""Other sites at the servers' doors, by a foreign Host (DNS rebinding) or Origin: refused at once, nobody is called."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import pytest

from hexbeat.dashboard.pages.navigation import PAGES
from hexbeat.dashboard.web.gate import build_closed_page
from tests.support.paths import ROOT
from tests.support.public_side import public_server
from tests.support.releases import write_example
from tests.support.servers import Calls, ask, hexbeat_server, open_socket, streamlit_server

pytestmark = pytest.mark.slow  # real servers start

Start = Callable[[dict[str, str]], AbstractContextManager[str]]
SCRIPT: Final = ROOT / "streamlit_app.py"
PARTNERS: Final[dict[str, Start]] = {
    "hexbeat serve": lambda environment: hexbeat_server(environment=environment),
    "streamlit run": lambda environment: streamlit_server(SCRIPT, environment={"HEXBEAT_PREPARE": "no", **environment}),
}
PLACES: Final = (
    "/", "/plan", "/_stcore/health", "/_stcore/host-config", "/_stcore/upload_file/a/b", "/_stcore/metrics",
    "/media/x.csv", "/component/x/index.html", "/static/x.js", "/favicon.png",
)  # fmt: skip
EVIL: Final = "https://evil.example.com"
PARTNERS_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(self), microphone=(), payment=(), usb=(), display-capture=(), "
    "midi=(), serial=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
TIMES_LONGER: Final = 20  # the machine is noisy, and the fault was a thousand times longer


def partners_settings(folder: Path, calls: Calls) -> dict[str, str]:
    return {
        "HEXBEAT_HOME": str(folder / "home"), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": "",
        **calls.environment(),
    }  # fmt: skip


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    return Calls(tmp_path_factory.mktemp("calls") / "calls.txt")


@pytest.fixture(scope="module", params=PARTNERS)
def partners(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, calls: Calls) -> Iterator[str]:
    settings = partners_settings(tmp_path_factory.mktemp("partners"), calls)
    with PARTNERS[request.param](settings) as url:
        yield url


def public_by_hand(release: Path, environment: dict[str, str]) -> AbstractContextManager[str]:
    told = {"HEXBEAT_AUDIENCE": "public", "HEXBEAT_RELEASE": str(release)}
    return streamlit_server(SCRIPT, environment={**environment, **told})


@pytest.fixture(scope="module", params=["hexbeat serve", "streamlit run"])
def public(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, calls: Calls) -> Iterator[str]:
    release = write_example(tmp_path_factory.mktemp("public") / "release")
    start = public_by_hand if request.param == "streamlit run" else public_server
    with start(release, environment=calls.environment()) as url:
        yield url


@pytest.mark.parametrize(
    ("host", "fact"),
    [
        ("evil.example.com:{port}", "evil.example.com:{port}"),
        ("127.0.0.1.evil.example.com:{port}", "127.0.0.1.evil.example.com:{port}"),
        ("localhost.evil.example.com:{port}", "localhost.evil.example.com:{port}"),
        ("localhost:1", "localhost:1"),
        ("127.0.0.1", "127.0.0.1"),
        ("192.168.1.5:{port}", "192.168.1.5:{port}"),
        ("localhost:{port}@evil.example.com", "localhost:{port}@evil.example.com"),
        ("evil" * 1000, ("evil" * 1000)[:100]),
        ("", "nothing"),
    ],
    ids=lambda text: text[:40],
)
def test_the_partners_side_answers_to_its_own_names_alone(partners: str, host: str, fact: str) -> None:
    port = urlsplit(partners).port
    for path in PLACES:
        answer = ask(partners, path, {"Host": host.format(port=port)})
        assert answer.status == 403
        assert answer.body == (
            "The partners' side answers to its own names only.\n"
            f"This request is for {fact.format(port=port)}.\n"
            f"Open http://127.0.0.1:{port} on this machine; an SSH tunnel has the port {port} at both ends.\n"
        )
    assert open_socket(partners, {"Host": host.format(port=port), "Origin": partners}).status == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_the_partners_side_is_there_by_every_name_of_this_machine(partners: str, name: str) -> None:
    host = f"{name}:{urlsplit(partners).port}"
    assert ask(partners, "/", {"Host": host}).status == 200
    for scheme in ("http", "https"):
        assert open_socket(partners, {"Host": host, "Origin": f"{scheme}://{host.lower()}"}).status == 101


@pytest.mark.parametrize(
    ("origin", "fact"),
    [
        (None, "This one names no address"),
        (EVIL, f"This one comes from {EVIL}"),
        ("null", "This one comes from null"),
        ("http://127.0.0.1:1", "This one comes from http://127.0.0.1:1"),
        ("http://localhost:3000", "This one comes from http://localhost:3000"),
        ("file://{host}", "This one comes from file://{host}"),
        ("http://{host}.evil.example.com", "This one comes from http://{host}.evil.example.com"),
        ("http://evil.example.com@{host}", "This one comes from http://evil.example.com@{host}"),
    ],
)
def test_the_partners_stream_is_for_its_own_page_alone(partners: str, origin: str | None, fact: str) -> None:
    host = urlsplit(partners).netloc
    answer = open_socket(partners, {"Origin": origin and origin.format(host=host)})
    assert answer.status == 403
    assert answer.body == (
        f"Only a page from the same address may open a connection.\n{fact.format(host=host)}.\n"
        f"Open {host} in a browser.\n"
    )


def test_every_answer_of_the_partners_side_carries_the_headers(partners: str) -> None:
    foreign = ask(partners, "/", {"Host": "evil.example.com"})
    refused = open_socket(partners, {"Origin": EVIL})
    assert (foreign.status, refused.status) == (403, 403)
    for answer in (ask(partners), ask(partners, "/nowhere"), ask(partners, "/_stcore/health"), foreign, refused):
        assert {name: answer.headers.get(name) for name in PARTNERS_HEADERS} == PARTNERS_HEADERS
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert re.fullmatch(r"'self' 'sha256-[\w+/=]{44}' blob:", policy.pop("script-src"))
        assert policy == {
            "default-src": "'self'", "style-src": "'self' 'unsafe-inline'", "img-src": "'self' data:",
            "font-src": "'self' data:", "connect-src": "'self'", "frame-src": "'self'", "frame-ancestors": "'self'",
            "object-src": "'none'", "base-uri": "'none'", "form-action": "'none'",
        }  # fmt: skip
        assert not {"x-powered-by", "strict-transport-security"} & set(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/agent/x", "/_stcore/script-health-check",
        "/app/static/x", "/docs", "/openapi.json", "/streamlit_app.py", "/.streamlit/config.toml", "/Map", "/map/",
        "/plan/_stcore/health", "/_stcore/upload_file/a/b", "//evil.example.com", "/_stcore/stream", "/healthz",
    ],
)  # fmt: skip
def test_the_partners_side_has_the_addresses_of_its_pages_alone(partners: str, path: str) -> None:
    answer = ask(partners, path)
    assert (answer.status, answer.body) == (404, "There is no such page.\n")


def test_the_partners_pages_are_there(partners: str) -> None:
    for address in PAGES.values():
        assert ask(partners, f"/{address}").headers["content-type"] == "text/html; charset=utf-8"
    assert ask(partners, "/closed").body == build_closed_page(60)


def test_the_public_stream_is_for_its_own_page_by_whatever_name(public: str) -> None:
    for origin in ("null", "http://localhost:3000", "http://127.0.0.1:1", f"{public}.evil.example.com"):
        assert open_socket(public, {"Origin": origin}).status == 403
    assert open_socket(public, {"Host": "www.council.example", "Origin": "https://www.council.example"}).status == 101
    assert open_socket(public, {"Host": "www.council.example", "Origin": public}).status == 403
    assert ask(public, "/_stcore/upload_file/a/b").body == "There is no such page.\n"


def foreign_and_ordinary_s(url: str) -> tuple[float, float]:
    """Median seconds until a foreign WebSocket and an address that is not there are refused, in turns."""
    foreign, ordinary = [], []
    for _ in range(5):
        begin = perf_counter()
        assert ask(url, "/media/nothing.csv").status == 404
        between = perf_counter()
        assert open_socket(url, {"Origin": EVIL}).status == 403
        ordinary.append(between - begin)
        foreign.append(perf_counter() - between)
    return median(foreign), median(ordinary)


def test_a_foreign_socket_holds_up_no_partner_and_nobody_is_called(partners: str, calls: Calls) -> None:
    foreign_s, ordinary_s = foreign_and_ordinary_s(partners)
    assert foreign_s < TIMES_LONGER * ordinary_s
    assert calls.outside() == []


def test_a_foreign_socket_holds_up_no_reader_and_nobody_is_called(public: str, calls: Calls) -> None:
    foreign_s, ordinary_s = foreign_and_ordinary_s(public)
    assert foreign_s < TIMES_LONGER * ordinary_s
    assert calls.outside() == []


ASKED_WITHOUT_A_WALL: Final = """
import sys
import {module}
{start}
from streamlit import net_util
from streamlit.web.server.server_util import is_url_from_allowed_origins
print(is_url_from_allowed_origins("https://evil.example.com"), net_util.get_internal_ip(), "pandas" in sys.modules)
"""


@pytest.mark.parametrize(
    ("module", "start"),
    [
        ("streamlit_app", ""),
        ("hexbeat.dashboard.web.server", f"hexbeat.dashboard.web.server.build_app({str(SCRIPT)!r}, 'public')"),
    ],
    ids=["partners", "public"],
)
def test_streamlit_itself_looks_nobody_up(tmp_path: Path, module: str, start: str) -> None:
    """Whatever of Streamlit's own asks for this machine's addresses, once a side is there. A door needs no tables."""
    calls = Calls(tmp_path / "calls.txt")
    lines = ASKED_WITHOUT_A_WALL.format(module=module, start=start)
    settings = partners_settings(tmp_path, calls)
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=ROOT, env=settings, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False None False\n"
    assert calls.outside() == []


def test_a_start_by_hand_for_every_address_calls_nobody(tmp_path: Path) -> None:
    calls = Calls(tmp_path / "calls.txt")
    settings = {**partners_settings(tmp_path, calls), "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}  # noqa: S104 - refused
    with streamlit_server(SCRIPT, environment=settings) as url:
        assert ask(url, "/", {"Host": "192.168.1.5"}).status == 403
    assert calls.outside() == []
