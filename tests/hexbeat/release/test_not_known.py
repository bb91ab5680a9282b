"""A period that the records do not cover whole is not published; it is named, and published once when it is known."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo.calendar import find_month_start
from geo.errors import DataError, PolicyError, StoreError
from hexbeat.demonstration import load_demonstration
from hexbeat.release.audit import audit_folder
from hexbeat.release.block_counts import find_period
from hexbeat.release.format import Period, Release
from hexbeat.release.publication import publish_release
from hexbeat.release.register import Register, RegisteredRelease
from hexbeat.store.coverage_log import correct_coverage
from hexbeat.store.shared_documents import DocumentKind, DocumentWriter
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.coverage import CoverageEntry
from layers.event import event_id
from tests.hexbeat.release.test_series import Town3, numbers, rows
from tests.support.faults import files_limited_to
from tests.support.releases import Publisher, at, made_quarters
from tests.support.stores import documents_in

NEEDLES = "needle_litter"
COVERED = "A period is published only if the records cover all of it"
RECEIVED = "A first release needs records that were received by its day"


def covers(*spans: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Spans of needle finds, as "2025-01-01:2025-04-01"."""
    return {NEEDLES: tuple((span[:10], span[11:]) for span in spans)}


def names(periods: tuple[Period, ...]) -> list[str]:
    return [period.name for period in periods]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of a town of three wards without records."""
    return Town3(tmp_path_factory.mktemp("empty") / "home").home


@pytest.fixture
def town(home: Path, tmp_path: Path) -> Town3:
    shutil.copytree(home, tmp_path / "home")
    return Town3(tmp_path / "home")


def load(town: Town3, quarter: str, number: int, prefix: str, *, now: str, spans: tuple[str, ...]) -> None:
    """So many finds within two months from a day, received at noon of a day, with the days that the file completes."""
    town.load(town.finds(number, quarter, prefix), now=now, name=f"{prefix}.csv", covers=covers(*spans))


def state(town: Town3, span: str, *, now: str) -> None:
    """A load of no find, after these days, that completes them: days to come cannot be stated."""
    load(town, span[:10], 0, f"none {span}", now=now, spans=(span,))


def clear(town: Town3, span: str, *, wards: tuple[str, ...] | None = None) -> None:
    """On 3 July 2025 somebody says that the records of these days are not complete."""
    days = date.fromisoformat(span[:10]), date.fromisoformat(span[11:])
    with Store.open(town.home) as store:
        entry = CoverageEntry(NEEDLES, "", "", *days, "cleared", wards)
        correct_coverage(store.engine, ANALYST, entry, now=at("2025-07-03"))


def test_a_quarter_with_two_of_three_months_is_not_known(town: Town3, tmp_path: Path) -> None:
    load(town, "2025-01-10", 20, "q1", now="2025-06-02", spans=("2025-01-01:2025-06-01",))
    load(town, "2025-04-01", 20, "q2", now="2025-06-03", spans=("2025-01-01:2025-06-01",))
    release = town.build(tmp_path / "out", "2025-10-01")
    needles = release.layer(NEEDLES)
    assert (names(needles.periods), names(needles.not_known)) == (["2025-Q1"], ["2025-Q2"])
    assert numbers(release) == {"2025-Q1": 20}
    assert Release.read(tmp_path / "out").layers == release.layers
    assert audit_folder(tmp_path / "out").findings == ()
    others = [layer for layer in release.layers if layer.name != NEEDLES]
    assert not any(layer.periods for layer in others)
    assert names(release.layer("street_dealing").not_known) == ["2025-Q1", "2025-Q2"]


def test_a_period_known_in_some_wards_only_is_not_known(town: Town3, tmp_path: Path) -> None:
    load(town, "2025-01-10", 20, "q1", now="2025-06-02", spans=("2025-01-01:2025-07-01",))
    load(town, "2025-04-01", 20, "q2", now="2025-07-02", spans=("2025-01-01:2025-07-01",))
    clear(town, "2025-05-01:2025-06-01", wards=(town.area.wards.codes[0],))
    assert names(town.build(tmp_path / "out", "2025-10-01").layer(NEEDLES).not_known) == ["2025-Q2"]


@pytest.mark.slow
def test_a_period_that_becomes_known_is_published_once(town: Town3, tmp_path: Path) -> None:
    """And between periods that are published: its finds wait for it, and late ones of others count as ever."""
    load(town, "2025-01-10", 20, "q1", now="2025-04-02", spans=("2025-01-01:2025-04-01",))
    load(town, "2025-04-10", 9, "q2", now="2025-07-02", spans=())
    load(town, "2025-07-10", 8, "q3", now="2025-10-02", spans=("2025-07-01:2025-10-01",))
    first = town.build(tmp_path / "out", "2026-01-01")
    assert numbers(first) == {"2025-Q1": 20, "2025-Q3": 8}
    assert (names(first.layer(NEEDLES).periods), names(first.layer(NEEDLES).not_known)) == (
        ["2025-Q1", "2025-Q3"], ["2025-Q2"],
    )  # fmt: skip
    load(town, "2025-04-11", 6, "more", now="2026-02-02", spans=("2025-04-01:2025-07-01",))
    load(town, "2025-01-11", 7, "late", now="2026-02-03", spans=("2025-10-01:2026-04-01",))
    state(town, "2025-10-01:2026-04-01", now="2026-04-02")
    second = town.build(tmp_path / "out", "2026-07-01")
    assert numbers(second) == {"2025-Q1": 20, "2025-Q2": 15, "2025-Q3": 8, "2026-Q1": 7}
    assert not second.layer(NEEDLES).not_known
    assert audit_folder(tmp_path / "out", before=[first]).findings == ()
    load(town, "2025-04-12", 5, "later", now="2026-07-02", spans=("2026-04-01:2026-10-01",))
    state(town, "2026-04-01:2026-10-01", now="2026-10-02")
    third = town.build(tmp_path / "out", "2027-01-01")
    assert numbers(third) == numbers(second) | {"2026-Q3": 5}
    assert audit_folder(tmp_path / "out", before=[first, second]).findings == ()


@pytest.mark.slow
def test_a_late_find_waits_for_the_period_of_its_receipt(town: Town3, tmp_path: Path) -> None:
    load(town, "2025-01-10", 20, "q1", now="2025-04-02", spans=("2025-01-01:2025-04-01",))
    town.build(tmp_path / "out", "2025-07-01")
    state(town, "2025-04-01:2025-07-01", now="2025-07-02")
    load(town, "2025-01-11", 7, "late", now="2025-08-02", spans=())
    state(town, "2025-10-01:2026-01-01", now="2026-01-02")
    second = town.build(tmp_path / "out", "2026-04-01")
    assert names(second.layer(NEEDLES).not_known) == ["2025-Q3"]
    assert numbers(second) == {"2025-Q1": 20}
    load(town, "2026-04-10", 0, "none", now="2026-05-02", spans=("2025-07-01:2025-10-01",))
    third = town.build(tmp_path / "out", "2026-06-30")
    assert numbers(third) == {"2025-Q1": 20, "2025-Q3": 7}


@pytest.mark.slow
def test_a_find_whose_period_of_receipt_is_published_already_is_not_lost(town: Town3, tmp_path: Path) -> None:
    """Another layer's event that turns out to be needle finds: it counts in the next period that is open."""
    days = {NEEDLES: (("2025-01-01", "2026-04-01"),)}
    moved = town.finds(6, "2025-01-10", "moved", layer="street_dealing")
    town.load(moved, now="2025-05-02", name="moved.csv", covers=days)
    state(town, "2025-01-01:2025-07-01", now="2025-07-02")
    first = town.build(tmp_path / "out", "2025-10-01")
    assert (numbers(first), numbers(first, "street_dealing")) == ({}, {})
    town.load(moved.assign(layer=NEEDLES), now="2025-11-02", name="moved.csv", covers=days)
    state(town, "2025-07-01:2026-01-01", now="2026-01-02")
    second = town.build(tmp_path / "out", "2026-04-01")
    assert numbers(second) == {"2025-Q3": 6}
    assert audit_folder(tmp_path / "out", before=[first]).findings == ()
    assert numbers(town.build(tmp_path / "out", "2026-07-01")) == {"2025-Q3": 6}


def test_a_full_disk_publishes_and_records_nothing(town: Town3, tmp_path: Path) -> None:
    load(town, "2025-01-10", 20, "q1", now="2025-04-02", spans=("2025-01-01:2025-07-01",))
    with files_limited_to(40_000), pytest.raises(DataError) as caught:
        town.build(tmp_path / "out", "2025-07-01")
    assert str(caught.value) == (
        "A folder is replaced as a whole or not at all; out cannot be written (File too large); nothing was changed; "
        "make room for it, or choose a folder whose parent you can write to"
    )
    assert Register(documents_in(town.home), "old").all() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    assert town.publish(tmp_path / "out", as_at="2025-07-01").is_new


def test_a_register_that_cannot_be_written_publishes_nothing(
    town: Town3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(town, "2025-01-10", 20, "q1", now="2025-04-02", spans=("2025-01-01:2025-07-01",))
    put = DocumentWriter.put

    def fill_disk(writer: DocumentWriter, *arguments: Any) -> None:
        writer.connection.exec_driver_sql("PRAGMA max_page_count = 1")
        put(writer, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(DocumentWriter, "put", fill_disk)
        with pytest.raises(StoreError) as caught:
            town.build(tmp_path / "out", "2025-07-01")
    assert str(caught.value) == (
        f"The database has to answer; {town.home / 'hexbeat.sqlite'} says: database or disk is full; check that the "
        "disk has room, and that the file and its folder can be written"
    )
    assert documents_in(town.home).list_names(DocumentKind.RELEASE) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_days_that_are_cleared_later_take_nothing_back(town: Town3, tmp_path: Path) -> None:
    load(town, "2025-01-10", 20, "q1", now="2025-04-02", spans=("2025-01-01:2025-07-01",))
    first = town.build(tmp_path / "out", "2025-07-01")
    clear(town, "2025-03-01:2025-05-01")
    second = town.build(tmp_path / "out", "2025-10-01")
    assert (names(second.layer(NEEDLES).periods), names(second.layer(NEEDLES).not_known)) == (["2025-Q1"], ["2025-Q2"])
    assert numbers(second) == numbers(first)


@pytest.mark.slow
def test_nothing_new_but_a_period_not_known_makes_a_release_that_says_so(town: Town3, tmp_path: Path) -> None:
    load(town, "2025-01-10", 20, "q1", now="2025-04-02", spans=("2025-01-01:2025-04-01",))
    town.build(tmp_path / "out", "2025-07-01")
    second = town.publish(tmp_path / "out", as_at="2025-10-01")
    assert second.is_new
    assert names(second.release.layer(NEEDLES).not_known) == ["2025-Q2"]
    assert not town.publish(tmp_path / "out", as_at="2025-10-02").is_new


def refuse(town: Town3, out: Path, day: str, now: str) -> str:
    with pytest.raises(PolicyError) as caught:
        town.publish(out, as_at=day, now=now)
    assert not out.exists()
    assert documents_in(town.home).list_names(DocumentKind.RELEASE) == []
    return str(caught.value)


def test_a_first_release_before_its_records_is_refused(town: Town3, tmp_path: Path) -> None:
    load(town, "2025-01-10", 20, "q1", now="2026-11-30", spans=("2025-01-01:2026-10-01",))
    assert refuse(town, tmp_path / "out", "2026-11-29", "2026-11-30") == (
        f"{RECEIVED}; on 2026-11-29 none had been received; the first were received on 2026-11-30; choose that day or "
        "a later day, or leave --as-at out"
    )
    assert town.publish(tmp_path / "out", as_at="2026-11-30", now="2026-12-01").is_new


def test_a_release_in_which_nothing_is_known_is_refused(town: Town3, tmp_path: Path) -> None:
    hint = "load the records, or correct what they cover: hexbeat coverage --area old"
    assert refuse(town, tmp_path / "out", "2026-11-29", "2026-11-30") == (
        f"{COVERED}; no period that is due is known whole in every ward of Middlesbrough; {hint}"
    )
    town.policy = replace(town.policy, first=date(2026, 10, 1))
    assert refuse(town, tmp_path / "out", "2026-11-29", "2026-11-30") == (
        f"{COVERED}; nothing is known whole in every ward of Middlesbrough; {hint}"
    )
    load(town, "2026-09-10", 20, "q3", now="2026-11-28", spans=("2026-09-01:2026-11-01",))
    assert town.publish(tmp_path / "out", as_at="2026-11-30").release.layer(NEEDLES).due_periods == ()


@pytest.mark.slow
def test_records_to_november_publish_nothing_of_the_next_year(tmp_path: Path) -> None:
    """As seen: the first day 2023-01-01, records to 30 Nov 2025, and a release in late 2026."""
    publisher = Publisher(tmp_path / "home")
    frame = made_quarters(publisher.area, number=60, layer="street_dealing")
    publisher.load(frame, now="2025-12-05", covers={"street_dealing": (("2023-01-01", "2025-12-01"),)})
    layer = publisher.publish(tmp_path / "out", as_at="2026-10-01").release.layer("street_dealing")
    assert (layer.periods[0].name, layer.periods[-1].name) == ("2023-Q1", "2025-Q3")
    assert names(layer.not_known) == ["2025-Q4", "2026-Q1", "2026-Q2"]


Q1, Q2 = find_period(date(2026, 1, 1), 3), find_period(date(2026, 4, 1), 3)
Q3, Q4 = find_period(date(2026, 7, 1), 3), find_period(date(2026, 10, 1), 3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_over_any_series_each_find_counts_once_and_none_is_lost(town: Town3, tmp_path: Path, seed: int) -> None:
    """Coverage and finds of six quarters come early or late, at random; a simple count by hand says the same.

    A find counts in its own quarter if that is published after its receipt, else in the quarter of its receipt. At the
    end everything is known, and every find has counted once. The audit of each release, after all before it, finds
    nothing.
    """
    rng = np.random.default_rng(seed)
    deliveries, finds = plan_deliveries(rng)
    releases: list[Release] = []
    first_published: dict[str, date] = {}
    totals: dict[str, int] = {}
    day = date(2025, 7, 1)
    while day <= date(2028, 1, 1):
        for number, (received, quarter, count, span) in enumerate(deliveries):
            if find_month_start(day, -3) <= received < day:
                load(town, str(quarter), count, f"d{number}", now=str(received), spans=(span,) if span else ())
        try:
            published = town.publish(tmp_path / "out", as_at=str(day))
        except PolicyError:
            assert not releases  # nothing is known yet
            day = find_month_start(day, 3)
            continue
        for period in published.release.layer(NEEDLES).periods:
            first_published.setdefault(period.name, day)
        shown = numbers(published.release)
        for name, hidden in published.hidden.get(NEEDLES, {}).items():
            totals[name] = shown.get(name, 0) + hidden
        assert audit_folder(tmp_path / "out", before=releases).findings == ()
        releases += [published.release] if published.is_new else []
        day = find_month_start(day, 3)
    expected: dict[str, int] = {}
    for received, quarter, count in finds:
        own = find_period(quarter, 3).name
        name = own if received < first_published[own] else find_period(received, 3).name
        expected[name] = expected.get(name, 0) + count
    assert {name: total for name, total in totals.items() if total} == expected
    counted = [event for old in Register(documents_in(town.home), "old").all() for event in list_counted(town, old)]
    assert len(counted) == len(set(counted)) == sum(count for _, _, count in finds)


def plan_deliveries(rng: np.random.Generator) -> tuple[list[tuple[date, date, int, str]], list[tuple[date, date, int]]]:
    """Loads as (day, quarter of the finds, number, days completed), and all finds as (received, quarter, number)."""
    deliveries: list[tuple[date, date, int, str]] = []
    for number in range(6):
        quarter = find_month_start(date(2025, 1, 1), 3 * number)
        end = find_month_start(quarter, 3)
        known = find_month_start(end, 3 * int(rng.integers(0, 5)))
        deliveries.append((known.replace(day=2), quarter, 0, f"{quarter}:{end}"))
        for _ in range(int(rng.integers(1, 4))):
            received = find_month_start(end, int(rng.integers(0, 15)))
            deliveries.append((received.replace(day=3), quarter.replace(day=5), int(rng.integers(1, 9)), ""))
    deliveries.append((date(2027, 10, 2), date(2027, 1, 1), 0, "2025-01-01:2027-10-01"))
    deliveries.sort()
    return deliveries, [(received, quarter, count) for received, quarter, count, _ in deliveries if count]


def list_counted(town: Town3, old: RegisteredRelease) -> list[str]:
    with Store.open(town.home) as store:
        return [name for source, key in rows(store) if old.has_counted(name := event_id(source, key))]


@pytest.mark.slow
def test_the_first_part_quarter_of_the_demonstration_is_not_known(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    today = now.astimezone(ZoneInfo("Europe/London")).date()
    publisher = Publisher(tmp_path / "home")
    with Store.open(publisher.home) as store:
        made = load_demonstration(store, ANALYST, publisher.area, events=500, seed=3, today=today, home=publisher.home)
        release = publish_release(
            store, ANALYST, publisher.area, publisher.policy, tmp_path / "out", home=publisher.home, as_at=today,
            now=now + timedelta(minutes=5),
        ).release  # fmt: skip
    first_day = date.fromisoformat(made["from"])
    needles = release.layer(NEEDLES)
    assert needles.due_periods[0].start == date(today.year - 3, 1, 1)
    assert needles.not_known == tuple(period for period in needles.due_periods if period.start < first_day)
    assert needles.periods[0].start >= first_day
    assert not [block for block in release.blocks if block.period in names(needles.not_known)]
