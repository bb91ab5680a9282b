"""What the back-test says of a layer, for the views that use what wins: judged once, with its progress in sight."""

import streamlit as st

from dashboard.presets import size_words
from dashboard.session import Installation
from layers.analysis.winning import Judgement, judgement_of, kept_judgement
from layers.catalogue import layer_named
from layers.event import RESOLUTIONS

__all__ = ["judgement_for", "known_judgement"]

MOST_HELD = 64
Question = tuple[tuple[str, int, str, str], str]


@st.cache_resource(show_spinner=False)
def _held() -> dict[Question, Judgement | None]:
    """All that this process knows, the oldest first; who asked is part of every key."""
    return {}


def known_judgement(here: Installation, layer: str) -> Judgement | None:
    """What was judged before of the records as they are; None if nothing was. Never takes long."""
    held, question = _held(), (here.key, layer)
    if question not in held:
        found = kept_judgement(here.columns, here.area, layer, home=here.settings.home)
        if found is None:
            return None
        _hold(question, found)
    return held[question]


def judgement_for(here: Installation, layer: str) -> Judgement | None:
    """The judgement of a layer, worked out where it is not known yet; None where too few weeks are on record."""
    question = (here.key, layer)
    found = known_judgement(here, layer)
    if found or question in _held():
        return found
    bar = st.progress(0.0, text="Which forecast is right most often? Counting weeks …")

    def on_size(resolution: int, place: int) -> None:
        words = f"Which forecast of {layer_named(layer).many} is right most often? "
        bar.progress(place / len(RESOLUTIONS), text=f"{words}Cells: {size_words(resolution).lower()} …")

    try:
        found = judgement_of(here.columns, here.area, layer, home=here.settings.home, progress=on_size)
    finally:
        bar.empty()
    _hold(question, found)
    return found


def _hold(question: Question, found: Judgement | None) -> None:
    """Keep one; the oldest gives way."""
    held = _held()
    held[question] = found
    while len(held) > MOST_HELD:
        held.pop(next(iter(held)), None)
