"""What the page of a plan says first, and its stops as a table."""

import pandas as pd

from dashboard.documents.plan_words import clock
from dashboard.words import list_words, number_words
from layers.catalogue import layer_named
from layers.plans import Plan, PlanKind
from layers.wording import date_words, percent_words

__all__ = ["past_sentence", "plan_sentence", "stops_table"]

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


def plan_sentence(plan: Plan) -> str:
    """Who stops how often, and what share of what is expected that covers."""
    counts = [len(tour.stops) for tour in plan.tours]
    if not sum(counts):
        return "Nothing fits: no place can be reached, visited and left within these hours."
    what = ("team", "teams") if plan.kind is PlanKind.PATROL else ("crew", "crews")
    number = _SMALL_NUMBERS[len(counts)] if len(counts) < len(_SMALL_NUMBERS) else str(len(counts))
    stops = f"{counts[0]} stops each" if len(set(counts)) == 1 else f"{sum(counts)} stops in all"
    stops = "1 stop" if counts == [1] else f"{counts[0]} stops" if len(counts) == 1 else stops
    covers = "covers" if len(counts) == 1 else "cover"
    share = percent_words(plan.covered / plan.expected) if plan.expected > 0 else "none"
    return f"{number} {what[len(counts) > 1]}, {stops}, {covers} {share} of {_expected_words(plan)}."


def _expected_words(plan: Plan) -> str:
    if plan.kind is PlanKind.SWEEP:
        return "the needles thought to lie at the places that a sweep may go to"
    names = [layer_named(layer).many for layer in plan.layers]
    weighed = ", weighed as chosen," if len(names) > 1 else ""
    day = f"on {date_words(plan.begins.date())}, {plan.begins:%H:%M} to {plan.ends:%H:%M}"
    return f"the {list_words(names)}{weighed} expected {day}"


def past_sentence(plan: Plan) -> str:
    """What such plans would have caught in past weeks, beside the usual way of choosing; "" where that is not known."""
    if not plan.past:
        return ""
    parts = [
        f"{label}: {number_words(pai)} times chance ({number_words(low)} to {number_words(high)})"
        for label, pai, low, high in plan.past
    ]
    return "In past weeks. " + "; ".join(parts) + "."


def stops_table(plan: Plan, team: str) -> pd.DataFrame:
    """A team's stops: number, times, minutes, place and reason."""
    tour = next(one for one in plan.tours if one.team == team)
    rows = [
        {
            "Stop": stop.order,
            "Arrive": clock(stop.arrive, plan),
            "Leave": clock(stop.leave, plan),
            "Minutes": stop.minutes,
            "Place": stop.place,
            "Why": stop.reason,
        }
        for stop in tour.stops
    ]
    return pd.DataFrame(rows, columns=["Stop", "Arrive", "Leave", "Minutes", "Place", "Why"])
