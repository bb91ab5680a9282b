"""A process with limited memory and CPU time that reads one file, so that no file can use up the machine."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from hexbeat.environment import select_environment
from hexbeat.ingest.readers.limits import Limits

__all__ = ["Worker", "WorkerError", "start_worker"]

MB: Final = 1_000_000
MOST_HEADER_BYTES: Final = 50 * MB
EXHAUSTED: Final = "exhausted"
# Allocators reserve addresses ahead, a gigabyte or 64 MB a thread, which would count as memory that the file takes.
ALLOCATORS: Final = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}


class WorkerError(Exception):
    """A worker's report: a word for the problem (`exhausted` if it ended without a report), and names it concerns."""

    def __init__(self, word: str, names: list[str]) -> None:
        super().__init__(word)
        self.word, self.names = word, names


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker, its two streams, and the file of its report."""

    process: subprocess.Popen[bytes]
    answers: IO[bytes]
    questions: IO[bytes]
    report: IO[bytes]

    def read_header(self) -> dict[str, Any]:
        """The first line that it writes, as JSON; WorkerError if it ends without one."""
        line = self.answers.readline(MOST_HEADER_BYTES)
        if not line.endswith(b"\n"):
            self.require_success()
            raise WorkerError(EXHAUSTED, [])
        header: dict[str, Any] = json.loads(line)
        return header

    def ask(self, question: Any) -> None:
        """Write a line of JSON to it."""
        try:
            self.questions.write(json.dumps(question).encode() + b"\n")
            self.questions.flush()
        except OSError:
            self.require_success()

    def require_success(self) -> None:
        """Wait for its end; WorkerError unless it ended well."""
        if self.process.wait() == 0:
            return
        self.report.seek(0)
        lines = self.report.read(MB).decode("utf-8", "replace").splitlines()
        try:
            problem = json.loads(lines[-1])
            word, names = str(problem["problem"]), [str(name) for name in problem["names"]]
        except (IndexError, ValueError, KeyError, TypeError):
            word, names = EXHAUSTED, []
        raise WorkerError(EXHAUSTED if "MemoryError" in names or "ArrowMemoryError" in names else word, names)


@contextmanager
def start_worker(program: Path, request: dict[str, Any], *, limits: Limits, size: int) -> Iterator[Worker]:
    """Start a worker program of this folder on a file of `size` bytes; it ends with the block.

    Its CPU time grows with the file, so that a small file cannot keep the machine busy for long.
    """
    seconds = limits.geofile_s + size // MB
    command = [sys.executable, "-I", str(program), json.dumps(request), str(limits.worker_bytes), str(seconds)]
    with (
        tempfile.TemporaryFile() as report,
        subprocess.Popen(  # noqa: S603  # this interpreter and our own file; no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=report,
            env=select_environment() | ALLOCATORS,
        ) as process,  # fmt: skip
    ):
        try:
            if process.stdout is None or process.stdin is None:
                raise WorkerError(EXHAUSTED, [])
            yield Worker(process, process.stdout, process.stdin, report)
        finally:
            process.kill()
