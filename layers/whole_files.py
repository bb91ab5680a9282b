"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from geo.errors import DataError

__all__ = ["atomic_write"]


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a draft beside `path` (same ending) that takes its place when all went well, and is removed when not.

    DataError where it cannot be written: a folder of that name, no folder to put it in, no leave, no room.
    """
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)  # noqa: PTH105 - atomic within a folder, and says so by its name
    except OSError as error:
        raise DataError(
            "A file is written into a folder that exists and can be written to",
            f"{path.name} cannot be written ({_why(path, error)})",
            "choose another name or folder",
        ) from error
    finally:
        with suppress(OSError):  # a folder that cannot be looked into has no draft of ours
            draft.unlink(missing_ok=True)


def _why(path: Path, error: OSError) -> str:
    """The system's reason in its own words, without the path that it names."""
    return "it is a folder" if path.is_dir() else (error.strerror or type(error).__name__)
