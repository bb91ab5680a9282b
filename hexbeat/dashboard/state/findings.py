"""Results of the statistics for each layer, cached.

As in `session`: cached functions use only their arguments and wrap plain functions, and the role of the viewer is part
of every key.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import pandas as pd
import streamlit as st

from hexbeat.analysis.alert_report import AlertReport
from hexbeat.analysis.alerts import choose_default_day
from hexbeat.analysis.change_map import Against, ChangeMap, build_change_map
from hexbeat.analysis.emerging_map import EmergingMap, build_emerging_map
from hexbeat.analysis.forecast import Forecast, build_forecast
from hexbeat.analysis.hotspot_groups import list_groups
from hexbeat.analysis.hotspot_map import HotspotMap, build_hotspot_map
from hexbeat.analysis.method_selection import SelectedMethod
from hexbeat.analysis.near_repeats import RepeatTable, build_near_repeats
from hexbeat.analysis.scan_alerts import build_scan_report
from hexbeat.analysis.study import Study, load_study
from hexbeat.areas.area import Area
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.prepared_results import find_older, find_or_build, is_awaited
from hexbeat.dashboard.state.selected_methods import find_selection, load_selection
from hexbeat.dashboard.state.session import Installation, InstallationKey, strip_display_choices
from hexbeat.operations.ledger.ledger import read_visits, work_version
from hexbeat.operations.ledger.ledger_return import mark_demonstration
from hexbeat.operations.plans.plan_store import read_plans
from hexbeat.reports.briefing import Briefing, Purpose, build_briefing
from hexbeat.store.quality import summarise_sources
from layers.access import Action, may, require_document
from layers.columns import Columns
from layers.filters import Filter

__all__ = [
    "ALERT_DAYS",
    "Findings",
    "are_alerts_awaited",
    "build_changes_request",
    "build_findings_request",
    "build_forecast_request",
    "find_alert_history",
    "find_alerts",
    "find_changes",
    "find_findings",
    "find_near_repeats",
    "find_study",
    "load_briefing",
    "load_forecast",
]

ALERT_DAYS = 28  # the default period of the map
YEAR_DAYS = 365
SHIFT_DAYS = 28
MEETING_DAYS = 7
Key = InstallationKey


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """The hotspots of one layer, their groups by name (GROUP_COLUMNS), and the pattern of each cell over the period."""

    hotspots: HotspotMap
    groups: pd.DataFrame
    emerging: EmergingMap


def find_study(installation: Installation, wards: tuple[str, ...], resolution: int) -> Study:
    """Every cell that meets these wards (none: all)."""
    return _build_study(installation.area, installation.key[3], wards, resolution)


@st.cache_resource(max_entries=24, show_spinner=False)
def _build_study(_area: Area, key: str, wards: tuple[str, ...], resolution: int) -> Study:
    del key
    return load_study(_area, wards, resolution)


def find_findings(installation: Installation, choices: Choices, *, layer: str, last: date, resolution: int) -> Findings:
    """Hotspots and patterns of one layer, as chosen."""
    request = build_findings_request(choices, layer=layer, last=last, resolution=resolution)
    event_filter = request[1]

    def build() -> Findings:
        study = find_study(installation, choices.wards, resolution)
        return _build_findings(
            installation.columns, study, installation.key, resolution, event_filter, installation.area.time_zone
        )

    return find_or_build(installation, ("findings", layer), request, build)


def build_findings_request(choices: Choices, *, layer: str, last: date, resolution: int) -> tuple[int, Filter]:
    """What exactly is asked of hotspots and patterns."""
    start, end = choices.bounds(last)
    return resolution, build_filter(strip_display_choices(choices), layer=layer, start=start, end=end)


@st.cache_resource(max_entries=64, show_spinner=False)
def _build_findings(
    _columns: Columns, _study: Study, key: Key, resolution: int, event_filter: Filter, time_zone: str
) -> Findings:
    del key, resolution
    hotspot_map = build_hotspot_map(_columns, event_filter, _study, trend=False, time_zone=time_zone)
    return Findings(
        hotspots=hotspot_map,
        groups=list_groups(hotspot_map.rows, _study.area),
        emerging=build_emerging_map(_columns, event_filter, _study, time_zone=time_zone),
    )


def find_changes(installation: Installation, choices: Choices, *, layer: str, last: date, resolution: int) -> ChangeMap:
    """The change of one layer, as chosen; always of events and not items, because its test is for events."""
    request = build_changes_request(choices, layer=layer, last=last, resolution=resolution)
    event_filter = request[1]

    def build() -> ChangeMap:
        study = find_study(installation, choices.wards, resolution)
        return _build_changes(
            installation.columns,
            study,
            installation.key,
            resolution,
            event_filter,
            choices.against,
            installation.area.time_zone,
        )

    return find_or_build(installation, ("changes", layer), request, build)


def build_changes_request(choices: Choices, *, layer: str, last: date, resolution: int) -> tuple[int, Filter, Against]:
    """What exactly is asked of change."""
    start, end = choices.bounds(last)
    events = replace(strip_display_choices(choices), measure="events")
    return resolution, build_filter(events, layer=layer, start=start, end=end), choices.against


@st.cache_resource(max_entries=64, show_spinner=False)
def _build_changes(
    _columns: Columns,
    _study: Study,
    key: Key,
    resolution: int,
    event_filter: Filter,
    against: Against,
    time_zone: str,
) -> ChangeMap:
    del key, resolution
    return build_change_map(_columns, event_filter, _study, against=against, time_zone=time_zone)


def find_alerts(installation: Installation) -> AlertReport:
    """The alerts of the ALERT_DAYS up to the last known day, computed once a day for each version of the store.

    Those of the records before the last load, while new ones are being worked out.
    """
    name, request = ("alerts", ""), (installation.today,)
    older = find_older(installation, name)
    if older is not None and is_awaited(installation, name, request):
        report: AlertReport = older.value
        return report
    return find_or_build(
        installation,
        name,
        request,
        lambda: _build_alerts(installation.columns, installation.area, installation.key, installation.today),
    )


def are_alerts_awaited(installation: Installation) -> bool:
    """Whether there are no alerts yet, not even older ones, because the first are still being worked out."""
    name = ("alerts", "")
    return find_older(installation, name) is None and is_awaited(installation, name)


@st.cache_resource(max_entries=8, show_spinner=False)
def _build_alerts(_columns: Columns, _area: Area, key: Key, today: date) -> AlertReport:
    del key
    day = choose_default_day(_columns, today=today, time_zone=_area.time_zone)
    return build_scan_report(_columns, _area, day, days=ALERT_DAYS, today=today)


def find_alert_history(installation: Installation) -> AlertReport:
    """The alerts of the year up to the last known day, computed once a day for each version of the store."""
    return _build_alert_history(installation.columns, installation.area, installation.key, installation.today)


@st.cache_resource(max_entries=4, show_spinner=False)
def _build_alert_history(_columns: Columns, _area: Area, key: Key, today: date) -> AlertReport:
    del key
    day = choose_default_day(_columns, today=today, time_zone=_area.time_zone)
    return build_scan_report(_columns, _area, day, days=YEAR_DAYS)


def load_forecast(installation: Installation, choices: Choices, *, layer: str, resolution: int) -> Forecast | None:
    """The forecast of a layer for next week, by the method selected for cells of this size. Shows progress.

    None if no method could be selected, or not for this size of cells.
    """
    selection = load_selection(installation, layer)
    method = selection.by_size.get(resolution) if selection else None
    if method is None:
        return None
    return find_or_build(
        installation,
        ("forecast", layer),
        _list_forecast_keys(method, choices),
        lambda: _build_forecast(
            installation.columns, installation.area, installation.key, layer, method, choices.wards
        ),
    )


def build_forecast_request(
    installation: Installation, choices: Choices, *, layer: str, resolution: int
) -> tuple[str, int, date, tuple[str, ...]] | None:
    """What exactly is asked of the forecast; None while no method is selected for these records and this size."""
    selection = find_selection(installation, layer)
    method = selection.by_size.get(resolution) if selection else None
    return _list_forecast_keys(method, choices) if method else None


def _list_forecast_keys(method: SelectedMethod, choices: Choices) -> tuple[str, int, date, tuple[str, ...]]:
    return method.method, method.resolution, method.judged_to, choices.wards


@st.cache_resource(max_entries=32, show_spinner=False)
def _build_forecast(
    _columns: Columns, _area: Area, key: Key, layer: str, method: SelectedMethod, wards: tuple[str, ...]
) -> Forecast:
    del key
    return build_forecast(_columns, _area, layer, method, wards=wards)


def find_near_repeats(installation: Installation, event_filter: Filter) -> RepeatTable:
    """Near repeats of one layer over a filter; UsageError for too few or too many events."""
    return _build_near_repeats(
        installation.columns,
        find_study(installation, event_filter.wards, 9),
        installation.key,
        event_filter,
        installation.area.time_zone,
    )


@st.cache_resource(max_entries=16, show_spinner="Shuffling the days of the events …")
def _build_near_repeats(
    _columns: Columns, _study: Study, key: Key, event_filter: Filter, time_zone: str
) -> RepeatTable:
    del key
    return build_near_repeats(_columns, event_filter, _study, time_zone=time_zone)


def load_briefing(
    installation: Installation, purpose: Purpose, hours: tuple[int, int] | None, wards: tuple[str, ...]
) -> Briefing:
    """The briefing of today, cached for this version of the store and of the ledger. PolicyError for other roles."""
    require_document(installation.viewer, "briefing")
    work = work_version(installation.store, installation.viewer)
    return find_or_build(
        installation,
        ("briefing", ""),
        (installation.today, purpose, hours, wards, work),
        lambda: _build_cached_briefing(installation, installation.key, work, installation.today, purpose, hours, wards),
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _build_cached_briefing(
    _installation: Installation,
    key: Key,
    work: int,
    today: date,
    purpose: Purpose,
    hours: tuple[int, int] | None,
    wards: tuple[str, ...],
) -> Briefing:
    del key, work
    days = SHIFT_DAYS if purpose is Purpose.SHIFT else MEETING_DAYS
    since = datetime.combine(today - timedelta(days=MEETING_DAYS), time(), _installation.area.tz)
    may_see_work = may(_installation.viewer, Action.SEE_WORK)
    selections = {
        spec.name: find_selection(_installation, spec.name) for spec in _installation.columns.list_shown(in_cells=True)
    }
    return build_briefing(
        _installation.columns,
        _installation.area,
        today=today,
        purpose=purpose,
        hours=hours,
        days=days,
        wards=wards,
        visits=mark_demonstration(
            read_visits(_installation.store, _installation.viewer, start=since), read_plans(_installation.documents)
        )
        if may_see_work
        else None,
        sources=summarise_sources(_installation.store, _installation.viewer)
        if may(_installation.viewer, Action.SEE_RECORDS)
        else None,
        selections={name: selection for name, selection in selections.items() if selection},
    )
