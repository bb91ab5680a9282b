"""Who is signed in: one row for each sign-in, so that ending it ends it everywhere, on every server of the store.

The key of a sign-in is random and is in one browser alone; the store holds its SHA-256. A row that has ended, or that
is not there, is a person who is signed out.

A clock that is set back makes no sign-in longer while a server runs: the server counts by itself how long each one that
it has seen may still live. A server that starts later knows only the clock.
"""

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.database_errors import translate_errors
from hexbeat.store.databases import WRITES, read_transaction
from hexbeat.store.schema import sign_ins, store_state
from hexbeat.store.store import Store
from layers.access import Action, Viewer, require

__all__ = [
    "LINK",
    "PROVIDER",
    "SignIn",
    "begin_sign_in",
    "end_sign_in",
    "end_sign_ins",
    "find_sign_in",
    "find_sign_in_and_revision",
    "list_sign_ins",
]

LINK: Final = "link"  # somebody at this machine, by the link that the server printed
PROVIDER: Final = "provider"  # somebody whom the identity provider vouches for
_KEY_BYTES: Final = 32
_FORGOTTEN_S: Final = 31 * 86_400  # longer than any sign-in lives (hexbeat.login_settings)
_LONGEST_KEY: Final = 100  # characters; a longer text is no key of ours
# Built once: a page asks some six times in a run, and SQLAlchemy takes longer to build it than SQLite to answer it.
_FIND: Final = sa.select(sign_ins, sa.select(store_state.c.documents).scalar_subquery().label("documents")).where(
    sign_ins.c.key_digest == sa.bindparam("digest")
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in. `subject` is the provider's identifier, `groups` what it sent; times are seconds since 1970."""

    subject: str
    name: str
    method: str
    groups: tuple[str, ...]
    began_at: int
    ends_at: int


def begin_sign_in(store: Store, sign_in: SignIn) -> str:
    """Store a sign-in, and answer its new key. Sign-ins that have ended by its beginning are forgotten."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    row = {
        "key_digest": _digest(key),
        "subject": sign_in.subject,
        "name": sign_in.name,
        "method": sign_in.method,
        "groups": json.dumps(list(sign_in.groups)),
        "began_at": sign_in.began_at,
        "ends_at": sign_in.ends_at,
    }
    with _write(store.engine) as connection:
        connection.execute(sa.delete(sign_ins).where(sign_ins.c.ends_at <= sign_in.began_at))
        connection.execute(sa.insert(sign_ins).values(row))
        write_with_change(connection)
    return key


def find_sign_in(store: Store, key: str, *, now: int, ticks: float | None = None) -> SignIn | None:
    """The sign-in of a key at that second; None if there is none, or it has ended.

    `ticks` are seconds that no clock sets back (None: the system's).
    """
    answer = find_sign_in_and_revision(store, key, now=now, ticks=ticks)
    return answer[0] if answer else None


def find_sign_in_and_revision(
    store: Store, key: str, *, now: int, ticks: float | None = None
) -> tuple[SignIn, int] | None:
    """The same, with the counter of shared documents: a policy in the store that was read at it still counts."""
    if not key or len(key) > _LONGEST_KEY:
        return None
    with read_transaction(store.engine) as connection:
        row = connection.execute(_FIND, {"digest": _digest(key)}).one_or_none()
    # One that begins later than now is of a clock that jumped: nobody knows how old it is.
    if row is None or not row.began_at <= now < row.ends_at:
        return None
    lives = _lives_on(row.key_digest, row.ends_at - now, time.monotonic() if ticks is None else ticks)
    return (_read_row(row), int(row.documents)) if lives else None


_ends: dict[str, float] = {}  # when each sign-in that this process has seen ends at the latest, in ticks
_ends_lock: Final = threading.Lock()


def _lives_on(digest: str, left_s: int, ticks: float) -> bool:
    """Whether a sign-in lives by the count of this process, too; what the clock leaves it can only become less."""
    with _ends_lock:
        if digest not in _ends:
            for old in [old for old, end in _ends.items() if end + _FORGOTTEN_S < ticks]:
                del _ends[old]
        _ends[digest] = min(_ends.get(digest, ticks + left_s), ticks + left_s)
        return ticks < _ends[digest]


def end_sign_in(store: Store, key: str) -> None:
    """End the sign-in of a key, in every window that has it."""
    with _write(store.engine) as connection:
        connection.execute(sa.delete(sign_ins).where(sign_ins.c.key_digest == _digest(key)))
        write_with_change(connection)


def end_sign_ins(store: Store, viewer: Viewer, *, subject: str | None = None) -> int:
    """End every sign-in of a subject, None: of everybody. Returns how many; PolicyError if the viewer may not."""
    require(viewer, Action.SEE_AUDIT)
    condition = sa.true() if subject is None else sign_ins.c.subject == subject
    with _write(store.engine) as connection:
        ended = connection.execute(sa.delete(sign_ins).where(condition)).rowcount
        write_with_change(connection, rows=ended)
        return ended


def list_sign_ins(store: Store, viewer: Viewer, *, now: int) -> list[SignIn]:
    """Who is signed in at that second, the latest first; PolicyError if the viewer may not see it."""
    require(viewer, Action.SEE_AUDIT)
    query = sa.select(sign_ins).where(sign_ins.c.ends_at > now)
    with read_transaction(store.engine) as connection:
        rows = connection.execute(query.order_by(sign_ins.c.began_at.desc(), sign_ins.c.subject)).all()
    return [_read_row(row) for row in rows]


def _read_row(row: sa.Row[tuple[object, ...]]) -> SignIn:
    return SignIn(row.subject, row.name, row.method, tuple(json.loads(row.groups)), row.began_at, row.ends_at)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def _write(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes sign-ins and nothing else: the version of the store stays, and so do all caches."""
    with translate_errors(engine), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection
