"""Small disks that become full, for `bench.faults`: one for a home, and one for a whole PostgreSQL.

A disk is a tmpfs of its own, which only root may mount. While a ballast lies on it, it is full (ENOSPC) for all that
is written there. Of PostgreSQL that is everything: its data, its log of changes (WAL) and its temporary files.
Segments of that log have 1 MB instead of 16, so that it needs a new one every few changes. Where a table does not fit,
PostgreSQL answers with an error; where its log does not fit, it ends itself.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["DATABASE_BYTES", "SMALL_LOG", "can_mount", "small_disk", "without_room"]

DATABASE_BYTES: Final = 200_000_000  # for a PostgreSQL, the databases of each kind of store, and a copy
_TRIES: Final = 50
SMALL_LOG: Final = "max_wal_size = 8MB\nmin_wal_size = 2MB\n"  # settings of PostgreSQL, with segments of 1 MB


def can_mount() -> bool:
    """Whether this user may mount a small disk."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603
            return False
        subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603,S607
    return True


@contextmanager
def small_disk(folder: Path, *, size: int) -> Iterator[Path]:
    """The folder as a disk of its own of so many bytes, in memory; a plain folder where this user may not mount."""
    folder.mkdir(exist_ok=True)
    if not can_mount():
        yield folder
        return
    options = f"size={size},mode=0755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)  # noqa: S603,S607
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603,S607


@contextmanager
def without_room(disk: Path, *, room: int) -> Iterator[None]:
    """Keep so many bytes free on a disk, at most, until the end."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        for _ in range(_TRIES):
            with suppress(OSError):  # others took some of it meanwhile
                os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(disk).free - room))
                break
        else:
            raise RuntimeError(f"{disk} could not be filled")
    try:
        yield
    finally:
        ballast.unlink()
