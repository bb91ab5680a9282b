"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["written_whole"]


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a draft beside `path` (same ending) that takes its place when all went well, and is removed when not."""
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)  # noqa: PTH105 - atomic within a folder, and says so by its name
    finally:
        draft.unlink(missing_ok=True)
