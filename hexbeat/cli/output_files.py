"""Files that commands write with --out."""

from pathlib import Path

from hexbeat.cli.command_audit import note_answer
from hexbeat.files import atomic_write

__all__ = ["write_file"]


def write_file(out: Path, content: bytes) -> None:
    """Write the whole file, or nothing; the audit trail has the command's entry before that."""
    note_answer()
    with atomic_write(out) as draft:
        draft.write_bytes(content)
