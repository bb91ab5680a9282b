"""What any published release must look like, whatever its numbers, and what a finding of the audit is.

These are the conditions under which the rule of the release is proved safe.

One layer is one of the four and whole; its periods are those of the calendar, of one length, without a gap, and each
was over for as long again on the day of the release; every object says exactly what the format says, in the program's
own words. The places are looked at in `hexbeat.release.audit`. Nothing here is used by what builds releases.

What nobody can check here are the publisher's own words (sources, licence, how a layer is counted) and the names of
wards: a person reads them before they go out.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from hexbeat.release.format import Period, Release, ReleasedLayer
from hexbeat.release.release_text import WORDINGS
from layers.catalogue import LAYERS, format_layer_number

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
    """One finding: where, why, and the possible numbers if they are all below k (empty where that is not the point)."""

    layer: str
    period: str
    place: str
    reason: str
    possible: tuple[int, ...] = ()


def find_broken_conditions(release: Release) -> list[Disclosure]:
    """Every condition that the release breaks, but those of its places."""
    found = [Disclosure("", "", "release.json", reason) for reason in _facts(release.facts)]
    if len({layer.name for layer in release.layers}) < len(release.layers):
        found.append(Disclosure("", "", "", "a layer is there twice"))
    as_at = _day(release.facts.get("as_at"))
    for layer in release.layers:
        found += [Disclosure(layer.name, "", "", reason) for reason in _layer(release, layer)]
        found += [Disclosure(layer.name, name, "", reason) for name, reason in _periods(layer, as_at)]
    return found + _blocks(release)


def names_earlier(facts: Mapping[str, Any]) -> bool:
    """Whether release.json says in the form of a release who it is and what was before it."""
    if not _is(facts, FACTS) or not _is(facts["area"], AREA):
        return False
    return all(_is(entry, PREVIOUS) for entry in facts["previous"])


def _facts(facts: Mapping[str, Any]) -> Iterator[str]:
    if not _is(facts, FACTS):
        yield "says more or less than a release says"
        return
    if not _is(facts["area"], AREA):
        yield "says more or less of the area than a release says"
    if not all(_is(source, SOURCE) for source in facts["sources"]):
        yield "says more or less of a source than its name, title and note"
    if not all(_is(entry, PREVIOUS) for entry in facts["previous"]):
        yield "says more or less of an earlier release than its area, number, day and checksum"
    elif not all(_day(entry["as_at"]) and CHECKSUM.fullmatch(entry["checksum"]) for entry in facts["previous"]):
        yield "names an earlier release by a day or a checksum that is none"
    if facts["wording"] not in WORDINGS:
        yield "promises something else than the program does"
    if _day(facts["as_at"]) is None:
        yield "is as at a day that is none"


def _is(value: object, form: Mapping[str, type]) -> bool:
    """Whether it is an object with exactly these keys, of these types."""
    return isinstance(value, dict) and set(value) == set(form) and all(type(value[key]) is form[key] for key in form)


def _day(text: object) -> dt.date | None:
    """The day of a text such as 2026-11-22; None for anything else."""
    try:
        day = dt.date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return day if day and day.isoformat() == text else None


def _layer(release: Release, layer: ReleasedLayer) -> Iterator[str]:
    spec = next((spec for spec in LAYERS if spec.name == layer.name), None)
    if spec is None:
        yield f"is none of the {format_layer_number()} layers: a layer within another proves what lies between them"
    elif any(getattr(layer, name) != getattr(spec, name) for name in ("title", "one", "many", "kind")):
        yield "is called something else than the program calls it"
    fewest = layer.minimum_places or 0
    if layer.k < max(LEAST_K, fewest):
        yield f"k is {layer.k}: under {LEAST_K}, or under the minimum of places"
    if fewest and any((place.possible_places or 0) < 2 * fewest - 1 for place in release.leaves(layer.place_set)):
        yield f"a piece has fewer than {2 * fewest - 1} possible places"


def _periods(layer: ReleasedLayer, as_at: dt.date | None) -> Iterator[tuple[str, str]]:
    """The periods that are none of the calendar, or came too early, by their names; and gaps between them."""
    if layer.months not in NAMES:
        yield "", "its periods are no months, quarters, half-years or years"
        return
    for period in layer.periods:
        if period != _calendar_period(period.start, layer.months):
            yield period.name, f"is no whole period of {layer.months} months of the calendar, by its own name"
        if as_at and _later(period.end, layer.months) > as_at:
            yield period.name, "was not over for as long again on the day of the release"
    for first, second in pairwise(layer.periods):
        if first.end != second.start:
            yield second.name, "does not begin where the period before it ends"


def _calendar_period(day: dt.date, months: int) -> Period:
    """The month, quarter, half-year or year in which a day lies."""
    number = (day.month - 1) // months + 1
    start = dt.date(day.year, (number - 1) * months + 1, 1)
    name = NAMES[months].format(year=day.year, month=day.month, number=number)
    return Period(name, start, _later(start, months))


def _later(day: dt.date, months: int) -> dt.date:
    """The first day of the month that is so many months after a day's."""
    count = day.year * 12 + day.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)


def _blocks(release: Release) -> list[Disclosure]:
    """Blocks that are called otherwise than their places, and blocks out of order."""
    found = []
    leaves = {place.place_id for layer in release.layers for place in release.leaves(layer.place_set)}
    for block in release.blocks:
        place = release.places[block.place_id]
        label = place.label if place.place_id in leaves else f"Elsewhere in {place.label}"
        if (block.place_label, block.ward_code) != (label, place.ward_code):
            where = block.layer, block.period, place.label
            found.append(Disclosure(*where, "a number is called otherwise than its place"))
    spans = [(layer.name, period.name) for layer in release.layers for period in layer.periods]
    rank = {span: k for k, span in enumerate(spans)}, {name: k for k, name in enumerate(release.places)}
    order = [(rank[0][block.layer, block.period], rank[1][block.place_id]) for block in release.blocks]
    if order != sorted(order):
        found.append(Disclosure("", "", "blocks.csv", "its rows are not in the order of layers, periods and places"))
    return found
