"""Without a login, the partners' side shows its data on this machine only."""

import ipaddress

from geo.errors import PolicyError

__all__ = ["is_loopback", "require_loopback"]


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
