"""What the page of a plan says of past weeks, and its stops as a table."""

from dashboard.documents.plan_words import find_pauses, format_clock
from dashboard.words import escape_html, format_number
from layers.plans.plan import Plan, Tour
from layers.wording import format_percent

__all__ = ["describe_past", "render_tour"]


def describe_past(plan: Plan) -> str:
    """What such plans would have caught in past weeks, beside the usual way of choosing; "" where that is not known.

    The shares come first: of two ways the one that visits less may have the higher multiple of chance and catch less.
    """
    if not plan.past:
        return ""
    rates = [
        f"{format_number(pai)} times chance, {format_number(low)} to {format_number(high)}"
        for _, pai, low, high in plan.past
    ]
    if not plan.past_shares:  # a plan of before, which did not keep them
        return f"In past weeks: {'; '.join(f'{row[0]} {rate}' for row, rate in zip(plan.past, rates, strict=True))}."
    parts = [
        f"{label[:1].lower()}{label[1:]}{',' if ',' in label else ''} held {format_percent(share)} of events "
        f"in {area * 100:.2f} % of the area ({rate})"
        for (label, *_), (share, area), rate in zip(plan.past, plan.past_shares, rates, strict=True)
    ]
    return f"In past weeks {'; '.join(parts)}."


def render_tour(plan: Plan, tour: Tour) -> str:
    """A team's stops as a table that says what the map shows; all text is escaped."""
    rows = _render_pauses(plan, tour, 0)
    for stop in tour.stops:
        rows += (
            f"<tr><th scope=row>{stop.order}</th><td>{format_clock(stop.arrive, plan)}</td><td>{format_clock(stop.leave, plan)}</td>"
            f"<td>{escape_html(stop.place)}</td><td>{escape_html(stop.reason)}</td></tr>"
        ) + _render_pauses(plan, tour, stop.order)
    head = "".join(f"<th scope=col>{name}</th>" for name in ("Stop", "Arrive", "Leave", "Place", "Why"))
    return (
        f'<div class="hb-scroll hb-stops" tabindex="0" role="region" aria-label="Stops of {escape_html(tour.team)}">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _render_pauses(plan: Plan, tour: Tour, order: int) -> str:
    """The break, and other time that is free, between a stop and the next."""
    return "".join(
        f"<tr><td></td><td>{format_clock(pause.begins, plan)}</td><td>{format_clock(pause.ends, plan)}</td>"
        f"<td>{'Break' if pause.kind == 'break' else 'Free'}</td><td></td></tr>"
        for pause in find_pauses(tour, order)
    )
