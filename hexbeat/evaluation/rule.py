"""The rule of a comparison, fixed before anybody looks at what came after: what is compared with what, and its hash."""

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
from layers.wording import format_date, format_list, format_number, format_span

__all__ = [
    "UNLIKE",
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
_LARGEST: Final = 1e9  # a weight
_NAMED: Final = 12  # places that cannot be compared
UNLIKE: Final = 1.5  # distance from which no place had a past like it


@dataclass(frozen=True, slots=True)
class Rule:
    """The settings of a comparison. `layers` names with what an event of each counts (1: plain counts).

    `categories` likewise, by "layer/category", on top of it. `reported_by` empty: all but sweeps. The before of
    `before_days` ends `wash_in_days` before the start: those days, in which the decision ripened, serve matching alone.
    `after_days` None: as long as it was in force, or to the newest record. UsageError for what makes no sense.
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
        weights = [*self.layers.values(), *self.categories.values()]
        for what, value, low, high in (
            ("the smallest weight", min(weights, default=0.0), 1e-9, _LARGEST),
            ("the largest weight", max(weights, default=0.0), 1e-9, _LARGEST),
            ("the radius in metres", self.radius_m, 50, 5_000),
            ("the width of the ring in metres", self.ring_m, 0, 2_000),
            ("the days before", self.before_days, 56, 3_660),
            ("the days left out", self.wash_in_days, 0, 366),
            ("the days after", self.after_days or 28, 28, 3_660),
        ):
            if not low <= value <= high:
                raise UsageError(
                    "A comparison counts one layer or more, with weights above 0, within 50 to 5,000 m and a ring of "
                    "up to 2,000 m, over 8 weeks to 10 years before (up to a year left out) and 4 weeks or more after",
                    f"{what}: {format_number(value) if math.isfinite(value) else value}",
                    "leave the setting out for the usual one",
                )

        strange = [name for name in self.reported_by if name not in REPORTERS]
        if strange:
            raise UsageError(
                "Who reported an event is one of a few",
                f"{strange[0]!r} is none",
                f"choose from {', '.join(REPORTERS)}",
            )

    @property
    def spans(self) -> tuple[int, ...]:
        """Days before the start over which the past is totalled for matching, shortest first."""
        whole = self.wash_in_days + self.before_days
        recent = self.wash_in_days or 28
        return tuple(sorted({span for span in (recent, recent + 84, recent + 168, whole) if span <= whole}))


USUAL_RULE: Final = Rule(
    layers=dict.fromkeys(list_usual_targets(), 1.0)
)  # what is compared where nobody chooses otherwise


@dataclass(frozen=True, slots=True)
class MatchedControls:
    """The places to compare with: `pool` their middles as H3 cells, `controls` places in it, nearest in past first.

    `weights` of the controls sum to 1; `distance` from the treated place's past, where 1 is chance.
    """

    pool: tuple[str, ...]
    controls: tuple[int, ...]
    weights: tuple[float, ...]
    distance: float


@dataclass(frozen=True, slots=True)
class PlannedComparison:
    """One treated place with its likes: `near` for itself, `ring` for what lies around it (None: no ring).

    `end` the first day that no longer counts, None: as far as records reach. `past` and `ring_past` totals over the
    rule's spans, as they were known when the rule was fixed. `others` closures in force nearby in the same time.
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
    """One of several places that cannot be compared; `rule` and `fact` say why, as the error about it alone would."""

    name: str
    event_id: str | None
    rule: str
    fact: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """A comparison that is fixed: the rule, the places and their likes. `made` is the day when it was written.

    `left_out` those that were asked for and whose past cannot be compared.
    """

    area: str
    rule: Rule
    places: tuple[PlannedComparison, ...]
    made: dt.date
    left_out: tuple[ExcludedPlace, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of all that decides the answer, the day of writing aside."""
        decides = _to_json(self)
        del decides["made"]
        text = json.dumps(decides, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def describe_rule(protocol: Protocol) -> tuple[str, ...]:
    """The rule in sentences, as it is printed before the answer."""
    rule, first = protocol.rule, protocol.places[0]
    many = len(protocol.places)
    until = f"to {format_date(first.end - _DAY)}" if first.end else "as far as the records reach"
    here = f"within {format_number(rule.radius_m)} m of" if first.place.outline is None else "in"
    words = [
        f"Treated: {here} {first.place.name if many == 1 else f'{many} places, taken together'}."
        + _describe_ring(protocol),
        f"Counted: {_describe_counting(rule)}.",
        f"Before: {_describe_before(protocol)}."
        + (f" The {rule.wash_in_days} days up to the start serve matching alone." if rule.wash_in_days else ""),
        f"After: from {format_date(first.place.start)} {until}." if many == 1 else "After: while each was in force.",
        f"Control: {_describe_control(first, rule)}.",
        f"Judged by {_describe_judging(first, rule)}, at {round(rule.alpha * 100)} %.",
    ]
    words += describe_excluded(protocol.left_out)
    if many > 1:
        words.append(
            f"Left out of the sum: places whose past is over {format_number(UNLIKE)} times chance away from that of "
            "their likes, then places (but closures) that overlap an earlier one in the same time."
        )
    elif first.near.distance > UNLIKE:
        words.append(
            f"No untreated place has a past like its (those nearest to it are over {format_number(UNLIKE)} times "
            "chance away): the answer will be that it cannot be told."
        )
    return tuple(words)


def _describe_before(protocol: Protocol) -> str:
    """The days that the days after are held against: by date where all places have the same start."""
    rule, starts = protocol.rule, {one.place.start for one in protocol.places}
    if len(starts) > 1:
        up_to = f"up to {rule.wash_in_days} days before" if rule.wash_in_days else "before"
        return f"the {format_number(rule.before_days)} days {up_to} each place's own date"
    (end,) = (start - rule.wash_in_days * _DAY for start in starts)
    return format_span(end - rule.before_days * _DAY, end)


def describe_excluded(left_out: Sequence[ExcludedPlace]) -> list[str]:
    """A sentence for each reason, with the names of the places."""
    found = []
    for rule in dict.fromkeys(one.rule for one in left_out):
        names = [one.name for one in left_out if one.rule == rule]
        if len(names) > _NAMED:
            names = [*names[:_NAMED], f"{format_number(len(names) - _NAMED)} more"]
        found.append(f"Not compared: {format_list(names)}. {rule}.")
    return found


def _describe_ring(protocol: Protocol) -> str:
    width = protocol.rule.ring_m
    if not width:
        return ""
    if any(one.ring for one in protocol.places):
        return f" Next door: the {format_number(width)} m around that."
    return " Next door is not compared: it was treated too, or too few places have one like it."


def _describe_control(first: PlannedComparison, rule: Rule) -> str:
    spans = format_list([str(span) for span in rule.spans])
    return (
        f"the {len(first.near.controls)} places of the same shape, of {len(first.near.pool)} that touch neither it nor "
        f"what is next door, whose totals over the last {spans} days before are most alike, weighted by likeness"
    )


def _describe_judging(first: PlannedComparison, rule: Rule) -> str:
    many = min(rule.placebos, len(first.near.pool))
    return f"the {many} places most alike where nothing was done, compared in the same way"


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
    """The protocol as JSON with its hash and its rule in words: what `load_protocol` reads."""
    payload = {
        "format": FORMAT,
        "sha256": protocol.hash,
        "rule_in_words": describe_rule(protocol),
        **_to_json(protocol),
    }
    return (json.dumps(payload, ensure_ascii=False, indent=1) + "\n").encode()


def load_protocol(path: Path) -> Protocol:
    """Read a protocol; DataError if it is none, or was changed since it was written."""
    try:
        payload = json.loads(path.read_text(encoding="utf-8"))
        found = _parse_protocol(payload)
        right = payload["format"] == FORMAT and payload["sha256"] == found.hash
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refuse_protocol(path, f"it cannot be read as one ({type(error).__name__})") from error
    if not right:
        raise _refuse_protocol(path, "what it says does not give the hash that it was signed with")
    return found


def _refuse_protocol(path: Path, fact: str) -> DataError:
    return DataError(
        f"{path.name} has to be a comparison that `hexbeat evaluate --plan-only` wrote, unchanged since",
        fact,
        "write it again; a rule that is changed after looking is another rule",
    )


def _parse_protocol(payload: Mapping[str, Any]) -> Protocol:
    rule = {**payload["rule"], "reported_by": tuple(payload["rule"]["reported_by"])}
    return Protocol(
        area=payload["area"],
        rule=Rule(**rule),
        places=tuple(_parse_planned(one) for one in payload["places"]),
        made=dt.date.fromisoformat(payload["made"]),
        left_out=tuple(ExcludedPlace(**one) for one in payload.get("left_out", [])),
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
    found: dict[str, Any] = json.loads(json.dumps(asdict(protocol), default=lambda value: value.isoformat()))
    if not found["left_out"]:  # rules from before this was kept have their hash without it
        del found["left_out"]
    return found
