"""A real tile server on a port of this machine: every path is a grey picture, and what was asked for is kept."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

__all__ = ["TileServer", "tile_server"]

GREY = 200


@dataclass
class TileServer:
    """Its address, and each request as a path and its Referer."""

    url: str
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def tile_server() -> Iterator[TileServer]:
    """Serve while the block runs."""
    picture = build_picture()
    kept = TileServer("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.requests.append((self.path, self.headers.get("Referer")))
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield kept
        server.shutdown()


def build_picture() -> bytes:
    """A PNG of one grey pixel, which a browser stretches."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, GREY]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
