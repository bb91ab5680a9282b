"""What wins the back-test: judged once for these records, kept, and judged again when anything changes."""

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hexbeat.analysis.backtest import backtest
from hexbeat.analysis.method_selection import (
    FEWEST_WEEKS,
    SelectedMethod,
    read_selection,
    select_method,
    select_methods,
)
from hexbeat.store.shared_documents import DocumentKind, DocumentWriter
from layers.columns import Columns
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import Event, columns_of
from tests.support.stores import documents_in

LAYER = "overdoses"
FIRST = int(dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC).timestamp())


@pytest.fixture(scope="module")
def columns() -> Columns:
    """The overdoses of the demonstration alone."""
    every, _ = demonstration()
    return every.take(every.layer == 2)


@pytest.fixture(scope="module")
def judged_home(columns: Columns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has judged them."""
    folder = tmp_path_factory.mktemp("home")
    assert select_method(columns, middlesbrough(), LAYER, documents=documents_in(folder)) is not None
    return folder


def never(resolution: int, place: int) -> None:
    raise AssertionError((resolution, place))


@pytest.mark.slow
def test_the_winner_is_the_back_tests(columns: Columns, judged_home: Path) -> None:
    found = backtest(columns, middlesbrough(), LAYER, weeks=13)
    best = select_method(columns, middlesbrough(), LAYER, documents=documents_in(judged_home))
    assert best == SelectedMethod(
        method=found.verdict.method,
        resolution=found.verdict.resolution,
        clear=found.verdict.clear,
        sentence=found.verdict.sentence,
        judged_to=dt.date(2026, 11, 22),
        weeks=13,
        hit_rate=found.verdict.hit_rate,
        caught=best.caught if best else (),
    )
    rows = found.rows[(found.rows["method"] == best.method) & (found.rows["resolution"] == best.resolution)]
    assert best.caught == tuple(zip((0.01, 0.02, 0.05), rows["hit_rate"], strict=True))
    at = found.rows[found.rows["area_share"] == 0.02].set_index(["resolution", "method"])["hit_rate"]
    for size in (8, 9, 10, 11):
        one = select_method(columns, middlesbrough(), LAYER, documents=documents_in(judged_home), resolution=size)
        assert one is not None
        assert (one.resolution, one.hit_rate) == (size, at[size].max())
        assert at[size, one.method] == at[size].max()
    judged = read_selection(columns, middlesbrough(), LAYER, documents=documents_in(judged_home))
    assert judged is not None
    assert {one.resolution: one.hit_rate for one in judged.gi_star} == at.xs("gi_star", level="method").to_dict()
    assert not max(judged.gi_star, key=lambda one: one.hit_rate).behind


def test_it_is_judged_once(columns: Columns, judged_home: Path) -> None:
    again = select_methods(columns, middlesbrough(), LAYER, documents=documents_in(judged_home), progress=never)
    assert again == read_selection(columns, middlesbrough(), LAYER, documents=documents_in(judged_home))


def test_other_records_are_judged_anew(columns: Columns, judged_home: Path) -> None:
    moved = columns.lon.copy()
    moved[0] += 0.001
    for other in (columns.take(np.arange(1, len(columns))), dataclasses.replace(columns, lon=moved)):
        assert read_selection(other, middlesbrough(), LAYER, documents=documents_in(judged_home)) is None


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"of": 3}'])
def test_a_damaged_file_is_no_verdict(columns: Columns, judged_home: Path, tmp_path: Path, damage: str) -> None:
    ((name, stored),) = documents_in(judged_home).read_all(DocumentKind.SELECTION).items()
    documents_in(tmp_path).write(DocumentKind.SELECTION, name, damage.encode())
    assert read_selection(columns, middlesbrough(), LAYER, documents=documents_in(tmp_path)) is None
    held = json.loads(stored.content)
    del held["best"]["method"]
    documents_in(tmp_path).write(DocumentKind.SELECTION, name, json.dumps(held).encode())
    assert read_selection(columns, middlesbrough(), LAYER, documents=documents_in(tmp_path)) is None


def test_the_file_names_no_event(columns: Columns, judged_home: Path) -> None:
    ((name, stored),) = documents_in(judged_home).read_all(DocumentKind.SELECTION).items()
    assert name == "middlesbrough-overdoses"
    assert set(json.loads(stored.content)) == {"of", "best", "by_size", "gi_star"}
    assert read_selection(columns, middlesbrough(), LAYER, documents=None) is None


def test_too_few_weeks_and_states_have_no_winner(tmp_path: Path) -> None:
    weeks = 8 + FEWEST_WEEKS
    short = columns_of([Event(FIRST + 604_800 * week) for week in range(weeks)])
    assert (
        select_method(short, middlesbrough(), "needle_litter", documents=documents_in(tmp_path), progress=never) is None
    )
    assert select_method(short, middlesbrough(), "closed_properties", documents=documents_in(tmp_path)) is None
    assert select_method(short, middlesbrough(), LAYER, documents=documents_in(tmp_path)) is None
    assert documents_in(tmp_path).list_names(DocumentKind.SELECTION) == []


def test_few_weeks_are_judged_as_far_as_they_reach() -> None:
    weeks = 8 + FEWEST_WEEKS + 1
    events = columns_of([Event(FIRST + 604_800 * week + 86_400 * (week % 2)) for week in range(weeks)])
    found = select_method(events, middlesbrough(), "needle_litter", documents=None)
    assert found is not None
    assert (found.weeks, found.hit_rate, found.method) == (FEWEST_WEEKS, 1.0, "last_period")


def test_a_store_that_cannot_be_written_to_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = DocumentWriter.put

    def fill_disk(writer: DocumentWriter, *arguments: Any) -> None:
        writer.connection.exec_driver_sql("PRAGMA max_page_count = 1")
        put(writer, *arguments)

    monkeypatch.setattr(DocumentWriter, "put", fill_disk)
    weeks = 8 + FEWEST_WEEKS + 1
    events = columns_of([Event(FIRST + 604_800 * week + 86_400 * (week % 2)) for week in range(weeks)])
    assert select_method(events, middlesbrough(), "needle_litter", documents=documents_in(tmp_path)) is not None
