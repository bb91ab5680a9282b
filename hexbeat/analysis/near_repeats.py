"""Near repeats: for how long, and how far around, the risk is raised after an event of a layer."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.errors import UsageError
from geo.hotspots import benjamini_hochberg
from geo.knox import NearRepeats, knox_test
from hexbeat.analysis.daily_counts import find_known_days
from hexbeat.analysis.study import Study, project, restrict_filter, select_known
from layers.columns import Columns
from layers.encounters import OFFICERS_NOTE, are_searches, describe_encounters, find_encounters, name_records
from layers.filters import Filter
from layers.layer_spec import LayerSpec
from layers.periods import Period, clip_period, get_coverage, require_one_layer
from layers.precision import LocationPrecision, describe_places, describe_precision, measure_precision
from layers.wording import format_number, format_percent, format_span

__all__ = ["DAYS", "DISTANCES_M", "MOST_PAIRS", "RepeatTable", "build_near_repeats"]

DISTANCES_M: Final = (0.0, 1.0, 100.0, 200.0, 300.0, 400.0)  # the first band holds the same place
DAYS: Final = (0.0, 2.0, 7.0, 14.0, 28.0)
MOST_PAIRS: Final = 400_000  # within the last distance; about ten seconds of shuffling
_QUICK_PAIRS: Final = 100_000
_SHUFFLES, _FEWER_SHUFFLES = 999, 499  # 499 still reach a p of 1 in 500, which 20 bands need
_FEWEST_EVENTS: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class RepeatTable:
    """Pairs of events by their distance in space and time, compared with shuffled times.

    `rows`: a row for each band: from_m, to_m, from_days, to_days (half-open; days between local dates), observed
    pairs, expected, ratio, p_value (one-sided, Monte-Carlo), q_value (after false-discovery control over the bands)
    and raised (q at most the level). `raised_m` and `raised_days`: how far and how long bands without a gap are raised;
    None if none is. `sentence` says so. `events` were tested, `left_out` were not; `merged` records tell of the same
    encounter as another (`layers.encounters`). `searches`: all events are searches by officers.
    """

    spec: LayerSpec
    rows: pd.DataFrame
    events: int
    left_out: int
    period: Period | None
    shuffles: int
    raised_m: float | None
    raised_days: float | None
    sentence: str
    notes: tuple[str, ...]
    merged: int = 0
    searches: bool = False


def build_near_repeats(
    columns: Columns,
    event_filter: Filter,
    study: Study,
    *,
    q: float = 0.05,
    seed: int = 1,
    each_event: bool = False,
    time_zone: str = "Europe/London",
) -> RepeatTable:
    """The Knox test of one layer's events whose day is known, on the known days of the filter's period, in its wards.

    An encounter counts once (`layers.encounters`), with `each_event` each record. Events that sweeps found are left out
    unless the filter asks for them: a sweep finds many at once. Keep the period short: a place that grew busy over a
    year looks like repeats. UsageError for several layers, fewer than 20 events, or so many that shuffling them would
    take long; PolicyError for a layer whose points the viewer does not see.
    """
    spec = require_one_layer(event_filter, "A test of near repeats", incidents=True)
    columns.require_points(spec.name)
    event_filter = restrict_filter(study, event_filter)
    period, notes = clip_period(columns, event_filter, time_zone=time_zone)
    index = _select_known_days(columns, event_filter, spec, period, time_zone)
    known_days = find_known_days(columns, spec.name, time_zone=time_zone, sweeps="sweep" in event_filter.reported_by)
    dated = known_days.index[np.isin(known_days.index, index)]
    events = dated if each_event else find_encounters(columns, dated, time_zone=time_zone).index
    day = known_days.day[np.searchsorted(known_days.index, events)].astype(np.float64)
    if len(events) < _FEWEST_EVENTS:
        missing = describe_missing_days(columns, event_filter, spec, period, time_zone)
        raise _refuse_few(spec, len(events), len(index) - len(dated), missing)
    x_m, y_m = project(study.crs, columns.lon[events], columns.lat[events])
    shuffles = _choose_shuffles(np.column_stack([x_m, y_m]))
    table = knox_test(x_m, y_m, day, distances_m=DISTANCES_M, days=DAYS, shuffles=shuffles, seed=seed)
    rows = _build_rows(table, q)
    raised_m, raised_days = _find_raised(rows)
    searches = are_searches(columns, events, spec)
    names = name_records(spec, searches=searches)
    precision = measure_precision(columns, spec.name, time_zone=time_zone, index=events)
    is_snapped = precision.snapped and precision.stated  # else they may be true repeats at one place
    left_out = len(index) - len(dated)
    return RepeatTable(
        spec=spec,
        rows=rows,
        events=len(events),
        left_out=left_out,
        period=period,
        shuffles=shuffles,
        raised_m=raised_m,
        raised_days=raised_days,
        sentence=_describe_repeats(names, rows, raised_m, raised_days, snapped=is_snapped),
        notes=(
            *notes,
            *_build_notes(names, len(events), left_out, period, shuffles),
            *describe_encounters(len(dated) - len(events)),
            *_describe_distances(precision),
            *([OFFICERS_NOTE] if searches else []),
        ),
        merged=len(dated) - len(events),
        searches=searches,
    )


def describe_missing_days(
    columns: Columns, event_filter: Filter, spec: LayerSpec, period: Period | None, time_zone: str
) -> str | None:
    """The days that are not known of the asked period, or of `period` where none was asked; None if all are known."""
    start, end = event_filter.start or (period and period[0]), event_filter.end or (period and period[1])
    if not start or not end:
        return None if period else "the days that you ask for are not known"
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=event_filter.reported_by)
    return coverage.describe_missing(spec.name, (start, end), wards=event_filter.wards)


def _refuse_few(spec: LayerSpec, events: int, without_day: int, missing: str | None) -> UsageError:
    """Why there are too few events to test: no day is known of them, days are not known, or there are few."""
    rule = f"The test of near repeats needs {_FEWEST_EVENTS} events or more whose day is known"
    if without_day and not events:
        return UsageError(
            rule, f"these records of {spec.many} are known only to the month", "choose records that have days"
        )
    if missing:
        known_events = f", and the known days hold {events}" if events else ""
        return UsageError(rule, f"{missing}{known_events}", "choose known days: see `hexbeat coverage`")
    return UsageError(rule, f"there are {events}", "choose a longer period, or more wards")


def _select_known_days(
    columns: Columns, event_filter: Filter, spec: LayerSpec, period: Period | None, time_zone: str
) -> NDArray[np.int64]:
    """The chosen events of the known days of a period, int64 (n,)."""
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=event_filter.reported_by)
    known = coverage.find_known_in(spec.name, period, wards=event_filter.wards) if period else ()
    return select_known(columns, replace(event_filter, measure="events"), known, time_zone=time_zone).index


def _choose_shuffles(places: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> int:
    """How many shuffles the number of near pairs allows; UsageError if there are too many pairs."""
    tree = cKDTree(places)
    pairs = (int(tree.count_neighbors(tree, DISTANCES_M[-1])) - len(places)) // 2
    if pairs > MOST_PAIRS:
        raise UsageError(
            f"The test of near repeats takes at most {MOST_PAIRS:,} pairs of events within {DISTANCES_M[-1]:.0f} m",
            f"there are {pairs:,} pairs",
            "choose a shorter period, or fewer wards",
        )
    return _SHUFFLES if pairs <= _QUICK_PAIRS else _FEWER_SHUFFLES


def _build_rows(table: NearRepeats, q: float) -> pd.DataFrame:
    far, long = len(table.distances_m) - 1, len(table.days) - 1
    adjusted = benjamini_hochberg(table.p.ravel())
    return pd.DataFrame(
        {
            "from_m": np.repeat(table.distances_m[:-1], long),
            "to_m": np.repeat(table.distances_m[1:], long),
            "from_days": np.tile(table.days[:-1], far),
            "to_days": np.tile(table.days[1:], far),
            "observed": table.observed.ravel(),
            "expected": table.expected.ravel(),
            "ratio": table.ratio.ravel(),
            "p_value": table.p.ravel(),
            "q_value": adjusted,
            "raised": adjusted <= q,
        }
    )


def _find_raised(rows: pd.DataFrame) -> tuple[float | None, float | None]:
    """How far pairs of the first days are raised, and how long pairs of the nearest such distance; without a gap."""
    raised = rows.pivot_table(index="to_m", columns="to_days", values="raised", aggfunc="first").to_numpy(dtype=bool)
    raised_bands = np.flatnonzero(raised[:, 0])
    if not len(raised_bands):
        return None, None
    nearest = int(raised_bands[0])
    farthest = nearest + int(np.cumprod(raised[nearest:, 0]).sum()) - 1
    longest = int(np.cumprod(raised[nearest]).sum()) - 1
    return DISTANCES_M[farthest + 1], DAYS[longest + 1]


def _describe_repeats(
    spec: LayerSpec, rows: pd.DataFrame, raised_m: float | None, raised_days: float | None, *, snapped: bool
) -> str:
    if raised_m is None or raised_days is None:
        addition = " Some later or wider bands are raised: see the table." if rows["raised"].any() else ""
        return (
            f"No clear sign of near repeats. In the first {DAYS[1]:.0f} days {spec.many} are not clearly closer than "
            f"on shuffled days. That does not mean that there are none.{addition}"
        )
    first_bands = rows[(rows["to_m"] <= raised_m) & (rows["to_days"] == DAYS[1]) & rows["raised"]]
    expected = float(first_bands["expected"].sum())
    factor = format_number(float(first_bands["observed"].sum()) / expected) if expected else "many"
    article = "an" if spec.one[0] in "aeiou" else "a"
    same = "at the same point" if snapped else "at the same place"
    place = same if raised_m <= DISTANCES_M[1] else f"within {raised_m:.0f} m"
    return (
        f"After {article} {spec.one}, another {place} in the first {DAYS[1]:.0f} days is {factor} times as frequent as "
        f"by chance. The risk stays raised for up to {raised_days:.0f} days."
    )


def _describe_distances(precision: LocationPrecision) -> list[str]:
    """What the distances are of where the places are not exact."""
    if not describe_precision(precision):
        return []
    between = "between these points, not between the true places" if precision.snapped else "not exact"
    return [f"{describe_places(precision)}, so distances are {between}."]


def _build_notes(spec: LayerSpec, events: int, left_out: int, period: Period | None, shuffles: int) -> list[str]:
    when = f" of {format_span(*period)}" if period else ""
    notes = [f"Based on {events:,} {spec.many}{when}. Their days were shuffled {shuffles} times."]
    if left_out:
        share = format_percent(left_out / (events + left_out))
        notes.append(f"{left_out:,} more ({share}) are left out: their day is not known, or sweeps found them.")
    return notes
