"""Names the columns of a file that a source does not read, and those among them that look as if they should be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from geo.number_texts import clean_text
from hexbeat.ingest.column_guesses import MOST_TIMES, are_quantities, is_clock
from hexbeat.ingest.reporter_words import NO_REPORTERS, ReporterWords, find_reporter_words
from hexbeat.ingest.sources import Choice, ColumnRoles, SourceProfile
from layers.event import REPORTERS
from layers.wording import format_list

__all__ = ["OFFERED", "UnusedColumn", "describe_not_read", "describe_offer", "find_unused_columns", "use_columns"]

OFFERED: Final = {
    "quantity": "a number of items",
    "clock": "a time of day",
    "reported_by": "who reported it",
    "category": "a category",
}
_HEADINGS: Final = {
    "quantity": r"quantit|\bqty\b|\bcounts?\b|needles|syringes|sharps|\b(?:number|num|no|nr)\b\.? ?of\b|how ?many",
    "clock": r"\btime\b(?! ?zone)|\bclock\b",
    "reported_by": r"report(?:ed)? ?by|\breporter\b|found by",
    "category": r"\bcategory\b|^type\b|\btype$|\bkind\b",
}
_NEEDLES: Final = re.compile("needle|syringe|sharp", re.IGNORECASE)
_MOST_WORDS: Final = 30  # different words of a category or of reporters
_MOST_NAMED: Final = 60
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class UnusedColumn:
    """A column that is not read, and what it looks like (a key of `OFFERED`; None: nothing that events have).

    `reporters`: of who reported it, the words that its values have.
    """

    column: str
    part: str | None = None
    reporters: ReporterWords = NO_REPORTERS


def find_unused_columns(
    headings: Sequence[str], plan: ColumnRoles, *, frame: pd.DataFrame | None = None
) -> tuple[UnusedColumn, ...]:
    """The columns that the plan does not read, in the order of the file.

    A part is offered once, and only if the plan has no column for it. With the first rows of the file (`frame`, texts)
    the values must fit too; without them the heading alone decides.
    """
    filled = {part for part in OFFERED if getattr(plan, part)}
    columns = []
    for heading in dict.fromkeys(name for name in headings if name and name not in plan.columns):
        part = next((part for part in OFFERED if part not in filled and _fits(part, heading, frame)), None)
        if part is not None:
            filled.add(part)
        has_reporters = part == "reported_by" and frame is not None and heading in frame
        reporters = find_reporter_words(frame[heading]) if frame is not None and has_reporters else NO_REPORTERS
        columns.append(UnusedColumn(heading, part, reporters))
    return tuple(columns)


def _fits(part: str, heading: str, frame: pd.DataFrame | None) -> bool:
    words = re.sub(r"[\s_\-\xa0]+", " ", heading).strip()
    if not re.search(_HEADINGS[part], words, re.IGNORECASE):
        return False
    if frame is None or heading not in frame:
        return True
    texts = [text for text in (clean_text(str(value)) for value in frame[heading]) if text]
    if not texts:
        return False
    if part == "quantity":
        return are_quantities(texts)
    if part == "clock":
        return sum(map(is_clock, texts)) >= MOST_TIMES * len(texts)
    return len(set(texts)) <= _MOST_WORDS


def describe_offer(unused: UnusedColumn) -> str:
    """As in "No. of sharps looks like a number of needles"."""
    is_of_needles = unused.part == "quantity" and _NEEDLES.search(unused.column)
    what = "a number of needles" if is_of_needles else OFFERED[unused.part or ""]
    return f"{unused.column[:_LONGEST]} looks like {what}"


def describe_not_read(columns: Sequence[UnusedColumn]) -> str:
    """As in "Columns that are not read: Crew, Weather"; "" if every column is read."""
    if not columns:
        return ""
    verb = "Columns that are" if len(columns) > 1 else "A column that is"
    return f"{verb} not read: {format_list([unused.column[:_LONGEST] for unused in columns], most=_MOST_NAMED)}"


def use_columns(profile: SourceProfile, columns: Sequence[UnusedColumn], *, name: str) -> SourceProfile:
    """A profile of another name that also reads the columns that look like a part of an event."""
    headings = {unused.part: (unused.column,) for unused in columns if unused.part}
    reporters = dict(pair for unused in columns for pair in unused.reporters.words)
    changes: dict[str, object] = {"name": name}
    if "quantity" in headings:
        changes["quantity"] = headings["quantity"]
    if "clock" in headings:
        changes["time"] = replace(profile.time, clock=headings["clock"])
    if "category" in headings:
        changes["category"] = Choice(column=headings["category"])
    if "reported_by" in headings:
        words = dict(profile.reported_by.values) or {word: word for word in REPORTERS}
        changes["reported_by"] = Choice(column=headings["reported_by"], values=words, containing=reporters)
    return replace(profile, **changes)  # type: ignore[arg-type]  # each under the name of its own field
