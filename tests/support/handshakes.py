"""Requests and WebSocket handshakes as any client can write them, and whom a server calls meanwhile."""

import http.client
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.support.paths import ROOT

__all__ = ["Answer", "Calls", "ask", "open_socket"]

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
        """What a server is started with, so that it notes them."""
        path = os.pathsep.join([str(ROOT / "tests" / "support" / "watch"), str(ROOT)])
        self.notes.touch()
        return {"HEXBEAT_TEST_CALLS": str(self.notes), "PYTHONPATH": path}

    def outside(self) -> list[str]:
        """The calls and the names, in their order."""
        return self.notes.read_text(encoding="utf-8").splitlines()
