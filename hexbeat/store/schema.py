"""The tables of the store. Times are int64 seconds since 1970-01-01T00:00Z, in every table and column.

`events` has one row for each version of an event: the live version has `superseded_at` null. Row and batch numbers rise
and are never used twice, so that "what is new since row 1,204" has an answer (`hexbeat.store.column_cache`).

`visits` (work done) and `reference_places` are loaded by `work_loads`, or a visit is recorded on a screen. `visits` has
one row for each version of a visit: the live one has `superseded_at` null, and `replaces` is the row that was live
before it. A place is in use while its `superseded_load` is null.

`shared_documents` has what everybody who uses the store shares and what is no row: plans, settings, published releases,
source profiles, areas (`hexbeat.store.shared_documents`).
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

from layers.coverage import COVERAGE_KINDS

__all__ = [
    "EVENT_TYPES",
    "HEAD",
    "alert_answers",
    "audit_entries",
    "audit_head",
    "batch_files",
    "batches",
    "coverage",
    "events",
    "metadata",
    "published",
    "reference_places",
    "rejects",
    "shared_documents",
    "sign_ins",
    "store_state",
    "visits",
    "work_loads",
]

HEAD: Final = "0010"  # the newest migration; a test keeps it equal to what alembic finds

# The columns of layers.event.EVENT_COLUMNS: type, and whether a value may be missing.
EVENT_TYPES: Final[dict[str, tuple[type[Text | BigInteger | Float[float]], bool]]] = {
    "layer": (Text, False),
    "source": (Text, False),
    "source_id": (Text, False),
    "lon": (Float, False),
    "lat": (Float, False),
    "location_precision": (Text, True),
    "location_precision_m": (Float, True),
    "occurred_from": (BigInteger, False),
    "occurred_to": (BigInteger, False),
    "time_precision": (Text, False),
    "quantity": (BigInteger, False),
    "category": (Text, True),
    "reported_by": (Text, False),
    "status": (Text, True),
    "h3_08": (BigInteger, False),
    "h3_09": (BigInteger, False),
    "h3_10": (BigInteger, False),
    "h3_11": (BigInteger, False),
    "ward_code": (Text, False),
    "scope": (Text, True),
    "note": (Text, True),
}

# SQLite numbers rows by itself only for the type INTEGER, which has 64 bits there.
_KEY: Final = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()


def _event_columns() -> list[Column[object]]:
    return [
        Column(name, Float(53) if kind is Float else kind(), nullable=nullable)
        for name, (kind, nullable) in EVENT_TYPES.items()
    ]


events = Table(
    "events",
    metadata,
    Column("row_id", _KEY, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False),
    *_event_columns(),
    Column("batch_id", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("superseded_at", BigInteger),
    Column("superseded_batch", BigInteger),
    CheckConstraint("occurred_to >= occurred_from", name="events_interval"),
    CheckConstraint("quantity >= 1", name="events_quantity"),
    CheckConstraint("(superseded_at IS NULL) = (superseded_batch IS NULL)", name="events_superseded"),
    sqlite_autoincrement=True,
)
_live = events.c.superseded_at.is_(None)
_closed = events.c.superseded_batch.is_not(None)
Index(
    "events_one_live",
    events.c.source,
    events.c.source_id,
    unique=True,
    sqlite_where=_live,
    postgresql_where=_live,
)
Index("events_scope", events.c.source, events.c.scope, sqlite_where=_live, postgresql_where=_live)
Index("events_event_id", events.c.event_id)
Index("events_batch", events.c.batch_id)
Index("events_superseded_batch", events.c.superseded_batch, sqlite_where=_closed, postgresql_where=_closed)

batches = Table(
    "batches",
    metadata,
    Column("batch_id", _KEY, primary_key=True, autoincrement=True),
    Column("created", BigInteger, nullable=False),
    Column("area", Text, nullable=False),
    Column("files", Integer, nullable=False),
    Column("new", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("undone_at", BigInteger),
    sqlite_autoincrement=True,
)

batch_files = Table(
    "batch_files",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("batches.batch_id"), primary_key=True),
    Column("file_no", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("snapshot", Boolean, nullable=False),
    Column("tally", Text, nullable=False),  # FileTally as a JSON object
)

coverage = Table(  # which days of a layer are complete: see layers.coverage
    "coverage",
    metadata,
    Column("row_id", _KEY, primary_key=True, autoincrement=True),
    Column("batch_id", BigInteger, ForeignKey("batches.batch_id")),  # null: a person's correction, or an older store's
    Column("layer", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("first_day", Integer, nullable=False),  # days since 1970-01-01, local
    Column("end_day", Integer, CheckConstraint("end_day > first_day", name="coverage_days"), nullable=False),
    Column("kind", Text, CheckConstraint(f"kind IN {COVERAGE_KINDS}", name="coverage_kind"), nullable=False),
    Column("wards", Text),  # a JSON list of codes; null: every ward
    Column("recorded_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index("coverage_batch", coverage.c.batch_id)

rejects = Table(
    "rejects",
    metadata,
    Column("reject_id", _KEY, primary_key=True, autoincrement=True),
    Column("batch_id", BigInteger, ForeignKey("batches.batch_id"), nullable=False),
    Column("file_no", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),  # JSON object of the columns that the profile reads
    Column("source_id", Text),  # the row's natural key without the number of a repeat; null where none is known
    sqlite_autoincrement=True,
)
Index("rejects_batch", rejects.c.batch_id)

store_state = Table(
    "store_state",
    metadata,
    Column("one", SmallInteger, CheckConstraint("one = 1", name="store_state_one"), primary_key=True),
    Column("version", BigInteger, nullable=False),  # rises with every committed change
    Column("rewritten", BigInteger, nullable=False),  # the version that last took rows away or reopened them
    Column("erasure_pending", Boolean, nullable=False),  # an erasure has not yet swept the files
    Column("work", BigInteger, nullable=False, server_default="0"),  # rises with every change of visits and places
    Column("documents", BigInteger, nullable=False, server_default="0"),  # rises with every change of shared documents
)

work_loads = Table(
    "work_loads",
    metadata,
    Column("load_id", _KEY, primary_key=True, autoincrement=True),
    Column("created", BigInteger, nullable=False),
    Column("area", Text, nullable=False),
    Column("kind", Text, nullable=False),  # "visits", or the kind of the places
    Column("file", Text, nullable=False),  # "" where places were removed without a file
    Column("sha256", Text, nullable=False),
    Column("tally", Text, nullable=False),  # a JSON object of counts
    Column("undone_at", BigInteger),
    sqlite_autoincrement=True,
)

visits = Table(
    "visits",
    metadata,
    Column("row_id", _KEY, primary_key=True, autoincrement=True),
    Column("visit_id", Text, nullable=False),
    Column("plan_id", Text),
    Column("stop_id", Text),
    Column("ref", Text),  # a file's own name of the row
    Column("kind", Text, CheckConstraint("kind IN ('patrol', 'sweep')", name="visits_kind"), nullable=False),
    Column("team", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("cell", Text, nullable=False),  # an H3 string
    Column("ward_code", Text, nullable=False),
    Column("lon", Float(53), nullable=False),
    Column("lat", Float(53), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("minutes", Integer, CheckConstraint("minutes >= 0", name="visits_minutes"), nullable=False),
    Column("needles", BigInteger, CheckConstraint("needles >= 0", name="visits_needles")),  # null: not counted
    Column("outcome", Text, CheckConstraint("outcome IN ('done', 'not_done')", name="visits_outcome"), nullable=False),
    Column("load_id", BigInteger, ForeignKey("work_loads.load_id")),  # null: by a tap or a command
    Column("replaces", BigInteger),
    Column("recorded_at", BigInteger, nullable=False),
    Column("superseded_at", BigInteger),
    sqlite_autoincrement=True,
)
_visit_live = visits.c.superseded_at.is_(None)
Index("visits_one_live", visits.c.visit_id, unique=True, sqlite_where=_visit_live, postgresql_where=_visit_live)
Index("visits_started", visits.c.started_at, sqlite_where=_visit_live, postgresql_where=_visit_live)
Index("visits_load", visits.c.load_id)

reference_places = Table(
    "reference_places",
    metadata,
    Column("row_id", _KEY, primary_key=True, autoincrement=True),
    Column("load_id", BigInteger, ForeignKey("work_loads.load_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("lon", Float(53), nullable=False),
    Column("lat", Float(53), nullable=False),
    Column("ward_code", Text, nullable=False),
    Column("hours", Text),  # opening hours as the file says them
    Column("superseded_load", BigInteger),
    sqlite_autoincrement=True,
)
_in_force = reference_places.c.superseded_load.is_(None)
Index("reference_places_kind", reference_places.c.kind, sqlite_where=_in_force, postgresql_where=_in_force)

published = Table(  # every public release that was made of this store
    "published",
    metadata,
    Column("area", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("checksum", Text, nullable=False),
)

sign_ins = Table(  # who is signed in to the dashboard now; a row that is not there is a person who is signed out
    "sign_ins",
    metadata,
    Column("key_digest", Text, primary_key=True),  # SHA-256 of the key that only the browser has
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("method", Text, nullable=False),  # link | provider
    Column("groups", Text, nullable=False),  # JSON list, as the provider sent them
    Column("began_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)

alert_answers = Table(  # what people said of alerts; rows are added, and never changed
    "alert_answers",
    metadata,
    Column("answer_id", _KEY, primary_key=True, autoincrement=True),
    Column("alert", Text, nullable=False),  # Alert.identifier
    Column("layer", Text, nullable=False),
    Column("ward_code", Text, nullable=False),  # "": the whole area
    Column("first_day", BigInteger, nullable=False),  # of the alert then, days since 1970, both included
    Column("last_day", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),  # seen | confirmed | not confirmed
    Column("note", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("recorded_by", Text, nullable=False),  # role, and name where somebody gave it
    sqlite_autoincrement=True,
)

shared_documents = Table(  # one row for each revision: the one in force has `superseded_at` null
    "shared_documents",
    metadata,
    Column("document_id", _KEY, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("superseded_at", BigInteger),
    sqlite_autoincrement=True,
)
Index(
    "shared_documents_revision",
    shared_documents.c.kind,
    shared_documents.c.name,
    shared_documents.c.revision,
    unique=True,
)
_document_in_force = shared_documents.c.superseded_at.is_(None)
Index(
    "shared_documents_one_live",
    shared_documents.c.kind,
    shared_documents.c.name,
    unique=True,
    sqlite_where=_document_in_force,
    postgresql_where=_document_in_force,
)

audit_entries = Table(  # who saw or changed what: one chain, in which each hash covers the one before
    "audit_entries",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("filter", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("rows", BigInteger),
    Column(
        "outcome",
        Text,
        CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="audit_entries_outcome"),
        nullable=False,
    ),
    Column("reason", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
Index("audit_entries_at", audit_entries.c.at)

audit_head = Table(  # one row: the last entry, and the last one that the retention rule removed
    "audit_head",
    metadata,
    Column("row_id", Integer, CheckConstraint("row_id = 1", name="audit_head_one"), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("base_number", BigInteger, nullable=False),
    Column("base_hash", Text, nullable=False),
)
