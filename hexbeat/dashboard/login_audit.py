"""What the door of the partners' side writes into the audit trail: who comes, who goes, and who is not let in."""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Final

from geo.errors import HexbeatError, PolicyError
from hexbeat.dashboard.state.login import find_session_viewer
from hexbeat.store.audit_deeds import SIGN_IN, SIGN_OUT, Deed
from hexbeat.store.audit_trail import audit
from hexbeat.store.sign_ins import SignIn, begin_sign_in, end_sign_in
from hexbeat.store.store import Store
from layers.access import build_stranger

__all__ = ["DOOR", "PAUSE_S", "REFUSED_LINK", "Refusals", "write_sign_in", "write_sign_out"]

DOOR: Final = "dashboard"
REFUSED_LINK: Final = PolicyError("A link works once", "its key is not the one that is good now", "ask for a new link")
UNKNOWN: Final = "unknown"
PAUSE_S: Final = 60.0  # between entries of people of whom nothing is known: anybody can knock at a door


def write_sign_in(store: Store, sign_in: SignIn) -> str:
    """Store a sign-in and its entry, both or neither; its key."""
    deed = Deed(door=DOOR, action=SIGN_IN, what=sign_in.method)
    with audit(store.engine, store.home, find_session_viewer(store, sign_in), deed):
        return begin_sign_in(store, sign_in)


def write_sign_out(store: Store, sign_in: SignIn, key: str) -> None:
    """End a sign-in and write its entry, both or neither."""
    deed = Deed(door=DOOR, action=SIGN_OUT, what=sign_in.method)
    with audit(store.engine, store.home, find_session_viewer(store, sign_in), deed):
        end_sign_in(store, key)


class Refusals:
    """Writes who was not let in; of people of whom nothing is known one entry a minute, not one for each request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = -PAUSE_S
        self._lock = Lock()

    def write(self, store: Store, method: str, error: HexbeatError, *, subject: str = "") -> None:
        """Write that a sign-in was refused, by whom if that is known. The refusal stands if it cannot be written."""
        with self._lock:
            now = self._clock()
            if not subject and now - self._last < PAUSE_S:
                return
            self._last = self._last if subject else now
        deed = Deed(door=DOOR, action=SIGN_IN, what=method)
        with suppress(HexbeatError), audit(store.engine, store.home, build_stranger(subject or UNKNOWN), deed):
            raise error
