"""Back-tests that were run, kept in memory for the version of the store that they judged."""

import streamlit as st

from dashboard.session import Installation
from layers.analysis.backtesting import Backtest

__all__ = ["describe_backtest", "find_backtest", "keep_backtest"]

MOST_KEPT = 32
Question = tuple[tuple[str, int, str, str], str, tuple[str, ...], int]


@st.cache_resource(show_spinner=False)
def _backtest_cache() -> dict[Question, Backtest]:
    """All that are kept, the oldest first; who asked is part of every key."""
    return {}


def keep_backtest(here: Installation, wards: tuple[str, ...], found: Backtest) -> None:
    """Keep one; the oldest gives way."""
    kept = _backtest_cache()
    kept[here.key, found.spec.name, wards, found.weeks] = found
    while len(kept) > MOST_KEPT:
        kept.pop(next(iter(kept)), None)


def find_backtest(here: Installation, layer: str, wards: tuple[str, ...], weeks: int | None = None) -> Backtest | None:
    """One of this layer and these wards, over so many weeks (None: the one over the most); None if none was run."""
    fitting = {
        question[3]: found
        for question, found in _backtest_cache().items()
        if question[:3] == (here.key, layer, wards) and weeks in (None, question[3])
    }
    return fitting[max(fitting)] if fitting else None


def describe_backtest(here: Installation, layer: str, wards: tuple[str, ...]) -> str:
    """What a back-test found, for the map; nothing where none was run."""
    found = find_backtest(here, layer, wards)
    return f"Back-test of {found.weeks} weeks: {found.verdict.sentence}" if found else ""
