"""Reads and loads uploaded files in processes with limits, each forked for one job from one that has imported all.

Started by `hexbeat.ingest.load_process` as `python -m hexbeat.ingest.load_worker DESCRIPTOR`, that of a socket. A
message on it carries the two ends of a job: a pipe with the request, and a pipe for the answers. The forked process
limits itself, does the job and ends; the first process has no other work, no files and no secrets.
"""

import os
import pickle
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Final

from geo.errors import AreaError, DataError, HexbeatError, PolicyError, StoreError, UsageError
from hexbeat.areas.area import load_area
from hexbeat.ingest.ingest import IngestReport, ingest_files
from hexbeat.ingest.suggestions import Suggestion, suggest_profile
from hexbeat.store.audit_deeds import Deed, carry_deed
from hexbeat.store.prepared_files import prepare_files
from hexbeat.store.store import Store

__all__ = ["EXHAUSTED", "HEADER", "KINDS", "main"]

HEADER: Final = struct.Struct(">Q")  # before each message: its length in bytes
KINDS: Final = (DataError, AreaError, StoreError, UsageError, PolicyError)
EXHAUSTED: Final = "exhausted"
STEPS: Final = 200  # of a bar; more messages show nothing
Send = Callable[[Any], None]


def main(arguments: list[str]) -> int:
    """Fork a process for each job, until the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a key pressed for the server ends the server, and so this
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended processes leave nothing behind
    with socket.socket(fileno=int(arguments[0])) as door:
        while True:
            message, descriptors, _, _ = socket.recv_fds(door, 1, 2)
            if not message:
                return 0
            process = os.fork()
            if process == 0:
                door.close()
                _do_job(*descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            door.sendall(HEADER.pack(process))


def _do_job(reading: int, writing: int) -> None:
    """Do one job and end this process, whatever happens."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()  # so that what it starts can be ended with it
        with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as answers:

            def send(message: Any) -> None:
                body = pickle.dumps(message)
                answers.write(HEADER.pack(len(body)) + body)
                answers.flush()

            request = pickle.load(source)  # noqa: S301  # from our own server
            _limit_resources(**request["limits"])
            send(_answer(request, send))
            code = 0
    except BrokenPipeError:
        code = 0  # nobody waits any more
    finally:
        os._exit(code)


def _limit_resources(*, most_bytes: int, cpu_s: int, wall_s: int, file_bytes: int) -> None:
    """Limit memory, CPU time, time and, above 0, the size of files; the system ends a process that goes beyond."""
    import resource  # noqa: PLC0415  # not on every system

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(wall_s)
    bounds = [(resource.RLIMIT_AS, most_bytes), (resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_CORE, 0)]
    bounds += [(resource.RLIMIT_FSIZE, file_bytes)] if file_bytes else []
    for bound, most in bounds:
        with suppress(ValueError, OSError):  # more than the system allows: its own bound is lower
            resource.setrlimit(bound, (most, most))


def _answer(request: dict[str, Any], send: Send) -> tuple[Any, ...]:
    """("result", value), ("error", kind, its three parts), or ("fault", what and where it was).

    A load that is done sends ("loaded", report) before, and then is done, whatever the answer.
    """
    try:
        return "result", JOBS[request["job"]](send=send, **request["arguments"])
    except HexbeatError as error:
        if isinstance(error.__cause__, MemoryError):
            return (EXHAUSTED,)
        kind = next((number for number, kind in enumerate(KINDS) if isinstance(error, kind)), 0)
        return "error", kind, (error.rule, error.fact, error.hint)
    except MemoryError:
        return (EXHAUSTED,)
    except Exception as error:  # noqa: BLE001  # our fault, which the server raises; its text may be of the file
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "fault", f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"


def _suggest(*, send: Send, path: Path, **options: Any) -> Suggestion:  # noqa: ARG001  # it takes moments
    return suggest_profile(path, **options)


def _ingest(
    *, send: Send, home: Path, database_url: str | None, area: str, viewer: Any, deed: Deed | None, **options: Any
) -> IngestReport:
    """Load files in a store that is opened here: a process that was forked shares no connection.

    The transaction that loads them writes the deed into the audit trail. Its report is sent as soon as it is done: if
    the limits end this process later, while it prepares what readers need, the load stays done.
    """
    last_step = -1

    def show_progress(done: int, total: int) -> None:
        nonlocal last_step
        step = done * STEPS // max(total, 1)
        if step != last_step:
            last_step = step
            send(("progress", done, total))

    store = Store.open(home, database_url=database_url)
    try:
        place = load_area(area, home=home)
        with carry_deed(home, viewer, deed) if deed else nullcontext():
            report = ingest_files(store, viewer, area=place, home=home, progress=show_progress, **options)
        if report.batch_id is not None:
            send(("loaded", report))
            prepare_files(store, place.wards.codes, changed=report.changed)
        return report
    finally:
        store.engine.dispose()


JOBS: Final[dict[str, Callable[..., Any]]] = {"suggest": _suggest, "ingest": _ingest}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
