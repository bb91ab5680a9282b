"""Files that appear whole or not at all, and values that no spreadsheet takes for a formula."""

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

# OWASP, CSV Injection: what Excel, LibreOffice and Google Sheets take for the beginning of a formula.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the full-width twins run too


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


def escape_formula(value: Any) -> Any:
    """The value, with an apostrophe before text that a spreadsheet would take for a formula; others unchanged."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def escape_formulas(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A copy of the frame whose text cells and column names are plain."""
    plain = frame.copy()
    for name in plain.columns:
        if not pd.api.types.is_numeric_dtype(plain[name]):
            plain[name] = plain[name].map(escape_formula, na_action="ignore")
    return plain.rename(columns=escape_formula)
