"""The hotspot map of one layer, and one sentence on why a cell is, or is not, a hotspot."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.hotspots import hotspots
from geo.permutation import build_sum_distribution, to_units
from geo.tails import poisson_at_least
from hexbeat.analysis.emerging_map import build_emerging_map
from hexbeat.analysis.study import Study, restrict_filter, sum_by_cell
from layers.columns import Columns
from layers.counting import Selection, select
from layers.event import REPORTERS, RESOLUTIONS, Measure
from layers.filters import COLUMN_FILTERS, Filter
from layers.layer_spec import LayerSpec
from layers.periods import Period, clip_period, require_one_layer
from layers.wording import (
    format_cell_width,
    format_count,
    format_number,
    format_odds,
    format_percent,
    format_span,
)

__all__ = ["COLD", "HOT", "HOTSPOT_COLUMNS", "HotspotMap", "build_hotspot_map", "explain_cell", "is_too_quiet"]

HOT: Final = "hot"
COLD: Final = "cold"
# What commands, files and Python answer of each cell, in this order.
HOTSPOT_COLUMNS: Final = (
    "cell", "ward_code", "ward_name", "count", "gi_z", "p_value", "q_value", "hotspot", "trend", "neighbourhood",
    "expected",
)  # fmt: skip
_KINDS: Final = np.array([COLD, "", HOT], dtype=object)
_TIMES_AVERAGE: Final = 6.0  # a place that even so many could not set apart is too quiet to tell
_ORDINARY: Final = 0.25  # of shuffles: nobody need be told by which side a cell differs from the middle


@dataclass(frozen=True, slots=True, eq=False)
class HotspotMap:
    """What Gi* says of each of the study's cells, and on what it rests.

    `rows` (n, in the study's order) has the columns cell (H3 string), ward_code, ward_name (of the largest part of the
    cell), count, gi_z, p_value and q_value (one-sided, of the side in `leans`), hotspot ("hot", "cold" or ""), trend (a
    pattern of hexbeat.analysis.emerging_map over the period, "" where it has room for too few bins), neighbourhood (the
    sum over the cell and those that touch it, which is what is tested), expected (of as many cells away from the
    clearest hotspots), cells (how many they are), largest (the largest count of one of them) and leans ("hot" or
    "cold").

    `period` is the filter's as far as records reach. `total` sums the counts; `outside` is what lies in no cell of the
    study. `unplaced_in_time` and `shared_in_time` as in layers.counting. `unit`: counts are rounded to its multiples
    for the test (1: none was). `swept` events were found by sweeps. `notes` say all this in sentences.
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
    limits: tuple[str, ...]  # what else the filter asks for, as in "at the chosen hours"
    notes: tuple[str, ...]


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

    `trend` False leaves the patterns over time out, which takes most of the time. Raises UsageError unless exactly one
    layer is chosen. Misleads as geo.hotspots.hotspots does: dense recording is not risk.
    """
    spec = require_one_layer(chosen, "A hotspot map")
    chosen = restrict_filter(study, chosen)
    selection = select(columns, chosen, time_zone=time_zone)
    values, outside = sum_by_cell(columns, selection, study)
    found = hotspots(values, study.neighbours, q)
    period, notes = clip_period(columns, chosen, time_zone=time_zone)
    rows = pd.DataFrame(
        {
            "cell": study.names,
            "ward_code": study.ward_codes,
            "ward_name": study.ward_names,
            "count": values,
            "gi_z": found.z,
            "p_value": found.p,
            "q_value": found.q,
            "hotspot": _KINDS[found.kind + 1],
            "trend": "",
            "neighbourhood": found.total,
            "expected": found.expected,
            "cells": np.diff(study.neighbours.indptr),
            "largest": np.maximum.reduceat(values[study.neighbours.indices], study.neighbours.indptr[:-1]),
            "leans": np.where(found.kind == 0, _find_sides(values, study), _KINDS[found.kind + 1]),
        }
    )
    if trend:
        emerging = build_emerging_map(columns, chosen, study, q=q, time_zone=time_zone)
        notes += [note for note in emerging.notes if note not in notes]
        rows["trend"] = emerging.rows["pattern"] if emerging.bins else ""
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
        unit=found.unit,
        limits=_describe_limits(chosen, spec),
        notes=(
            *_build_notes(selection, spec, unit=found.unit, outside=outside, swept=float(swept.sum())),
            *_build_lone_notes(rows, study.resolution, q, snapped=_has_shared_points(columns, selection)),
            *notes,
        ),
    )


def _describe_limits(chosen: Filter, spec: LayerSpec) -> tuple[str, ...]:
    """What the filter asks for besides layer, period and wards; hours and weekdays do not apply to states."""
    incident = spec.kind == "incident"
    said = {
        "at the chosen hours": incident and chosen.hours is not None,
        "on the chosen weekdays": incident and bool(chosen.days),
    }
    clauses = [one.describe(one.get_chosen(chosen)) for one in COLUMN_FILTERS]
    return (*(words for words, holds in said.items() if holds), *filter(None, clauses))


def _find_sides(values: NDArray[np.float64], study: Study) -> NDArray[np.object_]:
    """To which side each cell's sum leans among all shuffles, (n,)."""
    draws = np.diff(study.neighbours.indptr).astype(np.int64)
    most = int(draws.max())
    units, _ = to_units(values, most_draws=most)
    sums = np.rint(study.neighbours @ units.astype(np.float64)).astype(np.int64)
    null = build_sum_distribution(units, most_draws=most)
    return np.where(null.at_least(draws, sums) <= null.at_most(draws, sums), HOT, COLD).astype(object)


def _build_notes(selection: Selection, spec: LayerSpec, *, unit: float, outside: float, swept: float) -> list[str]:
    """What was shared, rounded or left out, a sentence for each."""
    said = []
    if selection.shared_in_time:
        said.append(
            f"{selection.shared_in_time:,} of the {spec.many} are known only to a longer time, such as a month, and "
            "count by the share of it that falls inside."
        )
    if unit != 1:
        said.append(f"For the test, counts are rounded to multiples of {unit:g}.")
    if selection.unplaced_in_time:
        said.append(
            f"{selection.unplaced_in_time:,} more are left out, because their hour or weekday, by which the filter "
            "asks, is not known."
        )
    if swept and len(selection.index):
        share = format_percent(swept / len(selection.index))
        said.append(f"{share} were found by sweeps: where one searches, one finds. Without them the map may differ.")
    if outside:
        said.append(f"{format_number(outside)} lie in no cell of the study area, and are left out.")
    return said


def _build_lone_notes(rows: pd.DataFrame, resolution: int, q: float, *, snapped: bool) -> list[str]:
    """Cells that would stand out were events to fall evenly (Poisson), but hold most of their neighbourhood alone.

    The test cannot call them hot: shuffled, such a cell makes some neighbourhood as full every time.
    """
    chance = poisson_at_least(np.ceil(rows["neighbourhood"]), rows["expected"])
    busy = (chance <= q / len(rows)) & (rows["hotspot"] == "") & (rows["leans"] == HOT)
    lone = int((busy & (rows["count"] > rows["neighbourhood"] / 2)).sum())
    if not lone:
        return []
    which = "1 cell is" if lone == 1 else f"{lone} cells are"
    said = f"{which} busy among quiet ones, which chance alone would make as often, so not called hot."
    if snapped and resolution > min(RESOLUTIONS):
        larger = format_cell_width(resolution - 1)
        return [f"{said} Many records share their points: larger cells ({larger} across) may tell more."]
    if not snapped and resolution < max(RESOLUTIONS):
        return [f"{said} Smaller cells ({format_cell_width(resolution + 1)} across) may tell more."]
    return [said]


def _has_shared_points(columns: Columns, selection: Selection) -> bool:
    """Whether records lie on half as many points as there are records or fewer, as anchor points make them."""
    points = columns.lon[selection.index] + 1j * columns.lat[selection.index]
    return len(np.unique(points)) <= len(points) / 2


def explain_cell(found: HotspotMap, cell: str) -> str:
    """Why a cell (H3 string) is hot, cold, neither, or too quiet to tell, in one sentence with its numbers.

    The numbers are those of the test: the cell together with those that touch it, and as many cells where there is no
    hotspot (for cold spots: no cold spot). KeyError for a cell that is not on the map.
    """
    if not found.total:
        where = f"anywhere on this map{_format_period(found)}"
        return f"There are no {found.spec.many} {where}, so there is nothing to compare."
    rows = found.rows
    places = rows.index[rows["cell"] == cell]
    if not len(places):
        raise KeyError(cell)
    row = rows.loc[places[0]]
    side = str(row["leans"])
    counted = format_count(float(row["neighbourhood"]), found.spec, found.measure)
    others = int(row["cells"]) - 1
    around = f" and the {others} that touch it" if others > 1 else " and the one that touches it" if others else ""
    elsewhere = _describe_background(side, found=bool((rows["hotspot"] == side).any()))
    average = format_number(float(row["expected"]))
    facts = (
        f"{counted[0].upper()}{counted[1:]} in this cell{around}{_format_period(found)}; "
        f"as many cells {elsewhere} would have {average} on average"
    )
    return f"{facts}; {_describe_verdict(found, float(row['p_value']), row['hotspot'], side, row)}."


def is_too_quiet(found: HotspotMap) -> bool:
    """Whether on the whole map even a place with six times the average might not stand out."""
    fullest = found.rows["cells"].to_numpy().argmax()
    return _is_too_few(float(found.rows["expected"].iloc[fullest]), found.q / len(found.rows))


def _describe_verdict(found: HotspotMap, p: float, kind: str, side: str, row: "pd.Series[Any]") -> str:
    shuffles = f"{format_odds(p)} shuffles {'have as many' if side == HOT else 'have as few'}"
    if kind == HOT:
        return f"{shuffles}: a hotspot"
    if kind == COLD:
        return f"{shuffles}: a cold spot"
    if _is_too_few(float(row["expected"]), found.q / len(found.rows)):
        return "too few to tell, for even six times the average might not stand out"
    if p >= _ORDINARY:
        return "an ordinary number"
    name = "hotspot" if side == HOT else "cold spot"
    lone = side == HOT and float(row["largest"]) > float(row["neighbourhood"]) / 2
    hint = " (most lie in one cell)" if lone else ""
    return f"{shuffles}, too often to call it a {name} among {len(found.rows):,} cells{hint}"


def _is_too_few(expected: float, level: float) -> bool:
    """Whether even _TIMES_AVERAGE times as many could be chance, were events to fall evenly (Poisson)."""
    return bool(poisson_at_least(np.ceil(_TIMES_AVERAGE * expected), expected) > level)


def _describe_background(side: str, *, found: bool) -> str:
    """Where the average is taken: the background of the test, which the surest of what was found has left."""
    if not found:
        return "anywhere here"
    return f"away from the clearest {'hotspots' if side == HOT else 'cold spots'}"


def _format_period(found: HotspotMap) -> str:
    """The period, and what else was asked for."""
    limits = f" ({', '.join(found.limits)})" if found.limits else ""
    if found.period is None:
        return limits
    days = (found.period[1] - found.period[0]).days
    return (f" in {format_number(days)} days" if days > 1 else f" on {format_span(*found.period)}") + limits
