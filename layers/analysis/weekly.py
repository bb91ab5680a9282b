"""Weekly counts of a layer in every cell of a study area: what forecasts are made of and judged by."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from layers.analysis.daily import count_by, find_known_days, to_ordinal
from layers.analysis.study import Study
from layers.columns import Columns
from layers.periods import find_known_period
from layers.wording import format_number

__all__ = ["FEWEST_HISTORY_WEEKS", "Weeks", "count_weeks"]

FEWEST_HISTORY_WEEKS: Final = 8  # before the first week that is judged


@dataclass(frozen=True, slots=True, eq=False)
class Weeks:
    """`counts` float64 (weeks, n) of a layer by week, oldest first, and by the study's cells.

    `first` is the first day of the first week; the last week ends with the newest record. `unknown` events do not know
    their day, `swept` ones were found by sweeps; neither is counted.
    """

    counts: NDArray[np.float64]
    first: dt.date
    unknown: int
    swept: int

    def start_of(self, week: int) -> dt.date:
        """The first day of a week (0 is the oldest)."""
        return self.first + dt.timedelta(days=7 * week)


def count_weeks(columns: Columns, layer: str, study: Study, *, judged: int, time_zone: str) -> Weeks:
    """Whole weeks from the layer's first record to its last; UsageError if there are too few to judge `judged` of them.

    Cells and wards are those of the study; events elsewhere take no part.
    """
    known = find_known_period(columns, layer, time_zone=time_zone)
    many = (known[1] - known[0]).days // 7 if known else 0
    if known is None or judged < 1 or many < judged + FEWEST_HISTORY_WEEKS:
        raise UsageError(
            f"A back-test needs one week or more to judge, and {FEWEST_HISTORY_WEEKS} weeks of records before them",
            f"{format_number(judged)} weeks are to be judged, and {layer} has {format_number(many)} in all",
            "judge fewer weeks, or load more records",
        )
    first = known[1] - dt.timedelta(days=7 * many)
    events = find_known_days(columns, layer, time_zone=time_zone)
    cells = columns.cell_ids[study.resolution]
    place = np.minimum(np.searchsorted(study.cells, cells), len(study.cells) - 1)
    place = np.where(study.cells[place] == cells, place, -1)[columns.cell[study.resolution][events.index]]
    if study.chosen:
        chosen = np.array([code in study.chosen for code in columns.ward_codes])
        place = np.where(chosen[columns.ward[events.index]], place, -1)
    week = (events.day - to_ordinal(first)) // 7
    return Weeks(count_by(week, place, times=many, places=len(study)), first, events.unknown, events.swept)
