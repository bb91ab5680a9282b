"""Records put to the test of concentration: which places could hold any, on which days they came, and since when.

The rule itself is `geo.concentration`. Records of one encounter count once, because one stop of four people is no
fuller place than four stops of one.
"""

import datetime as dt
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from geo.bursts import BURST_DAYS, measure_bursts
from geo.calendar import Calendar, list_months
from geo.cells import find_centres, index_points_at
from geo.concentration import Concentration, Timing, find_concentrations, find_lower_times, find_members
from geo.errors import AreaError
from geo.surroundings import Surroundings, build_surroundings
from hexbeat.analysis.study import Study, select_known, sum_by_cell
from hexbeat.areas.area import Area
from hexbeat.areas.places_mask import read_places_mask
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.counting import Selection, select
from layers.coverage import Spans
from layers.encounters import find_encounters
from layers.event import PRECISIONS
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import find_month_only_share, get_coverage

__all__ = [
    "ConcentrationMap",
    "TimeUnit",
    "build_concentration_map",
    "find_candidates",
    "load_surroundings",
    "measure_dispersion",
]

TimeUnit = Literal["day", "month", ""]
_EPOCH: Final = dt.date(1970, 1, 1)
_LONGEST_S: Final = 25 * 3600  # the day of an event with a longer interval is not known
_MOST_OF: Final = 0.5
_LOOK_BACK_DAYS: Final = 364
_WEEK: Final = 7
_CLEAR_CHANGE: Final = (
    10.0  # twice the log likelihood ratio; among fifty weeks noise passes it in about 3 of 100 places
)
_SPOT_RESOLUTION: Final = 11


@dataclass(frozen=True, slots=True, eq=False)
class ConcentrationMap:
    """The result for each of the study's n cells, (n,) each unless stated.

    `tested`: the cell could hold events (`find_candidates`). `kind`, `p`, `q`, `total`, `expected`, `size` and `patch`
    (a position in the study, -1 for none) as in geo.concentration; of cells that are not tested 0, 1, 1, the count, 0,
    1 and -1. `counts`: the events, records of one encounter once. `lower`: the least that times can be (95 %).
    `active`: on how many different days (months) the tested cell or patch had events. `beyond`: a hotspot that busier
    ones leave no room for in the share of the area that may be hot; its kind is 0. `unsteady`: full enough, but not
    steady. `since`: the first day of what a hotspot is now, None for the others and where it has been so as long as was
    looked back, to `looked_from`. `unit` says what steadiness was judged by, of `units` known ones; "": not at all.
    `dispersion`: variance over mean of the counts, by bursts. `merged` records told of the same encounter as another.
    """

    tested: NDArray[np.bool_]
    counts: NDArray[np.float64]
    kind: NDArray[np.int8]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    total: NDArray[np.float64]
    expected: NDArray[np.float64]
    size: NDArray[np.float64]
    lower: NDArray[np.float64]
    patch: NDArray[np.intp]
    active: NDArray[np.int64]
    beyond: NDArray[np.bool_]
    unsteady: NDArray[np.bool_]
    since: tuple[dt.date | None, ...]
    looked_from: dt.date | None
    unit: TimeUnit
    units: int
    dispersion: float
    merged: int


@dataclass(frozen=True, slots=True, eq=False)
class _Records:
    """The events of one layer by a filter, and the candidate cells of a study (`places`, positions in it)."""

    columns: Columns
    event_filter: Filter
    study: Study
    spec: LayerSpec
    time_zone: str
    candidates: NDArray[np.bool_]
    places: NDArray[np.intp]
    surroundings: Surroundings

    def select(self, spans: Spans) -> tuple[Selection, int]:
        """The events of some days, those of one encounter once, and how many records were left out for it."""
        if self.spec.kind == "state":
            return select(self.columns, self.event_filter, time_zone=self.time_zone), 0
        selection = select_known(self.columns, self.event_filter, spans, time_zone=self.time_zone)
        encounters = find_encounters(self.columns, selection.index, time_zone=self.time_zone)
        is_kept = np.isin(selection.index, encounters.index)
        merged = replace(selection, index=selection.index[is_kept], weight=selection.weight[is_kept])
        return merged, encounters.merged

    def time(self, selection: Selection, spans: Spans, unit: TimeUnit) -> Timing | None:
        """On which of the known days (months) the events came; None for states, and without days (a whole month)."""
        if not unit or not spans:
            return None
        times, units = _number_times(self.columns, selection.index, spans, self.time_zone, by_month=unit == "month")
        if not units:
            return None
        cell = self.find_places(selection.index)
        inside = (times >= 0) & (cell >= 0)
        return Timing(cell[inside], times[inside], units)

    def find_places(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """The position of each event's cell among the candidate places, -1 where it is none."""
        codes = self.columns.find_cell_codes(index, self.study.resolution)
        cells = self.columns.cell_ids[self.study.resolution][codes]
        position = np.minimum(np.searchsorted(self.study.cells, cells), len(self.study) - 1)
        number = np.full(len(self.study), -1)
        number[self.places] = np.arange(len(self.places))
        return np.where(self.study.cells[position] == cells, number[position], -1)

    def find_history(self, known: Spans) -> Spans:
        """The known days of a year up to the last of `known`, or of `known` where that is longer; none for states."""
        if self.spec.kind == "state" or not known:
            return ()
        start = min(known[-1][1] - dt.timedelta(days=_LOOK_BACK_DAYS), known[0][0])
        coverage = get_coverage(self.columns, time_zone=self.time_zone, reported_by=self.event_filter.reported_by)
        return coverage.find_known_in(self.spec.name, (start, known[-1][1]), wards=self.event_filter.wards)

    def choose_unit(self, selection: Selection) -> TimeUnit:
        """Months, where most records know no more."""
        if self.spec.kind == "state" or not len(selection.index):
            return ""
        return "month" if find_month_only_share(self.columns, selection.index) > _MOST_OF else "day"

    def measure_bursts(self, history: Spans, selection: Selection, unit: TimeUnit) -> tuple[float, float]:
        """The dispersion of counts over the history: a few weeks alone would show little."""
        timing = self.time(selection, history, unit)
        if timing is None:
            return 1.0, 1.0
        lag = 0 if unit == "month" else BURST_DAYS
        return measure_bursts(timing.place, timing.time, self.surroundings.patches, times=timing.times, lag=lag)


def _open_records(columns: Columns, event_filter: Filter, study: Study, spec: LayerSpec, time_zone: str) -> _Records:
    candidates = find_candidates(columns, study, spec)
    places = np.flatnonzero(candidates)
    whole = replace(event_filter, measure="events")
    return _Records(
        columns, whole, study, spec, time_zone, candidates, places, load_surroundings(study, candidates.tobytes())
    )


def build_concentration_map(
    columns: Columns,
    event_filter: Filter,
    study: Study,
    spec: LayerSpec,
    known: Spans,
    *,
    q: float,
    most_area: float,
    time_zone: str,
) -> ConcentrationMap:
    """Test the cells of a study for one layer on the known days of a filter (of states: the whole period).

    Events are tested, whatever the filter's measure. At most the share `most_area` of the study's area is called hot,
    the fullest cells first, and as much cold. Bursts are measured over a year up to the last day.
    """
    records = _open_records(columns, event_filter, study, spec, time_zone)
    places = records.places
    selection, merged = records.select(known)
    counts = sum_by_cell(columns, selection, study)[0]
    unit = records.choose_unit(selection)
    timing = records.time(selection, known, unit)
    history = records.find_history(known)
    past = records.select(history)[0] if history else selection
    bursts = records.measure_bursts(history, past, unit)
    result = find_concentrations(counts[places], records.surroundings, timing, q=q, dispersion=bursts)
    active = _count_active(result, timing, records.surroundings) if timing else np.zeros(len(places), dtype=np.int64)
    kind, beyond = _limit_area(result, counts[places], study.area_km2[places], most_area * float(study.area_km2.sum()))
    hot = np.flatnonzero(kind == 1)
    since = _find_since(records, result, hot, history, past, by_month=unit == "month")
    patch = np.where(result.patch >= 0, places[result.patch], -1) if len(places) else result.patch
    days = np.full(len(study), None, dtype=object)
    days[places[hot]] = since

    def spread(values: NDArray[Any], rest: float) -> NDArray[Any]:
        whole = np.full(len(study), rest, dtype=values.dtype)
        whole[places] = values
        return whole

    return ConcentrationMap(
        tested=records.candidates,
        counts=counts,
        kind=spread(kind, 0),
        p=spread(result.p, 1.0),
        q=spread(result.q, 1.0),
        total=np.where(records.candidates, spread(result.total, 0.0), counts),
        expected=spread(result.expected, 0.0),
        size=spread(result.size, 1.0),
        lower=spread(find_lower_times(result), 0.0),
        patch=spread(patch, -1),
        active=spread(active, 0),
        beyond=spread(beyond, 0),
        unsteady=spread(result.unsteady, 0),
        since=tuple(days.tolist()),
        looked_from=history[0][0] if history else None,
        unit=unit,
        units=timing.times if timing else 0,
        dispersion=result.dispersion[0],
        merged=merged,
    )


def measure_dispersion(
    columns: Columns, event_filter: Filter, study: Study, spec: LayerSpec, known: Spans, *, time_zone: str
) -> tuple[float, float]:
    """The variance over the mean of a layer's counts, by bursts: of cells and of patches, as the map takes it."""
    records = _open_records(columns, event_filter, study, spec, time_zone)
    history = records.find_history(known)
    if not history:
        return 1.0, 1.0
    past = records.select(history)[0]
    return records.measure_bursts(history, past, records.choose_unit(past))


def find_candidates(columns: Columns, study: Study, spec: LayerSpec) -> NDArray[np.bool_]:
    """The cells of the study, bool (n,), that can hold events of a layer.

    They hold a candidate place of the area's mask, or some event of the layer, of whatever day. Without a mask they are
    the cells that ever held one and those beside them. Empty land would make any street a hotspot.
    """
    index = np.flatnonzero(columns.layer == find_layer_code(spec.name))
    ever = Selection(index, np.ones(len(index)), unplaced_in_time=0, shared_in_time=0)
    held = sum_by_cell(columns, ever, study)[0] > 0
    mask = _load_mask(study.area, study.resolution)
    if mask is None:
        return np.asarray(study.neighbours @ held.astype(np.float64) > 0)
    return np.asarray(held | np.isin(study.cells, mask))


@lru_cache(maxsize=16)
def _load_mask(area: Area, resolution: int) -> NDArray[np.uint64] | None:
    """The cells of a resolution that hold a candidate place; None where the area has no mask."""
    try:
        spots = read_places_mask(area).candidate_cells
    except AreaError:
        return None
    if resolution == _SPOT_RESOLUTION:
        return spots
    lon, lat = find_centres(spots)
    return np.unique(index_points_at(lon, lat, resolutions=(resolution,))[resolution])


@lru_cache(maxsize=24)
def load_surroundings(study: Study, candidates: bytes) -> Surroundings:
    """The surroundings of a study's candidate cells (bool (n,) as bytes), kept in memory."""
    places = np.flatnonzero(np.frombuffer(candidates, dtype=np.bool_))
    return build_surroundings(study.x_m[places], study.y_m[places], study.neighbours[places][:, places])


def _number_times(
    columns: Columns, index: NDArray[np.int64], known: Spans, time_zone: str, *, by_month: bool
) -> tuple[NDArray[np.int64], int]:
    """The number of each event's day (month) among the known ones, -1 where it is not known; how many there are."""
    calendar = Calendar(time_zone)
    if by_month:
        months = sorted({month for span in known for month in list_months(*span)})
        if not months:
            return np.full(len(index), -1), 0
        first = [(month.year - _EPOCH.year) * 12 + month.month - 1 for month in months]
        return _rank(calendar.months(columns.start[index]), np.array(first, dtype=np.int64)), len(months)
    days = np.concatenate([np.arange((a - _EPOCH).days, (b - _EPOCH).days) for a, b in known])
    has_day = (columns.precision[index] != PRECISIONS.index("month")) & (
        columns.end[index] - columns.start[index] <= _LONGEST_S
    )
    return np.where(has_day, _rank(calendar.days(columns.start[index]), days), -1), len(days)


def _rank(values: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position of each value among sorted known ones, -1 if it is none of them."""
    position = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[position] == values, position, -1)


def _count_active(result: Concentration, timing: Timing, surroundings: Surroundings) -> NDArray[np.int64]:
    """On how many different days (months) each tested window had events: the place, or its patch."""
    span = timing.times + 1
    distinct = np.unique(timing.place * span + timing.time)
    active = np.bincount(distinct // span, minlength=len(result.kind)).astype(np.int64)
    starts = np.searchsorted(distinct, np.arange(len(active) + 1) * span)
    for place in np.flatnonzero(result.patch >= 0).tolist():
        members = find_members(result, surroundings, place)
        times = [distinct[starts[member] : starts[member + 1]] % span for member in members]
        active[place] = len(np.unique(np.concatenate(times)))
    return active


def _limit_area(
    result: Concentration, counts: NDArray[np.float64], area_km2: NDArray[np.float64], most_km2: float
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """The kinds within the area that may be called hot (cold), and which hotspots lie beyond it; at least one stays."""
    kind, beyond = result.kind.copy(), np.zeros(len(counts), dtype=np.bool_)
    for side in (1, -1):
        places = np.flatnonzero(result.kind == side)
        score = side * (counts[places] - result.expected[places] / result.size[places] * (side < 0)) / area_km2[places]
        order = places[np.lexsort((result.p[places], -score))]
        left_out = order[1:][np.cumsum(area_km2[order])[1:] > most_km2]
        kind[left_out] = 0
        if side == 1:
            beyond[left_out] = True
    return kind, beyond


def _find_since(
    records: _Records,
    result: Concentration,
    hot: NDArray[np.intp],
    history: Spans,
    past: Selection,
    *,
    by_month: bool,
) -> list[dt.date | None]:
    """Since when each hot place (k,) holds its present share of the events of the history; None: as long as that.

    The split of the weeks in two that explains best how the share of its window changed, if it rose and the likelihood
    says so clearly. Where most records know only their month, the first day of one.
    """
    if not len(hot) or not history:
        return [None] * len(hot)
    first, end = history[0][0], history[-1][1]
    columns = records.columns
    middle = columns.start[past.index] + (columns.end[past.index] - columns.start[past.index]) // 2
    bins = -(-(end - first).days // _WEEK)
    # Weeks end with the last known day, so that the newest is whole.
    week = bins - 1 - ((end - _EPOCH).days - 1 - Calendar(records.time_zone).days(middle)) // _WEEK
    cell = records.find_places(past.index)
    inside = (cell >= 0) & (week >= 0) & (week < bins)
    all_events = np.bincount(week[inside], weights=past.weight[inside], minlength=bins)
    days = list[dt.date | None]()
    for place in hot.tolist():
        own = inside & np.isin(cell, find_members(result, records.surroundings, place))
        events = np.bincount(week[own], weights=past.weight[own], minlength=bins).astype(np.float64)
        split = _find_rise(events, all_events.astype(np.float64))
        day = None if split is None else end - dt.timedelta(days=(bins - split) * _WEEK)
        days.append(day.replace(day=1) if day and by_month else day)
    return days


def _find_rise(events: NDArray[np.float64], exposure: NDArray[np.float64]) -> int | None:
    """The first bin after the clearest rise of events over exposure (bins,); None if there is no clear one."""
    before, before_all = np.cumsum(events)[:-1], np.cumsum(exposure)[:-1]
    total, whole = float(events.sum()), float(exposure.sum())
    after, after_all = total - before, whole - before_all
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = total / whole
        gain = 2 * (
            np.where(before > 0, before * np.log(before / (before_all * rate)), 0.0)
            + np.where(after > 0, after * np.log(after / (after_all * rate)), 0.0)
        )
        rises = (before_all > 0) & (after_all > 0) & (after / after_all > before / before_all)
    gain = np.where(rises, gain, -np.inf)
    best = int(np.argmax(gain)) if len(gain) else 0
    return best + 1 if len(gain) and gain[best] >= _CLEAR_CHANGE else None
