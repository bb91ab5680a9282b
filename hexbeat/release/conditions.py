"""The conditions that every published release has to meet, and the finding of an audit.

The rule of the release is proved safe only under these conditions. A layer is one of the known layers as a whole. Its
periods follow the calendar, have one length, and leave no gap but those that the layer names as not known. Between the
end of a period and the day of the release, one more period of that length has passed. Every object has exactly the keys
of the format, with the program's own wording. `hexbeat.release.audit` checks the places. The code that builds releases
uses nothing from here.

A program cannot check the publisher's own texts (sources, licence, how a layer is counted) and the names of wards: a
person reads them before the release is published.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from hexbeat.release.format import Period, Release, ReleasedLayer
from hexbeat.release.release_text import WORDINGS
from layers.catalogue import LAYERS

__all__ = ["Disclosure", "find_broken_conditions", "names_earlier"]

FACTS: Final[dict[str, type]] = {
    "format": str, "number": int, "as_at": str, "demonstration": bool, "area": dict, "licence": str, "sources": list,
    "wording": dict, "previous": list,
}  # fmt: skip
AREA: Final = dict.fromkeys(("name", "title", "vintage", "time_zone", "licence", "attribution"), str)
SOURCE: Final = dict.fromkeys(("name", "title", "note"), str)
PREVIOUS: Final[dict[str, type]] = {"area": str, "number": int, "as_at": str, "checksum": str}
CHECKSUM: Final = re.compile(r"[0-9a-f]{64}")
LEAST_K: Final = 3
NAMES: Final = {1: "{year}-{month:02}", 3: "{year}-Q{number}", 6: "{year}-H{number}", 12: "{year}"}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A finding: its place, its reason, and the possible numbers if all are below k (else empty)."""

    layer: str
    period: str
    place: str
    reason: str
    possible: tuple[int, ...] = ()


def find_broken_conditions(release: Release) -> list[Disclosure]:
    """Every condition that the release breaks, except those of its places."""
    findings = [Disclosure("", "", "release.json", reason) for reason in _check_facts(release.facts)]
    if len({layer.name for layer in release.layers}) < len(release.layers):
        findings.append(Disclosure("", "", "", "a layer appears twice"))
    as_at = _parse_day(release.facts.get("as_at"))
    for layer in release.layers:
        findings += [Disclosure(layer.name, "", "", reason) for reason in _check_layer(release, layer)]
        findings += [Disclosure(layer.name, name, "", reason) for name, reason in _check_periods(layer, as_at)]
    return findings + _check_blocks(release)


def names_earlier(facts: Mapping[str, Any]) -> bool:
    """Whether release.json names its area and the earlier releases as the format requires."""
    if not _has_form(facts, FACTS) or not _has_form(facts["area"], AREA):
        return False
    return all(_has_form(entry, PREVIOUS) for entry in facts["previous"])


def _check_facts(facts: Mapping[str, Any]) -> Iterator[str]:
    if not _has_form(facts, FACTS):
        yield "its keys or types are not those of a release"
        return
    if not _has_form(facts["area"], AREA):
        yield "the keys or types of its area are not those of a release"
    if not all(_has_form(source, SOURCE) for source in facts["sources"]):
        yield "a source does not have exactly a name, a title and a note"
    if not all(_has_form(entry, PREVIOUS) for entry in facts["previous"]):
        yield "an earlier release does not have exactly an area, a number, a day and a checksum"
    elif not all(_parse_day(entry["as_at"]) and CHECKSUM.fullmatch(entry["checksum"]) for entry in facts["previous"]):
        yield "an earlier release has an invalid day or checksum"
    if facts["wording"] not in WORDINGS:
        yield "its promises are not those of the program"
    if _parse_day(facts["as_at"]) is None:
        yield "the day of the release is not a date"


def _has_form(value: object, form: Mapping[str, type]) -> bool:
    """Whether it is an object with exactly these keys, of these types."""
    return isinstance(value, dict) and set(value) == set(form) and all(type(value[key]) is form[key] for key in form)


def _parse_day(text: object) -> dt.date | None:
    """The day of a text such as 2026-11-22; None for anything else."""
    try:
        day = dt.date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return day if day and day.isoformat() == text else None


def _check_layer(release: Release, layer: ReleasedLayer) -> Iterator[str]:
    spec = next((spec for spec in LAYERS if spec.name == layer.name), None)
    if spec is None:
        yield "this is not a known layer: a layer inside another would prove the numbers between them"
    elif any(getattr(layer, name) != getattr(spec, name) for name in ("title", "one", "many", "kind")):
        yield "the names of this layer are not those of the program"
    fewest = layer.minimum_places or 0
    if layer.k < max(LEAST_K, fewest):
        yield f"k is {layer.k}, below {LEAST_K} or below the minimum of places"
    if fewest and any((place.possible_places or 0) < 2 * fewest - 1 for place in release.leaves(layer.place_set)):
        yield f"a piece has fewer than {2 * fewest - 1} possible places"


def _check_periods(layer: ReleasedLayer, as_at: dt.date | None) -> Iterator[tuple[str, str]]:
    """Periods that do not follow the calendar or were released too early, by name; and gaps between periods.

    A period that is not known leaves no gap: it is named in its place.
    """
    if layer.months not in NAMES:
        yield "", "its periods are not months, quarters, half-years or years"
        return
    due_periods = layer.due_periods
    for period in due_periods:
        if period != _find_calendar_period(period.start, layer.months):
            length = "1 month" if layer.months == 1 else f"{layer.months} months"
            yield period.name, f"this is not a whole calendar period of {length} with its own name"
        if as_at and _add_months(period.end, layer.months) > as_at:
            yield period.name, "this period was published too early: one more period has to pass after its end"
    for before, after in pairwise(due_periods):
        if before.end != after.start:
            yield after.name, "this period does not begin where the one before it ends"


def _find_calendar_period(day: dt.date, months: int) -> Period:
    """The month, quarter, half-year or year in which a day lies."""
    number = (day.month - 1) // months + 1
    start = dt.date(day.year, (number - 1) * months + 1, 1)
    name = NAMES[months].format(year=day.year, month=day.month, number=number)
    return Period(name, start, _add_months(start, months))


def _add_months(day: dt.date, months: int) -> dt.date:
    """The first day of the month that is `months` after that of a day."""
    count = day.year * 12 + day.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)


def _check_blocks(release: Release) -> list[Disclosure]:
    """Blocks whose names are not those of their places, and blocks out of order."""
    findings = []
    leaves = {place.place_id for layer in release.layers for place in release.leaves(layer.place_set)}
    for block in release.blocks:
        place = release.places[block.place_id]
        label = place.label if place.place_id in leaves else f"Elsewhere in {place.label}"
        if (block.place_label, block.ward_code) != (label, place.ward_code):
            where = block.layer, block.period, place.label
            findings.append(Disclosure(*where, "the name of a number is not the name of its place"))
    spans = [(layer.name, period.name) for layer in release.layers for period in layer.periods]
    rank = {span: k for k, span in enumerate(spans)}, {name: k for k, name in enumerate(release.places)}
    order = [(rank[0][block.layer, block.period], rank[1][block.place_id]) for block in release.blocks]
    if order != sorted(order):
        findings.append(Disclosure("", "", "blocks.csv", "the rows are not in the order of layers, periods and places"))
    return findings
