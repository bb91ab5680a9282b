"""Finds updates that would replace another event: its day and its place both change.

A correction changes the day or the place of an event. If both change, the identifier is more likely to be used twice,
for example because a sheet's numbers begin again each month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from geo.errors import DataError
from hexbeat.store.schema import events
from hexbeat.store.staging import incoming

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
    """How many events of other days and places one file would replace, of those that it meets again; the first."""

    replaced: int
    met: int
    samples: tuple[Replacement, ...]

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
            f"{replacements.replaced:,} of the {replacements.met:,} known identifiers in {file} come with another day "
            "and another place",
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
    prior = incoming.alias("prior")
    own = incoming.c.file_no == file_no
    replaced, met = 0, 0
    rows: list[sa.Row[Any]] = []
    for stored, link in (
        (prior, prior.c.stage_id == incoming.c.prior_stage),
        (events, sa.and_(incoming.c.prior_stage.is_(None), events.c.row_id == incoming.c.live_row)),
    ):
        other_day = sa.and_(
            sa.func.abs(incoming.c.occurred_from - stored.c.occurred_from) >= _DAY_S,
            sa.or_(incoming.c.occurred_from >= stored.c.occurred_to, stored.c.occurred_from >= incoming.c.occurred_to),
        )
        is_other = sa.and_(other_day, incoming.c.h3_11 != stored.c.h3_11)
        joined = incoming.join(stored, link)
        counts = sa.select(sa.func.count(), sa.func.sum(sa.case((is_other, 1), else_=0))).select_from(joined).where(own)
        number, others = connection.execute(counts).one()
        met += number
        replaced += others or 0
        if others:
            facts = [side.c[name] for side in (stored, incoming) for name in _FACTS]
            query = sa.select(incoming.c.stage_id, incoming.c.source_id, *facts).select_from(joined)
            rows += connection.execute(query.where(own, is_other).order_by(incoming.c.stage_id).limit(MOST_SHOWN)).all()
    samples = tuple(_build_replacement(tuple(row)) for row in sorted(rows, key=lambda row: row[0])[:MOST_SHOWN])
    return Replacements(replaced, met, samples)


def _build_replacement(row: tuple[Any, ...]) -> Replacement:
    _, source_id, *facts = row
    before, after = facts[: len(_FACTS)], facts[len(_FACTS) :]
    return Replacement(source_id, dict(zip(_FACTS, before, strict=True)), dict(zip(_FACTS, after, strict=True)))
