"""The verdict of an evaluation in sentences, with its uncertainty. It compares, and never names a cause."""

from dataclasses import dataclass
from typing import Final

from hexbeat.evaluation.outcome import Effect
from hexbeat.evaluation.rule import describe_excluded
from hexbeat.evaluation.sides import Side, count_needed_events, is_fall_noticeable
from layers.catalogue import find_layer
from layers.wording import format_about, format_number, format_percent, format_span

__all__ = [
    "FEWER",
    "MORE",
    "MOVED",
    "NO_CHANGE",
    "NO_COMPARISON",
    "TOO_FEW",
    "Verdict",
    "build_verdict",
    "classify_side",
    "format_count",
    "round_count",
]

FEWER: Final = "fewer than expected"
MORE: Final = "more than expected"
MOVED: Final = "moved next door"
NO_CHANGE: Final = "no clear change"
TOO_FEW: Final = "too few events to say"
NO_COMPARISON: Final = "not known"
_FEWEST_EVENTS: Final = 5.0  # expected or counted; with fewer, ranks mean little
_MOST_NEEDED: Final = 10_000  # events; if more are needed, no number is given
CAUTION: Final = (
    "This is a comparison, not a proof of cause. Whatever else began here at that time, or changed what was reported, "
    "is part of it."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind` is one of the constants of this module, `sentence` comes first, `details` follow."""

    kind: str
    sentence: str
    details: tuple[str, ...]


def classify_side(side: Side, effect: Effect) -> str:
    """FEWER, MORE, NO_CHANGE or TOO_FEW of one side; NO_COMPARISON if it (or most places) has no comparable place."""
    alpha = effect.protocol.rule.alpha
    if not side.comparable:
        return NO_COMPARISON
    if max(side.after, side.expected) < _FEWEST_EVENTS * effect.unit:
        return TOO_FEW
    if side.interval[1] < 0:
        return FEWER
    if side.interval[0] > 0:
        return MORE
    return NO_CHANGE if side.decidable and is_fall_noticeable(side, unit=effect.unit, alpha=alpha) else TOO_FEW


def build_verdict(effect: Effect) -> Verdict:
    """The verdict of a comparison in sentences."""
    kind_here = classify_side(effect.here, effect)
    kind_next_door = classify_side(effect.next_door, effect) if effect.next_door else NO_CHANGE
    has_moved = kind_here == FEWER and kind_next_door == MORE and effect.both.interval[1] >= 0
    kind = MOVED if has_moved else kind_here
    return Verdict(kind, _describe_kind(effect, kind), tuple(_build_details(effect, kind_next_door)))


def _describe_kind(effect: Effect, kind: str) -> str:
    side = effect.here
    layers, where = _first_upper(_describe_layers(effect)), _describe_where(effect)
    count = f"{_first_upper(kind)}. {layers} {where}: {_describe_events(effect)}"
    if kind == NO_COMPARISON:
        return f"{count}. {_describe_no_comparison(effect)}"
    facts = f"{count}, where about {format_count(side.expected)} were expected"
    if kind in (FEWER, MORE):
        return f"{facts}. The difference is about {format_count(abs(side.estimate))} ({_format_clear_interval(side)})."
    if kind == MOVED and effect.next_door:
        door = effect.next_door
        return (
            f"{facts}: about {format_count(abs(side.estimate))} fewer ({_format_clear_interval(side)}). "
            f"Next door there were about {format_count(door.estimate)} more ({_format_clear_interval(door)})."
        )
    if kind == NO_CHANGE:
        return f"{facts} ({_format_interval(side)}). A halving would have been noticed 4 times in 5."
    return f"{facts} ({_format_interval(side)}). {_describe_needed(effect)}"


def _describe_no_comparison(effect: Effect) -> str:
    """Why there is no verdict, and what would help."""
    if effect.on_record == 1:
        return (
            "There is no comparable place, so nobody can say whether that is fewer or more than usual. "
            "Try a smaller place, or a larger area with places that are as busy."
        )
    return (
        f"{format_number(effect.incomparable)} of them have no comparable place, so nobody can say whether that is "
        "fewer or more than usual. Try smaller places, or a larger area with places that are as busy."
    )


def _describe_events(effect: Effect) -> str:
    """How many events came, and how many of them are distinct where places overlap."""
    came = format_about(effect.here.after)
    if effect.here.after - effect.after_once < 0.5 * effect.unit:  # half an event
        return came
    return f"{came} ({format_about(effect.after_once)} if no event counts twice)"


def _describe_needed(effect: Effect) -> str:
    needed_events = count_needed_events(effect.here, alpha=effect.protocol.rule.alpha) * effect.unit
    if needed_events > _MOST_NEEDED * effect.unit:
        return "Counts vary so much here that no number of events would be enough."
    sentence = f"To notice a halving 4 times in 5 it takes about {format_number(round(needed_events))} expected events"
    factor = needed_events / effect.here.expected if effect.here.expected > 0 else float("inf")
    if not 1 < factor < 100:  # noqa: PLR2004 - more says nothing
        return f"{sentence}."
    advice = ", or take several places together" if len(effect.protocol.places) == 1 else ""
    return f"{sentence}, {format_number(round(factor, 1))} times as many. Wait longer{advice}."


def _build_details(effect: Effect, door: str) -> list[str]:
    details = []
    side = effect.next_door
    if side and door == NO_COMPARISON:
        details.append(
            f"Next door: not known. {_first_upper(format_about(side.after))} came, and there is no comparable place."
        )
    elif side:
        details.append(
            f"Next door: {door}. {_first_upper(format_about(side.after))} came, where about "
            f"{format_count(side.expected)} were expected ({_format_interval(side)})."
        )
    return [*details, _describe_regression(effect), *_list_cautions(effect), CAUTION]


def _describe_regression(effect: Effect) -> str:
    """How much of the change was to be expected anyway: season, and the return to normal after a peak."""
    side = effect.here
    naive, anyway = side.after - side.before, side.expected - side.before
    plain = (
        f"As long a time before had {format_count(side.before)}, so plain before and after would say "
        f"{_format_difference(naive)}."
    )
    if not side.comparable:
        return (
            f"{plain} Part of that is the season, and the return to normal after a peak (regression to the mean). "
            "Nothing here says how much."
        )
    controls = f"from {format_count(side.like_before)} to {format_count(side.like_after)}"
    return (
        f"{plain} Places with the same past went {controls} with nothing done. So {_format_difference(anyway)} was to "
        "be expected anyway, from the season and from the return to normal after a peak (regression to the mean)."
    )


def _list_cautions(effect: Effect) -> list[str]:
    cautions = _list_excluded(effect)
    places = [outcome.planned for outcome in effect.outcomes]
    if effect.month_only:
        cautions.append(
            f"{format_percent(effect.month_only)} of the events are known only to their month and shared over its "
            "days, so before and after look more similar than they were."
        )
    cautions += effect.rough_places
    others = sum(planned.others for planned in places)
    if others:
        closures = "1 other closure" if others == 1 else f"{format_number(others)} other closures"
        if len(places) > 1:
            closures = f"Other closures ({format_number(others)}, counted place by place)"
        cautions.append(
            f"{closures} touched {'this place' if len(places) == 1 else 'these places'} or next door at the same time. "
            f"{'Its effect is' if others == 1 else 'Their effects are'} mixed in."
        )
    if abs(effect.past_change) >= 0.5:  # noqa: PLR2004 - half an event
        cautions.append(
            "Since the rule was fixed, late reports or erasures have changed the past: "
            f"{_format_difference(effect.past_change * effect.unit)}."
        )
    if effect.unit != 1.0:
        cautions.append("Counts are weighted: they are not numbers of events.")
    return cautions


def _list_excluded(effect: Effect) -> list[str]:
    """The places that are left out, and why."""
    asked_places, counted_places = effect.asked, len(effect.outcomes)
    sentences = describe_excluded(effect.too_new)
    if effect.here.comparable and effect.incomparable:
        sentences.append(
            f"{format_number(effect.incomparable)} of {format_number(asked_places)} places are left out because they "
            "have no comparable place. They are often the busiest, and the answer says nothing about them."
        )
    if effect.overlapping:
        sentences.append(
            f"{format_number(effect.overlapping)} of {format_number(asked_places)} places are left out because they "
            f"overlap one of the {format_number(counted_places)} that are counted. No event should count twice."
        )
    return sentences


def _describe_layers(effect: Effect) -> str:
    names = [find_layer(name).title for name in effect.protocol.rule.layers]
    title = " and ".join([names[0], *(name.lower() for name in names[1:])])
    return title if effect.unit == 1 else f"{title}, weighted,"


def _describe_where(effect: Effect) -> str:
    rule, first = effect.protocol.rule, effect.outcomes[0]
    counted_places, asked_places = len(effect.outcomes), effect.asked
    if counted_places > 1:
        number = f"{counted_places}" if counted_places == asked_places else f"{counted_places} of {asked_places}"
        return f"in {number} places taken together"
    preposition = f"within {format_number(rule.radius_m)} m of" if first.planned.place.outline is None else "in"
    return f"{preposition} {first.planned.place.name}, {format_span(first.start, first.end)}"


def format_count(value: float) -> str:
    """A count, without decimals from 10 on."""
    return format_number(round_count(value))


def round_count(value: float) -> float:
    """A count as far as it is known: a whole number from 10 on, else to one decimal; NaN stays NaN."""
    return float(round(value)) if abs(value) >= 10 else round(value, 1)  # noqa: PLR2004


def _format_difference(value: float) -> str:
    if abs(value) < 0.05:  # noqa: PLR2004 - would be shown as 0
        return "no change"
    return f"{format_count(abs(value))} {'fewer' if value < 0 else 'more'}"


def _format_clear_interval(side: Side) -> str:
    """The interval of a clear change, smaller number first."""
    low, high = sorted(abs(end) for end in side.interval)
    return f"{format_count(low)} to {format_count(high)}"


def _format_interval(side: Side) -> str:
    low, high = side.interval
    return f"from {_format_difference(low)} to {_format_difference(high)}"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
