"""The four layers in their fixed order: a layer's code is its place in this order."""

from typing import Final

from geo.errors import UsageError
from layers.closed_properties import CLOSED_PROPERTIES
from layers.event import LayerSpec
from layers.needle_litter import NEEDLE_LITTER
from layers.overdoses import OVERDOSES
from layers.street_dealing import STREET_DEALING

__all__ = ["LAYERS", "LAYER_NAMES", "find_layer", "find_layer_code"]

LAYERS: Final[tuple[LayerSpec, ...]] = (NEEDLE_LITTER, STREET_DEALING, OVERDOSES, CLOSED_PROPERTIES)
LAYER_NAMES: Final[tuple[str, ...]] = tuple(spec.name for spec in LAYERS)


def find_layer_code(name: str) -> int:
    """The place of a layer in LAYERS; UsageError if there is no such layer."""
    if name not in LAYER_NAMES:
        raise UsageError(
            "A layer is one of the four", f"there is no layer {name!r}", f"choose from {', '.join(LAYER_NAMES)}"
        )
    return LAYER_NAMES.index(name)


def find_layer(name: str) -> LayerSpec:
    """The layer of that name; UsageError if there is none."""
    return LAYERS[find_layer_code(name)]
