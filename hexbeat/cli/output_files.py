"""Files that commands write with --out."""

from pathlib import Path

from geo.errors import UsageError
from hexbeat.files import atomic_write

__all__ = ["require_folder", "write_file"]


def require_folder(out: Path) -> None:
    """UsageError unless the folder of a file exists. Call it before anything is computed."""
    if not out.absolute().parent.is_dir():
        raise UsageError(
            "The folder of the file has to exist", f"{out.parent} does not exist", "make it first, or choose another"
        )


def write_file(out: Path, content: bytes) -> None:
    """Write the whole file, or nothing."""
    with atomic_write(out) as draft:
        draft.write_bytes(content)
