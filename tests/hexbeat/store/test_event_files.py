"""An export in columns holds what the records hold, read one by one: whatever the texts, on both databases."""

import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from geo.errors import DataError, UsageError
from hexbeat.demonstration import load_demonstration
from hexbeat.files import escape_formulas
from hexbeat.store.datasets import DESCRIPTION, export_dataset, parse_dataset
from hexbeat.store.event_files import add_points, export_events, format_events
from hexbeat.store.event_table import TIME_COLUMNS
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST, Viewer
from layers.policy import Policy
from layers.roles import WARDS as WARDS_ALONE
from layers.roles import Role
from tests.support.demonstrations import TODAY, middlesbrough
from tests.support.events import HOSTILE, WARDS, event_frame, load

ODD = ["a\x1db", "\x1e", "two\nlines", 'a "quoted" one, with a comma', "", " ", "NA", "Ünï\u200b", *HOSTILE]


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a store with 1,000 demonstration events."""
    home = tmp_path_factory.mktemp("home")
    with Store.open(home) as store:
        load_demonstration(store, ANALYST, middlesbrough(), events=1_000, today=TODAY, home=home)
    return home


def write_plainly(store: Store, folder: Path) -> dict[str, Path]:
    """The same files by pandas and geopandas, from rows."""
    rows = format_events(read_live_records(store, ANALYST))
    points = add_points(rows)
    paths = {ending: folder / f"plain.{ending}" for ending in ("parquet", "gpkg", "csv")}
    points.to_parquet(paths["parquet"], index=False)
    points.to_file(paths["gpkg"], layer="events", driver="GPKG")
    times = {name: rows[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in TIME_COLUMNS}
    escape_formulas(rows.assign(**times)).to_csv(paths["csv"], index=False, lineterminator="\n")
    return paths


def read_back(path: Path) -> pd.DataFrame:
    readers = {".parquet": geopandas.read_parquet, ".gpkg": geopandas.read_file}
    read = readers.get(path.suffix)
    frame = pd.DataFrame(read(path) if read else pd.read_csv(path, keep_default_na=False))
    return frame.assign(geometry=[point.wkb for point in frame["geometry"]]) if "geometry" in frame else frame


def assert_as_plain(store: Store, folder: Path, endings: tuple[str, ...]) -> None:
    plain = write_plainly(store, folder)
    for ending in endings:
        out = folder / f"events.{ending}"
        numbers: list[int] = []
        assert export_events(store, ANALYST, out, before=numbers.append) == numbers[0]
        assert_frame_equal(read_back(out), read_back(plain[ending]))


@pytest.mark.slow
def test_exports_are_as_geopandas_writes_them(small_home: Path, tmp_path: Path) -> None:
    with Store.open(small_home) as store:
        assert_as_plain(store, tmp_path, ("parquet", "gpkg", "csv"))
    geo = pq.read_metadata(tmp_path / "events.parquet").metadata[b"geo"]
    frame = geopandas.read_parquet(tmp_path / "events.parquet")
    assert b'"version": "1.1.0"' in geo
    assert str(frame.total_bounds.tolist()).encode() in geo


@pytest.mark.slow
def test_odd_texts_and_places_near_greenwich_come_through(store: Store, tmp_path: Path) -> None:
    keys = [f"k{number}" for number in range(len(ODD) + 2)]
    load(store, event_frame(keys, category=[*ODD, None, "x"], location_precision=["exact", *[None] * (len(keys) - 1)]))
    assert_as_plain(store, tmp_path, ("parquet", "csv"))
    frame = event_frame(["greenwich", "exact"], lon=[0.0123456789012345, -0.1], location_precision_m=[2.5, np.nan])
    load(store, frame)
    assert_as_plain(store, tmp_path, ("parquet", "csv"))
    lons = geopandas.read_parquet(tmp_path / "events.parquet").geometry.x
    assert 0.0123456789012345 in lons.tolist()


def test_an_empty_store_gives_an_empty_file(sqlite_store: Store, tmp_path: Path) -> None:
    for ending in ("parquet", "gpkg", "csv"):
        assert export_events(sqlite_store, ANALYST, tmp_path / f"none.{ending}") == 0
        assert len(read_back(tmp_path / f"none.{ending}")) == 0
    assert export(sqlite_store, tmp_path / "none") == 0
    assert parse_dataset((tmp_path / "none" / DESCRIPTION).read_text(encoding="utf-8")).files == ()


def export(store: Store, out: Path, viewer: Viewer = ANALYST, before: Callable[[int], object] = int) -> int:
    return export_dataset(store, viewer, out, area="here", time_zone="Europe/London", ward_codes=WARDS, before=before)


@pytest.mark.slow
def test_a_dataset_holds_the_same_events_by_layer_and_month_sorted_by_cell(small_home: Path, tmp_path: Path) -> None:
    with Store.open(small_home) as store:
        wards = middlesbrough().wards.codes
        export_dataset(
            store, ANALYST, tmp_path / "all", area="middlesbrough", time_zone="Europe/London", ward_codes=wards
        )
        plain = format_events(read_live_records(store, ANALYST))
    frame = geopandas.read_parquet(tmp_path / "all")
    assert frame.crs == "EPSG:4326"
    local = frame["occurred_from"].dt.tz_convert("Europe/London").dt.strftime("%Y-%m")
    assert (frame["month"].astype(str) == local).all()
    found = pd.DataFrame(frame).astype({"layer": "str"})[plain.columns]
    found, plain = (rows.sort_values("event_id", ignore_index=True) for rows in (found, plain))
    assert_frame_equal(found, plain)
    dataset = parse_dataset((tmp_path / "all" / DESCRIPTION).read_text(encoding="utf-8"))
    assert sum(file.events for file in dataset.files) == len(plain)
    for file in dataset.files[:5]:
        rows = pq.read_table(tmp_path / "all" / file.path, partitioning=None)
        assert rows.num_rows == file.events
        assert rows["h3_11"].to_pylist() == sorted(rows["h3_11"].to_pylist())


def test_a_dataset_has_what_the_role_may_see_and_no_more(sqlite_store: Store, tmp_path: Path) -> None:
    load(sqlite_store, event_frame(["n"]))
    load(sqlite_store, event_frame(["o"], layer="overdoses", category="fatal"))
    viewer = replace(ANALYST, policy=Policy(((Role.ANALYST, "overdoses", WARDS_ALONE),)))
    export(sqlite_store, tmp_path / "limited", viewer)
    dataset = parse_dataset((tmp_path / "limited" / DESCRIPTION).read_text(encoding="utf-8"))
    assert "overdoses" not in dataset.layers
    assert "overdoses" not in (tmp_path / "limited" / DESCRIPTION).read_text(encoding="utf-8")
    assert {file.layer for file in dataset.files} == {"needle_litter"}


def test_a_dataset_replaces_a_dataset_whole_and_nothing_else(sqlite_store: Store, tmp_path: Path) -> None:
    load(sqlite_store, event_frame(["n"]))
    out = tmp_path / "data"
    out.mkdir()
    export(sqlite_store, out)
    load(sqlite_store, event_frame(["m"]))
    assert export(sqlite_store, out) == 2
    assert len(geopandas.read_parquet(out)) == 2
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        export(sqlite_store, tmp_path / "letters")
    assert str(refused.value) == (
        "A dataset replaces an older dataset, and nothing else; letters holds other files; "
        "choose another folder, or one that is empty"
    )
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["data", "letters"]


def test_a_full_disk_leaves_the_older_dataset_and_nothing_half(sqlite_store: Store, tmp_path: Path) -> None:
    load(sqlite_store, event_frame(["n"]))
    out = tmp_path / "data"
    export(sqlite_store, out)
    before = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(DataError) as failed:
            export(sqlite_store, out, before=lambda _: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, usual[1])))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert str(failed.value) == (
        "A folder is replaced as a whole or not at all; data cannot be written (File too large); "
        "nothing was changed; make room for it, or choose a folder whose parent you can write to"
    )
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["data"]


def test_exports_are_for_their_own_user(sqlite_store: Store, tmp_path: Path) -> None:
    load(sqlite_store, event_frame(["n"]))
    for ending in ("parquet", "gpkg", "csv"):
        out = tmp_path / f"n.{ending}"
        out.write_bytes(b"")
        export_events(sqlite_store, ANALYST, out)
        assert out.stat().st_mode & 0o777 == 0o600
    export(sqlite_store, tmp_path / "set")
    (tmp_path / "set").chmod(0o755)
    export(sqlite_store, tmp_path / "set")
    inside = (tmp_path / "set").rglob("*")
    assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in inside} == {(True, 0o700), (False, 0o600)}
    assert (tmp_path / "set").stat().st_mode & 0o777 == 0o700


def test_nothing_that_is_no_file_of_the_dataset_is_lost(sqlite_store: Store, tmp_path: Path) -> None:
    load(sqlite_store, event_frame(["n"]))
    out = tmp_path / "data"
    export(sqlite_store, out)
    part = next(out.rglob("*.parquet"))
    described = (out / DESCRIPTION).read_bytes()
    (tmp_path / "elsewhere").mkdir()
    foreign = [out / "mine.txt", part.with_name("part-9.parquet"), out / "layer=overdoses" / "mine.txt", out / "empty"]
    for path in (*foreign, out / "link", out / DESCRIPTION):
        path.parent.mkdir(exist_ok=True)
        if path.name == "empty":
            path.mkdir()
        elif path.name == "link":
            path.symlink_to(tmp_path / "elsewhere")
        else:
            path.write_text("mine", encoding="utf-8")
        before = sorted(out.rglob("*"))
        with pytest.raises(UsageError) as refused:
            export(sqlite_store, out)
        assert str(refused.value) == (
            "A dataset replaces an older dataset, and nothing else; data holds other files; "
            "choose another folder, or one that is empty"
        )
        assert sorted(out.rglob("*")) == before
        if path.name == "empty":
            path.rmdir()
        elif path.name != DESCRIPTION:
            path.unlink()
            if path.parent not in {out, part.parent}:
                path.parent.rmdir()
    (out / DESCRIPTION).write_bytes(described)
    with pytest.raises(UsageError):  # what is put there while the events are read
        export(sqlite_store, out, before=lambda _: (out / "mine.txt").write_text("mine", encoding="utf-8"))
    assert (out / "mine.txt").read_text(encoding="utf-8") == "mine"
    (out / "mine.txt").unlink()
    part.unlink()  # a damaged dataset is mended
    assert export(sqlite_store, out) == 1
    assert part.is_file()


def test_names_that_no_dataset_can_have_are_refused_by_name(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    long = "n" * 300
    own = "A dataset is a folder of its own; {} is the folder in which you are, or holds it; "
    own += "name a folder that is new or empty, as in --out events"
    unseen = "A dataset needs a folder that can be looked into; {} cannot be (File name too long); "
    unseen += "choose another name or folder"
    for name, message in ((".", own), ("/", own), ("..", own), (long, unseen), (f"{long}/data", unseen)):
        with pytest.raises(UsageError) as refused:
            export(sqlite_store, Path(name))
        assert str(refused.value) == message.format(Path(name).name or name)
    with pytest.raises(UsageError) as absent:
        export_events(sqlite_store, ANALYST, Path(long) / "n.csv")
    assert absent.value.fact == f"{long} does not exist"
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "hexbeat dataset 0"}', "null"])
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(DataError) as refused:
        parse_dataset(text)
    assert str(refused.value) == (
        "A dataset is a folder that hexbeat export wrote; its _hexbeat.json cannot be read; "
        "export it again with this version of Hexbeat"
    )
