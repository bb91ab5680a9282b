"""The audit of a release: its places, and whether a small number can be proved from it and all earlier releases.

It knows the rule, all places, and everything published. It shares only the file format with the code that builds
releases. A series is safe if its parts are: every event counts in one period of one layer, so periods and layers are
independent, and `geo.audit` decides each exactly. That is true only if no number was ever published a second time in
another way, so the audit also checks that.
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

SHARED: Final = 0.005  # of a place's area: outlines of six decimals differ by less
LETTERS: Final = "[A-Z]{1,2}"


@dataclass(frozen=True, slots=True)
class LayerAudit:
    """What the audit checked of one layer: its periods, blocks, and sets of unpublished pieces as a power of two.

    `narrowest`: the fewest values that an unpublished piece of a block can have. `narrowest_union`: the same of several
    pieces of a block together, where k means k or more (`geo.audit.TreeAudit` says among which sets). Both are empty if
    there is none. Of `pieces_in_blocks` unpublished pieces of blocks, `likely_small` have 1 to k - 1 events with a
    probability of 95 %.
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
    """What the audit checked, and what it found.

    It checked `releases` releases, `trees` pairs of layer and period, and `blocks` numbers. `sets_log2`: it decided all
    sets of this many unpublished pieces, also of different periods together. `narrowest`, `pieces_in_blocks` and
    `likely_small` are as in `LayerAudit`, over all layers; `layers` has them for each layer. `missing_before`: earlier
    releases that the release names and the audit did not get.
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
    """The audit of a directory, including the bytes of its files; DataError if it is not a release.

    `before` and `more` are as for `audit_release`.
    """
    files = read_files(folder)
    release = parse_release(files, name=folder.name)
    extra = sorted(path.name for path in folder.iterdir() if path.name not in files)
    remade = _remake_files(release)
    changed = sorted(name for name in files if remade.get(name) != files[name])
    bytewise = [Disclosure("", "", name, "this file is not part of a release") for name in extra]
    bytewise += [
        Disclosure("", "", name, "the bytes differ from what its values give: more contents, or another order")
        for name in changed
    ]
    return audit_release(release, before=before, more=[*bytewise, *more])


def require_audited(release: Release) -> None:
    """PolicyError if the audit of a release by itself finds anything: the public never sees such a release."""
    findings = audit_release(release).findings
    if findings:
        place = " ".join(part for part in (findings[0].layer, findings[0].period, findings[0].place) if part)
        number = "1 problem" if len(findings) == 1 else f"{len(findings):,} problems"
        raise PolicyError(
            "The public only sees a release if its audit finds nothing",
            f"the audit finds {number}, the first: {place}: {findings[0].reason}",
            "see `hexbeat release audit DIR`, and build the release again",
        )


def _remake_files(release: Release) -> dict[str, bytes]:
    """The files that the values of a release give; none if release.json lacks values for them."""
    try:
        return build_release_files(release)
    except (KeyError, TypeError):
        return {}


def audit_release(release: Release, *, before: Sequence[Release] = (), more: Iterable[Disclosure] = ()) -> AuditReport:
    """The audit of a release and of all before it, the oldest first; `more` are findings from elsewhere."""
    series = [*before, release]
    terms = [*find_broken_conditions(release), *find_broken_places(release)]
    findings = [*more, *terms, *(finding for pair in pairwise(series) for finding in _compare_releases(*pair))]
    audited = []
    for layer in release.layers:
        places = [place for place in release.places.values() if place.place_set == layer.place_set]
        trees = [_audit_tree(release, layer, period, places) for period in layer.periods]
        audited.append(_join_audits(layer, trees))
        findings += [
            Disclosure(layer.name, period.name, places[finding.node].label, finding.reason, finding.possible)
            for period, tree in zip(layer.periods, trees, strict=True)
            for finding in tree.findings
        ]
    return AuditReport(
        findings=tuple(findings),
        releases=len(series),
        trees=sum(layer.periods for layer in audited),
        blocks=sum(layer.blocks for layer in audited),
        sets_log2=sum(layer.sets_log2 for layer in audited),
        narrowest=_find_shortest(layer.narrowest for layer in audited),
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
        _find_shortest(tree.narrowest for tree in trees),
        _find_shortest(tree.narrowest_union for tree in trees),
        sum(tree.leaves_in_blocks for tree in trees),
        sum(tree.likely_small for tree in trees),
    )


def _find_shortest(values: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The shortest value that is not empty."""
    return min((value for value in values if value), key=len, default=())


def _audit_tree(release: Release, layer: ReleasedLayer, period: Period, places: list[Place]) -> TreeAudit:
    number = {place.place_id: k for k, place in enumerate(places)}
    parent = np.array([number.get(place.parent_id or "", -1) for place in places], dtype=np.int64)
    published, count = np.zeros(len(places), dtype=bool), np.zeros(len(places), dtype=np.int64)
    for block in release.find_blocks(layer.name, period.name):
        published[number[block.place_id]], count[number[block.place_id]] = True, block.count
    return audit(published, count, parent, k=layer.k, half_full=layer.half_full)


def _compare_releases(earlier: Release, later: Release) -> list[Disclosure]:
    """Where a later release counts the same events as an earlier one in another way."""
    findings = []
    layers = {layer.name: layer for layer in later.layers}
    if earlier.facts["area"]["name"] != later.facts["area"]["name"]:
        return _find_repeated_days(earlier, layers)
    for layer_before in earlier.layers:
        layer_after = layers.get(layer_before.name)
        if layer_after is None:
            findings.append(Disclosure(layer_before.name, "", "", "an earlier release had this layer"))
            continue
        before, now = _list_terms(earlier, layer_before), _list_terms(later, layer_after)
        if before != now:
            findings.append(
                Disclosure(layer_before.name, "", "", "an earlier release had another k, period length or other places")
            )
        if not _continues_periods(layer_before, layer_after):
            findings.append(Disclosure(layer_before.name, "", "", "an earlier release had other periods"))
        findings += [
            Disclosure(layer_before.name, period.name, "", "an earlier release had other numbers")
            for period in layer_before.periods
            if _list_numbers(earlier, layer_before.name, period.name)
            != _list_numbers(later, layer_before.name, period.name)
        ]
    return findings


def _continues_periods(before: ReleasedLayer, after: ReleasedLayer) -> bool:
    """Whether all that was published still is, and the same periods were due: one not known then may be known now."""
    due_before = before.due_periods
    return set(before.periods) <= set(after.periods) and after.due_periods[: len(due_before)] == due_before


def _find_repeated_days(earlier: Release, layers: Mapping[str, ReleasedLayer]) -> list[Disclosure]:
    """Days of a layer that were published for another area before: new wards have to begin with a new period."""
    return [
        Disclosure(
            layer_before.name, period.name, "", "an earlier release of another area includes days of this period"
        )
        for layer_before in earlier.layers
        for period in (layers[layer_before.name].periods if layer_before.name in layers else ())
        if any(period.start < other.end and other.start < period.end for other in layer_before.periods)
    ]


def _list_terms(release: Release, layer: ReleasedLayer) -> tuple[object, ...]:
    """The terms that may not change from release to release, without numbers and periods."""
    return layer.k, layer.months, layer.minimum_places, layer.half_full, _list_outlines(release, layer.place_set)


def _list_numbers(release: Release, layer: str, period: str) -> dict[str, int]:
    return {block.place_id: block.count for block in release.find_blocks(layer, period)}


def find_broken_places(release: Release) -> list[Disclosure]:
    """The faults of the places: everything that the proof does not allow."""
    used_sets = {layer.place_set for layer in release.layers}
    findings = [
        Disclosure("", "", place.label, "no layer uses the set of this place")
        for place in release.places.values()
        if place.place_set not in used_sets
    ]
    wards = {(place.ward_code, place.label) for place in release.places.values() if place.level == "ward"}
    if len({code for code, _ in wards}) < len(wards):
        findings.append(Disclosure("", "", "places.csv", "a ward has two names"))
    for name in sorted(used_sets):
        places = [place for place in release.places.values() if place.place_set == name]
        broken = [*_check_tree(places), *_check_labels(places, _read_title(release)), *_check_outlines(places)]
        findings += [Disclosure("", "", label, f"{reason} (places {name})") for label, reason in broken]
    return findings


def _read_title(release: Release) -> str:
    area = release.facts.get("area")
    return str(area.get("title")) if isinstance(area, dict) else ""


def _check_tree(places: list[Place]) -> Iterator[tuple[str, str]]:
    """Pieces, groups, wards, and one borough, in that order; each below the next, in one ward; or a borough alone."""
    ranks = [LEVELS.index(place.level) for place in places]
    if not places or ranks != sorted(ranks) or ranks.count(LEVELS.index("borough")) != 1:
        yield "places.csv", "the places have to be pieces, groups, wards and one borough, in that order"
        return
    by_id = {place.place_id: place for place in places}
    for place in places[:-1]:
        parent = by_id.get(place.parent_id or "")
        above = LEVELS[LEVELS.index(place.level) + 1]
        if parent is None or parent.level != above or (above != "borough" and parent.ward_code != place.ward_code):
            yield place.label, f"this place is not part of a {above} of its own ward"
    if places[-1].parent_id or places[-1].ward_code:
        yield places[-1].label, "a borough cannot be part of another place or of a ward"
    parents = {place.parent_id for place in places}
    for place in places:
        if (place.level != "piece" and place.place_id not in parents and len(places) > 1) or not place.place_id:
            yield place.label, "this place has no pieces"
        if place.possible_places is not None and (place.level != "piece" or place.possible_places < 1):
            yield place.label, "only pieces have possible places, and at least one"


def _check_labels(places: list[Place], title: str) -> Iterator[tuple[str, str]]:
    """Every label has to follow from the name of the ward and the number of the place."""
    wards = {place.ward_code: place.label for place in places if place.level == "ward"}
    letters: dict[str, str] = {}
    size: dict[str, int] = {}
    for place in places:
        if place.level == "group":
            match = re.fullmatch(rf"{re.escape(wards.get(place.ward_code, ''))}, part ({LETTERS})", place.label)
            letters[place.place_id] = match[1] if match else ""
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
            yield place.label, "the name does not follow from its ward and its number"
    if len({place.label for place in places}) < len(places):
        yield "places.csv", "two places have one name"


def _check_outlines(places: list[Place]) -> Iterator[tuple[str, str]]:
    """Outlines that have no area, leave their parent's outline, or overlap another of the same level."""
    outlines = np.array([place.outline for place in places], dtype=object)
    area = shapely.area(outlines)
    is_area = np.isin(shapely.get_type_id(outlines), (3, 6)) & shapely.is_valid(outlines) & (area > 0)
    for k in np.flatnonzero(~is_area).tolist():
        yield places[k].label, "the outline has no area"
    number: Mapping[str, int] = {place.place_id: k for k, place in enumerate(places)}
    parent = np.array([number.get(place.parent_id or "", -1) for place in places])
    parts = np.flatnonzero(is_area & (parent >= 0) & is_area[parent])
    outside = shapely.area(shapely.difference(outlines[parts], outlines[parent[parts]])) > SHARED * area[parts]
    for k in parts[outside].tolist():
        yield places[k].label, "the outline leaves the place that it is part of"
    for level in LEVELS:
        level_places = np.array(
            [k for k in np.flatnonzero(is_area).tolist() if places[k].level == level], dtype=np.int64
        )
        for k in _find_overlapping(level_places, outlines, area):
            yield places[k].label, "the outline overlaps another place"


def _find_overlapping(places: NDArray[np.int64], outlines: NDArray[np.object_], area: NDArray[np.float64]) -> list[int]:
    """Which of these places overlap an earlier one in the list."""
    first, second = shapely.STRtree(outlines[places]).query(outlines[places], predicate="intersects")
    is_first = first < second
    first, second = places[first[is_first]], places[second[is_first]]
    common = shapely.area(shapely.intersection(outlines[first], outlines[second]))
    overlaps = common > SHARED * np.minimum(area[first], area[second])
    return sorted(set(second[overlaps].tolist()))


def _list_outlines(release: Release, place_set: str) -> list[tuple[object, ...]]:
    places = [place for place in release.places.values() if place.place_set == place_set]
    outlines = shapely.to_wkb(np.array([place.outline for place in places], dtype=object)).tolist()
    return [
        (place.place_id, place.level, place.parent_id, place.possible_places, outline)
        for place, outline in zip(places, outlines, strict=True)
    ]
