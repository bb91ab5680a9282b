"""What the statistics say of the chosen cell: why it is a hotspot or not, its pattern over time, its change."""

from datetime import date

from dashboard.change_view import change_row_words
from dashboard.expected_view import expected_card_words
from dashboard.findings import changes_of, findings_of, next_week_of
from dashboard.session import Installation
from dashboard.state import Choices
from dashboard.words import span_words
from geo.emerging import Pattern
from layers.analysis.change_map import ChangeMap
from layers.analysis.emerging_map import EmergingMap
from layers.analysis.explaining import explain_cell
from layers.catalogue import layer_named

__all__ = ["cell_words", "change_words_of", "pattern_words"]


def cell_words(here: Installation, choices: Choices, *, last: date, resolution: int) -> list[str]:
    """Sentences on the chosen cell for each chosen layer, named where there are several; none for a cell elsewhere."""
    cell, said = choices.cell or "", list[str]()
    for layer in choices.layers:
        name = f"{layer_named(layer).title}: " if len(choices.layers) > 1 else ""
        found = findings_of(here, choices, layer=layer, last=last, resolution=resolution)
        changed = changes_of(here, choices, layer=layer, last=last, resolution=resolution)
        if cell not in found.hotspots.rows["cell"].to_numpy():
            continue
        week = next_week_of(here, choices, layer=layer, resolution=resolution) if choices.view == "expected" else None
        words = [
            expected_card_words(week, cell) if week else "",
            explain_cell(found.hotspots, cell),
            pattern_words(found.emerging, cell),
            change_words_of(changed, cell),
        ]
        said += [name + line for line in words if line]
    return said


def pattern_words(found: EmergingMap, cell: str) -> str:
    """The pattern of a cell over time with its definition; nothing where the period has room for too few bins."""
    if found.bins is None:
        return ""
    row = found.rows[found.rows["cell"] == cell].iloc[0]
    unit = {"week": "weeks", "month": "months", "four weeks": "spans of four weeks"}[found.bins.unit]
    said = f"Over {len(found.bins.periods)} {unit}: {row['pattern']}."
    return said if row["pattern"] == Pattern.NONE else f"{said} {row['definition']}"


def change_words_of(found: ChangeMap, cell: str) -> str:
    """The change of a cell; nothing where there is nothing to compare with."""
    if found.missing or found.other is None:
        return ""
    row = found.cells[found.cells["cell"] == cell].iloc[0]
    return f"Against {span_words(*found.other)}: {change_row_words(row.to_dict())}."
