"""Demonstration incidents and closures as rows of events: reporter, precision, quantity and category."""

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

OPEN_S: Final = 30 * 3600  # newer reports of the public are not answered yet
SCATTER_M: Final = 4  # standard deviation of the distance of events from the points of a street


def build_incident_rows(
    layer: str,
    rules: DemonstrationSpec,
    incidents: Incidents,
    *,
    span: Span,
    random: np.random.Generator,
    kinds: tuple[RecordKind, ...] | None = None,
) -> pd.DataFrame:
    """Rows of one layer of incidents, without identifiers, wards and cells; `kinds` None: those of its rules."""
    kinds = rules.kinds if kinds is None else kinds
    kind = draw_by_weight(np.array([record_kind.share for record_kind in kinds]), len(incidents), random)
    begin, end, precision = _build_times(incidents, span, _draw_precisions(kinds, kind, random), random)
    return pd.DataFrame(
        {
            "layer": layer,
            "place": incidents.place,
            "occurred_from": begin,
            "occurred_to": end,
            "time_precision": precision,
            "quantity": _draw_quantities(rules.quantity, len(incidents), random) if rules.quantity else np.int64(1),
            "category": np.array([record_kind.category for record_kind in kinds], dtype=object)[kind],
            "reported_by": np.array([record_kind.reported_by for record_kind in kinds], dtype=object)[kind],
            "status": rules.status,
        }
    )


def mark_open(rows: pd.DataFrame, *, now: int) -> pd.DataFrame:
    """The rows, with the public's reports of the last 30 hours before `now` (UTC seconds) marked as open."""
    waiting = (rows["reported_by"] == "public") & (rows["occurred_to"] > now - OPEN_S)
    return rows.assign(status=rows["status"].mask(waiting, "open"))


def build_sweep_rows(
    layer: str,
    rules: DemonstrationSpec,
    sweeps: DemonstrationSweeps,
    incidents: Incidents,
    *,
    span: Span,
    random: np.random.Generator,
) -> pd.DataFrame:
    """Rows of finds of sweeps: many at a time, with the usual status of the layer's rules."""
    quantity = _draw_quantities(sweeps.quantity, len(incidents), random)
    rows = build_incident_rows(layer, rules, incidents, span=span, random=random, kinds=sweeps.kinds)
    return rows.assign(quantity=quantity)


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
        "location_precision": None,
        "location_precision_m": np.nan,
        **{f"h3_{resolution:02d}": cells[resolution] for resolution in RESOLUTIONS},
        "ward_code": np.asarray(area.wards.codes, dtype=object)[ward],
        "scope": None,
        "note": None,
    }
    return frame.assign(**extra)[list(EVENT_COLUMNS)]


def _scatter_points(
    place: NDArray[np.int64], places: Places, area: Area, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points some metres from their places, or at the place itself if that would leave its ward or its cell."""
    degrees = SCATTER_M / DEMONSTRATION_METRES_PER_DEGREE
    lon = np.round(places.lon[place] + random.normal(0, degrees * 1.7, len(place)), 6)
    lat = np.round(places.lat[place] + random.normal(0, degrees, len(place)), 6)
    is_inside = area.wards.locate(lon, lat) == places.ward[place]
    is_inside &= index_points_at(lon, lat, resolutions=(9,))[9] == places.cell[place]
    return np.where(is_inside, lon, places.lon[place]), np.where(is_inside, lat, places.lat[place])


def _build_times(
    incidents: Incidents, span: Span, wanted_precision: NDArray[np.object_], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.object_]]:
    """UTC seconds from and to, and the time precision. An event of a month that is not over has a minute instead."""
    second = span.to_utc(incidents.day, incidents.second)
    calendar = Calendar(span.time_zone)
    months = incidents.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    known_months, code = np.unique(months, return_inverse=True)
    bounds = np.array([calendar.month_bounds(int(month)) for month in known_months], dtype=np.int64).reshape(-1, 2)[
        code
    ]
    span_start, span_end = span.day_starts(np.array([span.day(len(span.days)), span.day(0)]))
    is_over = (bounds[:, 0] >= span_start) & (bounds[:, 1] <= span_end)
    precision = np.where((wanted_precision == "month") & ~is_over, "minute", wanted_precision)
    by_day, by_month, between = precision == "day", precision == "month", precision == "between"
    hours_before = random.integers(3, 13, size=len(incidents)) * 3600
    begin = np.select(
        [by_day, by_month, between],
        [span.day_starts(incidents.day), bounds[:, 0], np.maximum(second - hours_before, span_start)],
        second,
    )
    end = np.select([by_day, by_month], [span.day_starts(incidents.day + 1), bounds[:, 1]], second)
    return begin, end, np.where(between, "minute", precision)


def _draw_precisions(
    kinds: tuple[RecordKind, ...], kind: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.object_]:
    """The wanted time precision of each row: minute, day, month or between, by the shares of its kind."""
    edges = np.cumsum([(record_kind.minute, record_kind.day, record_kind.month) for record_kind in kinds], axis=1)[kind]
    column = (random.uniform(size=len(kind))[:, None] >= edges - 1e-9).sum(axis=1)
    return np.asarray(np.array(["minute", "day", "month", "between"], dtype=object)[column])


def _draw_quantities(rule: LogNormal, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Whole quantities of `count` records."""
    return np.clip(random.lognormal(rule.mean, rule.sigma, count), rule.least, rule.most).astype(np.int64)
