"""Results that outlive a server: the same after they were read, for the same role and records alone, never run."""

import stat
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from hexbeat.areas.area import load_area
from hexbeat.dashboard.state import kept_results
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.findings import Findings, find_alerts, find_findings
from hexbeat.dashboard.state.kept_results import keep_results, restore_results
from hexbeat.dashboard.state.prepared_results import RESULTS, Name, PreparedResult, build_owner, find_prepared
from hexbeat.dashboard.state.result_codec import NotPlainError, Reader, Writer
from hexbeat.dashboard.state.session import Installation, open_installation
from hexbeat.settings import Settings
from hexbeat.store.snapshot_file import open_file
from hexbeat.store.snapshots import FOLDER
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.catalogue import find_layer
from tests.support.events import load_frame, made_frame

LAYER = "needle_litter"
Kept = dict[tuple[Name, Hashable], Any]


@pytest.fixture
def installation(home: Path) -> Iterator[Installation]:
    load_more(home, "finds")
    found = open_installation(Settings.from_environment())
    yield found
    RESULTS.drop_older(build_owner(found), found.columns.version + 9)


def load_more(home: Path, source: str) -> None:
    area = load_area("middlesbrough", home=home)
    with Store.open(home) as store:
        newest = datetime.now(area.tz) - timedelta(days=2)
        load_frame(store, area, made_frame(area, number=80, newest=newest, source=source), source=source)


def work_out(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Alerts and hotspots, as the process that works ahead hands them over."""
    results: Kept = {}
    with monkeypatch.context() as patch:
        patch.setattr(RESULTS, "listener", lambda name, request, value: results.update({(name, request): value}))
        find_alerts(installation)
        last = installation.today - timedelta(days=2)
        find_findings(installation, Choices(layers=(LAYER,)), layer=LAYER, last=last, resolution=8)
    assert len(results) == 2
    return results


def restore(installation: Installation) -> tuple[int, Any] | None:
    """As a server that has just started, which has no result yet."""
    owner = build_owner(installation)
    RESULTS.drop_older(owner, installation.columns.version + 9)
    return restore_results(installation.store, installation.area, owner)


def test_a_server_that_starts_again_finds_the_same_results_until_rows_are_erased(
    home: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = work_out(installation, monkeypatch)
    with_more = {**results, (("odd", ""), ()): lambda: "not plain, so left out"}
    assert keep_results(installation, with_more)
    (file,) = (home / FOLDER).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    state = (installation.columns.version, installation.today)
    assert restore(installation) == state
    assert find_prepared(installation, ("odd", ""), ()) is None
    for (name, request), value in results.items():
        found = find_prepared(installation, name, request)
        assert found
        if isinstance(value, Findings):
            assert_frame_equal(found.value.hotspots.rows, value.hotspots.rows)
            assert_frame_equal(found.value.groups, value.groups)
            assert_frame_equal(found.value.emerging.rows, value.emerging.rows)
        else:
            assert found.value == value

    load_more(home, "more finds")  # the older ones may stand in for the newer
    newer = open_installation(Settings.from_environment())
    assert restore(newer) == state
    assert find_prepared(newer, ("alerts", ""), (newer.today,)) is None
    assert not keep_results(installation, results)  # they are not those of the store as it is now

    newer.store.erase_source(ANALYST, "finds")
    assert list((home / FOLDER).iterdir()) == []
    assert restore(newer) is None
    assert newer.columns.version < newer.store.find_last_removal() <= newer.store.version()


def test_what_was_kept_is_for_one_role_one_program_and_undamaged_files(
    home: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keep_results(installation, work_out(installation, monkeypatch))
    place, (role, policy), wards = build_owner(installation)
    others = [(place, ("police", policy), wards), (place, (role, policy), f"{wards} later")]
    for owner in others:
        assert restore_results(installation.store, installation.area, owner) is None
    (file,) = (home / FOLDER).iterdir()
    whole = file.read_bytes()
    find_file = f"{kept_results.__name__}.read_results"
    with monkeypatch.context() as patch:  # the analyst's file under another's name
        patch.setattr(find_file, lambda *_: open_file(file))
        assert restore_results(installation.store, installation.area, others[0]) is None
        assert restore(installation) is not None
    for place_ in (100, len(whole) // 2, len(whole) - 5):
        file.write_bytes(whole[:place_] + bytes([whole[place_] ^ 1]) + whole[place_ + 1 :])
        restored = restore(installation)
        assert restored is None or place_ > 100  # between arrays lie bytes that mean nothing
    file.write_bytes(whole)
    assert restore(installation) is not None
    file.chmod(0o640)
    assert restore(installation) is None
    file.chmod(0o600)
    monkeypatch.setattr(kept_results, "_hash_program", lambda _: "another program")
    assert restore(installation) is None


def test_after_a_removal_no_older_result_stands_in(installation: Installation) -> None:
    owner = build_owner(installation)
    for version in (1, 2):
        RESULTS.put(owner, ("alerts", ""), (version,), PreparedResult("", version, datetime.now(UTC)))
    RESULTS.drop_older(owner, 2)
    assert list(RESULTS.find_all(owner, ("alerts", ""))) == [(2,)]


@dataclass(frozen=True)
class Foreign:
    """A dataclass that is not of our packages."""

    number: int = 1


def read_again(value: Any) -> Any:
    writer = Writer()
    return Reader(writer.arrays.__getitem__).read(writer.write(value))


def test_values_come_back_as_they_were() -> None:
    zone = ZoneInfo("Europe/London")
    plain = (
        None, True, -3, 0.5, float("inf"), "text", (1, (2,)), [3], frozenset({4, 5}), {("a", 1): [1.5]},
        datetime(2026, 7, 1, 9, 30, tzinfo=zone), date(2026, 7, 1), find_layer(LAYER), Choices(size=9),
    )  # fmt: skip
    assert read_again(plain) == plain
    assert isinstance(read_again(MappingProxyType({1: 2})), MappingProxyType)
    narrow = [np.array([1, 2], dtype=kind) for kind in ("i1", "u1", "u2", "u4", "f2")]
    for array in (*narrow, np.arange(6, dtype=np.uint64).reshape(2, 3), np.array([True, False]), np.array(["a", None])):
        again = read_again(array)
        assert again.dtype == array.dtype
        assert again.tolist() == array.tolist()
    assert np.isnan(read_again(float("nan")))
    frame = pd.DataFrame({"n": [1, 2], "name": ["a", None], "x": [0.5, np.nan], "day": [None, plain[-3]]}, index=[5, 7])
    frame["group"] = pd.array([1, None], dtype="Int64")
    assert_frame_equal(read_again(frame), frame)
    assert_frame_equal(read_again(frame.iloc[:0]), frame.iloc[:0])


@pytest.mark.parametrize(
    "value",
    [lambda: 0, Foreign(), object(), b"bytes", complex(1, 2)],
    ids=["function", "foreign", "object", "bytes", "complex"],
)
def test_what_is_no_plain_data_is_not_written(value: object) -> None:
    with pytest.raises(NotPlainError):
        Writer().write(value)


@pytest.mark.parametrize(
    "data",
    [
        ["object", "os", "system", []],
        ["object", "hexbeat.files", "Path", []],
        ["object", "hexbeat.settings", "Settings", [["home", "/"]]],
        ["object", "hexbeat.store.store", "Store.open", []],
        ["enum", "hexbeat.settings", "Settings", "home"],
        ["call", "os", "system"],
        ["array", "<f8", [2], "there is none"],
        ["tuple"],
        [],
    ],
)
def test_data_that_nobody_wrote_is_refused(data: list[Any]) -> None:
    with pytest.raises(NotPlainError):
        Reader({}.__getitem__).read(data)
