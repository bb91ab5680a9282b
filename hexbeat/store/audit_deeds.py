"""A deed: what somebody is doing, before it is an entry of the audit trail. No database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from uuid import uuid4

from geo.errors import PolicyError
from hexbeat.store.audit_chain import GENESIS, Anchor, Entry, Outcome, clean_text
from layers.access import Viewer
from layers.catalogue import LAYER_NAMES
from layers.timestamps import to_seconds

__all__ = [
    "CHOOSE_ROLE",
    "SIGN_IN",
    "SIGN_OUT",
    "CarriedDeed",
    "Deed",
    "build_entry",
    "carry_deed",
    "describe_error",
    "find_carried_deed",
    "note_carried_rows",
]

# Actions that the policy does not decide, because they come before it.
SIGN_IN: Final = "sign_in"
SIGN_OUT: Final = "sign_out"
CHOOSE_ROLE: Final = "choose_role"


@dataclass(slots=True, kw_only=True)
class Deed:
    """What somebody is doing, to be written once: before its answer leaves, or when it ends.

    `action` is a word of the policy, `what` the command, page or method, `words` the filter in the words of links (see
    `hexbeat.store.audit_words`, which lets no typed place through). `form` is how the answer leaves. `rows` and `words`
    can be set while it is being done.
    """

    door: str
    action: str
    what: str
    words: Mapping[str, str] = field(default_factory=dict)
    form: str = "screen"
    rows: int | None = None
    reason: str = ""
    is_written: bool = False
    problem: str = ""  # why the entry of a deed that may go unwritten is missing
    head: Anchor | None = None  # its entry, where it was written in the transaction of the change


@dataclass(frozen=True, slots=True)
class CarriedDeed:
    """A deed that is being done, with who does it, for the transaction in which it changes the store."""

    home: Path
    viewer: Viewer
    deed: Deed


_carried: Final[ContextVar[CarriedDeed | None]] = ContextVar("hexbeat_deed", default=None)


@contextmanager
def carry_deed(home: Path, viewer: Viewer, deed: Deed) -> Iterator[None]:
    """Let what changes the store inside write this deed in its own transaction."""
    token = _carried.set(CarriedDeed(home, viewer, deed))
    try:
        yield
    finally:
        _carried.reset(token)


def find_carried_deed() -> CarriedDeed | None:
    """The deed that is being done here; None if there is none."""
    return _carried.get()


def note_carried_rows(rows: int) -> None:
    """Say how many rows the deed that is being done has, before the change that writes its entry."""
    if (carried := find_carried_deed()) is not None and not carried.deed.is_written:
        carried.deed.rows = rows


def build_entry(viewer: Viewer, deed: Deed, outcome: Outcome) -> Entry:
    """The entry of a deed, to be numbered and hashed when it is added to the chain."""
    return Entry(
        number=0,
        entry_id=uuid4().hex,
        at=to_seconds(None),
        subject=clean_text(viewer.subject),
        role=clean_text(str(viewer.role)),
        door=clean_text(deed.door),
        action=clean_text(str(deed.action)),
        what=clean_text(deed.what),
        filter=clean_text(urlencode(deed.words, safe=",:?")),
        form=clean_text(deed.form),
        rows=deed.rows,
        outcome=outcome,
        reason=clean_text(deed.reason),
        previous=GENESIS,
        hash=GENESIS,
    )


def describe_error(error: BaseException) -> str:
    """Why it was refused, which names roles, actions and layers alone; of other errors the kind, never the text."""
    if isinstance(error, PolicyError):
        before, of, layer = error.fact.rpartition(" of ")
        return before if of and error.fact.startswith("it does not let") and layer not in LAYER_NAMES else error.fact
    code = getattr(error, "exit_code", None)
    if code == 0 or isinstance(error, KeyboardInterrupt):
        return "stopped before it was done"
    return type(error).__name__ + (f", exit code {code}" if code is not None else "")
