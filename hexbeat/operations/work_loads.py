"""Loads of visits and reference places: which file was loaded when, and whether that was undone."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hexbeat.store.schema import work_loads
from layers.timestamps import from_seconds

__all__ = ["WorkLoad", "begin_work_load", "parse_work_load"]


@dataclass(frozen=True, slots=True)
class WorkLoad:
    """One import of visits (kind "visits"), or one load of places (their kind), and its counts.

    `undone_at` None: not undone. `file` is "" where places were removed.
    """

    load_id: int
    created: dt.datetime
    area: str
    kind: str
    file: str
    sha256: str
    tally: Mapping[str, int]
    undone_at: dt.datetime | None


def begin_work_load(connection: Connection, facts: Mapping[str, str], *, tally: Mapping[str, int], now_s: int) -> int:
    """Record the start of a load (facts: area, kind, file, sha256) at `now_s` (UTC seconds), and return its number."""
    row = {**facts, "created": now_s, "tally": json.dumps(dict(tally))}
    key = connection.execute(sa.insert(work_loads).values(row)).inserted_primary_key
    return int(key[0] if key else 0)


def parse_work_load(row: Mapping[str, Any]) -> WorkLoad:
    """A row of the table as a load."""
    undone = row["undone_at"]
    parsed_fields = {"created": from_seconds(row["created"]), "tally": json.loads(row["tally"])}
    return WorkLoad(**(dict(row) | parsed_fields | {"undone_at": None if undone is None else from_seconds(undone)}))
