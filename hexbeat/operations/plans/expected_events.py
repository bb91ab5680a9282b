"""Events expected in each cell during some hours: the forecast of a week, times the hours' share of a week.

The forecast method is the one that did best in the back-test. Finds of sweeps do not count, there or here. The team
gives each layer its weight.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import HOURS_A_WEEK
from geo.errors import UsageError
from hexbeat.analysis.daily_counts import count_weeks
from hexbeat.analysis.forecast_methods import METHOD_NAMES, RANKS_ONLY, build_needed_kernel, forecast
from hexbeat.analysis.method_selection import select_method
from hexbeat.analysis.rhythm import count_weekday_hours
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import Area
from hexbeat.operations.plans.working_time import WorkingTime
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.event import REPORTERS
from layers.filters import Filter
from layers.periods import find_known_period
from layers.wording import format_date, format_number, format_percent

__all__ = [
    "PLAN_RESOLUTION",
    "ExpectedEvents",
    "LayerForecast",
    "check_weights",
    "choose_method",
    "forecast_events",
    "share_hours",
]

PLAN_RESOLUTION: Final = 10  # 0.015 km2, nearest to the 150 m squares of hot-spot policing
_RHYTHM_DAYS: Final = 365
_FEWEST_FOR_WEEKDAYS: Final = 300  # with fewer events that have a time of day, all weekdays count the same
_FEWEST_FOR_HOURS: Final = 24  # with fewer, all hours count the same
_FALLBACK_METHOD: Final = "kernel"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class LayerForecast:
    """The forecast of one layer: `cells` float64 (n,) are the events expected in the hours, by `method`.

    `week_share` is the part of a week's events that falls in these hours. `newest` is the day of the newest record.
    `sentences` describe the forecast. `weeks` float64 (weeks, n) are the counts behind it, oldest first.
    """

    layer: str
    weight: float
    cells: NDArray[np.float64]
    method: str
    week_share: float
    newest: dt.date
    sentences: tuple[str, ...]
    weeks: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedEvents:
    """The forecasts of layers over the cells of a study. `worth` float64 (n,) is their weighted sum, in events."""

    study: Study
    layers: tuple[LayerForecast, ...]
    worth: NDArray[np.float64]


def forecast_events(
    columns: Columns,
    area: Area,
    weights: Mapping[str, float],
    *,
    time: WorkingTime,
    wards: tuple[str, ...] = (),
    home: Path | None = None,
    methods: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> ExpectedEvents:
    """The events expected in the cells of some wards (none: all) during the hours. `weights` by layer, above 0.

    `methods` of `analysis.forecast_methods` by layer are used without a back-test; None: the best in the back-test.

    UsageError without layers, for weights not above 0, for layers of states and for too few records.
    """
    weight_by_layer = check_weights(weights)
    study = load_study(area, wards, PLAN_RESOLUTION)
    forecasts = []
    for place, (layer, weight) in enumerate(weight_by_layer.items()):
        if progress:
            progress(place, len(weight_by_layer))
        forecasts.append(
            _forecast_layer(
                columns, area, study, (layer, weight), time=time, home=home, fixed_method=(methods or {}).get(layer)
            )
        )
    worth = np.sum([one.weight * one.cells for one in forecasts], axis=0)
    return ExpectedEvents(study, tuple(forecasts), worth)


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


def _forecast_layer(
    columns: Columns,
    area: Area,
    study: Study,
    weighed_layer: tuple[str, float],
    *,
    time: WorkingTime,
    home: Path | None,
    fixed_method: str | None,
) -> LayerForecast:
    layer, weight = weighed_layer
    spec = find_layer(layer)
    known_period = find_known_period(columns, layer, time_zone=area.time_zone)
    if known_period is None:
        raise UsageError(f"A plan needs records of {spec.many}", "none are loaded", "load some, or leave the layer out")
    weeks = count_weeks(columns, layer, study, tested_weeks=1, time_zone=area.time_zone)
    winner = None if fixed_method else select_method(columns, area, layer, home=home, resolution=PLAN_RESOLUTION)
    method = choose_method(fixed_method or (winner.method if winner else None))
    week = np.maximum(forecast(method, weeks.counts, study, build_needed_kernel((method,), study)), 0.0)
    shares, notes = share_hours(
        columns, layer, wards=study.chosen_wards, until=known_period[1], time_zone=area.time_zone
    )
    share = float((shares * time.week_hours()).sum())
    newest = known_period[1] - dt.timedelta(days=1)
    heading = f"{spec.title}, weight {weight:g}: forecast by the {METHOD_NAMES[method]}" + (
        ", the best in the back-test at this cell size" if winner and winner.method == method else ""
    )
    number = format_number(float(week.sum() * share))
    sentences = [
        f"{heading}. These hours hold {format_percent(share)} of a week's events; {number} are expected.",
        *notes,
    ]
    days_late = (time.day - newest).days
    if days_late > 7:  # noqa: PLR2004 - days of a week: the forecast is of the week after the newest record
        sentences.append(
            f"The newest record of {spec.many} is of {format_date(newest)}, {days_late} days before the plan."
        )
    return LayerForecast(layer, weight, week * share, method, share, newest, tuple(sentences), weeks.counts)


def choose_method(winner: str | None) -> str:
    """The method of the forecast: `winner`, or the kernel if there is none or if it only ranks cells (Gi*)."""
    return winner if winner and winner not in RANKS_ONLY else _FALLBACK_METHOD


def share_hours(
    columns: Columns, layer: str, *, wards: tuple[str, ...], until: dt.date, time_zone: str
) -> tuple[NDArray[np.float64], list[str]]:
    """The share of a week's events in each of its 168 local hours, float64 (168,) that sums to 1; and notes.

    It comes from the year before `until`. Under 300 events with a time of day are pooled over weekdays. Under 24, all
    hours count the same. A note says so.
    """
    spec = find_layer(layer)
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
