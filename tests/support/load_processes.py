"""Loads in processes of their own, for tests that kill them or run them side by side.

`python -m tests.support.load_processes` reads one line a child from stdin (JSON: what, home, url, first) and forks:
what takes long is imported once. The child loads events, or visits of the ledger, without end, and says on stdout
what it is about: "pid N", "merging C", "committed C". Or it writes deeds into the audit trail, and says which it has
written: "deed C".
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Connection

from hexbeat.operations.ledger import ledger
from hexbeat.operations.ledger.ledger import VisitChange
from hexbeat.store import loads
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import audit, list_entries, write_deed
from hexbeat.store.store import Store
from layers.access import ANALYST, Role, Viewer
from tests.support.events import event_frame
from tests.support.paths import ROOT
from tests.support.plans import NOW, made_visit

__all__ = ["FIXED", "NEW", "VISITS", "Loader", "check_entries", "load_once", "loader"]


FIXED: Final = 400  # events that every load sets to its own number, half in each of its two files
NEW: Final = 20  # events that only that load has
VISITS: Final = 60  # visits that every import sets to its own number
_IDS: Final = [f"fixed-{place}" for place in range(FIXED)]


def check_entries(store: Store, last: int) -> None:
    """Each load that is there has its entry, and no load that is not there has one that says that it was done."""
    entries = list_entries(store.engine, Viewer(Role.AUDITOR))
    done = sorted(int(entry.what.removeprefix("load ")) for entry in entries if entry.outcome == "done")
    assert done == list(range(1, last + 1))


class Loader:
    """The starter process, seen from a test. One child lives at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.load_processes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )

    def start(self, home: Path, url: str | None, first: int, *, what: str = "events") -> int:
        """Start a child whose loads into that store are numbered from `first`; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, str(home), url, first]) + "\n")
        return int(self.line().removeprefix("pid "))

    def line(self) -> str:
        """What a child says next; empty once it is gone and all is read."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def rest(self) -> list[str]:
        """After a child's end: what it still said."""
        said = []
        while (line := self.line()) != "ended":
            said.append(line)
        return said

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="session")
def loader() -> Iterator[Loader]:
    """The starter of loading processes."""
    process = Loader()
    yield process
    process.close()


def load_once(store: Store, number: int) -> None:
    """Two files: every fixed event gets this number as its quantity, and some new events come."""
    with store.begin_load(ANALYST, area="middlesbrough") as entry:
        for half in (0, 1):
            with entry.file(f"{number}-{half}", "table", sha256="0") as part:
                part.add_events(event_frame(_IDS[half::2], quantity=number))
                part.add_events(event_frame([f"new-{number}-{half}-{k}" for k in range(NEW // 2)], quantity=number))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _load_without_end(home: Path, url: str | None, number: int) -> None:
    merge = loads.merging.apply_load

    def announced(*arguments: object, **named: object) -> None:
        say(f"merging {number}")
        merge(*arguments, **named)

    loads.merging.apply_load = announced
    with Store.open(home, database_url=url) as store:
        while True:
            with audit(store.engine, home, ANALYST, Deed(door="command", action="load", what=f"load {number}")):
                load_once(store, number)
            say(f"committed {number}")
            number += 1


def import_once(store: Store, number: int) -> None:
    """Every visit gets this number as its minutes."""
    start = NOW - timedelta(days=2)
    found = [
        made_visit(
            plan_id=None, stop_id=None, ref=f"visit-{k}", started_at=start + timedelta(minutes=k), minutes=number
        )
        for k in range(VISITS)
    ]
    ledger.record_import(store, ANALYST, found, area="middlesbrough", file=f"{number}.csv", sha256="0", now=NOW)


def _import_without_end(home: Path, url: str | None, number: int) -> None:
    write = ledger.write_changes

    def announced(connection: Connection, changes: list[VisitChange], **named: int) -> None:
        """Half of the visits, a word, the other half: all in the transaction of the import."""
        write(connection, changes[: VISITS // 2], **named)
        say(f"merging {number}")
        write(connection, changes[VISITS // 2 :], **named)

    ledger.write_changes = announced
    with Store.open(home, database_url=url) as store:
        while True:
            with audit(store.engine, home, ANALYST, Deed(door="command", action="record_work", what=f"load {number}")):
                import_once(store, number)
            say(f"committed {number}")
            number += 1


def _write_without_end(home: Path, url: str | None, number: int) -> None:
    with Store.open(home, database_url=url) as store:
        while True:
            what = f"deed {number}"
            write_deed(store.engine, home, ANALYST, Deed(door="command", action="see_counts", what=what))
            say(what)
            number += 1


DEEDS: Final = {"events": _load_without_end, "visits": _import_without_end, "deeds": _write_without_end}


def _main() -> None:
    for line in iter(sys.stdin.readline, ""):
        what, home, url, first = json.loads(line)
        pid = os.fork()
        if not pid:
            say(f"pid {os.getpid()}")
            DEEDS[what](Path(home), url, first)
        os.waitpid(pid, 0)
        say("ended")


if __name__ == "__main__":
    _main()
