"""What the statistics say of the chosen cell: why it is a hotspot or not, its pattern over time, its change."""

from datetime import date

from dashboard.change_view import describe_cell_change
from dashboard.expected_view import describe_cell_forecast
from dashboard.findings import find_changes, find_findings, load_forecast
from dashboard.session import Installation
from dashboard.state import Choices
from dashboard.words import format_span
from geo.emerging import Pattern
from layers.analysis.change_map import ChangeMap
from layers.analysis.emerging_map import EmergingMap
from layers.analysis.explaining import explain_cell
from layers.catalogue import find_layer

__all__ = ["describe_cell", "describe_change", "describe_pattern"]


def describe_cell(here: Installation, choices: Choices, *, last: date, resolution: int) -> list[str]:
    """Sentences on the chosen cell for each chosen layer, named where there are several; none for a cell elsewhere."""
    cell, said = choices.cell or "", list[str]()
    for layer in choices.layers:
        name = f"{find_layer(layer).title}: " if len(choices.layers) > 1 else ""
        found = find_findings(here, choices, layer=layer, last=last, resolution=resolution)
        changed = find_changes(here, choices, layer=layer, last=last, resolution=resolution)
        if cell not in found.hotspots.rows["cell"].to_numpy():
            continue
        week = load_forecast(here, choices, layer=layer, resolution=resolution) if choices.view == "expected" else None
        words = [
            describe_cell_forecast(week, cell) if week else "",
            explain_cell(found.hotspots, cell),
            describe_pattern(found.emerging, cell),
            describe_change(changed, cell),
        ]
        said += [name + line for line in words if line]
    return said


def describe_pattern(found: EmergingMap, cell: str) -> str:
    """The pattern of a cell over time with its definition; nothing where the period has room for too few bins."""
    if found.bins is None:
        return ""
    row = found.rows[found.rows["cell"] == cell].iloc[0]
    unit = {"week": "weeks", "month": "months", "four weeks": "spans of four weeks"}[found.bins.unit]
    said = f"Over {len(found.bins.periods)} {unit}: {row['pattern']}."
    return said if row["pattern"] == Pattern.NONE else f"{said} {row['definition']}"


def describe_change(found: ChangeMap, cell: str) -> str:
    """The change of a cell; nothing where there is nothing to compare with."""
    if found.missing or found.other is None:
        return ""
    row = found.cells[found.cells["cell"] == cell].iloc[0]
    return f"Against {format_span(*found.other)}: {describe_cell_change(row.to_dict())}."
