"""The examples of deployment: checked by the programs that read them, where there are any; nginx before two servers."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.support.nginx import DEPLOY, NAME, certificate, check, need, nginx_before, trust_all, write_nginx_conf
from tests.support.paths import ROOT
from tests.support.public_side import public_server
from tests.support.releases import write_example
from tests.support.servers import free_port

__all__ = ["certificate"]  # a fixture

UNITS: Final = (("hexbeat-public.service",) * 2, ("hexbeat-briefing.service",) * 2)


def test_nginx_takes_its_example(tmp_path: Path, certificate: Path) -> None:
    ports = {"listen 80": free_port(), "listen 443": free_port()}
    said = check(need("nginx"), "-t", "-e", "stderr", "-c", str(write_nginx_conf(tmp_path, certificate, ports)))
    assert "test is successful" in said
    assert "[warn]" not in said


def test_caddy_takes_its_example(tmp_path: Path) -> None:
    command = ("validate", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile")
    said = check(need("caddy"), *command, HEXBEAT_STICKY_SECRET="x", HOME=str(tmp_path))  # noqa: S106 - no secret
    assert "Valid configuration" in said
    assert '"level":"warn"' not in said


def test_systemd_takes_its_units_and_finds_little_exposed(tmp_path: Path) -> None:
    """The program need not be installed for that: another stands in its place."""
    analyze = need("systemd-analyze")
    for source, unit in (("hexbeat@.service", "hexbeat@8501.service"), *UNITS):
        text = (DEPLOY / source).read_text(encoding="utf-8")
        assert re.search("^ExecStart=/opt/hexbeat/.venv/bin/hexbeat (serve|briefing) ", text, re.MULTILINE)
        (tmp_path / unit).write_text(text.replace("/opt/hexbeat/.venv/bin/hexbeat", "/bin/true"), encoding="utf-8")
        assert check(analyze, "verify", "--man=no", str(tmp_path / unit)) == ""
        check(analyze, "security", "--offline=true", "--threshold=15", str(tmp_path / unit))


@contextmanager
def open_tls(port: int, name: str | None = NAME) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        trust_all().wrap_socket(plain, server_hostname=name) as wire,
    ):
        yield wire


def ask(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer over TLS, by the name of the example."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {"Host": NAME, **(headers or {})}.items())]
    with open_tls(port) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = HTTPResponse(wire)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def open_session(port: int, process: str) -> ClientConnection:
    """A session of somebody whose cookie names the process."""
    return connect(
        f"wss://{NAME}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", port)),
        ssl=trust_all(),
        origin=Origin(f"https://{NAME}"),
        additional_headers={"Cookie": f"hexbeat_process={process}"},
        proxy=None,
    )


@pytest.mark.slow
def test_two_processes_behind_nginx_keep_their_people(tmp_path: Path, certificate: Path) -> None:
    """Each takes one session. The public side stands for both, as partners need a provider to come by another name."""
    need("nginx")
    release = write_example(tmp_path / "release")
    settings = {"HEXBEAT_PUBLIC_URL": f"https://{NAME}", "HEXBEAT_PROXIES": "127.0.0.1", "HEXBEAT_SESSIONS": "1"}
    with ExitStack() as servers:
        first = servers.enter_context(public_server(release, environment=settings))
        second = ExitStack()
        other = second.enter_context(public_server(release, environment=settings))
        port = free_port()
        ports = {
            "127.0.0.1:8501": urlsplit(first).port or 0, "127.0.0.1:8502": urlsplit(other).port or 0,
            "listen 80": free_port(), "listen 443": port,
        }  # fmt: skip
        servers.enter_context(nginx_before(write_nginx_conf(tmp_path, certificate, ports)))
        with pytest.raises(ssl.SSLError), open_tls(port, None):
            pass

        status, headers = ask(port, "/")
        assert status == 200
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert re.fullmatch(r"hexbeat_process=[ab]; Path=/; Secure; HttpOnly; SameSite=Lax", headers["set-cookie"])
        assert "set-cookie" not in ask(port, "/", {"Cookie": "hexbeat_process=b"})[1]
        assert ask(port, "/_stcore/metrics")[0] == 404

        with open_session(port, "a"):
            with pytest.raises(InvalidStatus, match=r"^server rejected WebSocket connection: HTTP 503$"):
                open_session(port, "a")
            with open_session(port, "b"):
                pass
            second.close()
            with pytest.raises(InvalidStatus, match=r"^server rejected WebSocket connection: HTTP 503$"):
                open_session(port, "b")  # the first has to take them now, and is full
        assert ask(port, "/", {"Cookie": "hexbeat_process=b"})[0] == 200


def test_the_container_copies_what_is_there_and_runs_as_nobody_in_particular() -> None:
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    steps = [line.split(None, 1) for line in lines if re.match(r"[A-Z]+ ", line)]
    copied = [name for word, rest in steps if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    words = [word for word, _ in steps]
    assert ["USER", "hexbeat"] in steps
    assert words.index("USER") < words.index("ENTRYPOINT")
    installs = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]
    assert ["--require-hashes" in rest or "--no-index" in rest for rest in installs] == [True, True]
    assert installs[0].count("requirements.lock") == 1
