"""An upload is read and loaded in a process of its own, to the same answer, and no file takes it beyond its limits."""

import os
import pickle
import signal
from pathlib import Path

import pytest

from geo.errors import DataError, PolicyError
from hexbeat.areas.area import load_area
from hexbeat.environment import select_environment
from hexbeat.ingest import load_process
from hexbeat.ingest.ingest import ingest_files
from hexbeat.ingest.load_process import JobLimits, ingest_apart, parse_answer, suggest_apart
from hexbeat.ingest.sources import load_profile
from hexbeat.ingest.suggestions import suggest_profile
from hexbeat.settings import Settings
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.databases import work_transaction
from hexbeat.store.live_columns import read_columns
from hexbeat.store.snapshots import FEWEST_EVENTS, FOLDER
from hexbeat.store.store import Store
from layers.access import ANALYST, Viewer
from layers.roles import Role

pytestmark = pytest.mark.slow  # each may be the first, which waits for the imports of the process

HEADINGS = "layer,source_id,lon,lat,date,quantity\n"
ROW = "needle_litter,a{0},-1.23,54.57,2025-11-21 14:30,1\n"


def write_table(folder: Path, rows: int) -> Path:
    path = folder / "finds.csv"
    path.write_text(HEADINGS + "".join(ROW.format(number) for number in range(rows)), encoding="utf-8")
    return path


def find_workers(parent: int) -> list[int]:
    """The processes of load_worker that this process has started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            began_it = int((process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"hexbeat.ingest.load_worker" in words and began_it == parent:
            found.append(int(process.name))
    return found


def settings_of(folder: Path, name: str) -> Settings:
    Store.open(folder / name)
    return Settings(folder / name, "middlesbrough", None)


def test_a_suggestion_and_a_load_say_what_they_say_without_the_process(tmp_path: Path) -> None:
    path, steps = write_table(tmp_path, 3), []
    path.write_text(path.read_text(encoding="utf-8") + ROW.format("b").replace("54.57", "0"), encoding="utf-8")
    assert suggest_apart(path) == suggest_profile(path)
    apart, here = settings_of(tmp_path, "apart"), settings_of(tmp_path, "here")
    deed = Deed(door="dashboard", action="load", what="data/load")
    report = ingest_apart(
        apart, ANALYST, [path], source="table", progress=lambda done, total: steps.append((done, total)), deed=deed
    )
    with Store.open(apart.home) as loaded:  # the transaction of the load wrote the entry, so nobody writes it again
        (entry,) = list_entries(loaded.engine, ANALYST)
    assert (entry.what, entry.rows, entry.outcome, deed.is_written) == ("data/load", 3, "done", True)
    store = Store.open(here.home)
    same = ingest_files(store, ANALYST, [path], source="table", area=load_area("middlesbrough"), home=here.home)
    assert report == same
    assert (report.files[0].tally.new, report.files[0].tally.rejected, report.batch_id) == (3, 1, 1)
    assert steps[-1][0] == steps[-1][1] == path.stat().st_size


def test_errors_come_back_as_they_were_raised(tmp_path: Path) -> None:
    page = tmp_path / "page.csv"
    page.write_text("<!DOCTYPE html><html><body>Sign in</body></html>", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        suggest_apart(page)
    assert str(caught.value) == (
        "page.csv has to be a table of text, as its name says; it is a web page; download the file itself: a page that "
        "asks to sign in was saved, perhaps"
    )
    with pytest.raises(PolicyError, match=r"\A[^;]+; [^;]+; [^;]+\Z"):
        ingest_apart(settings_of(tmp_path, "store"), Viewer(Role.AUDITOR), [write_table(tmp_path, 1)], source="table")


def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_one_is_read(tmp_path: Path) -> None:
    path = write_table(tmp_path, 3)
    with pytest.raises(DataError) as caught:
        suggest_apart(path, limits=JobLimits(100_000_000, cpu_s=60, cpu_s_per_mb=0, file_bytes=0))
    assert str(caught.value) == (
        "A file is read in at most 100 MB of memory and 60 s; finds.csv takes more; split it, by month for instance, "
        "or save it as CSV"
    )
    assert suggest_apart(path).source == "table"


def test_a_load_that_takes_too_long_is_ended_and_changes_nothing(tmp_path: Path) -> None:
    settings, path = settings_of(tmp_path, "store"), write_table(tmp_path, 150_000)
    with pytest.raises(DataError) as caught:
        ingest_apart(
            settings, ANALYST, [path], source=load_profile("table", None),
            limits=JobLimits(4_000_000_000, cpu_s=1, cpu_s_per_mb=0, file_bytes=0),
        )  # fmt: skip
    assert str(caught.value) == (
        "A file is read in at most 4,000 MB of memory and 1 s; finds.csv takes more; split it, by month for instance, "
        "or save it as CSV"
    )
    report = ingest_apart(settings, ANALYST, [write_table(tmp_path, 2)], source="table")
    assert (report.batch_id, report.files[0].tally.new, report.files[0].tally.unchanged) == (1, 2, 0)


def test_a_large_upload_is_prepared_for_readers(tmp_path: Path) -> None:
    settings, path = settings_of(tmp_path, "store"), write_table(tmp_path, FEWEST_EVENTS)
    assert ingest_apart(settings, ANALYST, [path], source="table").changed == FEWEST_EVENTS
    files = list((settings.home / FOLDER).iterdir())
    assert {file.suffix for file in files} == {".columns", ".results"}
    with Store.open(settings.home) as store:
        columns = read_columns(store, ANALYST, ward_codes=load_area("middlesbrough").wards.codes)
    assert (columns.is_deferred, len(columns)) == (True, FEWEST_EVENTS)


def test_a_load_whose_process_ends_while_it_prepares_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, read, messages = settings_of(tmp_path, "store"), load_process._read_message, []  # noqa: SLF001 - what ends

    def end_after_load(answers: int, end: float) -> object:
        if messages and messages[-1][0] == "loaded":
            return None
        messages.append(read(answers, end))
        return messages[-1]

    monkeypatch.setattr(load_process, "_read_message", end_after_load)
    deed = Deed(door="dashboard", action="load", what="data/load")
    report = ingest_apart(settings, ANALYST, [write_table(tmp_path, 2)], source="table", deed=deed)
    assert (report.batch_id, report.changed, deed.is_written) == (1, 2, True)
    assert messages[-1] == ("loaded", report)


def test_nobody_who_stops_waiting_leaves_a_load_behind(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "store")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt(f"{done} of {total}")

    with pytest.raises(KeyboardInterrupt, match=r"\A\d+ of \d+\Z"):
        ingest_apart(settings, ANALYST, [write_table(tmp_path, 5)], source="table", progress=stop)
    assert ingest_apart(settings, ANALYST, [write_table(tmp_path, 5)], source="table").batch_id == 1


def test_the_process_that_forks_others_is_started_again_if_it_ended(tmp_path: Path) -> None:
    path = write_table(tmp_path, 2)
    first = suggest_apart(path)
    (forker,) = find_workers(os.getpid())
    os.kill(forker, signal.SIGKILL)
    assert suggest_apart(path) == first


def test_a_load_that_is_killed_says_so_and_the_next_one_works(tmp_path: Path) -> None:
    settings, path = settings_of(tmp_path, "store"), write_table(tmp_path, 400)

    def kill(_done: int, _total: int) -> None:
        for job in [job for forker in find_workers(os.getpid()) for job in find_workers(forker)]:
            os.kill(job, signal.SIGKILL)

    # It waits for another writer, so that it cannot have ended before it is killed.
    with Store.open(settings.home) as other, work_transaction(other.engine), pytest.raises(DataError) as caught:
        ingest_apart(settings, ANALYST, [path], source="table", progress=kill)
    assert str(caught.value) == (
        "A file is read to its end; the process that read finds.csv was ended from outside; nothing was changed; try "
        "again, and if it happens again, the machine lacks memory: split the file"
    )
    assert ingest_apart(settings, ANALYST, [path], source="table").batch_id == 1


def test_what_reads_files_from_anywhere_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXBEAT_DATABASE_URL", "postgresql://hexbeat:word@db/hexbeat")
    monkeypatch.setenv("TZ", "Europe/London")
    environment = select_environment()
    assert environment["TZ"] == "Europe/London"
    assert not [name for name in environment if name.startswith(("HEXBEAT", "PG"))]


@pytest.mark.parametrize(
    "value",
    [os.system, Path("x"), load_profile, DataError("a", "b", "c")],
    ids=["command", "path", "function", "error"],
)
def test_an_answer_that_would_run_anything_is_refused(value: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"\A[\w.]+\Z"):
        parse_answer(pickle.dumps(value))
