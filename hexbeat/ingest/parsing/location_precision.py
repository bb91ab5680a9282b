"""Parses how well a row knows its place: the kind of location precision, and how many metres a point may be off."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.number_texts import parse_numbers
from hexbeat.ingest.sources import Location
from hexbeat.ingest.sources.column_plan import ColumnRoles
from layers.event import LOCATION_PRECISIONS

__all__ = ["parse_location_precisions"]


def parse_location_precisions(
    rules: Location, plan: ColumnRoles, texts: dict[str, pd.Series], rows: int
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """The location precision (n,) of each row, None where nobody says; and metres (n,), NaN where nobody says.

    A row's own word counts, without regard to case; a blank or unknown one leaves it to the profile. The metres of the
    profile are those of its own precision, so they are not given to a row that names another one. Metres that are not a
    number above 0 are not known.
    """
    words = np.full(rows, rules.precision, dtype=object)
    if plan.location_precision:
        own = texts[plan.location_precision].str.casefold().to_numpy(dtype=object)
        words = np.where(np.isin(own, LOCATION_PRECISIONS), own, words)
    metres = np.full(rows, np.nan)
    if rules.precision_m is not None:
        is_usual = np.array([word == rules.precision for word in words], dtype=np.bool_)
        metres[is_usual] = rules.precision_m
    if plan.location_precision_m:
        numbers = parse_numbers(texts[plan.location_precision_m], grouped=True)
        metres = np.where(np.isfinite(numbers) & (numbers > 0), numbers, metres)
    return words, metres
