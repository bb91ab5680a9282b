"""A cell in words: its ward and the short code by which people tell a town's cells apart, as the map shows it."""

from geo.cells import format_short_code

__all__ = ["format_cell_name"]


def format_cell_name(ward_name: str, cell: int) -> str:
    """As in "Central · 4e17"."""
    return f"{ward_name} · {format_short_code(cell)}"
