"""Back-test: what share of the next week's events fell in the small part of the area that each method chose.

Methods and sizes of cells are compared over the same weeks, with paired intervals. Records that are snapped to points
are judged by the points: cells are no smaller than the points allow, and the small part is a part of the points that
were seen before. Only weeks of which every day is known are used, to learn from and to test.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.evaluation import sum_within_shares
from hexbeat.analysis.daily_counts import (
    Weeks,
    count_weeks,
    describe_left_out,
    describe_weeks_left_out,
    find_known_days,
    name_place_records,
)
from hexbeat.analysis.forecast_methods import METHODS, RANKS_ONLY, build_kernel, forecast
from hexbeat.analysis.method_comparison import (
    AREA,
    DECIDING_SHARE,
    POINTS,
    SHARES,
    MethodComparison,
    SizeFigure,
    Tables,
    compare_methods,
    compare_sizes,
    summarise,
)
from hexbeat.analysis.snapped_points import PointWeeks, count_point_weeks
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import Area
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.encounters import OFFICERS_NOTE
from layers.event import NOT_SWEPT, RESOLUTIONS
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import find_known_period, require_one_layer
from layers.precision import LocationPrecision, describe_precision, measure_place_precision
from layers.wording import format_percent, format_span

__all__ = ["MOST_CELLS", "Backtest", "backtest", "choose_resolutions", "name_whole"]

MOST_CELLS: Final = 60_000  # finer resolutions of larger areas are left out, and a note says so
_FEW_WEEKS: Final = 8  # resampling fewer understates how much weeks differ


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """`rows`: a row for each resolution, method and share of the area (see `summarise`).

    `verdict` is the best method and how sure that is; `by_size` the same for each resolution. `gi_star` is how well the
    hotspot map itself does at each size of cells. `weeks` weeks, the period [first, end), were tested; they hold
    `events` events. `unknown` and `swept` events are left out: their day is not known, or sweeps found them.
    `weeks_left_out` weeks are left out because their records are not known whole. Where no event has a day, `rows` and
    `by_size` are empty, and the verdict says why. For snapped records (`precision`) every share is of points.
    `searches`: all records are searches by officers.
    """

    spec: LayerSpec
    rows: pd.DataFrame
    verdict: MethodComparison
    by_size: Mapping[int, MethodComparison]
    gi_star: tuple[SizeFigure, ...]
    weeks: int
    first: dt.date
    end: dt.date
    events: int
    unknown: int
    swept: int
    notes: tuple[str, ...]
    precision: LocationPrecision
    weeks_left_out: int = 0
    searches: bool = False

    @property
    def whole(self) -> str:
        """What the small part is a part of: "the area", or "the points" of snapped records."""
        return name_whole(self.precision)


def name_whole(precision: LocationPrecision) -> str:
    """What the small part of a back-test is a part of."""
    return POINTS if precision.snapped else AREA


def backtest(
    columns: Columns,
    area: Area,
    layer: str,
    *,
    wards: tuple[str, ...] = (),
    weeks: int = 13,
    resolutions: Sequence[int] = RESOLUTIONS,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Rolling origin: for each of the last `weeks` weeks every method uses only the weeks before it.

    The methods are those of hexbeat.analysis.forecast_methods. Events whose day is not known, and those that sweeps
    found, are left out. The last week ends with the newest known day. Resolutions finer than the location precision are
    left out; if all are, the finest that it allows is tested. `progress` is called with each resolution before it is
    tested, and its position. UsageError for too few weeks of records.
    """
    spec = require_one_layer(Filter(layers=(layer,)), "A back-test", incidents=True)
    precision = measure_place_precision(columns, layer, time_zone=area.time_zone)
    if _has_no_days(columns, layer, area.time_zone):
        return _build_empty(columns, area, spec, weeks, precision)
    studies = _build_studies(area, wards, choose_resolutions(resolutions, precision))
    tables: Tables = {}
    counts: Weeks | None = None
    for position, study in enumerate(studies):
        if progress:
            progress(study.resolution, position)
        counts = count_weeks(columns, layer, study, tested_weeks=weeks, time_zone=area.time_zone)
        points = (
            count_point_weeks(columns, layer, study, counts, time_zone=area.time_zone) if precision.snapped else None
        )
        tables |= _score_methods(study, counts, weeks, points)
    if counts is None:
        raise ValueError(resolutions)
    events = counts.counts[-weeks:].sum(axis=1)
    spec = name_place_records(columns, studies[0], layer)
    searches = spec != find_layer(layer)
    sizes = [study.resolution for study in studies]
    whole = name_whole(precision)
    return Backtest(
        spec=spec,
        rows=summarise(tables, events),
        verdict=compare_methods(tables, events, whole=whole),
        by_size={size: compare_methods(_select_resolution(tables, size), events, whole=whole) for size in sizes},
        gi_star=compare_sizes(tables, events, "gi_star"),
        weeks=weeks,
        first=counts.find_start(len(counts.counts) - weeks),
        end=counts.find_start(len(counts.counts)),
        events=int(events.sum()),
        unknown=counts.unknown,
        swept=counts.swept,
        notes=(
            *([OFFICERS_NOTE] if searches else []),
            *_build_notes(spec, counts, weeks, precision, sizes, resolutions),
        ),
        precision=precision,
        weeks_left_out=counts.left_out,
        searches=searches,
    )


def choose_resolutions(resolutions: Sequence[int], precision: LocationPrecision) -> list[int]:
    """Those resolutions that are no finer than the location precision; if none is, the finest that it allows."""
    return [size for size in resolutions if size <= precision.finest] or [precision.finest]


def _has_no_days(columns: Columns, layer: str, time_zone: str) -> bool:
    """Whether a layer has events, but none whose day is known."""
    known_days = find_known_days(columns, layer, time_zone=time_zone)
    return not len(known_days.index) and known_days.unknown > 0


def _build_empty(columns: Columns, area: Area, spec: LayerSpec, weeks: int, precision: LocationPrecision) -> Backtest:
    """The answer for records without days: no figures, and one sentence that says why."""
    known_days = find_known_days(columns, spec.name, time_zone=area.time_zone)
    spec = name_place_records(columns, load_study(area, (), precision.finest), spec.name)
    searches = spec != find_layer(spec.name)
    reach = find_known_period(columns, spec.name, time_zone=area.time_zone, reported_by=NOT_SWEPT) or (
        dt.date.min,
        dt.date.min,
    )
    sentence = f"There is no back-test of {spec.many}: it tests weeks, and these records are known only to the month."
    no_tables: Tables = {(precision.finest, METHODS[0]): np.zeros((3, weeks, len(SHARES)))}
    return Backtest(
        spec=spec,
        rows=summarise(no_tables, np.zeros(weeks)).iloc[:0],
        verdict=MethodComparison("", precision.finest, float("nan"), (), clear=False, sentence=sentence),
        by_size={},
        gi_star=(),
        weeks=weeks,
        first=reach[0],
        end=reach[1],
        events=0,
        unknown=known_days.unknown,
        swept=known_days.swept,
        notes=(OFFICERS_NOTE,) if searches else (),
        precision=precision,
        searches=searches,
    )


def _build_studies(area: Area, wards: tuple[str, ...], resolutions: Sequence[int]) -> list[Study]:
    """The study areas from coarse to fine, up to the last with about MOST_CELLS cells; the coarsest in any case."""
    studies: list[Study] = []
    for resolution in sorted(set(resolutions)):
        finer = resolution - studies[-1].resolution if studies else 0
        if studies and len(studies[-1]) * 7**finer > MOST_CELLS * 1.25:  # each cell has seven finer ones
            break
        studies.append(load_study(area, wards, resolution))
    return studies


def _select_resolution(tables: Tables, resolution: int) -> Tables:
    """The tables of one resolution."""
    return {key: table for key, table in tables.items() if key[0] == resolution}


def _score_methods(study: Study, history_counts: Weeks, weeks: int, points: PointWeeks | None) -> Tables:
    """For each method float64 (3, weeks, shares): events caught, most that any choice could catch, events predicted.

    With `points` the shares are of the points seen before each week, and only events at these can be caught.
    """
    kernel = build_kernel(study, history_counts.counts)
    tables = {(study.resolution, method): np.zeros((3, weeks, len(SHARES))) for method in METHODS}
    for place in range(weeks):
        week = len(history_counts.counts) - weeks + place
        observed = points.count_catchable(week) if points else history_counts.counts[week]
        if not observed.any():
            continue
        size = points.measure_sizes(week) if points else study.area_km2
        best = _count_caught(observed, observed, size)[0]
        for method in METHODS:
            scores = forecast(
                method, history_counts.counts[:week], study, kernel, ages=history_counts.measure_ages(week)
            )
            # Gi* ranks by itself: it is multiplied by the size here, because it is divided by it later.
            predicted = scores * size if method in RANKS_ONLY else scores
            hits, expected = _count_caught(observed, predicted, size)
            tables[study.resolution, method][:, place] = hits, best, expected
    return tables


def _count_caught(
    observed: NDArray[np.float64], predicted: NDArray[np.float64], size: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Observed and predicted events in the first SHARES of all sizes, in order of predicted density.

    Cells of no size cannot hold any event and take no part. The last cell counts in part, so that coarse and fine cells
    are compared at the same share.
    """
    some = size > 0
    return sum_within_shares(observed[some], predicted[some], size[some], SHARES)


def _build_notes(
    spec: LayerSpec,
    counts: Weeks,
    weeks: int,
    precision: LocationPrecision,
    sizes: Sequence[int],
    requested: Sequence[int],
) -> list[str]:
    """How the figures were made, and what was left out: weeks, events and sizes of cells."""
    first, end = counts.find_start(len(counts.counts) - weeks), counts.find_start(len(counts.counts))
    which = "known week" if counts.left_out else "week"
    explanation = (
        f"Each {which} of {format_span(first, end)} was forecast from the weeks before it. The winner has the largest "
        f"share of events in the top {format_percent(DECIDING_SHARE)} of {name_whole(precision)}. "
        "Intervals come from resampled weeks."
    )
    notes = [explanation]
    if sentence := describe_precision(precision):
        notes.append(sentence)
    if precision.snapped:
        notes.append(
            f"Chance, and the top {format_percent(DECIDING_SHARE)}, are among the points seen before each week. "
            "Events at new points count as missed."
        )
    notes += describe_weeks_left_out(counts)
    if weeks < _FEW_WEEKS:
        notes.append(f"There are fewer than {_FEW_WEEKS} weeks, so the intervals are narrower than they should be.")
    notes += describe_left_out(spec, unknown=counts.unknown, swept=counts.swept)
    return notes + _describe_sizes_left_out(precision, sizes, requested)


def _describe_sizes_left_out(precision: LocationPrecision, sizes: Sequence[int], requested: Sequence[int]) -> list[str]:
    """Which resolutions were asked for and not tested: too fine for the records, or too many cells."""
    notes = []
    too_fine = [str(size) for size in requested if size > precision.finest]
    too_many = [str(size) for size in requested if size <= precision.finest and size not in sizes]
    if too_fine:
        notes.append(f"Resolution {', '.join(too_fine)} is left out: its cells are smaller than these records know.")
    if too_many:
        notes.append(f"Resolution {', '.join(too_many)} is left out: it would have more than {MOST_CELLS:,} cells.")
    return notes
