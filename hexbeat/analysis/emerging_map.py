"""Emerging hotspots: the pattern of each cell over the bins of a period, with each pattern's definition."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.emerging_hotspots import (
    DEFINITIONS,
    Emerging,
    Pattern,
    Trend,
    find_emerging_concentrations,
    find_emerging_hotspots,
)
from hexbeat.analysis.concentration_map import find_candidates, load_surroundings, measure_dispersion
from hexbeat.analysis.study import Study, restrict_filter, sum_by_cell
from layers.columns import Columns
from layers.counting import select
from layers.coverage import subtract_spans
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import (
    FEWEST_BINS,
    Bins,
    choose_bins,
    clip_period,
    find_month_only_share,
    get_coverage,
    require_one_layer,
)
from layers.precision import describe_fine_cells, measure_chosen_precision

__all__ = ["PATTERN_DEFINITIONS", "EmergingMap", "build_emerging_map"]

_COLD: Final = " cold"


def _describe_pattern(pattern: Pattern) -> str:
    """The definition of a pattern; those of cold spots mirror those of hotspots."""
    if pattern in DEFINITIONS:
        return DEFINITIONS[pattern]
    hot = DEFINITIONS[Pattern(pattern.removesuffix(_COLD))]
    swaps = (("hotspot", "\0"), ("cold spot", "hotspot"), ("\0", "cold spot"), ("less hot", "less cold"))
    for old, new in (*swaps, ("hotter", "colder"), ("and hot in", "and cold in")):
        hot = hot.replace(old, new)
    return hot


PATTERN_DEFINITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {str(pattern): _describe_pattern(pattern) for pattern in Pattern}
)


@dataclass(frozen=True, slots=True, eq=False)
class EmergingMap:
    """`rows` has a row for each of the study's n cells, in its order; no rows if the period has fewer than four bins.

    Its columns: cell, ward_code, ward_name, pattern and definition (PATTERN_DEFINITIONS), count (in the bins), hot_bins
    and cold_bins (how many), trend_z and trend_p (Mann and Kendall's test of z, two-sided). `counts`, `z` and `kind`
    (bins, n) are those of each bin. `bins` is None if there were too few. `notes` say what was chosen and left out.
    """

    spec: LayerSpec
    rows: pd.DataFrame
    bins: Bins | None
    counts: NDArray[np.float64]
    z: NDArray[np.float64]
    kind: NDArray[np.int8]
    q: float
    notes: tuple[str, ...]


def build_emerging_map(
    columns: Columns,
    event_filter: Filter,
    study: Study,
    *,
    q: float = 0.05,
    method: Literal["concentration", "gi"] = "concentration",
    time_zone: str = "Europe/London",
) -> EmergingMap:
    """The pattern of each cell over the known part of the filter's period, in bins of weeks, four weeks or months.

    The last bin ends with the last known day, so it is never unfinished. UsageError unless the filter has one layer and
    the study's wards.
    """
    spec = require_one_layer(event_filter, "A map of emerging hotspots")
    event_filter = restrict_filter(study, event_filter)
    period, notes = clip_period(columns, event_filter, time_zone=time_zone)
    precision = measure_chosen_precision(columns, event_filter, time_zone=time_zone)
    notes += filter(None, [describe_fine_cells(precision, study.resolution)])
    bins = None
    if period is not None:
        selection = select(columns, replace(event_filter, start=period[0], end=period[1]), time_zone=time_zone)
        bins = choose_bins(period, month_only=find_month_only_share(columns, selection.index))
        if bins and spec.kind == "incident":
            bins, unknown_notes = _keep_known_bins(columns, event_filter, spec, bins, time_zone)
            notes = [*notes, *unknown_notes]
    if bins is None:
        note = f"A pattern over time needs at least {FEWEST_BINS} weeks (months, if only the month is known)."
        no_values: NDArray[np.float64] = np.zeros((0, len(study)))
        return EmergingMap(
            spec, _build_rows(study).iloc[:0], None, no_values, no_values, no_values.astype(np.int8), q, (*notes, note)
        )
    counts = np.array(
        [
            sum_by_cell(
                columns, select(columns, replace(event_filter, start=start, end=end), time_zone=time_zone), study
            )[0]
            for start, end in bins.periods
        ]
    )
    result = (
        find_emerging_hotspots(counts, study.neighbours, q=q)
        if method == "gi"
        else _find_concentrations(columns, event_filter, study, spec, counts, bins, q=q, time_zone=time_zone)
    )
    patterns = [str(pattern) for pattern in result.pattern]
    rows = _build_rows(study).assign(
        pattern=patterns,
        definition=[PATTERN_DEFINITIONS[pattern] for pattern in patterns],
        count=counts.sum(axis=0),
        hot_bins=(result.kind == 1).sum(axis=0),
        cold_bins=(result.kind == -1).sum(axis=0),
        trend_z=result.trend.z,
        trend_p=result.trend.p,
    )
    return EmergingMap(spec, rows, bins, counts, result.z, result.kind, q, (*notes, bins.description))


def _find_concentrations(
    columns: Columns,
    event_filter: Filter,
    study: Study,
    spec: LayerSpec,
    counts: NDArray[np.float64],
    bins: Bins,
    *,
    q: float,
    time_zone: str,
) -> Emerging:
    """The patterns by concentration: candidate cells are tested, the others have z 0 and too few events to say."""
    candidates = find_candidates(columns, study, spec)
    places = np.flatnonzero(candidates)
    if not len(places):
        return find_emerging_hotspots(counts, study.neighbours, q=q)
    dispersion = measure_dispersion(columns, event_filter, study, spec, bins.periods, time_zone=time_zone)
    result = find_emerging_concentrations(
        counts[:, places], load_surroundings(study, candidates.tobytes()), dispersion, q=q
    )
    patterns = np.full(len(study), Pattern.TOO_FEW, dtype=object)
    patterns[places] = result.pattern

    def spread(values: NDArray[Any], rest: float) -> NDArray[Any]:
        whole = np.full((*values.shape[:-1], len(study)), rest, dtype=values.dtype)
        whole[..., places] = values
        return whole

    trend = Trend(spread(result.trend.z, 0.0), spread(result.trend.p, 1.0))
    return Emerging(patterns.tolist(), spread(result.z, 0.0), spread(result.kind, 0), trend)


def _keep_known_bins(
    columns: Columns, event_filter: Filter, spec: LayerSpec, bins: Bins, time_zone: str
) -> tuple[Bins | None, list[str]]:
    """The bins whose days are all known from the newest sources, and a note on the others; None if too few are left."""
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=event_filter.reported_by)
    whole = (bins.periods[0][0], bins.periods[-1][1])
    like_last = coverage.find_known_like_last(spec.name, whole, wards=event_filter.wards)
    known = tuple(period for period in bins.periods if not subtract_spans((period,), like_last))
    left_out = len(bins.periods) - len(known)
    if not left_out:
        return bins, []
    reason = "not all of their days are known"
    if subtract_spans(coverage.find_known_in(spec.name, whole, wards=event_filter.wards), like_last):
        reason += ", or other sources cover them than the newest days"
    note = f"{left_out} of {len(bins.periods)} bins are left out: {reason}."
    return (replace(bins, periods=known) if len(known) >= FEWEST_BINS else None), [note]


def _build_rows(study: Study) -> pd.DataFrame:
    columns = {"cell": study.names, "ward_code": study.ward_codes, "ward_name": study.ward_names}
    return pd.DataFrame(columns).assign(
        pattern="", definition="", count=0.0, hot_bins=0, cold_bins=0, trend_z=0.0, trend_p=1.0
    )
