"""Text that a spreadsheet must show and never run."""

from typing import Any, Final

import pandas as pd

__all__ = ["escape_formula", "escape_formulas"]

# OWASP, CSV Injection: what Excel, LibreOffice and Google Sheets take for the beginning of a formula.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the full-width twins run too


def escape_formula(value: Any) -> Any:
    """The value, with an apostrophe before text that a spreadsheet would take for a formula; others unchanged."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def escape_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy of the frame whose text cells and column names are plain."""
    plain = frame.copy()
    for name in plain.columns:
        if not pd.api.types.is_numeric_dtype(plain[name]):
            plain[name] = plain[name].map(escape_formula, na_action="ignore")
    return plain.rename(columns=escape_formula)
