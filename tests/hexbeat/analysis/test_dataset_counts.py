"""A dataset gives the answers of the store, whoever counts it, and what is no whole dataset gives none."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo.errors import DataError, PolicyError, UsageError
from hexbeat.analysis import dataset_counts
from hexbeat.analysis.dataset_counts import Workers, count_dataset, gather_columns
from hexbeat.store.dataset_parts import OpenDataset, open_dataset, read_tally
from hexbeat.store.datasets import DESCRIPTION, export_dataset
from hexbeat.store.store import Store
from layers.access import ANALYST, Viewer
from layers.counting import count_groups
from layers.filters import Filter
from layers.grouping import GROUPS
from layers.periods import describe_missing_days, has_known_day, parse_day
from layers.roles import Role
from tests.support.cli import Run
from tests.support.demonstrations import demonstration, filled_store, middlesbrough
from tests.support.servers import free_port

HERE, ZONE = Workers(), "Europe/London"
CODES = middlesbrough().wards.codes
MONTHS = {"start": parse_day("2026-07-01"), "end": parse_day("2026-10-01")}
AUTUMN = {"start": parse_day("2026-09-20"), "end": parse_day("2026-10-20")}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "events"
    with Store.open(filled_store()) as store:
        export_dataset(store, ANALYST, out, area="middlesbrough", time_zone=ZONE, ward_codes=CODES)
    return out


def open_all(path: Path | str, viewer: Viewer = ANALYST, layers: tuple[str, ...] = ()) -> OpenDataset:
    return open_dataset(str(path), viewer, ward_codes=CODES, layers=layers)


WHOLE = [
    (Filter(**MONTHS), ("cell", "month")),
    (Filter(**MONTHS, measure="quantity", wards=CODES[:4]), ("council", "category")),
    (Filter(**MONTHS, reported_by=("sweep", "public")), ("ward", "reporter", "quarter")),
]
QUESTIONS = [
    *WHOLE,
    *((Filter(**AUTUMN), (group,)) for group in GROUPS),
    (Filter(**AUTUMN, hours=(22, 4), days=frozenset({4, 5})), ("weekday", "hour")),
    (Filter(**AUTUMN, measure="quantity", reported_by=("sweep",)), ("cell", "week", "category")),
    (Filter(**AUTUMN, layers=("closed_properties",), wards=CODES[:3]), ("ward", "month")),
    (Filter(**AUTUMN, layers=("overdoses",), hours=(3, 4)), ("layer",)),
    (Filter(start=parse_day("2031-01-01")), ("cell",)),
]


@pytest.mark.slow
def test_every_grouping_gives_the_answers_of_the_store(exported: Path) -> None:
    columns, dataset = demonstration()[0], open_all(exported)
    for number, (chosen, by) in enumerate(QUESTIONS):
        how: dict[str, Any] = {"by": by, "resolution": 9, "wards": middlesbrough().wards, "time_zone": ZONE}
        plain = count_groups(columns, chosen, **how)
        found, witnesses = count_dataset(dataset, chosen, Workers("dask") if number % 2 else HERE, **how)
        assert found.labels == plain.labels, chosen
        np.testing.assert_allclose(found.sums, plain.sums, rtol=1e-12)
        assert found.total == pytest.approx(plain.total, rel=1e-12)
        assert (found.shared_in_time, found.unplaced_in_time) == (plain.shared_in_time, plain.unplaced_in_time)
        for ask in (has_known_day, describe_missing_days):
            assert ask(witnesses, chosen, time_zone=ZONE) == ask(columns, chosen, time_zone=ZONE)


@pytest.mark.slow
def test_whole_months_are_counted_by_events_that_are_alike(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tallied: list[str] = []

    def tally(address: str, file: Any, codes: Any, **options: Any) -> Any:
        tallied.append(file.path)
        return read_tally(address, file, codes, **options)

    monkeypatch.setattr(dataset_counts, "read_tally", tally)
    dataset, how = open_all(exported), {"resolution": 9, "wards": middlesbrough().wards, "time_zone": ZONE}
    for chosen, by in (*WHOLE, (Filter(**AUTUMN), ("cell",)), (Filter(**MONTHS), ("week",))):
        tallied.clear()
        count_dataset(dataset, chosen, HERE, by=by, **how)
        assert len(tallied) == (9 if (chosen, by) in WHOLE else 0), by
        assert not [path for path in tallied if "closed" in path]


@pytest.mark.slow
def test_gathered_columns_are_those_of_the_store(exported: Path) -> None:
    plain, found = demonstration()[0], gather_columns(open_all(exported), ("overdoses",), HERE)
    plain = plain.take(plain.layer == 2)
    assert found.coverage == open_all(exported).dataset.coverage
    for name in ("start", "layer"):
        assert (getattr(found, name) == getattr(plain, name)).all()
    for name in ("lon", "lat", "end", "ward", "quantity", "location", "location_m", "precision", "reported_by"):
        assert sorted(getattr(found, name).tolist()) == sorted(getattr(plain, name).tolist())
    for size in (8, 11):
        cells = [sorted(one.cell_ids[size][one.cell[size]].tolist()) for one in (found, plain)]
        assert cells[0] == cells[1]
    words = [sorted(one.categories[code] for code in one.category) for one in (found, plain)]
    assert words[0] == words[1]


# Dask's own commands, each in a process forked from one that has imported what others made: most of a start is imports.
CLUSTER = """
import os, signal, sys
import geopandas, pyarrow.parquet, sqlalchemy
from distributed.cli import dask_scheduler, dask_worker

scheduler = (dask_scheduler.main, ["--host", sys.argv[1], "--no-dashboard"])
worker = (dask_worker.main, [sys.argv[1], "--nthreads", "1", "--no-nanny", "--no-dashboard"])
children = []
for command, arguments in (scheduler, worker, worker):
    children.append(os.fork())
    if not children[-1]:
        command(arguments)
sys.stdin.read()
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a scheduler with two worker processes on this machine, which end when the input closes."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    address = f"tcp://127.0.0.1:{free_port()}"
    command, quiet = [sys.executable, "-c", CLUSTER, address], subprocess.DEVNULL
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
    yield address
    started.communicate()


ASKED = ("--from", "2026-08-20", "--to", "2026-11-01")
COMMANDS = [
    ("counts", "--by", "ward,hour", "--hours", "20-04", "--category", "Fatal", *ASKED),
    ("hotspots", "--layer", "overdoses", *ASKED),
    ("change", "--layer", "street_dealing", "--by", "ward", *ASKED),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_workers_answer_as_the_store(exported: Path, cluster: str, run: Run) -> None:
    for command in COMMANDS:
        here = (*command, "--home", filled_store(), "--format", "json")
        there = (*here, "--dataset", exported, "--engine", "dask", "--scheduler", cluster)
        plain, found = run(*here), run(*there)
        assert found.code == plain.code == 0, found.err
        assert found.json == plain.json


@pytest.mark.slow
def test_options_that_do_not_fit_are_refused(exported: Path, run: Run) -> None:
    ask = ("counts", "--home", filled_store())
    for options, message in (
        (("--engine", "dask"), ("An engine counts a dataset.\n  --engine or --scheduler came without one.\n"
            "  Add --dataset ADDRESS.\n")),
        (("--dataset", exported, "--scheduler", "x"), ("A scheduler is one of Dask.\n"
            "  --scheduler came without --engine dask.\n  Add --engine dask.\n")),
        (("--dataset", exported, "--as-at", "2026-01-01"), ("A dataset holds what was known when it was exported.\n"
            "  --as-at was given.\n  Leave it out, or ask the store.\n")),
        (("--dataset", exported, "--engine", "dask", "--scheduler", "nowhere://x"),
            ("A scheduler is the address of one that runs, as tcp://127.0.0.1:8786.\n"
            "  Nothing answers there that this Dask can speak to.\n"
            "  Start one with `dask scheduler`, or leave out --scheduler.\n")),
    ):  # fmt: skip
        outcome = run(*ask, *options)
        assert (outcome.code, outcome.err) == (2, message)


def test_a_dataset_shows_no_layer_whose_records_the_viewer_may_not_see(exported: Path) -> None:
    council = Viewer(Role.COUNCIL)
    seen = open_all(exported, council)
    assert "overdoses" not in seen.layers
    assert {file.layer for file in seen.list_files()} <= set(seen.layers)
    assert seen.build_no_columns().hides("overdoses")
    with pytest.raises(PolicyError) as refused:
        open_all(exported, council, ("overdoses",))
    assert refused.value.rule == "The access policy decides who may do what"


def change_description(folder: Path, **changes: Any) -> None:
    path = folder / DESCRIPTION
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_a_dataset_that_lies_or_lacks_a_file_is_not_believed(exported: Path, tmp_path: Path) -> None:
    lies = tmp_path / "lies"
    shutil.copytree(exported, lies)
    dataset = open_all(lies)
    first, second, third = dataset.files[:3]
    rule = "A dataset is a folder that hexbeat export wrote, with all of its files"
    (lies / first.path).unlink()
    (lies / second.path).write_bytes((lies / second.path).read_bytes()[:2_000])
    shutil.copy(lies / dataset.files[-1].path, lies / third.path)
    held = dataset.files[-1]
    swapped = replace(third, size_bytes=held.size_bytes, sha256=held.sha256)
    for file, fact in (
        (first, f"{first.path} cannot be read"),
        (second, f"{second.path} has 2,000 bytes instead of {second.size_bytes:,}"),
        (swapped, f"{third.path} holds {held.events:,} events instead of {third.events:,}"),
    ):
        cut = OpenDataset(dataset.address, dataset.dataset, dataset.layers, (file,))
        with pytest.raises(DataError) as refused:
            gather_columns(cut, (), HERE)
        assert str(refused.value) == f"{rule}; lies: {fact}; look at the address, or export it again"
    change_description(lies, layers=["needle_litter"], files=[])
    with pytest.raises(UsageError) as lacking:
        open_all(lies, layers=("overdoses",))
    assert lacking.value.fact == "lies has no overdoses"
    change_description(lies, ward_codes=["E05000001"])
    with pytest.raises(DataError) as elsewhere:
        open_all(lies)
    assert elsewhere.value.fact == "lies is of middlesbrough, with other wards"
    with pytest.raises(DataError) as missing:
        open_all(tmp_path / "none")
    assert missing.value.fact == "none: _hexbeat.json cannot be read"


def test_an_address_of_fsspec_is_read_too(exported: Path) -> None:
    pytest.importorskip("fsspec", reason="the extra dask is not installed")
    dataset = open_all(f"file://{exported}")
    assert dataset.files == open_all(exported).files
    cut = OpenDataset(dataset.address, dataset.dataset, dataset.layers, dataset.files[:1])
    assert len(gather_columns(cut, (), HERE)) == dataset.files[0].placed
    with pytest.raises(DataError) as unknown:
        open_all("nowhere://host/events")
    assert unknown.value.fact == "events: the address is of no kind that fsspec knows"
