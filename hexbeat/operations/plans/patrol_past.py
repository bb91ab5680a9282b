"""Back-test of a patrol: what such plans would have held in past weeks, each planned from the weeks before it.

They are compared with the usual method: the top cells by last month's count.
"""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.orienteering import Problem
from geo.tour_search import search_tours
from hexbeat.analysis.daily_counts import FEWEST_HISTORY_WEEKS
from hexbeat.analysis.forecast_methods import LAST_WEEKS, build_needed_kernel, forecast
from hexbeat.operations.plans.expected_events import ExpectedEvents, LayerForecast
from hexbeat.operations.plans.patrol_problem import PatrolChoices, build_patrol_problem, choose_candidates
from hexbeat.operations.plans.plan import PastRow, PlanPast, explain_past, format_part, format_until
from hexbeat.operations.plans.working_time import WorkingTime
from layers.wording import format_number, format_percent

__all__ = ["PAST_WEEKS", "PastWeeks", "backtest_patrol", "replay_weeks"]

PAST_WEEKS: Final = 8
_ROUNDS: Final = 12  # of the search in each past week: a little less than a plan has
_RESAMPLES: Final = 2000
_SEED: Final = 1
PLAN_LABEL: Final = "Plans made like this one"
USUAL_LABEL: Final = "The top cells by last month's count, in map order"


@dataclass(frozen=True, slots=True, eq=False)
class PastWeeks:
    """By week (weeks,): weighted events, those at the stops, and the share of the area that the stops cover.

    `caught` and `area` are of the plans, `usual` and `usual_area` of the usual method. Of `snapped` records the area is
    the share of their points. `until`: the last days of the last week, one for each layer that ends on another.
    """

    events: NDArray[np.float64]
    caught: NDArray[np.float64]
    usual: NDArray[np.float64]
    area: NDArray[np.float64]
    usual_area: NDArray[np.float64]
    snapped: bool = False
    until: tuple[dt.date, ...] = ()

    def rows(self) -> tuple[tuple[str, float, float, float], ...]:
        """(label, PAI, low, high): 95 % intervals from resampled weeks; no row for a method that visited nothing."""
        return tuple((label, *bootstrap_ratio(caught, self.events * area)) for label, caught, area in self._ways())

    def summarise(self) -> PlanPast:
        """What a plan stores: `rows`, each with its share of all events and its mean share of the area; and `held`."""
        shares = [(float(caught.sum() / self.events.sum()), float(area.mean())) for _, caught, area in self._ways()]
        rows = tuple(PastRow(*row, *share) for row, share in zip(self.rows(), shares, strict=True))
        share_held = self.held()
        whole = "the points" if self.snapped else "the area"
        return PlanPast(rows, share_held, len(self.events) if share_held else 0, whole, self.until)

    def _ways(self) -> tuple[tuple[str, NDArray[np.float64], NDArray[np.float64]], ...]:
        """The label, events and area of each method that visited something while there were events."""
        methods = ((PLAN_LABEL, self.caught, self.area), (USUAL_LABEL, self.usual, self.usual_area))
        return tuple(method for method in methods if (self.events * method[2]).any())

    def lead(self) -> tuple[float, float, float]:
        """By what share of all events the plans lead the usual method, with its 95 % interval."""
        return bootstrap_ratio(self.caught - self.usual, self.events)

    def held(self) -> tuple[float, float, float] | None:
        """The share of all events that lay at the plans' stops, with its 95 % interval; None without events."""
        return bootstrap_ratio(self.caught, self.events) if self.events.any() else None

    def sentences(self) -> tuple[str, ...]:
        """How much of all events each method held, and how the figures were made; none without events."""
        if not self.events.sum():
            return ()
        plan_share, usual_share = (
            format_percent(float(part.sum() / self.events.sum())) for part in (self.caught, self.usual)
        )
        comparison = (
            f"In the last {len(self.events)} weeks{format_until(self.until)} the stops of such plans held {plan_share} "
            f"of the events. The top cells by last month's count, in map order, held {usual_share}. That is "
            f"{self._describe_lead()}."
        )
        explanation = (
            "Each week was planned from the weeks before it, with less search, and tested on all its events. Intervals "
            "come from resampled weeks."
        )
        return (comparison, *self._describe_areas(), explanation)

    def _describe_lead(self) -> str:
        """The interval of the lead as it is printed, and whether it is more than chance."""
        low, high = (round(end * 100, 1) + 0.0 for end in self.lead()[1:])
        if low > 0:
            return f"a lead of {format_number(low)} to {format_number(high)} in 100 events, more than chance"
        if high < 0:
            return f"{format_number(-high)} to {format_number(-low)} in 100 events fewer, more than chance"
        return f"a difference of {format_number(low)} to {format_number(high)} in 100 events, which may be chance"

    def _describe_areas(self) -> tuple[str, ...]:
        """What each method held for the area that it visited, because visiting more holds more."""
        rows = self.rows()
        if len(rows) < 2:  # noqa: PLR2004 - both ways
            return ()
        own, usual = (format_part(float(area.mean())) for area in (self.area, self.usual_area))
        (_, pai, *_), (_, usual_pai, *_) = rows
        whole = "points of the records" if self.snapped else "area"
        plans = (
            f"The plans visited {own} of the {whole} and held {format_number(pai)} times as much as chance would there."
        )
        top = f"The top cells visited {usual} and held {format_number(usual_pai)} times as much."
        meaning = explain_past(self.summarise().rows, "the points" if self.snapped else "the area")
        return (" ".join([plans, top, *meaning]),)


def backtest_patrol(
    expected: ExpectedEvents, choices: PatrolChoices, time: WorkingTime, stop_s: NDArray[np.int64]
) -> PastWeeks | None:
    """The back-test of the last PAST_WEEKS weeks; None if fewer weeks with enough history are known."""
    weeks = min(len(layer.weeks) for layer in expected.layers)
    if weeks < PAST_WEEKS + FEWEST_HISTORY_WEEKS:
        return None
    return replay_weeks(expected, choices, time, stop_s, weeks=PAST_WEEKS)


def replay_weeks(
    expected: ExpectedEvents,
    choices: PatrolChoices,
    time: WorkingTime,
    stop_s: NDArray[np.int64],
    *,
    weeks: int,
    rounds: int = _ROUNDS,
) -> PastWeeks:
    """Rolling origin: for each of the last weeks a patrol of these choices is planned from the weeks before it.

    Both methods have the same teams, hours and stops, and travel by great circles. They are scored on all events of
    the week whose day is known, at any hour: the hours change the forecast by the same factor in all cells.
    """
    study = expected.study
    counts = np.concatenate([layer.weeks for layer in expected.layers])
    kernel = build_needed_kernel((layer.method for layer in expected.layers), study, counts)
    share = expected.size / expected.size.sum()
    scale = [layer.weight * layer.week_share for layer in expected.layers]
    table = np.zeros((5, weeks))
    for week in range(weeks):
        weeks_back = weeks - week
        history = [layer.weeks[: len(layer.weeks) - weeks_back] for layer in expected.layers]
        events = np.sum([s * layer.weeks[-weeks_back] for s, layer in zip(scale, expected.layers, strict=True)], axis=0)
        worth = np.sum(
            [
                s * np.maximum(forecast(layer.method, past, study, kernel, ages=_measure_ages(layer, weeks_back)), 0.0)
                for s, layer, past in zip(scale, expected.layers, history, strict=True)
            ],
            axis=0,
        )
        worth = np.where(expected.size > 0, worth, 0.0)  # no record can lie where there is no point
        recent = np.sum([s * past[-LAST_WEEKS:].sum(axis=0) for s, past in zip(scale, history, strict=True)], axis=0)
        planned = _replay_plan(expected, choices, time, stop_s, worth, seed=week, rounds=rounds)
        usual = _choose_usual(expected, choices, time, stop_s, recent)
        table[:, week] = (
            events.sum(),
            events[planned].sum(),
            events[usual].sum(),
            share[planned].sum(),
            share[usual].sum(),
        )
    until = sorted({layer.weeks_until for layer in expected.layers if layer.weeks_until})
    return replace(PastWeeks(*table), snapped=expected.snapped, until=tuple(until))


def _measure_ages(layer: LayerForecast, weeks_back: int) -> NDArray[np.float64]:
    """How many weeks before the tested week each earlier one is, float64: weeks that are not known are not there."""
    tested_week = len(layer.number) - weeks_back
    return np.asarray(layer.number[tested_week] - layer.number[:tested_week], dtype=np.float64)


def _replay_plan(
    expected: ExpectedEvents,
    choices: PatrolChoices,
    time: WorkingTime,
    stop_s: NDArray[np.int64],
    worth: NDArray[np.float64],
    *,
    seed: int,
    rounds: int,
) -> NDArray[np.intp]:
    """The cells that a plan would have visited."""
    if not (worth > 0).any():
        return np.zeros(0, dtype=np.intp)
    candidates = choose_candidates(worth)
    problem, _ = build_patrol_problem(expected, candidates, choices, time, stop_s, None, worth)
    visited = sorted({place for tour in search_tours(problem, seed=seed, rounds=rounds) for place in tour})
    return candidates[np.array(visited, dtype=np.intp)]


def _choose_usual(
    expected: ExpectedEvents,
    choices: PatrolChoices,
    time: WorkingTime,
    stop_s: NDArray[np.int64],
    recent: NDArray[np.float64],
) -> NDArray[np.intp]:
    """The top cells by last month's count that teams can visit in map order, from west to east, within the hours.

    A cell that does not fit is skipped for the next, as people would do while there is time.
    """
    if not (recent > 0).any():
        return np.zeros(0, dtype=np.intp)
    candidates = choose_candidates(recent)
    rank = np.argsort(-recent[candidates], kind="stable")
    unlimited = replace(choices, walk_minutes=None)  # a rule of the plans, not of the usual method
    problem, _ = build_patrol_problem(expected, candidates, unlimited, time, stop_s, None, recent)
    east = np.argsort(expected.study.x_m[candidates], kind="stable")
    cells: list[int] = []
    most = len(rank) if choices.most_stops is None else choices.teams * choices.most_stops
    for cell in rank.tolist():
        if len(cells) == most:
            break
        if recent[candidates[cell]] > 0 and _fits(problem, east[np.isin(east, [*cells, cell])]):
            cells.append(cell)
    return candidates[np.array(cells, dtype=np.intp)]


def _fits(problem: Problem, order: NDArray[np.intp]) -> bool:
    """Whether teams can visit places in this order, each an equal run of them, and be back within hours and break."""
    n = len(problem)
    limit = problem.limit_s - (problem.pause.length_s if problem.pause else 0)
    for run in np.array_split(order, problem.teams):
        path = np.concatenate([[n], run, [n + 1]])
        if int(problem.travel_s[path[:-1], path[1:]].sum() + problem.stop_s[run].sum()) > limit:
            return False
    return True


def bootstrap_ratio(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> tuple[float, float, float]:
    """The ratio of sums and its 95 % interval over resampled weeks (percentile bootstrap, seeded).

    All three are NaN if `bottom` is 0.
    """
    if not bottom.any():
        return float("nan"), float("nan"), float("nan")
    draws = np.random.default_rng(_SEED).multinomial(len(top), np.full(len(top), 1 / len(top)), size=_RESAMPLES)
    below = draws @ bottom
    ratios = (draws @ top)[below > 0] / below[below > 0]
    low, high = np.quantile(ratios, (0.025, 0.975)).tolist()
    return float(top.sum() / bottom.sum()), low, high
