"""One sentence on why a cell is, or is not, a hotspot."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geo.tails import poisson_at_least
from layers.analysis.hotspot_map import COLD, HOT, HotspotMap
from layers.wording import format_count, format_number, format_odds, format_span

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["explain_cell", "is_too_quiet"]

_TIMES_AVERAGE: Final = 6.0  # a place that even so many could not set apart is too quiet to tell
_ORDINARY: Final = 0.25  # of shuffles: nobody need be told by which side a cell differs from the middle


def explain_cell(found: HotspotMap, cell: str) -> str:
    """Why a cell (H3 string) is hot, cold, neither, or too quiet to tell, in one sentence with its numbers.

    The numbers are those of the test: the cell together with those that touch it, and as many cells where there is no
    hotspot (for cold spots: no cold spot). KeyError for a cell that is not on the map.
    """
    if not found.total:
        return f"There are no {found.spec.many} anywhere on this map{_format_period(found)}, so there is nothing to compare."
    rows = found.rows
    places = rows.index[rows["cell"] == cell]
    if not len(places):
        raise KeyError(cell)
    row = rows.loc[places[0]]
    side = str(row["leans"])
    counted = format_count(float(row["neighbourhood"]), found.spec, found.measure)
    others = int(row["cells"]) - 1
    around = f" and the {others} that touch it" if others > 1 else " and the one that touches it" if others else ""
    elsewhere = _describe_background(side, found=bool((rows["hotspot"] == side).any()))
    average = format_number(float(row["expected"]))
    facts = (
        f"{counted[0].upper()}{counted[1:]} in this cell{around}{_format_period(found)}; as many cells {elsewhere} would have "
        f"{average} on average"
    )
    return f"{facts}; {_describe_verdict(found, float(row['p_value']), row['hotspot'], side, row)}."


def is_too_quiet(found: HotspotMap) -> bool:
    """Whether on the whole map even a place with six times the average might not stand out."""
    fullest = found.rows["cells"].to_numpy().argmax()
    return _is_too_few(float(found.rows["expected"].iloc[fullest]), found.q / len(found.rows))


def _describe_verdict(found: HotspotMap, p: float, kind: str, side: str, row: "pd.Series[Any]") -> str:
    shuffles = f"{format_odds(p)} shuffles {'have as many' if side == HOT else 'have as few'}"
    if kind == HOT:
        return f"{shuffles}: a hotspot"
    if kind == COLD:
        return f"{shuffles}: a cold spot"
    if _is_too_few(float(row["expected"]), found.q / len(found.rows)):
        return "too few to tell, for even six times the average might not stand out"
    if p >= _ORDINARY:
        return "an ordinary number"
    name = "hotspot" if side == HOT else "cold spot"
    lone = side == HOT and float(row["largest"]) > float(row["neighbourhood"]) / 2
    hint = " (most lie in one cell)" if lone else ""
    return f"{shuffles}, too often to call it a {name} among {len(found.rows):,} cells{hint}"


def _is_too_few(expected: float, level: float) -> bool:
    """Whether even _TIMES_AVERAGE times as many could be chance, were events to fall evenly (Poisson)."""
    return bool(poisson_at_least(np.ceil(_TIMES_AVERAGE * expected), expected) > level)


def _describe_background(side: str, *, found: bool) -> str:
    """Where the average is taken: the background of the test, which the surest of what was found has left."""
    if not found:
        return "anywhere here"
    return f"away from the clearest {'hotspots' if side == HOT else 'cold spots'}"


def _format_period(found: HotspotMap) -> str:
    """The period, and what else was asked for."""
    limits = f" ({', '.join(found.limits)})" if found.limits else ""
    if found.period is None:
        return limits
    days = (found.period[1] - found.period[0]).days
    return (f" in {format_number(days)} days" if days > 1 else f" on {format_span(*found.period)}") + limits
