"""Places of the demonstration where much happens, by their rank."""

import datetime as dt
from typing import Final

import numpy as np

from hexbeat.evaluation.treated_places import TreatedPlace
from tests.support.analysing import demonstration

__all__ = ["START", "busy_corner"]

START: Final = dt.date(2025, 6, 1)


def busy_corner(rank: int = 3) -> TreatedPlace:
    """Where most needles were found in the year before START; nowhere else is as busy as the first three."""
    columns, _ = demonstration()
    seconds = (START - dt.date(1970, 1, 1)).days * 86_400
    chosen = (columns.layer == 0) & (columns.start < seconds) & (columns.start > seconds - 365 * 86_400)
    cell = np.argsort(-np.bincount(columns.cell[9][chosen]), kind="stable")[rank]
    inside = chosen & (columns.cell[9] == cell)
    lon, lat = float(np.median(columns.lon[inside])), float(np.median(columns.lat[inside]))
    return TreatedPlace("the busy corner", lon, lat, START, START + dt.timedelta(days=182))
