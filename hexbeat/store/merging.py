"""Merges a load into the store, with whole sets of rows, never row by row.

The files of a load are merged one after the other. A row is compared with the event as it was before: the same event in
an earlier file of the load, else the live row of the store. Snapshot files replace the events of their scopes once a
load: an event is removed if no file of the load has it. So the files of one scope in one load add up. An event that has
moved to another scope of the same load stays. Events outside the wards of the load stay too, because the file could not
have them. The point of an event decides where it lies, not its ward code: two areas may use the same codes.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, FromClause

from hexbeat.store.former_keys import adopt_former_keys
from hexbeat.store.schema import batch_files, events
from hexbeat.store.staging import covered, incoming, removals, stage_removals
from layers.event import EVENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo.wards import Wards

__all__ = ["apply_load", "compare_all", "compare_file", "count_known_references", "count_outcomes"]

_KEY: Final = ("source", "source_id")


def _match_rows(left: FromClause, right: FromClause, names: tuple[str, ...] = EVENT_COLUMNS) -> ColumnElement[bool]:
    """Equal in these columns; a missing value equals a missing value."""
    return sa.and_(
        *(
            left.c[name] == right.c[name] if name in _KEY else left.c[name].is_not_distinct_from(right.c[name])
            for name in names
        )
    )


def compare_file(connection: Connection, file_no: int, *, wards: "Wards | None") -> None:
    """Find for each row of a staged file what it changes, and what its snapshot removes in these wards.

    `wards` None: the file is not a snapshot.
    """
    adopt_former_keys(connection, file_no)
    prior = incoming.alias("prior")
    live = events.c.superseded_at.is_(None)
    of_this_file = incoming.c.file_no == file_no
    if file_no > 1:
        same_key = sa.and_(_match_rows(incoming, prior, _KEY), prior.c.file_no < file_no, prior.c.is_last)
        connection.execute(sa.update(incoming).values(prior_stage=prior.c.stage_id).where(of_this_file, same_key))
        older = sa.select(incoming.c.prior_stage).where(of_this_file, incoming.c.prior_stage.is_not(None))
        connection.execute(sa.update(incoming).values(is_last=sa.false()).where(incoming.c.stage_id.in_(older)))
        same = sa.and_(incoming.c.prior_stage == prior.c.stage_id, _match_rows(incoming, prior))
        connection.execute(sa.update(incoming).values(same_as_prior=sa.true()).where(of_this_file, same))
    same_event = sa.and_(_match_rows(incoming, events, _KEY), live)
    connection.execute(sa.update(incoming).values(live_row=events.c.row_id).where(of_this_file, same_event))
    same = sa.and_(incoming.c.live_row == events.c.row_id, _match_rows(incoming, events))
    connection.execute(sa.update(incoming).values(same_as_live=sa.true()).where(of_this_file, same))
    if wards is not None:
        _find_removed(connection, file_no, wards)


def _find_removed(connection: Connection, file_no: int, wards: "Wards") -> None:
    """Mark the live rows of the store in its wards that the snapshot removes."""
    scopes = sa.select(covered.c.source, covered.c.scope).where(covered.c.file_no == file_no).distinct().subquery()
    candidates = connection.execute(
        sa.select(events.c.row_id, events.c.lon, events.c.lat)
        .join(scopes, sa.and_(scopes.c.source == events.c.source, scopes.c.scope == events.c.scope))
        .where(
            events.c.superseded_at.is_(None),
            sa.not_(sa.exists().where(removals.c.live_row == events.c.row_id)),
            sa.not_(sa.exists().where(incoming.c.live_row == events.c.row_id)),
        )
    ).all()
    points = np.array([(lon, lat) for _, lon, lat in candidates], dtype=np.float64).reshape(-1, 2)
    inside = wards.locate(points[:, 0], points[:, 1]) >= 0
    removed_rows = [row.row_id for row, is_inside in zip(candidates, inside.tolist(), strict=True) if is_inside]
    stage_removals(connection, removed_rows, file_no=file_no)


def compare_all(connection: Connection, wards: "Sequence[Wards | None]") -> None:
    """Compare every file again, each with its wards: the store has changed since they were staged."""
    connection.execute(sa.delete(removals))
    connection.execute(
        sa.update(incoming).values(
            prior_stage=None,
            live_row=None,
            same_as_prior=sa.false(),
            same_as_live=sa.false(),
            is_last=sa.true(),
        )
    )
    for file_no, of_file in enumerate(wards, start=1):
        compare_file(connection, file_no, wards=of_file)


def count_outcomes(connection: Connection) -> dict[int, dict[str, int]]:
    """For each file number: accepted, new, updated, unchanged, removed."""
    has_no_prior = incoming.c.prior_stage.is_(None)
    is_new = sa.and_(has_no_prior, incoming.c.live_row.is_(None))
    is_unchanged = sa.or_(incoming.c.same_as_prior, sa.and_(has_no_prior, incoming.c.same_as_live))
    rows = connection.execute(
        sa.select(
            incoming.c.file_no,
            sa.func.count(),
            sa.func.sum(sa.case((is_new, 1), else_=0)),
            sa.func.sum(sa.case((is_unchanged, 1), else_=0)),
        ).group_by(incoming.c.file_no)
    )
    outcomes = {
        file_no: {"accepted": n, "new": new, "updated": n - new - unchanged, "unchanged": unchanged, "removed": 0}
        for file_no, n, new, unchanged in rows
    }
    for file_no, removed in _count_removed(connection):
        empty = dict.fromkeys(("accepted", "new", "updated", "unchanged", "removed"), 0)
        outcomes.setdefault(file_no, empty)["removed"] += removed
    return outcomes


def count_known_references(connection: Connection, file_no: int, source: str) -> dict[str, int]:
    """For each other source: how many staged rows of a file have the identifier of a live event of their layer there.

    The same spreadsheet loaded under two sources would count twice. Only sources of loads are compared, by their keys.
    """
    loaded = sa.select(batch_files.c.source).where(batch_files.c.source != source).distinct().order_by("source")
    others = connection.execute(loaded).scalars().all()
    if not others:
        return {}
    same = sa.and_(
        events.c.source.in_(others),
        events.c.source_id == incoming.c.source_id,
        events.c.layer == incoming.c.layer,
        events.c.superseded_at.is_(None),
    )
    joined = incoming.join(events, same)
    query = sa.select(events.c.source, sa.func.count()).select_from(joined).where(incoming.c.file_no == file_no)
    rows = connection.execute(query.group_by(events.c.source).order_by(events.c.source))
    return {str(other): int(number) for other, number in rows}


def _count_removed(connection: Connection) -> list[tuple[int, int]]:
    query = sa.select(removals.c.file_no, sa.func.count()).where(_not_staged()).group_by(removals.c.file_no)
    return [(file_no, n) for file_no, n in connection.execute(query)]


def _not_staged() -> ColumnElement[bool]:
    return sa.not_(sa.exists().where(incoming.c.live_row == removals.c.live_row))


def apply_load(connection: Connection, *, batch_id: int, now_s: int) -> None:
    """Close the rows that are replaced or removed, and add the new ones, at `now_s` (UTC seconds)."""
    replaced = sa.select(incoming.c.live_row).where(
        incoming.c.live_row.is_not(None), incoming.c.is_last, sa.not_(incoming.c.same_as_live)
    )
    removed_rows = sa.select(removals.c.live_row).where(_not_staged())
    for rows in (replaced, removed_rows):
        connection.execute(
            sa.update(events)
            .values(superseded_at=now_s, superseded_batch=batch_id)
            .where(events.c.row_id.in_(rows), events.c.superseded_at.is_(None))
        )
    copied = ("event_id", *EVENT_COLUMNS)
    added = (
        sa.select(*(incoming.c[name] for name in copied), sa.literal(batch_id), sa.literal(now_s))
        .where(incoming.c.is_last, sa.not_(incoming.c.same_as_live))
        .order_by(incoming.c.stage_id)
    )
    connection.execute(sa.insert(events).from_select([*copied, "batch_id", "recorded_at"], added))
