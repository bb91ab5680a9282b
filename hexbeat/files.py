"""Files that are written completely or not at all, and texts that no spreadsheet runs as a formula."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geo.errors import DataError
from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = ["atomic_write", "escape_formula", "escape_formulas"]

# OWASP, CSV Injection: how a formula begins in Excel, LibreOffice and Google Sheets.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the full-width forms run too


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a draft beside `path` (same ending). It replaces `path` if the block succeeds, and is removed if not.

    DataError if it cannot be written: a folder has that name, its folder is missing, no permission, no room.
    """
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)  # noqa: PTH105 - atomic within a folder, which its name says
    except OSError as error:
        raise DataError(
            "A file needs a folder that exists and that you can write to",
            f"{path.name} cannot be written ({_why(path, error)})",
            "choose another name or folder",
        ) from error
    finally:
        with suppress(OSError):  # a folder that cannot be read holds no draft of ours
            draft.unlink(missing_ok=True)


def _why(path: Path, error: OSError) -> str:
    """The system's own reason, without the path."""
    return "it is a folder" if path.is_dir() else (error.strerror or type(error).__name__)


def escape_formula(value: Any) -> Any:
    """The value; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def escape_formulas(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A copy of the frame whose text cells and column names no spreadsheet runs as a formula."""
    escaped = frame.copy()
    for name in escaped.columns:
        if not pd.api.types.is_numeric_dtype(escaped[name]):
            escaped[name] = escaped[name].map(escape_formula, na_action="ignore")
    return escaped.rename(columns=escape_formula)
