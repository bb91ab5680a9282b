"""The verdict in plain words with its uncertainty. It is a comparison, and never names a cause."""

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
]

FEWER: Final = "fewer than expected"
MORE: Final = "more than expected"
MOVED: Final = "moved next door"
NO_CHANGE: Final = "no clear change"
TOO_FEW: Final = "too few events to say"
NO_COMPARISON: Final = "not known"
_SMALL: Final = 5.0  # events expected and seen; with fewer, ranks mean little
_MANY: Final = 10_000  # events: beyond, no number helps
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
    if not side.like:
        return NO_COMPARISON
    if max(side.after, side.expected) < _SMALL * effect.unit:
        return TOO_FEW
    if side.interval[1] < 0:
        return FEWER
    if side.interval[0] > 0:
        return MORE
    return NO_CHANGE if side.decidable and is_fall_noticeable(side, unit=effect.unit, alpha=alpha) else TOO_FEW


def build_verdict(effect: Effect) -> Verdict:
    """What the comparison says, in words."""
    here = classify_side(effect.here, effect)
    door = classify_side(effect.next_door, effect) if effect.next_door else NO_CHANGE
    moved = here == FEWER and door == MORE and effect.both.interval[1] >= 0
    kind = MOVED if moved else here
    return Verdict(kind, _describe_kind(effect, kind), tuple(_build_details(effect, door)))


def _describe_kind(effect: Effect, kind: str) -> str:
    side = effect.here
    came = f"{_first_upper(kind)}. {_first_upper(_what(effect))} {_where(effect)}: {_describe_events(effect)}"
    if kind == NO_COMPARISON:
        return f"{came}. {_describe_no_comparison(effect)}"
    facts = f"{came}, where about {_count(side.expected)} were expected"
    if kind in (FEWER, MORE):
        return f"{facts}. The difference is about {_count(abs(side.estimate))} ({_format_clear_interval(side)})."
    if kind == MOVED and effect.next_door:
        door = effect.next_door
        return (
            f"{facts}: about {_count(abs(side.estimate))} fewer ({_format_clear_interval(side)}). "
            f"Next door there were about {_count(door.estimate)} more ({_format_clear_interval(door)})."
        )
    if kind == NO_CHANGE:
        return f"{facts} ({_either_way(side)}). A halving would have been noticed 4 times in 5."
    return f"{facts} ({_either_way(side)}). {_describe_needed(effect)}"


def _describe_no_comparison(effect: Effect) -> str:
    """Why there is no verdict, and what would help."""
    if effect.on_record == 1:
        return (
            "There is no comparable place, so nobody can say whether that is fewer or more than usual. "
            "Try a smaller place, or a larger area with places that are as busy."
        )
    return (
        f"{format_number(effect.unlike)} of them have no comparable place, so nobody can say whether that is fewer or "
        "more than usual. Try smaller places, or a larger area with places that are as busy."
    )


def _describe_events(effect: Effect) -> str:
    """What came, and how many events that is where places overlap."""
    came = format_about(effect.here.after)
    if effect.here.after - effect.once < 0.5 * effect.unit:  # half an event
        return came
    return f"{came} ({format_about(effect.once)} if no event counts twice)"


def _describe_needed(effect: Effect) -> str:
    need = count_needed_events(effect.here, alpha=effect.protocol.rule.alpha) * effect.unit
    if need > _MANY * effect.unit:
        return "Counts vary so much here that no number of events would be enough."
    needed = f"To notice a halving 4 times in 5 it takes about {format_number(round(need))} expected events"
    times = need / effect.here.expected if effect.here.expected > 0 else float("inf")
    if not 1 < times < 100:  # noqa: PLR2004 - more says nothing
        return f"{needed}."
    alone = ", or take several places together" if len(effect.protocol.places) == 1 else ""
    return f"{needed}, {format_number(round(times, 1))} times as many. Wait longer{alone}."


def _build_details(effect: Effect, door: str) -> list[str]:
    details = []
    side = effect.next_door
    if side and door == NO_COMPARISON:
        details.append(
            f"Next door: not known. {_first_upper(format_about(side.after))} came, and there is no comparable place."
        )
    elif side:
        details.append(
            f"Next door: {door}. {_first_upper(format_about(side.after))} came, where about {_count(side.expected)} "
            f"were expected ({_either_way(side)})."
        )
    return [*details, _describe_regression(effect), *_list_cautions(effect), CAUTION]


def _describe_regression(effect: Effect) -> str:
    """How much would have come anyway: season, and the return to normal after a peak."""
    side = effect.here
    naive, anyway = side.after - side.before, side.expected - side.before
    plain = f"As long a time before had {_count(side.before)}, so plain before and after would say {_signed(naive)}."
    if not side.like:
        return (
            f"{plain} Part of that is the season, and the return to normal after a peak (regression to the mean). "
            "Nothing here says how much."
        )
    controls = f"from {_count(side.like_before)} to {_count(side.like_after)}"
    return (
        f"{plain} Places with the same past went {controls} with nothing done. So {_signed(anyway)} was to be expected "
        "anyway, from the season and from the return to normal after a peak (regression to the mean)."
    )


def _list_cautions(effect: Effect) -> list[str]:
    cautions = _list_excluded(effect)
    places = [outcome.planned for outcome in effect.outcomes]
    if effect.month_only:
        cautions.append(
            f"{format_percent(effect.month_only)} of the events are known only to their month and shared over its "
            "days, so before and after look more similar than they were."
        )
    others = sum(planned.others for planned in places)
    if others:
        closures = "1 other closure" if others == 1 else f"{format_number(others)} other closures"
        if len(places) > 1:
            closures = f"Other closures ({format_number(others)}, counted place by place)"
        cautions.append(
            f"{closures} touched {'this place' if len(places) == 1 else 'these places'} or next door at the same time. "
            f"{'Its effect is' if others == 1 else 'Their effects are'} mixed in."
        )
    if abs(effect.late) >= 0.5:  # noqa: PLR2004 - half an event
        cautions.append(
            "Since the rule was fixed, late reports or erasures have changed the past: "
            f"{_signed(effect.late * effect.unit)}."
        )
    if effect.unit != 1.0:
        cautions.append("Counts are weighted: they are not numbers of events.")
    return cautions


def _list_excluded(effect: Effect) -> list[str]:
    """The places that are left out, and why."""
    asked, counted = effect.asked, len(effect.outcomes)
    sentences = describe_excluded(effect.too_new)
    if effect.here.like and effect.unlike:
        sentences.append(
            f"{format_number(effect.unlike)} of {format_number(asked)} places are left out because they have no "
            "comparable place. They are often the busiest, and the answer says nothing about them."
        )
    if effect.overlapping:
        sentences.append(
            f"{format_number(effect.overlapping)} of {format_number(asked)} places are left out because they overlap "
            f"one of the {format_number(counted)} that are counted. No event should count twice."
        )
    return sentences


def _what(effect: Effect) -> str:
    names = [find_layer(name).title for name in effect.protocol.rule.layers]
    named = " and ".join([names[0], *(name.lower() for name in names[1:])])
    return named if effect.unit == 1 else f"{named}, weighted,"


def _where(effect: Effect) -> str:
    rule, first = effect.protocol.rule, effect.outcomes[0]
    counted, asked = len(effect.outcomes), effect.asked
    if counted > 1:
        return f"in {counted if counted == asked else f'{counted} of {asked}'} places taken together"
    around = f"within {format_number(rule.radius_m)} m of" if first.planned.place.outline is None else "in"
    return f"{around} {first.planned.place.name}, {format_span(first.start, first.end)}"


def _count(value: float) -> str:
    """Whole where it is large enough that tenths mean nothing."""
    return format_number(round(value) if abs(value) >= 10 else round(value, 1))  # noqa: PLR2004


def _signed(value: float) -> str:
    if abs(value) < 0.05:  # noqa: PLR2004 - would be shown as nought
        return "no change"
    return f"{_count(abs(value))} {'fewer' if value < 0 else 'more'}"


def _format_clear_interval(side: Side) -> str:
    """The interval of a clear change, smaller number first."""
    low, high = sorted(abs(end) for end in side.interval)
    return f"{_count(low)} to {_count(high)}"


def _either_way(side: Side) -> str:
    low, high = side.interval
    return f"from {_signed(low)} to {_signed(high)}"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
