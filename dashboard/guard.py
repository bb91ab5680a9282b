"""Without a login, the partners' side shows its data on this machine only, and to no other website in its browser."""

import ipaddress
import re
from typing import Final

from geo.errors import PolicyError

__all__ = ["is_loopback", "require_local_host", "require_loopback", "require_own_origin"]

HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]@/]+)(:(?P<port>\d{1,5}))?")
DEFAULT_PORTS: Final = (80, 443)  # which a browser leaves out
SHOWN: Final = 100  # characters of what a request says of itself, in an answer


def is_loopback(address: str | None) -> bool:
    """Whether a server that listens on this address can be reached from this machine alone; None listens on all."""
    if address is None:
        return False
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def require_loopback(address: str | None) -> None:
    """PolicyError unless the server listens on this machine alone."""
    if not is_loopback(address):
        raise PolicyError(
            "Without a login, the partners' side serves this machine only",
            f"this server listens on {address or 'every address'}",
            "start it with `hexbeat serve`, or add `--server.address 127.0.0.1`",
        )


def require_local_host(host: str | None, *, port: int) -> str:
    """The Host of a request, in lower case; PolicyError unless it is `localhost` or a loopback address with this port.

    Such a name leads to this machine whoever asks. Any other name can be made to lead here by whoever owns it.
    """
    parts = HOST.fullmatch((host or "").lower())
    ports = {str(port), None} if port in DEFAULT_PORTS else {str(port)}
    if not parts or not is_loopback(parts["name"]) or parts["port"] not in ports:
        raise PolicyError(
            "Without a login, the partners' side answers to the names of this machine only",
            f"this request is for {(host or 'nothing')[:SHOWN]}",
            f"open http://127.0.0.1:{port} on this machine; an SSH tunnel has the port {port} at both ends",
        )
    return parts[0]


def require_own_origin(origin: str | None, host: str) -> None:
    """PolicyError unless the page that opens a connection comes from the address that it opens it to."""
    if origin is None or origin.lower() not in {f"http://{host.lower()}", f"https://{host.lower()}"}:
        raise PolicyError(
            "A connection is opened by the page of its own address only",
            f"this one comes from {origin[:SHOWN]}" if origin else "this one names none",
            f"open {host[:SHOWN]} in a browser",
        )
