"""What the audit trail keeps in the home folder: the last anchor, and entries that wait for a store that is busy."""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final
from uuid import uuid4

from geo.errors import StoreError, UsageError
from hexbeat.store.audit_chain import Anchor, Entry

__all__ = ["ANCHOR_FILE", "WAITING_FOLDER", "keep_anchor", "keep_waiting", "read_anchor", "read_waiting"]

ANCHOR_FILE: Final = "audit_anchor.txt"
WAITING_FOLDER: Final = "audit_waiting"
_TOOK_ALL: Final = 1_000  # waiting entries that one transaction takes


def keep_anchor(home: Path, head: Anchor) -> None:
    """Note the last entry beside the store. Without room for it the older one stays, which is as true."""
    draft = home / f".{ANCHOR_FILE}.{os.getpid()}-{uuid4().hex[:8]}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{head}\n")
            file.flush()
            os.fsync(file.fileno())  # so that a loss of power leaves this anchor or the older one, and no empty file
        draft.replace(home / ANCHOR_FILE)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def read_anchor(home: Path) -> Anchor | None:
    """The last entry that a program with this home wrote, from its file; None if there is none that can be read."""
    try:
        return Anchor.parse((home / ANCHOR_FILE).read_text())
    except (OSError, UnicodeDecodeError, UsageError):
        return None


def keep_waiting(home: Path, entry: Entry) -> None:
    """Put an entry on the disk until the store is free; StoreError without room."""
    folder = home / WAITING_FOLDER
    path = folder / f"{time.time_ns():020d}-{entry.entry_id}.json"
    draft = path.with_suffix(".draft")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(entry), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise StoreError(
            "The audit trail has to be written",
            f"the store is busy, and the home folder cannot be written: {error.strerror}",
            "check that the disk has room",
        ) from error


def read_waiting(home: Path) -> list[tuple[Entry, Path]]:
    """The entries that wait for the chain, the oldest first. A file that is no entry is left where it is."""
    entries = []
    folder = home / WAITING_FOLDER
    if not folder.is_dir():
        return []
    for path in sorted(folder.glob("*.json"))[:_TOOK_ALL]:
        with suppress(OSError, ValueError, TypeError):
            entries.append((Entry(**json.loads(path.read_text())), path))
    return entries
