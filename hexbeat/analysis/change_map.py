"""What changed: a period against the one before it, or the same dates a year before, by cell, by ward and in total."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.change import compare_periods
from geo.hotspots import benjamini_hochberg
from hexbeat.analysis.change_periods import (
    AGAINST,
    Against,
    ComparedPeriods,
    choose_periods,
    is_known_enough,
    parse_against,
    put_in_order,
)
from hexbeat.analysis.study import Study, restrict_filter, select_known, sum_by_cell
from hexbeat.areas.area import Area
from hexbeat.areas.street_names import add_place_names
from layers.columns import Columns
from layers.counting import Selection
from layers.coverage import Spans, count_days
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import Period, find_month_only_share, get_coverage, require_one_layer
from layers.precision import describe_fine_cells, measure_chosen_precision
from layers.restriction import describe_ward_cells
from layers.wording import format_list, format_percent, format_plural

__all__ = [
    "AGAINST",
    "FALL",
    "NOT_KNOWN",
    "ONE_OF_MANY",
    "RISE",
    "TOO_FEW",
    "UNCLEAR",
    "Against",
    "ChangeMap",
    "build_change_map",
    "is_one_of_many",
    "parse_against",
]

RISE: Final = "rise"
FALL: Final = "fall"
UNCLEAR: Final = "no clear change"
TOO_FEW: Final = "too few events to say"
NOT_KNOWN: Final = "not known"
ONE_OF_MANY: Final = (
    "By itself this would be a clear change, but among so many places compared a few look like this without one."
)
_KINDS: Final = np.array([FALL, UNCLEAR, RISE], dtype=object)


@dataclass(frozen=True, slots=True, eq=False)
class ChangeMap:
    """What changed from `other` to `now` (half-open periods).

    `cells` has a row for each of the study's n cells, in its order; `wards` one for each chosen ward, in the order of
    codes; `whole` one row. Their columns are:

    - now and before: the counts
    - difference: now less before, with before scaled to the length of now
    - ratio: of rates (NaN if both are 0, infinite if before is 0), with its exact 95 % interval ratio_low to ratio_high
    - p_value: two-sided E-test; NaN for too few events
    - q_value: after false-discovery control among the cells, or wards, with enough events; NaN for the others
    - change: "rise", "fall", "no clear change" (also where the interval includes 1) or "too few events to say"
    - cell (cells only), ward_code and ward_name (cells and wards)

    For states p, q and the interval are NaN and change is "": the same order may be in force in both periods. Only days
    that are known count, and rates over these days are compared: `known_now` and `known_other` are those of the whole.
    A ward that knows less than half of a period has NaN and the change "not known". `missing` says which days of the
    two periods are not known, or why there is nothing to compare; there is no comparison if `whole` is empty, and
    without one `cells` is empty too. `cell_notes` are notes on the cells alone.
    """

    spec: LayerSpec
    now: Period | None
    other: Period | None
    cells: pd.DataFrame
    wards: pd.DataFrame
    whole: pd.DataFrame
    q: float
    shared_in_time: int
    unplaced_in_time: int
    missing: str | None
    notes: tuple[str, ...]
    known_now: Spans = ()
    known_other: Spans = ()
    cell_notes: tuple[str, ...] = ()

    @property
    def is_compared(self) -> bool:
        """Whether the periods were compared as a whole; else `missing` says why not."""
        return len(self.whole) > 0

    def name_cells(self, area: Area) -> pd.DataFrame:
        """`cells` with a column `place`: the names of those with an event in one of the periods, "" for the others."""
        held = (self.cells["now"] > 0) | (self.cells["before"] > 0)
        return add_place_names(self.cells, area, where=held)


def build_change_map(
    columns: Columns,
    event_filter: Filter,
    study: Study,
    *,
    against: Against = "before",
    q: float = 0.05,
    with_cells: bool = True,
    time_zone: str = "Europe/London",
) -> ChangeMap:
    """Compare the filter's period with the one "before" of the same length, the same dates a "year_before", or any.

    Of two free periods, which share no day, the later is `now`. Rates are compared where their lengths differ. Without
    `with_cells`, `cells` is empty, and a viewer who sees the layer by ward alone may ask.

    The current period ends with the records, so that days that are not loaded yet do not look like a fall. Of both
    periods only the known days count (`hexbeat.analysis.change_periods`). Counts are taken as Poisson: where one person
    or household causes many events, p is too small. UsageError unless the filter has one layer and the study's wards.
    """
    spec = require_one_layer(event_filter, "A map of change")
    event_filter = restrict_filter(study, event_filter)
    event_filter, against, now, notes = put_in_order(columns, event_filter, against, time_zone=time_zone)
    if now is None:
        return _build_empty_map(spec, study, q, None, notes[-1], [])
    notes = [note for note in notes if not note.endswith("not known.")]  # `missing` says so of both periods
    periods = choose_periods(columns, event_filter, spec, now, against=against, time_zone=time_zone)
    wards = _compare_wards(columns, event_filter, study, periods, q=q, spec=spec, time_zone=time_zone)
    if periods.refusal:
        refused = _build_empty_map(spec, study, q, periods.now, periods.refusal, [*notes, *periods.notes])
        is_known = (wards["change"] != NOT_KNOWN).any()
        return replace(refused, other=periods.other, wards=wards) if is_known else refused
    selections = [
        _select_days(columns, event_filter, spec, *part, time_zone=time_zone)
        for part in ((periods.other, periods.known_other), (periods.now, periods.known_now))
    ]
    days = (count_days(periods.known_other), count_days(periods.known_now))
    precision = measure_chosen_precision(columns, event_filter, time_zone=time_zone)
    no_counts = np.zeros(0)
    cells = [sum_by_cell(columns, selection, study)[0] if with_cells else no_counts for selection in selections]
    totals = [np.array([float(selection.weight.sum())]) for selection in selections]
    by_cell, whole = (
        _label_changes(_compare_counts(*pair, days=days, q=q), q=q, spec=spec) for pair in (cells, totals)
    )
    return ChangeMap(
        spec=spec,
        now=periods.now,
        other=periods.other,
        cells=pd.concat([_build_cell_columns(study).iloc[: len(by_cell)], by_cell], axis=1),
        wards=wards,
        whole=whole,
        q=q,
        shared_in_time=sum(selection.shared_in_time for selection in selections),
        unplaced_in_time=sum(selection.unplaced_in_time for selection in selections),
        missing=periods.missing,
        notes=(
            *notes,
            *periods.notes,
            *_build_notes(columns, selections, spec),
            *describe_ward_cells(columns, (spec.name,)),
            *([_describe_many(by_cell, wards)] if is_one_of_many(by_cell).any() or is_one_of_many(wards).any() else []),
        ),
        known_now=periods.known_now,
        known_other=periods.known_other,
        cell_notes=tuple(filter(None, [describe_fine_cells(precision, study.resolution)])),
    )


def is_one_of_many(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows have no clear change although their own interval leaves out 1: the others decide."""
    return (rows["change"] == UNCLEAR) & ((rows["ratio_low"] > 1) | (rows["ratio_high"] < 1))


def _select_days(
    columns: Columns, event_filter: Filter, spec: LayerSpec, period: Period, known: Spans, *, time_zone: str
) -> Selection:
    """The events of the known days of a period; states that are in force at any time in the period."""
    return select_known(columns, event_filter, (period,) if spec.kind == "state" else known, time_zone=time_zone)


def _compare_wards(
    columns: Columns,
    event_filter: Filter,
    study: Study,
    periods: ComparedPeriods,
    *,
    q: float,
    spec: LayerSpec,
    time_zone: str,
) -> pd.DataFrame:
    """The comparison of each chosen ward, over the days that it knows itself."""
    rows = _build_ward_columns(study)
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=event_filter.reported_by)
    days_by_ward = [periods.find_known(coverage, code) for code in rows["ward_code"]]
    parts = []
    for days in dict.fromkeys(days_by_ward):
        part = rows[[own == days for own in days_by_ward]]
        pairs = list(zip((periods.other, periods.now), days, strict=True))
        if not all(is_known_enough(*pair) for pair in pairs):
            parts.append(_build_unknown_rows(part))
            continue
        selections = [_select_days(columns, event_filter, spec, *pair, time_zone=time_zone) for pair in pairs]
        counts = [_count_by_ward(columns, selection, part["ward_code"]) for selection in selections]
        lengths = (count_days(days[0]), count_days(days[1]))
        parts.append(_compare_counts(*counts, days=lengths, q=q).set_index(part.index))
    return pd.concat([rows, _label_changes(pd.concat(parts).sort_index(), q=q, spec=spec)], axis=1)


def _compare_counts(
    earlier: NDArray[np.float64], now: NDArray[np.float64], *, days: tuple[int, int], q: float
) -> pd.DataFrame:
    """The comparison of counts (n,) on so many known days before and now, as columns; `enough`: events to say."""
    comparison = compare_periods(earlier, now, days_before=days[0], days_now=days[1], q=q)
    return pd.DataFrame(
        {
            "now": now,
            "before": earlier,
            "difference": comparison.difference,
            "ratio": comparison.ratio,
            "ratio_low": comparison.low,
            "ratio_high": comparison.high,
            "p_value": comparison.p,
            "enough": ~comparison.too_few,
        }
    )


def _build_unknown_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a comparison that nobody can make: no numbers."""
    no_counts = np.zeros(len(rows))
    unknown = _compare_counts(no_counts, no_counts, days=(1, 1), q=0.5).set_index(rows.index)
    return unknown.assign(**dict.fromkeys(set(unknown.columns) - {"enough"}, np.nan), enough=False)


def _label_changes(frame: pd.DataFrame, *, q: float, spec: LayerSpec) -> pd.DataFrame:
    """The columns of a comparison with its q-values and words.

    The test and the exact interval may differ at the edge: where the interval includes 1, the change is not clear.
    """
    enough = frame.pop("enough").to_numpy(dtype=bool)
    known = frame["now"].notna().to_numpy()
    if spec.kind == "state":
        change = np.where(known, "", NOT_KNOWN).astype(object)
        return frame.assign(ratio_low=np.nan, ratio_high=np.nan, p_value=np.nan, q_value=np.nan, change=change)
    adjusted = np.full(len(frame), np.nan)
    adjusted[enough] = benjamini_hochberg(frame["p_value"].to_numpy()[enough])
    is_clear = enough & (np.nan_to_num(adjusted, nan=1.0) <= q)
    is_clear &= ((frame["ratio_low"] > 1) | (frame["ratio_high"] < 1)).to_numpy()
    kinds = np.where(is_clear, np.sign(frame["difference"].fillna(0.0)), 0).astype(np.int64)
    words = np.where(enough, _KINDS[kinds + 1], np.where(known, TOO_FEW, NOT_KNOWN))
    return frame.assign(q_value=adjusted, change=words.astype(object))


def _count_by_ward(columns: Columns, selection: Selection, codes: "pd.Series[str]") -> NDArray[np.float64]:
    """Counts of these wards, by the ward of each event, not of its cell."""
    sums = np.bincount(columns.ward[selection.index], weights=selection.weight, minlength=len(columns.ward_codes))
    sum_by_code = dict(zip(columns.ward_codes, sums.tolist(), strict=True))
    return np.array([sum_by_code.get(code, 0.0) for code in codes])


def _build_cell_columns(study: Study) -> pd.DataFrame:
    return pd.DataFrame({"cell": study.names, "ward_code": study.ward_codes, "ward_name": study.ward_names})


def _build_ward_columns(study: Study) -> pd.DataFrame:
    pairs = zip(study.wards.codes, study.wards.names, strict=True)
    rows = [(code, name) for code, name in pairs if not study.chosen_wards or code in study.chosen_wards]
    return pd.DataFrame(rows, columns=["ward_code", "ward_name"])


def _build_notes(columns: Columns, selections: list[Selection], spec: LayerSpec) -> list[str]:
    """The limits of the comparison."""
    notes = []
    if spec.kind == "state":
        notes.append("Closures may be in force in both periods, so differences are shown but not tested.")
    month_share = max(find_month_only_share(columns, selection.index) for selection in selections)
    if month_share:
        notes.append(
            f"Up to {format_percent(month_share)} of the {spec.many} are known only to their month. Periods within one "
            "month share them, and look more similar than they were."
        )
    return notes


def _describe_many(cells: pd.DataFrame, wards: pd.DataFrame) -> str:
    """Why places whose interval leaves out 1 have no clear change."""
    numbers = [int(is_one_of_many(rows).sum()) for rows in (cells, wards)]
    names = [("cell", "cells"), ("ward", "wards")]
    places = format_list([format_plural(count, *name) for count, name in zip(numbers, names, strict=True) if count])
    verb = "has" if sum(numbers) == 1 else "have"
    return f"{places} {verb} no clear change although the interval leaves out 1. {ONE_OF_MANY}"


def _build_empty_map(
    spec: LayerSpec, study: Study, q: float, now: Period | None, missing: str, notes: list[str]
) -> ChangeMap:
    """A map without a comparison; `missing` says why."""
    no_counts = np.zeros(0)
    empty = _label_changes(_compare_counts(no_counts, no_counts, days=(1, 1), q=q), q=q, spec=spec)
    return ChangeMap(
        spec=spec,
        now=now,
        other=None,
        cells=pd.concat([_build_cell_columns(study).iloc[:0], empty], axis=1),
        wards=pd.concat([_build_ward_columns(study).iloc[:0], empty], axis=1),
        whole=empty,
        q=q,
        shared_in_time=0,
        unplaced_in_time=0,
        missing=missing,
        notes=tuple(notes),
    )
