"""What the back-test says of a layer, for the views that use what wins: judged once, with its progress in sight."""

import streamlit as st

from dashboard.presets import format_size
from dashboard.session import Installation
from layers.analysis.winning import MethodSelection, read_selection, select_methods
from layers.catalogue import find_layer
from layers.event import RESOLUTIONS

__all__ = ["find_selection", "load_selection"]

MOST_KEPT = 64
Question = tuple[tuple[str, int, str, str], str]


@st.cache_resource(show_spinner=False)
def _selection_cache() -> dict[Question, MethodSelection | None]:
    """All that this process knows, the oldest first; who asked is part of every key."""
    return {}


def find_selection(here: Installation, layer: str) -> MethodSelection | None:
    """What was judged before of the records as they are; None if nothing was. Never takes long."""
    held, question = _selection_cache(), (here.key, layer)
    if question not in held:
        found = read_selection(here.columns, here.area, layer, home=here.settings.home)
        if found is None:
            return None
        _keep_selection(question, found)
    return held[question]


def load_selection(here: Installation, layer: str) -> MethodSelection | None:
    """The judgement of a layer, worked out where it is not known yet; None where too few weeks are on record."""
    question = (here.key, layer)
    found = find_selection(here, layer)
    if found or question in _selection_cache():
        return found
    bar = st.progress(0.0, text="Which forecast is right most often? Counting weeks …")

    def on_size(resolution: int, place: int) -> None:
        words = f"Which forecast of {find_layer(layer).many} is right most often? "
        bar.progress(place / len(RESOLUTIONS), text=f"{words}Cells: {format_size(resolution).lower()} …")

    try:
        found = select_methods(here.columns, here.area, layer, home=here.settings.home, progress=on_size)
    finally:
        bar.empty()
    _keep_selection(question, found)
    return found


def _keep_selection(question: Question, found: MethodSelection | None) -> None:
    """Keep one; the oldest gives way."""
    held = _selection_cache()
    held[question] = found
    while len(held) > MOST_KEPT:
        held.pop(next(iter(held)), None)
