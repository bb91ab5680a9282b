"""Needles and other injecting litter: found in a sweep, or reported."""

from typing import Final

from layers.event import LayerSpec

__all__ = ["NEEDLE_LITTER"]

NEEDLE_LITTER: Final = LayerSpec(
    name="needle_litter",
    title="Needle finds",
    one="needle find",
    many="needle finds",
    item="needles",
    kind="incident",
)
