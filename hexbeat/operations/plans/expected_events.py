"""Events expected in each cell during some hours: the forecast of a week, times the hours' share of a week.

The forecast method is the one that did best in the back-test. Finds of sweeps do not count, there or here. The team
gives each layer its weight. Records known only to their month rank places by their rates, and all hours count the same.
Cells are no smaller than the location precision of every layer; the place of a cell is then its busiest point.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import HOURS_A_WEEK
from geo.errors import UsageError
from hexbeat.analysis.daily_counts import (
    count_weeks,
    describe_left_out,
    describe_weeks_left_out,
    find_place_records,
    name_place_records,
)
from hexbeat.analysis.forecast_methods import METHOD_NAMES, MONTH_RATES, RANKS_ONLY, build_needed_kernel, forecast
from hexbeat.analysis.method_selection import read_selection, select_method
from hexbeat.analysis.month_rates import MONTHS_ONLY, count_month_rates, is_known_to_months
from hexbeat.analysis.rhythm import count_weekday_hours
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import Area
from hexbeat.operations.plans.plan_points import choose_plan_resolution, describe_plan_places, find_plan_points
from hexbeat.operations.plans.working_time import WorkingTime
from hexbeat.store.shared_documents import SharedDocuments
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.encounters import are_searches
from layers.event import NOT_SWEPT, REPORTERS
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import find_known_period
from layers.precision import measure_place_precision
from layers.wording import format_date, format_number, format_percent

__all__ = [
    "ExpectedEvents",
    "LayerForecast",
    "check_weights",
    "choose_method",
    "forecast_events",
    "share_hours",
]

_RHYTHM_DAYS: Final = 365
_FEWEST_FOR_WEEKDAYS: Final = 300  # with fewer events that have a time of day, all weekdays count the same
_FEWEST_FOR_HOURS: Final = 24  # with fewer, all hours count the same
_FALLBACK_METHOD: Final = "kernel"
_NOT_SELECTED: Final = "No method has been back-tested on these records yet, so another may be better."


@dataclass(frozen=True, slots=True, eq=False)
class LayerForecast:
    """The forecast of one layer: `cells` float64 (n,) are the events expected in the hours, by `method`.

    `week_share` is the part of a week's events that falls in these hours. `newest` is the day of the newest record.
    `sentences` describe the forecast. `weeks` float64 (weeks, n) are the counts behind it, oldest first, and `number`
    int64 (weeks,) says which week each is (weeks not known whole are missing); there are none of records known only to
    their month (`by_month`). `any_hour`: all hours of the week count the same. `weeks_until`: the last day of the
    weeks. `searches`: all records are searches by officers; `officers`: some are.
    """

    layer: str
    weight: float
    cells: NDArray[np.float64]
    method: str
    week_share: float
    newest: dt.date
    sentences: tuple[str, ...]
    weeks: NDArray[np.float64]
    number: NDArray[np.int64]
    by_month: bool = False
    any_hour: bool = False
    weeks_until: dt.date | None = None
    searches: bool = False
    officers: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedEvents:
    """The forecasts of layers over the cells of a study. `worth` float64 (n,) is their weighted sum, in events.

    `lon` and `lat` float64 (n,) are where to stand in each cell: its busiest point where records are snapped, else its
    middle. `size` float64 (n,) is what chance goes by: the number of snapped points of each cell, or its area.
    `ranks_only`: the hours are too far from the records for a forecast.
    """

    study: Study
    layers: tuple[LayerForecast, ...]
    worth: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    size: NDArray[np.float64]
    snapped: bool = False
    ranks_only: bool = False

    @property
    def by_month(self) -> bool:
        """Whether every layer is known only to its months, so that nothing can be said about hours."""
        return all(layer.by_month for layer in self.layers)

    @property
    def any_hour(self) -> bool:
        """Whether the hours make no difference, because no layer knows them."""
        return all(layer.any_hour for layer in self.layers)


def forecast_events(  # noqa: PLR0913 - the choices of a plan, by keyword
    columns: Columns,
    area: Area,
    weights: Mapping[str, float],
    *,
    time: WorkingTime,
    wards: tuple[str, ...] = (),
    documents: SharedDocuments | None = None,
    methods: Mapping[str, str] | None = None,
    ranks_only: bool = False,
    quick: bool = False,
) -> ExpectedEvents:
    """The events expected in the cells of some wards (none: all) during the hours. `weights` by layer, above 0.

    `methods` of `analysis.forecast_methods` by layer are used without a back-test; None: the best in the back-test.
    `quick`: the best in a back-test that is stored already, else the kernel.
    `ranks_only`: sentences give no number expected, because the hours are too far from the records.
    Cells have plan_points.PLAN_RESOLUTION, or are larger where the records of a layer know no better.

    UsageError without layers, for weights not above 0, for layers of states and for too few records.
    """
    weight_by_layer = check_weights(weights)
    precisions = {layer: measure_place_precision(columns, layer, time_zone=area.time_zone) for layer in weight_by_layer}
    study = load_study(area, wards, choose_plan_resolution(precisions.values()))
    forecasts = []
    for layer, weight in weight_by_layer.items():
        forecasts.append(
            _forecast_layer(
                columns,
                area,
                study,
                (layer, weight),
                time=time,
                documents=documents,
                fixed_method=(methods or {}).get(layer),
                ranks_only=ranks_only,
                quick=quick,
            )
        )
    snapped = [layer for layer, precision in precisions.items() if precision.snapped]
    points = find_plan_points(columns, study, snapped)
    forecasts = [_mark_searches(columns, study, layer_forecast) for layer_forecast in forecasts]
    everything = len(snapped) == len(precisions)
    if everything:
        forecasts = [_keep_to_places(layer_forecast, points.number > 0) for layer_forecast in forecasts]
    worth = np.sum([layer_forecast.weight * layer_forecast.cells for layer_forecast in forecasts], axis=0)
    size = points.number if everything else study.area_km2 * ((points.number > 0) | (worth > 0) | (not snapped))
    notes = [note for layer, precision in precisions.items() if (note := describe_plan_places(layer, precision, study))]
    forecasts = [
        replace(layer_forecast, sentences=(*layer_forecast.sentences, *notes))
        if layer_forecast is forecasts[0]
        else layer_forecast
        for layer_forecast in forecasts
    ]
    return ExpectedEvents(study, tuple(forecasts), worth, points.lon, points.lat, size, everything, ranks_only)


def _mark_searches(columns: Columns, study: Study, layer: LayerForecast) -> LayerForecast:
    """The forecast with whether its records, without finds of sweeps, are searches by officers."""
    index = find_place_records(columns, study, layer.layer)
    spec = find_layer(layer.layer)
    by_officers = columns.reported_by[index] == REPORTERS.index("officer")
    searches = are_searches(columns, index, spec)
    return replace(layer, searches=searches, officers=bool(spec.searches and by_officers.any()))


def _keep_to_places(layer: LayerForecast, is_place: NDArray[np.bool_]) -> LayerForecast:
    """The forecast with what it expects where no record can lie (a kernel spreads it) shared out over the places."""
    cells = np.where(is_place, layer.cells, 0.0)
    scale = layer.cells.sum() / cells.sum() if cells.any() else 0.0
    return replace(layer, cells=cells * scale)


def check_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """The layers that take part and their weights; UsageError if they are none, states, or not above 0."""
    for layer, weight in weights.items():
        if find_layer(layer).kind != "incident" or not 0 < weight < np.inf:
            raise UsageError(
                "A plan weighs layers of incidents, each with a weight above 0",
                f"{layer} has the weight {weight:g}"
                + ("" if find_layer(layer).kind == "incident" else " and is in force for months"),
                "give for example street_dealing=2 overdoses=1",
            )
    if not weights:
        raise UsageError("A plan needs one layer or more", "none was given", "give for example street_dealing")
    return dict(weights)


def _forecast_layer(  # noqa: PLR0913 - likewise
    columns: Columns,
    area: Area,
    study: Study,
    weighed_layer: tuple[str, float],
    *,
    time: WorkingTime,
    documents: SharedDocuments | None,
    fixed_method: str | None,
    ranks_only: bool,
    quick: bool,
) -> LayerForecast:
    layer, weight = weighed_layer
    spec = name_place_records(columns, study, layer)
    known_period = find_known_period(columns, layer, time_zone=area.time_zone, reported_by=NOT_SWEPT)
    if known_period is None:
        is_loaded = len(find_place_records(columns, study, layer)) > 0
        fault = "the days of those loaded are not known" if is_loaded else "none are loaded"
        raise UsageError(f"A plan needs records of {spec.many}", fault, "load some, or leave the layer out")
    newest = known_period[1] - dt.timedelta(days=1)
    if is_known_to_months(columns, layer):
        return _rank_by_months(columns, area, study, weighed_layer, time=time, newest=newest)
    weeks = count_weeks(columns, layer, study, tested_weeks=1, time_zone=area.time_zone)
    selection = read_selection(columns, area, layer, documents=documents) if quick and not fixed_method else None
    winner = selection.by_size.get(study.resolution) if selection else None
    if not quick and not fixed_method:
        winner = select_method(columns, area, layer, documents=documents, resolution=study.resolution)
    method = choose_method(fixed_method or (winner.method if winner else None))
    kernel = build_needed_kernel((method,), study, weeks.counts)
    ages = weeks.measure_ages(len(weeks.counts))
    week = np.maximum(forecast(method, weeks.counts, study, kernel, ages=ages), 0.0)
    shares, notes = share_hours(
        columns, layer, wards=study.chosen_wards, until=known_period[1], time_zone=area.time_zone, spec=spec
    )
    share = float((shares * time.week_hours()).sum())
    heading = (
        f"{spec.title}, weight {weight:g}: {'ranked' if ranks_only else 'forecast'} by the {METHOD_NAMES[method]}"
        + (", the best in the back-test at this cell size" if winner and winner.method == method else "")
    )
    number = "" if ranks_only else f"; {format_number(float(week.sum() * share))} are expected"
    sentences = [
        f"{heading}. These hours hold {format_percent(share)} of a week's events{number}.",
        *notes,
        *([_NOT_SELECTED] if quick and not fixed_method and selection is None else []),
        *describe_left_out(spec, unknown=weeks.unknown, swept=0),
        *describe_weeks_left_out(weeks),
        *_describe_age(spec, newest, time.day),
    ]
    return LayerForecast(
        layer,
        weight,
        week * share,
        method,
        share,
        newest,
        tuple(sentences),
        weeks.counts,
        weeks.number,
        any_hour=bool(np.ptp(shares) == 0),
        weeks_until=weeks.find_start(len(weeks.counts)) - dt.timedelta(days=1),
    )


def _rank_by_months(
    columns: Columns,
    area: Area,
    study: Study,
    weighed_layer: tuple[str, float],
    *,
    time: WorkingTime,
    newest: dt.date,
) -> LayerForecast:
    """The forecast of records that have no days: the mean rate of each cell, the same at all hours."""
    layer, weight = weighed_layer
    spec = name_place_records(columns, study, layer)
    rates = count_month_rates(columns, layer, study, time_zone=area.time_zone)
    share = float(time.week_hours().sum()) / HOURS_A_WEEK
    heading = f"{spec.title}, weight {weight:g}: ranked by the {METHOD_NAMES[MONTH_RATES]}"
    sentences = (
        f"{heading} ({rates.describe_months()}). {MONTHS_ONLY}: the plan ranks places, and says nothing about hours.",
        *_describe_age(spec, newest, time.day),
    )
    return LayerForecast(
        layer,
        weight,
        rates.rate * share,
        MONTH_RATES,
        share,
        newest,
        sentences,
        np.zeros((0, len(study))),
        np.zeros(0, dtype=np.int64),
        by_month=True,
        any_hour=True,
    )


def _describe_age(spec: LayerSpec, newest: dt.date, day: dt.date) -> list[str]:
    """A sentence if the records end more than a week before the plan: the forecast is of the week after them."""
    days_late = (day - newest).days
    if days_late <= 7:  # noqa: PLR2004 - days of a week
        return []
    return [f"The newest record of {spec.many} is of {format_date(newest)}, {days_late} days before the plan."]


def choose_method(winner: str | None) -> str:
    """The method of the forecast: `winner`, or the kernel if there is none or if it only ranks cells (Gi*)."""
    return winner if winner and winner not in RANKS_ONLY else _FALLBACK_METHOD


def share_hours(
    columns: Columns,
    layer: str,
    *,
    wards: tuple[str, ...],
    until: dt.date,
    time_zone: str,
    spec: LayerSpec | None = None,
) -> tuple[NDArray[np.float64], list[str]]:
    """The share of a week's events in each of its 168 local hours, float64 (168,) that sums to 1; and notes.

    It comes from the year before `until`. Under 300 events with a time of day are pooled over weekdays. Under 24, all
    hours count the same. A note says so, by the names of `spec` if given.
    """
    spec = spec or find_layer(layer)
    year_filter = Filter(
        layers=(layer,),
        start=until - dt.timedelta(days=_RHYTHM_DAYS),
        end=until,
        wards=wards,
        reported_by=tuple(name for name in REPORTERS if name != "sweep"),
    )
    rhythm = count_weekday_hours(columns, year_filter, time_zone)
    total = float(rhythm.grid.sum())
    even = np.full(HOURS_A_WEEK, 1 / HOURS_A_WEEK)
    if total < _FEWEST_FOR_HOURS:
        return even, [f"Too few {spec.many} have a time of day, so all hours of the week count the same."]
    if total < _FEWEST_FOR_WEEKDAYS:
        shares = np.tile(rhythm.grid.sum(axis=0), 7)
        return shares / shares.sum(), [f"Few {spec.many} have a time of day, so all weekdays count the same."]
    return rhythm.grid.ravel() / total, []
