"""How a server is set up, from variables of the environment that begin with HEXBEAT_."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from geo.errors import UsageError

__all__ = ["ServerSettings"]

HOST: Final = re.compile(
    r"(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*)(:\d{1,5})?"
)
NUMBERS: Final = {"HEXBEAT_IDLE_MINUTES": 60.0, "HEXBEAT_SESSIONS": 200.0, "HEXBEAT_SESSIONS_PER_ADDRESS": 100.0}
LARGEST: Final = 100_000
ANSWERS: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One server's settings.

    `hosts`: names beside those of this machine, in lower case, with a port if it is not the usual one.
    `public_url`: the https address that people open, None without TLS. `proxies`: whose X-Forwarded-For counts.
    `prepares`: whether what pages ask for first is worked out ahead, in a process of its own.
    """

    hosts: tuple[str, ...] = ()
    public_url: str | None = None
    proxies: tuple[str, ...] = ()
    idle_minutes: float = NUMBERS["HEXBEAT_IDLE_MINUTES"]
    sessions: int = int(NUMBERS["HEXBEAT_SESSIONS"])
    sessions_per_address: int = int(NUMBERS["HEXBEAT_SESSIONS_PER_ADDRESS"])
    prepares: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The settings of this process; UsageError for one that cannot be read."""
        variables = os.environ if environment is None else environment
        public_url = _parse_url(variables.get("HEXBEAT_PUBLIC_URL") or "")
        hosts = [_parse_host(name) for name in variables.get("HEXBEAT_HOSTS", "").split()]
        return cls(
            hosts=tuple(dict.fromkeys([*([urlsplit(public_url).netloc] if public_url else []), *hosts])),
            public_url=public_url,
            proxies=tuple(_parse_proxy(text) for text in variables.get("HEXBEAT_PROXIES", "").split()),
            idle_minutes=_parse_number(variables, "HEXBEAT_IDLE_MINUTES"),
            sessions=int(_parse_number(variables, "HEXBEAT_SESSIONS")),
            sessions_per_address=int(_parse_number(variables, "HEXBEAT_SESSIONS_PER_ADDRESS")),
            prepares=_parse_answer(variables, "HEXBEAT_PREPARE"),
        )

    @property
    def has_tls(self) -> bool:
        """True if people reach this server over TLS, by a proxy."""
        return self.public_url is not None


def _parse_url(text: str) -> str | None:
    if not text:
        return None
    try:
        parts = urlsplit(text.lower())
    except ValueError:  # brackets that hold no address
        parts = urlsplit("")
    if parts.scheme != "https" or not HOST.fullmatch(parts.netloc) or parts.path not in {"", "/"} or parts.query:
        raise UsageError(
            "The address that people open is an https address without a path",
            f"HEXBEAT_PUBLIC_URL is {text!r}",
            "write it as in https://hexbeat.example.gov.uk; without TLS leave it out",
        )
    return f"https://{parts.netloc}"


def _parse_host(text: str) -> str:
    if not HOST.fullmatch(text.lower()):
        raise UsageError(
            "Names of a server are host names, with a port if it is not the usual one",
            f"HEXBEAT_HOSTS has {text!r}",
            "write them as in hexbeat.example.gov.uk hexbeat.example.org:8443",
        )
    return text.lower()


def _parse_proxy(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise UsageError(
            "Proxies are addresses or networks",
            f"HEXBEAT_PROXIES has {text!r}",
            "write them as in 127.0.0.1 10.0.0.0/24",
        ) from error


def _parse_number(variables: Mapping[str, str], name: str) -> float:
    text = variables.get(name) or str(NUMBERS[name])
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= LARGEST:
        raise UsageError(
            f"{name} is a number above 0 and at most {LARGEST:,}",
            f"it is {text!r}",
            f"leave it out for {NUMBERS[name]:g}",
        )
    return number


def _parse_answer(variables: Mapping[str, str], name: str) -> bool:
    text = variables.get(name) or "yes"
    if text.lower() not in ANSWERS:
        raise UsageError(f"{name} is yes or no", f"it is {text!r}", "leave it out for yes")
    return ANSWERS[text.lower()]
