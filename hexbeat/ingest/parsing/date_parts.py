"""Dates in several columns: year, month, day, and sometimes hour and minute."""

import re
from collections.abc import Sequence

import pandas as pd

from hexbeat.ingest.parsing.date_words import parse_month, parse_year

__all__ = ["join_date_parts"]

_FLOAT = re.compile(r"^([0-9]+)\.0+$")  # a column of whole numbers with a blank among them, as many programs write it


def join_date_parts(columns: Sequence[pd.Series], *, has_day: bool) -> pd.Series:
    """Texts (n,) of ISO 8601 from the columns of year and month, and of day, hour and minute as far as there are.

    A row without any of them is blank. A row of which a part is missing is known as far as its first parts say. What is
    no date stays none: nothing is moved to the next month or hour.
    """
    joined = [
        _join_row([_FLOAT.sub(r"\1", part, count=1) for part in row], has_day) for row in zip(*columns, strict=True)
    ]
    return pd.Series(joined, index=columns[0].index, dtype=object)


def _join_row(parts: list[str], has_day: bool) -> str:  # noqa: FBT001 - a row of a column
    if not any(parts):
        return ""
    year, month = parse_year(parts[0]), parse_month(parts[1])
    rest = parts[2:]
    filled = len(rest) if all(rest) else rest.index("")
    if year is None or month is None or any(rest[filled:]) or not all(part.isdecimal() for part in rest[:filled]):
        return " ? ".join(parts)  # no date in any format
    day = f"-{int(rest[0]):02d}" if has_day and filled else ""
    clock = f" {int(rest[1]):02d}:{int(rest[2]) if filled > 2 else 0:02d}" if filled > 1 else ""  # noqa: PLR2004 - parts
    return f"{year:04d}-{month:02d}{day}{clock}"
