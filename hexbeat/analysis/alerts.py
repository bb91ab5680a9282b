"""Days with more events than usual, in the area or in a ward, by EARS and Farrington: a second look for analysts.

Simulation, kept in memory, says how often noise alone raises such an alert. `hexbeat.analysis.scan_alerts` has those
that lead.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from hexbeat.analysis.alert_methods import METHODS, Setting, detect, sum_false_alarms
from hexbeat.analysis.alert_report import Alert, AlertReport, MethodRow
from hexbeat.analysis.alert_series import (
    AREA,
    DailySeries,
    count_known_days,
    count_run,
    describe_end,
    describe_untested,
    find_end,
    is_ended,
    join_series,
    mark_old_alert,
)
from hexbeat.analysis.daily_counts import (
    KnownDays,
    describe_left_out,
    find_known_days,
    find_positions,
    from_ordinal,
    to_ordinal,
)
from hexbeat.analysis.weekly_alerts import FARRINGTON, find_weekly_alarms
from hexbeat.areas.area import Area
from layers.catalogue import LAYERS, find_layer
from layers.columns import Columns
from layers.coverage import Coverage, subtract_spans
from layers.encounters import OFFICERS_NOTE, are_searches, describe_encounters, name_records
from layers.event import NOT_SWEPT
from layers.layer_spec import LayerSpec
from layers.periods import get_coverage
from layers.wording import format_count, format_date, format_left_out, format_list, format_number, format_span

__all__ = [
    "Alert",
    "AlertReport",
    "MethodRow",
    "build_alert",
    "build_alert_report",
    "choose_default_day",
    "choose_layers",
    "describe_hidden_layer",
]

_DAY: Final = dt.timedelta(days=1)
_HISTORY_DAYS: Final = 365  # the noise is estimated from these
_GAP_DAYS: Final = 3  # alarms no further apart than this are one alert


def choose_default_day(columns: Columns, *, today: dt.date, time_zone: str) -> dt.date:
    """Yesterday, or the last known day if nothing later has been loaded."""
    yesterday = today - _DAY
    end = find_end(get_coverage(columns, time_zone=time_zone, reported_by=NOT_SWEPT), _list_incident_layers(()))
    return min(yesterday, end) if end else yesterday


def build_alert_report(
    columns: Columns,
    area: Area,
    day: dt.date,
    *,
    days: int = 1,
    layers: Sequence[str] = (),
    setting: Setting | None = None,
    today: dt.date | None = None,
    each_event: bool = False,
) -> AlertReport:
    """The alerts of `day` and the `days` - 1 before it, in the area and in each ward.

    EARS C1, C2 and C3 on daily counts; Farrington's method on weeks that end with `day` if enough years are on record.
    Days that are not known are left out, of baselines too. `layers`: names of layers of incidents (empty: all);
    UsageError for others. Events whose day is not known, and those that sweeps found, are left out; an encounter counts
    once (`layers.encounters`), with `each_event` each record. Layers whose records end more than NEWEST_WEEKS before
    `today` raise no alert; None looks back at `day` whatever day it is now.
    """
    setting = setting or Setting()
    specs, hidden = choose_layers(columns, layers)
    specs = [spec for spec in specs if spec not in hidden]
    coverage = get_coverage(columns, time_zone=area.time_zone, reported_by=NOT_SWEPT)
    newest = find_end(coverage, specs)
    headline = describe_end(newest, today) if newest and today and is_ended(newest, today) else ""
    period = (day - (days - 1) * _DAY, day + _DAY)
    unknown = [spec.name for spec in specs if not coverage.find_known_in(spec.name, period)]
    unknown += [spec.name for spec in hidden]
    alerts, rows, notes = list[Alert](), list[MethodRow](), [describe_hidden_layer(spec) for spec in hidden]
    for spec in specs:
        last = find_end(coverage, [spec])
        if last is None:
            notes.append(f"No {spec.many} are loaded yet.")
            continue
        reason = describe_untested(
            columns, area, coverage, spec, period, baseline_days=setting.baseline_days, today=today
        )
        unknown += [spec.name] if reason and spec.name not in unknown else []
        if today and is_ended(last, today):
            notes += [] if headline else [describe_end(last, today, spec)]
            continue
        events = find_known_days(columns, spec.name, time_zone=area.time_zone, each_event=each_event)
        result = _test_layer(spec, columns, events, area, coverage, day=day, days=days, setting=setting)
        own = [mark_old_alert(alert, last, today) for alert in result[0]]
        alerts, rows, notes = alerts + own, rows + result[1], notes + ([reason] if reason else []) + result[2]
    alerts.sort(
        key=lambda alert: (
            not alert.is_current,
            -to_ordinal(alert.last_day),
            alert.expected - alert.count,
            alert.layer,
            alert.ward_code or "",
        )
    )
    ordered = tuple(spec.name for spec in (*specs, *hidden) if spec.name in unknown)
    return AlertReport(day, days, tuple(alerts), tuple(rows), tuple(notes), headline, ordered)


def choose_layers(columns: Columns, names: Sequence[str]) -> tuple[list[LayerSpec], list[LayerSpec]]:
    """The layers of these names (empty: all incidents that the viewer sees), and which of them are not tested.

    UsageError for a name that is no layer of incidents.
    """
    specs = [spec for spec in _list_incident_layers(names) if names or not columns.hides(spec.name)]
    hidden = [] if names else [spec for spec in specs if columns.find_fewest((spec.name,)) > 1]
    return specs, hidden


def describe_hidden_layer(spec: LayerSpec) -> str:
    """That a layer is not tested, because an alert would show numbers that the viewer does not see."""
    return f"{spec.title} are not tested: your role does not see their small numbers."


def _test_layer(
    spec: LayerSpec,
    columns: Columns,
    events: KnownDays,
    area: Area,
    coverage: Coverage,
    *,
    day: dt.date,
    days: int,
    setting: Setting,
) -> tuple[list[Alert], list[MethodRow], list[str]]:
    """The alerts of one layer, its settings and its notes."""
    searches = are_searches(columns, events.index, spec)
    names = name_records(spec, searches=searches)
    history_days = max(_HISTORY_DAYS, setting.baseline_days) + days + len(METHODS) + 3
    series = count_known_days(columns, events, area, coverage, layer=spec.name, day=day, history_days=history_days)
    yearly = _sum_over_places(series, setting)
    first = to_ordinal(day) - days + 1
    daily = [
        alert
        for part in series
        for alert in _find_daily_alerts(spec, part, area, first=first, setting=setting, yearly=yearly)
    ]
    weekly, weekly_notes, weekly_rows = _find_weekly_alerts(
        names, columns, events, area, coverage=coverage, day=day, days=days
    )
    notes = [
        *_build_notes(spec, events, coverage, day, days),
        *([OFFICERS_NOTE] if searches else []),
        _describe_fewest(names, series, setting),
        *weekly_notes,
    ]
    return [*daily, *weekly], [*_build_settings(spec, series, setting, yearly), *weekly_rows], notes


def _sum_over_places(series: Sequence[DailySeries], setting: Setting) -> float:
    """False alarms a year over all places, from the last year of their known days."""
    return sum(sum_false_alarms(part.counts[-_HISTORY_DAYS:], setting) for part in series)


def _list_incident_layers(names: Sequence[str]) -> list[LayerSpec]:
    """The layers of these names, all of incidents."""
    states = [name for name in names if find_layer(name).kind == "state"]
    if states:
        raise UsageError(
            "Alerts are of incidents, which happen on a day",
            f"{', '.join(states)} are in force for months",
            f"choose from {', '.join(spec.name for spec in LAYERS if spec.kind == 'incident')}",
        )
    return [spec for spec in LAYERS if spec.kind == "incident" and (not names or spec.name in names)]


def _find_daily_alerts(
    spec: LayerSpec, series: DailySeries, area: Area, *, first: int, setting: Setting, yearly: float
) -> list[Alert]:
    """Alarms from the day `first` (since 1970) on, those close together joined into one alert."""
    detections = {method: detect(series.counts, setting, method) for method in setting.methods}
    alarms = np.array([detection.alarm for detection in detections.values()])
    expected = next(iter(detections.values())).expected
    alerts = []
    for column, place in enumerate(series.places.tolist()):
        rows = np.flatnonzero(alarms[:, :, column].any(axis=0) & (series.days >= first))
        for run in np.split(rows, np.flatnonzero(np.diff(series.days[rows]) > _GAP_DAYS) + 1):
            if not len(run):
                continue
            span = slice(int(run[0]), int(run[-1]) + 1)
            methods = [name for name, own in zip(detections, alarms[:, span, column], strict=True) if own.any()]
            counts = series.counts[span, column]
            alerts.append(
                build_alert(
                    spec,
                    area,
                    place,
                    days=series.days[span],
                    counts=counts,
                    expected=float(expected[span.start, column]) * len(counts),
                    methods=tuple(methods),
                    yearly=yearly,
                    searches=bool(spec.searches) and bool(series.by_officers[span, column].sum() == counts.sum()),
                )
            )
    return alerts


def _describe_fewest(spec: LayerSpec, series: Sequence[DailySeries], setting: Setting) -> str:
    """How many events a day needs for an alert, by C1 on the last day: no alert does not mean that all is calm."""
    upper = np.array([detect(column[:, None], setting, "C1").upper[-1, 0] for column in join_series(series)])
    if len(upper) < 2 or np.isnan(upper).any():  # noqa: PLR2004 - the area and a ward
        return f"Too few days of {spec.many} are on record to test the last one."
    fewest = np.maximum(np.floor(upper) + 1, setting.fewest)
    area, ward = (format_number(float(number)) for number in (fewest[0], np.median(fewest[1:])))
    return (
        f"An alert needs at least {area} {spec.many} on one day in the area, or {ward} in most wards. Fewer events, "
        "or a rise spread over more days, give no alert."
    )


def _build_settings(spec: LayerSpec, series: Sequence[DailySeries], setting: Setting, yearly: float) -> list[MethodRow]:
    """The false alarms of each method by itself, and of any of them."""
    single = {
        name: Setting((name,), setting.baseline_days, setting.sigma_floor, setting.fewest) for name in setting.methods
    }
    by_method = {name: _sum_over_places(series, own) for name, own in single.items()}
    places = sum(len(part.places) for part in series)
    return [MethodRow(spec.name, name, places, number) for name, number in {**by_method, "any": yearly}.items()]


def _find_weekly_alerts(
    spec: LayerSpec,
    columns: Columns,
    events: KnownDays,
    area: Area,
    *,
    coverage: Coverage,
    day: dt.date,
    days: int,
) -> tuple[list[Alert], list[str], list[MethodRow]]:
    """Farrington's alerts of the weeks that end with `day`, or a note on why the method is not used."""
    ward = find_positions(columns.ward_codes, area.wards.codes)[columns.ward[events.index]]
    weekly = find_weekly_alarms(
        events.day - to_ordinal(day) - 1,
        ward,
        places=len(area.wards),
        days_known=count_run(coverage, spec.name, day),
        days=days,
    )
    if weekly is None:
        need = "more than three years of records without a gap"
        return [], [f"Farrington's method for {spec.many} is not used yet: it needs {need}."], []
    alerts = [
        build_alert(
            spec,
            area,
            alarm.place,
            days=to_ordinal(day) - 7 * alarm.weeks_back - np.arange(6, -1, -1),
            counts=alarm.counts,
            expected=alarm.expected,
            methods=(FARRINGTON,),
            yearly=weekly.false_alarms_a_year,
            searches=are_searches(columns, events.index, spec),
        )
        for alarm in weekly.alarms
    ]
    return alerts, [], [MethodRow(spec.name, FARRINGTON, 1 + len(area.wards), weekly.false_alarms_a_year)]


def _build_notes(spec: LayerSpec, events: KnownDays, coverage: Coverage, day: dt.date, days: int) -> list[str]:
    """The days and events that could not be tested."""
    notes = []
    first, last = day - (days - 1) * _DAY, find_end(coverage, [spec]) or day
    if last < day:
        notes.append(f"The newest record of {spec.many} is of {format_date(last)}. Later days are not known.")
    period = (day - (_HISTORY_DAYS - 1) * _DAY, day + _DAY)
    known, like_last = coverage.find_known_in(spec.name, period), coverage.find_known_like_last(spec.name, period)
    if others := subtract_spans(known, like_last):
        notes.append(f"{spec.title}: {format_left_out(others)}, because other sources cover these days.")
    if last >= first and (gap := coverage.describe_missing(spec.name, (first, min(day, last) + _DAY))):
        notes.append(f"{spec.title}: {gap}.")
    left_out = describe_left_out(spec, unknown=events.unknown, swept=events.swept)
    return [*notes, *left_out, *describe_encounters(events.merged)]


def build_alert(  # noqa: PLR0913 - what an alert is made of, by keyword
    spec: LayerSpec,
    area: Area,
    place: int,
    *,
    days: NDArray[np.int64],
    counts: NDArray[np.float64],
    expected: float,
    methods: tuple[str, ...],
    yearly: float,
    searches: bool = False,
) -> Alert:
    """An alert of known days (since 1970) with its sentence; `place` 0 is the area, others are wards from 1."""
    name = area.title if place == AREA else area.wards.names[place - 1]
    first_day, last_day = from_ordinal(int(days[0])), from_ordinal(int(days[-1]))
    period = format_span(first_day, last_day + _DAY)
    when = f"on {period}" if first_day == last_day else f"from {period}"
    total = format_count(float(counts.sum()), name_records(spec, searches=searches))
    note = f" {OFFICERS_NOTE}" if searches else ""
    return Alert(
        layer=spec.name,
        ward_code=None if place == AREA else area.wards.codes[place - 1],
        place=name,
        first_day=first_day,
        last_day=last_day,
        day=from_ordinal(int(days[counts.argmax()])),
        count=float(counts.sum()),
        peak=float(counts.max()),
        expected=expected,
        methods=methods,
        false_alarms_a_year=yearly,
        sentence=f"{total} in {name} {when}, where {format_number(expected)} would be usual ({format_list(methods)}). "
        f"By chance alone there are about {_format_alerts(yearly)} a year over all places.{note}",
        searches=searches,
    )


def _format_alerts(yearly: float) -> str:
    """As in "18 such alerts"; simulation is not exact enough for tenths of large numbers."""
    number = format_number(yearly if yearly < 10 else round(yearly))  # noqa: PLR2004 - two digits are enough
    return f"{number} such {'alert' if number == '1' else 'alerts'}"
