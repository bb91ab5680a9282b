"""The server of both sides: Streamlit's app behind our gate, under uvicorn. `hexbeat serve` becomes this process.

It imports the security of the side that it serves, and nothing of the other.
"""

import hashlib
import hmac
import logging
import os
import secrets
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import streamlit as st
import uvicorn
from streamlit.runtime import memory_media_file_storage
from streamlit.web.bootstrap import load_config_options

from hexbeat.dashboard.web.connections import TimedStream, build_connection_class
from hexbeat.dashboard.web.downloads import keep_downloads
from hexbeat.dashboard.web.hosts import forbid_address_lookups
from hexbeat.dashboard.web.server_settings import ServerSettings

__all__ = [
    "SECURITY",
    "build_app",
    "flatten_settings",
    "hide_contents_of_files",
    "read_streamlit_settings",
    "run_server",
]

SECURITY: Final = {"partners": "hexbeat.dashboard.security", "public": "hexbeat.dashboard.public.public_security"}
LARGEST_MESSAGE: Final = 1_000_000  # bytes; a browser sends its choices, which take some hundreds
LARGEST_HEADER: Final = 32_768  # bytes; a login's cookies take some thousands
PRIVATE: Final = 0o077  # what the server writes is for its own user
PROJECT: Final = Path(__file__).resolve().parents[3]


def build_app(script: str, audience: str) -> st.App:
    """The app that serves this script of Streamlit's to partners or to the public."""
    forbid_address_lookups()
    hide_contents_of_files()
    keep_downloads()
    security = import_module(SECURITY[audience])
    return st.App(script, middleware=security.middleware(), secrets=security.build_secrets())


def hide_contents_of_files() -> None:
    """Give files to download addresses that nobody can work out, with a key that only this process knows.

    Streamlit's own is a plain digest, of parts alone where a file is large. So whoever guesses what a file holds could
    ask the server whether it is there, and two long files that differ in between would be one for two people.
    """
    key = secrets.token_bytes(32)

    def name_file(data: bytes, mimetype: str, filename: str | None = None) -> str:
        facts = hashlib.sha256(data).digest() + repr((mimetype, filename)).encode("utf-8", "surrogatepass")
        return hmac.new(key, facts, hashlib.sha256).hexdigest()

    memory_media_file_storage._calculate_file_id = name_file  # noqa: SLF001 - it has no setting for this


def run_server(script: str, audience: str, host: str, port: int) -> None:
    """Serve until a signal comes."""
    os.umask(PRIVATE)
    for name in ("uvicorn.access", "uvicorn.error"):  # no log of the people who look at the map
        logging.getLogger(name).addFilter(lambda record: record.levelno >= logging.WARNING)
    address = {"server.address": host, "server.port": port, "browser.serverAddress": host}
    load_config_options({**read_streamlit_settings(), **address})
    settings = ServerSettings.from_environment()
    uvicorn.run(
        build_app(script, audience),
        host=host,
        port=port,
        http=build_connection_class(settings.proxies),
        ws=TimedStream,
        ws_max_size=LARGEST_MESSAGE,
        h11_max_incomplete_event_size=LARGEST_HEADER,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=5,
        server_header=False,
        access_log=False,
        log_config=None,
    )


def read_streamlit_settings() -> dict[str, Any]:
    """The project's Streamlit settings by their dotted names, so that they hold in any working directory."""
    in_checkout = PROJECT / ".streamlit" / "config.toml"
    packaged = Path(__file__).resolve().parents[1] / "_streamlit_config.toml"
    settings = tomllib.loads((in_checkout if in_checkout.is_file() else packaged).read_text(encoding="utf-8"))
    return flatten_settings(settings)


def flatten_settings(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted names with their values; lists stay lists."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= flatten_settings(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


if __name__ == "__main__":
    run_server(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
