"""Scan statistics: the circle of places, and days, that holds more events than chance would put there.

Written from the papers: Kulldorff 1997 (space), Kulldorff, Heffernan, Hartman, Assuncao & Mostashari 2005 (space and
time by permutation), Abrams, Kulldorff & Kleinman 2010 (p-values beyond the last replicate).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.circles import Best, Circles, Expectation, find_best, find_circles, raise_maxima
from geo.errors import UsageError

__all__ = ["Cluster", "SpatialCluster", "compute_gumbel_p", "space_time_permutation", "spatial_poisson"]

_EULER: Final = 0.5772156649  # as published with the moments of Gumbel's distribution
_SAME: Final = 1e-9  # statistics nearer than this are equal: a replicate as strong as what was observed counts
_MOST_SHUFFLED: Final = 4_000_000  # days, or counts by place and window, of replicates held at once (some bytes each)
_DAYS_OF_WEEK: Final = 7

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Span = TypeVar("Span")


@dataclass(frozen=True, slots=True, eq=False)
class SpatialCluster:
    """A circle of places with more events than expected.

    `places` int64, nearest to the centre (`centre`) first, those without events included; `observed` events, `expected`
    of them, and `statistic`, the log likelihood ratio. `p_value`: (1 + replicates as strong) / (replicates + 1).
    `gumbel_p_value`: the same chance from Gumbel's distribution fitted to the replicates' maxima, which can be smaller
    than 1 / (replicates + 1); NaN where the replicates do not differ. Both are of the strongest circle anywhere, so for
    weaker clusters they are cautious.
    """

    centre: int
    places: Integers
    observed: int
    expected: float
    statistic: float
    p_value: float
    gumbel_p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Cluster(SpatialCluster):
    """A circle of places, and days, with more events than expected.

    `first_day` to `last_day`, both included, in days since 1970. `recurrence_interval_days`: days between looks /
    `p_value`, how rarely a look at noise shows as much; `gumbel_recurrence_interval_days` from `gumbel_p_value`. Both
    None in a retrospective scan. They hold for one look: looks that share days are no independent draws.
    """

    first_day: int
    last_day: int
    recurrence_interval_days: float | None
    gumbel_recurrence_interval_days: float | None


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """Events of known days: place, day from 0 on and stratum (n,), and sums by place and by day in each stratum."""

    place: Integers
    day: Integers
    stratum: Integers
    by_place: Integers  # (places, strata)
    by_day: Integers  # (days, strata)


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """Spans that end on the day `end`: each of `lengths` days, shortest first; `column` of each day back."""

    end: int
    lengths: Integers
    column: Integers


def space_time_permutation(  # noqa: PLR0913  # the contract: one argument a published setting
    place: ArrayLike,
    day: ArrayLike,
    lon: ArrayLike,
    lat: ArrayLike,
    *,
    first_day: int,
    last_day: int,
    radius_m: float = 1500.0,
    most_share: float = 0.5,
    max_days: int = 28,
    fewest_events: int = 2,
    by_weekday: bool = False,
    known_days: ArrayLike | None = None,
    prospective: bool = True,
    days_between_looks: float = 1.0,
    replications: int = 999,
    seed: int,
) -> tuple[Cluster, ...]:
    """Clusters of events in space and time, most likely first; each shares no place with a stronger one.

    One row an event: `place` int (n,), a position in `lon` and `lat` ((places,), WGS 84 degrees), and `day` int (n,),
    days since 1970 (local dates). The study period is `first_day` to `last_day`, both included. A circle has at most
    `radius_m` metres and `most_share` of all events; a span at most `max_days` days, and ends on `last_day`, or on any
    day if not `prospective`. Clusters have at least `fewest_events`.

    Expected: events of the place x events of the day / all events, summed over places and days. Busy places, busy days
    and a town that grows busier as a whole make no cluster. A place that grew busier than the rest does, for whatever
    cause: a sweep, a new reporter, a new street. `by_weekday` takes these margins within each weekday, for places with
    a week of their own; with few events the margins then hold the cluster's own events and the statistic falls.

    `known_days` bool (days of the period,): False where the records are not whole. Such days are left out: their events
    count nowhere, and they add nothing to a span that covers them, which stays a span of the calendar. None: all are
    known. Days must be known for the whole area: one known for half of it would make a cluster there.

    The null is simulated by shuffling the days over the events (within weekdays, if so adjusted). Of equal statistics
    fewer places come first, then the earlier centre. Round one centre the smaller circle comes first, then the shorter
    span, then the earlier.
    A retrospective scan takes as long as a prospective one times the days of the period.
    Raises UsageError for places or days outside their bounds, other shapes, and settings that allow no cluster.
    Sources: Kulldorff and others 2005, PLoS Medicine 2(3): e59; Abrams and others 2010 for `gumbel_p_value`.
    """
    lon, lat = _read_places(lon, lat)
    _check_settings(radius_m, most_share, fewest_events, replications)
    _check_period(first_day, last_day, max_days, days_between_looks)
    known = _read_known_days(known_days, last_day - first_day + 1)
    events = _count_events(place, day, len(lon), first_day, known, by_weekday=by_weekday)
    total = len(events.day)
    weight = events.by_place.sum(axis=1)
    circles = find_circles(lon, lat, weight, radius_m=radius_m, most_weight=most_share * total)
    ends = [last_day - first_day] if prospective else np.flatnonzero(events.by_day.any(axis=1)).tolist()
    spans = [windows for end in ends if len((windows := _list_windows(events, end, max_days)).lengths)]
    best = _find_best_of_spans(events, circles, spans, fewest_events)
    if not best:
        return ()
    maxima = np.zeros(replications)
    _simulate_permutations(maxima, events, circles.keep(weight > 0), spans, fewest_events, seed)
    look = days_between_looks if prospective else None
    return tuple(_build_cluster(cluster, windows, maxima, first_day, look) for cluster, windows in best)


def spatial_poisson(  # noqa: PLR0913  # one argument a published setting
    events: ArrayLike,
    background: ArrayLike,
    lon: ArrayLike,
    lat: ArrayLike,
    *,
    radius_m: float = 1500.0,
    most_share: float = 0.5,
    fewest_events: int = 2,
    replications: int = 999,
    seed: int,
) -> tuple[SpatialCluster, ...]:
    """Circles with more events than their share of the background, most likely first; no two share a place.

    `events` whole numbers (places,), `background` (places,) of 0 or more in any unit: people, addresses, or 1 for each
    candidate place (a place with 0 can hold no event), `lon` and `lat` (places,) in WGS 84 degrees. A circle has at
    most `radius_m` metres and `most_share` of the background. Expected: all events x share of the background. In a
    replicate all events are drawn again by the background alone (multinomial): bursts at one place make it too sure.
    Raises UsageError for other shapes, negative or broken numbers, an event without background, and settings that allow
    no cluster. Source: Kulldorff 1997, Communications in Statistics 26(6): 1481-1496.
    """
    lon, lat = _read_places(lon, lat)
    _check_settings(radius_m, most_share, fewest_events, replications)
    counts, share = _read_background(events, background, len(lon))
    total = int(counts.sum())
    if not total:
        return ()
    circles = find_circles(lon, lat, share, radius_m=radius_m, most_weight=most_share * float(share.sum()))
    expectation = Expectation(share[:, None], np.array([[float(total)]]), np.array([share.sum()]))
    best = _choose_disjoint(
        [
            (cluster, None)
            for cluster in find_best(counts[:, None], circles, expectation, total=total, fewest=fewest_events)
        ]
    )
    generator = np.random.default_rng(seed)
    maxima = np.zeros(replications)
    for part in _split(replications, len(lon)):
        drawn = generator.multinomial(total, share / share.sum(), size=len(maxima[part])).T[:, None, :]
        raise_maxima(maxima[part], drawn, circles.keep(share > 0), expectation, total=total, fewest=fewest_events)
    return tuple(SpatialCluster(*_describe(cluster, maxima)) for cluster, _ in best)


def compute_gumbel_p(statistic: float, maxima: Floats) -> float:
    """The chance of a maximum this high by Gumbel's distribution with the mean and deviation of `maxima` (replicates,).

    NaN without replicates, or if they are all the same. Far beyond the last replicate it is only an order of
    magnitude. Source: Abrams, Kulldorff & Kleinman 2010, International Journal of Health Geographics 9: 61.
    """
    if not len(maxima) or not (deviation := float(maxima.std())) > 0:
        return float("nan")
    scale = deviation * np.sqrt(6) / np.pi
    mode = float(maxima.mean()) - _EULER * scale
    return float(-np.expm1(-np.exp((mode - statistic) / scale)))


def _read_places(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """The places' positions, checked."""
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if lon.ndim != 1 or lon.shape != lat.shape or not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise UsageError(
            "A scan needs a finite longitude and latitude for each place",
            f"they have the shapes {lon.shape} and {lat.shape}, with {int((~np.isfinite(lon)).sum())} and "
            f"{int((~np.isfinite(lat)).sum())} that are not finite",
            "give two arrays of the same length, in WGS 84 degrees",
        )
    return lon, lat


def _check_settings(radius_m: float, most_share: float, fewest_events: int, replications: int) -> None:
    """Raise UsageError for settings that allow no cluster."""
    if not (radius_m >= 0 and 0 < most_share <= 1 and fewest_events >= 1 and replications >= 0):
        raise UsageError(
            "A scan needs a radius of 0 or more, a share above 0 and up to 1, 1 event or more and 0 replicates or more",
            f"they are {radius_m:g} m, {most_share:g}, {fewest_events} and {replications}",
            "use for example 1500 m, 0.5, 2 and 999",
        )


def _check_period(first_day: int, last_day: int, max_days: int, days_between_looks: float) -> None:
    """Raise UsageError for a period without days, or spans or looks of none."""
    if last_day < first_day or max_days < 1 or not days_between_looks > 0:
        raise UsageError(
            "A scan needs a period of a day or more, spans of 1 day or more and a time between looks",
            f"it is day {first_day} to {last_day}, spans have {max_days} and looks come every {days_between_looks:g}",
            "give the first and the last day in days since 1970, both included",
        )


def _read_known_days(known_days: ArrayLike | None, days: int) -> NDArray[np.bool_]:
    """Which days of the period are known, bool (days,)."""
    known = np.ones(days, dtype=bool) if known_days is None else np.asarray(known_days, dtype=bool)
    if known.shape != (days,):
        raise UsageError(
            "Known days are one True or False for each day of the period",
            f"the period has {days} days, and the array the shape {known.shape}",
            "leave them out if all days are known",
        )
    return known


def _count_events(
    place: ArrayLike, day: ArrayLike, places: int, first_day: int, known: NDArray[np.bool_], *, by_weekday: bool
) -> _Events:
    """The events of known days, with days from 0 on, and their margins."""
    place, day = np.asarray(place, dtype=np.int64), np.asarray(day, dtype=np.int64) - first_day
    if place.ndim != 1 or place.shape != day.shape:
        raise UsageError(
            "Each event needs a place and a day",
            f"they have the shapes {place.shape} and {day.shape}",
            "give two arrays of the same length, one row an event",
        )
    for what, values, size in (("places", place, places), ("days of the period", day, len(known))):
        outside = int(((values < 0) | (values >= size)).sum())
        if outside:
            raise UsageError(
                f"Each event lies on one of the {size} {what}",
                f"{outside} of {len(values)} do not",
                "leave those events out, or give more places or a longer period",
            )
    place, day = place[known[day]], day[known[day]]
    strata = _DAYS_OF_WEEK if by_weekday else 1
    stratum = (day + first_day) % strata
    by_place = np.bincount(place * strata + stratum, minlength=places * strata).reshape(places, strata)
    by_day = np.bincount(day * strata + stratum, minlength=len(known) * strata).reshape(len(known), strata)
    return _Events(place, day, stratum, by_place, by_day)


def _read_background(events: ArrayLike, background: ArrayLike, places: int) -> tuple[Integers, Floats]:
    """Counts and background by place, checked."""
    counts, share = np.asarray(events, dtype=np.float64), np.asarray(background, dtype=np.float64)
    if counts.shape != (places,) or share.shape != (places,):
        raise UsageError(
            "A scan of space needs one count and one background for each place",
            f"there are {places} places, and arrays of the shapes {counts.shape} and {share.shape}",
            "give 0 for a place without events",
        )
    broken = ~((counts >= 0) & (counts == np.floor(counts)) & (share >= 0) & np.isfinite(share) & np.isfinite(counts))
    lost = (counts > 0) & (share == 0)
    if broken.any() or lost.any():
        raise UsageError(
            "Counts are whole numbers of 0 or more, and a place with events has a background above 0",
            f"{int((broken | lost).sum())} of {places} places do not fit that",
            "leave those places out, or give them a background",
        )
    return counts.astype(np.int64), share


def _list_windows(events: _Events, end: int, max_days: int) -> _Windows:
    """The spans that end on a day. One that begins on a day without events equals a shorter one, and is left out."""
    busy = (events.by_day[max(end - max_days + 1, 0) : end + 1].sum(axis=1) > 0)[::-1]
    return _Windows(end, np.flatnonzero(busy) + 1, np.cumsum(busy) - 1)


def _build_expectation(events: _Events, windows: _Windows) -> Expectation:
    """What each circle and span would hold, from the margins of the weekdays that have events."""
    totals = events.by_day.sum(axis=0)
    back = events.by_day[windows.end - windows.lengths[-1] + 1 : windows.end + 1][::-1].cumsum(axis=0)
    busy = totals > 0
    by_window = back[windows.lengths - 1].T[busy]
    return Expectation(
        events.by_place[:, busy].astype(np.float64), by_window.astype(np.float64), totals[busy].astype(np.float64)
    )


def _count_by_window(
    place: Integers, day: Integers, replicate: NDArray[np.intp], windows: _Windows, shape: tuple[int, int]
) -> NDArray[np.unsignedinteger]:
    """Events by place, window and replicate, of those that lie in the windows. `shape`: places, replicates."""
    places, replicates = shape
    back = windows.end - day
    inside = (back >= 0) & (back < windows.lengths[-1])
    columns = len(windows.lengths)
    position = (place[inside] * columns + windows.column[back[inside]]) * replicates + replicate[inside]
    most = len(position) // max(replicates, 1)  # each replicate has as many
    counts = np.zeros(places * columns * replicates, dtype=np.min_scalar_type(most))
    np.add.at(counts, position, 1)
    running = counts.reshape(places, columns, replicates)
    for column in range(1, columns):
        running[:, column] += running[:, column - 1]
    return running


def _find_best_of_spans(
    events: _Events, circles: Circles, spans: list[_Windows], fewest: int
) -> list[tuple[Best, _Windows]]:
    """The strongest cluster round each centre over all spans, strongest first, without those that share a place."""
    strongest: dict[int, tuple[Best, _Windows]] = {}
    zeros = np.zeros(len(events.day), dtype=np.intp)
    for windows in spans:
        counts = _count_by_window(events.place, events.day, zeros, windows, (len(events.by_place), 1))[:, :, 0]
        expectation = _build_expectation(events, windows)
        for cluster in find_best(counts.astype(np.int64), circles, expectation, total=len(events.day), fewest=fewest):
            if cluster.centre not in strongest or _rank(cluster, windows) < _rank(*strongest[cluster.centre]):
                strongest[cluster.centre] = cluster, windows
    return _choose_disjoint(list(strongest.values()))


def _rank(best: Best, windows: _Windows) -> tuple[float, int, int]:
    """Lower is the better cluster round one centre: stronger, then smaller, then shorter."""
    return -best.statistic, len(best.members), int(windows.lengths[best.window])


def _choose_disjoint(clusters: list[tuple[Best, Span]]) -> list[tuple[Best, Span]]:
    """The strongest first, each only if it shares no place with a stronger one that was taken."""
    places: set[int] = set()
    disjoint = []
    for cluster, span in sorted(clusters, key=lambda pair: (-pair[0].statistic, len(pair[0].members), pair[0].centre)):
        if places.isdisjoint(cluster.members.tolist()):
            places.update(cluster.members.tolist())
            disjoint.append((cluster, span))
    return disjoint


def _split(replications: int, size: int) -> Iterator[slice]:
    """Parts of the replicates, so that each has not too many numbers, `size` for one replicate."""
    step = max(_MOST_SHUFFLED // max(size, 1), 1)
    for start in range(0, replications, step):
        yield slice(start, min(start + step, replications))


def _simulate_permutations(
    maxima: Floats, events: _Events, circles: Circles, spans: list[_Windows], fewest: int, seed: int
) -> None:
    """Raise `maxima` to the strongest statistic of each replicate: days shuffled over the events of a stratum."""
    generator = np.random.default_rng(seed)
    strata = [np.flatnonzero(events.stratum == stratum) for stratum in np.unique(events.stratum)]
    places, total = len(events.by_place), len(events.day)
    widest = max(len(windows.lengths) for windows in spans)
    expectations = [_build_expectation(events, windows) for windows in spans]
    for part in _split(len(maxima), max(total, places * widest // 8)):
        day = np.empty((len(maxima[part]), total), dtype=np.int64)
        for members in strata:
            day[:, members] = generator.permuted(np.tile(events.day[members], (len(day), 1)), axis=1)
        for windows, expectation in zip(spans, expectations, strict=True):
            replicate, event = np.nonzero((day <= windows.end) & (day > windows.end - windows.lengths[-1]))
            shape = (places, len(day))
            counts = _count_by_window(events.place[event], day[replicate, event], replicate, windows, shape)
            raise_maxima(maxima[part], counts, circles, expectation, total=total, fewest=fewest)


def _describe(best: Best, maxima: Floats) -> tuple[int, Integers, int, float, float, float, float]:
    """The fields of a cluster in space."""
    p_value = (1 + int((maxima >= best.statistic - _SAME).sum())) / (len(maxima) + 1)
    gumbel = compute_gumbel_p(best.statistic, maxima)
    return best.centre, best.members.copy(), best.observed, best.expected, best.statistic, p_value, gumbel


def _build_cluster(
    best: Best, windows: _Windows, maxima: Floats, first_day: int, days_between_looks: float | None
) -> Cluster:
    """A cluster with its days, from the columns of its windows."""
    fields = _describe(best, maxima)
    last_day = first_day + windows.end
    intervals = [None if days_between_looks is None else days_between_looks / p for p in fields[-2:]]
    return Cluster(*fields, last_day - int(windows.lengths[best.window]) + 1, last_day, *intervals)
