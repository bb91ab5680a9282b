"""The names by which requests may address a server, and whose pages may open its connections.

A browser lets any website send requests to this machine, and, by DNS rebinding, read the answers under the website's
own name. The name stands in the Host of each request, and the page that opens a WebSocket in its Origin.
"""

import ipaddress
import re
from collections.abc import Collection
from typing import Final

from streamlit import net_util

from geo.errors import PolicyError

__all__ = ["DEFAULT_PORTS", "MOST_SHOWN", "forbid_address_lookups", "is_loopback", "parse_host", "require_own_origin"]

HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]@/]+)(:(?P<port>\d{1,5}))?")
DEFAULT_PORTS: Final = ("80", "443")  # a browser leaves these out of the Host
MOST_SHOWN: Final = 100  # characters of a request's header in an answer


def is_loopback(address: str | None) -> bool:
    """True if only this machine can reach a server that listens on this address. None means all addresses."""
    if address is None:
        return False
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_host(host: str | None, *, port: int, others: Collection[str] = ()) -> str | None:
    """The Host of a request in lower case, if it is a name of this machine with this port, or one of the others.

    None if it is not. `localhost` and loopback addresses always mean this machine; the owner of any other name can
    make it point here. An other name without a port is asked on the usual ports.
    """
    parts = HOST.fullmatch((host or "").lower())
    if not parts:
        return None
    name, port_text = parts["name"], parts["port"]
    own = {str(port), None} if str(port) in DEFAULT_PORTS else {str(port)}
    usual = port_text is None or port_text in DEFAULT_PORTS
    if (is_loopback(name) and port_text in own) or parts[0] in others or (usual and name in others):
        return parts[0]
    return None


def require_own_origin(origin: str | None, host: str, *, tls: bool = False) -> None:
    """PolicyError unless the page that opens a connection comes from the same address; over TLS with `tls`."""
    schemes = ("https",) if tls else ("http", "https")
    if origin is None or origin.lower() not in {f"{scheme}://{host.lower()}" for scheme in schemes}:
        raise PolicyError(
            "Only a page from the same address may open a connection",
            f"this one comes from {origin[:MOST_SHOWN]}" if origin else "this one names no address",
            f"open {host[:MOST_SHOWN]} in a browser",
        )


def forbid_address_lookups() -> None:
    """Stop Streamlit from looking up the addresses of this machine, for which it asks an outside server.

    It would ask before it refuses a WebSocket of another origin, while everybody else waits, and when it prints its
    addresses. Hexbeat does not need them, and no other server may learn that it runs.
    """
    net_util.get_external_ip = _find_no_address
    net_util.get_internal_ip = _find_no_address


def _find_no_address() -> None:
    return None
