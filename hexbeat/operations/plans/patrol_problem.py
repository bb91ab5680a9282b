"""A patrol as a tour problem: which cells may be visited, how long stops last, and what a team may choose."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.orienteering import Break, Problem
from geo.travel import Mode
from hexbeat.areas.area import Area
from hexbeat.operations.plans.expected_events import ExpectedEvents
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_settings import REVISIT_MINUTES, require_revisit
from hexbeat.operations.plans.roads import Travel, TravelTable, measure_straight_travel
from hexbeat.operations.plans.working_time import WorkingTime
from layers.catalogue import list_usual_targets

__all__ = [
    "BREAK_S",
    "CANDIDATES",
    "MOST_STOPS",
    "USUAL_STOPS",
    "PatrolChoices",
    "build_patrol_problem",
    "choose_candidates",
    "choose_stop_seconds",
]

CANDIDATES: Final = 200
BREAK_S: Final = 30 * 60
_VISIT_WORTH: Final = (1.0, 0.5, 0.25)
_LONG_S: Final = 6 * 3600  # longer work has a break
USUAL_STOPS: Final = 6  # of a team: few places, visited well
MOST_STOPS: Final = 60
_MOST_TEAMS: Final = 12
_STOP_LIMITS: Final = (5, 60)  # minutes


@dataclass(frozen=True, slots=True)
class PatrolChoices:
    """What a team chooses. `weights`: (layer, weight) pairs; `hours` (from, to) local, over midnight too.

    `stop_minutes` (fewest, most) of a stop, `revisit_minutes` (fewest, most) between two visits of a place. `start`
    None: each team begins at its first stop. `finish` None: where it started. `wards` empty: all. Another `seed` makes
    another plan of the same choices. `most_stops` of a team (None: as many as fit); its stops are then spread over the
    hours. `quick`: less search, no back-test of methods that is not stored yet, and no figures of past weeks.
    `walk_minutes`: the longest way on foot from a stop to the next (None: no limit); by car there is none.
    """

    day: dt.date
    hours: tuple[float, float]
    start: Place | None
    weights: tuple[tuple[str, float], ...] = field(
        default_factory=lambda: tuple((name, 1.0) for name in list_usual_targets())
    )
    teams: int = 2
    stop_minutes: tuple[int, int] = (10, 16)
    revisit_minutes: tuple[int, int] = REVISIT_MINUTES
    mode: Mode = "walk"
    finish: Place | None = None
    wards: tuple[str, ...] = ()
    seed: int = 0
    quick: bool = False
    most_stops: int | None = field(default=None, repr=False)  # the code of a plan is made of the others, and its stops
    walk_minutes: int | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        low, high = self.stop_minutes
        if not 1 <= self.teams <= _MOST_TEAMS:
            raise UsageError(
                f"A patrol has 1 to {_MOST_TEAMS} teams", f"you asked for {self.teams}", "plan more than one patrol"
            )
        if not _STOP_LIMITS[0] <= low <= high <= _STOP_LIMITS[1]:
            raise UsageError(
                f"Stops last {_STOP_LIMITS[0]} to {_STOP_LIMITS[1]} minutes, the shorter first",
                f"you asked for {low} to {high}",
                "studies found that the effect of 10 to 16 minutes lasts longest",
            )
        require_revisit(self.revisit_minutes)
        if self.most_stops is not None and not 1 <= self.most_stops <= MOST_STOPS:
            raise UsageError(
                f"A team makes 1 to {MOST_STOPS} stops", f"you asked for {self.most_stops}", f"{USUAL_STOPS} is usual"
            )


def choose_candidates(worth: NDArray[np.float64], most: int = CANDIDATES) -> NDArray[np.intp]:
    """The `most` cells with the highest worth (positions in the study, in its order); UsageError if all are 0."""
    order = np.argsort(-worth, kind="stable")[:most]
    candidates: NDArray[np.intp] = np.sort(order[worth[order] > 0])
    if not len(candidates):
        raise UsageError(
            "A patrol goes where events are expected",
            "none are expected in these wards and hours",
            "choose more wards, other hours or other layers",
        )
    return candidates


def choose_stop_seconds(area: Area, expected: ExpectedEvents, choices: PatrolChoices) -> NDArray[np.int64]:
    """How long a stop at each cell of the study lasts, int64 (n,) in whole minutes: drawn again for each day."""
    random = np.random.default_rng(crc32(f"stops|{area.name}|{choices.day}|{choices.seed}".encode()))
    low, high = choices.stop_minutes
    return random.integers(low, high + 1, size=len(expected.study)) * 60


def build_patrol_problem(
    expected: ExpectedEvents,
    candidates: NDArray[np.intp],
    choices: PatrolChoices,
    time: WorkingTime,
    stop_s: NDArray[np.int64],
    travel: Travel | None,
    worth: NDArray[np.float64] | None = None,
) -> tuple[Problem, TravelTable]:
    """The problem over the candidate cells, and the travel between them, the start and the finish.

    `stop_s` and `worth` are of every cell of the study; `worth` None: the forecast. `travel` None: great circles. From
    a start or to a finish that nobody chose the way takes no time.
    """
    finish = choices.finish or choices.start
    anywhere = (expected.lon[0], expected.lat[0])
    ends = [(place.lon, place.lat) if place else anywhere for place in (choices.start, finish)]
    lon, lat = np.concatenate([np.column_stack([expected.lon[candidates], expected.lat[candidates]]), ends]).T
    travel_table = travel(lon, lat) if travel else measure_straight_travel(lon, lat, mode=choices.mode)
    for place, end in ((choices.start, len(candidates)), (finish, len(candidates) + 1)):
        if place is None:
            travel_table = travel_table.without_way(end)
    least, most = (minutes * 60 for minutes in choices.revisit_minutes)
    shortest = choices.stop_minutes[0] * 60
    problem = Problem(
        worth=(expected.worth if worth is None else worth)[candidates],
        stop_s=stop_s[candidates],
        travel_s=_leave_out_long_walks(travel_table.seconds, choices, time),
        limit_s=time.seconds,
        teams=choices.teams,
        # No more visits fit into the hours.
        visit_shares=_VISIT_WORTH[: 1 + max(time.seconds - shortest, 0) // (least + shortest)],
        least_gap_s=least,
        most_gap_s=most,
        pause=Break(BREAK_S, time.seconds // 3, time.seconds * 2 // 3) if time.seconds > _LONG_S else None,
        most_stops=choices.most_stops,
    )
    return problem, travel_table


def _leave_out_long_walks(travel_s: NDArray[np.int64], choices: PatrolChoices, time: WorkingTime) -> NDArray[np.int64]:
    """The travel times, with ways on foot between two stops that are too long made longer than the hours."""
    if choices.mode != "walk" or choices.walk_minutes is None:
        return travel_s
    limited_s, between = travel_s.copy(), slice(0, -2)  # ways from the start and to the finish may be long
    ways = limited_s[between, between]
    ways[ways > choices.walk_minutes * 60] = time.seconds + 1
    return limited_s
