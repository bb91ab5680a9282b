"""Programs that are killed, and full disks, in the middle of every change of the store: before or after, never between.

`python -m bench.faults [--runs 200] [--only NAME,...] [--databases SQLite,PostgreSQL] [--faults "kill,full disk"]`.
Each run copies a whole store, begins one change in a process of its own, and either kills the process (SIGKILL) at a
random moment or lets the disk become full (a small tmpfs, filled but for a random number of bytes). With PostgreSQL it
is the disk of the server that becomes full, with its data and its log of changes (`bench.fault_disks`). Where the
server ends by that, it is started again once there is room, as its keeper would. Then the store is opened with room
again, and everything that it holds, its home and its releases are compared with the same change undisturbed.

Required: each run ends as if the change had not begun, or as if it had ended, the database finds no fault in its file
(PRAGMA integrity_check), the audit trail verifies, a full disk gives an error in three parts, and a change that was not
made can be made once there is room.

The moments of killing are drawn over the calls by which the program writes, flushes, renames, removes and sends
(`bench.fault_moments`); without a C compiler, over the time that the change takes. The program that is killed is a fork
of this one, which has made the change once: so its modules and areas are loaded, and what only computes (a plan, a
draft of a release) is taken from then.

*Repeated* are runs of a change in two places (the register, then the folder of a release) that were found between, and
that the same command, run again, brought to the end. *Unnoted* are changes that are there, and whose entry in the audit
trail is not. *Stuck* are changes that a full disk prevented, and that could not be made with room again. *Refused* are
those that a full disk of PostgreSQL ended with the error of a full disk (else: of a server that went away), *restarts*
how often the server had ended itself.

`DEEDS` names the changes. `add_deed` adds another.
"""

import contextlib
import functools
import gc
import importlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.fault_disks import can_mount, small_disk, without_room
from bench.fault_moments import count_calls, kill_before_call, load_library
from bench.fault_states import describe_all, judge
from bench.report import Row, build_parser, report
from hexbeat.cli.main import main as run_command

__all__ = ["DEEDS", "Deed", "Server", "Trial", "add_deed", "measure_deed"]

_DISK_BYTES: Final = 24_000_000  # for a home and what it writes
_DATABASES: Final = ("SQLite", "PostgreSQL")
_FAULTS: Final = ("kill", "full disk")
_ROOMS_KB: Final = (8, 40, 100, 300, 1000, 4000)  # what is left on a full disk: at random, up to one of them
_FULL: Final = "The disk of the database needs room"  # how the error of a full disk of PostgreSQL begins
_TRACEBACK: Final = 99  # the exit code
_CALLS: Final = "calls: "
_COUNTED: Final = ("before", "after", "repeated", "between", "tracebacks", "unnoted", "stuck")
_computing_anew: Final[list[bool]] = []  # in a child that does not use remembered answers


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
    computed: tuple[str, ...] = ()  # functions (module:name) that only compute: their first answers are used again


DEEDS: Final[dict[str, Deed]] = {
    "ingest": Deed(("ingest", "{data}/more.csv", "--source", "table", "--home", "{home}")),
    "undo": Deed(("undo", "--yes", "--home", "{home}")),
    "erase": Deed(("erase", "--source", "table", "--source-id", "r-7", "--yes", "--home", "{home}")),
    "ledger import": Deed(("done", "import", "{data}/walk.csv", "--home", "{home}")),
    "places load": Deed(("places", "load", "{data}/places.csv", "--kind", "naloxone", "--home", "{home}")),
    "plan save": Deed(
        ("plan", "patrol", "--layer", "needle_litter", "--teams", "1", "--seed", "1", "--home", "{home}"),
        kind="planned",
        computed=("hexbeat.cli.plan_commands:make_patrol_plan",),
    ),
    "release build": Deed(
        ("release", "build", "--out", "{out}/release", "--home", "{home}"),
        kind="demonstration",
        has_output=True,
        computed=("hexbeat.release.publication:build_draft", "hexbeat.release.publication:audit_release"),
    ),
    "migration": Deed(("coverage", "--home", "{home}"), kind="older"),
    "backup": Deed(("backup", "{out}/backup.tar.gz", "--home", "{home}"), has_output=True, on_postgres=False),
}


def add_deed(name: str, deed: Deed) -> None:
    """Measure another change, too."""
    DEEDS[name] = deed


add_deed("audit entry", Deed(("coverage", "--home", "{home}"), is_entry=True))
add_deed(
    "audit retain", Deed(("audit", "retain", "--years", "1", "--yes", "--home", "{home}"), kind="long", is_entry=True)
)


@dataclass(frozen=True, slots=True)
class Server:
    """Databases of a PostgreSQL: `make(template)` answers the address of a copy, `drop(url)` removes it.

    `disk` is the small disk on which all of it lies, None if it lies anywhere. `revive` waits until the server answers,
    starts it again if it has ended, and says whether it did.
    """

    make: Callable[[str | None], str]
    drop: Callable[[str], None]
    disk: Path | None = None
    revive: Callable[[], bool] = bool


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
    parser.add_argument("--databases", default=",".join(_DATABASES), help="on which, with commas between")
    parser.add_argument("--faults", default=",".join(_FAULTS), help="which of them, with commas between")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        load_library(Path(folder))
    names = options.only.split(",") if options.only else list(DEEDS)
    for option, wanted, known in (
        ("only", names, DEEDS),
        ("databases", options.databases.split(","), _DATABASES),
        ("faults", options.faults.split(","), _FAULTS),
    ):
        if unknown := set(wanted) - set(known):
            parser.error(f"--{option} takes {', '.join(known)}, not {', '.join(sorted(unknown))}")
    rows = list(_measure_all(names, options))
    between = sum(row["between"] + row["tracebacks"] + row["stuck"] for row in rows)
    report({"runs": options.runs, "between": between}, rows, options=options)
    return 1 if between else 0


def _measure_all(names: list[str], options: Namespace) -> Iterator[Row]:
    """The figures of each deed, database and fault that was chosen; said as soon as they are there."""
    from tests.support.fault_stores import make_trials  # noqa: PLC0415 - makes stores, which takes a while

    with make_trials(names, databases=options.databases.split(","), small_disk=can_mount()) as trials:
        for name, database, trial in trials:
            for fault in options.faults.split(","):
                if fault == "full disk" and not can_mount():
                    print("full disk: not measured, because this user may not mount a small disk", file=sys.stderr)
                    continue
                row = measure_deed(name, trial, fault=fault, runs=options.runs) | {"database": database}
                print(json.dumps(row), file=sys.stderr, flush=True)
                yield row


def measure_deed(name: str, trial: Trial, *, fault: str, runs: int, seed: int = 1) -> Row:
    """How often the deed was found as before, as after, or between; and how often a full disk gave a traceback."""
    deed, chance = DEEDS[name], random.Random(f"{name} {fault} {seed}")  # noqa: S311 - which moment, not a secret
    with small_disk(trial.folder / "disk", size=_DISK_BYTES) as disk, warmed(deed, trial, disk):
        with fresh_store(trial, disk) as (home, url):
            before = describe_all(home, url, disk, is_opened=deed.kind != "older")
        with fresh_store(trial, disk) as (home, url):
            started = time.monotonic()
            ended = run_apart(deed, trial, home, url, disk)
            took = time.monotonic() - started
            if ended.code:
                raise RuntimeError(f"{name} failed without any fault: {ended.said}")
            after = describe_all(home, url, disk, is_opened=deed.kind != "older")
        tally: Counter[str] = Counter(dict.fromkeys(_COUNTED, 0))
        for _ in range(runs):
            with fresh_store(trial, disk) as (home, url):
                if fault == "kill":
                    moment = chance.randint(1, ended.calls) if ended.calls else None
                    kill_after_s = chance.uniform(0.0, 1.1 * took) if moment is None else None
                    run_apart(deed, trial, home, url, disk, kill_before=moment, kill_after_s=kill_after_s)
                else:
                    room = int(chance.choice(_ROOMS_KB) * 1024 * chance.random())
                    tally.update(run_without_room(deed, trial, home, url, disk, room=room))
                state = describe_all(home, url, disk, is_opened=deed.kind != "older")
                verdict = judge(state, before, after, is_entry=deed.is_entry)
                if verdict == "between" and deed.has_output:
                    run_apart(deed, trial, home, url, disk, computes=True)
                    again = judge(
                        describe_all(home, url, disk, is_opened=deed.kind != "older"), before, after, is_entry=False
                    )
                    verdict = "repeated" if again == "after" else verdict
                tally[verdict] += 1
                if verdict == "before" and fault == "full disk":
                    tally["stuck"] += run_apart(deed, trial, home, url, disk).code != 0
                tally["unnoted"] += verdict == "after" and deed.kind != "older" and state.entries == before.entries
    return {"deed": name, "fault": fault, "runs": runs, **tally}


@contextmanager
def warmed(deed: Deed, trial: Trial, disk: Path) -> Iterator[None]:
    """Make the change once in this process, and keep what it loaded and computed."""
    with contextlib.ExitStack() as stack:
        for name in deed.computed:
            module, _, function = name.partition(":")
            stack.enter_context(_remembered(importlib.import_module(module), function))
        with fresh_store(trial, disk) as (home, url), contextlib.redirect_stdout(io.StringIO()) as output:
            with contextlib.redirect_stderr(output):
                code = _run_here(_fill_places(deed, trial, home, disk), url)
            if code:
                raise RuntimeError(f"{deed.command} failed without any fault: {output.getvalue()}")
        gc.collect()
        gc.freeze()
        yield
        gc.unfreeze()


@contextmanager
def _remembered(module: Any, name: str) -> Iterator[None]:
    """In the place of a function, one that gives its first answer again."""
    plain, answers = getattr(module, name), []

    @functools.wraps(plain)
    def answer(*arguments: Any, **options: Any) -> Any:
        if _computing_anew:
            return plain(*arguments, **options)
        if not answers:
            answers.append(plain(*arguments, **options))
        return answers[0]

    setattr(module, name, answer)
    try:
        yield
    finally:
        setattr(module, name, plain)


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


def run_without_room(deed: Deed, trial: Trial, home: Path, url: str | None, disk: Path, *, room: int) -> dict[str, int]:
    """Run the deed with so many bytes left on the disk of the store, then make room; what there is to count of it."""
    server = trial.server
    with without_room(disk if server is None else (server.disk or disk), room=room):
        ended = run_apart(deed, trial, home, url, disk)
    if ended.code == _TRACEBACK:
        print(ended.said, file=sys.stderr)
    counted = {"tracebacks": int(ended.code == _TRACEBACK)}
    if server is None:
        return counted
    return counted | {"refused": int(_FULL in ended.said), "restarts": int(server.revive())}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code, what it said, and its calls that change something (0: not counted)."""

    code: int
    said: str
    calls: int


def run_apart(
    deed: Deed,
    trial: Trial,
    home: Path,
    url: str | None,
    disk: Path,
    *,
    kill_before: int | None = None,
    kill_after_s: float | None = None,
    computes: bool = False,
) -> Ended:
    """Run the deed in a child, and kill it before its call of that number, or after so long.

    `computes` if it computes anew what the deed remembers: the store is another one by now.
    """
    arguments = _fill_places(deed, trial, home, disk)
    with tempfile.TemporaryFile("w+", dir=trial.folder) as output:
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            _computing_anew.extend([True] if computes else [])
            _run_in_child(arguments, url, output, kill_before or -1)
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        output.seek(0)
        text, _, calls = output.read().rpartition(_CALLS)
        return Ended(os.waitstatus_to_exitcode(status), text, int(calls or 0) if text else 0)


def _fill_places(deed: Deed, trial: Trial, home: Path, disk: Path) -> list[str]:
    places = {"home": str(home), "out": str(disk / "out"), "data": str(trial.data)}
    return ["hexbeat", *(word.format(**places) for word in deed.command)]


def _run_in_child(arguments: list[str], url: str | None, output: Any, kill_before: int) -> None:
    code = _TRACEBACK
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            is_counted = kill_before_call(kill_before)
            code = _run_here(arguments, url)
            print(f"{_CALLS}{count_calls() if is_counted else 0}", end="", file=output, flush=True)
    finally:
        os._exit(code)


def _run_here(arguments: list[str], url: str | None) -> int:
    """The exit code of the command (99: a traceback, which it printed)."""
    os.environ.pop("HEXBEAT_DATABASE_URL", None)
    if url:
        os.environ["HEXBEAT_DATABASE_URL"] = url
    sys.argv, sys.stdin = arguments, io.StringIO("")
    try:
        run_command()
    except SystemExit as stop:
        return int(stop.code or 0)
    except BaseException:  # noqa: BLE001 - that is what is counted
        traceback.print_exc()
        return _TRACEBACK
    return 0


if __name__ == "__main__":
    sys.exit(main())
