"""The alerts that lead: clusters of a few cells that grow from day to day, found by the daily scan.

The records are looked at as on each day in turn (`geo.prospective_scan`). Each layer has its share of the alerts that
chance alone may raise in a year, and `hexbeat.analysis.alert_rates` gives the threshold for it.
"""

import datetime as dt
import re
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.prospective_scan import CLOSE_DAYS, FEWEST_HISTORY_DAYS, HISTORY_DAYS, LAG_DAYS, GrowingAlert
from hexbeat.analysis.alert_rates import BLOCK_DAYS, PAST_DAYS
from hexbeat.analysis.alert_report import Alert, AlertReport, MethodRow
from hexbeat.analysis.alert_sentences import describe_scan_alert, merge_categories
from hexbeat.analysis.alert_series import (
    describe_arrivals,
    describe_end,
    describe_untested,
    find_arrived_days,
    find_end,
    is_ended,
    mark_old_alert,
)
from hexbeat.analysis.alert_streams import Places, Stream, group_wards, list_streams, load_places
from hexbeat.analysis.alerts import build_alert_report, choose_layers, describe_hidden_layer
from hexbeat.analysis.daily_counts import (
    KnownDays,
    describe_left_out,
    find_known_days,
    from_ordinal,
    to_ordinal,
)
from hexbeat.analysis.stream_scan import build_stream_scan
from hexbeat.areas.area import Area
from hexbeat.areas.street_names import name_group
from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.coverage import Coverage
from layers.encounters import describe_encounters
from layers.event import NOT_SWEPT
from layers.layer_spec import LayerSpec
from layers.periods import get_coverage
from layers.wording import format_date

__all__ = ["DEFAULT_ALERTS_A_YEAR", "SCAN", "build_scan_report", "find_alert"]

SCAN: Final = "scan"  # the method, among those of Alert.methods
DEFAULT_ALERTS_A_YEAR: Final = 2.0  # that chance alone raises, over all layers together
_LOOK_BACK_DAYS: Final = 91  # before the first day asked for: when an open alert was first raised
_BLOCKS: Final = 4  # the first day is a multiple of a block, so that a later look finds the same
_DAY: Final = dt.timedelta(days=1)
_MOST_KEPT: Final = 64
# What the scan of the same records found for the same question, as long as the records are in use: several screens ask.
_KEPT: Final[WeakKeyDictionary[Columns, dict[tuple[Any, ...], Any]]] = WeakKeyDictionary()


def build_scan_report(
    columns: Columns,
    area: Area,
    day: dt.date,
    *,
    days: int = 1,
    layers: Sequence[str] = (),
    today: dt.date | None = None,
    each_event: bool = False,
    alerts_a_year: float = DEFAULT_ALERTS_A_YEAR,
) -> AlertReport:
    """The alerts that were unusual on `day` or one of the `days` - 1 before it, as the records stand now.

    Chance alone raises `alerts_a_year` over all layers: layers of people in danger have two shares, others one.
    `layers`: names of layers of incidents (empty: all); UsageError for others. Days that are not known, events whose
    day is not known, and those that sweeps found are left out; an encounter counts once, with `each_event` each record.
    A layer with too short a past for the scan has the alerts of `build_alert_report`, and a note says so.
    A layer whose records end more than 8 weeks before `today` raises none; None looks back at `day`.
    """
    specs, hidden = choose_layers(columns, layers)
    coverage = get_coverage(columns, time_zone=area.time_zone, reported_by=NOT_SWEPT)
    newest = find_end(coverage, specs)
    headline = describe_end(newest, today) if newest and today and is_ended(newest, today) else ""
    alerts, rows, unknown = list[Alert](), list[MethodRow](), [spec.name for spec in hidden]
    notes = [describe_hidden_layer(spec) for spec in hidden]
    for spec in (layer for layer in specs if layer not in hidden):
        last = find_end(coverage, [spec])
        if last is None or (today and is_ended(last, today)):
            unknown.append(spec.name)
            notes += [f"No {spec.many} are loaded yet."] if last is None else []
            notes += [describe_end(last, today, spec)] if last and today and not headline else []
            continue
        share = alerts_a_year * _weigh(spec) / sum(_weigh(layer) for layer in LAYERS if layer.kind == "incident")
        events = find_known_days(columns, spec.name, time_zone=area.time_zone, each_event=each_event)
        scans = _KEPT.setdefault(columns, {})
        key = (spec, area, each_event, day, days, share)
        if key not in scans:
            if len(scans) >= _MOST_KEPT:
                scans.clear()
            scans[key] = _scan_layer(spec, columns, events, area, coverage, day=day, days=days, share=share)
        own, places, is_tested = scans[key]
        if not is_tested:
            by_ward = build_alert_report(
                columns, area, day, days=days, layers=[spec.name], today=today, each_event=each_event
            )
            alerts, rows, unknown = (
                alerts + list(by_ward.alerts),
                rows + list(by_ward.settings),
                [*unknown, *by_ward.unknown],
            )
            notes += [_describe_short(spec), *by_ward.notes]
            continue
        alerts += [mark_old_alert(alert, last, today) for alert in own]
        rows.append(MethodRow(spec.name, SCAN, places, share))
        period = (day - (days - 1) * _DAY, day + _DAY)
        reason = describe_untested(columns, area, coverage, spec, period, baseline_days=LAG_DAYS, today=today)
        unknown += [spec.name] if reason else []
        left_out = describe_left_out(spec, unknown=events.unknown, swept=events.swept)
        late = _describe_late(spec, coverage, last, day, days, area.time_zone)
        notes += [*([reason] if reason else []), *late, *left_out, *describe_encounters(events.merged)]
    alerts.sort(key=_rank)
    ordered = tuple(spec.name for spec in specs if spec.name in unknown)
    return AlertReport(day, days, tuple(alerts), tuple(rows), tuple(notes), headline, ordered)


def find_alert(columns: Columns, area: Area, day: dt.date, identifier: str) -> Alert:
    """The alert of the year before `day` that has this identifier; UsageError if there is none that the viewer sees.

    Else the one that a viewer with other cells sees in its place: of the same layer, told nearest to that day while it
    went on, in the same ward or one that touches it.
    """
    report = build_scan_report(columns, area, day, days=HISTORY_DAYS)
    matches = [alert for alert in report.alerts if alert.identifier == identifier]
    if alert := next(iter(matches or _find_near(report.alerts, area, identifier)), None):
        return alert
    raise UsageError(
        "An alert is named by its identifier",
        f"the year to {format_date(day)} has no alert {identifier!r}",
        "see `hexbeat alerts --days 366` for the alerts and their identifiers",
    )


def _find_near(alerts: Sequence[Alert], area: Area, identifier: str) -> list[Alert]:
    """The alerts that may be the one of an identifier that another viewer gave, the likeliest first."""
    layer, _, rest = identifier.partition("-")
    day_text, _, ward = rest.partition("-")
    if not re.fullmatch(r"[0-9]{8}", day_text):
        return []
    try:
        day = dt.datetime.strptime(day_text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no time zone
    except ValueError:
        return []
    near = [
        alert
        for alert in alerts
        if alert.layer == layer and alert.identifier and alert.ward_code and area.wards.touch(alert.ward_code, ward)
        if alert.first_day <= day <= max(alert.last_day, alert.updated_on or alert.last_day)
    ]
    return sorted(
        near, key=lambda alert: (alert.ward_code != ward, abs((alert.told_on or alert.first_day) - day), _rank(alert))
    )


def _weigh(spec: LayerSpec) -> float:
    """The shares of a layer in the alerts that chance may raise: people in danger first."""
    return 2.0 if spec.alert_form else 1.0


def _rank(alert: Alert) -> tuple[bool, bool, int, float, str]:
    """Alerts of now before those of when the records ended, open ones first, the newest first, then the rarest."""
    newest_first = -to_ordinal(alert.told_on) if alert.told_on else 0
    return (not alert.is_current, not alert.is_open, newest_first, alert.chance_a_year or 0.0, alert.identifier)


def _describe_late(
    spec: LayerSpec, coverage: Coverage, last: dt.date, day: dt.date, days: int, time_zone: str
) -> list[str]:
    """How fresh and how complete the records are."""
    notes = [_describe_newest(spec, last)] if last < day else []
    newest = min(day, last)
    notes += describe_arrivals(
        find_arrived_days(coverage, spec, to_ordinal(newest) - LAG_DAYS, newest, time_zone), spec, newest
    )
    first = day - (days - 1) * _DAY
    gap = coverage.describe_missing(spec.name, (first, newest + _DAY)) if last >= first else None
    return [*notes, *([f"{spec.title}: {gap}."] if gap else [])]


def _describe_newest(spec: LayerSpec, last: dt.date) -> str:
    """As in "The newest record of overdoses is of 28 Nov 2026. Later days are not known."""
    return f"The newest record of {spec.many} is of {format_date(last)}. Later days are not known."


def _scan_layer(
    spec: LayerSpec,
    columns: Columns,
    events: KnownDays,
    area: Area,
    coverage: Coverage,
    *,
    day: dt.date,
    days: int,
    share: float,
) -> tuple[list[Alert], int, bool]:
    """The alerts of one layer; how many places were looked at; whether its past is long enough for that."""
    alerts, places, is_tested = list[Alert](), 0, False
    first = _choose_first_day(day, days)
    arrived = find_arrived_days(coverage, spec, first, day, area.time_zone)
    for wards, known in group_wards(coverage, spec, area, from_ordinal(first), day):
        own = load_places(spec, columns, events, area, wards)
        places += len(own.ward)
        for stream in list_streams(spec, columns, events, area, own, wards, day=day, share=share):
            scan = _Scan(
                spec, area, own, stream, known, first, share_of_places=len(wards) / len(area.wards), arrived=arrived
            )
            is_tested |= scan.is_tested(days)
            alerts += scan.find_alerts(days)
            alerts += scan.join().find_alerts(days) if stream.area_alerts_a_year else []
    return merge_categories(alerts), places, is_tested


def _describe_short(spec: LayerSpec) -> str:
    need = FEWEST_HISTORY_DAYS + LAG_DAYS
    return f"Alerts of {spec.many} are by ward until {need} days before are known. Many more of them are chance."


def _choose_first_day(day: dt.date, days: int) -> int:
    """The first day that matters for the days asked for, since 1970."""
    need = days + _LOOK_BACK_DAYS + PAST_DAYS + HISTORY_DAYS + LAG_DAYS + _BLOCKS * BLOCK_DAYS
    return (to_ordinal(day) - need) // BLOCK_DAYS * BLOCK_DAYS


class _Scan:
    """One stream looked at day after day, and what its alerts say."""

    def __init__(
        self,
        spec: LayerSpec,
        area: Area,
        places: Places,
        stream: Stream,
        known: NDArray[np.bool_],
        first: int,
        *,
        share_of_places: float,
        arrived: NDArray[np.float64],
    ) -> None:
        self.spec, self.area, self.places, self.stream, self.first = spec, area, places, stream, first
        self.arrived = arrived
        row = stream.day - first
        inside = (row >= 0) & (row < len(known))
        inside[inside] = known[row[inside]]
        counts = np.zeros((len(known), len(places.ward)))
        np.add.at(counts, (row[inside], stream.place[inside]), 1)
        self.scan = build_stream_scan(
            counts,
            known,
            places.grid,
            budget=stream.alerts_a_year * share_of_places,
            fewest=2 if spec.alert_form else 3,
            weekday=first,
            arrived=arrived,
        )

    def join(self) -> "_Scan":
        """The whole area as one place; to be called after `find_alerts`."""
        whole = copy(self)
        whole.scan = self.scan.join(self.stream.area_alerts_a_year)
        whole.places = Places(None, self.places.ward[:1], whole.scan.grid)
        return whole

    def is_tested(self, days: int) -> bool:
        """Whether something was expected on one of the last `days` days."""
        return bool(self.scan.expected[-days:].any())

    def find_alerts(self, days: int) -> list[Alert]:
        """The alerts that were unusual on one of the last `days` days."""
        number = len(self.scan.counts)
        return [
            self._build_alert(alert)
            for alert in self.scan.find_alerts(max(number - days - _LOOK_BACK_DAYS - PAST_DAYS, 0))
            if alert.latest.row >= number - days and self.scan.is_all_over(alert)
        ]

    def _build_alert(self, growing: GrowingAlert) -> Alert:
        """What the alert says: the places of its strongest signal, from its first day to the last day with an event."""
        strongest, latest, opening = growing.strongest, growing.latest, growing.signals[0]
        first = min(strongest.row - strongest.span_days, opening.row - opening.span_days) + 1
        daily = self.scan.counts[first : latest.row + 1, strongest.places].sum(axis=1)
        with_events = np.flatnonzero(daily)
        first, last = first + int(with_events[0]), first + int(with_events[-1])
        daily = self.scan.counts[first : last + 1, strongest.places].sum(axis=1)
        by_place = self.scan.counts[first : last + 1, strongest.places].sum(axis=0)
        own = strongest.places[np.argsort(-by_place, kind="stable")]
        held = own[: max(int((by_place > 0).sum()), 1)]
        told_on = from_ordinal(self.first + growing.raised_row)
        code, place, cells = self._name_place(held)
        alert = Alert(
            layer=self.spec.name,
            ward_code=code,
            place=place,
            first_day=from_ordinal(self.first + first),
            last_day=from_ordinal(self.first + last),
            day=from_ordinal(self.first + first + int(daily.argmax())),
            count=float(daily.sum()),
            peak=float(daily.max()),
            expected=float(self.scan.expected[first : last + 1, strongest.places].sum()),
            methods=(SCAN,),
            false_alarms_a_year=self.stream.alerts_a_year + self.stream.area_alerts_a_year,
            sentence="",
            searches=self.stream.searches,
            cells=cells,
            told_on=told_on,
            updated_on=from_ordinal(self.first + latest.row),
            is_open=min(latest.row, last) >= len(self.scan.counts) - CLOSE_DAYS,
            chance_a_year=self.scan.estimate_chance(strongest),
            arrived=self._find_arrived(first, last, strongest.places),
            category=self.stream.category,
            identifier=f"{self.spec.name}-{told_on:%Y%m%d}-{code or 'area'}",
        )
        return replace(alert, sentence=describe_scan_alert(alert))

    def _find_arrived(self, first: int, last: int, places: NDArray[np.intp]) -> float:
        """The share of what these days and places usually have that is on record by now, whatever it is."""
        rows = slice(first, last + 1)
        on_record = self.scan.expected[rows, places].sum(axis=1)
        usual = np.divide(on_record, self.arrived[rows], out=np.zeros(last + 1 - first), where=self.arrived[rows] > 0)
        return float(on_record.sum() / usual.sum()) if usual.any() else 1.0

    def _name_place(self, held: NDArray[np.intp]) -> tuple[str | None, str, tuple[str, ...]]:
        """The ward (None: the whole area), the name and the cells of an alert in these places, the fullest first."""
        if self.scan.parts is not None:
            return None, self.area.title, ()
        ward = int(self.places.ward[held[0]])
        code = self.area.wards.codes[ward]
        if self.places.cells is None:
            return code, self.area.wards.names[ward], ()
        cells = self.places.cells[held]
        return code, name_group(cells, self.area), tuple(f"{int(cell):x}" for cell in cells)
