"""Programs that read one file each, forked from one process that has imported what they need: most of a start is that.

`hexbeat.ingest.readers` starts a new Python for each workbook, document and file of shapes. Tests of what a file says
ask for the same program with the same streams, limits and end, from a process that imported it once. Whoever tests the
process itself (files that would harm it) has `real_readers`; what the dashboard and the servers load is read as ever.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import IO, Final, Self

import pytest

from hexbeat.environment import select_environment
from hexbeat.ingest.readers import geofile_worker, spreadsheet, worker_process
from tests.support import reader_mother
from tests.support.preloaded import CAN_FORK

__all__ = ["forked_readers", "real_readers"]

KILLED: Final = -signal.SIGKILL  # it said no exit code


class ForkedReader:
    """A reader that runs, with what `hexbeat.ingest.readers` asks of a `subprocess.Popen`."""

    def __init__(self, door: socket.socket, command: Sequence[str], stderr: IO[bytes], env: Mapping[str, str]) -> None:
        (asked, questions), (answers, answered), (fate, end) = os.pipe(), os.pipe(), os.pipe()
        request = json.dumps({"arguments": command[2:], "environment": dict(env)}).encode()
        socket.send_fds(door, [request], [asked, answered, stderr.fileno(), end])
        self.pid = int(door.recv(20))
        for descriptor in (asked, answered, end):
            os.close(descriptor)
        self.stdin, self.stdout, self._fate = os.fdopen(questions, "wb"), os.fdopen(answers, "rb"), fate
        self.returncode: int | None = None

    def poll(self, timeout_s: float | None = 0) -> int | None:
        """The exit code, or None while it runs."""
        if self.returncode is None and select.select([self._fate], [], [], timeout_s)[0]:
            said = os.read(self._fate, 8)
            self.returncode = int(said) if said else KILLED
            os.close(self._fate)
        return self.returncode

    def wait(self) -> int | None:
        """Wait for its end."""
        return self.poll(None)

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        with suppress(BrokenPipeError):
            self.stdin.close()
        self.wait()


class Mother:
    """The process that forks readers, started when the first is asked for."""

    def __init__(self) -> None:
        self._door: socket.socket | None = None

    def start(
        self, command: Sequence[str], *, stdin: int, stdout: int, stderr: IO[bytes], env: Mapping[str, str]
    ) -> ForkedReader:
        """What `subprocess.Popen` would start."""
        assert (*command[:2], stdin, stdout) == (sys.executable, "-I", subprocess.PIPE, subprocess.PIPE), command
        if self._door is None:
            self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                subprocess.Popen(
                    [sys.executable, "-I", reader_mother.__file__, str(theirs.fileno()), geofile_worker.__file__],
                    pass_fds=[theirs.fileno()],
                    env=select_environment() | worker_process.ALLOCATORS,
                ).returncode = 0  # she ends when this process has ended, which need not wait for her
        return ForkedReader(self._door, command, stderr, env)

    def stop(self) -> None:
        """End her."""
        if self._door is not None:
            self._door.close()


@pytest.fixture(scope="session", autouse=True)
def forked_readers() -> Iterator[None]:
    """Readers of files are forked."""
    mother = Mother()
    forking = SimpleNamespace(PIPE=subprocess.PIPE, Popen=mother.start)
    with pytest.MonkeyPatch.context() as patch:
        for module in (worker_process, spreadsheet) if CAN_FORK else ():
            patch.setattr(module, "subprocess", forking)
        yield
    mother.stop()


@pytest.fixture
def real_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers of this test are started as anybody's are."""
    for module in (worker_process, spreadsheet):
        monkeypatch.setattr(module, "subprocess", subprocess)
