"""What every reader returns: the headings of a file, and its rows as text in chunks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import DataError
from hexbeat.ingest.readers.limits import Limits

__all__ = [
    "CHUNK_ROWS",
    "Chunk",
    "ReadOptions",
    "TextTable",
    "UnreadableRow",
    "build_text_frame",
    "check_headings",
]

CHUNK_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that is rejected as `unreadable_row`: the line at which it begins, and what is wrong (nothing it holds)."""

    line: int
    problem: str


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some rows: texts ("" where blank), the line at which each begins, and the share of the file read so far (`done`).

    `lines` counts from 1: lines of a text file with its heading line, rows of a sheet, features or requests.
    `points` (n, 2) are x and y in the file's CRS if the place is a geometry (NaN: missing), else None.
    `unreadable` are rows that are not among them. `unusable` (n,) marks those among them that are no records, such as
    one with a shape that is no point; None: there are none. `sheet` is that of all its rows where a file has several.
    """

    frame: pd.DataFrame
    lines: NDArray[np.int64]
    done: float
    points: NDArray[np.float64] | None = None
    unusable: NDArray[np.bool_] | None = None
    unreadable: tuple[UnreadableRow, ...] = ()
    sheet: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """An opened file. `chunks(columns)` reads its rows once, with those columns only; `done` of a chunk runs to 1.

    `remarks` are sentences without a full stop on what the reader chose; reading the rows may add some.
    """

    columns: tuple[str, ...]
    chunks: Callable[[tuple[str, ...]], Iterator[Chunk]]
    crs: str | None = None  # of `points`, as the file names it
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file, from its source profile; None: detected, or none.

    `headings` is the line of the headings. Without it, `fits` finds them: whether a row has the headings that are
    needed. Without both, the shape of the first rows decides.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    headings: int | None = None
    fits: Callable[[Sequence[str]], bool] | None = None
    geo_layer: str | None = None
    records: str = "rows"
    shapes: str = "refuse"


def check_headings(name: str, headings: list[str], limits: Limits) -> tuple[str, ...]:
    """The headings without blanks around them; DataError if there are none, too many, or they are not text."""
    cleaned = tuple(heading.replace("\xa0", " ").strip() for heading in headings)
    if len(cleaned) > limits.columns:
        raise DataError(
            f"A file has at most {limits.columns:,} columns",
            f"{name} has {len(cleaned):,}",
            "check that it is the right file, and delete the columns that you do not need",
        )
    if not any(cleaned):
        raise DataError(f"{name} has to begin with a line of headings", "it has none", "put headings above the rows")
    if any(ord(character) < ord(" ") and character not in "\t\r\n" for character in "".join(cleaned)):
        raise DataError(
            f"{name} has to begin with a line of headings", "its first line is not text", "export it again as CSV"
        )
    return cleaned


def build_text_frame(rows: Sequence[Sequence[str]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows of texts as a frame of Python strings, which are faster than pandas' own when read one by one."""
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pd.DataFrame(dict(zip(columns, values, strict=True)), index=range(len(rows)), dtype=object)
