"""How large the cells of the map are: as a person chose, or by a rule that has a name and is said."""

from dataclasses import dataclass

from dashboard.judgements import judgement_for, known_judgement
from dashboard.presets import size_words
from dashboard.session import Installation, resolution_for_area
from dashboard.state import Choices
from layers.analysis.sizing import hotspot_size
from layers.analysis.winning import Judgement
from layers.catalogue import layer_named

__all__ = ["SizeChoice", "automatic_words", "size_of"]


@dataclass(frozen=True, slots=True)
class SizeChoice:
    """A resolution, and a sentence on why it was chosen; nothing where a person chose it, or it is that of counts."""

    resolution: int
    sentence: str = ""


def size_of(here: Installation, choices: Choices) -> SizeChoice:
    """The size of the map's cells. Hotspots and expected events ask the back-test of the first chosen layer.

    That may take seconds once for each version of the records, with its progress on the page.
    """
    if choices.size or choices.view not in ("hotspots", "expected"):
        return SizeChoice(resolution_for_area(here, choices))
    return _by_evidence(here, choices, judgement_for(here, choices.layers[0]))


def automatic_words(here: Installation, choices: Choices) -> str:
    """What "automatic" means now, for the list of sizes; never takes long."""
    if choices.view not in ("hotspots", "expected"):
        return f"Automatic: {_lower(resolution_for_area(here, Choices(wards=choices.wards)))}"
    known = known_judgement(here, choices.layers[0])
    if known is None:
        return "Automatic: by the back-test"
    return f"Automatic: {_lower(_by_evidence(here, choices, known).resolution)}"


def _by_evidence(here: Installation, choices: Choices, judgement: Judgement | None) -> SizeChoice:
    """What the back-test says; where it is silent, the size of counts."""
    layer = choices.layers[0]
    if choices.view == "expected":
        if judgement is None:
            return SizeChoice(resolution_for_area(here, choices))
        return SizeChoice(judgement.best.resolution, _decided_by(choices).strip())
    chosen = hotspot_size(here.columns, layer, judgement)
    if chosen is None:
        return SizeChoice(resolution_for_area(here, choices))
    return SizeChoice(chosen.resolution, f"{_decided_by(choices)}{chosen.sentence}")


def _decided_by(choices: Choices) -> str:
    """Which layer the size was chosen by, where several stand side by side."""
    return f"{layer_named(choices.layers[0]).title} decide how large cells are. " if len(choices.layers) > 1 else ""


def _lower(resolution: int) -> str:
    return size_words(resolution).lower()
