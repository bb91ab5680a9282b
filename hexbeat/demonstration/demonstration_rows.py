"""Demonstration incidents and closures as rows of events: who reported, how exactly, how many, in which words."""

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
from layers.layer_spec import DemonstrationSpec, DemonstrationSweeps, LayerSpec, LogNormal, RecordKind

__all__ = [
    "build_closure_rows",
    "build_event_frame",
    "build_incident_rows",
    "build_sweep_rows",
    "mark_open",
]

OPEN_S: Final = 30 * 3600  # reports of the public that are younger are not answered yet
STREWN_M: Final = 4  # events lie so far from the points of a street, as a standard deviation


def build_incident_rows(
    layer: str,
    rules: DemonstrationSpec,
    drawn: Incidents,
    *,
    span: Span,
    random: np.random.Generator,
    kinds: tuple[RecordKind, ...] | None = None,
) -> pd.DataFrame:
    """Rows of one layer of incidents, without identifiers, wards and cells; `kinds` None: those of its rules."""
    kinds = rules.kinds if kinds is None else kinds
    kind = draw_by_weight(np.array([one.share for one in kinds]), len(drawn), random)
    begin, end, precision = _times(drawn, span, _precisions(kinds, kind, random), random)
    return pd.DataFrame(
        {
            "layer": layer,
            "place": drawn.place,
            "occurred_from": begin,
            "occurred_to": end,
            "time_precision": precision,
            "quantity": _draw_quantities(rules.quantity, len(drawn), random) if rules.quantity else np.int64(1),
            "category": np.array([one.category for one in kinds], dtype=object)[kind],
            "reported_by": np.array([one.reported_by for one in kinds], dtype=object)[kind],
            "status": rules.status,
        }
    )


def mark_open(rows: pd.DataFrame, *, now: int) -> pd.DataFrame:
    """Rows of which the public's reports of the last hours before `now` (UTC seconds) are open."""
    waiting = (rows["reported_by"] == "public") & (rows["occurred_to"] > now - OPEN_S)
    return rows.assign(status=rows["status"].mask(waiting, "open"))


def build_sweep_rows(
    layer: str,
    rules: DemonstrationSpec,
    sweeps: DemonstrationSweeps,
    drawn: Incidents,
    *,
    span: Span,
    random: np.random.Generator,
) -> pd.DataFrame:
    """Rows of what sweeps found: many at a time, with the usual status of the layer's rules."""
    many = _draw_quantities(sweeps.quantity, len(drawn), random)
    rows = build_incident_rows(layer, rules, drawn, span=span, random=random, kinds=sweeps.kinds)
    return rows.assign(quantity=many)


def build_closure_rows(spec: LayerSpec, closures: Closures, *, now: int, random: np.random.Generator) -> pd.DataFrame:
    """Rows of closures: orders and extended ones. `now` in UTC seconds says which are still in force."""
    return pd.DataFrame(
        {
            "layer": spec.name,
            "place": closures.place,
            "occurred_from": closures.start,
            "occurred_to": closures.end,
            "time_precision": "minute",
            "quantity": 1,
            "category": np.where(closures.extended, spec.categories[1], spec.categories[0]),
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


def _precisions(
    kinds: tuple[RecordKind, ...], kind: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.object_]:
    """The wanted time precision of each row: minute, day, month or between, by the shares of its kind."""
    edges = np.cumsum([(one.minute, one.day, one.month) for one in kinds], axis=1)[kind]
    turn = (random.uniform(size=len(kind))[:, None] >= edges - 1e-9).sum(axis=1)
    return np.asarray(np.array(["minute", "day", "month", "between"], dtype=object)[turn])


def _draw_quantities(rule: LogNormal, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Whole quantities of so many records."""
    return np.clip(random.lognormal(rule.mean, rule.sigma, count), rule.least, rule.most).astype(np.int64)
