"""The hotspot map of one layer: which places stand out, by concentration or by Gi*."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd

from geo.hotspots import gi_star
from hexbeat.analysis.change_periods import cut_to_months, is_known_enough
from hexbeat.analysis.concentration_map import ConcentrationMap, TimeUnit, build_concentration_map
from hexbeat.analysis.emerging_map import build_emerging_map
from hexbeat.analysis.gi_map import KINDS, build_gi_columns, build_lone_cell_notes
from hexbeat.analysis.hotspot_groups import COLD, HOT, describe_borders, find_groups
from hexbeat.analysis.study import Study, restrict_filter, select_known, sum_by_cell
from layers.columns import Columns
from layers.counting import NO_HOURS, Selection, lacks_hours, select
from layers.coverage import Spans, count_days
from layers.encounters import describe_encounters
from layers.event import REPORTERS, Measure
from layers.filters import COLUMN_FILTERS, Filter
from layers.layer_spec import LayerSpec
from layers.periods import Period, clip_period, find_month_only_share, get_coverage, require_one_layer
from layers.precision import LocationPrecision, describe_fine_cells, measure_chosen_precision
from layers.wording import format_about, format_count, format_percent, format_plural, format_span

__all__ = [
    "COLD",
    "HOT",
    "HOTSPOT_COLUMNS",
    "METHODS",
    "MOST_AREA",
    "HotspotMap",
    "HotspotMethod",
    "build_hotspot_map",
    "format_days",
    "list_hotspot_rows",
]

HotspotMethod = Literal["concentration", "gi"]
METHODS: Final[tuple[HotspotMethod, ...]] = get_args(HotspotMethod)
MOST_AREA: Final = 0.02  # of the area may be called hot: few places, and small enough to go to
# The columns of each cell in commands, files and Python, in this order.
HOTSPOT_COLUMNS: Final = (
    "cell", "ward_code", "ward_name", "count", "gi_z", "p_value", "q_value", "hotspot", "trend", "neighbourhood",
    "expected", "group", "place", "cells", "times", "times_at_least", "active", "since",
)  # fmt: skip
_FEW_DAYS: Final = 14
_FEW: Final = 3  # events: a cell with fewer is not worth naming
_NUMBERS: Final = (
    "count", "gi_z", "p_value", "q_value", "neighbourhood", "expected", "largest", "times", "times_at_least",
)  # fmt: skip
_MOST_OF: Final = 0.5  # of the records
_BURSTS: Final = 1.05  # variance over mean: from here on the notes say it


@dataclass(frozen=True, slots=True, eq=False)
class HotspotMap:
    """The test of each of the study's cells, and the counts behind it.

    `rows` (n, in the study's order) has the columns cell (H3 string), ward_code, ward_name (of the largest part of the
    cell), count, gi_z, p_value and q_value (one-sided, for the side in `leans`), hotspot ("hot", "cold" or ""), trend
    (a pattern of hexbeat.analysis.emerging_map over the period, "" if the period has too few bins), neighbourhood (the
    sum that is tested), expected (what as many cells of the surroundings have; by Gi*: away from the clearest
    hotspots), cells (how many cells the sum covers: 1, or a cell with those that touch it), largest (the largest count
    of one of them), leans ("hot" or "cold"), group (of hotspots that belong together, from 1, null for the others:
    hexbeat.analysis.hotspot_groups) and place (its name by its streets; "" for a cell without events that is no
    hotspot). By concentration also times (the sum over what is expected) and times_at_least (95 %), active (on how many
    days, or months by `time_unit`), since (the first day of its present share of the events, None where that is
    longer ago than `looked_from`), patch, tested, beyond and unsteady as in hexbeat.analysis.concentration_map.

    `period` is the filter's, up to the last record; of it only the `known_days` count (for states, all days). If none
    is known, `is_known` is False and the numbers of `rows` are NaN. `total` is the sum of the counts; `outside` counts
    events that lie in no cell of the study. `unplaced_in_time` and `shared_in_time` as in layers.counting. `unit`: for
    Gi*, counts are rounded to multiples of it (1: no rounding). `swept` counts events that sweeps found. `notes`
    say all this in sentences. `refusal`: too few days of the period are known to call any place a hotspot, or no whole
    month of records that know no more, in words; "" where enough are. With it the counts stay, and gi_z, p_value and
    q_value are NaN. Steadiness was judged by `time_units` days or months (`time_unit`; "": not at all). At most
    `most_area` of the area is called hot.
    """

    spec: LayerSpec
    measure: Measure
    rows: pd.DataFrame
    period: Period | None
    q: float
    total: float
    outside: float
    unplaced_in_time: int
    shared_in_time: int
    swept: int
    unit: float
    known_days: int
    is_known: bool
    limits: tuple[str, ...]  # the filter's other conditions, as in "at the chosen hours"
    notes: tuple[str, ...]
    refusal: str = ""
    method: HotspotMethod = "concentration"
    time_unit: TimeUnit = ""
    time_units: int = 0
    looked_from: dt.date | None = None
    most_area: float = MOST_AREA

    @property
    def caution(self) -> str:
        """As in "With 1 month nothing shows whether it lasts"; "" where it was judged, or nothing was tested."""
        return _describe_few_times(self.time_unit, self.time_units) if self.is_known and not self.refusal else ""


def build_hotspot_map(
    columns: Columns,
    event_filter: Filter,
    study: Study,
    *,
    q: float = 0.05,
    trend: bool = True,
    method: HotspotMethod = "concentration",
    most_area: float = MOST_AREA,
    time_zone: str = "Europe/London",
) -> HotspotMap:
    """The hot and cold cells of one layer, at false discovery rate `q`, for any filter with the study's wards.

    `method`: "concentration" compares each place with its surroundings (geo.concentration) and calls at most the share
    `most_area` of the area hot; "gi" finds busy cells that lie together. `trend` False leaves out the patterns over
    time, which take most of the time. UsageError unless exactly one layer is chosen. Where the result misleads: dense
    recording is not risk.
    """
    spec = require_one_layer(event_filter, "A hotspot map")
    event_filter = restrict_filter(study, event_filter)
    precision = measure_chosen_precision(columns, event_filter, time_zone=time_zone)
    period, notes = clip_period(columns, event_filter, time_zone=time_zone)
    notes += filter(None, [describe_fine_cells(precision, study.resolution)])
    known = _find_known(columns, event_filter, spec, period, time_zone)
    selection = (
        select(columns, event_filter, time_zone=time_zone)
        if spec.kind == "state"
        else select_known(columns, event_filter, known, time_zone=time_zone)
    )
    values, outside = sum_by_cell(columns, selection, study)
    no_hours = spec.kind == "incident" and lacks_hours(columns, event_filter, known, time_zone=time_zone)
    known_days, is_known = count_days(known), (bool(known) and not no_hours) or spec.kind == "state"
    refusal = ""
    if spec.kind == "incident":
        refusal = _describe_too_few_days(event_filter, period, known)
        refusal = refusal or _describe_parts_of_months(columns, selection, period, known)
    concentration, unit = None, 1.0
    if method == "gi":
        tests, unit = build_gi_columns(values, study, q)
    else:
        concentration = build_concentration_map(
            columns, event_filter, study, spec, known, q=q, most_area=most_area, time_zone=time_zone
        )
        tests = _build_concentration_columns(concentration) | {"gi_z": gi_star(values, study.neighbours)}
    rows = pd.DataFrame(
        {
            "cell": study.names,
            "ward_code": study.ward_codes,
            "ward_name": study.ward_names,
            "count": values,
            "trend": "",
        }
        | tests
    )
    if refusal or not is_known:
        rows["hotspot"] = ""
    rows["group"] = find_groups(rows, study.neighbours)
    rows["place"] = _name_places(rows, study)
    if not is_known:
        rows[list(_NUMBERS)] = np.nan
    if refusal:
        rows[["gi_z", "p_value", "q_value", "times", "times_at_least"]] = np.nan
    if trend and not refusal:
        emerging = build_emerging_map(columns, event_filter, study, q=q, method=method, time_zone=time_zone)
        notes += [note for note in emerging.notes if note not in notes]
        rows["trend"] = emerging.rows["pattern"] if emerging.bins else ""
    snapped = _has_shared_points(columns, selection, precision)
    swept = columns.reported_by[selection.index] == REPORTERS.index("sweep")
    return HotspotMap(
        spec=spec,
        measure=event_filter.measure,
        rows=rows,
        period=period,
        q=q,
        total=float(values.sum()),
        outside=outside,
        unplaced_in_time=selection.unplaced_in_time,
        shared_in_time=selection.shared_in_time,
        swept=int(swept.sum()),
        unit=unit,
        known_days=known_days,
        is_known=is_known,
        limits=_describe_limits(event_filter, spec),
        notes=(
            *([refusal] if refusal else _describe_known_days(period, known_days)),
            *([f"{spec.title}: {NO_HOURS}."] if no_hours else []),
            *(_describe_busiest(rows, spec, event_filter.measure) if is_known and not refusal else []),
            *_build_notes(selection, spec, unit=unit, outside=outside, swept=float(swept.sum())),
            *([] if refusal or method != "gi" else build_lone_cell_notes(rows, study.resolution, q, snapped=snapped)),
            *(_build_rule_notes(concentration, most_area) if concentration and is_known and not refusal else []),
            *describe_borders(rows, study.area),
            *notes,
        ),
        refusal=refusal,
        method=method,
        time_unit=concentration.unit if concentration else "",
        time_units=concentration.units if concentration else 0,
        looked_from=concentration.looked_from if concentration else None,
        most_area=most_area,
    )


def list_hotspot_rows(hotspot_map: HotspotMap) -> pd.DataFrame:
    """HOTSPOT_COLUMNS of every cell, for commands and files: `since` as text, as in "2026-09-14"."""
    rows = hotspot_map.rows[list(HOTSPOT_COLUMNS)]
    return rows.assign(since=format_days(rows["since"]))


def format_days(days: "pd.Series[Any]") -> "pd.Series[Any]":
    """Days as ISO text, None where there is none."""
    texts = [day.isoformat() if isinstance(day, dt.date) else None for day in days]
    return pd.Series(texts, index=days.index, dtype=object)


def _build_concentration_columns(result: ConcentrationMap) -> dict[str, object]:
    """The columns that a test by concentration gives."""
    expected = np.where(result.tested, result.expected, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        times = result.total / expected
    kind = KINDS[result.kind + 1]
    return {
        "p_value": result.p,
        "q_value": result.q,
        "hotspot": kind,
        "neighbourhood": result.total,
        "expected": expected,
        "cells": result.size.astype(np.int64),
        "largest": result.counts,
        "leans": np.where(result.kind == 0, np.where(result.total > result.expected, HOT, COLD), kind),
        "times": np.where(np.isfinite(times), times, np.nan),
        "times_at_least": np.where(result.tested, result.lower, np.nan),
        "active": result.active,
        "since": np.array(result.since, dtype=object),
        "patch": result.patch,
        "beyond": result.beyond,
        "unsteady": result.unsteady,
    }


def _build_rule_notes(result: ConcentrationMap, most_area: float) -> list[str]:
    """What the rule left out or allowed for, a note for each."""
    notes = describe_encounters(result.merged)
    if beyond := int(result.beyond.sum()):
        verb, share = ("stands out too, but is", "it") if beyond == 1 else ("stand out too, but are", "they")
        notes.append(
            f"{format_plural(beyond, 'more place', 'more places')} {verb} left out: {share} would pass the "
            f"{100 * most_area:g} % of the area that may be hot."
        )
    if result.dispersion > _BURSTS:
        notes.append("Events come in bursts. The test allows for that, so it needs more of them.")
    if result.unit == "month":
        notes.append("Most records know only their month, so steadiness is judged by months.")
    if caution := _describe_few_times(result.unit, result.units):
        notes.append(f"{caution}.")
    return notes


def _describe_few_times(unit: TimeUnit, units: int) -> str:
    """As in "With 1 month nothing shows whether it lasts"; "" with more, and where steadiness is not judged."""
    if not unit or units >= _FEW:
        return ""
    return f"With {format_plural(units, unit, unit + 's')} nothing shows whether it lasts"


def _name_places(rows: pd.DataFrame, study: Study) -> "pd.Series[str]":
    """The names of the cells with events and of the hotspots; "" for the others, of which a county has thousands."""
    has_name = (rows["count"] > 0) | (rows["hotspot"] != "") | rows["group"].notna()
    names = np.full(len(rows), "", dtype=object)
    names[has_name] = study.name_places(np.flatnonzero(has_name))
    return pd.Series(names, index=rows.index)


def _find_known(
    columns: Columns, event_filter: Filter, spec: LayerSpec, period: Period | None, time_zone: str
) -> Spans:
    """The known days of a period; all its days for states, which are in force until they end."""
    if period is None:
        return ()
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=event_filter.reported_by)
    return (period,) if spec.kind == "state" else coverage.find_known_in(spec.name, period, wards=event_filter.wards)


def _describe_known_days(period: Period | None, known_days: int) -> list[str]:
    """That only known days count; nothing where all are known."""
    days = (period[1] - period[0]).days if period else known_days
    if known_days == days:
        return []
    if not known_days:
        return [f"No day of {format_span(*period)} is known." if period else "No day is known."]
    return [f"Only the {known_days:,} known days of {days:,} count."]


def _describe_too_few_days(event_filter: Filter, period: Period | None, known: Spans) -> str:
    """That less than half of a period is known; "" where more is, or nothing at all.

    A few days are too few for the period that was asked for, also where the records begin or end in it.
    """
    number = count_days(known)
    if period and number < _FEW_DAYS and event_filter.start and event_filter.end:
        period = event_filter.start, event_filter.end
    if period is None or not known or is_known_enough(period, known):
        return ""
    days = (period[1] - period[0]).days
    verb = "is" if number == 1 else "are"
    return f"Only {number:,} of {days:,} days {verb} known: too few to say where places stand out."


def _describe_parts_of_months(columns: Columns, selection: Selection, period: Period | None, known: Spans) -> str:
    """That most records know only their month and no month is known whole; "" where one is, or nothing at all."""
    if period is None or not known or cut_to_months(known):
        return ""
    if find_month_only_share(columns, selection.index) <= _MOST_OF:
        return ""
    which = "the known days of " if cut_to_months((period,)) else ""
    return (
        f"Most records are known only to their month, and {which}{format_span(*period)} {'hold' if which else 'holds'} "
        "no whole month. So it is not known where places stand out."
    )


def _describe_busiest(rows: pd.DataFrame, spec: LayerSpec, measure: Measure) -> list[str]:
    """Where no place is a hotspot, what the busiest cell holds: it is not said that they lie as chance would."""
    most, total = float(rows["count"].max()), float(rows["count"].sum())
    if most < _FEW or (rows["hotspot"] == HOT).any():
        return []
    share = f"{format_about(most)} of {format_count(total, spec, measure)}"
    return [f"No place is certain to be a hotspot. The busiest cell holds {share}."]


def _describe_limits(event_filter: Filter, spec: LayerSpec) -> tuple[str, ...]:
    """The filter's conditions besides layer, period and wards; hours and weekdays do not apply to states."""
    incident = spec.kind == "incident"
    clauses = {
        "at the chosen hours": incident and event_filter.hours is not None,
        "on the chosen weekdays": incident and bool(event_filter.days),
    }
    descriptions = [column_filter.describe(column_filter.get_chosen(event_filter)) for column_filter in COLUMN_FILTERS]
    return (*(clause for clause, applies in clauses.items() if applies), *filter(None, descriptions))


def _build_notes(selection: Selection, spec: LayerSpec, *, unit: float, outside: float, swept: float) -> list[str]:
    """What was shared in time, rounded or left out, a note for each."""
    notes = []
    if selection.shared_in_time:
        is_single = selection.shared_in_time == 1
        notes.append(
            f"{format_count(selection.shared_in_time, spec)} {'is' if is_single else 'are'} known only to a longer "
            f"time, such as a month. {'It counts' if is_single else 'Each counts'} by the share of that time in the "
            "period."
        )
    if unit != 1:
        notes.append(f"For the test, counts are rounded to multiples of {unit:g}.")
    if selection.unplaced_in_time:
        verb, whose = ("is", "its") if selection.unplaced_in_time == 1 else ("are", "their")
        notes.append(
            f"{selection.unplaced_in_time:,} more {verb} left out because {whose} hour or weekday is not known."
        )
    if swept and len(selection.index):
        share = format_percent(swept / len(selection.index))
        notes.append(f"Sweeps found {share} of them. Sweeps find where they look, so the map may differ without them.")
    if outside:
        notes.append(f"{_first_upper(format_about(outside))} outside the study area are left out.")
    return notes


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _has_shared_points(columns: Columns, selection: Selection, precision: LocationPrecision) -> bool:
    """Whether points are shared, as those of police.uk are: the sources say so, or records have half as many points."""
    if precision.snapped or precision.stated:
        return precision.snapped
    points = columns.lon[selection.index] + 1j * columns.lat[selection.index]
    return len(np.unique(points)) <= len(points) / 2
