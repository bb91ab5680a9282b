"""Where most is expected next, by the method that wins the back-test of each layer."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from layers.analysis.next_week import build_forecast
from layers.analysis.winning import SelectedMethod
from layers.areas import Area
from layers.columns import Columns

__all__ = ["ForecastLine", "build_forecast_lines"]

MOST_A_LAYER: Final = 2


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """A cell (H3) with the most expected events for its size in the week [start, end): `expected` of `total` in all."""

    layer: str
    title: str
    start: dt.date
    end: dt.date
    cell: str
    ward_code: str
    ward_name: str
    expected: float
    total: float


def build_forecast_lines(
    columns: Columns, area: Area, winners: Mapping[str, SelectedMethod], *, wards: tuple[str, ...] = ()
) -> tuple[ForecastLine, ...]:
    """The first MOST_A_LAYER cells of each layer that has a winner; none of a method that ranks without numbers."""
    found = []
    for layer, winner in winners.items():
        week = build_forecast(columns, area, layer, winner, wards=wards)
        if not np.isfinite(week.expected) or week.expected <= 0:
            continue
        found += [
            ForecastLine(
                layer=layer,
                title=week.spec.title,
                start=week.start,
                end=week.end,
                cell=str(row["cell"]),
                ward_code=str(row["ward_code"]),
                ward_name=str(row["ward_name"]),
                expected=float(row["expected"]),
                total=week.expected,
            )
            for row in week.rows.head(MOST_A_LAYER).to_dict("records")
        ]
    return tuple(found)
