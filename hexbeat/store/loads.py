"""A load: files that are loaded into the store together, or not at all."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from geo.errors import DataError
from geo.lazy_modules import import_lazily
from hexbeat.store import merging, staging
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.coverage_log import write_entries
from hexbeat.store.database_errors import breaks_rule, translate_errors
from hexbeat.store.databases import WRITES, change_version, read_version
from hexbeat.store.former_keys import find_former_keys
from hexbeat.store.replacements import NO_REPLACEMENTS, find_replacements, require_same_events
from hexbeat.store.schema import batch_files, batches, rejects
from layers.catalogue import find_layer
from layers.coverage import CoverageEntry
from layers.timestamps import from_seconds, to_seconds

if TYPE_CHECKING:
    import pandas as pd
    from pg8000 import dbapi as pg8000
    from sqlalchemy import Engine

    from geo.wards import Wards
else:
    pd = import_lazily("pandas")
    pg8000 = import_lazily("pg8000.dbapi")

__all__ = ["FileTally", "Load", "LoadFile", "open_load"]


@dataclass(frozen=True, slots=True)
class FileTally:
    """The counts of the rows of one file.

    `read = skipped + rejected + accepted` and `accepted = new + updated + unchanged`.
    `skipped`: skipped rows for each reason. `reasons`: skipped and rejected rows for each reason. `removed`: live
    events that a snapshot no longer has.
    """

    read: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    accepted: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


_EMPTY: Final = FileTally()


class LoadFile:
    """One file of a load: takes its rows in chunks of any size."""

    def __init__(self, load: "Load", name: str, source: str, *, sha256: str, snapshot: bool, file_no: int) -> None:
        self.name, self.source, self.sha256, self.snapshot, self.file_no = name, source, sha256, snapshot, file_no
        self.wards: Wards | None = None  # where the file's snapshot may remove events; None: nowhere
        self.scopes = set[str]()  # the parts of a snapshot that the file replaces
        self.coverage: list[CoverageEntry] | None = None  # None: a running log, complete from first record to last
        self.replacements = NO_REPLACEMENTS  # events of another day and place that it would replace
        self.known_references: dict[str, int] = {}  # by other source: identifiers that it has in the same layer
        self.may_replace = True  # whether it may replace many of them
        self._load = load
        self._read: int | None = None
        self._skipped: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._outcome: dict[str, Any] = {}

    def has_former_keys(self) -> bool:
        """Whether the store may know events of the source by former names; then each row needs its own (former_id)."""
        return self._load.has_former_keys(self.source)

    def add_events(self, frame: "pd.DataFrame") -> None:
        """Stage events: exactly the columns of layers.event.EVENT_COLUMNS, natural keys unique within the file.

        A column former_id may come with them: the key under which an older Hexbeat would have stored the row, or None.
        """
        try:
            with self._load.step() as connection:
                staging.stage_events(connection, frame, file_no=self.file_no)
        except (DBAPIError, pg8000.Error) as error:
            if not breaks_rule(error):
                raise
            raise DataError(
                "Each row of a file needs a key of its own",
                f"{self.name} has a key twice, or a row without a key",
                "choose other key columns in the source profile",
            ) from error

    def add_rejects(self, frame: "pd.DataFrame") -> None:
        """Stage rejects: line int64, reason str, raw str (a JSON object of the columns that the profile reads).

        A column source_id (str or None) holds the row's natural key, without the number of a repeat. Erasures find the
        reject by this key.
        """
        with self._load.step() as connection:
            staging.stage_rejects(connection, frame, file_no=self.file_no)
        self._reasons.update(Counter(frame["reason"].tolist()))

    def start_again(self) -> None:
        """Forget every row of the file that was staged, for example because its dates have to be read another way."""
        with self._load.step() as connection:
            staging.drop_file(connection, file_no=self.file_no)
        self.wards, self.coverage, self._read = None, None, None
        self.scopes.clear()
        self._skipped, self._reasons = Counter(), Counter()

    def add_tally(self, *, read: int, skipped: Mapping[str, int]) -> None:
        """Add to the rows read, and to those that the profile does not select (a count a reason)."""
        self._read = (self._read or 0) + read
        self._skipped.update(skipped)

    def cover(self, scopes: Collection[str], *, wards: "Wards") -> None:
        """Name the scopes that this snapshot replaces as a whole, within the wards from which the load takes rows.

        Events of the same scope in another area stay, because the load takes no rows from there.
        """
        self.wards = wards
        self.scopes.update(scopes)
        with self._load.step() as connection:
            staging.stage_scopes(connection, scopes, source=self.source, file_no=self.file_no)

    def state_coverage(self, entries: Iterable[CoverageEntry]) -> None:
        """Say which days the file completes; without it the file is part of a running log (kind "open")."""
        self.coverage = list(entries)

    @property
    def tally(self) -> FileTally:
        """The counts, compared with the store as it was when the file ended; final once the whole load has ended."""
        skipped, reasons = dict(sorted(self._skipped.items())), dict(sorted((self._skipped + self._reasons).items()))
        rejected = self._reasons.total()
        accepted = self._outcome.get("accepted", 0)
        read = self._skipped.total() + rejected + accepted
        return replace(_EMPTY, **self._outcome, read=read, skipped=skipped, rejected=rejected, reasons=reasons)

    def settle(self, outcome: Mapping[str, int]) -> None:
        """Store the counts of the merge; DataError if they do not account for every row of the file."""
        self._outcome = dict(outcome)
        if self._read is not None and self._read != self.tally.read:
            raise DataError(
                "Every row that is read has to be skipped, rejected or accepted",
                f"{self.name}: {self._read} rows were read, and {self.tally.read} are accounted for",
                "report this as a fault of Hexbeat; nothing was changed",
            )


class Load:
    """Files that are loaded together. `batch_id` is None until the load is committed, and after a dry run."""

    def __init__(self, connection: Connection, *, area: str, now_s: int) -> None:
        self.batch_id: int | None = None
        self.files: list[LoadFile] = []
        self._connection, self._area, self._now_s = connection, area, now_s
        self._former_keys: dict[str, bool] = {}  # by source, asked once a load
        self._version: int | None = None  # of the store, when the first file was compared
        self._stale = False

    @contextmanager
    def step(self) -> Iterator[Connection]:
        """A short transaction of its own that uses only temporary tables and blocks no other program."""
        with translate_errors(self._connection.engine), self._connection.begin():
            yield self._connection

    def has_former_keys(self, source: str) -> bool:
        """Whether the store may know events of this source by former names."""
        if source not in self._former_keys:
            with self.step() as connection:
                self._former_keys[source] = find_former_keys(connection, source)
        return self._former_keys[source]

    @contextmanager
    def file(self, name: str, source: str, *, sha256: str, snapshot: bool = False) -> Iterator[LoadFile]:
        """Add a file; when the block ends its rows are compared with the store and its tally is known."""
        entry = LoadFile(self, name, source, sha256=sha256, snapshot=snapshot, file_no=len(self.files) + 1)
        self.files.append(entry)
        yield entry
        with self.step() as connection:
            version = read_version(connection)
            self._version = version if self._version is None else self._version
            self._stale |= version != self._version
            staging.update_statistics(connection)
            merging.compare_file(connection, entry.file_no, wards=entry.wards)
            self._find_known(connection, entry)
            self._settle(connection)

    @staticmethod
    def _find_known(connection: Connection, entry: LoadFile) -> None:
        """Find what of a compared file the store knows: events it would replace, and identifiers of other sources."""
        entry.replacements = find_replacements(connection, entry.file_no)
        entry.known_references = merging.count_known_references(connection, entry.file_no, entry.source)

    def _settle(self, connection: Connection) -> None:
        outcomes = merging.count_outcomes(connection)
        for entry in self.files:
            entry.settle(outcomes.get(entry.file_no, {}))

    def commit(self) -> int:
        """Merge all files in one transaction; the only time that other writers must wait."""
        try:
            self.batch_id = self._merge(self._connection.execution_options(**{WRITES: True}))
        except DBAPIError as error:
            if not breaks_rule(error):
                raise
            raise DataError(
                "An event needs every column, a quantity of 1 or more, and an end that is not before its start",
                "a row of this load does not have them",
                "report this as a fault of the source; nothing was changed",
            ) from error
        return self.batch_id

    def _merge(self, connection: Connection) -> int:
        with translate_errors(connection.engine), connection.begin():
            version = change_version(connection) - 1
            if self._stale or (self._version is not None and version != self._version):
                merging.compare_all(connection, [entry.wards for entry in self.files])
                for entry in self.files:
                    self._find_known(connection, entry)
                self._settle(connection)
            for entry in self.files:
                require_same_events(entry.name, entry.replacements, may_replace=entry.may_replace)
            batch_id = self._write(connection)
            if connection.dialect.name == "postgresql":
                connection.execute(
                    sa.text("ANALYZE events")
                )  # otherwise PostgreSQL plans the next load for an empty table
            tallies = [entry.tally for entry in self.files]
            write_with_change(connection, rows=sum(it.new + it.updated + it.removed for it in tallies))
        return batch_id

    def _write(self, connection: Connection) -> int:
        newest = connection.execute(sa.select(sa.func.max(batches.c.created))).scalar_one()
        created = max(self._now_s, newest or 0)  # if the clock was set back, loads keep their order
        tallies = [entry.tally for entry in self.files]
        count_names = ("new", "updated", "unchanged", "removed", "rejected")
        totals = {name: sum(getattr(tally, name) for tally in tallies) for name in count_names}
        row = {"created": created, "area": self._area, "files": len(self.files), **totals}
        key = connection.execute(sa.insert(batches), row).inserted_primary_key
        batch_id = int(key[0] if key else 0)
        merging.apply_load(connection, batch_id=batch_id, now_s=created)
        for entry in self.files:
            _write_file(connection, entry, batch_id=batch_id)
            known = entry.coverage if entry.coverage is not None else _read_open_coverage(connection, entry)
            write_entries(connection, known, batch_id=batch_id, recorded_at=created)
        return batch_id


def _read_open_coverage(connection: Connection, entry: LoadFile) -> list[CoverageEntry]:
    """A running log: each layer of the file from its first record to its last, by UTC days.

    A state's last record is the one that began last: an order that runs for months says nothing of those months.
    """
    entries = []
    for layer, first, last_start, last_end in connection.execute(_select_spans(), {"file": entry.file_no}):
        last = last_start if find_layer(layer).kind == "state" else max(last_start, last_end - 1)
        start, end = (from_seconds(seconds).date() for seconds in (first, last))
        entries.append(CoverageEntry(layer, entry.source, "", start, end + timedelta(days=1), "open"))
    return entries


@cache
def _select_spans() -> sa.Select[Any]:
    """For each layer of a `file`: the first start, the last start and the last end."""
    staged = staging.incoming.c
    spans = (
        sa.func.min(staged.occurred_from),
        sa.func.max(staged.occurred_from),
        sa.func.max(staged.occurred_to),
    )
    query = sa.select(staged.layer, *spans).where(staged.file_no == sa.bindparam("file"))
    return query.group_by(staged.layer).order_by(staged.layer)


def _write_file(connection: Connection, entry: LoadFile, *, batch_id: int) -> None:
    counts = entry.tally
    tally = {name: getattr(counts, name) for name in FileTally.__dataclass_fields__}
    row = {"batch_id": batch_id, "file_no": entry.file_no, "file": entry.name, "source": entry.source}
    facts = {"sha256": entry.sha256, "snapshot": entry.snapshot, "tally": json.dumps(tally)}
    connection.execute(sa.insert(batch_files), row | facts)
    connection.execute(_insert_rejects(), {f"of_{name}": value for name, value in row.items()})


@cache
def _insert_rejects() -> sa.Insert:
    """What adds the rejects of a file to the store, given `of_batch_id`, `of_file_no`, `of_file` and `of_source`."""
    staged = staging.incoming_rejects.c
    given = {name: sa.bindparam(f"of_{name}", type_=rejects.c[name].type) for name in ("batch_id", "file", "source")}
    names = ("batch_id", "file_no", "file", "source", "line", "reason", "raw", "source_id")
    rows = sa.select(*(given[name] if name in given else staged[name] for name in names))
    rows = rows.where(staged.file_no == sa.bindparam("of_file_no")).order_by(staged.line)
    return sa.insert(rejects).from_select(names, rows)


@contextmanager
def open_load(engine: "Engine", *, area: str, dry_run: bool, now: datetime | None) -> Iterator[Load]:
    """A load that is committed when the block succeeds; if it fails, or on a dry run, nothing is changed."""
    with translate_errors(engine), engine.connect() as connection:
        connection.detach()  # so that closing it drops the temporary tables
        with connection.begin():
            staging.make_tables(connection)
        load = Load(connection, area=area, now_s=to_seconds(now))
        yield load
        if not dry_run:
            load.commit()
