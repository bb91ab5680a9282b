"""A cell in words: its ward and the short code by which people tell a town's cells apart, as the map shows it."""

from geo.cells import short_code

__all__ = ["cell_words"]


def cell_words(ward_name: str, cell: int) -> str:
    """As in "Central · 4e17"."""
    return f"{ward_name} · {short_code(cell)}"
