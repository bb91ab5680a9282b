"""How large the cells of the map are: as a person chose, or by a rule that has a name and is said."""

from dataclasses import dataclass

from dashboard.judgements import find_selection, load_selection
from dashboard.presets import format_size
from dashboard.session import Installation, choose_area_resolution
from dashboard.state import Choices
from layers.analysis.sizing import choose_hotspot_size
from layers.analysis.winning import MethodSelection
from layers.catalogue import find_layer

__all__ = ["SizeChoice", "choose_size", "describe_automatic"]


@dataclass(frozen=True, slots=True)
class SizeChoice:
    """A resolution, and a sentence on why it was chosen; nothing where a person chose it, or it is that of counts."""

    resolution: int
    sentence: str = ""


def choose_size(here: Installation, choices: Choices) -> SizeChoice:
    """The size of the map's cells. Hotspots and expected events ask the back-test of the first chosen layer.

    That may take seconds once for each version of the records, with its progress on the page.
    """
    if choices.size or choices.view not in ("hotspots", "expected"):
        return SizeChoice(choose_area_resolution(here, choices))
    return _choose_by_backtest(here, choices, load_selection(here, choices.layers[0]))


def describe_automatic(here: Installation, choices: Choices) -> str:
    """What "automatic" means now, for the list of sizes; never takes long."""
    if choices.view not in ("hotspots", "expected"):
        return f"Automatic: {_lower(choose_area_resolution(here, Choices(wards=choices.wards)))}"
    known = find_selection(here, choices.layers[0])
    if known is None:
        return "Automatic: by the back-test"
    return f"Automatic: {_lower(_choose_by_backtest(here, choices, known).resolution)}"


def _choose_by_backtest(here: Installation, choices: Choices, judgement: MethodSelection | None) -> SizeChoice:
    """What the back-test says; where it is silent, the size of counts."""
    layer = choices.layers[0]
    if choices.view == "expected":
        if judgement is None:
            return SizeChoice(choose_area_resolution(here, choices))
        return SizeChoice(judgement.best.resolution, _describe_deciding_layer(choices).strip())
    chosen = choose_hotspot_size(here.columns, layer, judgement)
    if chosen is None:
        return SizeChoice(choose_area_resolution(here, choices))
    return SizeChoice(chosen.resolution, f"{_describe_deciding_layer(choices)}{chosen.sentence}")


def _describe_deciding_layer(choices: Choices) -> str:
    """Which layer the size was chosen by, where several stand side by side."""
    return f"{find_layer(choices.layers[0]).title} decide how large cells are. " if len(choices.layers) > 1 else ""


def _lower(resolution: int) -> str:
    return format_size(resolution).lower()
