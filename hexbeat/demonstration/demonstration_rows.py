"""Demonstration incidents and closures as rows of events: who reported, how exactly, how many, in which words."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.cells import index_points_at
from geo.distance import DEMONSTRATION_METRES_PER_DEGREE
from hexbeat.areas.area import Area
from hexbeat.demonstration.draws import Incidents
from hexbeat.demonstration.patterns import Closures
from hexbeat.demonstration.rhythms import Span, draw_by_weight
from hexbeat.demonstration.town import Places
from layers.catalogue import LAYER_NAMES
from layers.event import DEMONSTRATION, EVENT_COLUMNS, RESOLUTIONS

__all__ = [
    "KINDS",
    "Kind",
    "build_closure_rows",
    "build_event_frame",
    "build_incident_rows",
    "build_sweep_rows",
    "mark_open",
]

OPEN_S: Final = 30 * 3600  # reports of the public that are younger are not answered yet
STREWN_M: Final = 4  # events lie so far from the points of a street, as a standard deviation


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record of a layer: its category, who reports it, its share, and how exactly its time is known.

    `minute`, `day` and `month` are shares of time precision; what is left is known to lie between two times.
    """

    category: str
    reported_by: str
    share: float
    minute: float
    day: float = 0.0
    month: float = 0.0


KINDS: Final = {
    "needle_litter": (
        Kind("found on public ground", "public", 0.68, minute=0.87, day=0.09),
        Kind("found on patrol", "officer", 0.18, minute=0.9, day=0.1),
        Kind("found at a property", "agency", 0.14, minute=0.6, day=0.3),
    ),
    "street_dealing": (
        Kind("dealing seen", "public", 0.46, minute=0.85, day=0.15),
        Kind("dealing seen", "agency", 0.08, minute=0.6, day=0.4),
        Kind("drug search", "officer", 0.24, minute=0.9, day=0.1),
        Kind("drug offence recorded", "officer", 0.22, minute=0.0, month=1.0),
    ),
    "overdoses": (
        Kind("not fatal", "agency", 0.62, minute=0.96, day=0.04),
        Kind("not fatal, naloxone given", "agency", 0.17, minute=1.0),
        Kind("not fatal, naloxone given", "officer", 0.11, minute=1.0),
        Kind("not fatal", "public", 0.04, minute=0.5, day=0.5),
        Kind("fatal", "agency", 0.06, minute=0.7, day=0.3),
    ),
}
SWEPT: Final = (Kind("found in a sweep", "sweep", 1.0, minute=0.5, day=0.5),)


def build_incident_rows(
    layer: str, drawn: Incidents, *, span: Span, random: np.random.Generator, kinds: tuple[Kind, ...] | None = None
) -> pd.DataFrame:
    """Rows of one layer of incidents, without identifiers, wards and cells; `kinds` None: those of the layer."""
    kinds = KINDS[layer] if kinds is None else kinds
    kind = draw_by_weight(np.array([one.share for one in kinds]), len(drawn), random)
    begin, end, precision = _times(drawn, span, _precisions(kinds, kind, random), random)
    return pd.DataFrame(
        {
            "layer": layer,
            "place": drawn.place,
            "occurred_from": begin,
            "occurred_to": end,
            "time_precision": precision,
            "quantity": _draw_quantities(len(drawn), random) if layer == "needle_litter" else np.int64(1),
            "category": np.array([one.category for one in kinds], dtype=object)[kind],
            "reported_by": np.array([one.reported_by for one in kinds], dtype=object)[kind],
            "status": "removed" if layer == "needle_litter" else None,
        }
    )


def mark_open(rows: pd.DataFrame, *, now: int) -> pd.DataFrame:
    """Rows of which the public's reports of the last hours before `now` (UTC seconds) are open."""
    waiting = (rows["reported_by"] == "public") & (rows["occurred_to"] > now - OPEN_S)
    return rows.assign(status=rows["status"].mask(waiting, "open"))


def build_sweep_rows(drawn: Incidents, *, span: Span, random: np.random.Generator) -> pd.DataFrame:
    """Rows of what needle sweeps found: many needles at a time, half of them known to the day."""
    many = np.clip(random.lognormal(2.6, 0.6, len(drawn)), 4, 60).astype(np.int64)
    return build_incident_rows("needle_litter", drawn, span=span, random=random, kinds=SWEPT).assign(quantity=many)


def build_closure_rows(closures: Closures, *, now: int, random: np.random.Generator) -> pd.DataFrame:
    """Rows of closed properties; `now` in UTC seconds says which are still in force."""
    return pd.DataFrame(
        {
            "layer": "closed_properties",
            "place": closures.place,
            "occurred_from": closures.start,
            "occurred_to": closures.end,
            "time_precision": "minute",
            "quantity": 1,
            "category": np.where(closures.extended, "closure order, extended", "closure order"),
            "reported_by": random.choice(["agency", "officer"], len(closures.place), p=[0.6, 0.4]),
            "status": np.where(closures.end > now, "in force", "ended"),
        }
    )


def build_event_frame(rows: pd.DataFrame, *, places: Places, area: Area, random: np.random.Generator) -> pd.DataFrame:
    """Rows of all layers as EVENT_COLUMNS, in order of time, each with an identifier, a point, its ward and cells."""
    order = np.lexsort([rows["place"], rows["layer"].map(LAYER_NAMES.index), rows["occurred_from"]])
    frame = rows.iloc[order].reset_index(drop=True)
    lon, lat = _scatter_points(frame.pop("place").to_numpy(), places, area, random)
    ward = area.wards.locate(lon, lat)
    cells = index_points_at(lon, lat, resolutions=RESOLUTIONS)
    extra: dict[str, Any] = {
        "source": DEMONSTRATION,
        "source_id": [f"demonstration-{number:07d}" for number in range(1, len(frame) + 1)],
        "lon": lon,
        "lat": lat,
        **{f"h3_{resolution:02d}": cells[resolution] for resolution in RESOLUTIONS},
        "ward_code": np.asarray(area.wards.codes, dtype=object)[ward],
        "scope": None,
        "note": None,
    }
    return frame.assign(**extra)[list(EVENT_COLUMNS)]


def _scatter_points(
    place: NDArray[np.int64], places: Places, area: Area, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points some metres from their places; at the place where that would leave its ward or its cell."""
    degrees = STREWN_M / DEMONSTRATION_METRES_PER_DEGREE
    lon = np.round(places.lon[place] + random.normal(0, degrees * 1.7, len(place)), 6)
    lat = np.round(places.lat[place] + random.normal(0, degrees, len(place)), 6)
    same = area.wards.locate(lon, lat) == places.ward[place]
    same &= index_points_at(lon, lat, resolutions=(9,))[9] == places.cell[place]
    return np.where(same, lon, places.lon[place]), np.where(same, lat, places.lat[place])


def _times(
    drawn: Incidents, span: Span, wanted: NDArray[np.object_], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.object_]]:
    """UTC seconds from and to, and the time precision. Months that are not over yet are not known as months."""
    moment = span.to_utc(drawn.day, drawn.second)
    calendar = Calendar(span.time_zone)
    months = drawn.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    known, code = np.unique(months, return_inverse=True)
    bounds = np.array([calendar.month_bounds(int(month)) for month in known], dtype=np.int64).reshape(-1, 2)[code]
    first, last = span.day_starts(np.array([span.day(len(span.days)), span.day(0)]))
    whole = (bounds[:, 0] >= first) & (bounds[:, 1] <= last)
    precision = np.where((wanted == "month") & ~whole, "minute", wanted)
    by_day, by_month, between = precision == "day", precision == "month", precision == "between"
    hours_before = random.integers(3, 13, size=len(drawn)) * 3600
    begin = np.select(
        [by_day, by_month, between],
        [span.day_starts(drawn.day), bounds[:, 0], np.maximum(moment - hours_before, first)],
        moment,
    )
    end = np.select([by_day, by_month], [span.day_starts(drawn.day + 1), bounds[:, 1]], moment)
    return begin, end, np.where(between, "minute", precision)


def _precisions(kinds: tuple[Kind, ...], kind: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.object_]:
    """The wanted time precision of each row: minute, day, month or between, by the shares of its kind."""
    edges = np.cumsum([(one.minute, one.day, one.month) for one in kinds], axis=1)[kind]
    turn = (random.uniform(size=len(kind))[:, None] >= edges - 1e-9).sum(axis=1)
    return np.asarray(np.array(["minute", "day", "month", "between"], dtype=object)[turn])


def _draw_quantities(count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Needles of a reported find: one or two as a rule, seldom more than ten."""
    return np.clip(random.lognormal(0.4, 0.8, count), 1, 40).astype(np.int64)
