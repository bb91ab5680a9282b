"""The gate before Streamlit: what a side's rules do not name does not reach it. Both sides have the same gate."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streamlit import config

from geo.errors import PolicyError
from hexbeat.dashboard.web.asgi import App, Message, Receive, Send, add_headers, answer, find_header, refuse
from hexbeat.dashboard.web.limits import LimitedBody, LimitError, Sessions
from hexbeat.dashboard.web.server_settings import ServerSettings
from hexbeat.dashboard.web.stream import CLOSED_PATH, Stream

__all__ = ["STREAM", "Gate", "Rules"]

STREAM: Final = "/_stcore/stream"
READS: Final = ("GET", "HEAD")
UPLOADS: Final = ("PUT", "DELETE")
SMALL_BODY: Final = 64 * 1024  # bytes; a form
WRAPPING: Final = 64 * 1024  # bytes around an uploaded file
MB: Final = 1024 * 1024
_PLAIN_PAGE: Final = """<!doctype html>
<html lang="en-GB"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>:root {{ color-scheme: light dark }}
body {{ font: 1.125rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 4rem auto; padding: 0 1.25rem }}
h1 {{ font-size: 1.75rem; line-height: 1.2 }} a:focus-visible {{ outline: 3px solid; outline-offset: 3px }}
a {{ color: inherit; display: inline-block; padding: .6rem 1.1rem; font-weight: 600;
  border: 2px solid; border-radius: .4rem }}
</style>
<main><h1>{heading}</h1><p>{text}</p>
<p><a href="/">{link}</a></p></main></html>
"""
NO_PAGE: Final = _PLAIN_PAGE.format(
    title="No such page", heading="There is no such page", text="Check the address.", link="Go to the first page"
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one side answers.

    `paths` are read. `uploads` take files, and `forms` take small forms; None where the side has none.
    `incoming` are the kinds of messages that a browser may send. `build_headers` takes a path.
    `check_request` raises PolicyError for a request by a foreign name, or a WebSocket of a foreign page.
    """

    paths: re.Pattern[str]
    incoming: frozenset[str]
    build_headers: Callable[[str], list[tuple[bytes, bytes]]]
    check_request: Callable[[Message], None]
    uploads: re.Pattern[str] | None = None
    forms: re.Pattern[str] | None = None
    cookies: bool = False

    def find_largest_body(self, method: str, path: str) -> int | None:
        """The bytes that a request may send; None if it is not answered."""
        if method in READS and (self.paths.fullmatch(path) or (self.forms and self.forms.fullmatch(path))):
            return SMALL_BODY
        if method == "POST" and self.forms and self.forms.fullmatch(path):
            return SMALL_BODY
        if method in UPLOADS and self.uploads and self.uploads.fullmatch(path):
            return int(config.get_option("server.maxUploadSize")) * MB + WRAPPING
        return None


class Gate:
    """ASGI middleware around Streamlit's app."""

    def __init__(self, app: App, *, rules: Rules, settings: ServerSettings) -> None:
        self.app = app
        self.rules = rules
        self.settings = settings
        self.sessions = Sessions(most=settings.sessions, most_per_address=settings.sessions_per_address)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request or connection. A start or stop of the server passes unchanged."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        removed_names = (b"server",) if self.rules.cookies else (b"server", b"set-cookie")
        headers = self.rules.build_headers(scope["path"])
        send = add_headers(send, headers, remove=removed_names, secure_cookies=self.settings.has_tls)
        try:
            self.rules.check_request(scope)
            if scope["type"] == "websocket":
                await self._connect(scope, receive, send)
            else:
                await self._answer(scope, receive, send)
        except PolicyError as error:
            await refuse(scope, send, error)
        except LimitError as error:
            await refuse(scope, send, error.error, status=error.status)

    async def _connect(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] != STREAM:
            await send({"type": "websocket.close", "code": 1008})
            return
        with self.sessions.hold(_find_address(scope)):
            stream = Stream(
                receive,
                send,
                incoming=self.rules.incoming,
                uploads=self.rules.uploads is not None,
                idle_s=60 * self.settings.idle_minutes,
            )
            await self.app(scope, stream.receive, stream.send)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == CLOSED_PATH and scope["method"] in READS:
            await answer(scope, send, build_closed_page(self.settings.idle_minutes), status=200, kind=b"text/html")
            return
        largest = self.rules.find_largest_body(scope["method"], path)
        if largest is None:
            await _answer_no_page(scope, send)
            return
        body = LimitedBody(receive, largest=largest)
        body.check(find_header(scope, b"content-length"))
        await self.app(scope, body.receive, send)


def build_closed_page(minutes: float) -> str:
    """What a browser shows once its session is closed, as nobody used it."""
    unused = "a minute" if minutes <= 1 else f"{minutes:g} minutes"
    text = f"Nobody used it for {unused}. What was loaded or recorded is kept."
    return _PLAIN_PAGE.format(title="Closed", heading="This page is closed", text=text, link="Open Hexbeat again")


async def _answer_no_page(scope: Message, send: Send) -> None:
    """Say that there is no such page: with a link to the first page for who looks at it in a browser, else as text."""
    is_shown = (
        scope["type"] == "http" and scope["method"] == "GET" and "text/html" in (find_header(scope, b"accept") or "")
    )
    text, kind = (NO_PAGE, b"text/html") if is_shown else ("There is no such page.\n", b"text/plain; charset=utf-8")
    await answer(scope, send, text, status=404, kind=kind)


def _find_address(scope: Message) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
