"""Loaded by every Python that a test starts with a copy of it on its path: notes whom that process looks up or calls.

The copy begins with the file of the notes (`tests.support.servers.Calls`).

Whoever is outside takes long to answer, as where a network is cut off, so that waiting for them can be measured.
"""

import sys
import time

EVENTS = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.connect": 1, "socket.sendto": 1}
HOME = ("127.0.0.1", "::1", "localhost", "None")
WAIT_S = 1


def note(event: str, values: tuple[object, ...]) -> None:
    if event not in EVENTS:
        return
    target = values[EVENTS[event]]
    host = target[0] if isinstance(target, tuple) else target
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in HOME:
        return
    with open(NOTES, "a", encoding="utf-8") as notes:  # noqa: F821, PTH123 - put before this; loaded before pathlib
        notes.write(f"{event} {name}\n")
    time.sleep(WAIT_S)


sys.addaudithook(note)
