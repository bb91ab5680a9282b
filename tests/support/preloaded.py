"""Programs that tests start, forked from one process that has imported what they need: most of a start is imports.

`start_preloaded` gives a program its arguments, its environment, its folder and its streams, as a new interpreter would
have them. What the program replaces itself by (`hexbeat serve` becomes the server) is forked again from the clean
process, so nothing that the first has read is left in it. All processes of a test run share one mother, which ends with
the run. Whoever tests what a program imports or inherits starts a real one instead.
"""

import atexit
import contextlib
import fcntl
import gc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

from tests.support.paths import ROOT

__all__ = ["CAN_FORK", "Preloaded", "start_preloaded"]

CAN_FORK: Final = hasattr(os, "pidfd_open")  # elsewhere than on Linux every program is started anew

# What servers and commands import, but for the modules that are programs themselves, and those that declare components:
# Streamlit knows of a component only if it is declared while the server runs.
MODULES: Final = (
    "streamlit", "streamlit.web.bootstrap", "streamlit.web.cli", "streamlit.web.server.starlette", "uvicorn",
    "uvicorn.lifespan.on", "folium.plugins", "rapidfuzz.process", "xlsxwriter", "hexbeat.cli.main",
    "hexbeat.cli.server_commands", "hexbeat.dashboard.security", "hexbeat.dashboard.web.connections",
    "hexbeat.dashboard.web.downloads", "hexbeat.dashboard.map.basemap", "hexbeat.dashboard.public.public_security",
    "hexbeat.dashboard.state.findings", "hexbeat.dashboard.state.session", "hexbeat.documents.alert_form",
    "hexbeat.documents.plan.plan_files", "hexbeat.evaluation.request", "hexbeat.operations.plans.patrol",
    "hexbeat.release.audit",
)  # fmt: skip
DECLARING: Final = "streamlit_folium"
STARTS_WITHIN_S: Final = 120  # a safety net, not a promise
LARGEST_REQUEST: Final = 1_000_000
KILLED: Final = 256  # no exit code was said


@dataclass
class Preloaded:
    """A program that runs, with what tests ask of a `subprocess.Popen`; `fate`: the pipe to which it says its code."""

    pid: int
    fate: int
    returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._read(0)

    def wait(self, timeout: float) -> int:
        """Wait for its end."""
        code = self._read(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def _read(self, timeout: float) -> int | None:
        if self.returncode is None and select.select([self.fate], [], [], timeout)[0]:
            said = os.read(self.fate, 8)
            self.returncode = int(said) if said else KILLED
            os.close(self.fate)
        return self.returncode


def start_preloaded(
    arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, stdout: int, stderr: int
) -> Preloaded:
    """Start what `python ARGUMENTS` is ("-m MODULE ..." or "-c CODE ...") with its output to these descriptors."""
    reading, writing = os.pipe()
    request = json.dumps({"arguments": list(arguments), "environment": dict(environment), "folder": str(folder)})
    with connect_mother() as mother:
        socket.send_fds(mother, [request.encode()], [stdout, stderr, writing])
        os.close(writing)
        return Preloaded(int(mother.recv(20)), reading)


def connect_mother() -> socket.socket:
    """A connection to the mother of this test run, which is started by whoever asks first."""
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    place = Path(tempfile.gettempdir()) / f"hexbeat-mother-{os.getuid()}-{run}"
    place.mkdir(mode=0o700, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            door.connect(str(place / "door"))
        except OSError:
            start_mother(place, run)
            door.connect(str(place / "door"))
    return door


def start_mother(place: Path, run: int) -> None:
    """Start the mother and wait until she listens."""
    (place / "door").unlink(missing_ok=True)
    with (place / "log").open("wb") as log:
        mother = subprocess.Popen(
            [sys.executable, "-m", "tests.support.preloaded", str(place), str(run)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    end = time.monotonic() + STARTS_WITHIN_S
    while not (place / "door").exists():
        if mother.poll() is not None or time.monotonic() > end:
            raise RuntimeError((place / "log").read_text(encoding="utf-8"))
        time.sleep(0.02)
    mother.returncode = 0  # she outlives this process, which need not wait for her


def be_mother(place: Path, run: int) -> None:
    """Fork a program for each request, until the process of the test run ends; then end them all."""
    for name in MODULES:
        import_module(name)
    if DECLARING in sys.modules:
        raise RuntimeError(f"one of these modules imports {DECLARING}")
    # Every server reads what each installed package says of itself, and finds the same.
    scanner = import_module("streamlit.components.v2.manifest_scanner")
    scanner.scan_component_manifests = cache(scanner.scan_component_manifests)  # type: ignore[attr-defined]
    scanner.scan_component_manifests()  # type: ignore[attr-defined]
    gc.collect()
    gc.freeze()  # what is shared with the children is not looked through again, and so stays shared
    watch = os.pidfd_open(run)
    children: set[int] = set()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(str(place / "door.new"))
        door.listen(16)
        (place / "door.new").rename(place / "door")
        while watch not in select.select([door, watch], [], [])[0]:
            forget_ended(children)
            children.add(fork_program(door))
    forget_ended(children)
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    shutil.rmtree(place)


def fork_program(door: socket.socket) -> int:
    """Take one request, and fork what it asks for; its process."""
    asker, _ = door.accept()
    with asker:
        request, descriptors, _, _ = socket.recv_fds(asker, LARGEST_REQUEST, 3)
        child = os.fork()
        if child == 0:
            door.close()
            begin_program(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        asker.send(str(child).encode())
    return child


def forget_ended(children: set[int]) -> None:
    """Leave out those that have ended: until then their numbers are nobody else's."""
    for child in list(children):
        if os.waitpid(child, os.WNOHANG)[0]:
            children.remove(child)


def begin_program(request: dict[str, Any], stdout: int, stderr: int, fate: int) -> NoReturn:
    """Take the streams and the folder, and be the program; or what it replaces itself by, in a clean process."""
    os.setsid()
    os.set_inheritable(fate, False)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    os.chdir(request["folder"])
    reading, writing = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(reading)
        os.close(fate)
        os.execve = replace_by(writing)  # type: ignore[assignment] # it comes back to the clean process
        end_program(run_program(request["arguments"], request["environment"]), fate=None)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(first, number))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    _, status = os.waitpid(first, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if told:
        end_program(run_program(**json.loads(told)), fate=fate)
    end_program(os.waitstatus_to_exitcode(status), fate=fate)


def replace_by(writing: int) -> Any:
    """An `os.execve` that says what is to be run instead, and ends the process."""

    def execve(path: str, arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
        assert path == arguments[0] == sys.executable, "only this Python can be forked"
        os.write(writing, json.dumps({"arguments": list(arguments[1:]), "environment": dict(environment)}).encode())
        os._exit(0)

    return execve


def run_program(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a module or code as `__main__`; its exit code."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    what, program, *rest = arguments
    code: object = 0
    try:
        if what == "-m":
            sys.argv = [program, *rest]
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c", *rest]
            exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - a test's own words
    except SystemExit as stop:
        code = stop.code
    except BaseException:  # noqa: BLE001 - as an interpreter does at the end of a program
        traceback.print_exc()
        code = 1
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


def end_program(code: int, *, fate: int | None) -> NoReturn:
    """End as an interpreter does, and say the exit code."""
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - it has no other name
        atexit._run_exitfuncs()  # noqa: SLF001 - it has no other name
        sys.stdout.flush()
        sys.stderr.flush()
    if fate is not None:
        os.write(fate, str(code).encode())
    os._exit(code)


if __name__ == "__main__":
    be_mother(Path(sys.argv[1]), int(sys.argv[2]))
