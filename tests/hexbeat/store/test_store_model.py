"""The store against a plain dictionary: loads, snapshots, undo, erasure and the past, in any order."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from geo.errors import StoreError
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.live_columns import read_columns
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.columns import Columns
from layers.event import event_id
from tests.support.events import BOTH, LONS, WARDS, event_frame, wards_around
from tests.support.stores import wipe

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[str, int, str, int]  # scope, quantity, ward, minutes
rows = st.tuples(st.sampled_from("mn"), st.integers(1, 2), st.sampled_from(WARDS), st.integers(0, 3))
AREAS = {WARDS: BOTH, WARDS[:1]: wards_around(WARDS[0]), WARDS[1:]: wards_around(WARDS[1])}
one_file = st.tuples(st.dictionaries(st.sampled_from("abcdef"), rows, max_size=5), st.sets(st.sampled_from("mn")))


@dataclass
class Model:
    """Live rows by identifier, and what they were before each load that may still be undone."""

    live: dict[str, Row] = field(default_factory=dict)
    before: list[dict[str, Row]] = field(default_factory=list)
    past: list[tuple[datetime, dict[str, Row]]] = field(default_factory=list)

    def load(self, files: list[tuple[dict[str, Row], set[str]]], area: tuple[str, ...]) -> list[list[int]]:
        """Apply the files, which add up; new, updated, unchanged, removed of each."""
        tallies = [[0, 0, 0, 0] for _ in files]
        staged: dict[str, Row] = {}
        gone: dict[str, int] = {}  # identifier to the file whose snapshot left it out
        for number, (held, scopes) in enumerate(files):
            for key, row in held.items():
                known = staged.get(key, self.live.get(key))
                tallies[number][0 if known is None else 2 if known == row else 1] += 1
            for key, row in self.live.items():
                if key not in held and key not in staged and row[0] in scopes and row[2] in area:
                    gone.setdefault(key, number)
            staged |= held
        gone = {key: by for key, by in gone.items() if key not in staged}  # files of one scope add up
        for by in gone.values():
            tallies[by][3] += 1
        self.before.append(self.live)
        self.live = {key: row for key, row in (self.live | staged).items() if key not in gone}
        return tallies


class Machine(RuleBasedStateMachine):
    """The store and the model side by side."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        wipe(store)
        self.store, self.model, self.now = store, Model(), START
        self.cache = ColumnCache(store)

    def _load(
        self, files: list[tuple[dict[str, Row], set[str]]], area: tuple[str, ...], *, dry_run: bool
    ) -> list[list[int]]:
        parts = []
        with self.store.begin_load(ANALYST, area="a", now=self.now, dry_run=dry_run) as entry:
            for number, (held, scopes) in enumerate(files):
                with entry.file(str(number), "table", sha256="0", snapshot=bool(scopes)) as part:
                    columns = list(zip(*held.values(), strict=True)) or [[], [], [], []]
                    part.add_events(
                        event_frame(
                            held,
                            scope=columns[0],
                            quantity=columns[1],
                            category=["" if number % 3 == 0 else f"of {number % 5}" for number in columns[1]],
                            ward_code=columns[2],
                            lon=[LONS[ward] for ward in columns[2]],
                            occurred_from=[60 * minute for minute in columns[3]],
                        )
                    )
                    part.cover(scopes, wards=AREAS[area])
                parts.append(part)
        return [[part.tally.new, part.tally.updated, part.tally.unchanged, part.tally.removed] for part in parts]

    @rule(files=st.lists(one_file, min_size=1, max_size=3), area=st.sampled_from(list(AREAS)))
    def load(self, files: list[tuple[dict[str, Row], set[str]]], area: tuple[str, ...]) -> None:
        self.now += timedelta(minutes=1)
        files = [({key: row for key, row in held.items() if row[2] in area}, scopes) for held, scopes in files]
        expected = deepcopy(self.model).load(files, area)
        assert self._load(files, area, dry_run=True) == expected
        assert self._load(files, area, dry_run=False) == self.model.load(files, area)
        self.model.past.append((self.now, self.model.live))

    @precondition(lambda self: self.model.before)
    @rule()
    def undo(self) -> None:
        told = self.store.last_load(ANALYST)
        assert told == self.store.undo_last(ANALYST)
        self.model.live = self.model.before.pop()
        self.model.past.pop()

    @rule(key=st.sampled_from("abcdef"))
    def erase(self, key: str) -> None:
        erasure = self.store.erase(ANALYST, "table", key)
        assert erasure.complete
        for held in (self.model.live, *self.model.before, *(held for _, held in self.model.past)):
            held.pop(key, None)
        assert self.store.history(ANALYST, event_id("table", key)) == []

    @invariant()
    def live_rows_are_those_of_the_model(self) -> None:
        found = read_live_records(self.store, ANALYST)
        names = ["scope", "quantity", "ward_code", "occurred_from"]
        held = {key: (s, q, w, m // 60) for key, s, q, w, m in found[["source_id", *names]].itertuples(index=False)}
        assert held == self.model.live

    @invariant()
    def the_cache_equals_the_plain_read(self) -> None:
        for wards in (WARDS, WARDS[:1]):
            cached = self.cache.columns(ANALYST, ward_codes=wards)
            assert_equal(cached, read_columns(self.store, ANALYST, ward_codes=wards))

    @invariant()
    def the_past_is_what_it_was(self) -> None:
        for moment, held in self.model.past[-3:]:
            columns = read_columns(self.store, ANALYST, ward_codes=WARDS, as_at=moment)
            assert sorted(columns.quantity.tolist()) == sorted(row[1] for row in held.values())
            assert sorted(columns.start.tolist()) == sorted(60 * row[3] for row in held.values())


def assert_equal(left: Columns, right: Columns) -> None:
    """Equal values and types in every column, and nothing writable."""
    for name in (item.name for item in fields(Columns)):
        one, other = getattr(left, name), getattr(right, name)
        pairs = [(one[key], other[key]) for key in other] if isinstance(other, Mapping) else [(one, other)]
        for mine, plain in pairs:
            np.testing.assert_array_equal(mine, plain, strict=isinstance(plain, np.ndarray))
            assert not getattr(getattr(mine, "flags", None), "writeable", False)


def test_the_store_is_a_dictionary_with_a_memory(store: Store) -> None:
    few = settings(max_examples=8, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: Machine(store), settings=few)


def test_nothing_is_left_to_undo(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        store.undo_last(ANALYST)
    assert str(caught.value) == "A load can be undone only once; there is no load left to undo; nothing was changed"
    assert (store.last_load(ANALYST), store.version()) == (None, 0)
