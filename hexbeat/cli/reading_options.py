"""Options that say how a file is read: the sheet of a workbook, and the encoding of a text."""

from dataclasses import replace
from typing import Annotated

import typer

from geo.errors import UsageError
from hexbeat.ingest.sources import SourceProfile

__all__ = ["EncodingOption", "SheetOption", "choose_reading", "require_encoding"]

SheetOption = Annotated[
    str | None,
    typer.Option("--sheet", metavar="NAME", help="The sheet of a workbook; default: all that have the columns."),
]
EncodingOption = Annotated[
    str | None,
    typer.Option("--encoding", metavar="NAME", help="Of a text, such as cp1252; default: UTF-8, else cp1252."),
]


def choose_reading(profile: SourceProfile, *, sheet: str | None, encoding: str | None) -> SourceProfile:
    """The profile with the sheet and encoding of the options, where they are given; UsageError for no encoding."""
    require_encoding(encoding)
    return replace(profile, sheet=sheet or profile.sheet, encoding=encoding or profile.encoding)


def require_encoding(encoding: str | None) -> None:
    """UsageError if there is no encoding of texts with that name."""
    try:
        "".encode(encoding or "utf-8")
    except (LookupError, UnicodeError, ValueError) as error:
        raise UsageError(
            "An encoding has to be one that Python knows",
            f"--encoding is {encoding!r}",
            "write for example --encoding cp1252 or --encoding utf-16-le",
        ) from error
