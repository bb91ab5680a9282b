"""Location precision: how well the places of a layer are known, and how small its cells may be.

A source may say it itself (its profile, or a column of its file). Where it does not, it is measured: police.uk moves
every crime to the nearest of its anchor points, so many events of many days lie at exactly one place. Places that were
measured, or put on a map by hand, hardly ever coincide to the last digit. Each source of a layer is looked at by
itself: an exact log beside a snapped one stays exact, and the snapped one snapped.
"""

from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.event import LOCATION_PRECISIONS, PRECISIONS, REPORTERS, RESOLUTIONS, LocationKind
from layers.filters import COLUMN_FILTERS, Filter
from layers.wording import CELL_WIDTHS_M, format_cell_width, format_percent, format_plural

__all__ = [
    "SNAPPED_SHARE",
    "LocationPrecision",
    "describe_fine_cells",
    "describe_places",
    "describe_precision",
    "describe_smallest_cells",
    "find_finest",
    "find_shared_points",
    "measure_chosen_precision",
    "measure_place_precision",
    "measure_precision",
    "number_points",
]

SNAPPED_SHARE: Final = 0.2  # police.uk: 0.7 of a year of one town; the demonstration: under 0.01
_SHARED_KINDS: Final = ("snapped", "postcode", "street")  # of these, many events share a point
_FEWEST_SHARED: Final = 5  # fewer points that come again are a few busy addresses
_FEWEST_POINTS: Final = 20  # with fewer, the distances between points say nothing
_UNMEASURED: Final = 9  # cells for shared points that are too few to measure: 350 m, as in a town of police.uk
_MOST_OF: Final = 0.5
_FEW: Final = 0.05  # so few events that are known less well than the others do not make cells larger
_UNKNOWN: Final = 0  # the code of a source that does not say
_CODE_BY_KIND: Final = {kind: code for code, kind in enumerate(LOCATION_PRECISIONS, start=1)}


@dataclass(frozen=True, slots=True)
class LocationPrecision:
    """How well the places of some events of a layer are known.

    `kind` is "exact", or what most of those are that are not. It is one of the kinds whose events share points
    (`snapped`) where SNAPPED_SHARE of the events or more do. `shared` is the share of events (0 to 1) whose exact
    coordinates are also those of an event of another day, in the same source. Events known only to their month have no
    day: any two of them count as of other days. `points` is how many distinct points the events of this kind have, and
    `part` their share of the `events`.

    `finest` is the smallest resolution that an analysis of these events may use: 11 for exact places. For shared
    points it is the finest at which most of a source's points have another point in their cell, and 8 where none is.
    Where metres are given, cells are at least twice as wide. `stated`: the sources say so themselves of every event.
    """

    kind: LocationKind
    events: int
    points: int
    shared: float
    finest: int
    part: float = 1.0
    stated: bool = False

    @property
    def snapped(self) -> bool:
        """Whether so many events share points that chance is among points, and not among cells."""
        return self.kind in _SHARED_KINDS


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Every event of a layer (n,): its place in the columns, its point, its kind (a code), the finest cells, `again`.

    `again`: whether it lies where an event of its source lies on another day.
    """

    index: NDArray[np.int64]
    point: NDArray[np.intp]
    kind: NDArray[np.uint8]
    finest: NDArray[np.uint8]
    again: NDArray[np.bool_]


_cache: WeakKeyDictionary[Columns, dict[tuple[str, str], _Places]] = WeakKeyDictionary()


def measure_precision(
    columns: Columns, layer: str, *, time_zone: str, index: NDArray[np.int64] | None = None
) -> LocationPrecision:
    """The location precision of the events of a layer, or of those of them in `index` (ascending).

    Every source is measured by all of its events of the layer, by places and local days, whatever `index` chooses. It
    misleads for few events that nobody says anything about: a hundred records on 2,500 points hardly coincide, and look
    exact.
    """
    places = _find_places(columns, layer, time_zone)
    selection: slice | NDArray[np.bool_] = slice(None)
    if index is not None:
        is_chosen = np.zeros(len(columns), dtype=np.bool_)
        is_chosen[index] = True
        selection = is_chosen[places.index]
    own, kind = places.index[selection], places.kind[selection]
    finest, again = places.finest[selection], places.again[selection]
    shared = float(again.mean()) if len(own) else 0.0
    smallest = next((size for size in RESOLUTIONS if len(own) and (finest <= size).mean() > _FEW), RESOLUTIONS[-1])
    is_shared = _mark_shared(kind)
    name: LocationKind = "exact"
    part = np.ones(len(own), dtype=np.bool_)
    if len(own) and is_shared.mean() >= SNAPPED_SHARE:
        name, part = _name_most(kind[is_shared]), is_shared
    elif smallest < RESOLUTIONS[-1]:
        part = finest <= smallest
        name = "randomised" if _name_most(kind[part]) == "randomised" else "exact"
    points = np.count_nonzero(np.bincount(places.point[selection][part]))
    return LocationPrecision(
        kind=name,
        events=len(own),
        points=int(points),
        shared=shared,
        finest=smallest,
        part=float(part.mean()) if len(own) else 1.0,
        stated=bool(len(own) and (columns.location[own] != _UNKNOWN).all()),
    )


def measure_chosen_precision(columns: Columns, chosen: Filter, *, time_zone: str) -> LocationPrecision:
    """The location precision of the events that a filter with one layer can choose: by wards and columns, at any time.

    The size of cells stays the same when only the period changes.
    """
    keep = np.ones(len(columns), dtype=np.bool_)
    tests = [
        (column_filter.get_chosen(chosen), column_filter.get_names(columns), column_filter.get_codes(columns))
        for column_filter in COLUMN_FILTERS
    ]
    for names, known_names, codes in (*tests, (chosen.wards, columns.ward_codes, columns.ward)):
        if names:
            keep &= np.isin(codes, [place for place, name in enumerate(known_names) if name in names])
    return measure_precision(columns, chosen.layers[0], time_zone=time_zone, index=np.flatnonzero(keep))


def measure_place_precision(columns: Columns, layer: str, *, time_zone: str) -> LocationPrecision:
    """The location precision of what back-tests, forecasts and plans rest on: all but what sweeps found."""
    reports = np.flatnonzero(columns.reported_by != REPORTERS.index("sweep"))
    return measure_precision(columns, layer, time_zone=time_zone, index=reports)


def find_finest(columns: Columns, layer: str, *, time_zone: str) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The events of a layer, ascending (n,), and for each the finest cells in which its place is known (n,)."""
    places = _find_places(columns, layer, time_zone)
    return places.index, places.finest


def find_shared_points(columns: Columns, layer: str, *, time_zone: str) -> NDArray[np.int64]:
    """The events of a layer whose source puts several places at one point, ascending (n,)."""
    places = _find_places(columns, layer, time_zone)
    return places.index[_mark_shared(places.kind)]


def number_points(columns: Columns, index: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The number of the point at which each of these events lies (n,), and for each point one of its events (points,).

    Events lie at one point if their coordinates are exactly equal. The second array holds places in `index`.
    """
    places = columns.lon[index] + 1j * columns.lat[index]
    _, first, point = np.unique(places, return_index=True, return_inverse=True)
    return point, first


def describe_precision(precision: LocationPrecision) -> str:
    """As in "Records are snapped to 442 points, so cells are no smaller than 350 m across."; "" for exact places."""
    if precision.kind == "exact" and precision.finest == RESOLUTIONS[-1]:
        return ""
    return f"{describe_places(precision)}, so cells are no smaller than {format_cell_width(precision.finest)} across."


def describe_smallest_cells(precision: LocationPrecision) -> str:
    """As in "The smallest cells that these records know are 350 m across."."""
    return f"The smallest cells that these records know are {format_cell_width(precision.finest)} across."


def describe_fine_cells(precision: LocationPrecision, resolution: int) -> str:
    """What to think of cells that are smaller than the records know; "" for cells that are not."""
    if resolution <= precision.finest:
        return ""
    return (
        f"{describe_places(precision)}. {describe_smallest_cells(precision)} These are "
        f"{format_cell_width(resolution)}: what sets one apart from the next may only be where records were put."
    )


def describe_places(precision: LocationPrecision, *, records: str = "records") -> str:
    """As in "Records are snapped to 442 points", "40 % of the records are placed by postcode, at 31 points"."""
    all_of_them = f"{records[0].upper()}{records[1:]}"
    who = all_of_them if precision.part == 1 else f"{format_percent(precision.part)} of the {records}"
    points = format_plural(precision.points, "point", "points")
    return {
        "exact": f"{who} are known only roughly",
        "snapped": f"{who} are snapped to {points}",
        "postcode": f"{who} are placed by postcode, at {points}",
        "street": f"{who} are placed by street, at {points}",
        "randomised": f"{who} were moved at random",
    }[precision.kind]


def _mark_shared(kind: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.isin(kind, [_CODE_BY_KIND[name] for name in _SHARED_KINDS])


def _name_most(kind: NDArray[np.uint8]) -> LocationKind:
    """The kind that most of the codes (n,), n above 0, have."""
    return LOCATION_PRECISIONS[int(np.bincount(kind).argmax()) - 1]


def _find_places(columns: Columns, layer: str, time_zone: str) -> _Places:
    """The places of a layer, from memory if they were looked at before."""
    known = _cache.setdefault(columns, {})
    if (layer, time_zone) not in known:
        known[layer, time_zone] = _rate_places(columns, layer, time_zone)
    return known[layer, time_zone]


def _rate_places(columns: Columns, layer: str, time_zone: str) -> _Places:
    own = np.flatnonzero(columns.layer == find_layer_code(layer))
    kind, finest = columns.location[own].copy(), np.full(len(own), RESOLUTIONS[-1], dtype=np.uint8)
    again = np.zeros(len(own), dtype=np.bool_)
    for source in np.unique(columns.source[own]):
        of_source = np.flatnonzero(columns.source[own] == source)
        for code in np.unique(kind[of_source]):
            part = of_source[kind[of_source] == code]
            kind[part], finest[part], again[part] = _rate_part(columns, own[part], int(code), time_zone)
    metres = columns.location_m[own]
    finest[metres > 0] = _find_wide_enough(metres[metres > 0])
    return _Places(own, number_points(columns, own)[0], kind, finest, again)


def _rate_part(
    columns: Columns, own: NDArray[np.int64], code: int, time_zone: str
) -> tuple[int, int, NDArray[np.bool_]]:
    """The kind and finest resolution of events of one source that say the same; which lie where others do (n,)."""
    point, first = number_points(columns, own)
    days = _count_days(point, _number_days(columns, own, time_zone), points=len(first))
    again = days[point] > 1
    if code == _UNKNOWN:
        is_snapped = again.mean() >= SNAPPED_SHARE and np.count_nonzero(days > 1) >= _FEWEST_SHARED
        code = _CODE_BY_KIND["snapped" if is_snapped else "exact"]
        if is_snapped:
            return code, _find_finest(columns, own[first]), again
    if code == _CODE_BY_KIND["exact"]:
        return code, RESOLUTIONS[-1], again
    if code == _CODE_BY_KIND["randomised"]:
        return code, RESOLUTIONS[0], again
    return code, _find_finest(columns, own[first]) if len(first) >= _FEWEST_POINTS else _UNMEASURED, again


def _find_wide_enough(metres: NDArray[np.float32]) -> NDArray[np.uint8]:
    """For each distance (n,) the finest resolution whose cells are twice as wide; the coarsest if none are."""
    widths = np.array([CELL_WIDTHS_M[resolution] for resolution in reversed(RESOLUTIONS)])  # ascending
    place = np.minimum(np.searchsorted(widths, 2 * metres.astype(np.float64)), len(widths) - 1)
    return np.array(RESOLUTIONS[::-1], dtype=np.uint8)[place]


def _number_days(columns: Columns, own: NDArray[np.int64], time_zone: str) -> NDArray[np.int64]:
    """The local day of each event (n,); events known only to their month have a number of their own, below 0."""
    day = np.asarray(Calendar(time_zone).days(columns.start[own]), dtype=np.int64)
    month_only = columns.precision[own] == PRECISIONS.index("month")
    return np.where(month_only, day.min(initial=0) - 1 - np.arange(len(own)), day)


def _count_days(point: NDArray[np.intp], day: NDArray[np.int64], *, points: int) -> NDArray[np.intp]:
    """On how many days each point (points,) has events."""
    if not len(point):
        return np.zeros(points, dtype=np.intp)
    span = int(day.max() - day.min()) + 1
    pairs = np.unique(point.astype(np.int64) * span + (day - day.min()))
    return np.bincount(pairs // span, minlength=points)


def _find_finest(columns: Columns, one_each: NDArray[np.int64]) -> int:
    """The finest resolution at which most points, given by an event of each, share their cell with another."""
    for resolution in reversed(RESOLUTIONS):
        cell = columns.cell[resolution][one_each]
        if (np.bincount(cell)[cell] > 1).mean() > _MOST_OF:
            return resolution
    return RESOLUTIONS[0]
