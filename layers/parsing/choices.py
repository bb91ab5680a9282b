"""Words and rules of a profile, for each row of a chunk: category, status, who reported, what to keep and to drop."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.event import REPORTERS
from layers.parsing.values import map_words, match_texts
from layers.sources import Choice, Condition

__all__ = [
    "Flags",
    "Rules",
    "Texts",
    "count_unknown",
    "meets_all_rules",
    "meets_any_rule",
    "parse_reporters",
    "parse_words",
]

LONGEST_WORD = 200
# Who reports a layer's events where a source does not say, or says it in a word that its profile does not know.
REPORTER_OF = {"overdoses": "agency", "closed_properties": "agency"}
Flags = NDArray[np.bool_]
Texts = dict[str, pd.Series]  # cleaned columns by heading
Rules = tuple[tuple[str, Condition], ...]  # headings with a test each


def meets_all_rules(rules: Rules, texts: Texts, rows: int) -> Flags:
    """Which rows (n,) pass every rule; all do where there is none."""
    flags = [np.ones(rows, dtype=np.bool_), *(_test(texts, rule) for rule in rules)]
    return np.asarray(np.logical_and.reduce(flags))


def meets_any_rule(rules: Rules, texts: Texts, rows: int) -> Flags:
    """Which rows (n,) pass one of the rules; none does where there is none."""
    flags = [np.zeros(rows, dtype=np.bool_), *(_test(texts, rule) for rule in rules)]
    return np.asarray(np.logical_or.reduce(flags))


def _test(texts: Texts, rule: tuple[str, Condition]) -> Flags:
    name, condition = rule
    return match_texts(texts[name], equals=condition.equals, contains=condition.contains, matches=condition.matches)


def parse_words(choice: Choice, heading: str | None, texts: Texts, rows: int) -> NDArray[np.object_]:
    """The words of a choice (n,), None where there is none; without a heading the fixed word."""
    if heading is None:
        return np.full(rows, choice.value or choice.default, dtype=object)
    found = map_words(texts[heading], values=choice.values, containing=choice.containing, default=choice.default)
    return np.array([word[:LONGEST_WORD] if word else None for word in found], dtype=object)


def parse_reporters(
    choice: Choice, heading: str | None, texts: Texts, layers: NDArray[np.object_]
) -> NDArray[np.object_]:
    """Who reported each row (n,): what it says, else who usually reports events of its layer."""
    usual = np.array([REPORTER_OF.get(layer, "public") for layer in layers], dtype=object)
    said = _fold_words(parse_words(choice, heading, texts, len(layers)))
    return np.where(np.isin(said, REPORTERS), said, usual)


def count_unknown(choice: Choice, heading: str, texts: Texts) -> int:
    """How many rows say who reported them in a word that is none, so that the usual one was taken; not blank ones."""
    column = texts[heading]
    unknown = ~np.isin(_fold_words(parse_words(choice, heading, texts, len(column))), REPORTERS)
    return int(np.count_nonzero(unknown & (column != "").to_numpy(dtype=np.bool_)))


def _fold_words(found: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.array([word.casefold() if word else "" for word in found], dtype=object)
