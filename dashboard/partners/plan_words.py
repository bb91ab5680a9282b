"""What the page of a plan says first, and its stops as a table."""

from dashboard.documents.plan_words import clock
from dashboard.words import html_text, list_words, number_words
from layers.catalogue import layer_named
from layers.plans.plan import Plan, PlanKind, Tour
from layers.wording import date_words, percent_words

__all__ = ["past_sentence", "plan_sentence", "sure_sentence", "tour_html"]

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


def sure_sentence(plan: Plan) -> str:
    """How good the plan is for sure."""
    if plan.gap == 0:
        return "Proved best: no plan of these places and hours collects more."
    return (
        f"It collects {percent_words(1 - plan.gap)} or more of the most that any plan of these places and hours could."
    )


def tour_html(plan: Plan, tour: Tour) -> str:
    """A team's stops as a table that says what the map shows; all text is escaped."""
    rows = "".join(
        f"<tr><th scope=row>{stop.order}</th><td>{clock(stop.arrive, plan)}</td><td>{clock(stop.leave, plan)}</td>"
        f"<td>{html_text(stop.place)}</td><td>{html_text(stop.reason)}</td></tr>"
        for stop in tour.stops
    )
    head = "".join(f"<th scope=col>{name}</th>" for name in ("Stop", "Arrive", "Leave", "Place", "Why"))
    return (
        f'<div class="hb-scroll hb-stops" tabindex="0" role="region" aria-label="Stops of {html_text(tour.team)}">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
