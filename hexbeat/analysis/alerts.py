"""Alerts: days with more events than usual, in the area or in a ward, each with its sentence.

An alert is a question, not a finding. Simulation, kept in memory, says how often noise alone raises one.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.alerts import Alerts, ears, estimate_false_alarms
from geo.errors import UsageError
from hexbeat.analysis.daily_counts import (
    KnownDays,
    count_by,
    describe_left_out,
    find_known_days,
    find_positions,
    to_ordinal,
)
from hexbeat.analysis.weekly_alerts import FARRINGTON, find_weekly_alarms
from hexbeat.areas.area import Area
from layers.catalogue import LAYERS, find_layer
from layers.columns import Columns
from layers.layer_spec import LayerSpec
from layers.periods import Period, find_known_period
from layers.wording import format_count, format_date, format_list, format_number, format_span

__all__ = [
    "METHODS",
    "Alert",
    "AlertReport",
    "MethodRow",
    "Setting",
    "build_alert",
    "build_alert_report",
    "choose_default_day",
    "detect",
    "sum_false_alarms",
]

_DAY: Final = dt.timedelta(days=1)
_HISTORY_DAYS: Final = 365  # the noise is estimated from these
_GAP_DAYS: Final = 3  # alarms no further apart than this are one alert
METHODS: Final = ("C1", "C2", "C3")
_STEPS_PER_DOUBLING: Final = 2  # simulated means a doubling: a mean is rounded to the nearest of them
_RATIOS: Final = (1.0, 2.0, 4.0)  # simulated variance / mean; 1 is Poisson
_SIMULATED_YEARS: Final = 100  # simulated years for each
_LEAST_MEAN: Final = 0.01  # events a day; quieter series are simulated with this mean


@dataclass(frozen=True, slots=True)
class Setting:
    """How daily counts are tested: any of the EARS `methods` raises an alert; other fields as in geo.alerts.ears.

    A baseline of four whole weeks suits layers with a strong weekly pattern.
    """

    methods: tuple[str, ...] = METHODS
    baseline_days: int = 28
    sigma_floor: float = 0.5
    fewest: float = 3.0


def detect(counts: NDArray[np.float64], setting: Setting, method: str) -> Alerts:
    """EARS by one method on counts (days, series)."""
    return ears(
        counts,
        method=method,
        baseline_days=setting.baseline_days,
        sigma_floor=setting.sigma_floor,
        fewest=setting.fewest,
    )


def sum_false_alarms(history: NDArray[np.float64], setting: Setting) -> float:
    """Days a year with an alert from noise like this history (days, series), summed over the series.

    The noise of a series has its mean and, roughly, its ratio of variance to mean (Poisson or negative binomial),
    without trend or weekly pattern. A day with alerts from several methods for one series counts once. Means are
    rounded to steps of 41 %, so that few simulations are enough; the result is as accurate as that.
    """
    return sum(_estimate_series(column, setting) for column in history.T)


def _estimate_series(history: NDArray[np.float64], setting: Setting) -> float:
    if not history.any():
        return 0.0
    mean = max(float(history.mean()), _LEAST_MEAN)
    ratio = float(history.var()) / mean
    step = round(np.log2(mean) * _STEPS_PER_DOUBLING)
    nearest = min(_RATIOS, key=lambda simulated: abs(np.log(max(ratio, 1.0) / simulated)))
    return _simulate_cached(2.0 ** (step / _STEPS_PER_DOUBLING), nearest, setting)


@lru_cache(maxsize=512)
def _simulate_cached(mean: float, ratio: float, setting: Setting) -> float:
    """`simulate`, kept in memory."""
    return simulate(mean, ratio, setting)


def simulate(mean: float, ratio: float, setting: Setting) -> float:
    """Days a year with an alert from one series of noise, from simulated years."""

    def any_method(counts: NDArray[np.float64]) -> Alerts:
        results = [detect(counts, setting, method) for method in setting.methods]
        alarm: NDArray[np.bool_] = np.logical_or.reduce([result.alarm for result in results])
        return Alerts(results[0].statistic, results[0].expected, results[0].upper, alarm)

    size = None if ratio <= 1 else mean / (ratio - 1)
    return estimate_false_alarms(
        any_method, mean=mean, size=size, series=_SIMULATED_YEARS, history=setting.baseline_days + len(METHODS) + 2
    )


@dataclass(frozen=True, slots=True)
class Alert:
    """One or more days with more events than usual of one layer in one place.

    `ward_code` None: the whole area. `count` events from `first_day` to `last_day` (inclusive); the busiest day, `day`,
    had `peak` of them. `expected` is for all of these days. `methods` raised the alert. `false_alarms_a_year`: how many
    alerts noise alone would raise for this layer over all places, at this setting.
    """

    layer: str
    ward_code: str | None
    place: str
    first_day: dt.date
    last_day: dt.date
    day: dt.date
    count: float
    peak: float
    expected: float
    methods: tuple[str, ...]
    false_alarms_a_year: float
    sentence: str


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One setting for one layer: how many places it watches, and its false alarms a year over all of them."""

    layer: str
    method: str
    places: int
    false_alarms_a_year: float


@dataclass(frozen=True, slots=True)
class AlertReport:
    """The alerts of the `days` days up to `day`, newest and largest first; the settings; notes."""

    day: dt.date
    days: int
    alerts: tuple[Alert, ...]
    settings: tuple[MethodRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _DailySeries:
    """Daily counts (days, 1 + wards) of a layer from `first` on; the first column is the whole area."""

    first: dt.date
    counts: NDArray[np.float64]


def choose_default_day(columns: Columns, *, today: dt.date, time_zone: str) -> dt.date:
    """Yesterday, or the day of the newest incident if nothing later has been loaded."""
    yesterday = today - _DAY
    periods = [find_known_period(columns, spec.name, time_zone=time_zone) for spec in _list_layers(())]
    return min(yesterday, max((period[1] - _DAY for period in periods if period), default=yesterday))


def build_alert_report(
    columns: Columns,
    area: Area,
    day: dt.date,
    *,
    days: int = 1,
    layers: Sequence[str] = (),
    setting: Setting | None = None,
) -> AlertReport:
    """The alerts of `day` and the `days` - 1 before it, in the area and in each ward.

    EARS C1, C2 and C3 on daily counts; Farrington's method on weeks that end with `day` if enough years are on record.
    `layers`: names of layers of incidents (empty: all); UsageError for others. Events whose day is not known, and those
    that sweeps found, are left out.
    """
    setting = setting or Setting()
    alerts: list[Alert] = []
    rows: list[MethodRow] = []
    notes: list[str] = []
    for spec in _list_layers(layers):
        known_period = find_known_period(columns, spec.name, time_zone=area.time_zone)
        if known_period is None:
            notes.append(f"No {spec.many} are loaded yet.")
            continue
        events = find_known_days(columns, spec.name, time_zone=area.time_zone)
        notes += _build_notes(spec, events, known_period, day)
        series = _count_days(columns, events, area, known_period=known_period, day=day, days=days, setting=setting)
        false_alarms = sum_false_alarms(series.counts[-_HISTORY_DAYS:], setting)
        rows += _build_settings(spec, series, setting, false_alarms, area)
        notes.append(_describe_fewest(spec, series, setting))
        alerts += _find_daily_alerts(spec, series, area, days=days, setting=setting, yearly=false_alarms)
        weekly, weekly_notes, weekly_rows = _find_weekly_alerts(
            spec, columns, events, area, known_period=known_period, day=day, days=days
        )
        alerts, rows, notes = alerts + weekly, rows + weekly_rows, notes + weekly_notes
    alerts.sort(
        key=lambda alert: (
            -to_ordinal(alert.last_day),
            alert.expected - alert.count,
            alert.layer,
            alert.ward_code or "",
        )
    )
    return AlertReport(day, days, tuple(alerts), tuple(rows), tuple(notes))


def _list_layers(names: Sequence[str]) -> list[LayerSpec]:
    """The layers of these names, all of incidents."""
    states = [name for name in names if find_layer(name).kind == "state"]
    if states:
        raise UsageError(
            "Alerts are of incidents, which happen on a day",
            f"{', '.join(states)} are in force for months",
            f"choose from {', '.join(spec.name for spec in LAYERS if spec.kind == 'incident')}",
        )
    return [spec for spec in LAYERS if spec.kind == "incident" and (not names or spec.name in names)]


def _count_days(
    columns: Columns, events: KnownDays, area: Area, *, known_period: Period, day: dt.date, days: int, setting: Setting
) -> _DailySeries:
    """Counts of each day up to `day`, with a year of history before it, or from the first record if that is later."""
    history = dt.timedelta(days=max(_HISTORY_DAYS, setting.baseline_days) + days + len(METHODS) + 2)
    first_day = min(max(known_period[0], day - history), day)
    day_count = (day - first_day).days + 1
    ward = find_positions(columns.ward_codes, area.wards.codes)[columns.ward[events.index]]
    counts = count_by(events.day - to_ordinal(first_day), ward, time_count=day_count, place_count=len(area.wards))
    return _DailySeries(first_day, np.column_stack([counts.sum(axis=1), counts]))


def _find_daily_alerts(
    spec: LayerSpec, series: _DailySeries, area: Area, *, days: int, setting: Setting, yearly: float
) -> list[Alert]:
    """Alarms of the last `days` days, those close together joined into one alert."""
    detections = {method: detect(series.counts, setting, method) for method in setting.methods}
    alarms = np.array([detection.alarm for detection in detections.values()])
    expected = next(iter(detections.values())).expected
    alerts = []
    for place in range(series.counts.shape[1]):
        alarm_days = np.flatnonzero(alarms[:, -days:, place].any(axis=0)) + max(len(series.counts) - days, 0)
        for run in np.split(alarm_days, np.flatnonzero(np.diff(alarm_days) > _GAP_DAYS) + 1):
            if not len(run):
                continue
            span = slice(int(run[0]), int(run[-1]) + 1)
            methods = [name for name, own in zip(detections, alarms[:, span, place], strict=True) if own.any()]
            counts = series.counts[span, place]
            alerts.append(
                build_alert(
                    spec,
                    area,
                    place,
                    first_day=series.first + span.start * _DAY,
                    counts=counts,
                    expected=float(expected[span.start, place]) * len(counts),
                    methods=tuple(methods),
                    yearly=yearly,
                )
            )
    return alerts


def _describe_fewest(spec: LayerSpec, series: _DailySeries, setting: Setting) -> str:
    """How many events a day needs for an alert, by C1 on the last day: no alert does not mean that all is calm."""
    upper = detect(series.counts, setting, "C1").upper[-1]
    if np.isnan(upper).any():
        return f"Too few days of {spec.many} are on record to test the last one."
    fewest = np.maximum(np.floor(upper) + 1, setting.fewest)
    area, ward = (format_number(float(number)) for number in (fewest[0], np.median(fewest[1:])))
    return (
        f"An alert needs at least {area} {spec.many} on one day in the area, or {ward} in most wards. Fewer events, "
        "or a rise spread over more days, give no alert."
    )


def _build_settings(
    spec: LayerSpec, series: _DailySeries, setting: Setting, yearly: float, area: Area
) -> list[MethodRow]:
    """The false alarms of each method by itself, and of any of them."""
    history = series.counts[-_HISTORY_DAYS:]
    by_method = {
        name: sum_false_alarms(history, Setting((name,), setting.baseline_days, setting.sigma_floor, setting.fewest))
        for name in setting.methods
    }
    return [
        MethodRow(spec.name, name, 1 + len(area.wards), number) for name, number in {**by_method, "any": yearly}.items()
    ]


def _find_weekly_alerts(
    spec: LayerSpec, columns: Columns, events: KnownDays, area: Area, *, known_period: Period, day: dt.date, days: int
) -> tuple[list[Alert], list[str], list[MethodRow]]:
    """Farrington's alerts of the weeks that end with `day`, or a note on why the method is not used."""
    ward = find_positions(columns.ward_codes, area.wards.codes)[columns.ward[events.index]]
    weekly = find_weekly_alarms(
        events.day - to_ordinal(day) - 1,
        ward,
        places=len(area.wards),
        days_known=(day + _DAY - known_period[0]).days,
        days=days,
    )
    if weekly is None:
        note = f"Farrington's method for {spec.many} is not used yet: it needs more than three years of records."
        return [], [note], []
    alerts = [
        build_alert(
            spec,
            area,
            alarm.place,
            first_day=day - (7 * alarm.weeks_back + 6) * _DAY,
            counts=alarm.counts,
            expected=alarm.expected,
            methods=(FARRINGTON,),
            yearly=weekly.false_alarms_a_year,
        )
        for alarm in weekly.alarms
    ]
    return alerts, [], [MethodRow(spec.name, FARRINGTON, 1 + len(area.wards), weekly.false_alarms_a_year)]


def _build_notes(spec: LayerSpec, events: KnownDays, known_period: Period, day: dt.date) -> list[str]:
    """The days and events that could not be tested."""
    notes = (
        [f"The newest record of {spec.many} is of {format_date(known_period[1] - _DAY)}. Later days are not known."]
        if known_period[1] <= day
        else []
    )
    return notes + describe_left_out(spec, unknown=events.unknown, swept=events.swept)


def build_alert(
    spec: LayerSpec,
    area: Area,
    place: int,
    *,
    first_day: dt.date,
    counts: NDArray[np.float64],
    expected: float,
    methods: tuple[str, ...],
    yearly: float,
) -> Alert:
    """An alert with its sentence; `place` 0 is the area, others are wards from 1."""
    name = area.title if place == 0 else area.wards.names[place - 1]
    last_day = first_day + (len(counts) - 1) * _DAY
    period = format_span(first_day, last_day + _DAY)
    when = f"on {period}" if len(counts) == 1 else f"from {period}"
    total = format_count(float(counts.sum()), spec)
    return Alert(
        layer=spec.name,
        ward_code=None if place == 0 else area.wards.codes[place - 1],
        place=name,
        first_day=first_day,
        last_day=last_day,
        day=first_day + int(counts.argmax()) * _DAY,
        count=float(counts.sum()),
        peak=float(counts.max()),
        expected=expected,
        methods=methods,
        false_alarms_a_year=yearly,
        sentence=f"{total} in {name} {when}, where {format_number(expected)} would be usual ({format_list(methods)}). "
        f"By chance alone there are about {_format_alerts(yearly)} a year over all places.",
    )


def _format_alerts(yearly: float) -> str:
    """As in "18 such alerts"; simulation is not exact enough for tenths of large numbers."""
    number = format_number(yearly if yearly < 10 else round(yearly))  # noqa: PLR2004 - two digits are enough
    return f"{number} such {'alert' if number == '1' else 'alerts'}"
