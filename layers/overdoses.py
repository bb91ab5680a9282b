"""Overdoses: incidents that ambulance, police or wardens attended. Fatal or not is a category."""

from typing import Final

from layers.event import LayerSpec

__all__ = ["OVERDOSES"]

OVERDOSES: Final = LayerSpec(
    name="overdoses",
    title="Overdoses",
    one="overdose",
    many="overdoses",
    item="overdoses",
    kind="incident",
)
