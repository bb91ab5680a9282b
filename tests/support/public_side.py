"""The public side as a council runs it, `hexbeat serve --audience public`, and an ear at a browser that visits it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import FrameLocator, Page, Response, WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.support.browser import PATIENCE_MS, Windows
from tests.support.servers import AS_ROOT, AT_REST, served_by

__all__ = ["Ear", "map_of", "open_page", "overflow", "public_server", "settle"]

# As if a partner had set them: the public's process is told none of it.
NOWHERE: Final = {
    "HEXBEAT_HOME": "/nonexistent/hexbeat",
    "HEXBEAT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
}
FORBIDDEN: Final = "Content Security Policy"  # a browser says so of what a page needs and may not have
# The same without the audit, for an example that shows every kind of block, as no rule would publish them together.
UNAUDITED: Final = (
    "import hexbeat.cli.main as cli, hexbeat.release.audit as it; it.require_audited = lambda release: None; cli.main()"
)


@contextmanager
def public_server(
    release: Path, *, environment: Mapping[str, str] | None = None, audited: bool = True, fresh: bool = False
) -> Iterator[str]:
    """Serve a release on a free port of this machine; the address is given while the block runs. `fresh`: as there."""
    program = ["-m", "hexbeat"] if audited else ["-c", UNAUDITED]
    command = [*program, "serve", *AS_ROOT, "--audience", "public", "--release", str(release), "--port"]
    with served_by(command, environment={**NOWHERE, **(environment or {})}, fresh=fresh) as url:
        yield url


@dataclass
class Ear:
    """Everything that a page's browser receives: answers but Streamlit's own files, and messages of the WebSocket."""

    page: Page
    answers: list[Response] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    windows: Windows | None = None  # whose page it is, where others look through it later

    def __post_init__(self) -> None:
        hear = self.page.on if self.windows is None else partial(self.windows.hear, self.page)
        hear("response", lambda answer: self.answers.append(answer))  # noqa: PLW0108 - Playwright wants its own
        hear("websocket", self._listen)
        hear("pageerror", lambda error: self.faults.append(str(error)))
        hear("console", lambda said: self.faults.append(said.text) if FORBIDDEN in said.text else None)

    def _listen(self, socket: WebSocket) -> None:
        socket.on(
            "framereceived", lambda frame: self.frames.append(frame if isinstance(frame, bytes) else frame.encode())
        )

    def bodies(self) -> dict[str, bytes]:
        """Address to body of every answer that is not a file of Streamlit's own."""
        kept = [answer for answer in self.answers if answer.ok and "/static/" not in answer.url]
        return {answer.url: self._read(answer) for answer in kept}

    def _read(self, answer: Response) -> bytes:
        """Its bytes. A download is asked for again: the browser keeps none, and would wait for its body for ever."""
        again = "/media/" in answer.url
        return self.page.request.get(answer.url).body() if again else answer.body()

    def messages(self) -> list[Any]:
        """The WebSocket's messages, read."""
        return [ForwardMsg.FromString(frame) for frame in self.frames]


def open_page(page: Page, address: str) -> None:
    """Go there and wait until the page stands and its map is drawn."""
    page.goto(address)
    settle(page)
    expect(map_of(page).locator(".hp-said")).to_be_visible(timeout=PATIENCE_MS)


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    page.locator(".hp-lead").wait_for(timeout=PATIENCE_MS)
    page.locator(AT_REST).wait_for(timeout=PATIENCE_MS)


def map_of(page: Page) -> FrameLocator:
    """The map's frame."""
    return page.frame_locator(".st-key-hp_map iframe")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wide: int = page.evaluate(
        "Math.max(...[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((part) => part.scrollWidth - part.clientWidth))"
    )
    return wide
