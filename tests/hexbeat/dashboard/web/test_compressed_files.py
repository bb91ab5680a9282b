"""Streamlit's scripts and styles as gzip: the same content, once compressed, and nothing else from the disk."""

import gzip
from typing import Any

import pytest

from hexbeat.dashboard import security
from hexbeat.dashboard.public import public_security
from hexbeat.dashboard.web.compressed_files import FOLDER, ICON, CompressedFiles
from tests.support.threads import run_steps

SCRIPT = max((FOLDER / "static" / "js").glob("*.js"), key=lambda path: path.stat().st_size)
STYLE = max((FOLDER / "static" / "css").glob("*.css"), key=lambda path: path.stat().st_size)


def ask(path: str, encodings: str | None = "gzip, br", method: str = "GET") -> list[dict[str, Any]]:
    """What is sent; "passed" where Streamlit has to answer."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def streamlit(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "passed"})

    async def receive() -> Any:
        return {"type": "http.request"}

    headers = [(b"accept-encoding", encodings.encode())] if encodings is not None else []
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    run_steps(CompressedFiles(streamlit)(scope, receive, send))
    return sent


@pytest.mark.parametrize(("file", "kind"), [(SCRIPT, b"text/javascript"), (STYLE, b"text/css")], ids=["js", "css"])
def test_a_file_is_sent_as_gzip_with_its_kind(file: Any, kind: bytes) -> None:
    start, body = ask(f"/{file.relative_to(FOLDER).as_posix()}", "br;q=1.0, gzip;q=0.8")
    headers = dict(start["headers"])
    assert gzip.decompress(body["body"]) == file.read_bytes()
    assert len(body["body"]) == int(headers[b"content-length"]) < file.stat().st_size / 2
    assert headers[b"content-type"].startswith(kind)
    assert headers[b"content-encoding"] == b"gzip"
    assert headers[b"vary"] == b"Accept-Encoding"


def test_the_icon_is_ours() -> None:
    start, body = ask("/favicon.png", None)
    assert (start["status"], body["body"]) == (200, ICON.read_bytes())
    assert dict(start["headers"])[b"content-type"] == b"image/png"
    assert ask("/favicon.png", None, "HEAD") == [{"type": "passed"}]


@pytest.mark.parametrize(
    ("path", "encodings", "method"),
    [
        (f"/static/js/{SCRIPT.name}", None, "GET"),
        (f"/static/js/{SCRIPT.name}", "br", "GET"),
        (f"/static/js/{SCRIPT.name}", "br, gzip;q=0", "GET"),
        (f"/static/js/{SCRIPT.name}", "gzip", "HEAD"),
        ("/static/js/missing.js", "gzip", "GET"),
        ("/static/js/../index.html", "gzip", "GET"),
        ("/static/js/..js", "gzip", "GET"),
        ("/static/js/a/../../x.js", "gzip", "GET"),
        ("/", "gzip", "GET"),
    ],
)
def test_anything_else_is_streamlits_to_answer(path: str, encodings: str | None, method: str) -> None:
    assert ask(path, encodings, method) == [{"type": "passed"}]


@pytest.mark.parametrize("side", [security, public_security], ids=["partners", "public"])
def test_both_sides_compress_behind_their_gate(side: Any) -> None:
    kinds = [middleware.cls for middleware in side.middleware()]
    assert kinds[-1] is CompressedFiles
    assert len(kinds) > 1
