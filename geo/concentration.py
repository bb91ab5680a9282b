"""Hotspots by concentration: places that hold steadily more events than their surroundings.

Each candidate place, and each patch of a place with those that touch it, is compared with the nearest candidate places
around it by an exact test that carries the variance of bursts (`geo.bursts`). Places and patches share one control of
false discoveries (`geo.discrete_control`). A find has to be steady, so that one burst is none. bench/honesty.md
compares this rule with others.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from geo.bursts import count_tails
from geo.discrete_control import DiscreteNull, adjust_discrete, find_threshold
from geo.hotspots import benjamini_hochberg
from geo.surroundings import FEWEST_AROUND, Surroundings

__all__ = ["Concentration", "Timing", "find_concentrations", "find_lower_times", "find_members"]

_FEWEST_TIMES: Final = 3  # different days (or months)
_LEAST_IN_HALF: Final = 0.2  # of a find's events, in the quieter half of the period
_FEWEST_CARRIED: Final = 2  # events of a place that carries a patch, if any has so many
_SHORTEST_HALVED: Final = 4  # days (or months); less has no halves
_CARRIED_P: Final = 0.05  # of a place that carries a patch: else one full place, and chance, make its neighbours hot
_WEIGHTS: Final = (1.25, 0.75)  # of places and patches in the control of false discoveries
_WEIGHTS_SMALL: Final = (0.5, 1.5)  # where places are small, and single ones hold few events
_SMALL_M2: Final = 50_000.0
_TREND_A_KM2: Final = 0.3  # a town may bend so much towards its middle: a window of so many km2 is no hotspot by that
_MOST_TREND: Final = 1.5
_MOST_ROUNDS: Final = 12
_TAIL: Final = 0.05

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """Events: their `place` and `time`, int64 (events,), positions among places and `times` days (or months)."""

    place: NDArray[np.int64]
    time: NDArray[np.int64]
    times: int


@dataclass(frozen=True, slots=True, eq=False)
class Concentration:
    """The result for each of m places. `kind` int8: 1 hotspot, -1 cold spot, 0 neither.

    `p` and `q` are one-sided, of the side to which the place leans. `total` events lie in the tested window (the place,
    or the patch that made it hot), `size` places; `expected` is what as many places of its surroundings hold. `patch`
    intp: the middle of the patch that made it hot, -1 where the place by itself did. `owner` intp: the middle of the
    patch whose window holds the place, hot itself or not, -1 for none. `around`: the number of places in its
    surroundings. `unsteady`: it is sure and full enough, but not steady. `dispersion`: variance over mean of the
    counts, by bursts, of places and of patches.
    """

    kind: NDArray[np.int8]
    p: Floats
    q: Floats
    total: Floats
    expected: Floats
    size: Floats
    patch: NDArray[np.intp]
    owner: NDArray[np.intp]
    around: Floats
    unsteady: Bools
    dispersion: tuple[float, float]

    @property
    def times(self) -> Floats:
        """How many times its surroundings each window holds; infinite where these hold nothing, NaN for 0 of 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.total / self.expected


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """One test of every place, or of every patch, against what is left around it.

    `tests`: of those that are tested, how many events lie in them and around, and the share that is usual inside.
    """

    total: Floats
    expected: Floats
    size: Floats
    around: Floats
    above: Floats
    below: Floats
    tests: tuple[Floats, Floats]


@dataclass(slots=True, eq=False)
class _Search:
    """What was found so far, round by round: (m,) each, and what windows passed."""

    counts: Floats
    surroundings: Surroundings
    timing: Timing | None
    level: float
    ratio: float
    dispersion: tuple[float, float]
    gone: Bools = field(init=False)
    passed: tuple[Bools, Bools] = field(init=False)
    nulls: tuple[DiscreteNull, ...] = ()  # what chance passes, of the first round: later ones hardly differ
    result: Concentration = field(init=False)

    def __post_init__(self) -> None:
        size = len(self.counts)
        self.gone = np.zeros(size, dtype=np.bool_)
        self.passed = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
        self.result = Concentration(
            kind=np.zeros(size, dtype=np.int8),
            p=np.ones(size),
            q=np.ones(size),
            total=self.counts.copy(),
            expected=np.zeros(size),
            size=np.ones(size),
            patch=np.full(size, -1),
            owner=np.full(size, -1),
            around=np.zeros(size),
            unsteady=np.zeros(size, dtype=np.bool_),
            dispersion=self.dispersion,
        )


def find_concentrations(
    counts: Floats,
    surroundings: Surroundings,
    timing: Timing | None = None,
    *,
    q: float = 0.05,
    ratio: float = 2.0,
    dispersion: tuple[float, float] = (1.0, 1.0),
) -> Concentration:
    """Hot and cold places of counts (m,), at false discovery rate `q`, each side by itself.

    A hotspot holds at least `ratio` times its surroundings, with q at most `q`. With `timing` it is also steady: events
    on three different days or more, and in both halves of the period more than half of what the surroundings have and a
    fifth of its own. Without, nothing is known of days. `dispersion`: variance over mean of counts (geo.bursts).
    Found windows, surest first, leave the surroundings, and all are tested again. Of a found patch those places are hot
    that hold two events and `ratio` times the rate of the surroundings, with p of their own at most 0.05, else its
    fullest one. A town bends towards its middle: windows of 0.1 km2 are tested against 1.03 times their surroundings,
    those of 0.7 km2 against 1.25 times. A cold spot holds at most 1 / `ratio` of its surroundings. Fractions of events
    are rounded down inside, and exact around. Misleads: dense recording is not risk.

    ValueError for counts that are negative or not finite.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise ValueError("counts have to be finite and not negative")
    search = _Search(counts, surroundings, timing, q, ratio, dispersion)
    for _ in range(_MOST_ROUNDS):
        if not _search_hot(search):
            break
    _search_cold(search)
    return search.result


def _test(search: _Search, *, patch: bool, cold: bool = False) -> _Windows:
    """Each place (or patch) without what was found, against its surroundings without what was found.

    Surroundings count as fuller by the trend, so that no bend of the town is hot; `cold`: as emptier.
    """
    keep = (~search.gone).astype(np.float64)
    counts = search.counts * keep
    around, events = search.surroundings.sum_around(keep, counts, patch=patch)
    patches = search.surroundings.patches
    total, size = (patches @ counts, patches @ keep) if patch else (counts, keep)
    rate = np.divide(events, around, out=np.zeros(len(counts)), where=around > 0)
    usual = size * _find_trend(search.surroundings, size) ** (-1 if cold else 1)
    share = np.where(size > 0, usual / np.maximum(usual + around, 1), 0.5)
    inside = np.floor(total + 1e-9)
    above, below = count_tails(inside, events, share, dispersion=search.dispersion[patch])
    untested = (size == 0) | (around < FEWEST_AROUND)
    return _Windows(
        total,
        rate * size,
        size,
        around,
        np.where(untested, 1.0, above),
        np.where(untested, 1.0, below),
        ((inside + events)[~untested], share[~untested]),
    )


def _find_trend(surroundings: Surroundings, size: Floats) -> Floats:
    """How many times its surroundings a window of `size` places may hold because the town bends there."""
    return np.minimum(np.exp(_TREND_A_KM2 * size * surroundings.place_m2 / 1e6), _MOST_TREND)


def _search_hot(search: _Search) -> bool:
    """Test all, mark what is hot, take it out of the surroundings; False when nothing new was found."""
    windows = _test(search, patch=False), _test(search, patch=True)
    # What passed before keeps its place in the control, as surer than all, and has to pass again by what is left of it.
    weights = _choose_weights(search)
    p = [np.where(old, 0.0, new.above) for old, new in zip(search.passed, windows, strict=True)]
    if not search.nulls:
        search.nulls = tuple(
            DiscreteNull.of_counts(*window.tests, dispersion=spread, weight=weight)
            for window, spread, weight in zip(windows, search.dispersion, weights, strict=True)
        )
    weighted = _weigh(p, weights)
    counted = _find_separate(search.surroundings, weighted.reshape(2, -1))
    adjusted = adjust_discrete(weighted, search.nulls, counted=counted).reshape(2, -1)
    adjusted[np.stack(p) >= 1] = 1.0  # what could not be tested, too
    limit = _find_limit(search, _weigh([window.above for window in windows], weights), adjusted.ravel(), counted)
    _keep_plain_results(search, windows[0], adjusted[0])
    cells, patches = (
        _find_passing(search, window, weights[patch] * limit, patch=bool(patch)) for patch, window in enumerate(windows)
    )
    if cells.any():
        _mark(search, windows[0], adjusted[0], np.flatnonzero(cells), np.full(int(cells.sum()), -1))
        search.gone |= cells
        search.passed = search.passed[0] | cells, search.passed[1]
        return True
    return _mark_patches(search, windows, adjusted[1], patches)


def _find_separate(surroundings: Surroundings, weighted: Floats) -> Bools:
    """Which windows are finds of their own (2m,), by their weighted p (2, m): places, and patches surer than theirs.

    One full place makes seven full patches. If each of them made room for more finds, chance would fill it.
    """
    patches = surroundings.patches
    surest = np.minimum.reduceat(weighted[0][patches.indices], patches.indptr[:-1])
    return np.concatenate([np.ones(len(surest), dtype=np.bool_), weighted[1] < surest])


def _find_limit(search: _Search, weighted: Floats, adjusted: Floats, counted: Bools) -> float:
    """The highest weighted p (2m,) that passes the control with as many finds as `adjusted` has; 0 if it has none."""
    is_find = adjusted <= search.level
    if not is_find.any():
        return 0.0
    return find_threshold(weighted, search.nulls, allowed=search.level * max(int((is_find & counted).sum()), 1))


def _weigh(p: list[Floats], weights: tuple[float, float]) -> Floats:
    """P of places and of patches over their weights, in one row (Genovese, Roeder and Wasserman 2006)."""
    return np.concatenate([values / weight for values, weight in zip(p, weights, strict=True)])


def _choose_weights(search: _Search) -> tuple[float, float]:
    """The weights of places and of patches in the control."""
    return _WEIGHTS_SMALL if search.surroundings.place_m2 < _SMALL_M2 else _WEIGHTS


def _find_passing(search: _Search, window: _Windows, limit: float, *, patch: bool) -> Bools:
    """The windows that are sure (p up to the limit of the control), full enough and steady."""
    passing = (window.above <= limit) & (window.total >= search.ratio * window.expected) & (window.total > 0)
    if not patch:
        passing &= ~search.gone
    if search.timing and passing.any():
        numbers = np.flatnonzero(passing)
        steady = _are_steady(search, search.timing, numbers, window, patch=patch)
        passing[numbers] = steady
        if not patch:
            search.result.unsteady[numbers] = ~steady
    return passing


def _are_steady(search: _Search, timing: Timing, numbers: NDArray[np.intp], window: _Windows, *, patch: bool) -> Bools:
    """Whether each of these windows (k,) has its events on enough days, in both halves of the period."""
    patches = search.surroundings.patches
    order = np.argsort(timing.place, kind="stable")
    place, time = timing.place[order], timing.time[order]
    steady = np.ones(len(numbers), dtype=np.bool_)
    for position, number in enumerate(numbers.tolist()):
        members = patches.indices[patches.indptr[number] : patches.indptr[number + 1]] if patch else [number]
        times = [
            time[np.searchsorted(place, member) : np.searchsorted(place, member, side="right")]
            for member in members
            if not search.gone[member]
        ]
        steady[position] = _is_steady(np.concatenate(times), timing.times, float(window.expected[number]))
    return steady


def _is_steady(time: NDArray[np.int64], times: int, expected: float) -> bool:
    if len(np.unique(time)) < min(_FEWEST_TIMES, times):
        return False
    if times < _SHORTEST_HALVED:
        return True
    early = int((time < times // 2).sum())
    quieter = min(early, len(time) - early)
    return quieter >= max(1.0, _LEAST_IN_HALF * len(time)) and quieter > expected / 2


def _keep_plain_results(search: _Search, window: _Windows, q: Floats) -> None:
    """The numbers of the places that are not found: those of their own test in the last round that had them.

    A place that left with its patch, and is not hot itself, has nothing around it any more: it keeps what it had then.
    """
    rest = (search.result.kind == 0) & ~search.gone
    result = search.result
    for column, values in (
        (result.p, window.above),
        (result.q, q),
        (result.expected, window.expected),
        (result.around, window.around),
    ):
        column[rest] = values[rest]


def _mark(search: _Search, window: _Windows, q: Floats, places: NDArray[np.intp], middles: NDArray[np.intp]) -> None:
    """Call places (k,) hot, with the numbers of their own window, or of the patch round a middle (-1: their own)."""
    source = np.where(middles < 0, places, middles)
    result = search.result
    result.kind[places] = 1
    result.patch[places] = middles
    result.p[places], result.q[places] = window.above[source], np.minimum(q[source], search.level)
    result.total[places], result.size[places] = window.total[source], window.size[source]
    result.expected[places], result.around[places] = window.expected[source], window.around[source]
    result.unsteady[places] = False


def _mark_patches(search: _Search, windows: tuple[_Windows, _Windows], q: Floats, passing: Bools) -> bool:
    """Call the full places of passing patches hot, the surest patch first; those that overlap a surer one are its."""
    alone, window = windows
    patches = search.surroundings.patches
    numbers = np.flatnonzero(passing)
    numbers = numbers[np.lexsort((-window.total[numbers], window.above[numbers]))]
    taken = np.zeros(len(passing), dtype=np.bool_)
    for number in numbers.tolist():
        members = patches.indices[patches.indptr[number] : patches.indptr[number + 1]]
        members = members[~search.gone[members]]
        if taken[members].any():
            continue
        taken[members] = True
        search.result.owner[members] = number
        rate = window.expected[number] / window.size[number]
        is_full = search.counts[members] >= max(search.ratio * rate, _FEWEST_CARRIED)
        full = members[is_full & (alone.above[members] <= _CARRIED_P)]
        if not len(full):
            full = members[[int(np.argmax(search.counts[members]))]]
        _mark(search, window, q, full, np.full(len(full), number))
    search.gone |= taken
    search.passed = search.passed[0], search.passed[1] | passing
    return bool(taken.any())


def _search_cold(search: _Search) -> None:
    """Call places cold that hold clearly fewer than their surroundings, alone or together; none that is hot."""
    windows = _test(search, patch=False, cold=True), _test(search, patch=True, cold=True)
    weighted = np.minimum(_weigh([window.below for window in windows], _choose_weights(search)), 1.0)
    adjusted = benjamini_hochberg(weighted).reshape(2, -1)
    result, rest = search.result, search.result.kind == 0
    leans_cold = rest & (windows[0].below < windows[0].above)
    for column, values in ((result.p, windows[0].below), (result.q, adjusted[0])):
        column[leans_cold] = values[leans_cold]
    patches = search.surroundings.patches
    for patch, window in enumerate(windows):
        cold = (adjusted[patch] <= search.level) & (window.total * search.ratio <= window.expected)
        for number in np.flatnonzero(cold)[np.argsort(window.below[cold], kind="stable")].tolist():
            members = (
                patches.indices[patches.indptr[number] : patches.indptr[number + 1]] if patch else np.array([number])
            )
            free = members[result.kind[members] == 0]
            if patch and len(free) < len(members):
                continue
            result.kind[free] = -1
            result.patch[free] = result.owner[free] = number if patch else -1
            result.p[free], result.q[free] = window.below[number], adjusted[patch][number]
            result.total[free], result.size[free] = window.total[number], window.size[number]
            result.expected[free], result.around[free] = window.expected[number], window.around[number]


def find_members(result: Concentration, surroundings: Surroundings, place: int) -> NDArray[np.intp]:
    """The places of the window that gave a place its numbers: itself, or those of its patch that were left then."""
    middle = int(result.patch[place])
    if middle < 0:
        return np.array([place])
    patches = surroundings.patches
    members = patches.indices[patches.indptr[middle] : patches.indptr[middle + 1]]
    return np.asarray(members[result.owner[members] == middle])


def find_lower_times(result: Concentration) -> Floats:
    """The lower bound of `times` (one-sided 95 %), (m,), from the exact interval of a share (Clopper and Pearson 1934).

    Counts are divided by their dispersion, so that bursts widen it. 0 where nothing lies inside.
    """
    dispersion = np.where(result.patch >= 0, result.dispersion[1], result.dispersion[0])
    inside = result.total / dispersion
    outside = result.expected / result.size * result.around / dispersion
    share = special.betaincinv(np.maximum(inside, 1e-12), outside + 1, _TAIL)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = share / (1 - share) * result.around / result.size
    return np.where((inside > 0) & (result.around > 0), lower, 0.0)
