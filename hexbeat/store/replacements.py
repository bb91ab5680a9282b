"""Finds updates that would replace another event: its day and its place both change.

A correction changes the day or the place of an event. If both change, the identifier is more likely to be used twice,
for example because a sheet's numbers begin again each month. So it is if most events that a file meets again change
their day: a sheet about one place has no other places.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from geo.errors import DataError
from hexbeat.store.schema import events
from hexbeat.store.staging import OF_FILE, incoming

__all__ = [
    "MOST_REPLACED",
    "NO_REPLACEMENTS",
    "Replacement",
    "ReplacementError",
    "Replacements",
    "find_replacements",
    "require_same_events",
]

# A load stops if it would replace this share or more of the events that it meets again. A crew that corrects one row
# of a long sheet stays below; a sheet whose numbers begin again is far above.
MOST_REPLACED: Final = 0.1
# So it does if this share or more change their day, at whatever place, and at least so many.
MOST_MOVED: Final = 0.5
FEWEST_MOVED: Final = 3
MOST_SHOWN: Final = 3
_DAY_S: Final = 86_400
_FACTS: Final = ("layer", "lon", "lat", "occurred_from", "occurred_to", "time_precision", "quantity", "ward_code")


@dataclass(frozen=True, slots=True)
class Replacement:
    """An event of the store, or of an earlier file of the load, and the row that would replace it; no free text.

    Both are dicts of layer, lon, lat, occurred_from, occurred_to, time_precision, quantity and ward_code.
    """

    source_id: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replacements:
    """How many events of other days and places one file would replace, of those that it meets again; the first.

    `by_day`: so many come with another day that all of these count as replaced, whatever their place.
    """

    replaced: int
    met: int
    samples: tuple[Replacement, ...]
    by_day: bool = False

    @property
    def differences(self) -> str:
        """What differs between the events of the store and the rows that would replace them, for a sentence."""
        return "another day" if self.by_day else "another day and another place"

    @property
    def are_too_many(self) -> bool:
        """Whether a load of this file stops unless a person wants it."""
        return bool(self.replaced) and self.replaced >= MOST_REPLACED * self.met


NO_REPLACEMENTS: Final = Replacements(0, 0, ())


class ReplacementError(DataError):
    """A file would replace events of other days and places. Nothing was changed."""

    def __init__(self, file: str, replacements: Replacements) -> None:
        super().__init__(
            "A row with a known identifier describes the same event again",
            f"{replacements.replaced:,} of the {replacements.met:,} known identifiers in {file} come with "
            f"{replacements.differences}",
            "if the numbers begin again, for example each month, take the date into the key of a source profile",
        )
        self.file, self.replacements = file, replacements


def require_same_events(file: str, replacements: Replacements, *, may_replace: bool) -> None:
    """ReplacementError if a file would replace too many other events, unless a person wants it."""
    if replacements.are_too_many and not may_replace:
        raise ReplacementError(file, replacements)


def find_replacements(connection: Connection, file_no: int) -> Replacements:
    """The replacements of a staged file that was compared with the store (`hexbeat.store.merging.compare_file`).

    Another day: the times lie a day or more apart, and neither interval reaches into the other. Another place: in
    another cell of the finest resolution, about 50 m across.
    """
    met, moved, replaced = 0, 0, 0
    for counts in _build_counts():
        number, days, others = connection.execute(counts, {"file": file_no}).one()
        met, moved, replaced = met + number, moved + (days or 0), replaced + (others or 0)
    by_day = moved > replaced and moved >= FEWEST_MOVED and moved >= MOST_MOVED * met
    if not (by_day or replaced):
        return Replacements(0, met, ())
    rows: list[sa.Row[Any]] = []
    for stored, link in _link_stored():
        is_other = _is_other_day(stored)
        if not by_day:
            is_other = sa.and_(is_other, incoming.c.h3_11 != stored.c.h3_11)
        facts = [side.c[name] for side in (stored, incoming) for name in _FACTS]
        query = sa.select(incoming.c.stage_id, incoming.c.source_id, *facts).select_from(incoming.join(stored, link))
        query = query.where(OF_FILE, is_other).order_by(incoming.c.stage_id).limit(MOST_SHOWN)
        rows += connection.execute(query, {"file": file_no}).all()
    samples = tuple(_build_replacement(tuple(row)) for row in sorted(rows, key=lambda row: row[0])[:MOST_SHOWN])
    return Replacements(moved if by_day else replaced, met, samples, by_day)


def _link_stored() -> tuple[tuple[sa.FromClause, sa.ColumnElement[bool]], ...]:
    """What a staged row may replace, and when: a row of an earlier file of the load, else a live row of the store."""
    prior = incoming.alias("prior")
    return (
        (prior, prior.c.stage_id == incoming.c.prior_stage),
        (events, sa.and_(incoming.c.prior_stage.is_(None), events.c.row_id == incoming.c.live_row)),
    )


@cache
def _build_counts() -> tuple[sa.Select[Any], ...]:
    """For each of them: how many a `file` meets again, how many of another day, and of another day and place."""
    queries: list[sa.Select[Any]] = []
    for stored, link in _link_stored():
        other_day = _is_other_day(stored)
        is_other = sa.and_(other_day, incoming.c.h3_11 != stored.c.h3_11)
        counts: list[sa.ColumnElement[Any]] = [sa.func.count()]
        counts += (sa.func.sum(sa.case((condition, 1), else_=0)) for condition in (other_day, is_other))
        queries.append(sa.select(*counts).select_from(incoming.join(stored, link)).where(OF_FILE))
    return tuple(queries)


def _is_other_day(stored: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(
        sa.func.abs(incoming.c.occurred_from - stored.c.occurred_from) >= _DAY_S,
        sa.or_(incoming.c.occurred_from >= stored.c.occurred_to, stored.c.occurred_from >= incoming.c.occurred_to),
    )


def _build_replacement(row: tuple[Any, ...]) -> Replacement:
    _, source_id, *facts = row
    before, after = facts[: len(_FACTS)], facts[len(_FACTS) :]
    return Replacement(source_id, dict(zip(_FACTS, before, strict=True)), dict(zip(_FACTS, after, strict=True)))
