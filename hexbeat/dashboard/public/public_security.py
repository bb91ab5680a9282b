"""Security of the public side: few addresses, few messages, no cookies, and security headers on every answer."""

import os
import re
from functools import partial
from typing import Final

from starlette.middleware import Middleware

from geo.errors import PolicyError, UsageError
from hexbeat.dashboard.web.asgi import Message, find_header
from hexbeat.dashboard.web.compressed_files import CompressedFiles
from hexbeat.dashboard.web.gate import Gate, Rules
from hexbeat.dashboard.web.headers import build_security_headers
from hexbeat.dashboard.web.hosts import MOST_SHOWN, parse_host, require_own_origin
from hexbeat.dashboard.web.server_settings import ServerSettings

__all__ = ["build_rules", "build_secrets", "middleware", "parse_frame_ancestors"]

PATHS: Final = re.compile(r"/|/favicon\.png|/_stcore/(health|host-config)|/(static|component|media)/.+")
# The messages of a browser that pass: "run again with these choices", "stop", "I am still here".
INCOMING: Final = frozenset({"rerun_script", "stop_script", "app_heartbeat"})
ANCESTOR_PATTERN: Final = re.compile(r"https://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?")


def middleware(settings: ServerSettings | None = None) -> list[Middleware]:
    """The middleware of the public side; HEXBEAT_FRAME_ANCESTORS names the sites that may frame it."""
    server_settings = settings or ServerSettings.from_environment()
    ancestors = parse_frame_ancestors(os.environ.get("HEXBEAT_FRAME_ANCESTORS"))
    return [
        Middleware(Gate, rules=build_rules(server_settings, ancestors), settings=server_settings),
        Middleware(CompressedFiles),
    ]


def build_secrets() -> None:
    """None: nobody logs in."""


def build_rules(settings: ServerSettings, ancestors: tuple[str, ...] = ()) -> Rules:
    """What the public side answers."""
    return Rules(
        paths=PATHS,
        incoming=INCOMING,
        build_headers=partial(build_security_headers, ancestors=ancestors, tls=settings.has_tls),
        check_request=partial(_check_request, settings=settings),
    )


def _check_request(scope: Message, *, settings: ServerSettings) -> None:
    """Any name will do where none is set: everybody may read this. A stream is never for another site's page."""
    host, origin = find_header(scope, b"host"), find_header(scope, b"origin")
    if settings.hosts and parse_host(host, port=scope["server"][1], others=settings.hosts) is None:
        raise PolicyError(
            "This page answers to its own names only",
            f"this request is for {(host or 'nothing')[:MOST_SHOWN]}",
            f"open {settings.public_url or settings.hosts[0]}",
        )
    if scope["type"] == "websocket" and origin is not None:
        require_own_origin(origin, host or "", tls=settings.has_tls and host in settings.hosts)


def parse_frame_ancestors(setting: str | None) -> tuple[str, ...]:
    """The sites that may show the page in a frame: https addresses without a path, separated by spaces.

    None or empty: only the page itself. UsageError for anything else, such as "*" or a path.
    """
    sites = tuple((setting or "").split())
    wrong = [site for site in sites if not ANCESTOR_PATTERN.fullmatch(site)]
    if wrong:
        raise UsageError(
            "Sites that may frame the page are https addresses without a path",
            f"HEXBEAT_FRAME_ANCESTORS has {wrong[0]!r}",
            "write them as in https://www.example.gov.uk https://*.example.org",
        )
    return sites
