"""What every telling of a plan says first: what such plans held in past weeks, what is forecast, how near the best.

The forecast share is of what a method expects and is seldom kept; the share of past weeks is what came.
"""

import math

from layers.catalogue import find_layer
from layers.plans.plan import Plan, PlanKind
from layers.wording import format_date, format_list, format_number, format_percent

__all__ = ["describe_optimality", "describe_share", "headline"]

_SMALL_NUMBERS = (
    "No",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
)
_NEARLY = 0.99  # from here on a decimal tells how near


def headline(plan: Plan) -> str:
    """Who stops how often, and what share of what comes that holds: as of past weeks, and as forecast."""
    counts = [len(tour.stops) for tour in plan.tours]
    if not sum(counts):
        return "Nothing fits: no place can be reached, visited and left within these hours."
    what = ("team", "teams") if plan.kind is PlanKind.PATROL else ("crew", "crews")
    number = _SMALL_NUMBERS[len(counts)] if len(counts) < len(_SMALL_NUMBERS) else str(len(counts))
    stops = f"{counts[0]} stops each" if len(set(counts)) == 1 else f"{sum(counts)} stops in all"
    stops = "1 stop" if counts == [1] else f"{counts[0]} stops" if len(counts) == 1 else stops
    return f"{number} {what[len(counts) > 1]}, {stops}. {describe_share(plan)}"


def describe_share(plan: Plan) -> str:
    """The back-tested share with its interval, then the forecast's; says so where the past could not be judged."""
    if plan.kind is PlanKind.SWEEP:
        return _describe_sweep(plan)
    names = [find_layer(layer).many for layer in plan.layers]
    things = f"{format_list(names)}{' (weighed as chosen)' if len(names) > 1 else ''}"
    when = f"{format_date(plan.begins.date())}, {plan.begins:%H:%M} to {plan.ends:%H:%M}"
    if plan.expected <= 0:
        return f"No {things} are forecast for {when}."
    forecast = f"{format_percent(plan.covered / plan.expected)} ({_format_of_all(plan)})"
    if plan.held is None:
        return (
            f"How much such plans held in past weeks could not be judged. The forecast for {when} is that {forecast} "
            f"of the {things} in the {_describe_where(plan)} come at the stops{_describe_whose(plan)}: it is no promise."
        )
    return (
        f"In the last {plan.held_weeks} weeks the stops of such plans held {_format_interval(plan.held)} of all "
        f"{things} in the {_describe_where(plan)}, at any hour. The forecast for the stops{_describe_whose(plan)} in these hours "
        f"({when}) is {forecast}: it is no promise."
    )


def describe_optimality(plan: Plan) -> str:
    """How near the plan is to the best that its choices allow, and of what kind the bound is that says so."""
    if plan.gap == 0:
        return "Proved best: no plan of these places and hours collects more."
    part = _format_floor(1 - plan.gap)
    if plan.proved:
        return f"It collects {part} of the proved best of these places and hours: the price of tours that vary."
    return (
        f"It collects {part} or more of the most that any plan of these places and hours could, by a calculated bound "
        "that no plan need reach."
    )


def _describe_sweep(plan: Plan) -> str:
    what = "needles thought to lie at the places that a sweep may go to"
    if plan.expected <= 0:
        return f"There are no {what}."
    share = format_percent(plan.covered / plan.expected)
    return (
        f"By finds of late {share} of the {what} are at the stops{_describe_whose(plan)} ({_format_of_all(plan)}): it is no promise, "
        "as how much such sweeps held in past weeks is not judged."
    )


def _describe_where(plan: Plan) -> str:
    """Of which ground the shares are; a plan of before does not know whether its wards were chosen."""
    if plan.wards is None:
        return "wards of the plan"
    return "chosen ward" if len(plan.wards) == 1 else "chosen wards" if plan.wards else "area"


def _describe_whose(plan: Plan) -> str:
    """That the share is of all teams, where there are several and each may read its own page."""
    what = "teams" if plan.kind is PlanKind.PATROL else "crews"
    return "" if len(plan.tours) == 1 else f" of the {len(plan.tours)} {what} together"


def _format_of_all(plan: Plan) -> str:
    return f"{format_number(plan.covered)} of {format_number(plan.expected)}"


def _format_interval(held: tuple[float, float, float]) -> str:
    """As in "11 % (95 % interval 8 to 14 %)"."""
    share, low, high = map(format_percent, held)
    return f"{share} (95 % interval {low.removesuffix(' %')} to {high})"


def _format_floor(share: float) -> str:
    """A share rounded down, so that what is not all is never 100 %."""
    if share < _NEARLY:
        return f"{math.floor(share * 100)} %"
    return f"{math.floor(share * 1000) / 10:.1f} %"
