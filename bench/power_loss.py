"""Loss of power in the middle of a change: what was written, but not flushed to the disk, may be there or not.

`python -m bench.power_loss [--runs 200] [--only NAME,...]`. Each change of `bench.faults` runs once under strace, which
notes every write, fsync, truncation and change of a name in the store's home and its output. Then the disk is made as
it could be after the power went at a random moment: what a file had before its last fsync is there; of each write after
it, each block of 4096 bytes is there or not; changes of names are there in their order, up to some point after the last
that a flush made sure of. The store is opened from that disk and compared with before and after, as `bench.faults`
does. Required: before or after, never between; and after, when the power goes once the command has ended.

The model is a file system that journals names and nothing else (ext4, XFS). What SQLite keeps in its -shm file is
never on the disk. Needs strace, for Linux; `apt install strace`.
"""

import argparse
import dataclasses
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from bench.fault_states import State, describe_all, judge
from bench.faults import DEEDS, Deed, Trial, fresh_store, run_apart
from bench.report import Row, report

__all__ = ["Disk", "Operation", "build_disk", "measure_deed", "parse_trace", "read_disk", "write_disk"]

BLOCK: Final = 4096
LASTING: Final = ("erase", "ingest", "release build")
_CALLS: Final = (
    "openat,creat,write,pwrite64,lseek,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,"
    "mkdir,mkdirat,rmdir,writev,pwritev,pwritev2,sendfile,copy_file_range,fallocate"
)
_UNKNOWN: Final = frozenset({"writev", "pwritev", "pwritev2", "sendfile", "copy_file_range", "fallocate", "creat"})
_LINE: Final = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?")
_DESCRIPTOR: Final = re.compile(r"^(\d+|AT_FDCWD)(?:<(.*)>)?")


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """What a program did to the disk.

    `kind`: write, truncate, flush (of a file or folder), make, rename, exchange, link or remove. `name` is a path in
    the folder that is watched, `to` the second one, `size` that of a truncation.
    """

    kind: str
    name: str
    to: str = ""
    offset: int = 0
    size: int = 0
    content: bytes = b""
    is_folder: bool = False


@dataclasses.dataclass(slots=True)
class Disk:
    """Folders, and names of files with the numbers of their contents."""

    folders: set[str]
    names: dict[str, int]
    contents: dict[int, bytes]


def main() -> int:
    """Print the figures; exit code 1 if a replay ended in between, or lost what was said to be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="replays of each change (default 200)")
    parser.add_argument("--only", default=",".join(LASTING), help="changes to measure, with commas between")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    if shutil.which("strace") is None:
        print("The loss of power is replayed from what strace notes. Install it: apt install strace", file=sys.stderr)
        return 2
    from tests.support.fault_stores import make_trials  # noqa: PLC0415 - makes stores, which takes a while

    rows: list[Row] = []
    with make_trials(options.only.split(","), postgres=False) as trials:
        for name, _database, trial in trials:
            rows.append(measure_deed(name, trial, runs=options.runs))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    bad = sum(row["between"] + row["lost"] for row in rows)
    report({"runs": options.runs, "between or lost": bad}, rows, options=options)
    return 1 if bad else 0


def measure_deed(name: str, trial: Trial, *, runs: int, seed: int = 1) -> Row:
    """How often the disk after a loss of power held the deed as before, as after, or between.

    Every fourth replay is of the moment after the command ended: one that is not as after is *lost*.
    """
    deed, chance = DEEDS[name], random.Random(f"{name} {seed}")  # noqa: S311 - which moment, not a secret
    disk = trial.folder / "disk"
    disk.mkdir(exist_ok=True)
    with fresh_store(trial, disk) as (home, url):
        before = describe_all(home, url, disk, is_opened=deed.kind != "older")
    with fresh_store(trial, disk) as (home, url):
        start = read_disk(disk)
        operations = record_operations(deed, trial, home, disk)
        after = describe_all(home, url, disk, is_opened=deed.kind != "older")
    tally = dict.fromkeys(("before", "after", "repeated", "between", "lost"), 0)
    for run in range(runs):
        cut = len(operations) if run % 4 == 0 else chance.randrange(len(operations) + 1)
        write_disk(build_disk(start, operations[:cut], chance), disk)
        verdict = judge_disk(deed, trial, disk, before, after)
        tally["lost" if cut == len(operations) and verdict != "after" else verdict] += 1
    return {"deed": name, "operations": len(operations), "runs": runs, **tally}


def judge_disk(deed: Deed, trial: Trial, disk: Path, before: State, after: State) -> str:
    """Open the store that a disk holds, and compare it; a deed in two places may need the command once more."""
    try:
        state = describe_all(disk / "home", None, disk, is_opened=deed.kind != "older")
    except Exception as error:  # noqa: BLE001 - a store that does not open is what is looked for
        state = State(None, problem=f"{type(error).__name__}: {error}")
    verdict = judge(state, before, after, is_entry=deed.is_entry)
    if verdict == "between" and deed.has_output:
        run_apart(deed, trial, disk / "home", None, disk)
        again = judge(describe_all(disk / "home", None, disk, is_opened=deed.kind != "older"), before, after)
        return "repeated" if again == "after" else verdict
    return verdict


def record_operations(deed: Deed, trial: Trial, home: Path, disk: Path) -> list[Operation]:
    """Run the deed under strace; RuntimeError if it fails."""
    places = {"home": str(home), "out": str(disk / "out"), "data": str(trial.data)}
    with tempfile.TemporaryDirectory(dir=trial.folder) as folder:
        trace = Path(folder) / "trace"
        command = ["strace", "-f", "-y", "-xx", "-s", "50000000", "-e", f"trace={_CALLS}", "-o", str(trace)]
        command += [sys.executable, "-m", "hexbeat", *(word.format(**places) for word in deed.command)]
        environment = {key: value for key, value in os.environ.items() if key != "HEXBEAT_DATABASE_URL"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
        if done.returncode:
            raise RuntimeError(f"the deed failed without any fault: {done.stderr}")
        with trace.open(encoding="ascii") as lines:
            return list(parse_trace(lines, disk))


def parse_trace(lines: Iterable[str], folder: Path) -> Iterator[Operation]:
    """What happened in a folder, from the lines that strace wrote (`-f -y -xx`); -shm files are left out."""
    places: dict[str, int] = {}  # how far each open file has been written, by its descriptor and name
    for line in _join_lines(lines):
        match = _LINE.match(line)
        if match is None or int(match[4]) < 0:
            continue
        call, words, result = match[2], match[3].split(", "), int(match[4])
        for operation in _read_call(call, words, result, _decode(match[5] or ""), places):
            names = [_place(name, folder) for name in (operation.name, operation.to)]
            if names[0] is None or operation.name.endswith("-shm"):
                continue
            if call in _UNKNOWN:
                raise ValueError(f"the replay does not know {call}")
            yield dataclasses.replace(operation, name=names[0], to=names[1] or "")


def _join_lines(lines: Iterable[str]) -> Iterator[str]:
    """Calls of several threads as one line each."""
    begun: dict[str, str] = {}
    for line in lines:
        number = line.split(" ", 1)[0]
        if "<unfinished ...>" in line:
            begun[number] = line.split("<unfinished ...>")[0].rstrip()
        elif " resumed>" in line:
            rest = line.split(" resumed>", 1)[1]
            yield begun.pop(number, "") + (rest if rest.startswith((")", ",")) else f" {rest.lstrip()}")
        else:
            yield line


def _decode(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text).encode("latin-1").decode()


def _place(name: str, folder: Path) -> str | None:
    """A path inside the folder; None for another one."""
    path = Path(os.path.normpath(name)) if name else None
    return str(path.relative_to(folder)) if path is not None and path.is_relative_to(folder) else None


def _find_name(word: str) -> str:
    match = _DESCRIPTOR.match(word)
    return _decode(match[2] or "") if match else ""


def _find_path(words: list[str], at: int) -> str:
    """The path of a call that names a folder's descriptor first."""
    return str(Path(_find_name(words[at])) / _decode(words[at + 1].strip('"')))


def _read_call(call: str, words: list[str], result: int, opened: str, places: dict[str, int]) -> Iterator[Operation]:
    key = f"{result} {opened}" if call == "openat" else _find_key(words[0])
    if call == "openat":
        places[key] = 0
        if "O_CREAT" in words[2]:
            yield Operation("make", opened)
        if "O_TRUNC" in words[2]:
            yield Operation("truncate", opened)
    elif call == "lseek":
        places[key] = result
    elif call in {"write", "pwrite64"}:
        offset = int(words[3]) if call == "pwrite64" else places.get(key, 0)
        yield Operation("write", _find_name(words[0]), offset=offset, content=_decode_bytes(words[1])[:result])
        if call == "write":
            places[key] = offset + result
    else:
        yield _read_change(call, words)


def _read_change(call: str, words: list[str]) -> Operation:
    """A truncation, a flush, or a change of a name."""
    match call:
        case "ftruncate":
            return Operation("truncate", _find_name(words[0]), size=int(words[1]))
        case "fsync" | "fdatasync":
            return Operation("flush", _find_name(words[0]))
        case "mkdir" | "unlink" | "rmdir" | "mkdirat" | "unlinkat":
            kind = "make" if call.startswith("mkdir") else "remove"
            name = _find_path(words, 0) if call.endswith("at") else _decode(words[0].strip('"'))
            return Operation(kind, name, is_folder=call not in {"unlink", "unlinkat"} or "AT_REMOVEDIR" in words[-1])
        case "rename" | "link":
            return Operation(call, *(_decode(word.strip('"')) for word in words[:2]))
        case "renameat" | "renameat2" | "linkat":
            kind = "link" if call == "linkat" else "exchange" if "EXCHANGE" in words[-1] else "rename"
            return Operation(kind, _find_path(words, 0), _find_path(words, 2))
        case _:
            return Operation("unknown", _find_name(words[0]))


def _find_key(word: str) -> str:
    match = _DESCRIPTOR.match(word)
    return f"{match[1]} {_decode(match[2] or '')}" if match else ""


def _decode_bytes(word: str) -> bytes:
    return bytes.fromhex(word.strip('"').replace("\\x", ""))


def read_disk(folder: Path) -> Disk:
    """What is in a folder, all of it flushed."""
    paths = sorted(folder.rglob("*"))
    files = [path for path in paths if path.is_file() and not path.name.endswith("-shm")]
    names = {str(path.relative_to(folder)): number for number, path in enumerate(files)}
    folders = {str(path.relative_to(folder)) for path in paths if path.is_dir()}
    return Disk(folders, names, {number: path.read_bytes() for number, path in enumerate(files)})


def write_disk(disk: Disk, folder: Path) -> None:
    """Make a folder hold what a disk holds, and nothing else."""
    shutil.rmtree(folder)
    folder.mkdir()
    for name in sorted(disk.folders):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, number in disk.names.items():
        (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / name).write_bytes(disk.contents[number])


def build_disk(start: Disk, operations: list[Operation], chance: random.Random) -> Disk:
    """What the disk could hold if the power went after these operations."""
    changes, sure, writes, flushed = _follow(start, operations)
    number_done = chance.choice((sure, len(changes), chance.randint(sure, len(changes))))
    disk = Disk(set(start.folders), dict(start.names), dict(start.contents))
    for operation in changes[:number_done]:
        _change_names(disk, operation)
    share = chance.choice((0.0, 1.0, chance.random()))  # of the blocks that are not flushed and there all the same
    for number in set(disk.names.values()):
        for place, operation in enumerate(writes.get(number, ())):
            is_sure = place < flushed.get(number, 0)
            disk.contents[number] = _apply(disk.contents[number], operation, 1.0 if is_sure else share, chance)
    return disk


def _follow(
    start: Disk, operations: list[Operation]
) -> tuple[list[Operation], int, dict[int, list[Operation]], dict[int, int]]:
    """Changes of names and how many a flush made sure of; writes by the number of the content, and the same of them."""
    view = Disk(set(start.folders), dict(start.names), dict(start.contents))  # what programs see
    changes: list[Operation] = []
    writes: dict[int, list[Operation]] = {}
    sure, flushed = 0, dict.fromkeys(start.contents, 0)
    touched: dict[int, int] = {}  # the last change of a name of this content
    for operation in operations:
        number = view.names.get(operation.name, -1)
        is_folder = operation.name == "." or operation.name in view.folders
        if operation.kind in {"write", "truncate"}:
            writes.setdefault(number, []).append(operation)
        elif operation.kind == "flush":
            flushed[number] = len(writes.get(number, ()))
            sure = max(sure, len(changes) if is_folder else touched.get(number, 0))
        elif operation.kind != "make" or (number < 0 and not is_folder):
            _change_names(view, operation)
            changes.append(operation)
            touched[view.names.get(operation.to or operation.name, -1)] = len(changes)
    return changes, sure, writes, flushed


def _change_names(disk: Disk, operation: Operation) -> None:
    name, to = operation.name, operation.to
    match operation.kind:
        case "make" if operation.is_folder:
            disk.folders.add(name)
        case "make":
            disk.names[name] = max(disk.contents, default=-1) + 1
            disk.contents[disk.names[name]] = b""
        case "remove":
            disk.folders.discard(name)
            disk.names.pop(name, None)
        case "link":
            disk.names[to] = disk.names[name]
        case "rename":
            _move(disk, name, to)
        case "exchange":
            _move(disk, name, f"{name}//")
            _move(disk, to, name)
            _move(disk, f"{name}//", to)


def _move(disk: Disk, name: str, to: str) -> None:
    """A file or folder with all that is in it gets another name."""
    for old in [old for old in disk.names if old == name or old.startswith(f"{name}/")]:
        disk.names[to + old.removeprefix(name)] = disk.names.pop(old)
    for old in [old for old in disk.folders if old == name or old.startswith(f"{name}/")]:
        disk.folders.remove(old)
        disk.folders.add(to + old.removeprefix(name))


def _apply(content: bytes, operation: Operation, share: float, chance: random.Random) -> bytes:
    """A content after a truncation, or a write of which each block is kept with this chance."""
    if operation.kind == "truncate":
        return content[: operation.size].ljust(operation.size, b"\0") if chance.random() < share else content
    changed = bytearray(content)
    offset, left = operation.offset, operation.content
    while left:
        part = left[: BLOCK - offset % BLOCK]
        if chance.random() < share:
            changed.extend(bytes(max(0, offset + len(part) - len(changed))))
            changed[offset : offset + len(part)] = part
        offset, left = offset + len(part), left[len(part) :]
    return bytes(changed)


if __name__ == "__main__":
    sys.exit(main())
