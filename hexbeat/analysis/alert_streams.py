"""What the daily scan looks at: places as finely as viewer and records allow, and events that are scanned together."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import AreaError
from geo.prospective_scan import HISTORY_DAYS, ScanGrid, build_scan_grid
from hexbeat.analysis.alert_rates import AREA_SHARE
from hexbeat.analysis.alert_series import list_days
from hexbeat.analysis.daily_counts import KnownDays, find_positions, to_ordinal
from hexbeat.analysis.study import Study, load_study, project
from hexbeat.areas.area import Area
from hexbeat.areas.places_mask import read_places_mask
from layers.columns import Columns
from layers.coverage import Coverage
from layers.event import REPORTERS
from layers.layer_spec import LayerSpec
from layers.precision import measure_precision

__all__ = ["Places", "Stream", "group_wards", "list_streams", "load_places"]

_RESOLUTION: Final = 9  # cells of 350 m: finer ones hold too few events, and circles join them
_CATEGORY_EVENTS: Final = 50  # of a category in the year before; with fewer it is not looked at by itself
_CATEGORY_SHARE: Final = 0.2  # of the layer's alerts by chance, for its categories together
_SEARCH_SHARE: Final = 0.25  # likewise for searches by officers
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The places of a scan: cells (or, where no cell may be seen, wards), their wards as positions, and the grid."""

    cells: NDArray[np.uint64] | None
    ward: NDArray[np.intp]
    grid: ScanGrid


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Events that are scanned together: (n,) places and days since 1970; and the alerts a year that chance may raise.

    `category`: the one that they are limited to. `searches`: they are searches by officers. `area_alerts_a_year`:
    the share of the whole area as one place, where it is looked at.
    """

    place: NDArray[np.int64]
    day: NDArray[np.int64]
    alerts_a_year: float
    category: str = ""
    searches: bool = False
    area_alerts_a_year: float = 0.0


def group_wards(
    coverage: Coverage, spec: LayerSpec, area: Area, first: dt.date, day: dt.date
) -> Iterator[tuple[tuple[str, ...], NDArray[np.bool_]]]:
    """Wards that know the same days, and these days from `first` to `day`, bool (days,)."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for code in area.wards.codes:
        spans = coverage.find_known_like_last(spec.name, (first, day + _DAY), wards=(code,))
        groups.setdefault(tuple((list_days(spans) - to_ordinal(first)).tolist()), []).append(code)
    for rows, codes in groups.items():
        if rows:
            known = np.zeros((day - first).days + 1, dtype=np.bool_)
            known[list(rows)] = True
            yield tuple(codes), known


def load_places(spec: LayerSpec, columns: Columns, events: KnownDays, area: Area, wards: tuple[str, ...]) -> Places:
    """The cells of these wards that can hold events, as finely as viewer and records allow; else the wards."""
    detail = columns.details.get(spec.name)
    finest = _RESOLUTION if detail is None else detail.finest
    if finest is None:
        positions = find_positions(wards, area.wards.codes)
        middles = [area.wards.polygons[ward].centroid for ward in positions.tolist()]
        lon, lat = np.array([[point.x, point.y] for point in middles]).T
        study = load_study(area)
        return Places(None, positions.astype(np.intp), build_scan_grid(*project(study.crs, lon, lat)))
    known = measure_precision(columns, spec.name, time_zone=area.time_zone).finest
    study = load_study(area, () if len(wards) == len(area.wards) else wards, min(_RESOLUTION, finest, known))
    held = _mark_places(
        study, columns.cell_ids[study.resolution][columns.find_cell_codes(events.index, study.resolution)]
    )
    return Places(study.cells[held], study.ward[held], build_scan_grid(study.x_m[held], study.y_m[held]))


def _mark_places(study: Study, event_cells: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which cells of a study hold candidate places or events; all where the area has no list of places."""
    if study.resolution != _RESOLUTION:
        return np.ones(len(study), dtype=np.bool_)
    try:
        mask = read_places_mask(study.area)
    except AreaError:
        return np.ones(len(study), dtype=np.bool_)
    return np.isin(study.cells, np.concatenate([mask.cell, event_cells]))


def list_streams(
    spec: LayerSpec,
    columns: Columns,
    events: KnownDays,
    area: Area,
    places: Places,
    wards: tuple[str, ...],
    *,
    day: dt.date,
    share: float,
) -> Iterator[Stream]:
    """Reports, searches by officers, and categories with enough events; each with its share of false alerts.

    Where all wards know the same days, reports and searches are looked at over the whole area, too.
    """
    place = _find_places(columns, events, area, places, wards)
    inside = (place >= 0) & (events.day <= to_ordinal(day))
    officers = columns.reported_by[events.index] == REPORTERS.index("officer")
    is_search = officers if spec.searches else np.zeros(len(place), dtype=np.bool_)
    has_both = bool(is_search.any() and (~is_search).any())
    of_searches = _SEARCH_SHARE if has_both else float(is_search.any())
    for is_part, part, searches in ((~is_search, 1 - of_searches, False), (is_search, of_searches, True)):
        own = inside & is_part
        if not own.any():
            continue
        recent = own & (events.day > to_ordinal(day) - HISTORY_DAYS)
        code = columns.category[events.index]
        number = np.bincount(code[recent], minlength=len(columns.categories))
        categories = [c for c in np.flatnonzero(number >= _CATEGORY_EVENTS).tolist() if columns.categories[c]]
        categories = categories if len(categories) > 1 and spec.alert_form else []
        rate = part * share
        of_area = AREA_SHARE * rate if len(wards) == len(area.wards.codes) and len(places.ward) > 1 else 0.0
        rate -= of_area
        whole = rate * (1 - _CATEGORY_SHARE) if categories else rate
        yield Stream(place[own], events.day[own], whole, searches=searches, area_alerts_a_year=of_area)
        for category in categories:
            of = own & (code == category)
            yield Stream(
                place[of],
                events.day[of],
                rate * _CATEGORY_SHARE / len(categories),
                columns.categories[category],
                searches,
            )


def _find_places(
    columns: Columns, events: KnownDays, area: Area, places: Places, wards: tuple[str, ...]
) -> NDArray[np.int64]:
    """The place of each event, (n,); -1 outside."""
    ward = find_positions(columns.ward_codes, area.wards.codes)[columns.ward[events.index]]
    if places.cells is None:
        of_ward = np.full(len(area.wards) + 1, -1, dtype=np.int64)
        of_ward[places.ward] = np.arange(len(places.ward))
        return of_ward[ward]
    resolution = int(places.cells[0]) >> 52 & 0xF
    cells = columns.cell_ids[resolution][columns.find_cell_codes(events.index, resolution)]
    place = np.minimum(np.searchsorted(places.cells, cells), len(places.cells) - 1)
    inside = (places.cells[place] == cells) & np.isin(ward, find_positions(wards, area.wards.codes))
    return np.where(inside, place, -1)
