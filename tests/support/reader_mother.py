"""The process from which `tests.support.readers` forks readers of files.

Started by its path, as they are, so it imports nothing of the project: `python -I reader_mother.py SOCKET PROGRAM`.
PROGRAM is the reader of shapes, which says what its libraries may not import and which drivers they may not have.
"""

import json
import os
import runpy
import signal
import socket
import sys
import traceback
from importlib import import_module
from typing import Any, Final, NoReturn

LARGEST_REQUEST: Final = 100_000
MODULES: Final = (
    "resource", "defusedxml.ElementTree", "python_calamine", "pyarrow", "pyarrow.compute", "pyarrow.parquet", "pyogrio",
    "pyogrio.raw",
)  # fmt: skip


def main(socket_number: int, program: str) -> None:
    """Fork a reader for each request, until the socket closes."""
    reader = runpy.run_path(program)
    refusal = reader["_Refusal"]()
    os.environ["GDAL_SKIP"] = ",".join(reader["SKIPPED"])
    sys.meta_path.insert(0, refusal)
    for name in MODULES:
        import_module(name)
    sys.meta_path.remove(refusal)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # readers that have ended leave nothing behind
    with socket.socket(fileno=socket_number) as door:
        while True:
            request, descriptors, _, _ = socket.recv_fds(door, LARGEST_REQUEST, 4)
            if not request:
                return
            child = os.fork()
            if child == 0:
                door.close()
                be_reader(json.loads(request), *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            door.send(str(child).encode())


def be_reader(request: dict[str, Any], stdin: int, stdout: int, stderr: int, end: int) -> NoReturn:
    """Take the streams, be the program, and say its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor, place in ((stdin, 0), (stdout, 1), (stderr, 2)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["arguments"]
    code: object = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as stop:
        code = stop.code
    except BaseException:  # noqa: BLE001 - as an interpreter does at the end of a program
        traceback.print_exc()
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120  # as Python ends where nobody reads what it wrote
    os.write(end, str(code or 0).encode())
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
