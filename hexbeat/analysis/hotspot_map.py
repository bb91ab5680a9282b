"""The hotspot map of one layer, and why a cell is, or is not, a hotspot."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.hotspots import hotspots
from geo.permutation import build_sum_distribution, to_units
from geo.tails import poisson_at_least
from hexbeat.analysis.change_periods import is_known_enough
from hexbeat.analysis.emerging_map import build_emerging_map
from hexbeat.analysis.hotspot_groups import COLD, HOT, find_groups
from hexbeat.analysis.study import Study, restrict_filter, select_known, sum_by_cell
from layers.columns import Columns
from layers.counting import NO_HOURS, Selection, lacks_hours, select
from layers.coverage import Spans, count_days
from layers.event import REPORTERS, RESOLUTIONS, Measure
from layers.filters import COLUMN_FILTERS, Filter
from layers.layer_spec import LayerSpec
from layers.periods import Period, clip_period, get_coverage, require_one_layer
from layers.precision import LocationPrecision, describe_fine_cells, measure_chosen_precision
from layers.wording import (
    format_about,
    format_cell_width,
    format_count,
    format_number,
    format_odds,
    format_percent,
    format_span,
)

__all__ = ["COLD", "HOT", "HOTSPOT_COLUMNS", "HotspotMap", "build_hotspot_map", "explain_cell", "is_too_quiet"]

# The columns of each cell in commands, files and Python, in this order.
HOTSPOT_COLUMNS: Final = (
    "cell", "ward_code", "ward_name", "count", "gi_z", "p_value", "q_value", "hotspot", "trend", "neighbourhood",
    "expected", "group", "place",
)  # fmt: skip
_KINDS: Final = np.array([COLD, "", HOT], dtype=object)
_TIMES_AVERAGE: Final = 6.0  # if even this many times the average would not stand out, there are too few events to say
_ORDINARY_SHARE: Final = 0.25  # of shuffles: from here on no odds are told, whether above or below the average
_FEW_DAYS: Final = 14
_FEW: Final = 3  # events: a cell with fewer is not worth naming
_NUMBERS: Final = ("count", "gi_z", "p_value", "q_value", "neighbourhood", "expected", "largest")


@dataclass(frozen=True, slots=True, eq=False)
class HotspotMap:
    """The Gi* result of each of the study's cells, and the counts behind it.

    `rows` (n, in the study's order) has the columns cell (H3 string), ward_code, ward_name (of the largest part of the
    cell), count, gi_z, p_value and q_value (one-sided, for the side in `leans`), hotspot ("hot", "cold" or ""), trend
    (a pattern of hexbeat.analysis.emerging_map over the period, "" if the period has too few bins), neighbourhood (the
    sum over the cell and those that touch it; this sum is tested), expected (what as many cells away from the clearest
    hotspots have), cells (how many cells the sum covers), largest (the largest count of one of them), leans ("hot" or
    "cold") group (of hotspots that touch, from 1, null for the others: hexbeat.analysis.hotspot_groups) and place (its
    name by its streets; "" for a cell without events that is no hotspot).

    `period` is the filter's, up to the last record; of it only the `known_days` count (for states, all days). If none
    is known, `is_known` is False and the numbers of `rows` are NaN. `total` is the sum of the counts; `outside` counts
    events that lie in no cell of the study. `unplaced_in_time` and `shared_in_time` as in layers.counting. `unit`: for
    the test, counts are rounded to multiples of it (1: no rounding). `swept` counts events that sweeps found. `notes`
    say all this in sentences. `refusal`: too few days of the period are known to call any place a hotspot, in words; ""
    where enough are. With it the counts stay, and gi_z, p_value and q_value are NaN.
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


def build_hotspot_map(
    columns: Columns,
    chosen: Filter,
    study: Study,
    *,
    q: float = 0.05,
    trend: bool = True,
    time_zone: str = "Europe/London",
) -> HotspotMap:
    """The hot and cold cells of one layer, at false discovery rate `q`, for any filter with the study's wards.

    `trend` False leaves out the patterns over time, which take most of the time. UsageError unless exactly one layer is
    chosen. Where the result misleads: dense recording is not risk (see geo.hotspots.hotspots).
    """
    spec = require_one_layer(chosen, "A hotspot map")
    chosen = restrict_filter(study, chosen)
    precision = measure_chosen_precision(columns, chosen, time_zone=time_zone)
    period, notes = clip_period(columns, chosen, time_zone=time_zone)
    notes += filter(None, [describe_fine_cells(precision, study.resolution)])
    known = _find_known(columns, chosen, spec, period, time_zone)
    selection = (
        select(columns, chosen, time_zone=time_zone)
        if spec.kind == "state"
        else select_known(columns, chosen, known, time_zone=time_zone)
    )
    values, outside = sum_by_cell(columns, selection, study)
    statistics = hotspots(values, study.neighbours, q)
    no_hours = spec.kind == "incident" and lacks_hours(columns, chosen, known, time_zone=time_zone)
    known_days, is_known = count_days(known), (bool(known) and not no_hours) or spec.kind == "state"
    refusal = "" if spec.kind == "state" else _describe_too_few_days(chosen, period, known)
    kind = np.zeros_like(statistics.kind) if refusal else statistics.kind
    rows = pd.DataFrame(
        {
            "cell": study.names,
            "ward_code": study.ward_codes,
            "ward_name": study.ward_names,
            "count": values,
            "gi_z": statistics.z,
            "p_value": statistics.p,
            "q_value": statistics.q,
            "hotspot": _KINDS[kind + 1],
            "trend": "",
            "neighbourhood": statistics.total,
            "expected": statistics.expected,
            "cells": np.diff(study.neighbours.indptr),
            "largest": np.maximum.reduceat(values[study.neighbours.indices], study.neighbours.indptr[:-1]),
            "leans": np.where(kind == 0, _find_leans(values, study), _KINDS[kind + 1]),
        }
    )
    rows["group"] = find_groups(rows, study.neighbours)
    rows["place"] = _name_places(rows, study)
    if not is_known:
        rows[list(_NUMBERS)] = np.nan
    if refusal:
        rows[["gi_z", "p_value", "q_value"]] = np.nan
    if trend and not refusal:
        emerging = build_emerging_map(columns, chosen, study, q=q, time_zone=time_zone)
        notes += [note for note in emerging.notes if note not in notes]
        rows["trend"] = emerging.rows["pattern"] if emerging.bins else ""
    snapped = _has_shared_points(columns, selection, precision)
    swept = columns.reported_by[selection.index] == REPORTERS.index("sweep")
    return HotspotMap(
        spec=spec,
        measure=chosen.measure,
        rows=rows,
        period=period,
        q=q,
        total=float(values.sum()),
        outside=outside,
        unplaced_in_time=selection.unplaced_in_time,
        shared_in_time=selection.shared_in_time,
        swept=int(swept.sum()),
        unit=statistics.unit,
        known_days=known_days,
        is_known=is_known,
        limits=_describe_limits(chosen, spec),
        notes=(
            *([refusal] if refusal else _describe_known_days(period, known_days)),
            *([f"{spec.title}: {NO_HOURS}."] if no_hours else []),
            *(_describe_busiest(rows, spec, chosen.measure) if is_known and not refusal else []),
            *_build_notes(selection, spec, unit=statistics.unit, outside=outside, swept=float(swept.sum())),
            *([] if refusal else _build_lone_cell_notes(rows, study.resolution, q, snapped=snapped)),
            *notes,
        ),
        refusal=refusal,
    )


def _name_places(rows: pd.DataFrame, study: Study) -> "pd.Series[str]":
    """The names of the cells with events and of the hotspots; "" for the others, of which a county has thousands."""
    named = (rows["count"] > 0) | (rows["hotspot"] != "") | rows["group"].notna()
    names = np.full(len(rows), "", dtype=object)
    names[named] = study.name_places(np.flatnonzero(named))
    return pd.Series(names, index=rows.index)


def _find_known(columns: Columns, chosen: Filter, spec: LayerSpec, period: Period | None, time_zone: str) -> Spans:
    """The known days of a period; all its days for states, which are in force until they end."""
    if period is None:
        return ()
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=chosen.reported_by)
    return (period,) if spec.kind == "state" else coverage.find_known_in(spec.name, period, wards=chosen.wards)


def _describe_known_days(period: Period | None, known_days: int) -> list[str]:
    """That only known days count; nothing where all are known."""
    days = (period[1] - period[0]).days if period else known_days
    if known_days == days:
        return []
    if not known_days:
        return [f"No day of {format_span(*period)} is known." if period else "No day is known."]
    return [f"Only the {known_days:,} known days of {days:,} count."]


def _describe_too_few_days(chosen: Filter, period: Period | None, known: Spans) -> str:
    """That less than half of a period is known; "" where more is, or nothing at all.

    A few days are too few for the period that was asked for, also where the records begin or end in it.
    """
    number = count_days(known)
    if period and number < _FEW_DAYS and chosen.start and chosen.end:
        period = chosen.start, chosen.end
    if period is None or not known or is_known_enough(period, known):
        return ""
    days = (period[1] - period[0]).days
    verb = "is" if number == 1 else "are"
    return f"Only {number:,} of {days:,} days {verb} known: too few to say where places stand out."


def _describe_busiest(rows: pd.DataFrame, spec: LayerSpec, measure: Measure) -> list[str]:
    """Where no place is a hotspot, what the busiest cell holds: it is not said that they lie as chance would."""
    most, total = float(rows["count"].max()), float(rows["count"].sum())
    if most < _FEW or (rows["hotspot"] == HOT).any():
        return []
    share = f"{format_about(most)} of {format_count(total, spec, measure)}"
    return [f"No place is certain to be a hotspot. The busiest cell holds {share}."]


def _describe_limits(chosen: Filter, spec: LayerSpec) -> tuple[str, ...]:
    """The filter's conditions besides layer, period and wards; hours and weekdays do not apply to states."""
    incident = spec.kind == "incident"
    clauses = {
        "at the chosen hours": incident and chosen.hours is not None,
        "on the chosen weekdays": incident and bool(chosen.days),
    }
    descriptions = [column_filter.describe(column_filter.get_chosen(chosen)) for column_filter in COLUMN_FILTERS]
    return (*(clause for clause, applies in clauses.items() if applies), *filter(None, descriptions))


def _find_leans(values: NDArray[np.float64], study: Study) -> NDArray[np.object_]:
    """Whether each cell's sum is high (HOT) or low (COLD) among all shuffles, (n,)."""
    draws = np.diff(study.neighbours.indptr).astype(np.int64)
    most = int(draws.max())
    units, _ = to_units(values, most_draws=most)
    sums = np.rint(study.neighbours @ units.astype(np.float64)).astype(np.int64)
    null = build_sum_distribution(units, most_draws=most)
    return np.where(null.at_least(draws, sums) <= null.at_most(draws, sums), HOT, COLD).astype(object)


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


def _build_lone_cell_notes(rows: pd.DataFrame, resolution: int, q: float, *, snapped: bool) -> list[str]:
    """A note on cells that would stand out if events fell evenly (Poisson), but hold most of their neighbourhood alone.

    The test cannot call them hot: in every shuffle such a cell makes some neighbourhood as full.
    """
    chance = poisson_at_least(np.ceil(rows["neighbourhood"]), rows["expected"])
    busy = (chance <= q / len(rows)) & (rows["hotspot"] == "") & (rows["leans"] == HOT)
    lone = int((busy & (rows["count"] > rows["neighbourhood"] / 2)).sum())
    if not lone:
        return []
    note = (
        "1 cell is busy while those around it are quiet. The test looks at cells together, so it is not called a "
        "hotspot."
        if lone == 1
        else f"{lone} cells are busy while those around them are quiet. The test looks at cells together, so they are "
        "not called hotspots."
    )
    if snapped and resolution > min(RESOLUTIONS):
        larger = format_cell_width(resolution - 1)
        return [f"{note} Many records share their points, so larger cells ({larger} across) may show more."]
    if not snapped and resolution < max(RESOLUTIONS):
        return [f"{note} Smaller cells ({format_cell_width(resolution + 1)} across) may show more."]
    return [note]


def _has_shared_points(columns: Columns, selection: Selection, precision: LocationPrecision) -> bool:
    """Whether points are shared, as those of police.uk are: the sources say so, or records have half as many points."""
    if precision.snapped or precision.stated:
        return precision.snapped
    points = columns.lon[selection.index] + 1j * columns.lat[selection.index]
    return len(np.unique(points)) <= len(points) / 2


def explain_cell(hotspot_map: HotspotMap, cell: str) -> str:
    """Why a cell (H3 string) is hot, cold, neither, or has too few events to say: the class, then its numbers.

    The numbers are those of the test: the cell together with those that touch it, and the average of as many cells away
    from hotspots (for cold spots: away from cold spots). KeyError for a cell that is not on the map.
    """
    if not hotspot_map.is_known:
        return f"The records of {hotspot_map.spec.many} do not cover this time, so there is nothing to compare."
    if hotspot_map.refusal:
        return hotspot_map.refusal
    if not hotspot_map.total:
        return (
            f"There are no {hotspot_map.spec.many} on this map{_format_period(hotspot_map)}, so there is nothing to "
            "compare."
        )
    rows = hotspot_map.rows
    positions = rows.index[rows["cell"] == cell]
    if not len(positions):
        raise KeyError(cell)
    row = rows.loc[positions[0]]
    side = str(row["leans"])
    count = format_count(float(row["neighbourhood"]), hotspot_map.spec, hotspot_map.measure)
    others = int(row["cells"]) - 1
    around = f" and the {others} that touch it" if others > 1 else " and the one that touches it" if others else ""
    elsewhere = _describe_background(side, any_spot=bool((rows["hotspot"] == side).any()))
    verdict, chance = _describe_verdict(hotspot_map, row, side)
    return (
        f"{verdict}: {count} in this cell{around}{_format_period(hotspot_map)}. "
        f"As many cells {elsewhere} have {_format_average(float(row['expected']))} on average.{chance}"
    )


def is_too_quiet(hotspot_map: HotspotMap) -> bool:
    """Whether on the whole map even a place with six times the average might not stand out."""
    fullest = hotspot_map.rows["cells"].to_numpy().argmax()
    return _is_too_few(float(hotspot_map.rows["expected"].iloc[fullest]), hotspot_map.q / len(hotspot_map.rows))


def _describe_verdict(hotspot_map: HotspotMap, row: "pd.Series[Any]", side: str) -> tuple[str, str]:
    """The beginning of the sentence (what the cell is) and its end (how often chance alone would do that)."""
    p, kind = float(row["p_value"]), row["hotspot"]
    often = f" By chance, {format_odds(p)} maps would have {'as many' if side == HOT else 'as few'} here"
    if kind == HOT and not row["count"]:
        return "Part of a hotspot", f"{often}. None of them lie in this cell itself."
    if kind == HOT:
        return "A hotspot", f"{often}."
    if kind == COLD:
        return "A cold spot", f"{often}."
    if _is_too_few(float(row["expected"]), hotspot_map.q / len(hotspot_map.rows)):
        return "Too few events to say", " Even six times as many might not stand out."
    if p >= _ORDINARY_SHARE:
        return "No clear difference", ""
    name = "hotspot" if side == HOT else "cold spot"
    lone = side == HOT and float(row["largest"]) > float(row["neighbourhood"]) / 2
    hint = " Most lie in one cell." if lone else ""
    return f"Not a {name}", f"{often}, too often to be sure among {len(hotspot_map.rows):,} cells.{hint}"


def _format_average(value: float) -> str:
    """With a decimal while it is small."""
    return format_number(value) if value < 10 else format_about(value)  # noqa: PLR2004 - two digits are enough


def _is_too_few(expected: float, level: float) -> bool:
    """Whether even _TIMES_AVERAGE times as many could be chance, if events fell evenly (Poisson)."""
    return bool(poisson_at_least(np.ceil(_TIMES_AVERAGE * expected), expected) > level)


def _describe_background(side: str, *, any_spot: bool) -> str:
    """Where the average is taken: the background of the test, without the clearest hotspots (or cold spots)."""
    if not any_spot:
        return "anywhere here"
    return f"away from the clearest {'hotspots' if side == HOT else 'cold spots'}"


def _format_period(hotspot_map: HotspotMap) -> str:
    """The period, and the filter's other conditions."""
    limits = f" ({', '.join(hotspot_map.limits)})" if hotspot_map.limits else ""
    if hotspot_map.period is None:
        return limits
    days = hotspot_map.known_days
    whole = (hotspot_map.period[1] - hotspot_map.period[0]).days
    if days < whole:
        return f" in {format_number(days)} known {'day' if days == 1 else 'days'}{limits}"
    return (f" in {format_number(days)} days" if days > 1 else f" on {format_span(*hotspot_map.period)}") + limits
