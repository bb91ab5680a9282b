"""Real servers as a person would start them, and requests as any client can write them."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final
from urllib.parse import urlsplit

from tests.support.paths import ROOT
from tests.support.preloaded import Preloaded, start_preloaded

__all__ = [
    "AS_ROOT",
    "AT_REST",
    "Calls",
    "ask",
    "find_links",
    "free_port",
    "hexbeat_server",
    "open_socket",
    "outputs",
    "served_by",
    "sign_in",
    "sign_ins",
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
def hexbeat_server(
    *,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
    prepares: bool = False,
    fresh: bool = False,
) -> Iterator[str]:
    """Serve the partners' side by `hexbeat serve` on a free port of this machine, or on this; yields the address.

    Unless it `prepares`, it works out nothing ahead: most tests never ask for most of that. `fresh`: as `served_by`.
    """
    command = ["-m", "hexbeat", "serve", *AS_ROOT, "--port"]
    told = {"HEXBEAT_PREPARE": "yes" if prepares else "no"}
    with served_by(command, environment={**told, **(environment or {})}, port=port, fresh=fresh) as url:
        yield url


@contextmanager
def served_by(
    arguments: Sequence[str], *, environment: Mapping[str, str], port: int | None = None, fresh: bool = False
) -> Iterator[str]:
    """Serve with this Python and these arguments, which a free port of this machine follows; yields the address.

    In a test run it is forked from a process that has imported what it needs, unless it has to be a `fresh` one: for
    tests of what a process imports, inherits or calls, and for benchmarks.
    """
    named, port = port, port or take_port()
    url = f"http://127.0.0.1:{port}"
    with TemporaryDirectory() as folder, (Path(folder) / "output.txt").open("w+b") as output:
        has_own_modules = environment.get("PYTHONPATH", str(ROOT)) != str(ROOT)
        start = start_fresh if fresh or has_own_modules or not is_forking else start_forked
        server = start([*arguments, str(port)], {**os.environ, **environment}, output)
        outputs[url] = Path(output.name)
        try:
            wait_until_healthy(server, url)
            for link in find_links(url):
                sign_in(url, link)
            yield url
        finally:
            sign_ins.pop(url, None)
            outputs.pop(url)
            server.terminate()
            server.wait(timeout=20)
            if not named:
                _left.append(port)


def start_fresh(
    arguments: list[str], environment: dict[str, str], output: IO[bytes]
) -> "subprocess.Popen[bytes] | Preloaded":
    """A new interpreter."""
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
    )


def start_forked(arguments: list[str], environment: dict[str, str], output: IO[bytes]) -> Preloaded:
    """The same from a process that has imported what it needs."""
    out = output.fileno()
    return start_preloaded(arguments, environment=environment, folder=ROOT, stdout=out, stderr=out)


is_forking = False  # a test run sets it (`tests.conftest`); a benchmark measures what it starts, and starts it anew
outputs: dict[str, Path] = {}  # what each server that runs has printed
# By address, the cookie of our sign-in at each server that printed a link. `ask` and every window bring it.
sign_ins: dict[str, str] = {}


def find_links(url: str) -> list[str]:
    """The links to sign in that a server has printed, the newest last. It prints the first before it listens."""
    return re.findall(rf"{re.escape(url)}(/\?key=\S+)", read_output(url))


def read_output(url: str) -> str:
    """What a server has printed until now."""
    return outputs[url].read_text(encoding="utf-8", errors="replace")


def sign_in(url: str, link: str) -> None:
    """Take a link, as a person would who reads it in the server's window, and keep the cookie that it gives."""
    answer = ask(url, link)
    assert answer.status == 303, answer
    sign_ins[url] = answer.headers["set-cookie"].partition(";")[0]


_left: list[int] = []  # ports of servers that have ended


def take_port() -> int:
    """A port for a server, of those that others have left: the browser has compiled the scripts of its address."""
    while _left:
        port = _left.pop()
        with socket.socket() as probe, suppress(OSError):  # somebody else's by now
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind(("127.0.0.1", port))
            return port
    return free_port()


def free_port() -> int:
    """A port of this machine at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(server: "subprocess.Popen[Any] | Preloaded", url: str) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < end:
        assert server.poll() is None, f"the server stopped before it answered:\n{read_output(url)}"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(f"the server did not answer:\n{read_output(url)}")


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
    """One GET with these headers and no others, but for Host and the cookie of our sign-in.

    Host is the address's own, another, or with None no Host; so is the Cookie.
    """
    ours = {"Host": urlsplit(address).netloc, "Cookie": sign_ins.get(address)}
    wire = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        wire.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**ours, **(headers or {})}.items():
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
