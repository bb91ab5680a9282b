"""Shared documents: what everybody who uses a store shares and what is no row of a table.

Plans, settings, source profiles, selected methods, the registers of releases and of evidence packs, areas, saved views.
Each is some bytes under a kind and a name. The rooms that own a kind know its format; this module alone reads and
writes the table.

Where the store is a SQLite file, the files that a person edits (`plans.toml`, `release.toml`, `policy.toml` and
`sources/*.toml` in its home) count, and the store holds a copy of them. Where the store is PostgreSQL, several homes
use it: the store counts, and a home holds caches alone (`hexbeat.store.home_files`).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import ProgrammingError

from geo.errors import StoreError
from hexbeat.files import atomic_write
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.database_errors import translate_errors
from hexbeat.store.databases import WRITES, read_transaction
from hexbeat.store.document_kinds import FILES, MARK_FILE, SETTING_FILES, DocumentKind, require_reader, require_writer
from hexbeat.store.schema import shared_documents, store_state
from layers.access import Viewer
from layers.timestamps import from_seconds, to_seconds

__all__ = [
    "DocumentKind",
    "DocumentWriter",
    "ReadOnlyError",
    "SharedDocument",
    "SharedDocuments",
    "document_transaction",
    "hash_bytes",
    "read_live_hashes",
    "read_setting_versions",
    "read_shared_setting",
]


class ReadOnlyError(StoreError):
    """The database lets this user only read."""


_HISTORY: Final = frozenset({DocumentKind.SETTING, DocumentKind.SOURCE})  # earlier revisions are kept
_LARGE: Final = frozenset({DocumentKind.EVIDENCE, DocumentKind.RELEASE, DocumentKind.AREA})
_CACHED: Final = frozenset(DocumentKind) - _LARGE - {DocumentKind.MAIL}  # small, and read on every run of a page
_BESIDE: Final = frozenset({DocumentKind.SELECTION, DocumentKind.MAIL})  # kept beside an answer: the trail holds that
_READ_ONLY: Final = ("42501", "25006")  # PostgreSQL: insufficient privilege, read-only transaction
_live = shared_documents.c.superseded_at.is_(None)


@dataclass(frozen=True, slots=True)
class SharedDocument:
    """One document as it is now: its bytes, their SHA-256 in hexadecimal, who recorded it and when (UTC).

    `recorded_at` is None, and `recorded_by` empty, for a file of the home that counts instead of the store's copy.
    """

    name: str
    content: bytes
    sha256: str
    recorded_at: datetime | None = None
    recorded_by: str = ""


def hash_bytes(content: bytes) -> str:
    """The SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, eq=False)
class DocumentWriter:
    """Changes documents inside one transaction, in which nobody else changes any."""

    connection: Connection
    recorded_by: str

    def read(self, kind: DocumentKind, name: str) -> bytes | None:
        """The bytes in force in this transaction; None if there are none."""
        query = sa.select(shared_documents.c.content).where(*_match(kind, name), _live)
        row = self.connection.execute(query).first()
        return None if row is None else bytes(row.content)

    def put(self, kind: DocumentKind, name: str, content: bytes) -> None:
        """Make these bytes the ones in force; nothing changes if they are already."""
        sha256 = hash_bytes(content)
        if self._find_hash(kind, name) == sha256:
            return
        self._supersede(kind, name)
        latest = self.connection.execute(
            sa.select(sa.func.max(shared_documents.c.revision)).where(*_match(kind, name))
        ).scalar_one()
        self.connection.execute(
            sa.insert(shared_documents).values(
                kind=str(kind),
                name=name,
                revision=(latest or 0) + 1,
                content=content,
                sha256=sha256,
                recorded_at=to_seconds(None),
                recorded_by=self.recorded_by,
            )
        )

    def drop(self, kind: DocumentKind, name: str) -> bool:
        """Take the document away; False if there was none."""
        return self._supersede(kind, name) > 0

    def _find_hash(self, kind: DocumentKind, name: str) -> str | None:
        query = sa.select(shared_documents.c.sha256).where(*_match(kind, name), _live)
        return self.connection.execute(query).scalar_one_or_none()

    def _supersede(self, kind: DocumentKind, name: str) -> int:
        condition = sa.and_(*_match(kind, name), _live)
        if kind in _HISTORY:
            change: Any = sa.update(shared_documents).where(condition).values(superseded_at=to_seconds(None))
        else:
            change = sa.delete(shared_documents).where(condition)
        return int(self.connection.execute(change).rowcount)


def _match(kind: DocumentKind, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return shared_documents.c.kind == str(kind), shared_documents.c.name == name


@contextmanager
def document_transaction(engine: Engine, recorded_by: str) -> Iterator[DocumentWriter]:
    """A transaction that changes documents, one writer of the store at a time, whatever server it runs on."""
    try:
        with translate_errors(engine), engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                connection.execute(sa.update(store_state).values(documents=store_state.c.documents + 1))
                yield DocumentWriter(connection, recorded_by)
    except ProgrammingError as error:
        message = error.orig.args[0] if error.orig and error.orig.args else {}
        if not isinstance(message, dict) or message.get("C") not in _READ_ONLY:
            raise
        raise ReadOnlyError(
            "To change what all share, you need to be allowed to write to the store",
            "the database lets this user only read",
            "ask the keeper of the database",
        ) from error


def read_live_hashes(connection: Connection, kind: DocumentKind) -> dict[str, str]:
    """Name and SHA-256 of each document of a kind."""
    query = sa.select(shared_documents.c.name, shared_documents.c.sha256).where(
        shared_documents.c.kind == str(kind), _live
    )
    return {row.name: row.sha256 for row in connection.execute(query)}


def read_shared_setting(engine: Engine, folder: Path | None, name: str) -> str | None:
    """The text of a settings file that all share (such as policy.toml); None if there is none. UTF-8.

    `folder` is that of the files that count (`Store.files_folder`): with SQLite the home, with PostgreSQL None. It
    takes no viewer, because settings decide what a viewer may do. They name no event.

    OSError or UnicodeDecodeError if it cannot be read.
    """
    document = _Reader(engine, folder).read(DocumentKind.SETTING, name)
    return None if document is None else document.content.decode("utf-8-sig")


def read_setting_versions(engine: Engine, name: str) -> list[bytes]:
    """Every version of a settings file that the store ever held, the newest first. It takes no viewer, as above."""
    columns = shared_documents.c
    query = sa.select(columns.content).where(*_match(DocumentKind.SETTING, name)).order_by(columns.revision.desc())
    with read_transaction(engine) as connection:
        return [bytes(content) for content in connection.execute(query).scalars()]


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads documents, whoever the viewer is; `cache` holds those of a kind until any document changes."""

    engine: Engine
    folder: Path | None
    cache: dict[DocumentKind, tuple[int, dict[str, SharedDocument]]] = field(default_factory=dict)

    def find_file(self, kind: DocumentKind, name: str) -> Path | None:
        """The file in the home that counts for this document, whether or not it exists; None where the store counts."""
        if self.folder is None or kind not in FILES or "/" in name or name.startswith("."):
            return None
        if kind == DocumentKind.SETTING and name not in SETTING_FILES:
            return None  # the home holds other files, the store among them
        return self.folder / FILES[kind].format(name)

    def read(self, kind: DocumentKind, name: str) -> SharedDocument | None:
        """The document; None if there is none. OSError if it is a file that cannot be read."""
        path = self.find_file(kind, name)
        if path is not None:
            return _read_file(path, name) if path.is_file() else None
        if kind in _CACHED:
            return self._read_cached(kind).get(name)
        return self._query(kind, shared_documents.c.name == name).get(name)

    def read_all(self, kind: DocumentKind, prefix: str) -> dict[str, SharedDocument]:
        """All documents of a kind whose names begin with the prefix, by name."""
        if self.folder is not None and kind in FILES:
            names = [name for name in self.list_files(kind) if name.startswith(prefix)]
            return {name: document for name in names if (document := self.read(kind, name)) is not None}
        if kind in _CACHED:
            documents = self._read_cached(kind)
            return {name: document for name, document in documents.items() if name.startswith(prefix)}
        return self._query(kind, sa.func.substr(shared_documents.c.name, 1, len(prefix)) == prefix)

    def list_files(self, kind: DocumentKind) -> list[str]:
        """The names of the documents of a kind that are files of the home, sorted. OSError if it may not be read."""
        pattern = FILES[kind].format("*")
        folder = Path(self.folder or "", pattern).parent
        ending = pattern.rpartition("*")[2]
        try:
            names = [path.name for path in folder.iterdir() if path.suffix == ".toml"]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name.removesuffix(ending) for name in names)

    def read_counter(self) -> int:
        """A number that rises with every change of a shared document."""
        with translate_errors(self.engine), self.engine.connect() as connection:
            return int(connection.execute(sa.select(store_state.c.documents)).scalar_one())

    def _read_cached(self, kind: DocumentKind) -> dict[str, SharedDocument]:
        counter = self.read_counter()
        entry = self.cache.get(kind)
        if entry is None or entry[0] != counter:
            entry = counter, self._query(kind, sa.true())  # read after the counter, so never older than it says
            self.cache[kind] = entry
        return entry[1]

    def _query(self, kind: DocumentKind, condition: sa.ColumnElement[bool]) -> dict[str, SharedDocument]:
        columns = shared_documents.c
        query = (
            sa.select(columns.name, columns.content, columns.sha256, columns.recorded_at, columns.recorded_by)
            .where(columns.kind == str(kind), _live, condition)
            .order_by(columns.document_id)
        )
        with read_transaction(self.engine) as connection:
            rows = connection.execute(query).all()
        return {
            row.name: SharedDocument(
                row.name, bytes(row.content), row.sha256, from_seconds(row.recorded_at), row.recorded_by
            )
            for row in rows
        }


def _read_file(path: Path, name: str) -> SharedDocument:
    content = path.read_bytes()
    return SharedDocument(name, content, hash_bytes(content))


@dataclass(frozen=True, eq=False)
class SharedDocuments:
    """The documents of a store for one viewer. Every method asks `layers.access`, and raises PolicyError if refused.

    Get it from `Store.documents`. `folder`: see `read_shared_setting`.
    """

    engine: Engine
    viewer: Viewer
    folder: Path | None
    _cache: dict[DocumentKind, tuple[int, dict[str, SharedDocument]]] = field(repr=False)

    @property
    def _reader(self) -> _Reader:
        return _Reader(self.engine, self.folder, self._cache)

    def counter(self) -> int:
        """A number that rises with every change of a shared document; a part of the keys of caches."""
        return self._reader.read_counter()

    def read(self, kind: DocumentKind, name: str) -> SharedDocument | None:
        """The document of that name; None if there is none. OSError if it is a file that cannot be read."""
        require_reader(self.viewer, kind)
        return self._reader.read(kind, name)

    def read_all(self, kind: DocumentKind, prefix: str = "") -> dict[str, SharedDocument]:
        """All documents of a kind whose names begin with the prefix, by name. OSError as for `read`."""
        require_reader(self.viewer, kind)
        return self._reader.read_all(kind, prefix)

    def list_names(self, kind: DocumentKind) -> list[str]:
        """The names of all documents of a kind, sorted."""
        require_reader(self.viewer, kind)
        if self.folder is not None and kind in FILES:
            return self._reader.list_files(kind)
        with read_transaction(self.engine) as connection:
            return sorted(read_live_hashes(connection, kind))

    def find_file(self, kind: DocumentKind, name: str) -> Path | None:
        """The file in the home that counts instead of the store's copy; None where the store counts."""
        return self._reader.find_file(kind, name)

    def write(self, kind: DocumentKind, name: str, content: bytes, *, after: str | None = None) -> None:
        """Put a document into the store, for all who use it.

        `after` is the SHA-256 of what the change rests on ("" if there was nothing; None: it does not matter).
        StoreError, and nothing is written, if the document is another one by now.
        """

        def change(before: bytes | None) -> bytes:
            checksum = "" if before is None else hash_bytes(before)
            if after is not None and after != checksum:
                raise self._build_conflict(kind, name)
            return content

        self.update(kind, name, change)

    def update(self, kind: DocumentKind, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Replace a document by what `change` makes of its bytes (None: there is none; the answer None takes it away).

        Nobody else changes a document meanwhile. An error that `change` raises leaves everything as it was.
        """
        require_writer(self.viewer, kind, name)
        path = self.find_file(kind, name)
        with self._begin() as writer:
            before = writer.read(kind, name) if path is None else (path.read_bytes() if path.is_file() else None)
            content = change(before)
            if content is None:
                writer.drop(kind, name)
            else:
                writer.put(kind, name, content)
            if kind not in _BESIDE:
                write_with_change(writer.connection)
            if path is not None and content != before:
                self._write_file(path, content)

    def remove(self, kind: DocumentKind, name: str) -> bool:
        """Take a document away for all who use the store; False if there was none."""
        existed = False

        def change(before: bytes | None) -> None:
            nonlocal existed
            existed = before is not None

        self.update(kind, name, change)
        return existed

    def add_all(self, kind: DocumentKind, contents: Mapping[str, bytes]) -> bool:
        """Put new documents into the store, all or none; False, and nothing is written, if one name is taken."""
        require_writer(self.viewer, kind)
        with self._begin() as writer:
            if any(writer.read(kind, name) is not None for name in contents):
                return False
            for name, content in contents.items():
                writer.put(kind, name, content)
            write_with_change(writer.connection)
        return True

    def replace_all(self, kind: DocumentKind, prefix: str, contents: Mapping[str, bytes]) -> None:
        """Make these the only documents of the kind whose names begin with the prefix, all or none."""
        require_writer(self.viewer, kind)
        with self._begin() as writer:
            for name in read_live_hashes(writer.connection, kind):
                if name.startswith(prefix) and name not in contents:
                    writer.drop(kind, name)
            for name, content in contents.items():
                writer.put(kind, name, content)
            write_with_change(writer.connection)

    @contextmanager
    def _begin(self) -> Iterator[DocumentWriter]:
        with document_transaction(self.engine, self.viewer.subject or str(self.viewer.role)) as writer:
            yield writer

    def _write_file(self, path: Path, content: bytes | None) -> None:
        """Write or remove the file that a person edits, last in the transaction, so that both change or neither."""
        if content is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            draft.write_bytes(content)
        if self.folder is not None and not (self.folder / MARK_FILE).exists():
            with atomic_write(self.folder / MARK_FILE, is_private=True) as draft:
                draft.write_text("{}\n", encoding="ascii")

    def _build_conflict(self, kind: DocumentKind, name: str) -> StoreError:
        document = self._reader.read(kind, name)
        when = f"{document.recorded_at:%d %b %Y at %H:%M} UTC" if document and document.recorded_at else "meanwhile"
        who = f" by {document.recorded_by}" if document and document.recorded_by else ""
        what = "changed" if document else "removed"
        return StoreError(
            "Nobody replaces what somebody else has changed meanwhile",
            f"{kind} {name} was {what} {when}{who}, and nothing of yours was written",
            "look at it again, and then repeat your change",
        )
