"""The rule of a comparison and its hash: what is compared with what, fixed before anybody looks at the time after."""

import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from geo.errors import DataError, UsageError
from hexbeat.evaluation.treated_places import TreatedPlace
from hexbeat.files import atomic_write
from layers.catalogue import list_usual_targets
from layers.event import REPORTERS
from layers.wording import format_date, format_list, format_number, format_plural, format_span

__all__ = [
    "MOST_DISTANCE",
    "USUAL_RULE",
    "ExcludedPlace",
    "MatchedControls",
    "PlannedComparison",
    "Protocol",
    "Rule",
    "describe_excluded",
    "describe_rule",
    "format_protocol",
    "load_protocol",
    "save_protocol",
]

FORMAT: Final = "hexbeat-evaluation-1"
_DAY: Final = dt.timedelta(days=1)
_LARGEST_WEIGHT: Final = 1e9
_MOST_NAMED: Final = 12  # excluded places that a sentence names
MOST_DISTANCE: Final = 1.5  # between the pasts of places, in units of chance; beyond, they are not comparable


@dataclass(frozen=True, slots=True)
class Rule:
    """The settings of a comparison. `layers` are names, each with the weight of an event (1: plain counts).

    `categories` are further weights by "layer/category". `reported_by` empty: all but sweeps. The time before has
    `before_days` and ends `wash_in_days` before the start. The days between are used for matching only, because the
    decision was made then. `after_days` None: as long as the place was treated, or to the newest record. UsageError for
    settings out of bounds.
    """

    layers: Mapping[str, float]
    categories: Mapping[str, float] = field(default_factory=dict)
    reported_by: tuple[str, ...] = ()
    radius_m: float = 150.0
    ring_m: float = 200.0
    before_days: int = 364
    wash_in_days: int = 28
    after_days: int | None = None
    controls: int = 20
    placebos: int = 199
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not self.layers:
            raise UsageError("A comparison counts one layer or more", "none was named", "name a layer of incidents")
        for rule, value, low, high in (
            *(
                ("A weight is above 0 and at most a thousand million", weight, 1e-9, _LARGEST_WEIGHT)
                for weight in self.weights
            ),
            ("The radius is 50 to 5,000 metres", self.radius_m, 50, 5_000),
            ("The ring is 0 to 2,000 metres wide", self.ring_m, 0, 2_000),
            ("The time before is 56 to 3,660 days", self.before_days, 56, 3_660),
            ("The days left out before the start are 0 to 366", self.wash_in_days, 0, 366),
            ("The time after is 28 to 3,660 days", self.after_days or 28, 28, 3_660),
        ):
            if not low <= value <= high:
                number = format_number(value) if math.isfinite(value) else str(value)
                raise UsageError(rule, f"it is given as {number}", "leave the setting out for the usual one")
        unknown = [name for name in self.reported_by if name not in REPORTERS]
        if unknown:
            raise UsageError(
                "A reporter is one that Hexbeat knows",
                f"there is no {unknown[0]!r}",
                f"choose from {', '.join(REPORTERS)}",
            )

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of all layers and categories."""
        return (*self.layers.values(), *self.categories.values())

    @property
    def spans(self) -> tuple[int, ...]:
        """The spans before the start, in days, whose totals are matched; shortest first."""
        longest = self.wash_in_days + self.before_days
        recent = self.wash_in_days or 28
        return tuple(sorted({span for span in (recent, recent + 84, recent + 168, longest) if span <= longest}))


USUAL_RULE: Final = Rule(layers=dict.fromkeys(list_usual_targets(), 1.0))  # the rule unless a person chooses another


@dataclass(frozen=True, slots=True)
class MatchedControls:
    """The matched controls: `pool` has the candidates by their middle (H3 cells), `controls` positions in it.

    The control with the most similar past is first. The `weights` of the controls sum to 1. `distance` is that of their
    past from the treated place's, where 1 is chance.
    """

    pool: tuple[str, ...]
    controls: tuple[int, ...]
    weights: tuple[float, ...]
    distance: float


@dataclass(frozen=True, slots=True)
class PlannedComparison:
    """One treated place with its matched controls: `near` for the place, `ring` for the ring around it (None: no ring).

    `end` is the first day that no longer counts, None: up to the newest record. `past` and `ring_past` are totals over
    the rule's spans when the rule was fixed. `others` counts closures in force nearby at the same time.
    """

    place: TreatedPlace
    end: dt.date | None
    near: MatchedControls
    ring: MatchedControls | None
    past: tuple[float, ...]
    ring_past: tuple[float, ...]
    others: int


@dataclass(frozen=True, slots=True)
class ExcludedPlace:
    """A place that cannot be compared; `rule` and `fact` are those of the error that the place alone would raise."""

    name: str
    event_id: str | None
    rule: str
    fact: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """A fixed comparison: the rule, the places and their matched controls. `made` is the day when it was written.

    `left_out` are places that were asked for but cannot be compared.
    """

    area: str
    rule: Rule
    places: tuple[PlannedComparison, ...]
    made: dt.date
    left_out: tuple[ExcludedPlace, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of all that the answer depends on, so without the day on which the protocol was made."""
        content = _to_json(self)
        del content["made"]
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def describe_rule(protocol: Protocol) -> tuple[str, ...]:
    """The rule in sentences, to be printed before the answer."""
    rule, first_place = protocol.rule, protocol.places[0]
    number = len(protocol.places)
    until = f"to {format_date(first_place.end - _DAY)}" if first_place.end else "to the newest record"
    preposition = f"within {format_number(rule.radius_m)} m of" if first_place.place.outline is None else "in"
    sentences = [
        f"Treated: {preposition} {first_place.place.name if number == 1 else f'{number} places, taken together'}."
        + _describe_ring(protocol),
        f"Counted: {_describe_counting(rule)}.",
        f"Before: {_describe_before(protocol)}." + _describe_wash_in(rule.wash_in_days),
        f"After: from {format_date(first_place.place.start)} {until}."
        if number == 1
        else "After: while each was in force.",
        f"Matched controls: {_describe_controls(first_place, rule)}.",
        _describe_test(first_place, rule),
    ]
    sentences += describe_excluded(protocol.left_out)
    if number > 1:
        sentences.append(
            "Left out of the sum: places with no comparable place (their pasts are over "
            f"{format_number(MOST_DISTANCE)} times chance away). Then places that overlap an earlier one at the same "
            "time; closures may overlap."
        )
    elif first_place.near.distance > MOST_DISTANCE:
        sentences.append(
            f"There is no comparable place: even the most similar pasts are over {format_number(MOST_DISTANCE)} times "
            "chance away. So the answer will be: not known."
        )
    return tuple(sentences)


def _describe_wash_in(days: int) -> str:
    if not days:
        return ""
    last_days = "last day before the start is" if days == 1 else f"last {days} days before the start are"
    return f" The {last_days} used for matching only."


def _describe_before(protocol: Protocol) -> str:
    """The time before: with dates if all places have the same start."""
    rule, starts = protocol.rule, {planned.place.start for planned in protocol.places}
    if len(starts) > 1:
        up_to = f"up to {format_plural(rule.wash_in_days, 'day', 'days')} before" if rule.wash_in_days else "before"
        return f"the {format_plural(rule.before_days, 'day', 'days')} {up_to} each place's own start"
    (end,) = (start - rule.wash_in_days * _DAY for start in starts)
    return format_span(end - rule.before_days * _DAY, end)


def describe_excluded(left_out: Sequence[ExcludedPlace]) -> list[str]:
    """A sentence for each reason, with the names of the places."""
    sentences = []
    for rule in dict.fromkeys(place.rule for place in left_out):
        names = [place.name for place in left_out if place.rule == rule]
        if len(names) > _MOST_NAMED:
            names = [*names[:_MOST_NAMED], f"{format_number(len(names) - _MOST_NAMED)} more"]
        sentences.append(f"Not compared: {format_list(names)}. {rule}.")
    return sentences


def _describe_ring(protocol: Protocol) -> str:
    width = protocol.rule.ring_m
    if not width:
        return ""
    if any(planned.ring for planned in protocol.places):
        return f" Next door: the {format_number(width)} m around that."
    return " Next door is not compared: it was treated too, or too few places are comparable."


def _describe_controls(first: PlannedComparison, rule: Rule) -> str:
    spans = format_list([str(span) for span in rule.spans])
    return (
        f"the {len(first.near.controls)} most similar of {len(first.near.pool)} places of the same shape that touch "
        f"neither the treated place nor next door. Similar is what had about the same totals in the last {spans} days "
        "before the start"
    )


def _describe_test(first: PlannedComparison, rule: Rule) -> str:
    placebos = min(rule.placebos, len(first.near.pool))
    return (
        f"Test: the same comparison for the {placebos} most similar places where nothing was done, "
        f"at {round(rule.alpha * 100)} %."
    )


def _describe_counting(rule: Rule) -> str:
    weighed = set(rule.layers.values()) != {1.0} or bool(rule.categories)
    names = [
        name.replace("_", " ") + (f" (each counts {format_number(weight)})" if weighed else "")
        for name, weight in rule.layers.items()
    ]
    names += [f"of them {name.partition('/')[2]} (times {format_number(w)})" for name, w in rule.categories.items()]
    who = f"reported by {', '.join(rule.reported_by)}" if rule.reported_by else "without what sweeps found"
    return f"{', '.join(names)}, {who}"


def save_protocol(path: Path, protocol: Protocol) -> None:
    """Write the protocol as JSON with its hash, whole or not at all."""
    with atomic_write(path) as draft:
        draft.write_bytes(format_protocol(protocol))


def format_protocol(protocol: Protocol) -> bytes:
    """The protocol as JSON with its hash and its rule in words, for `load_protocol`."""
    payload = {
        "format": FORMAT,
        "sha256": protocol.hash,
        "rule_in_words": describe_rule(protocol),
        **_to_json(protocol),
    }
    return (json.dumps(payload, ensure_ascii=False, indent=1) + "\n").encode()


def load_protocol(path: Path) -> Protocol:
    """Read a protocol; DataError if the file holds none, or was changed since."""
    try:
        payload = json.loads(path.read_text(encoding="utf-8"))
        protocol = _parse_protocol(payload)
        unchanged = payload["format"] == FORMAT and payload["sha256"] == protocol.hash
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refuse_protocol(path, f"it cannot be read ({type(error).__name__})") from error
    if not unchanged:
        raise _refuse_protocol(path, "its content does not match its hash")
    return protocol


def _refuse_protocol(path: Path, fact: str) -> DataError:
    return DataError(
        f"{path.name} has to be a rule that `hexbeat evaluate --plan-only` wrote, unchanged since",
        fact,
        "fix the rule again; a rule that is changed after looking is another rule",
    )


def _parse_protocol(payload: Mapping[str, Any]) -> Protocol:
    rule = {**payload["rule"], "reported_by": tuple(payload["rule"]["reported_by"])}
    return Protocol(
        area=payload["area"],
        rule=Rule(**rule),
        places=tuple(_parse_planned(row) for row in payload["places"]),
        made=dt.date.fromisoformat(payload["made"]),
        left_out=tuple(ExcludedPlace(**row) for row in payload.get("left_out", [])),
    )


def _parse_planned(payload: Mapping[str, Any]) -> PlannedComparison:
    place = dict(payload["place"])
    place["start"], place["end"] = _parse_date(place["start"]), _parse_date(place["end"])
    return PlannedComparison(
        place=TreatedPlace(**place),
        end=_parse_date(payload["end"]),
        near=_parse_controls(payload["near"]),
        ring=_parse_controls(payload["ring"]) if payload["ring"] else None,
        past=tuple(payload["past"]),
        ring_past=tuple(payload["ring_past"]),
        others=payload["others"],
    )


def _parse_controls(payload: Mapping[str, Any]) -> MatchedControls:
    return MatchedControls(
        tuple(payload["pool"]), tuple(payload["controls"]), tuple(payload["weights"]), float(payload["distance"])
    )


def _parse_date(text: str | None) -> Any:
    return dt.date.fromisoformat(text) if text else None


def _to_json(protocol: Protocol) -> dict[str, Any]:
    """As JSON holds it: dates as text, tuples as lists."""
    payload: dict[str, Any] = json.loads(json.dumps(asdict(protocol), default=lambda value: value.isoformat()))
    if not payload["left_out"]:  # older rules have no such key, and their hash is without it
        del payload["left_out"]
    return payload
