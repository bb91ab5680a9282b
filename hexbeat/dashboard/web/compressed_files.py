"""Streamlit's own scripts and styles as gzip. Streamlit sends them as they are, because it would compress each again.

Their names hold a hash of their content. So each is compressed once, when it is first asked for, and kept: together
some two megabytes, which a first visit would otherwise carry more over a council's network. The icon is Hexbeat's where
Streamlit would send its own: a page that names another one makes browsers ask for both.
"""

import gzip
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import streamlit

from hexbeat.dashboard.web.asgi import App, Message, Receive, Send, find_header

__all__ = ["CompressedFiles"]

ICON: Final = Path(__file__).parents[1] / "style" / "favicon.png"
ICON_PATH: Final = "/favicon.png"
FOLDER: Final = Path(streamlit.__file__).parent / "static"
# The names of files have no slash and do not begin with a dot, so that no path leads out of the folder.
FILE: Final = re.compile(r"/static/(js|css)/[\w-][\w.-]*\.(js|css)")
TAKES_GZIP: Final = re.compile(r"(^|,)\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[\d.]+\s*)?(,|$)")  # not with q=0
KINDS: Final = {".js": b"text/javascript; charset=utf-8", ".css": b"text/css; charset=utf-8"}
LEAST_BYTES: Final = 1000  # smaller answers fit into one packet as they are
MOST_FILES: Final = 512


class CompressedFiles:
    """ASGI middleware: what Streamlit would answer to a request for such a file, as gzip where the browser takes it.

    Its icon is replaced by ours.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request for one of the files; anything else passes unchanged."""
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == ICON_PATH:
            await send_icon(send)
            return
        if scope["type"] != "http" or scope["method"] != "GET" or not FILE.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        takes_gzip = TAKES_GZIP.search(find_header(scope, b"accept-encoding") or "")
        content = compress_file(scope["path"]) if takes_gzip else None
        if content is None:
            await self.app(scope, receive, send)
            return
        headers = [
            (b"content-type", KINDS[Path(scope["path"]).suffix]),
            (b"content-encoding", b"gzip"),
            (b"content-length", str(len(content)).encode()),
            (b"vary", b"Accept-Encoding"),
            (b"cache-control", b"public, immutable, max-age=31536000"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


async def send_icon(send: Send) -> None:
    """Answer with Hexbeat's icon, which a browser may keep for a day: its name says nothing of its content."""
    content = read_icon()
    headers = [
        (b"content-type", b"image/png"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"public, max-age=86400"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


@cache
def read_icon() -> bytes:
    """The icon's bytes."""
    return ICON.read_bytes()


@lru_cache(MOST_FILES)
def compress_file(path: str) -> bytes | None:
    """The file at an address as gzip; None if there is none, or if it is too small to gain by it."""
    try:
        content = (FOLDER / path.removeprefix("/")).read_bytes()
    except OSError:
        return None
    return gzip.compress(content, mtime=0) if len(content) >= LEAST_BYTES else None
