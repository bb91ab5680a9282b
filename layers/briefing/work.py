"""What was done: visits by patrols and sweeps, by kind and team."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VisitLine", "build_visit_lines"]


@dataclass(frozen=True, slots=True)
class VisitLine:
    """What one team did: visits, minutes at the places, and needles collected (None: nobody counted)."""

    kind: str
    team: str
    visits: int
    minutes: int
    needles: int | None


def build_visit_lines(visits: "pd.DataFrame", *, wards: tuple[str, ...] = ()) -> tuple[VisitLine, ...]:
    """Sums of the visits of layers.work.ledger, by kind and team; `wards` codes (none: all)."""
    chosen = visits[visits["ward_code"].isin(wards)] if wards else visits
    lines = []
    for (kind, team), rows in chosen.groupby(["kind", "team"], sort=True):
        counted = rows["needles"].dropna()
        needles = int(counted.sum()) if len(counted) else None
        lines.append(VisitLine(str(kind), str(team), len(rows), int(rows["minutes"].sum()), needles))
    return tuple(lines)
