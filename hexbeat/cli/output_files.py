"""Files that commands write with --out."""

from pathlib import Path

from hexbeat.files import atomic_write

__all__ = ["write_file"]


def write_file(out: Path, content: bytes) -> None:
    """Write the whole file, or nothing."""
    with atomic_write(out) as draft:
        draft.write_bytes(content)
