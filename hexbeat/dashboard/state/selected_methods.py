"""What back-tests say to the screens: selected methods, the size of cells, and back-tests that were run.

They are kept in memory for the version of the store that they judged.
"""

from dataclasses import dataclass

import streamlit as st

from hexbeat.analysis.backtest import Backtest
from hexbeat.analysis.method_selection import MethodSelection, choose_hotspot_size, read_selection, select_methods
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.presets import format_size
from hexbeat.dashboard.state.session import Installation, choose_area_resolution
from layers.catalogue import find_layer
from layers.event import RESOLUTIONS

__all__ = [
    "SizeChoice",
    "choose_size",
    "describe_automatic",
    "describe_backtest",
    "find_backtest",
    "find_selection",
    "keep_backtest",
    "load_selection",
]

MOST_SELECTIONS = 64
SelectionKey = tuple[tuple[str, int, str, str], str]
MOST_BACKTESTS = 32
BacktestKey = tuple[tuple[str, int, str, str], str, tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class SizeChoice:
    """A resolution, and a sentence on why it was chosen; nothing where a person chose it, or it is that of counts."""

    resolution: int
    sentence: str = ""


@st.cache_resource(show_spinner=False)
def _selection_cache() -> dict[SelectionKey, MethodSelection | None]:
    """All that this process knows, the oldest first; who asked is part of every key."""
    return {}


def find_selection(installation: Installation, layer: str) -> MethodSelection | None:
    """What was judged before of the records as they are; None if nothing was. Never takes long."""
    held, question = _selection_cache(), (installation.key, layer)
    if question not in held:
        found = read_selection(installation.columns, installation.area, layer, home=installation.settings.home)
        if found is None:
            return None
        _keep_selection(question, found)
    return held[question]


def load_selection(installation: Installation, layer: str) -> MethodSelection | None:
    """The judgement of a layer, worked out where it is not known yet; None where too few weeks are on record."""
    question = (installation.key, layer)
    found = find_selection(installation, layer)
    if found or question in _selection_cache():
        return found
    bar = st.progress(0.0, text="Testing which forecast was right most often …")

    def on_size(resolution: int, place: int) -> None:
        words = f"Which forecast of {find_layer(layer).many} is right most often? "
        bar.progress(place / len(RESOLUTIONS), text=f"{words}Cells: {format_size(resolution).lower()} …")

    try:
        found = select_methods(
            installation.columns, installation.area, layer, home=installation.settings.home, progress=on_size
        )
    finally:
        bar.empty()
    _keep_selection(question, found)
    return found


def _keep_selection(question: SelectionKey, found: MethodSelection | None) -> None:
    """Keep one; the oldest gives way."""
    held = _selection_cache()
    held[question] = found
    while len(held) > MOST_SELECTIONS:
        held.pop(next(iter(held)), None)


def choose_size(installation: Installation, choices: Choices) -> SizeChoice:
    """The size of the map's cells. Hotspots and expected events ask the back-test of the first chosen layer.

    That may take seconds once for each version of the records, with its progress on the page.
    """
    if choices.size or choices.view not in ("hotspots", "expected"):
        return SizeChoice(choose_area_resolution(installation, choices))
    return _choose_by_backtest(installation, choices, load_selection(installation, choices.layers[0]))


def describe_automatic(installation: Installation, choices: Choices) -> str:
    """What "automatic" means now, for the list of sizes; never takes long."""
    if choices.view not in ("hotspots", "expected"):
        return f"Automatic: {_lower(choose_area_resolution(installation, Choices(wards=choices.wards)))}"
    known = find_selection(installation, choices.layers[0])
    if known is None:
        return "Automatic: by the back-test"
    return f"Automatic: {_lower(_choose_by_backtest(installation, choices, known).resolution)}"


def _choose_by_backtest(installation: Installation, choices: Choices, judgement: MethodSelection | None) -> SizeChoice:
    """What the back-test says; where it is silent, the size of counts."""
    layer = choices.layers[0]
    if choices.view == "expected":
        if judgement is None:
            return SizeChoice(choose_area_resolution(installation, choices))
        return SizeChoice(judgement.best.resolution, _describe_deciding_layer(choices).strip())
    chosen = choose_hotspot_size(installation.columns, layer, judgement)
    if chosen is None:
        return SizeChoice(choose_area_resolution(installation, choices))
    return SizeChoice(chosen.resolution, f"{_describe_deciding_layer(choices)}{chosen.sentence}")


def _describe_deciding_layer(choices: Choices) -> str:
    """Which layer the size was chosen by, where several stand side by side."""
    return f"{find_layer(choices.layers[0]).title} decide how large cells are. " if len(choices.layers) > 1 else ""


def _lower(resolution: int) -> str:
    return format_size(resolution).lower()


@st.cache_resource(show_spinner=False)
def _backtest_cache() -> dict[BacktestKey, Backtest]:
    """All that are kept, the oldest first; who asked is part of every key."""
    return {}


def keep_backtest(installation: Installation, wards: tuple[str, ...], found: Backtest) -> None:
    """Keep one; the oldest gives way."""
    kept = _backtest_cache()
    kept[installation.key, found.spec.name, wards, found.weeks] = found
    while len(kept) > MOST_BACKTESTS:
        kept.pop(next(iter(kept)), None)


def find_backtest(
    installation: Installation, layer: str, wards: tuple[str, ...], weeks: int | None = None
) -> Backtest | None:
    """One of this layer and these wards, over so many weeks (None: the one over the most); None if none was run."""
    fitting = {
        question[3]: found
        for question, found in _backtest_cache().items()
        if question[:3] == (installation.key, layer, wards) and weeks in (None, question[3])
    }
    return fitting[max(fitting)] if fitting else None


def describe_backtest(installation: Installation, layer: str, wards: tuple[str, ...]) -> str:
    """What a back-test found, for the map; nothing where none was run."""
    found = find_backtest(installation, layer, wards)
    return f"Back-test of {found.weeks} weeks: {found.verdict.sentence}" if found else ""
