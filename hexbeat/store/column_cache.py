"""Live events in memory, updated with the changes since they were read. The screens read these."""

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Final

from geo.wards import Wards
from hexbeat.store.live_columns import read_whole_columns, restrict
from hexbeat.store.snapshots import read_live
from layers.access import Action, Detail, Viewer, list_details, require
from layers.columns import Columns

if TYPE_CHECKING:
    from hexbeat.store.column_changes import LiveColumns
    from hexbeat.store.store import Store

__all__ = ["ColumnCache"]

_MOST_PAST: Final = 2  # past states in memory
_MOST_AREAS: Final = 4  # sets of wards in memory
_MOST_RESTRICTED: Final = 8  # sets of columns in memory for viewers who do not see all of it


class ColumnCache:
    """The results of `hexbeat.store.live_columns.read_columns`, from memory. Safe to share between threads.

    For a later version it adds the new rows and drops the closed rows. After an undo, an erasure or a retention it
    reads everything again. Of a large store it keeps no copy: the arrays are those of the snapshot, which all
    processes share (`hexbeat.store.snapshots`). The result always equals a plain read, and its arrays are read-only.
    What a viewer may not see is taken out of what is kept, for each set of details by itself.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._lock = threading.Lock()
        self._live: dict[tuple[str, ...], LiveColumns] = {}
        self._past: dict[tuple[tuple[str, ...], int, datetime], Columns] = {}
        self._restricted: dict[tuple[Columns, tuple[tuple[str, Detail], ...], Wards | None], Columns] = {}

    def columns(
        self,
        viewer: Viewer,
        *,
        ward_codes: tuple[str, ...],
        wards: Wards | None = None,
        as_at: datetime | None = None,
    ) -> Columns:
        """The live events in these wards, or those at `as_at` (aware datetime), as the viewer may see them.

        `wards` are the boundaries, which a viewer of cells needs (`read_columns`).
        """
        require(viewer, Action.SEE_COUNTS)
        with self._lock:
            whole = self._read_live(tuple(ward_codes)) if as_at is None else self._read_past(tuple(ward_codes), as_at)
            return self._restrict(whole, list_details(viewer), wards)

    def _restrict(self, whole: Columns, details: tuple[tuple[str, Detail], ...], wards: Wards | None) -> Columns:
        """What viewers with these details see of the columns. Columns are compared by identity: new ones are new."""
        known = self._restricted.pop((whole, details, wards), None)
        if known is None:
            known = restrict(whole, details, wards)
            if known is whole:
                return whole
            in_use = [*(cached.columns for cached in self._live.values()), *self._past.values()]
            keys = [key for key in self._restricted if any(key[0] is columns for columns in in_use)]
            self._restricted = {key: self._restricted[key] for key in keys[1 - _MOST_RESTRICTED :]}
        self._restricted[whole, details, wards] = known
        return known

    def _read_past(self, ward_codes: tuple[str, ...], as_at: datetime) -> Columns:
        key = (ward_codes, self._store.version(), as_at)
        if key not in self._past:
            columns = read_whole_columns(self._store, ward_codes=ward_codes, as_at=as_at)
            if len(self._past) >= _MOST_PAST:
                self._past.pop(next(iter(self._past)))
            key = (ward_codes, columns.version, as_at)
            self._past[key] = columns
        return self._past[key]

    def _read_live(self, ward_codes: tuple[str, ...]) -> Columns:
        cached = read_live(self._store.engine, self._store.home, ward_codes, known=self._live.pop(ward_codes, None))
        while len(self._live) >= _MOST_AREAS:
            self._live.pop(next(iter(self._live)))
        self._live[ward_codes] = cached
        return cached.columns
