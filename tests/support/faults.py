"""Machines that do not do what is asked: a full disk, a user without rights."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["as_other_user", "files_limited_to", "replace_and_be_killed"]


@contextmanager
def files_limited_to(size_bytes: int) -> Iterator[None]:
    """Every write beyond so many bytes of a file fails, as on a full disk, until the block ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


NOBODY = 65534


@contextmanager
def as_other_user() -> Iterator[None]:
    """As root: what is looked at inside is looked at as `nobody`. As anybody else: nothing changes."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


KILL_AT = """
import os, signal, sys
from pathlib import Path
from hexbeat import folders
count, fallback, name, at = [0], sys.argv[2] == "aside", sys.argv[3], int(sys.argv[4])
if fallback:
    folders._exchange = lambda *_: False
owner = Path if name == "rename" else folders.shutil if name == "rmtree" else folders
plain = getattr(owner, name)
def deadly(*arguments, **options):
    if count[0] == at:
        os.kill(os.getpid(), signal.SIGKILL)
    count[0] += 1
    return plain(*arguments, **options)
setattr(owner, name, deadly)
folders.atomic_replace(Path(sys.argv[1]), {"a.txt": b"new", "b.txt": b"new"}, keep_others=sys.argv[5] == "keep")
"""


def replace_and_be_killed(folder: Path, *, how: str, step: str, at: int = 0, keep_others: bool = False) -> int:
    """Replace a folder in a process that kills itself before a step (a function's n-th call); its exit code.

    `how`: "exchange" in one step, or "aside" with two renames.
    """
    command = [sys.executable, "-c", KILL_AT, str(folder), how, step, str(at), "keep" if keep_others else "drop"]
    return subprocess.run(command, check=False, timeout=60).returncode
