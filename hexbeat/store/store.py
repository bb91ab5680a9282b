"""The store: events and all their versions, in SQLite by default or in PostgreSQL; the history of one event."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy import Engine

from geo.lazy_modules import import_lazily
from hexbeat.store.databases import make_engine, migrate, read_transaction, read_version
from hexbeat.store.erasure import PATIENCE_S, Erasure, describe_pending, erase, erase_source, finish, retain
from hexbeat.store.home_files import take_over_home, write_area_cache
from hexbeat.store.load_log import CommittedLoad, last_load, list_loads, list_rejects, undo_last
from hexbeat.store.loads import Load, open_load
from hexbeat.store.schema import events, store_state
from hexbeat.store.shared_documents import DocumentKind, SharedDocument, SharedDocuments
from hexbeat.store.snapshots import empty_snapshots, remove_stale_snapshots
from layers.access import ANALYST, Action, Viewer, list_layers, require
from layers.event import EVENT_COLUMNS
from layers.timestamps import from_seconds

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = ["Store", "Version", "history"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an event, valid in the store from `recorded_at` until `superseded_at` (UTC; None: still live).

    `event` holds the columns of layers.event.EVENT_COLUMNS. Its texts come from a source: show them as text, never as
    markup.
    """

    event_id: str
    row_id: int
    batch_id: int
    recorded_at: datetime
    superseded_at: datetime | None
    superseded_batch: int | None
    event: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Store:
    """An open store. Safe to share between threads; close it with `dispose`, or use it in a `with` block.

    Every method that reads or changes events takes a viewer and asks `layers.access` first. `live_columns` and
    `records` read events as columns and as records.
    """

    engine: Engine
    home: Path
    notices: tuple[str, ...] = ()
    _documents: dict[DocumentKind, tuple[int, dict[str, SharedDocument]]] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, home: Path, *, database_url: str | None = None) -> Self:
        """Open the store, making it if there is none and bringing an older one to the newest schema.

        `home` is made for this user only (0700), the SQLite file too (0600). With `database_url` the events live in
        PostgreSQL, and `home` holds only caches: what several people share lives in the store. Files of an older home
        are taken over once; `notices` are sentences about that. StoreError if the store cannot be used, is not a store,
        or is the store of a newer Hexbeat; nothing is ever destroyed. An erasure that could not be finished is tried
        again; where it still cannot, the store opens, and `describe_pending_erasure` says so.
        """
        engine = make_engine(home, database_url)
        try:
            migrate(engine)
            finish(engine, patience_s=0.0)
            notices = take_over_home(engine, home)
        except BaseException:
            engine.dispose()
            raise
        remove_stale_snapshots(engine, home)
        return cls(engine, home, notices)

    @property
    def files_folder(self) -> Path | None:
        """The folder of the settings and profiles that a person edits: the home of SQLite; None with PostgreSQL."""
        return self.home if self.engine.dialect.name == "sqlite" else None

    def documents(self, viewer: Viewer) -> SharedDocuments:
        """What all users of the store share, for this viewer. See `hexbeat.store.shared_documents`."""
        return SharedDocuments(self.engine, viewer, self.files_folder, self._documents)

    def share_area(self, viewer: Viewer, folder: Path) -> None:
        """Share the area in a folder with all who use the store, in the place of an earlier one of its name."""
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        contents = {f"{folder.name}/{name}": content for name, content in files.items() if not name.startswith(".")}
        self.documents(viewer).replace_all(DocumentKind.AREA, f"{folder.name}/", contents)
        self.refresh_areas()

    def refresh_areas(self) -> None:
        """With PostgreSQL: bring the home's cache of areas up to date, if any shared document changed.

        It takes no viewer: areas are public maps.
        """
        if self.files_folder is not None:
            return
        counter = self.documents(ANALYST).counter()
        if self._documents.get(DocumentKind.AREA, (None, {}))[0] != counter:
            write_area_cache(self.engine, self.home)
            self._documents[DocumentKind.AREA] = (counter, {})

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dispose()

    def version(self) -> int:
        """A number that rises with every committed change; equal numbers mean equal contents.

        It takes no viewer, because it says that something changed but never what. Caches need it for their keys before
        they know the viewer. What they then read checks the policy each time.
        """
        with read_transaction(self.engine) as connection:
            return read_version(connection)

    def find_last_removal(self) -> int:
        """The version at which rows were last removed or reopened: what was read before may hold what was removed."""
        with read_transaction(self.engine) as connection:
            return int(connection.execute(sa.select(store_state.c.rewritten)).scalar_one())

    def begin_load(
        self, viewer: Viewer, *, area: str, dry_run: bool = False, now: datetime | None = None
    ) -> AbstractContextManager[Load]:
        """Begin a load of some files: all of them are stored when the block ends, or none if it fails.

        Others can use the store while rows are staged; only the merge locks it. A dry run gives the same counts and
        changes nothing. `now` (aware; None: the clock) is the time of recording, but never before an earlier load.
        PolicyError if the viewer may not load.
        """
        require(viewer, Action.LOAD)
        return open_load(self.engine, area=area, dry_run=dry_run, now=now)

    def batches(self, viewer: Viewer) -> list[CommittedLoad]:
        """All loads, the newest first, undone ones too."""
        return list_loads(self.engine, viewer)

    def last_load(self, viewer: Viewer) -> CommittedLoad | None:
        """The load that `undo_last` would undo; None if there is none."""
        return last_load(self.engine, viewer)

    def undo_last(self, viewer: Viewer, *, batch_id: int | None = None) -> CommittedLoad:
        """Undo the latest load, and return it; StoreError if there is none, or if it is not `batch_id`."""
        load = undo_last(self.engine, viewer, batch_id=batch_id)
        empty_snapshots(self.home, patience_s=PATIENCE_S)
        return load

    def rejects(self, viewer: Viewer, batch: int | None = None) -> "pd.DataFrame":
        """Rejected rows: of one load, or of the latest load of each file. See `hexbeat.store.load_log.list_rejects`."""
        return list_rejects(self.engine, viewer, batch)

    def history(self, viewer: Viewer, event_id: str) -> list[Version]:
        """All versions of an event, the oldest first; an empty list if there is no such event."""
        return history(self.engine, viewer, event_id)

    def erase(self, viewer: Viewer, source: str, source_id: str) -> Erasure:
        """Remove every row of an event, and the rejects of its key, for good.

        `removed_any` of the result is False if there was nothing to remove.

        See `hexbeat.store.erasure.erase`.
        """
        return self._empty_snapshots(erase(self.engine, viewer, source, source_id))

    def erase_source(self, viewer: Viewer, source: str) -> Erasure:
        """Remove every event, load and reject of a source for good. See `hexbeat.store.erasure.erase_source`."""
        return self._empty_snapshots(erase_source(self.engine, viewer, source))

    def describe_pending_erasure(self) -> str | None:
        """Sentences that say that traces of erased rows may remain in the store's files; None if none can.

        It takes no viewer, because it says that something was erased but never what.
        """
        return describe_pending(self.engine)

    def retain(self, viewer: Viewer, years: int, *, is_clock_sure: bool = False) -> Erasure:
        """Remove events that ended more than `years` years ago for good. See `hexbeat.store.erasure.retain`."""
        return self._empty_snapshots(retain(self.engine, viewer, years, is_clock_sure=is_clock_sure))

    def _empty_snapshots(self, erasure: Erasure) -> Erasure:
        """Remove what snapshots hold of the removed rows; the erasure is not complete while a file may be left."""
        is_empty = empty_snapshots(self.home, patience_s=PATIENCE_S)
        return replace(erasure, complete=erasure.complete and is_empty)


def history(engine: Engine, viewer: Viewer, event_id: str) -> list[Version]:
    """All versions, the oldest first; an empty list if there is no such event whose records the viewer may see."""
    layers = list_layers(viewer, Action.SEE_RECORDS)
    if not layers:
        require(viewer, Action.SEE_RECORDS)
    query = sa.select(events).where(events.c.event_id == event_id, events.c.layer.in_(layers)).order_by(events.c.row_id)
    with read_transaction(engine) as connection:
        return [_build_version(dict(row)) for row in connection.execute(query).mappings()]


def _build_version(row: dict[str, Any]) -> Version:
    superseded = row["superseded_at"]
    return Version(
        event_id=row["event_id"],
        row_id=row["row_id"],
        batch_id=row["batch_id"],
        recorded_at=from_seconds(row["recorded_at"]),
        superseded_at=None if superseded is None else from_seconds(superseded),
        superseded_batch=row["superseded_batch"],
        event={name: row[name] for name in EVENT_COLUMNS},
    )
