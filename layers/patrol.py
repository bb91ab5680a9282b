"""Patrol plans: a few short stops where most is expected, in an order that fits the shift, not to be learnt.

Stops of 10 to 16 minutes: Koper 1995, Justice Quarterly 12; tested in Sacramento by Telep, Mitchell and Weisburd 2014.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.cells import boundaries
from geo.errors import UsageError
from geo.orienteering import Break, Problem, Solved, make_tours
from geo.travel import Mode
from layers.areas import Area
from layers.catalogue import layer_named
from layers.cell_names import cell_words
from layers.columns import Columns
from layers.expected import Expected, expected_events
from layers.plans import Place, Plan, PlanKind
from layers.roads import Travel, Ways, straight_ways
from layers.touring import Visited, make_tour, short_id
from layers.wording import date_words, list_words, number_words, percent_words
from layers.working_time import WorkingTime, working_time

__all__ = ["CANDIDATES", "PatrolChoices", "make_patrol_plan"]

CANDIDATES: Final = 200
APART_S: Final = 7200  # Koper: what a visit leaves behind is gone in about two hours
AGAIN: Final = (1.0, 0.5, 0.25)
_LONG_S: Final = 6 * 3600  # longer work has a break
_BREAK_S: Final = 30 * 60
_WHOLE_PERCENT: Final = 0.1  # from here on decimals say little
_MOST_TEAMS: Final = 12
_STOP_LIMITS: Final = (5, 60)  # minutes
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class PatrolChoices:
    """What a team chooses. `weights`: (layer, weight) pairs; `hours` (from, to) local, over midnight too.

    `stop_minutes` (fewest, most) of a stop. `finish` None: the start. `wards` none: all. `seed` makes another plan of
    the same choices.
    """

    day: dt.date
    hours: tuple[int, int]
    start: Place
    weights: tuple[tuple[str, float], ...] = (("street_dealing", 1.0),)
    teams: int = 2
    stop_minutes: tuple[int, int] = (10, 16)
    mode: Mode = "walk"
    finish: Place | None = None
    wards: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = self.stop_minutes
        if not 1 <= self.teams <= _MOST_TEAMS:
            raise UsageError(
                f"A patrol has 1 to {_MOST_TEAMS} teams", f"{self.teams} were asked for", "plan more than one patrol"
            )
        if not _STOP_LIMITS[0] <= low <= high <= _STOP_LIMITS[1]:
            raise UsageError(
                f"Stops last {_STOP_LIMITS[0]} to {_STOP_LIMITS[1]} minutes, the fewest before the most",
                f"{low} to {high} was asked for",
                "10-16 is what studies found to last longest",
            )


def make_patrol_plan(
    columns: Columns,
    area: Area,
    choices: PatrolChoices,
    *,
    home: Path | None = None,
    travel: Travel | None = None,
    made_at: dt.datetime | None = None,
    progress: Progress | None = None,
) -> Plan:
    """A patrol plan for one shift. `travel` None: great circles with a detour. `progress` is told steps of three.

    UsageError for choices that make no sense, for too few records, and where nothing at all is expected.
    """
    time = working_time(choices.day, choices.hours, area.time_zone)
    _tell(progress, 0)
    expected = expected_events(columns, area, dict(choices.weights), time=time, wards=choices.wards, home=home)
    chosen = candidates(expected)
    _tell(progress, 1)
    problem, ways, places = _problem(area, expected, chosen, choices, time, travel)
    seed = crc32(f"{area.name}|{choices.day}|{choices.hours}|{choices.seed}".encode())
    solved = make_tours(problem, seed=seed, varied=True)
    _tell(progress, 2)
    ends = (choices.start, choices.finish or choices.start)
    reason = _reasons(expected, chosen)
    tours = tuple(
        make_tour(problem, route, places, ways, time=time, ends=ends, named=(team, f"Team {team}"), reason=reason)
        for team, route in enumerate(solved.routes, start=1)
    )
    visited = np.array(sorted({place for route in solved.routes for place in route.stops}), dtype=np.intp)
    return Plan(
        plan_id=short_id(PlanKind.PATROL, area.name, choices, arrays=[expected.worth, ways.seconds]),
        kind=PlanKind.PATROL,
        area=area.name,
        title=f"Patrol of {date_words(choices.day)}, {time.words}",
        made_at=made_at or dt.datetime.now(area.tz).replace(microsecond=0),
        begins=time.moment(0),
        ends=time.moment(time.seconds),
        layers=tuple(layer for layer, _ in choices.weights),
        weights=tuple(weight for _, weight in choices.weights),
        tours=tours,
        covered=float(problem.worth[visited].sum()),
        expected=float(expected.worth.sum()),
        score=solved.score,
        bound=solved.bound,
        gap=solved.gap,
        synthetic=bool(columns.demonstration.any()),
        settings=_settings(choices, expected, chosen, problem, ways),
        notes=_notes(expected, chosen[visited], solved),
    )


def candidates(expected: Expected, most: int = CANDIDATES) -> NDArray[np.intp]:
    """The cells (places in the study) with the most expected, at most so many; UsageError if nothing is expected."""
    order = np.argsort(-expected.worth, kind="stable")[:most]
    chosen: NDArray[np.intp] = np.sort(order[expected.worth[order] > 0])
    if not len(chosen):
        raise UsageError(
            "A patrol goes where events are expected",
            "none are expected in these wards and hours",
            "choose more wards, other hours or other layers",
        )
    return chosen


def _problem(
    area: Area,
    expected: Expected,
    chosen: NDArray[np.intp],
    choices: PatrolChoices,
    time: WorkingTime,
    travel: Travel | None,
) -> tuple[Problem, Ways, list[Visited]]:
    """What is to be solved, the ways between candidates, start and finish, and the candidates in words."""
    study = expected.study
    centres = shapely.centroid(boundaries(study.cells[chosen]))
    finish = choices.finish or choices.start
    lon = np.concatenate([shapely.get_x(centres), [choices.start.lon, finish.lon]])
    lat = np.concatenate([shapely.get_y(centres), [choices.start.lat, finish.lat]])
    ways = travel(lon, lat) if travel else straight_ways(lon, lat, mode=choices.mode)
    random = np.random.default_rng(crc32(f"stops|{area.name}|{choices.day}|{choices.seed}".encode()))
    low, high = choices.stop_minutes
    minutes = random.integers(low, high + 1, size=len(study))[chosen]
    problem = Problem(
        worth=expected.worth[chosen],
        stop_s=minutes * 60,
        travel_s=ways.seconds,
        limit_s=time.seconds,
        teams=choices.teams,
        again=AGAIN[: 1 + time.seconds // APART_S],
        apart_s=APART_S,
        pause=Break(_BREAK_S, time.seconds // 3, time.seconds * 2 // 3) if time.seconds > _LONG_S else None,
    )
    places = [
        Visited(
            place=cell_words(str(study.ward_names[cell]), int(study.cells[cell])),
            cell=str(study.names[cell]),
            ward_code=str(study.ward_codes[cell]),
            ward_name=str(study.ward_names[cell]),
            lon=round(float(lon[k]), 6),
            lat=round(float(lat[k]), 6),
            expected=float(expected.worth[cell]),
        )
        for k, cell in enumerate(chosen.tolist())
    ]
    return problem, ways, places


def _reasons(expected: Expected, chosen: NDArray[np.intp]) -> Callable[[int, int], str]:
    """Why a stop is made: its rank, and what is expected there of each layer."""
    rank = np.empty(len(expected.worth), dtype=np.intp)
    rank[np.argsort(-expected.worth, kind="stable")] = np.arange(1, len(expected.worth) + 1)

    def reason(place: int, _: int) -> str:
        cell = chosen[place]
        parts = [
            f"{_share_words(float(one.cells[cell] / one.cells.sum()))} of expected {layer_named(one.layer).many}"
            for one in expected.layers
            if one.cells[cell] > 0
        ]
        return f"Number {rank[cell]:,} of {len(rank):,} places: {list_words(parts)}."

    return reason


def _share_words(share: float) -> str:
    """Small shares with a decimal: 0.4 %."""
    return f"{share * 100:.1f} %" if share < _WHOLE_PERCENT else percent_words(share)


def _settings(
    choices: PatrolChoices, expected: Expected, chosen: NDArray[np.intp], problem: Problem, ways: Ways
) -> tuple[str, ...]:
    low, high = choices.stop_minutes
    again = (
        f"; a place again after {APART_S // 3600} hours or more, worth half as much" if len(problem.again) > 1 else ""
    )
    pause = f" A break of {_BREAK_S // 60} minutes near the middle." if problem.pause else ""
    among = f"Chosen among the {len(chosen):,} cells with the most expected, of {len(expected.worth):,}."
    return (
        f"{choices.teams} {'team' if choices.teams == 1 else 'teams'}; stops of {low} to {high} minutes{again}.{pause}",
        *(sentence for one in expected.layers for sentence in one.sentences),
        *ways.words,
        among,
        f"Order, lengths of stops and times are drawn anew for each day (seed {choices.seed}).",
    )


def _notes(expected: Expected, visited: NDArray[np.intp], solved: Solved) -> tuple[str, ...]:
    """What the plan covers layer by layer, how good it is for sure, and what it cannot know."""
    said = []
    for one in expected.layers:
        whole, part = float(one.cells.sum()), float(one.cells[visited].sum())
        share = percent_words(part / whole) if whole else "none"
        said.append(
            f"{layer_named(one.layer).title}: the stops are at places with {number_words(part)} of the "
            f"{number_words(whole)} expected in these hours ({share})."
        )
    if len(expected.layers) > 1:
        said.append(
            "The layers are unlike things: their sum has the weights that the team gave, and no unit of its own."
        )
    said.append(
        "Proved best: no plan of these places and hours collects more."
        if solved.gap == 0
        else f"It collects {percent_words(1 - solved.gap)} or more of the most that any plan of these choices could."
    )
    said.append(
        "Reports are where people report: what nobody reports, the plan cannot know. What was expected is no evidence "
        "against anyone who is there."
    )
    return tuple(said)


def _tell(progress: Progress | None, step: int) -> None:
    if progress:
        progress(step, 3)
