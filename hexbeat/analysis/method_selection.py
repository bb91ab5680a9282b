"""Method selection by back-test: the best method and size of cells for a layer, and why.

Selections are stored in the store, for all who use it. Each is valid for the records that it was made from.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import shapely

from geo.errors import StoreError
from hexbeat.analysis.backtest import MOST_CELLS, Backtest, backtest, choose_resolutions, name_whole
from hexbeat.analysis.daily_counts import FEWEST_HISTORY_WEEKS, list_known_weeks
from hexbeat.analysis.forecast_methods import METHOD_NAMES, METHODS, MONTH_RATES
from hexbeat.analysis.method_comparison import AREA, DECIDING_SHARE, SHARES, MethodComparison, SizeFigure
from hexbeat.analysis.month_rates import MONTHS_ONLY, is_known_to_months
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import choose_resolution, measure_area_km2
from hexbeat.store.shared_documents import DocumentKind, SharedDocuments
from layers.catalogue import find_layer, find_layer_code
from layers.columns import Columns
from layers.event import NOT_SWEPT, RESOLUTIONS
from layers.filters import Filter
from layers.periods import find_known_period, get_coverage
from layers.precision import (
    LocationPrecision,
    describe_precision,
    describe_smallest_cells,
    measure_chosen_precision,
    measure_place_precision,
)
from layers.wording import format_cell_width, format_number

__all__ = [
    "FEWEST_WEEKS",
    "FINEST_HOTSPOTS",
    "MOST_WEEKS",
    "SHARED_POINTS",
    "USUAL_HOTSPOTS",
    "HotspotSize",
    "MethodSelection",
    "SelectedMethod",
    "choose_hotspot_size",
    "choose_map_size",
    "count_test_weeks",
    "describe_uses",
    "has_shared_points",
    "keep_selection",
    "read_selection",
    "select_method",
    "select_methods",
]

Progress = Callable[[int, int], None]
MOST_WEEKS: Final = 13
FEWEST_WEEKS: Final = 4  # with fewer weeks methods cannot be compared
_USUAL: Final = 9  # without a back-test
_RULE: Final = repr((4, METHODS, SHARES, DECIDING_SHARE, RESOLUTIONS, MOST_CELLS, MOST_WEEKS))
USUAL_HOTSPOTS: Final = 9  # 350 m: a place that people know by its streets
FINEST_HOTSPOTS: Final = 10  # cells of 50 m are finer than most reports are placed
SHARED_POINTS: Final = 9  # where records share anchor points, finer cells would split places
_MOST_POINTS_PER_RECORD: Final = 0.5  # records with points of their own have about 1


@dataclass(frozen=True, slots=True)
class SelectedMethod:
    """The method and cells that caught most events in DECIDING_SHARE of the area; `clear`: by more than chance.

    `sentence` says so. `judged_to` is the day after the last tested one; `weeks` weeks were tested. `hit_rate` is the
    share of a week's events that the method caught; it is a little too high, because the method was picked on the same
    weeks. `caught` has it for each share of the area, from the smallest: (share of the area, share of the events).
    `whole` is what these are shares of: "the area", or "the points" of snapped records. Records that are known only to
    their month have the method "month_rates", 0 weeks and a hit rate of NaN: nothing tests it.
    """

    method: str
    resolution: int
    clear: bool
    sentence: str
    judged_to: date
    weeks: int
    hit_rate: float
    caught: tuple[tuple[float, float], ...] = ()
    whole: str = AREA


@dataclass(frozen=True, slots=True)
class MethodSelection:
    """The best method over all sizes of cells, the best at each resolution, and Gi* at each (SizeFigure)."""

    best: SelectedMethod
    by_size: Mapping[int, SelectedMethod]
    gi_star: tuple[SizeFigure, ...]


@dataclass(frozen=True, slots=True)
class HotspotSize:
    """The resolution, and a sentence that says why."""

    resolution: int
    sentence: str


def select_method(
    columns: Columns,
    area: Area,
    layer: str,
    *,
    documents: SharedDocuments | None,
    resolution: int | None = None,
    progress: Progress | None = None,
) -> SelectedMethod | None:
    """The best method in the back-test of the area's last weeks; with `resolution`, the best one at that resolution.

    None where no back-test is possible: fewer than FEWEST_WEEKS weeks beyond the history that methods need, no events
    in them, a layer of states, or a resolution with more than hexbeat.analysis.backtest.MOST_CELLS cells, or finer than
    the location precision. Records known only to their month need none: they rank places by "month_rates". The result
    is put into `documents` (None: it is not stored). `progress` is called with each resolution before it is tested, and
    its position.
    """
    selection = select_methods(columns, area, layer, documents=documents, progress=progress)
    if selection is None:
        return None
    return selection.best if resolution is None else selection.by_size.get(resolution)


def select_methods(
    columns: Columns, area: Area, layer: str, *, documents: SharedDocuments | None, progress: Progress | None = None
) -> MethodSelection | None:
    """The selection of a back-test of up to MOST_WEEKS weeks: the stored one, or a new one.

    A stored selection counts only for the same records, wards and rule. None as for `select_method`.
    """
    selection = read_selection(columns, area, layer, documents=documents)
    if selection:
        return selection
    weeks = count_test_weeks(columns, area, layer)
    if weeks < FEWEST_WEEKS:
        return None
    return keep_selection(
        backtest(columns, area, layer, weeks=weeks, progress=progress), columns, area, documents=documents
    )


def keep_selection(
    result: Backtest, columns: Columns, area: Area, *, documents: SharedDocuments | None
) -> MethodSelection | None:
    """Store the selection of a back-test for these records; None if no event fell into its weeks.

    The back-test has to cover the whole area, MOST_WEEKS weeks (or as many as there are) and every resolution.
    """
    if not result.events:
        return None
    selection = _build_selection(result)
    if documents is not None:
        layer = result.spec.name
        _write_selection(documents, _build_name(area, layer), selection, _fingerprint(columns, area, layer))
    return selection


def read_selection(
    columns: Columns, area: Area, layer: str, *, documents: SharedDocuments | None
) -> MethodSelection | None:
    """The selection that is stored for exactly these records; None without one. Always quick."""
    if find_layer(layer).kind == "incident" and is_known_to_months(columns, layer):
        return _select_month_rates(columns, area, layer)
    document = documents.read(DocumentKind.SELECTION, _build_name(area, layer)) if documents else None
    if document is None:
        return None
    try:
        payload = json.loads(document.content)
        if payload["of"] != _fingerprint(columns, area, layer):
            return None
        return MethodSelection(
            best=_parse_method(payload["best"]),
            by_size={int(size): _parse_method(method) for size, method in payload["by_size"].items()},
            gi_star=tuple(SizeFigure(**figure) for figure in payload["gi_star"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # damaged or of another format: the back-test runs again


def describe_uses(best: SelectedMethod) -> str:
    """How the dashboard and plans use the best method, for people who read a back-test."""
    if best.method == MONTH_RATES:
        return f"For expected events the dashboard ranks places by month. {best.sentence}"
    return (
        f"For expected events the dashboard uses the {METHOD_NAMES[best.method]}, "
        f"with cells {format_cell_width(best.resolution)} across. "
        f"That choice rests on the whole area and {format_number(best.weeks)} weeks."
    )


def count_test_weeks(columns: Columns, area: Area, layer: str) -> int:
    """How many of the last weeks can be tested, at most MOST_WEEKS; not above 0 for a layer of states."""
    if find_layer(layer).kind == "state":
        return 0
    known = get_coverage(columns, time_zone=area.time_zone, reported_by=NOT_SWEPT).find_known(layer)
    return min(MOST_WEEKS, len(list_known_weeks(known)[1]) - FEWEST_HISTORY_WEEKS)


def _select_month_rates(columns: Columns, area: Area, layer: str) -> MethodSelection | None:
    """The selection for records without days: cells of the usual size, or of the location precision if that is less."""
    known_period = find_known_period(columns, layer, time_zone=area.time_zone, reported_by=NOT_SWEPT)
    if known_period is None:
        return None
    precision = measure_place_precision(columns, layer, time_zone=area.time_zone)
    best = SelectedMethod(
        method=MONTH_RATES,
        resolution=min(_USUAL, precision.finest),
        clear=False,
        sentence=f"{MONTHS_ONLY}: they rank places, and no back-test by weeks can say how well.",
        judged_to=known_period[1],
        weeks=0,
        hit_rate=float("nan"),
        whole=name_whole(precision),
    )
    by_size = {size: replace(best, resolution=size) for size in choose_resolutions(RESOLUTIONS, precision)}
    return MethodSelection(best, by_size, ())


def _build_selection(result: Backtest) -> MethodSelection:
    def build_method(comparison: MethodComparison) -> SelectedMethod:
        rows = result.rows
        own = rows[(rows["method"] == comparison.method) & (rows["resolution"] == comparison.resolution)]
        return SelectedMethod(
            method=comparison.method,
            resolution=comparison.resolution,
            clear=comparison.clear,
            sentence=comparison.sentence,
            judged_to=result.end,
            weeks=result.weeks,
            hit_rate=comparison.hit_rate,
            caught=tuple(zip(own["area_share"].tolist(), own["hit_rate"].tolist(), strict=True)),
            whole=result.whole,
        )

    by_size = {size: build_method(verdict) for size, verdict in result.by_size.items()}
    return MethodSelection(build_method(result.verdict), by_size, result.gi_star)


def _build_name(area: Area, layer: str) -> str:
    return f"{area.name}-{layer}"


def _fingerprint(columns: Columns, area: Area, layer: str) -> str:
    """A hash that changes with the layer's events, the wards and the rule; it reveals no event."""
    own = columns.layer == find_layer_code(layer)
    digest = hashlib.sha256(_RULE.encode())
    digest.update(f"{area.name}|{area.vintage}|{area.time_zone}".encode())
    digest.update(
        repr(get_coverage(columns, time_zone=area.time_zone, reported_by=NOT_SWEPT).find_known(layer)).encode()
    )
    digest.update(b"".join(shapely.to_wkb(area.wards.polygons)))
    for name in ("start", "end", "lon", "lat", "precision", "reported_by", "source", "location", "location_m"):
        digest.update(np.ascontiguousarray(getattr(columns, name)[own]).tobytes())
    return digest.hexdigest()


def _write_selection(documents: SharedDocuments, name: str, selection: MethodSelection, fingerprint: str) -> None:
    """Write the selection; if the store cannot be written to, the next call runs the back-test again."""
    payload = {"of": fingerprint, **asdict(selection)}
    with suppress(StoreError):
        text = json.dumps(payload, indent=1, default=date.isoformat)
        documents.write(DocumentKind.SELECTION, name, text.encode())


def _parse_method(payload: dict[str, Any]) -> SelectedMethod:
    caught = tuple((share, rate) for share, rate in payload["caught"])
    return SelectedMethod(**payload | {"judged_to": date.fromisoformat(payload["judged_to"]), "caught": caught})


def choose_hotspot_size(
    columns: Columns,
    layer: str,
    selection: MethodSelection | None,
    *,
    event_filter: Filter | None = None,
    time_zone: str = "Europe/London",
) -> HotspotSize | None:
    """The size of cells for the hotspots of a layer, unless a person chooses; of the records that a filter can choose.

    Where records share points, as anonymised police records do: SHARED_POINTS, or larger cells where the points lie far
    apart. Otherwise the largest cells of USUAL_HOTSPOTS or finer at which busy cells forecast the next week not clearly
    worse than at their best size: in smaller ones few places have enough events to stand out by themselves. They are no
    finer than FINEST_HOTSPOTS, nor than the records know. None without evidence of any kind.
    """
    event_filter = replace(event_filter or Filter(), layers=(layer,))
    precision = measure_chosen_precision(columns, event_filter, time_zone=time_zone)
    if precision.snapped or _has_few_points(precision):
        resolution = min(SHARED_POINTS, precision.finest)
        return HotspotSize(
            resolution,
            f"Cells are {format_cell_width(resolution)} across. Many {find_layer(layer).many} share their points, "
            "so smaller cells would separate what belongs together.",
        )
    finest = min(FINEST_HOTSPOTS, precision.finest)
    figures = [figure for figure in selection.gi_star if figure.resolution <= finest] if selection else []
    if selection is None or not figures:
        return HotspotSize(finest, describe_precision(precision)) if precision.finest < FINEST_HOTSPOTS else None
    as_good = [figure.resolution for figure in figures if not figure.behind]
    usual = [resolution for resolution in as_good if resolution >= USUAL_HOTSPOTS] or as_good
    resolution = min(usual) if usual else max(figures, key=lambda figure: figure.hit_rate).resolution
    reason = (
        "hotspots of this size forecast the next week as well as any"
        if as_good
        else f"of sizes down to {format_cell_width(finest)} hotspots of this size forecast the next week best"
    )
    known = f" {describe_smallest_cells(precision)}" if precision.finest < FINEST_HOTSPOTS else ""
    return HotspotSize(
        resolution,
        f"Cells are {format_cell_width(resolution)} across: {reason} (back-test of {selection.best.weeks} weeks). "
        f"In smaller cells fewer places have enough events to stand out.{known}",
    )


def choose_map_size(
    columns: Columns, area: Area, layer: str, selection: MethodSelection | None, *, wards: tuple[str, ...] = ()
) -> int:
    """The resolution of the map of hotspots of these wards (none: all), unless a person chooses another."""
    size = choose_hotspot_size(columns, layer, selection, time_zone=area.time_zone)
    return size.resolution if size else choose_resolution(measure_area_km2(area.wards, wards))


def has_shared_points(columns: Columns, layer: str) -> bool:
    """Whether a layer has at most half as many distinct points as records, as with police.uk's anchor points."""
    precision = measure_chosen_precision(columns, Filter(layers=(layer,)), time_zone="UTC")  # days do not matter
    return precision.snapped or _has_few_points(precision)


def _has_few_points(precision: LocationPrecision) -> bool:
    is_measured = precision.kind == "exact" and not precision.stated
    return is_measured and precision.events > 1 and precision.points <= _MOST_POINTS_PER_RECORD * precision.events
