"""The audit of a release: its places, and whether anything small can be proved from it and all before it.

It knows the rule, all places, and everything published; it uses nothing of what builds releases but the file format.
Series are safe because their parts are: every event counts in one period of one layer, so periods and layers are
independent, and each is decided exactly by `geo.audit`. That holds only if no number was ever published a second time
in another way, so the audit also looks for everything that breaks it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.audit import TreeAudit, audit
from geo.errors import PolicyError
from hexbeat.release.conditions import Disclosure, find_broken_conditions
from hexbeat.release.format import LEVELS, Period, Place, Release, ReleasedLayer, parse_release, read_files
from hexbeat.release.release_files import build_release_files

__all__ = [
    "AuditReport",
    "Disclosure",
    "LayerAudit",
    "audit_folder",
    "audit_release",
    "find_broken_places",
    "require_audited",
]

SHARED: Final = 0.005  # of a place's ground: less is how outlines of six decimals differ
LETTERS: Final = "[A-Z]{1,2}"


@dataclass(frozen=True, slots=True)
class LayerAudit:
    """What was tried of one layer: its periods, numbers, and sets of unpublished pieces as a power of two.

    `narrowest`: the fewest values that an unpublished piece of a block can have; `narrowest_union`: pieces of a block
    together, where k stands for k or more (`geo.audit.TreeAudit` says among which sets); both empty if there is none.
    Of `pieces_in_blocks` unpublished pieces of blocks `likely_small` hold 1 to k - 1 with odds of 95 %.
    """

    layer: str
    k: int
    periods: int
    blocks: int
    sets_log2: int
    narrowest: tuple[int, ...]
    narrowest_union: tuple[int, ...]
    pieces_in_blocks: int
    likely_small: int


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was tried and found.

    `trees` layers and periods, `blocks` numbers; `sets_log2`: all sets of so many unpublished pieces, pieces of
    different periods together, were decided; `narrowest`: the fewest values that such a piece of a block can have;
    `pieces_in_blocks` of them, `likely_small` with odds of 95 % for 1 to k - 1. `releases` is how many were looked at;
    `layers` the same for each layer.
    """

    findings: tuple[Disclosure, ...]
    releases: int
    trees: int
    blocks: int
    sets_log2: int
    narrowest: tuple[int, ...]
    pieces_in_blocks: int
    likely_small: int
    missing_before: int
    layers: tuple[LayerAudit, ...] = ()


def audit_folder(folder: Path, *, before: Sequence[Release] = (), more: Iterable[Disclosure] = ()) -> AuditReport:
    """The audit of a directory as it lies there, its bytes included; DataError if it is no release.

    `before` and `more` are as for `audit_release`.
    """
    files = read_files(folder)
    release = parse_release(files, name=folder.name)
    extra = sorted(path.name for path in folder.iterdir() if path.name not in files)
    remade = _remake_files(release)
    changed = sorted(name for name in files if remade.get(name) != files[name])
    bytewise = [Disclosure("", "", name, "a file that is no part of a release") for name in extra]
    bytewise += [Disclosure("", "", name, "holds more, or in another order, than its values") for name in changed]
    return audit_release(release, before=before, more=[*bytewise, *more])


def require_audited(release: Release) -> None:
    """PolicyError if the audit of a release by itself finds anything: nothing else is shown to the public."""
    found = audit_release(release).findings
    if found:
        first = " ".join(part for part in (found[0].layer, found[0].period, found[0].place) if part)
        raise PolicyError(
            "The public is shown a release in which the audit finds nothing",
            f"it finds {len(found):,}, the first: {first}: {found[0].reason}",
            "see hexbeat release audit DIR, and build the release again",
        )


def _remake_files(release: Release) -> dict[str, bytes]:
    """The files of its values; none where release.json says too little to write them."""
    try:
        return build_release_files(release)
    except (KeyError, TypeError):
        return {}


def audit_release(release: Release, *, before: Sequence[Release] = (), more: Iterable[Disclosure] = ()) -> AuditReport:
    """The audit of a release and of all before it, the oldest first; `more` are findings from elsewhere."""
    series = [*before, release]
    terms = [*find_broken_conditions(release), *find_broken_places(release)]
    findings = [*more, *terms, *(found for pair in pairwise(series) for found in _between(*pair))]
    audited = []
    for layer in release.layers:
        places = [place for place in release.places.values() if place.place_set == layer.place_set]
        trees = [_audit_tree(release, layer, period, places) for period in layer.periods]
        audited.append(_join_audits(layer, trees))
        findings += [
            Disclosure(layer.name, period.name, places[found.node].label, found.reason, found.possible)
            for period, tree in zip(layer.periods, trees, strict=True)
            for found in tree.findings
        ]
    return AuditReport(
        findings=tuple(findings),
        releases=len(series),
        trees=sum(layer.periods for layer in audited),
        blocks=sum(layer.blocks for layer in audited),
        sets_log2=sum(layer.sets_log2 for layer in audited),
        narrowest=_narrowest(layer.narrowest for layer in audited),
        pieces_in_blocks=sum(layer.pieces_in_blocks for layer in audited),
        likely_small=sum(layer.likely_small for layer in audited),
        missing_before=max(0, len(release.facts.get("previous", [])) - len(before)),
        layers=tuple(audited),
    )


def _join_audits(layer: ReleasedLayer, trees: Sequence[TreeAudit]) -> LayerAudit:
    return LayerAudit(
        layer.name,
        layer.k,
        len(trees),
        sum(tree.blocks for tree in trees),
        sum(tree.sets_log2 for tree in trees),
        _narrowest(tree.narrowest for tree in trees),
        _narrowest(tree.narrowest_union for tree in trees),
        sum(tree.leaves_in_blocks for tree in trees),
        sum(tree.likely_small for tree in trees),
    )


def _narrowest(values: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The shortest that is not empty."""
    return min((some for some in values if some), key=len, default=())


def _audit_tree(release: Release, layer: ReleasedLayer, period: Period, places: list[Place]) -> TreeAudit:
    number = {place.place_id: k for k, place in enumerate(places)}
    parent = np.array([number.get(place.parent_id or "", -1) for place in places], dtype=np.int64)
    published, count = np.zeros(len(places), dtype=bool), np.zeros(len(places), dtype=np.int64)
    for block in release.blocks_of(layer.name, period.name):
        published[number[block.place_id]], count[number[block.place_id]] = True, block.count
    return audit(published, count, parent, k=layer.k, half_full=layer.half_full)


def _between(earlier: Release, later: Release) -> list[Disclosure]:
    """What a later release may not do to an earlier one: count the same events in another way."""
    found = []
    layers = {layer.name: layer for layer in later.layers}
    if earlier.facts["area"]["name"] != later.facts["area"]["name"]:
        return _goes_on(earlier, layers)
    for old in earlier.layers:
        new = layers.get(old.name)
        if new is None:
            found.append(Disclosure(old.name, "", "", "an earlier release had this layer"))
            continue
        before, now = _terms(earlier, old), _terms(later, new)
        if before != now:
            found.append(Disclosure(old.name, "", "", "an earlier release had another k, period length or geometry"))
        if new.periods[: len(old.periods)] != old.periods:
            found.append(Disclosure(old.name, "", "", "an earlier release had other periods"))
        found += [
            Disclosure(old.name, period.name, "", "an earlier release had other numbers")
            for period in old.periods
            if _numbers(earlier, old.name, period.name) != _numbers(later, old.name, period.name)
        ]
    return found


def _goes_on(earlier: Release, layers: Mapping[str, ReleasedLayer]) -> list[Disclosure]:
    """New wards begin with a new period: no day of a layer may have been published for another area before."""
    return [
        Disclosure(old.name, period.name, "", "an earlier release of another area holds days of this period")
        for old in earlier.layers
        for period in (layers[old.name].periods if old.name in layers else ())
        if any(period.start < other.end and other.start < period.end for other in old.periods)
    ]


def _terms(release: Release, layer: ReleasedLayer) -> tuple[object, ...]:
    """All that may not change from release to release, numbers and periods apart."""
    return layer.k, layer.months, layer.minimum_places, layer.half_full, _outlines(release, layer.place_set)


def _numbers(release: Release, layer: str, period: str) -> dict[str, int]:
    return {block.place_id: block.count for block in release.blocks_of(layer, period)}


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
        broken = [*_tree(places), *_labels(places, _title(release)), *_check_outlines(places)]
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


def _check_outlines(places: list[Place]) -> Iterator[tuple[str, str]]:
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


def _outlines(release: Release, place_set: str) -> list[tuple[object, ...]]:
    chosen = [place for place in release.places.values() if place.place_set == place_set]
    return [
        (place.place_id, place.level, place.parent_id, place.possible_places, shapely.to_wkb(place.outline))
        for place in chosen
    ]
