"""Links that work once, for one person on one machine: who reads the server's window may come in.

The server keeps the digest of one key at a time, in memory. A key that was used is replaced, and the new link printed.
"""

import hashlib
import hmac
import secrets
import sys
from collections.abc import Callable
from threading import Lock
from typing import Final

import streamlit as st

from hexbeat.policy import find_local_viewer
from hexbeat.store.sign_ins import LINK, SignIn
from hexbeat.store.store import Store

__all__ = ["Links", "build_local_sign_in", "print_link"]

KEY_BYTES: Final = 32


def print_link(key: str, *, first: bool) -> None:
    """Print the address with its key for the person who reads this window, and nowhere else."""
    host, port = st.get_option("server.address") or "127.0.0.1", st.get_option("server.port")
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/?key={key}"
    text = f"Hexbeat is at {address}\nThe link works once. Press Ctrl+C to stop Hexbeat." if first else (
        f"Somebody signed in by the link. For another browser: {address}"
    )  # fmt: skip
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Links:
    """The one key that is good now."""

    def __init__(self, announce: Callable[..., None] = print_link) -> None:
        self._announce = announce
        self._digest = b""
        self._lock = Lock()

    def begin(self) -> None:
        """Make the first key, and announce it."""
        with self._lock:
            self._renew(first=True)

    def exchange(self, key: str) -> bool:
        """Whether this is the key; then it is good no longer, and the next is announced."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            if not self._digest or not hmac.compare_digest(digest, self._digest):
                return False
            self._renew(first=False)
        return True

    def _renew(self, *, first: bool) -> None:
        key = secrets.token_urlsafe(KEY_BYTES)
        self._digest = hashlib.sha256(key.encode()).digest()
        self._announce(key, first=first)


def build_local_sign_in(store: Store, *, now: int, hours: float) -> SignIn:
    """The sign-in of the account that runs this process; PolicyError if the policy gives it no role."""
    name = find_local_viewer(store).subject
    return SignIn(name, name, LINK, (), now, now + int(3600 * hours))
