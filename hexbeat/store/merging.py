"""Merges a load into the store, with whole sets of rows, never row by row.

The files of a load are merged one after the other. A row is compared with the event as it was before: the same event in
an earlier file of the load, else the live row of the store. Snapshot files replace the events of their scopes once a
load: an event is removed if no file of the load has it. So the files of one scope in one load add up. An event that has
moved to another scope of the same load stays. Events outside the wards of the load stay too, because the file could not
have them. The point of an event decides where it lies, not its ward code: two areas may use the same codes.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, FromClause

from hexbeat.store.event_rows import LIVE
from hexbeat.store.former_keys import adopt_former_keys
from hexbeat.store.schema import batch_files, events
from hexbeat.store.staging import OF_FILE, covered, incoming, removals, stage_removals
from layers.event import EVENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo.wards import Wards

__all__ = ["apply_load", "compare_all", "compare_file", "count_known_references", "count_outcomes"]

_KEY: Final = ("source", "source_id")
_OTHER_SOURCES: Final = (
    sa.select(batch_files.c.source).where(batch_files.c.source != sa.bindparam("own")).distinct().order_by("source")
)


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
    with_files, with_store = _build_comparisons()
    for comparison in (*(with_files if file_no > 1 else ()), *with_store):
        connection.execute(comparison, {"file": file_no})
    if wards is not None:
        _find_removed(connection, file_no, wards)


@cache
def _build_comparisons() -> tuple[tuple[sa.Update, ...], tuple[sa.Update, ...]]:
    """The comparisons of the rows of a `file` with the earlier files of the load, and with the store; in order."""
    prior = incoming.alias("prior")
    of_file = sa.update(incoming).where(OF_FILE)
    same_key = sa.and_(_match_rows(incoming, prior, _KEY), prior.c.file_no < sa.bindparam("file"), prior.c.is_last)
    older = sa.select(incoming.c.prior_stage).where(OF_FILE, incoming.c.prior_stage.is_not(None))
    same_as_prior = sa.and_(incoming.c.prior_stage == prior.c.stage_id, _match_rows(incoming, prior))
    same_event = sa.and_(_match_rows(incoming, events, _KEY), LIVE)
    same_as_live = sa.and_(incoming.c.live_row == events.c.row_id, _match_rows(incoming, events))
    return (
        of_file.values(prior_stage=prior.c.stage_id).where(same_key),
        sa.update(incoming).values(is_last=sa.false()).where(incoming.c.stage_id.in_(older)),
        of_file.values(same_as_prior=sa.true()).where(same_as_prior),
    ), (
        of_file.values(live_row=events.c.row_id).where(same_event),
        of_file.values(same_as_live=sa.true()).where(same_as_live),
    )


def _find_removed(connection: Connection, file_no: int, wards: "Wards") -> None:
    """Mark the live rows of the store in its wards that the snapshot removes."""
    candidates = connection.execute(_select_uncovered(), {"file": file_no}).all()
    points = np.array([(lon, lat) for _, lon, lat in candidates], dtype=np.float64).reshape(-1, 2)
    inside = wards.locate(points[:, 0], points[:, 1]) >= 0
    removed_rows = [row.row_id for row, is_inside in zip(candidates, inside.tolist(), strict=True) if is_inside]
    stage_removals(connection, removed_rows, file_no=file_no)


@cache
def _select_uncovered() -> sa.Select[Any]:
    """Number and place of the live rows in the scopes of a `file` that no file has, and that none has removed yet."""
    of_file = covered.c.file_no == sa.bindparam("file")
    scopes = sa.select(covered.c.source, covered.c.scope).where(of_file).distinct().subquery()
    return (
        sa.select(events.c.row_id, events.c.lon, events.c.lat)
        .join(scopes, sa.and_(scopes.c.source == events.c.source, scopes.c.scope == events.c.scope))
        .where(
            LIVE,
            sa.not_(sa.exists().where(removals.c.live_row == events.c.row_id)),
            sa.not_(sa.exists().where(incoming.c.live_row == events.c.row_id)),
        )
    )


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
    accepted, gone = _build_counts()
    outcomes = {
        file_no: {"accepted": n, "new": new, "updated": n - new - unchanged, "unchanged": unchanged, "removed": 0}
        for file_no, n, new, unchanged in connection.execute(accepted)
    }
    for file_no, removed in connection.execute(gone):
        empty = dict.fromkeys(("accepted", "new", "updated", "unchanged", "removed"), 0)
        outcomes.setdefault(file_no, empty)["removed"] += removed
    return outcomes


@cache
def _build_counts() -> tuple[sa.Select[Any], sa.Select[Any]]:
    """By file number: the accepted, new and unchanged rows; the removed ones."""
    has_no_prior = incoming.c.prior_stage.is_(None)
    is_new = sa.and_(has_no_prior, incoming.c.live_row.is_(None))
    is_unchanged = sa.or_(incoming.c.same_as_prior, sa.and_(has_no_prior, incoming.c.same_as_live))
    sums = (sa.func.sum(sa.case((condition, 1), else_=0)) for condition in (is_new, is_unchanged))
    accepted = sa.select(incoming.c.file_no, sa.func.count(), *sums).group_by(incoming.c.file_no)
    removed = sa.select(removals.c.file_no, sa.func.count()).where(_not_staged()).group_by(removals.c.file_no)
    return accepted, removed


def count_known_references(connection: Connection, file_no: int, source: str) -> dict[str, int]:
    """For each other source: how many staged rows of a file have the identifier of a live event of their layer there.

    The same spreadsheet loaded under two sources would count twice. Only sources of loads are compared, by their keys.
    """
    others = connection.execute(_OTHER_SOURCES, {"own": source}).scalars().all()
    if not others:
        return {}
    same = sa.and_(
        events.c.source.in_(others),
        events.c.source_id == incoming.c.source_id,
        events.c.layer == incoming.c.layer,
        LIVE,
    )
    joined = incoming.join(events, same)
    query = sa.select(events.c.source, sa.func.count()).select_from(joined).where(incoming.c.file_no == file_no)
    rows = connection.execute(query.group_by(events.c.source).order_by(events.c.source))
    return {str(other): int(number) for other, number in rows}


def _not_staged() -> ColumnElement[bool]:
    return sa.not_(sa.exists().where(incoming.c.live_row == removals.c.live_row))


def apply_load(connection: Connection, *, batch_id: int, now_s: int) -> None:
    """Close the rows that are replaced or removed, and add the new ones, at `now_s` (UTC seconds)."""
    for change in _build_changes():
        connection.execute(change, {"batch": batch_id, "now": now_s})


@cache
def _build_changes() -> tuple[sa.Update | sa.Insert, ...]:
    """What closes the rows that are replaced and those that are removed, and what adds the new ones."""
    replaced = sa.select(incoming.c.live_row).where(
        incoming.c.live_row.is_not(None), incoming.c.is_last, sa.not_(incoming.c.same_as_live)
    )
    removed_rows = sa.select(removals.c.live_row).where(_not_staged())
    batch, now = sa.bindparam("batch", type_=sa.Integer), sa.bindparam("now", type_=sa.BigInteger)
    closing = sa.update(events).values(superseded_at=now, superseded_batch=batch).where(LIVE)
    copied = ("event_id", *EVENT_COLUMNS)
    added = (
        sa.select(*(incoming.c[name] for name in copied), batch, now)
        .where(incoming.c.is_last, sa.not_(incoming.c.same_as_live))
        .order_by(incoming.c.stage_id)
    )
    return (
        *(closing.where(events.c.row_id.in_(rows)) for rows in (replaced, removed_rows)),
        sa.insert(events).from_select([*copied, "batch_id", "recorded_at"], added),
    )
