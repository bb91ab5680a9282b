"""Links that open a stop in a map of the phone: what an installation allows, and the addresses of one stop.

A `geo:` link stays on the device: its own map application opens. A web link names a service and sends it the place as
soon as a person follows it, so that there is none until the settings name one. `read_plan_settings` alone decides.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from geo.errors import UsageError
from hexbeat.operations.plans.plan import Stop

__all__ = [
    "NO_LINKS",
    "USUAL_LINKS",
    "StopLinks",
    "build_geo_link",
    "build_web_link",
    "choose_document_link",
    "require_map_address",
]

EXAMPLE: Final = "https://www.openstreetmap.org/?mlat={lat}&mlon={lon}#map=18/{lat}/{lon}"
ALLOWED: Final = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&()*+,;=%{}-]{1,500}")
FIELDS: Final = re.compile(r"\{[^{}]*\}|[{}]")
DECIMALS: Final = 5  # of a degree: a metre


@dataclass(frozen=True, slots=True)
class StopLinks:
    """`geo`: whether stops have `geo:` links. `address`: of a map service, with {lat} and {lon}; None: no service."""

    geo: bool = True
    address: str | None = None


USUAL_LINKS: Final = StopLinks()
NO_LINKS: Final = StopLinks(geo=False)


def build_geo_link(stop: Stop, links: StopLinks) -> str | None:
    """A `geo:` address (RFC 5870) with the mark that map applications know; None if the installation has none.

    It carries the number of the stop and nothing else about it.
    """
    if not links.geo:
        return None
    place = f"{stop.lat:.{DECIMALS}f},{stop.lon:.{DECIMALS}f}"
    return f"geo:{place}?q={place}({quote(f'Stop {stop.order}')})"


def build_web_link(stop: Stop, links: StopLinks) -> tuple[str, str] | None:
    """The name of the map service and the address of the stop there; None if the installation names no service."""
    if links.address is None:
        return None
    lat, lon = (f"{degrees:.{DECIMALS}f}" for degrees in (stop.lat, stop.lon))
    address = links.address.replace("{lat}", lat).replace("{lon}", lon)
    return (urlsplit(address).hostname or "").removeprefix("www."), address


def choose_document_link(stop: Stop, links: StopLinks) -> str | None:
    """The one address that a document or a calendar has room for: the service's if one is named, else `geo:`."""
    web = build_web_link(stop, links)
    return web[1] if web else build_geo_link(stop, links)


def require_map_address(address: str) -> None:
    """UsageError unless this is an https address with {lat} and {lon} that a link can hold as it is."""
    fields = FIELDS.findall(address)
    host = urlsplit(address).hostname if ALLOWED.fullmatch(address) else None
    if not host or "{" in host or set(fields) != {"{lat}", "{lon}"}:
        raise UsageError(
            "The address of a map service begins with https:// and has {lat} and {lon} after the name of its server",
            f"{address[:80]!r} does not",
            f"write for example {EXAMPLE}",
        )
