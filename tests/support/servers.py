"""Real servers as a person would start them, and requests as any client can write them."""

import http.client
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support.paths import ROOT

__all__ = [
    "AS_ROOT",
    "AT_REST",
    "Calls",
    "ask",
    "hexbeat_server",
    "open_socket",
    "served_by",
    "streamlit_server",
    "wait_until_healthy",
]


# A page whose script has run to its end. Waited for as a locator: Playwright looks more often than it asks an `expect`.
AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"
AS_ROOT: Final = ("--as-root",) if os.geteuid() == 0 else ()
STARTS_WITHIN_S = 60  # a safety net, not a promise


@contextmanager
def streamlit_server(app: Path, *, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve an app on a free port of this machine; the address is given while the block runs."""
    command = ["-m", "streamlit", "run", str(app), "--server.port"]
    with served_by(command, environment={"PYTHONPATH": str(ROOT), **(environment or {})}) as url:
        yield url


@contextmanager
def hexbeat_server(*, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve the partners' side by `hexbeat serve` on a free port of this machine; yields the address."""
    with served_by(["-m", "hexbeat", "serve", *AS_ROOT, "--port"], environment=environment or {}) as url:
        yield url


@contextmanager
def served_by(arguments: Sequence[str], *, environment: Mapping[str, str]) -> Iterator[str]:
    """Serve with this Python and these arguments, which a free port of this machine follows; yields the address."""
    port = free_port()
    settings = {**os.environ, **environment}
    with subprocess.Popen(
        [sys.executable, *arguments, str(port)],
        cwd=ROOT,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as server:
        try:
            wait_until_healthy(server, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.communicate(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(server: "subprocess.Popen[Any]", url: str) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < end:
        assert server.poll() is None, "the server stopped before it answered"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError("the server did not answer")


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


@dataclass(frozen=True)
class Calls:
    """Every name outside this machine that a server looks up, and every address that it connects to, in a file."""

    notes: Path

    def environment(self) -> dict[str, str]:
        """What a server is started with, so that it notes them; its own processes inherit no other variable."""
        self.notes.touch()
        folder = self.notes.parent / "watch"
        folder.mkdir(exist_ok=True)
        watcher = (ROOT / "tests" / "support" / "watch" / "sitecustomize.py").read_text(encoding="utf-8")
        (folder / "sitecustomize.py").write_text(f"NOTES = {str(self.notes)!r}\n{watcher}", encoding="utf-8")
        return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}

    def outside(self) -> list[str]:
        """The calls and the names, in their order."""
        return self.notes.read_text(encoding="utf-8").splitlines()
