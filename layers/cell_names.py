"""The short code by which people tell a town's cells apart, as the map shows it."""

from typing import Final

__all__ = ["cell_words"]

_FINEST: Final = 15  # resolutions of H3; each takes three bits of an index


def cell_words(ward_name: str, cell: int) -> str:
    """As in "Central · 4e17": the ward, and the last 16 bits in use of the cell's index."""
    resolution = cell >> 52 & 0xF
    return f"{ward_name} · {cell >> 3 * (_FINEST - resolution) & 0xFFFF:04x}"
