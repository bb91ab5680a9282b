"""The security headers of an answer: no other servers, no foreign frames, no devices, no referrer."""

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import streamlit

from hexbeat.tiles import format_image_sources

__all__ = ["build_security_headers"]

DEVICES: Final = ("camera", "geolocation", "microphone", "payment", "usb", "display-capture", "midi", "serial")
ONE_YEAR_S: Final = 31_536_000
# Parts of the map whose names hold a hash of their content: a browser need not ask for them again.
LASTING: Final = re.compile(
    r"/component/(hexbeat\.[\w.]+/[\w-]+-[0-9a-f]{16}|streamlit_folium\.st_folium/static/(js|css)/main\.[0-9a-f]{8})\.[a-z]+"
)


def build_security_headers(
    path: str, ancestors: Iterable[str] = (), *, buttons: bool = False, locates: bool = False, tls: bool = False
) -> list[tuple[bytes, bytes]]:
    """The headers of an answer at this address. `ancestors` are sites that may show the page in a frame.

    streamlit-folium writes the map's script into its own frame and evaluates it there, so only that frame may do so.
    `buttons`: the page is the partners' and has buttons of our own, whose scripts Streamlit loads from blobs that it
    makes in the page. Pictures come from the tile service of the settings as well, for the public if they say so.
    `locates`: the page may ask where the device is. `tls`: people come over TLS, and browsers shall remember it.
    """
    headers = {
        "content-security-policy": _build_policy(path, ancestors, buttons=buttons),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "permissions-policy": ", ".join(
            f"{name}={'(self)' if locates and name == 'geolocation' else '()'}" for name in DEVICES
        ),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if _is_file(path):
        headers["cache-control"] = "no-store"  # a shared computer keeps no copy but the one that a person saves
    elif LASTING.fullmatch(path):
        headers["cache-control"] = f"private, max-age={ONE_YEAR_S}, immutable"
    if tls:
        headers["strict-transport-security"] = f"max-age={ONE_YEAR_S}"
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _is_file(path: str) -> bool:
    return path.startswith("/media/")


def _build_policy(path: str, ancestors: Iterable[str], *, buttons: bool) -> str:
    if _is_file(path):  # files to download: should a browser show one, it may do nothing
        return "default-src 'none'; frame-ancestors 'none'; sandbox"
    frame = path.startswith("/component/")
    scripts = ["'unsafe-inline'", "'unsafe-eval'"] if frame else _hash_inline_scripts()
    blobs = ["blob:"] if buttons and not frame else []
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *scripts, *blobs]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": format_image_sources(public=not buttons),
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "frame-src": "'self'",
        "frame-ancestors": " ".join(["'self'", *ancestors]),
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in policy.items())


@cache
def _hash_inline_scripts() -> list[str]:
    """Hashes of the inline scripts of Streamlit's own page, so that no other inline script runs."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts]
