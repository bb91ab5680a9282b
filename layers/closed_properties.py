"""Closed properties: premises closed by notice or court order, in force for an interval."""

from typing import Final

from layers.event import LayerSpec

__all__ = ["CLOSED_PROPERTIES"]

CLOSED_PROPERTIES: Final = LayerSpec(
    name="closed_properties",
    title="Closed properties",
    one="closed property",
    many="closed properties",
    item="properties",
    kind="state",
    # Anti-social Behaviour, Crime and Policing Act 2014, s. 80(6): an order lasts at most three months.
    open_end_months=3,
)
