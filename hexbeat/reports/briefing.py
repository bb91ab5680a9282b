"""The facts of a briefing, for the daily meeting on threat, risk and harm or for a shift.

What happened, where and why it concentrates, what teams did, and how new the records of each source are.
"""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hexbeat.analysis.alert_report import Alert
from hexbeat.analysis.alert_series import find_end, is_ended
from hexbeat.analysis.alerts import choose_default_day
from hexbeat.analysis.change_map import FALL, NOT_KNOWN, RISE, ChangeMap, build_change_map
from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.analysis.method_selection import MethodSelection, choose_map_size
from hexbeat.analysis.scan_alerts import build_scan_report
from hexbeat.analysis.study import Study, load_study, select_known
from hexbeat.areas.area import Area
from hexbeat.reports.briefing_gaps import ends_with_month, judge_closures, list_unknown_alerts
from hexbeat.reports.briefing_places import (
    ClosureLine,
    ForecastLine,
    PlaceLine,
    build_forecast_lines,
    find_closure_lines,
    find_hot_places,
)
from hexbeat.store.quality import find_last_day
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.counting import NO_HOURS, lacks_hours
from layers.coverage import KnownState
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import Period, find_known_period, get_coverage
from layers.wording import format_ago, format_date, format_last_record

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Alert",
    "Briefing",
    "ClosureLine",
    "ForecastLine",
    "LayerLine",
    "PlaceLine",
    "Purpose",
    "SourceLine",
    "VisitLine",
    "build_briefing",
    "build_source_lines",
    "build_visit_lines",
]

HOTSPOT_DAYS: Final = 28  # hotspots need more days than a meeting looks back on
SHIFT_DAYS: Final = 28  # and so do the hours of one shift
MEETING_DAYS: Final = 7
CLOSURE_DAYS: Final = 14
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source of a layer, the local day of its newest record (None: it has none), and how many days ago that was.

    Where `month_only`, the newest record is known only to its month, and the day is the last one of that.
    """

    source: str
    layer: str
    last: dt.date | None
    days_old: int | None
    month_only: bool = False


@dataclass(frozen=True, slots=True)
class VisitLine:
    """What one team did: visits, minutes at the places, and needles collected (None: nobody counted).

    `demonstration`: the visits answer plans that were made from synthetic events.
    """

    kind: str
    team: str
    visits: int
    minutes: int
    needles: int | None
    demonstration: bool = False


class Purpose(StrEnum):
    """The occasion of a briefing."""

    MEETING = "meeting"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer: `count` in `period`, `earlier` in the period before (None: not known), and the verdict.

    `period` and `count` are None if nothing of it is known. `missing` says which days of it are not known; "" for none.
    """

    layer: str
    title: str
    period: Period | None
    count: float | None
    earlier: float | None
    verdict: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Briefing:
    """All facts of one briefing. `period` is the period that it covers, `hours` those of the shift (None: all).

    `unknown_places` and `unknown_alerts` name the layers whose places or alerts are not known. `ending_state` and
    `new_state` say how far the closures that end soon, and the new ones, are known. `is_by_mail`: places, closures,
    work, the forecast and the sources are left out, and the page says so.
    """

    purpose: Purpose
    area: str
    title: str
    today: dt.date
    period: Period
    hours: tuple[int, int] | None
    wards: tuple[str, ...]
    layers: tuple[LayerLine, ...]
    places: tuple[PlaceLine, ...]
    expected: tuple[ForecastLine, ...]
    alerts: tuple[Alert, ...]
    closures: tuple[ClosureLine, ...]
    work: tuple[VisitLine, ...]
    sources: tuple[SourceLine, ...]
    notes: tuple[str, ...]
    mark: str | None  # the mark of synthetic events, if there are any
    headline: str = ""  # said first and large: all records end long ago
    unknown_places: tuple[str, ...] = ()
    unknown_alerts: tuple[str, ...] = ()
    ending_state: KnownState = "known"
    new_state: KnownState = "known"
    is_by_mail: bool = False


def build_briefing(  # noqa: PLR0913 - what a briefing is made of, by keyword
    columns: Columns,
    area: Area,
    *,
    today: dt.date,
    purpose: Purpose = Purpose.MEETING,
    hours: tuple[int, int] | None = None,
    days: int | None = None,
    wards: tuple[str, ...] = (),
    visits: "pd.DataFrame | None" = None,
    sources: "pd.DataFrame | None" = None,
    selections: Mapping[str, MethodSelection] | None = None,
) -> Briefing:
    """The facts as known on `today`. Events of today are not counted, because the day is not over.

    hours: only these hours of the day, for a shift. days: the length of the period (None: 7, for a shift 28). wards:
    codes (none: all). visits: from `read_visits` (None: work is left out). sources: the summary of `store.quality`
    (None: freshness by layer alone). selections: what back-testing selects for each layer, for the forecast of the next
    week and the size of cells for hotspots, which is the map's (None: no forecast). If the records of a layer end
    earlier, its period ends with their last day, and a note says so. A layer whose records end more than NEWEST_WEEKS
    ago has no numbers, places, alerts or forecast of now: it says how old they are.
    """
    length = days or (SHIFT_DAYS if purpose is Purpose.SHIFT else MEETING_DAYS)
    period = (today - length * _DAY, today)
    study = load_study(area, wards)
    specs = columns.list_shown()
    incidents = [spec for spec in columns.list_shown(in_cells=True) if spec.kind == "incident"]
    lines = tuple(
        build_layer_line(columns, area, spec, study, period=period, hours=hours, today=today) for spec in specs
    )
    places, notes = list[PlaceLine](), list[str]()
    known_places = set[str]()
    current = [spec for spec in incidents if find_age(columns, area, spec, today) is None]
    for spec in current:
        size = choose_map_size(columns, area, spec.name, (selections or {}).get(spec.name), wards=wards)
        layer_places, layer_notes, is_known = find_hot_places(
            columns, area, spec, load_study(area, wards, size), until=today, days=max(length, HOTSPOT_DAYS), hours=hours
        )
        places += layer_places
        notes += layer_notes
        known_places |= {spec.name} if is_known else set()
    day = choose_default_day(columns, today=today, time_zone=area.time_zone)
    alert_days = min(length, MEETING_DAYS)
    report = build_scan_report(columns, area, day, days=alert_days, today=today)
    alert_period = (day - (alert_days - 1) * _DAY, day + _DAY)
    ending_state, new_state = judge_closures(columns, area, today=today, days=CLOSURE_DAYS, wards=wards)
    names = {spec.name for spec in current}
    methods = {layer: selection.best for layer, selection in (selections or {}).items() if layer in names}
    expected, forecast_notes = build_forecast_lines(columns, area, methods, today=today, wards=wards)
    forecast_notes += [
        f"Where most {find_layer(name).many} are expected next is not known: the records are too old."
        for name in (selections or {})
        if name not in names
    ]
    alerts = [alert for alert in report.alerts if not wards or alert.ward_code is None or alert.ward_code in wards]
    return Briefing(
        purpose=purpose,
        area=area.name,
        title=format_briefing_title(area, purpose, hours),
        today=today,
        period=period,
        hours=hours,
        wards=wards,
        layers=lines,
        places=tuple(places),
        expected=expected,
        alerts=tuple(alerts),
        closures=find_closure_lines(columns, area, today=today, days=CLOSURE_DAYS, wards=wards),
        work=() if visits is None else build_visit_lines(visits, wards=wards),
        sources=build_source_lines(columns, area, sources, today=today),
        notes=tuple(dict.fromkeys([*notes, *forecast_notes, *_build_late_notes(columns, area, today)])),
        mark=find_demonstration_mark(columns),
        headline=report.headline,
        unknown_places=tuple(spec.name for spec in incidents if spec.name not in known_places),
        unknown_alerts=list_unknown_alerts(columns, area, alert_period, report.unknown, today=today, wards=wards),
        ending_state=ending_state,
        new_state=new_state,
    )


def find_age(columns: Columns, area: Area, spec: LayerSpec, today: dt.date) -> str | None:
    """How old the records of a layer of incidents are, where they end more than NEWEST_WEEKS ago; else None."""
    last = find_end(get_coverage(columns, time_zone=area.time_zone), [spec])
    if spec.kind != "incident" or last is None or not is_ended(last, today):
        return None
    return f"not known: records end {format_ago(last, today)} ({format_date(last)})"


def format_briefing_title(area: Area, purpose: Purpose, hours: tuple[int, int] | None) -> str:
    """As in "Middlesbrough: threat, risk and harm", "Middlesbrough: shift 22:00 to 06:00"."""
    if purpose is Purpose.MEETING:
        return f"{area.title}: threat, risk and harm"
    return f"{area.title}: shift {hours[0]:02}:00 to {hours[1]:02}:00" if hours else f"{area.title}: shift"


def build_layer_line(
    columns: Columns,
    area: Area,
    spec: LayerSpec,
    study: Study,
    *,
    period: Period,
    hours: tuple[int, int] | None,
    today: dt.date,
) -> LayerLine:
    """One layer against the period before. Hours do not apply to states, which are in force all day."""
    if age := find_age(columns, area, spec, today):
        return LayerLine(spec.name, spec.title, None, None, None, age)
    layer_hours = hours if spec.kind == "incident" else None
    own_period = _find_own_period(columns, area, spec, period)
    if own_period is None:
        return LayerLine(spec.name, spec.title, None, None, None, f"no {spec.many} are loaded yet")
    start, end = own_period
    event_filter = Filter(layers=(spec.name,), start=start, end=end, wards=study.chosen_wards, hours=layer_hours)
    known = get_coverage(columns, time_zone=area.time_zone).find_known_in(
        spec.name, own_period, wards=study.chosen_wards
    )
    if lacks_hours(columns, event_filter, known, time_zone=area.time_zone):
        return LayerLine(spec.name, spec.title, None, None, None, NO_HOURS)
    change_map = build_change_map(columns, event_filter, study, with_cells=False, time_zone=area.time_zone)
    if change_map.now is None or not change_map.is_compared:
        return _build_lone_line(columns, event_filter, spec, change_map, time_zone=area.time_zone)
    total_row = change_map.whole.iloc[0]
    verdict = describe_change(str(total_row["change"]), float(total_row["ratio_low"]), float(total_row["ratio_high"]))
    missing = _describe_missing(columns, event_filter, spec, change_map.now, time_zone=area.time_zone)
    return LayerLine(
        spec.name, spec.title, change_map.now, float(total_row["now"]), float(total_row["before"]), verdict, missing
    )


def _build_lone_line(
    columns: Columns, event_filter: Filter, spec: LayerSpec, change_map: ChangeMap, *, time_zone: str
) -> LayerLine:
    """A layer without a comparison: its number on the known days, if any is known. Hours and months stay as chosen."""
    coverage = get_coverage(columns, time_zone=time_zone)
    period = change_map.now
    known = coverage.find_known_in(spec.name, period, wards=event_filter.wards) if period else ()
    if period is None or not known:
        return LayerLine(spec.name, spec.title, None, None, None, NOT_KNOWN)
    count = float(select_known(columns, event_filter, known, time_zone=time_zone).weight.sum())
    missing = _describe_missing(columns, event_filter, spec, period, time_zone=time_zone)
    verdict = "no comparison" if missing else "earlier days are not known"
    return LayerLine(spec.name, spec.title, period, count, None, verdict, missing)


def _describe_missing(
    columns: Columns, event_filter: Filter, spec: LayerSpec, period: Period, *, time_zone: str
) -> str:
    """Which days of the period are not known; "" for none, and for states, which are in force until they end."""
    if spec.kind == "state":
        return ""
    coverage = get_coverage(columns, time_zone=time_zone)
    return coverage.describe_missing(spec.name, period, wards=event_filter.wards) or ""


def _find_own_period(columns: Columns, area: Area, spec: LayerSpec, period: Period) -> Period | None:
    """The period, moved back to end with the layer's last day if its records end earlier."""
    known = find_known_period(columns, spec.name, time_zone=area.time_zone)
    if known is None:
        return None
    if spec.kind == "state" or known[1] >= period[1]:
        return period
    return known[1] - (period[1] - period[0]), known[1]


def describe_change(change: str, low: float, high: float) -> str:
    """The change in words with its exact 95 % interval of the ratio; "" for states, which are not tested."""
    if change == RISE:
        if not math.isfinite(high):  # there were none before
            return f"a rise: at least {low:.1f} times as many"
        return f"a rise: {low:.1f} to {high:.1f} times as many"
    if change == FALL:
        return f"a fall: {round((1 - high) * 100)} to {round((1 - low) * 100)} % fewer"
    return change


def _build_late_notes(columns: Columns, area: Area, today: dt.date) -> list[str]:
    """Which layers have no records up to yesterday."""
    notes = []
    for spec in columns.list_shown():
        known = find_known_period(columns, spec.name, time_zone=area.time_zone)
        if spec.kind == "incident" and known and known[1] < today - _DAY:
            last = format_last_record(known[1] - _DAY, month_only=ends_with_month(columns, spec.name))
            notes.append(f"{spec.title}: records to {last}.")
    return notes


def build_source_lines(
    columns: Columns, area: Area, summary: "pd.DataFrame | None", *, today: dt.date
) -> tuple[SourceLine, ...]:
    """A line for each source and layer of hexbeat.store.quality's summary; without it a line a layer."""
    if summary is None:
        known = [
            (spec, find_known_period(columns, spec.name, time_zone=area.time_zone)) for spec in columns.list_shown()
        ]
        lasts = [(spec, period[1] - _DAY) for spec, period in known if period]
        return tuple(
            SourceLine("all sources", spec.title, day, (today - day).days, ends_with_month(columns, spec.name))
            for spec, day in lasts
        )
    lines = []
    for row in summary[summary["layer"].notna()].to_dict("records"):
        month_only, title = bool(row.get("month_only", False)), find_layer(str(row["layer"])).title
        last = find_last_day(int(row["last_record"]), month_only=month_only, time_zone=area.tz)
        lines.append(SourceLine(str(row["source"]), title, last, max((today - last).days, 0), month_only))
    return tuple(lines)


def build_visit_lines(visits: "pd.DataFrame", *, wards: tuple[str, ...] = ()) -> tuple[VisitLine, ...]:
    """Sums of the visits of hexbeat.operations.ledger.ledger, by kind and team; `wards` codes (none: all).

    Where the visits have a column `demonstration`, those of demonstration plans have a line of their own.
    """
    counted_visits = visits[visits["ward_code"].isin(wards)] if wards else visits
    if "demonstration" not in counted_visits:
        counted_visits = counted_visits.assign(demonstration=False)
    lines = []
    for (kind, team, is_synthetic), rows in counted_visits.groupby(["kind", "team", "demonstration"], sort=True):
        known_needles = rows["needles"].dropna()
        needles = int(known_needles.sum()) if len(known_needles) else None
        minutes = int(rows["minutes"].sum())
        lines.append(VisitLine(str(kind), str(team), len(rows), minutes, needles, bool(is_synthetic)))
    return tuple(lines)
