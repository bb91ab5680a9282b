"""Programs that are killed, and full disks, in the middle of every change of the store: before or after, never between.

`python -m bench.faults [--runs 200] [--only NAME,...] [--without-postgres]`. Each run copies a whole store, begins one
change in a process of its own, and either kills the process at a random moment (SIGKILL) or lets the disk become full
(a small tmpfs, filled but for a random number of bytes). Then the store is opened with room again, and everything that
it holds, its home and its releases are compared with the same change undisturbed. Required: each run ends as if the
change had not begun, or as if it had ended, the database finds no fault in its file (PRAGMA integrity_check), the audit
trail verifies, and a full disk gives an error in three parts. The moments of killing are drawn over the time that the
change takes. *Repeated* are runs of a change in two places (the register, then the folder of a release) that were
found between, and that the same command, run again, brought to the end. *Unnoted* are changes that are there, and whose
entry in the audit trail is not: the entry is written when the change has ended, before the answer leaves.

`DEEDS` names the changes. `add_deed` adds another.
"""

import contextlib
import hashlib
import importlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from bench.report import Row, build_parser, report
from hexbeat.cli.main import main as run_command
from hexbeat.store.audit_trail import verify_trail
from hexbeat.store.databases import make_engine
from hexbeat.store.schema import metadata
from hexbeat.store.store import Store
from layers.access import Viewer
from layers.roles import Role

__all__ = ["DEEDS", "Deed", "Server", "State", "Trial", "add_deed", "measure_deed"]

_DISK_BYTES: Final = 24_000_000
# What differs between two runs of the same change: times, random names and versions of the file's format.
_VARYING: Final = ("recorded_at", "superseded_at", "created", "undone_at", "visit_id", "started_at", "published_at")


@dataclass(frozen=True, slots=True)
class Deed:
    """A change: the command that makes it ({home}, {out} and {data} are folders), and what it needs.

    `kind` is the store that it begins with: "small" (records, rejects, visits, places), "demonstration", or "older" (as
    an older Hexbeat left it), "planned" (a demonstration with a plan). Where `has_output`, {out} holds a folder or file
    that is there as a whole or not. `is_entry`: all that it changes is the audit trail.
    """

    command: tuple[str, ...]
    kind: str = "small"
    has_output: bool = False
    on_postgres: bool = True
    is_entry: bool = False


DEEDS: Final[dict[str, Deed]] = {
    "ingest": Deed(("ingest", "{data}/more.csv", "--source", "table", "--home", "{home}")),
    "undo": Deed(("undo", "--yes", "--home", "{home}")),
    "erase": Deed(("erase", "--source", "table", "--source-id", "r-7", "--yes", "--home", "{home}")),
    "ledger import": Deed(("done", "import", "{data}/walk.csv", "--home", "{home}")),
    "places load": Deed(("places", "load", "{data}/places.csv", "--kind", "naloxone", "--home", "{home}")),
    "plan save": Deed(
        ("plan", "patrol", "--layer", "needle_litter", "--teams", "1", "--seed", "1", "--home", "{home}"),
        kind="planned",
        on_postgres=False,
    ),
    "release build": Deed(
        ("release", "build", "--out", "{out}/release", "--home", "{home}"), kind="demonstration", has_output=True
    ),
    "migration": Deed(("coverage", "--home", "{home}"), kind="older"),
    "backup": Deed(("backup", "{out}/backup.tar.gz", "--home", "{home}"), has_output=True, on_postgres=False),
}


def add_deed(name: str, deed: Deed) -> None:
    """Measure another change, too."""
    DEEDS[name] = deed


add_deed("audit entry", Deed(("coverage", "--home", "{home}"), is_entry=True))


@dataclass(frozen=True, slots=True)
class Server:
    """Databases of a PostgreSQL: `make(template)` answers the address of a copy, `drop(url)` removes it."""

    make: Callable[[str | None], str]
    drop: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a deed is tried on: the folder of work, the whole home to copy, and the database (None: SQLite)."""

    folder: Path
    whole: Path
    data: Path
    server: Server | None = None
    template: str | None = None


def main() -> int:
    """Print the figures; exit code 1 if a run ended in between, or with a traceback."""
    parser = build_parser(__doc__, size="runs", default=200)
    parser.add_argument("--only", help="deeds to measure, with commas between; all without it")
    parser.add_argument("--without-postgres", action="store_true")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(DEEDS)
    from tests.support.fault_stores import make_trials  # noqa: PLC0415 - makes stores, which takes a while

    rows: list[Row] = []
    with make_trials(names, postgres=not options.without_postgres) as trials:
        for name, database, trial in trials:
            for fault in ("kill", "full disk"):
                if fault == "full disk" and (trial.server is not None or not can_mount()):
                    continue  # PostgreSQL's disk is not the program's; without mounting there is no small disk
                rows.append(measure_deed(name, trial, fault=fault, runs=options.runs) | {"database": database})
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    between = sum(row["between"] + row["tracebacks"] for row in rows)
    report({"runs": options.runs, "between": between}, rows, options=options)
    return 1 if between else 0


def can_mount() -> bool:
    """Whether this user may mount a small disk."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603
            return False
        subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603,S607
    return True


def measure_deed(name: str, trial: Trial, *, fault: str, runs: int, seed: int = 1) -> Row:
    """How often the deed was found as before, as after, or between; and how often a full disk gave a traceback."""
    deed, chance = DEEDS[name], random.Random(f"{name} {fault} {seed}")  # noqa: S311 - which moment, not a secret
    with small_disk(trial.folder, wanted=fault == "full disk") as disk:
        with fresh_store(trial, disk) as (home, url):
            before = describe_all(home, url, disk, deed)
        import_modules(deed, trial, disk)
        with fresh_store(trial, disk) as (home, url):
            started = time.monotonic()
            code, said = run_apart(deed, trial, home, url, disk)
            took = time.monotonic() - started
            if code:
                raise RuntimeError(f"{name} failed without any fault: {said}")
            after = describe_all(home, url, disk, deed)
        tally: Counter[str] = Counter(before=0, after=0, repeated=0, between=0, tracebacks=0, unnoted=0)
        for _ in range(runs):
            with fresh_store(trial, disk) as (home, url):
                if fault == "kill":
                    run_apart(deed, trial, home, url, disk, kill_after_s=chance.uniform(0.0, 1.1 * took))
                else:
                    room = int(chance.choice((8, 40, 100, 300, 1000)) * 1024 * chance.random())
                    tally["tracebacks"] += run_without_room(deed, trial, home, url, disk, room=room)
                found = describe_all(home, url, disk, deed)
                verdict = judge(found, before, after, is_entry=deed.is_entry)
                if verdict == "between" and deed.has_output:
                    run_apart(deed, trial, home, url, disk)
                    again = judge(describe_all(home, url, disk, deed), before, after, is_entry=False)
                    verdict = "repeated" if again == "after" else verdict
                tally[verdict] += 1
                tally["unnoted"] += verdict == "after" and deed.kind != "older" and found.entries == before.entries
    return {"deed": name, "fault": fault, "runs": runs, **tally}


@dataclass(frozen=True, slots=True)
class State:
    """What a store, its home and the output hold; entries of the audit trail, and what is wrong (None: nothing)."""

    content: Any
    entries: int = 0
    problem: str | None = None


def judge(state: State, before: State, after: State, *, is_entry: bool = False) -> str:
    """Whether a state is that from before the deed, from after it, or neither."""
    if state.problem is None:
        for name, other in (("before", before), ("after", after)):
            if state.content == other.content and (not is_entry or state.entries == other.entries):
                return name
    print(f"between: {state.problem or 'neither the content of before nor that of after'}", file=sys.stderr)
    return "between"


def import_modules(deed: Deed, trial: Trial, disk: Path) -> None:
    """Import what the deed imports, so that the moments of the runs fall into the change and not into its beginning."""
    names = trial.folder / "modules"
    with fresh_store(trial, disk) as (home, url):
        run_apart(deed, trial, home, url, disk, modules=names)
    for name in names.read_text(encoding="utf-8").split():
        if name.split(".")[0] in {"geo", "layers", "hexbeat", "pandas", "numpy", "shapely", "h3", "scipy", "alembic"}:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


@contextmanager
def small_disk(folder: Path, *, wanted: bool) -> Iterator[Path]:
    """A folder for the runs: a disk of its own if `wanted`."""
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    if not wanted:
        yield disk
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(disk)], check=True)  # noqa: S603,S607
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S603,S607


@contextmanager
def fresh_store(trial: Trial, disk: Path) -> Iterator[tuple[Path, str | None]]:
    """A copy of the whole home on an empty disk, and of the database."""
    for path in disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(trial.whole, disk / "home")
    (disk / "out").mkdir()
    url = trial.server.make(trial.template) if trial.server is not None else None
    try:
        yield disk / "home", url
    finally:
        if trial.server is not None and url is not None:
            trial.server.drop(url)


def run_without_room(deed: Deed, trial: Trial, home: Path, url: str | None, disk: Path, *, room: int) -> bool:
    """Run the deed with so many bytes left on the disk; whether it ended with a traceback."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    ballast.write_bytes(bytes(max(0, free - room)))
    code, said = run_apart(deed, trial, home, url, disk)
    ballast.unlink()
    if code == 99:
        print(said, file=sys.stderr)
    return code == 99


def run_apart(
    deed: Deed,
    trial: Trial,
    home: Path,
    url: str | None,
    disk: Path,
    *,
    kill_after_s: float | None = None,
    modules: Path | None = None,
) -> tuple[int, str]:
    """Run the deed in a child; its exit code (99: a traceback) and what it said.

    Kill it after so long. With `modules`, write the names of all that it imported there.
    """
    places = {"home": str(home), "out": str(disk / "out"), "data": str(trial.data)}
    arguments = ["hexbeat", *(word.format(**places) for word in deed.command)]
    with tempfile.TemporaryFile("w+", dir=trial.folder) as told:
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            _run_in_child(arguments, url, told, modules)
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        told.seek(0)
        return os.waitstatus_to_exitcode(status), told.read()


def _run_in_child(arguments: list[str], url: str | None, told: Any, modules: Path | None) -> None:
    code = 99
    try:
        os.environ.pop("HEXBEAT_DATABASE_URL", None)
        if url:
            os.environ["HEXBEAT_DATABASE_URL"] = url
        sys.argv, sys.stdin = arguments, io.StringIO("")
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            try:
                run_command()
                code = 0
            except SystemExit as stop:
                code = int(stop.code or 0)
            except BaseException:  # noqa: BLE001 - that is what is counted
                traceback.print_exc(file=told)
        told.flush()
        if modules is not None:
            modules.write_text("\n".join(sorted(sys.modules)), encoding="utf-8")
    finally:
        os._exit(code)


def describe_all(home: Path, url: str | None, disk: Path, deed: Deed) -> State:
    """All that the store, its home and the output hold, without what varies; opening it finishes what is pending.

    For a migration: the shape of the tables as they are, without opening.
    """
    engine = make_engine(home, url)
    try:
        with engine.connect() as connection:
            if url is None and (finding := connection.exec_driver_sql("PRAGMA integrity_check").scalar()) != "ok":
                return State(None, problem=str(finding))
            shape = {name: _describe_shape(connection, name) for name in sa.inspect(connection).get_table_names()}
    finally:
        engine.dispose()
    tables: dict[str, list[str]] = {}
    entries, problem = 0, None
    if deed.kind != "older":
        with Store.open(home, database_url=url) as store, store.engine.connect() as connection:
            known = [name for name in shape if name in metadata.tables and not name.startswith("audit_")]
            tables = {name: _describe_table(connection, name) for name in known}
            check = verify_trail(store.engine, home, Viewer(Role.AUDITOR))
            entries, problem = check.entries, check.problem
    files = {
        str(path.relative_to(disk)): _describe_file(path)
        for folder in (home, disk / "out")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(("hexbeat.sqlite", "audit_")) and ".lock" not in path.name
    }
    return State((_forget_names(shape), tables, _forget_drafts(files)), entries, problem)


def _describe_shape(connection: sa.Connection, name: str) -> Any:
    inspector = sa.inspect(connection)
    columns = sorted(column["name"] for column in inspector.get_columns(name))
    count = connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608 - a table's name
    return columns, 1 if name in {"alembic_version", "audit_entries"} else count


def _forget_names(shape: dict[str, Any]) -> list[Any]:
    return sorted((name, *columns) for name, columns in shape.items())


def _describe_table(connection: sa.Connection, name: str) -> list[str]:
    columns = [column for column in metadata.tables[name].columns if column.name not in _VARYING]
    rows = connection.execute(sa.select(*columns)).all()
    if name == "shared_documents":
        return sorted(_describe_document(row) for row in rows)
    return sorted(repr(tuple(row)) for row in rows)


def _describe_document(row: Any) -> str:
    """A shared document without its random names and keys; its hash has to be that of its content."""
    content = bytes(row.content)
    is_whole = hashlib.sha256(content).hexdigest() == row.sha256
    if row.kind == "plan":
        return f"plan {is_whole} {sorted(json.loads(content))}"
    if row.name.endswith("/note.json"):
        facts = json.loads(content) | {"key": ""}
        return f"note {is_whole} {facts | {'counted': len(facts['counted'])}}"
    return f"{row.kind} {row.name} {row.revision} {is_whole} {row.sha256}"


def _describe_file(path: Path) -> str:
    """The content's hash; of what holds its own time or random name, only that it is there and whole."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        from hexbeat.store.backup import read_backup  # noqa: PLC0415 - one deed's

        return str(sorted(read_backup(path).rows.items()))
    if path.suffix == ".json":
        facts = json.loads(content)  # a half-written file is none
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return hashlib.sha256(content).hexdigest()


def _forget_drafts(files: dict[str, str]) -> list[tuple[str, str]]:
    """Drafts that a killed program left are nobody's, and go with the next change."""
    return sorted(
        (name, content) for name, content in files.items() if not any(part.startswith(".") for part in Path(name).parts)
    )


if __name__ == "__main__":
    sys.exit(main())
