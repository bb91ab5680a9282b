"""What changed: a period against the one before it, or the same dates a year before, by cell, by ward and in total."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.change import compare_periods
from hexbeat.analysis.study import Study, restrict_filter, sum_by_cell
from layers.columns import Columns
from layers.counting import Selection, select
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import (
    Period,
    clip_period,
    find_known_period,
    find_month_only_share,
    find_period_before,
    find_year_before,
    require_one_layer,
)
from layers.wording import format_date, format_percent, format_span

__all__ = ["AGAINST", "FALL", "RISE", "TOO_FEW", "UNCLEAR", "Against", "ChangeMap", "build_change_map"]

Against = Literal["before", "year_before"]
AGAINST: Final[tuple[Against, ...]] = ("before", "year_before")
RISE: Final = "rise"
FALL: Final = "fall"
UNCLEAR: Final = "no clear change"
TOO_FEW: Final = "too few events to say"
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

    For states p, q and the interval are NaN and change is "": the same order may be in force in both periods.
    `missing` says why there is nothing to compare with; the frames are then empty.
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


def build_change_map(
    columns: Columns,
    chosen: Filter,
    study: Study,
    *,
    against: Against = "before",
    q: float = 0.05,
    time_zone: str = "Europe/London",
) -> ChangeMap:
    """Compare the filter's period with the one "before" of the same length, or the same dates a "year_before".

    The current period ends with the records, so that days that are not loaded yet do not look like a fall. Counts are
    taken as Poisson: where one person or household causes many events, p is too small. UsageError unless the filter has
    one layer and the study's wards.
    """
    spec = require_one_layer(chosen, "A map of change")
    chosen = restrict_filter(study, chosen)
    now, notes = clip_period(columns, chosen, time_zone=time_zone)
    known_period = find_known_period(columns, spec.name, time_zone=time_zone)
    if now is None or known_period is None:
        return _build_empty_map(spec, study, q, None, notes[-1], [])
    other = find_period_before(now) if against == "before" else find_year_before(now)
    if other[0] < known_period[0]:
        missing = (
            f"There is nothing to compare with. The records begin on {format_date(known_period[0])}, and the "
            f"comparison needs those of {format_span(*other)}."
        )
        return _build_empty_map(spec, study, q, now, missing, notes)
    selections = [
        select(columns, replace(chosen, start=start, end=end), time_zone=time_zone) for start, end in (other, now)
    ]
    days = [(end - start).days for start, end in (other, now)]
    cells = [_count_by_cell(columns, selection, study) for selection in selections]
    wards = [_count_by_ward(columns, selection, study) for selection in selections]
    totals = [np.array([float(selection.weight.sum())]) for selection in selections]
    comparisons = [_compare_counts(*pair, days=days, q=q, spec=spec) for pair in (cells, wards, totals)]
    return ChangeMap(
        spec=spec,
        now=now,
        other=other,
        cells=pd.concat([_build_cell_columns(study), comparisons[0]], axis=1),
        wards=pd.concat([_build_ward_columns(study), comparisons[1]], axis=1),
        whole=comparisons[2],
        q=q,
        shared_in_time=sum(selection.shared_in_time for selection in selections),
        unplaced_in_time=sum(selection.unplaced_in_time for selection in selections),
        missing=None,
        notes=(*notes, *_build_notes(columns, selections, spec)),
    )


def _compare_counts(
    earlier: NDArray[np.float64], now: NDArray[np.float64], *, days: list[int], q: float, spec: LayerSpec
) -> pd.DataFrame:
    """The comparison of counts (n,) as columns."""
    comparison = compare_periods(earlier, now, days_before=days[0], days_now=days[1], q=q)
    # The test and the exact interval may differ at the edge: where the interval includes 1, the change is not clear.
    is_clear = (comparison.low > 1) | (comparison.high < 1)
    labels = np.where(comparison.too_few, TOO_FEW, _KINDS[np.where(is_clear, comparison.kind, 0) + 1])
    frame = pd.DataFrame(
        {"now": now, "before": earlier, "difference": comparison.difference, "ratio": comparison.ratio}
    )
    if spec.kind == "state":
        return frame.assign(ratio_low=np.nan, ratio_high=np.nan, p_value=np.nan, q_value=np.nan, change="")
    return frame.assign(
        ratio_low=comparison.low,
        ratio_high=comparison.high,
        p_value=comparison.p,
        q_value=comparison.q,
        change=labels.astype(object),
    )


def _count_by_cell(columns: Columns, selection: Selection, study: Study) -> NDArray[np.float64]:
    return sum_by_cell(columns, selection, study)[0]


def _count_by_ward(columns: Columns, selection: Selection, study: Study) -> NDArray[np.float64]:
    """Counts of the chosen wards, by the ward of each event, not of its cell."""
    sums = np.bincount(columns.ward[selection.index], weights=selection.weight, minlength=len(columns.ward_codes))
    sum_by_code = dict(zip(columns.ward_codes, sums.tolist(), strict=True))
    return np.array([sum_by_code.get(code, 0.0) for code in _build_ward_columns(study)["ward_code"]])


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


def _build_empty_map(
    spec: LayerSpec, study: Study, q: float, now: Period | None, missing: str, notes: list[str]
) -> ChangeMap:
    """A map without a comparison; `missing` says why."""
    no_counts = np.zeros(0)
    empty = _compare_counts(no_counts, no_counts, days=[1, 1], q=q, spec=spec)
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
