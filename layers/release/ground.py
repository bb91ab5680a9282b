"""The places of a release as its proof needs them: trees of real ground, where every piece is one that can hold events.

A phantom piece (no ground, or the ground of another) would count as a place that may hold what another cannot: whoever
looks at the map knows better. So every outline must be ground of its own within its parent's, and every label is what
the program makes of the names of wards, so that nothing else is said there. Nothing here is used by the builder.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.release.disclosure import Disclosure
from layers.release.format import LEVELS, Place, Release

__all__ = ["find_broken_places"]

SHARED: Final = 0.005  # of a place's ground: less is how outlines of six decimals differ
LETTERS: Final = "[A-Z]{1,2}"


def find_broken_places(release: Release) -> list[Disclosure]:
    """Everything about the places that the proof does not allow."""
    used = {layer.place_set for layer in release.layers}
    found = [
        Disclosure("", "", place.label, "a place of a set that no layer uses")
        for place in release.places.values()
        if place.place_set not in used
    ]
    wards = {(place.ward_code, place.label) for place in release.places.values() if place.level == "ward"}
    if len({code for code, _ in wards}) < len(wards):
        found.append(Disclosure("", "", "places.csv", "a ward has two names"))
    for name in sorted(used):
        places = [place for place in release.places.values() if place.place_set == name]
        broken = [*_tree(places), *_labels(places, _title(release)), *_outlines(places)]
        found += [Disclosure("", "", label, f"{reason} (places {name})") for label, reason in broken]
    return found


def _title(release: Release) -> str:
    area = release.facts.get("area")
    return str(area.get("title")) if isinstance(area, dict) else ""


def _tree(places: list[Place]) -> Iterator[tuple[str, str]]:
    """Pieces, groups, wards, and one borough, in that order; each below the next, in one ward; or a borough alone."""
    ranks = [LEVELS.index(place.level) for place in places]
    if not places or ranks != sorted(ranks) or ranks.count(LEVELS.index("borough")) != 1:
        yield "places.csv", "its places are not pieces, groups, wards and one borough in that order"
        return
    by_id = {place.place_id: place for place in places}
    for place in places[:-1]:
        parent = by_id.get(place.parent_id or "")
        above = LEVELS[LEVELS.index(place.level) + 1]
        if parent is None or parent.level != above or (above != "borough" and parent.ward_code != place.ward_code):
            yield place.label, f"is not part of a {above}, of its own ward"
    if places[-1].parent_id or places[-1].ward_code:
        yield places[-1].label, "a borough is part of something, or of a ward"
    parents = {place.parent_id for place in places}
    for place in places:
        if (place.level != "piece" and place.place_id not in parents and len(places) > 1) or not place.place_id:
            yield place.label, "has no pieces"
        if place.possible_places is not None and (place.level != "piece" or place.possible_places < 1):
            yield place.label, "has possible places, though it is no piece, or fewer than one"


def _labels(places: list[Place], title: str) -> Iterator[tuple[str, str]]:
    """Every label is the one that follows from the names of wards and the place's number among its like."""
    wards = {place.ward_code: place.label for place in places if place.level == "ward"}
    letters: dict[str, str] = {}
    size: dict[str, int] = {}
    for place in places:
        if place.level == "group":
            found = re.fullmatch(rf"{re.escape(wards.get(place.ward_code, ''))}, part ({LETTERS})", place.label)
            letters[place.place_id] = found[1] if found else ""
    for place in places:
        above = place.parent_id or ""
        size[above] = size.get(above, 0) + 1
        expected = {
            "piece": f"{wards.get(place.ward_code)} {letters.get(above)}{size[above]}",
            "group": f"{wards.get(place.ward_code)}, part {letters.get(place.place_id)}",
            "ward": place.label if place.ward_code else "",
            "borough": title,
        }[place.level]
        if place.label != expected or not place.place_id.startswith(f"{place.place_set}."):
            yield place.label, "is called otherwise than a place of its kind"
    if len({place.label for place in places}) < len(places):
        yield "places.csv", "two places have one name"


def _outlines(places: list[Place]) -> Iterator[tuple[str, str]]:
    """Outlines without ground, outside of their parent's, or over one another's, level by level."""
    ground = np.array([place.outline for place in places], dtype=object)
    area = shapely.area(ground)
    flat = np.isin(shapely.get_type_id(ground), (3, 6)) & shapely.is_valid(ground) & (area > 0)
    for k in np.flatnonzero(~flat).tolist():
        yield places[k].label, "has no ground"
    number: Mapping[str, int] = {place.place_id: k for k, place in enumerate(places)}
    parent = np.array([number.get(place.parent_id or "", -1) for place in places])
    part = np.flatnonzero(flat & (parent >= 0) & flat[parent])
    outside = shapely.area(shapely.difference(ground[part], ground[parent[part]])) > SHARED * area[part]
    for k in part[outside].tolist():
        yield places[k].label, "lies outside of what it is part of"
    for level in LEVELS:
        own = np.array([k for k in np.flatnonzero(flat).tolist() if places[k].level == level], dtype=np.int64)
        for k in _over_others(own, ground, area):
            yield places[k].label, "lies over another place"


def _over_others(own: NDArray[np.int64], ground: NDArray[np.object_], area: NDArray[np.float64]) -> list[int]:
    """Which of these places share ground with another that stands before them."""
    first, second = shapely.STRtree(ground[own]).query(ground[own], predicate="intersects")
    once = first < second
    first, second = own[first[once]], own[second[once]]
    common = shapely.area(shapely.intersection(ground[first], ground[second]))
    over = common > SHARED * np.minimum(area[first], area[second])
    return sorted(set(second[over].tolist()))
