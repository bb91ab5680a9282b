"""Street dealing: recorded drug offences, drug searches, and reports of open dealing."""

from typing import Final

from layers.event import LayerSpec

__all__ = ["STREET_DEALING"]

STREET_DEALING: Final = LayerSpec(
    name="street_dealing",
    title="Street dealing",
    one="report of street dealing",
    many="reports of street dealing",
    item="reports",
    kind="incident",
)
