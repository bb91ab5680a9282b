"""What the page of a plan says of past weeks, and its stops as a table."""

from dashboard.documents.plan_words import clock, pauses_after
from dashboard.words import html_text, number_words
from layers.plans.plan import Plan, Tour
from layers.wording import percent_words

__all__ = ["past_sentence", "tour_html"]


def past_sentence(plan: Plan) -> str:
    """What such plans would have caught in past weeks, beside the usual way of choosing; "" where that is not known.

    The shares come first: of two ways the one that visits less may have the higher multiple of chance and catch less.
    """
    if not plan.past:
        return ""
    rates = [
        f"{number_words(pai)} times chance, {number_words(low)} to {number_words(high)}"
        for _, pai, low, high in plan.past
    ]
    if not plan.past_shares:  # a plan of before, which did not keep them
        return f"In past weeks: {'; '.join(f'{row[0]} {rate}' for row, rate in zip(plan.past, rates, strict=True))}."
    parts = [
        f"{label[:1].lower()}{label[1:]}{',' if ',' in label else ''} held {percent_words(share)} of events "
        f"in {area * 100:.2f} % of the area ({rate})"
        for (label, *_), (share, area), rate in zip(plan.past, plan.past_shares, rates, strict=True)
    ]
    return f"In past weeks {'; '.join(parts)}."


def tour_html(plan: Plan, tour: Tour) -> str:
    """A team's stops as a table that says what the map shows; all text is escaped."""
    rows = _pause_rows(plan, tour, 0)
    for stop in tour.stops:
        rows += (
            f"<tr><th scope=row>{stop.order}</th><td>{clock(stop.arrive, plan)}</td><td>{clock(stop.leave, plan)}</td>"
            f"<td>{html_text(stop.place)}</td><td>{html_text(stop.reason)}</td></tr>"
        ) + _pause_rows(plan, tour, stop.order)
    head = "".join(f"<th scope=col>{name}</th>" for name in ("Stop", "Arrive", "Leave", "Place", "Why"))
    return (
        f'<div class="hb-scroll hb-stops" tabindex="0" role="region" aria-label="Stops of {html_text(tour.team)}">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _pause_rows(plan: Plan, tour: Tour, order: int) -> str:
    """The break, and other time that is free, between a stop and the next."""
    return "".join(
        f"<tr><td></td><td>{clock(pause.begins, plan)}</td><td>{clock(pause.ends, plan)}</td>"
        f"<td>{'Break' if pause.kind == 'break' else 'Free'}</td><td></td></tr>"
        for pause in pauses_after(tour, order)
    )
