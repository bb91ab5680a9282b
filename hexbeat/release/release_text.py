"""The texts of a release: what is promised and what is not, the meaning of the columns, and the licence."""

from collections.abc import Mapping
from typing import Any, Final

from hexbeat.release.format import Release, ReleasedLayer

__all__ = [
    "CLAIM",
    "LIMITS",
    "SEARCHED_LAYER",
    "WORDINGS",
    "describe_officers",
    "format_dictionary",
    "format_licence",
    "format_promise",
    "format_readme",
]

CLAIM: Final = (
    "From everything published, taken together, nobody can prove that a place had fewer events than the smallest "
    "number that we show, unless it may as well have had none. It cannot be proved; that does not mean that it cannot "
    "be guessed."
)
_TOTALS: Final = (
    "Somebody who knows the true total of a ward or of the borough from elsewhere can subtract what is published, and "
    "learn how many events are not shown there. So no such total should be published anywhere else."
)
_LAST: Final = "Somebody who knows every event but one can find the number that it is part of, and often the place."
_PARTNER: Final = (
    "An organisation that reported some of the events can take its own out of a number, and learn how many others "
    "reported there."
)
_PLANTS: Final = (
    "Somebody who can report events that did not happen can lift a place to the smallest number that we show, and "
    "learn how many others were there. A period appears one period late, so that reports can be looked through first."
)
LIMITS: Final = (_TOTALS, _LAST, _PARTNER, _PLANTS)
# Every promise that a release may make. If you change the wording, keep the old one here: releases have it.
WORDINGS: Final = ({"claim": CLAIM, "limits": list(LIMITS)},)
SEARCHED_LAYER: Final = "street_dealing"  # what officers record of it are searches
_SEARCHES: Final = "These numbers include searches by police officers."
_OFFICERS: Final = "These numbers include what police officers recorded."
_HOW: Final = (
    "A period appears one period late and is never changed afterwards; what is reported later counts in the period "
    "in which it is received. Every total is a sum of the numbers in blocks.csv; the true total of a ward or of "
    "the borough is not published and may be higher."
)
_PLACES: Final = (
    "Each set of places is a tree: `parent_id` is the larger place that a place is part of. Outlines are WGS 84 "
    "longitude and latitude. A piece is the part of one H3 cell of resolution 9 in one ward, on land where events "
    "can happen; a group is what pieces of one cell of resolution 8 make of a ward. Pieces that would be too small "
    "are joined to a neighbour. An event on other land counts in the nearest piece of its ward."
)
_NUMBERS: Final = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_MEANINGS: Final = (
    ("layer", "which events: see release.json"),
    ("period", "name of the period"),
    ("period_start", "its first local day"),
    ("period_end", "the first local day after it"),
    ("level", "piece, group, ward or borough: how large the place is"),
    ("place_id", "name of the place in places.csv and outlines.geojson"),
    ("place_label", "what to call it; Elsewhere means: without the smaller places that have rows of their own"),
    ("ward_code", "ONS code of its ward; empty for the borough"),
    ("count", "events there in that period: never fewer than the layer's k"),
)


def format_promise(k: int) -> str:
    """The promise for a threshold, as the public reads it."""
    fewest = _NUMBERS[k] if k < len(_NUMBERS) else f"{k:,}"
    return (
        f"We never show fewer than {fewest}. Smaller numbers are added to the surrounding area until there are enough."
    )


def format_licence(facts: Mapping[str, Any]) -> str:
    """LICENCE.txt."""
    area = facts["area"]
    return f"{facts['licence']}\n\nBoundaries: {area['licence']}\n{area['attribution']}\n"


def describe_officers(layer: ReleasedLayer) -> str:
    """That the numbers of a layer include records by officers; "" where they do not."""
    if not layer.officers:
        return ""
    return _SEARCHES if layer.name == SEARCHED_LAYER else _OFFICERS


def format_readme(release: Release) -> str:
    """README.txt, for a person who opens the directory."""
    facts = release.facts
    lines = [f"{facts['area']['title']}: numbers for the public, release {facts['number']}, as at {facts['as_at']}", ""]
    if facts["demonstration"]:
        lines += ["DEMONSTRATION: some or all of these events are made up.", ""]
    lines += [f"{layer.title}: {format_promise(layer.k)} {layer.counted}" for layer in release.layers]
    lines += [f"{layer.title}: {describe_officers(layer)}" for layer in release.layers if layer.officers]
    lines += [_describe_not_known(layer) for layer in release.layers if layer.not_known]
    wording = facts["wording"]
    lines += [
        "",
        wording["claim"],
        "",
        "What no such rule can stop:",
        *[f"- {limit}" for limit in wording["limits"]],
        "",
    ]
    lines += [f"{source['title']}: {source['note']}" for source in facts["sources"]]
    lines += [
        "",
        _HOW,
        "",
        "Columns: dictionary.md. Licence: LICENCE.txt.",
    ]
    return "\n".join(lines) + "\n"


def _describe_not_known(layer: ReleasedLayer) -> str:
    names = ", ".join(period.name for period in layer.not_known)
    return (
        f"{layer.title}: not known for {names}. The records do not cover all of that time, so there are no numbers. "
        "A period appears once it is known."
    )


def format_dictionary(release: Release) -> str:
    """dictionary.md: every column, and every layer with its threshold and period."""
    lines = ["# Data dictionary", "", "## blocks.csv", "", "| column | meaning |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in _MEANINGS]
    lines += ["", "## Layers", "", "| layer | k | period, months | places | counted |", "|---|---|---|---|---|"]
    lines += [_format_layer_row(layer) for layer in release.layers]
    lines += [
        "",
        "## places.csv, outlines.geojson",
        "",
        _PLACES,
    ]
    return "\n".join(lines) + "\n"


def _format_layer_row(layer: ReleasedLayer) -> str:
    fewest = f", at {layer.minimum_places} places or more that do not touch" if layer.minimum_places else ""
    half = ", of places together at most half of what they could hold" if layer.half_full else ""
    return f"| {layer.name} | {layer.k}{fewest}{half} | {layer.months} | {layer.place_set} | {layer.counted} |"
