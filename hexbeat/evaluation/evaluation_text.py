"""The verdict in plain words with its uncertainty; never a cause where there is only a comparison."""

from dataclasses import dataclass
from typing import Final

from hexbeat.evaluation.outcome import Effect
from hexbeat.evaluation.rule import describe_excluded
from hexbeat.evaluation.sides import Side, count_needed_events, is_fall_noticeable
from layers.catalogue import find_layer
from layers.wording import format_number, format_percent, format_span

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
TOO_FEW: Final = "too few to tell"
NO_COMPARISON: Final = "cannot be told"
_SMALL: Final = 5.0  # events expected and seen; below, no rank means much
_MANY: Final = 10_000  # events: beyond, no number is worth saying
CAUTION: Final = (
    "This is a comparison, not a proof of cause: whatever else began here at that time, or changed what was reported, "
    "is in it too."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind` one of the words of this module, `sentence` what to say first, `details` what else has to be said."""

    kind: str
    sentence: str
    details: tuple[str, ...]


def classify_side(side: Side, effect: Effect) -> str:
    """FEWER, MORE, NO_CHANGE or TOO_FEW of one side; UNTOLD where no untreated place has a past like it (or most's)."""
    alpha = effect.protocol.rule.alpha
    if not side.like:
        return NO_COMPARISON
    if max(side.after, side.expected) < _SMALL * effect.unit:
        return TOO_FEW
    if side.interval[1] < 0:
        return FEWER
    if side.interval[0] > 0:
        return MORE
    return NO_CHANGE if side.tells and is_fall_noticeable(side, unit=effect.unit, alpha=alpha) else TOO_FEW


def build_verdict(effect: Effect) -> Verdict:
    """What the comparison says, in words."""
    here = classify_side(effect.here, effect)
    door = classify_side(effect.next_door, effect) if effect.next_door else NO_CHANGE
    moved = here == FEWER and door == MORE and effect.both.interval[1] >= 0
    kind = MOVED if moved else here
    return Verdict(kind, _describe_kind(effect, kind), tuple(_build_details(effect, here, door)))


def _describe_kind(effect: Effect, kind: str) -> str:
    side, what = effect.here, _what(effect)
    came = f"{_first_upper(what)} {_where(effect)}: {_describe_events(effect)}"
    if kind == NO_COMPARISON:
        return (
            f"{came}. Whether that is fewer or more than without it cannot be told: {_describe_no_comparison(effect)}"
        )
    facts = f"{came}, where {_count(side.expected)} were expected"
    if kind in (FEWER, MORE):
        return f"{facts}: {kind}, by about {_count(abs(side.estimate))} ({_format_clear_interval(side)})."
    if kind == MOVED and effect.next_door:
        door = effect.next_door
        return (
            f"{facts}: fewer, by about {_count(abs(side.estimate))} ({_format_clear_interval(side)}), "
            f"but it moved next door: about {_count(door.estimate)} more there ({_format_clear_interval(door)})."
        )
    if kind == NO_CHANGE:
        return f"{facts}: no clear change ({_either_way(side)}). A halving would have been noticed 4 times in 5."
    return f"{facts}: too few to tell ({_either_way(side)}). {_describe_needed(effect)}"


def _describe_no_comparison(effect: Effect) -> str:
    """Why nothing can be told, and what would help."""
    if effect.on_record == 1:
        return (
            "no untreated place has a past like its. A smaller place, or a larger area with places as busy, would help."
        )
    return (
        f"no untreated place has a past like that of {format_number(effect.unlike)} of them. Smaller places, or a "
        "larger area with places as busy, would help."
    )


def _describe_events(effect: Effect) -> str:
    """What came, and how many events that is where places overlap."""
    came = _count(effect.here.after)
    if effect.here.after - effect.once < 0.5 * effect.unit:  # half an event
        return came
    return f"{came} (with no event counted twice: {_count(effect.once)})"


def _describe_needed(effect: Effect) -> str:
    need = count_needed_events(effect.here, alpha=effect.protocol.rule.alpha) * effect.unit
    if need > _MANY * effect.unit:
        return "Counts stray so much here that no number of events would do."
    times = need / effect.here.expected if effect.here.expected > 0 else float("inf")
    alone = ", or take several places together" if len(effect.protocol.places) == 1 else ""
    longer = f", {format_number(round(times, 1))} times as many: wait longer{alone}"
    return (
        f"To notice a halving 4 times in 5 it would need about {format_number(round(need))} expected"
        f"{longer if 1 < times < 100 else ''}."  # noqa: PLR2004 - more says nothing
    )


def _build_details(effect: Effect, here: str, door: str) -> list[str]:
    said = []
    if door == NO_COMPARISON and effect.next_door:
        said.append(
            f"Next door: {_count(effect.next_door.after)} came. Whether that is fewer or more than without it cannot "
            "be told: no untreated place has such a past around it."
        )
    elif effect.next_door:
        side = effect.next_door
        words = {FEWER: "fewer there too" if here == FEWER else "fewer there", MORE: "more there"}.get(door, door)
        said.append(
            f"Next door: {_count(side.after)}, where {_count(side.expected)} were expected: {words} "
            f"({_either_way(side)})."
        )
    said += [_describe_regression(effect), *_list_cautions(effect), CAUTION]
    return said


def _describe_regression(effect: Effect) -> str:
    """How much would have come anyway: season, and the return to the ordinary after a peak."""
    side = effect.here
    naive, anyway = side.after - side.before, side.expected - side.before
    plain = f"The same length before had {_count(side.before)}, so plain before and after would say {_signed(naive)}."
    if not side.like:
        return (
            f"{plain} Part of that is the season and the return to the ordinary after a peak (regression to the mean), "
            "and nothing here tells how much."
        )
    like = f"from {_count(side.like_before)} to {_count(side.like_after)}"
    return (
        f"{plain} Places with the same past went {like} with nothing done, so {_signed(anyway)} was to be expected "
        "anyway, by season and by the return to the ordinary after a peak (regression to the mean)."
    )


def _list_cautions(effect: Effect) -> list[str]:
    said = []
    places = [outcome.planned for outcome in effect.outcomes]
    said += _list_excluded(effect)
    if effect.month_only:
        said.append(
            f"{format_percent(effect.month_only)} of the events are known only to their month and shared over "
            "its days: before and after look more alike than they were."
        )
    others = sum(one.others for one in places)
    if others:
        closures = "1 other closure" if others == 1 else f"{format_number(others)} other closures"
        if len(places) > 1:
            closures = f"Other closures ({format_number(others)} counted place by place)"
        said.append(
            f"{closures} touched {'it' if len(places) == 1 else 'these places'} or what is next door in the same time; "
            f"{'its effect is' if others == 1 else 'their effects are'} mixed in."
        )
    if abs(effect.late) >= 0.5:  # noqa: PLR2004 - half an event
        said.append(
            f"Since the rule was fixed, the past has changed by {_signed(effect.late * effect.unit)}: late reports or "
            "erasures."
        )
    if effect.unit != 1.0:
        said.append("Counts are weighted: they are not numbers of events.")
    return said


def _list_excluded(effect: Effect) -> list[str]:
    """Places that are not judged, and those that are though nothing is quite like them."""
    many, judged = effect.asked, len(effect.outcomes)
    said = describe_excluded(effect.too_new)
    if effect.here.like and effect.unlike:
        said.append(
            f"{format_number(effect.unlike)} of {format_number(many)} places are left out: no untreated place has "
            "a past like theirs. They are often the busiest, and the answer says nothing of them."
        )
    if effect.overlapping:
        said.append(
            f"{format_number(effect.overlapping)} of {format_number(many)} places are left out: they overlap one of "
            f"the {format_number(judged)} that are counted, and no event should count twice."
        )
    return said


def _what(effect: Effect) -> str:
    names = [find_layer(name).title for name in effect.protocol.rule.layers]
    named = " and ".join([names[0], *(name.lower() for name in names[1:])])
    return named if effect.unit == 1 else f"{named}, weighted,"


def _where(effect: Effect) -> str:
    rule, first = effect.protocol.rule, effect.outcomes[0]
    judged, many = len(effect.outcomes), effect.asked
    if judged > 1:
        return f"in {judged if judged == many else f'{judged} of {many}'} places taken together"
    here = f"within {format_number(rule.radius_m)} m of" if first.planned.place.outline is None else "in"
    return f"{here} {first.planned.place.name}, {format_span(first.start, first.end)}"


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
