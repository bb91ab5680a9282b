"""The chain of the audit trail: an entry, its hash over the entry before, and the check of a whole chain. No database.

Each hash is SHA-256 over a canonical JSON list of the entry's values, the number and the hash of the entry before among
them. So an entry that is changed, removed, added or moved breaks the chain at its place. What a chain alone cannot show
is that its end is missing, or that somebody who may write everything has calculated all hashes anew from some entry on:
only a number and hash that are kept elsewhere (an `Anchor`) show that.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final, Literal, get_args

from geo.errors import UsageError

__all__ = [
    "GENESIS",
    "OUTCOMES",
    "REMOVAL",
    "RESTORE",
    "RESTORE_HOME",
    "Anchor",
    "ChainCheck",
    "Entry",
    "Outcome",
    "check_chain",
    "clean_text",
    "format_removal",
    "hash_entry",
]

Outcome = Literal["done", "refused", "failed"]

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
GENESIS: Final = "0" * 64  # what stands for the hash before the first entry
REMOVAL: Final = "audit retain"  # `what` of the entry that the retention rule leaves
RESTORE: Final = "restore"  # `action` of the entry that says that an older store was restored
RESTORE_HOME: Final = "restore_home"  # `action` of `hexbeat restore`: the trail itself came from a backup
MOST_LETTERS: Final = 300  # of any text of an entry
_ANCHOR: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Anchor:
    """The number and the hash of an entry, to be kept where nobody who can change the store can change it."""

    number: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> "Anchor":
        """An anchor as `str()` writes it; UsageError for another text."""
        match = _ANCHOR.fullmatch(text.strip().lower())
        if match is None:
            raise UsageError(
                "An anchor is NUMBER:HASH, as `hexbeat audit verify` prints it",
                "this text is not written like that",
                "copy the whole line",
            )
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: who (subject, role) did what, through which door, with which filter, and how it ended.

    `number` counts from 1 without a gap. `entry_id` is random, so that an entry that had to wait is added once. `at` is
    in UTC seconds: of the deed, which for an entry that had to wait is before that of the entry before. `filter` is in
    the words of links, without places that somebody typed. `form` is how the answer left: screen, csv, pdf. `rows` is
    None where rows are not counted.
    """

    number: int
    entry_id: str
    at: int
    subject: str
    role: str
    door: str
    action: str
    what: str
    filter: str
    form: str
    rows: int | None
    outcome: str
    reason: str
    previous: str
    hash: str


_HASHED: Final = tuple(field.name for field in fields(Entry) if field.name != "hash")


def hash_entry(entry: Entry) -> str:
    """The SHA-256 of an entry, in hexadecimal, over all its values but `hash`."""
    values = [getattr(entry, name) for name in _HASHED]
    return hashlib.sha256(json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def clean_text(text: str) -> str:
    """A text as an entry can hold it: one line without control characters, and not long."""
    return _CONTROLS.sub(" ", text).strip()[:MOST_LETTERS]


def format_removal(base: Anchor) -> str:
    """The filter of the entry that the retention rule leaves: the last entry that was removed, with its hash."""
    return f"to={base}"


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What the check of a chain found. `problem` is a clause on the first fault, None if there is none.

    `first` and `last` are the numbers of the entries that are there, and `anchor` is the last one (None: no entries).
    `restored` are the entries that found an older store; `from_backup` those with which a home came from a backup.
    """

    entries: int
    first: int | None
    anchor: Anchor | None
    problem: str | None
    removed_to: int = 0
    restored: tuple[int, ...] = ()
    from_backup: tuple[int, ...] = ()

    @property
    def last(self) -> int | None:
        """The number of the last entry."""
        return None if self.anchor is None else self.anchor.number


def check_chain(
    entries: Iterable[Entry], *, head: Anchor, base: Anchor, anchors: Mapping[Anchor, str] = MappingProxyType({})
) -> ChainCheck:
    """Check entries in the order of their numbers against the head and the base that the store holds.

    `base` is the last entry that the retention rule removed, `Anchor(0, GENESIS)` if none was: an entry that is there
    has to vouch for it. `anchors` and where each is kept: the chain has to hold these entries.
    """
    last, count, first, is_vouched = base, 0, None, base == Anchor(0, GENESIS)
    problem: str | None = None
    missing = dict(anchors)
    missing.pop(base, None)
    restored, from_backup = [], []
    for entry in entries:
        problem = problem or _find_fault(entry, last)
        count, first = count + 1, entry.number if first is None else first
        last = Anchor(entry.number, entry.hash)
        missing.pop(last, None)
        is_vouched = is_vouched or (entry.what, entry.outcome, entry.filter) == (REMOVAL, "done", format_removal(base))
        if entry.action == RESTORE:
            restored.append(entry.number)
        if (entry.action, entry.outcome) == (RESTORE_HOME, "done"):
            from_backup.append(entry.number)
    if problem is None and last != head:
        problem = f"it ends with entry {last.number}, and the last one that was written is entry {head.number}"
    if problem is None and not is_vouched:
        problem = f"entries up to {base.number} are missing, and no entry says that the retention rule removed them"
    if problem is None and missing:
        anchor, where = next(iter(missing.items()))
        problem = _describe_missing_anchor(anchor, where, last=last, base=base)
    anchor_now = last if count else None
    return ChainCheck(count, first, anchor_now, problem, base.number, tuple(restored), tuple(from_backup))


def _find_fault(entry: Entry, last: Anchor) -> str | None:
    if entry.number != last.number + 1:
        return f"entry {entry.number} follows entry {last.number}"
    if entry.previous != last.hash:
        return f"entry {entry.number} does not continue the one before it"
    if entry.hash != hash_entry(entry):
        return f"entry {entry.number} was changed after it was written"
    return None


def _describe_missing_anchor(anchor: Anchor, where: str, *, last: Anchor, base: Anchor) -> str:
    if anchor.number > last.number:
        return (
            f"it ends with entry {last.number}, before entry {anchor.number} that was noted {where}: "
            "entries were removed, or an older copy of the store was restored"
        )
    if anchor.number <= base.number:
        return f"entry {anchor.number} that was noted {where} was removed by the retention rule and cannot be compared"
    return (
        f"entry {anchor.number} is not the one that was noted {where}: "
        "the trail was written anew, or it is another store's"
    )
