"""Uploaded files are read and loaded in a process of their own, which ends at its limits of memory, time and CPU.

One process (`hexbeat.ingest.load_worker`) imports all that a load needs, once, and forks another for each job. So a job
begins at once, and whatever a file does to it, the server goes on. A load that is ended changes nothing: it is one
transaction. The processes get an environment without secrets; only a load is told where its store is.
"""

import atexit
import io
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, Final, cast

from geo.errors import DataError
from hexbeat.environment import select_environment
from hexbeat.ingest.ingest import IngestReport
from hexbeat.ingest.load_worker import EXHAUSTED, HEADER, KINDS
from hexbeat.ingest.suggestions import Suggestion
from hexbeat.settings import PROJECT_DIR, Settings
from hexbeat.store.audit_deeds import Deed
from layers.access import Viewer

__all__ = ["LOAD_LIMITS", "LOOK_LIMITS", "JobLimits", "ingest_apart", "parse_answer", "prepare_jobs", "suggest_apart"]

MB: Final = 1_000_000
MOST_ANSWER_BYTES: Final = 200 * MB
MOST_JOBS: Final = 2  # at once; others wait, so that memory is limited for all together
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What one job may use. CPU time grows with the size of the files; real time is a multiple, as others work too."""

    most_bytes: int
    cpu_s: int
    cpu_s_per_mb: int
    file_bytes: int  # the largest file that it may write; 0: any, because it writes to the store

    def build(self, size: int) -> dict[str, int]:
        """The limits for files of `size` bytes together."""
        cpu_s = self.cpu_s + self.cpu_s_per_mb * (size // MB)
        return {"most_bytes": self.most_bytes, "cpu_s": cpu_s, "wall_s": 5 * cpu_s, "file_bytes": self.file_bytes}


LOOK_LIMITS: Final = JobLimits(4_000 * MB, cpu_s=60, cpu_s_per_mb=2, file_bytes=3_000 * MB)
LOAD_LIMITS: Final = JobLimits(4_000 * MB, cpu_s=120, cpu_s_per_mb=10, file_bytes=0)


def prepare_jobs() -> None:
    """Start the process that forks others, without waiting for it, so that the first job need not wait either."""
    _FORKER.prepare()


def suggest_apart(path: Path, *, limits: JobLimits = LOOK_LIMITS, **options: Any) -> Suggestion:
    """`suggest_profile` in a process with limits; DataError as there, or if the file takes it beyond them."""
    return cast("Suggestion", _run("suggest", {"path": path, **options}, [path], limits, progress=None))


def ingest_apart(  # the choices of one load, all by name
    settings: Settings,
    viewer: Viewer,
    paths: Sequence[Path],
    *,
    progress: Progress | None = None,
    limits: JobLimits = LOAD_LIMITS,
    deed: Deed | None = None,
    **options: Any,
) -> IngestReport:
    """`ingest_files` in a process with limits, which opens the store of the settings; errors as there.

    `deed` is what the audit trail says of it: it is written in the transaction that loads the files. DataError if the
    files take it beyond its limits. Nothing is changed then. What is kept beside a large store is made within the same
    limits (`hexbeat.store.prepared_files`); beyond them, the load is done without it.
    """
    arguments = {
        "home": settings.home.resolve(), "database_url": settings.database_url, "area": settings.area,
        "viewer": viewer, "paths": list(paths), "deed": deed, **options,
    }  # fmt: skip
    report = cast("IngestReport", _run("ingest", arguments, paths, limits, progress=progress))
    if deed is not None and report.batch_id is not None:  # it was loaded, and written with it
        deed.is_written = True
    return report


def _run(
    job: str, arguments: dict[str, Any], paths: Sequence[Path], limits: JobLimits, *, progress: Progress | None
) -> Any:
    """The result of a job; its error raised here."""
    bounds = limits.build(sum(path.stat().st_size for path in paths))
    with _SLOTS, _start_job(pickle.dumps({"job": job, "arguments": arguments, "limits": bounds})) as answers:
        start = time.monotonic()
        end = start + bounds["wall_s"]
        while (message := _read_message(answers, end)) is not None:
            match message:
                case ("progress", int(done), int(total)):
                    if progress is not None:
                        progress(done, total)
                case ("result", result):
                    return result
                case ("loaded", report):  # however the process ends that now prepares what readers need
                    _read_message(answers, end)
                    return report
                case ("error", int(kind), (str(rule), str(fact), str(hint))):
                    raise KINDS[kind](rule, fact, hint)
                case ("fault", str(fault)):
                    raise RuntimeError(f"the process that reads uploads failed: {fault}")
                case _ if message != (EXHAUSTED,):
                    raise RuntimeError("the process that reads uploads sent what it never sends")
                case _:
                    break
        took_s = time.monotonic() - start
    names = ", ".join(path.name for path in paths[:3])
    if message is None and took_s < bounds["cpu_s"] / (os.cpu_count() or 1):  # too early for a limit of its own
        raise DataError(
            "A file is read to its end",
            f"the process that read {names} was ended from outside",
            "nothing was changed; try again, and if it happens again, the machine lacks memory: split the file",
        )
    raise DataError(
        f"A file is read in at most {bounds['most_bytes'] / MB:,.0f} MB of memory and {bounds['cpu_s']:,} s",
        f"{names} takes more",
        "split it, by month for instance, or save it as CSV",
    )


_SLOTS: Final = threading.BoundedSemaphore(MOST_JOBS)


@contextmanager
def _start_job(request: bytes) -> Iterator[int]:
    """Start a process on a request; yields the descriptor of its answers. It and what it started end with the block."""
    their_reading, writing = os.pipe()
    reading, their_writing = os.pipe()
    process = None
    try:
        try:
            process = _FORKER.fork(their_reading, their_writing)
        finally:
            os.close(their_reading)
            os.close(their_writing)
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as out:
            writing = -1
            out.write(request)
        yield reading
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process, signal.SIGKILL)


def _read_message(answers: int, end: float) -> Any:
    """The next message of a job; None if it ended without one, or not in time."""
    header = _read_bytes(answers, HEADER.size, end)
    if header is None or HEADER.unpack(header)[0] > MOST_ANSWER_BYTES:
        return None
    body = _read_bytes(answers, HEADER.unpack(header)[0], end)
    return None if body is None else parse_answer(body)


def _read_bytes(answers: int, length: int, end: float) -> bytes | None:
    parts, left = [], length
    while left:
        if not select.select([answers], [], [], max(end - time.monotonic(), 0))[0]:
            return None
        part = os.read(answers, min(left, MB))
        if not part:
            return None
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def parse_answer(body: bytes) -> Any:
    """An answer's value; pickle.UnpicklingError if it would make anything but values of our own data classes."""
    return _Unpickler(io.BytesIO(body)).load()


class _Unpickler(pickle.Unpickler):
    """Reads answers, which are values of our own data classes, and refuses anything else that could run."""

    def find_class(self, module: str, name: str) -> Any:
        """A data class or enumeration of the project, or a plain value of Python."""
        if (module, name) in PLAIN:
            return super().find_class(module, name)
        if module.split(".", maxsplit=1)[0] in {"geo", "layers", "hexbeat"} and "." not in name:
            candidate = super().find_class(module, name)
            if isinstance(candidate, type) and is_dataclass(candidate):
                return candidate
        raise pickle.UnpicklingError(f"{module}.{name}")


PLAIN: Final = {
    ("builtins", "set"), ("builtins", "frozenset"), ("collections", "Counter"), ("collections", "OrderedDict"),
    ("datetime", "date"), ("datetime", "datetime"), ("datetime", "timedelta"), ("datetime", "timezone"),
}  # fmt: skip


class _Forker:
    """The process that forks others: started when it is first needed, and again if it ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._door: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Start the process unless it runs."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()

    def fork(self, reading: int, writing: int) -> int:
        """The number of a new process that has these two ends."""
        self.prepare()
        with self._lock:
            try:
                return self._ask(reading, writing)
            except OSError:
                self._start()
                return self._ask(reading, writing)

    def _ask(self, reading: int, writing: int) -> int:
        if self._door is None:
            raise ConnectionError
        socket.send_fds(self._door, [b"j"], [reading, writing])
        header = self._door.recv(HEADER.size, socket.MSG_WAITALL)
        if len(header) < HEADER.size:
            raise ConnectionError
        return int(HEADER.unpack(header)[0])

    def close(self) -> None:
        """End the process: it ends when its socket closes."""
        if self._door is not None:
            self._door.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self.close()
        self._door, theirs = socket.socketpair()
        environment = {**select_environment(), "PYTHONPATH": str(PROJECT_DIR), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-P", "-m", "hexbeat.ingest.load_worker", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # this interpreter and our own module; no shell
                command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL
            )


_FORKER: Final = _Forker()
atexit.register(_FORKER.close)
