"""Check a pack that somebody sent to a server in a process of its own, which ends at its limits.

A workbook of some kilobytes can hold two cells at the ends of a sheet, and fill all memory when it is opened. So the
server never opens it. The process gets the file on its standard input, no secret and no store, and answers in JSON.
"""

import dataclasses
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from geo.errors import DataError
from hexbeat.documents.evidence.evidence_check import Inspection, PackCheck, inspect_pack, note_check
from hexbeat.environment import select_environment
from hexbeat.settings import PROJECT_DIR
from hexbeat.store.shared_documents import SharedDocuments

__all__ = ["check_pack_apart", "main"]

MOST_MEMORY: Final = 3_000_000_000  # bytes of addresses; a large pack takes a tenth
MOST_CPU_S: Final = 60
WITHIN_S: Final = 5 * MOST_CPU_S  # others work, too
MOST_WRITTEN: Final = 100_000_000  # bytes of a file


def check_pack_apart(name: str, file: bytes, *, home: Path, documents: SharedDocuments | None) -> PackCheck:
    """`check_pack` of a file from anybody; DataError as there, or if the file takes the process beyond its limits."""
    command = [sys.executable, "-P", "-m", "hexbeat.documents.evidence.evidence_apart", str(home.resolve())]
    environment = {**select_environment(), "PYTHONPATH": str(PROJECT_DIR), "OPENBLAS_NUM_THREADS": "1"}
    request = json.dumps(name).encode() + b"\n" + file  # a file's name can reveal a case: not in a list of processes
    answer = None
    with suppress(subprocess.TimeoutExpired):
        process = subprocess.run(  # noqa: S603  # this interpreter and our own module; no shell
            command, input=request, env=environment, capture_output=True, timeout=WITHIN_S, check=False
        )
        answer = json.loads(process.stdout) if process.returncode == 0 else None
    if answer is None:
        raise DataError(
            f"A pack is checked in at most {MOST_MEMORY / 1e6:,.0f} MB of memory and {MOST_CPU_S} s",
            f"{name} takes more",
            "give the .pdf or .xlsx as it was written",
        )
    if "error" in answer:
        raise DataError(*map(str, answer["error"]))
    return note_check(Inspection(**answer["found"]), documents)


def main(home: Path, request: bytes) -> str:
    """Limit this process, and check the file: what was found, or the three parts of an error, as JSON."""
    import resource  # noqa: PLC0415  # not on every system

    for bound, most in (
        (resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CPU, MOST_CPU_S), (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, MOST_WRITTEN),
    ):  # fmt: skip
        with suppress(ValueError, OSError):  # more than the system allows: its own bound is lower
            resource.setrlimit(bound, (most, most))
    name, _, file = request.partition(b"\n")
    try:
        inspection = inspect_pack(json.loads(name), file, home=home)
    except DataError as error:
        return json.dumps({"error": (error.rule, error.fact, error.hint)})
    return json.dumps({"found": dataclasses.asdict(inspection)})


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1]), sys.stdin.buffer.read()))
