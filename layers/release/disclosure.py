"""One finding of the audit."""

from dataclasses import dataclass

__all__ = ["Disclosure"]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One finding: where, why, and the possible numbers if they are all below k (empty where that is not the point)."""

    layer: str
    period: str
    place: str
    reason: str
    possible: tuple[int, ...] = ()
