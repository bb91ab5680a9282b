import datetime as dt
import json
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.areas.area import load_area
from hexbeat.demonstration import TRUTH_FILE, load_demonstration, make_events, remove_demonstration
from hexbeat.store.live_columns import has_demonstration, is_empty, read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import DEMONSTRATION

TODAY = dt.date(2026, 11, 22)


def test_an_empty_store_is_filled_and_the_truth_is_written_beside(tmp_path: Path) -> None:
    area = load_area("middlesbrough")
    with Store.open(tmp_path) as store:
        report = load_demonstration(store, ANALYST, area, events=2000, seed=3, today=TODAY, home=tmp_path)
        columns = read_columns(store, ANALYST, ward_codes=area.wards.codes)
        (batch,) = store.batches(ANALYST)
    assert report == {
        "area": "middlesbrough",
        "from": "2023-11-22",
        "last_day": "2026-11-21",
        "needle_litter": 900,
        "street_dealing": 800,
        "overdoses": 260,
        "closed_properties": 40,
        "truth": "demonstration.json",
    }
    assert len(columns) == 2000
    assert columns.demonstration.all()
    assert (batch.new, batch.rejected, batch.files[0]["source"]) == (2000, 0, DEMONSTRATION)
    truth = json.loads((tmp_path / TRUTH_FILE).read_text(encoding="utf-8"))
    assert truth == json.loads(json.dumps(make_events(area, events=2000, seed=3, today=TODAY).truth))
    assert (tmp_path / TRUTH_FILE).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("hexbeat")) == [TRUTH_FILE]


def test_a_store_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    area = load_area("middlesbrough")
    with Store.open(tmp_path) as store:
        load_demonstration(store, ANALYST, area, events=20, today=TODAY, home=tmp_path)
        version, truth = store.version(), (tmp_path / TRUTH_FILE).read_bytes()
        with pytest.raises(DataError) as caught:
            load_demonstration(store, ANALYST, area, events=20, seed=2, today=TODAY, home=tmp_path)
        assert store.version() == version
    assert (tmp_path / TRUTH_FILE).read_bytes() == truth
    assert str(caught.value) == (
        "Demonstration events need an empty store, so that they never mix with real events; this store already "
        "holds events; choose another home (--home), or remove an older demonstration with `hexbeat demo --remove`"
    )


def test_demonstration_events_are_removed_for_good_and_real_ones_stay(tmp_path: Path) -> None:
    area = load_area("middlesbrough")
    real = make_events(area, events=30, seed=9, today=TODAY).frame.assign(source="table", category="kept")
    with Store.open(tmp_path) as store:
        load_demonstration(store, ANALYST, area, events=200, today=TODAY, home=tmp_path)
        with store.begin_load(ANALYST, area=area.name) as load, load.file("real.csv", "table", sha256="0" * 64) as file:
            file.add_events(real)
        assert remove_demonstration(store, ANALYST, home=tmp_path) == {"removed": 200, "complete": True}
        assert not has_demonstration(store, ANALYST)
        assert len(read_columns(store, ANALYST, ward_codes=area.wards.codes)) == 30
        assert remove_demonstration(store, ANALYST) == {"removed": 0, "complete": True}
    assert not (tmp_path / TRUTH_FILE).exists()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"kept" in left
    assert b"found on public ground" not in left


def test_a_store_is_filled_again_after_removal(tmp_path: Path) -> None:
    area = load_area("middlesbrough")
    with Store.open(tmp_path) as store:
        load_demonstration(store, ANALYST, area, events=50, today=TODAY, home=tmp_path)
        remove_demonstration(store, ANALYST)
        assert is_empty(store, ANALYST)
        assert store.last_load(ANALYST) is None  # what is gone cannot be undone
        load_demonstration(store, ANALYST, area, events=50, today=TODAY, home=tmp_path)
        assert len(read_columns(store, ANALYST, ward_codes=area.wards.codes)) == 50
