"""Who reports, from the words of a file's own column: a sweep team, a resident, a warden, a housing association.

A mapping takes single words and never whole values: a column of who found something may hold the names of people, and a
source profile is no place for them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from geo.number_texts import clean_text
from layers.event import REPORTERS
from layers.wording import format_list, format_plural

__all__ = ["NO_REPORTERS", "ReporterWords", "find_reporter_words"]

# The first word that a value contains decides, so that a housing officer is of an agency and a sweep crew is a sweep.
_WORDS: Final = {
    "sweep": "sweep", "cleansing": "sweep", "litter pick": "sweep", "crew": "sweep",
    "agency": "agency", "housing": "agency", "contractor": "agency", "charity": "agency", "health": "agency",
    "ambulance": "agency", "hospital": "agency", "outreach": "agency", "landlord": "agency",
    "warden": "officer", "officer": "officer", "pcso": "officer", "police": "officer", "patrol": "officer",
    "constable": "officer",
    "public": "public", "resident": "public", "citizen": "public", "neighbour": "public", "tenant": "public",
    "passer": "public", "caller": "public",
}  # fmt: skip
_MOST_VALUES: Final = 30  # a column with more different values does not say what kind of person reported


@dataclass(frozen=True, slots=True)
class ReporterWords:
    """The words of a column that name a reporter, each with its reporter; how many of its values have one.

    `known` and `values` count different values, whatever their case, blank ones aside; `rows` the rows of unknown ones.
    """

    words: tuple[tuple[str, str], ...] = ()
    known: int = 0
    values: int = 0
    rows: int = 0

    def describe_fit(self) -> str:
        """As in "and its values fit", to follow the heading."""
        if self.known == self.values:
            return "and its values fit"
        if not self.known:
            return "but none of its values is one that Hexbeat knows"
        return f"and {self.known} of its {self.values} values fit"

    def describe(self, column: str) -> list[str]:
        """How the values of a column are read, and a remark to check on those that are not known; without any value."""
        pairs = [f"\u201c{word}\u201d as {reporter}" for word, reporter in self.words]
        remarks = [f"In the column {column} Hexbeat reads {format_list(pairs)}"] if pairs else []
        if unknown := self.values - self.known:
            values = f"{format_plural(unknown, 'value', 'values')} in {format_plural(self.rows, 'row', 'rows')}"
            remarks.append(
                f"CHECK: {column} has {values} that Hexbeat does not know. They count as the usual reporter of the "
                f"layer, unless the source says that they are {format_list(REPORTERS, conjunction='or')}"
            )
        return remarks


NO_REPORTERS: Final = ReporterWords()


def find_reporter_words(texts: Iterable[str]) -> ReporterWords:
    """The words of the values of a column that name a reporter; none if it has too many different values."""
    cleaned = [text for text in (clean_text(str(text)).casefold() for text in texts) if text]
    word_by_value = {value: next((word for word in _WORDS if word in value), None) for value in dict.fromkeys(cleaned)}
    if len(word_by_value) > _MOST_VALUES:
        return ReporterWords(values=len(word_by_value), rows=len(cleaned))
    used = {word for word in word_by_value.values() if word}
    words = tuple((word, reporter) for word, reporter in _WORDS.items() if word in used)
    unknown = {value for value, word in word_by_value.items() if word is None}
    rows = sum(value in unknown for value in cleaned)
    return ReporterWords(words, len(word_by_value) - len(unknown), len(word_by_value), rows)
